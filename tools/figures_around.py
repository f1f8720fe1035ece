"""Rows 14 to 16 of tools/figures: what is around the data, beside redis-server: scripts, transactions, messages."""
import selectors
import socket
import statistics
import time

from figures_kit import Client, alternate, favour, spread
from figures_types import encode

WANTED = 1.5
# A read, a write and a read, as a script does that changes a value by what it was.
SCRIPT = "redis.call('get',KEYS[1])redis.call('set',KEYS[1],ARGV[1])return(redis.call('get',KEYS[1]))"


def compare(bench, what, run):
    """run(server) -> operations per second; medians of alternating runs."""
    def one(start):
        server = start()
        try:
            return run(server)
        finally:
            server.stop()

    mine, others = alternate(bench.options.rounds, [lambda: one(bench.start_penstock), lambda: one(bench.start_redis)])
    ratio = statistics.median(mine) / statistics.median(others)
    bench.result(f"{what}: throughput, one server core", f"{ratio:.2f} x redis-server", f"{WANTED} x", ratio >= WANTED,
                 f"{spread(mine)} against {spread(others)} per second")


def row_14(bench):
    """EVAL of a script of three calls (GET, SET, GET), 50 connections, pipeline 16, against redis-server"""
    def run(server):
        got = bench.load("-p", server.port, "-c", 50, "-P", 16, "-k", 10000, "-v", 64, *bench.seconds(), "--command",
                         f"EVAL {SCRIPT} 1 key:__rand_int__ __data__", "--server-pid", server.child.pid)
        bench.say(f"{server.name}: {got['rate']:.0f} scripts/s, server {got['server_cpu_share']:.0%} of its core, generator "
                  f"{got['generator_cpu_share']:.0%}")
        return got["rate"]

    compare(bench, "EVAL of a three-call script", run)


class Stream:
    """A connection that sends the same bytes again and again, a batch at a time, and counts what comes back."""

    def __init__(self, port, batch, reply_bytes):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.batch, self.reply_bytes, self.missing, self.batches = batch, reply_bytes, 0, 0

    def send(self):
        self.socket.sendall(self.batch)
        self.missing = self.reply_bytes

    def receive(self, buffer):
        self.missing -= self.socket.recv_into(buffer)
        if self.missing == 0:
            self.batches += 1
            self.send()


def drive(bench, streams, listeners=()):
    """Batches per second of all streams; listeners are read and not counted."""
    buffer, selector = bytearray(1 << 20), selectors.DefaultSelector()
    for stream in streams:
        selector.register(stream.socket, selectors.EVENT_READ, stream)
        stream.send()
    for listener in listeners:
        selector.register(listener, selectors.EVENT_READ)
    warm, start, cpu = time.monotonic() + 0.5, None, 0
    while True:
        now = time.monotonic()
        if start is None and now > warm:
            start, cpu = now, time.process_time()
            for stream in streams:
                stream.batches = 0
        elif start is not None and now > start + bench.options.duration:
            break
        for key, _ in selector.select(1):
            if key.data is None:
                key.fileobj.recv_into(buffer)
            else:
                key.data.receive(buffer)
    seconds = time.monotonic() - start
    selector.close()
    bench.say(f"{sum(s.batches for s in streams) / seconds:.0f} batches/s, this generator runs "
              f"{(time.process_time() - cpu) / seconds:.0%}")
    for stream in streams:
        stream.socket.close()
    for listener in listeners:
        listener.close()
    return sum(stream.batches for stream in streams) / seconds


def row_15(bench):
    """MULTI, ten SETs of 64 B, EXEC; 50 connections, 20 transactions in flight each, against redis-server"""
    each = 20
    replies = 5 + 10 * len("+QUEUED\r\n") + len("*10\r\n") + 10 * len("+OK\r\n")

    def run(server):
        favour(server.child.pid)
        streams = []
        for number in range(50):
            batch = b"".join(encode("MULTI") + b"".join(encode("SET", f"key:{number}:{i * 10 + k}", "x" * 64) for k in range(10))
                             + encode("EXEC") for i in range(each))
            streams.append(Stream(server.port, batch, each * replies))
        return drive(bench, streams) * each

    compare(bench, "MULTI of ten commands", run)


def row_16(bench):
    """PUBLISH of 64 B to 100 subscribers of one channel, 100 in flight on one connection, against redis-server"""
    each = 100

    def run(server):
        client = Client(server.port)
        client.ask("CONFIG", "SET", "client-output-buffer-limit", "pubsub 0 0 0")
        client.close()
        listeners = []
        for _ in range(100):
            listener = socket.create_connection(("127.0.0.1", server.port), 10)
            listener.sendall(encode("SUBSCRIBE", "channel"))
            listeners.append(listener)
        time.sleep(0.3)
        for listener in listeners:
            listener.recv(4096)
        batch = encode("PUBLISH", "channel", "x" * 64) * each
        return drive(bench, [Stream(server.port, batch, each * len(":100\r\n"))], listeners) * each

    compare(bench, "PUBLISH to 100 subscribers", run)


ROWS = {14: row_14, 15: row_15, 16: row_16}
