#!/usr/bin/env python3
"""Several shards that have to look like one thread: real servers with one shard and with several.

    test_shards.py [--shards 1,2,3,8] [--seed N] [--part NAME ...] [--strict]

  histories   clients at once on a few keys of several shards: there is an order that explains every answer
  bank        transfers between accounts of several shards: every look at all of them finds the same sum
  held        a shard that is busy with a script holds up nobody who does not need it
  pipelines   a thousand requests in one write, to all shards: the answers in order and right
  behind      a long command, what waits for it, and what the same client sent behind that: in this order, on any shard
  balance     connections come to all shards
  listeners   events and messages: each client's in the order in which it brought them about, on every shard
  caches      what clients that track keep is in the end what the server has
  monitors    all monitors see the same lines, each client's in its order
  moves       the first two, pipelines, SCAN, clients that wait for keys and others that change a giant, while slots move from shard to shard all the time (the last part: the placement is another one afterwards)

The seed is printed first, and decides what the clients ask; the moments are the machine's. PENSTOCK_BUILD may be a
build with sanitizers: what they say is in the server's log, which is looked through.
"""
import argparse
import collections
import os
import random
import statistics
import sys
import threading
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import is_answered  # noqa: E402
from linearizable import BAD, check, core  # noqa: E402
from penstock import Penstock, ReplyError, decode, encode  # noqa: E402
from shards_kit import PATIENCE_S, MovingModel, Names, Player, ShardedModel, commands_of, connect_to_each, play, reply_of, send_all, side_by_side  # noqa: E402
from shards_told import Told  # noqa: E402
from store_model import StoreModel  # noqa: E402

SEED = os.environ.get('PENSTOCK_TEST_SEED')
HISTORIES_S, BANK_S = 3.0, 2.0
CLIENTS, GROUP_SIZES, BURSTS, LOOK_SHARE, CHECK_S = 16, [4, 6, 8], 5, 0.4, 20
TEXTS = ['GET', 'GET', 'SET', 'INCR', 'INCR', 'APPEND', 'GETSET', 'MGET', 'MGET', 'MSET', 'MSET', 'MSETNX', 'RENAME', 'RENAMENX', 'DEL', 'EXISTS', 'SWAP', 'EXEC', 'EXEC',
         'WATCH']
LISTS = ['RPUSH', 'RPUSH', 'RPUSH', 'LMOVE', 'LMOVE', 'LMOVE', 'LRANGE', 'LRANGE', 'RENAME', 'RENAMENX', 'DEL', 'EXISTS', 'EXEC', 'EXEC', 'WATCH']
SINGLE = ['GET', 'SET', 'INCR', 'APPEND', 'GETSET', 'DEL', 'EXISTS', 'RPUSH', 'LRANGE']
FLAVOURS = [TEXTS, TEXTS, LISTS, TEXTS + LISTS]
ACCOUNTS, START_BALANCE, TELLERS, AUDITORS = 16, 1000, 9, 3
PIPELINE, PIPELINERS, PIPELINE_TURNS = 1000, 4, 3
LONG, LONG_TURNS = 20000, 3
HELD_S, BEFORE_S, HEAD_START_S = 1.5, 0.4, 0.1
BUSY = "local n = 0 for i = 1, ARGV[1] do n = n + i % 7 end redis.call('SET', KEYS[1], ARGV[2]) return n"
PER_SHARD = 32
MOVES_S, SCANNED_KEYS, QUEUES, ITEMS, GIANT_FIELDS = 4.0, 3000, 6, 400, 200000
TRANSFER = """local n = tonumber(ARGV[1])
redis.call('SET', KEYS[1], redis.call('GET', KEYS[1]) - n)
redis.call('SET', KEYS[2], redis.call('GET', KEYS[2]) + n)
return n"""
SUM = "local s = 0 for i = 1, #KEYS do s = s + redis.call('GET', KEYS[i]) end return s"


class Requests:
    """Random requests of store_model."""

    def __init__(self, rng, keys, names):
        self.rng, self.keys, self.names, self.number = rng, keys, names, 0

    def value(self):
        """Another one each time, and a number: INCR goes on from it, into a gap that is wide enough."""
        self.number += 1
        return str(self.number * 1000)

    def next(self, name=None):
        r = self.rng
        name = name or r.choice(self.names)
        one, other = r.sample(self.keys, 2)
        some = r.sample(self.keys, r.randrange(1, len(self.keys) + 1))
        if name == 'EXEC':
            return ('EXEC', *[self.next(r.choice([n for n in self.names if n not in ('EXEC', 'WATCH')])) for _ in range(r.randrange(1, 4))])
        if name in ('MSET', 'MSETNX'):
            return (name, *[w for key in some for w in (key, self.value())])
        if name in ('MGET', 'DEL', 'EXISTS', 'WATCH'):
            return (name, *(some if name == 'MGET' else [one] if self.names is SINGLE else some[:2]))
        tail = {'SET': [self.value], 'GETSET': [self.value], 'APPEND': [lambda: 'x'], 'RPUSH': [self.value], 'RENAME': [lambda: other],
                'RENAMENX': [lambda: other], 'SWAP': [lambda: other, self.value, self.value],
                'LMOVE': [lambda: r.choice(self.keys), lambda: r.choice(['LEFT', 'RIGHT']), lambda: r.choice(['LEFT', 'RIGHT'])]}
        return (name, one, *[word() for word in tail.get(name, [])])

    def burst(self):
        return [self.next() for _ in range(self.rng.choice([1, 1, 1, 2, 3]))]

    def look(self):
        """At everything, at one moment."""
        return ('EXEC', *[(name, key) for key in self.keys for name in ('GET', 'LRANGE')])


class Shards(Told):
    """The parts, on one server."""

    def __init__(self, server, shard_count, seed, is_strict=False):
        self.server, self.shard_count, self.seed = server, shard_count, seed
        self.model = ShardedModel(shard_count, is_strict)

    def rng(self, what):
        return random.Random('%s/%d/%d' % (what, self.shard_count, self.seed))

    # ---- histories

    def round(self, rng, names, players):
        """A history of fresh keys; each few of the players have keys of their own."""
        rng.shuffle(players)
        size = rng.choice(GROUP_SIZES)
        asked = {}  # player -> what it asks about
        for first in range(0, len(players), size):
            keys = names.spread(rng.randrange(2, 6), rng.randrange(self.shard_count))
            asked.update(dict.fromkeys(players[first:first + size], Requests(rng, keys, rng.choice(FLAVOURS))))
        lost = rng.sample(players, rng.choice([0, 0, 1, 2]))
        for player in players:
            player.bursts = [asked[player].burst() for _ in range(2 if player in lost else BURSTS)]
        history = play(players)
        for player in lost:
            history += player.vanish(asked[player].burst())
        for player in players:
            player.bursts = [[asked[player].look()]] if rng.random() < LOOK_SHARE else []
        history += play(players)
        for player in players:
            player.connection.call('UNWATCH')
        return [self.model.seen(operation) for operation in history]

    def histories(self):
        rng, names = self.rng('histories'), Names(self.shard_count, 'h')
        players = [Player(self.server, i) for i in range(CLIENTS)]
        counts, check_s, end = collections.Counter(), 0.0, time.monotonic() + HISTORIES_S
        while time.monotonic() < end:
            history = self.round(rng, names, players)
            start = time.monotonic()
            verdict = check(history, self.model, CHECK_S)
            check_s = max(check_s, time.monotonic() - start)
            if verdict.outcome == BAD:
                print('no order explains:\n    %s' % '\n    '.join(map(str, core(history, self.model))))
            assert verdict.is_good, 'round %d: %s' % (counts['rounds'], verdict.why)
            counts.update(rounds=1, operations=len(history), steps=verdict.step_count)
            counts['without an answer'] += sum(o.returned_ns is None for o in history)
            counts['transactions in vain'] += sum(o.reply is None and o.request[0] == 'EXEC' for o in history if o.returned_ns)
        for player in players:
            player.connection.close()
        return '%s; the longest check took %.0f ms' % (', '.join('%s %d' % i for i in counts.items()), check_s * 1000)

    # ---- bank

    def bank(self):
        names = Names(self.shard_count, 'account')
        return Bank(self.server, names.spread(ACCOUNTS), self.rng('bank')).run(BANK_S)

    # ---- held

    def held(self):
        rng, names = self.rng('held'), Names(self.shard_count, 'held')
        held = rng.randrange(self.shard_count)
        probers = connect_to_each(self.server, self.shard_count)
        waiters = connect_to_each(self.server, self.shard_count)
        runners = connect_to_each(self.server, self.shard_count)
        other = (held + 1) % self.shard_count
        said = []
        for what, runner, waiter, several in (('from its own shard', held, other, False), ('from another one', other, held, False),
                                              ('while one waits for two shards', held, other, True)):
            said.append(self.hold(names, held, runners[runner], waiters[waiter], probers, several, what))
            if self.shard_count == 1:
                break
        for connection in probers + waiters + runners:
            connection.close()
        return '; '.join(said)

    def busy_count(self, connection, key):
        """Turns of the script's loop that take about HELD_S."""
        count = 300000
        while True:
            start = time.monotonic()
            connection.call('EVAL', BUSY, 1, key, count, 'calibrated')
            took = time.monotonic() - start
            if took > 0.05:
                return int(count * HELD_S / took)
            count *= 4

    def hold(self, names, held, runner, waiter, probers, several, what):
        """One shard is held up by a script; who does not need it is answered, who needs it is answered afterwards."""
        key, own = names.on(held), [names.on(i) for i in range(self.shard_count)]
        involved = {held, (held + 1) % self.shard_count} if several else {held}
        free = [i for i in range(self.shard_count) if i not in involved]
        count = self.busy_count(runner, key)
        end = time.monotonic() + BEFORE_S
        before = probe(probers, own, free, lambda: time.monotonic() > end)
        start = time.monotonic()
        runner.send(['EVAL', BUSY, 1, key, count, 'done'])
        time.sleep(HEAD_START_S)  # nothing tells from outside that it has begun
        there = own[(held + 1) % self.shard_count]
        waiter.send(['SET', there, 'there'], ['MGET', key, there] if several else ['GET', key], ['APPEND', key, '!'])
        during = probe(probers, own, free, lambda: is_answered(runner))
        assert runner.read_raw().startswith(b':'), what
        took = time.monotonic() - start
        answer = encode(['done', 'there']) if several else b'$4\r\ndone\r\n'
        replies = [waiter.read_raw() for _ in range(3)]
        assert replies == [b'+OK\r\n', answer, b':5\r\n'], '%s: %r' % (what, replies)
        assert took > HELD_S / 3, 'the script took only %.3f s' % took
        return '%s %.1f s: %s' % (what, took, self.compare(before, during, took, what) if free else 'nobody is free')

    def compare(self, before, during, took, what):
        medians = [statistics.median(times) * 1000 for times in (before, during)]
        worst = [max(times) * 1000 for times in (before, during)]
        said = 'median %.2f ms (before: %.2f), worst %.1f (%.1f) of %d' % (medians[1], medians[0], worst[1], worst[0], len(during))
        crowd = max(1, self.shard_count / len(os.sched_getaffinity(0)))  # shards per core
        assert medians[1] < max(40.0 * crowd, 10 * medians[0]), '%s: %s' % (what, said)
        assert worst[1] < min(max(500.0 * crowd, 5 * worst[0]), 600.0 * took), '%s: %s' % (what, said)
        return said

    # ---- pipelines

    def pipelines(self, share_of_several=0.2):
        names = Names(self.shard_count, 'p')
        works = [(self.pipeline, share_of_several, self.rng('pipelines/%d' % i), names.spread(3 * self.shard_count, i)) for i in range(PIPELINERS)]
        return 'requests %d' % sum(side_by_side(works))

    def pipeline(self, share_of_several, rng, keys):
        """Requests of one key each; in the last turn some of several keys among them."""
        model, state = StoreModel(), StoreModel.initial
        single, several = Requests(rng, keys, SINGLE), Requests(rng, keys, TEXTS + LISTS)
        with self.server.connect(PATIENCE_S) as connection:
            for turn in range(PIPELINE_TURNS):
                share = share_of_several if turn == PIPELINE_TURNS - 1 else 0
                requests = [several.next() if rng.random() < share else single.next() for _ in range(PIPELINE)]
                connection.send(*[c for request in requests for c in commands_of(request)])
                for at, request in enumerate(requests):
                    reply = reply_of(request, [decode(connection.read_raw()) for _ in commands_of(request)])
                    state, expected = model.apply(state, 0, request)
                    assert reply == expected, 'request %d, %r: %r, not %r' % (at, request, reply, expected)
        return PIPELINE * PIPELINE_TURNS

    # ---- balance

    def behind(self):
        """What waits for a key that a long command has closed is not overtaken by what the same client sent behind it."""
        names = Names(self.shard_count, 'behind')
        connections, count = connect_to_each(self.server, self.shard_count), 0
        for shard in range(self.shard_count):
            long, short = names.on(shard), names.on(shard)
            for connection in connections[:3]:
                for _ in range(LONG_TURNS):
                    send_all(connection, ['DEL', long, short], ['RPUSH', long, *range(LONG)])
                    replies = send_all(connection, ['LREM', long, 0, 'absent'], ['LMOVE', long, short, 'RIGHT', 'LEFT'], ['LPUSH', short, 'last'],
                                       ['LRANGE', short, 0, -1])
                    assert replies == [0, b'%d' % (LONG - 1), 2, [b'last', b'%d' % (LONG - 1)]], replies
                    count += 1
        for connection in connections:
            connection.close()
        return 'turns %d' % count

    def balance(self):
        count = PER_SHARD * self.shard_count
        connections = [self.server.connect(PATIENCE_S) for _ in range(count)]
        for connection in connections:
            assert connection.call_raw('PING') == b'+PONG\r\n'
        lines = connections[0].call('CLIENT', 'LIST').decode().splitlines()
        ids = [int(word[3:]) for line in lines for word in line.split(' ')[:1]]
        own = {c.call('CLIENT', 'ID') for c in connections}
        for connection in connections:
            connection.close()
        assert len(set(ids)) == len(ids) and own <= set(ids), 'CLIENT LIST: %s' % sorted(ids)
        homes = collections.Counter(i % self.shard_count for i in own)
        assert min(homes[i] for i in range(self.shard_count)) >= PER_SHARD / 4, homes
        return 'connections by shard: %s' % ' '.join(str(homes[i]) for i in range(self.shard_count))


    # ---- moves

    def moves(self):
        if self.shard_count == 1:
            return 'one shard has nowhere to move to'
        with self.server.connect(PATIENCE_S) as connection:
            connection.call('FLUSHALL')  # names are those of the parts before
            for i in range(0, SCANNED_KEYS, 100):
                connection.call('MSET', *[w for n in range(i, i + 100) for w in ('scanned%d' % n, 'x' * (n % 300))])
        model, self.model = self.model, MovingModel()
        moving = Moving(self.server, self.shard_count, self.rng('moves'))
        thread = threading.Thread(target=moving.run)
        thread.start()
        try:
            said = [self.histories(), self.bank(), self.pipelines(0), *side_by_side([(self.scans,), (self.queues,), (self.giant,)])]
        finally:
            moving.is_over = True
            thread.join()
            self.model = model
        assert not moving.error, moving.error
        assert moving.count > 0, 'no move was over in time'
        return '%d moves of %d keys, %d on demand; %s' % (moving.count, moving.taken, moving.fetched, '; '.join(said))

    def scans(self):
        """Whoever is there all the time is seen by each SCAN, and by KEYS and DBSIZE as often as it is there."""
        end, count = time.monotonic() + MOVES_S, 0
        with self.server.connect(PATIENCE_S) as connection:
            while time.monotonic() < end:
                cursor, seen = b'0', set()
                while True:
                    cursor, names = connection.call('SCAN', cursor, 'MATCH', 'scanned*', 'COUNT', 200)
                    seen.update(names)
                    if cursor == b'0':
                        break
                assert len(seen) == SCANNED_KEYS, 'SCAN saw %d' % len(seen)
                names = connection.call('KEYS', 'scanned*')
                assert len(names) == len(set(names)) == SCANNED_KEYS, 'KEYS saw %d' % len(names)
                count += 1
        return 'scans %d' % count

    def queues(self):
        """What is pushed comes out once and in order, though who waits for it and its list move."""
        names = Names(self.shard_count, 'queue').spread(QUEUES)
        side_by_side([(f, name) for name in names for f in (self.push_all, self.pop_all)])
        return 'popped %d' % (QUEUES * ITEMS)

    def giant(self):
        """It has all its fields, and no change of it is lost, wherever it is."""
        with self.server.connect(PATIENCE_S) as connection:
            for first in range(0, GIANT_FIELDS, 5000):
                connection.call('HSET', 'giant', *[w for i in range(first, first + 5000) for w in ('field%d' % i, 0)])
        end = time.monotonic() + MOVES_S / 2
        said = side_by_side([(self.count_up, 'field%d' % i, end) for i in range(3)] + [(self.look_at_giant, end)])
        return 'changes of the giant %d, looks %d, of which the longest took %.0f ms' % (sum(said[:3]), *said[3])

    def count_up(self, field, end):
        """Returns how often."""
        count = 0
        with self.server.connect(PATIENCE_S) as connection:
            while time.monotonic() < end:
                count += 1
                assert connection.call('HINCRBY', 'giant', field, 1) == count, field
        return count

    def look_at_giant(self, end):
        """Returns how often, and how long the longest look took in ms."""
        seen, count, longest_s = [0, 0, 0], 0, 0.0
        with self.server.connect(PATIENCE_S) as connection:
            while time.monotonic() < end:
                start, before = time.monotonic(), seen
                size, *seen = send_all(connection, ['MULTI'], ['HLEN', 'giant'], *[['HGET', 'giant', 'field%d' % i] for i in range(3)], ['EXEC'])[-1]
                longest_s = max(longest_s, time.monotonic() - start)
                seen = [int(n) for n in seen]
                assert size == GIANT_FIELDS and all(a <= b for a, b in zip(before, seen)), (size, before, seen)
                count += 1
        return count, longest_s * 1000

    def push_all(self, name):
        with self.server.connect(PATIENCE_S) as connection:
            for i in range(ITEMS):
                connection.call('RPUSH', name, i)
                if i % 8 == 0:
                    time.sleep(0.01)

    def pop_all(self, name):
        with self.server.connect(PATIENCE_S) as connection:
            for i in range(ITEMS):
                assert connection.call('BLPOP', name, PATIENCE_S / 2) == [name.encode(), b'%d' % i], name
            start = time.monotonic()
            assert connection.call('BLPOP', name, 0.5) is None
            took = time.monotonic() - start
            assert 0.4 < took < 3, 'a wait of 0.5 s took %.2f' % took


class Moving:
    """Moves ranges of slots back and forth until it is over."""

    def __init__(self, server, shard_count, rng):
        self.server, self.shard_count, self.rng = server, shard_count, rng
        self.is_over, self.error, self.count, self.taken, self.fetched = False, None, 0, 0, 0

    def run(self):
        try:
            with self.server.connect(PATIENCE_S) as connection:
                while not self.is_over:
                    self.move(connection)
        except Exception:
            self.error = traceback.format_exc()

    def move(self, connection):
        first, last = sorted(self.rng.randrange(16384) for _ in range(2))
        connection.call('PENSTOCK', 'MOVE-SLOTS', first, last, self.rng.randrange(self.shard_count))
        end = time.monotonic() + PATIENCE_S
        while True:
            words = connection.call('PENSTOCK', 'MOVE-STATUS')
            status = dict(zip(words[::2], words[1::2]))
            if not status[b'running']:
                break
            assert time.monotonic() < end, 'a move that does not end: %s' % status
            time.sleep(0.002)
        self.count, self.taken, self.fetched = self.count + 1, self.taken + status[b'keys_taken'], self.fetched + status[b'keys_fetched']
        time.sleep(self.rng.choice([0, 0, 0.005, 0.05]))


class Bank:
    """Clients that move money, and others that look."""

    def __init__(self, server, accounts, rng):
        self.server, self.accounts, self.rng = server, accounts, rng
        self.counts = collections.Counter()

    def run(self, seconds):
        with self.server.connect() as connection:
            connection.call('MSET', *[w for a in self.accounts for w in (a, START_BALANCE)])
            seeds, end = [random.Random(self.rng.random()) for _ in range(TELLERS + AUDITORS)], time.monotonic() + seconds
            side_by_side([(self.teller if i < TELLERS else self.auditor, i, seeds[i], end) for i in range(TELLERS + AUDITORS)])
            self.audit(connection, 0)
        for what in ('transfers', 'transfers by WATCH', 'transfers by script', 'audits'):
            assert self.counts[what] > 0, self.counts
        return ', '.join('%s %d' % item for item in sorted(self.counts.items()))

    def teller(self, number, rng, end):
        how = [self.transfer, self.transfer_watched, self.transfer_by_script][number % 3]
        counts = collections.Counter()
        with self.server.connect(PATIENCE_S) as connection:
            while time.monotonic() < end:
                counts[how(connection, *rng.sample(self.accounts, 2), rng.randrange(1, 50))] += 1
        self.counts.update(counts)

    def transfer(self, connection, source, target, amount):
        """Of what need not be known."""
        send_all(connection, ['MULTI'], ['DECRBY', source, amount], ['INCRBY', target, amount], ['EXEC'])
        return 'transfers'

    def transfer_watched(self, connection, source, target, amount):
        """Reads, reckons and writes: what another one did meanwhile must not be lost."""
        connection.call('WATCH', source, target)
        there, here = map(int, connection.call('MGET', source, target))
        done = send_all(connection, ['MULTI'], ['SET', source, there - amount], ['SET', target, here + amount], ['EXEC'])
        return 'transfers by WATCH' if done[-1] else 'transfers in vain'

    def transfer_by_script(self, connection, source, target, amount):
        assert connection.call('EVAL', TRANSFER, 2, source, target, amount) == amount
        return 'transfers by script'

    def auditor(self, number, rng, end):
        count = 0
        with self.server.connect(PATIENCE_S) as connection:
            while time.monotonic() < end:
                self.audit(connection, rng.randrange(3))
                count += 1
        self.counts.update({'audits': count})

    def audit(self, connection, how):
        if how == 0:
            balances = connection.call('MGET', *self.accounts)
        elif how == 1:
            parts = send_all(connection, ['MULTI'], ['MGET', *self.accounts[::2]], *[['GET', a] for a in self.accounts[1::2]], ['EXEC'])[-1]
            balances = parts[0] + parts[1:]
        else:
            balances = [connection.call('EVAL', SUM, len(self.accounts), *self.accounts)]
        total = sum(map(int, balances))
        assert total == START_BALANCE * len(self.accounts), 'by %s: %d' % (('MGET', 'MULTI', 'EVAL')[how], total)


def probe(connections, keys, chosen, is_over):
    """The time that each answer took, asking the chosen ones in turn."""
    times, turn = [], 0
    while not is_over():
        if not chosen:
            time.sleep(0.005)  # nobody to ask
        for i in chosen:
            turn += 1
            start = time.monotonic()
            if turn % 2:
                reply = connections[i].call('SET', keys[i], turn) == b'OK'
            else:
                reply = connections[i].call('EXISTS', keys[i]) in (0, 1)
            times.append(time.monotonic() - start)
            assert reply, keys[i]
    return times


PARTS = ['histories', 'bank', 'held', 'pipelines', 'behind', 'balance', 'listeners', 'caches', 'monitors', 'moves']


def run(shard_count, seed, parts, is_strict=False):
    """All parts on one server; whether all is well."""
    with Penstock({'shards': shard_count}) as server:
        try:
            for part in parts:
                start = time.monotonic()
                said = getattr(Shards(server, shard_count, seed, is_strict), part)()
                print('ok %d shards, %s (%.1f s): %s' % (shard_count, part, time.monotonic() - start, said), flush=True)
            with server.connect() as connection:
                assert connection.call_raw('PING') == b'+PONG\r\n'
            status = server.stop()
            assert status == 0, 'it ended with %s' % status
            said = [line for line in server.log().splitlines() if 'Sanitizer' in line or 'runtime error' in line]
            assert not said, said
        except Exception:
            traceback.print_exc(file=sys.stdout)
            print('FAILED with %d shards, seed %d\n---- log of the server\n%s----' % (shard_count, seed, server.log()[-6000:]), flush=True)
            return False
    return True


def main():
    parser = argparse.ArgumentParser(description='Tests of a server with several shards.')
    parser.add_argument('--shards', default='1,2,3,8', help='how many, one run for each')
    parser.add_argument('--seed', type=int, default=int(SEED) if SEED else random.SystemRandom().randrange(1 << 32))
    parser.add_argument('--part', action='append', choices=PARTS, help='only this one; may be repeated')
    parser.add_argument('--strict', action='store_true', help='pipelines in order across shards, too, as others see them')
    options = parser.parse_args()
    print('shards seed %d (again: test_shards.py --shards %s --seed %d)' % (options.seed, options.shards, options.seed), flush=True)
    good = [run(int(count), options.seed, options.part or PARTS, options.strict) for count in options.shards.split(',')]
    return 0 if all(good) else 1


if __name__ == '__main__':
    sys.exit(main())
