#!/usr/bin/env python3
"""Snapshots of a server that goes on: what the file holds is what was there at its moment, whoever writes meanwhile;
what a real redis-server 7.0 reads of it; disks that refuse; save points, and servers that save before they stop.

    test_save.py [Class.test ...]       $PENSTOCK_BUILD: the build folder; $PENSTOCK_TEST_SEED=N: the same writes again
"""
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from dump_kit import values
from kit import Case, Prober, info, is_answered, main, number, rng, until
from penstock import Penstock, RedisServer, ReplyError, children_of

FILE = 'dump.rdb'
FAR_MS = 4102444800000  # 2100
SHARDS = [1, 2, 3]
KEYS, WRITERS, SNAPSHOTS = 3000, 4, 4
GIANT = 60000
KEYS = 20000
EXPIRING, EXPIRING_MS = 20000, 3000
IN_PROGRESS = 'ERR Background save already in progress'
MISCONF = b'-MISCONF Redis is configured to save RDB snapshots'
LIBRARY = "#!lua name=lib\nredis.register_function('answer', function() return 42 end)"


class Saving(Penstock):
    def __init__(self, shards, options=None):
        super().__init__(dict({'enable-debug-command': 'yes', 'shards': shards}, **(options or {})))
        self.path = os.path.join(self.directory, FILE)


@contextlib.contextmanager
def redis_on(path):
    """A real server that has loaded the file."""
    with tempfile.TemporaryDirectory(prefix='penstock-test-') as folder:
        shutil.copy(path, os.path.join(folder, FILE))
        with RedisServer(['--dir', folder, '--dbfilename', FILE, '--enable-debug-command', 'yes']) as server:
            with server.connect() as connection:
                until('redis-server has loaded it', lambda: connection.call_raw('PING') == b'+PONG\r\n')
                yield connection


def save_slowly(connection):
    """For hours, if it is not told to be fast again."""
    connection.call('CONFIG', 'SET', 'rdb-key-save-delay', 1000000)


def save_fast(connection):
    connection.call('CONFIG', 'SET', 'rdb-key-save-delay', 0)


def wait_saved(connection):
    until('the snapshot is done', lambda: info(connection, 'persistence')['rdb_bgsave_in_progress'] == '0')


def dbsize(server):
    try:
        with server.connect(5) as connection:
            return connection.call('DBSIZE')
    except (OSError, EOFError, ReplyError):
        return None


def is_checked(path):
    """By Redis's own tool."""
    done = subprocess.run(['redis-check-rdb', path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


class Writes:
    """Random writes of every kind, to keys that all types share; replies do not matter."""

    def __init__(self, rng, databases=(0, 0, 0, 1, 9)):
        self.rng, self.databases = rng, databases

    def key(self):
        return 'key%d' % self.rng.randrange(KEYS)

    def text(self):
        return ('x%d' % self.rng.randrange(1000)) * self.rng.choice([1, 1, 1, 3, 40, 3000])

    def some(self):
        return [str(self.rng.randrange(5000)) for _ in range(self.rng.choice([1, 2, 5, 60]))]

    def fields(self):
        return [w for f in self.some() for w in (f, self.text())]

    def scores(self):
        return [w for m in self.some() for w in (self.rng.randrange(1000), m)]

    def next(self):
        r, key = self.rng, self.key()
        return r.choice([
            lambda: ('SET', key, self.text()), lambda: ('SET', key, r.randrange(100000)), lambda: ('APPEND', key, self.text()),
            lambda: ('SETRANGE', key, r.randrange(9000), 'y'), lambda: ('INCRBY', key, 3), lambda: ('SETBIT', key, r.randrange(50000), 1),
            lambda: ('PFADD', key, *self.some()), lambda: ('MSET', key, 'a', self.key(), self.text()),
            lambda: ('RPUSH', key, *self.some()), lambda: ('LPOP', key, 3), lambda: ('LSET', key, 0, self.text()), lambda: ('LTRIM', key, 1, -2),
            lambda: ('LMOVE', key, self.key(), 'LEFT', 'RIGHT'),
            lambda: ('HSET', key, *self.fields()), lambda: ('HDEL', key, *self.some()), lambda: ('HINCRBY', key, 'n', 5),
            lambda: ('SADD', key, *self.some()), lambda: ('SREM', key, *self.some()), lambda: ('SPOP', key, 2), lambda: ('SMOVE', key, self.key(), '7'),
            lambda: ('ZADD', key, *self.scores()), lambda: ('ZREM', key, *self.some()), lambda: ('ZINCRBY', key, 1, '7'), lambda: ('ZPOPMIN', key),
            lambda: ('ZUNIONSTORE', key, 2, self.key(), self.key()),
            lambda: ('XADD', key, '*', *self.fields()), lambda: ('XTRIM', key, 'MAXLEN', 3), lambda: ('XGROUP', 'CREATE', key, 'g', '0', 'MKSTREAM'),
            lambda: ('XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', 3, 'STREAMS', key, '>'), lambda: ('XACK', key, 'g', '1-1'), lambda: ('XDEL', key, '1-1'),
            lambda: ('PEXPIREAT', key, FAR_MS + r.randrange(10000)), lambda: ('PERSIST', key), lambda: ('DEL', key, self.key()), lambda: ('UNLINK', key),
            lambda: ('DEL', key), lambda: ('RENAME', key, self.key()), lambda: ('COPY', key, self.key(), 'REPLACE'),
            lambda: ('MOVE', key, r.choice(self.databases)), lambda: ('GETDEL', key), lambda: ('SORT', key, 'STORE', self.key()),
            lambda: ('EVAL', "redis.pcall('RPUSH', KEYS[1], 'e') return redis.pcall('DEL', KEYS[2])", 2, key, self.key()),
            lambda: ('PEXPIREAT', key, 1), lambda: ('SELECT', r.choice(self.databases)), lambda: ('RESTORE', key, 0, b'\x00\xc0\x07\x0b\x00')])()


class Writer:
    """Writes on a thread of its own until it is told to stop."""

    def __init__(self, server, number, what):
        self.writes, self.connection, self.count, self.error = Writes(rng('%s/%d' % (what, number))), server.connect(), 0, None
        self.is_over = False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            while not self.is_over:
                commands = [self.writes.next() for _ in range(10)]
                self.connection.send(*commands)
                for _ in commands:
                    self.connection.read_raw()
                self.count += len(commands)
        except Exception as e:
            self.error = e

    def end(self):
        self.is_over = True
        self.thread.join()
        self.connection.close()
        if self.error:
            raise self.error


def fill(connection, what):
    writes = Writes(rng(what))
    for _ in range(60):
        commands = [writes.next() for _ in range(100)]
        connection.send(*commands)
        for _ in commands:
            connection.read_raw()
    connection.call('SELECT', 0)


def moment_of(connection, *then):
    """The digest at a snapshot's moment, and what was done right behind it: one transaction."""
    for command in (('MULTI',), ('DEBUG', 'DIGEST'), ('BGSAVE',), *then):
        connection.call(*command)
    digest, said, *_ = connection.call('EXEC')
    assert said == b'Background saving started', said
    return digest


class Truth(Case):
    """The file is of one moment."""

    def test_while_everything_changes(self):
        for shards in SHARDS:
            with self.subTest(shards=shards), Saving(shards, {'hash-max-listpack-entries': 8, 'zset-max-listpack-entries': 8}) as server:
                with server.connect() as c:
                    fill(c, 'fill/%d' % shards)
                    writers = [Writer(server, i, 'writers/%d' % shards) for i in range(WRITERS)]
                    try:
                        for turn in range(SNAPSHOTS):
                            until('they write', lambda: all(w.count > 500 * (turn + 1) or w.error for w in writers))
                            then = [(), [('FLUSHALL',)], [('SWAPDB', 0, 1)], [('FLUSHDB', 'ASYNC')]][turn % 4]
                            self.check(c, server, moment_of(c, *then))
                    finally:
                        for w in writers:
                            w.end()
                    self.assertIsNone(server.process.poll())

    def check(self, c, server, digest):
        wait_saved(c)
        self.assertEqual(info(c, 'persistence')['rdb_last_bgsave_status'], 'ok')
        is_checked(server.path)
        with redis_on(server.path) as redis:
            self.assertEqual(redis.call('DEBUG', 'DIGEST'), digest)

    def test_giants_that_change(self):
        """Large values are written piece by piece, as they were."""
        for shards in (1, 2):
            with self.subTest(shards=shards), Saving(shards) as server, server.connect() as c:
                names = {'list': 'RPUSH', 'set': 'SADD', 'hash': 'HSET', 'zset': 'ZADD', 'stream': 'XADD', 'string': 'SET'}
                for i in range(0, GIANT, 1000):
                    numbers = range(i, i + 1000)
                    c.send(['RPUSH', 'list', *numbers], ['SADD', 'set', *('m%d' % n for n in numbers)], ['HSET', 'hash', *(w for n in numbers for w in ('f%d' % n, n))],
                           ['ZADD', 'zset', *(w for n in numbers for w in (n % 977, 'm%d' % n))], ['XADD', 'stream', '*', *(w for n in numbers for w in ('f', n))])
                    for _ in range(5):
                        c.read_raw()
                c.call('SET', 'string', b'0123456789abcdef' * 300000)
                digest = moment_of(c, ['LTRIM', 'list', 5, -7], ['SREM', 'set', 'm1', 'm5000'], ['HSET', 'hash', 'f7', 'other'], ['ZADD', 'zset', 5, 'm9000'],
                                   ['XADD', 'stream', '*', 'a', 'b'], ['SETRANGE', 'string', 77, 'zz'])
                r, count = rng('giants'), 0
                while info(c, 'persistence')['rdb_bgsave_in_progress'] == '1':
                    c.call('LPOP', 'list')
                    c.call('SPOP', 'set')
                    c.call('HDEL', 'hash', 'f%d' % r.randrange(GIANT))
                    c.call('ZREM', 'zset', 'm%d' % r.randrange(GIANT))
                    c.call('SETRANGE', 'string', r.randrange(4000000), 'q')
                    if count == 3:
                        c.call('DEL', 'hash', 'zset')
                    count += 1
                self.check(c, server, digest)
                self.assertGreater(len(names), 5)

    def test_every_encoding(self):
        for shards in SHARDS:
            with self.subTest(shards=shards), Saving(shards) as server, server.connect() as c:
                for i, (name, (_, commands)) in enumerate(sorted(values().items())):
                    for command in commands:
                        c.call(*['%s' % name if w == 'k' else w for w in command])
                    if i % 3 == 0:
                        c.call('PEXPIREAT', name, FAR_MS + i)
                c.call('SET', 'n' * 70000, 'a long name')
                c.call('FUNCTION', 'LOAD', LIBRARY)
                self.assertEqual(c.call('SAVE'), b'OK')
                is_checked(server.path)
                with redis_on(server.path) as redis:
                    self.assertEqual(redis.call('DEBUG', 'DIGEST'), c.call('DEBUG', 'DIGEST'))
                    self.assertEqual(redis.call('FCALL', 'answer', 0), 42)
                    self.assertEqual(sorted(redis.call('KEYS', '*')), sorted(c.call('KEYS', '*')))
                    for key in c.call('KEYS', '*'):
                        self.assertEqual(redis.call('PEXPIRETIME', key), c.call('PEXPIRETIME', key), key)

    def test_what_expires_meanwhile_is_in_it(self):
        """It was there at the moment."""
        for shards in (1, 2):
            with self.subTest(shards=shards), Saving(shards) as server, server.connect() as c:
                c.call('DEBUG', 'POPULATE', KEYS)
                save_slowly(c)
                deadline = int(time.time() * 1000) + EXPIRING_MS
                for i in range(0, EXPIRING, 1000):
                    c.send(*[['SET', 'expiring%d' % n, n, 'PXAT', deadline] for n in range(i, i + 1000)])
                    for _ in range(1000):
                        c.read_raw()
                for command in (('MULTI',), ('DBSIZE',), ('TIME',), ('BGSAVE',)):
                    c.call(*command)
                count, (seconds, us), _ = c.call('EXEC')
                self.assertEqual(count, KEYS + EXPIRING)
                self.assertLess(int(seconds) * 1000 + int(us) // 1000, deadline, 'too slow a machine for this test')
                until('they have expired', lambda: c.call('DBSIZE') == KEYS)
                save_fast(c)
                wait_saved(c)
                found = is_checked(server.path)
                self.assertIn('%d keys read' % count, found)
                self.assertIn('%d expires' % EXPIRING, found)

    def test_clocks_and_options(self):
        with Saving(1, {'rdbchecksum': 'no', 'rdbcompression': 'no', 'maxmemory-policy': 'allkeys-lfu'}) as server, server.connect() as c:
            c.call('SET', 'k', 'a' * 1000)
            for _ in range(200):
                c.call('GET', 'k')
            counter = c.call('OBJECT', 'FREQ', 'k')
            c.call('SAVE')
            with open(server.path, 'rb') as f:
                data = f.read()
            self.assertIn(b'\x01k\x43\xe8' + b'a' * 1000, data)
            self.assertIn(bytes([0xf9, counter, 0]) + b'\x01k', data)
            self.assertEqual(data[-9:], b'\xff' + bytes(8))


class Commands(Case):
    def test_replies(self):
        for shards in (1, 3):
            with self.subTest(shards=shards), Saving(shards) as server, server.connect() as c:
                start = c.call('LASTSAVE')
                self.assertAlmostEqual(start, time.time(), delta=30)
                c.call('DEBUG', 'POPULATE', KEYS)
                self.assertEqual(number(c, 'rdb_changes_since_last_save', 'persistence'), KEYS)
                save_slowly(c)
                self.assertEqual(c.call('BGSAVE'), b'Background saving started')
                for command in (['BGSAVE'], ['BGSAVE', 'SCHEDULE'], ['SAVE']):
                    self.assertEqual(c.call_raw(*command), b'-%s\r\n' % IN_PROGRESS.encode(), command)
                facts = info(c, 'persistence')
                self.assertEqual(facts['current_save_keys_total'], str(KEYS))
                save_fast(c)
                wait_saved(c)
                self.assertEqual(number(c, 'rdb_changes_since_last_save', 'persistence'), 0)
                self.assertEqual(c.call('SAVE'), b'OK')
                self.assertEqual(number(c, 'rdb_saves', 'persistence'), 2)
                self.assertGreaterEqual(c.call('LASTSAVE'), start)
                for command in (['BGSAVE', 'NOW'], ['BGSAVE', 'SCHEDULE', 'x']):
                    self.assertEqual(c.call_raw(*command), b'-ERR syntax error\r\n')
                self.assertEqual(os.listdir(server.directory).count(FILE), 1)
                self.assertFalse([n for n in os.listdir(server.directory) if n.startswith('temp-')])

    def test_others_are_served_while_one_saves(self):
        with Saving(2) as server, server.connect() as c, server.connect() as other:
            c.call('DEBUG', 'POPULATE', KEYS)
            other.call('SET', 'a', 1)
            save_slowly(c)
            c.send(['SAVE'])
            with Prober(server) as prober:
                until('it saves', lambda: info(other, 'persistence')['rdb_bgsave_in_progress'] == '1')
                prober.wait_answers(20)
                self.assertEqual(other.call('INCR', 'a'), 2)
                save_fast(other)
            self.assertEqual(c.read_raw(), b'+OK\r\n')

    def test_debug_reload(self):
        for shards in SHARDS:
            with self.subTest(shards=shards), Saving(shards) as server, server.connect() as c:
                fill(c, 'reload/%d' % shards)
                c.call('FUNCTION', 'LOAD', LIBRARY)
                for options in ([], ['NOSAVE'], ['NOSAVE', 'MERGE', 'NOFLUSH']):
                    before = c.call('DEBUG', 'DIGEST')
                    self.assertEqual(c.call('DEBUG', 'RELOAD', *options), b'OK', options)
                    self.assertEqual(c.call('DEBUG', 'DIGEST'), before, options)
                    self.assertEqual(c.call('FCALL', 'answer', 0), 42)
                c.call('SET', 'forgotten', 1)
                c.call('DEBUG', 'RELOAD', 'NOSAVE')
                self.assertEqual(c.call('EXISTS', 'forgotten'), 0)
                self.assertRaisesRegex(ReplyError, 'only supports', c.call, 'DEBUG', 'RELOAD', 'NOW')
                os.remove(server.path)
                self.assertRaisesRegex(ReplyError, 'Error trying to load', c.call, 'DEBUG', 'RELOAD', 'NOSAVE')
                self.assertEqual(c.call('SET', 'k', 'v'), b'OK')

    def test_nothing_is_lost_by_a_reload(self):
        for shards in (1, 2):
            with self.subTest(shards=shards), Saving(shards) as server, server.connect() as c, server.connect() as other:
                c.call('DEBUG', 'POPULATE', 100000)
                c.send(['DEBUG', 'RELOAD'])
                counts, refused = {}, 0
                while not is_answered(c):
                    key = 'n%d' % (len(counts) % 7)
                    reply = other.call_raw('INCR', key)
                    refused += reply.startswith(b'-LOADING')
                    if reply.startswith(b':'):
                        counts[key] = int(reply[1:])
                self.assertEqual(c.read_raw(), b'+OK\r\n')
                for key, count in counts.items():
                    self.assertEqual(int(c.call('GET', key)), count, key)

    def test_save_points(self):
        for shards in (1, 2):
            with self.subTest(shards=shards), Saving(shards, {'save': '1 10'}) as server, server.connect() as c:
                for i in range(9):
                    c.call('SET', 'k%d' % i, i)
                self.assertFalse(os.path.exists(server.path))
                c.call('SET', 'k9', 9)
                until('it saves by itself', lambda: number(c, 'rdb_saves', 'persistence') == 1)
                self.assertEqual(number(c, 'rdb_changes_since_last_save', 'persistence'), 0)


class Disks(Case):
    """That refuse: writes are refused until it is well again."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='penstock-test-')
        self.addCleanup(shutil.rmtree, self.folder, True)

    def test_a_folder_that_is_gone(self):
        for shards in (1, 3):
            gone = os.path.join(self.folder, 'gone%d' % shards)
            os.mkdir(gone)
            with self.subTest(shards=shards), Saving(shards, {'dir': gone, 'save': '3600 1000000', 'enable-protected-configs': 'yes'}) as server, server.connect() as c:
                c.call('SET', 'k', 'v')
                os.rmdir(gone)
                self.assertTrue(c.call_raw('SAVE').startswith(b'-ERR'))
                self.assertEqual(info(c, 'persistence')['rdb_last_bgsave_status'], 'err')
                for command in (['SET', 'k', 'w'], ['DEL', 'k'], ['PING']):
                    self.assertTrue(c.call_raw(*command).startswith(MISCONF), command)
                self.assertRaisesRegex(ReplyError, 'MISCONF', c.call, 'EVAL', "return redis.call('SET', KEYS[1], 'x')", 1, 'k')
                self.assertEqual(c.call('EVAL', "return redis.call('GET', KEYS[1])", 1, 'k'), b'v')
                self.assertEqual(c.call('GET', 'k'), b'v')
                self.expect_logged(server, 'Background saving error')
                c.call('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no')
                self.assertEqual(c.call('SET', 'k', 'x'), b'OK')
                c.call('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'yes')
                c.call('CONFIG', 'SET', 'dir', self.folder)
                self.assertEqual(c.call('SAVE'), b'OK')
                self.assertEqual(c.call('SET', 'k', 'y'), b'OK')
                c.call('CONFIG', 'SET', 'save', '')

    @staticmethod
    def mount(folder, size):
        return subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=%d' % size, 'penstock-test', folder], capture_output=True).returncode == 0

    def test_a_full_one(self):
        if os.geteuid() != 0 or not self.mount(self.folder, 1 << 20):
            self.skipTest('no tmpfs can be mounted')
        self.addCleanup(subprocess.run, ['umount', '-l', self.folder])
        for shards in (1, 2):
            with self.subTest(shards=shards), Saving(shards, {'dir': self.folder, 'save': '3600 1000000', 'rdbcompression': 'no'}) as server, server.connect() as c:
                until('what the one before left is loaded', lambda: c.call_raw('SET', 'small', 'v') == b'+OK\r\n')
                self.assertEqual(c.call('SAVE'), b'OK')
                with open(os.path.join(self.folder, FILE), 'rb') as f:
                    before = f.read()
                c.call('DEBUG', 'POPULATE', 30000, 'key', 100)
                self.assertTrue(c.call_raw('SAVE').startswith(b'-ERR'))
                with open(os.path.join(self.folder, FILE), 'rb') as f:
                    self.assertEqual(f.read(), before, 'the good file is still there')
                self.assertEqual(os.listdir(self.folder), [FILE])
                self.expect_logged(server, 'No space left on device')
                self.assertTrue(c.call_raw('SET', 'k', 'w').startswith(MISCONF))
                c.call('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no')
                c.call('FLUSHALL')
                self.assertEqual(c.call('SAVE'), b'OK')
                c.call('CONFIG', 'SET', 'save', '')


class Stopping(Case):
    """Servers that save before they stop, and those that cannot."""

    def stopped(self, server):
        until('it has ended', lambda: server.process.poll() is not None)
        return server.process.poll()

    def test_shutdown_and_signals(self):
        for shards in (1, 3):
            for how, save, is_saved in (('SHUTDOWN', '3600 1000000', True), ('SHUTDOWN', '', False), ('SHUTDOWN SAVE', '', True), ('SHUTDOWN NOSAVE', '3600 1', False),
                                        ('SIGTERM', '3600 1000000', True), ('SIGTERM', '', False), ('SIGINT', '3600 1', True)):
                with self.subTest(shards=shards, how=how, save=save), Saving(shards, {'save': save}) as server, server.connect() as c:
                    c.call('DEBUG', 'POPULATE', 20000)
                    digest = c.call('DEBUG', 'DIGEST')
                    if how.startswith('SIG'):
                        server.process.send_signal(getattr(signal, how))
                    else:
                        c.send(how.split())
                        self.assertRaises((EOFError, ConnectionError), c.read_raw)
                    self.assertEqual(self.stopped(server), 0)
                    self.assertEqual(os.path.exists(server.path), is_saved)
                    if is_saved:
                        with redis_on(server.path) as redis:
                            self.assertEqual(redis.call('DEBUG', 'DIGEST'), digest)

    def test_one_that_cannot_save_goes_on(self):
        for shards in (1, 2):
            folder = tempfile.mkdtemp(prefix='penstock-test-')
            with self.subTest(shards=shards), Saving(shards, {'dir': folder, 'save': '3600 1'}) as server, server.connect() as c:
                c.call('SET', 'k', 'v')
                os.rmdir(folder)
                self.assertEqual(c.call_raw('SHUTDOWN'), b'-ERR Errors trying to SHUTDOWN. Check logs.\r\n')
                self.assertEqual(c.call('GET', 'k'), b'v')
                server.process.send_signal(signal.SIGTERM)
                self.expect_logged(server, 'Errors trying to shut down the server')
                self.assertEqual(c.call('GET', 'k'), b'v')
                c.call('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no')
                until('it takes writes again', lambda: c.call_raw('SET', 'k', 'w') == b'+OK\r\n')
                c.send(['SHUTDOWN', 'FORCE'])
                self.assertRaises((EOFError, ConnectionError), c.read_raw)
                self.assertEqual(self.stopped(server), 0)

    def test_what_a_crash_leaves(self):
        """Half a file: the next start removes it, and loads the one before. One that stops leaves none."""
        with Saving(2) as server, server.connect() as c:
            c.call('SET', 'saved', 1)
            c.call('SAVE')
            c.call('DEBUG', 'POPULATE', KEYS)
            save_slowly(c)
            c.call('BGSAVE')
            left = lambda: [n for n in os.listdir(server.directory) if n.startswith('temp-')]
            until('it writes', left)
            os.kill(children_of(server.process.pid)[0], signal.SIGKILL)
            until('it is back, with what was saved', lambda: dbsize(server) == 1)
            self.assertEqual(left(), [])
        with Saving(2) as server, server.connect() as c:
            c.call('DEBUG', 'POPULATE', KEYS)
            save_slowly(c)
            c.call('BGSAVE')
            until('it writes', lambda: [n for n in os.listdir(server.directory) if n.startswith('temp-')])
            c.send(['SHUTDOWN', 'NOSAVE'])
            self.assertEqual(self.stopped(server), 0)
            self.assertEqual([n for n in os.listdir(server.directory) if n.endswith('.rdb')], [])

    def test_abort(self):
        with Saving(1) as server, server.connect() as c, server.connect() as other:
            self.assertEqual(c.call_raw('SHUTDOWN', 'ABORT'), b'-ERR No shutdown in progress.\r\n')
            c.call('DEBUG', 'POPULATE', KEYS)
            save_slowly(c)
            c.send(['SHUTDOWN', 'SAVE'])
            until('it saves', lambda: info(other, 'persistence')['rdb_bgsave_in_progress'] == '1')
            self.assertEqual(other.call('SHUTDOWN', 'ABORT'), b'OK')
            self.assertEqual(c.read_raw(), b'-ERR Errors trying to SHUTDOWN. Check logs.\r\n')
            save_fast(other)
            wait_saved(other)
            self.assertEqual(other.call('SET', 'k', 'v'), b'OK')


if __name__ == '__main__':
    main()
