"""Commands of the groups string and generic (keys), for oracle.py.

Times: deadlines are far in the future or in the past, never about to come, so that both servers agree on what
is alive. Relative times are drawn from so wide a range that GT and LT never compare two that are within
milliseconds of each other; absolute ones come from a short list, so that equal ones meet.
"""
from oracle import Command, Group, any_case
from penstock import decode

INT_EDGES = ['0', '1', '-1', '5', '10', '100', '9999', '10000', '2147483647', '2147483648', '-2147483648',
             '4294967296', '9223372036854775807', '-9223372036854775808', '9223372036854775806',
             '9223372036854775808', '-9223372036854775809', '18446744073709551615', '99999999999999999999']
NOT_INTS = ['', ' 1', '1 ', '+1', '01', '-0', '1.5', 'abc', '0x10', '1e3', '--1', '-', '1\x00', '\xff']
FLOATS = ['0', '1.5', '-1.5', '3.0e3', '0.1', '1e-10', '10.50', '1e18', '1e22', '1e300', '-1e4900', '1e4932', 'inf',
          '-inf', 'nan', 'infinity', '1e5000', '0x1p3', '1.', '.5', '+2.5', '1e', 'e1', '5.0', '1e400', '3.14159265358979']
# Seconds and milliseconds of the past, and far ahead (2100 and later).
PAST_S = ['1', '1000', '1600000000']
PAST_MS = ['1', '1000', '1600000000000']
FUTURE_S = ['4102444800', '4102444801', '5000000000', '9223372036854775']
FUTURE_MS = ['4102444800000', '4102444800001', '4102444800499', '4102444800500', '9223372036854775807']
BAD_TIMES = ['0', '-1', '-9223372036854775808', '9223372036854775807', '9223372036854776', '9223372036854775808', 'abc', '',
             '1.5', '-9223372036854776']
PATTERNS = ['*', '', 'k*', 'k?', 'k[1-3]', 'k[^1-3]', '[k]1', 'k\\1', '*1', '*k*1*', '?', '??', 'k[3-1]', 'k[', 'k[1', '**', 'k\\',
            '*\x00*', '[^]', '[]', 'k[1-', '*[0-9]', 'K1']
TIME_SLACK_MS = 10000


def near(slack):
    """Integers within slack of each other; anything else has to be equal. For what counts from now: two servers
    do not run a command in the same millisecond."""
    def close(ours, theirs):
        if ours[:1] == b':' and theirs[:1] == b':':
            a, b = int(ours[1:]), int(theirs[1:])
            return a == b if a < 0 or b < 0 else abs(a - b) <= slack
        return ours == theirs
    return close


def same_members(ours, theirs):
    """KEYS: each server has an order of its own."""
    a, b = decode(ours), decode(theirs)
    return sorted(a) == sorted(b) if isinstance(a, list) and isinstance(b, list) else ours == theirs


def refcount(ours, theirs):
    """Redis shares the integers 0..9999, but not those that COPY made; values say nothing about which it is."""
    shared = (b':1\r\n', b':2147483647\r\n')
    return ours == theirs or (ours in shared and theirs in shared)


def both_integers(ours, theirs):
    """OBJECT IDLETIME: for a value 0..9999 Redis shows when anybody last touched that shared integer."""
    return ours == theirs or (ours[:1] == b':' and theirs[:1] == b':')


def scan_all(options):
    """SCAN to its end: cursors and order are each server's own, the set of keys is not."""
    def run(connection):
        cursor, seen = b'0', set()
        for _ in range(100000):
            reply = decode(connection.call_raw('SCAN', cursor, *options))
            if not isinstance(reply, list):
                return repr(reply)
            cursor = reply[0]
            seen.update(reply[1])
            if cursor == b'0':
                return sorted(seen)
        return 'SCAN does not end'
    return run


def random_key(connection):
    """RANDOMKEY: any key that is there will do."""
    key, keys = decode(connection.call_raw('RANDOMKEY')), decode(connection.call_raw('KEYS', '*'))
    return 'one of the keys' if key in keys else key


def lcs_too_big(connection):
    for key in ('big1', 'big2'):
        connection.call_raw('SETRANGE', key, 11584, 'x')
    replies = [connection.call_raw('LCS', 'big1', 'big2', *o) for o in ([], ['LEN'], ['IDX'])]
    connection.call_raw('DEL', 'big1', 'big2')
    return replies


class StringsKeys(Group):
    name = 'strings-keys'

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
        """Some arguments too few or too many: refused by both, or another legal form."""
        args = list(command.args)
        if self.rng.random() < 0.5:
            args = args[:self.rng.randrange(1, len(args) + 1)]
        else:
            args += [self.rng.choice([b'x', b'', b'1'])] * self.rng.randrange(1, 4)
        name = args[0].lower()
        if name in (b'keys', b'scan', b'randomkey') or name.endswith((b'ttl', b'time')):
            args = args[:1] if name != b'randomkey' else args + [b'x']  # never an order or a moment
        return Command(*args, close=command.close)

    def key(self):
        kind = self.rng.random()
        if kind < 0.97:
            return 'k%d' % self.rng.randrange(12)
        return self.rng.choice(['', b'\x00', b'k\r\n', b'\xff\xfe', 'k' * 200, 'K1', 'x' * 3000])

    def keys(self, most=4):
        return [self.key() for _ in range(self.rng.randrange(1, most + 1))]

    def value(self):
        r, kind = self.rng, self.rng.random()
        if kind < 0.3:
            return r.choice(INT_EDGES)
        if kind < 0.4:
            return str(r.randrange(-10**r.randrange(1, 19), 10**r.randrange(1, 19)))
        if kind < 0.47:
            return r.choice(NOT_INTS).encode('latin-1')
        if kind < 0.55:
            return r.choice(FLOATS)
        if kind < 0.8:
            return bytes(r.choice(b'abcd') for _ in range(r.randrange(60)))
        if kind < 0.97:
            return r.randbytes(r.choice([0, 1, 43, 44, 45, 63, 64, 100, 300, 511, 512, 513, 1500]))
        return r.randbytes(r.choice([4000, 16383, 16384, 20000, 32767, 32768, 70000]))

    def integer(self):
        kind = self.rng.random()
        if kind < 0.5:
            return self.rng.choice(INT_EDGES)
        return str(self.rng.randrange(-200, 200)) if kind < 0.9 else self.rng.choice(NOT_INTS).encode('latin-1')

    def position(self):
        return str(self.rng.randrange(-70, 70)) if self.rng.random() < 0.8 else self.integer()

    def relative(self, unit):
        """A time from now on that no other draw comes near: 1 day to 3 years."""
        return str(self.rng.randrange(86400, 10**8) * unit + (self.rng.randrange(unit) if unit > 1 else 0))

    def time(self, word):
        """A time for EX, PX, EXAT or PXAT, now and then a bad one."""
        if self.rng.random() < 0.12:
            return self.rng.choice(BAD_TIMES)
        if word == 'EX':
            return self.relative(1)
        if word == 'PX':
            return self.relative(1000)
        past, future = (PAST_S, FUTURE_S) if word == 'EXAT' else (PAST_MS, FUTURE_MS)
        return self.rng.choice(past if self.rng.random() < 0.15 else future)

    def words(self, *words):
        return [any_case(self.rng, w) for w in words]

    def make(self, name, *args, **how):
        return Command(any_case(self.rng, name), *args, **how)

    def options(self, choices, most):
        """Up to most options, each a word or a word with a time."""
        out = []
        for _ in range(self.rng.randrange(most + 1)):
            word = self.rng.choice(choices)
            out += self.words(word)
            if word in ('EX', 'PX', 'EXAT', 'PXAT') and self.rng.random() < 0.97:
                out.append(self.time(word))
        return out

    # ---- strings

    def gen_set(self):
        choices = ['NX', 'XX', 'GET', 'KEEPTTL', 'EX', 'PX', 'EXAT', 'PXAT']
        if self.rng.random() < 0.1:
            choices += ['PERSIST', 'foo', '', 'nxx']
        return self.make('SET', self.key(), self.value(), *self.options(choices, self.rng.choice([0, 0, 1, 2, 4])))
    gen_set.weight = 20

    def gen_get(self):
        return self.make('GET', self.key())
    gen_get.weight = 12

    def gen_getex(self):
        choices = ['EX', 'PX', 'EXAT', 'PXAT', 'PERSIST'] + (['KEEPTTL', 'NX', 'GET'] if self.rng.random() < 0.1 else [])
        return self.make('GETEX', self.key(), *self.options(choices, 1 if self.rng.random() < 0.9 else 3))

    def gen_getdel(self):
        return self.make('GETDEL', self.key())

    def gen_getset(self):
        return self.make('GETSET', self.key(), self.value())

    def gen_setnx(self):
        return self.make('SETNX', self.key(), self.value())

    def gen_setex(self):
        return self.make('SETEX', self.key(), self.time('EX'), self.value())

    def gen_psetex(self):
        return self.make('PSETEX', self.key(), self.time('PX'), self.value())

    def gen_append(self):
        return self.make('APPEND', self.key(), self.value())
    gen_append.weight = 6

    def gen_strlen(self):
        return self.make('STRLEN', self.key())

    def gen_getrange(self):
        return self.make(self.rng.choice(['GETRANGE', 'GETRANGE', 'SUBSTR']), self.key(), self.position(), self.position())
    gen_getrange.weight = 6

    def gen_setrange(self):
        # Offsets that would be accepted stay small: both servers would fill half a gigabyte.
        offset = self.rng.choice(['0', '1', '5', '44', '100', '511', '40000', '-1', '536870912', '9223372036854775807',
                                  '9223372036854775808', 'x', '-9223372036854775808'])
        return self.make('SETRANGE', self.key(), offset, self.value())

    def gen_setrange_at_limit(self):
        """One byte beyond proto-max-bulk-len, whatever the value's length."""
        value = to_size(self.value(), 8)
        return self.make('SETRANGE', self.key(), str(536870912 - 8 + 1), value)
    gen_setrange_at_limit.weight = 1

    def gen_incr(self):
        return self.make(self.rng.choice(['INCR', 'DECR']), self.key())

    def gen_incrby(self):
        return self.make(self.rng.choice(['INCRBY', 'DECRBY']), self.key(), self.integer())
    gen_incrby.weight = 6

    def gen_incrbyfloat(self):
        delta = self.rng.choice(FLOATS) if self.rng.random() < 0.6 else '%.*f' % (self.rng.randrange(1, 17), self.rng.uniform(-1e6, 1e6))
        return self.make('INCRBYFLOAT', self.key(), delta)
    gen_incrbyfloat.weight = 6

    def gen_set_float(self):
        return self.make('SET', self.key(), self.rng.choice(FLOATS))

    def gen_mget(self):
        return self.make('MGET', *self.keys(self.rng.choice([3, 8, 40])))

    def gen_mset(self):
        args = [a for k in self.keys() for a in (k, self.value())]
        return self.make(self.rng.choice(['MSET', 'MSET', 'MSETNX']), *(args[:-1] if self.rng.random() < 0.05 else args))

    def gen_lcs(self):
        choices = ['LEN', 'IDX', 'WITHMATCHLEN'] + (['foo', 'MINMATCHLEN'] if self.rng.random() < 0.1 else [])
        args = self.words(*[self.rng.choice(choices) for _ in range(self.rng.randrange(3))])
        if self.rng.random() < 0.4:
            args += self.words('MINMATCHLEN') + [self.rng.choice(['0', '1', '2', '3', '-1', 'x'])]
        return self.make('LCS', 'short%d' % self.rng.randrange(3), 'short%d' % self.rng.randrange(4), *args)

    def gen_lcs_refused(self):
        """Redis's table would take 4 * 11586 * 11586 bytes, just more than proto-max-bulk-len."""
        return Command('LCS', '11585 bytes', 'twice', run=lcs_too_big)
    gen_lcs_refused.weight = 0.1

    def gen_set_for_lcs(self):
        text = bytes(self.rng.choice(b'abcd') for _ in range(self.rng.randrange(150)))
        return self.make('SET', 'short%d' % self.rng.randrange(3), text)

    # ---- keys

    def gen_del(self):
        return self.make(self.rng.choice(['DEL', 'UNLINK']), *self.keys(3))

    def gen_exists(self):
        return self.make(self.rng.choice(['EXISTS', 'TOUCH']), *self.keys(5))

    def gen_type(self):
        return self.make('TYPE', self.key())

    def gen_expire(self):
        r = self.rng
        name = r.choice(['EXPIRE', 'PEXPIRE', 'EXPIREAT', 'PEXPIREAT'])
        if name.endswith('AT'):
            when = r.choice(r.choice([PAST_S, FUTURE_S, FUTURE_S]) if name == 'EXPIREAT' else r.choice([PAST_MS, FUTURE_MS, FUTURE_MS]))
        else:
            when = self.relative(1 if name == 'EXPIRE' else 1000)
        if r.random() < 0.12:
            when = r.choice(BAD_TIMES)
        choices = ['NX', 'XX', 'GT', 'LT'] + (['foo', 'n x', '\n'] if r.random() < 0.1 else [])
        count = r.choice([0, 0, 1, 1, 1, 2])
        return self.make(name, self.key(), when, *self.words(*[r.choice(choices) for _ in range(count)]))
    gen_expire.weight = 16

    def gen_ttl(self):
        name = self.rng.choice(['TTL', 'PTTL', 'EXPIRETIME', 'PEXPIRETIME'])
        return self.make(name, self.key(), close=near(TIME_SLACK_MS if name[0] == 'P' else TIME_SLACK_MS // 1000))
    gen_ttl.weight = 16

    def gen_persist(self):
        return self.make('PERSIST', self.key())

    def gen_rename(self):
        return self.make(self.rng.choice(['RENAME', 'RENAMENX']), self.key(), self.key())

    def gen_copy(self):
        args = []
        for _ in range(self.rng.choice([0, 0, 1, 1, 2])):
            args += self.rng.choice([['REPLACE'], ['DB', self.db()], ['DB'], ['foo']] if self.rng.random() < 0.2 else [['REPLACE'], ['DB', self.db()]])
        return self.make('COPY', self.key(), self.key(), *args)
    gen_copy.weight = 6

    def db(self):
        return self.rng.choice(['0', '1', '2', '3'] if self.rng.random() < 0.9 else ['16', '-1', 'x', '', '2147483648', '-2147483649', '99999999999999999999'])

    def gen_move(self):
        return self.make('MOVE', self.key(), self.db())

    def gen_select(self):
        return self.make('SELECT', self.db())

    def gen_keys(self):
        return self.make('KEYS', self.rng.choice(PATTERNS), close=same_members)

    def gen_randomkey(self):
        return Command('RANDOMKEY', run=random_key)
    gen_randomkey.weight = 1

    def gen_scan(self):
        args = []
        for _ in range(self.rng.randrange(3)):
            args += self.rng.choice([['MATCH', self.rng.choice(PATTERNS)], ['COUNT', self.rng.choice(['1', '3', '100', '9223372036854775807'])],
                                     ['TYPE', self.rng.choice(['string', 'STRING', 'list', 'hash', 'foo', ''])]])
        return Command('SCAN', '0...', *args, run=scan_all(args))
    gen_scan.weight = 2

    def gen_scan_error(self):
        bad = self.rng.choice([['abc'], [' 1'], ['1 '], ['18446744073709551616'], ['0x1'], ['0', 'COUNT', '0'], ['0', 'COUNT', '-1'], ['0', 'COUNT', 'x'],
                               ['0', 'COUNT'], ['0', 'MATCH'], ['0', 'TYPE'], ['0', 'foo', 'bar'], ['x', 'COUNT', 'y'], ['0', 'COUNT', '1', 'x']])
        return self.make('SCAN', *bad)
    gen_scan_error.weight = 1

    def gen_object(self):
        r = self.rng
        word = r.choice(['ENCODING', 'ENCODING', 'ENCODING', 'REFCOUNT', 'FREQ', 'IDLETIME', 'HELP', 'foo'])
        close = {'REFCOUNT': refcount, 'IDLETIME': both_integers}.get(word)
        return self.make('OBJECT', *self.words(word), *([] if word == 'HELP' else [self.key()]), close=close)
    gen_object.weight = 8

    def gen_unknown(self):
        r = self.rng
        # No name with a NUL behind a real one: where its hash meets that of the real one by chance, redis-server, which
        # compares C strings, runs it.
        name = r.choice(['foo', 'ge', 'gett', 'get\x01', '', 'x' * 200, 'a\r\nb', 'object|encoding', 'SETT'])
        return Command(name, *[r.choice(['a', '', 'b' * 100, 'c\nd', b'\x00z']) for _ in range(r.randrange(4))])
    gen_unknown.weight = 1

    def gen_ping(self):
        return self.make(self.rng.choice(['PING', 'ECHO']), *([self.value()] if self.rng.random() < 0.7 else []))
    gen_ping.weight = 1

    def gen_flush(self):
        return self.make('FLUSHALL')
    gen_flush.weight = 0.2


def to_size(value, size):
    value = value if isinstance(value, bytes) else value.encode()
    return (value + b'x' * size)[:size]
