"""Rows of tools/figures about what an operator looks at: what it costs, and GETs while memory is moved."""
import statistics

from figures_kit import Client, alternate, spread

# ---- row 19: GETs with everything watched and with nothing

WATCHED = {"latency-tracking": "yes", "latency-monitor-threshold": 100, "slowlog-log-slower-than": 10000,
           "slowlog-log-wait-slower-than": 10000}
UNWATCHED = {"latency-tracking": "no", "latency-monitor-threshold": 0, "slowlog-log-slower-than": -1,
             "slowlog-log-wait-slower-than": -1}


def gets(bench, server, client, settings):
    client.ask("CONFIG", "SET", *(word for pair in settings.items() for word in map(str, pair)))
    got = bench.load("-p", server.port, "-t", "get", "-c", 50, "-P", 16, "-v", 64, "--fill", "--require-hits",
                     "--server-pid", server.child.pid, *bench.seconds())
    bench.say(f"{'watched' if settings is WATCHED else 'unwatched'}: {got['rate']:.0f} GET/s, "
              f"{got['cpu_us_per_request']:.3f} us CPU per request, server {got['server_cpu_share']:.0%}, generator "
              f"{got['generator_cpu_share']:.0%} of a core")
    return got


def row_19(bench):
    """GET throughput with latency tracking, latency monitor and SLOWLOG on against off; one server, sockets, pipeline 16"""
    server = bench.start_penstock()
    client = Client(server.port)
    on, off = alternate(bench.options.rounds, [lambda: gets(bench, server, client, WATCHED),
                                               lambda: gets(bench, server, client, UNWATCHED)])
    client.close()
    server.stop()
    rates = [[run["rate"] for run in runs] for runs in (on, off)]
    cpu = [statistics.median(run["cpu_us_per_request"] for run in runs) for runs in (on, off)]
    ratio = statistics.median(rates[0]) / statistics.median(rates[1])
    bench.result("GET, P=16, with latency tracking and SLOWLOG on against off: requests per second", f"{ratio:.3f} x", "0.97 x",
                 ratio >= 0.97, f"{spread(rates[0])} against {spread(rates[1])}; server CPU per request {cpu[0] / cpu[1]:.3f} x")


ROWS = {19: row_19}
