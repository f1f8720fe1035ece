#!/usr/bin/env python3
"""Commands over half a million keys or elements: other clients are served meanwhile, write to the very same keys, and
the reply is still that of one moment.

A collection holds the integers of a window, SIZE wide; a writer adds the next one at its end and takes the oldest away,
again and again. So whatever one moment's content is, it is a range without a gap, of SIZE or SIZE + 1 numbers.

With several shards (--shards N), too: giants of one command are on one shard, by their hash tags; KEYS is about all.
"""
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import Case, info, main, number, until  # noqa: E402
from penstock import Connection  # noqa: E402

SIZE, CHUNK = 500000, 5000
PING_BOUND_S, ATTEMPTS, PINGS_AT_LEAST = 0.05, 3, 20
SLACK_BYTES = 1 << 20

# How a collection gets its next number, and how it loses its oldest one. {0} is the number.
WINDOWS = {
    'list': ('RPUSH list {0}', 'LPOP list'),
    'set': ('SADD set {0}', 'SREM set {0}'),
    'hash': ('HSET hash {0} {0}', 'HDEL hash {0}'),
    'zset': ('ZADD zset {0} {0}', 'ZREM zset {0}'),
    'stream': ('XADD stream {0}-1 f {0}', 'XDEL stream {0}-1'),
    'keys': ('SET k{0} v', 'DEL k{0}'),
}
# The command; the lines of the reply that an element has, and which of them is the number.
READERS = {
    'LRANGE list 0 -1': ('list', 2, 1), 'SORT list': ('list', 2, 1), 'SMEMBERS set': ('set', 2, 1), 'SUNION set {set}absent': ('set', 2, 1),
    'SORT set': ('set', 2, 1), 'HGETALL hash': ('hash', 4, 1), 'HVALS hash': ('hash', 2, 1), 'ZRANGE zset 0 -1': ('zset', 2, 1),
    'ZRANGE zset -inf +inf BYSCORE WITHSCORES': ('zset', 4, 3), 'XRANGE stream - +': ('stream', 8, 7), 'KEYS k*': ('keys', 2, 1),
}


def read_numbers(connection, lines_each, line_at):
    """The numbers of a big reply, which is read as lines: nothing in it has line ends of its own."""
    head = connection._take_line()
    if head[:1] != b'*':
        raise AssertionError(head)
    parts, rest = [], connection.buffer[connection.at:]
    connection.buffer, connection.at = b'', 0
    per_item = 2 if lines_each == 4 else 1  # flat pairs count twice
    missing = int(head[1:]) // per_item * lines_each - rest.count(b'\n')
    parts.append(rest)
    while missing > 0:
        more = connection.socket.recv(1 << 20)
        if not more:
            raise EOFError
        missing -= more.count(b'\n')
        parts.append(more)
    lines = b''.join(parts).split(b'\r\n')
    return [int(text.lstrip(b'k')) for text in lines[line_at:-1:lines_each]]


class Writer:
    """Moves windows along while the block runs."""

    def __init__(self, connection, positions, names):
        self.connection, self.positions, self.names = connection, positions, names
        self.ending, self.turns, self.error = threading.Event(), 0, None
        self.thread = threading.Thread(target=self.work)

    def work(self):
        try:
            while not self.ending.is_set():
                for name in self.names:
                    low, high = self.positions[name]
                    add, take = WINDOWS[name]
                    self.connection.call(*add.format(high).split())
                    self.connection.call(*take.format(low).split())
                    self.positions[name] = [low + 1, high + 1]
                self.turns += 1
        except Exception as e:
            self.error = e

    def __enter__(self):
        self.thread.start()
        until('the writer writes', lambda: self.turns > 3 or self.error)
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()
        if self.error:
            raise self.error


class Pinger:
    """Another process, as this one is busy with replies: its longest PING while the block runs."""

    def __init__(self, server):
        self.server, self.worst_s, self.count = server, 0.0, 0

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, os.path.abspath(__file__), '--ping', self.server.host, str(self.server.port)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdout.readline()
        return self

    def __exit__(self, *_):
        out, _ = self.process.communicate()
        worst, count = out.split()
        self.worst_s, self.count = float(worst), int(count)


def ping(host, port):
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    worst, count = 0.0, 0
    with Connection((host, int(port))) as c:
        c.call('PING')
        print('ready', flush=True)
        while not ended.is_set():
            start = time.monotonic()
            c.call('PING')
            worst, count = max(worst, time.monotonic() - start), count + 1
            ended.wait(0.001)
    print(worst, count)


class LongCommands(Case):
    def fill(self, connection, name, add=None, size=SIZE):
        add = (add or WINDOWS[name][0]).split()
        requests = range(1, size + 1)
        for first in range(0, size, CHUNK):
            part = requests[first:first + CHUNK]
            if add[0] in ('RPUSH', 'SADD', 'HSET', 'ZADD'):
                connection.call(*add[:2], *[w.format(n) for n in part for w in add[2:]])
            else:
                connection.send(*[[w.format(n) for w in add] for n in part])
                for _ in part:
                    connection.read_raw()

    def expect_window(self, numbers, what):
        low, high, count = min(numbers), max(numbers), len(set(numbers))
        self.assertEqual(len(numbers), count, '%s: something twice' % what)
        self.assertEqual(high - low + 1, count, '%s: gaps, so of no one moment' % what)
        self.assertIn(count, (SIZE, SIZE + 1), what)

    def never_stopped(self, server, what, action, prepare=lambda: None):
        """Runs action while another client asks; repeated when that was slow, as other processes may have been why."""
        for attempt in range(ATTEMPTS):
            prepare()
            with Pinger(server) as pinger:
                result = action()
            if pinger.count and pinger.worst_s < PING_BOUND_S:
                break
        print('    %-45s longest of %5d pings: %.1f ms' % (what, pinger.count, pinger.worst_s * 1000), flush=True)
        self.assertGreater(pinger.count, 0, 'nobody asked during ' + what)
        self.assertLess(pinger.worst_s, PING_BOUND_S, what)
        return result

    def until_freed(self, connection, command):
        """The command, and what it leaves to be given back later."""
        def pings():
            return int(info(connection, 'commandstats')['cmdstat_ping'].split('calls=')[1].split(',')[0])
        before = pings()
        connection.call(*command.split())
        until('all is given back', lambda: number(connection, 'lazyfree_pending_objects') == 0)
        until('there are pings to look at', lambda: pings() >= before + PINGS_AT_LEAST)

    def ledger(self, connection):
        """Bytes by purpose that a command takes for itself."""
        fields = info(connection, 'everything')
        return {k: int(fields[k].split('bytes=')[1].split(',')[0]) for k in ('memory_client_out', 'memory_client_in', 'memory_session', 'memory_other')}

    def test_replies_are_those_of_one_moment(self):
        server = self.start()
        reader, positions = self.connect(server), {}
        for name in WINDOWS:
            self.fill(reader, name)
            positions[name] = [1, SIZE + 1]
        for command, (name, lines_each, line_at) in READERS.items():
            with self.connect(server) as other, Writer(other, positions, [name]) as writer:
                def ask():
                    before = writer.turns
                    reader.send(command.split())
                    return read_numbers(reader, lines_each, line_at), writer.turns - before
                numbers, turns = self.never_stopped(server, command, ask)
            self.expect_window(numbers, command)
            self.assertGreater(turns, 0, 'nobody wrote during ' + command)
        self.hang_up_in_the_middle(server, reader)

    def hang_up_in_the_middle(self, server, probe):
        """What a client that is gone had begun is dropped, and all of its memory comes back."""
        before = self.ledger(probe)
        for command in READERS:
            for wait in (lambda c: None, lambda c: c.socket.recv(1)):
                with server.connect() as c:
                    c.send(command.split())
                    wait(c)
        self.wait_clients(probe)

        def is_back():
            now = self.ledger(probe)
            return all(now[k] <= before[k] + SLACK_BYTES for k in before)
        until('the memory is back: %r' % before, is_back, 10)

    def test_stores_and_removals(self):
        server = self.start()
        c, other = self.connect(server), self.connect(server)
        least = number(c, 'used_memory')
        self.fill(c, 'set')
        self.fill(c, 'set', 'SADD {{set}}more 1{0}')
        self.fill(c, 'list')
        self.fill(c, 'hash')
        full = c.call('SCARD', 'set') + c.call('SCARD', '{set}more') - c.call('SINTERCARD', 2, 'set', '{set}more')

        def store():
            """The destination's other clients see nothing of it, or all."""
            c.send(['SUNIONSTORE', '{set}both', 'set', '{set}more'])
            seen = []
            for _ in range(20):
                seen.append(other.call('SCARD', '{set}both'))
            other.call('SADD', '{set}both', 'added')
            self.assertEqual(c.read_raw(), b':%d\r\n' % full)
            return seen
        seen = self.never_stopped(server, 'SUNIONSTORE', store, lambda: c.call('DEL', '{set}both'))
        self.assertEqual(set(seen) - {0, full}, set())
        self.assertIn(c.call('SCARD', '{set}both'), (full, full + 1))
        with self.connect(server) as writing, Writer(writing, {'list': [1, SIZE + 1]}, ['list']):
            self.assertEqual(self.never_stopped(server, 'COPY', lambda: c.call('COPY', 'list', '{list}copied', 'REPLACE')), 1)
        c.send(['LRANGE', '{list}copied', '0', '-1'])
        self.expect_window(read_numbers(c, 2, 1), 'COPY')
        for command in ('DEL list', 'UNLINK hash', 'RENAME {list}copied {list}moved', 'DEL {set}both {list}moved set'):
            self.never_stopped(server, command, lambda: self.until_freed(c, command))
        self.fill(c, 'keys')
        self.never_stopped(server, 'FLUSHALL', lambda: self.until_freed(c, 'FLUSHALL'))
        self.assertEqual(other.call('DBSIZE'), 0)
        until('the memory is back', lambda: number(c, 'used_memory') <= least + SLACK_BYTES, 10)


if __name__ == '__main__':
    if sys.argv[1:2] == ['--ping']:
        ping(*sys.argv[2:])
    else:
        main()
