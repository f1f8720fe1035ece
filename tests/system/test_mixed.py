#!/usr/bin/env python3
"""Five hundred clients at once: transactions, scripts, messages, caches that are told of changes, blocking commands,
MONITOR, kills and CLIENT PAUSE, from a seed, with what must hold throughout:

  accounts      transfers by WATCH/MULTI/EXEC and by scripts: every look at all accounts gives the same sum
  messages      each subscriber sees the numbers of each publisher one by one, without a gap, to the last
  caches        when all is quiet, what a client has cached is what the server has
  queues        what was pushed is delivered to one client or still there, but for clients that were killed

    test_mixed.py [--shards N]

What several shards refuse is counted and told at the end. PENSTOCK_BUILD may be a build with sanitizers: what they say
is in the server's log, which is looked through.
"""
import asyncio
import collections
import os
import random
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import Case, SEED, main, raise_file_limit  # noqa: E402
from penstock import ReplyError, _decode, encode  # noqa: E402

RUN_S, CALM_S = 14.0, 1.5  # at the end nobody writes what is cached, so that there is something to compare
PATIENCE_S = 20
REFUSED, AFTER_REFUSAL_S = 'several shards', 0.05
ACCOUNTS = ['account:%d' % i for i in range(500)]
START_BALANCE = 1000
CHANNELS, PUBLISHERS = 5, 20
DATA = ['data:%d' % i for i in range(60)]
QUEUES = ['queue:%d' % i for i in range(4)]
ROLES = {'transfer': 110, 'script': 70, 'auditor': 30, 'publisher': PUBLISHERS, 'subscriber': 70, 'cache': 70, 'redirected': 20,
         'writer': 35, 'consumer': 45, 'producer': 12, 'monitor': 2, 'chaos': 1}  # 'redirected' takes two connections
MAY_BE_KILLED = {'transfer', 'script', 'auditor', 'cache', 'writer', 'consumer'}
TRANSFER = """local from, to, n = KEYS[1], KEYS[2], tonumber(ARGV[1])
if tonumber(redis.call('get', from)) < n then return 0 end
redis.call('decrby', from, n)
redis.call('incrby', to, n)
return 1"""
SUM = "local s = 0; for i = 1, #KEYS do s = s + redis.call('get', KEYS[i]) end; return s"
MONITOR_LINE = re.compile(rb'\d+\.\d{6} \[\d+ (lua|127\.0\.0\.1:\d+)\] ".*"')


class Gone(Exception):
    """The connection has ended."""


class Refused(Exception):
    """By a server of several shards, as it does not do that yet."""


def is_refused(reply):
    if isinstance(reply, list):
        return any(map(is_refused, reply))
    return isinstance(reply, ReplyError) and REFUSED in str(reply)


class Link(asyncio.Protocol):
    """A connection. What the server says unasked goes to on_push: in RESP3 pushes, else, while listening, all."""

    def __init__(self, on_push=None):
        self.buffer, self.waiting, self.on_push = b'', collections.deque(), on_push
        self.is_closed, self.is_listening, self.failure = False, False, None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        at = 0
        while at < len(self.buffer):
            try:
                value, end = _decode(self.buffer, at)
            except (ValueError, IndexError):
                break
            if end > len(self.buffer):
                break
            self.take(value, self.buffer[at:at + 1] == b'>' or self.is_listening)
            at = end
        self.buffer = self.buffer[at:]

    def take(self, value, is_push):
        if is_push and value[0] != b'pong':  # which is an answer, also to a subscriber
            self.on_push(value)
            return
        if not self.waiting:
            self.failure = AssertionError('nobody waits for %r' % value)
            return
        future = self.waiting.popleft()
        if not future.done():
            future.set_result(value)

    def connection_lost(self, _):
        self.is_closed = True
        for future in self.waiting:
            if not future.done():
                future.set_exception(Gone())
        self.waiting.clear()

    def say(self, *requests):
        if self.is_closed:
            raise Gone()
        self.transport.write(b''.join(encode(r) for r in requests))

    async def ask(self, *requests):
        """The replies, in order; errors are replies here."""
        if self.failure:
            raise self.failure
        self.say(*requests)
        futures = [asyncio.get_running_loop().create_future() for _ in requests]
        self.waiting.extend(futures)
        replies = []
        try:
            for future in futures:
                replies.append(await asyncio.wait_for(future, PATIENCE_S))
        finally:
            for future in futures:  # so that nobody complains of what was not looked at
                future.cancel()
        if is_refused(replies):
            self.transport.close()
            raise Refused(requests[-1][0])
        return replies

    async def call(self, *request):
        reply = (await self.ask(request))[0]
        if isinstance(reply, ReplyError):
            raise AssertionError('%s: %s' % (' '.join(map(str, request)), reply))
        return reply


class World:
    def __init__(self, server):
        self.server, self.ending, self.is_calm = server, False, False
        self.counts, self.ids = collections.Counter(), {}  # ids: of connections that may be killed -> role
        self.published = {}  # publisher -> last number
        self.subscribers, self.caches = [], []
        self.pushed, self.delivered, self.killed_consumers = set(), collections.Counter(), 0

    async def link(self, role, on_push=None, protocol=None):
        _, link = await asyncio.get_running_loop().create_connection(lambda: Link(on_push), self.server.host, self.server.port)
        if protocol:
            await link.call('HELLO', protocol)
        link.id = await link.call('CLIENT', 'ID')
        if role in MAY_BE_KILLED:
            self.ids[link.id] = role
        return link

    async def play(self, role, number):
        """One client, again and again when it is killed."""
        rng = random.Random('%s/%d/%d' % (role, number, SEED))
        while not (self.is_calm if role == 'writer' else self.ending):
            try:
                await getattr(self, role)(rng, number)
            except Gone:
                assert role in MAY_BE_KILLED, 'a %s lost its connection' % role
                self.counts['killed ' + role] += 1
            except Refused as e:
                self.counts['refused %s' % e] += 1
                await asyncio.sleep(AFTER_REFUSAL_S)

    # ---- accounts

    async def transfer(self, rng, _):
        link = await self.link('transfer')
        while not self.ending:
            a, b = rng.sample(ACCOUNTS, 2)
            amount = rng.randrange(1, 100)
            _, have = await link.ask(['WATCH', a, b], ['GET', a])
            if int(have) < amount:
                await link.call('UNWATCH')
                continue
            queue = [['MULTI'], ['DECRBY', a, amount], ['GET', b], ['INCRBY', b, amount]]
            if rng.random() < 0.05:  # an error of a command that ran does not undo the others
                queue.append(['LPUSH', a, 'x'])
            if rng.random() < 0.05:
                assert (await link.ask(*queue, ['DISCARD']))[-1] == b'OK'
                continue
            replies = await link.ask(*queue, ['EXEC'])
            assert all(r == b'QUEUED' for r in replies[1:-1]), replies
            self.counts['transfers' if replies[-1] else 'transfers in vain'] += 1

    async def script(self, rng, _):
        link = await self.link('script')
        sha = await link.call('SCRIPT', 'LOAD', TRANSFER)
        while not self.ending:
            a, b = rng.sample(ACCOUNTS, 2)
            request = rng.choice([['EVAL', TRANSFER], ['EVALSHA', sha]]) + [2, a, b, rng.randrange(1, 100)]
            if rng.random() < 0.2:
                replies = await link.ask(['MULTI'], request, ['GET', a], ['EXEC'])
                assert replies[-1][0] in (0, 1), replies
            else:
                assert (await link.call(*request)) in (0, 1)
            self.counts['scripts'] += 1

    async def auditor(self, rng, _):
        link = await self.link('auditor')
        total = START_BALANCE * len(ACCOUNTS)
        while not self.ending:
            kind = rng.randrange(3)
            if kind == 0:
                balances = await link.call('MGET', *ACCOUNTS)
            elif kind == 1:
                parts = (await link.ask(['MULTI'], *[['MGET', *ACCOUNTS[i::10]] for i in range(10)], ['EXEC']))[-1]
                balances = [b for part in parts for b in part]
            else:
                balances = [await link.call('EVAL', SUM, len(ACCOUNTS), *ACCOUNTS)]
            found = sum(map(int, balances))
            assert found == total, 'the accounts hold %d, not %d' % (found, total)
            assert min(map(int, balances)) >= 0, balances
            self.counts['audits'] += 1
            await asyncio.sleep(rng.random() * 0.01)

    # ---- messages

    async def publisher(self, rng, number):
        link = await self.link('publisher')
        channel = 'channel:%d' % (number % CHANNELS)
        last = 0
        while not self.ending:
            last += 1
            self.published[number] = last
            self.tell(link, rng, number, channel, last)
            await asyncio.sleep(rng.random() * 0.02)
        await link.ask(*self.messages(channel, b'%d end' % number))

    def messages(self, channel, text):
        return [['PUBLISH', channel, text], ['SPUBLISH', channel, text]]

    def tell(self, link, rng, number, channel, last):
        requests = self.messages(channel, b'%d %d' % (number, last))
        how = rng.randrange(3)
        if how == 1:
            requests = [['MULTI'], *requests, ['EXEC']]
        if how == 2:
            requests = [['EVAL', 'return redis.call(KEYS[1], KEYS[2], ARGV[1])', 2, r[0], r[1], r[2]] for r in requests]
        link.say(*requests)
        link.waiting.extend(asyncio.get_running_loop().create_future() for _ in requests)
        self.counts['messages'] += 1

    async def subscriber(self, rng, number):
        channel, how = 'channel:%d' % rng.randrange(CHANNELS), number % 3
        seen, ended, wrong = {}, set(), []

        def on_push(message):
            if message[0] not in (b'message', b'pmessage', b'smessage'):
                return
            who, what = message[-1].split()
            if what == b'end':
                ended.add(int(who))
                return
            before, now = seen.get(int(who)), int(what)
            if before is not None and now != before + 1:
                wrong.append('of publisher %s came %d after %d' % (who.decode(), now, before))
            seen[int(who)] = now
            self.counts['messages received'] += 1

        protocol = rng.choice([2, 3])
        link = await self.link('subscriber', on_push, protocol)
        link.is_listening = protocol == 2
        link.say([('SUBSCRIBE', 'PSUBSCRIBE', 'SSUBSCRIBE')[how], channel.replace('channel', '[cd]hannel') if how == 1 else channel])
        wanted = {p for p in range(PUBLISHERS) if p % CHANNELS == int(channel[-1])}
        self.subscribers.append((seen, ended, wanted, wrong, link))
        while not self.ending:
            await asyncio.sleep(0.1)
            assert not wrong, wrong[0]
            assert not link.is_closed, 'a subscriber lost its connection'

    # ---- caches

    async def cache(self, rng, number):
        kept, mode = {}, ('', 'BCAST PREFIX data:', 'OPTIN', 'OPTOUT', 'NOLOOP')[number % 5]
        link = await self.link('cache', lambda push: forget(kept, push), 3)
        await link.call('CLIENT', 'TRACKING', 'ON', *mode.split())
        self.caches.append((kept, link, None))
        while not self.ending:
            key = rng.choice(DATA)
            if mode == 'OPTIN':
                await self.look_up(link, kept, key, [['CLIENT', 'CACHING', 'YES']])
            elif rng.random() < 0.1 and mode != 'OPTOUT':
                await self.look_up_in_script(link, kept, key)
            else:
                await self.look_up(link, kept, key, [])
            if rng.random() < 0.1 and not self.is_calm:  # what it writes it has to be told of itself, unless it said NOLOOP
                if mode == 'NOLOOP':
                    kept.pop(key, None)
                await link.call('SET', key, 'by-%d-%d' % (link.id, rng.randrange(1000)))
            await asyncio.sleep(rng.random() * 0.01)

    async def look_up(self, link, kept, key, before):
        """A message about key that comes while we wait is about what the answer may be older than."""
        kept[key] = None
        value = (await link.ask(*before, ['GET', key]))[-1]
        if key in kept:
            kept[key] = (value,)
        self.counts['cached'] += 1

    async def look_up_in_script(self, link, kept, key):
        kept[key] = None
        value = await link.call('EVAL', "return redis.call('get', KEYS[1])", 1, key)
        if key in kept:
            kept[key] = (value,)

    async def redirected(self, rng, _):
        """Its messages go to another connection of RESP2."""
        kept = {}
        ear = await self.link('ear', lambda message: forget(kept, message[1:]) if message[0] == b'message' else None)
        ear.is_listening = True
        ear.say(['SUBSCRIBE', '__redis__:invalidate'])
        link = await self.link('redirected')
        await link.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', ear.id)
        self.caches.append((kept, link, ear))
        while not self.ending:
            await self.look_up(link, kept, rng.choice(DATA), [])
            await asyncio.sleep(rng.random() * 0.01)

    async def writer(self, rng, number):
        link = await self.link('writer')
        while not self.is_calm:
            key, value = rng.choice(DATA), 'w%d-%d' % (number, rng.randrange(10000))
            await link.ask(*rng.choice([[['SET', key, value]], [['DEL', key]], [['SET', key, value, 'PX', 1 + rng.randrange(30)]],
                                        [['APPEND', key, 'x']], [['MULTI'], ['SET', key, value], ['APPEND', key, 'y'], ['EXEC']],
                                        [['RENAME', key, rng.choice(DATA)]], [['MSET', key, value, rng.choice(DATA), value]],
                                        [['EVAL', "return redis.call('set', KEYS[1], ARGV[1])", 1, key, value]]]))
            self.counts['writes'] += 1
            await asyncio.sleep(rng.random() * 0.02)

    # ---- queues

    async def consumer(self, rng, _):
        link = await self.link('consumer')
        while not self.ending:
            queues = rng.sample(QUEUES, rng.randrange(1, 4))
            name = rng.choice(['BLPOP', 'BRPOP'])
            try:
                reply = await link.call(name, *queues, rng.choice([0.01, 0.05, 0.3]))
            except Gone:
                self.killed_consumers += 1
                raise
            if reply:
                self.delivered[reply[1]] += 1

    async def producer(self, rng, number):
        link, count = await self.link('producer'), 0
        while not self.ending:
            values = ['%d-%d' % (number, count + i) for i in range(rng.randrange(1, 4))]
            count += len(values)
            self.pushed.update(v.encode() for v in values)
            request = ['RPUSH', rng.choice(QUEUES), *values]
            if rng.random() < 0.3:
                await link.ask(['MULTI'], request, ['EXEC'])
            else:
                await link.call(*request)
            await asyncio.sleep(rng.random() * 0.02)

    # ---- who looks on, and who disturbs

    async def monitor(self, rng, _):
        lines, link = collections.Counter(), await self.link('monitor', lambda line: None)

        def take(line, _):
            assert MONITOR_LINE.match(line), line
            lines[b'lua]' in line] += 1

        assert await link.call('MONITOR') == b'OK'
        link.take = take
        while not self.ending:
            await asyncio.sleep(0.1)
            assert not link.is_closed, 'a monitor lost its connection'
        assert lines[True] and lines[False], lines
        self.counts['monitor lines'] += sum(lines.values())

    async def chaos(self, rng, _):
        link = await self.link('chaos')
        while not self.ending:
            await asyncio.sleep(0.03)
            kind = rng.random()
            if kind < 0.5:
                victim = rng.choice(sorted(self.ids))
                self.ids.pop(victim)
                await link.call('CLIENT', 'KILL', 'ID', victim)
            elif kind < 0.6:
                await link.call('CLIENT', 'PAUSE', rng.randrange(5, 60), rng.choice(['WRITE', 'ALL']))
                self.counts['pauses'] += 1
            elif kind < 0.65:
                await link.ask(['CLIENT', 'UNPAUSE'])
            elif kind < 0.8:
                listed = (await link.call('CLIENT', 'LIST')).splitlines()
                assert len(listed) > 400, len(listed)
            elif kind < 0.9:
                await link.call('CONFIG', 'SET', 'tracking-table-max-keys', rng.choice([0, 10, 1000]))
            else:
                await link.ask(['INFO'], ['PUBSUB', 'NUMSUB', 'channel:0'], ['CLIENT', 'LIST', 'TYPE', 'pubsub'])
        await link.call('CLIENT', 'UNPAUSE')

    # ---- the end

    async def check(self):
        link = await self.link('check')
        balances = await link.call('MGET', *ACCOUNTS)
        assert sum(map(int, balances)) == START_BALANCE * len(ACCOUNTS), balances
        await self.check_messages()
        await self.check_caches(link)
        left = [v for q in QUEUES for v in await link.call('LRANGE', q, 0, -1)]
        assert not [v for v, n in self.delivered.items() if n > 1], 'delivered twice'
        found = set(self.delivered) | set(left)
        assert len(found) == len(self.delivered) + len(left), 'delivered and still there'
        assert found <= self.pushed, sorted(found - self.pushed)[:5]
        assert len(self.pushed - found) <= self.killed_consumers, 'lost %r' % sorted(self.pushed - found)[:5]

    async def check_messages(self):
        end = time.monotonic() + PATIENCE_S
        for seen, ended, wanted, wrong, _ in self.subscribers:
            while ended < wanted and time.monotonic() < end:
                await asyncio.sleep(0.01)
            assert ended == wanted, 'publishers %s were not heard to their end' % (wanted - ended)
            assert not wrong, wrong[0]
            for who in wanted:
                assert seen.get(who) == self.published[who], 'publisher %d: %s of %d' % (who, seen.get(who), self.published[who])

    async def check_caches(self, link):
        """Who is told of a change is told before the next PING of theirs is answered."""
        values = dict(zip(DATA, await link.call('MGET', *DATA)))
        compared = 0
        for kept, own, ear in self.caches:
            if own.is_closed:
                continue
            await (ear or own).ask(['PING'])
            for key, value in kept.items():
                if value is not None:
                    assert value[0] == values[key], '%s: cached %r, the server has %r' % (key, value[0], values[key])
                    compared += 1
        assert compared > 100, compared
        self.counts['compared with caches'] = compared


def forget(kept, push):
    """An invalidation: names of keys, or none for all."""
    if push[0] in (b'invalidate', b'__redis__:invalidate'):
        if push[1] is None:
            kept.clear()
        else:
            for key in push[1]:
                kept.pop(key.decode(), None)


async def run(server, run_s):
    world = World(server)
    setup = await world.link('setup')
    await setup.call('MSET', *[x for a in ACCOUNTS for x in (a, START_BALANCE)])
    tasks = [asyncio.ensure_future(world.play(role, i)) for role, count in ROLES.items() for i in range(count)]
    await asyncio.wait(tasks, timeout=run_s - CALM_S, return_when=asyncio.FIRST_EXCEPTION)
    world.is_calm = True
    await asyncio.wait([t for t in tasks if not t.done()], timeout=CALM_S, return_when=asyncio.FIRST_EXCEPTION)
    failed = [t for t in tasks if t.done() and t.exception()]
    world.ending = True
    done, pending = await asyncio.wait(tasks, timeout=PATIENCE_S + 5)
    for task in failed + list(done):
        if task.exception():
            raise task.exception()
    assert not pending, '%d clients did not come to an end' % len(pending)
    await world.check()
    return world.counts


class Mixed(Case):
    def test_five_hundred_clients(self):
        raise_file_limit(2000)
        server = self.start({'notify-keyspace-events': 'KEA'})
        counts = asyncio.run(run(server, RUN_S))
        print('    %d connections: %s' % (sum(ROLES.values()) + ROLES['redirected'],
                                          ', '.join('%s %d' % item for item in sorted(counts.items()))), file=sys.stderr)
        for what in ('transfers', 'scripts', 'audits', 'messages received', 'writes', 'pauses', 'monitor lines'):
            self.assertGreater(counts[what], 0, what)
        server.stop()
        said = [line for line in server.log().splitlines() if 'Sanitizer' in line or 'runtime error' in line]
        self.assertEqual(said, [])


if __name__ == '__main__':
    main()
