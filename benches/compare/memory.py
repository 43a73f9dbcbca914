#!/usr/bin/env python3
"""Memory side by side: bytes of resident memory per item (key and value included), by shape, in a fresh server for each.
usage: memory.py NAME=COMMAND ...      COMMAND as in servers.py
N is a list of item counts (default 1000000,1400000,1800000: a table is at its luckiest just before it grows); the worst is
printed. ONLY is a comma-separated choice of shapes; the ratio is to the first server. The shape `churn` sets N keys of 64
bytes, deletes a random half, sets N/2 others of 100 bytes, and prints resident bytes over used_memory."""
import os, random, sys, time

import servers
from servers import call

COUNTS = [int(n) for n in os.environ.get("N", "1000000,1400000,1800000").split(",")]


SHAPES = {
    "str16":    lambda i: call(b"SET", b"key:%012d" % i, b"v" * 16),
    "str64":    lambda i: call(b"SET", b"key:%012d" % i, b"v" * 64),
    "strint":   lambda i: call(b"SET", b"key:%012d" % i, b"%d" % (i + 100000)),
    "str16ttl": lambda i: call(b"SET", b"key:%012d" % i, b"v" * 16, b"EX", b"%d" % (86400 + i % 86400)),
    "hash5":    lambda i: call(b"HSET", b"usr:%012d" % i, b"name", b"john doe", b"mail", b"j@example.com", b"age", b"42", b"city", b"paris", b"ts", b"1700000000"),
    "bighash":  lambda i: call(b"HSET", b"bh:%04d" % (i % 100), b"f:%012d" % i, b"v" * 16),
    "bigset":   lambda i: call(b"SADD", b"bs:%04d" % (i % 100), b"member:%012d" % i),
    "bigzset":  lambda i: call(b"ZADD", b"bz:%04d" % (i % 100), b"%d" % (i * 7919 % 1000003), b"member:%012d" % i),
    "list":     lambda i: call(b"RPUSH", b"li:%04d" % (i % 100), b"item:%012d" % i),
    "stream":   lambda i: call(b"XADD", b"st:%04d" % (i % 100), b"*", b"temp", b"%d" % (i % 50), b"hum", b"%d" % (i % 90)),
}


def figure(shape, server, n):
    empty = server.resident_bytes()
    if shape == "churn":
        keys = list(range(n))
        random.Random(1).shuffle(keys)
        servers.fill(server.port, (call(b"SET", b"key:%012d" % i, b"v" * 64) for i in range(n)))
        servers.fill(server.port, (call(b"DEL", b"key:%012d" % i) for i in keys[:n // 2]))
        servers.fill(server.port, (call(b"SET", b"new:%012d" % i, b"w" * 100) for i in range(n // 2)))
        time.sleep(2.5)  # what runs in the background (resizing, freeing) gets its time
        return server.resident_bytes() / int(servers.Client(server.port).info("used_memory"))
    servers.fill(server.port, (SHAPES[shape](i) for i in range(n)), 500, 2 if shape == "stream" else 1)
    time.sleep(2.5)
    return (server.resident_bytes() - empty) / n


def worst(shape, spec):
    """The greatest figure over all counts, or None when the server failed."""
    found = []
    for n in COUNTS:
        server = servers.Server(spec)
        try:
            server.start()
            time.sleep(0.5)
            found.append(figure(shape, server, n))
        except (servers.Failed, OSError) as e:
            print(f"{shape}: {server.name}: {e}", file=sys.stderr)
            return None
        finally:
            server.remove()
    return max(found)


def main():
    specs = sys.argv[1:]
    if not specs or specs[0] in ("-h", "--help"):
        return print(__doc__)
    shapes = os.environ["ONLY"].split(",") if "ONLY" in os.environ else list(SHAPES) + ["churn"]
    servers.pin_load()
    print(f"{'shape':10s} " + " ".join(f"{spec.split('=')[0]:>16s}" for spec in specs) + f"   bytes of RSS per item, worst of N={COUNTS}")
    for shape in shapes:
        figures = [worst(shape, spec) for spec in specs]
        cells = [f"{f:8.2f} {servers.ratio(f, figures[0])}" if f else "failed" for f in figures]
        print(f"{shape:10s} " + " ".join(f"{c:>16s}" for c in cells), flush=True)


main()
