#!/usr/bin/env python3
"""Pauses side by side: what a client sees while the server does its heavy background work.
usage: pause.py NAME=COMMAND ...      COMMAND as in servers.py; run with appendonly yes
Phases (PHASES=idle,grow,rewrite,expire,bigdel):
  idle     nothing else happens: what the probe and the machine themselves cost
  grow     SET of N new keys (default 3000000)
  rewrite  BGREWRITEAOF under write load, one after the other until REWRITE_SECONDS (3) are over, with the peak memory of the
           process tree, and the commands served a second meanwhile to those in as long a time just before
  expire   1 M keys due in the same millisecond: how long until none of them is left in memory (expired_keys in INFO)
  bigdel   DEL of a set of 2 M members
The probe (probe.c beside this file) sends a GET each millisecond on its own schedule, before the load where the system lets it (root). Server on CPU 0, load and probe on
CPU 1. A server that forks puts its child on the same CPU 0; for its best case give it CPU 1 as well
(--aof_rewrite_cpulist 1 for Redis, --aof-rewrite-cpulist 1 for Valkey) and publish both. A server that has the statistics
loop_longest_turn_us (by the clock on the wall: what its other threads take of CPU 0 meanwhile, and the machine's stalls, are in it)
and loop_longest_run_us (the time that the loop ran itself) in INFO gets them reset before each phase and printed after it."""
import os, subprocess, sys, time

import servers
from servers import call

N = int(os.environ.get("N", "3000000"))
REWRITE_SECONDS = float(os.environ.get("REWRITE_SECONDS", "3"))
PHASES = os.environ.get("PHASES", "idle,grow,rewrite,expire,bigdel").split(",")


def tree_mib(pid):
    # Not with pgrep: it looks at all processes, and takes a tenth of the CPU that the load needs.
    kin = [pid] + [int(x) for x in open(f"/proc/{pid}/task/{pid}/children").read().split()]
    if len(kin) == 1:  # nothing is shared: no need for smaps, whose reader keeps the process from mapping memory meanwhile
        return int(open(f"/proc/{pid}/statm").read().split()[1]) * os.sysconf("SC_PAGESIZE") / (1 << 20)
    total = 0
    for p in kin:
        try:
            total += next(int(l.split()[1]) for l in open(f"/proc/{p}/smaps_rollup") if l.startswith("Pss:"))
        except (OSError, StopIteration):
            pass
    return total / 1024


def probe(port):
    return subprocess.Popen(["taskset", "-c", servers.LOAD_CPUS, PROBE, str(port), "1000", str(N)], stdout=subprocess.PIPE, text=True)


def seen(p):
    p.terminate()
    return p.communicate()[0].strip()


def load(port, n, deadline=None):
    tail = ["PXAT", deadline] if deadline else []
    servers.fill(port, (call("SET", b"key:%012d" % i, b"v" * 64, *tail) for i in range(n)), 200)


def idle(port, pid, c):
    p = probe(port)
    time.sleep(5)
    return seen(p)


def grow(port, pid, c):
    c("FLUSHALL")
    p, t = probe(port), time.time()
    load(port, N)
    return f"{N} keys in {time.time() - t:.1f} s: {seen(p)}"


def rewrite(port, pid, c):
    served = lambda: int(c.info("total_commands_processed"))
    before, bench = tree_mib(pid), servers.bench(port, *f"-q -c 5 -P 4 -d 64 -r {N} -n 100000000 -t set".split())
    time.sleep(1)
    p, t, n = probe(port), time.time(), served()
    while time.time() - t < REWRITE_SECONDS:  # what is asked meanwhile costs the same before and during
        c.info("aof_rewrite_in_progress"), c.info("aof_rewrite_scheduled"), tree_mib(pid)
        time.sleep(0.05)
    quiet = (served() - n) / (time.time() - t)
    seen(p)
    c("CONFIG", "RESETSTAT")
    p, t, n, peak, times = probe(port), time.time(), served(), before, 0
    while time.time() - t < REWRITE_SECONDS:
        c("BGREWRITEAOF")
        times += 1
        time.sleep(0.1)
        while c.info("aof_rewrite_in_progress") == "1" or c.info("aof_rewrite_scheduled") == "1":
            peak = max(peak, tree_mib(pid))
            time.sleep(0.05)
        if c.info("aof_last_bgrewrite_status") != "ok":
            raise servers.Failed("a rewrite failed")
    took = time.time() - t
    calls = (served() - n) / took
    delays = seen(p)
    bench.kill()
    bench.communicate()
    return f"{times} in {took:.1f} s, {calls:.0f} calls/s meanwhile ({calls / quiet:.2f} of {quiet:.0f} before), memory {before:.0f} -> {peak:.0f} MiB (x{peak / before:.2f}): {delays}"


def expire(port, pid, c):
    c("FLUSHALL")
    begun, start = int(c.info("expired_keys")), time.time()
    load(port, 50000, int(start * 1000) + 600000)
    at = int((time.time() + max(5, 25 * (time.time() - start))) * 1000)  # time enough to load the rest
    c("FLUSHALL")
    load(port, 1000000, at)
    if time.time() * 1000 > at:
        return "the load took too long: no figure"
    time.sleep(max(0, at / 1000 - time.time() - 0.2))
    p, gone, left = probe(port), None, {}
    while time.time() * 1000 < at + 20000:
        late, n = time.time() - at / 1000, 1000000 - (int(c.info("expired_keys")) - begun)
        left.update({s: n for s in (0.1, 0.25, 0.5, 1, 2, 4) if late >= s and s not in left})
        if n <= 0:
            gone = late
            break
        time.sleep(0.005)
    return f"all gone after {gone and round(gone, 2)} s, left meanwhile {left}: {seen(p)}"


def bigdel(port, pid, c):
    for start in range(0, 2000000, 1000):
        c("SADD", "big", *[b"member:%012d" % i for i in range(start, start + 1000)])
    p = probe(port)
    time.sleep(1)
    t = time.perf_counter()
    c("DEL", "big")
    took = time.perf_counter() - t
    time.sleep(2)
    return f"{took * 1e3:.2f} ms: {seen(p)}"


def longest_turns(c):
    found = dict(line.split(":", 1) for line in c("INFO", "stats").decode().splitlines() if line.startswith("loop_longest"))
    if not found:
        return ""
    turn, run = (int(found.get(f"loop_longest_{kind}_us", 0)) / 1e3 for kind in ("turn", "run"))
    turn_laps, run_laps = (found.get(f"loop_longest_{kind}_phases_us") for kind in ("turn", "run"))
    return f"\n  longest turn {turn:.3f} ms ({turn_laps}), longest run {run:.3f} ms ({run_laps}), longest phases {found.get('loop_longest_phases_us')}"


def main():
    global PROBE
    if not sys.argv[1:] or sys.argv[1] in ("-h", "--help"):
        return print(__doc__)
    PROBE = servers.compiled("probe.c")
    servers.pin_load()
    for spec in sys.argv[1:]:
        server = servers.Server(spec)
        try:
            server.start()
            c = servers.Client(server.port)
            c("CONFIG", "SET", "auto-aof-rewrite-percentage", "0")
            for phase in PHASES:
                c("CONFIG", "RESETSTAT")
                found = globals()[phase](server.port, server.pid, c)
                print(f"{server.name:8s} {phase:8s} {found}{longest_turns(c)}", flush=True)
        finally:
            server.remove()


main()
