#!/usr/bin/env python3
"""Durable writes side by side: appendfsync always, SETs of 50 clients at depth 1, while 50 other clients GET.
usage: always.py [--added-ms MS,..] [--seconds S] [--rounds N] [--clients N] [--paced SHARE] NAME=COMMAND ...
COMMAND as in servers.py; --appendonly yes --appendfsync always, no rewrite and no save rules are added to it. A server whose
reads may show writes that are not durable yet is faster here for a reason: run dirty.py too and publish both.

For each server in turn, N rounds, the median of each figure:
  set        SETs a second, no other load; of that, calls/sync: how many calls one sync carried, what one sync took, and the
             share of what could be: as many calls as there are clients with each sync, the syncs one behind the other
  get        GETs a second of as many clients, no writers
  set+get    SETs a second while the others GET
  get+set    GETs a second while the others SET, and its share of `get`
  get+paced  GETs a second while the others SET at a fixed rate, SHARE (0.8) of `set+get`; its share of what the same server
             without a log reaches beside the same writers: what durability costs the readers, the writers' CPU left aside
  GET delay  p50, p99, p99.9 of one client that GETs each millisecond on its own schedule while only the writers run
--added-ms puts that much on top of every fsync and fdatasync of the server (slow_sync.c, preloaded); 0 is the disk as it is.
The cost of one sync, the added time included, is printed: on a disk where it is free, `always` means nothing.
Both loads share the CPU of the load (LOAD_CPUS), so `get+set` can lose to the generator as well as to the server; give it two
CPUs where there are. HOMES is where the log lies. Say with the figures: the disk, its sync, what was added, CPUs."""
import argparse, os, re, statistics, subprocess, sys, time

import servers
from slow_sync import SlowSync

UNLOGGED = "--appendonly no --save {none}"
LOGGED = "--appendonly yes --appendfsync always --auto-aof-rewrite-percentage 0 --save {none}"
KEYS = 100000
NEVER_ENDS = 10 ** 9


class Load:
    """A benchmark, running until it is stopped, at a fixed rate if one is given; its rate is what the server counted."""

    def __init__(self, port, command, clients, rate=None):
        words = f"-q -c {clients} -P 1 -d 64 -r {KEYS} -n {NEVER_ENDS} -t {command}".split()
        self.bench = servers.bench(port, *words, rate=rate)

    def stop(self):
        self.bench.kill()
        self.bench.communicate()


def calls(client, command):
    """How often the server ran the command."""
    found = re.search(rb"(?m)^cmdstat_" + command.encode() + rb":calls=(\d+)", client("INFO", "commandstats"))
    return int(found.group(1)) if found else 0


def rates(server, sync, loads, o, set_rate=None):
    """Runs the loads together for o.seconds. Gives (calls a second of each, calls per sync, seconds per sync)."""
    client = servers.Client(server.port)
    running = [Load(server.port, command, o.clients, set_rate if command == "set" else None) for command in loads]
    time.sleep(0.5)  # all clients are connected
    before, synced, spent, begun = [calls(client, c) for c in loads], sync.calls(), sync.seconds(), time.perf_counter()
    time.sleep(o.seconds)
    after, synced, spent, took = [calls(client, c) for c in loads], sync.calls() - synced, sync.seconds() - spent, time.perf_counter() - begun
    for load in running:
        if load.bench.poll() is not None:
            raise servers.Failed(f"the load ended early: {load.bench.communicate()[0].strip()[-200:]}")
        load.stop()
    client.close()
    made = [b - a for a, b in zip(before, after)]
    return [n / took for n in made], made[0] / synced if synced else 0.0, spent / synced if synced else 0.0


def delays(server, probe, o):
    """What one reader sees while only the writers run."""
    writers = Load(server.port, "set", o.clients)
    time.sleep(0.5)
    seen = subprocess.Popen([probe, str(server.port), "1000", str(KEYS)], stdout=subprocess.PIPE, text=True)
    time.sleep(o.seconds)
    seen.terminate()
    out = seen.communicate()[0]
    writers.stop()
    return [float(x) for x in re.findall(r"p(?:50|99|99\.9) ([\d.]+)", out)]


def measure(server, twin, sync, probe, o):
    """One round: all figures of the table as a list of numbers. The twin has no log."""
    (alone,), carried, cost = rates(server, sync, ["set"], o)
    (quiet,), _, _ = rates(server, sync, ["get"], o)
    (writes, reads), _, _ = rates(server, sync, ["set", "get"], o)
    (paced, beside), _, _ = rates(server, sync, ["set", "get"], o, int(writes * o.paced))
    (unlogged, without), _, _ = rates(twin, sync, ["set", "get"], o, int(paced))
    return [alone, carried, cost * 1e3, quiet, writes, reads, paced, beside, unlogged, without, *delays(server, probe, o)]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--added-ms", default="0,2", help="milliseconds added to every sync, comma-separated runs")
    p.add_argument("--seconds", type=float, default=5, help="of each part")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--clients", type=int, default=50, help="of each kind")
    p.add_argument("--paced", type=float, default=0.8, help="the fixed rate, as a share of set+get")
    p.add_argument("servers", nargs="+", metavar="NAME=COMMAND")
    o = p.parse_args()
    servers.pin_load()
    probe = servers.compiled("probe.c")
    for added in o.added_ms.split(","):
        syncs = [SlowSync(float(added)) for _ in o.servers]
        peers = [servers.Server(spec, LOGGED, sync.env) for spec, sync in zip(o.servers, syncs)]
        twins = [servers.Server(spec, UNLOGGED) for spec in o.servers]
        try:
            for peer in peers + twins:
                peer.start()
                servers.fill(peer.port, (servers.call("SET", b"key:%012d" % i, b"x" * 64) for i in range(KEYS)), 2000)
            rows = {peer.name: [] for peer in peers}
            for _ in range(o.rounds):
                for peer, twin, sync in zip(peers, twins, syncs):
                    rows[peer.name].append(measure(peer, twin, sync, probe, o))
            first = None
            for peer in peers:
                alone, carried, cost, quiet, writes, reads, paced, beside, unlogged, without, *late = (statistics.median(x) for x in zip(*rows[peer.name]))
                first = first or alone
                print(f"+{added} ms {peer.name:10s} set {alone:7.0f}/s {servers.ratio(alone, first)}  {carried:5.1f} calls/sync of {cost:6.3f} ms ({alone * cost / 1e3 / o.clients:.2f} of what could be)"
                      f"  get {quiet:7.0f}/s  set+get {writes:7.0f}/s  get+set {reads:7.0f}/s ({reads / quiet:.2f} of get)"
                      f"  get+paced {beside:7.0f}/s beside {paced:.0f}/s ({beside / without:.2f} of {without:.0f}/s beside {unlogged:.0f}/s without a log)"
                      f"  GET delay {' '.join(f'{ms:.3f}' for ms in late)} ms", flush=True)
        except servers.Failed as e:
            print(f"+{added} ms: {e}", file=sys.stderr)
        finally:
            for peer, twin, sync in zip(peers, twins, syncs):
                peer.remove()
                twin.remove()
                sync.remove()


main()
