#!/usr/bin/env python3
"""What an operator can ask of the append-only log while the server runs: turning it on and off under writes, another
appendfsync, lines with times, WAITAOF, and what INFO says of it.

    test_aof_settings.py [--server redis] [Class.test ...]   $PENSTOCK_BUILD: the build folder; $PENSTOCK_TEST_SEED=N
"""
import os
import re
import time
import unittest

from aof_kit import IS_REDIS, SHARDS, LogCase, contents_of, facts, main, only_listed, persistence, read, unlike, wait_rewritten
from kit import until
from penstock import ReplyError
from test_aof import ON_SHARDS, SMALL, go_on, write_everything, writers

FIELDS = '''aof_enabled aof_rewrite_in_progress aof_rewrite_scheduled aof_last_rewrite_time_sec aof_current_rewrite_time_sec aof_last_bgrewrite_status
    aof_rewrites aof_rewrites_consecutive_failures aof_last_write_status aof_last_cow_size module_fork_in_progress module_fork_last_cow_size
    aof_current_size aof_base_size aof_pending_rewrite aof_buffer_length aof_pending_bio_fsync aof_delayed_fsync'''.split()


class Settings(LogCase):
    def test_turned_on_and_off_under_writes(self):
        for shards in SHARDS:
            self.fresh_home()
            with self.subTest(shards=shards):
                server, c = self.restart(shards, {'appendonly': 'no', **SMALL})
                self.assertFalse(os.path.exists(server.folder) and os.listdir(server.folder))
                self.assertEqual(persistence(c)['aof_enabled'], '0')
                self.assertNotIn('aof_current_size', persistence(c))
                write_everything(c, 'on/%d' % shards)
                with writers(server, 'on/%d' % shards) as everybody:
                    self.assertEqual(c.call('CONFIG', 'SET', 'appendonly', 'yes'), b'OK')
                    self.assertEqual(persistence(c)['aof_enabled'], '1')
                    self.assertEqual(c.call('CONFIG', 'GET', 'appendonly'), [b'appendonly', b'yes'])
                    until('the log has a base', lambda: os.path.exists(server.path()))
                    wait_rewritten(c)
                    go_on(everybody)
                self.is_kept(server, c, shards)
                server, c = self.restart(shards, SMALL)
                self.turn_off(c)
                files = contents_of(server.folder)
                c.call('SET', 'not logged', 1)
                self.assertEqual(contents_of(server.folder), files)
                with writers(server, 'again/%d' % shards, 1) as everybody:
                    c.call('CONFIG', 'SET', 'appendonly', 'yes')
                    until('the log has a new base', lambda: server.files()[0][1] > 1)
                    wait_rewritten(c)
                    go_on(everybody, 200)
                    self.turn_off(c)
                    c.call('CONFIG', 'SET', 'rdb-key-save-delay', 1000000)  # us: it is off again before it is done
                    c.call('CONFIG', 'SET', 'appendonly', 'yes')
                    until('a base is being written', lambda: persistence(c)['aof_rewrite_in_progress'] == '1')
                    self.turn_off(c)
                    c.call('CONFIG', 'SET', 'rdb-key-save-delay', 0)
                    c.call('CONFIG', 'SET', 'appendonly', 'yes')
                    until('the log has another base', lambda: server.files()[0][1] > 2)
                    wait_rewritten(c)
                    go_on(everybody, 200)
                self.assertEqual(c.call('EXISTS', 'not logged'), 1)
                self.is_kept(server, c, shards)

    def turn_off(self, c):
        self.assertEqual(c.call('CONFIG', 'SET', 'appendonly', 'no'), b'OK')
        until('the log is off', lambda: persistence(c)['aof_enabled'] == '0')

    def is_kept(self, server, c, shards):
        until('only what is listed is left', lambda: only_listed(server.folder) == [])
        before = facts(c)
        self.stop(server)
        self.check_files()
        server, c = self.restart(shards)
        self.assertEqual(unlike(before, facts(c)), '')
        self.stop(server)

    def test_another_policy_under_writes(self):
        for shards in SHARDS:
            self.fresh_home()
            with self.subTest(shards=shards):
                server, c = self.restart(shards)
                with writers(server, 'policy/%d' % shards) as everybody:
                    for policy in ('always', 'no', 'everysec', 'always', 'everysec', 'no', 'always'):
                        c.call('CONFIG', 'SET', 'appendfsync', policy)
                        self.assertEqual(c.call('CONFIG', 'GET', 'appendfsync'), [b'appendfsync', policy.encode()])
                        go_on(everybody, 100)
                before = facts(c)
                self.crash(server)  # under always: all that was answered is there
                server, c = self.restart(shards)
                self.assertEqual(unlike(before, facts(c)), '')

    def test_lines_with_times(self):
        begin, running = int(time.time()), []
        for shards in SHARDS:  # side by side, as each needs some seconds to write about
            self.fresh_home()
            running.append((shards, *self.restart(shards, {'aof-timestamp-enabled': 'yes'})))
        first = int(running[-1][2].call('TIME')[0])

        def write():
            for _, _, c in running:
                c.call('MULTI')
                for key in ON_SHARDS:
                    c.call('INCR', key)
                c.call('EXEC')
            return int(c.call('TIME')[0]) >= first + 2
        until('two seconds are over', write)
        for shards, server, c in running:
            with self.subTest(shards=shards):
                before = facts(c)
                self.stop(server)
                self.check_files(server.home)
                for name, _, kind, _ in server.files():
                    if kind == 'i':
                        log = read(server.path(name))
                        times = [int(t) for t in re.findall(rb'(?:^|\r\n)#TS:([0-9]+)\r\n', log)]
                        self.assertGreaterEqual(len(times), 2, name)
                        self.assertEqual(times, sorted(set(times)))
                        self.assertTrue(begin <= times[0] and times[-1] <= time.time() + 1, times)
                        self.assertTrue(log.startswith(b'#TS:'), log[:40])
                server, c = self.restart(shards, home=server.home)
                self.assertEqual(unlike(before, facts(c)), '')

    def test_info(self):
        for shards in SHARDS:
            self.fresh_home()
            with self.subTest(shards=shards):
                server, c = self.restart(shards)
                told = persistence(c)
                self.assertEqual([f for f in told if f in FIELDS], FIELDS)
                self.assertEqual([told[f] for f in FIELDS[:9]], '1 0 0 -1 -1 ok 0 0 ok'.split())
                base = os.path.getsize(server.path(server.files()[0][0]))
                start = int(told['aof_current_size'])
                self.assertIn(start, (0, base))  # redis-server does not count the empty base that it just made
                self.assertEqual(told['aof_base_size'], str(start))
                for i in range(40):
                    c.call('SET', ON_SHARDS[i], 'x' * 1000)
                def are_sizes_right():
                    told, sizes = persistence(c), [os.path.getsize(server.path(f[0])) for f in server.files()]
                    return int(told['aof_current_size']) == start + sum(sizes[1:]) and sum(sizes[1:]) > 40000 and told['aof_buffer_length'] == '0'
                until('it tells the sizes', are_sizes_right)
                c.call('BGREWRITEAOF')
                told = wait_rewritten(c, 1)
                until('history is gone', lambda: only_listed(server.folder) == [])
                base = os.path.getsize(server.path(server.files()[0][0]))
                self.assertEqual((told['aof_base_size'], told['aof_current_size'], told['aof_rewrites']), (str(base), str(base), '1'))
                self.stop(server)
                server, c = self.restart(shards)
                self.assertEqual(persistence(c)['aof_base_size'], str(base))

    @unittest.skipIf(IS_REDIS, 'is of 7.2')
    def test_waitaof(self):
        for shards in SHARDS:
            self.fresh_home()
            with self.subTest(shards=shards):
                server, c = self.restart(shards, {'appendonly': 'no'})
                self.assertRaisesRegex(ReplyError, 'WAITAOF cannot be used when numlocal is set but appendonly is disabled', c.call, 'WAITAOF', 1, 0, 0)
                for words in ((2, 0, 0), (-1, 0, 0), (0, -1, 0), (1, 0, -1), ('x', 0, 0)):
                    self.assertRaises(ReplyError, c.call, 'WAITAOF', *words)
                c.call('CONFIG', 'SET', 'appendonly', 'yes')
                until('the log has a base', lambda: os.path.exists(server.path()))
                wait_rewritten(c)
                for policy in ('everysec', 'always'):
                    c.call('CONFIG', 'SET', 'appendfsync', policy)
                    c.call('MSET', *(w for key in ON_SHARDS for w in (key, policy)))
                    begin = time.monotonic()
                    self.assertEqual(c.call('WAITAOF', 1, 0, 10000), [1, 0])
                    self.assertLess(time.monotonic() - begin, 5)
                begin = time.monotonic()
                self.assertEqual(c.call('WAITAOF', 1, 1, 200), [1, 0])  # no replica
                self.assertGreaterEqual(time.monotonic() - begin, 0.19)
                self.assertEqual(c.call('WAITAOF', 0, 0, 0), [1, 0])
                c.call('MULTI')
                c.call('WAITAOF', 1, 0, 0)
                self.assertEqual(c.call('EXEC'), [[1, 0]])


if __name__ == '__main__':
    main()
