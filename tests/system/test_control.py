#!/usr/bin/env python3
"""The control process and penstockctl as an operator meets them.

usage: test_control.py BUILD_DIR [unittest arguments]
Free ports, temporary folders; whatever is started is ended by pid, also when a test fails.
"""
import contextlib
import ctypes
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from kit import alive, kill, stays, until

BUILD = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "build"
PENSTOCK = os.path.join(BUILD, "penstock")
CTL = os.path.join(BUILD, "penstockctl")
PATIENCE_S = 40


def free_port():
    for _ in range(200):
        port = random.randrange(20000, 32000)  # below the range of outgoing connections
        with contextlib.closing(socket.socket()) as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


class ReplyError(Exception):
    pass


class Connection:
    def __init__(self, port=None, path=None):
        if path:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(10)
            try:
                self.socket.connect(path)
            except OSError:
                self.socket.close()
                raise
        else:
            self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def read(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("connection lost")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise ReplyError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return [self.read() for _ in range(int(rest))]
        raise ConnectionError(f"no RESP2: {line!r}")

    def call(self, *words):
        out = b"*%d\r\n" % len(words)
        for word in words:
            data = str(word).encode()
            out += b"$%d\r\n%s\r\n" % (len(data), data)
        self.socket.sendall(out)
        return self.read()


def ctl(*words, environment=None):
    done = subprocess.run([CTL, *map(str, words)], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **(environment or {})})
    return done.returncode, done.stdout, done.stderr


class Instance:
    """One penstock with a folder and a port of its own."""

    def __init__(self, test, *arguments, config=None, port=None, folder=None, environment=None,
                 stdin=None, program=PENSTOCK):
        self.test = test
        self.folder = folder or test.folder()
        self.port = free_port() if port is None else port
        self.out = os.path.join(self.folder, f"stdout-{random.getrandbits(32):08x}")
        command = [program]
        if stdin is not None:
            command.append("-")
        elif config is not None:
            self.config = os.path.join(self.folder, "penstock.conf")
            with open(self.config, "w") as file:
                file.write(config)
            command.append(self.config)
        command += ["--port", str(self.port), "--dir", self.folder, *map(str, arguments)]
        with open(self.out, "wb") as out:
            self.process = subprocess.Popen(
                command, stdout=out, stderr=subprocess.STDOUT,
                stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
                env={**os.environ, **(environment or {})}, cwd=self.folder)
        if stdin is not None:
            self.process.stdin.write(stdin.encode())
            self.process.stdin.close()
        test.addCleanup(self.clean)

    def clean(self):
        with contextlib.suppress(Exception):
            self.status()  # learn pids that are left
        self.process.kill()
        self.process.wait()
        for pid in self.pids():
            kill(pid)
        for name in os.listdir("/dev/shm"):
            if name.startswith(f"penstock-{os.geteuid()}-{self.port}-") and self.port:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join("/dev/shm", name))

    def pids(self):
        found = set()
        with contextlib.suppress(Exception):
            status = self.status()
            found |= {status[part]["pid"] for part in ("control", "dataplane")
                      if status[part]["alive"]}
        return found

    def status(self):
        code, out, err = ctl("--json", "-p", self.port, "status")
        if code == 3:
            raise AssertionError(f"not running: {err}")
        return json.loads(out)

    def log(self):
        with open(self.out, errors="replace") as file:
            return file.read()

    def wait_log(self, text, count=1, seconds=PATIENCE_S):
        try:
            until(text, lambda: self.log().count(text) >= count or self.process.poll() is not None,
                  seconds)
        except AssertionError:
            pass
        if self.log().count(text) < count:
            raise AssertionError(f"no {text!r} x {count} in:\n{self.log()}")
        return self

    def wait_ready(self, count=1):
        return self.wait_log("Ready to accept connections", count)

    def wait_exit(self, seconds=PATIENCE_S):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running; its log:\n{self.log()}") from None

    def dataplane(self):
        return self.status()["dataplane"]["pid"]

    def call(self, *words):
        connection = Connection(self.port)
        try:
            return connection.call(*words)
        finally:
            connection.close()


class ControlTest(unittest.TestCase):
    def folder(self):
        path = tempfile.mkdtemp(prefix="penstock-test-")
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def start(self, *arguments, **options):
        return Instance(self, *arguments, **options).wait_ready()

    def fails(self, *arguments, **options):
        instance = Instance(self, *arguments, **options)
        self.assertEqual(instance.wait_exit(), 1, instance.log())
        return instance.log()


class StartAndStop(ControlTest):
    def test_says_what_programs_wait_for_in_order_and_once(self):
        instance = self.start("--always-show-logo", "yes")
        log, pid = instance.log(), instance.process.pid
        self.assertRegex(log, rf"(?s) PID: {pid}.*Server initialized.*Ready to accept connections")
        self.assertEqual(log.count("Ready to accept"), 1)
        self.assertRegex(log, rf"(?m)^{pid}:M \d\d \w\w\w \d{{4}} \d\d:\d\d:\d\d\.\d{{3}} [.*#-] \S")

    def test_serves_on_its_port_and_stops_in_order_on_sigterm(self):
        instance = self.start()
        self.assertEqual(instance.call("PING"), "PONG")
        name, dataplane = instance.status()["instance"], instance.dataplane()
        instance.process.terminate()
        self.assertEqual(instance.wait_exit(10), 0)
        for text in ("Received SIGTERM scheduling shutdown", "User requested shutdown",
                     "ready to exit, bye bye"):
            self.assertIn(text, instance.log())
        self.assertFalse(alive(dataplane))
        self.assertFalse(os.path.exists("/dev/shm/" + name), "the region is removed")
        with self.assertRaises(ConnectionRefusedError):
            instance.call("PING")

    def test_stops_on_sigint_and_ignores_sighup(self):
        instance = self.start()
        # Of two signals the lower number is delivered first: had SIGHUP an effect, it would show before SIGINT's.
        instance.process.send_signal(signal.SIGHUP)
        instance.process.send_signal(signal.SIGINT)
        self.assertEqual(instance.wait_exit(10), 0)
        self.assertIn("Received SIGINT scheduling shutdown", instance.log())
        self.assertNotIn("SIGHUP", instance.log())

    def test_a_stopped_dataplane_is_killed_and_a_second_interrupt_does_it_at_once(self):
        instance = self.start()
        dataplane = instance.dataplane()
        kill(dataplane, signal.SIGSTOP)
        instance.process.send_signal(signal.SIGINT)
        instance.wait_log("scheduling shutdown")
        stays("control waits for its dataplane", lambda: instance.process.poll() is None, 0.3)
        instance.process.send_signal(signal.SIGINT)
        self.assertEqual(instance.wait_exit(5), 1)
        self.assertIn("You insist", instance.log())
        self.assertFalse(alive(dataplane))

    def test_a_dataplane_that_does_not_stop_is_killed_within_ten_seconds(self):
        instance = self.start()
        kill(instance.dataplane(), signal.SIGSTOP)
        instance.process.terminate()
        instance.wait_exit(10)
        self.assertIn("does not stop: killing", instance.log())

    def test_ends_when_a_client_shuts_the_server_down(self):
        instance = self.start()
        connection = Connection(instance.port)
        with self.assertRaises((ConnectionError, OSError)):
            connection.call("SHUTDOWN", "NOSAVE")
        connection.close()
        self.assertEqual(instance.wait_exit(10), 0)
        self.assertIn("bye bye", instance.log())
        self.assertNotIn("Restarting", instance.log())

    def test_serves_a_unix_socket_alone_when_the_port_is_0(self):
        folder = self.folder()
        path = os.path.join(folder, "s")
        instance = self.start("--unixsocket", path, port=0, folder=folder)
        self.addCleanup(self.kill_instance_of, folder)
        connection = Connection(path=path)
        self.assertEqual(connection.call("PING"), "PONG")
        connection.close()
        self.assertEqual(ctl("-s", path, "ping")[:2], (0, "PONG\n"))
        instance.process.terminate()
        self.assertEqual(instance.wait_exit(10), 0)

    def kill_instance_of(self, folder):  # port 0 does not tell instances apart
        for entry in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{entry}/cwd") != folder or int(entry) == os.getpid():
                    continue
                with open(f"/proc/{entry}/cmdline") as file:
                    words = file.read().split("\0")
                kill(int(entry))
                if "--region" in words:
                    os.unlink("/dev/shm/" + words[words.index("--region") + 1])

    def test_hardly_wakes_up_when_idle(self):
        instance = self.start()

        def wakes():
            with open(f"/proc/{instance.process.pid}/status") as file:
                return int(re.search(r"\nvoluntary_ctxt_switches:\s*(\d+)", file.read()).group(1))
        looks = [wakes()]

        def is_idle():  # as often woken as ten looks before
            looks.append(wakes())
            return looks[-11:].count(looks[-1]) == 11
        until("control has nothing more to do", is_idle)
        time.sleep(2)  # a measurement, nothing is waited for
        self.assertLessEqual(wakes() - looks[-1], 20)

    def test_shows_addresses_in_the_process_title(self):
        instance = self.start("--bind", "127.0.0.1",
                              "--proc-title-template", "T {title} {listen-addr} {config-file}")
        with open(f"/proc/{instance.process.pid}/cmdline") as file:
            title = file.read().rstrip("\0")
        self.assertEqual(title, f"T {PENSTOCK} 127.0.0.1:{instance.port}")

    def test_says_version_and_help(self):
        for option in ("-v", "--version"):
            out = subprocess.run([PENSTOCK, option], capture_output=True, text=True, check=True)
            self.assertRegex(out.stdout, r"^Penstock server v=7\.2\.4 penstock=\d+\.\d+\.\d+ ")
        out = subprocess.run([PENSTOCK, "--help"], capture_output=True, text=True, check=True)
        self.assertIn("Usage: penstock", out.stdout)


class Configuration(ControlTest):
    def test_an_unknown_directive_names_line_and_file(self):
        log = self.fails(config="# first\nport 0\nbogus-directive 1\n")
        self.assertIn("*** FATAL CONFIG FILE ERROR (Penstock ", log)
        self.assertRegex(log, r"Reading the configuration file, at line 3 of \S+/penstock\.conf\n")
        self.assertIn(">>> 'bogus-directive 1'\nBad directive or wrong number of arguments", log)

    def test_a_bad_value_is_refused_with_its_reason(self):
        self.assertIn("argument must be 'yes' or 'no'", self.fails(config="daemonize maybe\n"))
        log = self.fails(config="timeout -5\n")
        self.assertIn("at line 1 of", log)
        self.assertIn(">>> 'timeout -5'", log)

    def test_an_error_in_an_included_file_names_that_file(self):
        folder = self.folder()
        with open(os.path.join(folder, "more.conf"), "w") as file:
            file.write("timeout 5\n\nmaxmemory lots\n")
        log = self.fails(config=f"include {folder}/more.conf\n", folder=folder)
        self.assertIn(f"at line 3 of {folder}/more.conf", log)

    def test_unbalanced_quotes_are_refused(self):
        self.assertIn("nbalanced quotes", self.fails(config='requirepass "abc\n'))

    def test_a_wrong_argument_is_refused(self):
        self.assertIn("FATAL CONFIG FILE ERROR", self.fails("--no-such-thing", "1"))
        self.assertIn("FATAL CONFIG FILE ERROR", self.fails("--maxmemory", "wrong"))

    def test_a_missing_file_is_named(self):
        done = subprocess.run([PENSTOCK, "/nonexistent/p.conf"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("can't open config file '/nonexistent/p.conf': No such file", done.stderr)

    def test_a_missing_directory_is_refused(self):
        self.assertIn("Can't chdir to '/nonexistent/dir'", self.fails("--dir", "/nonexistent/dir"))

    def test_quotes_units_includes_and_arguments_work_together(self):
        folder = self.folder()
        with open(os.path.join(folder, "more.conf"), "w") as file:
            file.write("maxmemory 1gb\ntimeout 17\n")
        instance = self.start("--tcp-keepalive", "77", folder=folder, config=(
            "timeout 5\n"
            f'include "{folder}/more.conf"\n'
            '  maxmemory-policy   allkeys-lru   \n'
            'requirepass "p\\x41 \\"q\\""\n'
            "tcp-keepalive 300\n"
            "save 900 1\nsave 300 10\n"))
        connection = Connection(instance.port)
        self.addCleanup(connection.close)
        with self.assertRaisesRegex(ReplyError, "NOAUTH"):
            connection.call("CONFIG", "GET", "maxmemory")
        self.assertEqual(connection.call("AUTH", 'pA "q"'), "OK")
        for name, value in (("maxmemory", str(1 << 30)), ("timeout", "17"), ("tcp-keepalive", "77"),
                            ("maxmemory-policy", "allkeys-lru"), ("save", "900 1 300 10")):
            self.assertEqual(connection.call("CONFIG", "GET", name), [name, value])

    def test_configuration_comes_from_standard_input(self):
        instance = self.start(stdin="maxmemory 64mb\n")
        self.assertEqual(instance.call("CONFIG", "GET", "maxmemory"), ["maxmemory", str(64 << 20)])

    def test_a_pair_may_come_as_one_quoted_argument(self):
        instance = self.start("--maxmemory 700mb")
        self.assertEqual(instance.call("CONFIG", "GET", "maxmemory"), ["maxmemory", str(700 << 20)])

    def test_directives_without_effect_are_said(self):
        log = self.start("--cluster-require-full-coverage", "no").log()
        self.assertRegex(log, r"# Directive 'cluster-require-full-coverage' has no effect")
        self.assertEqual(self.start().log().count("has no effect"), 0)


class Shards(ControlTest):
    def values(self, instance):
        return instance.call("CONFIG", "GET", "shards")[1], instance.status()["shards"]

    def test_auto_is_one_for_each_core_and_one_on_two_or_fewer(self):
        cores = len(os.sched_getaffinity(0))
        expected = 1 if cores <= 2 else min(cores, 64)
        for arguments in ([], ["--shards", "auto"], ["--shards", "0"]):
            instance = self.start(*arguments)
            self.assertEqual(self.values(instance), (str(expected), expected))
            instance.process.terminate()
            instance.wait_exit(10)

    def test_as_many_serve_as_are_asked_for_and_stop_in_order(self):
        instance = self.start("--shards", "3")
        self.assertEqual(self.values(instance), ("3", 3))
        self.assertIn("* 3 shards\n", instance.log())
        self.assertEqual(instance.log().count("Ready to accept connections"), 1)
        threads = os.listdir(f"/proc/{instance.dataplane()}/task")
        self.assertGreaterEqual(len(threads), 3)
        instance.process.terminate()
        self.assertEqual(instance.wait_exit(10), 0)

    def test_a_number_out_of_range_is_refused(self):
        self.assertIn("argument must be between 0 and 64 inclusive", self.fails("--shards", "65"))
        self.assertIn("argument couldn't be parsed into an integer", self.fails("--shards", "all"))
        self.assertIn("core would be beyond 1023", self.fails("--core", "1023", "--shards", "2"))

    def test_a_core_that_is_not_there_is_said(self):
        log = self.fails("--core", str(os.cpu_count() - 1), "--shards", "2")
        self.assertRegex(log, "(?i)core")

    def test_an_adopted_dataplane_keeps_its_number_and_a_new_one_takes_the_new(self):
        folder = self.folder()
        first = self.start("--shards", "2", folder=folder)
        dataplane = first.dataplane()
        first.process.kill()
        first.process.wait()
        second = self.start("--shards", "3", folder=folder, port=first.port)
        self.assertIn("keeps shards '2'; the configuration now says '3'", second.log())
        self.assertEqual(self.values(second), ("2", 2))
        kill(dataplane)
        second.wait_ready(2)
        self.assertEqual(self.values(second), ("2", 2), "a restart brings back what ran")
        second.process.terminate()
        self.assertEqual(second.wait_exit(10), 0)
        third = self.start("--shards", "3", folder=folder, port=first.port)
        self.assertEqual(self.values(third), ("3", 3))

    def test_a_rewritten_file_keeps_what_was_asked_for(self):
        instance = self.start(config="shards auto\n")
        self.assertEqual(instance.call("CONFIG", "REWRITE"), "OK")
        with open(instance.config) as file:
            self.assertEqual(re.findall(r"(?m)^shards.*", file.read()), ["shards auto"])

    def test_a_crash_of_any_shard_is_reported_and_all_come_back(self):
        instance = self.start("--shards", "2")
        pid = instance.dataplane()
        task = f"/proc/{pid}/task"
        names = {}
        for tid in os.listdir(task):
            with open(f"{task}/{tid}/comm") as file:
                names[file.read().strip()] = int(tid)
        libc = ctypes.CDLL(None, use_errno=True)
        self.assertEqual(libc.syscall(234, pid, names["shard-1"], signal.SIGSEGV), 0)  # tgkill
        instance.wait_ready(2)
        self.assertIn("crashed by signal: 11", instance.log())
        self.assertIn(f"thread {names['shard-1']} (shard-1)", instance.log())
        self.assertEqual(self.values(instance), ("2", 2))

    def test_penstockctl_shows_each_shard_and_their_sum(self):
        instance = self.start("--shards", "2")
        for i in range(100):
            instance.call("SET", f"key:{i}", "value")
        code, out, _ = ctl("--json", "-p", instance.port, "--interval", "0.3", "shards")
        self.assertEqual(code, 0)
        shown = json.loads(out)
        self.assertEqual([s["shard"] for s in shown["shards"]], [0, 1])
        self.assertEqual(shown["total"]["keys"], 100)
        self.assertEqual(sum(s["keys"] for s in shown["shards"]), 100)
        self.assertGreater(min(s["keys"] for s in shown["shards"]), 20)
        self.assertEqual(sum(s["memory_bytes"] for s in shown["shards"]),
                         shown["total"]["memory_bytes"])
        self.assertEqual([s["still_s"] for s in shown["shards"]], [0, 0])
        code, out, _ = ctl("-p", instance.port, "--interval", "0.1", "shards")
        self.assertEqual([line.split()[0] for line in out.splitlines()], ["shard", "all", "0", "1"])
        code, out, _ = ctl("--json", "-p", instance.port, "--once", "--interval", "0.3", "top")
        top = json.loads(out)
        self.assertEqual(len(top["shards"]), 2)
        self.assertAlmostEqual(sum(top["cycles_percent"].values()), 100, delta=0.1)
        self.assertEqual(ctl("-p", instance.port, "shards", "x")[0], 2)

    def test_penstockctl_shows_whose_the_slots_are(self):
        for count in (1, 3):
            instance = self.start("--shards", count)
            code, out, _ = ctl("--json", "-p", instance.port, "--interval", "0.1", "shards")
            self.assertEqual(code, 0)
            shards = json.loads(out)["shards"]
            self.assertEqual(sum(s["slot_count"] for s in shards), 16384)
            self.assertTrue(shards[0]["slots"].startswith("0-"), shards)
            self.assertTrue(shards[-1]["slots"].endswith("-16383"), shards)

    def test_status_tells_of_a_dataplane_that_stands_still(self):
        instance = self.start("--shards", "2")
        self.assertEqual(instance.status()["shards_standing_still"], 0)
        pid = instance.dataplane()
        os.kill(pid, signal.SIGSTOP)
        try:
            until("status sees it", lambda: instance.status()["shards_standing_still"] == 2)
            self.assertEqual(ctl("-p", instance.port, "status")[0], 1)
        finally:
            os.kill(pid, signal.SIGCONT)
        until("status sees it go on", lambda: instance.status()["shards_standing_still"] == 0)
        self.assertEqual(ctl("-p", instance.port, "status")[0], 0)


class Files(ControlTest):
    def test_pidfile_is_written_and_removed(self):
        folder = self.folder()
        path = os.path.join(folder, "p.pid")
        instance = self.start("--pidfile", path, folder=folder)
        with open(path) as file:
            self.assertEqual(file.read(), f"{instance.process.pid}\n")
        instance.process.terminate()
        instance.wait_exit(10)
        self.assertFalse(os.path.exists(path))

    def test_logfile_takes_all_lines_and_comes_back_after_a_rotation(self):
        folder = self.folder()
        path = os.path.join(folder, "p.log")
        instance = Instance(self, "--logfile", "p.log", folder=folder)

        def text():
            with contextlib.suppress(FileNotFoundError):
                with open(path) as file:
                    return file.read()
            return ""
        until("ready", lambda: "Ready to accept" in text())
        self.assertEqual(instance.log(), "", "nothing on standard output")
        os.rename(path, path + ".1")
        instance.process.send_signal(signal.SIGUSR1)
        instance.process.terminate()
        self.assertEqual(instance.wait_exit(10), 0)
        self.assertIn("bye bye", text())
        self.assertNotIn("Ready to accept", text())

    def test_an_impossible_logfile_is_refused(self):
        for daemonize in ("no", "yes"):
            log = self.fails("--daemonize", daemonize, "--logfile", "/nonexistent/x.log")
            self.assertIn("Can't open the log file", log)

    def test_loglevel_hides_lesser_lines(self):
        instance = Instance(self, "--loglevel", "warning")
        until("serving", lambda: ctl("-p", instance.port, "ping")[0] == 0)
        self.assertNotRegex(instance.log(), r"(?m)^\d+:M .* [*.-] ")

    def test_daemonize_leaves_the_terminal_and_serves(self):
        folder = self.folder()
        pidfile, logfile = os.path.join(folder, "d.pid"), os.path.join(folder, "d.log")
        instance = Instance(self, "--daemonize", "yes", "--pidfile", pidfile, "--logfile", logfile,
                            folder=folder)
        self.assertEqual(instance.wait_exit(10), 0)
        until("serving", lambda: ctl("-p", instance.port, "ping")[0] == 0)
        with open(pidfile) as file:
            pid = int(file.read())
        self.assertEqual(instance.status()["control"]["pid"], pid)
        self.assertEqual(os.getsid(pid), pid)
        self.assertEqual(os.readlink(f"/proc/{pid}/fd/0"), "/dev/null")
        kill(pid, signal.SIGTERM)
        until("it ends", lambda: not alive(pid), 10)
        self.assertFalse(os.path.exists(pidfile))
        with open(logfile) as file:
            self.assertIn("bye bye", file.read())


class Faults(ControlTest):
    def test_a_crashed_dataplane_is_reported_and_restarted(self):
        instance = self.start()
        old = instance.dataplane()
        kill(old, signal.SIGSEGV)
        instance.wait_ready(2)
        self.assertIn("crashed by signal: 11", instance.log())
        self.assertIn("STACK TRACE", instance.log())
        self.assertNotEqual(instance.dataplane(), old)
        self.assertEqual(instance.status()["dataplane_restarts"], 1)
        self.assertEqual(instance.call("PING"), "PONG")

    def test_a_killed_dataplane_is_restarted_and_the_second_time_after_a_pause(self):
        instance = self.start()
        kill(instance.dataplane())
        instance.wait_ready(2)
        self.assertIn("crashed by signal: 9", instance.log())
        start = time.monotonic()
        kill(instance.dataplane())
        instance.wait_ready(3)
        self.assertGreater(time.monotonic() - start, 0.9)
        self.assertIn("Restarting the dataplane in 1 s", instance.log())
        self.assertEqual(instance.call("PING"), "PONG")

    def test_config_set_survives_a_restart_of_the_dataplane(self):
        instance = self.start()
        self.assertEqual(instance.call("CONFIG", "SET", "maxmemory", "123mb", "timeout", "9"), "OK")
        kill(instance.dataplane())
        instance.wait_ready(2)
        self.assertEqual(instance.call("CONFIG", "GET", "maxmemory"), ["maxmemory", str(123 << 20)])
        self.assertEqual(instance.call("CONFIG", "GET", "timeout"), ["timeout", "9"])

    def test_a_killed_control_leaves_the_dataplane_serving_and_the_next_one_adopts_it(self):
        folder = self.folder()
        first = self.start(folder=folder)
        dataplane = first.dataplane()
        client = Connection(first.port)
        self.addCleanup(client.close)
        self.assertEqual(client.call("SET", "kept", "yes"), "OK")
        self.assertEqual(client.call("CONFIG", "SET", "timeout", "3600"), "OK")
        first.process.kill()
        first.process.wait()
        self.assertEqual(client.call("GET", "kept"), "yes", "served without control")
        code, out, _ = ctl("--json", "-p", first.port, "status")
        self.assertEqual((code, json.loads(out)["control"]["alive"]), (1, False))

        second = self.start(folder=folder, port=first.port)
        self.assertIn("Found the dataplane running", second.log())
        self.assertIn("keeps timeout '3600'", second.log())
        self.assertEqual(second.dataplane(), dataplane)
        self.assertEqual(client.call("GET", "kept"), "yes", "the same connection")
        kill(dataplane)  # not a child of the new control, and watched all the same
        second.wait_ready(2)
        self.assertEqual(second.call("CONFIG", "GET", "timeout"), ["timeout", "3600"])
        second.process.terminate()
        self.assertEqual(second.wait_exit(10), 0)

    def test_an_adopted_dataplane_is_stopped_in_order(self):
        folder = self.folder()
        first = self.start(folder=folder)
        dataplane = first.dataplane()
        first.process.kill()
        first.process.wait()
        second = self.start(folder=folder, port=first.port)
        second.process.terminate()
        self.assertEqual(second.wait_exit(10), 0)
        self.assertFalse(alive(dataplane))

    def test_a_region_that_nobody_lives_in_is_made_anew(self):
        folder = self.folder()
        first = self.start(folder=folder)
        dataplane = first.dataplane()
        first.process.kill()
        first.process.wait()
        kill(dataplane)
        until("the dataplane ends", lambda: not alive(dataplane))
        second = self.start(folder=folder, port=first.port)
        self.assertNotIn("Found the dataplane", second.log())
        self.assertEqual(second.call("PING"), "PONG")

    def test_a_second_control_is_refused_and_the_first_is_undisturbed(self):
        folder = self.folder()
        first = self.start(folder=folder)
        log = self.fails(folder=folder, port=first.port)
        self.assertIn(f"already running on this port and in this directory, as process "
                      f"{first.process.pid}", log)
        self.assertIn(f"Failed listening on port {first.port}", log)
        self.assertEqual(first.call("PING"), "PONG")
        self.assertTrue(first.status()["control"]["alive"])

    def test_a_busy_port_is_said_as_programs_expect(self):
        with contextlib.closing(socket.socket()) as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            log = self.fails("--bind", "127.0.0.1", port=port)
        self.assertIn(f"Failed listening on port {port}", log)
        self.assertNotIn("Server initialized", log)

    def test_gives_up_on_a_dataplane_that_never_gets_ready(self):
        log = self.fails(environment={"PENSTOCK_DATAPLANE": shutil.which("false")})
        self.assertEqual(log.count("ended unexpectedly with exit code 1"), 5)
        self.assertIn("giving up", log)

    def test_says_when_the_dataplane_cannot_be_started(self):
        log = self.fails(environment={"PENSTOCK_DATAPLANE": "/nonexistent/dataplane"})
        self.assertIn("Cannot start the dataplane /nonexistent/dataplane: No such file", log)

    def test_a_crash_of_control_itself_is_reported_and_the_dataplane_lives_on(self):
        instance = self.start()
        instance.process.send_signal(signal.SIGSEGV)
        self.assertEqual(instance.wait_exit(10), -signal.SIGSEGV)
        self.assertIn("crashed by signal: 11", instance.log())
        self.assertIn("STACK TRACE", instance.log())
        self.assertEqual(instance.call("PING"), "PONG")


class ServiceManager(ControlTest):
    def listen(self):
        path = os.path.join(self.folder(), "notify")
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(path)
        notify.settimeout(PATIENCE_S)
        self.addCleanup(notify.close)
        return notify, path

    def test_systemd_hears_of_readiness_and_of_the_end(self):
        notify, path = self.listen()
        instance = self.start("--supervised", "systemd", "--daemonize", "yes",
                              environment={"NOTIFY_SOCKET": path})
        ready = notify.recv(4096).decode()
        self.assertIn("READY=1", ready)
        self.assertIn("STATUS=Ready to accept connections", ready)
        self.assertIsNone(instance.process.poll(), "a supervised server stays in the foreground")
        instance.process.terminate()
        self.assertIn("STOPPING=1", notify.recv(4096).decode())
        self.assertEqual(instance.wait_exit(10), 0)

    def test_nothing_is_sent_when_not_supervised(self):
        notify, path = self.listen()
        self.start(environment={"NOTIFY_SOCKET": path})
        notify.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            notify.recv(4096)


class Penstockctl(ControlTest):
    def test_ping_and_its_exit_codes(self):
        instance = self.start()
        self.assertEqual(ctl("-p", instance.port, "ping"), (0, "PONG\n", ""))
        self.assertEqual(ctl("ping", "-p", instance.port)[0], 0)
        code, _, err = ctl("-p", free_port(), "ping")
        self.assertEqual(code, 3)
        self.assertIn("cannot connect to 127.0.0.1 port", err)

    def test_usage_errors_are_exit_code_2(self):
        for words in ([], ["nonsense"], ["ping", "x"], ["-p", "0", "ping"], ["-p", "x", "ping"],
                      ["config"], ["config", "get"], ["config", "set", "a"], ["--nope"],
                      ["--interval", "0", "top"], ["status", "x"], ["shards", "x"]):
            self.assertEqual(ctl(*words)[0], 2, words)

    def test_help_documents_the_exit_codes(self):
        for words in (["--help"], ["help"]):
            code, out, _ = ctl(*words)
            self.assertEqual(code, 0)
            self.assertIn("Exit codes", out)

    def test_a_peer_that_is_no_server_is_exit_code_4(self):
        with contextlib.closing(socket.socket()) as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            for answer in (b"", b"HTTP/1.1 400 Bad\r\n\r\n", b"$5\r\nab", b"*1\r\n" * 9, b"$-7\r\n",
                           b"*99999999\r\n", b"+" + b"x" * 200000):
                process = subprocess.Popen(
                    [CTL, "-p", str(listener.getsockname()[1]), "config", "get", "x"],
                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                peer, _ = listener.accept()
                with contextlib.suppress(OSError):
                    peer.recv(100)
                    peer.sendall(answer)
                    peer.shutdown(socket.SHUT_WR)
                self.assertEqual(process.wait(20), 4, answer[:20])
                process.stderr.close()
                peer.close()

    def test_config_get_and_set(self):
        instance = self.start()
        self.assertEqual(ctl("-p", instance.port, "config", "set", "maxmemory", "5mb", "timeout",
                             "3")[:2], (0, "OK\n"))
        self.assertEqual(ctl("-p", instance.port, "config", "get", "maxmemory"),
                         (0, f"maxmemory {5 << 20}\n", ""))
        code, out, _ = ctl("--json", "-p", instance.port, "config", "get", "*")
        self.assertEqual(json.loads(out)["timeout"], "3")
        code, _, err = ctl("-p", instance.port, "config", "set", "maxmemory", "lots")
        self.assertEqual(code, 1)
        self.assertIn("ERR", err)

    def test_passwords_come_by_option_and_by_environment(self):
        instance = self.start("--requirepass", "secret")
        port = instance.port
        self.assertEqual(ctl("-p", port, "ping")[0], 1)
        self.assertEqual(ctl("-p", port, "-a", "wrong", "ping")[0], 1)
        self.assertEqual(ctl("-p", port, "-a", "secret", "ping")[:2], (0, "PONG\n"))
        self.assertEqual(ctl("-p", port, "-a", "secret", "--user", "default", "ping")[0], 0)
        self.assertEqual(ctl("-p", port, "ping", environment={"REDISCLI_AUTH": "secret"})[0], 0)

    def test_status_tells_what_runs(self):
        instance = self.start()
        status = instance.status()
        self.assertEqual(status["state"], "ready")
        self.assertEqual(status["port"], instance.port)
        self.assertEqual(status["control"]["pid"], instance.process.pid)
        self.assertTrue(alive(status["dataplane"]["pid"]))
        code, out, _ = ctl("-p", instance.port, "status")
        self.assertEqual(code, 0)
        self.assertRegex(out, r"(?m)^state +ready$")
        self.assertEqual(ctl("--instance", status["instance"], "status")[0], 0)
        instance.process.terminate()
        instance.wait_exit(10)
        self.assertEqual(ctl("-p", instance.port, "status")[0], 3)
        self.assertEqual(ctl("--instance", status["instance"], "status")[0], 3)

    def test_several_instances_are_listed_when_none_is_named(self):
        ports = [self.start().port for _ in range(2)]
        code, _, err = ctl("status")
        self.assertEqual(code, 2)
        for port in ports:
            self.assertIn(f"(port {port}", err)

    def test_top_adds_up_to_all_cycles(self):
        instance = self.start()
        code, out, _ = ctl("--json", "-p", instance.port, "--once", "--interval", "0.3", "top")
        self.assertEqual(code, 0)
        top = json.loads(out)
        self.assertAlmostEqual(sum(top["cycles_percent"].values()), 100, delta=0.1)
        self.assertIn("dataset", top["memory_bytes"])
        self.assertIn("wait_us_mean", top["requests"])

    def test_top_counts_requests_and_separates_wait_from_execution(self):
        instance = self.start()
        process = subprocess.Popen([CTL, "--json", "-p", str(instance.port), "--once", "--interval",
                                    "1", "top"], stdout=subprocess.PIPE, text=True)
        connection = Connection(instance.port)
        self.addCleanup(connection.close)
        calls = 0
        while process.poll() is None:
            connection.call("SET", "k", "v")
            calls += 1
        with process.stdout:
            requests = json.load(process.stdout)["requests"]
        self.assertGreater(requests["requests_per_s"], 0.3 * calls)
        self.assertLess(requests["requests_per_s"], 1.5 * calls)
        self.assertGreater(requests["execute_us_mean"], 0)
        self.assertGreater(requests["wait_us_mean"], 0)

    def test_top_runs_on_as_plain_text_when_not_on_a_terminal(self):
        instance = self.start()
        process = subprocess.Popen([CTL, "-p", str(instance.port), "--interval", "0.1", "top"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            lines = [process.stdout.readline() for _ in range(60)]
        finally:
            process.kill()
            process.communicate()
        text = "".join(lines)
        self.assertNotIn("\033", text)
        self.assertGreaterEqual(len(re.findall(r"(?m)^instance +penstock-", text)), 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
