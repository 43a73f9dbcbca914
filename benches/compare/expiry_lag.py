#!/usr/bin/env python3
"""Expiry lag side by side: how long after its deadline a key leaves memory, among N other keys that have deadlines too.
usage: expiry_lag.py [--others N] [--rate KEYS/S] [--seconds S] [--watch log,dbsize] NAME=COMMAND ...
COMMAND as in servers.py; an append-only log (everysec, no rewrite, no save rules) is added to it.

N keys with deadlines hours away are set first. Then, on a fixed schedule that no answer delays, RATE keys a second are set
with SET .. PXAT, each due 1000 to 2000 ms later (seeded). Nobody reads them: a read would delete a key, or hide that it is
still there. Two ways to see them go, from outside, one run each:
  log      the DEL which the server appends to its log for each expired key, seen by reading the file as it grows. Exact for
           each key and leaves the server alone; it adds the way to the file, and the server holds a log
  dbsize   DBSIZE after every step of the schedule (4 a millisecond), on the connection that sets the keys, so that what has
           been set is known: the i-th key to go is laid against the i-th deadline. That flatters a server which does not
           take keys in the order of their deadlines, and the questions wake the server's loop
Printed: p50, p99, p99.9 and max of the delays, how many keys are still there 3 s after the last deadline (their delay counts
as `never`), and how far apart the looks were (p99): nothing below that can be seen. Where INFO has fields of its own about expiry
lag they are printed too. Deadlines are whole milliseconds of the wall clock; it must not be set during a run.
Say with the figures: N, the rate, the way of watching, one core."""
import argparse, glob, gc, os, random, re, sys, time

import servers
from servers import call

LOGGED = "--appendonly yes --appendfsync everysec --auto-aof-rewrite-percentage 0 --save {none}"
STEP_MS = 0.25
GRACE_MS = 3000
NEVER = float("inf")


def wall_ms():
    return time.time_ns() / 1e6


def schedule(o, begin_ms):
    """[(when to set, deadline)] in the order of setting, in ms of the wall clock."""
    pick = random.Random(o.seed)
    count = int(o.rate * o.seconds)
    return [(at, int(at) + pick.randrange(1000, 2000)) for at in (begin_ms + i * 1000 / o.rate for i in range(count))]


class LogWatch:
    """Reads what is appended to the newest increment of the log."""

    FOUND = re.compile(rb"(?:DEL|UNLINK|del|unlink)\r\n\$\d+\r\nlag:(\d+)\r\n")

    def __init__(self, server):
        files = [f for f in glob.glob(server.home + "/**/*.aof", recursive=True) if "incr" in f]
        if not files:
            raise servers.Failed("no increment of a log to watch")
        self.file = open(max(files, key=os.path.getmtime), "rb", buffering=0)
        self.file.seek(0, os.SEEK_END)
        self.rest, self.gone = b"", {}

    def look(self, client, sets):
        client.pipeline(sets)
        data = self.rest + (self.file.read(1 << 22) or b"")
        now, end = wall_ms(), 0
        for found in self.FOUND.finditer(data):
            self.gone.setdefault(int(found.group(1)), now)
            end = found.end()
        self.rest = data[max(end, len(data) - 100):]  # a call may be half written

    def delays(self, plan):
        return [self.gone.get(i, NEVER) - due for i, (_, due) in enumerate(plan)]


class SizeWatch:
    """Counts keys with DBSIZE."""

    def __init__(self, server):
        client = servers.Client(server.port)
        self.others, self.set, self.gone = client("DBSIZE"), 0, []
        client.close()

    def look(self, client, sets):
        size = client.pipeline(sets + [call("DBSIZE")])[-1]
        now = wall_ms()
        self.set += len(sets)
        self.gone += [now] * (self.others + self.set - size - len(self.gone))

    def delays(self, plan):
        left = len(plan) - len(self.gone)
        return [gone - due for gone, due in zip(self.gone + [NEVER] * left, sorted(due for _, due in plan))]


def run(server, watch, o):
    """Plays the schedule; gives (delays in ms, ms between looks)."""
    client = servers.Client(server.port)
    begin = wall_ms() + 100
    plan = schedule(o, begin)
    end, sent, looks, last = max(due for _, due in plan) + GRACE_MS, 0, [], begin
    gc.disable()
    step = begin
    while (now := wall_ms()) < end:
        if now < step:
            time.sleep(max(0, (step - now) / 1000 - 0.00005))
            continue
        step = max(step + STEP_MS, now)
        first = sent
        while sent < len(plan) and plan[sent][0] <= now:
            sent += 1
        watch.look(client, [call("SET", b"lag:%d" % i, b"v", "PXAT", plan[i][1]) for i in range(first, sent)])
        looks.append(wall_ms() - last)
        last += looks[-1]
        if sent == len(plan) and len(watch.gone) >= len(plan):
            break
    gc.enable()
    client.pipeline([call("DEL", b"lag:%d" % i) for i in range(len(plan))])
    client.close()
    return watch.delays(plan), looks


def at(values, share):
    value = sorted(values)[int((len(values) - 1) * share)]
    return f"{value:8.2f}" if value != NEVER else f"{'never':>8s}"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--others", type=int, default=1000000, help="other keys with deadlines")
    p.add_argument("--rate", type=float, default=1000, help="short-lived keys set per second")
    p.add_argument("--seconds", type=float, default=20)
    p.add_argument("--watch", default="log,dbsize")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("servers", nargs="+", metavar="NAME=COMMAND")
    o = p.parse_args()
    servers.pin_load()
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -20)  # a watcher that is late would count against the server
    except PermissionError:
        print("not allowed to raise the watcher's priority: its own delays may show", file=sys.stderr)
    print(f"{o.others} other keys with deadlines, {o.rate:g} short-lived keys a second for {o.seconds:g} s, seed {o.seed}; ms after the deadline")
    for spec in o.servers:
        server = servers.Server(spec, LOGGED)
        try:
            server.start()
            far = int(wall_ms()) + 7200000
            servers.fill(server.port, (call("SET", b"other:%012d" % i, b"v" * 16, "PXAT", far + i % 3600000) for i in range(o.others)))
            for way in o.watch.split(","):
                client = servers.Client(server.port)
                client("CONFIG", "RESETSTAT")
                time.sleep(1)
                watch = {"log": LogWatch, "dbsize": SizeWatch}[way](server)
                delays, looks = run(server, watch, o)
                print(f"{server.name:10s} {way:7s} p50 {at(delays, .5)}  p99 {at(delays, .99)}  p99.9 {at(delays, .999)}  max {at(delays, 1)}"
                      f"   {delays.count(NEVER)} of {len(delays)} left   a look each {at(looks, .99).strip()} ms (p99)", flush=True)
                info = client("INFO", "everything").decode()
                for line in re.findall(r"(?m)^expir\w*_lag\w*:.*?$", info):
                    print(f"{server.name:10s} {way:7s} INFO {line.strip()}")
                client.close()
        except servers.Failed as e:
            print(f"{server.name}: {e}", file=sys.stderr)
        finally:
            server.remove()


main()
