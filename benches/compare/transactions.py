#!/usr/bin/env python3
"""Transactions side by side: MULTI, N SETs of random keys, EXEC, pipelined.
usage: transactions.py [--sets N] [--depth N] [--keys N] [--seconds S] [--rounds N] NAME=COMMAND ...
COMMAND as in servers.py. For each server in turn, the median of N rounds:
  cpu/exec   CPU time of the server per transaction, in us      rate   transactions a second
DEPTH transactions are sent at once, then their replies are read. What is sent is made beforehand, and the figure to compare is the CPU
time: the rate is that of the load as well. The ratio is to the first server."""
import argparse, random, statistics, time

import servers
from servers import call

BATCHES = 400


def measure(server, batches, o):
    """Runs the batches over and over for o.seconds; gives (CPU us per EXEC, EXECs a second)."""
    client = servers.Client(server.port)
    lines = o.depth * (1 + o.sets + 1 + o.sets)  # OK, QUEUED each, the array's head, OK each
    done = 0
    cpu, begun = server.cpu_seconds(), time.perf_counter()
    while time.perf_counter() - begun < o.seconds:
        client.socket.sendall(batches[done % len(batches)])
        due = lines
        while due > 0:
            data = client.socket.recv(1 << 18)
            if b"-" in data:
                raise servers.Failed(data[:200].decode(errors="replace"))
            due -= data.count(b"\n")
        done += 1
    took, cpu = time.perf_counter() - begun, server.cpu_seconds() - cpu
    client.close()
    return cpu / (done * o.depth) * 1e6, done * o.depth / took


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    for name, default in [("sets", 10), ("depth", 16), ("keys", 1000000), ("rounds", 3)]:
        p.add_argument(f"--{name}", type=int, default=default)
    p.add_argument("--seconds", type=float, default=3)
    p.add_argument("servers", nargs="+")
    o = p.parse_args()
    servers.pin_load()
    chance = random.Random(1)
    one = lambda: b"".join([call("MULTI")] + [call("SET", b"key:%012d" % chance.randrange(o.keys), b"v" * 64) for _ in range(o.sets)] + [call("EXEC")])
    batches = [b"".join(one() for _ in range(o.depth)) for _ in range(BATCHES)]
    first = None
    for spec in o.servers:
        server = servers.Server(spec)
        try:
            server.start()
            servers.fill(server.port, (call("SET", b"key:%012d" % i, b"v" * 64) for i in range(o.keys)))
            found = [measure(server, batches, o) for _ in range(o.rounds)]
            cpu, rate = (statistics.median(f) for f in zip(*found))
            first = first or cpu
            print(f"{server.name:12} cpu/exec {cpu:7.2f} us  {servers.ratio(cpu, first)}   rate {rate:9.0f}/s", flush=True)
        finally:
            server.remove()


if __name__ == "__main__":
    main()
