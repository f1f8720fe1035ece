"""Rows 24 and 25 of tools/figures: what snapshots cost, beside redis-server's."""
import statistics
import time

from figures_kit import Client, alternate, resident_bytes, spread

KEYS, VALUE_BYTES = 5000000, 32
WRITES, READS, READS_S = 50000, 2000, 8
LOOK_S = 0.05
PATIENCE_S = 180
MB = 1 << 20


def start(bench, name, *words):
    return bench.start_penstock(*words) if name == "penstock" else bench.start_redis(*words)


def fill(bench, server):
    bench.load("-p", server.port, "-c", 20, "-P", 64, "-k", KEYS, "-v", VALUE_BYTES, "--fill-only")


def wait_saved(client):
    until_s = time.monotonic() + PATIENCE_S
    while client.info("persistence")["rdb_bgsave_in_progress"] != "0":
        time.sleep(LOOK_S)
        if time.monotonic() > until_s:
            raise RuntimeError("a snapshot that does not end")


def reads(bench, server):
    return bench.begin_load("-p", server.port, "-c", 10, "-t", "get", "-k", KEYS, "-r", READS, "--tick", 250, "-d", READS_S, "-w", 0.5)


def watch(bench, server, client, load, saves):
    """Looks at the server while the load reads, in the same way with snapshots and without: what looks takes its share
    of the cores. saves: a snapshot begins whenever there is none. The most memory it had, and how many snapshots ended."""
    peak, saved = 0, -1
    while load.is_running():
        peak = max(peak, resident_bytes(server.child.pid))
        is_saving = client.info("persistence")["rdb_bgsave_in_progress"] != "0"
        if saves and not is_saving:
            client.ask("BGSAVE")
            saved += 1
        time.sleep(LOOK_S)
    return peak, saved


def snapshot_under_writes(bench, name):
    """Memory beyond what there was, and p99.9 of GETs before and meanwhile, in ms: equally long, and meanwhile one snapshot
    follows the other."""
    server = start(bench, name)
    client = Client(server.port)
    try:
        fill(bench, server)
        writer = bench.begin_load("-p", server.port, "-c", 20, "-P", 64, "-t", "set", "-k", KEYS, "-v", VALUE_BYTES, "-r", WRITES, "--tick", 1000,
                                  "-d", 60, "-w", 0)
        time.sleep(1)  # it runs evenly
        load = reads(bench, server)
        resident, _ = watch(bench, server, client, load, False)
        before = bench.finish_load(load)
        load = reads(bench, server)
        peak, saved = watch(bench, server, client, load, True)
        meanwhile = bench.finish_load(load)
        wait_saved(client)
        extra = peak - resident
        slice_us = client.info("persistence").get("rdb_slice_usec_max", "-")
        writer.stop()
    finally:
        client.close()
        server.stop()
    first, then = before["latency"]["p999_us"] / 1000, meanwhile["latency"]["p999_us"] / 1000
    bench.say(f"{name}: {saved} snapshots, {extra / MB:+.0f} MB; GET p99.9 {first:.1f} ms before, {then:.1f} ms meanwhile; longest slice {slice_us} us")
    return extra / MB, then / first, then


def row_24(bench):
    """BGSAVE of five million keys under 50,000 writes a second over all of them"""
    ours, theirs = alternate(bench.options.rounds, [lambda: snapshot_under_writes(bench, "penstock"), lambda: snapshot_under_writes(bench, "redis-server")])
    extra, ratio = [statistics.median(run[i] for run in ours) for i in (0, 1)]
    bench.result("BGSAVE under writes: peak RSS over before", f"{extra:+.0f} MB", "+64 MB or less", extra <= 64,
                 f"redis-server {statistics.median(run[0] for run in theirs):+.0f} MB")
    bench.result("GETs during that BGSAVE: p99.9 against before it", f"{ratio:.2f} x", "1.5 x or less", ratio <= 1.5,
                 f"{statistics.median(run[2] for run in ours):.1f} ms; redis-server {statistics.median(run[1] for run in theirs):.2f} x, "
                 f"{statistics.median(run[2] for run in theirs):.1f} ms")


def save_and_load(bench, name):
    folder = bench.directory()
    server = start(bench, name, "--dir", folder)
    client = Client(server.port)
    try:
        fill(bench, server)
        client.socket.settimeout(PATIENCE_S)
        begin = time.monotonic()
        client.ask("SAVE")
        saved = time.monotonic() - begin
    finally:
        client.close()
        server.stop()
    begin = time.monotonic()
    server = start(bench, name, "--dir", folder)
    loaded = time.monotonic() - begin
    server.stop()
    bench.say(f"{name}: saved in {saved:.2f} s, up again in {loaded:.2f} s")
    return saved, loaded


def row_25(bench):
    """Saving five million keys, and starting on the file, against redis-server"""
    ours, theirs = alternate(bench.options.rounds, [lambda: save_and_load(bench, "penstock"), lambda: save_and_load(bench, "redis-server")])
    for i, what in enumerate(("SAVE", "start on the file")):
        mine, other = [run[i] for run in ours], [run[i] for run in theirs]
        ratio = statistics.median(other) / statistics.median(mine)
        bench.result(f"{what}, five million keys", f"{ratio:.2f} x as fast as redis-server", "1.5 x or more", ratio >= 1.5,
                     f"{spread(mine, '{:.2f}')} s against {spread(other, '{:.2f}')} s")


ROWS = {24: row_24, 25: row_25}
