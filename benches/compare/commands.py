#!/usr/bin/env python3
"""What one long call costs: commands over collections of 100,000 elements, on several servers in turn (A B A B ...). For
each it prints the CPU time that the server's process spent per call and the time until the last byte of the reply was
here, medians of the rounds, each with its ratio to the first server. A call is repeated for about `--seconds` per round, one
at a time, by a client that counts what comes and reads none of it; the CPU time has steps of 10 ms, so a shorter round
says little. The time includes sending the reply over loopback: where replies have megabytes, that is most of it.
All servers get the same elements, made from a seed, and every reply is as long as the first server's or is reported.

usage: commands.py [--rounds N] [--seconds S] [--elements N] [--only NAME,..] NAME=COMMAND ...
COMMAND as in servers.py, e.g.
  "valkey9=/tmp/peers-bin/bin/valkey-server --port {port} --save {none}" "ours=target/release/ferrodis --port {port} --save {none}"
"""
import argparse, random, statistics, sys, time

import servers

END = servers.call("ECHO", "the end")  # follows each call, so that its answer ends what comes
END_REPLY = b"$7\r\nthe end\r\n"
CALLS = {  # name: the call
    "zunionstore":     "ZUNIONSTORE out 2 zset:a zset:b",
    "zinterstore":     "ZINTERSTORE out 2 zset:a zset:b",
    "sinter":          "SINTER set:a set:b",
    "sunionstore":     "SUNIONSTORE out set:a set:b",
    "sort":            "SORT numbers",
    "sort-alpha":      "SORT numbers ALPHA LIMIT 0 100",
    "zrangebyscore":   "ZRANGEBYSCORE zset:a -inf +inf",
    "zrange-scores":   "ZRANGE zset:a 0 -1 WITHSCORES",
    "xrange":          "XRANGE stream - +",
    "geosearch":       "GEOSEARCH points FROMLONLAT 15 38 BYRADIUS 300 km",
    "geosearch-first": "GEOSEARCH points FROMLONLAT 15 38 BYRADIUS 300 km ASC COUNT 100 WITHDIST",
    "smembers":        "SMEMBERS set:a",
    "hgetall":         "HGETALL hash",
    "lrange":          "LRANGE numbers 0 -1",
}


def elements(n):
    """The calls that make the collections: two sets and two sorted sets that share half of their members, a list of numbers, a
    hash, a stream, and points about Sicily."""
    chance = random.Random(7)
    for i in range(n):
        a, b = f"member:{i:012}", f"member:{i + n // 2:012}"
        yield servers.call("SADD", "set:a", a)
        yield servers.call("SADD", "set:b", b)
        yield servers.call("ZADD", "zset:a", chance.randrange(10 * n), a)
        yield servers.call("ZADD", "zset:b", chance.randrange(10 * n), b)
        yield servers.call("RPUSH", "numbers", chance.randrange(10 * n))
        yield servers.call("HSET", "hash", a, b)
        yield servers.call("XADD", "stream", f"{i + 1}-0", "field", i, "other", "value")
        yield servers.call("GEOADD", "points", f"{chance.uniform(12, 18):.6f}", f"{chance.uniform(36, 40):.6f}", a)


class Caller:
    """Calls a server again and again."""

    def __init__(self, server, call):
        self.server, self.client = server, servers.Client(server.port)
        self.bytes = servers.call(*call.split()) + END
        self.client(*call.split())  # an error is told before anything is measured
        self.room = bytearray(1 << 20)

    def once(self):
        """One call; gives the bytes that came."""
        sock, size, end = self.client.socket, 0, b""
        sock.sendall(self.bytes)
        while not end.endswith(END_REPLY):
            n = sock.recv_into(self.room)
            if not n:
                raise servers.Failed("connection closed")
            size, end = size + n, (end + self.room[max(0, n - len(END_REPLY)):n])[-len(END_REPLY):]
        return size

    def measure(self, seconds):
        """(CPU seconds per call, median seconds of a call, bytes of a reply)."""
        times, before, begun = [], self.server.cpu_seconds(), time.perf_counter()
        while time.perf_counter() - begun < seconds or len(times) < 3:
            start = time.perf_counter()
            size = self.once()
            times.append(time.perf_counter() - start)
        return (self.server.cpu_seconds() - before) / len(times), statistics.median(times), size


def measure(peers, call, rounds, seconds):
    """For each server what `Caller.measure` gives, or why it cannot be had."""
    callers, got = {}, {peer.name: [] for peer in peers}
    for peer in peers:
        try:
            callers[peer.name] = Caller(peer, call)
        except servers.Failed as failed:
            got[peer.name] = str(failed)
    for _ in range(rounds):
        for name, caller in callers.items():
            got[name].append(caller.measure(seconds))
    for caller in callers.values():
        caller.client.close()
    return got


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=float, default=1.0, help="how long a call is repeated per round")
    p.add_argument("--elements", type=int, default=100000)
    p.add_argument("--only", help="calls, comma-separated: " + ",".join(CALLS))
    p.add_argument("servers", nargs="+", metavar="NAME=COMMAND")
    o = p.parse_args()
    unknown = set(o.only.split(",") if o.only else []) - set(CALLS)
    if unknown:
        p.error(f"no call {', '.join(sorted(unknown))}: there are {', '.join(CALLS)}")
    servers.pin_load()
    peers = [servers.Server(spec) for spec in o.servers]
    try:
        for peer in peers:
            peer.start()
            servers.fill(peer.port, elements(o.elements))
        print(f"{'call':16s} " + " ".join(f"{peer.name + ': CPU, time per call':>36s}" for peer in peers))
        for name in o.only.split(",") if o.only else CALLS:
            got, cells, base = measure(peers, CALLS[name], o.rounds, o.seconds), [], None
            for peer in peers:
                if isinstance(got[peer.name], str):
                    cells.append(got[peer.name][:36])
                    continue
                cpu, wall, size = (statistics.median(x) for x in zip(*got[peer.name]))
                base = base or (cpu, wall, size)
                cells.append(f"{cpu * 1e3:8.3f}ms {servers.ratio(cpu, base[0])} {wall * 1e3:8.3f}ms {servers.ratio(wall, base[1])}")
                if size != base[2]:
                    print(f"{name}: {peer.name} answers {size:.0f} bytes, the first {base[2]:.0f}", file=sys.stderr)
            print(f"{name:16s} " + " ".join(f"{c:>36s}" for c in cells), flush=True)
    finally:
        for peer in peers:
            peer.remove()


main()
