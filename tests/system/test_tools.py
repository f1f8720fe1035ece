#!/usr/bin/env python3
"""The tools and the client library that Redis users have, against both transports, without an error: redis-cli,
redis-benchmark, and hiredis (hiredis_calls.c).

    test_tools.py [Class.test ...]       $PENSTOCK_BUILD: the build folder; $PENSTOCK_TEST_LONG=1: ten times the requests

Left out: redis-cli --rdb, --replica, --functions-rdb and --cluster (replication, cluster), --ldb; redis-benchmark's
tests of other data types.
"""
import concurrent.futures
import os
import pty
import re
import select
import shutil
import subprocess
import threading
import time
import unittest

from kit import PATIENCE_S, Case, main, shards
from penstock import BUILD, Connection, Penstock, encode
from test_nic import Server as NicServer

LONG = 10 if os.environ.get('PENSTOCK_TEST_LONG') else 1
BENCHMARK_TESTS = 'ping_inline,ping_mbulk,set,get,incr,mset'
BENCHMARK_TITLES = ['PING_INLINE', 'PING_MBULK', 'SET', 'GET', 'INCR', 'MSET (10 keys)']
PASSWORD = 'se cret'
HIREDIS_CALLS = os.path.join(BUILD, 'tests', 'system', 'hiredis_calls')


class Tools:
    """What both transports have to do."""

    @classmethod
    def setUpClass(cls):
        """One server for all tests: on the NIC transport its start takes longer than most of them."""
        cls.server = cls.server_class({'shards': shards()} if shards() else {})
        cls.unix_path = os.path.join(cls.server.directory, 'socket')
        cls.server.options['unixsocket'] = cls.unix_path
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def setUp(self):
        self.addCleanup(self.show_log_of_a_failure, self.server)
        with Connection(self.unix_path) as c:
            c.call_raw('AUTH', PASSWORD)
            c.call('CONFIG', 'SET', 'requirepass', '', 'maxmemory-policy', 'noeviction')
            c.call('FLUSHALL')
            self.wait_clients(c)

    def address(self):
        return ['-h', self.server.host, '-p', str(self.server.port)]

    def cli(self, *args, stdin=b'', status=0, stderr=rb'', address=None):
        done = subprocess.run(['redis-cli'] + (address or self.address()) + [str(a) for a in args], input=stdin,
                              capture_output=True, timeout=60)
        self.assertEqual(done.returncode, status, done)
        self.assertRegex(done.stderr, rb'(?s)\A' + stderr + rb'\Z')
        return done.stdout

    def call(self, *requests):
        with self.server.connect() as c:
            return [c.call(*request) for request in requests]

    def cli_until(self, args, *patterns):
        """Runs a mode without an end on a terminal until all of the patterns were seen, one behind the other."""
        master, slave = pty.openpty()
        process = subprocess.Popen(['redis-cli'] + self.address() + args, stdin=slave, stdout=slave, stderr=slave,
                                   env={**os.environ, 'TERM': 'xterm-256color', 'HOME': self.server.directory})
        os.close(slave)
        seen, end = b'', time.monotonic() + PATIENCE_S
        try:
            at = 0
            for pattern in patterns:
                while not (match := re.compile(pattern).search(seen, at)):
                    self.assertTrue(select.select([master], [], [], max(0, end - time.monotonic()))[0], (pattern, seen[-500:]))
                    seen += os.read(master, 65536)
                at = match.end()
        finally:
            process.kill()
            process.wait()
            os.close(master)
        self.assertNotRegex(seen, rb'(?i)\berr')
        return seen

    # ---- redis-cli

    def test_cli_runs_single_commands(self):
        self.assertEqual(self.cli('SET', 'k', 'a b'), b'OK\n')
        self.assertEqual(self.cli('GET', 'k'), b'a b\n')
        self.assertEqual(self.cli('--no-raw', 'GET', 'k'), b'"a b"\n')
        self.assertEqual(self.cli('--no-raw', 'MGET', 'k', 'absent'), b'1) "a b"\n2) (nil)\n')
        self.assertEqual(self.cli('--csv', 'MGET', 'k', 'absent'), b'"a b",NULL\n')
        self.assertEqual(self.cli('-x', 'SET', 'stdin', stdin=b'\x00bytes\xff\n'), b'OK\n')
        self.assertEqual(self.cli('GET', 'stdin'), b'\x00bytes\xff\n\n')
        self.assertEqual(self.cli('-n', 5, 'SET', 'elsewhere', 1), b'OK\n')
        self.assertEqual(self.cli('EXISTS', 'elsewhere'), b'0\n')
        self.assertEqual(self.cli('-r', 5, '-i', 0, 'INCR', 'n'), b'1\n2\n3\n4\n5\n')
        self.assertIn(b'redis_version:7.2.4', self.cli('INFO', 'server'))

    def test_cli_shows_errors_and_its_exit_status_tells(self):
        self.cli('SET', 'k', 'text')
        done = subprocess.run(['redis-cli', '-e'] + self.address() + ['INCR', 'k'], capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'ERR value is not an integer or out of range', done.stdout + done.stderr)

    def test_cli_speaks_resp3(self):
        self.assertEqual(self.cli('-3', '--no-raw', 'GET', 'absent'), b'(nil)\n')
        self.assertIn(b'"maxmemory" => "0"', self.cli('-3', '--no-raw', 'CONFIG', 'GET', 'maxmemory'))
        self.assertIn(b'1# "server" => "redis"', self.cli('-3', '--no-raw', 'HELLO', 3))

    def test_cli_reads_commands_from_its_input_and_from_a_terminal(self):
        self.assertEqual(self.cli(stdin=b'SET k "x\\ny"\nSTRLEN k\nselect 2\nDBSIZE\n'), b'OK\n3\nOK\n0\n')
        master, slave = pty.openpty()
        process = subprocess.Popen(['redis-cli'] + self.address(), stdin=slave, stdout=slave, stderr=slave,
                                   env={**os.environ, 'TERM': 'dumb', 'HOME': self.server.directory})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        os.close(slave)
        seen, end = b'', time.monotonic() + PATIENCE_S

        def wait(text):
            nonlocal seen
            while text not in seen:
                self.assertTrue(select.select([master], [], [], max(0, end - time.monotonic()))[0], seen)
                seen += os.read(master, 65536)
            seen = seen[seen.index(text) + len(text):]
        prompt = b'%s:%d> ' % (self.server.host.encode(), self.server.port)
        wait(prompt)
        for line, answer in ((b'SET typed yes', b'OK'), (b'GET typed', b'"yes"'), (b'help getex', b' 6.2.0')):
            os.write(master, line + b'\n')
            wait(answer)
            wait(prompt)
        os.write(master, b'quit\n')
        self.assertEqual(process.wait(PATIENCE_S), 0)
        os.close(master)

    def test_cli_pipes_a_mass_of_commands(self):
        data = b''.join(encode(['SET', 'pipe:%d' % i, 'x' * (i % 500)]) for i in range(20000))
        out = self.cli('--pipe', stdin=data)
        self.assertIn(b'errors: 0, replies: 20000', out)
        self.assertEqual(self.cli('DBSIZE'), b'20000\n')
        data = b''.join(b'INCR inline\r\n' for _ in range(1000)) + encode(['INCR', 'pipe:1'])
        self.assertIn(b'errors: 1, replies: 1001', self.cli_pipe_with_errors(data))

    def cli_pipe_with_errors(self, data):
        done = subprocess.run(['redis-cli'] + self.address() + ['--pipe'], input=data, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        return done.stdout

    def fill(self, count):
        with self.server.connect() as c:
            c.send(*[['SET', 'key:%d' % i, 'v' * (i % 100)] for i in range(count)])
            for _ in range(count):
                c.read_raw()

    def test_cli_scans_keys(self):
        self.fill(5000)
        self.assertEqual(sorted(self.cli('--scan').split()), sorted(b'key:%d' % i for i in range(5000)))
        self.assertEqual(sorted(self.cli('--scan', '--pattern', 'key:12?').split()), sorted(b'key:12%d' % i for i in range(10)))

    def test_cli_finds_big_keys(self):
        self.fill(3000)
        self.cli('SET', 'the-biggest', 'z' * 100000)
        out = self.cli('--bigkeys')
        self.assertIn(b'Sampled 3001 keys in the keyspace!', out)
        self.assertIn(b'Biggest string found \'"the-biggest"\' has 100000 bytes', out)

    def fill_types(self):
        self.call(['RPUSH', 'list'] + list(range(30)), ['SADD', 'set'] + list(range(20)), ['SET', 'string', 'x' * 99],
                  ['HSET', 'hash'] + list(range(20)), ['ZADD', 'zset'] + list(range(14)),
                  *[['XADD', 'stream', '%d-1' % (i + 1), 'field', 'value'] for i in range(5)])

    def test_cli_finds_big_keys_of_every_type(self):
        self.fill_types()
        out = self.cli('--bigkeys', '-i', '0.01')
        for kind, size in ((b'list', b'30 items'), (b'set', b'20 members'), (b'hash', b'10 fields'), (b'zset', b'7 members'),
                           (b'stream', b'5 entries'), (b'string', b'99 bytes')):
            self.assertRegex(out, rb'Biggest +%s found \'"%s"\' has %s\n' % (kind, kind, size))

    def test_cli_finds_keys_that_take_memory(self):
        self.fill_types()
        self.fill(1000)
        self.cli('SET', 'the-biggest', 'z' * 100000)
        for options in ([], ['--memkeys-samples', 0], ['--memkeys-samples', 100]):
            out = self.cli('--memkeys', *options)
            self.assertIn(b'Sampled 1007 keys in the keyspace!', out)
            size = int(re.search(rb'Biggest string found \'"the-biggest"\' has (\d+) bytes', out)[1])
            self.assertTrue(100000 <= size < 150000, size)
            self.assertRegex(out, rb'Biggest +stream found \'"stream"\' has \d+ bytes')

    def test_cli_finds_hot_keys(self):
        self.fill(500)
        out = self.cli('--hotkeys', status=1, stderr=rb'Error: ERR An LFU maxmemory policy is not selected.*')
        self.assertNotIn(b'hot key found', out)
        self.call(['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lfu'], ['SET', 'hot', 'x'])
        with self.server.connect() as c:
            c.send(*[['GET', 'hot']] * 5000)
            for _ in range(5000):
                c.read_raw()
        out = self.cli('--hotkeys')
        self.assertIn(b'Sampled 501 keys in the keyspace!', out)
        first = re.findall(rb'hot key found with counter: (\d+)\tkeyname: (\S+)', out)[0]
        self.assertEqual(first[1].strip(b'"'), b'hot', out)
        self.assertGreater(int(first[0]), 20)

    def test_cli_shows_statistics(self):
        self.fill(100)
        # Into a pipe it writes by 4 KiB: that is fifty lines.
        process = subprocess.Popen(['redis-cli'] + self.address() + ['--stat', '-i', '0.01'], stdout=subprocess.PIPE)
        lines = [process.stdout.readline() for _ in range(6)]
        process.kill()
        process.stdout.close()
        process.wait()
        rows = [line.split() for line in lines if re.match(rb'\d', line)]
        self.assertGreaterEqual(len(rows), 3, lines)
        for row in rows:  # keys, memory, clients, blocked, requests (+n), connections
            self.assertEqual((row[0], row[2], row[3]), (b'100', b'1', b'0'))
            self.assertRegex(row[1], rb'^[0-9.]+[KM]$')

    def test_cli_measures_latency(self):
        low, high, average, count = self.cli('--latency', '-i', 0.5).split()[:4]
        self.assertGreater(int(count), 10)
        self.assertTrue(0 <= float(low) <= float(average) <= float(high) < 1000)

    def test_cli_shows_the_history_and_the_spectrum_of_latency(self):
        row = rb'min: \d+, max: \d+, avg: [\d.]+ \(\d+ samples\)'
        self.cli_until(['--latency'], row, row, row)
        self.cli_until(['--latency-history', '-i', '0.2'], row + rb' -- 0\.\d+ seconds range', row + rb' -- 0\.\d+ seconds range')
        self.cli_until(['--latency-dist', '-i', '0.2'], *[rb'\x1b\[0m\r\n'] * 3)

    def test_cli_measures_intrinsic_latency(self):
        out = self.cli('--intrinsic-latency', 1)
        self.assertRegex(out, rb'(?s)Max latency so far: \d+ microseconds.*total runs.*Worst run took')

    def test_cli_runs_a_script_from_a_file(self):
        path = os.path.join(self.server.directory, 'script.lua')
        with open(path, 'w') as file:
            file.write('redis.call("SET", KEYS[1], ARGV[1]); return {KEYS[1], #ARGV, redis.call("GET", KEYS[1])}')
        self.assertEqual(self.cli('--eval', path, 'k', ',', 'value', 'more'), b'k\n2\nvalue\n')
        self.assertEqual(self.cli('GET', 'k'), b'value\n')

    def test_cli_watches_what_others_do(self):
        ended = threading.Event()

        def work():
            while not ended.wait(0.02):
                self.call(['SET', 'seen', 'a b'])
        thread = threading.Thread(target=work)
        thread.start()
        try:
            self.cli_until(['MONITOR'], rb'OK', rb'\d+\.\d{6} \[0 \S+\] "SET" "seen" "a b"')
        finally:
            ended.set()
            thread.join()

    def test_cli_subscribes(self):
        ended = threading.Event()

        def work():
            while not ended.wait(0.02):
                self.call(['PUBLISH', 'news', 'hello'])
        thread = threading.Thread(target=work)
        thread.start()
        try:
            self.cli_until(['SUBSCRIBE', 'news'], rb'"subscribe"', rb'"message"', rb'"news"', rb'"hello"')
            self.cli_until(['-3', 'PSUBSCRIBE', 'n*'], rb'"pmessage"', rb'"hello"')
        finally:
            ended.set()
            thread.join()

    def test_cli_uses_passwords_urls_and_the_unix_socket(self):
        self.assertEqual(self.cli('PING', address=['-s', self.unix_path]), b'PONG\n')
        self.cli('CONFIG', 'SET', 'requirepass', PASSWORD)
        self.assertEqual(self.cli('PING'), b'NOAUTH Authentication required.\n\n')
        self.assertEqual(self.cli('-a', PASSWORD, '--no-auth-warning', 'PING'), b'PONG\n')
        url = 'redis://default:se%%20cret@%s:%d/3' % (self.server.host, self.server.port)
        self.assertIn(b' db=3 ', self.cli('--no-auth-warning', 'CLIENT', 'INFO', address=['-u', url]))

    # ---- redis-benchmark

    def benchmark(self, *args, titles):
        done = subprocess.run(['redis-benchmark'] + self.address() + ['--csv'] + [str(a) for a in args], capture_output=True,
                              text=True, timeout=120)
        said = '' if '-k' in args and done.stderr.startswith('WARNING: Keepalive disabled.') else done.stderr
        self.assertEqual((done.returncode, said), (0, ''), done.stdout)
        self.assertNotRegex(done.stdout, r'(?i)error|warning|could not|failed')
        rows = [line.split('","') for line in done.stdout.strip().splitlines()]
        self.assertEqual(rows[0][:2], ['"test', 'rps'])
        self.assertEqual([row[0].strip('"') for row in rows[1:]], titles)
        for row in rows[1:]:
            self.assertGreater(float(row[1]), 0)
        print('    %s: %s' % (' '.join(map(str, args)), ', '.join('%s %.0f/s' % (r[0].strip('"'), float(r[1])) for r in rows[1:])))

    def benchmarks(self, runs, titles):
        """All at once: each of their tests takes a quarter of a second, however little it has to do."""
        with concurrent.futures.ThreadPoolExecutor(len(runs)) as pool:
            done = [pool.submit(self.benchmark, *options, titles=titles) for options in runs]
        for options, future in zip(runs, done):
            with self.subTest(options=options):
                future.result()

    def test_benchmark_runs_with_every_depth_and_number_of_clients(self):
        self.benchmarks([['-t', BENCHMARK_TESTS, '-c', clients, '-P', depth, '-n', count * LONG]
                         for clients in (50, 500) for depth, count in ((1, 5000), (16, 20000), (100, 50000))], BENCHMARK_TITLES)

    def test_benchmark_runs_with_its_other_options(self):
        self.benchmarks([['-t', 'set,get', *options] for options in (
            ['-d', 10000, '-n', 5000], ['-r', 100000, '-P', 16, '-n', 20000], ['-k', 0, '-n', 2000], ['--threads', 2, '-P', 16, '-n', 20000],
            ['-3', '-n', 5000], ['--dbnum', 3, '-n', 2000])], ['SET', 'GET'])
        self.benchmark('-n', 2000, 'setrange', 'k', '100', 'x', titles=['setrange k 100 x'])

    # ---- hiredis

    def test_hiredis_works(self):
        for address in (['tcp', self.server.host, str(self.server.port)], ['unix', self.unix_path]):
            done = subprocess.run([HIREDIS_CALLS] + address, capture_output=True, text=True, timeout=60)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, 'ok\n', ''), address)


@unittest.skipUnless(shutil.which('redis-cli') and shutil.which('redis-benchmark'), 'needs the package redis-tools')
class OverSockets(Tools, Case):
    server_class = Penstock


@unittest.skipUnless(shutil.which('redis-cli') and shutil.which('redis-benchmark'), 'needs the package redis-tools')
@unittest.skipUnless(os.geteuid() == 0, 'the NIC transport needs root')
class OverNic(Tools, Case):
    server_class = NicServer


if __name__ == '__main__':
    main()
