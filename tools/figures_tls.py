"""Rows 17 and 18 of tools/figures: TLS beside redis-server, and connected clients while a storm of handshakes lasts."""
import pathlib
import statistics
import sys
import time

from figures_kit import Client, Process, alternate, favour, free_port, spread

SYSTEM = pathlib.Path(__file__).resolve().parent.parent / "tests" / "system"
sys.path.append(str(SYSTEM))
from tls_kit import Certificates  # noqa: E402

STORM_WIDTH, STORM_RATE = 500, 20000


def directives(certificates, name, port):
    cert, key = certificates.files(name)
    return ["--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", certificates.authority,
            "--tls-auth-clients", "no"]


def tls_load(bench, server, certificates, command):
    got = bench.load("-p", server.tls_port, "--cacert", certificates.authority, "-t", command, "-c", 50, "-v", 64, "--fill",
                     "--verify", "--require-hits", "--server-pid", server.child.pid, *bench.seconds())
    bench.say(f"{server.name}, {command.upper()}: {got['cpu_us_per_request']:.2f} us of CPU per request, {got['rate']:.0f} req/s, p99 "
              f"{got['latency']['p99_us']:.0f} us, server {got['server_cpu_share']:.0%} of its core")
    return got["cpu_us_per_request"]


def start(bench, certificates, name, how):
    port = free_port()
    server = how(*directives(certificates, name, port))
    server.tls_port = port
    return server


def row_17(bench):
    """TLS 1.3, GET and SET of 64 B, 50 connections, no pipeline: server CPU per request against redis-server"""
    certificates = Certificates(bench.directory())
    certificates.make("server")
    ours = start(bench, certificates, "server", bench.start_penstock)
    theirs = start(bench, certificates, "server", bench.start_redis)
    for command in ("get", "set"):
        a, b = alternate(bench.options.rounds, [lambda: tls_load(bench, ours, certificates, command),
                                                lambda: tls_load(bench, theirs, certificates, command)])
        ratio = statistics.median(a) / statistics.median(b)
        bench.result(f"TLS, {command.upper()}, P=1: server CPU per request", f"{ratio:.2f} x redis-server", "0.85 x or less",
                     ratio <= 0.85, f"{spread(a, '{:.2f}')} us against {spread(b, '{:.2f}')} us")
    ours.stop()
    theirs.stop()


def p99(bench, server, certificates, with_storm):
    """p99 of 50 clients that send STORM_RATE requests a second in all; connected before the storm begins."""
    seconds = bench.options.duration
    load = bench.begin_load("-p", server.tls_port, "--cacert", certificates.authority, "-t", "get", "-c", 50, "-P", 64, "-v", 64,
                            "-r", STORM_RATE, "--tick", 200, "-w", 2, "-d", seconds)
    favour(load.child.pid)
    time.sleep(1)
    storm = None
    if with_storm:
        storm = Process(bench, ["nice", "-n", 10, sys.executable, SYSTEM / "tls_kit.py", "storm", "127.0.0.1", server.tls_port,
                                STORM_WIDTH, seconds + 1], core=bench.options.generator_core)
    got = bench.finish_load(load)["latency"]
    if storm:
        storm.wait(60)
    bench.say(f"{'storm: ' + storm.output().strip() if storm else 'quiet'}; p50 {got['p50_us']:.0f} p99 {got['p99_us']:.0f} us")
    return got["p99_us"]


def row_18(bench):
    """p99 of connected TLS clients during a storm of handshakes against without it, for an EC and an RSA certificate"""
    certificates = Certificates(bench.directory())
    for kind in ("ec", "rsa"):
        certificates.make(kind, kind=kind)
        server = start(bench, certificates, kind, bench.start_penstock)
        Client(server.port).ask("SET", "k", "v")
        quiet, storm = alternate(bench.options.rounds, [lambda: p99(bench, server, certificates, False),
                                                        lambda: p99(bench, server, certificates, True)])
        ratio = statistics.median(storm) / statistics.median(quiet)
        bench.result(f"p99 of connected clients in a storm of handshakes ({kind.upper()})", f"{ratio:.2f} x", "1.5 x or less",
                     ratio <= 1.5, f"{spread(storm)} us against {spread(quiet)} us; storm and load share the generator's core")
        server.stop()


ROWS = {17: row_17, 18: row_18}
