#!/usr/bin/env python3
"""Our TCP/IP stack against the Linux kernel's, over a veth pair.

    test_tcp_kernel.py path/to/net_echo [name-part ...]

net_echo runs on AF_XDP (or af_packet where that does not start) at one end of the pair, in a
namespace of its own; this process enters the namespace of the other end and is the kernel's side.
A shorter round runs on af_packet, at MTU 3500, and on a tap port, which has offloads.
Needs root; without it says SKIP and exits 77. Whatever happens, namespaces and processes go.
"""
import atexit
import contextlib
import ctypes
import errno
import hashlib
import os
import random
import select
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

from kit import until

SERVER4, CLIENT4 = "10.77.0.1", "10.77.0.2"
SERVER6, CLIENT6 = "fd77::1", "fd77::2"
TAP_SERVER4, TAP_CLIENT4 = "10.78.0.1", "10.78.0.2"
TAP_SERVER6, TAP_CLIENT6 = "fd78::1", "fd78::2"
ECHO, SINK, SOURCE, CLOSED = 7, 8, 9, 11
SOURCE_BYTES = 4 << 20
CLONE_NEWNET = 0x40000000
TCP_ESTABLISHED, TCP_FIN_WAIT1 = 1, 4
DEADLINE_S = 20


class Failure(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Failure(text)


def skip(why):
    print("SKIP " + why)
    sys.exit(77)


def run(*words, check=True):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if check and done.returncode != 0:
        raise Failure("%s: %s" % (" ".join(words), done.stdout.strip()))
    return done


class Bed:
    """Two namespaces joined by a veth pair; the names carry our pid."""

    def __init__(self):
        pid = os.getpid()
        self.server_ns, self.client_ns = "pss%d" % pid, "psc%d" % pid
        self.server_if, self.client_if = "pa%d" % pid, "pb%d" % pid
        self.tap_if = "pt%d" % pid
        self.queues = 1  # of each end
        self.process = None
        self.log = None

    def open(self):
        for ns in (self.server_ns, self.client_ns):
            run("ip", "netns", "add", ns)
        queues = ("numrxqueues", str(self.queues), "numtxqueues", str(self.queues))
        run("ip", "link", "add", self.server_if, "netns", self.server_ns, *queues, "type", "veth",
            "peer", "name", self.client_if, "netns", self.client_ns, *queues)
        # The kernel shall have no address where our stack lives.
        self.in_server("sysctl", "-qw", "net.ipv6.conf.%s.disable_ipv6=1" % self.server_if)
        self.in_client("ip", "link", "set", "lo", "up")
        self.in_client("ip", "addr", "add", CLIENT4 + "/24", "dev", self.client_if)
        self.in_client("ip", "addr", "add", CLIENT6 + "/64", "dev", self.client_if, "nodad")
        # Across a veth the kernel leaves checksums unfinished, unless told not to.
        self.in_client("ethtool", "-K", self.client_if, "tx", "off")
        self.set_mtu(1500)
        self.enter_client()

    def set_mtu(self, mtu):
        for inside, name in ((self.in_server, self.server_if), (self.in_client, self.client_if)):
            inside("ip", "link", "set", name, "mtu", str(mtu), "up")

    def in_server(self, *words):
        return run("ip", "netns", "exec", self.server_ns, *words)

    def in_client(self, *words):
        return run("ip", "netns", "exec", self.client_ns, *words)

    def enter_client(self):
        libc = ctypes.CDLL(None, use_errno=True)
        fd = os.open("/run/netns/" + self.client_ns, os.O_RDONLY)
        try:
            if libc.setns(fd, CLONE_NEWNET) != 0:
                raise Failure("setns: " + os.strerror(ctypes.get_errno()))
        finally:
            os.close(fd)

    def device(self, driver, mtu):
        if driver == "af_xdp":
            return "net_af_xdp0,iface=%s,busy_budget=0" % self.server_if
        if driver == "tap":  # the kernel's end is in our own namespace
            return "net_tap0,iface=%s" % self.tap_if
        return ("net_af_packet0,iface=%s,qpairs=1,framesz=%d,blocksz=65536,framecnt=2048,"
                "qdisc_bypass=1" % (self.server_if, 2048 if mtu < 1900 else 4096))

    def start(self, program, driver, mtu):
        is_tap = driver == "tap"
        self.log = tempfile.TemporaryFile(mode="w+")
        # The leak checker would report what DPDK's drivers never free.
        environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", self.client_ns if is_tap else self.server_ns, program,
             "--dev", self.device(driver, mtu), "--mtu", str(mtu),
             "--address", (TAP_SERVER4 if is_tap else SERVER4) + "/24",
             "--address", (TAP_SERVER6 if is_tap else SERVER6) + "/64",
             "--port", str(ECHO), "--sink", "--source", str(SOURCE_BYTES)],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment)
        if select.select([self.process.stdout], [], [], DEADLINE_S)[0]:
            line = self.process.stdout.readline()
            if line.startswith("ready"):
                if is_tap:
                    self.set_up_tap()
                return line.strip()
        text = self.stop_hard()
        raise Failure("net_echo on %s did not start: %s" % (driver, text.strip()[-300:]))

    def set_up_tap(self):
        self.in_client("ip", "addr", "add", TAP_CLIENT4 + "/24", "dev", self.tap_if)
        self.in_client("ip", "addr", "add", TAP_CLIENT6 + "/64", "dev", self.tap_if, "nodad")
        self.in_client("ip", "link", "set", self.tap_if, "up")

    def stop_hard(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
        self.process = None
        text = ""
        if self.log:
            self.log.seek(0)
            text = self.log.read()
            self.log.close()
            self.log = None
        return text

    def stop(self):
        """Ends net_echo in order; returns its tallies."""
        self.process.terminate()
        try:
            out, _ = self.process.communicate(timeout=DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.stop_hard()
            raise Failure("net_echo does not end")
        code = self.process.returncode
        text = self.stop_hard()
        expect(code == 0, "net_echo ended with %d: %s" % (code, text[-500:]))
        return {name: int(value) for name, value in
                (line.split() for line in out.splitlines() if len(line.split()) == 2)}

    def close(self):
        with contextlib.suppress(Exception):
            self.stop_hard()
        for ns in (self.client_ns, self.server_ns):  # the pair goes with them
            run("ip", "netns", "del", ns, check=False)


# ---- the kernel's side

def connect(address, port):
    s = socket.create_connection((address, port), timeout=DEADLINE_S)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def read_all(s, into=None):
    parts = []
    while True:
        part = s.recv(1 << 18)
        if not part:
            return b"".join(parts)
        parts.append(part)


def transfer(address, data, pause_s=0):
    """Sends data to the echo port and half closes, reading all the while; returns what came back."""
    s = connect(address, ECHO)
    trouble = []

    def send():
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
        except OSError as e:
            trouble.append(e)

    thread = threading.Thread(target=send)
    thread.start()
    time.sleep(pause_s)  # the reader's slowness is what the case is about: nothing is waited for
    try:
        back = read_all(s)
    finally:
        thread.join()
        s.close()
    expect(not trouble, "sending: %s" % trouble)
    return back


def tcp_state(s):
    return s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


def same(a, b):
    return hashlib.sha256(a).digest() == hashlib.sha256(b).digest() and len(a) == len(b)


PATTERN = bytes((i * 7 + i // 256) & 255 for i in range(65521))


# ---- cases: each returns when its promise held, or raises

def bulk(address):
    data = random.randbytes(6 << 20)
    expect(same(transfer(address, data), data), "echoed bytes differ")


def bulk_in(address):
    data = random.randbytes(8 << 20)
    s = connect(address, SINK)
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
    count, adler = read_all(s).split()
    s.close()
    expect(int(count) == len(data), "%s of %d bytes arrived" % (count, len(data)))
    expect(int(adler, 16) == zlib.adler32(data), "what arrived has another checksum")


def bulk_out(address):
    s = connect(address, SOURCE)
    got = read_all(s)
    s.close()
    want = (PATTERN * (SOURCE_BYTES // len(PATTERN) + 1))[:SOURCE_BYTES]
    expect(same(got, want), "%d of %d bytes, or others than sent" % (len(got), SOURCE_BYTES))


def every_size(address):
    """Requests of one byte up to more than two segments, split anywhere, one at a time."""
    s = connect(address, ECHO)
    for size in list(range(1, 40)) + list(range(1400, 1500, 7)) + [2895, 2896, 2897, 8000]:
        data = random.randbytes(size)
        cut = random.randrange(size)
        s.sendall(data[:cut])
        s.sendall(data[cut:])
        got = b""
        while len(got) < size:
            part = s.recv(size - len(got))
            expect(part, "closed early")
            got += part
        expect(got == data, "echo of %d bytes differs" % size)
    s.close()


def half_close(address):
    """After our FIN everything still comes back, then theirs."""
    s = connect(address, ECHO)
    data = random.randbytes(100000)
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
    until('the end is acknowledged', lambda: tcp_state(s) not in (TCP_ESTABLISHED, TCP_FIN_WAIT1))
    expect(same(read_all(s), data), "bytes after the half close differ")
    s.close()


def slow_reader(address):
    """A full window is probed and opens again."""
    data = random.randbytes(8 << 20)
    expect(same(transfer(address, data, pause_s=1.5), data), "bytes differ after the stall")


def thousand(address):
    """1,000 connections at once, each with bytes of its own, three rounds."""
    count, selector, states = 1000, selectors.DefaultSelector(), []
    for i in range(count):
        s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        s.setblocking(False)
        code = s.connect_ex((address, ECHO))
        expect(code in (0, errno.EINPROGRESS), "connect: " + os.strerror(code))
        state = {"socket": s, "todo": random.randbytes(300 + i), "got": b"", "rounds": 3}
        state["rest"] = state["todo"]
        selector.register(s, selectors.EVENT_WRITE, state)
        states.append(state)
    left, end = count, time.monotonic() + DEADLINE_S
    while left:
        expect(time.monotonic() < end, "%d connections stalled" % left)
        for key, events in selector.select(timeout=1):
            left -= step(selector, key.fileobj, key.data, events)
    for state in states:
        expect(state["got"] == state["todo"], "a connection got another's bytes")
        state["socket"].close()
    selector.close()


def step(selector, s, state, events):
    if events & selectors.EVENT_WRITE:
        state["rest"] = state["rest"][s.send(state["rest"]):]
        if not state["rest"]:
            selector.modify(s, selectors.EVENT_READ, state)
        return 0
    part = s.recv(65536)
    expect(part, "closed early")
    state["got"] += part
    if len(state["got"]) < len(state["todo"]):
        return 0
    expect(state["got"] == state["todo"], "a connection got another's bytes")
    state["rounds"] -= 1
    if state["rounds"] == 0:
        selector.unregister(s)
        return 1
    state["got"], state["rest"] = b"", state["todo"]
    selector.modify(s, selectors.EVENT_WRITE, state)
    return 0


RESETS = 50


def resets(address):
    """Connections torn down in the middle of things leave the others alone."""
    other = connect(address, ECHO)
    for _ in range(RESETS):
        s = connect(address, ECHO)
        s.sendall(b"x" * 20000)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
    other.sendall(b"still there")
    got = b""
    while len(got) < 11:
        part = other.recv(11)
        expect(part, "closed")
        got += part
    other.close()


def refused(address):
    """A port nobody listens on answers with a reset."""
    try:
        socket.create_connection((address, CLOSED), timeout=5).close()
    except ConnectionRefusedError:
        return
    raise Failure("the connection was not refused")


def many_short(address):
    """Connections one after the other, closed by the client first: no leak, no clash."""
    for i in range(300):
        s = connect(address, ECHO)
        s.sendall(b"%d" % i)
        expect(s.recv(16) == b"%d" % i, "echo")
        s.close()


def ping(address):
    for size in ("56", "1400"):
        done = run("ping", "-c", "3", "-i", "0.2", "-W", "2", "-s", size, address, check=False)
        expect(" 0% packet loss" in done.stdout, done.stdout.strip()[-200:])


@contextlib.contextmanager
def loss(percent):
    rule = "numgen random mod 100 < %d drop" % percent
    run("nft", "add table inet lossy")
    try:
        for hook in ("input", "output"):
            run("nft", "add chain inet lossy %s { type filter hook %s priority 0; }" % (hook, hook))
            run("nft", "add rule inet lossy %s meta l4proto tcp %s" % (hook, rule))
        yield
    finally:
        run("nft", "delete table inet lossy", check=False)


def lossy(address):
    """5 of 100 segments vanish each way."""
    with loss(5):
        data = random.randbytes(2 << 20)
        expect(same(transfer(address, data), data), "echoed bytes differ")
        bulk_out(address)


CASES = (ping, refused, every_size, bulk, bulk_in, bulk_out, half_close, slow_reader, resets,
         many_short, thousand, lossy)
SHORT = (ping, bulk, bulk_in, bulk_out, half_close)


def check_rest(tallies):
    """What net_echo says when it ends: nothing is left, and our resets were seen as such."""
    expect(tallies["connections"] == 0, "%d connections left" % tallies["connections"])
    expect(tallies["held"] == 0, "%d frames held" % tallies["held"])
    expect(tallies["opened"] == tallies["closed"], "opened and closed differ")
    expect(tallies["rejected"] == 0, "the driver rejected frames")
    expect(tallies.get("drop_l4_checksum", 0) == 0, "checksums were bad")
    expect(tallies.get("drop_ip_checksum", 0) == 0, "header checksums were bad")


def check_resets(tallies):
    expect(tallies["reset"] >= 2 * RESETS, "%d resets seen" % tallies["reset"])
    expect(tallies.get("tcp_retransmits", 0) > 0, "no loss was felt")


class Report:
    def __init__(self, filters):
        self.filters = filters
        self.passed = self.failed = 0

    def wants(self, name):
        return not self.filters or any(part in name for part in self.filters)

    def case(self, name, body, *args):
        if not self.wants(name):
            return
        start = time.monotonic()
        try:
            body(*args)
            self.passed += 1
            print("ok     %s (%.1f s)" % (name, time.monotonic() - start), flush=True)
        except (Failure, AssertionError, OSError, ValueError, KeyError) as e:
            self.failed += 1
            print("not ok %s: %s: %s" % (name, type(e).__name__, e), flush=True)


def session(bed, report, program, driver, mtu, cases):
    """One run of net_echo and all its cases."""
    label = "%s mtu %d" % (driver, mtu)
    bed.set_mtu(mtu)
    try:
        print("#      " + bed.start(program, driver, mtu), flush=True)
    except Failure as e:
        print("#      %s" % e, flush=True)
        return False
    for case in cases:
        is_tap = driver == "tap"
        for family, address in (("ipv4", TAP_SERVER4 if is_tap else SERVER4),
                                ("ipv6", TAP_SERVER6 if is_tap else SERVER6)):
            report.case("%s, %s: %s" % (label, family, case.__name__), case, address)
    result = {}
    report.case(label + ": ends in order", lambda: result.update(bed.stop()))
    bed.stop_hard()
    if result and not report.filters:
        report.case(label + ": nothing is left", check_rest, result)
        if resets in cases:
            report.case(label + ": resets and loss were seen", check_resets, result)
    if result:
        print("#      " + " ".join("%s=%d" % pair for pair in result.items()), flush=True)
    return True


def require():
    if os.geteuid() != 0:
        skip("needs root for namespaces and AF_XDP")
    for tool in ("ip", "ethtool", "nft", "sysctl", "ping"):
        if not shutil.which(tool):
            skip("needs " + tool)


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: test_tcp_kernel.py path/to/net_echo [name-part ...]")
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    require()
    program, report, bed = os.path.abspath(sys.argv[1]), Report(sys.argv[2:]), Bed()
    seed = int.from_bytes(os.urandom(4), "little")
    random.seed(seed)
    print("#      seed %d" % seed)
    atexit.register(bed.close)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    try:
        bed.open()
    except (Failure, OSError) as e:
        skip("no namespaces or veth here: %s" % e)
    driver = "af_xdp"
    if not session(bed, report, program, driver, 1500, CASES):
        driver = "af_packet"
        print("#      falling back to af_packet", flush=True)
        if not session(bed, report, program, driver, 1500, CASES):
            report.failed += 1
    elif not session(bed, report, program, "af_packet", 1500, SHORT):
        report.failed += 1
    if not session(bed, report, program, driver, 3500, SHORT):
        report.failed += 1
    # A tap port offers checksum offload and TSO (in software): our use of both.
    if not session(bed, report, program, "tap", 1500, SHORT):
        print("#      no tap here: offloads are not tested", flush=True)
    print("%d passed, %d failed" % (report.passed, report.failed))
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
