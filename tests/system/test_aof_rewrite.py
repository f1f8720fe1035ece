#!/usr/bin/env python3
"""Append-only logs that are rewritten while the server goes on: by command and by itself, under writes, killed meanwhile;
the files afterwards, the replies, and what is there after a restart.

    test_aof_rewrite.py [--server redis] [Class.test ...]   $PENSTOCK_BUILD: the build folder; $PENSTOCK_TEST_SEED=N
"""
import os

from aof_kit import IS_REDIS, SHARDS, LogCase, LoggingRedis, facts, main, only_listed, persistence, read, unlike, wait_rewritten, wire
from kit import until
from test_aof import ON_SHARDS, SMALL, change, go_on, write_everything, writers
from test_save import LIBRARY

MANY = 200000
SUFFIX = {'yes': 'rdb', 'no': 'aof'}
STARTED = b'Background append only file rewriting started'


class Rewrite(LogCase):
    def check(self, server, c, shards):
        """Files as at the end of chapter 6; then a restart on them."""
        until('the list has no history', lambda: 'h' not in [f[2] for f in server.files()])
        files = server.files()
        self.assertEqual([f[2] for f in files], ['b'] + ['i'] * shards)
        until('what is not needed any more is gone', lambda: only_listed(server.folder) == [])
        self.assertEqual([n for n in os.listdir(self.home) if n.startswith('temp-')], [])
        self.check_files()
        before = facts(c)
        self.stop(server)
        server, c = self.restart(shards)
        self.assertEqual(unlike(before, facts(c)), '')
        self.same_files(server, files, shards)
        return server, c

    def test_while_writing(self):
        for shards in SHARDS:
            for preamble in ('yes', 'no'):
                self.fresh_home()
                with self.subTest(shards=shards, preamble=preamble):
                    server, c = self.restart(shards, {'aof-use-rdb-preamble': preamble, **SMALL})
                    write_everything(c, 'rewrite/%d' % shards) if preamble == 'no' else change(c, 'rewrite/%d' % shards)
                    with writers(server, 'rewriting/%d' % shards) as everybody:
                        for turn in (1, 2):
                            self.assertEqual(c.call('BGREWRITEAOF'), STARTED)
                            told = wait_rewritten(c, turn)
                            self.assertEqual((told['aof_last_bgrewrite_status'], told['aof_rewrites_consecutive_failures']), ('ok', '0'))
                            go_on(everybody, 200)
                    self.assertEqual(server.files()[0][:2], ('appendonly.aof.3.base.' + SUFFIX[preamble], 3))
                    self.check(server, c, shards)

    def rewrite(self, server, c, preamble):
        """With this setting from now on; the base."""
        c.call('CONFIG', 'SET', 'aof-use-rdb-preamble', preamble)
        self.assertEqual(c.call('BGREWRITEAOF'), STARTED)
        self.assertEqual(wait_rewritten(c)['aof_last_bgrewrite_status'], 'ok')
        name = server.files()[0][0]
        self.assertEqual(name.split('.')[3:], ['base', SUFFIX[preamble]])
        return read(server.path(name))

    def loads(self, before, shards, kind=None):
        """So does the log as it stands, elsewhere."""
        other, c = self.restart(shards, home=self.copy(), kind=kind)
        self.assertEqual(unlike(before, facts(c)), '', '%s on %d shards' % (kind, shards))
        self.stop(other)

    def test_a_base_of_commands(self):
        """What it begins with, and who loads it: other numbers of shards, and redis-server. The setting may change;
        snapshots of their own are what they are."""
        for shards in SHARDS[::2]:
            self.fresh_home()
            with self.subTest(shards=shards):
                server, c = self.restart(shards, {'aof-use-rdb-preamble': 'no', **SMALL})
                self.assertEqual((server.files()[0][0], read(server.path(server.files()[0][0]))), ('appendonly.aof.1.base.aof', b''))
                write_everything(c, 'commands/%d' % shards)
                before = facts(c)
                base = self.rewrite(server, c, 'no')
                self.assertTrue(base.startswith(wire(['FUNCTION', 'LOAD', LIBRARY])) and base.endswith(b'\r\n'), base[-50:])
                self.assertEqual(self.rewrite(server, c, 'yes')[:5], b'REDIS')
                c.call('CONFIG', 'SET', 'aof-timestamp-enabled', 'yes')
                self.assertRegex(self.rewrite(server, c, 'no')[:20], rb'^#TS:[0-9]{10}\r\n\*3\r\n')
                c.call('SAVE')
                self.assertEqual(read(os.path.join(self.home, 'dump.rdb'))[:5], b'REDIS')
                c.call('DEBUG', 'RELOAD')
                self.assertEqual(unlike(before, facts(c)), '')
                c.call('CONFIG', 'SET', 'appendonly', 'no')
                until('the log is off', lambda: persistence(c)['aof_enabled'] == '0')
                c.call('CONFIG', 'SET', 'appendonly', 'yes')
                until('the log is on again', lambda: server.files()[0][:2] == ('appendonly.aof.5.base.aof', 5))
                wait_rewritten(c)
                self.stop(server)
                self.check_files()
                self.loads(before, SHARDS[-1] if shards == 1 else 1)
                if shards == 1 and not IS_REDIS:
                    self.loads(before, 1, LoggingRedis)

    def test_by_itself(self):
        for shards in SHARDS:
            self.fresh_home()
            with self.subTest(shards=shards):
                server, c = self.restart(shards, {'auto-aof-rewrite-min-size': '64kb', 'auto-aof-rewrite-percentage': 50})
                c.call('SET', 'kept', 1)
                def write_more():
                    c.send(*[['SET', ON_SHARDS[i % 40], 'x' * 1000] for i in range(40)])
                    for _ in range(40):
                        c.read_raw()
                    return int(persistence(c)['aof_rewrites']) >= 2
                until('it has rewritten its log twice', write_more)
                wait_rewritten(c)
                self.assertGreaterEqual(server.files()[0][1], 3)
                c.call('CONFIG', 'SET', 'auto-aof-rewrite-percentage', 0)
                self.check(server, c, shards)

    def test_replies(self):
        for shards in SHARDS:
            self.fresh_home()
            with self.subTest(shards=shards):
                server, c = self.restart(shards)
                c.call('DEBUG', 'POPULATE', 300000)
                self.assertEqual(c.call('BGREWRITEAOF'), STARTED)
                self.assertEqual(c.call_raw('BGREWRITEAOF'), b'-ERR Background append only file rewriting already in progress\r\n')
                told = persistence(c)
                self.assertEqual((told['aof_rewrite_in_progress'], told['aof_rewrite_scheduled']), ('1', '0'))
                self.assertNotEqual(told['aof_current_rewrite_time_sec'], '-1')
                c.call('SET', 'meanwhile', 1)
                wait_rewritten(c, 1)
                c.call('BGSAVE')
                self.assertEqual(c.call('BGREWRITEAOF'), b'Background append only file rewriting scheduled')
                self.assertEqual(persistence(c)['aof_pending_rewrite'], '1')
                wait_rewritten(c, 2)
                for command in (['MULTI'], ['SET', 'queued', 1], ['BGREWRITEAOF'], ['SET', 'queued', 2]):
                    c.call(*command)
                self.assertEqual(c.call('EXEC')[1], b'Background append only file rewriting scheduled')
                told = wait_rewritten(c, 3)
                self.assertEqual((told['aof_rewrites'], told['aof_last_rewrite_time_sec'] != '-1'), ('3', True))
                self.assertEqual(told['aof_current_rewrite_time_sec'], '-1')
                server, c = self.check(server, c, shards)
                self.assertEqual(c.call('GET', 'meanwhile'), b'1')

    def test_a_crash_meanwhile(self):
        """Base and both logs are loaded; its temporary files are gone."""
        for shards in SHARDS:
            self.fresh_home()
            with self.subTest(shards=shards):
                server, c = self.restart(shards, {'appendfsync': 'always'})
                for i in range(0, MANY, 1000):
                    c.send(['MSET', *(w for n in range(i, i + 1000) for w in ('many%d' % n, n))])
                for _ in range(0, MANY, 1000):
                    c.read_raw()
                c.call('MSET', *(w for key in ON_SHARDS for w in (key, 'before')))
                c.call('CONFIG', 'SET', 'rdb-key-save-delay', 1000)  # us: it does not end before the crash
                c.call('BGREWRITEAOF')
                until('the log goes on in other files', lambda: len(server.files()) == 1 + 2 * shards)
                c.call('MSET', *(w for key in ON_SHARDS for w in (key, 'after')))
                self.crash(server)
                server, c = self.restart(shards)
                self.assertEqual(set(c.call('MGET', *ON_SHARDS)), {b'after'})
                self.assertEqual(c.call('DBSIZE'), MANY + len(ON_SHARDS))
                self.assertEqual(c.call('MGET', *('many%d' % n for n in range(MANY))), [b'%d' % n for n in range(MANY)])
                if not IS_REDIS:
                    until('nothing is left of it', lambda: only_listed(server.folder) + [n for n in os.listdir(self.home) if n.startswith('temp-')] == [], 5)
                c.call('BGREWRITEAOF')
                wait_rewritten(c, 1)
                self.check(server, c, shards)


if __name__ == '__main__':
    main()
