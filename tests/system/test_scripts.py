#!/usr/bin/env python3
"""Scripts on a real server: what others get while one takes long, ending it, undoing what it wrote; and functions
between Penstock and redis-server.

    test_scripts.py [Class.test ...]       $PENSTOCK_BUILD: the build folder
"""
import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import Case, alive, info, main, number, until  # noqa: E402
from penstock import RedisServer, ReplyError, decode  # noqa: E402

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
        self.assertIn('Slow script detected: still in execution after', self.server.log())
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
        time.sleep(0.2)
        self.assertEqual(self.other.call_raw('GET', 'a'), BUSY)
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
        time.sleep(0.2)
        self.assertEqual(self.other.call_raw('SCRIPT', 'KILL'), b'+OK\r\n')
        until('the server serves again', lambda: self.other.call_raw('PING') == b'+PONG\r\n')
        self.assertEqual(self.other.call('GET', 'a'), b'1')

    def test_nothing_expires_and_nobody_is_served_meanwhile(self):
        waits = self.connect(self.server)
        waits.send(['BLPOP', 'list', '0.3'])
        self.other.call('SET', 'short', '1', 'PX', '200')
        self.begin('EVAL', "redis.call('RPUSH', 'list', 'x') " + LOOP, 0)
        time.sleep(0.6)
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
        got = []
        thread = threading.Thread(target=lambda: got.append(self.runs.call('EVAL', 'for i = 1, 3e7 do end return 5', 0)))
        thread.start()
        time.sleep(0.05)
        self.assertEqual(self.other.call_raw('PING'), b'+PONG\r\n')
        thread.join()
        self.assertEqual(got, [5])


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
