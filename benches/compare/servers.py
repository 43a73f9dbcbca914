"""What the tools beside this file share: servers given as NAME=COMMAND, started one by one on their own ports and in
their own empty directories, and a small RESP2 client that sees what came over the wire.

COMMAND is split at blanks and may hold {port}, {dir} (the server's own directory, also its working directory), {none}
(an empty argument) and {tls} (options for a port with TLS and a certificate made for it). Servers run on CPU 0 and the tools on CPU 1; SERVER_CPUS and LOAD_CPUS (lists such as 0,2) change that.
FIRST_PORT sets where the ports begin; HOMES sets where the directories are made (a path on the disk to be measured)."""
import itertools, os, re, shutil, signal, socket, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.environ.get("BENCH", "redis-benchmark")
PACED_BENCH = os.environ.get("PACED_BENCH", "valkey-benchmark")
SERVER_CPUS = os.environ.get("SERVER_CPUS", "0")
LOAD_CPUS = os.environ.get("LOAD_CPUS", "1")
next_port = int(os.environ.get("FIRST_PORT", "7400"))


class Failed(Exception):
    """A server that ended, does not listen, or answered an error."""


def call(*words):
    """One request in RESP; words are bytes, text or numbers."""
    words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


class Client:
    """One blocking connection. Calling it sends one request and gives its reply; a reply that is an error raises Failed."""

    def __init__(self, port, timeout=600):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb", 1 << 16)

    def __call__(self, *words):
        self.socket.sendall(call(*words))
        return self.reply()

    def reply(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise Failed("connection closed")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise Failed(rest.decode(errors="replace"))
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return None if rest == b"-1" else [self.reply() for _ in range(int(rest))]
        return int(rest) if kind == b":" else rest

    def pipeline(self, requests):
        """Sends requests (already encoded) at once and gives their replies in order."""
        self.socket.sendall(b"".join(requests))
        return [self.reply() for _ in requests]

    def info(self, field, otherwise=""):
        found = re.search(rb"(?m)^" + field.encode() + rb":(.*?)\r?$", self("INFO", "everything") or b"")
        return found.group(1).decode() if found else otherwise

    def close(self):
        self.file.close()
        self.socket.close()


def fill(port, requests, batch=500, lines=1):
    """Sends an iterable of encoded requests, `batch` at a time, and fails on the first error. Replies are only counted, by
    their lines (a bulk reply has two): the load must not be slower than the server."""
    requests = iter(requests)
    with socket.create_connection(("127.0.0.1", port), 600) as s:
        while part := list(itertools.islice(requests, batch)):
            s.sendall(b"".join(part))
            due, before = lines * len(part), b"\n"
            while due > 0:
                data = s.recv(1 << 16)
                if not data or b"\n-" in before + data:
                    raise Failed((data or b"connection closed")[:100].decode(errors="replace"))
                due, before = due - data.count(b"\n"), data[-1:]


class Server:
    """A server that can be started again over what it left in its directory."""

    def __init__(self, spec, more="", env=None):
        """spec is NAME=COMMAND; more is appended to the command; env is added to the environment."""
        global next_port
        name, _, command = spec.partition("=")
        if not name or not command:
            sys.exit(f"not NAME=COMMAND: {spec}")
        if "{port}" not in command:
            sys.exit(f"{name}: its COMMAND does not say where {{port}} goes")
        next_port += 1
        self.name, self.port, self.proc = name, next_port, None
        self.home = tempfile.mkdtemp(prefix="compare-", dir=os.environ.get("HOMES"))
        if "{tls}" in command:
            next_port += 1
            self.tls_port = next_port
            command = command.replace("{tls}", tls_options(self.home, self.tls_port))
        words = (command + " " + more).split()
        self.argv = [w.replace("{port}", str(self.port)).replace("{dir}", self.home).replace("{none}", "") for w in words]
        if os.path.sep in self.argv[0]:
            self.argv[0] = os.path.abspath(self.argv[0])
        self.env = {**os.environ, **(env or {})}

    @property
    def pid(self):
        return self.proc.pid  # taskset and the launchers of get-peers exec, so this is the server itself

    def launch(self):
        """Starts the process and returns at once."""
        log = open(os.path.join(self.home, "stdout"), "ab")
        self.proc = subprocess.Popen(["taskset", "-c", SERVER_CPUS] + self.argv, cwd=self.home, env=self.env, stdout=log, stderr=log)
        log.close()

    def start(self, timeout=600):
        """Starts the process, waits until it serves, and gives the seconds that took."""
        begun = time.perf_counter()
        self.launch()
        while time.perf_counter() - begun < timeout:
            if self.proc.poll() is not None:
                raise Failed(f"{self.name} ended at start: {self.said()}")
            try:
                client = Client(self.port, 5)
                client("PING")
                client.close()
                return time.perf_counter() - begun
            except (OSError, Failed):  # not listening yet, or -LOADING
                time.sleep(0.002)
        raise Failed(f"{self.name} does not serve after {timeout} s: {self.said()}")

    def said(self):
        """The last line of its output."""
        lines = open(os.path.join(self.home, "stdout"), errors="replace").read().strip().splitlines()
        return lines[-1] if lines else "(no output)"

    def cpu_seconds(self):
        """CPU time of all its threads so far."""
        fields = open(f"/proc/{self.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        return next(int(l.split()[1]) * 1024 for l in open(f"/proc/{self.pid}/status") if l.startswith("VmRSS"))

    def end(self, how=signal.SIGTERM, timeout=120):
        """Ends the process, in order or (SIGKILL) not; its directory stays."""
        if self.proc is None:
            return
        self.proc.send_signal(how)
        try:
            self.proc.wait(timeout)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
        self.proc = None

    def remove(self):
        """Ends the process and removes its directory."""
        self.end(signal.SIGKILL)
        shutil.rmtree(self.home, ignore_errors=True)


def tls_options(home, port):
    """Makes a certificate in `home`; gives the options with which a server shows it on `port`."""
    key, certificate = os.path.join(home, "key.pem"), os.path.join(home, "certificate.pem")
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run(request + ["-keyout", key, "-out", certificate], check=True, stderr=subprocess.DEVNULL)
    return f"--tls-port {port} --tls-cert-file {certificate} --tls-key-file {key} --tls-auth-clients no"


def cpus(text):
    return {int(n) for n in text.split(",")}


def pin_load():
    """Puts this process, and what it starts, on the CPUs of the load."""
    missing = (cpus(SERVER_CPUS) | cpus(LOAD_CPUS)) - os.sched_getaffinity(0)
    if missing:
        sys.exit(f"no CPU {sorted(missing)} here: set SERVER_CPUS and LOAD_CPUS")
    os.sched_setaffinity(0, cpus(LOAD_CPUS))


def bench(port, *args, rate=None):
    """Starts redis-benchmark on the CPUs of the load; with a rate (requests a second) valkey-benchmark, which can keep one."""
    program = [PACED_BENCH, "--rps", str(rate)] if rate else [BENCH]
    argv = ["taskset", "-c", LOAD_CPUS, *program, "-p", str(port), *map(str, args)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def compiled(source, *flags):
    """Compiles a C file beside this one; gives the path of the result, in a directory of this process's own."""
    target = os.path.join(tempfile.mkdtemp(prefix="compare-cc-"), os.path.splitext(source)[0])
    subprocess.run(["cc", "-O2", "-Wall", *flags, "-o", target, os.path.join(HERE, source)], check=True)
    return target


def ratio(value, first):
    return f"x{value / first:5.2f}" if first else "x    -"
