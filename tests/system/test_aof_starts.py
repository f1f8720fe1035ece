#!/usr/bin/env python3
"""Servers that start on an append-only log as somebody else left it: torn at every byte, damaged, without its list, in
another server's hands, from before Redis 7; and what of it they leave as it was.

    test_aof_starts.py [--server redis] [Class.test ...]   $PENSTOCK_BUILD: the build folder; $PENSTOCK_TEST_SEED=N
"""
import concurrent.futures
import os
import subprocess
import unittest

from aof_kit import (BASE, FOLDER, FRESH, INCR, IS_REDIS, MANIFEST, NAME, SHARDS, LogCase, contents_of, main, only_listed, read,
                     wait_rewritten, wire, write)
from kit import info, rng, until
from penstock import BUILD, RedisServer
from shards_kit import Names
from test_aof import ON_SHARDS

SELECT, SET_A, MULTI, EXEC = ['SELECT', 0], ['SET', 'a', 1], ['MULTI'], ['EXEC']
EXAMPLE = [SELECT, SET_A, MULTI, ['SET', 'b', 2], ['SET', 'c', 3], EXEC]  # spec/aof.md, the worked example
ONLY_INCR = 'file %s seq 1 type i\n' % INCR
PAST_MS, NO_PROCESS = 1000, 1 << 30


def kept_of(cut):
    """Of that example: bytes that are left, and keys."""
    for size, keys in ((133, b'abc'), (50, b'a'), (23, b''), (0, b'')):
        if cut >= size:
            return size, sorted(keys[i:i + 1] for i in range(len(keys)))


def empty_base():
    with RedisServer() as redis, redis.connect() as c:
        c.call('SAVE')
        return read(os.path.join(redis.directory, 'dump.rdb'))


class Torn(LogCase):
    def start_on_cut(self, cut):
        """Size and keys afterwards."""
        home = self.log_home({INCR: wire(*EXAMPLE)[:cut]}, ONLY_INCR)
        server, c = self.restart(1, home=home)
        keys = sorted(c.call('KEYS', '*'))
        size = os.path.getsize(server.path(INCR))
        c.call('SET', 'd', 4)
        self.stop(server)
        self.assertEqual(read(server.path(INCR))[size:], wire(SELECT, ['SET', 'd', 4]), 'cut to %d' % cut)
        return cut, size, keys, server.log()

    @unittest.skipIf(IS_REDIS, 'it leaves a MULTI that nothing ends')
    def test_the_last_file_at_every_byte(self):
        self.assertEqual(len(wire(*EXAMPLE)), 133)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:  # most of it is waiting
            for cut, size, keys, log in pool.map(self.start_on_cut, range(134)):
                self.assertEqual((size, keys), kept_of(cut), 'cut to %d' % cut)
                self.assertEqual('Truncating the AOF' in log or 'Revert incomplete' in log, size < cut, log)

    def test_the_last_file_between_commands(self):
        for cut in (0, 10, 23, 30, 49, 50, 65, 92, 119, 133):
            with self.subTest(cut=cut):
                _, size, keys, _ = self.start_on_cut(cut)
                self.assertEqual((size, keys), kept_of(cut))

    def test_not_where_that_is_not_wanted(self):
        for cut in (30, 60, 92, 132):
            home = self.log_home({INCR: wire(*EXAMPLE)[:cut]}, ONLY_INCR)
            self.refused(home, INCR, options={'aof-load-truncated': 'no'})

    def refused(self, home, *lines, shards=1, options=None):
        server = self.server(shards, options, home)
        before = contents_of(server.folder)
        status, log = server.run_to_end()
        self.assertEqual(status, 1, log)
        for line in lines:
            self.assertIn(line, log)
        for word in ('crashed', 'Restarting', 'Ready to accept'):
            self.assertNotIn(word, log)
        self.assertEqual(contents_of(server.folder), before)

    @unittest.skipIf(IS_REDIS, 'it has no shards')
    def test_logs_of_several_shards_anywhere(self):
        """What several shards did together is there or not, whichever file ends too early, and wherever."""
        random, names = rng('torn'), Names(3, 'torn')
        keys = [names.on(i) for i in range(3)]
        server, c = self.restart(3)
        for turn in range(8):
            c.call('MSET', *(w for key in keys for w in (key, turn)))
            for key in keys[:turn % 4]:
                c.call('RPUSH', key + 'list', turn)
            c.call(*MULTI)
            for key in keys[turn % 3:]:
                c.call('INCR', key + 'count')
            c.call(*EXEC)
        self.stop(server)
        whole, written = contents_of(server.folder), self.home
        logs = [f[0] for f in server.files() if f[2] == 'i']
        for turn in range(24):
            self.home = written
            self.home = self.copy()
            cut = {name: random.randrange(len(whole[name]) + 1) for name in random.sample(logs, random.choice([1, 1, 2, 3]))}
            with self.subTest(turn=turn, cut=cut):
                for name, size in cut.items():
                    os.truncate(os.path.join(self.home, FOLDER, name), size)
                server, c = self.restart(3 if turn % 2 else random.choice([1, 2]))
                values = c.call('MGET', *keys)
                self.assertEqual(len(set(values)), 1, values)
                last = int(values[0]) if values[0] else -1
                for i, key in enumerate(keys):
                    self.assertIn(c.call('LRANGE', key + 'list', 0, -1), [self.pushed(i, n) for n in (last - 1, last)])
                counts = [int(n or 0) for n in c.call('MGET', *(key + 'count' for key in keys))]
                self.assertIn(counts, [[sum(turn % 3 <= i for turn in range(n)) for i in range(3)] for n in (last, last + 1)])
                c.call('MSET', *(w for key in keys for w in (key, 'more')))
                digest = c.call('DEBUG', 'DIGEST')
                self.stop(server)
                self.check_files()
                server, c = self.restart(random.choice(SHARDS))
                self.assertEqual(c.call('DEBUG', 'DIGEST'), digest)

    @staticmethod
    def pushed(index, last):
        return [b'%d' % turn for turn in range(last + 1) if index < turn % 4]

    def test_files_that_may_not_be_torn(self):
        """Base, and a log with another behind it: refused, and nothing is changed."""
        base, log = empty_base(), wire(*EXAMPLE)
        more = wire(SELECT, ['SET', 'z', 1])
        two = {BASE: base, INCR: log, NAME + '.2.incr.aof': more}
        for name in (BASE, INCR):
            for cut in (1, 30, len(two[name]) - 1):
                with self.subTest(name=name, cut=cut):
                    home = self.log_home({**two, name: two[name][:cut]})
                    if not IS_REDIS or name == BASE:  # it cuts the file, and then says that it cannot be
                        self.refused(home, name)
        if not IS_REDIS:
            self.refused(self.log_home({NAME + '.1.base.aof': log[:60], INCR: more}), NAME + '.1.base.aof')

    def test_damage_is_no_torn_end(self):
        log = wire(*EXAMPLE)
        for what, damaged in (('zeros', log + bytes(4096)), ('garbage', log + b'garbage\r\n'), ('no count', log[:23] + b'*x\r\n' + log[27:]),
                              ('in the middle', log[:60] + b'\0' * 30 + log[90:]), ('no such command', log + wire(['NONSENSE', 1]))):
            with self.subTest(what=what):
                self.refused(self.log_home({INCR: damaged}, ONLY_INCR), *([] if what == 'no such command' else [INCR]))

    @unittest.skipIf(IS_REDIS, 'it says no more than that the format is bad')
    def test_a_tail_of_zeros_is_told_and_fixed(self):
        for shards in (1, 2):
            self.fresh_home()
            server, c = self.restart(shards)
            for i in range(20):
                c.call('SET', 'key:%d' % i, i)
            digest = c.call('DEBUG', 'DIGEST')
            self.stop(server)
            for name in (f[0] for f in server.files() if f[2] == 'i'):
                with open(server.path(name), 'ab') as f:
                    f.write(bytes(5000))
            self.refused(self.home, 'Bad file format reading', 'the rest of the file is 5000 zero bytes, likely from a power loss',
                         'penstockctl check-aof --fix', shards=shards)
            done = subprocess.run([os.path.join(BUILD, 'penstockctl'), 'check-aof', '--fix', '--yes', server.path()], capture_output=True, text=True, timeout=20)
            self.assertEqual(done.returncode, 0, done.stdout)
            server, c = self.restart(shards)
            self.assertEqual(c.call('DEBUG', 'DIGEST'), digest)
            self.stop(server)

    @unittest.skipIf(IS_REDIS, 'it reads with read(2)')
    def test_a_log_that_is_cut_while_it_is_loaded(self):
        for shards in (1, 3):
            self.fresh_home()
            server, c = self.restart(shards)
            c.send(*(['SET', 'key:%d' % i, 'x' * 100] for i in range(3000)))
            for _ in range(3000):
                c.read_raw()
            self.stop(server)
            server = self.server(shards, {'key-load-delay': 1000000})
            with server.start().connect() as c:
                base = os.path.getsize(server.path(BASE))
                until('commands were read', lambda: int(info(c, 'persistence')['loading_loaded_bytes']) > base)
                for name in (f[0] for f in server.files() if f[2] == 'i'):
                    os.truncate(server.path(name), 0)
                c.send(['CONFIG', 'SET', 'key-load-delay', 0])
                self.assertEqual(server.process.wait(10), 1)
            log = server.log()
            self.assertRegex(log, r'pread: it has become shorter meanwhile reading the append only file \S*\.incr\.aof, at offset [0-9]+')
            for word in ('crashed', 'Restarting', 'Ready to accept'):
                self.assertNotIn(word, log)

    def test_lists_and_files_that_are_not_there(self):
        log = {BASE: empty_base(), INCR: wire(*EXAMPLE)}
        lists = {'none': '', 'blank': '\n' + FRESH, 'a path': FRESH.replace('file a', 'file ../a'), 'twice': FRESH.splitlines(True)[0] * 2, 'no end': FRESH[:-1],
                 'no type': FRESH.replace('type i', 'type x'), 'backwards': FRESH.replace('seq 1 type i', 'seq 2 type i') + ONLY_INCR, 'no seq': FRESH.replace('seq 1', 'seq 0', 1)}
        for what, text in lists.items():
            with self.subTest(what=what):
                self.refused(self.log_home(log, text), 'FATAL AOF MANIFEST FILE ERROR')
        for missing in log:
            with self.subTest(missing=missing):
                home = self.log_home(log)
                os.remove(os.path.join(home, FOLDER, missing))
                self.refused(home, missing)

    @unittest.skipIf(IS_REDIS, 'it starts, and appends to what it did not read')
    def test_a_log_without_its_list(self):
        for shards in SHARDS:
            home = self.log_home({BASE: empty_base(), INCR: wire(*EXAMPLE)})
            os.remove(os.path.join(home, FOLDER, MANIFEST))
            self.refused(home, MANIFEST, shards=shards)

    @unittest.skipIf(IS_REDIS, 'it starts')
    def test_a_folder_that_another_server_has(self):
        for shards in (1, 3):
            self.fresh_home()
            server, c = self.restart(shards)
            c.call('SET', 'k', 1)
            second = self.server(1)
            status, log = second.run_to_end()
            self.assertEqual(status, 1, log)
            self.assertIn(FOLDER, log)
            self.assertNotIn('Ready to accept', log)
            self.assertEqual(c.call('INCR', 'k'), 2)
            self.stop(server)
            server, c = self.restart(2)
            self.assertEqual(c.call('GET', 'k'), b'2')


class Found(LogCase):
    """What else may lie there."""

    def test_a_log_of_one_file(self):
        """From before Redis 7: as commands, and with a snapshot at its begin."""
        for shards in SHARDS:
            for head in (b'', empty_base()):
                self.fresh_home()
                with self.subTest(shards=shards, head=len(head)):
                    write(os.path.join(self.home, NAME), head + wire(*EXAMPLE))
                    server, c = self.restart(shards)
                    self.assertEqual(sorted(c.call('KEYS', '*')), [b'a', b'b', b'c'])
                    self.assertFalse(os.path.exists(os.path.join(self.home, NAME)))
                    self.assertEqual(server.files()[0], (NAME, 1, 'b', None))
                    self.expect_logged(server, 'Successfully migrated an old-style AOF')
                    c.call('MSET', *(w for key in ON_SHARDS for w in (key, 1)))
                    digest = c.call('DEBUG', 'DIGEST')
                    self.stop(server)
                    self.check_files()
                    server, c = self.restart(shards)
                    self.assertEqual(c.call('DEBUG', 'DIGEST'), digest)
                    c.call('BGREWRITEAOF')
                    wait_rewritten(c, 1)
                    until('the old file is gone', lambda: only_listed(server.folder) == [] and not os.path.exists(server.path(NAME)))

    def test_nothing_expires_while_it_is_loaded(self):
        commands = [SELECT, ['SET', 'saved', 'x'], ['PEXPIREAT', 'saved', PAST_MS], ['PERSIST', 'saved'], ['SET', 'gone', 'x'], ['PEXPIREAT', 'gone', PAST_MS],
                    ['SET', 'list', 'x', 'PXAT', PAST_MS], ['APPEND', 'list', 'y'], ['PERSIST', 'list'], ['RPUSH', 'l', 1], ['EXPIRE', 'l', -5], ['RPUSH', 'l', 2], ['PERSIST', 'l'],
                    ['SET', 'one', 1, 'PXAT', PAST_MS], ['RENAME', 'one', 'other'], ['PERSIST', 'other']]
        for shards in SHARDS:
            with self.subTest(shards=shards):
                server, c = self.restart(shards, home=self.log_home({INCR: wire(*commands)}, ONLY_INCR))
                until('what has expired is gone', lambda: sorted(c.call('KEYS', '*')) == [b'l', b'list', b'other', b'saved'])
                self.assertEqual(c.call('LRANGE', 'l', 0, -1), [b'1', b'2'])
                self.assertEqual(c.call('GET', 'list'), b'xy')
                digest = c.call('DEBUG', 'DIGEST')
                self.stop(server)
                server, c = self.restart(shards)
                self.assertEqual(c.call('DEBUG', 'DIGEST'), digest)

    def test_a_snapshot_beside_it_is_not_loaded(self):
        for shards in SHARDS:
            self.fresh_home()
            server, c = self.restart(shards, {'appendonly': 'no'})
            c.call('SET', 'in the snapshot', 1)
            c.call('SAVE')
            self.stop(server)
            server, c = self.restart(shards)
            self.assertEqual(c.call('DBSIZE'), 0)

    def test_history_and_remains_are_removed(self):
        for shards in SHARDS:
            log = {BASE: empty_base(), INCR: wire(*EXAMPLE), NAME + '.2.base.rdb': empty_base(), NAME + '.2.incr.aof': wire(SELECT, ['SET', 'z', 1])}
            text = ''.join('file %s seq %s type %s\n' % f for f in ((NAME + '.2.base.rdb', 2, 'b'), (INCR, 1, 'h'), (BASE, 1, 'h'), (NAME + '.2.incr.aof', 2, 'i')))
            home = self.log_home(log, text)
            remains = [os.path.join(home, FOLDER, 'temp-' + MANIFEST), os.path.join(home, FOLDER, 'temp-%s.incr' % NAME), os.path.join(home, 'temp-rewriteaof-%d.aof' % NO_PROCESS)]
            for path in remains:
                write(path, b'half')
            other = os.path.join(home, FOLDER, 'notes')
            write(other, b'of somebody')
            server, c = self.restart(shards, home=home)
            self.assertEqual(c.call('KEYS', '*'), [b'z'])
            until('history is gone', lambda: not os.path.exists(server.path(BASE)) and not os.path.exists(server.path(INCR)))
            until('the list says so', lambda: 'h' not in [f[2] for f in server.files()])
            if not IS_REDIS:
                self.assertEqual([p for p in remains if os.path.exists(p)], [])
            self.assertEqual(read(other), b'of somebody')

    def test_errors_of_commands_do_not_stop_it(self):
        commands = [SELECT, ['SET', 'a', 'x'], ['RPUSH', 'a', 1], ['INCR', 'a'], ['SET', 'b', 'y']]
        for shards in SHARDS:
            server, c = self.restart(shards, home=self.log_home({INCR: wire(*commands)}, ONLY_INCR))
            self.assertEqual(c.call('MGET', 'a', 'b'), [b'x', b'y'])
            self.expect_logged(server, 'WRONGTYPE')

    def test_other_names(self):
        for shards in SHARDS:
            self.fresh_home()
            options = {'appenddirname': 'the log', 'appendfilename': 'my data.aof'}
            server, c = self.restart(shards, options)
            c.call('MSET', *(w for key in ON_SHARDS for w in (key, 1)))
            self.stop(server)
            self.assertIn('my data.aof.1.base.rdb', os.listdir(os.path.join(self.home, 'the log')))
            server, c = self.restart(shards, options)
            self.assertEqual(c.call('DBSIZE'), 40)


if __name__ == '__main__':
    main()
