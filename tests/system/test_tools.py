#!/usr/bin/env python3
"""The tools and the client library that Redis users have, against both transports, without an error: redis-cli,
redis-benchmark, and hiredis (hiredis_calls.c).

    test_tools.py [Class.test ...]       $PENSTOCK_BUILD: the build folder; $PENSTOCK_TEST_LONG=1: ten times the requests

What needs commands that do not exist yet is left out: redis-cli --memkeys (MEMORY USAGE), --hotkeys, --rdb, --replica,
--functions-rdb, --cluster, MONITOR and SUBSCRIBE, --ldb and --eval; redis-benchmark's tests of other data types.
"""
import os
import pty
import re
import select
import shutil
import subprocess
import time
import unittest

from kit import PATIENCE_S, Case, main
from penstock import BUILD, Penstock, encode
from test_nic import Server as NicServer

LONG = 10 if os.environ.get('PENSTOCK_TEST_LONG') else 1
BENCHMARK_TESTS = 'ping_inline,ping_mbulk,set,get,incr,mset'
BENCHMARK_TITLES = ['PING_INLINE', 'PING_MBULK', 'SET', 'GET', 'INCR', 'MSET (10 keys)']
HIREDIS_CALLS = os.path.join(BUILD, 'tests', 'system', 'hiredis_calls')


class Tools:
    """What both transports have to do."""

    def setUp(self):
        server = self.server_class()
        self.unix_path = os.path.join(server.directory, 'socket')
        server.options['unixsocket'] = self.unix_path
        self.server = self.start(server=server)

    def address(self):
        return ['-h', self.server.host, '-p', str(self.server.port)]

    def cli(self, *args, stdin=b'', status=0, address=None):
        done = subprocess.run(['redis-cli'] + (address or self.address()) + [str(a) for a in args], input=stdin,
                              capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (status, b''), done)
        return done.stdout

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

    def test_cli_shows_statistics(self):
        self.fill(100)
        process = subprocess.Popen(['redis-cli'] + self.address() + ['--stat', '-i', '0.1'], stdout=subprocess.PIPE)
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
        low, high, average, count = self.cli('--latency', '-i', 1).split()[:4]
        self.assertGreater(int(count), 10)
        self.assertTrue(0 <= float(low) <= float(average) <= float(high) < 1000)

    def test_cli_uses_passwords_urls_and_the_unix_socket(self):
        self.assertEqual(self.cli('PING', address=['-s', self.unix_path]), b'PONG\n')
        self.cli('CONFIG', 'SET', 'requirepass', 'se cret')
        self.assertEqual(self.cli('PING'), b'NOAUTH Authentication required.\n\n')
        self.assertEqual(self.cli('-a', 'se cret', '--no-auth-warning', 'PING'), b'PONG\n')
        url = 'redis://default:se%%20cret@%s:%d/3' % (self.server.host, self.server.port)
        self.assertIn(b' db=3 ', self.cli('--no-auth-warning', 'CLIENT', 'INFO', address=['-u', url]))

    # ---- redis-benchmark

    def benchmark(self, *args, titles=BENCHMARK_TITLES):
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

    def test_benchmark_runs_with_every_depth_and_number_of_clients(self):
        for clients in (50, 500):
            for depth, count in ((1, 5000), (16, 20000), (100, 50000)):
                with self.subTest(clients=clients, depth=depth):
                    self.benchmark('-t', BENCHMARK_TESTS, '-c', clients, '-P', depth, '-n', count * LONG)

    def test_benchmark_runs_with_its_other_options(self):
        for options in (['-d', 10000, '-n', 5000], ['-r', 100000, '-P', 16, '-n', 20000], ['-k', 0, '-n', 2000],
                        ['--threads', 2, '-P', 16, '-n', 20000], ['-3', '-n', 5000], ['--dbnum', 3, '-n', 2000]):
            with self.subTest(options=options):
                self.benchmark('-t', 'set,get', *options, titles=['SET', 'GET'])
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
