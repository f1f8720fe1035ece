#!/usr/bin/env python3
"""Hundreds of clients in blocking commands, among writers, kills, hang-ups, CLIENT UNBLOCK and expiry, from a seed.

What is pushed has values that occur once, so that afterwards each is accounted for: delivered to one client, still in
its key, or lost with a client that was ended at that moment. And ten thousand clients on one key, which must not make
the others slower.
"""
import os
import selectors
import socket
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import Case, info, main, number, raise_file_limit, rng, shards, until  # noqa: E402
from penstock import Connection, ReplyError, _decode, decode, encode  # noqa: E402

CLIENTS, CHAOS_S = 500, 8.0
ONE_KEY_CLIENTS, ROUNDS = 10000, 400
LISTS, ZSETS, STREAM = ['l%d' % i for i in range(6)], ['z%d' % i for i in range(4)], 'x'
FLEETING = ['e0', 'e1']  # these expire and are deleted, and what is in them with them
MOVED = ['moved0', 'moved1']  # destinations, which nobody waits for
TIMEOUTS = [0.001, 0.005, 0.02, 0.05, 0.1, 0.3, 0.7, 1.5, 4]
LATE_S, LATE_OF_SHARDS_S, EARLY_S = 0.05, 0.15, 0.0015  # shards may be more than there are cores
SLOWER_AT_MOST = 4
# Each of several shards keeps some places for clients of the others.
SESSION_SLACK, SHARD_SLACK = 4096, 256 * 1024


def slack():
    return SESSION_SLACK + SHARD_SLACK * int(shards() or 0)


class Waiter:
    """A client that is in one blocking command after another."""

    def __init__(self, server, name):
        self.socket = socket.create_connection((server.host, server.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.name, self.buffer, self.request = name, b'', None
        self.socket.sendall(encode(['CLIENT', 'ID']))
        self.id = int(self.socket.recv(64)[1:-2])
        self.socket.setblocking(False)

    def ask(self, request, keys, timeout_s, capacity):
        self.request, self.keys, self.timeout_s, self.capacity = request, keys, timeout_s, capacity
        self.unblocked, self.sent_s = None, time.monotonic()
        self.socket.sendall(encode(request))

    def receive(self):
        """The replies that are there; None when the server has closed the connection."""
        try:
            data = self.socket.recv(1 << 16)
        except BlockingIOError:
            return []
        except ConnectionResetError:
            return None
        if not data:
            return None
        self.buffer += data
        try:
            reply, end = _decode(self.buffer, 0)
        except (ValueError, IndexError):
            end = len(self.buffer) + 1
        if end > len(self.buffer):
            return []  # not whole yet
        self.buffer = b''
        return [reply]


class Chaos:
    """The clients, what was pushed, and where it went."""

    def __init__(self, case, server):
        self.case, self.server = case, server
        self.rng = rng('blocking')
        self.selector = selectors.DefaultSelector()
        self.writer, self.waiters = case.connect(server), []
        self.number, self.pushed, self.delivered, self.moved = 0, {}, {}, set()
        self.read = {}  # of the group: entry value -> consumer
        self.ended_capacity, self.ended_keys, self.ended_names = 0, set(), set()
        self.lags, self.turn_s, self.worst_late_s, self.counts = [], 0.0, 0.0, {}

    def open_all(self):
        self.writer.call('XGROUP', 'CREATE', STREAM, 'g', '0', 'MKSTREAM')
        while len(self.waiters) < CLIENTS:
            self.open_one()

    def open_one(self):
        waiter = Waiter(self.server, 'c%d' % self.number)
        self.number += 1
        self.waiters.append(waiter)
        self.selector.register(waiter.socket, selectors.EVENT_READ, waiter)

    def end(self, waiter):
        self.selector.unregister(waiter.socket)
        waiter.socket.close()
        self.waiters.remove(waiter)

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    # ---- what the clients ask for

    def ask(self, waiter):
        r = self.rng
        timeout_s = r.choice(TIMEOUTS) if r.random() < 0.9 else 0
        kind = r.randrange(8)
        keys = r.sample(LISTS + FLEETING, r.randrange(1, 4)) if kind < 4 else r.sample(ZSETS, r.randrange(1, 3))
        some, capacity = r.randrange(1, 4), 1
        if kind <= 1:
            request = [('BLPOP', 'BRPOP')[kind], *keys, timeout_s]
        elif kind == 2:
            request, keys = ['BLMOVE', keys[0], r.choice(MOVED), 'LEFT', 'RIGHT', timeout_s], keys[:1]
        elif kind == 3:
            request, capacity = ['BLMPOP', timeout_s, len(keys), *keys, r.choice(['LEFT', 'RIGHT']), 'COUNT', some], some
        elif kind == 4:
            request = ['BZPOPMIN', *keys, timeout_s]
        elif kind == 5:
            request, capacity = ['BZMPOP', timeout_s, len(keys), *keys, 'MAX', 'COUNT', some], some
        elif kind == 6:
            request, keys = ['XREAD', 'BLOCK', int(timeout_s * 1000), 'STREAMS', STREAM, '$'], [STREAM]
        else:
            request, keys = ['XREADGROUP', 'GROUP', 'g', waiter.name, 'COUNT', some, 'BLOCK', int(timeout_s * 1000), 'STREAMS', STREAM, '>'], [STREAM]
        waiter.ask(request, keys, timeout_s, capacity)

    def take(self, waiter, reply):
        """A reply to what waiter asked."""
        name, request = waiter.request[0], waiter.request
        waiter.request = None
        if isinstance(reply, ReplyError) and str(reply).startswith('WRONGTYPE') and 'e0' in waiter.keys:
            return self.count('met a text')
        if isinstance(reply, ReplyError):
            self.case.assertEqual((str(reply), waiter.unblocked), ('UNBLOCKED client unblocked via CLIENT UNBLOCK', 'ERROR'), request)
            return self.count('unblocked by an error')
        if reply is None:
            return self.timed_out(waiter, request)
        self.case.assertIsNone(waiter.unblocked, 'served after it was unblocked: %r' % request)
        self.count(name)
        if name in ('BLPOP', 'BRPOP', 'BZPOPMIN'):
            return self.deliver(request, reply[0], reply[1])
        if name == 'BLMOVE':
            self.case.assertNotIn(reply, self.moved, request)
            return self.moved.add(reply)
        if name == 'BLMPOP':
            return [self.deliver(request, reply[0], v) for v in reply[1]]
        if name == 'BZMPOP':
            return [self.deliver(request, reply[0], v) for v, _ in reply[1]]
        (stream, entries), = reply
        self.case.assertTrue(stream == STREAM.encode() and entries, request)
        for _, (_, value) in entries:
            self.case.assertEqual(self.pushed.get(value), STREAM)
            if name == 'XREADGROUP':
                self.case.assertNotIn(value, self.read, 'two consumers got it')
                self.read[value] = waiter.name
        return None

    def deliver(self, request, key, value):
        self.case.assertNotIn(value, self.delivered, 'delivered twice: %r' % request)
        self.case.assertIn(value, self.pushed, 'never pushed: %r' % request)
        self.case.assertIn(key.decode(), [str(w) for w in request])
        self.delivered[value] = key.decode()

    def timed_out(self, waiter, request):
        if waiter.unblocked:
            self.case.assertEqual(waiter.unblocked, 'TIMEOUT', request)
            return self.count('unblocked')
        took = time.monotonic() - waiter.sent_s
        self.case.assertGreater(waiter.timeout_s, 0, 'without a timeout: %r' % request)
        self.case.assertGreaterEqual(took, waiter.timeout_s - EARLY_S, 'too early: %r' % request)
        # This process may have looked late, or not have got the machine.
        noise = max([lag for at, lag in self.lags[-4000:] if at >= waiter.sent_s] + [time.monotonic() - self.turn_s])
        late = took - waiter.timeout_s - noise
        self.worst_late_s = max(self.worst_late_s, late)
        self.case.assertLess(late, LATE_OF_SHARDS_S if shards() else LATE_S, 'too late: %r, %.1f ms' % (request, took * 1000))
        return self.count('timed out')

    # ---- what happens around them

    def fresh(self, key):
        self.number += 1
        value = b'v%d' % self.number
        self.pushed[value] = key
        return value

    def write(self):
        r, kind = self.rng, self.rng.random()
        if kind < 0.4:
            key = r.choice(LISTS + FLEETING)
            self.writer.call_raw(r.choice(['LPUSH', 'RPUSH']), key, *[self.fresh(key) for _ in range(r.choice([1, 1, 1, 2, 2, 2, 3, 3, 3, 100]))])
        elif kind < 0.6:
            key = r.choice(ZSETS)
            self.writer.call('ZADD', key, *[x for _ in range(r.randrange(1, 4)) for x in (r.randrange(100), self.fresh(key))])
        elif kind < 0.7:
            self.writer.call('XADD', STREAM, '*', 'f', self.fresh(STREAM))
        elif kind < 0.75:  # a whole list comes under the name that is waited for
            key = r.choice(FLEETING)
            values = [self.fresh(key) for _ in range(3)]
            self.writer.send(['RPUSH', 'made', *values], ['RENAME', 'made', key])
            self.writer.read_raw(), self.writer.read_raw()
        elif kind < 0.8:
            self.writer.send(*[['RPUSH', k, self.fresh(k)] for k in LISTS])  # which may be one turn of the server
            for _ in LISTS:
                self.writer.read_raw()
        elif kind < 0.85:
            self.writer.call(*r.choice([['PEXPIRE', r.choice(FLEETING), r.randrange(1, 20)], ['DEL', r.choice(FLEETING)], ['SET', 'e0', 'text', 'PX', '3']]))
        elif kind < 0.93:
            self.unblock(r.choice(self.waiters))
        elif kind < 0.97:
            self.kill(r.choice(self.waiters))
        else:
            self.hang_up(r.choice(self.waiters))

    def unblock(self, waiter):
        how = self.rng.choice(['TIMEOUT', 'ERROR'])
        if self.writer.call('CLIENT', 'UNBLOCK', waiter.id, how) == 1:
            # What it asked before the one that it is in now has been answered, maybe not been read.
            self.drain(waiter, how)

    def drain(self, waiter, how):
        waiter.unblocked = how
        end = time.monotonic() + 5
        while waiter.request:
            for reply in waiter.receive() or ():
                self.take(waiter, reply)
            self.case.assertLess(time.monotonic(), end, 'no reply after CLIENT UNBLOCK')

    def kill(self, waiter):
        """Killed by another: what it was sent before can still be read."""
        self.writer.call('CLIENT', 'KILL', 'ID', waiter.id)
        self.last_words(waiter)
        self.count('killed')

    def hang_up(self, waiter):
        if self.rng.random() < 0.5:
            waiter.socket.shutdown(socket.SHUT_WR)
            self.last_words(waiter)
        else:
            self.lose(waiter)
        self.count('hung up')

    def last_words(self, waiter):
        waiter.socket.setblocking(True)
        waiter.socket.settimeout(10)
        while True:
            replies = waiter.receive()
            if replies is None:
                break
            for reply in replies:
                self.take(waiter, reply)
        self.lose(waiter)

    def lose(self, waiter):
        if waiter.request:
            self.ended_capacity += waiter.capacity
            self.ended_keys |= set(waiter.keys)
            self.ended_names.add(waiter.name)
        self.end(waiter)
        self.open_one()

    def turn(self):
        self.turn_s = start = time.monotonic()
        for key, _ in self.selector.select(0.002):
            waiter = key.data
            replies = waiter.receive()
            self.case.assertIsNotNone(replies, 'closed without a reason')
            for reply in replies:
                self.take(waiter, reply)
        for waiter in self.waiters:
            if not waiter.request and self.rng.random() < 0.3:
                self.ask(waiter)
        for _ in range(self.rng.randrange(6)):
            self.write()
        self.lags.append((time.monotonic(), time.monotonic() - start))

    # ---- the reckoning

    def let_go(self):
        self.turn_s = time.monotonic()
        for waiter in self.waiters:
            if waiter.request and self.writer.call('CLIENT', 'UNBLOCK', waiter.id) == 1:
                waiter.unblocked = waiter.unblocked or 'TIMEOUT'
        end = time.monotonic() + 10
        while any(w.request for w in self.waiters):
            self.case.assertLess(time.monotonic(), end, 'not all clients were answered')
            for key, _ in self.selector.select(0.1):
                for reply in key.data.receive() or ():
                    if key.data.unblocked and reply is not None:
                        key.data.unblocked = None
                    self.take(key.data, reply)
        until('nobody is blocked', lambda: number(self.writer, 'blocked_clients', 'clients') == 0)

    def remains(self, keys):
        call = {'l': ('LRANGE', 0, -1), 'e': ('LRANGE', 0, -1), 'm': ('LRANGE', 0, -1), 'z': ('ZRANGE', 0, -1)}
        out = []
        for key in keys:
            name, first, last = call[key[0]]
            out += self.writer.call(name, key, first, last)
        return out

    def reckon(self):
        if self.writer.call('TYPE', 'e0') == b'string':
            self.writer.call('DEL', 'e0')
        moved, kept = self.remains(MOVED), self.remains(LISTS + FLEETING + ZSETS)
        case = self.case
        case.assertEqual(len(moved), len(set(moved)), 'moved twice')
        case.assertEqual(self.moved - set(moved), set(), 'BLMOVE replied them but they did not arrive')
        case.assertEqual(len(kept), len(set(kept)))
        places = [set(moved), set(kept), set(self.delivered)]
        for i, one in enumerate(places):
            for other in places[:i]:
                case.assertEqual(one & other, set(), 'in two places')
        missing = {v for v, k in self.pushed.items() if k not in FLEETING + [STREAM]} - set().union(*places)
        case.assertLessEqual(len(missing), self.ended_capacity, 'lost: %r' % sorted(missing)[:5])
        case.assertEqual({self.pushed[v] for v in missing} - self.ended_keys, set(), 'lost where no client was ended')
        self.reckon_stream()
        print('    %d pushed, %d delivered, %d moved, %d left, %d lost with their clients; latest timeout %.1f ms after its time'
              % (len(self.pushed), len(self.delivered), len(moved), len(kept), len(missing), self.worst_late_s * 1000))
        print('    ' + ', '.join('%s %d' % item for item in sorted(self.counts.items())))

    def reckon_stream(self):
        """Each entry is in the group's pending list under the consumer that was sent it."""
        owner = {i: c.decode() for i, c, _, _ in self.writer.call('XPENDING', STREAM, 'g', '-', '+', '1000000')}
        rest = self.writer.call('XREADGROUP', 'GROUP', 'g', 'last', 'STREAMS', STREAM, '>')
        unread = {fields[1] for _, fields in rest[0][1]} if rest else set()
        for entry_id, fields in self.writer.call('XRANGE', STREAM, '-', '+'):
            value = fields[1]
            if value in unread:
                self.case.assertNotIn(value, self.read)
            elif value in self.read:
                self.case.assertEqual(owner.get(entry_id), self.read[value])
            else:
                self.case.assertIn(owner.get(entry_id), self.ended_names, 'an entry that nobody was sent')


class Blocking(Case):
    def test_every_element_goes_to_one_client_and_none_waits_too_long(self):
        server = self.start()
        probe = self.connect(server)
        before = number(probe, 'connected_clients', 'clients')
        chaos = Chaos(self, server)
        chaos.open_all()
        end = time.monotonic() + CHAOS_S
        while time.monotonic() < end:
            chaos.turn()
        chaos.let_go()
        chaos.reckon()
        for waiter in list(chaos.waiters):
            chaos.end(waiter)
        chaos.writer.call('FLUSHALL')
        chaos.writer.close()
        self.wait_clients(probe, before)
        self.expect_nothing_left(probe)

    def expect_nothing_left(self, probe):
        self.assertEqual(number(probe, 'blocked_clients', 'clients'), 0)
        self.assertEqual(number(probe, 'total_blocking_keys', 'clients'), 0)
        # A server that has seen one client only, and this one after all of them.
        fresh = self.start()
        with fresh.connect() as c:
            least = self.session_bytes(c)
        until('the memory of sessions is back', lambda: self.session_bytes(probe) <= least + slack(), 5)

    def session_bytes(self, connection):
        field = next(v for k, v in info(connection, 'everything').items() if k == 'memory_session')
        return int(field.split('bytes=')[1].split(',')[0])

    def test_clients_are_served_in_the_order_in_which_they_came(self):
        server, r = self.start(), rng('order')
        writer, waiting = self.connect(server), []
        for i in range(120):
            c = self.connect(server)
            client_id = c.call('CLIENT', 'ID')
            c.send(r.choice([['BLPOP', 'k', '0'], ['BRPOP', 'none', 'k', '0'], ['BLMPOP', '0', '2', 'none', 'k', 'LEFT'],
                             ['BLMOVE', 'k', 'elsewhere', 'LEFT', 'LEFT', '0'], ['BRPOPLPUSH', 'k', 'elsewhere', '0'],
                             ['BLPOP', 'k', 'k', '60']]))
            until('it is blocked', lambda: number(writer, 'blocked_clients', 'clients') == i + 1)
            waiting.append((c, client_id))
        for c, client_id in r.sample(waiting, 30):
            waiting.remove((c, client_id))
            r.choice([lambda: writer.call('CLIENT', 'KILL', 'ID', client_id), c.close, lambda: writer.call('CLIENT', 'UNBLOCK', client_id)])()
        until('those that ended are gone', lambda: number(writer, 'blocked_clients', 'clients') == len(waiting))
        at = 0
        while at < len(waiting):
            count = min(r.randrange(1, 5), len(waiting) - at)
            values = [b'v%d' % (at + i) for i in range(count)]
            if r.random() < 0.3:
                writer.send(*[['RPUSH', 'k', v] for v in values])
                for _ in values:
                    writer.read_raw()
            else:
                writer.call('RPUSH', 'k', *values)
            # Takers from the right get the last of what is there when it is their turn.
            got = [self.value_of(decode(waiting[at + i][0].read_raw())) for i in range(count)]
            self.assertEqual(sorted(got), sorted(values))
            at += count
        self.assertEqual(number(writer, 'blocked_clients', 'clients'), 0)
        self.assertEqual(writer.call('EXISTS', 'k'), 0)

    def value_of(self, reply):
        while isinstance(reply, list):
            reply = reply[-1]
        return reply

    def test_ten_thousand_clients_on_one_key_cost_the_others_nothing(self):
        raise_file_limit(ONE_KEY_CLIENTS + 1000)
        server = self.start({'maxclients': ONE_KEY_CLIENTS + 100})
        writer, other = self.connect(server), self.connect(server)
        alone = self.measure(writer, other)
        empty_bytes = self.session_bytes(writer)
        start = time.monotonic()
        waiters = [Connection((server.host, server.port)) for _ in range(ONE_KEY_CLIENTS)]
        for first, end in ((0, ROUNDS), (ROUNDS, ONE_KEY_CLIENTS)):  # those that are to be served, then the others
            for c in waiters[first:end]:
                c.send(['BLPOP', 'k', '0'])
            until('all are blocked', lambda: number(writer, 'blocked_clients', 'clients') == end)
        opened_s = time.monotonic() - start
        crowded = self.measure(writer, other)
        got = set()
        for c in waiters[:ROUNDS]:
            c.socket.settimeout(5)
            got.add(decode(c.read_raw())[1])
        print('    a PING after a push: %.0f us with nobody, %.0f us with %d blocked clients (opened in %.1f s)'
              % (alone * 1e6, crowded * 1e6, ONE_KEY_CLIENTS, opened_s))
        self.assertEqual(got, {b'%d' % i for i in range(ROUNDS)})  # the first ones that came
        self.assertEqual(number(writer, 'blocked_clients', 'clients'), ONE_KEY_CLIENTS - ROUNDS)
        self.assertLess(crowded, SLOWER_AT_MOST * max(alone, 50e-6))
        start = time.monotonic()
        for c in waiters:
            c.close()
        until('all are gone', lambda: number(writer, 'connected_clients', 'clients') == 2, 10)
        print('    all gone after %.1f s' % (time.monotonic() - start))
        self.assertEqual(number(writer, 'blocked_clients', 'clients'), 0)
        until('the memory of sessions is back', lambda: self.session_bytes(writer) <= empty_bytes + slack(), 5)

    def measure(self, writer, other):
        """The median time of a PING that is sent right after another client's push."""
        times = []
        for i in range(ROUNDS):
            writer.send(['RPUSH', 'k', i])
            start = time.monotonic()
            other.call('PING')
            times.append(time.monotonic() - start)
            writer.read_raw()
        writer.call('DEL', 'k')
        return statistics.median(times)


if __name__ == '__main__':
    main()
