#!/usr/bin/env python3
"""Idle connections side by side: resident bytes that each takes once it has said PING.
usage: connections.py [--count N] NAME=COMMAND ...
COMMAND as in servers.py; --maxclients is added. The process's own limit on open files must allow N. The ratio is to the first server."""
import argparse, resource, socket, sys, time

import servers
from servers import call


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--count", type=int, default=10000)
    p.add_argument("servers", nargs="+")
    o = p.parse_args()
    servers.pin_load()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, o.count + 200) if hard > 0 else o.count + 200, hard))
    first = None
    for spec in o.servers:
        server = servers.Server(spec, f"--maxclients {o.count + 100}")
        try:
            server.start()
            time.sleep(0.5)
            before, all = server.resident_bytes(), []
            for _ in range(o.count):
                s = socket.create_connection(("127.0.0.1", server.port))
                s.sendall(call("PING"))
                if s.recv(64) != b"+PONG\r\n":
                    sys.exit(f"{server.name} does not answer")
                all.append(s)
            time.sleep(3)  # buffers of silent clients are given back by the cron
            each = (server.resident_bytes() - before) / o.count
            first = first or each
            print(f"{server.name:12} {each:8.0f} bytes a connection  {servers.ratio(each, first)}   all {(server.resident_bytes()) / 2**20:.1f} MiB", flush=True)
            for s in all:
                s.close()
        finally:
            server.remove()


if __name__ == "__main__":
    main()
