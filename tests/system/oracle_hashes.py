"""Commands of the group hash, for oracle.py.

Order: a hash in one buffer (listpack) is shown in the order in which its fields came, by both servers; a hashtable
in each server's own. So whole hashes are compared in order where OBJECT ENCODING says listpack, and as
sets elsewhere. Random fields are compared by what they have to be: distinct or not, of the hash, so many.

HEXPIRE and its like, HSCAN NOVALUES: not in redis-server 7.0; tests/unit/cmd/test_cmd_hash_expire.c has
expectations from the documentation and tests of 7.4.
"""
from oracle import Command, Group, any_case
from oracle_strings_keys import FLOATS, INT_EDGES, NOT_INTS, PATTERNS
from penstock import decode

WHOLE_NAMES = ['HGETALL', 'HKEYS', 'HVALS']
# Not 1: 7.2 converts a hash when a command has more pairs than the limit, 7.0 counts the fields that come of them
# (gen_hset_again has two pairs for one field).
LIMITS = ['0', '2', '5', '16', '128', '512', '1000']
VALUE_LIMITS = ['0', '1', '4', '10', '64', '100']


def pairs_of(reply):
    return sorted(zip(reply[::2], reply[1::2]))


def whole(name, key):
    """One of HGETALL, HKEYS, HVALS, in order where the order is told by the encoding."""
    def run(connection):
        encoding = connection.call_raw('OBJECT', 'ENCODING', key)
        raw = connection.call_raw(name, key)
        reply = decode(raw)
        if b'listpack' in encoding or not isinstance(reply, list):
            return encoding, raw
        items = pairs_of(reply) if name.upper() == 'HGETALL' else sorted(reply)
        return encoding, raw[:1], items
    return run


def same_items(ours, theirs):
    """HGETALL and its like within a pipeline: only the order may differ."""
    a, b = decode(ours), decode(theirs)
    if not isinstance(a, list) or not isinstance(b, list) or ours[:1] != theirs[:1]:
        return ours == theirs
    return sorted(a) == sorted(b)


def scan_all(key, options):
    """HSCAN to its end: cursors and order are each server's own, the fields are not."""
    def run(connection):
        cursor, seen = b'0', set()
        for _ in range(100000):
            reply = decode(connection.call_raw('HSCAN', key, cursor, *options))
            if not isinstance(reply, list):
                return repr(reply)
            cursor = reply[0]
            seen.update(pairs_of(reply[1]))
            if cursor == b'0':
                return sorted(seen)
        return 'HSCAN does not end'
    return run


def random_fields(args):
    """HRANDFIELD: the shape of the reply, and whether it keeps its promises."""
    def run(connection):
        key = args[0]
        hash_reply = decode(connection.call_raw('HGETALL', key))
        raw = connection.call_raw('HRANDFIELD', *args)
        reply = decode(raw)
        if not isinstance(hash_reply, list) or not (isinstance(reply, (list, bytes))):
            return raw
        fields = dict(zip(hash_reply[::2], hash_reply[1::2]))
        if isinstance(reply, bytes):
            return reply in fields
        with_values = len(args) == 3
        if with_values and reply and isinstance(reply[0], list):
            shape, items = 'pairs', [tuple(pair) for pair in reply]
        elif with_values:
            shape, items = 'flat', list(zip(reply[::2], reply[1::2]))
        else:
            shape, items = 'fields', [(field, fields.get(field)) for field in reply]
        good = all(field in fields and fields[field] == value for field, value in items)
        distinct = len({field for field, _ in items}) == len(items)
        return shape, len(items), good, distinct or int(args[1]) < 0
    return run


class Hashes(Group):
    name = 'hashes'

    def __init__(self, rng):
        super().__init__(rng)
        self.bodies = [getattr(self, n) for n in dir(type(self)) if n.startswith('gen_')]
        self.weights = [getattr(b, 'weight', 4) for b in self.bodies]

    def next(self):
        command = self.rng.choices(self.bodies, self.weights)[0]()
        if command.run is None and self.rng.random() < 0.02:
            return self.wrong_arity(command)
        return command

    # ---- arguments

    def wrong_arity(self, command):
        args = list(command.args)
        name = args[0].lower()
        if name in (b'hrandfield', b'hscan', b'config'):
            return command
        if self.rng.random() < 0.5:
            args = args[:self.rng.randrange(1, len(args) + 1)]
        else:
            args += [self.rng.choice([b'x', b'', b'1'])] * self.rng.randrange(1, 4)
        return Command(*args, close=command.close)

    def key(self):
        return 'h%d' % self.rng.randrange(6) if self.rng.random() < 0.97 else self.rng.choice(['s', 'none', '', b'\x00'])

    def field(self):
        r, kind = self.rng, self.rng.random()
        if kind < 0.6:
            return 'f%d' % r.randrange(r.choice([4, 20, 200, 700]))
        if kind < 0.8:
            return str(r.randrange(-300, 300))
        if kind < 0.9:
            return r.choice(INT_EDGES)
        if kind < 0.95:
            return r.choice(NOT_INTS).encode('latin-1')
        return r.randbytes(r.choice([0, 1, 5, 63, 64, 65, 300, 4096]))

    def value(self):
        r, kind = self.rng, self.rng.random()
        if kind < 0.3:
            return str(r.randrange(-10**r.randrange(1, 19), 10**r.randrange(1, 19)))
        if kind < 0.4:
            return r.choice(INT_EDGES)
        if kind < 0.5:
            return r.choice(FLOATS)
        if kind < 0.55:
            return r.choice(NOT_INTS).encode('latin-1')
        if kind < 0.9:
            return bytes(r.choice(b'abcd') for _ in range(r.randrange(60)))
        return r.randbytes(r.choice([0, 63, 64, 65, 100, 1023, 1024, 1025, 4095, 4096, 70000]))

    def integer(self):
        kind = self.rng.random()
        if kind < 0.4:
            return self.rng.choice(INT_EDGES)
        return str(self.rng.randrange(-200, 200)) if kind < 0.9 else self.rng.choice(NOT_INTS).encode('latin-1')

    def make(self, name, *args, **how):
        return Command(any_case(self.rng, name), *args, **how)

    def fields(self, most=6):
        return [self.field() for _ in range(self.rng.randrange(1, most + 1))]

    # ---- writing

    def gen_hset(self):
        r = self.rng
        count = r.choice([1, 1, 1, 2, 3, 5, 20]) if r.random() < 0.97 else r.choice([100, 600])
        pairs = {}  # each field once, see LIMITS
        for _ in range(count):
            pairs[self.field()] = self.value()
        args = [a for pair in pairs.items() for a in pair]
        if r.random() < 0.03:
            args = args[:-1]
        return self.make(r.choice(['HSET', 'HSET', 'HMSET']), self.key(), *args)
    gen_hset.weight = 30

    def gen_hset_again(self):
        field = self.field()
        return self.make('HSET', self.key(), field, self.value(), field, self.value())

    def gen_hsetnx(self):
        return self.make('HSETNX', self.key(), self.field(), self.value())

    def gen_hdel(self):
        return self.make('HDEL', self.key(), *self.fields(30 if self.rng.random() < 0.1 else 4))
    gen_hdel.weight = 10

    def gen_hincrby(self):
        return self.make('HINCRBY', self.key(), self.field(), self.integer())
    gen_hincrby.weight = 8

    def gen_hincrbyfloat(self):
        delta = self.rng.choice(FLOATS) if self.rng.random() < 0.6 else '%.*f' % (self.rng.randrange(1, 17), self.rng.uniform(-1e6, 1e6))
        return self.make('HINCRBYFLOAT', self.key(), self.field(), delta)
    gen_hincrbyfloat.weight = 8

    # ---- reading

    def gen_hget(self):
        return self.make(self.rng.choice(['HGET', 'HGET', 'HEXISTS', 'HSTRLEN']), self.key(), self.field())
    gen_hget.weight = 16

    def gen_hmget(self):
        return self.make('HMGET', self.key(), *self.fields(40))

    def gen_hlen(self):
        return self.make('HLEN', self.key())

    def gen_whole(self):
        return self.make(self.rng.choice(WHOLE_NAMES), self.key(), close=same_items)

    def gen_whole_in_order(self):
        name, key = self.rng.choice(WHOLE_NAMES), self.key()
        return Command(name, key, run=whole(name, key))

    def gen_hrandfield(self):
        r = self.rng
        args = [self.key()]
        if r.random() < 0.8:
            args.append(r.choice(['0', '1', '2', '5', '17', '100', '1000', '-1', '-2', '-30', '-1000']))
            if r.random() < 0.5:
                args.append(any_case(r, 'WITHVALUES'))
        return Command('HRANDFIELD', *args, run=random_fields(args))

    def gen_hrandfield_error(self):
        bad = self.rng.choice([['x'], ['1', 'foo'], ['x', 'foo'], ['1', 'WITHVALUES', 'x'], [''], ['9223372036854775808'],
                               ['-9223372036854775808'], ['9223372036854775807', 'WITHVALUES'],
                               ['-9223372036854775807', 'WITHVALUES'], ['0', 'foo']])
        return self.make('HRANDFIELD', self.key(), *bad)
    gen_hrandfield_error.weight = 1

    def gen_hscan(self):
        args = []
        for _ in range(self.rng.randrange(3)):
            args += self.rng.choice([['MATCH', self.rng.choice(PATTERNS + ['f*', 'f?', '*1*'])],
                                     ['COUNT', self.rng.choice(['1', '3', '100', '9223372036854775807'])]])
        key = self.key()
        return Command('HSCAN', key, '0...', *args, run=scan_all(key, args))

    def gen_hscan_error(self):
        bad = self.rng.choice([['abc'], [' 1'], ['1 '], ['18446744073709551616'], ['0', 'COUNT', '0'], ['0', 'COUNT', '-1'], ['0', 'COUNT', 'x'],
                               ['0', 'COUNT'], ['0', 'MATCH'], ['0', 'TYPE', 'hash'], ['0', 'foo', 'bar'], ['x', 'COUNT', 'y']])
        return self.make('HSCAN', self.key(), *bad)
    gen_hscan_error.weight = 1

    # ---- around them

    def gen_encoding(self):
        return self.make('OBJECT', 'ENCODING', self.key())
    gen_encoding.weight = 8

    def gen_type(self):
        return self.make(self.rng.choice(['TYPE', 'EXISTS', 'PEXPIRETIME']), self.key())

    def gen_move(self):
        r = self.rng
        return r.choice([self.make('RENAME', self.key(), self.key()), self.make('COPY', self.key(), self.key(), 'REPLACE'),
                         self.make('PERSIST', self.key()), self.make('PEXPIREAT', self.key(), '4102444800000')])

    def gen_del(self):
        return self.make(self.rng.choice(['DEL', 'UNLINK']), self.key())
    gen_del.weight = 1.5

    def gen_string(self):
        return self.make('SET', self.rng.choice(['s', 's', self.key()]), 'text')
    gen_string.weight = 1

    def gen_limits(self):
        r = self.rng
        if r.random() < 0.6:
            return Command('CONFIG', 'SET', r.choice(['hash-max-listpack-entries', 'hash-max-ziplist-entries']), r.choice(LIMITS))
        return Command('CONFIG', 'SET', 'hash-max-listpack-value', r.choice(VALUE_LIMITS))
    gen_limits.weight = 0.5

    def gen_flush(self):
        return self.make('FLUSHALL')
    gen_flush.weight = 0.1
