"""What the rows of tools/figures share: processes, a client, the bench, medians."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time


class Failed(Exception):
    pass


# ---- processes


class Process:
    """A child with its output in a file; stopped by its id, whatever happens."""

    def __init__(self, bench, words, core=None, namespace=None):
        self.words = [str(word) for word in words]
        self.name = pathlib.Path(self.words[0]).name
        if core is not None:
            self.words = ["taskset", "-c", str(core)] + self.words
        if namespace:
            self.words = ["ip", "netns", "exec", namespace] + self.words
        self.log = open(bench.work / f"log-{len(bench.logs)}", "w+b")
        bench.logs.append(self.log)
        self.child = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        bench.processes.append(self)

    def output(self):
        self.log.flush()
        return pathlib.Path(self.log.name).read_text(errors="replace")

    def is_running(self):
        return self.child.poll() is None

    def wait(self, seconds):
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            raise Failed(f"no end after {seconds} s: {' '.join(self.words)}\n{self.output()[-2000:]}")

    def stop(self):
        tree = process_tree(self.child.pid) if self.is_running() else []
        if self.is_running():
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(15)
            except subprocess.TimeoutExpired:
                for pid in tree:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                self.child.wait()


def process_tree(root):
    """Asked of the kernel child by child: a look at all processes would take milliseconds of a core that is measured."""
    tree = [root]
    for pid in tree:
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                tree += map(int, pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return tree


def favour(pid):
    """The scheduler shares cores among sessions first; ours shall not share with what else runs here."""
    for one in process_tree(pid):
        with contextlib.suppress(OSError):
            pathlib.Path(f"/proc/{one}/autogroup").write_text("-16")


def resident_bytes(pid):
    pages = 0
    for one in process_tree(pid):
        with contextlib.suppress(OSError):
            pages += int(pathlib.Path(f"/proc/{one}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Client:
    """As much of the protocol as INFO and CONFIG need."""

    def __init__(self, port, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), 10)
        self.file = self.socket.makefile("rb")

    def ask(self, *words):
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in words))
        line = self.file.readline().rstrip(b"\r\n")
        if line[:1] != b"$":
            return line[1:].decode()
        text = self.file.read(int(line[1:]) + 2)[:-2]
        return text.decode()

    def info(self, section):
        lines = [line.split(":", 1) for line in self.ask("INFO", section).splitlines() if ":" in line]
        return {name: value for name, value in lines}

    def close(self):
        self.file.close()
        self.socket.close()


class Bench:
    """What all rows share: paths, cores, processes to end, and the way to run penstock-bench."""

    def __init__(self, options):
        self.options = options
        self.build = pathlib.Path(options.build).resolve()
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="penstock-figures-"))
        self.processes, self.logs, self.undo = [], [], []
        self.rows = []

    def close(self):
        for process in reversed(self.processes):
            process.stop()
        for words in reversed(self.undo):
            words() if callable(words) else subprocess.run(words, stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(self.work, ignore_errors=True)

    def say(self, text):
        print(f"    {text}", file=sys.stderr, flush=True)

    def result(self, what, measured, wanted, is_good, note=""):
        self.rows.append({"what": what, "measured": measured, "wanted": wanted, "reached": is_good, "note": note})
        print(f"{'reached ' if is_good else 'MISSED  '} {what}: {measured} (wanted {wanted}){'; ' + note if note else ''}",
              flush=True)

    def baseline(self, what, measured, note=""):
        """Measured in the same run, to read a result by; nothing is promised of it."""
        self.rows.append({"what": what, "measured": measured, "wanted": "", "reached": None, "note": note})
        print(f"baseline {what}: {measured}{'; ' + note if note else ''}", flush=True)

    def directory(self):
        return tempfile.mkdtemp(dir=self.work)

    def start_penstock(self, *words, port=None, ready=True, on_one_core=False):
        """Its shards are pinned from the server's core on; on_one_core: all of its threads to that one."""
        port = port or free_port()
        pin, core = (-1, self.options.server_core) if on_one_core else (self.options.server_core, None)
        server = Process(self, [self.build / "penstock", "--port", port, "--core", pin, "--save", "", "--dir", self.directory(), *words],
                         core=core)
        server.port = port
        if ready:
            self.wait_ready(server)
        return server

    def start_redis(self, *words, bind="127.0.0.1"):
        port = free_port()
        server = Process(self, ["redis-server", "--port", port, "--bind", bind, "--save", "", "--appendonly", "no",
                                "--io-threads", 1, "--protected-mode", "no", "--dir", self.directory(), *words],
                         core=self.options.server_core)
        server.port = port
        self.wait_ready(server)
        return server

    def wait_ready(self, server, seconds=30):
        until = time.monotonic() + seconds
        while "Ready to accept connections" not in server.output():
            if not server.is_running() or time.monotonic() > until:
                raise Failed(f"did not start: {' '.join(server.words)}\n{server.output()[-2000:]}")
            time.sleep(0.02)
        favour(server.child.pid)

    def begin_load(self, *words, namespace=None, pin=True):
        """penstock-bench in the background, on the generator's core or anywhere; finish_load gives its result."""
        out = tempfile.mktemp(dir=self.work, suffix=".json")
        core = ["--core", self.options.generator_core] if pin else []
        load = Process(self, [self.build / "penstock-bench", *words, *core, "--quiet", "--json", out], namespace=namespace)
        load.json_path = out
        favour(load.child.pid)
        return load

    def finish_load(self, load, seconds=180):
        code = load.wait(seconds)
        if code != 0:
            raise Failed(f"penstock-bench ended with {code}: {' '.join(load.words)}\n{load.output()[-2000:]}")
        return json.loads(pathlib.Path(load.json_path).read_text())

    def load(self, *words, namespace=None):
        return self.finish_load(self.begin_load(*words, namespace=namespace))

    def seconds(self):
        return ["-d", self.options.duration, "-w", 0.5]


def alternate(rounds, runs):
    """Calls each of runs once a round, in turn first; a list of results for each."""
    results = [[] for _ in runs]
    for index in range(rounds):
        order = list(range(len(runs)))
        for which in order if index % 2 == 0 else order[::-1]:
            results[which].append(runs[which]())
    return results


def spread(values, form="{:.0f}"):
    return f"{form.format(statistics.median(values))} ({form.format(min(values))}..{form.format(max(values))})"


def noise(bench, seconds=3, tick_us=0):
    """Of both cores at the same time: what a spinning thread misses (kernel threads find no free core then, as under load),
    or with a tick how late a thread wakes that only sleeps."""
    outs, runs = [], []
    tick = ["--tick", tick_us] if tick_us else []
    for core in (bench.options.server_core, bench.options.generator_core):
        outs.append(tempfile.mktemp(dir=bench.work, suffix=".json"))
        runs.append(Process(bench, [bench.build / "penstock-bench", "noise", "--core", core, "-d", seconds, *tick, "--json",
                                    outs[-1]]))
        favour(runs[-1].child.pid)
    for run in runs:
        run.wait(30)
    return [json.loads(pathlib.Path(out).read_text()) for out in outs]
