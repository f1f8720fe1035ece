"""Rows 10 to 13 of tools/figures: every data type beside redis-server."""
import os
import socket
import statistics
import time

from figures_kit import Client, Failed, alternate, noise, resident_bytes, spread

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
    """{test: what penstock-bench measured}"""
    results = {}
    for test, command in TESTS.items():
        count = int((30000 if test.startswith("lrange") else 400000) * bench.options.duration)
        results[test] = bench.load("-p", server.port, "-c", 50, "-P", 16, "-n", count, "-k", 1, "-v", 3, "--command", command,
                                   "--server-pid", server.child.pid)
    return results


BUSY = 0.95  # idle for less than the rest: that side limits the rate


def limit(server_idle, generator_idle):
    """Who limits the rate. Where both are idle at times they wait for each other in turns."""
    if server_idle <= 1 - BUSY:
        return "the server is the limit"
    return "THE GENERATOR IS THE LIMIT" if generator_idle <= 1 - BUSY else "neither is busy all the time"


def compare_test(bench, test, mine, others):
    """Says all that was measured of one test; requests per second as a ratio, and whether our server was the limit."""
    def both(field):
        return [[run[test][field] for run in runs] for runs in (mine, others)]

    def medians(field):
        return [statistics.median(values) for values in both(field)]

    def idle(who):  # time that the side neither ran nor waited for a core that something else had
        return [statistics.median(max(0, 1 - run[test][f"{who}_cpu_share"] - run[test][f"{who}_wait_share"]) for run in runs)
                for runs in (mine, others)]

    rates, cpu, server, generator = both("rate"), *map(medians, ("cpu_us_per_request", "server_cpu_share",
                                                                 "generator_cpu_share"))
    server_idle, generator_idle = idle("server"), idle("generator")
    ratio = statistics.median(rates[0]) / statistics.median(rates[1])
    bench.say(f"{test}: {ratio:.2f} x requests/s ({spread(rates[0])} against {spread(rates[1])}); server CPU per request "
              f"{cpu[0] / cpu[1]:.2f} x ({cpu[0]:.2f} us against {cpu[1]:.2f}); server runs {server[0]:.0%} and idles "
              f"{server_idle[0]:.0%} against {server[1]:.0%} and {server_idle[1]:.0%}, generator {generator[0]:.0%} and "
              f"{generator_idle[0]:.0%} against {generator[1]:.0%} and {generator_idle[1]:.0%}: "
              f"{limit(server_idle[0], generator_idle[0])} with Penstock, {limit(server_idle[1], generator_idle[1])} with "
              "redis-server")
    return ratio, server_idle[0] <= 1 - BUSY


def row_10(bench):
    """each of redis-benchmark's default tests, pipeline 16, one server core, socket transport"""
    def run(start):
        server = start()
        try:
            return benchmark(bench, server)
        finally:
            server.stop()

    mine, others = alternate(bench.options.rounds, [lambda: run(bench.start_penstock), lambda: run(bench.start_redis)])
    compared = {test: compare_test(bench, test, mine, others) for test in TESTS}
    rates = {test: ratio for test, (ratio, _) in compared.items()}
    idle = [test for test, (_, is_limit) in compared.items() if not is_limit]
    worst = min(rates, key=rates.get)
    below = [f"{test} {ratio:.2f}" for test, ratio in rates.items() if ratio < 2]
    bench.result("redis-benchmark's tests, P=16: requests per second",
                 f"median {statistics.median(rates.values()):.2f} x, lowest {rates[worst]:.2f} x ({worst})",
                 "2 x each, none below 1.2 x", not below, "below 2 x: " + (", ".join(below) or "none")
                 + f"; Penstock's core had time left (idle for more than {1 - BUSY:.0%}) in: " + (", ".join(idle) or "none"))


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
# The generator sleeps from tick to tick, so that its core has room for who reads the long replies; it costs the GETs up to
# a tick of latency, which counts.
GET_TICK_US, ALONE_SECONDS, READS_SECONDS = 200, 6, 8
# redis-server deletes for several seconds, Penstock answers at once and frees for half a second: as short a time as each
# allows, for what is measured behind the end dilutes the tail.
DELETES_SECONDS = {"penstock": 2, "redis-server": 10}


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
    """As swallow, by a process that only has what the load generator leaves of its core (about half of it)."""
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


READS = (("KEYS", "*"), ("SMEMBERS", "giant:set"), ("ZRANGE", "giant:zset", "0", "-1"))
DELETES = (("DEL", "giant:hash"), ("FLUSHALL",))
WARM_UP_SECONDS = 1


def begin_gets(bench, server, seconds):
    return bench.begin_load("-p", server.port, "-c", 20, "-P", 4, "-k", KEYS, "--key-size", 16, "-t", "get", "-r", GET_RATE,
                            "--tick", GET_TICK_US, "-d", seconds, "-w", WARM_UP_SECONDS,
                            "--server-pid", server.child.pid)


def tails(result):
    return {"p999": result["latency"]["p999_us"], "max": result["latency"]["max_us"],
            "sent_late": result["send_delay"]["p999_us"], "p50": result["latency"]["p50_us"],
            "generator": result["generator_cpu_share"], "server": result["server_cpu_share"]}


def beside_reads(bench, server):
    """One after another as long as the GETs are measured: no quiet time dilutes the tail."""
    gets = begin_gets(bench, server, READS_SECONDS)
    time.sleep(WARM_UP_SECONDS + 0.1)
    until = time.monotonic() + READS_SECONDS
    took = {words[0]: [] for words in READS}
    while time.monotonic() < until:
        for words in READS:
            if time.monotonic() < until:
                took[words[0]].append(float(swallow_aside(bench, server, *words)))
    result = tails(bench.finish_load(gets))
    return result, ", ".join(f"{len(times)} {name} of {statistics.median(times or [0]):.2f} s" for name, times in took.items())


def beside_deletes(bench, server, client):
    gets = begin_gets(bench, server, DELETES_SECONDS[server.name])
    time.sleep(WARM_UP_SECONDS + 0.1)
    begin = time.monotonic()
    took = [f"{words[0]} {swallow_aside(bench, server, *words)} s" for words in DELETES]
    while gets.is_running() and not client.info("ledger").get("memory_dataset", "bytes=0,").startswith("bytes=0,"):
        time.sleep(0.05)
    took.append(f"all freed {time.monotonic() - begin:.2f} s after the first began")
    if not gets.is_running():
        raise Failed("the commands took longer than the GETs beside them")
    return tails(bench.finish_load(gets)), ", ".join(took)


def disturb(bench, server):
    """The GETs alone, beside the long reads, beside the long deletes; in one server over the same keys."""
    fill_giants(bench, server)
    client = Client(server.port)
    client.ask("CONFIG", "SET", "client-output-buffer-limit", "normal 0 0 0")
    alone = tails(bench.finish_load(begin_gets(bench, server, ALONE_SECONDS)))
    client.ask("CONFIG", "RESETSTAT")
    reads, reads_took = beside_reads(bench, server)
    deletes, deletes_took = beside_deletes(bench, server, client)
    ledger = client.info("ledger")
    client.close()
    server.stop()
    for what, got in (("alone", alone), (f"beside {reads_took}", reads), (f"beside {deletes_took}", deletes)):
        bench.say(f"{server.name}, GETs: p50 {got['p50']:.0f} p99.9 {got['p999']:.0f} max {got['max']:.0f} us, sent late "
                  f"p99.9 {got['sent_late']:.0f} us; generator {got['generator']:.0%}, server {got['server']:.0%} of a core; "
                  f"{what}")
    return {"alone": alone, "reads": reads, "deletes": deletes, "slice": int(ledger.get("slice_usec_p999", 0)),
            "slice_max": int(ledger.get("slice_usec_max", 0))}


def sleeper(bench):
    """How late a thread wakes on each core that only sleeps, to the ticks of the GETs."""
    both = noise(bench, ALONE_SECONDS, GET_TICK_US)
    bench.say("sleeping threads: p99.9 " + ", ".join(f"{one['p999_us']:.0f}" for one in both) + " us late, largest "
              + ", ".join(f"{one['max_us']:.0f}" for one in both) + " us")
    return both


def show_baselines(bench, mine, others, sleepers):
    for name, runs in (("Penstock", mine), ("redis-server", others)):
        bench.baseline(f"p99.9 of the same GETs alone, {name}", f"{spread([run['alone']['p999'] for run in runs])} us",
                       f"max {spread([run['alone']['max'] for run in runs])} us; sent late by the generator at p99.9 "
                       f"{spread([run['alone']['sent_late'] for run in runs])} us, its tick of {GET_TICK_US} us included")
    for kind, what in (("reads", "KEYS, SMEMBERS and ZRANGE"), ("deletes", "DEL and FLUSHALL")):
        bench.baseline(f"p99.9 of the same GETs beside {what}, redis-server",
                       f"{spread([run[kind]['p999'] for run in others])} us",
                       f"max {spread([run[kind]['max'] for run in others])} us")
    late = [[both[core]["p999_us"] for both in sleepers] for core in (0, 1)]
    bench.baseline(f"a thread that only sleeps from tick to tick ({GET_TICK_US} us): how late it wakes at p99.9",
                   f"{spread(late[1])} us", f"on the generator's core; {spread(late[0])} us on the server's; largest "
                   f"{max(one['max_us'] for both in sleepers for one in both):.0f} us")


def row_12(bench):
    """p99.9 of GETs at 50,000 per second while commands over millions run; and row 13, which it measures on the way"""
    mine, others, sleepers = alternate(bench.options.fills, [
        lambda: disturb(bench, bench.start_penstock()), lambda: disturb(bench, bench.start_redis()), lambda: sleeper(bench)])
    show_baselines(bench, mine, others, sleepers)
    for kind, what in (("reads", "KEYS, SMEMBERS and ZRANGE"), ("deletes", "DEL and FLUSHALL")):
        tail = [run[kind]["p999"] for run in mine]
        bench.result(f"p99.9 of GETs beside {what} of millions", f"{spread(tail)} us", "below 2000 us",
                     statistics.median(tail) < 2000, f"max {spread([run[kind]['max'] for run in mine])} us; sent late by the "
                     f"generator at p99.9 {spread([run[kind]['sent_late'] for run in mine])} us")
    long, longest = [run["slice"] for run in mine], [run["slice_max"] for run in mine]
    bench.result("longest slice in all of this, p99.9", f"{spread(long)} us", "500 us or less",
                 statistics.median(long) <= 500, "in steps of 50 us, preemption by others included")
    bench.result("longest slice in all of this", f"{spread(longest)} us", "2000 us or less",
                 statistics.median(longest) <= 2000)


ROWS = {10: row_10, 11: row_11, 12: row_12}
