#!/usr/bin/env python3
"""What an operator looks at: SLOWLOG, LATENCY, MEMORY and INFO of a running server, and active defragmentation."""
import os
import random
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import Case, info, main, until  # noqa: E402
from penstock import RedisServer, ReplyError, encode  # noqa: E402

KEYS, COLLECTIONS, ELEMENTS = 200000, 100, 600
# For one client in Python on a machine that others use too: far below what a copy of the heap at once would take.
GET_BOUND_S = 0.05
REDIS_WORDS = ('everything', 'server', 'clients', 'memory', 'stats', 'replication', 'cpu', 'persistence')


def pipeline(c, commands, batch=500):
    """Sends commands in batches; nothing may be an error."""
    waiting = []

    def flush():
        c.socket.sendall(b''.join(waiting))
        for _ in waiting:
            reply = c.read_raw()
            if reply[:1] == b'-':
                raise ReplyError(reply.decode())
        waiting.clear()

    for command in commands:
        waiting.append(encode(command))
        if len(waiting) == batch:
            flush()
    flush()


def fields(text):
    return [line.split(':')[0] for line in text.decode().split('\r\n') if ':' in line]


def entries(c, count=-1):
    """SLOWLOG's entries: (command, executed us, waited us)."""
    return [(b' '.join(e[3]), e[2], e[6]) for e in c.call('SLOWLOG', 'GET', count)]


class Slow(Case):
    def test_wait_and_execution_are_told_apart(self):
        server = self.start({'enable-debug-command': 'yes'})
        with server.connect() as c:
            c.call('CLIENT', 'SETNAME', 'operator')
            c.send(('DEBUG', 'SLEEP', '0.1'), ('DEBUG', 'SLEEP', '0.1'), ('GET', 'key'))
            for _ in range(3):
                c.read_raw()
            log = c.call('SLOWLOG', 'GET')
            slept = [e for e in log if e[3][0] == b'DEBUG']
            self.assertEqual(len(slept), 2)
            for e in slept:
                self.assertEqual(e[5], b'operator')
                self.assertGreaterEqual(e[2], 100000)
                self.assertEqual(e[2], e[7])
            # The second waited for the first, and so did the GET, which shows for its wait alone, if one of them does.
            self.assertGreaterEqual(max(e[6] for e in log), 100000)
            self.assertLess(min(e[6] for e in slept), 100000)

    def test_settings_take_effect_at_once(self):
        with self.start().connect() as c:
            c.call('CONFIG', 'SET', 'slowlog-log-slower-than', 0)
            c.call('SLOWLOG', 'RESET')
            c.call('SET', 'k', 'v')
            self.assertEqual([e[0] for e in entries(c)], [b'SET k v', b'SLOWLOG RESET'])
            c.call('CONFIG', 'SET', 'slowlog-max-len', 2)
            self.assertEqual(c.call('SLOWLOG', 'LEN'), 2)
            c.call('CONFIG', 'SET', 'slowlog-log-slower-than', -1)
            c.call('SLOWLOG', 'RESET')
            c.call('GET', 'k')
            self.assertEqual(c.call('SLOWLOG', 'LEN'), 0)

    def test_transactions_and_scripts_show_what_they_run(self):
        with self.start({'slowlog-log-slower-than': 0}).connect() as c:
            c.call('SLOWLOG', 'RESET')  # of those who looked whether the server is there
            for command in (('MULTI',), ('SET', 'a', 1), ('EXEC',)):
                c.call(*command)
            c.call('EVAL', "return redis.call('get', 'a')", 0)
            shown = [e[0] for e in entries(c)]
            self.assertIn(b'SET a 1', shown)
            self.assertIn(b'get a', shown)
            self.assertIn(b"EVAL return redis.call('get', 'a') 0", shown)
            self.assertNotIn(b'EXEC', shown)
            address = c.call('SLOWLOG', 'GET', 1)[0][4]
            self.assertTrue(all(e[4] == address for e in c.call('SLOWLOG', 'GET', -1)), 'all are this client')

    def test_a_long_command_counts_its_slices_only(self):
        with self.start({'slowlog-log-slower-than': 0}).connect() as c:
            pipeline(c, (('SET', f'key:{i}', i) for i in range(200000)))
            c.call('SLOWLOG', 'RESET')
            c.send(('KEYS', '*'))
            c.read_raw()
            command, executed, _ = entries(c, 1)[0]
            self.assertEqual(command, b'KEYS *')
            self.assertGreater(executed, 1000)

    def test_no_secret_shows(self):
        with self.start({'slowlog-log-slower-than': 0}).connect() as c:
            for command in (('AUTH', 'hush'), ('AUTH', 'user', 'hush'), ('HELLO', '3', 'AUTH', 'user', 'hush'),
                            ('CONFIG', 'SET', 'masterauth', 'hush'), ('CONFIG', 'SET', 'requirepass', 'hush'),
                            ('ACL', 'SETUSER', 'joe', '>hush')):
                c.call_raw(*command)
            shown = b' '.join(e[0] for e in entries(c))
            self.assertIn(b'(redacted)', shown)
            self.assertNotIn(b'hush', shown)


class Latency(Case):
    def test_events_have_a_history(self):
        server = self.start({'enable-debug-command': 'yes', 'latency-monitor-threshold': 20})
        with server.connect() as c:
            c.call('DEBUG', 'SLEEP', '0.05')
            c.call('DEBUG', 'SLEEP', '0.03')
            latest = {e[0]: e for e in c.call('LATENCY', 'LATEST')}
            self.assertGreaterEqual(latest[b'command'][3], 50)
            self.assertGreaterEqual(latest[b'turn'][3], 50)
            history = c.call('LATENCY', 'HISTORY', 'command')
            self.assertGreaterEqual(max(ms for _, ms in history), 50)
            graph = c.call('LATENCY', 'GRAPH', 'command')
            self.assertTrue(graph.startswith(b'command - high '), graph)
            self.assertIn(b'SLOWLOG', c.call('LATENCY', 'DOCTOR'))
            self.assertGreaterEqual(c.call('LATENCY', 'RESET'), 2)

    def test_histograms_count_every_call(self):
        with self.start().connect() as c:
            pipeline(c, (('SET', 'k', i) for i in range(1000)))
            c.call('CONFIG', 'GET', 'port')
            name, (_, calls, _, steps) = c.call('LATENCY', 'HISTOGRAM', 'set')
            self.assertEqual((name, calls, steps[-1]), (b'set', 1000, 1000))
            redis_steps = {(1024 * 2**i + 8 * 2**i - 1) // 1000 for i in range(30)}
            self.assertLessEqual(set(steps[::2]), redis_steps)
            self.assertEqual(steps[1::2], sorted(steps[1::2]))
            self.assertEqual(c.call('LATENCY', 'HISTOGRAM', 'config')[0], b'config|get')
            c.call('CONFIG', 'SET', 'latency-tracking-info-percentiles', '50 99.9')
            shown = c.call('INFO', 'latencystats').decode()
            self.assertRegex(shown, r'latency_percentiles_usec_set:p50=\d+\.\d{3},p99\.9=\d+\.\d{3}\r\n')
            c.call('CONFIG', 'RESETSTAT')
            self.assertEqual(c.call('LATENCY', 'HISTOGRAM', 'set'), [])


class Info(Case):
    def test_has_every_field_that_redis_has(self):
        mine = self.start()
        theirs = RedisServer()
        self.addCleanup(theirs.close)
        theirs.start()
        with mine.connect() as a, theirs.connect() as b:
            for c in (a, b):
                c.call('SET', 'k', 'v')
                c.call_raw('NOSUCH')
            for words in ((w,) for w in REDIS_WORDS):
                self.assertEqual(set(fields(b.call('INFO', *words))) - set(fields(a.call('INFO', *words))), set(), words)
            theirs_stats = b.call('MEMORY', 'STATS')[::2]
            self.assertEqual(a.call('MEMORY', 'STATS')[::2][:len(theirs_stats)], theirs_stats)

    def test_is_cheap(self):
        with self.start().connect() as c:
            pipeline(c, (('SET', f'k{i}', i) for i in range(10000)))
            c.call('CONFIG', 'RESETSTAT')
            for _ in range(50):
                c.call('INFO')
                c.call('INFO', 'everything')
            line = re.search(rb'cmdstat_info:calls=100,usec=(\d+)', c.call('INFO', 'commandstats'))
            self.assertLess(int(line[1]) / 100, 2000, 'microseconds for one INFO')


class Memory(Case):
    def test_usage_is_what_the_heap_gives_for_it(self):
        with self.start().connect() as c:
            before = int(info(c, 'memory')['used_memory_dataset'])
            pipeline(c, (('SADD', 'set', *(f'member:{i + j}' for j in range(100))) for i in range(0, 20000, 100)))
            c.call('SET', 'blob', 'x' * 100000)
            told = c.call('MEMORY', 'USAGE', 'set', 'SAMPLES', 0) + c.call('MEMORY', 'USAGE', 'blob')
            real = int(info(c, 'memory')['used_memory_dataset']) - before
            self.assertLess(abs(told - real) / real, 0.1)

    def test_purge_and_reports_answer(self):
        with self.start().connect() as c:
            self.assertEqual(c.call('MEMORY', 'PURGE'), b'OK')
            self.assertIn(b'too little data', c.call('MEMORY', 'DOCTOR'))
            self.assertGreater(len(c.call('MEMORY', 'MALLOC-STATS')), 20)

    def test_purge_gives_pages_back_without_a_stall(self):
        with self.start().connect() as c:
            pipeline(c, (('SET', f'k{i}', 'x' * 4000) for i in range(20000)))
            c.call('FLUSHALL')
            until('all is freed', lambda: int(info(c, 'memory')['used_memory_dataset']) == 0)
            c.call('MEMORY', 'PURGE')
            began = time.monotonic()
            c.call('PING')
            self.assertLess(time.monotonic() - began, GET_BOUND_S)
            until('the pages are given back', lambda: int(info(c, 'memory')['allocator_resident']) < 40 << 20)


class Defragmentation(Case):
    def fill(self, c):
        chance = random.Random(1)
        pipeline(c, (('SET', f'key:{i}', 'x' * chance.randint(20, 120)) for i in range(KEYS)))
        pipeline(c, (('SET', f'timed:{i}', i, 'EX', 100000) for i in range(KEYS // 10)))
        pipeline(c, (('SET', f'blob:{i}', 'x' * chance.randint(1100, 3000)) for i in range(KEYS // 50)))
        for n in range(COLLECTIONS):
            pipeline(c, [('SADD', f'set:{n}', *(f'm{i}' for i in range(ELEMENTS))),
                         ('RPUSH', f'list:{n}', *('e' * chance.randint(1, 60) for _ in range(ELEMENTS))),
                         ('ZADD', f'zset:{n}', *(w for i in range(ELEMENTS) for w in (i, f'm{i}'))),
                         ('HSET', f'hash:{n}', *(w for i in range(ELEMENTS) for w in (f'f{i}', i)))])
            pipeline(c, (('XADD', f'stream:{n}', '*', 'f', 'v' * 50) for _ in range(100)))
        pipeline(c, (('SADD', 'giant', *(f'm{i}:{j}' for j in range(1000))) for i in range(100)))
        pipeline(c, (('DEL', f'key:{i}') for i in range(KEYS) if chance.random() < 0.9))
        pipeline(c, (('DEL', f'timed:{i}') for i in range(KEYS // 10) if chance.random() < 0.9))
        pipeline(c, (('DEL', f'blob:{i}') for i in range(KEYS // 50) if chance.random() < 0.9))
        pipeline(c, (('DEL', f'{kind}:{n}') for n in range(COLLECTIONS) if chance.random() < 0.9
                     for kind in ('set', 'list', 'zset', 'hash', 'stream')))
        pipeline(c, (('SREM', 'giant', *(f'm{i}:{j}' for j in range(1000) if chance.random() < 0.9)) for i in range(100)))

    def test_wins_pages_back_and_changes_nothing(self):
        with self.start({'enable-debug-command': 'yes', 'active-defrag-ignore-bytes': '1mb'}).connect() as c:
            try:
                c.call('CONFIG', 'SET', 'activedefrag', 'yes')
            except ReplyError as error:  # with sanitizers there is no jemalloc
                self.assertIn('Active defragmentation cannot be enabled', str(error))
                return
            c.call('CONFIG', 'SET', 'activedefrag', 'no')
            self.fill(c)
            until('the dead are freed', lambda: info(c, 'memory')['lazyfree_pending_objects'] == '0')
            before = info(c, 'memory')
            digest = c.call('DEBUG', 'DIGEST')
            self.assertGreater(float(before['allocator_frag_ratio']), 2)
            c.call('CONFIG', 'SET', 'activedefrag', 'yes', 'active-defrag-cycle-max', 50)
            worst = self.ask_until_done(c)
            after, stats = info(c, 'memory'), info(c, 'stats')
            print(f"ratio {before['allocator_frag_ratio']} to {after['allocator_frag_ratio']}, moved "
                  f"{stats['active_defrag_hits']} of {stats['active_defrag_key_hits']} keys in "
                  f"{stats['total_active_defrag_time']} ms, p99.9 of the GETs meanwhile {worst * 1e3:.1f} ms")
            self.assertLess(float(after['allocator_frag_ratio']), 1.4)
            self.assertEqual(before['used_memory_dataset'], after['used_memory_dataset'])
            self.assertEqual(c.call('DEBUG', 'DIGEST'), digest)
            self.assertGreater(int(stats['active_defrag_key_hits']), KEYS // 20)
            self.assertGreater(int(stats['active_defrag_misses']), 0)
            self.assertLess(worst, GET_BOUND_S)

    def ask_until_done(self, c):
        """GETs until it has run and stopped; what all but one in a thousand of them took, in seconds."""
        times = []

        def is_done():
            for i in range(200):
                began = time.perf_counter()
                c.call('GET', f'key:{i}')
                times.append(time.perf_counter() - began)
            return (int(info(c, 'stats')['total_active_defrag_time']) > 0
                    and info(c, 'memory')['active_defrag_running'] == '0')

        until('defragmentation has run', is_done)
        return sorted(times)[int(len(times) * 0.999)]


if __name__ == '__main__':
    main()
