"""Rows 26 to 28 of tools/figures: what an append-only log costs, beside redis-server's on the same disk."""
import os
import pathlib
import statistics
import time

from figures_kit import Client, alternate, spread

KEYS, CONNECTIONS, WRITERS = 100000, 50, 200
WRITE_RATE, READ_RATE, READ_S = 8000, 2000, 8
COMMANDS, PER_WRITE = 5000000, 20000
LOG = "appendonly.aof"


def start(bench, name, *words):
    return bench.start_penstock(*words) if name == "penstock" else bench.start_redis(*words)


# ---- row 26: throughput when every write waits for the disk


def throughput(bench, name):
    server = start(bench, name, "--appendonly", "yes", "--appendfsync", "always")
    try:
        got = bench.load("-p", server.port, "-t", "set", "-c", CONNECTIONS, "-P", 1, "-k", KEYS, "-v", 64, "--server-pid", server.child.pid,
                         *bench.seconds())
    finally:
        server.stop()
    bench.say(f"{name}: {got['rate']:.0f} SET/s, p50 {got['latency']['p50_us'] / 1000:.2f} ms, p99 {got['latency']['p99_us'] / 1000:.2f} ms")
    return got["rate"]


def row_26(bench):
    """appendfsync always, SET of 64 B, 50 connections, no pipeline: throughput against redis-server on the same disk"""
    ours, theirs = alternate(bench.options.rounds, [lambda: throughput(bench, "penstock"), lambda: throughput(bench, "redis-server")])
    ratio = statistics.median(ours) / statistics.median(theirs)
    bench.result("SET under appendfsync always, 50 connections, P=1: requests per second", f"{ratio:.2f} x redis-server", "2 x", ratio >= 2,
                 f"{spread(ours)} against {spread(theirs)}")


# ---- row 27: who only reads does not wait for the disk


def read_beside_writers(bench, name, policy):
    """GETs at an even rate while the writers write at one; p99 in us, and how many writes there were a second."""
    server = start(bench, name, "--appendonly", "yes", "--appendfsync", policy)
    try:
        bench.load("-p", server.port, "-c", 20, "-P", 16, "-k", KEYS, "-v", 64, "--fill-only")
        writers = bench.begin_load("-p", server.port, "-t", "set", "-c", WRITERS, "-k", KEYS, "-v", 64, "-r", WRITE_RATE, "--tick", 250,
                                   "-d", READ_S + 1, "-w", 0.5)
        readers = bench.begin_load("-p", server.port, "-t", "get", "-c", 10, "-k", KEYS, "-r", READ_RATE, "--tick", 250, "-d", READ_S, "-w", 1)
        reads, writes = bench.finish_load(readers), bench.finish_load(writers)
    finally:
        server.stop()
    bench.say(f"{name}, {policy}: GET p99 {reads['latency']['p99_us']:.0f} us, {writes['rate']:.0f} SET/s with p99 "
              f"{writes['latency']['p99_us'] / 1000:.1f} ms")
    return reads["latency"]["p99_us"], writes["rate"]


def row_27(bench):
    """p99 of GETs while 200 connections write under appendfsync always, against the same under everysec; redis-server beside it"""
    runs = alternate(bench.options.rounds, [lambda n=name, p=policy: read_beside_writers(bench, n, p) for name in ("penstock", "redis-server")
                                            for policy in ("always", "everysec")])
    tails = [[run[0] for run in side] for side in runs]
    rates = [statistics.median(run[1] for run in side) for side in runs]
    medians = [statistics.median(tail) for tail in tails]
    ratio = medians[0] / medians[1]
    bench.result(f"GETs while {WRITERS} connections write under always: p99 against everysec", f"{ratio:.2f} x", "1.5 x or less", ratio <= 1.5,
                 f"{spread(tails[0])} us at {rates[0]:.0f} writes/s against {spread(tails[1])} us at {rates[1]:.0f}; redis-server "
                 f"{medians[2] / medians[3]:.2f} x, {medians[2]:.0f} us at {rates[2]:.0f} writes/s")


# ---- row 28: starting on a log


def encode(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def command(i):
    """Of a mix: half of it sets strings, the rest changes collections of some dozen members."""
    kind, one = i % 10, b"%d" % (i * 7919 % (COMMANDS // 20))
    if kind < 5:
        return encode(b"SET", b"key:%012d" % i, b"value:%026d" % i)
    if kind == 5:
        return encode(b"INCRBY", b"counter:" + one, b"%d" % i)
    if kind == 6:
        return encode(b"RPUSH", b"list:" + one, b"element:%d" % i)
    if kind == 7:
        return encode(b"HSET", b"hash:" + one, b"field:%d" % (i % 997), b"%d" % i)
    if kind == 8:
        return encode(b"SADD", b"set:" + one, b"%d" % i)
    return encode(b"ZADD", b"zset:" + one, b"%d" % (i % 5000), b"member:%d" % (i % 997))


def make_log(bench):
    """A directory with COMMANDS commands behind no base, as it is after that many writes."""
    home = pathlib.Path(bench.directory())
    folder = home / "appendonlydir"
    folder.mkdir()
    with open(folder / f"{LOG}.1.incr.aof", "wb") as log:
        log.write(encode(b"SELECT", b"0"))
        for first in range(0, COMMANDS, PER_WRITE):
            log.write(b"".join(map(command, range(first, first + PER_WRITE))))
    (folder / f"{LOG}.manifest").write_text(f"file {LOG}.1.incr.aof seq 1 type i\n")
    bench.say(f"{COMMANDS} commands, {os.path.getsize(folder / f'{LOG}.1.incr.aof') >> 20} MB")
    return home


def load_log(bench, name, home):
    """Seconds until it serves, and how many keys."""
    begin = time.monotonic()
    server = start(bench, name, "--appendonly", "yes", "--dir", str(home), "--auto-aof-rewrite-percentage", "0")
    took = time.monotonic() - begin
    client = Client(server.port)
    try:
        count = client.ask("DBSIZE")
    finally:
        client.close()
        server.stop()
    bench.say(f"{name}: {took:.2f} s, {count} keys")
    return took, count


def row_28(bench):
    """Starting on a log of five million commands, one shard, against redis-server"""
    home = make_log(bench)
    ours, theirs = alternate(bench.options.rounds, [lambda: load_log(bench, "penstock", home), lambda: load_log(bench, "redis-server", home)])
    counts = {run[1] for run in ours + theirs}
    if len(counts) != 1:
        raise RuntimeError(f"they did not load the same: {counts} keys")
    mine, other = [run[0] for run in ours], [run[0] for run in theirs]
    ratio = statistics.median(other) / statistics.median(mine)
    bench.result("start on a log of five million commands", f"{ratio:.2f} x as fast as redis-server", "1.5 x or more", ratio >= 1.5,
                 f"{spread(mine, '{:.2f}')} s against {spread(other, '{:.2f}')} s")


ROWS = {26: row_26, 27: row_27, 28: row_28}
