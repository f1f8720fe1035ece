"""Rows 20 to 23 of tools/figures: what several shards cost and bring, beside one."""
import binascii
import json
import re
import statistics

from figures_kit import Client, Failed, Process, alternate, favour, spread

SHARDS, SLOTS = 2, 16384
LOADS = [(command, pipeline) for command in ("get", "set") for pipeline in (1, 16)]


def load(bench, server, *words, pin=True):
    """Pinned to the generator's core, unless a shard is there."""
    return bench.finish_load(bench.begin_load("-p", server.port, "-c", 50, "-v", 64, *words, pin=pin))


# ---- rows 20 and 21: processor time over sockets


def cpu_per_request(bench, shards, on_one_core, command, pipeline, *words):
    """Server time per request depends on how many requests a shard finds when it wakes, so on who waits for whom. With two
    cores there are two ways to place two shards, and neither is what three cores would show: both on the server's core, so
    that all is as with one shard, but they take turns; or each on its own, and the generator is where there is time, which
    makes the shard there find more at a time."""
    server = bench.start_penstock("--shards", shards, on_one_core=on_one_core)
    client = Client(server.port)
    try:
        load(bench, server, "--fill-only")
        client.ask("CONFIG", "RESETSTAT")
        got = load(bench, server, "-t", command, "-P", pipeline, "--require-hits", "--server-pid", server.child.pid,
                   *bench.seconds(), *words, pin=on_one_core)
        far, done = (int(client.info(section).get(name, 0)) for section, name in (
            ("ledger", "far_calls"), ("stats", "total_commands_processed")))
    finally:
        client.close()
        server.stop()
    bench.say(f"{shards} shard(s) on {1 if on_one_core else shards} core(s), {command.upper()}, P={pipeline}: "
              f"{got['cpu_us_per_request']:.3f} us of CPU per request, {got['rate']:.0f} req/s, server "
              f"{got['server_cpu_share']:.0%}, generator {got['generator_cpu_share']:.0%} of a core; {far / done:.1%} of the "
              f"commands went to another shard")
    return got["cpu_us_per_request"]


def cpu_of_processes(bench, command, pipeline):
    """As many servers of one shard, each on its own core and with its part of the clients and keys: what "a core each" costs
    on this machine when shards have nothing to do with each other."""
    servers = [bench.start_penstock("--core", core) for core in range(SHARDS)]
    part = ["-c", 50 // SHARDS, "-k", 100000 // SHARDS]
    try:
        for server in servers:
            load(bench, server, *part, "--fill-only")
        runs = [bench.begin_load("-p", server.port, "-v", 64, *part, "-t", command, "-P", pipeline, "--require-hits",
                                 "--server-pid", server.child.pid, *bench.seconds(), pin=False) for server in servers]
        got = [bench.finish_load(run) for run in runs]
    finally:
        for server in servers:
            server.stop()
    cpu = sum(one["cpu_us_per_request"] * one["rate"] for one in got) / sum(one["rate"] for one in got)
    bench.say(f"{SHARDS} processes of one shard, {command.upper()}, P={pipeline}: {cpu:.3f} us of CPU per request, "
              f"{sum(one['rate'] for one in got):.0f} req/s")
    return cpu


def compare_cpu(bench, what, wanted, *words):
    for command, pipeline in LOADS:
        one, together, apart, processes = alternate(bench.options.rounds, [
            lambda: cpu_per_request(bench, 1, True, command, pipeline),
            lambda: cpu_per_request(bench, SHARDS, True, command, pipeline, *words),
            lambda: cpu_per_request(bench, SHARDS, False, command, pipeline, *words),
            lambda: cpu_of_processes(bench, command, pipeline)])
        for place, two in (("on one core", together), ("a core each", apart)):
            ratio = statistics.median(two) / statistics.median(one)
            bench.result(f"{SHARDS} shards {place}, {what}, {command.upper()}, P={pipeline}: server CPU per request",
                         f"{ratio:.2f} x one shard", f"{wanted} x or less", ratio <= wanted,
                         f"{spread(two, '{:.3f}')} us against {spread(one, '{:.3f}')} us")
        bench.baseline(f"{SHARDS} processes of one shard, a core each, {command.upper()}, P={pipeline}",
                       f"{statistics.median(processes) / statistics.median(one):.2f} x one shard",
                       f"{spread(processes, '{:.3f}')} us; {SHARDS} shards a core each are "
                       f"{statistics.median(apart) / statistics.median(processes):.2f} x that")


def row_20(bench):
    """2 shards, keys and connections random, so half of the commands are another shard's: server CPU per request against 1"""
    compare_cpu(bench, "random keys", 1.5)


def row_21(bench):
    """2 shards, connections that ask only for keys of their own shard: server CPU per request against 1"""
    compare_cpu(bench, "steered clients", 1.05, "--steer", SHARDS)


# ---- row 22: for how long shards stand


def tag_of(shard):
    """A hash tag whose keys are on it."""
    return next(tag for tag in "abcdefghij" if binascii.crc_hqx(tag.encode(), 0) % SLOTS * SHARDS // SLOTS == shard)


def commands_of_two_shards():
    keys = [f"{{{tag_of(shard)}}}:__rand_int__" for shard in range(SHARDS)]
    return {"MSET": " ".join(["MSET", *(f"{key} __data__" for key in keys)]), "MGET": " ".join(["MGET", *keys])}


def lengths(ledger, name):
    return {key: float(value) for key, value in re.findall(r"(\w+)=([\d.]+)", ledger[f"rendezvous_usec_{name}"])}


def stand(bench, server, client, name, *words):
    """What the ledger says of the rendezvous of a load."""
    client.ask("CONFIG", "RESETSTAT")
    got = load(bench, server, "--command", commands_of_two_shards()[name], "-k", 10000, *bench.seconds(), *words, pin=False)
    ledger = client.info("ledger")
    every, first = lengths(ledger, "all_stand"), lengths(ledger, "first_stands")
    bench.say(f"{name}, {' '.join(map(str, words))}: {got['rate']:.0f} per second, {every['count']:.0f} rendezvous of "
              f"{int(ledger['rendezvous_held']) / max(1, every['count']):.1f} commands, all stand p50 {every['p50']:.1f} p99 "
              f"{every['p99']:.1f} max {every['max']:.0f} us, first stands p50 {first['p50']:.1f} p99 {first['p99']:.1f} max "
              f"{first['max']:.0f} us; given up {ledger['rendezvous_given_up']}")
    return {"all": every, "first": first}


def p99s(runs, which):
    return [run[which]["p99"] for run in runs]


def row_22(bench):
    """MSET and MGET of a key on each of 2 shards, 2,000 per second and all that 50 connections ask: how long both stand, p99"""
    server = bench.start_penstock("--shards", SHARDS)
    client = Client(server.port)
    calm, busy = ["-r", 2000, "--tick", 200, "-P", 64], ["-P", 1]
    for name in ("MSET", "MGET"):
        slow, fast = alternate(bench.options.rounds, [lambda: stand(bench, server, client, name, *calm),
                                                      lambda: stand(bench, server, client, name, *busy)])
        tail = p99s(slow, "all")
        bench.result(f"{name} of keys on two shards, 2,000 per second: both stand, p99", f"{spread(tail, '{:.1f}')} us",
                     "20 us or less", statistics.median(tail) <= 20,
                     f"p50 {statistics.median(run['all']['p50'] for run in slow):.1f} us; from when the first stands p99 "
                     f"{spread(p99s(slow, 'first'), '{:.1f}')} us")
        bench.baseline("the same as fast as 50 connections ask for it, up to 32 commands in a rendezvous",
                       f"{spread(p99s(fast, 'all'), '{:.1f}')} us",
                       f"from when the first stands p99 {spread(p99s(fast, 'first'), '{:.1f}')} us")
    client.close()
    server.stop()


# ---- row 23: throughput


def begin_rate(bench, shards, core, command, *words):
    run = Process(bench, [bench.build / "tests" / "rate" / "shard_rate", "--shards", shards, "--command", command, "--core",
                          core, "--seconds", bench.options.duration, *words])
    favour(run.child.pid)
    return run


def finish_rate(bench, run):
    if run.wait(60 + bench.options.duration) != 0:
        raise Failed(run.output()[-2000:])
    return json.loads(run.output().strip().splitlines()[-1])


def shard_rate(bench, shards, command, *words):
    """Shards that make their load themselves, in one process, a core each."""
    got = finish_rate(bench, begin_rate(bench, shards, 0, command, *words))
    bench.say(f"{shards} shard(s), {command.upper()} {' '.join(words)}: {got['rate']:.0f} commands/s, generator "
              f"{got['generator_share']:.1%} of the time; {got['far_share']:.1%} went to another shard")
    return got


def ceiling(bench, command):
    """What this machine gives two cores that have nothing to do with each other: as many processes of one shard."""
    runs = [begin_rate(bench, 1, core, command) for core in range(SHARDS)]
    rate = sum(finish_rate(bench, run)["rate"] for run in runs)
    bench.say(f"{SHARDS} processes of one shard, {command.upper()}: {rate:.0f} commands/s")
    return {"rate": rate}


def row_23(bench):
    """2 shards against 1, each on a core and making its load itself (in memory, no transport), P=16: commands per second"""
    for command in ("get", "set"):
        runs = alternate(bench.options.rounds, [
            lambda: shard_rate(bench, SHARDS, command), lambda: shard_rate(bench, 1, command),
            lambda: shard_rate(bench, SHARDS, command, "--random"), lambda: ceiling(bench, command)])
        two, one, random, apart = ([run["rate"] for run in side] for side in runs)
        ratio, mixed, most = (statistics.median(rates) / statistics.median(one) for rates in (two, random, apart))
        share = statistics.median(run["generator_share"] for run in runs[0])
        bench.result(f"{SHARDS} shards, {command.upper()}, P=16, keys of the own shard: commands per second",
                     f"{ratio:.2f} x one shard", "1.8 x", ratio >= 1.8,
                     f"{spread(two)} against {spread(one)}; the load's part of the time {share:.1%}")
        bench.baseline(f"{SHARDS} processes of one shard at the same time", f"{most:.2f} x one shard", spread(apart))
        bench.baseline(f"{SHARDS} shards, random keys, half of them the other shard's", f"{mixed:.2f} x one shard",
                       spread(random))


ROWS = {20: row_20, 21: row_21, 22: row_22, 23: row_23}
