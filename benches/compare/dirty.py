#!/usr/bin/env python3
"""No dirty reads: what a client has seen under appendfsync always is there after a power cut.
usage: dirty.py [--rounds N] [--added-ms MS] [--writers N] [--readers N] [--seconds S] [--seed S] NAME=COMMAND ...
COMMAND as in servers.py; --appendonly yes --appendfsync always, no rewrite and no save rules go in front of its own
arguments. To see the tool find something, give a server `--appendfsync everysec` in its COMMAND.

Every sync takes MS longer (slow_sync.c, preloaded), so that nearly always some writes are executed and not durable. Writer w
sets `last:w` to 1, 2, 3 .. and creates the key `mark:w:value` with each, in one MSET, and sends the next when it has its reply.
Readers ask without pause: GET, MGET, GETRANGE, EXISTS of the mark that a writer has under way, DBSIZE. The tool keeps the
greatest value of each writer, and the greatest DBSIZE, that any reply has shown, acknowledgements included.

At a random moment (seeded) the server is killed with SIGKILL. That alone loses nothing, since the page cache outlives a
process; a power cut would. So each file of the log is then cut to the size which it had when its last finished sync began, as
the shim recorded it; files that were never synced are emptied. All that this removes a real disk may have lost. The server is
started over the rest, and must hold every value that was seen. A round fails with the first thing that was seen and is gone.
Also printed: how many rounds had bytes to cut off (where there are none, the round had nothing to find).
Ends with 1 if any server showed what it did not keep."""
import argparse, glob, os, random, selectors, signal, socket, sys, time

import servers
from servers import call
from slow_sync import SlowSync

LOGGED = "--appendonly yes --appendfsync always --auto-aof-rewrite-percentage 0 --save {none}"


class Seen:
    """The greatest of everything that replies have shown."""

    def __init__(self, writers):
        self.value, self.asked, self.size, self.reads = [0] * writers, [0] * writers, 0, 0

    def see(self, writer, value):
        self.value[writer] = max(self.value[writer], value)


class Connection:
    """One request at a time, without waiting for the others."""

    def __init__(self, port, pick):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pick, self.data = pick, b""
        self.next()

    def next(self):
        request, self.lines, self.learn = self.pick()
        self.socket.sendall(request)

    def ready(self):
        """Reads what came; a whole reply is learnt from, and the next request sent. False when the server is gone."""
        try:
            data = self.socket.recv(4096)
            self.data += data
            if not data:
                return False
            lines = self.data.split(b"\r\n")
            # a nil bulk is one line and says nothing; all other bulks are two
            if len(lines) > self.lines or b"$-1" in lines[:-1]:
                if self.data.startswith(b"-"):
                    raise servers.Failed(self.data.decode(errors="replace").strip())
                self.learn(lines[:-1])
                self.data = b""
                self.next()
            return True
        except ConnectionError:
            return False


def writer(seen, w):
    """MSET last:w n mark:w:n, n counting up; its acknowledgement shows n."""
    def pick():
        seen.asked[w] += 1
        n = seen.asked[w]
        return call("MSET", f"last:{w}", n, f"mark:{w}:{n}", ""), 1, lambda lines: seen.see(w, n)
    return pick


def reader(seen, chance):
    """One of five ways to look at one writer's values."""
    def shown(w):
        def learn(lines):
            if b"$-1" not in lines and lines[-1]:
                seen.see(w, int(lines[-1]))
        return learn

    def sized(lines):
        seen.size = max(seen.size, int(lines[0][1:]))

    def pick():
        seen.reads += 1
        w, way = chance.randrange(len(seen.asked)), chance.randrange(5)
        if way == 0:
            return call("GET", f"last:{w}"), 2, shown(w)
        if way == 1:
            return call("MGET", f"last:{w}"), 3, shown(w)
        if way == 2:
            return call("GETRANGE", f"last:{w}", 0, -1), 2, shown(w)
        if way == 3:
            n = seen.asked[w]
            return call("EXISTS", f"mark:{w}:{n}"), 1, lambda lines: seen.see(w, n) if lines[0] == b":1" else None
        return call("DBSIZE"), 1, sized
    return pick


def play(server, seen, seconds, chance, o):
    """Runs writers and readers, then kills the server; replies that it had sent by then still count."""
    selector = selectors.DefaultSelector()
    picks = [writer(seen, w) for w in range(o.writers)] + [reader(seen, chance) for _ in range(o.readers)]
    connections = [Connection(server.port, pick) for pick in picks]
    for connection in connections:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for ready, _ in selector.select(0.01):
            if not ready.data.ready():
                raise servers.Failed("connection closed before the kill")
    server.end(signal.SIGKILL)
    for connection in connections:
        while connection.ready():
            pass
        connection.socket.close()


def cut_power(server, sync):
    """Cuts each file of the log to what has been synced; gives the bytes lost."""
    durable, lost = sync.durable(), 0
    for path in glob.glob(server.home + "/**/*.aof*", recursive=True):
        found = os.stat(path)
        keep = durable.get(found.st_ino, 0 if ".incr." in path else found.st_size)
        if os.path.isfile(path) and keep < found.st_size:
            lost += found.st_size - keep
            os.truncate(path, keep)
    return lost


def check(server, seen):
    """Gives what was seen and is gone, one line each."""
    client = servers.Client(server.port)
    gone = []
    for w, value in enumerate(seen.value):
        kept = int(client("GET", f"last:{w}") or 0)
        if kept < value:
            gone.append(f"last:{w} was seen at {value} and is {kept}")
        if value and not client("EXISTS", f"mark:{w}:{value}"):
            gone.append(f"mark:{w}:{value} was seen and is gone")
    size = client("DBSIZE")
    if size < seen.size:
        gone.append(f"DBSIZE was {seen.size} and is {size}")
    client.close()
    return gone


def one_round(spec, seed, o):
    """Gives (what is gone, bytes cut off, values seen, reads)."""
    chance = random.Random(seed)
    sync = SlowSync(o.added_ms)
    name, _, command = spec.partition("=")
    program, _, arguments = command.partition(" ")
    server = servers.Server(f"{name}={program} {LOGGED} {arguments}", env=sync.env)
    try:
        server.start()
        seen = Seen(o.writers)
        play(server, seen, chance.uniform(0.2, 1) * o.seconds, chance, o)
        if not sync.calls():
            raise servers.Failed("the shim saw no sync")
        lost = cut_power(server, sync)
        server.start()
        return check(server, seen), lost, sum(seen.value), seen.reads
    finally:
        server.remove()
        sync.remove()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rounds", type=int, default=10)
    p.add_argument("--added-ms", type=float, default=50)
    p.add_argument("--writers", type=int, default=20)
    p.add_argument("--readers", type=int, default=20)
    p.add_argument("--seconds", type=float, default=3, help="longest time until the kill")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("servers", nargs="+", metavar="NAME=COMMAND")
    o = p.parse_args()
    servers.pin_load()
    failed = False
    for spec in o.servers:
        name, rounds = spec.partition("=")[0], []
        for i in range(o.rounds):
            try:
                rounds.append(one_round(spec, o.seed + i, o))
            except servers.Failed as e:
                failed = True
                print(f"{name}, seed {o.seed + i}: {e}")
                continue
            for line in rounds[-1][0][:3]:
                print(f"{name}, seed {o.seed + i}: {line}")
        bad = sum(bool(gone) for gone, *_ in rounds)
        failed |= bad > 0
        print(f"{name:10s} {bad} of {len(rounds)} rounds showed what was not kept; {sum(r[2] for r in rounds)} values seen, {sum(r[3] for r in rounds)} reads, {sum(r[1] > 0 for r in rounds)} rounds had bytes to cut off", flush=True)
    sys.exit(failed)


main()
