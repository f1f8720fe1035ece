#!/usr/bin/env python3
"""A server that starts on a snapshot: files of a real redis-server 7.0 with every type and encoding, loaded by one, two
and three shards; what clients see meanwhile; and files that are broken.

    test_load.py [Class.test ...]       $PENSTOCK_BUILD: the build folder; $PENSTOCK_TEST_SEED=N: the same damage again
"""
import os
import re
import shutil
import signal
import socket
import struct
import tempfile
import time

from dump_kit import crc64, values
from kit import SEED, Case, kill, main, rng, until
from penstock import Penstock, RedisServer, ReplyError

FAR_MS = 4102444800000  # 2100
TIGHT = {'hash-max-listpack-entries': '2', 'zset-max-listpack-entries': '2', 'set-max-intset-entries': '2', 'list-max-listpack-size': '3',
         'stream-node-max-entries': '5'}
LIBRARY = "#!lua name=lib\nredis.register_function('answer', function() return 42 end)"
LOADING = b'-LOADING Redis is loading the dataset in memory\r\n'
MANY = 400000
SLOWLY = {'key-load-delay': 10000}  # an hour, until it is set to 0
FILE = 'dump.rdb'
DAMAGES = 10


def read(path):
    with open(path, 'rb') as f:
        return f.read()


class Loading(Penstock):
    """Starts on a snapshot: bytes, or the path of one."""

    def __init__(self, snapshot, shards=1, options=None, env=None):
        super().__init__(dict({'enable-debug-command': 'yes', 'shards': shards}, **(options or {})), env=env)
        self.path = os.path.join(self.directory, FILE)
        if isinstance(snapshot, bytes):
            with open(self.path, 'wb') as f:
                f.write(snapshot)
        elif snapshot:
            os.link(snapshot, self.path)

    def loaded(self):
        """A connection, once the file is."""
        return until('the file is loaded', self.connect_if_loaded)


def info(connection, section='persistence'):
    text = connection.call('INFO', section).decode()
    return dict(line.split(':', 1) for line in text.split('\r\n') if ':' in line)


def saved_by_redis(fill):
    """The bytes of a snapshot, and what fill returned."""
    with RedisServer(['--enable-debug-command', 'yes']) as redis, redis.connect(timeout_s=120) as c:
        out = fill(c)
        c.call('SAVE')
        return read(os.path.join(redis.directory, FILE)), out


class Interchange(Case):
    @staticmethod
    def fill(c):
        for prefix, settings in (('', {}), ('tight ', TIGHT)):
            for name, value in settings.items():
                c.call('CONFIG', 'SET', name, value)
            for name in values():
                for command in values(prefix + name)[name][1]:
                    c.call(*command)
        for i, name in enumerate(values()):
            if i % 3 == 0:
                c.call('PEXPIREAT', name, FAR_MS + i)
        for i in range(2000):
            c.call('SET', 'many:%d' % i, i)
        c.call('SELECT', 9)
        c.call('SET', 'many:1', 'in database 9')
        c.call('SELECT', 0)
        c.call('FUNCTION', 'LOAD', LIBRARY)
        keys = sorted(c.call('KEYS', '*'))
        expected = {'digest': c.call('DEBUG', 'DIGEST'), 'size': c.call('DBSIZE'), 'keys': keys,
                    'deadlines': [c.call('PEXPIRETIME', key) for key in keys], 'libraries': c.call('FUNCTION', 'LIST', 'WITHCODE')}
        c.call('DEBUG', 'SET-ACTIVE-EXPIRE', 0)
        c.call('SET', 'gone', 'x', 'PX', 1)  # is in the file, and has expired when that is loaded
        return expected

    @classmethod
    def setUpClass(cls):
        cls.snapshot, cls.expected = saved_by_redis(cls.fill)

    def test_every_type_with_any_number_of_shards(self):
        for shards in (1, 2, 3):
            with self.subTest(shards=shards), Loading(self.snapshot, shards) as ours, ours.loaded() as c:
                self.compare(c)
                self.assertEqual(info(c)['rdb_changes_since_last_save'], '0')
                told = info(c)
                self.assertEqual((told['rdb_last_load_keys_loaded'], told['rdb_last_load_keys_expired']), (str(self.expected['size'] + 1), '1'))
                lines = [line.split(' * ', 1)[-1] for line in ours.log().splitlines()]
                told = [line for line in lines if re.match(r'Loading RDB|RDB age|RDB memory|Done loading|DB loaded|Ready to', line)]
                self.assertEqual([re.sub(r'[0-9.]+', 'N', line).split(' tcp')[0] for line in told],
                                 ['Loading RDB produced by version N', 'RDB age N seconds', 'RDB memory usage when created N Mb',
                                  'Done loading RDB, keys loaded: N, keys expired: N', 'DB loaded from disk: N seconds', 'Ready to accept connections'])

    def compare(self, c):
        self.assertEqual(c.call('DEBUG', 'DIGEST'), self.expected['digest'])
        self.assertEqual(c.call('DBSIZE'), self.expected['size'])
        keys = sorted(c.call('KEYS', '*'))
        self.assertEqual(keys, self.expected['keys'])
        self.assertEqual([c.call('PEXPIRETIME', key) for key in keys], self.expected['deadlines'])
        self.assertEqual(c.call('FUNCTION', 'LIST', 'WITHCODE'), self.expected['libraries'])
        self.assertEqual(c.call('FCALL', 'answer', 0), 42)
        c.call('SELECT', 9)
        self.assertEqual(c.call('GET', 'many:1'), b'in database 9')

    def test_after_a_crash_the_file_is_loaded_again(self):
        with Loading(self.snapshot, 2) as ours, ours.loaded() as c:
            c.call('SET', 'later', 'x')
            kill(int(info(c, 'server')['process_id']))
            until('another dataplane', lambda: 'Restarting the dataplane' in ours.log())
            with ours.loaded() as again:
                self.compare(again)

    def test_no_file(self):
        with Loading(None) as ours, ours.connect() as c:
            self.assertEqual(c.call('DBSIZE'), 0)
            self.assertEqual(info(c)['loading'], '0')
            self.assertNotIn('DB loaded', ours.log())


class Meanwhile(Case):
    """A file that takes a while."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix='penstock-test-')
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.path = os.path.join(cls.folder, FILE)
        with RedisServer(['--enable-debug-command', 'yes', '--rdbcompression', 'no']) as redis, redis.connect(timeout_s=120) as c:
            c.call('DEBUG', 'POPULATE', MANY, 'key', 40)
            c.call('SAVE')
            shutil.move(os.path.join(redis.directory, FILE), cls.path)
        cls.total = os.path.getsize(cls.path)

    def test_clients_are_told(self):
        for shards in (1, 3):
            with self.subTest(shards=shards), Loading(self.path, shards, {'requirepass': 'secret', **SLOWLY}) as ours, ours.connect() as c:
                self.assertEqual(c.call_raw('PING'), b'-NOAUTH Authentication required.\r\n')
                self.assertEqual(c.call('AUTH', 'secret'), b'OK')
                self.assertEqual(c.call_raw('GET', 'key:1'), LOADING)
                told = info(c)
                self.assertEqual((told['loading'], told['async_loading'], told['loading_total_bytes']), ('1', '0', str(self.total)))
                self.assertLess(int(told['loading_loaded_bytes']), self.total)
                self.assertGreater(int(told['loading_rdb_used_mem']), 0)
                self.assertEqual(c.call('MULTI'), b'OK')
                self.assertEqual(c.call_raw('INCR', 'x'), LOADING)
                with self.assertRaises(ReplyError):
                    c.call('EXEC')
                slowest = self.ping_until_loaded(c)
                self.assertLess(slowest, 0.5)  # a turn of loading takes 5 ms
                self.assertEqual(c.call('DBSIZE'), MANY)
                self.assertEqual(c.call('GET', 'key:77').rstrip(b'\0'), b'value:77')
                after = info(c)
                self.assertEqual((after['loading'], after['rdb_last_load_keys_loaded'], after['rdb_changes_since_last_save']), ('0', str(MANY), '0'))
                self.assertNotIn('loading_total_bytes', after)
                until('it is ready', lambda: 'Ready to accept' in ours.log())
                self.assertLess(ours.log().index('DB loaded from disk'), ours.log().index('Ready to accept'))

    def ping_until_loaded(self, c):
        slowest, seen = 0, 0
        while True:
            start = time.monotonic()
            reply = c.call_raw('PING')
            info(c)  # with all shards held
            slowest = max(slowest, time.monotonic() - start)
            if reply == b'+PONG\r\n':
                self.assertGreater(seen, 0)
                return slowest
            self.assertEqual(reply, LOADING)
            if not seen:
                c.call('CONFIG', 'SET', 'key-load-delay', 0)
            seen += 1

    def test_a_service_manager_hears_of_it_afterwards(self):
        path = os.path.join(self.folder, 'notify')
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(path)
            manager.settimeout(30)
            with Loading(self.path, 2, {'supervised': 'systemd', **SLOWLY}, env=dict(os.environ, NOTIFY_SOCKET=path)) as ours, ours.connect() as c:
                self.assertEqual(c.call_raw('PING'), LOADING)
                c.call('CONFIG', 'SET', 'key-load-delay', 0)
                while b'READY=1' not in manager.recv(4096):
                    pass
                self.assertEqual(c.call_raw('PING'), b'+PONG\r\n')

    def test_stopping_meanwhile(self):
        for shards in (1, 3):
            with Loading(self.path, shards, SLOWLY) as ours, ours.connect() as c:
                self.assertEqual(c.call_raw('PING'), LOADING)
                start = time.monotonic()
                self.assertEqual(ours.stop(signal.SIGTERM), 0)
                self.assertLess(time.monotonic() - start, 5)
        self.assertEqual(os.path.getsize(self.path), self.total)


class Cut(Case):
    """A file that goes away under the loader, after all of it was read ahead."""

    def test_while_it_is_loaded(self):
        snapshot, _ = saved_by_redis(lambda c: c.call('DEBUG', 'POPULATE', 2000, 'key', 500))
        for shards, size in ((1, 0), (1, 5000), (3, 8192)):
            with self.subTest(shards=shards, size=size):
                self.cut(Loading(snapshot, shards, {'key-load-delay': 1000000}), len(snapshot), size)

    def cut(self, server, whole, size):
        self.addCleanup(server.close)
        with server.start().connect() as c:
            until('a key was read', lambda: int(info(c)['loading_loaded_bytes']) > 0)
            os.truncate(server.path, size)
            c.send(['CONFIG', 'SET', 'key-load-delay', 0])
            self.assertEqual(server.process.wait(10), 1)
        log = server.log()
        offset = int(re.search(r'dump\.rdb cannot be loaded, at offset ([0-9]+) of %d: it has become shorter meanwhile' % whole, log).group(1))
        self.assertLessEqual(size, offset)
        self.assertIn('Fatal error loading the DB, check server logs. Exiting.', log)
        for word in ('crashed', 'Restarting', 'Ready to accept'):
            self.assertNotIn(word, log)


class Broken(Case):
    """Exit status 1, a line that says where, and the file as it was."""

    @staticmethod
    def fill(c):
        for name in values():
            if name.split()[1] not in ('compressible', 'quicklist', 'hashtable', 'skiplist', 'large', 'many', 'groups', 'deleted', 'hll'):
                for command in values(name)[name][1]:
                    c.call(*command)
        c.call('FUNCTION', 'LOAD', LIBRARY)

    @classmethod
    def setUpClass(cls):
        cls.snapshot, _ = saved_by_redis(cls.fill)

    def refuse(self, snapshot, *lines, shards=1):
        server = Loading(snapshot, shards)
        self.addCleanup(server.close)
        status, log = server.run_to_end()
        self.assertEqual(status, 1, (SEED, log))
        self.assertRegex(log, r'dump\.rdb cannot be loaded, at offset [0-9]+ of %d: ' % len(snapshot))
        self.assertIn('Fatal error loading the DB, check server logs. Exiting.', log)
        for line in lines:
            self.assertRegex(log, line)
        for word in ('crashed', 'Restarting', 'Ready to accept'):
            self.assertNotIn(word, log)
        self.assertEqual(read(server.path), snapshot)
        return int(re.search(r'at offset ([0-9]+) of', log).group(1))

    def test_cut_off(self):
        random = rng('cut')
        sizes = [0, 5, 9, len(self.snapshot) - 1, len(self.snapshot) - 9] + [random.randrange(10, len(self.snapshot)) for _ in range(3)]
        for i, size in enumerate(sizes):
            with self.subTest(size=size, seed=SEED):
                offset = self.refuse(self.snapshot[:size], 'Short read or OOM loading DB. Unrecoverable error, aborting now.',
                                     r'Internal error in RDB reading offset [0-9]+, function at \w+ -> ', shards=1 + i % 3)
                self.assertLessEqual(offset, size)

    def test_flipped_bits(self):
        random = rng('flip')
        for i in range(DAMAGES):
            damaged = bytearray(self.snapshot)
            at = random.randrange(len(damaged))
            damaged[at] ^= 1 << random.randrange(8)
            with self.subTest(at=at, now=damaged[at], seed=SEED):
                self.refuse(bytes(damaged), shards=1 + i % 2)

    def test_heads(self):
        self.refuse(b'HELLO' + self.snapshot[5:], 'Wrong signature trying to load DB from file')
        self.refuse(b'REDIS0099' + self.snapshot[9:], "Can't handle RDB format version 99")

    def test_a_wrong_checksum(self):
        right = struct.unpack('<Q', self.snapshot[-8:])[0]
        self.assertEqual(right, crc64(self.snapshot[:-8]))
        wrong = right ^ 1
        for shards in (1, 3):
            self.refuse(self.snapshot[:-8] + struct.pack('<Q', wrong), r'Wrong RDB checksum expected: \(%x\) but got \(%x\). Aborting now.' % (right, wrong),
                        shards=shards)

    def test_no_file_but_a_folder(self):
        server = Loading(None)
        self.addCleanup(server.close)
        os.mkdir(server.path)
        status, log = server.run_to_end()
        self.assertEqual(status, 1)
        self.assertIn("can't open the RDB file dump.rdb for reading: it is no regular file", log)
        self.assertIn('Fatal error loading the DB', log)


if __name__ == '__main__':
    main()
