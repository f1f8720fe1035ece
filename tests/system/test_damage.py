#!/usr/bin/env python3
"""Whole servers that start on small files of which one bit is flipped, in every region of them: snapshots, and logs of
one shard and of two. Each either refuses to start, with exit status 1 and a line that names the file and an offset in
it, or starts, with all that stands before the damage. None crashes, hangs, or drops what was good without a word.

    test_damage.py [--flips N] [Class.test ...]   N bits of each region; $PENSTOCK_TEST_SEED=N: the same bits again

Meant for a build with sanitizers ($PENSTOCK_BUILD), where a report is an error, too.
"""
import concurrent.futures
import os
import re
import sys
import threading

from aof_kit import FOLDER, MANIFEST, LogCase, Logging, contents_of, main, wait_rewritten, write
from dump_kit import values
from kit import SEED, until
from kit import rng as seeded
from penstock import Penstock, free_port
from shards_kit import Names

FLIPS = 1
if '--flips' in sys.argv:
    _at = sys.argv.index('--flips')
    FLIPS = int(sys.argv[_at + 1])
    del sys.argv[_at:_at + 2]
AT_ONCE = 3  # most of a start is waiting
FILE, NUMBERED, PAIRS = 'dump.rdb', 12, 6
KINDS = ['string int', 'string compressible', 'string empty', 'list edges', 'set intset 16', 'set intset 64', 'set small', 'hash listpack', 'hash edges', 'zset edges',
         'stream few groups']
IN_BASE = KINDS[-3:]
TIGHT = {'hash-max-listpack-entries': 2, 'zset-max-listpack-entries': 2, 'set-max-intset-entries': 2, 'list-max-listpack-size': 3}
FAR_MS = 4102444800000  # 2100
LIBRARY = "#!lua name=lib\nredis.register_function('answer', function() return 42 end)"
LINE = re.compile(rb'[^\n]*\n')


# ---- regions: (what, first, end) of a file's bytes, which together are all of it

def regions_of_log(data):
    """Of what stands behind a base's snapshot."""
    regions, at, left = [], 0, 0
    while at < len(data):
        end = LINE.match(data, at).end()
        kind = data[at:at + 1]
        if kind == b'#':
            head = data.index(b':', at) + 1
            regions += [(data[at:at + 3].decode(), at, head), (data[at:at + 3].decode() + ' number', head, end)]
        else:
            regions += [({b'*': 'count', b'$': 'size'}[kind], at, end - 2), ('line end', end - 2, end)]
        if kind == b'*':
            left, is_name = int(data[at + 1:end]), True
        if kind == b'$':
            size = int(data[at + 1:end])
            regions += [('name' if is_name else 'argument', end, end + size), ('argument end', end + size, end + size + 2)]
            left, is_name, end = left - 1, False, end + size + 2
        at = end
    return regions


def regions_of_snapshot(data, names):
    """Keys' names tell where they stand: type, the name's length, the name, the value."""
    first = data.index(b'\xfe')  # no text before it has that byte
    starts = {data.index(bytes([len(name)]) + name) - 1: name.decode() for name in names}
    regions = [('magic', 0, 5), ('version', 5, 9), ('remarks', 9, first), ('database', first, min(starts))]
    for start, end in zip(sorted(starts), sorted(starts)[1:] + [len(data) - 9]):
        key, what = start + 2, starts[start]
        value = key + len(what)
        regions += [('type', start, start + 1), ('length of a key', start + 1, key), ('key', key, value), ('head of ' + what, value, min(value + 3, end)),
                    ('rest of ' + what, min(value + 3, end), end)]
    return regions + [('end', len(data) - 9, len(data) - 8), ('checksum', len(data) - 8, len(data))]


def regions_of_manifest(data):
    """Words, by the word before them, and what is between them."""
    regions, before = [], ''
    for match in re.finditer(rb'[^ \n]+|[ \n]', data):
        word = match.group().decode()
        what = {' ': 'space', '\n': 'end of a line'}.get(word, word if before not in ('file', 'seq', 'type', 'shard') else before + ' value')
        regions.append((what, match.start(), match.end()))
        if word not in ' \n':
            before = word if what == word else ''
    return regions


def flips_of(rng, regions):
    """FLIPS for each kind of region: (what, byte, bit)."""
    for what in sorted({r[0] for r in regions}):
        bits = [(what, at, bit) for name, first, end in regions if name == what for at in range(first, end) for bit in range(8)]
        yield from rng.sample(bits, min(FLIPS, len(bits)))


def flipped(data, at, bit):
    damaged = bytearray(data)
    damaged[at] ^= 1 << bit
    return bytes(damaged)


def add_values(c, prefix, kinds):
    """At keys of these names."""
    for kind in kinds:
        for command in values(prefix + kind)[kind][1]:
            c.call(*command)


def told_of(name, shards=1):
    """What a refusal has to say: the file and an offset. The file that a damaged list names may be the one that is
    missed; and of two logs that contradict each other nothing tells which is right."""
    if name == MANIFEST:
        return 'manifest file, at line [0-9]+|Found an empty AOF manifest|%s/' % FOLDER
    return r'%s\b.* offset [0-9]+' % (r'\.incr\.aof' if shards > 1 and '.incr.' in name else re.escape(name))


class Damage(LogCase):
    ports, lock = set(), threading.Lock()

    def start(self, server):
        """Exit status and None; or None and a connection."""
        with self.lock:  # others that start may not listen yet
            while server.port in self.ports:
                server.port = free_port()
            self.ports.add(server.port)
        server.launch()

        def is_decided():
            return server.process.poll() is not None or server.connect_if_loaded()
        c = until('it is decided', is_decided)
        return (server.process.returncode, None) if c is True else (None, c)

    def check_refusal(self, server, status, told):
        self.assertEqual(status, 1, server.log())
        self.assertRegex(server.log(), told)

    def check_unharmed(self, server):
        log = server.log()
        for word in ('Sanitizer', 'runtime error', 'crashed', 'Restarting'):
            self.assertNotIn(word, log, log)

    def use(self, c):
        """Everything is touched once; answers are whatever they are."""
        for db in (0, 1):
            c.call('SELECT', db)
            for key in c.call('KEYS', '*'):
                for words in (['DUMP', key], ['OBJECT', 'ENCODING', key], ['COPY', key, b'copy of ' + key], ['SORT', key, 'ALPHA'], ['DEL', key]):
                    c.call_raw(*words)
        c.call('FUNCTION', 'LIST', 'WITHCODE')
        c.call('DEBUG', 'DIGEST')

    def each(self, try_one, flips):
        """try_one(what, at, bit): what came of it, in a word or two."""
        def named(flip):
            try:
                return try_one(*flip)
            except BaseException as e:
                raise AssertionError('seed %d, %s, bit %d of byte %d' % (SEED, flip[0], flip[2], flip[1])) from e
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            outcomes = list(pool.map(named, flips))
        print('    %d flips: %s' % (len(flips), ', '.join('%s %d' % (o, outcomes.count(o)) for o in sorted(set(outcomes)))))
        return outcomes


class Snapshot(Damage):
    def saved(self, checksum):
        """A small snapshot with every encoding, and its keys."""
        with Penstock({'rdbchecksum': checksum, 'enable-debug-command': 'yes'}) as server, server.connect() as c:
            c.call('FUNCTION', 'LOAD', LIBRARY)
            for prefix, settings in (('a ', {}), ('tight ', TIGHT)):
                for name, value in settings.items():
                    c.call('CONFIG', 'SET', name, value)
                add_values(c, prefix, KINDS)
            c.call('PEXPIREAT', 'a ' + KINDS[0], FAR_MS)
            names = c.call('KEYS', '*')
            c.call('SAVE')
            with open(os.path.join(server.directory, FILE), 'rb') as f:
                return f.read(), names

    def try_flip(self, data, shards, at, bit, is_checked):
        server = Penstock({'shards': shards, 'enable-debug-command': 'yes'})
        try:
            write(os.path.join(server.directory, FILE), flipped(data, at, bit))
            status, c = self.start(server)
            if c:
                self.assertFalse(is_checked, 'it started')
                with c:
                    self.use(c)
                self.assertEqual(server.stop(), 0, server.log())
            else:
                self.check_refusal(server, status, told_of(FILE))
            self.check_unharmed(server)
            return 'started' if c else 'refused'
        finally:
            server.close()

    def play(self, checksum):
        data, names = self.saved(checksum)
        regions = regions_of_snapshot(data, names)
        if checksum == 'yes':  # notices all of them alike
            regions = [(' '.join(what.split()[:2]), *place) for what, *place in regions]
        flips = list(flips_of(seeded('snapshot/' + checksum), regions))
        self.each(lambda what, at, bit: self.try_flip(data, 1 + at % 2, at, bit, checksum == 'yes'), flips)

    def test_with_a_checksum(self):
        """Whatever it is, it is noticed."""
        self.play('yes')

    def test_without(self):
        """Values may have changed; types, lengths and encodings have to fit."""
        self.play('no')


class Log(Damage):
    def fill(self, c, names):
        """What is asked for later: numbered keys, and pairs of keys that one command wrote."""
        for i in range(NUMBERED):
            c.call('SET', 'numbered%d' % i, 'x' * i)
            if i % 2 == 0:
                pair = names[i // 2]
                c.call('MSET', pair[0], i, pair[1], i)
            if i % 3 == 0:
                for command in (['MULTI'], ['RPUSH', 'list%d' % i, 'a', 'b'], ['HSET', 'hash', i, i], ['EXEC'], ['PEXPIREAT', 'list%d' % i, FAR_MS]):
                    c.call(*command)

    def written(self, shards):
        """A log's files, and the pairs."""
        names = Names(shards, 'pair')
        pairs = [names.spread(2) for _ in range(PAIRS)]
        server, c = self.restart(shards, {'aof-timestamp-enabled': 'yes', 'appendfsync': 'always'})
        add_values(c, 'a ', IN_BASE)
        c.call('BGREWRITEAOF')
        wait_rewritten(c, 1)
        until('its history is gone', lambda: len(server.files()) == 1 + shards)
        self.fill(c, pairs)
        self.stop(server)
        return contents_of(server.folder), pairs

    def keys_before(self, data, at):
        """Those of which what wrote them ends before that byte."""
        ends = {b'numbered%d' % i: data.find(b'\r\nnumbered%d\r\n' % i) for i in range(NUMBERED)}
        return [key for key, end in ends.items() if 0 <= end < at - 40 - NUMBERED]

    def check_contents(self, server, c, files, name, pairs, at):
        """Pairs whole or gone; what stands before the damage is there; else the log says what was cut."""
        log = server.log()
        values_of = [c.call('MGET', *pair) for pair in pairs]
        keys = sum(c.call('EXISTS', 'numbered%d' % i) for i in range(NUMBERED))
        is_cut = 'Truncating the AOF' in log
        if name.endswith('.incr.aof'):
            before = self.keys_before(files[name], at)
            self.assertEqual(c.call('EXISTS', *before) if before else 0, len(before), log)
        if is_cut:
            self.assertEqual([p for p in values_of if (p[0] is None) != (p[1] is None)], [], log)
        elif not self.moved(c):
            self.assertGreaterEqual(keys, NUMBERED - 1, log)
        return 'cut' if is_cut else 'started'

    def moved(self, c):
        """What SELECT says is not protected: it is all there, elsewhere."""
        return sum(c.call_raw('SELECT', db) == b'+OK\r\n' and c.call('DBSIZE') > 0 for db in range(15, -1, -1)) > 1

    def try_flip(self, files, name, shards, pairs, at, bit):
        home = os.path.join(self.home, '%s-%d-%d' % (name, at, bit))
        os.makedirs(os.path.join(home, FOLDER))
        for other, data in files.items():
            write(os.path.join(home, FOLDER, other), flipped(data, at, bit) if other == name else data)
        server = Logging(home, shards, {'aof-timestamp-enabled': 'yes'})
        try:
            status, c = self.start(server)
            outcome = 'refused'
            if c:
                with c:
                    outcome = self.check_contents(server, c, files, name, pairs, at)
                    self.use(c)
                self.assertEqual(server.stop(), 0, server.log())
            else:
                self.check_refusal(server, status, told_of(name, shards))
                self.assertEqual(contents_of(server.folder)[name], flipped(files[name], at, bit))
            self.check_unharmed(server)
            return outcome
        finally:
            server.close()

    def play(self, shards):
        files, pairs = self.written(shards)
        self.fresh_home()
        for name, data in sorted(files.items()):
            if name.endswith('.rdb'):
                regions = regions_of_snapshot(data, [b'a ' + kind.encode() for kind in IN_BASE])
            else:
                regions = regions_of_manifest(data) if name == MANIFEST else regions_of_log(data)
            self.assertEqual(sum(end - first for _, first, end in regions), len(data), name)
            flips = list(flips_of(seeded('%d/%s' % (shards, name)), regions))
            print('  %s of %d shards, %d bytes' % (name, shards, len(data)))
            self.each(lambda what, at, bit: self.try_flip(files, name, shards, pairs, at, bit), flips)

    def test_of_one_shard(self):
        self.play(1)

    def test_of_two_shards(self):
        self.play(2)


if __name__ == '__main__':
    main()
