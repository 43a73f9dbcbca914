#!/usr/bin/env python3
"""Start-up side by side: seconds from exec until PING answers +PONG (not -LOADING) over a log of N keys.
usage: load.py [--keys N] [--value BYTES] [--ttl] [--rounds N] [--log calls,base] [--cold] NAME=COMMAND ...
COMMAND as in servers.py; --appendonly yes --appendfsync everysec, no automatic rewrite and no save rules are added to it.

Each server writes the data set through its own commands into its own log, is stopped in order, and is then started again in
turn with the others (A B A B ...); median time, CPU time up to there and the ratio to the first server. Two forms of log:
  calls    as the clients wrote it: N SET calls in RESP
  base     after BGREWRITEAOF: one base, in the form which the server's COMMAND asks for (RDB unless told otherwise)
After each start DBSIZE must be N again. The load only asks every 2 ms whether the server serves, so with SERVER_CPUS=0,1 a
server that reads on a second thread has a CPU for it; on CPU 0 alone (the default) all its threads share that. The files are in the page cache unless --cold is given, which drops theirs first.
Say with the figures: keys, value size, form of log, page cache or cold, CPUs, how each server was built."""
import argparse, glob, os, statistics, sys, time

import servers

LOGGED = "--appendonly yes --appendfsync everysec --auto-aof-rewrite-percentage 0 --save {none}"


def write(server, form, o):
    """Fills the server, brings its log into the form and stops it. Gives the bytes of its log."""
    server.start()
    tail = ["EX", 86400] if o.ttl else []
    value = b"v" * o.value
    servers.fill(server.port, (servers.call("SET", b"key:%012d" % i, value, *tail) for i in range(o.keys)))
    client = servers.Client(server.port)
    if form == "base":
        client("BGREWRITEAOF")
        time.sleep(0.2)
        while client.info("aof_rewrite_in_progress") == "1" or client.info("aof_rewrite_scheduled") == "1":
            time.sleep(0.1)
        if client.info("aof_last_bgrewrite_status") != "ok":
            raise servers.Failed("BGREWRITEAOF failed")
    client.close()
    server.end()
    return sum(os.path.getsize(f) for f in log_files(server))


def log_files(server):
    return [f for f in glob.glob(server.home + "/**/*.aof*", recursive=True) if os.path.isfile(f)]


def drop_cache(server):
    for path in log_files(server):
        fd = os.open(path, os.O_RDONLY)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


def start(server, o):
    """One start: (seconds, CPU seconds)."""
    if o.cold:
        drop_cache(server)
    seconds = server.start()
    cpu = server.cpu_seconds()
    client = servers.Client(server.port)
    found = client("DBSIZE")
    client.close()
    server.end()
    if found != o.keys:
        raise servers.Failed(f"{found} keys after the start, {o.keys} before")
    return seconds, cpu


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--keys", type=int, default=3000000)
    p.add_argument("--value", type=int, default=64, help="bytes of each value")
    p.add_argument("--ttl", action="store_true", help="every key expires after a day")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--log", default="calls,base", help="forms of log, comma-separated")
    p.add_argument("--cold", action="store_true", help="drop the log's pages before each start")
    p.add_argument("servers", nargs="+", metavar="NAME=COMMAND")
    o = p.parse_args()
    servers.pin_load()
    print(f"start on CPU {servers.SERVER_CPUS} over a log of {o.keys} keys, values of {o.value} bytes{', all with a deadline' if o.ttl else ''}, {'cold' if o.cold else 'in the page cache'}, median of {o.rounds}")
    for form in o.log.split(","):
        peers = [servers.Server(spec, LOGGED) for spec in o.servers]
        try:
            size = {peer.name: write(peer, form, o) for peer in peers}
            took = {peer.name: [] for peer in peers}
            for _ in range(o.rounds):
                for peer in peers:
                    took[peer.name].append(start(peer, o))
            first = None
            for peer in peers:
                seconds, cpu = (statistics.median(x) for x in zip(*took[peer.name]))
                first = first or seconds
                print(f"{form:6s} {peer.name:10s} {seconds:8.3f} s {servers.ratio(seconds, first)}   {cpu:7.2f} s of CPU   log {size[peer.name] / 1e6:8.1f} MB", flush=True)
        except servers.Failed as e:
            print(f"{form}: {e}", file=sys.stderr)
        finally:
            for peer in peers:
                peer.remove()


main()
