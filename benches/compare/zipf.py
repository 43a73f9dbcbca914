#!/usr/bin/env python3
"""Hit ratio side by side: a cache under allkeys-lru replays a Zipf trace, against exact LRU computed offline.
usage: zipf.py [--keys U] [--resident K] [--warm N] [--measured N] [--skew 0.9,1.0] [--seed S] NAME=COMMAND ...
COMMAND as in servers.py; --maxmemory-policy allkeys-lru is added to it.

One access is one call, SET key value NX GET: a key that is there is read (a hit, which touches it), one that is not is set (a
miss), so a pipeline of calls is still one sequence of accesses with nothing between the look and the fill.

The same number of keys: hit ratios compare only at equal capacity, and servers fit different numbers of keys into the same
bytes. So all keys and all values have one length, and for each server maxmemory is set to the used_memory which it reports
with K keys in it, then it is emptied. What it keeps from there on is asked with DBSIZE after each pipeline, and the offline
LRU replays the same trace at that very capacity, pipeline by pipeline. The first N calls (warm) fill the cache and are not
counted. Printed: keys resident while measured (least to most), the server's ratio, exact LRU's ratio, and their difference.
The ratio of another server is not the yardstick: each is held against exact LRU at its own number of keys.
Redis and Valkey stamp keys with whole seconds: a replay that turns the cache over within a second (small counts) shows them
below what they reach. Say with the figures: U, K, skew, seed, how long the replay took, and the others' maxmemory-samples."""
import argparse, collections, itertools, random, sys, time

import servers
from servers import call

BATCH = 200
VALUE = b"v" * 64


def key(i):
    return b"zipf:%010d" % i


def trace(universe, skew, count, seed):
    """count ranks below universe, rank r with a probability in proportion to 1 / (r + 1) ** skew."""
    weights = list(itertools.accumulate((r + 1) ** -skew for r in range(universe)))
    return random.Random(seed).choices(range(universe), cum_weights=weights, k=count)


def limit(client, port, resident):
    """Sets maxmemory to what the server needs for so many keys, and empties it."""
    client("CONFIG", "SET", "maxmemory", 0)
    servers.fill(port, (call("SET", key(10 ** 9 + i), VALUE) for i in range(resident)), BATCH)
    client("CONFIG", "SET", "maxmemory", client.info("used_memory"))
    client("FLUSHALL")


def replay(client, accesses):
    """Yields (hits, keys resident afterwards) for each pipeline."""
    for start in range(0, len(accesses), BATCH):
        replies = client.pipeline([call("SET", key(i), VALUE, "NX", "GET") for i in accesses[start:start + BATCH]] + [call("DBSIZE")])
        yield sum(reply is not None for reply in replies[:-1]), replies[-1]


def exact(accesses, sizes):
    """Yields the hits of exact LRU for each pipeline, at the capacity that the server had."""
    kept = collections.OrderedDict()
    for start, size in zip(range(0, len(accesses), BATCH), sizes):
        hits = 0
        for i in accesses[start:start + BATCH]:
            if i in kept:
                hits += 1
                kept.move_to_end(i)
            else:
                kept[i] = None
                if len(kept) > size:
                    kept.popitem(last=False)
        while len(kept) > size:
            kept.popitem(last=False)
        yield hits


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--keys", type=int, default=1000000, help="different keys in the trace")
    p.add_argument("--resident", type=int, default=100000, help="keys that fit, about")
    p.add_argument("--warm", type=int, default=2000000, help="accesses before the count begins")
    p.add_argument("--measured", type=int, default=2000000, help="accesses counted")
    p.add_argument("--skew", default="0.9,1.0")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("servers", nargs="+", metavar="NAME=COMMAND")
    o = p.parse_args()
    servers.pin_load()
    print(f"allkeys-lru, {o.keys} keys, about {o.resident} fit, {o.warm} accesses to warm up, {o.measured} measured, seed {o.seed}")
    for skew in o.skew.split(","):
        accesses = trace(o.keys, float(skew), o.warm + o.measured, o.seed)
        for spec in o.servers:
            server = servers.Server(spec, "--maxmemory-policy allkeys-lru")
            try:
                server.start()
                client = servers.Client(server.port)
                limit(client, server.port, o.resident)
                begun = time.perf_counter()
                hits, sizes = zip(*replay(client, accesses))
                took = time.perf_counter() - begun
                client.close()
                counted = o.warm // BATCH
                total = len(accesses) - counted * BATCH
                ours, best, kept = sum(hits[counted:]) / total, sum(list(exact(accesses, sizes))[counted:]) / total, sizes[counted:]
                print(f"zipf {skew}  {server.name:10s} keys {min(kept)}..{max(kept)}  hit ratio {ours:.4f}  exact LRU {best:.4f}  difference {ours - best:+.5f}  in {took:.0f} s", flush=True)
            except servers.Failed as e:
                print(f"zipf {skew}: {server.name}: {e}", file=sys.stderr)
            finally:
                server.remove()


main()
