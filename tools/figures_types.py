"""Rows 10 to 13 of tools/figures: every data type beside redis-server."""
import socket
import statistics
import time

from figures_kit import Client, Failed, Process, alternate, favour, resident_bytes, spread

# ---- row 10: redis-benchmark's default tests


def benchmark(bench, server):
    run = Process(bench, ["redis-benchmark", "-p", server.port, "-c", 50, "-P", 16, "-n", int(200000 * bench.options.duration),
                          "--csv"], core=bench.options.generator_core)
    favour(run.child.pid)
    if run.wait(600) != 0:
        raise Failed(run.output()[-1000:])
    rates = {}
    for line in run.output().splitlines():
        words = [word.strip('"') for word in line.split('","')]
        if len(words) > 1 and words[0] != "test":
            rates[words[0]] = float(words[1])
    return rates


def row_10(bench):
    """each of redis-benchmark's default tests, pipeline 16, one server core, socket transport"""
    def ours():
        server = bench.start_penstock()
        try:
            return benchmark(bench, server)
        finally:
            server.stop()

    def theirs():
        server = bench.start_redis()
        try:
            return benchmark(bench, server)
        finally:
            server.stop()

    mine, others = alternate(bench.options.rounds, [ours, theirs])
    ratios = {}
    for test in others[0]:
        a, b = [run.get(test, 0.0) for run in mine], [run[test] for run in others]
        ratios[test] = statistics.median(a) / statistics.median(b)
        bench.say(f"{test}: {ratios[test]:.2f} x ({spread(a)} against {spread(b)} per second)")
    middle, worst = statistics.median(ratios.values()), min(ratios, key=ratios.get)
    below = [f"{test} {ratio:.2f}" for test, ratio in ratios.items() if ratio < 2]
    bench.result("redis-benchmark's default tests, P=16: requests per second",
                 f"median {middle:.2f} x, lowest {ratios[worst]:.2f} x ({worst})", "2 x each, none below 1.2 x",
                 not below, "below 2 x: " + (", ".join(below) or "none"))


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
        took.append(f"{words[0]} {swallow(server.port, *words):.2f} s")
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
