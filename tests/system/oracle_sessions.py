"""What goes on between a client and the server, for oracle.py: transactions, messages, tracking, and CLIENT's answers.

A command whose answer may be followed, or preceded, by what the server says unasked is sent with a PING behind it, and
another one once that is answered: all that came up to then is compared, in any order, since redis-server goes over
patterns and prefixes in one of its own. 7.0 puts a client's own messages ahead of the reply, 7.2 behind it, so that order
is for the unit tests.

Left out, because 7.2 and 7.0 differ or because two servers cannot agree on it:
  CLIENT PAUSE       up to 2^63 ms: 7.0's sum overflows
  CLIENT NO-TOUCH    came with 7.2
  EVAL               of one's own that writes: 7.0 tells BCAST clients of it that said NOLOOP
  SWAPDB             tells our tracking clients that any key may be another one, which 7.0 does not
  flushes            in RESP2 by redirection: 7.0 sends RESP3's null there
"""
import random
import re

import oracle
from oracle import Command, Group, any_case
from penstock import Connection, decode, encode

KEYS = ['a', 'b', 'c']
CHANNELS = ['x', 'y', 'news.a', 'news.b']
PATTERNS = ['*', 'news.*', '[xy]', 'z?']
UNORDERED = {'smembers', 'sunion', 'sinter', 'sdiff', 'hgetall', 'hkeys', 'hvals', 'keys', 'scan', 'spop', 'randomkey', 'srandmember', 'object'}


def second(connection):
    """Another client of the same server, for the whole run. It tracks, as our server forgets what was read when nobody
    does any more, and redis-server when it is flushed."""
    if not hasattr(connection, 'second'):
        connection.second = Connection(connection.socket.getpeername())
        connection.second.call('CLIENT', 'TRACKING', 'ON')
    return connection.second


def sorted_message(raw):
    """An invalidation of several keys names them in any order."""
    value = decode(raw)
    if isinstance(value, list) and len(value) > 1 and value[-2] in (b'invalidate', b'__redis__:invalidate') and value[-1]:
        return repr(value[:-1] + [sorted(value[-1])])
    return repr((raw[:1], value)) if raw[:1] in (b'+', b'-', b'$') else repr(value)


def all_said(connection, token):
    """What comes up to the answer to PING token, which is a message while a client of RESP2 listens."""
    found = []
    while True:
        raw = connection.read_raw()
        if raw in (b'$%d\r\n%s\r\n' % (len(token), token), encode(['pong', token])):
            return found
        found.append(sorted_message(raw))


def split(messages):
    """An invalidation for each key: each of several shards broadcasts its own keys."""
    found = []
    for message in messages:
        keys = re.fullmatch(r"\[b'invalidate', \[(.*)\]\]|\[b'message', b'__redis__:invalidate', \[(.*)\]\]", message)
        found += ['invalidate %s' % key for key in (keys[1] or keys[2]).split(', ')] if keys else [message]
    return found


def settle(connection):
    """What other shards tell a client of this one comes a moment later: each command for which all shards stand takes
    along what was said before it, and the third finds it read."""
    for _ in range(3 if oracle.shard_count > 1 else 0):
        second(connection).call_raw('DBSIZE')


def exchange(connection, *requests):
    connection.send(*requests, ['PING', 'first'])
    found = all_said(connection, b'first')
    settle(connection)
    connection.send(['PING', 'last'])
    found += all_said(connection, b'last')
    return sorted(split(found) if oracle.shard_count > 1 else found)


def fenced(*args, by_other=False, also=()):
    """args, by this client or by another one, and everything that this client hears of it."""
    def run(connection):
        other = second(connection)
        done = [other.call_raw(*args)] if by_other else []
        return [done, exchange(connection, *([] if by_other else [args]), *also)]
    return Command(*args, run=run)


class Transactions(Group):
    """MULTI among commands of all sorts, errors of every kind, and keys that others change while they are watched."""
    name = 'transactions'

    def __init__(self, rng):
        super().__init__(rng)
        self.is_queueing = False  # where blocking commands do not block
        groups = oracle.load_groups()
        self.sources = [groups[n](random.Random(rng.random())) for n in ('strings-keys', 'lists', 'sorted-sets', 'hashes', 'sets')
                        if n in groups]

    def next(self):
        r = self.rng
        kind = r.random()
        if kind < 0.12:
            self.is_queueing = True
            return Command(any_case(r, 'MULTI'))
        if kind < 0.28:
            self.is_queueing = False
            return Command(any_case(r, 'EXEC' if kind < 0.24 else 'DISCARD'))
        if kind < 0.36:
            return Command('WATCH', *r.sample(KEYS, r.randrange(1, 4)))
        if kind < 0.38:
            return Command('UNWATCH')
        if kind < 0.41:
            return self.touch()
        if kind < 0.44:
            if r.random() < 0.1:
                self.is_queueing = False  # refused as it is
                return Command('EXEC', 'x')
            return r.choice([Command('GET'), Command('NOSUCH', 'x'), Command('MULTI', 'x'), Command('WATCH'),
                             Command('DBSIZE', 'x'), Command('SUBSCRIBE'), Command('CLIENT', 'NOSUCH')])
        if kind < 0.6:
            return self.plain()
        return self.borrowed()

    def touch(self):
        """By another client."""
        args = self.rng.choice([['SET', self.key(), 'by-other'], ['DEL', self.key()], ['EXPIRE', self.key(), '1000'], ['APPEND', self.key(), ''],
                                ['PERSIST', self.key()], ['RENAME', self.key(), self.key()], ['FLUSHDB'], ['FLUSHALL'], ['SWAPDB', '0', '1'],
                                ['SETRANGE', self.key(), '0', ''], ['GETEX', self.key()], ['TOUCH', self.key()], ['PEXPIREAT', self.key(), '1']])
        return Command(*args, run=lambda connection: second(connection).call_raw(*args))

    def key(self):
        return self.rng.choice(KEYS)

    def plain(self):
        r = self.rng
        if self.is_queueing and r.random() < 0.2:
            return Command(*r.choice([['BLPOP', self.key(), '0'], ['BRPOP', 'none', '0'], ['BLMOVE', 'none', 'a', 'LEFT', 'LEFT', '0'],
                                      ['XREAD', 'BLOCK', '0', 'STREAMS', 'none', '$'], ['BZPOPMIN', 'none', '0'], ['WAIT', '1', '0'], ['MONITOR']]))
        return Command(*r.choice([['SET', self.key(), 'v'], ['GET', self.key()], ['INCR', self.key()], ['LPUSH', self.key(), 'x'], ['DEL', self.key()],
                                  ['SELECT', '1'], ['SELECT', '0'], ['EVAL', "return redis.call('get', KEYS[1])", '1', self.key()],
                                  ['EVAL', "return redis.pcall('incr', KEYS[1])", '1', self.key()], ['PING'],
                                  ['MONITOR', 'x'], ['RESET', 'x'], ['FLUSHDB'], ['PUBLISH', 'x', 'y'], ['EXPIRE', self.key(), '100']]))

    def borrowed(self):
        while True:
            command = self.rng.choice(self.sources).next()
            name = command.args[0].lower().decode('latin-1')
            if not command.run and not command.close and name not in UNORDERED and not name.startswith('b') and len(command.args) < 50:
                return command


class PubSub(Group):
    """Subscriptions of every kind, what is published by oneself and by others, and what may not be said meanwhile."""
    name = 'pubsub'

    def next(self):
        r = self.rng
        kind = r.random()
        if kind < 0.3:
            return fenced(any_case(r, r.choice(['SUBSCRIBE', 'SSUBSCRIBE'])), *r.choices(CHANNELS, k=r.randrange(1, 4)))
        if kind < 0.4:
            return fenced(any_case(r, 'PSUBSCRIBE'), *r.choices(PATTERNS, k=r.randrange(1, 3)))
        if kind < 0.5:
            return self.unsubscribe()
        if kind < 0.75:
            return fenced(r.choice(['PUBLISH', 'PUBLISH', 'SPUBLISH']), r.choice(CHANNELS), r.choice(['', 'hi', 'm' * 1000]), by_other=r.random() < 0.7)
        if kind < 0.85:
            return self.ask()
        if kind < 0.9:
            return fenced('MULTI', also=[['ECHO', 'queued'], [r.choice(['SUBSCRIBE', 'SSUBSCRIBE', 'PSUBSCRIBE']), 'in-multi'], ['EXEC']])
        if kind < 0.95:
            return fenced(*r.choice([['GET', 'a'], ['PING', 'x', 'y'], ['SUBSCRIBE'], ['PSUBSCRIBE'], ['PUBLISH', 'x'], ['ECHO', 'x'], ['PUBSUB'],
                                     ['PUBSUB', 'NOSUCH'], ['PUBSUB', 'NUMPAT', 'x'], ['PUBSUB', 'CHANNELS', 'a', 'b'], ['CLIENT', 'ID', 'x']]))
        return Command('RESET') if r.random() < 0.1 else fenced('PING', 'x')

    def unsubscribe(self):
        r = self.rng
        name = r.choice(['UNSUBSCRIBE', 'SUNSUBSCRIBE', 'PUNSUBSCRIBE'])
        if r.random() < 0.7:
            return fenced(name, *r.choices(PATTERNS if name[0] == 'P' else CHANNELS, k=r.randrange(1, 3)))

        def run(connection):
            """Of all: in any order, so that names and counts are looked at apart."""
            connection.send([name], ['PING', 'all'])
            found = [decode(raw.encode() if isinstance(raw, str) else raw) for raw in raw_until(connection, b'all')]
            return [sorted(repr(f[1]) for f in found if isinstance(f, list)), sorted(f[2] for f in found if isinstance(f, list)),
                    [str(f) for f in found if not isinstance(f, list)]]
        return Command(name, run=run)

    def ask(self):
        """By another client: one of RESP2 may not ask while it listens."""
        args = self.rng.choice([['PUBSUB', 'CHANNELS'], ['PUBSUB', 'CHANNELS', 'news*'], ['PUBSUB', 'NUMSUB', *CHANNELS], ['PUBSUB', 'NUMPAT'],
                                ['PUBSUB', 'SHARDCHANNELS'], ['PUBSUB', 'SHARDNUMSUB', *CHANNELS], ['PUBSUB', 'NUMSUB']])

        def run(connection):
            reply = decode(second(connection).call_raw(*args))
            return sorted(map(repr, reply)) if isinstance(reply, list) and 'CHANNELS' in args[1] else reply
        return Command(*args, run=run)


def raw_until(connection, token):
    found = []
    while True:
        raw = connection.read_raw()
        if raw in (b'$%d\r\n%s\r\n' % (len(token), token), encode(['pong', token])):
            return found
        found.append(raw)


class Tracking(Group):
    """CLIENT TRACKING in every mode, and what is told when keys change."""
    name = 'tracking'

    def next(self):
        r = self.rng
        kind = r.random()
        if kind < 0.15:
            return self.switch()
        if kind < 0.2:
            return fenced('CLIENT', 'CACHING', r.choice(['YES', 'NO', 'yes', 'no', 'maybe']))
        if kind < 0.25:
            return fenced('CLIENT', r.choice(['TRACKINGINFO', 'GETREDIR']))
        if kind < 0.55:
            return fenced(*self.read(), also=[self.read()] if r.random() < 0.3 else [])
        if kind < 0.6:
            return fenced('MULTI', also=[self.read(), self.write(), self.read(), ['EXEC']])
        by_other = r.random() < 0.7
        if by_other and r.random() < 0.1:
            return fenced('EVAL', "return redis.call('set', KEYS[1], 'x')", '1', self.key(), by_other=True)
        return fenced(*self.write(), by_other=by_other)

    def key(self):
        return self.rng.choice(['a', 'b', 'user:1', 'user:2', 'use'])

    def read(self):
        r = self.rng
        return r.choice([['GET', self.key()], ['MGET', self.key(), self.key()], ['EXISTS', self.key()], ['TYPE', self.key()], ['STRLEN', self.key()],
                         ['EVAL', "return redis.call('get', KEYS[1])", '1', self.key()], ['EVAL_RO', "return redis.call('get', KEYS[1])", '1', self.key()]])

    def write(self):
        r = self.rng
        return r.choice([['SET', self.key(), 'v'], ['DEL', self.key(), self.key()], ['MSET', self.key(), '1', self.key(), '2'], ['EXPIRE', self.key(), '100'],
                         ['PERSIST', self.key()], ['RENAME', self.key(), self.key()], ['COPY', self.key(), self.key(), 'REPLACE'], ['APPEND', self.key(), 'x'],
                         ['GETDEL', self.key()], ['SET', self.key(), 'v', 'NX'], ['FLUSHALL'], ['FLUSHDB'], ['SETRANGE', self.key(), '0', ''],
                         ['MOVE', self.key(), '1'], ['GETEX', self.key(), 'PERSIST']])

    def switch(self):
        r = self.rng
        if r.random() < 0.4:
            return fenced('CLIENT', 'TRACKING', 'OFF')
        words = []
        for word, share in (('BCAST', 0.4), ('OPTIN', 0.2), ('OPTOUT', 0.2), ('NOLOOP', 0.3)):
            if r.random() < share:
                words.append([word])
        for _ in range(r.choice([0, 0, 0, 1, 2])):
            words.append(['PREFIX', r.choice(['user:', 'use', 'a', 'b', ''])])
        if r.random() < 0.1:
            # Of three prefixes, the later two of which overlap, 7.0 says so and then OK as well.
            alone = [] if ['PREFIX'] in [w[:1] for w in words] else [['PREFIX']]
            words.append(r.choice([['REDIRECT', '999999'], ['REDIRECT', 'x'], ['REDIRECT'], ['NOSUCH'], *alone]))
        r.shuffle(words)
        return fenced('CLIENT', any_case(r, 'TRACKING'), any_case(r, 'ON'), *[any_case(r, w) if i == 0 else w for ws in words for i, w in enumerate(ws)])


class Clients(Group):
    """What CLIENT answers where nothing depends on the server: refusals, mostly."""
    name = 'clients'

    def next(self):
        r = self.rng
        word = r.choice(['', 'x', '0', '-1', '1.5', '99999999999999999999', 'ON', 'off', 'YES', 'ERROR', 'timeout'])
        return Command('CLIENT', *r.choice([
            ['PAUSE', r.choice(['0', '1', 'x', '-1', '', '1.5'])], ['PAUSE', r.choice(['0', '1']), r.choice(['WRITE', 'all', 'some', ''])],
            ['PAUSE'], ['PAUSE', '1', 'WRITE', 'x'], ['UNPAUSE'], ['UNPAUSE', word], ['UNBLOCK', word], ['UNBLOCK', '999999', word],
            ['UNBLOCK', '1', 'TIMEOUT', 'x'], ['UNBLOCK'], ['LIST', 'TYPE', word], ['LIST', 'ID'], ['LIST', 'ID', word or 'x'] if not word.isdigit() else ['LIST', 'x'],
            ['LIST', word, word], ['LIST', 'TYPE', 'replica', 'x'], ['LIST', 'TYPE', 'SLAVE'], ['KILL', word], ['KILL', 'ID', word], ['KILL', 'ADDR', word],
            ['KILL', 'LADDR', word, 'ID', '99999'], ['KILL', 'TYPE', word], ['KILL', 'USER', word], ['KILL', 'SKIPME', 'maybe'], ['KILL', word, word],
            ['KILL', 'TYPE', r.choice(['master', 'slave', 'replica'])], ['KILL', 'ID'], ['KILL', 'ID', '1', 'ADDR'], ['NO-EVICT', word], ['NO-EVICT'],
            ['REPLY', 'x'], ['REPLY', 'ON'], ['REPLY'], ['SETNAME', word], ['SETNAME', 'a b'], ['GETNAME'], ['CACHING', word], ['CACHING'], ['GETREDIR'],
            ['TRACKING', word], ['TRACKING'], ['TRACKINGINFO', word], ['NOSUCH', word], [], ['ID', word], ['INFO', word]]))
