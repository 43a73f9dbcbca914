#!/usr/bin/env python3
"""Speed side by side: the same redis-benchmark workloads against several servers in turn (A B C A B C ...), the
server on CPU 0, the load on CPU 1. For each workload and server it prints the median throughput and the median CPU time
that the server's process (all its threads) spent per request, each with its ratio to the first server. CPU per request is
the steadier figure: it holds when the load generator is the bottleneck and when the machine is noisy. lrange100 counts
the pushes that fill its list; zadd and the like begin with an empty collection. Say with every figure: one core for the
server, loopback, depth, whether the peer's io-threads are off (they are unless its COMMAND turns them on), and how each was built.

usage: versus.py [--rounds N] [--scale F] [--only NAME,..] [--preload KEYS] --servers NAME=COMMAND ...
COMMAND as in servers.py, e.g.
  --servers "valkey9=/tmp/peers-bin/bin/valkey-server --port {port} --save {none}" "ours=target/release/ferrodis --port {port} --save {none}"
The workloads of names in tls- want {tls} in each COMMAND. BENCH names the load generator (default: redis-benchmark)."""
import argparse, statistics, sys

import servers

WORK = {  # name: (redis-benchmark arguments, requests)
    "get-p1":    ("-c 50 -P 1 -d 64 -r 1000000 -t get", 300000),
    "set-p1":    ("-c 50 -P 1 -d 64 -r 1000000 -t set", 300000),
    "get-p16":   ("-c 50 -P 16 -d 64 -r 1000000 -t get", 3000000),
    "set-p16":   ("-c 50 -P 16 -d 64 -r 1000000 -t set", 3000000),
    "get-p100":  ("-c 20 -P 100 -d 64 -r 1000000 -t get", 5000000),
    "set-p100":  ("-c 20 -P 100 -d 64 -r 1000000 -t set", 5000000),
    "incr-p16":  ("-c 50 -P 16 -r 1000000 -t incr", 3000000),
    "setex-p16": ("-c 50 -P 16 -r 1000000 setex key:__rand_int__ 600 xxxxxxxxxxxxxxxx", 2000000),
    "mset-p16":  ("-c 50 -P 16 -d 16 -r 1000000 -t mset", 400000),
    "setbig-p1": ("-c 50 -P 1 -d 16384 -r 1000 set big:__rand_int__ " + "x" * 16384, 150000),
    "getbig-p1": ("-c 50 -P 1 -r 1000 get big:__rand_int__", 150000),
    "conns1000": ("-c 1000 -P 1 -d 64 -r 1000000 -t get", 200000),
    "lpush-p16": ("-c 50 -P 16 -d 32 -t lpush", 2000000),
    "lrange100": ("-c 50 -P 4 -t lrange_100", 200000),
    "hset-p16":  ("-c 50 -P 16 -r 1000000 -t hset", 3000000),
    "sadd-p16":  ("-c 50 -P 16 -r 1000000 -t sadd", 3000000),
    "zadd-p16":  ("-c 50 -P 16 -r 1000000 -t zadd", 2000000),
    "xadd-p16":  ("-c 50 -P 16 -r 1000000 xadd mystream MAXLEN ~ 10000 * f v", 1000000),
    "tls-get-p1":  ("--tls --insecure -c 50 -P 1 -d 64 -r 1000000 -t get", 300000),
    "tls-get-p16": ("--tls --insecure -c 50 -P 16 -d 64 -r 1000000 -t get", 1500000),
}


def measure(server, args, requests):
    client = servers.Client(server.port)
    client("DEL", "mylist", "mystream", "myset", "myzset", "myhash")
    client.close()
    if "get big:" in args:  # every key must be there, whichever workloads ran before
        servers.fill(server.port, (servers.call("SET", "big:%012d" % i, b"x" * 16384) for i in range(1000)), 20)
    before = server.cpu_seconds()
    run = servers.bench(server.tls_port if "--tls" in args else server.port, "-q", "--csv", "-n", requests, *args.split())
    out = run.communicate()[0]
    spent = server.cpu_seconds() - before
    rows = [l for l in out.splitlines() if l.startswith('"') and not l.startswith('"test"')]
    if run.returncode or not rows or "ERR" in out:
        print(f"{server.name}: {(out.strip().splitlines() or ['no output'])[-1]}", file=sys.stderr)
        return None
    return float(rows[-1].split('","')[1].strip('"')), spent / requests * 1e6


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--scale", type=float, default=1.0, help="factor on every workload's number of requests")
    p.add_argument("--only", help="workloads, comma-separated (without it all but those over TLS): " + ",".join(WORK))
    p.add_argument("--preload", type=int, default=1000000, help="keys set before the first workload (GETs of a preloaded million all hit)")
    p.add_argument("--servers", nargs="+", required=True, metavar="NAME=COMMAND")
    o = p.parse_args()
    unknown = set(o.only.split(",") if o.only else []) - set(WORK)
    if unknown:
        p.error(f"no workload {', '.join(sorted(unknown))}: there are {', '.join(WORK)}")
    servers.pin_load()
    peers = [servers.Server(spec) for spec in o.servers]
    try:
        for peer in peers:
            peer.start()
            servers.fill(peer.port, (servers.call("SET", "key:%012d" % i, b"x" * 64) for i in range(o.preload)))
        print(f"{'workload':10s} " + " ".join(f"{peer.name + ': req/s, CPU/req':>36s}" for peer in peers))
        for work in o.only.split(",") if o.only else [name for name in WORK if "--tls" not in WORK[name][0]]:
            args, requests = WORK[work]
            got = {peer.name: [] for peer in peers}
            for _ in range(o.rounds):
                for peer in peers:
                    got[peer.name].append(measure(peer, args, max(1000, int(requests * o.scale))))
            cells, base = [], None
            for peer in peers:
                if None in got[peer.name]:
                    cells.append("failed")
                    continue
                rate, us = (statistics.median(x) for x in zip(*got[peer.name]))
                base = base or (rate, us)
                cells.append(f"{rate:9.0f}/s {servers.ratio(rate, base[0])} {us:7.3f}us {servers.ratio(us, base[1])}")
            print(f"{work:10s} " + " ".join(f"{c:>36s}" for c in cells), flush=True)
    finally:
        for peer in peers:
            peer.remove()


main()
