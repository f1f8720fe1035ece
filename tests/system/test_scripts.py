#!/usr/bin/env python3
"""Scripts on a real server: what others get while one takes long, ending it, undoing what it wrote; and functions
between Penstock and redis-server.

    test_scripts.py [Class.test ...]       $PENSTOCK_BUILD: the build folder
"""
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import Case, alive, info, is_answered, main, number, stays, until  # noqa: E402
from penstock import RedisServer, ReplyError, decode  # noqa: E402
from shards_kit import Names, connect_to_each  # noqa: E402

BUSY = b'-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n'
BUSY_FUNCTION = BUSY.replace(b'SCRIPT KILL', b'FUNCTION KILL')
THRESHOLD_MS = 50
LOOP = 'while true do end'
LIBRARY = """#!lua name=mylib
redis.register_function('spin', function(keys, args) while true do end end)
redis.register_function('put', function(keys, args) return redis.call('SET', keys[1], args[1]) end)
redis.register_function{function_name='look', callback=function(keys) return redis.call('GET', keys[1]) end,
                        flags={'no-writes'}, description='reads one key'}
-- """ + 'x' * 70000


class Busy(Case):
    def setUp(self):
        self.server = self.start({'busy-reply-threshold': THRESHOLD_MS, 'enable-debug-command': 'yes'})
        self.runs, self.other = self.connect(self.server), self.connect(self.server)

    def begin(self, *request):
        self.runs.send(list(request))
        until('the server is busy', lambda: self.other.call_raw('GET', 'nosuch').startswith(b'-BUSY'))

    def killed(self, how):
        reply = self.runs.read_raw()
        self.assertTrue(reply.startswith(b'-ERR Script killed by user with ' + how), reply)
        self.assertEqual(self.other.call_raw('PING'), b'+PONG\r\n')

    def test_others_get_busy_and_end_it(self):
        self.begin('EVAL', LOOP, 0)
        self.assertEqual(self.other.call_raw('SET', 'a', '1'), BUSY)
        self.assertEqual(self.other.call_raw('FUNCTION', 'KILL'), BUSY)
        self.assertEqual(self.connect(self.server).call_raw('PING'), BUSY)
        with self.connect(self.server) as c:
            self.assertEqual(c.call_raw('MULTI'), b'+OK\r\n')
            self.assertEqual(c.call_raw('SET', 'a', '1'), BUSY)
            self.assertTrue(c.call_raw('EXEC').startswith(b'-EXECABORT'))
            self.assertEqual(c.call_raw('RESET'), b'+RESET\r\n')
            self.assertEqual(decode(c.call_raw('HELLO'))[1], b'redis')
            self.assertEqual(c.call_raw('QUIT'), b'+OK\r\n')
        self.assertEqual(self.other.call_raw('SCRIPT', 'KILL'), b'+OK\r\n')
        self.killed(b'SCRIPT KILL. script: ')
        self.expect_logged(self.server, 'Slow script detected: still in execution after')
        self.assertEqual(self.other.call_raw('SCRIPT', 'KILL'), b'-NOTBUSY No scripts in execution right now.\r\n')

    def test_it_goes_on_to_its_end(self):
        self.begin('EVAL', "local n = 0 for i = 1, 3e7 do n = n + i % 7 end redis.call('SET', 'n', n) return n", 0)
        until('the server serves again', lambda: self.other.call_raw('PING') == b'+PONG\r\n')
        self.assertEqual(self.runs.read_raw(), b':%s\r\n' % self.other.call('GET', 'n'))

    def test_functions_have_their_own_kill(self):
        self.other.call('FUNCTION', 'LOAD', LIBRARY)
        self.begin('FCALL', 'spin', 1, 'key', 'argument')
        self.assertEqual(self.other.call_raw('SCRIPT', 'KILL'), BUSY_FUNCTION)
        stats = decode(self.other.call_raw('FUNCTION', 'STATS'))
        running = dict(zip(stats[1][::2], stats[1][1::2]))
        self.assertEqual(running[b'name'], b'spin')
        self.assertEqual(running[b'command'], [b'FCALL', b'spin', b'1', b'key', b'argument'])
        self.assertGreaterEqual(running[b'duration_ms'], THRESHOLD_MS)
        self.assertEqual(self.other.call_raw('FUNCTION', 'KILL'), b'+OK\r\n')
        self.killed(b'FUNCTION KILL. script: spin, on @user_function:')

    def test_writes_are_undone(self):
        c = self.other
        for i in range(2000):
            c.send(['HSET', 'hash', 'f%d' % i, i], ['ZADD', 'zset', i, 'm%d' % i], ['RPUSH', 'list', i], ['SADD', 'set', i], ['SET', 'k%d' % i, i])
        for _ in range(5 * 2000):
            c.read_raw()
        c.call('PEXPIREAT', 'k1', '4102444800000')
        before, size = c.call('DEBUG', 'DIGEST'), c.call('DBSIZE')
        self.begin('EVAL', """local c = redis.call
            for i = 0, 1999, 3 do c('HDEL', 'hash', 'f'..i) c('ZREM', 'zset', 'm'..i) c('LSET', 'list', i, 'x')
                c('SPOP', 'set') c('DEL', 'k'..i) c('SET', 'new'..i, i) c('PERSIST', 'k1') end
            c('DEL', 'zset') c('RENAME', 'list', 'elsewhere') """ + LOOP, 0)
        self.assertTrue(c.call_raw('SCRIPT', 'KILL').startswith(b'-UNKILLABLE Sorry the script already executed write'))
        self.assertEqual(c.call_raw('SCRIPT', 'KILL', 'UNDO'), b'+OK\r\n')
        self.killed(b'SCRIPT KILL UNDO')
        self.assertEqual((c.call('DEBUG', 'DIGEST'), c.call('DBSIZE')), (before, size))
        self.assertEqual(c.call('PEXPIRETIME', 'k1'), 4102444800000)

    def test_the_client_goes_away(self):
        self.begin('EVAL', "redis.call('SET', 'a', 1) " + LOOP, 0)
        self.runs.close()
        stays('the script goes on', lambda: self.other.call_raw('GET', 'a') == BUSY, 0.2)
        self.assertEqual(self.other.call_raw('SCRIPT', 'KILL', 'UNDO'), b'+OK\r\n')
        until('the server serves again', lambda: self.other.call_raw('PING') == b'+PONG\r\n')
        self.assertEqual(self.other.call('EXISTS', 'a'), 0)

    def test_a_transaction_is_suspended_with_its_script(self):
        self.runs.send(['MULTI'], ['SET', 'a', '1'], ['EVAL', "redis.call('SET', 'b', 1) " + LOOP, 0], ['INCR', 'a'])
        for _ in range(4):
            self.runs.read_raw()
        self.begin('EXEC')
        self.assertEqual(self.other.call_raw('SCRIPT', 'KILL', 'UNDO'), b'+OK\r\n')
        reply = self.runs.read_raw()
        self.assertTrue(reply.startswith(b'*3\r\n+OK\r\n-ERR Script killed'), reply)
        self.assertTrue(reply.endswith(b':2\r\n'), reply)
        self.assertEqual(self.other.call('EXISTS', 'b'), 0)

    def test_a_transactions_client_goes_away(self):
        self.runs.send(['MULTI'], ['EVAL', LOOP, 0], ['CLIENT', 'INFO'], ['CLIENT', 'SETNAME', 'x'], ['SET', 'a', '1'])
        for _ in range(5):
            self.runs.read_raw()
        self.begin('EXEC')
        self.runs.close()
        stays('the transaction goes on', lambda: self.other.call_raw('GET', 'a') == BUSY, 0.2)
        self.assertEqual(self.other.call_raw('SCRIPT', 'KILL'), b'+OK\r\n')
        until('the server serves again', lambda: self.other.call_raw('PING') == b'+PONG\r\n')
        self.assertEqual(self.other.call('GET', 'a'), b'1')

    def test_nothing_expires_and_nobody_is_served_meanwhile(self):
        waits = self.connect(self.server)
        waits.send(['BLPOP', 'list', '1'])
        until('it waits', lambda: number(self.other, 'blocked_clients', 'clients') == 1)
        self.other.call('SET', 'short', '1', 'PX', '1000')
        self.begin('EVAL', "redis.call('RPUSH', 'list', 'x') " + LOOP, 0)
        stays('nobody is served', lambda: not is_answered(waits), 1.2)  # past both times
        self.assertEqual(self.other.call_raw('SCRIPT', 'KILL', 'UNDO'), b'+OK\r\n')
        self.killed(b'SCRIPT KILL UNDO')
        self.assertEqual(waits.read_raw(), b'*-1\r\n')
        until('the key has expired', lambda: self.other.call('DBSIZE') == 0)

    def test_what_was_pipelined_behind_it_follows(self):
        self.runs.send(['EVAL', 'for i = 1, 2e7 do end return 1', 0], ['SET', 'a', '1'], ['GET', 'a'], ['NOSUCH'])
        self.assertEqual([self.runs.read_raw() for _ in range(3)], [b':1\r\n', b'+OK\r\n', b'$1\r\n1\r\n'])
        self.assertTrue(self.runs.read_raw().startswith(b'-ERR unknown command'))

    def test_shutdown_nosave_ends_server_and_script(self):
        pid = self.dataplane_of(self.other)
        self.begin('EVAL', "redis.call('SET', 'a', 1) " + LOOP, 0)
        self.assertEqual(self.other.call_raw('SHUTDOWN'), BUSY)
        self.other.send(['SHUTDOWN', 'NOSAVE'])
        until('the server has ended', lambda: not alive(pid))

    def dataplane_of(self, connection):
        return int(info(connection, 'server')['process_id'])

    def test_the_threshold_can_be_changed_and_switched_off(self):
        self.assertEqual(self.other.call('CONFIG', 'GET', 'lua-time-limit'), [b'lua-time-limit', b'%d' % THRESHOLD_MS])
        self.other.call('CONFIG', 'SET', 'lua-time-limit', '0')
        self.runs.send(['EVAL', 'for i = 1, 1e8 do end return 5', 0])
        worst_s = 0
        while not is_answered(self.runs):
            start = time.monotonic()
            self.assertEqual(self.other.call_raw('PING'), b'+PONG\r\n')
            worst_s = max(worst_s, time.monotonic() - start)
        self.assertEqual(self.runs.read_raw(), b':5\r\n')
        self.assertGreater(worst_s, THRESHOLD_MS / 1000)  # so one was asked while the script ran


class SeveralShards(Case):
    COUNT = 3

    def setUp(self):
        self.server = self.start({'shards': self.COUNT, 'busy-reply-threshold': THRESHOLD_MS, 'notify-keyspace-events': 'KEA'})
        self.homes = connect_to_each(self.server, self.COUNT)
        for c in self.homes:
            self.addCleanup(c.close)
        self.names = Names(self.COUNT, 'k')
        self.keys = self.names.spread(self.COUNT)


class Undeclared(SeveralShards):
    """A script that meets a key of another shard, which it did not declare."""

    def test_from_every_shard(self):
        for runs in self.homes:
            for declared in range(self.COUNT):
                for other in range(self.COUNT):
                    a, b = self.names.on(declared), self.names.on(other)
                    script = "local n = redis.call('INCR', KEYS[1]) redis.call('RPUSH', '%s', n) return {n, redis.call('LLEN', '%s')}" % (b, b)
                    self.assertEqual(runs.call('EVAL', script, 1, a), [1, 1])  # new: all shards are held
                    self.assertEqual(runs.call('EVAL', script, 1, a), [2, 2])
                    self.assertEqual((runs.call('GET', a), runs.call('LRANGE', b, 0, -1)), (b'2', [b'1', b'2']))

    def begin_anew(self, c, script, *arguments):
        """As a script that is known, of which it is not known yet that it needs all shards."""
        c.call('SCRIPT', 'FLUSH')
        sha = c.call('SCRIPT', 'LOAD', script)
        return c.call('EVALSHA', sha, *arguments)

    def test_what_it_wrote_is_undone_before_it_begins_anew(self):
        a, b, c = self.keys
        script = """redis.call('INCR', KEYS[1]) redis.call('APPEND', KEYS[2], 'x') redis.call('RPUSH', KEYS[1]..'{'..KEYS[1]..'}', 1)
                    redis.pcall('INCR', ARGV[1]) return redis.call('INCR', ARGV[1])"""
        for turn, runs in enumerate(self.homes * 2, 1):
            self.assertEqual(self.begin_anew(runs, script, 2, a, b, c), 2 * turn)
            self.assertEqual(runs.call('MGET', a, b, c), [b'%d' % turn, b'x' * turn, b'%d' % (2 * turn)])
            self.assertEqual(runs.call('LLEN', '%s{%s}' % (a, a)), turn)

    def test_a_proxy_begins_anew_too(self):
        for runs in self.homes:
            for declared in range(self.COUNT):
                a, b = self.names.on(declared), self.names.on((declared + 1) % self.COUNT)
                script = "redis.call('INCR', KEYS[1]) return redis.call('INCR', '%s')" % b
                self.assertEqual([self.begin_anew(runs, script, 1, a), runs.call('GET', a), runs.call('GET', b)], [1, b'1', b'1'])

    def test_replies_keep_their_order(self):
        for runs in self.homes:
            for declared in range(self.COUNT):
                runs.call('FLUSHALL')
                runs.call('SCRIPT', 'FLUSH')
                a, b = self.names.on(declared), self.names.on((declared + 1) % self.COUNT)
                sha = runs.call('SCRIPT', 'LOAD', "redis.call('INCR', KEYS[1]) return redis.call('INCR', '%s')" % b)
                requests = []
                for i in range(30):
                    requests += [['SET', self.names.on(i % self.COUNT), i], ['EVALSHA', sha, 1, a], ['GET', a], ['ECHO', i]]
                runs.send(*requests)
                for i in range(30):
                    got = [runs.read_raw() for _ in range(4)]
                    n = b'%d' % (i + 1)
                    self.assertEqual(got, [b'+OK\r\n', b':' + n + b'\r\n', b'$%d\r\n%s\r\n' % (len(n), n), b'$%d\r\n%d\r\n' % (len(str(i)), i)])

    def test_commands_about_all_keys(self):
        a, b, c = self.keys
        listens = self.connect(self.server)
        listens.call('SUBSCRIBE', 'news')
        for what, expected in (("#redis.call('KEYS', '*')", 3), ("redis.call('DBSIZE')", 3), ("#redis.call('SCAN', 0, 'COUNT', 100)[2]", 3),
                               ("redis.call('PUBLISH', 'news', 'x')", 1)):
            for runs in self.homes:
                runs.call('FLUSHALL')
                runs.call('MSET', b, 1, c, 1)
                self.assertEqual(self.begin_anew(runs, "redis.call('SET', KEYS[1], 1) return " + what, 1, a), expected, what)
                self.assertEqual(runs.call('DBSIZE'), 3)
        for _ in self.homes:
            self.assertEqual(decode(listens.read_raw()), [b'message', b'news', b'x'])
        self.assertFalse(is_answered(listens))

    def test_flushing_from_within(self):
        a, b, c = self.keys
        for runs in self.homes:
            runs.call('MSET', a, 1, b, 1, c, 1)
            self.assertEqual(self.begin_anew(runs, "redis.call('SET', KEYS[1], 2) redis.call('FLUSHALL') return redis.call('DBSIZE')", 1, a), 0)
            self.assertEqual(runs.call('DBSIZE'), 0)

    def test_functions(self):
        a, b, _ = self.keys
        self.homes[0].call('FUNCTION', 'LOAD', """#!lua name=two
            redis.register_function('both', function(keys, args)
                redis.call('INCR', keys[1]) return redis.call('INCRBY', args[1], 5) end)""")
        for turn, runs in enumerate(self.homes, 1):
            self.assertEqual(runs.call('FCALL', 'both', 1, a, b), 5 * turn)
            self.assertEqual(runs.call('MGET', a, b), [b'%d' % turn, b'%d' % (5 * turn)])

    def test_nobody_hears_of_the_first_try(self):
        a, b, _ = self.keys
        script = "redis.call('SET', KEYS[1], 1) redis.call('DEL', KEYS[1]) redis.call('LPUSH', ARGV[1], 1) return 1"
        for runs in self.homes:
            runs.call('FLUSHALL')
            listeners = connect_to_each(self.server, self.COUNT)
            for listens in listeners:
                listens.call('PSUBSCRIBE', '__keyevent@0__:*')
            self.assertEqual(self.begin_anew(runs, script, 1, a, b), 1)
            runs.call('LPUSH', b, 'last')
            for listens in listeners:
                events = []
                while len(events) < 4:
                    events.append(decode(listens.read_raw())[2].split(b':')[-1])
                self.assertEqual(sorted(events), [b'del', b'lpush', b'lpush', b'set'])
                listens.send(['PING'])
                self.assertEqual(decode(listens.read_raw())[0], b'pong')
                listens.close()

    def test_watches_of_the_first_try(self):
        a, b, _ = self.keys
        for runs in self.homes:
            with self.connect(self.server) as other:
                other.call('WATCH', b)
                other.call('MULTI')
                other.call('PING')
                script = "redis.call('SET', KEYS[1], 1) redis.call('GET', ARGV[1]) return 1"
                self.assertEqual(self.begin_anew(runs, script, 1, a, b), 1)
                self.assertEqual(other.call('EXEC'), [b'PONG'])

    def test_what_cannot_be_undone_fails_once(self):
        a, b, _ = self.keys
        for runs in self.homes:
            script = "redis.call('APPEND', KEYS[1], 'x') return redis.call('INCR', ARGV[1])"
            runs.call('SET', a, 'y' * 40000)
            runs.call('DEL', b)
            with self.assertRaisesRegex(ReplyError, 'ERR Script accessed a key on another shard that it did not declare, and cannot begin anew'):
                self.begin_anew(runs, script, 1, a, b)
            self.assertEqual((runs.call('STRLEN', a), runs.call('EXISTS', b)), (40001, 0))
            self.assertEqual(runs.call('EVAL', script, 1, a, b), 1)

    def test_in_a_transaction(self):
        a, b, c = self.keys
        for runs in self.homes:
            runs.call('FLUSHALL')
            runs.call('SCRIPT', 'FLUSH')
            sha = runs.call('SCRIPT', 'LOAD', "redis.call('INCR', KEYS[1]) return redis.call('INCR', ARGV[1])")
            for request in (['MULTI'], ['INCR', a], ['EVALSHA', sha, 1, a, b], ['INCR', b]):
                runs.call(*request)
            self.assertEqual(runs.call('EXEC'), [1, 1, 2])
            self.assertEqual(runs.call('MGET', a, b, c), [b'2', b'2', None])

    def test_when_it_is_slow(self):
        a, b, _ = self.keys
        script = "redis.call('INCR', KEYS[1]) for i = 1, 1e7 do end return redis.call('INCR', ARGV[1])"
        for turn, runs in enumerate(self.homes, 1):
            self.assertEqual(self.begin_anew(runs, script, 1, a, b), turn)
            self.assertEqual(runs.call('MGET', a, b), [b'%d' % turn] * 2)

    def test_when_it_is_slow_and_its_client_has_gone(self):
        a, b, _ = self.keys
        c = self.homes[0]
        script = "redis.call('INCR', KEYS[1]) for i = 1, 3e7 do end return redis.call('INCR', ARGV[1])"
        sha = c.call('SCRIPT', 'LOAD', script)
        for home in connect_to_each(self.server, self.COUNT):
            self.addCleanup(home.close)
            home.send(['EVALSHA', sha, 1, a, b])
            until('it is slow', lambda: c.call_raw('GET', a).startswith(b'-BUSY'))
            home.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            home.close()
            until('it is over', lambda: c.call_raw('GET', a)[:1] == b'$')
            self.assertEqual(c.call('MGET', a, b), [None, None])
            c.call('SCRIPT', 'FLUSH')
            c.call('SCRIPT', 'LOAD', script)


class Held(SeveralShards):
    """A slow script with keys on two of three shards."""

    def begin(self, runs, free, script, *arguments):
        """The shard free is not concerned."""
        self.busy_keys = [key for shard, key in enumerate(self.keys) if shard != free]
        sha = self.homes[0].call('SCRIPT', 'LOAD', script)
        runs.send(['EVALSHA', sha, 2, *self.busy_keys, *arguments])
        for key in self.busy_keys:
            until('it is busy', lambda: self.probe.call_raw('GET', key) == BUSY)

    def cases(self):
        """Who runs it (shards of homes), which shard is free; runs ends before the next one."""
        for free in range(self.COUNT):
            probes = connect_to_each(self.server, self.COUNT)
            self.probe = probes[free]
            runners = connect_to_each(self.server, self.COUNT)
            for home, runs in enumerate(runners):
                yield free, home, runs, probes
                runs.close()
            for probe in probes:
                probe.close()

    def test_the_rest_goes_on(self):
        for free, home, runs, probes in self.cases():
            if home == free:
                continue  # the shard that runs it is busy, too
            self.begin(runs, free, LOOP)
            for i in range(100):
                self.assertEqual(self.probe.call_raw('SET', self.keys[free], i), b'+OK\r\n')
            self.assertEqual(self.probe.call_raw('PING'), b'+PONG\r\n')
            for key in self.busy_keys:
                self.assertEqual(self.probe.call_raw('GET', key), BUSY)
            self.assertEqual(self.probe.call_raw('MGET', *self.keys), BUSY)
            self.assertEqual(self.probe.call_raw('DBSIZE'), BUSY)
            self.assertEqual(self.probe.call_raw('SHUTDOWN'), BUSY)
            self.assertEqual(self.probe.call_raw('EVAL', 'return 1', 0), BUSY)
            for shard, probe in enumerate(probes):
                self.assertEqual(probe.call_raw('PING'), b'+PONG\r\n' if shard == free else BUSY)
            self.assertEqual(self.probe.call_raw('SCRIPT', 'KILL'), b'+OK\r\n')
            self.assertTrue(runs.read_raw().startswith(b'-ERR Script killed by user with SCRIPT KILL'))
            self.assertEqual(self.probe.call('DBSIZE'), 1)
            self.probe.call('FLUSHALL')

    def test_a_transaction_is_refused_and_ended(self):
        for free, home, runs, probes in self.cases():
            if home == free:
                continue
            self.begin(runs, free, LOOP)
            c = self.probe
            self.assertEqual(c.call_raw('WATCH', self.busy_keys[0]), b'+OK\r\n')
            self.assertEqual(c.call_raw('MULTI'), b'+OK\r\n')
            self.assertEqual(c.call_raw('SET', self.busy_keys[0], '1'), b'+QUEUED\r\n')
            reply = c.call_raw('EXEC')
            self.assertTrue(reply.startswith(b'-EXECABORT Transaction discarded because of: BUSY '), reply)
            self.assertTrue(c.call_raw('EXEC').startswith(b'-ERR EXEC without MULTI'))
            self.assertEqual(c.call_raw('SCRIPT', 'KILL'), b'+OK\r\n')
            runs.read_raw()
            self.assertEqual(c.call('MGET', *self.keys), [None] * 3)

    def test_killed_and_undone_from_every_shard(self):
        script = """for i, key in ipairs(KEYS) do redis.call('INCR', key) redis.call('DEL', key) redis.call('RPUSH', key, 1, 2)
                        redis.call('HSET', 'new{'..key..'}', 'f', 1) end """ + LOOP
        for free, home, runs, probes in self.cases():
            killer = (free + 2 * home) % self.COUNT
            c = self.homes[killer]
            c.call('FLUSHALL')
            for key in self.keys:
                c.call('SET', key, '7', 'PXAT', '4102444800000')
                c.call('ZADD', 'z{%s}' % key, '1', 'a')
            size = c.call('DBSIZE')
            self.begin(runs, free, script) if home != free else self.begin_from_free(runs, free, script)
            self.assertTrue(c.call_raw('SCRIPT', 'KILL').startswith(b'-UNKILLABLE Sorry the script already executed write'))
            self.assertEqual(c.call_raw('SCRIPT', 'KILL', 'UNDO'), b'+OK\r\n')
            self.assertTrue(runs.read_raw().startswith(b'-ERR Script killed by user with SCRIPT KILL UNDO'))
            self.assertEqual((c.call('MGET', *self.keys), c.call('DBSIZE')), ([b'7'] * 3, size))
            self.assertEqual([c.call('PEXPIRETIME', key) for key in self.keys], [4102444800000] * 3)
            self.assertEqual(c.call_raw('SCRIPT', 'KILL'), b'-NOTBUSY No scripts in execution right now.\r\n')

    def begin_from_free(self, runs, free, script):
        """The connection's own shard has none of the keys, but runs it."""
        self.busy_keys = [key for shard, key in enumerate(self.keys) if shard != free]
        sha = self.homes[0].call('SCRIPT', 'LOAD', script)
        runs.send(['EVALSHA', sha, 2, *self.busy_keys])
        until('it is busy', lambda: self.probe.call_raw('PING') == BUSY)

    def test_it_goes_on_to_its_end(self):
        script = """local n = 0 for i = 1, 1e8 do n = n + i % 7 end for _, key in ipairs(KEYS) do redis.call('SET', key, n) end return n"""
        for free, home, runs, probes in self.cases():
            if home != (free + 1) % self.COUNT:
                continue
            self.begin(runs, free, script)
            until('it serves again', lambda: self.probe.call_raw('GET', self.busy_keys[0]) != BUSY)
            n = decode(runs.read_raw())
            self.assertEqual(self.probe.call('MGET', *self.busy_keys), [b'%d' % n] * 2)
            self.probe.call('FLUSHALL')

    def test_new_ones_let_the_rest_go(self):
        """A new script has all shards at first, for each is to know it."""
        a, b, c = self.keys
        runs = self.homes[0]
        runs.send(['EVAL', "redis.call('SET', KEYS[1], 1) redis.call('SET', KEYS[2], 1) " + LOOP, 2, a, b])
        free = self.homes[2]
        until('it is busy', lambda: free.call_raw('GET', b) == BUSY)
        self.assertEqual(free.call_raw('SET', c, 1), b'+OK\r\n')
        self.assertEqual(free.call_raw('SCRIPT', 'KILL', 'UNDO'), b'+OK\r\n')
        self.assertTrue(runs.read_raw().startswith(b'-ERR Script killed'))
        self.assertEqual(free.call('MGET', a, b, c), [None, None, b'1'])

    def test_all_shards_in_a_transaction(self):
        a, b, c = self.keys
        runs, other = self.homes[1], self.homes[2]
        runs.send(['MULTI'], ['SET', a, '1'], ['EVAL', "redis.call('SET', KEYS[1], 1) " + LOOP, 1, b], ['INCR', a], ['SET', c, '5'])
        for _ in range(5):
            runs.read_raw()
        runs.send(['EXEC'])
        until('it is busy', lambda: other.call_raw('PING') == BUSY)
        self.assertEqual(other.call_raw('SCRIPT', 'KILL', 'UNDO'), b'+OK\r\n')
        reply = runs.read_raw()
        self.assertTrue(reply.startswith(b'*4\r\n+OK\r\n-ERR Script killed'), reply)
        self.assertTrue(reply.endswith(b':2\r\n+OK\r\n'), reply)
        self.assertEqual(other.call('MGET', a, b, c), [b'2', None, b'5'])

    def test_the_client_goes_away(self):
        for free, home, runs, probes in self.cases():
            if home == free:
                continue
            self.begin(runs, free, "redis.call('SET', KEYS[1], 1) redis.call('SET', KEYS[2], 1) " + LOOP)
            runs.close()
            stays('it goes on', lambda: self.probe.call_raw('GET', self.busy_keys[1]) == BUSY, 0.1)
            self.assertEqual(self.probe.call_raw('SCRIPT', 'KILL', 'UNDO'), b'+OK\r\n')
            until('all serve again', lambda: self.probe.call_raw('DBSIZE') == b':0\r\n')

    def test_who_waits_is_served_after_it(self):
        free, (a, b) = 2, self.keys[:2]
        waiters = [self.connect(self.server) for _ in range(4)]
        for i, waits in enumerate(waiters):
            waits.send(['BLPOP', (a, b)[i % 2], 0])
        until('they wait', lambda: number(self.homes[2], 'blocked_clients', 'clients') == 4)
        self.probe = self.homes[free]
        script = "for _, key in ipairs(KEYS) do redis.call('RPUSH', key, 1, 2) end for i = 1, 2e8 do end return 1"
        self.begin(self.homes[0], free, script)
        self.assertFalse(any(map(is_answered, waiters)))
        self.assertEqual(self.homes[0].read_raw(), b':1\r\n')
        for waits in waiters:
            self.assertIn(decode(waits.read_raw())[1], (b'1', b'2'))

    def test_functions_have_their_own_kill(self):
        self.homes[0].call('FUNCTION', 'LOAD', LIBRARY)
        free = self.homes[2]
        self.homes[0].send(['FCALL', 'spin', 2, *self.keys[:2]])
        until('it is busy', lambda: free.call_raw('GET', self.keys[1]) == BUSY_FUNCTION)
        self.assertEqual(decode(free.call_raw('FUNCTION', 'STATS'))[1][1], b'spin')
        self.assertEqual(free.call_raw('SCRIPT', 'KILL'), BUSY_FUNCTION)
        self.assertEqual(free.call_raw('FUNCTION', 'KILL'), b'+OK\r\n')
        self.assertTrue(self.homes[0].read_raw().startswith(b'-ERR Script killed by user with FUNCTION KILL'))

    def test_two_at_once(self):
        """Of different shards: each is ended, and neither shard hears of the other's."""
        a, b, c = self.keys
        first, second = self.homes[0], self.homes[1]
        load = self.homes[2].call('SCRIPT', 'LOAD', "redis.call('SET', KEYS[1], 1) " + LOOP)
        first.send(['EVALSHA', load, 1, a])
        second.send(['EVALSHA', load, 1, b])
        for key in (a, b):
            until('it is busy', lambda: self.homes[2].call_raw('GET', key) == BUSY)
        self.assertEqual(self.homes[2].call_raw('SET', c, 1), b'+OK\r\n')
        self.assertEqual(self.homes[2].call_raw('SCRIPT', 'KILL', 'UNDO'), b'+OK\r\n')
        for runs in (first, second):
            self.assertTrue(runs.read_raw().startswith(b'-ERR Script killed'))
        self.assertEqual(self.homes[2].call('MGET', a, b, c), [None, None, b'1'])

    def shut_down(self, how):
        pid = int(info(self.homes[0], 'server')['process_id'])
        self.homes[0].send(how)
        until('it is busy', lambda: self.homes[2].call_raw('GET', self.keys[1]) == BUSY)
        self.homes[2].send(['SHUTDOWN', 'NOSAVE'])
        until('the server has ended', lambda: not alive(pid))

    def test_shutdown_nosave_ends_server_and_script(self):
        self.shut_down(['EVAL', "for _, key in ipairs(KEYS) do redis.call('RPUSH', key, 1) end " + LOOP, 2, *self.keys[:2]])

    def test_shutdown_nosave_ends_a_transaction(self):
        self.homes[0].send(['MULTI'], ['SET', self.keys[0], '1'], ['EVAL', "redis.call('SET', KEYS[1], 1) " + LOOP, 1, self.keys[1]])
        for _ in range(3):
            self.homes[0].read_raw()
        pid = int(info(self.homes[2], 'server')['process_id'])
        self.homes[0].send(['EXEC'])
        until('it is busy', lambda: self.homes[2].call_raw('PING') == BUSY)
        self.homes[2].send(['SHUTDOWN', 'NOSAVE'])
        until('the server has ended', lambda: not alive(pid))


class Kept(Case):
    def test_memory_of_scripts_is_told_and_given_back(self):
        c = self.connect(self.start())
        for i in range(3000):
            c.send(['EVAL', 'return "%d"' % i + ' ' * 100, 0])
        for _ in range(3000):
            c.read_raw()
        full = info(c, 'memory')
        self.assertEqual(full['number_of_cached_scripts'], '3000')
        self.assertGreater(int(full['used_memory_scripts_eval']), 3000 * 100)
        self.assertGreater(int(full['used_memory_vm_eval']), 100000)
        c.call('SCRIPT', 'FLUSH', 'ASYNC')
        until('it is given back', lambda: number(c, 'used_memory', 'memory') < int(full['used_memory']) - 1000000)
        self.assertEqual(info(c, 'memory')['number_of_cached_scripts'], '0')


class Functions(Case):
    def test_payloads_go_both_ways(self):
        with RedisServer() as redis, redis.connect() as theirs:
            ours = self.connect(self.start())
            for maker, taker in ((ours, theirs), (theirs, ours)):
                maker.call('FUNCTION', 'FLUSH')
                taker.call('FUNCTION', 'FLUSH')
                maker.call('FUNCTION', 'LOAD', LIBRARY)
                maker.call('FUNCTION', 'LOAD', "#!lua name=second\nredis.register_function('two', function() return 2 end)")
                payload = maker.call('FUNCTION', 'DUMP')
                self.assertEqual(taker.call('FUNCTION', 'RESTORE', payload), b'OK')
                self.assertEqual(taker.call('FCALL', 'put', 1, 'k', 'v'), b'OK')
                self.assertEqual(taker.call('FCALL_RO', 'look', 1, 'k'), b'v')
                self.assertEqual(taker.call('FCALL', 'two', 0), 2)
                with self.assertRaisesRegex(ReplyError, 'already exists'):
                    taker.call('FUNCTION', 'RESTORE', payload)
                listed = [sorted(map(repr, c.call('FUNCTION', 'LIST', 'LIBRARYNAME', 'second', 'WITHCODE')[0])) for c in (ours, theirs)]
                self.assertEqual(*listed)


if __name__ == '__main__':
    main()
