"""Commands of the group sorted_set, for oracle.py.

Scores: redis-server 7.0 prints them with %.17g, Redis 7.2 in the shortest form that reads back; so replies that
differ are compared again with every number in them read as a double (same_scores), -0 apart from 0.

Keys l0..l3 hold members of one score only, as ZRANGEBYLEX and its like promise nothing for others. 7.2 turns a
listpack into a skiplist when ZADD has more pairs than a listpack may hold, 7.0 when that many members are there:
ZADD here has few pairs, no more than the lowest threshold set here, or starts with a new key. ZRANK's WITHSCORE is
not in 7.0 (test_cmd_zset.c has it).
"""
import re

from oracle import Command, Group, any_case
from penstock import decode

SCORES = ['0', '1', '-1', '2', '3', '5', '10', '100', '-7', '0.5', '1.5', '-2.25', '0.1', '3.1', '1e-10', '-0', '1e18',
          '1e20', '123456789.123', '9007199254740992', '9007199254740993', '4611686018427387904', '-9223372036854775808',
          '1.7976931348623157e308', '5e-324', 'inf', '-inf', '+inf', 'Infinity', '0x10', '1e400', '+5', '.5', '5.']
NOT_SCORES = ['', 'nan', ' 1', '1 ', 'abc', '1e', '--1', '(1', '1e500x', '1e-400', '1\x00', '-nan']
BOUNDS = SCORES + ['(0', '(1', '(-1', '(5', '(inf', '(-inf', '-inf', '+inf', '', '(', ' 1', '(1.5', '1\x00', '(3.1']
NOT_BOUNDS = ['nan', 'abc', '1 ', '((1', '(nan', '[1', '1x']
LEX_BOUNDS = ['-', '+', '[', '(', '[a', '(a', '[b', '[ab', '(ab', '[c', '(d', '[9', '(10', '[\xff', '[zz', '-\x00', '+\x00x']
NOT_LEX_BOUNDS = ['', 'a', '-a', '+a', '1', ']a', '--']
NOT_INTS = ['x', '', '1.5', '9223372036854775808', ' 1', '-']
PATTERNS = ['*', 'm*', 'm1?', '[a-c]*', '', '*\x00*', 'zz']
TIMEOUTS = ['0.01', '0.001', '0.02']
NOT_TIMEOUTS = ['-1', 'x', '', 'nan', '1x']
NUMBER = re.compile(rb'[-+]?(inf|nan|(\d+\.?\d*|\.\d+)(e[-+]?\d+)?)\Z', re.I)  # and not a stream's id, 4022-0


def numbers_read(raw):
    """A raw reply as (kind, value) of every part, numbers that are texts as the repr of their double."""
    parts, at = [], 0
    while at < len(raw):
        end = raw.index(b'\r\n', at)
        kind, text, at = raw[at:at + 1], raw[at + 1:end], end + 2
        if kind == b'$' and text != b'-1':
            size = int(text)
            text, at = raw[at:at + size], at + size + 2
        if kind in b'$,' and NUMBER.match(text):
            text = repr(float(text))
        parts.append((kind, text))
    return parts


def same_scores(ours, theirs):
    return ours == theirs or numbers_read(ours) == numbers_read(theirs)


def read_all(connection, key):
    """{member: score} of a sorted set, or the error."""
    reply = decode(connection.call_raw('ZRANGE', key, 0, -1, 'WITHSCORES'))
    if not isinstance(reply, list):
        return repr(reply)
    if reply and isinstance(reply[0], list):
        reply = [x for pair in reply for x in pair]
    return {reply[i]: repr(float(reply[i + 1])) for i in range(0, len(reply), 2)}


def random_members(key, count, *options):
    """ZRANDMEMBER: chance decides who comes; how many, who may, whether twice, and their scores do not."""
    def run(connection):
        members = read_all(connection, key)
        args = [key] if count is None else [key, count, *options]
        raw = connection.call_raw('ZRANDMEMBER', *args)
        reply = decode(raw)
        if not isinstance(members, dict) or not isinstance(reply, (list, bytes)):
            return raw
        if count is None:
            return 'a member' if reply in members else repr(reply)
        shape = raw[:raw.index(b'\r\n')]
        if reply and isinstance(reply[0], list):
            reply = [x for pair in reply for x in pair]
        if options:
            scores = [repr(float(s)) for s in reply[1::2]]
            reply = reply[::2]
            if any(members.get(m) != s for m, s in zip(reply, scores)):
                return 'a score that is not the member\'s'
        if any(m not in members for m in reply):
            return 'somebody else'
        distinct = len(set(reply)) == len(reply)
        return shape, distinct if int(count) >= 0 else None
    return run


def scan_all(key, options):
    """ZSCAN to its end: cursors and order are each server's own."""
    def run(connection):
        cursor, seen = b'0', {}
        for _ in range(100000):
            reply = decode(connection.call_raw('ZSCAN', key, cursor, *options))
            if not isinstance(reply, list):
                return repr(reply)
            cursor = reply[0]
            seen.update((m, repr(float(s))) for m, s in zip(reply[1][::2], reply[1][1::2]))
            if cursor == b'0':
                return sorted(seen.items())
        return 'ZSCAN does not end'
    return run


def fill(key, members, scores):
    """A key made anew with many members, so that its encoding does not depend on what was there."""
    def run(connection):
        connection.call_raw('DEL', key)
        return connection.call_raw('ZADD', key, *[x for pair in zip(scores, members) for x in pair])
    return run


class SortedSets(Group):
    name = 'sorted-sets'

    def __init__(self, rng):
        super().__init__(rng)
        self.bodies = [getattr(self, n) for n in dir(type(self)) if n.startswith('gen_')]
        self.weights = [getattr(b, 'weight', 4) for b in self.bodies]

    def next(self):
        command = self.rng.choices(self.bodies, self.weights)[0]()
        if command.run is None and self.rng.random() < 0.02:
            return self.wrong_arity(command)
        return command

    def wrong_arity(self, command):
        args = list(command.args)
        if self.rng.random() < 0.5:
            args = args[:self.rng.randrange(1, len(args) + 1)]
        else:
            args += [self.rng.choice([b'x', b'', b'1', b'withscores'])] * self.rng.randrange(1, 4)
        name = args[0].lower()
        if name in (b'zrandmember', b'zscan', b'zadd') or name.startswith(b'bz') or (name.endswith(b'rank') and len(args) > 3):
            args = args[:1]  # never chance, never a wait without end, never a score of its own
        return Command(*args, close=command.close)

    # ---- arguments

    def make(self, name, *args, **how):
        how.setdefault('close', same_scores)
        return Command(any_case(self.rng, name), *args, **how)

    def words(self, *words):
        return [any_case(self.rng, w) for w in words]

    def key(self):
        kind = self.rng.random()
        if kind < 0.93:
            return 'z%d' % self.rng.randrange(8)
        return self.rng.choice(['none', 'string', 'string', 'l%d' % self.rng.randrange(4)])

    def destination(self):
        return 'z%d' % self.rng.randrange(8) if self.rng.random() < 0.97 else 'string2'

    def source(self):
        return 's%d' % self.rng.randrange(3) if self.rng.random() < 0.2 else self.key()

    def lex_key(self):
        return 'l%d' % self.rng.randrange(4)

    def member(self):
        r, kind = self.rng, self.rng.random()
        if kind < 0.6:
            return 'm%d' % r.randrange(25)
        if kind < 0.8:
            return str(r.randrange(-5, 20))
        return r.choice(['', 'a', 'ab', 'b', 'm', '\x00', '\xff'.encode('latin-1'), 'x' * 63, 'x' * 64, 'x' * 65, 'y' * 300, '0', '-0', '007',
                         '9223372036854775807', '9223372036854775808', '128', '4096', '-4097', '65536'])

    def lex_member(self):
        r = self.rng
        return r.choice(['a', 'ab', 'b', 'c', 'cc', 'd', '10', '9', '', 'zz', 'Z', '\xff'.encode('latin-1'), 'a\x00', 'x' * 80]) \
            if r.random() < 0.7 else 'n%d' % r.randrange(40)

    def score(self):
        if self.rng.random() < 0.02:
            return self.rng.choice(NOT_SCORES)
        kind = self.rng.random()
        if kind < 0.5:
            return str(self.rng.randrange(-3, 12))
        if kind < 0.7:
            return '%.*f' % (self.rng.randrange(0, 17), self.rng.uniform(-1000, 1000))
        return self.rng.choice(SCORES)

    def bound(self):
        kind = self.rng.random()
        if kind < 0.5:
            return self.rng.choice(['', '(']) + str(self.rng.randrange(-3, 12))
        return self.rng.choice(BOUNDS if kind < 0.98 else NOT_BOUNDS)

    def lex_bound(self):
        r = self.rng
        if r.random() < 0.3:
            return r.choice('[(') + 'n%d' % r.randrange(40)
        bound = r.choice(LEX_BOUNDS if r.random() < 0.98 else NOT_LEX_BOUNDS)
        return bound.encode('latin-1')

    def rank(self):
        r = self.rng
        return str(r.randrange(-12, 12)) if r.random() < 0.9 else r.choice(['0', '-1', '1000', '-1000', '9223372036854775807',
                                                                            '-9223372036854775808'] + NOT_INTS)

    def limit(self):
        r = self.rng
        numbers = ['0', '1', '2', '3', '5', '-1', '-2', '100', '9223372036854775807', '-9223372036854775808']
        return self.words('LIMIT') + [r.choice(numbers if r.random() < 0.97 else NOT_INTS) for _ in range(2)]

    # ---- the small ones

    def gen_zadd(self):
        r = self.rng
        options = [w for w in ('NX', 'XX', 'GT', 'LT', 'CH', 'INCR') if r.random() < 0.12]
        pairs = [a for _ in range(r.choice([1, 1, 1, 2, 3])) for a in (self.score(), self.member())]
        if r.random() < 0.02:
            pairs.pop()
        key = 'z%d' % r.randrange(8) if r.random() < 0.97 else 'string'
        return self.make('ZADD', key, *self.words(*options), *pairs)
    gen_zadd.weight = 45

    def gen_zadd_one_score(self):
        members = [self.lex_member() for _ in range(self.rng.randrange(1, 4))]
        return self.make('ZADD', self.lex_key(), *[a for m in members for a in ('0', m)])
    gen_zadd_one_score.weight = 12

    def gen_fill(self):
        count = self.rng.choice([20, 127, 128, 129, 300])
        members = ['m%d' % i for i in range(count)]
        return Command('ZADD', 'z...', count, run=fill('z%d' % self.rng.randrange(8), members,
                                                      [self.rng.choice([str(i % 7), str(i), '1', '%.2f' % (i / 3)]) for i in range(count)]))
    gen_fill.weight = 2

    def gen_zincrby(self):
        key = 'z%d' % self.rng.randrange(8) if self.rng.random() < 0.97 else 'string'
        return self.make('ZINCRBY', key, self.score(), self.member())
    gen_zincrby.weight = 10

    def gen_zrem(self):
        key = self.key()
        return self.make('ZREM', key, *[self.lex_member() if key[0] == 'l' else self.member() for _ in range(self.rng.randrange(1, 5))])
    gen_zrem.weight = 8

    def gen_zcard(self):
        return self.make('ZCARD', self.key())

    def gen_zscore(self):
        return self.make('ZSCORE', self.key(), self.member())

    def gen_zmscore(self):
        return self.make('ZMSCORE', self.key(), *[self.member() for _ in range(self.rng.randrange(1, 6))])

    def gen_zcount(self):
        return self.make('ZCOUNT', self.key(), self.bound(), self.bound())

    def gen_zlexcount(self):
        return self.make('ZLEXCOUNT', self.lex_key(), self.lex_bound(), self.lex_bound())

    def gen_zrank(self):
        return self.make(self.rng.choice(['ZRANK', 'ZREVRANK']), self.key(), self.member())

    def gen_encoding(self):
        return self.make('OBJECT', 'ENCODING', self.key())
    gen_encoding.weight = 6

    def gen_type(self):
        return self.make('TYPE', self.key())
    gen_type.weight = 1

    def gen_digest(self):
        return Command('DEBUG', 'DIGEST-VALUE', *['z%d' % i for i in range(8)])
    gen_digest.weight = 2

    # ---- ranges

    def range_options(self, withscores=True):
        """Of ZRANGE and ZRANGESTORE, in any order and now and then wrong; how the ends are to be read."""
        r = self.rng
        by = r.choice(['', '', 'BYSCORE', 'BYLEX'])
        options = [self.words(by)] if by else []
        if r.random() < 0.3:
            options.append(self.words('REV'))
        if r.random() < (0.4 if by else 0.03):
            options.append(self.limit())
        if withscores and r.random() < (0.4 if by != 'BYLEX' else 0.03):
            options.append(self.words('WITHSCORES'))
        if r.random() < 0.02:
            options.append(self.rng.choice([['foo'], ['LIMIT'], ['LIMIT', '1'], ['BYLEX', 'BYSCORE'], ['']]))
        r.shuffle(options)
        return by, [word for option in options for word in option]

    def ends(self, by):
        end = {'': self.rank, 'BYSCORE': self.bound, 'BYLEX': self.lex_bound}[by]
        return [end(), end()]

    def gen_zrange(self):
        by, options = self.range_options()
        return self.make('ZRANGE', self.lex_key() if by == 'BYLEX' else self.key(), *self.ends(by), *options)
    gen_zrange.weight = 20

    def gen_zrangestore(self):
        by, options = self.range_options(withscores=False)
        return self.make('ZRANGESTORE', self.destination(), self.lex_key() if by == 'BYLEX' else self.key(), *self.ends(by), *options)
    gen_zrangestore.weight = 8

    def old_options(self):
        options = self.words('WITHSCORES') if self.rng.random() < 0.4 else []
        if self.rng.random() < 0.4:
            options = self.limit() + options if self.rng.random() < 0.5 else options + self.limit()
        return options if self.rng.random() < 0.98 else options + ['REV']

    def gen_zrevrange(self):
        return self.make('ZREVRANGE', self.key(), self.rank(), self.rank(), *([] if self.rng.random() < 0.5 else self.words('WITHSCORES')))

    def gen_zrangebyscore(self):
        return self.make(self.rng.choice(['ZRANGEBYSCORE', 'ZREVRANGEBYSCORE']), self.key(), self.bound(), self.bound(), *self.old_options())
    gen_zrangebyscore.weight = 8

    def gen_zrangebylex(self):
        options = self.limit() if self.rng.random() < 0.4 else []
        if self.rng.random() < 0.03:
            options += self.words('WITHSCORES')
        return self.make(self.rng.choice(['ZRANGEBYLEX', 'ZREVRANGEBYLEX']), self.lex_key(), self.lex_bound(), self.lex_bound(), *options)
    gen_zrangebylex.weight = 8

    def gen_show(self):
        return self.make('ZRANGE', self.key(), '0', '-1', 'WITHSCORES')
    gen_show.weight = 8

    def gen_zremrange(self):
        r = self.rng
        name, ends = r.choice([('ZREMRANGEBYRANK', [str(r.randrange(-4, 6)), str(r.randrange(-4, 6))]), ('ZREMRANGEBYRANK', [self.rank(), self.rank()]),
                               ('ZREMRANGEBYSCORE', [self.bound(), self.bound()])])
        return self.make(name, self.key(), *ends)

    def gen_zremrangebylex(self):
        return self.make('ZREMRANGEBYLEX', self.lex_key(), self.lex_bound(), self.lex_bound())
    gen_zremrangebylex.weight = 2

    # ---- pops

    def count(self):
        return self.rng.choice(['0', '1', '2', '3', '10', '1000'] if self.rng.random() < 0.9 else ['-1', '-9223372036854775808', '9223372036854775807'] + NOT_INTS)

    def gen_zpop(self):
        return self.make(self.rng.choice(['ZPOPMIN', 'ZPOPMAX']), self.key(), *([self.count()] if self.rng.random() < 0.6 else []))
    gen_zpop.weight = 8

    def keys(self, most=4):
        return [self.key() for _ in range(self.rng.randrange(1, most))]

    def mpop_arguments(self):
        r, keys = self.rng, self.keys()
        number = len(keys) if r.random() < 0.95 else r.choice([0, -1, len(keys) + 1, len(keys) - 1, 'x', 10**10])
        args = [number, *keys, *self.words(r.choice(['MIN', 'MAX'] if r.random() < 0.97 else ['MID', 'COUNT']))]
        for _ in range(r.choice([0, 1, 1, 1, 2] if r.random() < 0.1 else [0, 1])):
            args += self.words('COUNT') + [self.count()]
        return args

    def gen_zmpop(self):
        return self.make('ZMPOP', *self.mpop_arguments())

    def timeout(self):
        return self.rng.choice(TIMEOUTS if self.rng.random() < 0.9 else NOT_TIMEOUTS)

    def gen_bzpop(self):
        return self.make(self.rng.choice(['BZPOPMIN', 'BZPOPMAX']), *self.keys(), self.timeout())
    gen_bzpop.weight = 3

    def gen_bzmpop(self):
        return self.make('BZMPOP', self.timeout(), *self.mpop_arguments())
    gen_bzmpop.weight = 3

    # ---- algebra

    def several(self):
        r = self.rng
        keys = [self.source() for _ in range(r.randrange(1, 5))]
        number = len(keys) if r.random() < 0.97 else r.choice([0, -1, len(keys) + 1, len(keys) - 1, 'x', 10**10])
        return number, keys

    def some_weights(self, count):
        numbers = ['0', '1', '2', '-1', '0.5', '3.7', 'inf', '-inf', '1e308']
        wrong = self.rng.random() < 0.03
        return [self.rng.choice(NOT_SCORES if wrong else numbers) for _ in range(count if self.rng.random() < 0.98 else count - 1)]

    def combine_options(self, count, *more):
        r, options = self.rng, [list(more)] if more else []
        if r.random() < 0.4:
            options.append(self.words('WEIGHTS') + self.some_weights(count))
        if r.random() < 0.4:
            options.append(self.words('AGGREGATE') + self.words(r.choice(['SUM', 'MIN', 'MAX'] if r.random() < 0.97 else ['AVG', ''])))
        if r.random() < 0.02:
            options.append(r.choice([['AGGREGATE'], ['WEIGHTS'], ['LIMIT', '1'], ['foo']]))
        r.shuffle(options)
        return [word for option in options for word in option]

    def gen_combine(self):
        number, keys = self.several()
        return self.make(self.rng.choice(['ZUNION', 'ZINTER']), number, *keys,
                         *self.combine_options(len(keys), *(self.words('WITHSCORES') if self.rng.random() < 0.6 else [])))
    gen_combine.weight = 10

    def gen_combine_store(self):
        number, keys = self.several()
        return self.make(self.rng.choice(['ZUNIONSTORE', 'ZINTERSTORE']), self.destination(), number, *keys, *self.combine_options(len(keys)))
    gen_combine_store.weight = 6

    def gen_zdiff(self):
        number, keys = self.several()
        return self.make('ZDIFF', number, *keys, *(self.words('WITHSCORES') if self.rng.random() < 0.6 else []))

    def gen_zdiffstore(self):
        number, keys = self.several()
        return self.make('ZDIFFSTORE', self.destination(), number, *keys, *(['WITHSCORES'] if self.rng.random() < 0.02 else []))
    gen_zdiffstore.weight = 2

    def gen_zintercard(self):
        number, keys = self.several()
        limit = self.words('LIMIT') + [self.rng.choice(['0', '1', '3', '100', '-1', 'x'])] if self.rng.random() < 0.5 else []
        return self.make('ZINTERCARD', number, *keys, *limit)

    def gen_sadd(self):
        return self.make('SADD', 's%d' % self.rng.randrange(3), *[self.member() for _ in range(self.rng.randrange(1, 6))])
    gen_sadd.weight = 3

    # ---- chance, walks, the rest

    def gen_zrandmember(self):
        r = self.rng
        count = r.choice([None, '0', '1', '2', '5', '1000', '-1', '-3', '-20', '9223372036854775807'])
        options = ['WITHSCORES'] if count is not None and r.random() < 0.5 else []
        return Command('ZRANDMEMBER', 'z...', str(count), *options, run=random_members(self.key(), count, *options))

    def gen_zrandmember_error(self):
        bad = self.rng.choice([['x'], ['-9223372036854775808'], ['9223372036854775808'], ['1', 'foo'], ['1', 'withscores', 'x'],
                               ['4611686018427387904', 'withscores'], ['-4611686018427387904', 'withscores'], ['-4611686018427387905', 'withscores']])
        return self.make('ZRANDMEMBER', 'none', *bad)
    gen_zrandmember_error.weight = 1

    def gen_zscan(self):
        args = []
        for _ in range(self.rng.randrange(3)):
            args += self.rng.choice([['MATCH', self.rng.choice(PATTERNS)], ['COUNT', self.rng.choice(['1', '3', '100', '9223372036854775807'])]])
        key = self.key()
        return Command('ZSCAN', key, '0...', *args, run=scan_all(key, args))

    def gen_zscan_error(self):
        bad = self.rng.choice([['abc'], [' 1'], ['18446744073709551616'], ['0', 'COUNT', '0'], ['0', 'COUNT', '-1'], ['0', 'COUNT', 'x'], ['0', 'COUNT'],
                               ['0', 'MATCH'], ['0', 'TYPE', 'zset'], ['0', 'foo', 'bar'], ['x', 'COUNT', 'y'], ['0', 'NOVALUES']])
        return self.make('ZSCAN', self.key(), *bad)
    gen_zscan_error.weight = 1

    def gen_threshold(self):
        r = self.rng
        if r.random() < 0.7:
            return Command('CONFIG', 'SET', 'zset-max-listpack-entries', r.choice(['128', '128', '5', '16', '3']))
        return Command('CONFIG', 'SET', 'zset-max-listpack-value', r.choice(['64', '64', '2', '0', '400']))
    gen_threshold.weight = 1

    def gen_other(self):
        r = self.rng
        return self.make(*r.choice([['SET', 'string', 'x'], ['DEL', self.key()], ['EXPIRE', self.key(), '100000'], ['PERSIST', self.key()],
                                    ['COPY', 'z%d' % r.randrange(8), 'z%d' % r.randrange(8), 'REPLACE'], ['RENAME', 'z%d' % r.randrange(8), 'z%d' % r.randrange(8)],
                                    ['DEL', 's%d' % r.randrange(3)], ['EXISTS', self.key()]]))
    gen_other.weight = 4

    def gen_flush(self):
        return self.make('FLUSHALL')
    gen_flush.weight = 0.3
