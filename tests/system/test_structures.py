#!/usr/bin/env python3
"""Structure fuzzing: commands of every type on a few keys that all types share, with thresholds so low that every
value changes its form again and again. Replies are compared where they are comparable, and the digests of both
servers' whole content every thousand commands.

    test_structures.py [--seed N] [--count M] [--shards N]

The commands come from the groups of the oracle (their keys mapped to the shared ones) and from Mixed below. Every
EPOCH commands both servers start anew, so that what a mismatch needs is at most that long; it is cut down further
before it is printed, with the seed. With several shards the keys of half the commands carry a tag that puts them on one
shard, and the others lie anywhere. PENSTOCK_BUILD may be a build with sanitizers: what they say is in the log, which
is printed too.
"""
import argparse
import os
import random
import sys
import time
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import oracle  # noqa: E402
from oracle import Command, Group, Mismatch, any_case, show  # noqa: E402
from oracle_strings_keys import TIME_SLACK_MS, near  # noqa: E402
from oracle_zsets import same_scores  # noqa: E402
from penstock import Penstock, RedisServer, _decode, decode  # noqa: E402

EPOCH, DIGEST_EVERY = 5000, 1000
SHRINK_S, REPLY_S = 60, 15
BROKEN_SHARE = 0.25
SEED = os.environ.get('PENSTOCK_TEST_SEED')
TYPES = ['string', 'list', 'hash', 'set', 'zset', 'stream']
HOMES = {t: ['%s%d' % (t, i) for i in range(2)] for t in TYPES}  # where a command mostly finds its type
KEYS = [k for keys in HOMES.values() for k in keys]
HOME_SHARE = 0.8
TAG, TAGGED_SHARE = '{one}', 0.5
GROUP_TYPES = {'bits': 'string', 'hashes': 'hash', 'lists': 'list', 'sets': 'set', 'sorted-sets': 'zset',
               'streams': 'stream', 'strings-keys': 'string', 'geo': 'zset'}
NUMKEYS_AT = {'zunionstore': 2, 'zinterstore': 2, 'zdiffstore': 2, 'zunion': 1, 'zinter': 1, 'zdiff': 1, 'zintercard': 1,
              'sintercard': 1, 'zmpop': 1, 'lmpop': 1, 'bzmpop': 2, 'blmpop': 2}
# Chance decides (...RAND..., SPOP), or time, or each server's own order or form, or the whole run would be about
# nothing. Lexical ranges promise nothing for several scores: Mixed.gen_lex has them. PFCOUNT and PFMERGE of damaged
# HyperLogLogs, which other types' commands make: both servers may refuse them at different points.
LEFT_OUT = {'spop', 'srandmember', 'hrandfield', 'zrandmember', 'randomkey', 'scan', 'sscan', 'hscan', 'zscan', 'object',
            'select', 'config', 'debug', 'dump', 'restore', 'lcs', 'flushall', 'swapdb', 'sort', 'sort_ro', 'xpending',
            'xinfo', 'xsetid', 'xreadgroup', 'xclaim', 'xautoclaim', 'zrangebylex', 'zrevrangebylex', 'zlexcount', 'zremrangebylex',
            'pfdebug', 'pfadd', 'pfcount', 'pfmerge', 'pfselftest', 'client', 'info', 'command', 'memory', 'wait'}
UNORDERED = {'smembers', 'sunion', 'sinter', 'sdiff', 'hgetall', 'hkeys', 'hvals', 'spop', 'keys'}
DIRECTIVES = {  # known to both servers: what they may be set to, and what they are at the start
    'hash-max-listpack-entries': ([0, 2, 4, 16, 512], 512), 'hash-max-listpack-value': ([0, 4, 10, 64], 64),
    'zset-max-listpack-entries': ([0, 2, 4, 16, 128], 128), 'zset-max-listpack-value': ([0, 4, 10, 64], 64),
    'list-max-listpack-size': ([1, 2, 3, 8, -1, -2], -2), 'set-max-intset-entries': ([0, 2, 4, 16, 512], 512),
    'stream-node-max-entries': ([1, 2, 4, 10, 100], 100), 'stream-node-max-bytes': ([32, 64, 256, 4096], 4096)}
OURS_ONLY = {'set-max-listpack-entries': [0, 2, 4, 16, 128], 'set-max-listpack-value': [0, 4, 10, 64]}


def unordered(ours, theirs):
    a, b = decode(ours), decode(theirs)
    if not isinstance(a, list) or not isinstance(b, list):
        return ours == theirs
    if len(a) != len(b) or ours[:1] != theirs[:1]:
        return False
    return sorted(map(repr, a)) == sorted(map(repr, b))


def digest(connection):
    """SCAN first: redis-server counts what has expired and is still there, and SCAN removes that."""
    for database in ('1', '0'):
        connection.call_raw('SELECT', database)
        connection.call_raw('SCAN', '0', 'COUNT', '100000')
    return connection.call_raw('DEBUG', 'DIGEST')


def digest_command():
    return Command('DEBUG', 'DIGEST', run=digest)


def set_ours_only(name, value):
    """A directive that redis-server 7.0 does not know."""
    def run(connection):
        connection.call_raw('CONFIG', 'SET', name, value)
    return Command('CONFIG', 'SET', name, value, run=run)


def expire_now(key):
    """A deadline that has surely passed for both when the next command comes: a look before would be another command, and
    remove the key."""
    def run(connection):
        reply = connection.call_raw('PEXPIRE', key, 1)
        time.sleep(0.004)
        return reply
    return Command('PEXPIRE', key, 1, run=run)


def never_soon(name, args):
    """A deadline that passes while the run lasts passes for one server before the other: it is moved out of its way."""
    at = [2] if name in ('expire', 'pexpire', 'setex', 'psetex', 'hexpire', 'hpexpire') else []
    if name == 'restore-asking' and not any(a.lower() == b'absttl' for a in args):
        at = [2]
    if name in ('set', 'getex'):
        at = [i + 1 for i, a in enumerate(args) if a.lower() in (b'ex', b'px')]
    soon = [i for i in at if i < len(args) and args[i].isdigit() and 0 < int(args[i]) < 1000000]
    return [b'1000000' if i in soon else a for i, a in enumerate(args)]


def plainly(commands):
    """As they are queued: the answers are compared at EXEC, or here when a sequence is cut down."""
    return [Command(*c.args, close=lambda a, b, c=c: a == b or bool(c.close and c.close(a, b))) for c in commands]


def elements(raw):
    """The raw replies in an array."""
    at, found = raw.index(b'\r\n') + 2, []
    while at < len(raw):
        _, end = _decode(raw, at)
        found.append(raw[at:end])
        at = end
    return found


def each_close(commands):
    """Two answers to EXEC: element by element, as the commands' own replies are compared."""
    def close(ours, theirs):
        if not ours.startswith(b'*') or not theirs.startswith(b'*') or b'*-1\r\n' in (ours, theirs):
            return ours == theirs
        a, b = elements(ours), elements(theirs)
        if len(a) != len(commands) or len(b) != len(a):  # a sequence that was cut down: which is whose is not known
            return len(a) == len(b) and all(x == y or unordered(x, y) for x, y in zip(a, b))
        return all(c.close(x, y) if c.close else x == y for c, x, y in zip(commands, a, b))
    return close


class Mixed(Group):
    """Draws from the oracle's groups and adds what they cannot do with shared keys. first_last has the key positions
    of every command that has them at fixed places."""
    transaction_share = 0.02

    def __init__(self, rng, first_last, shard_count=1):
        super().__init__(rng)
        self.first_last, self.shard_count, self.tag = first_last, shard_count, ''
        groups = oracle.load_groups()
        self.names = [name for name in sorted(GROUP_TYPES) if name in groups]
        self.groups = {name: groups[name](rng) for name in self.names}
        self.own = [getattr(self, n) for n in dir(type(self)) if n.startswith('gen_')]
        self.own_weights = [getattr(b, 'weight', 4) for b in self.own]
        self.pending, self.last_ms = [], 1

    def several(self, count):
        """Commands for a transaction, which runs none of those that are more than a request."""
        commands = []
        while len(commands) < count or self.pending:
            command = self.pending.pop(0) if self.pending else self.one()
            if not command.run:
                commands.append(command)
        return commands

    def transaction(self):
        """Watched keys, and what happens to them before EXEC, or DISCARD."""
        r = self.rng
        before = [Command('WATCH', *[self.key() for _ in range(r.randrange(1, 4))])] if r.random() < 0.5 else []
        before += self.several(r.choice([0, 0, 1])) + [Command('UNWATCH')] * (r.random() < 0.1)
        queue = self.several(r.randrange(0, 8))
        if r.random() < 0.1:
            return before + [Command('MULTI'), *plainly(queue), Command('DISCARD')]
        return before + [Command('MULTI'), *plainly(queue), Command('EXEC', close=each_close(queue))]

    def start(self):
        """The first commands of an epoch."""
        return [self.threshold(n) for n in sorted(DIRECTIVES)] + [self.ours_only(n) for n in sorted(OURS_ONLY)]

    def threshold(self, name):
        return Command('CONFIG', 'SET', name, self.rng.choice(DIRECTIVES[name][0]))

    def ours_only(self, name):
        return set_ours_only(name, self.rng.choice(OURS_ONLY[name]))

    def next(self):
        if self.pending:
            return self.pending.pop(0)
        if self.rng.random() < self.transaction_share:
            self.pending = self.transaction()
            return self.pending.pop(0)
        return self.one()

    def one(self):
        """A command by itself; what has to come right behind it is pending."""
        while True:
            if self.shard_count > 1:
                self.tag = TAG if self.rng.random() < TAGGED_SHARE else ''
            if self.rng.random() < 0.3:
                command = self.rng.choices(self.own, self.own_weights)[0]()
            else:
                name = self.rng.choice(self.names)
                command = self.shared(self.groups[name].next(), GROUP_TYPES[name])
            if command:
                return command

    def key(self, kind=None):
        if kind and self.rng.random() < HOME_SHARE:
            return self.tag + self.rng.choice(HOMES[kind])
        return self.tag + self.rng.choice(KEYS)

    def shared(self, command, kind):
        """The command with shared keys; None for one that cannot be compared."""
        name = command.args[0].lower().decode('latin-1')
        if command.run or name in LEFT_OUT or any(a.lower() == b'bylex' for a in command.args):
            return None
        if name[:1] == 'b' and name not in self.first_last['bits'] and self.rng.random() < 0.9:
            return None  # a blocking one may wait for its timeout
        args = list(command.args)
        if name == 'xadd' and any(b'18446744073709551615' in a for a in args):
            return None  # an ID after the last one of its millisecond: 7.0's error text depends on an errno left behind
        if name in ('zadd', 'zincrby'):  # to a key that 7.2 makes a skiplist at once, as it will not fit, and 7.0 later: the sign gets lost
            args = [b'0' if a == b'-0' else a for a in args]
        for at in self.positions(name, args):
            # A key of one name in the command stays one.
            args[at] = self.key(kind) if at == 1 or zlib.crc32(args[at]) % 4 else args[1]
        args = never_soon(name, args)
        close = unordered if name in UNORDERED else command.close or same_scores
        if name.endswith(('time', 'ttl')):
            close = near(TIME_SLACK_MS)
        return Command(*args, close=close)

    def positions(self, name, args):
        at = NUMKEYS_AT.get(name)
        if at is not None:
            count = int(args[at]) if len(args) > at and args[at].isdigit() else 0
            first = [1] if name.endswith('store') and len(args) > 1 else []
            return first + list(range(at + 1, min(at + 1 + count, len(args))))
        if name == 'xread':
            words = [a.lower() for a in args]
            at = words.index(b'streams') + 1 if b'streams' in words else len(args)
            return list(range(at, at + (len(args) - at) // 2))
        first, last, step = self.first_last['all'].get(name, (0, 0, 0))
        if name.startswith(('xgroup', 'xinfo', 'object')):
            first, last, step = 2, 2, 1
        if first == 0:
            return []
        last = last if last >= 0 else len(args) + last
        return [i for i in range(first, last + 1, step) if i < len(args)]

    # ---- what hits every type

    def make(self, *args, **how):
        how.setdefault('close', unordered if args[0].lower() in UNORDERED else same_scores)
        return Command(any_case(self.rng, args[0]), *args[1:], **how)

    def gen_threshold(self):
        if self.rng.random() < 0.2:
            return self.ours_only(self.rng.choice(sorted(OURS_ONLY)))
        return self.threshold(self.rng.choice(sorted(DIRECTIVES)))
    gen_threshold.weight = 2

    def gen_key(self):
        r = self.rng
        return self.make(*r.choice([
            ['RENAME', self.key(), self.key()], ['RENAMENX', self.key(), self.key()], ['COPY', self.key(), self.key(), 'REPLACE'],
            ['COPY', self.key(), self.key()], ['COPY', self.key(), self.key(), 'DB', '1', 'REPLACE'], ['MOVE', self.key(), '1'],
            ['COPY', self.key(), self.key(), 'DB', '0'], ['DEL', self.key()], ['UNLINK', self.key(), self.key()],
            ['SET', self.key(), r.choice(['', '5', 'text', 'x' * 100])], ['TYPE', self.key()], ['EXISTS', self.key()],
            ['EXPIRE', self.key(), '100000'], ['EXPIREAT', self.key(), r.choice(['1', '4102444800'])], ['PERSIST', self.key()],
            ['SWAPDB', '0', '1'], ['GETDEL', self.key()], ['TOUCH', self.key()]]))
    gen_key.weight = 10

    def gen_expire_now(self):
        return expire_now(self.key())
    gen_expire_now.weight = 0.2

    def gen_flush(self):
        return self.make(self.rng.choice(['FLUSHDB', 'FLUSHALL']), self.rng.choice(['SYNC', 'ASYNC']))
    gen_flush.weight = 0.05

    # ---- sets

    def member(self):
        r, kind = self.rng, self.rng.random()
        if kind < 0.5:
            return str(r.randrange(-20, 20))
        if kind < 0.6:
            return r.choice(['32767', '32768', '-32768', '-32769', '2147483647', '2147483648', '-2147483649', '9223372036854775807',
                             '-9223372036854775808', '9223372036854775808', '01', '-0', '', ' 1'])
        return 'm%d' % r.randrange(20) if kind < 0.9 else r.choice('abcdef') * r.choice([1, 5, 11, 64, 65, 300])

    def members(self, most=8):
        return [self.member() for _ in range(self.rng.randrange(1, most))]

    def gen_sadd(self):
        return self.make('SADD', self.key('set'), *self.members())
    gen_sadd.weight = 10

    def gen_srem(self):
        return self.make('SREM', self.key('set'), *self.members())
    gen_srem.weight = 5

    def gen_set_read(self):
        return self.make(*self.rng.choice([['SMEMBERS', self.key('set')], ['SCARD', self.key('set')],
                                           ['SMISMEMBER', self.key('set'), *self.members()], ['SISMEMBER', self.key('set'), self.member()]]))

    def gen_smove(self):
        return self.make('SMOVE', self.key('set'), self.key('set'), self.member())

    def gen_set_algebra(self):
        name = self.rng.choice(['SUNION', 'SINTER', 'SDIFF'])
        keys = [self.key('set') for _ in range(self.rng.randrange(1, 4))]
        if self.rng.random() < 0.4:
            return self.make(name, *keys)
        return self.make(name + 'STORE', self.key('set'), *keys)
    gen_set_algebra.weight = 6

    def gen_spop_all(self):
        """As many as there are: no chance left but the order."""
        return self.make('SPOP', self.key('set'), '100000')
    gen_spop_all.weight = 0.5

    # ---- sorted sets of one score, made for the lexical commands

    def gen_lex(self):
        r, key = self.rng, self.tag + self.rng.choice(HOMES['zset'])
        bounds = [r.choice(['-', '+', '[a', '(a', '[b', '(cc', '[m5', '(m15', '[']) for _ in range(2)]
        self.pending = [self.make('ZADD', key, *[x for m in self.members(12) for x in ('0', m)]),
                        self.make('ZRANGE', key, *bounds, 'BYLEX'), self.make('ZLEXCOUNT', key, *bounds),
                        self.make('ZRANGESTORE', self.key('zset'), key, *bounds, 'BYLEX', 'LIMIT', '1', '3'),
                        self.make('ZREMRANGEBYLEX', key, *bounds)]
        return self.make('DEL', key)
    gen_lex.weight = 1

    def gen_geo(self):
        r = self.rng
        place = ['%.4f' % r.uniform(-180, 180), '%.4f' % r.uniform(-85, 85)]
        return self.make(*r.choice([['GEOADD', self.key('zset'), *place, self.member()], ['GEOHASH', self.key('zset'), self.member()],
                                    ['GEODIST', self.key('zset'), self.member(), self.member()],
                                    ['GEOSEARCHSTORE', self.key('zset'), self.key('zset'), 'FROMLONLAT', *place, 'BYRADIUS', '5000', 'km']]))
    gen_geo.weight = 2

    # ---- streams

    def stream_id(self):
        r = self.rng
        return '%d-%d' % (r.randrange(1, self.last_ms + 2), r.randrange(4))

    def gen_xadd(self):
        r = self.rng
        self.last_ms += r.randrange(3)
        options = r.choice([[], [], ['NOMKSTREAM'], ['MAXLEN', str(r.randrange(20))], ['MINID', '=', self.stream_id()]])
        key = self.key('stream')
        entry_id = r.choice(['%d-*' % self.last_ms, '%d-%d' % (self.last_ms, r.randrange(1000)), self.stream_id()])
        fields = [r.choice(['f', 'g', 'h', '7', '']) for _ in range(r.choice([1, 1, 2, 3]))]
        return self.make('XADD', key, *options, entry_id, *[x for f in fields for x in (f, self.member())])
    gen_xadd.weight = 16

    def gen_xdel(self):
        return self.make('XDEL', self.key('stream'), *[self.stream_id() for _ in range(self.rng.randrange(1, 5))])
    gen_xdel.weight = 5

    def gen_xtrim(self):
        return self.make('XTRIM', self.key('stream'), *self.rng.choice([['MAXLEN', str(self.rng.randrange(30))], ['MINID', self.stream_id()]]))
    gen_xtrim.weight = 2

    def gen_xrange(self):
        r = self.rng
        name, ends = r.choice([('XRANGE', ['-', '+']), ('XREVRANGE', ['+', '-']), ('XRANGE', [self.stream_id(), self.stream_id()])])
        return self.make(name, self.key('stream'), *ends, *(['COUNT', str(r.randrange(1, 9))] if r.random() < 0.5 else []))
    gen_xrange.weight = 5

    def gen_xgroup(self):
        r, key = self.rng, self.key('stream')
        group, consumer = 'g%d' % r.randrange(2), 'c%d' % r.randrange(2)
        if r.random() < 0.2:  # 7.2 makes the consumer also when there is nothing to claim or read, 7.0 does not
            self.pending = [self.make(*r.choice([
                ['XCLAIM', key, group, consumer, '0', self.stream_id(), self.stream_id(), 'JUSTID'],
                ['XAUTOCLAIM', key, group, consumer, '0', '0', 'COUNT', '5', 'JUSTID'],
                ['XREADGROUP', 'GROUP', group, consumer, 'COUNT', '3', 'STREAMS', key, '>'],
                ['XREADGROUP', 'GROUP', group, consumer, 'STREAMS', key, '0']]))]
            return self.make('XGROUP', 'CREATECONSUMER', key, group, consumer)
        return self.make(*r.choice([
            ['XGROUP', 'CREATE', key, group, r.choice(['0', '$', self.stream_id()]), 'MKSTREAM'], ['XGROUP', 'DESTROY', key, group],
            ['XGROUP', 'CREATECONSUMER', key, group, consumer], ['XGROUP', 'DELCONSUMER', key, group, consumer],
            ['XACK', key, group, self.stream_id(), self.stream_id()],
            ['XPENDING', key, group], ['XLEN', key]]))
    gen_xgroup.weight = 8

    # ---- across types

    def gen_sort(self):
        """By text and stored: 7.0 refuses numbers after another command left an errno behind, and without STORE
        texts are in strcoll's order, which ends at a NUL byte."""
        r = self.rng
        options = [o for o in (['DESC'], ['LIMIT', str(r.randrange(3)), str(r.randrange(9))]) if r.random() < 0.4]
        return self.make('SORT', self.key(r.choice(['list', 'set', 'zset'])), 'ALPHA', *[w for o in options for w in o],
                         'STORE', self.key('list'))

    def gen_hyperloglog(self):
        """On keys of its own, as a string that others wrote may be refused at different points."""
        r, keys = self.rng, [self.tag + 'hll%d' % self.rng.randrange(2) for _ in range(2)]
        return self.make(*r.choice([['PFADD', keys[0], *self.members()], ['PFCOUNT', *keys], ['PFMERGE', *keys], ['DEL', keys[0]]]))
    gen_hyperloglog.weight = 2


class OracleBroke(Exception):
    """redis-server 7.0.15 has ended or does not answer: some stream commands break it, long after they were given."""


class StructurePair(oracle.Pair):
    """Starts with the thresholds of a fresh server, and takes a lost connection for a mismatch."""

    def __init__(self, servers, protocol):
        self.servers, self.protocol, self.deadline = servers, protocol, None
        self.open()

    def open(self):
        super().__init__(*[(s.host, s.port) for s in self.servers], self.protocol)
        for c in self.connections:
            c.socket.settimeout(REPLY_S)

    def reset(self):
        super().reset()
        for c in self.connections:
            for name, (_, value) in DIRECTIVES.items():
                c.call_raw('CONFIG', 'SET', name, value)

    def play(self, commands, rng=None):
        if self.deadline and time.monotonic() > self.deadline:
            return  # enough shrinking
        try:
            super().play(commands, rng)
        except (EOFError, OSError) as e:
            self.close()
            states = [self.state(server) for server in self.servers]
            if states[1] != 'an answer':
                raise OracleBroke(states[1]) from e
            self.open()
            raise Mismatch(len(commands) - 1, *['%r, then %s' % (e, s) for s in states]) from e

    def state(self, server):
        if server.process.poll() is not None:
            return 'it has ended'
        try:
            server.wait_ready()
        except RuntimeError:
            return 'silence'
        return 'an answer'


def key_positions(redis):
    """From redis-server: first key, last and step of each command; and which begin with B but do not block."""
    with redis.connect() as c:
        table = {row[0].decode(): tuple(row[3:6]) for row in c.call('COMMAND')}
    return {'all': table, 'bits': {n for n in table if n.startswith('bit')}}


def show_digests(pair):
    for database in (0, 1):
        for c in pair.connections:
            c.call_raw('SELECT', database)
        keys = sorted(set(pair.connections[0].call('KEYS', '*')) | set(pair.connections[1].call('KEYS', '*')))
        for key in keys:
            ours, theirs = [c.call('DEBUG', 'DIGEST-VALUE', key)[0] for c in pair.connections]
            if ours != theirs:
                types = [c.call('TYPE', key).decode() for c in pair.connections]
                print('differs in database %d: %s (%s)' % (database, show(key), ' and '.join(sorted(set(types)))))


def run_epoch(pair, mixed, rng, count):
    commands, looked = mixed.start(), 0
    while len(commands) < count or mixed.pending:
        commands.append(mixed.next())
        if len(commands) - looked >= DIGEST_EVERY and not mixed.pending:  # not within a transaction
            looked = len(commands)
            commands.append(digest_command())
    commands.append(digest_command())
    commands, mismatch = oracle.play_all(pair, commands, rng)
    if mismatch:
        pair.deadline = time.monotonic() + SHRINK_S
        oracle.report(pair, commands, mismatch, 'RESP%d' % pair.protocol)
        pair.deadline = None
        show_digests(pair)
        return False
    return True


def run(servers, seed, count, shard_count):
    positions = key_positions(servers[1])
    start, broken = time.monotonic(), 0
    for number, first in enumerate(range(0, count, EPOCH)):
        rng = random.Random('structures/%d/%d' % (seed, number))
        pair = StructurePair(servers, 2 + number % 2)
        try:
            good = run_epoch(pair, Mixed(rng, positions, shard_count), rng, min(EPOCH, count - first))
        except OracleBroke as e:
            print('redis-server broke in epoch %d (%s), and is started again' % (number, e))
            servers[1].process.kill()
            servers[1].stop()
            servers[1].start()
            good, broken = True, broken + 1
        finally:
            pair.close()
        if not good:
            print('in epoch %d of seed %d' % (number, seed))
            return False
    print('ok %d commands in %.1f s' % (count, time.monotonic() - start))
    return broken <= max(1, BROKEN_SHARE * count / EPOCH)


def main():
    parser = argparse.ArgumentParser(description='Compares what random commands of all types leave behind.')
    parser.add_argument('--seed', type=int, default=int(SEED) if SEED else random.SystemRandom().randrange(1 << 32))
    parser.add_argument('--count', type=int, default=150000)
    parser.add_argument('--shards', type=int, default=1)
    options = parser.parse_args()
    print('structures seed %d (again: test_structures.py --seed %d --count %d --shards %d)' % (options.seed, options.seed, options.count, options.shards), flush=True)
    with Penstock(oracle.with_shards(options.shards)) as penstock, RedisServer(oracle.REDIS_ARGUMENTS) as redis:
        good = run([penstock, redis], options.seed, options.count, options.shards)
        oracle.tell_refusals()
        said = [line for line in penstock.log().splitlines() if 'Sanitizer' in line or 'runtime error' in line]
        if not good or said:
            print('---- log of the server\n%s----' % penstock.log()[-6000:])
        return 0 if good and not said else 1


if __name__ == '__main__':
    sys.exit(main())
