#!/usr/bin/env python3
"""penstockctl check-rdb and dump-rdb on snapshot files that a real redis-server saved: every type and encoding, sizes
around all thresholds, compressed and not, with expires, idle times and functions. What is damaged is refused.

    test_check_rdb.py [Class.test ...]       $PENSTOCK_BUILD: the build folder; $PENSTOCK_TEST_SEED=N: the same damage
"""
import base64
import collections
import concurrent.futures
import json
import os
import subprocess
import tempfile

from dump_kit import as_map, contents, values
from kit import Case, main, rng
from penstock import BUILD, RedisServer

CTL = os.path.join(BUILD, 'penstockctl')
FAR_MS = 4102444800000  # 2100
DAMAGES = 300
TIGHT = {'hash-max-listpack-entries': '2', 'zset-max-listpack-entries': '2', 'set-max-intset-entries': '2',
         'list-max-listpack-size': '3', 'stream-node-max-entries': '5'}
LIBRARY = "#!lua name=l\nredis.register_function('f', function() return 1 end)"
# At the edges of UTF-8, on either side, and what JSON escapes.
TEXTS = ['\x7f', '\u0080', '\u07ff', '\u0800', '\ud7ff', '\ue000', '\uffff', '\U00010000', '\U0010ffff', '\u2028', '"\\/\b\t\n\x00\x1f',
         b'\x80', b'\xc0\x80', b'\xc1\xbf', b'\xe0\x9f\xbf', b'\xed\xa0\x80', b'\xf0\x8f\xbf\xbf', b'\xf4\x90\x80\x80', b'\xf5\x80\x80\x80',
         b'\xe2\x82', b'\xff', b'a\xc3', b'\xc3(', b'\xf0\x9f\x98', b'\xe2(\xa1']
VERSION_AT = range(5, 9)  # of the file


def tool(*args):
    return subprocess.run([CTL, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)


def check(path):
    """Exit code and what it says."""
    done = tool('--json', 'check-rdb', path)
    return done.returncode, json.loads(done.stdout)


def data_of(text):
    """Bytes of a text as dump-rdb writes it."""
    return base64.b64decode(text['base64']) if isinstance(text, dict) else text.encode()


def dumped(path):
    """Exit code, {(db, key): line}."""
    done = tool('dump-rdb', path)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    keys = [line for line in lines if 'key' in line]
    assert len({(line['db'], json.dumps(line['key'])) for line in keys}) == len(keys)
    return done.returncode, {(line['db'], data_of(line['key'])): line for line in keys}


def value_of(line):
    """As contents() has it of a server."""
    kind, value = line['type'], line['value']
    if kind == 'string':
        return kind, data_of(value)
    if kind == 'list':
        return kind, [data_of(x) for x in value]
    if kind == 'set':
        return kind, sorted(map(data_of, value))
    if kind == 'zset':
        return kind, [(data_of(member), float(score)) for member, score in value]
    if kind == 'hash':
        return kind, sorted((data_of(f), data_of(v)) for f, v in value)
    return kind, stream_of(value)


def stream_of(value):
    groups = [(data_of(g['name']), g['last_id'], g['entries_read'],
               [(data_of(c['name']), c['seen_ms']) for c in g['consumers']],
               [(p['id'], data_of(p['consumer']), p['delivered_ms'], p['deliveries']) for p in g['pending']])
              for g in value['groups']]
    return (value['last_id'], value['max_deleted_id'], value['entries_added'],
            [(i, list(map(data_of, fields))) for i, fields in value['entries']], groups)


def stream_at(connection, key):
    """The same from a server."""
    info = as_map(connection.call('XINFO', 'STREAM', key, 'FULL', 'COUNT', 0))
    groups = []
    for g in map(as_map, info[b'groups']):
        groups.append((g[b'name'], g[b'last-delivered-id'].decode(), g[b'entries-read'],
                       [(c[b'name'], c[b'seen-time']) for c in map(as_map, g[b'consumers'])],
                       [(i.decode(), consumer, ms, count) for i, consumer, ms, count in g[b'pending']]))
    return (info[b'last-generated-id'].decode(), info[b'max-deleted-entry-id'].decode(), info[b'entries-added'],
            [(i.decode(), fields) for i, fields in info[b'entries']], groups)


def sizes():
    """Commands for values whose sizes lie at thresholds of the format and of encodings."""
    dice = rng('sizes')
    for size in (0, 1, 11, 12, 20, 21, 44, 45, 63, 64, 65, 16383, 16384, 70000):
        yield 'SET', 'run%d' % size, 'r' * size
        yield 'SET', 'mixed%d' % size, dice.randbytes(size)
        yield 'SET', b'name' + dice.randbytes(size % 100) + b'%d' % size, size
    for number in (0, 127, 128, -128, -129, 32767, 32768, -32769, 2**31 - 1, 2**31, -2**31, -2**31 - 1, 2**63 - 1):
        yield 'SET', number, number  # names that are numbers, too
    for i, text in enumerate(TEXTS):
        yield 'SET', text, b'%d' % i
        yield 'HSET', 'text%d' % i, text, text
    yield 'SET', 'n' * 70000, 'a long name'
    yield 'SET', '', 'an empty name'
    for count in (1, 2, 511, 512, 513):
        yield ['SADD', 'ints%d' % count] + list(range(count))
        yield ['HSET', 'hash%d' % count] + [x for i in range(count) for x in ('f%d' % i, i)]
        yield ['RPUSH', 'list%d' % count] + ['element%d' % i for i in range(count)]
    for count in (127, 128, 129):
        yield ['ZADD', 'zset%d' % count] + [x for i in range(count) for x in (i * 0.5, 'm%d' % i)]
        yield ['SADD', 'set%d' % count] + ['m%d' % i for i in range(count)]
    for size in (64, 65, 4095, 4096, 8180, 8192, 8193):
        yield 'HSET', 'wide%d' % size, 'f' * size, 'v' * size
        yield 'RPUSH', 'wides%d' % size, 'a', 'e' * size, dice.randbytes(size)
        yield 'ZADD', 'widez%d' % size, 1.5, 'm' * size


def fill(connection):
    for tight in (False, True):
        for name, value in TIGHT.items() if tight else ():
            connection.call('CONFIG', 'SET', name, value)
        for name in values():
            for command in values(('tight ' if tight else '') + name)[name][1]:
                connection.call(*command)
    connection.call('SELECT', 3)
    for command in sizes():
        connection.call(*command)
    for i, key in enumerate(['run1', 'hash512', 'list2', 'zset128', 'ints512']):
        connection.call('PEXPIREAT', key, FAR_MS + i)
    connection.call('SELECT', 15)
    connection.call('SET', 'short-lived', 'x', 'PX', 1)
    connection.call('FUNCTION', 'LOAD', LIBRARY)


class Files(Case):
    """One server for the whole class; its files."""

    @classmethod
    def setUpClass(cls):
        cls.server = RedisServer(['--enable-debug-command', 'yes']).start()
        cls.addClassCleanup(cls.server.close)
        with cls.server.connect() as c:
            c.call('DEBUG', 'SET-ACTIVE-EXPIRE', 0)
            fill(c)

    def setUp(self):
        self.connection = self.server.connect()
        self.addCleanup(self.connection.close)

    def save(self, **settings):
        for name, value in settings.items():
            self.connection.call('CONFIG', 'SET', name.replace('_', '-'), value)
        self.connection.call('SAVE')
        return os.path.join(self.server.directory, 'dump.rdb')

    def test_check_counts_what_is_there(self):
        expected = collections.Counter()
        for db in (0, 3):
            self.connection.call('SELECT', db)
            for key in self.connection.call('KEYS', '*'):
                expected['keys ' + self.connection.call('TYPE', key).decode()] += 1
        expected['keys string'] += 1  # the short-lived one
        for compress, policy in (('yes', 'noeviction'), ('no', 'allkeys-lru'), ('yes', 'allkeys-lfu')):
            with self.subTest(compress=compress, policy=policy):
                path = self.save(rdbcompression=compress, maxmemory_policy=policy)
                code, said = check(path)
                self.assertEqual((code, said['result'], said['checksum']), (0, 'ok', 'right'))
                self.assertEqual({k: n for k, n in said.items() if k.startswith('keys ')}, expected)
                self.assertEqual((said['keys'], said['databases'], said['functions'], said['bytes_behind']),
                                 (sum(expected.values()), 3, 1, 0))
                self.assertEqual((said['expires'], said['already_expired']), (6, 1))
                self.assertEqual((said['version'], said['aux redis-bits']), (10, '64'))
                self.assertEqual(said['file_bytes'], os.path.getsize(path))

    def test_dump_says_what_the_server_says(self):
        for compress in ('yes', 'no'):
            code, lines = dumped(self.save(rdbcompression=compress))
            self.assertEqual(code, 0)
            count = 1
            self.assertEqual(value_of(lines[15, b'short-lived']), ('string', b'x'))
            for db in (0, 3):
                self.connection.call('SELECT', db)
                for key in self.connection.call('KEYS', '*'):
                    count += 1
                    self.compare(lines[db, key], key)
            self.assertEqual(len(lines), count)

    def compare(self, line, key):
        with self.subTest(key=key[:50]):
            if line['type'] == 'stream':
                ours, theirs = value_of(line), ('stream', stream_at(self.connection, key))
            else:
                ours, theirs = value_of(line), contents(self.connection, key)
            self.assertTrue(ours == theirs, '%.300r is not %.300r' % (ours, theirs))  # a difference of 5000 lines takes long
            deadline = self.connection.call('PEXPIRETIME', key)
            self.assertEqual(line['deadline_ms'], deadline if deadline > 0 else None)

    def test_functions_are_dumped(self):
        done = tool('dump-rdb', self.save())
        self.assertEqual([json.loads(x) for x in done.stdout.splitlines() if b'"function"' in x[:15]], [{'function': LIBRARY}])


class Damage(Case):
    """Small files, with a checksum and without; each test changes copies of them."""

    @classmethod
    def setUpClass(cls):
        cls.summed, cls.unsummed = cls.make([]), cls.make(['--rdbchecksum', 'no'])

    @staticmethod
    def make(options):
        with RedisServer(options) as server, server.connect() as c:
            for name, settings in (('', {}), ('tight ', TIGHT)):
                for key, value in settings.items():
                    c.call('CONFIG', 'SET', key, value)
                for kind in ('string int', 'string compressible', 'list listpack', 'set small', 'set intset 16', 'zset listpack',
                             'hash listpack', 'stream few groups'):
                    for command in values(name + kind)[kind][1]:
                        c.call(*command)
            c.call('PEXPIREAT', 'string int', FAR_MS)
            c.call('RPUSH', 'victim', *['element%d' % i for i in range(20)])
            c.call('SAVE')
            with open(os.path.join(server.directory, 'dump.rdb'), 'rb') as f:
                return f.read()

    def check(self, data):
        with tempfile.NamedTemporaryFile() as f:
            f.write(data)
            f.flush()
            return check(f.name)

    def check_all(self, files):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            return list(pool.map(self.check, files))

    def expect_refusal(self, data, answer):
        code, said = answer
        self.assertEqual((code, said['result']), (1, 'broken'))
        self.assertLessEqual(said['offset'], len(data))
        self.assertTrue(said['error'])
        return said

    def refused(self, data):
        return self.expect_refusal(data, self.check(data))

    def test_whole_files(self):
        self.assertEqual(self.check(self.summed)[1]['checksum'], 'right')
        self.assertEqual(self.check(self.unsummed)[1]['checksum'], 'none')
        self.assertEqual(self.check(self.summed + b'*1\r\n$4\r\nPING\r\n')[1]['bytes_behind'], 14)

    def test_a_bit_anywhere(self):
        dice, places = rng('bits'), []
        for i in range(DAMAGES):
            at = i * len(self.summed) // DAMAGES
            # Of the version: no digit any more, as another one may be a version without a checksum.
            places.append((at, 0x40 if at in VERSION_AT else 1 << dice.randrange(8)))
        files = [self.summed[:at] + bytes([self.summed[at] ^ bit]) + self.summed[at + 1:] for at, bit in places]
        for place, data, answer in zip(places, files, self.check_all(files)):
            with self.subTest(place=place):
                self.expect_refusal(data, answer)

    def test_cut_off_anywhere(self):
        for data in (self.summed, self.unsummed):
            files = [data[:i * len(data) // DAMAGES] for i in range(DAMAGES)]
            for part, answer in zip(files, self.check_all(files)):
                with self.subTest(size=len(part)):
                    self.expect_refusal(part, answer)

    def test_damage_that_no_checksum_shows(self):
        """May pass; must never do harm."""
        dice, files = rng('bytes'), []
        for _ in range(DAMAGES):
            data = bytearray(self.unsummed)
            for _ in range(dice.randint(1, 3)):
                data[dice.randrange(9, len(data))] = dice.randrange(256)
            files.append(bytes(data))
        answers = [(code, said['result']) for code, said in self.check_all(files)]
        self.assertLessEqual(set(answers), {(0, 'ok'), (1, 'broken')})
        self.assertGreater(answers.count((1, 'broken')), DAMAGES // 4)

    def test_names_the_key_and_the_place(self):
        data = bytearray(self.unsummed)
        at = data.index(b'\x06victim') + 7
        data[at + 3] ^= 1  # of the listpack's count or size
        data[at + 6] ^= 1
        data[at + 8] ^= 1
        said = self.refused(data)
        self.assertEqual(said['key'], 'victim')
        self.assertTrue(at <= said['offset'] <= at + 400, (at, said))
        with tempfile.NamedTemporaryFile() as f:
            f.write(data)
            f.flush()
            done = tool('dump-rdb', f.name)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'byte %d: ' % said['offset'], done.stderr)

    def test_other_files(self):
        self.assertIn('version', self.refused(b'REDIS0013' + self.summed[9:])['error'])
        self.assertIn('REDIS', self.refused(b'VALKEY080' + self.summed[9:])['error'])
        self.assertIn('short', self.refused(b'REDIS')['error'])
        self.assertIn('empty', self.refused(b'')['error'])
        self.assertIn('module', self.refused(b'REDIS0012\x07\x01k\x81' + b'\x00' * 20)['error'])
        self.assertEqual(check('/')[0], 1)
        self.assertIn('No such file', check('/no such file')[1]['error'])
        self.assertEqual(tool('dump-rdb', '/no such file').returncode, 1)
        for words in (['check-rdb'], ['dump-rdb'], ['check-rdb', 'a', 'b'], ['ping', 'x']):
            self.assertEqual(tool(*words).returncode, 2, words)


if __name__ == '__main__':
    main()
