#!/usr/bin/env python3
"""Client-side caching side by side: what it takes to remember who has read which keys.
usage: tracking.py [--keys N] [--seconds S] [--rounds N] NAME=COMMAND ...
COMMAND as in servers.py. For each server in turn:
  bytes/key   resident bytes per key that one client has read once, beyond the keys themselves
  get, +      CPU time of the server per GET of a random key, 16 at a time, in ns: by a client that is told of no changes, and by one that
              is told and has read all keys before; the share is that of the first in the second (median of N rounds, alternating)
The ratio of bytes is to the first server."""
import argparse, random, statistics, time

import servers
from servers import call

DEPTH, BATCHES = 16, 4000


def gets(server, client, batches, seconds):
    """CPU ns per GET."""
    done, cpu, begun = 0, server.cpu_seconds(), time.perf_counter()
    while time.perf_counter() - begun < seconds:
        client.socket.sendall(batches[done % len(batches)])
        due = 2 * DEPTH
        while due > 0:
            due -= client.socket.recv(1 << 16).count(b"\n")
        done += 1
    return (server.cpu_seconds() - cpu) / (done * DEPTH) * 1e9


def read_all(client, keys):
    for start in range(0, keys, 500):
        client.socket.sendall(b"".join(call("GET", b"key:%012d" % i) for i in range(start, min(start + 500, keys))))
        due = 2 * min(500, keys - start)
        while due > 0:
            due -= client.socket.recv(1 << 18).count(b"\n")


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--keys", type=int, default=1000000)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=float, default=2)
    p.add_argument("servers", nargs="+")
    o = p.parse_args()
    servers.pin_load()
    chance = random.Random(1)
    batches = [b"".join(call("GET", b"key:%012d" % chance.randrange(o.keys)) for _ in range(DEPTH)) for _ in range(BATCHES)]
    first = None
    for spec in o.servers:
        server = servers.Server(spec)
        try:
            server.start()
            servers.fill(server.port, (call("SET", b"key:%012d" % i, b"v" * 64) for i in range(o.keys)))
            plain, told = servers.Client(server.port), servers.Client(server.port)
            told("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "none")
            told("CLIENT", "TRACKING", "OFF")
            told("CONFIG", "SET", "tracking-table-max-keys", 0)
            time.sleep(1)
            before = server.resident_bytes()
            told("CLIENT", "TRACKING", "ON")
            read_all(told, o.keys)
            time.sleep(1)
            each = (server.resident_bytes() - before) / o.keys
            first = first or each
            found = [(gets(server, plain, batches, o.seconds), gets(server, told, batches, o.seconds)) for _ in range(o.rounds)]
            a, b = (statistics.median(f) for f in zip(*found))
            print(f"{server.name:12} bytes/key {each:6.1f}  {servers.ratio(each, first)}   get {a:5.0f} ns, + {b:5.0f} ns, share {a / b:.2f}", flush=True)
        finally:
            server.remove()


if __name__ == "__main__":
    main()
