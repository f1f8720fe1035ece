"""Commands of the group stream, for oracle.py.

IDs: the part in ms counts commands, so that those of one key rise; XADD with `*` only appends to what lies in the
far future already (keys f0, f1), where the ID does not depend on the clock. Idle times asked for are 0, or so far
apart that the milliseconds between two servers do not matter; those shown are compared with some slack
(same_but_times).

Where 7.2 differs from 7.0: XINFO CONSUMERS has inactive and XINFO STREAM FULL active-time (test_cmd_stream_info.c), and
XREADGROUP, XCLAIM and XAUTOCLAIM make their consumer even when there is nothing for it (test_cmd_stream_group.c,
test_cmd_stream_claim.c): here it exists before (as_member). XSETID with an ID below the largest one deleted is an error
in 7.2 only (test_cmd_stream.c).
"""
from oracle import Command, Group, any_case

SLACK_MS = 10000
EPOCH_MS = 10 ** 11
FUTURE_MS = 9 * 10 ** 12
MAX_ID = '18446744073709551615-18446744073709551615'
ODD_IDS = ['', '-', '+', '$', '>', '*', 'x', '1-', '-1', '1-x', '1--1', '1--0', '01-1', '+1', ' 1', '1 ', '0-0', '0', '0-1', '(1', '((1',
           '1-*', '0-*', '18446744073709551616', '1-18446744073709551615', '1-18446744073709551616', '1\x002', '9' * 200, '*-1', '1-1-1']
LAST_IDS = ['18446744073709551615', '18446744073709551615-*', '18446744073709551615-18446744073709551614', MAX_ID]
NOT_INTS = ['', 'x', '1.5', ' 1', '9223372036854775808', '-']
GROUPS = ['g0', 'g1', 'g']
CONSUMERS = ['c0', 'c1', 'alice', 'bob']
FIELDS = [['f'], ['f', 'g'], ['name', 'value', 'x'], ['f'], ['1', '2']]
NODE_ENTRIES = ['0', '1', '2', '5', '10', '100']
# Not 64 among others: then redis-server 7.0.15 now and then overwrites one stream's node with another's entry, or ends.
NODE_BYTES = ['0', '200', '1000', '4096']


def tokens(raw):
    parts, at = [], 0
    while at < len(raw):
        end = raw.index(b'\r\n', at)
        kind, text, at = raw[at:at + 1], raw[at + 1:end], end + 2
        if kind == b'$' and text != b'-1':
            size = int(text)
            text, at = raw[at:at + size], at + size + 2
        parts.append((kind, text))
    return parts


def without(parts, name):
    """Drops name and its value from every map, as in a server that does not have it."""
    out, maps = [], []
    for i, part in enumerate(parts):
        if part == (b'$', b'name') and parts[i - 1][0] in b'*%':
            maps.append(len(out) - 1)
        if part == (b'$', name):
            kind, count = out[maps[-1]]
            out[maps[-1]] = (kind, b'%d' % (int(count) - (2 if kind == b'*' else 1)))
        elif i == 0 or parts[i - 1] != (b'$', name):
            out.append(part)
    return out


def agree(parts, i, other):
    """Two integers at the same place. 7.0 does not see a consumer that got nothing: its times are not looked at."""
    if parts[i - 1] in ((b'$', b'idle'), (b'$', b'seen-time')):
        return True
    return is_time(parts, i) and abs(int(parts[i][1]) - int(other[1])) <= SLACK_MS


def is_time(parts, i):
    """A clock's value, or the third of XPENDING's four."""
    if int(parts[i][1]) > EPOCH_MS:
        return True
    return i >= 3 and parts[i - 3] == (b'*', b'4') and parts[i - 1][0] == b'$' and parts[i - 2][0] == b'$'


def same_but_times(ours, theirs):
    a, b = tokens(ours), tokens(theirs)
    for name in (b'inactive', b'active-time'):
        if (b'$', name) in a and (b'$', name) not in b:
            a = without(a, name)
    if len(a) != len(b):
        return False
    return all(x == y or (x[0] == y[0] == b':' and agree(a, i, y)) for i, (x, y) in enumerate(zip(a, b)))


# 7.2 says which command it is about, and '>' instead of '$' for XREADGROUP.
def same_but_unbalanced(ours, theirs):
    return ours == theirs or all(r.startswith(b'-ERR Unbalanced ') for r in (ours, theirs))


def as_member(keys, group, consumer, *words):
    def run(connection):
        made = [connection.call_raw('XGROUP', 'CREATECONSUMER', key, group, consumer) for key in keys]
        return made, connection.call_raw(*words)
    return Command(*words, run=run)


class Streams(Group):
    name = 'streams'

    def __init__(self, rng):
        super().__init__(rng)
        self.bodies = [getattr(self, n) for n in dir(type(self)) if n.startswith('gen_')]
        self.weights = [getattr(b, 'weight', 4) for b in self.bodies]
        self.clock = 10
        self.first = [Command('CONFIG', 'SET', 'stream-node-max-entries', rng.choice(NODE_ENTRIES)),
                      Command('CONFIG', 'SET', 'stream-node-max-bytes', rng.choice(NODE_BYTES))]

    def next(self):
        if self.first:
            return self.first.pop()
        command = self.rng.choices(self.bodies, self.weights)[0]()
        if command.run is None and self.rng.random() < 0.02:
            return self.wrong_arity(command)
        return command

    def wrong_arity(self, command):
        args = list(command.args)
        if args[0].lower() == b'config':
            return command
        if self.rng.random() < 0.5:
            args = args[:self.rng.randrange(1, len(args) + 1)]
        else:
            args += [self.rng.choice([b'x', b'', b'1', b'COUNT'])] * self.rng.randrange(1, 3)
        if args[0].lower() == b'xadd' and b'*' in args:
            args = args[:2]  # never an ID of the clock
        return Command(*args, close=lambda ours, theirs: same_but_times(ours, theirs) or same_but_unbalanced(ours, theirs))

    # ---- arguments

    def word(self, text):
        return any_case(self.rng, text)

    def key(self):
        kind = self.rng.random()
        if kind < 0.86:
            return 's%d' % self.rng.randrange(4)
        if kind < 0.92:
            return 'f%d' % self.rng.randrange(2)
        return self.rng.choice(['none', 't', 'e', '', 'k\r\n', 's\x00'])

    def base(self, key):
        return FUTURE_MS if key.startswith('f') else 0

    def id(self, key='s', odd=0.05):
        """Of an entry that may be there."""
        if self.rng.random() < odd:
            return self.rng.choice(ODD_IDS)
        ms = self.base(key) + max(0, self.clock - int(self.rng.expovariate(0.02)))
        kind = self.rng.random()
        return '%d' % ms if kind < 0.1 else '%d-%d' % (ms, self.rng.choice([0, 0, 0, 1, 2]))

    def new_id(self, key):
        if self.rng.random() < 0.8:
            self.clock += self.rng.choice([0, 1, 1, 1, 2, 200])
        ms = self.base(key) + self.clock
        kind = self.rng.random()
        if kind < 0.03:
            return self.rng.choice([i for i in ODD_IDS if i != '*'])
        if kind < 0.4:
            return '%d-*' % ms
        return '%d' % ms if kind < 0.5 else '%d-%d' % (ms, self.rng.randrange(4))

    def bound(self, key, low):
        kind = self.rng.random()
        if kind < 0.3:
            return '-' if low else '+'
        if kind < 0.4:
            return self.rng.choice(ODD_IDS + LAST_IDS)
        return self.rng.choice(['', '', '(']) + self.id(key)

    def bounds(self, key):
        return [self.bound(key, True), self.bound(key, False)]

    def count(self):
        if self.rng.random() < 0.05:
            return self.rng.choice(NOT_INTS + ['-1', '-5', '0', '0'])
        return self.rng.choice(['1', '2', '3', '5', '10', '100', '1000'])

    def optional_count(self, chance=0.5):
        return [self.word('count'), self.count()] if self.rng.random() < chance else []

    def value(self):
        kind = self.rng.random()
        if kind < 0.5:
            return '%d' % (self.rng.getrandbits(self.rng.randrange(1, 64)) - self.rng.choice([0, 100]))
        if kind < 0.98:
            return 'v' * self.rng.choice([0, 1, 5, 30, 62, 63, 64, 100])
        return 'w' * self.rng.choice([127, 1000, 4095, 4096, 20000])

    def pairs(self):
        names = self.rng.choice(FIELDS)
        return [x for n in names for x in (n, self.value())]

    def trim(self):
        low, options = self.rng.random() < 0.03, []
        if self.rng.random() < 0.6:
            options += [self.word('maxlen')]
            threshold = self.rng.choice(NOT_INTS + ['-1']) if low else str(int(self.rng.expovariate(0.02)))
        else:
            options += [self.word('minid')]
            threshold = self.rng.choice(ODD_IDS) if low else self.id(odd=0)
        sign = self.rng.choice([[], ['='], ['~'], ['~']])
        options += sign + [threshold]
        if self.rng.random() < (0.3 if sign == ['~'] else 0.03):
            options += [self.word('limit'), self.rng.choice(['0', '1', '5', '10', '100', '-1', 'x'])]
        if self.rng.random() < 0.01:
            options += [self.word('minid'), '0']
        return options

    def group(self):
        return self.rng.choice(GROUPS)

    def consumer(self):
        return self.rng.choice(CONSUMERS)

    def idle(self):
        if self.rng.random() < 0.05:
            return self.rng.choice(NOT_INTS + ['-5'])
        return self.rng.choice(['0', '0', '500000', '500000', '9000000000000'])

    def ids(self, key, most=4):
        return [self.id(key, 0.02) for _ in range(self.rng.randrange(1, most))]

    # ---- entries

    def gen_xadd(self):
        key, options = self.key(), []
        if self.rng.random() < 0.1:
            options += [self.word('nomkstream')]
        if self.rng.random() < 0.15:
            options += self.trim()
        pairs = self.pairs()
        if self.rng.random() < 0.02:
            pairs = pairs[:-1]
        return Command(self.word('xadd'), key, *options, self.new_id(key), *pairs)
    gen_xadd.weight = 40

    def gen_xadd_star(self):
        """Only where entries lie ahead of the clock: there * is the last ID and one."""
        key = 'f%d' % self.rng.randrange(2)
        pairs = self.pairs()

        def run(connection):
            last = connection.call_raw('XREVRANGE', key, '+', '%d' % FUTURE_MS, 'COUNT', '1')
            return connection.call_raw('XADD', key, '*', *pairs) if last[:2] == b'*1' else last
        return Command('XADD', key, '*', run=run)

    def gen_last_id(self):
        """A stream that comes to its end."""
        words = [['DEL', 'end'], ['XADD', 'end', '5-*', 'f', 'v']]
        ids = [self.rng.choice(LAST_IDS)] + self.rng.choices(LAST_IDS + ['*'], k=3)
        words += [['XADD', 'end', i, 'f', 'v'] for i in ids]
        words += [['XRANGE', 'end', '-', '+'], ['XREVRANGE', 'end', MAX_ID, '5'], ['XREAD', 'STREAMS', 'end', self.rng.choice(LAST_IDS)],
                  ['XRANGE', 'end', '(' + MAX_ID, '+'], ['XREVRANGE', 'end', '(0', '-'], ['XDEL', 'end', *LAST_IDS[2:]],
                  ['XTRIM', 'end', 'MINID', MAX_ID], ['XADD', 'end', '*', 'f', 'v'], ['XINFO', 'STREAM', 'end']]
        return Command('XADD', 'end', run=lambda c: [c.call_raw(*w) for w in words])
    gen_last_id.weight = 1

    def gen_xadd_many(self):
        """Several in a row, so that nodes become full."""
        key = self.key()
        names, fields = [], self.rng.choice(FIELDS)
        for _ in range(self.rng.randrange(5, 40)):
            self.clock += 1
            names.append([b'XADD', key, '%d-*' % (self.base(key) + self.clock)] +
                         [x for n in fields for x in (n, self.value()[:100])])
        return Command('XADD', key, 'several', run=lambda c: [c.call_raw(*n) for n in names])
    gen_xadd_many.weight = 6

    def gen_xlen(self):
        return Command(self.word('xlen'), self.key())

    def gen_xrange(self):
        key = self.key()
        return Command(self.word('xrange'), key, *self.bounds(key), *self.optional_count())
    gen_xrange.weight = 12

    def gen_xrevrange(self):
        key = self.key()
        return Command(self.word('xrevrange'), key, *reversed(self.bounds(key)), *self.optional_count())
    gen_xrevrange.weight = 12

    def gen_xrange_bad(self):
        key = self.key()
        tail = self.rng.choice([['count'], ['x', '1'], ['count', '1', 'count', '2'], ['count', '2', 'x']])
        return Command('XRANGE', key, '-', '+', *tail)
    gen_xrange_bad.weight = 1

    def gen_xdel(self):
        key = self.key()
        return Command(self.word('xdel'), key, *self.ids(key, 6))
    gen_xdel.weight = 12

    def gen_xdel_edge(self):
        """The first or last entry: what follows from it is what is worth a look."""
        key, backwards = self.key(), self.rng.random() < 0.5

        def run(connection):
            reply = tokens(connection.call_raw('XREVRANGE' if backwards else 'XRANGE', key, *('+-' if backwards else '-+'),
                                               'COUNT', '1'))
            return connection.call_raw('XDEL', key, reply[2][1]) if len(reply) > 2 else reply
        return Command('XDEL', key, 'edge', run=run)

    def gen_xtrim(self):
        return Command(self.word('xtrim'), self.key(), *self.trim())
    gen_xtrim.weight = 10

    def gen_xsetid(self):
        key, options = self.key(), []
        if self.rng.random() < 0.4:
            options += [self.word('entriesadded'), self.rng.choice(['0', '5', '100', '1000', '-1', 'x'])]
        if self.rng.random() < 0.3:
            options += [self.word('maxdeletedid'), self.id(key)]
        if self.rng.random() < 0.03:
            options += ['x']
        self.clock += 1
        return Command(self.word('xsetid'), key, '%d-0' % (self.base(key) + self.clock), *options)

    def gen_xsetid_back(self):
        """To any ID, while none was deleted."""
        key = self.key()
        words = ['XSETID', key, self.id(key)]

        def run(connection):
            info = tokens(connection.call_raw('XINFO', 'STREAM', key))
            name = (b'$', b'max-deleted-entry-id')
            if name in info and info[info.index(name) + 1] == (b'$', b'0-0'):
                return connection.call_raw(*words)
            return info[0]
        return Command(*words, run=run)
    gen_xsetid_back.weight = 2
    gen_xsetid.weight = 2

    # ---- reading

    def read_options(self):
        options = self.optional_count()
        if self.rng.random() < 0.05:
            options += [self.word('block'), self.rng.choice(['1', '2', '5', '-1', 'x', '1.5'])]
        return options

    def gen_xread(self):
        keys = [self.key() for _ in range(self.rng.choice([1, 1, 2, 3]))]
        ids = [self.rng.choice(['$', '0', '0', self.id(k), '>' if self.rng.random() < 0.1 else self.id(k)]) for k in keys]
        if self.rng.random() < 0.03:
            ids.pop()
        return Command(self.word('xread'), *self.read_options(), self.word('streams'), *keys, *ids, close=same_but_unbalanced)
    gen_xread.weight = 8

    def gen_xreadgroup(self):
        keys = [self.key() for _ in range(self.rng.choice([1, 1, 1, 2]))]
        if self.rng.random() < 0.9:
            keys = ['s%d' % self.rng.randrange(3) for _ in keys]
        group, consumer = self.group(), self.consumer()
        ids = [self.rng.choice(['>', '>', '>', '0', self.id(k), '$' if self.rng.random() < 0.1 else '>']) for k in keys]
        options = self.optional_count(0.8)
        if self.rng.random() < 0.15:
            options += [self.word('noack')]
        return as_member(keys, group, consumer, self.word('xreadgroup'), self.word('group'), group, consumer, *options,
                         self.word('streams'), *keys, *ids)
    gen_xreadgroup.weight = 25

    def gen_xread_bad(self):
        if self.rng.random() < 0.1:  # what '>' stands for
            return as_member(['s0'], 'g0', 'c0', 'XREADGROUP', 'GROUP', 'g0', 'c0', 'STREAMS', 's0', MAX_ID)
        return Command(*self.rng.choice([
            ['XREAD', 'COUNT', '1', 'STREAMS'], ['XREAD', 'GROUP', 'g', 'c', 'STREAMS', 's0', '0'], ['XREAD', 'NOACK', 'STREAMS', 's0', '0'],
            ['XREADGROUP', 'COUNT', '1', 'NOACK', 'STREAMS', 's0', '>'], ['XREADGROUP', 'GROUP', 'g0', 'c0', 'STREAMS', 's0', 's1', '>'],
            ['XREAD', 'STREAMS', 't', '0'], ['XREADGROUP', 'GROUP', 'nogroup', 'c0', 'STREAMS', 's0', '>'],
            ['XREADGROUP', 'GROUP', 'g0', 'c0', 'STREAMS', 'none', '>'], ['XREADGROUP', 'GROUP', 'g0', 'c0', 'FOO', 's0', '>']]),
            close=same_but_unbalanced)
    gen_xread_bad.weight = 1

    # ---- groups

    def gen_xgroup_create(self):
        key, options = 's%d' % self.rng.randrange(4), []
        if self.rng.random() < 0.2:
            key = self.key()
        if self.rng.random() < 0.5 and not key.startswith('f'):
            options += [self.word('mkstream')]
        if self.rng.random() < 0.3:
            options += [self.word('entriesread'), self.rng.choice(['0', '1', '5', '100', '-1', '-2', 'x'])]
        if self.rng.random() < 0.03:
            options += ['x']
        return Command(self.word('xgroup'), self.word('create'), key, self.group(), self.rng.choice(['$', '0', '0', self.id(key)]),
                       *options)
    gen_xgroup_create.weight = 8

    def gen_xgroup_setid(self):
        key, options = self.key(), []
        if self.rng.random() < 0.4:
            options += [self.word('entriesread'), self.rng.choice(['0', '1', '5', '100', '-1', '-2', 'x'])]
        return Command(self.word('xgroup'), self.word('setid'), key, self.group(),
                       self.rng.choice(['$', '0', '+', '-', self.id(key), self.id(key)]), *options)
    gen_xgroup_setid.weight = 3

    def gen_xgroup_other(self):
        key, group, consumer = self.key(), self.group(), self.consumer()
        return Command(self.word('xgroup'), *self.rng.choice([
            ['createconsumer', key, group, consumer], ['delconsumer', key, group, consumer], ['delconsumer', key, group, consumer],
            ['destroy', key, group], ['createconsumer', key, group, ''], ['HELP'], ['foo', key, group], ['create', key],
            ['destroy', key, group, 'x'], ['setid', key, group]]))
    gen_xgroup_other.weight = 4

    def gen_xack(self):
        key = self.key()
        return Command(self.word('xack'), key, self.group(), *self.ids(key, 6))
    gen_xack.weight = 6

    def gen_xpending(self):
        key = self.key()
        words = [self.word('xpending'), key, self.group()]
        if self.rng.random() < 0.7:
            if self.rng.random() < 0.4:
                words += [self.word('idle'), self.idle()]
            words += self.bounds(key) + [self.count()]
            if self.rng.random() < 0.4:
                words += [self.consumer()]
        return Command(*words, close=same_but_times)
    gen_xpending.weight = 12

    def gen_xclaim(self):
        key, group, consumer, options = self.key(), self.group(), self.consumer(), []
        for word, values in (('idle', ['0', '1000000', '2000000', '-1', 'x']), ('time', ['1000', '1600000000000', '99999999999999', 'x']),
                             ('retrycount', ['0', '1', '7', '-1', 'x']), ('lastid', [self.id(key), self.id(key)])):
            if self.rng.random() < 0.25:
                options += [self.word(word), self.rng.choice(values[:-1] if self.rng.random() < 0.97 else values)]
        for word in ('force', 'justid'):
            if self.rng.random() < 0.3:
                options += [self.word(word)]
        if self.rng.random() < 0.02:
            options += ['x']
        return as_member([key], group, consumer, self.word('xclaim'), key, group, consumer, self.idle(), *self.ids(key, 6), *options)
    gen_xclaim.weight = 10

    def gen_xautoclaim(self):
        key, group, consumer, options = self.key(), self.group(), self.consumer(), self.optional_count(0.6)
        if self.rng.random() < 0.4:
            options += [self.word('justid')]
        if self.rng.random() < 0.03:
            options += ['x']
        return as_member([key], group, consumer, self.word('xautoclaim'), key, group, consumer, self.idle(), self.bound(key, True),
                         *options)
    gen_xautoclaim.weight = 8

    # ---- XINFO

    def gen_xinfo(self):
        key = self.key()
        full = ['stream', key, self.word('full')]
        return Command(self.word('xinfo'), *self.rng.choice([
            ['stream', key], ['stream', key], full, full + [self.word('count'), self.rng.choice(['0', '0', '1', '3', '-1', 'x'])],
            ['groups', key], ['groups', key], ['groups', key], ['consumers', key, self.group()], ['consumers', key, self.group()],
            ['help'], ['stream', key, 'x'], ['stream', key, 'full', 'count'], ['foo'], ['groups', key, 'x']]), close=same_but_times)
    gen_xinfo.weight = 25

    # ---- the keys

    def gen_key(self):
        key = self.key()
        other = 'f%d' % self.rng.randrange(2) if key.startswith('f') else 's%d' % self.rng.randrange(4)
        return Command(*self.rng.choice([
            ['DEL', key], ['TYPE', key], ['OBJECT', 'ENCODING', key], ['EXISTS', key], ['COPY', key, other, 'REPLACE'],
            ['RENAME', key, other] if key.startswith(('s', 'f')) else ['TYPE', key], ['SET', 't', 'x'], ['GET', key],
            ['EXPIRE', key, '100000'], ['TTL', 't'], ['PERSIST', key]]))
    gen_key.weight = 5

    def gen_config(self):
        """What makes a node full, from now on."""
        return Command('CONFIG', 'SET', *self.rng.choice([['stream-node-max-entries', self.rng.choice(NODE_ENTRIES)],
                                                          ['stream-node-max-bytes', self.rng.choice(NODE_BYTES)]]))
    gen_config.weight = 1
