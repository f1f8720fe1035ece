"""Rows 10 to 13 of tools/figures: every data type beside redis-server."""
import os
import socket
import statistics
import time

from figures_kit import Client, Failed, alternate, resident_bytes, spread

# ---- row 10: redis-benchmark's default tests, by a generator that one core does not limit as soon


# As redis-benchmark sends them by default, values of 3 bytes; LRANGE finds a list of as many elements as the pushes left.
TESTS = {
    "ping": "PING", "set": "SET key:__rand_int__ __data__", "get": "GET key:__rand_int__", "incr": "INCR counter:__rand_int__",
    "lpush": "LPUSH mylist __data__", "rpush": "RPUSH mylist __data__", "lpop": "LPOP mylist", "rpop": "RPOP mylist",
    "sadd": "SADD myset element:__rand_int__", "hset": "HSET myhash element:__rand_int__ __data__", "spop": "SPOP myset",
    "zadd": "ZADD myzset 0 element:__rand_int__", "zpopmin": "ZPOPMIN myzset", "lpush again": "LPUSH mylist __data__",
    "lrange_100": "LRANGE mylist 0 99", "lrange_300": "LRANGE mylist 0 299", "lrange_500": "LRANGE mylist 0 499",
    "lrange_600": "LRANGE mylist 0 599", "mset": "MSET" + " key:__rand_int__ __data__" * 10,
}


def benchmark(bench, server):
    """{test: (requests per second, microseconds of server CPU per request)}"""
    results = {}
    for test, command in TESTS.items():
        count = int((30000 if test.startswith("lrange") else 400000) * bench.options.duration)
        got = bench.load("-p", server.port, "-c", 50, "-P", 16, "-n", count, "-k", 1, "-v", 3, "--command", command,
                         "--server-pid", server.child.pid)
        results[test] = got["rate"], got["cpu_us_per_request"]
    return results


def row_10(bench):
    """each of redis-benchmark's default tests, pipeline 16, one server core, socket transport"""
    def run(start):
        server = start()
        try:
            return benchmark(bench, server)
        finally:
            server.stop()

    mine, others = alternate(bench.options.rounds, [lambda: run(bench.start_penstock), lambda: run(bench.start_redis)])
    rates = {}
    for test in TESTS:
        a, b = ([run[test] for run in runs] for runs in (mine, others))
        rates[test] = statistics.median(x[0] for x in a) / statistics.median(x[0] for x in b)
        bench.say(f"{test}: {rates[test]:.2f} x requests/s ({spread([x[0] for x in a])} against {spread([x[0] for x in b])}); "
                  f"CPU per request {statistics.median(x[1] for x in a) / statistics.median(x[1] for x in b):.2f} x")
    worst = min(rates, key=rates.get)
    below = [f"{test} {ratio:.2f}" for test, ratio in rates.items() if ratio < 2]
    bench.result("redis-benchmark's tests, P=16: requests per second",
                 f"median {statistics.median(rates.values()):.2f} x, lowest {rates[worst]:.2f} x ({worst})",
                 "2 x each, none below 1.2 x", not below, "below 2 x: " + (", ".join(below) or "none"))


# ---- row 11: memory of collections

SMALL_HASHES, ELEMENTS = 1_000_000, 5_000_000


def pipeline(port, commands, batch=500):
    """Sends commands (already encoded) in batches over one connection and reads a reply line for each."""
    with socket.create_connection(("127.0.0.1", port), 60) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        file = s.makefile("rb", 1 << 20)
        waiting, out = 0, []

        def drain():
            nonlocal waiting
            s.sendall(b"".join(out))
            out.clear()
            for _ in range(waiting):
                line = file.readline()
                if line[:1] == b"-":
                    raise Failed(line.decode())
                if line[:1] == b"$":
                    file.readline()
            waiting = 0

        for command in commands:
            out.append(command)
            waiting += 1
            if waiting == batch:
                drain()
        drain()


def encode(*words):
    parts = [str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def many(name, *make, per=50):
    """ELEMENTS elements, per of them in each command."""
    for first in range(0, ELEMENTS, per):
        words = [word for i in range(first, first + per) for word in (m(i) for m in make)]
        yield encode(name, "key", *words)


DATA = {
    "1 million hashes of 10 small fields": lambda: (
        encode("HSET", f"hash:{n}", *(word for i in range(10) for word in (f"f{i}", f"v{n + i}")))
        for n in range(SMALL_HASHES)),
    "a sorted set of 5 million": lambda: many("ZADD", lambda i: i * 7919 % ELEMENTS, lambda i: f"member:{i}"),
    "a set of 5 million": lambda: many("SADD", lambda i: f"member:{i}"),
    "a list of 5 million": lambda: many("RPUSH", lambda i: f"element:{i}"),
    "a stream of 5 million": lambda: (encode("XADD", "key", f"{1700000000000 + i}-0", "f", f"v{i}") for i in range(ELEMENTS)),
}


def data_memory(bench, server, what):
    client = Client(server.port)
    empty, empty_resident = int(client.info("memory")["used_memory"]), resident_bytes(server.child.pid)
    pipeline(server.port, DATA[what]())
    time.sleep(1)  # what was freed on the way goes back to the kernel
    used = int(client.info("memory")["used_memory"]) - empty
    resident = resident_bytes(server.child.pid) - empty_resident
    client.close()
    server.stop()
    bench.say(f"{server.name}, {what}: {used / 1e6:.1f} MB used, {resident / 1e6:.1f} MB resident")
    return used, resident


def row_11(bench):
    """memory of 1 million small hashes; of a sorted set, a set, a list and a stream of 5 million small elements each"""
    for what in DATA:
        mine, others = alternate(bench.options.fills, [
            lambda: data_memory(bench, bench.start_penstock(), what), lambda: data_memory(bench, bench.start_redis(), what)])
        used, resident = (statistics.median(run[i] for run in mine) / statistics.median(run[i] for run in others)
                          for i in (0, 1))
        bench.result(f"memory of {what}", f"{used:.2f} x used, {resident:.2f} x resident", "0.8 x redis-server or less",
                     used <= 0.8, f"{spread([run[0] / 1e6 for run in mine], '{:.1f}')} MB against "
                     f"{spread([run[0] / 1e6 for run in others], '{:.1f}')} MB used")


# ---- rows 12 and 13: others while commands over millions run

KEYS, MEMBERS, FIELDS, GET_RATE = 5_000_000, 2_000_000, 5_000_000, 50_000


def fill_giants(bench, server):
    bench.load("-p", server.port, "-c", 20, "-P", 32, "-k", KEYS, "--key-size", 16, "-v", 8, "--fill-only")
    pipeline(server.port, (encode("SADD", "giant:set", *(f"m{i + j}" for j in range(100))) for i in range(0, MEMBERS, 100)))
    pipeline(server.port, (encode("ZADD", "giant:zset", *(word for j in range(100) for word in (i + j, f"m{i + j}")))
                           for i in range(0, MEMBERS, 100)))
    pipeline(server.port, (encode("HSET", "giant:hash", *(word for j in range(100) for word in (f"f{i + j}", i)))
                           for i in range(0, FIELDS, 100)))


def swallow(port, *words):
    """One command whose reply, however long, is read and dropped; seconds until it was all there."""
    begin, total = time.monotonic(), 0
    with socket.create_connection(("127.0.0.1", port), 300) as s:
        s.sendall(encode(*words) + encode("ECHO", "penstock-the-end"))
        tail = b""
        while not tail.endswith(b"penstock-the-end\r\n"):
            got = s.recv(1 << 20)
            if not got:
                raise Failed(f"{words[0]}: the connection was closed after {total} bytes")
            total += len(got)
            tail = (tail + got)[-64:]
    return time.monotonic() - begin


def swallow_aside(bench, server, *words):
    """As swallow, by a process that only has what the load generator leaves of its core."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.sched_setaffinity(0, {bench.options.generator_core})
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
            os.write(writer, f"{swallow(server.port, *words):.2f}".encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    took = os.read(reader, 64).decode()
    os.close(reader)
    if os.waitpid(child, 0)[1] != 0:
        raise Failed(f"{words[0]}: no whole reply")
    return took


GIANTS = (("KEYS", "*"), ("SMEMBERS", "giant:set"), ("ZRANGE", "giant:zset", "0", "-1"), ("DEL", "giant:hash"), ("FLUSHALL",))


def disturb(bench, server):
    fill_giants(bench, server)
    client = Client(server.port)
    client.ask("CONFIG", "SET", "client-output-buffer-limit", "normal 0 0 0")
    client.ask("CONFIG", "RESETSTAT")
    gets = bench.begin_load("-p", server.port, "-c", 20, "-P", 4, "-k", KEYS, "--key-size", 16, "-t", "get", "-r", GET_RATE,
                            "-d", 14, "-w", 1)
    time.sleep(2)
    took = []
    for words in GIANTS:
        took.append(f"{words[0]} {swallow_aside(bench, server, *words)} s")
        time.sleep(0.3)
    result = bench.finish_load(gets)
    ledger = client.info("ledger")
    client.close()
    server.stop()
    bench.say(f"{server.name}: GET p99.9 {result['latency']['p999_us']:.0f} us, max {result['latency']['max_us']:.0f} us; "
              + ", ".join(took))
    return {"p999": result["latency"]["p999_us"], "max": result["latency"]["max_us"],
            "slice": int(ledger.get("slice_usec_p999", 0)), "slice_max": int(ledger.get("slice_usec_max", 0))}


def row_12(bench):
    """p99.9 of GETs at 50,000 per second while commands over millions run; and row 13, which it measures on the way"""
    mine, others = alternate(bench.options.fills, [
        lambda: disturb(bench, bench.start_penstock()), lambda: disturb(bench, bench.start_redis())])
    tail = [run["p999"] for run in mine]
    bench.result("p99.9 of GETs during KEYS, SMEMBERS, ZRANGE, DEL and FLUSHALL of millions", f"{spread(tail)} us",
                 "below 2000 us", statistics.median(tail) < 2000,
                 f"redis-server {spread([run['p999'] for run in others])} us; max {spread([run['max'] for run in mine])} us "
                 f"against {spread([run['max'] for run in others])} us")
    long, longest = [run["slice"] for run in mine], [run["slice_max"] for run in mine]
    bench.result("longest slice in all of this, p99.9", f"{spread(long)} us", "500 us or less",
                 statistics.median(long) <= 500, "in steps of 50 us, preemption by others included")
    bench.result("longest slice in all of this", f"{spread(longest)} us", "2000 us or less",
                 statistics.median(longest) <= 2000)


ROWS = {10: row_10, 11: row_11, 12: row_12}
