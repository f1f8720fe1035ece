#!/usr/bin/env python3
"""What programs that start, configure and watch a Redis server expect of it, with Penstock in its place: started under
the name redis-server through a link, with a file and arguments as they give them. A row each of the facts gathered
about them. Commands of persistence, replication and cluster have tests of their own.

usage: PENSTOCK_BUILD=build test_driving.py [unittest arguments]
"""
import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

from kit import alive, kill, stays, until
from penstock import BUILD, ReplyError, Server, RedisServer, free_port

# As test drivers write it; @PORT and @DIRECTORY are filled in.
FILE = '''# a driver's file
always-show-logo yes
notify-keyspace-events KEA
daemonize no
pidfile @DIRECTORY/server.pid
port @PORT
timeout 0
bind 127.0.0.1
loglevel verbose
logfile ''
databases 16
latency-monitor-threshold 1
repl-diskless-sync-delay 0

save 900 1
save 300 10
save 60000 10000

rdbcompression yes
dbfilename dump.rdb
dir ./
slave-serve-stale-data yes
appendonly no
appendfsync everysec
no-appendfsync-on-rewrite no
activerehashing yes
enable-protected-configs yes
enable-debug-command yes
enable-module-command yes
propagation-error-behavior panic
unixsocket @DIRECTORY/socket
shutdown-on-sigterm force
'''
# directive, what the file says, what CONFIG GET shows; None: not shown by its name
DIRECTIVES = [
    ('always-show-logo', 'yes', 'yes'),
    ('appenddirname', '"appendonlydir"', 'appendonlydir'),
    ('appendfilename', '"appendonly.aof"', 'appendonly.aof'),
    ('aof-use-rdb-preamble', 'no', 'no'),
    ('auto-aof-rewrite-percentage', '0', '0'),
    ('auto-aof-rewrite-min-size', '32mb', '33554432'),
    ('aclfile', '""', ''),
    ('acl-pubsub-default', 'allchannels', 'allchannels'),
    ('requirepass', '""', ''),
    ('rename-command', 'FLUSHDB ""', None),
    ('replicaof', 'no one', ''),
    ('replica-read-only', 'no', 'no'),
    ('cluster-enabled', 'no', 'no'),
    ('cluster-node-timeout', '5000', '5000'),
    ('cluster-port', '0', '0'),
    ('cluster-ping-interval', '500', '500'),
    ('key-load-delay', '1', '1'),
    ('loading-process-events-interval-bytes', '1024', '1024'),
    ('sanitize-dump-payload', 'clients', 'clients'),
    ('use-exit-on-panic', 'yes', 'yes'),
    ('crash-memcheck-enabled', 'no', 'no'),
    ('list-max-ziplist-size', '5', '5'),
    ('hash-max-ziplist-entries', '500', '500'),
    ('hash-max-listpack-value', '60', '60'),
    ('set-max-intset-entries', '500', '500'),
    ('set-max-listpack-entries', '100', '100'),
    ('set-max-listpack-value', '60', '60'),
    ('zset-max-ziplist-entries', '100', '100'),
    ('zset-max-listpack-value', '60', '60'),
    ('stream-node-max-entries', '10', '10'),
    ('stream-node-max-bytes', '2kb', '2048'),
    ('lua-time-limit', '10', '10'),
    ('slowlog-log-slower-than', '1000000', '1000000'),
    ('maxclients', '100', '100'),
    ('protected-mode', 'no', 'no'),
    ('tls-port', '0', '0'),
    ('tls-cert-file', '""', ''),
    ('tls-replication', 'no', 'no'),
    ('tls-cluster', 'no', 'no'),
    ('tls-auth-clients', 'optional', 'optional'),
    ('enable-debug-assert', 'yes', 'yes'),
    ('hide-user-data-from-log', 'yes', 'yes'),
    ('watchdog-period', '0', '0'),
    ('proc-title-template', '"{title} {listen-addr} {port}"', '{title} {listen-addr} {port}'),
    ('client-output-buffer-limit', 'pubsub 1mb 2mb 60',
     'normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 2097152 60'),
    ('maxmemory', '700mb', '734003200'),
    ('shutdown-timeout', '3', '3'),
    ('oom-score-adj-values', '0 100 500', '0 100 500'),
]
INFO_FIELDS = '''process_id tcp_port redis_version arch_bits run_id uptime_in_seconds hz executable config_file
role connected_slaves master_replid master_replid2 master_repl_offset second_repl_offset repl_backlog_active
repl_backlog_size repl_backlog_first_byte_offset repl_backlog_histlen rdb_bgsave_in_progress
rdb_changes_since_last_save rdb_last_bgsave_status aof_enabled aof_rewrite_in_progress aof_rewrite_scheduled
aof_last_write_status loading async_loading used_memory used_memory_dataset maxmemory mem_clients_normal
mem_clients_slaves mem_fragmentation_ratio allocator_frag_ratio active_defrag_running lazyfree_pending_objects
lazyfreed_objects total_error_replies total_forks evicted_keys expired_keys sync_full sync_partial_ok sync_partial_err
blocked_clients connected_clients tracking_clients maxclients client_recent_max_input_buffer
client_recent_max_output_buffer total_commands_processed instantaneous_ops_per_sec keyspace_hits keyspace_misses
pubsub_channels latest_fork_usec total_reads_processed total_writes_processed cluster_enabled
used_cpu_user'''.split()


class Driven(Server):
    """Started as drivers start it: under Redis's name, a file first, in its own folder."""

    def __init__(self, file=FILE, arguments=()):
        super().__init__('redis-server')
        self.link = os.path.join(self.directory, 'redis-server')
        os.symlink(os.path.join(BUILD, 'penstock'), self.link)
        self.command = self.link
        self.file, self.extra = file, list(arguments)
        self.config = os.path.join(self.directory, 'redis.conf')

    def arguments(self):
        if self.file is None:
            return self.extra
        if not os.path.exists(self.config):
            text = self.file.replace('@PORT', str(self.port)).replace('@DIRECTORY', self.directory)
            with open(self.config, 'w') as f:
                f.write(text)
        return [self.config] + self.extra

    def wait_log(self, pattern):
        try:
            until('the log holds %r' % pattern, lambda: re.search(pattern, self.log(), re.S))
        except AssertionError as e:
            raise AssertionError('%s:\n%s' % (e, self.log()))

    def read_config(self):
        with open(self.config) as f:
            return f.read()


def info(c, *sections):
    text = c.call('INFO', *sections).decode()
    return dict(line.split(':', 1) for line in text.splitlines() if ':' in line)


def get(c, name):
    pairs = c.call('CONFIG', 'GET', name)
    return pairs[1].decode() if pairs else None


class Start(unittest.TestCase):
    def test_says_what_drivers_wait_for(self):
        with Driven() as server:
            pid = server.process.pid
            server.wait_log(r' PID: %d.*Server initialized' % pid)
            server.wait_log('Ready to accept')
            self.assertEqual(server.log().count('Ready to accept'), 1)
            with contextlib.closing(socket.create_connection((server.host, server.port))) as s:
                s.sendall(b'PING\r\n')
                self.assertEqual(s.recv(100), b'+PONG\r\n')
            self.assertEqual(os.readlink('/proc/%d/exe' % pid), os.path.join(BUILD, 'penstock'))
            server.stop()
            server.start()  # appends to the same output
            server.wait_log('(Ready to accept.*){2}')
            self.assertEqual(server.log().count('Ready to accept'), 2)

    def test_answers_the_first_commands(self):
        with Driven() as server, server.connect() as c:
            for command in (['SELECT', '9'], ['FLUSHALL'], ['FUNCTION', 'FLUSH'], ['CONFIG', 'SET', 'save', '']):
                self.assertEqual(c.call(*command), b'OK', command)
            self.assertEqual(get(c, 'save'), '')

    def test_says_that_a_port_is_busy(self):
        with socket.socket() as busy:
            busy.bind(('127.0.0.1', 0))
            busy.listen()
            server = Driven()
            self.addCleanup(server.close)
            server.port = busy.getsockname()[1]
            status, log = server.run_to_end()
            self.assertEqual(status, 1)
            self.assertIn('Failed listening on port %d' % server.port, log)

    def test_a_unix_socket_serves_too(self):
        with Driven() as server:
            with contextlib.closing(socket.socket(socket.AF_UNIX)) as s:
                s.connect(os.path.join(server.directory, 'socket'))
                s.sendall(b'PING\r\n')
                self.assertEqual(s.recv(100), b'+PONG\r\n')

    def test_shows_itself_in_the_process_list(self):
        with Driven() as server, server.connect() as c:
            def title():
                with open('/proc/%d/cmdline' % server.process.pid, 'rb') as f:
                    return f.read().rstrip(b'\0').decode()
            self.assertRegex(title(), r'^\S*/redis-server 127\.0\.0\.1:%d$' % server.port)
            template = '{title} {listen-addr} {port} {tls-port} {unixsocket} {config-file}'
            c.call('CONFIG', 'SET', 'proc-title-template', template)
            want = '%s 127.0.0.1:%d %d 0 %s/socket %s' % (server.link, server.port, server.port, server.directory,
                                                         server.config)
            until('%r is shown, not %r' % (want, title()), lambda: title() in (want, want.replace(' 0 ', '  ')))
            with self.assertRaisesRegex(ReplyError, 'template format is invalid or contains unknown variables'):
                c.call('CONFIG', 'SET', 'proc-title-template', '{nothing}')

    def test_pid_file_names_the_process(self):
        with Driven() as server:
            with open(os.path.join(server.directory, 'server.pid')) as f:
                self.assertEqual(int(f.read()), server.process.pid)


class Arguments(unittest.TestCase):
    def start(self, *arguments, file=None):
        server = Driven(file, arguments)
        self.addCleanup(server.close)
        return server

    def test_come_after_or_in_place_of_the_file(self):
        server = self.start('--maxmemory 700mb', '--save', '', '--appendonly', 'no', '--maxmemory-policy',
                            'allkeys-lru', '--slowlog-max-len', '3', file='port @PORT\nmaxmemory 1gb\nsave 1 1\n')
        with server, server.connect() as c:
            self.assertEqual(get(c, 'maxmemory'), str(700 << 20))
            self.assertEqual(get(c, 'save'), '')
            self.assertEqual(get(c, 'maxmemory-policy'), 'allkeys-lru')
            self.assertEqual(get(c, 'slowlog-max-len'), '3')
        server = self.start()
        server.extra = ['--port', str(server.port), '--save', '900 1 300 10', '--bind', '127.0.0.1 -::1']
        with server, server.connect() as c:
            self.assertEqual(get(c, 'save'), '900 1 300 10')
            self.assertEqual(get(c, 'bind'), '127.0.0.1 -::1')

    def test_wrong_ones_get_the_errors_of_redis(self):
        """The same complaint, but for the names of the programs."""
        wrong = [['--nope', '1'], ['--port'], ['--port', 'x'], ['--port', '99999'], ['--maxmemory', '1x'],
                 ['--appendonly', 'maybe'], ['--maxmemory-policy', 'none'], ['--save', '1'], ['--save', 'a', 'b'],
                 ['--client-output-buffer-limit', 'x', '1', '2', '3'], ['--rename-command', 'GET'],
                 ['--dbfilename', 'a/b'], ['--hz', '-1'], ['--port=7'], ['--port', '--save'],
                 ['--notify-keyspace-events', 'Q'], ['--unixsocketperm', '999'], ['--loglevel', 'loud']]
        for arguments in wrong:
            got = []
            for program in (os.path.join(BUILD, 'penstock'), 'redis-server'):
                done = subprocess.run([program] + arguments, capture_output=True, text=True, timeout=20)
                self.assertEqual(done.returncode, 1, (program, arguments))
                text = re.sub(r'\(Redis [\d.]+\)|\(Penstock [\d.]+\)', '(X)', done.stderr)
                got.append(text.replace(', nothing', ''))  # a loglevel of 7.2
            with self.subTest(arguments=arguments):
                self.assertEqual(got[0], got[1])
        for arguments in (['/no/such/file'], ['--include', '/no/such/file']):
            done = subprocess.run([os.path.join(BUILD, 'penstock')] + arguments, capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertIn("an't open config file '/no/such/file': No such file or directory", done.stderr)


class Configuration(unittest.TestCase):
    def test_every_directive_is_taken_and_shown(self):
        lines = ''.join('%s %s\n' % (name, text) for name, text, _ in DIRECTIVES)
        with Driven(FILE.replace('always-show-logo yes\n', '') + lines) as server, server.connect() as c:
            for name, _, want in DIRECTIVES:
                with self.subTest(name):
                    self.assertEqual(get(c, name), want)
            for name, want in (('save', '900 1 300 10 60000 10000'), ('dir', server.directory), ('logfile', ''),
                               ('shutdown-on-sigterm', 'force'), ('propagation-error-behavior', 'panic'),
                               ('notify-keyspace-events', 'AKE'), ('enable-module-command', 'yes')):
                self.assertEqual(get(c, name), want)

    def test_what_is_shown_can_be_set(self):
        with Driven() as server, server.connect() as c:
            pairs = c.call('CONFIG', 'GET', '*')
            for name, value in zip(pairs[::2], pairs[1::2]):
                try:
                    self.assertEqual(c.call('CONFIG', 'SET', name, value), b'OK')
                except ReplyError as e:
                    self.assertRegex(str(e), "can't set immutable config", name)
            self.assertEqual(c.call('CONFIG', 'GET', '*'), pairs)

    def test_the_directory_can_be_changed(self):
        with Driven() as server, server.connect() as c:
            os.mkdir(os.path.join(server.directory, 'elsewhere'))
            self.assertEqual(c.call('CONFIG', 'SET', 'dir', 'elsewhere'), b'OK')
            path = os.path.join(server.directory, 'elsewhere')
            self.assertEqual(get(c, 'dir'), path)
            for pid in (server.process.pid, int(info(c)['process_id'])):
                until('process %d is there' % pid, lambda: os.readlink('/proc/%d/cwd' % pid) == path)
            with self.assertRaisesRegex(ReplyError, r"possibly related to argument 'dir'\) - No such file or dir"):
                c.call('CONFIG', 'SET', 'dir', 'nowhere')
            with self.assertRaisesRegex(ReplyError, "related to argument 'port'"):
                with socket.socket() as busy:
                    busy.bind(('127.0.0.1', 0))
                    busy.listen()
                    c.call('CONFIG', 'SET', 'dir', '/', 'port', busy.getsockname()[1])
            self.assertEqual(get(c, 'dir'), path)
            self.assertEqual(os.readlink('/proc/%d/cwd' % int(info(c)['process_id'])), path)

    def test_the_score_of_the_kernel_follows(self):
        def scores(c, server):
            result = []
            for pid in (server.process.pid, int(info(c)['process_id'])):
                with open('/proc/%d/oom_score_adj' % pid) as f:
                    result.append(int(f.read()))
            return result
        with open('/proc/self/oom_score_adj') as f:
            base = int(f.read())
        with Driven(arguments=['--oom-score-adj', 'yes', '--oom-score-adj-values', '10', '20', '30']) as server, \
                server.connect() as c:
            self.assertEqual(scores(c, server), [base + 10] * 2)
            c.call('CONFIG', 'SET', 'oom-score-adj-values', '50 60 70')
            self.assertEqual(scores(c, server), [base + 50] * 2)
            c.call('CONFIG', 'SET', 'oom-score-adj', 'absolute', 'oom-score-adj-values', '90 90 90')
            self.assertEqual(scores(c, server), [90] * 2)
            with self.assertRaisesRegex(ReplyError, 'elements must be between -2000 and 2000'):
                c.call('CONFIG', 'SET', 'oom-score-adj-values', '1 2 3000')
            if os.geteuid() == 0:
                c.call('CONFIG', 'SET', 'oom-score-adj', 'no')
                self.assertEqual(scores(c, server), [base] * 2)

    def test_commands_are_renamed(self):
        with Driven(FILE + 'rename-command GET fetch\nrename-command KEYS ""\n') as server, server.connect() as c:
            c.call('SET', 'a', '1')
            self.assertEqual(c.call('FETCH', 'a'), b'1')
            for command in (['GET', 'a'], ['KEYS', '*']):
                with self.assertRaisesRegex(ReplyError, "unknown command '%s'" % command[0]):
                    c.call(*command)
            self.assertEqual(c.call('MULTI'), b'OK')
            self.assertEqual(c.call('fetch', 'a'), b'QUEUED')
            self.assertEqual(c.call('EXEC'), [b'1'])
        server = Driven(FILE + 'rename-command NOSUCH x\n')
        self.addCleanup(server.close)
        with self.assertRaises(RuntimeError):
            server.start()
        self.assertIn('No such command in rename-command', server.log())

    def test_protected_directives_are_guarded(self):
        with Driven(FILE.replace('enable-protected-configs yes', 'enable-protected-configs no')
                    .replace('enable-debug-command yes', 'enable-debug-command local')
                    .replace('enable-module-command yes', 'enable-module-command no')) as server, \
                server.connect() as c:
            for name in ('dir', 'dbfilename'):
                with self.assertRaisesRegex(ReplyError, "related to argument '%s'\\) - can't set protected" % name):
                    c.call('CONFIG', 'SET', name, 'x')
            with self.assertRaisesRegex(ReplyError, "can't set immutable config"):
                c.call('CONFIG', 'SET', 'logfile', 'x')
            self.assertEqual(c.call('DEBUG', 'LOG', 'misc message'), b'OK')  # we are local
            server.wait_log('DEBUG LOG: misc message')
            with self.assertRaisesRegex(ReplyError, 'MODULE command not allowed'):
                c.call('MODULE', 'LOAD', '/x.so')
            self.assertEqual(c.call('MODULE', 'LIST'), [])


class Rewrite(unittest.TestCase):
    """CONFIG REWRITE, with redis-server's result on the same file beside ours."""
    OLD = '''# head of the file
   # indented

port @PORT
BIND 127.0.0.1
save 10 20
save 30 40


# after blank lines
client-output-buffer-limit pubsub 1mb 2mb 10
slave-read-only yes
lua-time-limit 7000
maxmemory 100mb
rename-command FLUSHALL ""
requirepass "a b\\x01"
logfile ""
dir .
dbfilename dump.rdb
tcp-keepalive 100
tcp-keepalive 200
latency-tracking-info-percentiles 50
shutdown-on-sigterm nosave force
oom-score-adj-values 0 100 800
notify-keyspace-events KEA
enable-protected-configs yes
include other.conf
'''
    CHANGES = [['maxmemory', '1073741824', 'hz', '20'], ['save', '5 6'], ['requirepass', ''],
               ['maxmemory-clients', '5%'], ['latency-tracking-info-percentiles', ''],
               ['slave-read-only', 'no'], ['notify-keyspace-events', ''], ['tcp-keepalive', '300'],
               ['client-output-buffer-limit', 'normal 1048576 0 0'], ['masteruser', 'a "b" c'], ['save', '']]

    @staticmethod
    def lines(text, server):
        """In order as far as the signature, behind it sorted: there Redis's order is that of a hash table. Blank
        lines, and the users that Redis adds, left out."""
        text = text.replace(server.directory, 'DIR').replace(str(server.port), 'PORT')
        head, mark, tail = text.partition('# Generated by CONFIG REWRITE\n')
        def kept(part):
            return [line for line in part.splitlines() if line and not line.startswith('user ')]
        return kept(head) + [mark] + sorted(kept(tail))

    def test_gives_what_redis_gives(self):
        ours, theirs = Driven(self.OLD), RedisServer()
        for server in (ours, theirs):
            self.addCleanup(server.close)
            with open(os.path.join(server.directory, 'other.conf'), 'w') as f:
                f.write('timeout 100\n')
        theirs.config = os.path.join(theirs.directory, 'redis.conf')
        with open(theirs.config, 'w') as f:
            f.write(self.OLD.replace('@PORT', str(theirs.port)))
        theirs.arguments = lambda: [theirs.config]
        ours.start()
        theirs.start()
        with ours.connect() as a, theirs.connect() as b:
            for c in (a, b):
                c.call('AUTH', b'a b\x01')
            for change in [[]] + self.CHANGES:
                results = []
                for c, server in ((a, ours), (b, theirs)):
                    if change:
                        self.assertEqual(c.call('CONFIG', 'SET', *change), b'OK')
                    self.assertEqual(c.call('CONFIG', 'REWRITE'), b'OK')
                    with open(server.config) as f:
                        results.append(self.lines(f.read(), server))
                self.assertEqual(results[0], results[1], change)
            before = a.call('CONFIG', 'GET', '*')
            ours.stop()
            ours.start()
        with ours.connect() as a:
            self.assertEqual(a.call('CONFIG', 'GET', '*'), before)

    def test_keeps_the_mode_and_replaces_as_a_whole(self):
        with Driven() as server, server.connect() as c, open(server.config) as first:  # held, so that its inode stays its own
            os.chmod(server.config, 0o600)
            inode = os.fstat(first.fileno()).st_ino
            ending = threading.Event()
            broken = []

            def watch():
                while not ending.is_set():
                    text = server.read_config()
                    if not text.startswith("# a driver's file\n") or not text.endswith('\n'):
                        broken.append(text)
            watcher = threading.Thread(target=watch)
            watcher.start()
            for i in range(20):
                c.call('CONFIG', 'SET', 'timeout', str(1000 + i))
                self.assertEqual(c.call('CONFIG', 'REWRITE'), b'OK')
            ending.set()
            watcher.join()
            self.assertEqual(broken, [])
            self.assertEqual(os.stat(server.config).st_mode & 0o777, 0o600)
            self.assertNotEqual(os.stat(server.config).st_ino, inode)
            self.assertIn('timeout 1019\n', server.read_config())
            self.assertFalse([name for name in os.listdir(server.directory) if name.endswith('.tmp')])
            server.wait_log('CONFIG REWRITE executed with success')

    def test_says_why_it_cannot(self):
        server = Driven(None)
        server.extra = ['--port', str(server.port)]
        with server, server.connect() as c:
            with self.assertRaisesRegex(ReplyError, '^ERR The server is running without a config file$'):
                c.call('CONFIG', 'REWRITE')
        with Driven() as server, server.connect() as c:
            os.rename(server.config, server.config + '.kept')
            os.mkdir(server.config)
            with self.assertRaisesRegex(ReplyError, '^ERR Rewriting config file: Is a directory$'):
                c.call('CONFIG', 'REWRITE')
            os.rmdir(server.config)
            os.rename(server.config + '.kept', server.config)
            self.assertEqual(c.call('CONFIG', 'REWRITE'), b'OK')

    def test_happens_within_a_transaction(self):
        """Sentinel reconfigures in one: SLAVEOF, CONFIG REWRITE, CLIENT KILL."""
        with Driven() as server, server.connect() as c:
            c.call('CONFIG', 'SET', 'timeout', '77')
            self.assertEqual(c.call('MULTI'), b'OK')
            self.assertEqual(c.call('CONFIG', 'REWRITE'), b'QUEUED')
            self.assertEqual(c.call('EXEC'), [b'OK'])
            until('the file holds it', lambda: 'timeout 77\n' in server.read_config())

    def test_waits_for_a_control_that_is_away_and_gives_up(self):
        with Driven() as server, server.connect() as c, server.connect() as other:
            os.kill(server.process.pid, signal.SIGSTOP)
            try:
                start = time.monotonic()
                c.send(['CONFIG', 'REWRITE'])
                self.assertEqual(other.call('PING'), b'PONG')  # others are served meanwhile
                with self.assertRaisesRegex(ReplyError, 'the control process does not answer'):
                    raise ReplyError(c.read_raw().decode()[1:])
                self.assertGreater(time.monotonic() - start, 4.5)
                c.send(['CONFIG', 'REWRITE'])
            finally:
                os.kill(server.process.pid, signal.SIGCONT)
            self.assertEqual(c.read_raw(), b'+OK\r\n')

    def test_goes_on_when_control_was_replaced(self):
        with Driven() as server, server.connect() as c:
            dataplane = int(info(c)['process_id'])
            self.addCleanup(kill, dataplane)
            server.process.kill()
            server.process.wait()
            c.send(['CONFIG', 'REWRITE'])
            server.start()  # finds the dataplane, and its errand
            self.assertEqual(c.read_raw(), b'+OK\r\n')
            self.assertIn('# Generated by CONFIG REWRITE', server.read_config())


class Stop(unittest.TestCase):
    def expect_end(self, server, pid):
        start = time.monotonic()
        server.process.wait(15)
        self.assertLess(time.monotonic() - start, 10)
        self.assertFalse(alive(pid), 'the dataplane')

    def test_sigterm_ends_it_with_clients_that_wait(self):
        with Driven() as server, server.connect() as c, server.connect() as waiting:
            dataplane = int(info(c)['process_id'])
            waiting.send(['BLPOP', 'nokey', '0'])
            server.process.terminate()
            self.expect_end(server, dataplane)
            self.assertEqual(server.process.returncode, 0)
            self.assertIn('ready to exit, bye bye', server.log())

    def test_sigterm_ends_it_just_after_sigcont(self):
        with Driven() as server, server.connect() as c:
            dataplane = int(info(c)['process_id'])
            for pid in (server.process.pid, dataplane):
                os.kill(pid, signal.SIGSTOP)
            for pid in (dataplane, server.process.pid):
                os.kill(pid, signal.SIGCONT)
            server.process.terminate()
            self.expect_end(server, dataplane)

    def test_sigterm_ends_it_while_it_is_busy(self):
        """Two servers at once, as each is given some seconds."""
        with Driven() as one, one.connect() as sleeper, Driven() as other, other.connect() as counter:
            both = [(server, int(info(c)['process_id'])) for server, c in ((one, sleeper), (other, counter))]
            sleeper.send(['DEBUG', 'SLEEP', '60'])
            counter.send(['EVAL', 'while true do end', '0'])
            stays('they are busy', lambda: all(alive(pid) for _, pid in both), 0.2)
            for server, _ in both:
                server.process.terminate()
            for server, pid in both:
                with self.subTest(server.log()):
                    self.expect_end(server, pid)

    def test_shutdown_says_the_same(self):
        with Driven() as server, server.connect() as c:
            with self.assertRaises((EOFError, OSError)):
                c.call('SHUTDOWN', 'NOSAVE')
            self.assertEqual(server.process.wait(10), 0)
            self.assertIn('User requested shutdown...', server.log())
            self.assertIn('ready to exit, bye bye', server.log())


class Crash(unittest.TestCase):
    def test_is_reported(self):
        for number in (signal.SIGSEGV, signal.SIGABRT):
            with self.subTest(number), Driven() as server, server.connect() as c:
                os.kill(int(info(c)['process_id']), number)
                server.wait_log('crashed by signal: %d.*STACK TRACE.*Ready to accept' % number)

    def test_comes_on_demand(self):
        for command, pattern in ((['SEGFAULT'], 'crashed by signal: 11'), (['PANIC'], 'Guru Meditation'),
                                 (['ASSERT'], 'ASSERTION FAILED')):
            with self.subTest(command), Driven() as server, server.connect() as c:
                with self.assertRaises((EOFError, OSError)):
                    c.call('DEBUG', *command)
                server.wait_log(pattern)
                server.wait_log('STACK TRACE.*Ready to accept')


class Watching(unittest.TestCase):
    def test_info_has_the_fields(self):
        with Driven() as server, server.connect() as c:
            have = info(c, 'everything')
            self.assertEqual([name for name in INFO_FIELDS if name not in have], [])
            self.assertEqual(have['arch_bits'], '64')
            self.assertEqual(have['cluster_enabled'], '0')
            self.assertEqual(have['loading'], '0')
            self.assertEqual(have['total_forks'], '0')
            self.assertEqual(int(have['tcp_port']), server.port)
            self.assertEqual(have['config_file'], server.config)
            self.assertRegex(have['redis_version'], r'^7\.2\.4$')

    def test_unknown_commands_are_errors(self):
        with Driven() as server, server.connect() as c:
            with self.assertRaisesRegex(ReplyError, "^ERR unknown command 'NOSUCH', with args beginning with: 'a' "):
                c.call('NOSUCH', 'a')

    def test_lolwut_ends_with_the_version(self):
        with Driven() as server, server.connect() as c:
            for arguments in ([], ['VERSION', '5'], ['VERSION', '6', '10', '5']):
                self.assertRegex(c.call('LOLWUT', *arguments), rb'\nRedis ver\. 7\.2\.4\n$')

    def test_debug_has_what_drivers_call(self):
        with Driven() as server, server.connect() as c:
            c.call('RPUSH', 'list', *range(1000))
            c.call('SADD', 'set', *('member-%d' % i for i in range(1000)))
            c.call('HSET', 'hash', 'f', 'v')
            for command in ('SET-ACTIVE-EXPIRE 0', 'SET-ACTIVE-EXPIRE 1', 'SLEEP 0', 'SLEEP 0.01', 'PAUSE-CRON 1',
                            'PAUSE-CRON 0', 'QUICKLIST-PACKED-THRESHOLD 200b', 'QUICKLIST-PACKED-THRESHOLD 0',
                            'SET-SKIP-CHECKSUM-VALIDATION 1', 'SET-SKIP-CHECKSUM-VALIDATION 0',
                            'REPLYBUFFER PEAK-RESET-TIME NEVER', 'REPLYBUFFER PEAK-RESET-TIME 100',
                            'REPLYBUFFER RESIZING 0', 'SET-DISABLE-DENY-SCRIPTS 1', 'SET-DISABLE-DENY-SCRIPTS 0',
                            'DICT-RESIZING 1', 'LOG message', 'POPULATE 10', 'POPULATE 3000 pre 100',
                            'CONFIG-REWRITE-FORCE-ALL'):
                with self.subTest(command):
                    self.assertEqual(c.call('DEBUG', *command.split()), b'OK')
            self.assertEqual(c.call('DBSIZE'), 3013)
            self.assertEqual(c.call('STRLEN', 'pre:7'), 100)
            for line in ('appendfsync everysec', 'dbfilename "dump.rdb"', 'timeout 0'):
                self.assertIn('\n' + line, server.read_config())
            self.assertRegex(c.call('DEBUG', 'DIGEST'), rb'^[0-9a-f]{40}$')
            self.assertEqual(len(c.call('DEBUG', 'DIGEST-VALUE', 'list', 'set')), 2)
            self.assertRegex(c.call('DEBUG', 'OBJECT', 'list'),
                             rb'^Value at:\S+ refcount:1 encoding:listpack serializedlength:\d+ lru:\d+ ')
            self.assertRegex(c.call('DEBUG', 'HTSTATS', '0'), rb'keys: 3013')
            self.assertRegex(c.call('DEBUG', 'HTSTATS-KEY', 'set'), rb'elements')
            self.assertEqual(c.call('DEBUG', 'LISTPACK', 'hash'), b'Listpack structure printed on stdout')
            if info(c, 'memory')['mem_allocator'].startswith('jemalloc'):  # not under AddressSanitizer
                self.assertGreaterEqual(c.call('DEBUG', 'MALLCTL', 'epoch'), 0)
                self.assertRegex(c.call('DEBUG', 'MALLCTL-STR', 'version'), rb'^\d')
            self.assertEqual(c.call('DEBUG', 'STRINGMATCH-LEN', 'a*', 'abc'), 1)
            self.assertRegex(c.call('DEBUG', 'JMAP'), rb'total:\d+')
            for line in c.call('DEBUG', 'HELP'):
                self.assertNotIn(b'\n', line)
            with self.assertRaisesRegex(ReplyError, '^OWN text$'):
                c.call('DEBUG', 'ERROR', 'OWN text')
            with self.assertRaisesRegex(ReplyError, "for 'nope'. Try DEBUG HELP"):
                c.call('DEBUG', 'nope')
            with self.assertRaisesRegex(ReplyError, 'maxmemory-clients is disabled'):
                c.call('DEBUG', 'CLIENT-EVICTION')

    def test_debug_protocol_answers_as_redis_does(self):
        theirs = RedisServer(['--enable-debug-command', 'yes'])
        with Driven() as ours, theirs, ours.connect() as a, theirs.connect() as b:
            for version in ('2', '3'):
                for c in (a, b):
                    c.call('HELLO', version)
                for kind in ('string', 'integer', 'double', 'bignum', 'null', 'array', 'set', 'map', 'attrib',
                             'push', 'verbatim', 'true', 'false', 'nope'):
                    with self.subTest(version=version, kind=kind):
                        got = [c.call_raw('DEBUG', 'PROTOCOL', kind) for c in (a, b)]
                        if kind == 'push' and version == '3':
                            got = [reply + c.read_raw() for reply, c in zip(got, (a, b))]
                        self.assertEqual(got[0], got[1])

    def test_restore_can_skip_the_checksum(self):
        with Driven() as server, server.connect() as c:
            c.call('SET', 'a', 'value')
            payload = bytearray(c.call('DUMP', 'a'))
            payload[-1] ^= 1
            with self.assertRaisesRegex(ReplyError, 'checksum'):
                c.call('RESTORE', 'b', '0', bytes(payload))
            c.call('DEBUG', 'SET-SKIP-CHECKSUM-VALIDATION', '1')
            self.assertEqual(c.call('RESTORE', 'b', '0', bytes(payload)), b'OK')
            self.assertEqual(c.call('GET', 'b'), b'value')


if __name__ == '__main__':
    unittest.main(verbosity=1)
