"""Commands of the group set, and SORT, for oracle.py.

redis-server 7.0 has no listpack sets: what 7.2 calls listpack is a hashtable there, or an intset where 7.2 does not go
back to one (encoding_of). So the order of members agrees for intsets only (keys i0..i3, which never hold anything
else); elsewhere replies are compared as what they hold (same_members). The encodings of 7.2 are in test_cmd_set.c.

SORT: equal weights of BY ... ALPHA leave the order to the sort, which both servers keep for lists when there is no
LIMIT; scores out of a double's range leave an errno behind in 7.0 that refuses later commands, so there are none.
Without sorting, a set's order is each server's own, and so is what LIMIT takes of it.
"""
from oracle import Command, Group, any_case
from penstock import decode

TEXTS = ['', 'a', 'b', 'c', 'ab', 'A', '01', '+1', '-0', ' 1', '1 ', '1.0', 'x' * 64, 'y' * 65, 'z' * 300, '\xff', 'a\x00b', 'a\x00c',
         '9223372036854775808', '-9223372036854775809']
INTS = ['0', '1', '-1', '2', '3', '7', '10', '100', '127', '128', '-128', '-129', '32767', '32768', '-32768', '-32769', '8388607',
        '8388608', '2147483647', '2147483648', '-2147483649', '9223372036854775807', '-9223372036854775808']
NOT_INTS = ['x', '', '1.5', '9223372036854775808', ' 1', '-', '-9223372036854775809']
COUNTS = ['0', '1', '2', '3', '10', '1000', '9223372036854775807']
PATTERNS = ['*', 'm*', 'm1?', '[a-c]*', '', '*\x00*', 'zz', '?', '[0-9]*', '-*']
NUMBERS = ['1', '2', '10', '-3', '0', '2.5', '1e1', '-0', '0x10', ' 7', 'inf', '-inf', '1e-300', '', '+4', '.5', '3']
NOT_NUMBERS = ['x', 'nan', '1x', '1 ', '--1']
BY = ['w*', 'w*', 'w*', 'h*->f', 'h*->f', 'nosort', '#', 'string*', 'i*', 'v*x', '*', 'w*->', 'h*->none', 'none*']
GET = ['#', '#', 'w*', 'h*->f', 'h*->g', 'v*x', 'constant', 'none*', 'w*->', 'h*->', 'i*', '*', '#x', 'h->*', 'w**']
DEADLINE = '4102444800'  # 2100


def same_members(ours, theirs):
    """Replies of many members: the same ones, in any order, in the same kind of reply."""
    if ours == theirs:
        return True
    a, b = decode(ours), decode(theirs)
    if not isinstance(a, list) or not isinstance(b, list):
        return False
    return ours[:ours.index(b'\n')] == theirs[:theirs.index(b'\n')] and sorted(a, key=repr) == sorted(b, key=repr)


def encoding_of(ours, theirs):
    others = (b'$9\r\nhashtable\r\n', b'$6\r\nintset\r\n', b'$9\r\nquicklist\r\n')  # lists are others' business
    return ours == theirs or (ours == b'$8\r\nlistpack\r\n' and theirs in others)


def members_of(connection, key):
    reply = decode(connection.call_raw('SMEMBERS', key))
    return reply if isinstance(reply, list) else None


def random_members(key, *count):
    """SRANDMEMBER: chance decides who comes; how many, who may and whether twice, it does not."""
    def run(connection):
        members = members_of(connection, key)
        raw = connection.call_raw('SRANDMEMBER', key, *count)
        reply = decode(raw)
        if members is None or not isinstance(reply, (list, bytes)):
            return raw
        if not count:
            return 'a member' if reply in members else repr(reply)
        if any(m not in members for m in reply):
            return 'somebody else'
        distinct = len(set(reply)) == len(reply)
        return raw[:raw.index(b'\r\n')], distinct if int(count[0]) >= 0 else None
    return run


def pop(key, *count):
    """SPOP takes members that were there and leaves the others. The key goes afterwards: what is left is chance."""
    def run(connection):
        members, deadline = members_of(connection, key), connection.call_raw('EXPIRETIME', key)
        raw = connection.call_raw('SPOP', key, *count)
        reply = decode(raw)
        if members is None or not isinstance(reply, (list, bytes)):
            return raw
        taken = [reply] if isinstance(reply, bytes) else reply
        left = members_of(connection, key)
        if sorted(taken + left) != sorted(members):
            return 'lost or invented: %r %r %r' % (members, taken, left)
        after = connection.call_raw('EXPIRETIME', key)
        connection.call_raw('DEL', key)
        shape = raw[:raw.index(b'\r\n')] if count else 'one'
        return shape, len(left), after == deadline if left else after
    return run


def scan_all(key, options):
    """SSCAN to its end: cursors and order are each server's own."""
    def run(connection):
        cursor, seen = b'0', set()
        for _ in range(100000):
            reply = decode(connection.call_raw('SSCAN', key, cursor, *options))
            if not isinstance(reply, list):
                return repr(reply)
            cursor = reply[0]
            seen.update(reply[1])
            if cursor == b'0':
                return sorted(seen)
        return 'SSCAN does not end'
    return run


def fill(key, members):
    """A key made anew with many members, so that its encoding does not depend on what was there."""
    def run(connection):
        connection.call_raw('DEL', key)
        return connection.call_raw('SADD', key, *members)
    return run


class Sets(Group):
    name = 'sets'

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
            args += [self.rng.choice([b'x', b'', b'1'])] * self.rng.randrange(1, 4)
        if args[0].lower() in (b'spop', b'srandmember', b'sscan') or args[0].lower().startswith(b'sort'):
            args = args[:1]  # never chance, never an order of 7.0's own
        if len(args) > 1 and args[1].startswith(b'i') and args[0].lower() in (b'sadd', b'smove'):
            args = args[:1]  # the intsets stay such
        return Command(*args, close=command.close)

    # ---- arguments

    def make(self, name, *args, **how):
        how.setdefault('close', same_members)
        return Command(any_case(self.rng, name), *args, **how)

    def words(self, *words):
        return [any_case(self.rng, w) for w in words]

    def key(self):
        kind = self.rng.random()
        if kind < 0.94:
            return self.rng.choice(['s%d' % self.rng.randrange(8)] * 4 + ['i%d' % self.rng.randrange(4), 'b%d' % self.rng.randrange(3)])
        return self.rng.choice(['none', 'none', 'string', 'l0'])

    def destination(self):
        return 's%d' % self.rng.randrange(8) if self.rng.random() < 0.97 else 'string2'

    def integer(self):
        return self.rng.choice(INTS) if self.rng.random() < 0.5 else str(self.rng.randrange(40))

    def member(self):
        kind = self.rng.random()
        if kind < 0.35:
            return self.integer()
        if kind < 0.7:
            return 'm%d' % self.rng.randrange(30)
        return self.rng.choice(TEXTS).encode('latin-1')

    def members(self, most=6):
        return [self.member() for _ in range(self.rng.randrange(1, most + 1))]

    # ---- one set

    def gen_sadd(self):
        return self.make('SADD', self.rng.choice(['s%d' % self.rng.randrange(8)] * 9 + ['string']), *self.members())
    gen_sadd.weight = 24

    def gen_sadd_integers(self):
        key = self.rng.choice(['i%d' % self.rng.randrange(4), 's%d' % self.rng.randrange(8)])
        return self.make('SADD', key, *[self.integer() for _ in range(self.rng.randrange(1, 6))])
    gen_sadd_integers.weight = 12

    def gen_fill(self):
        r = self.rng
        size, first = r.choice([20, 127, 128, 129, 130, 300, 512, 513, 700, 3000, 6000]), r.randrange(4000)
        kind = r.choice(['%d', '%d', 'm%d', 'a rather longer member, so that leaves hold few of them: %d'])
        return Command('FILL', size, run=fill('b%d' % r.randrange(3), [kind % (first + i) for i in range(size)]))
    gen_fill.weight = 1

    def gen_srem(self):
        return self.make('SREM', self.key(), *self.members())
    gen_srem.weight = 10

    def gen_sismember(self):
        return self.make('SISMEMBER', self.key(), self.member())
    gen_sismember.weight = 8

    def gen_smismember(self):
        return self.make('SMISMEMBER', self.key(), *self.members(), close=None)

    def gen_scard(self):
        return self.make('SCARD', self.key())

    def gen_smembers(self):
        return self.make('SMEMBERS', self.key())
    gen_smembers.weight = 10

    def gen_smembers_in_order(self):
        return self.make('SMEMBERS', 'i%d' % self.rng.randrange(4), close=None)

    def gen_smove(self):
        return self.make('SMOVE', self.key(), self.destination(), self.member())
    gen_smove.weight = 10

    def gen_spop(self):
        r = self.rng
        key = self.key()
        count = r.choice([[], [r.choice(COUNTS)], [str(r.randrange(12))], [r.choice(['100', '2500', '2900'])], [r.choice(NOT_INTS + ['-1', '-2'])]])
        return Command('SPOP', key, *count, run=pop(key, *count))
    gen_spop.weight = 3

    def gen_spop_error(self):
        return self.make('SPOP', self.key(), *self.rng.choice([['-1'], ['x'], ['1', '2'], ['-1', 'x'], ['0']]))
    gen_spop_error.weight = 1

    def gen_srandmember(self):
        r = self.rng
        count = r.choice([[], [r.choice(COUNTS)], [str(r.randrange(12))], ['-%d' % r.randrange(30)], [r.choice(['2900', '-2500', '50'])], [r.choice(NOT_INTS)],
                          ['-9223372036854775808']])
        key = self.key()
        return Command('SRANDMEMBER', key, *count, run=random_members(key, *count))
    gen_srandmember.weight = 6

    def gen_encoding(self):
        return Command('OBJECT', 'ENCODING', self.rng.choice([self.key(), self.destination()]), close=encoding_of)
    gen_encoding.weight = 12

    def gen_deadline(self):
        word = self.rng.choice(['EXPIREAT', 'EXPIRETIME', 'EXPIRETIME', 'PERSIST'])
        return self.make(word, self.key(), *([DEADLINE] if word == 'EXPIREAT' else []))

    def gen_del(self):
        return self.make('DEL', self.destination())

    def gen_copy(self):
        return self.make(self.rng.choice(['COPY', 'RENAME']), self.key(), 's%d' % self.rng.randrange(8))

    def gen_others(self):
        return self.rng.choice([Command('SET', 'string', 'v'), Command('RPUSH', 'l0', '1'), Command('TYPE', self.key())])

    def gen_sscan(self):
        options = []
        for _ in range(self.rng.randrange(3)):
            options += self.rng.choice([['MATCH', self.rng.choice(PATTERNS)], ['COUNT', self.rng.choice(['1', '3', '100', '5000', '9223372036854775807'])]])
        key = self.key()
        return Command('SSCAN', key, '0...', *options, run=scan_all(key, options))
    gen_sscan.weight = 3

    def gen_sscan_error(self):
        bad = self.rng.choice([['abc'], [' 1'], ['18446744073709551616'], ['0', 'COUNT', '0'], ['0', 'COUNT', '-1'], ['0', 'COUNT', 'x'], ['0', 'COUNT'],
                               ['0', 'TYPE', 'set'], ['0', 'foo', 'bar'], ['x', 'COUNT', 'y'], ['0', 'COUNT', '1', 'x'], ['0', 'MATCH']])
        return self.make('SSCAN', self.key(), *bad)
    gen_sscan_error.weight = 1

    # ---- several sets

    def several(self):
        return [self.key() for _ in range(self.rng.choice([1, 2, 2, 2, 3, 3, 5, 12]))]

    def gen_algebra(self):
        return self.make(self.rng.choice(['SINTER', 'SUNION', 'SDIFF']), *self.several())
    gen_algebra.weight = 24

    def gen_algebra_in_order(self):
        keys = ['i%d' % self.rng.randrange(4) for _ in range(self.rng.randrange(1, 5))]
        return self.make(self.rng.choice(['SINTER', 'SUNION', 'SDIFF']), *keys, close=None)
    gen_algebra_in_order.weight = 6

    def gen_store(self):
        return self.make(self.rng.choice(['SINTERSTORE', 'SUNIONSTORE', 'SDIFFSTORE']), self.destination(), *self.several())
    gen_store.weight = 16

    def gen_store_string(self):
        return Command('SET', 'string2', 'v')
    gen_store_string.weight = 1

    def gen_sintercard(self):
        r, keys = self.rng, self.several()
        limit = r.choice([[], [], ['LIMIT', r.choice(['0', '1', '3', '1000', '-1', 'x', '9223372036854775808'])], ['LIMIT'], ['foo', '1'],
                          ['LIMIT', '5', 'LIMIT', '1']])
        count = str(len(keys)) if r.random() < 0.9 else r.choice(['0', '-1', 'x', '1', '99', ''])
        return self.make('SINTERCARD', count, *keys, *limit)
    gen_sintercard.weight = 10


class Sort(Group):
    """Lists l0..l3 hold numbers mostly, t0..t1 any texts; sets s0..s1 and sorted sets z0..z1; i0 is an intset. Weights
    are in strings w<element>, fields in hashes h<element>."""
    name = 'sort'

    def __init__(self, rng):
        super().__init__(rng)
        self.bodies = [getattr(self, n) for n in dir(type(self)) if n.startswith('gen_')]
        self.weights = [getattr(b, 'weight', 4) for b in self.bodies]

    def next(self):
        return self.rng.choices(self.bodies, self.weights)[0]()

    def number(self):
        kind = self.rng.random()
        if kind < 0.7:
            return str(self.rng.randrange(20))
        return self.rng.choice(NUMBERS) if kind < 0.995 else self.rng.choice(NOT_NUMBERS)

    def numbers(self):
        return [self.number() for _ in range(self.rng.randrange(1, 6))]

    def text(self):
        return self.rng.choice(TEXTS).encode('latin-1') if self.rng.random() < 0.5 else self.number()

    # ---- what is sorted

    def gen_list(self):
        return Command('RPUSH', 'l%d' % self.rng.randrange(4), *self.numbers())
    gen_list.weight = 6

    def gen_texts(self):
        return Command('LPUSH', 't%d' % self.rng.randrange(2), *[self.text() for _ in range(self.rng.randrange(1, 5))])

    def gen_set(self):
        return Command('SADD', 's%d' % self.rng.randrange(2), *self.numbers())

    def gen_intset(self):
        return Command('SADD', 'i0', *[str(self.rng.randrange(-50, 50)) for _ in range(3)])

    def gen_sorted_set(self):
        return Command('ZADD', 'z%d' % self.rng.randrange(2), self.rng.randrange(5), self.number())

    def gen_del(self):
        return Command('DEL', self.rng.choice(['l0', 'l1', 'l2', 'l3', 't0', 't1', 's0', 's1', 'z0', 'z1', 'i0', 'd0', 'd1']))
    gen_del.weight = 3

    def gen_weight(self):
        return Command('SET', 'w' + self.number(), self.number() if self.rng.random() < 0.95 else self.text())
    gen_weight.weight = 10

    def gen_weight_gone(self):
        return Command('DEL', 'w' + self.number())

    def gen_fields(self):
        return Command('HSET', 'h' + self.number(), self.rng.choice(['f', 'g', '']), self.number())
    gen_fields.weight = 8

    def gen_odd_names(self):
        r = self.rng
        return r.choice([Command('SET', 'v%sx' % self.number(), self.number()), Command('SET', 'w%s->' % self.number(), self.number()),
                         Command('SET', 'w%s*' % self.number(), 'star'), Command('SET', 'string', 'v'), Command('HSET', 'hash', 'f', 'v')])

    # ---- sorting

    def limit(self):
        r = self.rng
        if r.random() < 0.5:
            return []
        first = r.choice(['0', '1', '3', '-1', '100', '9223372036854775807', 'x']) if r.random() < 0.5 else str(r.randrange(8))
        return self.words('LIMIT') + [first, r.choice(['0', '1', '5', '-1', '-7', '1000', 'x', '9223372036854775807'])]

    def words(self, *words):
        return [any_case(self.rng, w) for w in words]

    def gets(self):
        out = []
        for _ in range(self.rng.choice([0, 0, 0, 1, 1, 2, 3, 6])):
            out += self.words('GET') + [self.rng.choice(GET)]
        return out

    def tail(self):
        """STORE, and what is wrong now and then."""
        r = self.rng
        out = self.words('STORE') + [r.choice(['d0', 'd1', 'l3'])] if r.random() < 0.25 else []
        if r.random() < 0.04:
            out += r.choice([['foo'], ['LIMIT', '1'], ['BY'], ['GET'], ['STORE'], ['ASC', 'x']])
        return out

    def command_for(self, options):
        stores = any(str(o).upper() == 'STORE' for o in options)
        return any_case(self.rng, 'SORT' if stores or self.rng.random() < 0.6 else 'SORT_RO')

    def directions(self):
        return self.words(*self.rng.choice([[], [], ['ASC'], ['DESC'], ['DESC'], ['DESC', 'ASC']]))

    def sorting(self, key, *options):
        options = [o for part in options for o in part]
        return Command(self.command_for(options), key, *options)

    def gen_sort(self):
        r = self.rng
        key = r.choice(['l0', 'l1', 'l2', 'l3', 's0', 's1', 'z0', 'z1', 'i0', 'none', 'string', 'hash'])
        return self.sorting(key, self.directions(), self.limit(), self.gets(), self.tail())
    gen_sort.weight = 20

    def gen_sort_alpha(self):
        r = self.rng
        key = r.choice(['l0', 'l1', 's0', 's1', 'z0', 'z1', 'i0', 't0', 't1'])
        return self.sorting(key, self.words('ALPHA'), self.directions(), self.limit(), self.gets(), self.tail())
    gen_sort_alpha.weight = 16

    def gen_sort_by(self):
        r = self.rng
        by = r.choice(BY)
        keys = ['l0', 'l1', 'l2', 'l3', 'z0', 'z1', 'i0']
        if '*' in by:
            keys += ['s0', 's1']
        return self.sorting(r.choice(keys), self.words('BY'), [by], self.directions(), self.limit(), self.gets(), self.tail())
    gen_sort_by.weight = 24

    def gen_sort_by_alpha(self):
        r = self.rng
        return self.sorting(r.choice(['l0', 'l1', 't0']), self.words('BY'), [r.choice(BY)], self.words('ALPHA'), self.directions(), self.gets(), self.tail())
    gen_sort_by_alpha.weight = 10

    def gen_sort_set_unsorted(self):
        return Command('SORT', self.rng.choice(['s0', 's1']), 'BY', 'nosort', *self.directions(), *self.gets()[:2], close=same_members)

    def gen_read(self):
        return Command('LRANGE', self.rng.choice(['d0', 'd1', 'l3']), 0, -1)
    gen_read.weight = 8

    def gen_type(self):
        return Command(self.rng.choice(['TYPE', 'EXPIRETIME']), self.rng.choice(['d0', 'd1', 'l3']))

    def gen_deadline(self):
        return Command('EXPIREAT', self.rng.choice(['d0', 'd1', 'l3']), DEADLINE)

    def gen_thousands(self):
        """Enough for a job; the elements are put in order by both."""
        r = self.rng
        count, options = r.choice([2100, 3000, 5000]), [o for part in (self.directions(), self.limit()) for o in part]
        by = r.choice([[], [], ['BY', 'w*'], ['BY', 'h*->f', 'GET', '#', 'GET', 'w*']])

        def run(connection):
            connection.call_raw('DEL', 'big')
            connection.call_raw('RPUSH', 'big', *[str(i * 7919 % 10007) for i in range(count)])
            return connection.call_raw('SORT', 'big', *options, *by)
        return Command('SORT', 'big', count, *options, *by, run=run)
    gen_thousands.weight = 0.2
