#!/usr/bin/env python3
"""Commands over half a million keys or elements: other clients are served meanwhile, write to the very same keys, and
the reply is still that of one moment.

A collection holds the integers of a window, SIZE wide; a writer adds the next one at its end and takes the oldest away,
again and again. So whatever one moment's content is, it is a range without a gap, of SIZE or SIZE + 1 numbers.

With several shards (--shards N), too: giants of one command are on one shard, by their hash tags; KEYS is about all;
and commands over giants of different shards, of which clients of each shard must not feel more.
"""
import hashlib
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from aof_kit import LogCase  # noqa: E402
from kit import Case, info, main, number, shards, until  # noqa: E402
from penstock import Connection, decode  # noqa: E402
from shards_kit import Names, shard_of  # noqa: E402

SIZE, CHUNK = 500000, 5000
PING_BOUND_S, ATTEMPTS, PINGS_AT_LEAST = 0.05, 3, 20
SLACK_BYTES = 1 << 20
KEPT_BYTES = 3 << 20  # blocks for replies that each shard keeps: 1 MB of each of three kinds (sock_block.c)
SLICES_AT_LEAST = 20
DEBUG = {'enable-debug-command': 'yes'}


def slack_bytes():
    return SLACK_BYTES + KEPT_BYTES * int(shards() or 1)


# How a collection gets its next number, and how it loses its oldest one. {0} is the number.
WINDOWS = {
    'list': ('RPUSH list {0}', 'LPOP list'),
    'set': ('SADD set {0}', 'SREM set {0}'),
    'hash': ('HSET hash {0} {0}', 'HDEL hash {0}'),
    'zset': ('ZADD zset {0} {0}', 'ZREM zset {0}'),
    'stream': ('XADD stream {0}-1 f {0}', 'XDEL stream {0}-1'),
    'keys': ('SET k{0} v', 'DEL k{0}'),
}
XADD_ALL = "for n = ARGV[1], ARGV[2] do redis.call('XADD', KEYS[1], n .. '-1', 'f', n) end"
# The command; the lines of the reply that an element has, and which of them is the number.
READERS = {
    'LRANGE list 0 -1': ('list', 2, 1), 'SORT list': ('list', 2, 1), 'SMEMBERS set': ('set', 2, 1), 'SUNION set {set}absent': ('set', 2, 1),
    'SORT set': ('set', 2, 1), 'HGETALL hash': ('hash', 4, 1), 'HVALS hash': ('hash', 2, 1), 'ZRANGE zset 0 -1': ('zset', 2, 1),
    'ZRANGE zset -inf +inf BYSCORE WITHSCORES': ('zset', 4, 3), 'XRANGE stream - +': ('stream', 8, 7), 'KEYS k*': ('keys', 2, 1),
}
# The whole of a collection.
WHOLE = {'list': 'LRANGE {0} 0 -1', 'set': 'SMEMBERS {0}', 'hash': 'HVALS {0}', 'zset': 'ZRANGE {0} 0 -1', 'stream': 'XRANGE {0} - +'}


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


def sha1(data):
    return hashlib.sha1(data).digest()


class Digest:
    """What DEBUG DIGEST and DIGEST-VALUE say of strings and sets; see dataplane/types/digest.h."""

    def __init__(self, data=b''):
        self.value = bytes(20)
        if data:
            self.mix(data)

    def add(self, data):
        self.value = bytes(a ^ b for a, b in zip(self.value, sha1(data)))
        return self

    def mix(self, data):
        self.value = sha1(self.add(data).value)
        return self

    @classmethod
    def of_string(cls, name, text):
        return cls(name).mix(bytes(4)).mix(text).value

    @classmethod
    def of_database(cls, keys):
        """keys: the sum of the SHA-1s of their digests, a number."""
        whole = cls(bytes(4))
        return (int.from_bytes(whole.value, 'big') ^ keys).to_bytes(20, 'big').hex().encode()


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
    """Another process, as this one is busy with replies: its longest PING, or GET of one of keys, while the block runs."""

    def __init__(self, server, keys=()):
        self.server, self.keys, self.worst_s, self.count = server, keys, 0.0, 0

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, os.path.abspath(__file__), '--ping', self.server.host, str(self.server.port), *self.keys],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdout.readline()
        return self

    def __exit__(self, *_):
        out, _ = self.process.communicate()
        worst, count = out.split()
        self.worst_s, self.count = float(worst), int(count)


def ping(host, port, *keys):
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    worst, count = 0.0, 0
    requests = [['GET', k] for k in keys] or [['PING']]
    with Connection((host, int(port))) as c:
        c.call('PING')
        print('ready', flush=True)
        while not ended.is_set():
            start = time.monotonic()
            c.call(*requests[count % len(requests)])
            worst, count = max(worst, time.monotonic() - start), count + 1
            ended.wait(0.001)
    print(worst, count)


class LongCommands(Case):
    def fill(self, connection, name, add=None, size=SIZE):
        """CHUNK elements at once."""
        command, key, *words = (add or WINDOWS[name][0]).split()
        for first in range(1, size + 1, CHUNK):
            part = range(first, min(first + CHUNK, size + 1))
            if command == 'XADD':
                connection.call('EVAL', XADD_ALL, 1, key, part[0], part[-1])
            elif command == 'SET':
                connection.call('MSET', *[w.format(n) for n in part for w in (key, *words)])
            else:
                connection.call(command, key, *[w.format(n) for n in part for w in words])

    def expect_window(self, numbers, what, size=SIZE):
        low, high, count = min(numbers), max(numbers), len(set(numbers))
        self.assertEqual(len(numbers), count, '%s: something twice' % what)
        self.assertEqual(high - low + 1, count, '%s: gaps, so of no one moment' % what)
        self.assertIn(count, (size, size + 1), what)

    def never_stopped(self, server, what, action, prepare=lambda: None, keys=()):
        """Runs action while another client asks; repeated when that was slow, as other processes may have been why."""
        for attempt in range(ATTEMPTS):
            prepare()
            with Pinger(server, keys) as pinger:
                start = time.monotonic()
                result = action()
                took_s = time.monotonic() - start
            if pinger.worst_s < PING_BOUND_S and (pinger.count or took_s < PING_BOUND_S):
                break
        print('    %-45s longest of %5d pings: %.1f ms' % (what, pinger.count, pinger.worst_s * 1000), flush=True)
        self.assertTrue(pinger.count or took_s < PING_BOUND_S, 'nobody asked during ' + what)
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
            return all(now[k] <= before[k] + slack_bytes() for k in before)
        until('the memory is back: %r' % before, is_back)

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
        until('the memory is back', lambda: number(c, 'used_memory') <= least + slack_bytes())

    # ---- giants of different shards

    def fill_apart(self, connection, add, key):
        self.fill(connection, key, '%s %s %s' % (add, key, '{0} {0}' if add == 'ZADD' else '{0}'))

    def read_all(self, connection, key):
        """A set or sorted set, while nobody writes."""
        connection.send(['ZRANGE', key, '0', '-1'] if connection.call('TYPE', key) == b'zset' else ['SMEMBERS', key])
        return read_numbers(connection, 2, 1)

    def apart(self):
        count = int(shards() or 1)
        if count < 2:
            self.skipTest('about several shards')
        server = self.start(DEBUG)
        names = Names(count, 'apart')
        return server, self.connect(server), names, names.spread(count)

    def move_windows(self, connection, add, take, keys, is_over):
        """Adds a number to all of them at once, and takes one away from all at once; goes on where it was."""
        while not is_over.is_set():
            for name, value in ((add, SIZE + self.low), (take, self.low)):
                connection.call('MULTI')
                for key in keys:
                    connection.call(name, key, *([value] if name == 'ZADD' else []), value)
                connection.call('EXEC')
            self.low += 1

    def while_moving(self, server, add, take, keys, action):
        """Some turns are made before the action, and some during it."""
        is_over, start = threading.Event(), self.low
        with server.connect() as c:
            mover = threading.Thread(target=self.move_windows, args=(c, add, take, keys, is_over))
            mover.start()
            try:
                until('the windows move', lambda: self.low > start + 3)
                before = self.low
                result = action()
                self.assertGreater(self.low, before, 'nobody wrote meanwhile')
            finally:
                is_over.set()
                mover.join()
        return result

    def windows_apart(self, add, take, show, store):
        """show, store: what is called, how many numbers come out of it (a window's, or none), and its options."""
        server, c, names, probed = self.apart()
        keys, destination, self.low = names.spread(2), names.on(1), 1
        for key in keys:
            self.fill_apart(c, add, key)
        for command in show + store:
            words = [destination if w == 'TO' else keys[int(w)] if w in '01' else w.lstrip('=') for w in command[0].split()]

            def ask():
                c.send(words)
                return int(c.read_raw()[1:]) if command in store or command[1] == 'count' else read_numbers(c, 2, 1)
            slices = number(c, 'slices')
            found = self.never_stopped(server, command[0], lambda: self.while_moving(server, add, take, keys, ask),
                                       lambda: c.call('DEL', destination), probed)
            self.assertGreater(number(c, 'slices'), slices + SLICES_AT_LEAST, command[0])
            numbers = self.read_all(c, destination) if command in store and command[1] else found
            if command[1] == 'window':
                self.expect_window(numbers, command[0])
            elif command[1] == 'count':
                self.assertIn(numbers, (SIZE, SIZE + 1), command[0])
            else:
                self.assertIn(numbers, (0, []), command[0])

    def test_sets_of_different_shards(self):
        self.windows_apart('SADD', 'SREM', [('SUNION 0 1', 'window'), ('SINTER 0 1', 'window'), ('SDIFF 0 1', ''), ('SINTERCARD =2 0 1', 'count')],
                           [('SUNIONSTORE TO 0 1', 'window'), ('SINTERSTORE TO 0 1', 'window'), ('SDIFFSTORE TO 0 1', '')])

    def test_sorted_sets_of_different_shards(self):
        self.windows_apart('ZADD', 'ZREM', [('ZUNION =2 0 1', 'window'), ('ZINTER =2 0 1', 'window'), ('ZDIFF =2 0 1', ''), ('ZINTERCARD =2 0 1', 'count')],
                           [('ZUNIONSTORE TO =2 0 1', 'window'), ('ZINTERSTORE TO =2 0 1', 'window'), ('ZDIFFSTORE TO =2 0 1', '')])

    def test_destination_of_another_shard(self):
        """Who wants it meanwhile waits, wherever his connection and his command are; others do not."""
        server, c, names, probed = self.apart()
        keys, to = names.spread(2), names.on(1)
        for key in keys:
            self.fill_apart(c, 'SADD', key)
        other, third, fourth = (self.connect(server) for _ in range(3))
        elsewhere = names.spread(2)

        def store():
            c.send(['SUNIONSTORE', to, *keys])
            other.send(['SCARD', to], ['SADD', to, 'added'])
            third.send(['MULTI'], ['GET', probed[0]], ['SCARD', to], ['EXEC'])
            for _ in range(20):
                self.assertEqual(fourth.call('MSET', elsewhere[0], 1, elsewhere[1], 2), b'OK')
            size = b':%d\r\n' % SIZE
            self.assertEqual(c.read_raw(), size)
            seen = other.read_raw()
            self.assertIn(seen, (size, b':0\r\n'))
            other.read_raw()
            for _ in range(3):
                third.read_raw()
            # What was added before it was stored is seen alone, and then gone.
            self.assertIn(decode(third.read_raw())[1], (0, 1, SIZE, SIZE + 1) if seen == b':0\r\n' else (0, SIZE, SIZE + 1))
        self.never_stopped(server, 'SUNIONSTORE, closed elsewhere', store, lambda: c.call('DEL', to), probed)
        self.hang_up_apart(server, c, keys, to, 4)

    def hang_up_apart(self, server, probe, keys, to, clients):
        """A reader that goes leaves nothing; a writer that goes has its command done all the same."""
        before = self.ledger(probe)
        for _ in range(3):
            for command in (['SUNION', *keys], ['SORT', keys[0], 'BY', 'w*'], ['SINTERSTORE', to, *keys]):
                probe.call('DEL', to)
                with server.connect() as c:
                    c.send(command)
        self.wait_clients(probe, clients)
        until('it is stored', lambda: probe.call('SCARD', to) == SIZE)

        def is_back():
            now = self.ledger(probe)
            return all(now[k] <= before[k] + slack_bytes() for k in before)
        until('the memory is back: %r' % before, is_back)

    def test_sort_over_different_shards(self):
        """The weights and values are those of one moment: they are written again in their order, so what is new of them
        is a first part."""
        server, c, names, probed = self.apart()
        source, to = names.on(0), names.on(1)
        size = SIZE // 5
        self.fill(c, source, 'RPUSH %s {0}' % source, size)
        for command in (['SORT', source, 'BY', 'w*', 'GET', 'w*'], ['SORT', source, 'BY', 'w*', 'GET', 'w*', 'STORE', to], ['SORT', source, 'STORE', to]):
            for first in range(1, size + 1, CHUNK):
                c.call('MSET', *[x for n in range(first, first + CHUNK) for x in ('w%d' % n, n)])
            is_over, self.turns = threading.Event(), 0

            def write_again(connection):
                for n in range(1, size + 1):
                    connection.call('SET', 'w%d' % n, 10 * size + n)
                    self.turns = n
                    if is_over.is_set():
                        return

            def ask():
                before = self.turns
                c.send(command)
                numbers = int(c.read_raw()[1:]) if 'STORE' in command else read_numbers(c, 2, 1)
                self.assertGreater(self.turns, before, 'nobody wrote meanwhile')
                return numbers
            with server.connect() as writing:
                writer = threading.Thread(target=write_again, args=(writing,))
                writer.start()
                try:
                    until('the writer writes', lambda: self.turns > 3)
                    numbers = self.never_stopped(server, ' '.join(command), ask, lambda: c.call('DEL', to), probed)
                finally:
                    is_over.set()
                    writer.join()
            if 'STORE' in command:
                self.assertEqual(numbers, size)
                c.send(['LRANGE', to, '0', '-1'])
                numbers = read_numbers(c, 2, 1)
            new = sum(n > size for n in numbers) if 'BY' in command else 0
            self.assertEqual(numbers, list(range(new + 1, size + 1)) + list(range(10 * size + 1, 10 * size + new + 1)))

    # ---- giants that go to another shard

    def whole(self, connection, kind, key, size):
        connection.send((WHOLE[kind].format(key)).split())
        lines = {'stream': (8, 7)}.get(kind, (2, 1))
        self.expect_window(read_numbers(connection, *lines), kind, size)

    def test_copies_and_renames_to_another_shard(self):
        """Of a copy that it is of one moment; of what is renamed that it is there once, whoever asks from wherever."""
        server, c, names, probed = self.apart()
        size, other, count = SIZE // 5, self.connect(server), int(shards())
        for kind in WHOLE:
            self.fill(c, kind, size=size)
            here = shard_of(kind, count)
            to = names.on((here + 1) % count)
            slices = number(c, 'slices')
            with self.connect(server) as writing, Writer(writing, {kind: [1, size + 1]}, [kind]):
                self.assertEqual(self.never_stopped(server, 'COPY of a %s elsewhere' % kind, lambda: c.call('COPY', kind, to, 'REPLACE'),
                                                    keys=probed), 1)
            self.whole(c, kind, to, size)
            self.assertGreater(number(c, 'slices'), slices + SLICES_AT_LEAST // 4, 'COPY of a ' + kind)
            self.rename_back_and_forth(server, c, other, kind, to, names.on(here), probed)
            c.call('DEL', kind)
        c.call('SETRANGE', 'string', 100 << 20, 'end')
        pair, slices = ['string', names.on((shard_of('string', count) + 1) % count)], number(c, 'slices')
        self.never_stopped(server, 'RENAME of a string elsewhere', lambda: self.rename(c, other, pair), keys=probed)
        self.assertGreater(number(c, 'slices'), slices + SLICES_AT_LEAST)

    def rename(self, c, other, pair):
        """pair[0] becomes pair[1]; they change places in pair."""
        c.send(['RENAME', *pair])
        for _ in range(20):
            self.assertEqual(other.call('EXISTS', *pair), 1)
            other.call('MULTI')
            other.call('EXISTS', pair[1])
            other.call('EXISTS', pair[0])
            self.assertEqual(sum(other.call('EXEC')), 1)
        self.assertEqual(c.read_raw(), b'+OK\r\n')
        pair.reverse()

    def rename_back_and_forth(self, server, c, other, kind, key, free, probed):
        pair, slices = [key, free], number(c, 'slices')
        digest = c.call('DEBUG', 'DIGEST-VALUE', key)
        self.never_stopped(server, 'RENAME of a %s elsewhere' % kind, lambda: self.rename(c, other, pair), keys=probed)
        self.assertGreater(number(c, 'slices'), slices + SLICES_AT_LEAST // 4, 'RENAME of a ' + kind)
        self.assertEqual(c.call('DEBUG', 'DIGEST-VALUE', pair[0]), digest)
        for _ in range(3):
            with server.connect() as gone:
                gone.send(['RENAME', *pair])
            until('it is renamed', lambda: c.call('EXISTS', pair[0]) == 0)
            pair.reverse()
        self.assertEqual(c.call('DEBUG', 'DIGEST-VALUE', pair[0]), digest)
        c.call('DEL', pair[0])

    # ---- digests

    def test_digests_are_those_of_one_moment(self):
        """Keys are set again and a giant grows, in one order: so there is one digest after each step, and no other."""
        server = self.start(DEBUG)
        c, size, steps = self.connect(server), SIZE // 5, 20000
        self.fill(c, 'keys', size=size)
        self.fill(c, 'set', size=size)
        known, values = self.digests_by_step(size, steps)
        self.turns, is_over = 0, threading.Event()

        def write(connection):
            for n in range(1, steps + 1):
                connection.call('SET', 'k%d' % (n * 3 % size + 1), 'new')
                connection.call('SADD', 'set', 'new%d' % n)
                self.turns = n
                if is_over.is_set():
                    return

        def ask(*command):
            before, slices = self.turns, number(c, 'slices')
            digest = c.call('DEBUG', *command)
            self.assertGreater(self.turns, before, 'nobody wrote meanwhile')
            self.assertGreater(number(c, 'slices'), slices + SLICES_AT_LEAST // 4)
            return before, digest, self.turns
        self.assertEqual(c.call('DEBUG', 'DIGEST'), known[0])
        with server.connect() as writing:
            writer = threading.Thread(target=write, args=(writing,))
            writer.start()
            try:
                until('the writer writes', lambda: self.turns > 3)
                before, digest, after = self.never_stopped(server, 'DEBUG DIGEST', lambda: ask('DIGEST'))
                self.assertIn(digest, known[2 * before:2 * after + 3])
                before, (digest,), after = self.never_stopped(server, 'DEBUG DIGEST-VALUE', lambda: ask('DIGEST-VALUE', 'set'))
                self.assertIn(digest, values[before:after + 2])
            finally:
                is_over.set()
                writer.join()
        for _ in range(3):
            with server.connect() as gone:
                gone.send(['DEBUG', 'DIGEST'])
        self.wait_clients(c)
        self.assertEqual(c.call('DEBUG', 'DIGEST'), known[2 * self.turns])
        self.assertEqual(c.call('FLUSHALL'), b'OK')
        self.assertEqual(c.call('DEBUG', 'DIGEST'), b'0' * 40)

    def digests_by_step(self, size, steps):
        """The database's, two for each step; and the set's own."""
        def number_of(key):
            return int.from_bytes(sha1(key), 'big')
        texts = {n: Digest.of_string(b'k%d' % n, b'v') for n in range(1, size + 1)}
        members, alone = Digest(b'set').mix(b'\0\0\0\2'), Digest().mix(b'\0\0\0\2')
        for n in range(1, size + 1):
            members.add(b'%d' % n)
            alone.add(b'%d' % n)
        keys = number_of(members.value)
        for text in texts.values():
            keys ^= number_of(text)
        known, values = [Digest.of_database(keys)], [alone.value.hex().encode()]
        for n in range(1, steps + 1):
            at = n * 3 % size + 1
            text = Digest.of_string(b'k%d' % at, b'new')
            keys ^= number_of(texts[at]) ^ number_of(text)
            texts[at] = text
            known.append(Digest.of_database(keys))
            keys ^= number_of(members.value)
            keys ^= number_of(members.add(b'new%d' % n).value)
            alone.add(b'new%d' % n)
            known.append(Digest.of_database(keys))
            values.append(alone.value.hex().encode())
        return known, values


class LongEffects(LogCase):
    def test_what_went_to_another_shard_is_in_the_log(self):
        """Both logs say the same of it, and one alone is no part of a whole."""
        count, per_kind = int(shards() or 1), 20000
        server, c = self.restart(count, {'appendfsync': 'always'})
        names = Names(count, 'log')
        for kind in WHOLE:
            key, to, copied = names.on(0), names.on(count - 1), names.on(count // 2)
            add = WINDOWS[kind][0].replace(kind, key, 1)
            LongCommands.fill(self, c, kind, add, per_kind)
            c.call('PEXPIREAT', key, 4000000000000)
            self.assertEqual(c.call('COPY', key, copied), 1)
            self.assertEqual(c.call('RENAME', key, to), b'OK')
        text = names.on(0)
        c.call('SETRANGE', text, 1 << 20, 'end')
        self.assertEqual(c.call('RENAME', text, names.on(count - 1)), b'OK')
        digest = c.call('DEBUG', 'DIGEST')
        self.crash(server)
        self.check_files()
        for then in (count, 1):
            server, c = self.restart(then)
            self.assertEqual(c.call('DEBUG', 'DIGEST'), digest)
            self.stop(server)


if __name__ == '__main__':
    if sys.argv[1:2] == ['--ping']:
        ping(*sys.argv[2:])
    else:
        main()
