#!/usr/bin/env python3
"""Delivering messages side by side: PUBLISH, pipelined, to a channel that many connections listen to.
usage: pubsub.py [--subscribers N] [--depth N] [--bytes N] [--seconds S] [--rounds N] NAME=COMMAND ...
COMMAND as in servers.py. For each server in turn, the median of N rounds:
  cpu/msg    CPU time of the server per delivered message, in ns      rate   messages delivered a second
The publisher sends DEPTH calls at once and waits for their replies and for all that its listeners are to hear; so the rate is that of
the load as well, and the figure to compare is the CPU time. The ratio is to the first server."""
import argparse, select, socket, statistics, time

import servers
from servers import call


def listeners(port, count):
    all = []
    for _ in range(count):
        s = socket.create_connection(("127.0.0.1", port))
        s.sendall(call("SUBSCRIBE", "news"))
        s.recv(1 << 12)
        s.setblocking(False)
        all.append(s)
    return all


def measure(server, o):
    """Publishes for o.seconds; gives (CPU ns per message, messages a second)."""
    heard_by, publisher = listeners(server.port, o.subscribers), servers.Client(server.port)
    body = b"m" * o.bytes
    batch = call("PUBLISH", "news", body) * o.depth
    size = len(b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n") + len(b"$%d\r\n%s\r\n" % (len(body), body))
    poll = select.epoll()
    by_number = {s.fileno(): s for s in heard_by}
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    batches, due = 0, 0
    cpu, begun = server.cpu_seconds(), time.perf_counter()
    while time.perf_counter() - begun < o.seconds:
        publisher.socket.sendall(batch)
        batches += 1
        due += size * o.depth * o.subscribers
        for _ in range(o.depth):
            publisher.reply()
        while due > 0:
            due -= sum(len(by_number[number].recv(1 << 18)) for number, _ in poll.poll())
    took, cpu = time.perf_counter() - begun, server.cpu_seconds() - cpu
    messages = batches * o.depth * o.subscribers
    for s in heard_by:
        s.close()
    publisher.close()
    return cpu / messages * 1e9, messages / took


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    for name, default in [("subscribers", 100), ("depth", 16), ("bytes", 64), ("rounds", 3)]:
        p.add_argument(f"--{name}", type=int, default=default)
    p.add_argument("--seconds", type=float, default=3)
    p.add_argument("servers", nargs="+")
    o = p.parse_args()
    servers.pin_load()
    first = None
    for spec in o.servers:
        server = servers.Server(spec)
        try:
            server.start()
            found = [measure(server, o) for _ in range(o.rounds)]
            cpu, rate = (statistics.median(f) for f in zip(*found))
            first = first or cpu
            print(f"{server.name:12} cpu/msg {cpu:7.0f} ns  {servers.ratio(cpu, first)}   rate {rate:9.0f}/s", flush=True)
        finally:
            server.remove()


if __name__ == "__main__":
    main()
