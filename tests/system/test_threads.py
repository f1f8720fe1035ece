#!/usr/bin/env python3
"""Servers of a build with ThreadSanitizer: shards that work together, the flusher, snapshots and rewrites beside them,
and servers that stop in the middle of all that. Every report of the sanitizer is an error.

    test_threads.py [Class.test ...]   $PENSTOCK_BUILD: the build folder; $PENSTOCK_TEST_SEED=N: the same requests again

Any build will do, to see that the tests themselves are right.
"""
import os
import signal

import test_shards
from aof_kit import LogCase, facts, main, persistence, unlike, wait_rewritten
from kit import SEED, until
from penstock import ReplyError
from test_aof import SMALL, go_on
from test_save import Writer, wait_saved

# What test_shards does, for a shorter time: the sanitizer remembers what was touched, it needs no rare moment.
BRIEF = {'HISTORIES_S': 1.5, 'MOVES_S': 1.0, 'ITEMS': 60, 'PIPELINE': 300, 'SCANNED_KEYS': 600}
PARTS = ['histories', 'bank', 'pipelines', 'behind', 'listeners', 'caches', 'monitors', 'moves']
STOP_S = 60
WAYS_TO_STOP = [['SHUTDOWN', 'NOSAVE'], ['SHUTDOWN', 'SAVE'], None]  # None: by SIGTERM
LOOKS = [['INFO', 'everything'], ['CLIENT', 'LIST'], ['SLOWLOG', 'GET'], ['LATENCY', 'LATEST'], ['MEMORY', 'STATS'], ['DBSIZE'], ['KEYS', 'key1*'], ['DEBUG', 'DIGEST'], ['WAITAOF', 1, 0, 100], ['RANDOMKEY'], ['CONFIG', 'SET', 'hz', 20], ['LASTSAVE'], ['PENSTOCK', 'MOVE-SLOTS', 0, 9000, 1],
         ['PENSTOCK', 'MOVE-STATUS'], ['SCAN', 0], ['PENSTOCK', 'MOVE-SLOTS', 4000, 16000, 0]]


class Watched(LogCase):
    """Servers say nothing of what a sanitizer says."""

    def end(self, server):
        server.stop()
        log = server.log()
        super().end(server)
        self.assertNotIn('Sanitizer', log, log)


class Shards(Watched):
    def play(self, shard_count):
        self.assertTrue(test_shards.run(shard_count, SEED, PARTS))

    def test_two(self):
        self.play(2)

    def test_three(self):
        self.play(3)


class Log(Watched):
    SHARDS, WRITERS = 2, 3

    def writers(self, server, what):
        everybody = [Writer(server, i, what) for i in range(self.WRITERS)]
        go_on(everybody, 100)
        return everybody

    def look(self, c):
        """At what all shards have a part in."""
        for command in LOOKS:
            try:
                c.call(*command)
            except ReplyError:
                pass  # what matters is that it was asked

    def turn(self, server, c, number):
        """A rewrite, then a snapshot, both beside writers and looks at everything."""
        c.call('CONFIG', 'SET', 'appendfsync', ['always', 'everysec', 'always'][number])
        c.call('BGREWRITEAOF')
        self.look(c)
        wait_rewritten(c)
        c.call('BGSAVE')
        self.look(c)
        wait_saved(c)

    def test_rewrites_and_snapshots_beside_writers(self):
        server, c = self.restart(self.SHARDS, {'appendfsync': 'always', **SMALL})
        everybody = self.writers(server, 'threads')
        for number in range(3):
            self.turn(server, c, number)
            go_on(everybody, 100)
        c.call('CONFIG', 'SET', 'appendonly', 'no')
        until('the log is off', lambda: persistence(c)['aof_enabled'] == '0')
        c.call('CONFIG', 'SET', 'appendonly', 'yes')
        wait_rewritten(c)
        go_on(everybody, 100)
        for writer in everybody:
            writer.end()
        before = facts(c)
        self.stop(server)
        for shards in (2, 3):
            server, c = self.restart(shards)
            self.assertEqual(unlike(before, facts(c)), '')
            self.stop(server)

    def stop_busy(self, how, background):
        """A server that is asked to stop while clients write, and while a snapshot or a rewrite is under way."""
        server, c = self.restart(self.SHARDS, {'appendfsync': 'always'})
        everybody = self.writers(server, 'stop %s %s' % (how, background))
        c.call(*background)
        if how:
            c.send(how)
        else:
            server.process.send_signal(signal.SIGTERM)
        self.assertEqual(server.process.wait(STOP_S), 0, server.log()[-2000:])
        for writer in everybody:
            writer.is_over = True
            writer.thread.join()
            writer.connection.close()
            self.assertIsInstance(writer.error, (OSError, EOFError, type(None)))

    def test_stopping_while_busy(self):
        for i, how in enumerate(WAYS_TO_STOP):
            with self.subTest(how=how):
                self.stop_busy(how, [['BGSAVE'], ['BGREWRITEAOF']][i % 2])
        server, c = self.restart(self.SHARDS)
        self.assertGreater(c.call('DBSIZE'), 0)


if __name__ == '__main__':
    vars(test_shards).update(BRIEF)
    os.environ.setdefault('TSAN_OPTIONS', 'halt_on_error=0:second_deadlock_stack=1:history_size=5')
    main()
