#!/usr/bin/env python3
"""penstock-bench as its users meet it: what it asks of a server, what it measures, what it prints, and how it ends when
something is wrong. Over kernel sockets, over virtio-user with vhost (packet buffers without hugepages; fails where DPDK
cannot make these devices), and `compare`, which starts both servers itself.

    test_bench.py [Class.test ...]       $PENSTOCK_BUILD: the build folder
"""
import json
import os
import re
import shutil
import subprocess
import tempfile

from kit import PATIENCE_S, Case, info, main, number, until
from penstock import BUILD, Connection, Penstock, free_port

BENCH = os.path.join(BUILD, 'penstock-bench')
STALL_S = 0.4
QUANTILES = {'count', 'mean_us', 'p50_us', 'p90_us', 'p99_us', 'p999_us', 'max_us'}
FIELDS = {'steer', 'transport', 'connections', 'pipeline', 'keys', 'key_bytes', 'read_ratio', 'asked_rate', 'tick_us',
          'values', 'distribution', 'rate', 'requests', 'seconds', 'gets', 'sets', 'hits', 'misses', 'filled',
          'fill_seconds', 'sent_bytes', 'received_bytes', 'unsent', 'errors', 'first_error', 'generator_cpu_share',
          'generator_wait_share', 'generator_idle_share', 'generator_involuntary_switches', 'latency', 'get_latency',
          'set_latency', 'send_delay'}
SERVER_FIELDS = {'cpu_us_per_request', 'server_cpu_share', 'server_wait_share'}
MEASURES = {'rate', 'cpu_us_per_request', 'server_system_share', 'server_cpu_share', 'p50_us', 'p99_us', 'p999_us',
            'generator_cpu_share', 'generator_involuntary_switches'}
# The server is the virtio side, as in a virtual machine; the generator makes the vhost socket.
VIRTIO = 'net_virtio_user0,path=%s,queues=1,queue_size=1024,packed_vq=1,mrg_rxbuf=0,in_order=1,mac=02:00:00:00:79:02'
VHOST = 'net_vhost0,iface=%s,queues=1'
SERVER_ADDRESS, CLIENT_ADDRESS = '10.99.0.1', '10.99.0.2'


def run_bench(*words, timeout_s=PATIENCE_S):
    return subprocess.run([BENCH, *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout_s)


class BenchCase(Case):
    def begin(self, *words):
        """In the background; ended with the test."""
        process = subprocess.Popen([BENCH, *map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)

        def end():
            process.kill()
            process.communicate()
        self.addCleanup(end)
        return process

    def finish(self, process):
        out, err = process.communicate(timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 0, out + err)
        return json.loads(out)

    def expect_quantiles_in_order(self, latency):
        self.assertEqual(set(latency), QUANTILES)
        ordered = [latency[name] for name in ('p50_us', 'p90_us', 'p99_us', 'p999_us', 'max_us')]
        self.assertEqual(ordered, sorted(ordered))
        self.assertGreater(ordered[0], 0)
        self.assertGreater(latency['mean_us'], 0)

    def expect_failure(self, words, code, pattern):
        """The exit code, one line on stderr, nothing on stdout."""
        done = run_bench(*words)
        self.assertEqual((done.returncode, done.stdout), (code, ''), done)
        self.assertRegex(done.stderr, r'\Apenstock-bench: [^\n]*%s[^\n]*\n\Z' % pattern)


class Sockets(BenchCase):
    def setUp(self):
        server = Penstock({'enable-debug-command': 'yes'})
        self.unix_path = os.path.join(server.directory, 'socket')
        server.options['unixsocket'] = self.unix_path
        self.server = self.start(server=server)
        self.c = self.connect(self.server)

    def run_here(self, *words):
        return run_bench('-p', self.server.port, '-w', 0, '-q', *words)

    def load(self, *words):
        """A run that must succeed; its JSON."""
        done = self.run_here(*words, '--json', '-')
        self.assertEqual((done.returncode, done.stderr), (0, ''), done)
        return json.loads(done.stdout)

    def calls(self, command):
        stats = info(self.c, 'commandstats').get('cmdstat_' + command, 'calls=0,')
        return int(re.match(r'calls=(\d+),', stats)[1])

    # ---- what is asked of the server

    def test_a_closed_loop_with_pipelining_sends_what_was_asked(self):
        got = self.load('-c', 8, '-P', 16, '-n', 20000, '-k', 500)
        self.assertEqual((got['connections'], got['pipeline'], got['asked_rate'], got['errors']), (8, 16, 0, 0))
        self.assertEqual((got['requests'], got['gets'], got['sets']), (20000, self.calls('get'), self.calls('set')))
        self.assertLessEqual(self.c.call('DBSIZE'), 500)

    def test_a_run_takes_the_time_that_was_asked(self):
        got = self.load('-c', 2, '-d', 0.4)
        self.assertTrue(0.4 <= got['seconds'] < 0.6, got)
        self.assertAlmostEqual(got['rate'], got['requests'] / got['seconds'], delta=0.01 * got['rate'])

    def test_the_read_ratio_is_kept_by_what_is_sent(self):
        for ratio in (0, 0.2, 0.9, 1):
            self.c.call('CONFIG', 'RESETSTAT')
            got = self.load('-n', 5000, '--reads', ratio)
            self.assertAlmostEqual(got['gets'] / got['requests'], ratio, delta=0.03)
            self.assertAlmostEqual(self.calls('get') / (self.calls('get') + self.calls('set')), ratio, delta=0.03)

    def test_uniform_keys_are_all_taken_and_zipf_prefers_some(self):
        def distinct(distribution):
            self.c.call('FLUSHALL')
            got = self.load('-t', 'set', '-n', 5000, '-k', 5000, '--distribution', distribution)
            self.assertEqual(got['distribution'], distribution)
            return self.c.call('DBSIZE')
        # 5,000 draws of 5,000 keys leave a share of 1/e untouched.
        self.assertAlmostEqual(distinct('uniform'), 5000 * 0.632, delta=150)
        little, much = distinct('zipf:0.5'), distinct('zipf:0.99')
        self.assertLess(little, 3000)
        self.assertLess(much, 0.7 * little)

    def test_a_fill_sets_every_key_with_the_sizes_asked(self):
        got = self.load('--fill-only', '-k', 300, '--key-size', 24, '-v', '10:20')
        self.assertEqual((got['filled'], got['requests'], self.c.call('DBSIZE')), (300, 0, 300))
        for key in self.c.call('KEYS', '*'):
            self.assertEqual(len(key), 24)
            self.assertTrue(10 <= self.c.call('STRLEN', key) <= 20)

    def test_a_unix_socket_and_a_password(self):
        self.c.call('CONFIG', 'SET', 'requirepass', 'secret')
        done = run_bench('-s', self.unix_path, '-a', 'secret', '-n', 500, '-q', '--json', '-')
        got = json.loads(done.stdout)
        self.assertEqual((done.returncode, got['transport'], got['errors']), (0, 'unix socket', 0))
        for words, error in (([], 'NOAUTH'), (['-a', 'wrong'], 'WRONGPASS')):
            done = self.run_here('-n', 500, *words)
            self.assertEqual(done.returncode, 1, done)
            self.assertRegex(done.stdout, r'ERRORS, the first: -' + error)

    # ---- an open loop

    def test_an_open_loop_reaches_the_asked_rate(self):
        for arrivals in ('fixed', 'poisson'):
            got = self.load('-r', 4000, '-P', 64, '-c', 10, '-d', 1.5, '--arrivals', arrivals)
            self.assertEqual((got['asked_rate'], got['unsent'], got['errors']), (4000, 0, 0))
            self.assertAlmostEqual(got['rate'], 4000, delta=0.05 * 4000)
            self.expect_quantiles_in_order(got['latency'])

    def test_an_open_loop_with_a_tick_sleeps_and_counts_from_when_requests_were_due(self):
        spinning, sleeping = (self.load('-r', 5000, '-P', 64, '-c', 10, '-d', 1, *tick) for tick in ([], ['--tick', 20000]))
        self.assertEqual((spinning['tick_us'], sleeping['tick_us']), (0, 20000))
        for got in (spinning, sleeping):
            self.assertEqual((got['latency']['count'], got['unsent'], got['errors']), (5000, 0, 0))
            self.assertAlmostEqual(got['rate'], 5000, delta=0.05 * 5000)
            self.expect_quantiles_in_order(got['latency'])
        self.assertLess(sleeping['generator_cpu_share'], 0.5 * spinning['generator_cpu_share'])
        # A hundred leave together; on the way to their tick they waited for half of it, in the middle.
        self.assertGreater(sleeping['latency']['p50_us'], 9000)
        self.assertAlmostEqual(sleeping['send_delay']['p50_us'], 10000, delta=4000)
        self.assertLessEqual(sleeping['send_delay']['mean_us'], sleeping['latency']['mean_us'])

    def test_a_stall_is_paid_by_all_that_was_due_meanwhile(self):
        for tick in ([], ['--tick', 1000]):
            with self.subTest(tick=tick):
                self.check_a_stall(*tick)

    def check_a_stall(self, *words):
        self.c.call('CONFIG', 'RESETSTAT')
        load = self.begin('-p', self.server.port, '-w', 0, '-q', '--json', '-', '-r', 2000, '-c', 2, '-P', 16, '-d', 1.2,
                          *words)
        until('the load runs', lambda: self.calls('get') > 100)
        self.c.call('DEBUG', 'SLEEP', STALL_S)
        latency = self.finish(load)['latency']
        # Only 32 requests fit on the connections; a third of all was due while nothing was answered. Counted from
        # when they were sent, p90 would show nothing of it.
        self.assertGreater(latency['max_us'], 0.9e6 * STALL_S)
        self.assertGreater(latency['p90_us'], 0.4e6 * STALL_S)
        self.assertGreater(latency['count'], 2000)

    def test_noise_tells_gaps_of_a_spinning_thread_or_late_wakes_of_a_sleeping_one(self):
        shares = []
        for words, kind in (([], 'spinning'), (['--tick', 1000], 'sleeping')):
            self.assertIn('a %s thread' % kind, run_bench('noise', '-d', 0.2, *words).stdout)
            got = json.loads(run_bench('noise', '-d', 0.2, '--json', '-', *words).stdout)
            self.assertTrue(0.2 <= got['seconds'] < 0.4, got)
            self.assertLessEqual(got['p99_us'], got['p999_us'])
            shares.append(got['cpu_share'])
        self.assertLess(shares[1], shares[0] / 2)

    def test_more_than_the_server_takes_is_told_as_unsent(self):
        got = self.load('-r', 4e6, '-c', 1, '-P', 1, '-d', 0.4)
        due = got['latency']['count']
        self.assertEqual(due, 1600000)
        self.assertEqual(due - got['requests'] - got['unsent'], 1)  # on its way at the end
        self.assertGreater(got['unsent'], 0.8 * due)
        # What was never sent has waited from when it was due until the end: the median from the middle of the 0.4 s.
        self.assertAlmostEqual(got['latency']['p50_us'], 1e6 * (got['seconds'] - 0.2), delta=0.04e6)
        self.assertGreater(got['latency']['max_us'], 0.3e6)

    def test_after_the_measured_time_nothing_is_sent_and_the_replies_are_waited_for(self):
        load = self.begin('-p', self.server.port, '-w', 0, '-q', '--json', '-', '-r', 2000, '-c', 2, '-P', 16, '-d', 1)
        until('the load runs', lambda: self.calls('get') > 10)
        self.c.call('DEBUG', 'SLEEP', 1.5)  # beyond the end; 32 requests wait meanwhile
        got = self.finish(load)
        self.assertEqual((got['errors'], got['requests'] + 32 + got['unsent']), (0, got['latency']['count']))
        self.assertEqual(self.calls('get') + self.calls('set'), got['requests'] + 32)
        self.assertEqual(got['latency']['count'], 2000)

    # ---- what is told

    def test_json_has_all_fields(self):
        got = self.load('-n', 3000, '--server-pid', self.server.process.pid)
        self.assertEqual(set(got), FIELDS | SERVER_FIELDS)
        for name in ('latency', 'get_latency', 'set_latency'):
            self.expect_quantiles_in_order(got[name])
        self.assertGreaterEqual(got['latency']['count'], got['requests'])
        self.assertEqual(got['latency']['count'], got['get_latency']['count'] + got['set_latency']['count'])
        self.assertEqual(got['gets'], got['hits'] + got['misses'])
        for name in ('rate', 'seconds', 'sent_bytes', 'received_bytes', 'generator_cpu_share', 'cpu_us_per_request'):
            self.assertGreater(got[name], 0, name)
        self.assertEqual((got['transport'], got['values'], got['first_error']), ('socket', '64', ''))
        self.assertEqual(set(self.load('-n', 10)), FIELDS)

    def test_json_goes_to_a_file_beside_the_text(self):
        path = os.path.join(self.server.directory, 'result.json')
        done = self.run_here('-n', 1000, '--json', path)
        self.assertEqual((done.returncode, done.stderr), (0, ''), done)
        self.assertIn('rate', done.stdout)
        with open(path) as file:
            self.assertEqual(set(json.load(file)), FIELDS)

    def test_json_replaces_a_longer_result_of_before_only_with_a_new_one(self):
        path = os.path.join(self.server.directory, 'result.json')
        with open(path, 'w') as file:
            file.write('old' * 10000)
        self.assertEqual(run_bench('-p', free_port(), '-d', 1, '--json', path).returncode, 3)
        self.assertEqual(os.path.getsize(path), 30000)
        self.assertEqual(self.run_here('-n', 10, '--json', path).returncode, 0)
        with open(path) as file:
            self.assertEqual(set(json.load(file)), FIELDS)

    def test_text_tells_rate_latency_and_both_processors(self):
        done = self.run_here('-n', 3000, '-c', 5, '-P', 2, '-k', 100, '--fill', '--server-pid', self.server.process.pid)
        self.assertEqual((done.returncode, done.stderr), (0, ''), done)
        quantiles = ''.join(r' +%s +[\d.]+ ' % name for name in ('p50', 'p90', r'p99', r'p99\.9', 'max', 'mean')) + 'us'
        for line in (r'socket: 5 connections, pipeline 2, 100 keys of 16 B \(uniform\), values of 64 B, 50 % GET, '
                     'closed loop',
                     r'  fill +100 keys in [\d.]+ s, \d+ per second',
                     r'  rate +\d+ req/s \(\d+ requests in [\d.]+ s; \d+ hits, 0 misses\)',
                     '  latency' + quantiles, '  GET +' + quantiles.lstrip(), '  SET +' + quantiles.lstrip(),
                     r'  generator \d+ % of a core, \d+ % of it idle polls, \d+ involuntary switches',
                     r'  server +[\d.]+ us of CPU per request, \d+ % of a core'):
            self.assertRegex(done.stdout, '(?m)^%s$' % line)
        self.assertIn('open loop at 500 req/s (fixed)', self.run_here('-r', 500, '-d', 0.1).stdout)
        self.assertIn('(fixed, asleep between ticks)', self.run_here('-r', 500, '-d', 0.1, '--tick', 100).stdout)

    def test_progress_is_told_off_a_terminal_only_when_asked(self):
        words = ['-p', self.server.port, '-w', 0, '-d', 1.3]  # there is a line a second
        for more, is_told in (([], False), (['--progress'], True), (['--progress', '-q'], False)):
            self.assertEqual('req/s' in run_bench(*words, *more).stderr, is_told, more)

    # ---- what is wrong

    def test_values_and_hits_are_checked_when_asked(self):
        words = ['-t', 'get', '-k', 10, '-n', 1000]
        self.load('--fill-only', '-k', 10)
        self.assertEqual(self.load(*words, '--verify', '--require-hits')['hits'], 1000)
        self.c.call('SETRANGE', 'key:000000000003', 60, '!')
        self.assertEqual(self.load(*words)['errors'], 0)
        done = self.run_here(*words, '--verify')
        self.assertEqual(done.returncode, 1, done)
        self.assertRegex(done.stdout, r'(?m)^  \d+ ERRORS, the first: .*value')
        self.c.call('DEL', 'key:000000000003')
        self.assertGreater(self.load(*words, '--verify')['misses'], 0)
        done = self.run_here(*words, '--require-hits', '--json', '-')
        got = json.loads(done.stdout)
        self.assertEqual((done.returncode, got['first_error']), (1, 'a key is missing'), done)
        self.assertGreaterEqual(got['errors'], got['misses'])

    def test_a_server_that_dies_is_an_error(self):
        load = self.begin('-p', self.server.port, '-w', 0, '-q', '-d', 20)
        until('the load runs', lambda: self.calls('get') > 100)
        self.server.stop()
        out, err = load.communicate(timeout=PATIENCE_S)
        self.assertEqual(load.returncode, 1, out + err)
        self.assertRegex(out, r'ERRORS, the first: .*(lost|closed|reset)')

    def test_no_server_is_exit_code_3(self):
        self.expect_failure(['-p', free_port(), '-d', 1], 3, r'127\.0\.0\.1: Connection refused')
        self.expect_failure(['-s', '/nonexistent/socket', '-d', 1], 3, 'No such file or directory')
        self.expect_failure(['-p', self.server.port, '-n', 5, '--server-pid', 4194303], 3, 'that process is not there')

    def test_a_file_that_cannot_be_written_is_told_before_the_run(self):
        directory = self.server.directory
        for mode in ([], ['noise', '--core', 0], ['compare'],
                     ['frames', '--devargs', 'net_null0', '--no-huge']):
            for path, error in ((directory, 'Is a directory'), ('/nonexistent/x.json', 'No such file or directory')):
                # Ten minutes that run_bench would not wait for.
                self.expect_failure([*mode, '-p', self.server.port, '-d', 600, '--json', path], 3,
                                    '--json %s: %s' % (path, error))
        self.assertEqual(self.calls('get') + self.calls('set'), 0)

    def test_a_result_that_cannot_be_written_is_exit_code_1(self):
        done = self.run_here('-n', 10, '--json', '/dev/full')
        self.assertEqual((done.returncode, done.stderr),
                         (1, 'penstock-bench: --json /dev/full: No space left on device\n'), done)
        self.assertIn('rate', done.stdout)
        with open('/dev/full', 'w') as full:
            done = subprocess.run([BENCH, '-p', str(self.server.port), '-w', '0', '-q', '-n', '10', '--json', '-'],
                                  stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True,
                                  timeout=PATIENCE_S)
        self.assertEqual((done.returncode, done.stderr), (1, 'penstock-bench: --json -: No space left on device\n'))

    def test_wrong_usage_is_exit_code_2(self):
        for words, error in ((['--bogus'], '--bogus: no such option'), (['-r'], 'rate: needs a value'),
                             (['-c', 0], 'connections: .*out of range'), (['-P', '1.5'], 'pipeline: not a whole number'),
                             (['-d', 'x'], 'duration: not a number'), (['-t', 'incr'], 'type: get or set'),
                             (['--distribution', 'zipf:1'], 'distribution: uniform, or zipf'),
                             (['-v', '5:'], 'values: a size'), (['--key-size', 4], 'key-size: too short'),
                             (['--arrivals', 'late'], 'arrivals: fixed or poisson'), (['frames'], 'devargs: needed'),
                             (['--tick', 200], 'tick: needs --rate'),
                             (['--devargs', 'net_null0'], 'devargs: needs --address and --target')):
            self.expect_failure(words, 2, error)
        done = run_bench('--help')
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertIn('--require-hits', done.stdout)
        self.assertIn('Exit code: 0 done', done.stdout)


class VirtioPenstock(Penstock):
    """On one end of a vhost socket; itself it is reached by its Unix socket."""

    def __init__(self, vhost_path):
        super().__init__()
        self.unix_path = os.path.join(self.directory, 'socket')
        self.options = {'transport': 'nic', 'nic-devargs': VIRTIO % vhost_path, 'nic-address': SERVER_ADDRESS + '/24',
                        'nic-memory-mb': 256, 'nic-no-huge': 'yes', 'protected-mode': 'no', 'unixsocket': self.unix_path}

    def connect(self, timeout_s=PATIENCE_S):
        return Connection(self.unix_path, timeout_s)


class Nic(BenchCase):
    def test_virtio_with_vhost_carries_a_load(self):
        folder = tempfile.mkdtemp(prefix='penstock-test-')
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        path = os.path.join(folder, 'vhost')
        server = VirtioPenstock(path)
        self.addCleanup(server.close)
        load = self.begin('--devargs', VHOST % path, '--no-huge', '--address', CLIENT_ADDRESS + '/24', '--target',
                          '%s:%d' % (SERVER_ADDRESS, server.port), '-c', 16, '-P', 4, '-k', 2000, '--fill', '--verify',
                          '--require-hits', '-w', 0.1, '-d', 0.5, '-q', '--json', '-')
        until('the vhost socket is there', lambda: os.path.exists(path) or load.poll() is not None)
        self.start(server=server)
        got = self.finish(load)
        self.assertEqual(set(got), FIELDS)
        self.assertEqual((got['transport'], got['filled'], got['misses'], got['errors']), ('net_vhost', 2000, 0, 0))
        self.assertGreater(got['requests'], 1000)
        self.expect_quantiles_in_order(got['latency'])
        with self.connect(server) as c:
            self.assertEqual(c.call('DBSIZE'), 2000)
            self.assertGreaterEqual(number(c, 'total_commands_processed', 'stats'), got['requests'] + got['filled'])

    def test_a_port_that_cannot_be_made_is_exit_code_3(self):
        done = run_bench('--devargs', 'net_nosuch0', '--no-huge', '--address', '10.0.0.1/24', '--target', '10.0.0.2')
        self.assertEqual((done.returncode, done.stdout), (3, ''), done)
        self.assertRegex(done.stderr, r'(?m)^penstock-bench: .*No such device')


class Compare(BenchCase):
    def test_both_servers_and_their_ratios_are_told(self):
        words = ['compare', '--rounds', 1, '-d', 0.3, '-w', 0.1, '-k', 500, '-c', 10, '--verify', '--require-hits', '-q']
        done = run_bench(*words, '--json', '-')
        self.assertEqual((done.returncode, done.stderr), (0, ''), done)
        got = json.loads(done.stdout)
        self.assertEqual((got.pop('rounds'), got.pop('errors')), (1, 0))
        self.assertEqual(set(got), MEASURES)
        for name, measure in got.items():
            self.assertEqual(set(measure), {'redis-server', 'penstock', 'ratio'})
            redis, penstock = measure['redis-server'], measure['penstock']
            self.assertEqual(([redis['median']], [penstock['median']]), (redis['runs'], penstock['runs']))
            if redis['median'] > 0:
                self.assertAlmostEqual(measure['ratio'], penstock['median'] / redis['median'], delta=0.01 * measure['ratio'])
        self.assertGreater(got['rate']['ratio'], 0)

    def test_text_has_a_line_for_each_round_and_measure(self):
        done = run_bench('compare', '--rounds', 1, '-d', 0.1, '-w', 0, '-k', 100, '-c', 4)
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(re.findall(r'(?m)^round 1  (\S+) +\d+ req/s', done.stderr), ['redis-server', 'penstock'])
        self.assertRegex(done.stdout, r'(?m)^requests per second( +[\d.]+){2} +[\d.]+x$')
        self.assertIn('medians of 1 alternating runs of 0.1 s', done.stdout)

    def test_a_server_that_does_not_start_is_exit_code_3_with_its_words(self):
        done = run_bench('compare', '--rounds', 1, '-d', 0.1, '--redis-args', '--no-such-directive 1')
        self.assertEqual((done.returncode, done.stdout), (3, ''), done)
        self.assertIn('redis-server (redis-server) did not start; it said:', done.stderr)
        self.assertIn('no-such-directive', done.stderr)


if __name__ == '__main__':
    main()
