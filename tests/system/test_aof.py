#!/usr/bin/env python3
"""The append-only log of a server that goes on: what its directory holds, what is there again after a restart with any
number of shards, rewrites, and settings that change meanwhile; and redis-server on our directory, and we on its.

    test_aof.py [--server redis] [Class.test ...]   $PENSTOCK_BUILD: the build folder; $PENSTOCK_TEST_SEED=N: the same writes
"""
import contextlib
import os
import random
import signal
import threading
import unittest

from aof_kit import (BASE, FRESH, INCR, IS_REDIS, SHARDS, LogCase, LoggingPenstock, LoggingRedis, facts, main, only_listed,
                     read, unlike, wait_rewritten, wire)
from dump_kit import values
from kit import rng, until
from test_save import FAR_MS, LIBRARY, Writer, Writes, fill

SMALL = {'hash-max-listpack-entries': 8, 'zset-max-listpack-entries': 8}
ON_SHARDS = ['k%d' % i for i in range(40)]
SCRIPT = "redis.call('SET', KEYS[1], ARGV[1]) redis.call('RPUSH', KEYS[2], ARGV[1], 'x') return redis.call('INCR', KEYS[3])"


def write_everything(c, what):
    """Every type and encoding, deadlines, transactions and scripts over several keys, databases, functions."""
    fill(c, what)
    for db in (0, 3):
        c.call('SELECT', db)
        for i, (name, (_, commands)) in enumerate(sorted(values().items())):
            for command in commands:
                c.send([name if w == 'k' else w for w in command])
                c.read_raw()
            if i % 3 == 0:
                c.call('PEXPIREAT', name, FAR_MS + i)
        for i in range(20):
            c.send(['MULTI'], ['SET', 'multi%d' % i, i], ['RPUSH', 'list%d' % (i + 1), i, 'y'], ['SELECT', 9], ['INCR', 'other%d' % (i % 3)], ['SELECT', db], ['EXEC'],
                   ['MSET', *(w for n in range(i, i + 5) for w in ('mset%d' % n, i))], ['EVAL', SCRIPT, 3, 'script%d' % i, 'scripts%d' % (i % 4), 'count', i],
                   ['SET', 'short%d' % i, 'x', 'EX', 100000], ['GETEX', 'short%d' % i, 'PXAT', FAR_MS], ['SPOP', 'set hashtable', 3], ['SMOVE', 'set small', 'moved', 'a'],
                   ['RENAME', 'multi%d' % i, 'renamed%d' % i], ['COPY', 'mset%d' % i, 'copied%d' % i], ['INCRBYFLOAT', 'float', '0.1'],
                   ['LMPOP', 2, 'no such', 'list quicklist', 'LEFT', 'COUNT', 2])
            for _ in range(17):
                c.read_raw()
        c.call('ZUNIONSTORE', 'union', 2, 'zset listpack', 'zset skiplist')  # not 20 times: 100 ms where shards share cores
    c.call('SWAPDB', 1, 9)
    c.call('FUNCTION', 'LOAD', 'REPLACE', LIBRARY)
    c.call('SELECT', 0)


def change(c, what):
    """Some of that."""
    writes = Writes(rng(what))
    c.send(*[writes.next() for _ in range(500)])
    for _ in range(500):
        c.read_raw()
    c.call('SELECT', 0)


@contextlib.contextmanager
def writers(server, what, count=3):
    """They write all the time; the block is entered when all do."""
    everybody = [Writer(server, i, what) for i in range(count)]
    try:
        until('they write', lambda: all(w.count > 100 or w.error for w in everybody))
        yield everybody
    finally:
        for writer in everybody:
            writer.end()


def go_on(everybody, count=500):
    goals = [w.count + count for w in everybody]
    until('they go on', lambda: all(w.count > goal or w.error for w, goal in zip(everybody, goals)))


class Restart(LogCase):
    def test_a_fresh_start(self):
        for shards in SHARDS:
            self.fresh_home()
            with self.subTest(shards=shards):
                server, c = self.restart(shards)
                files = server.files()
                if shards == 1:
                    self.assertEqual(read(server.path()).decode(), FRESH)
                self.assertEqual(files[0], (BASE, 1, 'b', None))
                self.assertEqual([f[2:] for f in files[1:]], [('i', None)] if shards == 1 else [('i', str(i)) for i in range(shards)])
                self.assertEqual(only_listed(server.folder), [])
                self.assertEqual(read(server.path(BASE))[:5], b'REDIS')
                self.assertIn(b'aof-base', read(server.path(BASE)))
                self.assertLess(len(read(server.path(BASE))), 140)
                self.assertEqual({read(server.path(f[0])) for f in files[1:]}, {b''})
                self.check_files()
                c.call('SET', 'a', 1)
                if shards == 1:
                    until('it is in the log', lambda: read(server.path(INCR)) == wire(['SELECT', 0], ['SET', 'a', 1]))
                self.stop(server)
                server, c = self.restart(shards)
                self.same_files(server, files, shards)
                c.call('SET', 'b', 2)
                if shards == 1:
                    until('it is in the log', lambda: read(server.path(INCR)) == wire(['SELECT', 0], ['SET', 'a', 1], ['SELECT', 0], ['SET', 'b', 2]))

    def test_the_first_write_is_logged(self):
        """Nobody is served between the load and the log, also where nothing was there to load."""
        for shards in SHARDS:
            self.fresh_home()
            with self.subTest(shards=shards):
                for turn in range(3):
                    server, c = self.restart(shards, {'appendfsync': 'always'})
                    c.send(['INFO', 'persistence'], ['MSET', *(w for key in ON_SHARDS for w in (key, turn))])
                    told = c.read_raw()
                    self.assertEqual(c.read_raw(), b'+OK\r\n')
                    self.crash(server)
                    self.assertIn(b'aof_enabled:1', told)
                    self.assertTrue(os.path.exists(server.path()))
                    server, c = self.restart(shards)
                    self.assertEqual(c.call('MGET', *ON_SHARDS), [b'%d' % turn] * len(ON_SHARDS))
                    self.stop(server)

    def test_everything_is_there_again(self):
        """With as many shards, and with others, whose number changes on and on."""
        for shards in SHARDS:
            self.fresh_home()
            with self.subTest(shards=shards):
                server, c = self.restart(shards, SMALL)
                write_everything(c, 'everything/%d' % shards)
                for then in (shards, *[n for n in SHARDS if n != shards], shards):
                    before = facts(c)
                    self.stop(server)
                    self.check_files()
                    server, c = self.restart(then, SMALL)
                    self.assertEqual(unlike(before, facts(c)), '', 'on %d shards' % then)
                    change(c, 'more/%d/%d' % (shards, then))
                    c.call('MSET', *(w for key in ON_SHARDS for w in (key, then)))
                    if then == 2:
                        c.call('FLUSHALL')
                        c.call('MSET', *(w for key in ON_SHARDS for w in (key, 'anew')))

    @unittest.skipIf(IS_REDIS, 'both are there')
    def test_redis_server_and_we(self):
        """Our directory in its hands, and then in ours again."""
        server, c = self.restart(1, SMALL)
        write_everything(c, 'interchange')
        for turn, kind in enumerate((LoggingRedis, LoggingPenstock, LoggingRedis, LoggingPenstock)):
            before = facts(c)
            self.stop(server)
            self.check_files()
            server, c = self.restart(1 if kind is LoggingRedis or turn < 2 else 3, SMALL, kind=kind)
            self.assertEqual(unlike(before, facts(c)), '', 'turn %d' % turn)
            change(c, 'interchange/%d' % turn)
            if turn == 1:
                c.call('BGREWRITEAOF')
                wait_rewritten(c, 1)
                change(c, 'interchange/rewritten')

    @unittest.skipIf(IS_REDIS, 'both are there')
    def test_a_log_that_redis_server_wrote(self):
        for preamble in ('yes', 'no'):
            self.fresh_home()
            server, c = self.restart(1, {'aof-use-rdb-preamble': preamble, 'aof-timestamp-enabled': 'yes'}, kind=LoggingRedis)
            write_everything(c, 'theirs/%s' % preamble)
            c.call('BGREWRITEAOF')
            wait_rewritten(c, 1)
            change(c, 'theirs/more')
            before = facts(c)
            self.stop(server)
            for shards in SHARDS:
                with self.subTest(preamble=preamble, shards=shards):
                    ours, c = self.restart(shards, home=self.copy())
                    self.assertEqual(unlike(before, facts(c)), '')

    def test_whoever_stops_it_loses_nothing(self):
        for shards in SHARDS:
            for i, policy in enumerate(('everysec', 'no', 'always')):
                for how in [('SHUTDOWN', 'SIGTERM', 'SHUTDOWN NOSAVE')[(i + shards) % 3]]:
                    self.fresh_home()
                    with self.subTest(shards=shards, policy=policy, how=how):
                        server, c = self.restart(shards, {'appendfsync': policy})
                        c.send(*[['RPUSH', ON_SHARDS[i % 40], i, 'x' * (i % 200)] for i in range(4000)], ['DEBUG', 'DIGEST'])
                        replies = [c.read_raw() for _ in range(4001)]
                        if how == 'SIGTERM':
                            server.process.send_signal(signal.SIGTERM)
                        else:
                            c.send(how.split())
                        until('it has ended', lambda: server.process.poll() is not None)
                        self.assertEqual(server.process.poll(), 0)
                        server, c = self.restart(shards)
                        self.assertEqual(c.call_raw('DEBUG', 'DIGEST'), replies[-1])

    @unittest.skipIf(IS_REDIS, 'it has no shards')
    def test_slots_that_move_meanwhile(self):
        from test_shards import Moving
        for how in ('stopped', 'killed'):
            self.fresh_home()
            with self.subTest(how=how):
                server, c = self.restart(3)
                moving = Moving(server, 3, rng('moves'))
                thread = threading.Thread(target=moving.run)
                with writers(server, 'moves') as everybody:
                    thread.start()
                    until('some moves', lambda: moving.error or moving.count > 10)
                    go_on(everybody)
                    if how == 'stopped':
                        c.call('BGREWRITEAOF')
                        wait_rewritten(c, 1)
                        go_on(everybody)
                moving.is_over = True
                thread.join()
                self.assertFalse(moving.error, moving.error)
                self.assertEqual(c.call('WAITAOF', 1, 0, 0)[0], 1)
                before = facts(c)
                self.stop(server) if how == 'stopped' else self.crash(server)
                server, c = self.restart(random.Random(how).choice(SHARDS))
                self.assertEqual(unlike(before, facts(c)), '')


if __name__ == '__main__':
    main()
