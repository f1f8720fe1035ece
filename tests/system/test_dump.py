#!/usr/bin/env python3
"""DUMP and RESTORE between Penstock and a real redis-server 7.0, in both directions, for values of every type and
encoding; payloads of other versions, of which the server here makes none; and payloads that are broken.

    test_dump.py [Class.test ...]       $PENSTOCK_BUILD: the build folder; $PENSTOCK_TEST_SEED=N: the same damage again
"""
import struct

from dump_kit import body_of, contents, payload, values, version_of
from kit import SEED, Case, main, rng
from penstock import Penstock, RedisServer

OPTIONS = {'enable-debug-command': 'yes'}
DAMAGES = 4000  # broken payloads tried
FAR_MS = 4102444800000  # 2100
# What a hash listpack holds too much of becomes a hashtable, and so on: the same values in all encodings.
TIGHT = {'hash-max-listpack-entries': '2', 'zset-max-listpack-entries': '2', 'set-max-intset-entries': '2', 'list-max-listpack-size': '3',
         'stream-node-max-entries': '5'}
NORMAL = {'hash-max-listpack-entries': '512', 'zset-max-listpack-entries': '128', 'set-max-intset-entries': '512',
          'list-max-listpack-size': '-2', 'stream-node-max-entries': '100'}


def configure(connection, settings):
    for name, value in settings.items():
        connection.call('CONFIG', 'SET', name, value)


def build(connection, commands):
    for command in commands:
        connection.call(*command)


class Interchange(Case):
    """One pair of servers for the whole class: the values stand for themselves."""

    @classmethod
    def setUpClass(cls):
        cls.redis = RedisServer(['--enable-debug-command', 'yes']).start()
        cls.addClassCleanup(cls.redis.close)
        cls.penstock = Penstock(OPTIONS).start()
        cls.addClassCleanup(cls.penstock.close)

    def setUp(self):
        self.ours, self.theirs = self.penstock.connect(), self.redis.connect()
        self.addCleanup(self.ours.close)
        self.addCleanup(self.theirs.close)
        for c in (self.ours, self.theirs):
            c.call('FLUSHALL')
            configure(c, NORMAL)

    def move(self, name, maker, taker):
        """A value made by commands on one server is the same after DUMP there and RESTORE on the other."""
        for made_with in (NORMAL, TIGHT):
            for taken_with in (NORMAL, TIGHT):
                with self.subTest(value=name, made_with=made_with is NORMAL, taken_with=taken_with is NORMAL):
                    self.move_once(name, maker, taker, made_with, taken_with)

    def move_once(self, name, maker, taker, made_with, taken_with):
        configure(maker, made_with)
        configure(taker, taken_with)
        maker.call('DEL', 'k')
        build(maker, values()[name][1])
        dump = maker.call('DUMP', 'k')
        self.assertLessEqual(version_of(dump), 10)
        self.assertEqual(taker.call('RESTORE', 'copy', 0, dump, 'REPLACE'), b'OK')
        self.assertEqual(contents(taker, 'copy'), contents(maker, 'k'))
        self.assertEqual(taker.call('DEBUG', 'DIGEST-VALUE', 'copy'), maker.call('DEBUG', 'DIGEST-VALUE', 'k'))
        if taker is self.ours:  # as if it had been made here
            taker.call('DEL', 'native')
            build(taker, values('native')[name][1])
            expected = taker.call('OBJECT', 'ENCODING', 'native')
            if name.startswith('set intset') and taken_with is TIGHT:
                expected = b'hashtable'  # what is too large for an intset is not tried as a listpack when it is loaded
            self.assertEqual(taker.call('OBJECT', 'ENCODING', 'copy'), expected)

    def test_redis_reads_what_penstock_dumps(self):
        for name in values():
            self.move(name, self.ours, self.theirs)

    def test_penstock_reads_what_redis_dumps(self):
        for name in values():
            self.move(name, self.theirs, self.ours)

    def test_penstock_reads_what_penstock_dumps(self):
        for name in values():
            self.move(name, self.ours, self.ours)

    def test_without_compression(self):
        for c in (self.ours, self.theirs):
            c.call('CONFIG', 'SET', 'rdbcompression', 'no')
            self.addCleanup(c.call, 'CONFIG', 'SET', 'rdbcompression', 'yes')
        self.ours.call('SET', 'k', 'a' * 100)
        self.assertEqual(body_of(self.ours.call('DUMP', 'k')), b'\x00\x40\x64' + b'a' * 100)
        for name in ('string compressible', 'list quicklist', 'hash listpack'):
            self.move(name, self.ours, self.theirs)
            self.move(name, self.theirs, self.ours)

    def test_small_values_have_the_bytes_that_redis_gives_them(self):
        """Where nothing is left to choice: no compression, no order of a hash table."""
        same = ['string int', 'string negative int', 'string large int', 'string empty', 'string embstr', 'list listpack',
                'set intset 16', 'set intset 32', 'set intset 64', 'hash listpack', 'stream one']
        for c in (self.ours, self.theirs):
            c.call('CONFIG', 'SET', 'rdbcompression', 'no')
            self.addCleanup(c.call, 'CONFIG', 'SET', 'rdbcompression', 'yes')
        for name in same:
            with self.subTest(value=name):
                for c in (self.ours, self.theirs):
                    c.call('DEL', 'k')
                    build(c, values()[name][1])
                self.assertEqual(self.ours.call('DUMP', 'k').hex(), self.theirs.call('DUMP', 'k').hex())

    def test_deadlines_and_clocks(self):
        self.ours.call('SET', 'k', 'v')
        dump = self.ours.call('DUMP', 'k')
        for c in (self.ours, self.theirs):
            c.call('RESTORE', 'rel', 100000, dump)
            self.assertTrue(99000 < c.call('PTTL', 'rel') <= 100000)
            c.call('RESTORE', 'abs', FAR_MS, dump, 'ABSTTL')
            self.assertEqual(c.call('PEXPIRETIME', 'abs'), FAR_MS)
            c.call('RESTORE', 'idle', 0, dump, 'IDLETIME', 1000)
            self.assertTrue(1000 <= c.call('OBJECT', 'IDLETIME', 'idle') < 1010)
            self.assertEqual(c.call('RESTORE', 'abs', 1, dump, 'ABSTTL', 'REPLACE'), b'OK')
            self.assertEqual(c.call('EXISTS', 'abs'), 0)
            self.assertEqual(c.call('RESTORE', 'none', 1, dump, 'ABSTTL'), b'OK')
            self.assertEqual(c.call('EXISTS', 'none'), 0)
            c.call('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lfu')
            c.call('RESTORE', 'freq', 0, dump, 'FREQ', 200)
            self.assertEqual(c.call('OBJECT', 'FREQ', 'freq'), 200)
            c.call('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')

    def test_errors(self):
        good = payload(b'\x00\x01v')
        empty_set, unknown, no_type = payload(b'\x02\x00'), payload(b'\x08\x00'), payload(b'')
        late = payload(b'\x00\x01v', 99)
        requests = [
            ['k', 0], ['k'], ['k', 0, good], ['k', 0, good], ['k', 0, good, 'REPLACE'], ['k', 'x', good], ['n', 'x', good], ['n', -1, good],
            ['n', 0, ''], ['n', 0, good[:-1]], ['n', 0, good[:9]], ['n', 0, good[:-8] + bytes(8)], ['n', 0, late], ['n', 0, no_type],
            ['n', 0, unknown], ['n', 0, empty_set], ['n', 0, good, 'FOO'], ['n', 0, good, 'IDLETIME'], ['n', 0, good, 'IDLETIME', -1],
            ['n', 0, good, 'IDLETIME', 'x'], ['n', 0, good, 'FREQ', 256], ['n', 0, good, 'FREQ', -1], ['n', 0, good, 'FREQ'],
            ['n', 0, good, 'IDLETIME', 1, 'FREQ', 1], ['n', 0, good, 'FREQ', 1, 'IDLETIME', 1], ['n', '1.5', good], ['k', -1, 'x'],
            ['n', -1, 'x'], ['n', 0, payload(b'\x00\x3fv')], ['n', 0, payload(b'\x00\x01v' + b'extra')], ['n', 0, payload(b'\x00\x01w', 1)],
            ['n', 0, payload(b'\x00\x01w', 1), 'REPLACE', 'replace', 'ABSTTL'], ['n2', FAR_MS, good, 'absttl', 'idletime', '5'],
        ]
        for request in requests:
            with self.subTest(request=request):
                self.assertEqual(self.ours.call_raw('RESTORE', *request), self.theirs.call_raw('RESTORE', *request))
        self.assertEqual(self.ours.call_raw('DUMP', 'absent'), b'$-1\r\n')


class OtherVersions(Case):
    """Payloads of spec/rdb.md, which 7.2 and 7.4 wrote, or that only older servers wrote."""

    def setUp(self):
        self.ours = self.start(OPTIONS).connect()
        self.addCleanup(self.ours.close)

    def restored(self, hex_text):
        dump = bytes.fromhex(hex_text.replace(' ', ''))
        self.assertEqual(self.ours.call('RESTORE', 'k', 0, dump, 'REPLACE'), b'OK')
        return contents(self.ours, 'k')[1]

    def made(self, body, version=6):
        self.assertEqual(self.ours.call('RESTORE', 'k', 0, payload(body, version), 'REPLACE'), b'OK')
        return contents(self.ours, 'k')[1]

    def test_7_2(self):
        self.assertEqual(self.restored('14 0d 0d0000000200 816102 816202 ff 0b00 0aec0ab449a3d654'), [b'a', b'b'])
        self.assertEqual(self.restored('12 03 02 0a 0a0000000100816102ff 01 14 7468697320697320 6120706c61696e206e6f6465'
                                       '02 0a 0a0000000100816202ff 0b00 b58daa2b293b904a'), [b'a', b'this is a plain node', b'b'])
        self.assertEqual(self.restored('11 2a 2a0000000800 816102 842d696e6605 816402 83302e3104 816302 8531652b323006 816202'
                                       '83696e6604 ff 0b00 e1dffb85506289c6'),
                         [(b'a', float('-inf')), (b'd', 0.1), (b'c', 1e20), (b'b', float('inf'))])
        info, groups = self.restored(
            '15 01 10 0000000000000005 0000000000000001 28 280000000f00 0201 0001 0101 816602 0001 0201 0001 0001 817602 0401 0201'
            '0101 0001 817702 0401 ff 02 06 01 05 01 00 00 02 01 01 67 05 01 01 01 00000000000000050000000000000001 eb754e03a2010000'
            '01 02 05 616c696365 eb754e03a2010000 eb754e03a2010000 01 00000000000000050000000000000001 03 626f62 eb754e03a2010000'
            'ffffffffffffffff 00 0b00 790406154102296e')
        self.assertEqual(info[b'entries'], [[b'5-1', [b'f', b'v']], [b'6-1', [b'f', b'w']]])
        self.assertEqual([c[0:2] for c in groups[0][b'consumers']], [(b'alice', 1), (b'bob', 0)])

    def test_fields_with_deadlines_of_7_4(self):
        expected = [(b'a', b'1'), (b'b', b'2'), (b'c', b'3')]
        small = '19 00d8c32cbb030000 2c 2c0000000900 816202 0201 f400d8c32cbb03000009 816102 0101 f4e7dbc32cbb03000009 816302 0301 0001 ff' \
                '0c00 d43e6f70d9c695ab'
        large = '18 00d8c32cbb030000 03 01 01 62 c002 43e8 01 61 c001 00 01 63 c003 0c00 4e67a47414ac64b2'
        self.assertEqual(self.restored(small), expected)
        self.assertEqual(self.ours.call('HPEXPIRETIME', 'k', 'FIELDS', 3, 'a', 'b', 'c'), [FAR_MS + 999, FAR_MS, -1])
        self.assertEqual(self.ours.call('DUMP', 'k').hex(), small.replace(' ', ''))
        self.assertEqual(self.restored(large), expected)
        self.assertEqual(self.ours.call('HPEXPIRETIME', 'k', 'FIELDS', 3, 'a', 'b', 'c'), [FAR_MS + 999, FAR_MS, -1])
        self.ours.call('CONFIG', 'SET', 'hash-max-listpack-entries', 1)
        self.restored(small)
        dump = self.ours.call('DUMP', 'k')
        self.assertEqual((dump[0], version_of(dump)), (24, 12))
        self.assertEqual(self.restored(dump.hex()), expected)
        self.assertEqual(self.ours.call('HPEXPIRETIME', 'k', 'FIELDS', 3, 'a', 'b', 'c'), [FAR_MS + 999, FAR_MS, -1])

    def test_older_ones(self):
        ziplist = bytes.fromhex('0f0000000c000000020000f302f6ff')
        blob = bytes([len(ziplist)]) + ziplist
        self.assertEqual(self.made(b'\x0a' + blob), [b'2', b'5'])
        self.assertEqual(self.made(b'\x0c' + blob), [(b'2', 5.0)])
        self.assertEqual(self.made(b'\x0d' + blob), [(b'2', b'5')])
        self.assertEqual(self.made(b'\x0e\x02' + blob + blob), [b'2', b'5', b'2', b'5'])
        zipmap = bytes.fromhex('0203666f6f0300626172056865 6c6c6f0500776f726c64ff'.replace(' ', ''))
        self.assertEqual(self.made(b'\x09' + bytes([len(zipmap)]) + zipmap), [(b'foo', b'bar'), (b'hello', b'world')])
        self.assertEqual(self.made(b'\x01\x02\x01a\xc1\x2c\x01'), [b'a', b'300'])
        self.assertEqual(self.made(b'\x02\x02\x01a\xc0\x05'), [b'5', b'a'])
        self.assertEqual(self.made(b'\x03\x03\x01a\x032.5\x01b\xfe\x01c\xff'), [(b'c', float('-inf')), (b'a', 2.5), (b'b', float('inf'))])
        self.assertEqual(self.made(b'\x05\x01\x01a' + struct.pack('<d', 1.5)), [(b'a', 1.5)])
        self.assertEqual(self.made(b'\x04\x01\x01f\x01v'), [(b'f', b'v')])
        node = bytes.fromhex('1d0000000a0001010001010181660200010201000100018176020401ff')
        stream = b'\x0f\x01\x10' + bytes(7) + b'\x01' + bytes(7) + b'\x01' + bytes([len(node)]) + node + b'\x01\x01\x01\x00'
        info, _ = self.made(stream)
        self.assertEqual((info[b'entries'], info[b'entries-added']), ([[b'1-1', [b'f', b'v']]], 1))


class Hostile(Case):
    """Every damage is refused or harmless; the server lives, and gives back what it took."""

    def setUp(self):
        self.ours = self.start(OPTIONS).connect()
        self.addCleanup(self.ours.close)

    def bodies(self):
        bodies = []
        for name, (_, commands) in values('seed').items():
            self.ours.call('DEL', 'seed')
            build(self.ours, commands)
            body = body_of(self.ours.call('DUMP', 'seed'))
            if len(body) < 20000:
                bodies.append((name, body))
        return bodies

    def damage(self, random, body):
        out = bytearray(body)
        for _ in range(random.randrange(1, 4)):
            at = random.randrange(len(out)) if out else 0
            kind = random.randrange(6)
            if kind == 0 and out:
                out[at] = random.choice([0, 1, 0x7f, 0x80, 0x81, 0xc0, 0xc3, 0xe0, 0xf0, 0xf4, 0xfe, 0xff, random.randrange(256)])
            elif kind == 1 and out:
                out[at] ^= 1 << random.randrange(8)
            elif kind == 2:
                del out[at:]
            elif kind == 3:
                del out[at:at + random.randrange(1, 9)]
            elif kind == 4:
                out[at:at] = random.randbytes(random.randrange(1, 9))
            else:
                out[at:at + 4] = random.choice([b'\xff' * 4, b'\x00' * 4, b'\xff\xff\xff\x7f'])
        if random.random() < 0.05 and out:
            out[0] = random.randrange(30)
        return bytes(out)

    def test_damaged_payloads(self):
        random, bodies = rng('damage'), self.bodies()
        refused = 0
        for _ in range(DAMAGES):
            name, body = random.choice(bodies)
            reply = self.ours.call_raw('RESTORE', 'k', 0, payload(self.damage(random, body)), 'REPLACE')
            self.assertIn(reply, (b'+OK\r\n', b'-ERR Bad data format\r\n'), (SEED, name))
            if reply[:1] == b'-':
                refused += 1
            elif random.random() < 0.3:  # what was taken can be read and dumped
                contents(self.ours, 'k')
                dump = self.ours.call('DUMP', 'k')  # None: it became a hash whose fields have expired
                if dump is not None:
                    self.ours.call('RESTORE', 'again', 0, dump, 'REPLACE')
        self.assertGreater(refused, DAMAGES // 4)
        self.assertEqual(self.ours.call('PING'), b'PONG')

    def test_lengths_of_nothing(self):
        """Announced sizes cost nothing until the bytes are there."""
        huge = b'\x81' + b'\x7f' + b'\xff' * 7
        for kind in range(26):
            for body in (huge, huge + b'\x01a', b'\x80\x7f\xff\xff\xff', b'\xc3\x05' + huge + b'abcde', b'\xc3' + huge + huge):
                reply = self.ours.call_raw('RESTORE', 'k', 0, payload(bytes([kind]) + body), 'REPLACE')
                self.assertEqual(reply, b'-ERR Bad data format\r\n', (kind, body))

    def test_a_bomb(self):
        """Three bytes stand for 264: what a text may grow to is bounded."""
        zeros = b'\x00\x00' + b'\xe0\xff\x00' * 3000000
        size = 1 + 264 * 3000000
        body = b'\x00\xc3' + b'\x80' + struct.pack('>I', len(zeros)) + b'\x80' + struct.pack('>I', size) + zeros
        self.assertEqual(self.ours.call_raw('RESTORE', 'k', 0, payload(body)), b'-ERR Bad data format\r\n')  # above proto-max-bulk-len


class Giants(Case):
    """Large values go both ways, in slices: somebody else is served meanwhile."""
    COUNT = 200000

    def setUp(self):
        self.server = self.start(OPTIONS)
        self.ours = self.server.connect(timeout_s=120)
        self.addCleanup(self.ours.close)
        self.redis = RedisServer(['--enable-debug-command', 'yes']).start()
        self.addCleanup(self.redis.close)
        self.theirs = self.redis.connect(timeout_s=120)
        self.addCleanup(self.theirs.close)

    def fill(self, c):
        n = self.COUNT
        for at in range(0, n, 1000):
            some = ['e%d' % i for i in range(at, at + 1000)]
            c.send(['RPUSH', 'list'] + some, ['SADD', 'set'] + some,
                   ['HSET', 'hash'] + [x for e in some for x in (e, 'v' + e)],
                   ['ZADD', 'zset'] + [x for e in some for x in (e[1:], e)])
            for _ in range(4):
                c.read_raw()
        c.call('SET', 'text', ('lorem ipsum dolor %d ' * 10 % tuple(range(10))) * 100000)
        c.call('SET', 'noise', rng('noise').randbytes(20 << 20))

    def test_both_ways(self):
        names = ['list', 'set', 'hash', 'zset', 'text', 'noise']
        self.fill(self.theirs)
        for name in names:
            with self.subTest(value=name):
                dump = self.theirs.call('DUMP', name)
                with self.server.connect() as other:
                    self.ours.send(['RESTORE', name, 0, dump])
                    for _ in range(100):
                        self.assertEqual(other.call('PING'), b'PONG')
                    self.assertEqual(self.ours.read_raw(), b'+OK\r\n')
                self.assertEqual(self.ours.call('DEBUG', 'DIGEST-VALUE', name), self.theirs.call('DEBUG', 'DIGEST-VALUE', name))
                back = self.ours.call('DUMP', name)
                self.assertEqual(self.theirs.call('RESTORE', 'back', 0, back, 'REPLACE'), b'OK')
                self.assertEqual(self.theirs.call('DEBUG', 'DIGEST-VALUE', 'back'), self.theirs.call('DEBUG', 'DIGEST-VALUE', name))

    def test_a_busy_key_and_a_broken_giant(self):
        self.fill(self.ours)
        dump = self.ours.call('DUMP', 'zset')
        self.assertEqual(self.ours.call_raw('RESTORE', 'zset', 0, dump), b'-BUSYKEY Target key name already exists.\r\n')
        broken = dump[:-8] + bytes(8)
        self.assertEqual(self.ours.call_raw('RESTORE', 'other', 0, broken), b'-ERR DUMP payload version or checksum are wrong\r\n')
        self.assertEqual(self.ours.call_raw('RESTORE', 'other', 0, payload(body_of(dump)[:-5])), b'-ERR Bad data format\r\n')
        self.assertEqual(self.ours.call('EXISTS', 'other'), 0)
        with self.server.connect() as gone:
            gone.send(['RESTORE', 'other', 0, dump])
        self.assertEqual(self.ours.call('PING'), b'PONG')


if __name__ == '__main__':
    main()
