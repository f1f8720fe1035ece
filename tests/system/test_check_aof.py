#!/usr/bin/env python3
"""penstockctl check-aof beside redis-check-aof, on what a real redis-server wrote: whole, cut at every byte, with bits
of every byte flipped; and what it fixes is what redis-server then loads.

usage: PENSTOCK_BUILD=build test_check_aof.py [unittest arguments]
"""
import concurrent.futures
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import unittest

from kit import main, rng, until
from penstock import BUILD, RedisServer, encode

OURS = [os.path.join(BUILD, 'penstockctl'), 'check-aof']
THEIRS = ['redis-check-aof']
NAME = 'appendonly.aof'
COMMANDS = [['SET', 'a', '1'], ['MULTI'], ['SET', 'b', '2'], ['RPUSH', 'c', '3', '\r\n*'], ['EXEC'], ['DEL', 'a']]


def run(command, *args, answer=''):
    done = subprocess.run(command + list(args), input=answer, capture_output=True, text=True, errors='replace', timeout=20,
                          check=False)
    return done.returncode, done.stdout + done.stderr


def read(path):
    with open(path, 'rb') as file:
        return file.read()


def write(path, content):
    with open(path, 'wb') as file:
        file.write(content)


def units(log):
    """Offsets at which a log may end: behind every command outside of MULTI, and every EXEC."""
    ends, at, depth = [0], 0, 0
    while at < len(log):
        if log[at:at + 1] == b'#':
            at = log.index(b'\n', at) + 1
        else:
            end = log.index(b'\r\n', at)
            count, at = int(log[at + 1:end]), end + 2
            words = []
            for _ in range(count):
                end = log.index(b'\r\n', at)
                size, at = int(log[at + 1:end]), end + 2
                words.append(log[at:at + size])
                at += size + 2
            depth += (words[0] == b'MULTI') - (words[0] == b'EXEC')
        if depth == 0:
            ends.append(at)
    return ends


class Written(unittest.TestCase):
    """What a server of each kind left behind, written once."""
    options, base_name = [], NAME + '.2.base.aof'

    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.mkdtemp(prefix='penstock-check-aof-')
        cls.addClassCleanup(shutil.rmtree, cls.home)
        cls.folder = os.path.join(cls.home, 'written')
        with RedisServer(['--appendonly', 'yes', '--aof-use-rdb-preamble', 'no'] + cls.options) as server:
            with server.connect() as c:
                c.call('SET', 'base', 'x')
                c.call('BGREWRITEAOF')
                until('the log is rewritten', lambda: os.path.exists(
                    os.path.join(server.directory, 'appendonlydir', cls.base_name)) and
                      b'aof_rewrite_in_progress:0' in c.call('INFO', 'persistence'))
                for command in COMMANDS:
                    c.call(*command)
            server.stop()
            shutil.copytree(os.path.join(server.directory, 'appendonlydir'), cls.folder)
        cls.list = os.path.join(cls.folder, NAME + '.manifest')
        cls.base = read(os.path.join(cls.folder, cls.base_name))
        cls.log = read(os.path.join(cls.folder, NAME + '.2.incr.aof'))

    @contextlib.contextmanager
    def copy(self, log=None):
        """The path of a copy's list; its last file is log."""
        with tempfile.TemporaryDirectory(dir=self.home) as folder:
            folder = os.path.join(folder, 'appendonlydir')
            shutil.copytree(self.folder, folder)
            if log is not None:
                write(os.path.join(folder, NAME + '.2.incr.aof'), log)
            yield os.path.join(folder, NAME + '.manifest')

    def each(self, function, items):
        """On two threads: nearly all the time goes into starting processes."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for _ in pool.map(function, items):
                pass

    def loaded(self, path):
        """What a server has that starts with a copy of this log."""
        server = RedisServer(['--appendonly', 'yes', '--aof-load-truncated', 'no'])
        try:
            shutil.copytree(os.path.dirname(path), os.path.join(server.directory, 'appendonlydir'))
            with server.start().connect() as c:
                until('the log is loaded', lambda: b'\nloading:0' in c.call('INFO', 'persistence'))
                return {key.decode(): c.call('DUMP', key) for key in c.call('KEYS', '*')}
        finally:
            server.close()


class Whole(Written):
    def test_what_a_server_wrote_is_valid(self):
        code, text = run(OURS, self.list)
        self.assertEqual(code, 0, text)
        self.assertIn('AOF analyzed: filename=%s.2.incr.aof, size=%d, ok_up_to=%d,' % (NAME, len(self.log), len(self.log)), text)
        self.assertIn('All AOF files and manifest are valid', text)
        self.assertEqual(run(THEIRS, self.list)[0], 0)
        for name in ('.2.base.aof', '.2.incr.aof'):
            self.assertEqual(run(OURS, os.path.join(self.folder, NAME + name))[0], 0)

    def test_a_log_that_seems_to_be_history(self):
        """One bit makes history of it, which a server removes: redis-check-aof takes that."""
        with self.copy() as path:
            write(path, read(path).replace(b'type i', b'type h'))
            code, text = run(OURS, '--fix', '--yes', path)
            self.assertEqual((code, run(THEIRS, path)[0]), (1, 0))
            self.assertRegex(text, r'%s, line 2: .*listed as history.*\n  file %s.2.incr.aof seq 2 type h' % (path, NAME))

    def test_as_json(self):
        with self.copy(self.log[:-1]) as path:
            for words in (['--json', 'check-aof', path], ['check-aof', '--json', path]):
                code, text = run(OURS[:1], *words)
                found = json.loads(text)
                self.assertEqual((code, found['sound'], found['file']), (1, False, path))
                self.assertEqual([f['verdict'] for f in found['files']], ['valid', 'unfinished'])
                self.assertEqual(found['files'][1]['ok_up_to'], units(self.log)[-2])

    def test_usage(self):
        for words in ([], ['a', 'b'], ['--fix', '--truncate-to-timestamp', '5', 'a'], ['--truncate-to-timestamp', 'x', 'a'],
                      ['--truncate-to-timestamp'], ['--nonsense', 'a']):
            self.assertEqual(run(OURS, *words)[0], 2, words)
        self.assertEqual(run(OURS, os.path.join(self.home, 'nothing'))[0], 1)

    def test_a_missing_file(self):
        with self.copy() as path:
            os.unlink(os.path.join(os.path.dirname(path), NAME + '.2.base.aof'))
            code, text = run(OURS, '--fix', '--yes', path)
            self.assertEqual(code, 1)
            self.assertIn('No such file', text)

    def test_reading_needs_no_right_to_write(self):
        with self.copy() as path:
            for folder, _, names in os.walk(os.path.dirname(path)):
                for name in names:
                    os.chmod(os.path.join(folder, name), 0o444)
            before = {name: os.stat(os.path.join(os.path.dirname(path), name)).st_mtime_ns
                      for name in os.listdir(os.path.dirname(path))}
            self.assertEqual(run(OURS, path)[0], 0)
            for name, when in before.items():
                self.assertEqual(os.stat(os.path.join(os.path.dirname(path), name)).st_mtime_ns, when)


class Cut(Written):
    def test_every_cut(self):
        """The same exit codes, the same bytes after --fix; no question, no change."""
        ends = units(self.log)

        def check(size):
            whole = max(end for end in ends if end <= size)
            with self.copy(self.log[:size]) as path, self.copy(self.log[:size]) as other:
                last, its = (os.path.join(os.path.dirname(p), NAME + '.2.incr.aof') for p in (path, other))
                code, text = run(OURS, '--fix', path, answer='n\n')
                self.assertEqual(code, size != whole, (size, text))
                self.assertEqual(read(last), self.log[:size])
                if size:
                    self.assertIn('ok_up_to=%d,' % whole, text)
                self.assertEqual(run(THEIRS, other)[0], code, size)
                self.assertEqual(run(OURS, '--fix', '--yes', path)[0], 0, size)
                self.assertEqual(read(last), self.log[:whole], size)
                self.assertEqual(run(THEIRS, '--fix', other, answer='y\n')[0], 0, size)
                self.assertEqual(read(its), self.log[:whole], size)

        self.each(check, range(len(self.log) + 1))

    def test_what_is_fixed_loads(self):
        """Whole commands and transactions, in order."""
        dumps = {}
        for end in units(self.log):
            with self.copy(self.log[:end]) as path:
                dumps[end] = self.loaded(path)
        self.assertEqual(sorted(dumps[len(self.log)]), ['b', 'base', 'c'])
        self.assertEqual(sorted(dumps[0]), ['base'])
        for size in rng('cuts').sample(range(len(self.log)), 8):
            whole = max(end for end in dumps if end <= size)
            with self.copy(self.log[:size]) as path:
                self.assertEqual(run(OURS, '--fix', path, answer='y\n')[0], 0)
                self.assertEqual(self.loaded(path), dumps[whole], size)

    def test_a_tail_of_zeros(self):
        for size in (0, units(self.log)[2], len(self.log) - 3, len(self.log)):
            whole = max(end for end in units(self.log) if end <= size)
            with self.copy(self.log[:size] + bytes(4096)) as path:
                code, text = run(OURS, path)
                self.assertEqual((code, run(THEIRS, path)[0]), (1, 1), text)
                self.assertEqual(run(OURS, '--fix', '--yes', path)[0], 0)
                self.assertEqual(read(os.path.join(os.path.dirname(path), NAME + '.2.incr.aof')), self.log[:whole])

    def test_files_that_others_follow_are_not_cut(self):
        with self.copy() as path:
            folder = os.path.dirname(path)
            write(path, b'file one seq 1 type i\nfile two seq 2 type i\n')
            write(os.path.join(folder, 'one'), self.log[:-1])
            write(os.path.join(folder, 'two'), self.log[:-1])
            code, text = run(OURS, '--fix', '--yes', path)
            self.assertEqual(code, 1)
            self.assertIn('other files follow it', text)
            self.assertEqual((read(os.path.join(folder, 'one')), read(os.path.join(folder, 'two'))), (self.log[:-1],) * 2)
            write(path, b'file one seq 1 type i shard 0\nfile two seq 2 type i shard 1\n')  # each the last of its shard
            self.assertEqual(run(OURS, '--fix', '--yes', path)[0], 0)
            self.assertEqual(read(os.path.join(folder, 'one')), self.log[:units(self.log)[-2]])

    def test_a_damaged_size_is_not_taken_for_an_end(self):
        """Cutting would lose all that is behind: only after a question."""
        log = self.log.replace(b'$1\r\na\r\n', b'$999\r\na\r\n', 1)
        with self.copy(log) as path:
            last = os.path.join(os.path.dirname(path), NAME + '.2.incr.aof')
            code, text = run(OURS, '--fix', '--yes', path)
            self.assertEqual(code, 1)
            self.assertIn('a size may be damaged', text)
            self.assertEqual(read(last), log)
            self.assertEqual(run(OURS, '--fix', path, answer='y\n')[0], 0)
            self.assertEqual(read(last), self.log[:units(self.log)[1]])


class Flipped(Written):
    def test_bits_of_every_byte_of_a_log(self):
        """Told apart as redis-check-aof does; what is damaged in the middle is never cut."""
        log = self.log[:units(self.log)[3]]
        self.assertLess(len(log), 200)
        codes, dice = [], rng('log')

        def check(at_and_bits):
            at, bits = at_and_bits
            with self.copy() as path:
                last = os.path.join(os.path.dirname(path), NAME + '.2.incr.aof')
                for bit in bits:
                    bad = log[:at] + bytes([log[at] ^ 1 << bit]) + log[at + 1:]
                    write(last, bad)
                    code, text = run(OURS, '--fix', '--yes', path)
                    theirs = run(THEIRS, path)[0]
                    codes.append(code)
                    if 'Successfully truncated' in text:
                        self.assertNotIn('damage', text)
                        self.assertLess(len(read(last)), len(log))
                        write(last, bad)
                        code, theirs = 1, run(THEIRS, path)[0]
                    self.assertEqual(read(last), bad)
                    self.assertEqual(code, theirs, (at, bit, text))

        self.each(check, [(at, dice.sample(range(8), 4)) for at in range(len(log))])
        self.assertGreater(codes.count(0), 10)
        self.assertGreater(codes.count(1), 100)

    def test_a_bit_of_every_byte_of_a_list(self):
        """What we take, redis-check-aof takes; not always the other way round (seq 2x)."""
        text, dice, taken = read(self.list), rng('list'), []

        def check(at_and_bit):
            at, bit = at_and_bit
            with self.copy() as path:
                write(path, text[:at] + bytes([text[at] ^ 1 << bit]) + text[at + 1:])
                if run(OURS, path)[0] == 0:
                    taken.append(at)
                    self.assertEqual(run(THEIRS, path)[0], 0, (at, bit))

        self.each(check, [(at, dice.randrange(8)) for at in range(len(text))])
        self.assertLess(len(taken), len(text) // 2)


class Snapshot(Written):
    options, base_name = ['--aof-use-rdb-preamble', 'yes'], NAME + '.2.base.rdb'

    def test_what_a_server_wrote_is_valid(self):
        code, text = run(OURS, self.list)
        self.assertEqual((code, run(THEIRS, self.list)[0]), (0, 0), text)
        self.assertIn('penstockctl check-rdb', text)

    def test_a_log_per_shard(self):
        """Our own pair is read past by a real server, and by redis-check-aof."""
        with self.copy() as path:
            write(path, read(path).rstrip(b'\n') + b' shard 0\n')
            self.assertEqual((run(OURS, path)[0], run(THEIRS, path)[0]), (0, 0))
            self.assertEqual(sorted(self.loaded(path)), ['b', 'base', 'c'])

    def test_a_transaction_over_shards(self):
        """So is our own annotation."""
        some = encode(['MULTI']) + encode(['SET', 'd', '1']) + encode(['EXEC'])
        with self.copy(self.log + b'#TX:17 2\r\n' + some) as path:
            self.assertEqual((run(OURS, path)[0], run(THEIRS, path)[0]), (0, 0))
            self.assertEqual(sorted(self.loaded(path)), ['b', 'base', 'c', 'd'])


class Annotated(Written):
    options = ['--aof-timestamp-enabled', 'yes']

    def test_what_a_server_wrote_is_valid(self):
        self.assertTrue(self.base.startswith(b'#TS:'), self.base)
        self.assertEqual((run(OURS, self.list)[0], run(THEIRS, self.list)[0]), (0, 0))

    def test_to_a_time(self):
        """The same bytes as redis-check-aof leaves, but after a question, and a MULTI stays whole."""
        some = encode(['SET', 'a', '1'])
        log = b'#TS:100\r\n' + some + b'#TS:200\r\n' + some + b'#TS:300\r\n' + some
        for when in (50, 99, 100, 150, 200, 299, 300, 1000):
            left = log[:log.index(b'#TS:%d' % (when // 100 * 100 + 100))] if 100 <= when < 300 else log
            with tempfile.TemporaryDirectory(dir=self.home) as folder:
                path, other = (os.path.join(folder, name) for name in ('ours', 'theirs'))
                write(path, log), write(other, log)
                code, text = run(OURS, '--truncate-to-timestamp', str(when), '--yes', path)
                self.assertEqual(run(THEIRS, '--truncate-to-timestamp', str(when), other)[0], code, (when, text))
                self.assertEqual(code, 1 if when < 100 else 0)
                self.assertEqual((read(path), read(other)), (left, left), when)
                write(path, log)
                code, text = run(OURS, '--truncate-to-timestamp', str(when), path, answer='n\n')
                self.assertEqual(code, 1 if when < 300 else 0, text)
                self.assertEqual(read(path), log)
        with self.copy(some + encode(['MULTI']) + b'#TS:200\r\n' + some + encode(['EXEC'])) as path:
            write(os.path.join(os.path.dirname(path), NAME + '.2.base.aof'), some)
            self.assertEqual(run(OURS, '--truncate-to-timestamp', '150', '--yes', path)[0], 0)
            self.assertEqual(read(os.path.join(os.path.dirname(path), NAME + '.2.incr.aof')), some)

    def test_an_annotation_that_is_torn(self):
        """redis-check-aof lets it pass; the next command would become part of that line."""
        path = os.path.join(self.home, 'torn')
        write(path, self.base + b'#TS:12')
        self.assertEqual((run(OURS, path)[0], run(THEIRS, path)[0]), (1, 0))
        self.assertEqual(run(OURS, '--fix', '--yes', path)[0], 0)
        self.assertEqual(read(path), self.base)


if __name__ == '__main__':
    main()
