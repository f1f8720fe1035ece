#!/usr/bin/env python3
"""Administration of a running server: what CLIENT, CONFIG, DEBUG, INFO, AUTH and SHUTDOWN do to connections, listeners
and processes, as far as a single command's reply cannot show it.
"""
import os
import unittest

from kit import Prober, alive, until
from penstock import Connection, Penstock, ReplyError, decode, free_port

SLEEP_S = 0.3


def is_closed(connection):
    """Reads until the server's end; replies on the way are dropped."""
    try:
        while True:
            connection.read_raw()
    except (EOFError, ConnectionError):
        return True


def info(connection, *sections):
    text = connection.call('INFO', *sections).decode()
    return dict(line.split(':', 1) for line in text.split('\r\n') if ':' in line)


class Admin(unittest.TestCase):
    def setUp(self):
        self.server = Penstock({'enable-debug-command': 'yes'}).start()
        self.addCleanup(self.server.close)
        self.c = self.server.connect()
        self.addCleanup(self.c.close)

    def connect(self):
        c = self.server.connect()
        self.addCleanup(c.close)
        return c

    def test_kill_closes_the_connection_and_no_other(self):
        victim, bystander = self.connect(), self.connect()
        number = victim.call('CLIENT', 'ID')
        self.assertEqual(self.c.call('CLIENT', 'KILL', 'ID', number), 1)
        self.assertTrue(is_closed(victim))
        self.assertEqual(bystander.call('PING'), b'PONG')
        self.assertNotIn(b'id=%d ' % number, self.c.call('CLIENT', 'LIST'))

    def test_kill_of_oneself_is_answered_first(self):
        c = self.connect()
        c.send(['CLIENT', 'KILL', 'ID', c.call('CLIENT', 'ID'), 'SKIPME', 'no'], ['SET', 'k', 'v'])
        self.assertEqual(decode(c.read_raw()), 1)
        self.assertTrue(is_closed(c))
        self.assertEqual(self.c.call('EXISTS', 'k'), 0)  # what came behind it did not run

    def test_quit_is_answered_and_ends_the_pipeline(self):
        c = self.connect()
        c.send(['SET', 'a', '1'], ['QUIT'], ['SET', 'a', '2'])
        self.assertEqual([c.read_raw(), c.read_raw()], [b'+OK\r\n', b'+OK\r\n'])
        self.assertTrue(is_closed(c))
        self.assertEqual(self.c.call('GET', 'a'), b'1')

    def test_a_new_password_is_for_new_connections(self):
        self.c.call('CONFIG', 'SET', 'requirepass', 's3cret "x"')
        self.assertEqual(self.c.call('PING'), b'PONG')
        c = self.connect()
        with self.assertRaisesRegex(ReplyError, 'NOAUTH'):
            c.call('PING')
        with self.assertRaisesRegex(ReplyError, 'WRONGPASS'):
            c.call('AUTH', 's3cret')
        c.call('AUTH', 'default', 's3cret "x"')
        self.assertEqual(c.call('PING'), b'PONG')
        self.assertEqual(info(self.c, 'stats')['acl_access_denied_auth'], '1')

    def test_pipelined_requests_wait_for_the_login_before_them(self):
        self.c.call('CONFIG', 'SET', 'requirepass', 'x')
        c = self.connect()
        c.send(['GET', 'k'], ['AUTH', 'x'], ['SET', 'k', 'v' * 20000], ['STRLEN', 'k'])
        replies = [c.read_raw() for _ in range(4)]
        self.assertEqual(replies[0][:7], b'-NOAUTH')
        self.assertEqual(replies[1:], [b'+OK\r\n', b'+OK\r\n', b':20000\r\n'])

    def test_config_set_port_moves_the_listener(self):
        port = free_port()
        self.c.call('CONFIG', 'SET', 'port', port)
        with Connection(('127.0.0.1', port)) as c:
            self.assertEqual(c.call('PING'), b'PONG')
            self.assertEqual(info(c, 'server')['tcp_port'], str(port))
        with self.assertRaises(OSError):
            self.server.connect()
        self.assertEqual(self.c.call('PING'), b'PONG')

    def test_config_set_of_a_busy_port_changes_nothing(self):
        with Penstock() as other:
            with self.assertRaisesRegex(ReplyError, "argument 'port'"):
                self.c.call('CONFIG', 'SET', 'port', other.port)
        self.assertEqual(self.c.call('CONFIG', 'GET', 'port'), [b'port', b'%d' % self.server.port])
        self.assertEqual(self.connect().call('PING'), b'PONG')

    def test_config_get_can_be_set_again(self):
        values = self.c.call('CONFIG', 'GET', '*')
        taken = 0
        for name, value in zip(values[::2], values[1::2]):
            try:
                self.c.call('CONFIG', 'SET', name, value)
                taken += 1
            except ReplyError as error:
                self.assertRegex(str(error), "can't set (immutable|protected) config", name)
        self.assertGreater(taken, 100)

    def test_settings_survive_a_crash_of_the_dataplane(self):
        self.c.call('CONFIG', 'SET', 'maxmemory', '1gb', 'requirepass', 'a b\n', 'bind-source-addr', '50\n99')
        before = info(self.c, 'server')
        self.c.send(['DEBUG', 'SEGFAULT'])
        self.assertTrue(is_closed(self.c))

        def again():
            try:
                c = self.connect()
                c.call('AUTH', 'a b\n')
                return c
            except (OSError, EOFError):
                return None
        c = until('the dataplane is back', again)
        self.assertEqual(c.call('CONFIG', 'GET', 'maxmemory'), [b'maxmemory', b'1073741824'])
        self.assertEqual(c.call('CONFIG', 'GET', 'bind-source-addr')[1], b'50\n99')
        after = info(c, 'server')
        self.assertNotEqual(after['process_id'], before['process_id'])
        self.assertEqual(after['penstock_control_process_id'], before['penstock_control_process_id'])
        self.assertEqual(after['penstock_dataplane_restarts'], '1')
        self.assertEqual(after['run_id'], before['run_id'])

    def test_sleep_stalls_everybody(self):
        with Prober(self.server) as prober:
            prober.wait_answers()
            self.assertEqual(self.c.call('DEBUG', 'SLEEP', SLEEP_S), b'OK')
            prober.wait_answers()
        # It asks every few milliseconds, so one of its requests waited for most of the sleep.
        self.assertGreaterEqual(prober.worst_s, SLEEP_S * 0.5)

    def test_info_follows_what_happens(self):
        first = info(self.c, 'everything')
        for i in range(50):
            self.c.call('SET', 'k%d' % i, 'x' * 1000)
        self.c.call('GET', 'k1')
        self.c.call('GET', 'absent')
        with self.assertRaises(ReplyError):
            self.c.call('INCR', 'k1')
        self.connect().call('PING')
        last = info(self.c, 'everything')
        grown = {f: int(last[f]) - int(first.get(f, 0)) for f in
                 ('total_commands_processed', 'keyspace_hits', 'keyspace_misses', 'total_error_replies', 'total_connections_received',
                  'connected_clients', 'rdb_changes_since_last_save')}
        self.assertEqual(grown, {'total_commands_processed': 55, 'keyspace_hits': 1, 'keyspace_misses': 1, 'total_error_replies': 1,
                                 'total_connections_received': 1, 'connected_clients': 1, 'rdb_changes_since_last_save': 50})
        self.assertGreater(int(last['used_memory_dataset']) - int(first['used_memory_dataset']), 50 * 1000)
        self.assertTrue(last['db0'].startswith('keys=50,expires=0'))
        self.assertTrue(last['cmdstat_set'].startswith('calls=50,'))
        self.assertEqual(last['errorstat_ERR'], 'count=1')
        shares = [float(v.rsplit('share=', 1)[1]) for k, v in last.items() if k.startswith('time_') and 'share=' in v]
        self.assertAlmostEqual(sum(shares), 100, delta=1)

    def test_shutdown_ends_both_processes(self):
        pids = [int(info(self.c, 'server')[f]) for f in ('process_id', 'penstock_control_process_id')]
        self.c.send(['SHUTDOWN', 'SAVE'])
        self.assertTrue(is_closed(self.c))
        self.assertEqual(self.server.process.wait(10), 0)
        until('the dataplane is gone', lambda: not any(map(alive, pids)))


if __name__ == '__main__':
    os.environ.setdefault('PYTHONUNBUFFERED', '1')
    unittest.main()
