"""Commands of the group list, for oracle.py.

Lists stay small most of the time and become giants now and then, so that every form a list may have is met:
in one buffer, in a tree, in a tree with replies and changes that take several slices.
"""
import time

from oracle import Command, Group, any_case
from oracle_strings_keys import INT_EDGES, NOT_INTS
from penstock import Connection, decode

SETTLED_LOOKS, SETTLED_STEP_S = 8, 0.003
KEYS = ['l0', 'l1', 'l2', 'l3', 'l4']
BLOCKED_TIMEOUT_S = 10
# Not here, because 7.0 and 7.2 differ: OBJECT ENCODING (7.0 always says quicklist); LPOS with the rank
# -9223372036854775808 (an error since 7.2); timeouts beyond 2^63 ms (7.0 calls them negative); LMPOP with
# numkeys near 2^63 (7.0 overflows). Tests of cmd_list.c have them.
TIMEOUTS = ['0.001', '0.01', '1e-3', '0x0.01p0']
BAD_TIMEOUTS = ['-1', 'x', '', 'nan', '-0.5', '1 ', ' 1']


def blocked_clients(connection):
    text = decode(connection.call_raw('INFO', 'clients'))
    return int(text.split(b'blocked_clients:')[1].split(b'\r\n')[0])


def wait_until_blocked(connection, count):
    end = time.monotonic() + BLOCKED_TIMEOUT_S
    while blocked_clients(connection) != count:
        if time.monotonic() > end:
            raise TimeoutError('%d clients are to be blocked, %d are' % (count, blocked_clients(connection)))


def has_shards(connection):
    words = decode(connection.call_raw('CONFIG', 'GET', 'shards'))
    return bool(words) and b'1' not in (words.values() if isinstance(words, dict) else words)


def wait_until_settled(connection):
    """Who waits for keys of several shards is served soon after what was pushed is answered, not before."""
    same, before = 0, None
    while same < SETTLED_LOOKS:
        now = blocked_clients(connection)
        same, before = (same + 1 if now == before else 0), now
        time.sleep(SETTLED_STEP_S)


def served(waiting, then):
    """Clients that block one after the other, what another one does then, and what each of them gets."""
    def run(connection):
        connection.call_raw('DEL', *KEYS)
        waiters = [Connection(connection.socket.getpeername()) for _ in waiting]
        try:
            for i, (waiter, request) in enumerate(zip(waiters, waiting)):
                waiter.send(request)
                wait_until_blocked(connection, i + 1)
            is_sharded = has_shards(connection)
            replies = []
            for request in then:
                replies.append(connection.call_raw(*request))
                if is_sharded:
                    wait_until_settled(connection)
            # Whoever is still waiting is let go: it gets what a timeout gives.
            still = blocked_clients(connection)
            let_go = [connection.call_raw('CLIENT', 'UNBLOCK', i) for i in blocked_ids(connection)]
            got = [waiter.read_raw() for waiter in waiters]
        finally:
            for waiter in waiters:
                waiter.close()
        return [replies, still, let_go, got, [connection.call_raw('LRANGE', k, '0', '-1') for k in KEYS]]
    return run


def blocked_ids(connection):
    lines = decode(connection.call_raw('CLIENT', 'LIST')).removeprefix(b'txt:').splitlines()
    clients = [dict(field.split(b'=', 1) for field in line.split(b' ')) for line in lines]
    return [c[b'id'] for c in clients if b'b' in c[b'flags']]


class Lists(Group):
    name = 'lists'

    def __init__(self, rng):
        super().__init__(rng)
        self.bodies = [getattr(self, n) for n in dir(type(self)) if n.startswith('gen_')]
        self.weights = [getattr(b, 'weight', 4) for b in self.bodies]

    def next(self):
        command = self.rng.choices(self.bodies, self.weights)[0]()
        if command.run is None and self.rng.random() < 0.02 and not command.args[0].lower().startswith(b'b'):
            return self.wrong_arity(command)
        return command

    # ---- arguments

    def wrong_arity(self, command):
        args = list(command.args)
        if self.rng.random() < 0.5:
            args = args[:self.rng.randrange(1, len(args) + 1)]
        else:
            args += [self.rng.choice([b'x', b'', b'1'])] * self.rng.randrange(1, 4)
        return Command(*args)

    def make(self, name, *args):
        return Command(any_case(self.rng, name), *args)

    def key(self):
        kind = self.rng.random()
        return self.rng.choice(KEYS) if kind < 0.94 else self.rng.choice(['none', 'string', '', 'k' * 200])

    def value(self):
        r, kind = self.rng, self.rng.random()
        if kind < 0.6:  # few, so that equal ones meet
            return r.choice(['a', 'b', 'c', '0', '1', '-1', '127', '128', '5000', 'aa'])
        if kind < 0.7:
            return r.choice(INT_EDGES)
        if kind < 0.75:
            return r.choice(NOT_INTS).encode('latin-1')
        if kind < 0.97:
            return bytes(r.choice(b'ab') for _ in range(r.choice([3, 10, 62, 63, 64, 65, 126, 130, 300])))
        return r.randbytes(r.choice([1000, 4094, 4096, 8200, 20000, 70000]))

    def values(self):
        return [self.value() for _ in range(self.rng.choice([1, 1, 1, 2, 3, 10]))]

    def index(self):
        kind = self.rng.random()
        if kind < 0.8:
            return str(self.rng.randrange(-20, 20))
        if kind < 0.94:
            return str(self.rng.randrange(-4000, 4000))
        return self.rng.choice(INT_EDGES) if kind < 0.98 else self.rng.choice(NOT_INTS).encode('latin-1')

    def count(self):
        return self.rng.choice(['0', '1', '2', '3', '10', '-1', '3000', 'x', '', '9223372036854775807', '1.5']
                               if self.rng.random() < 0.3 else ['1', '2', '3'])

    def side(self):
        return any_case(self.rng, self.rng.choice(['LEFT', 'RIGHT'])) if self.rng.random() < 0.98 else 'up'

    def timeout(self):
        return self.rng.choice(TIMEOUTS if self.rng.random() < 0.9 else BAD_TIMEOUTS)

    # ---- commands

    def gen_push(self):
        return self.make(self.rng.choice(['LPUSH', 'RPUSH']), self.key(), *self.values())
    gen_push.weight = 30

    def gen_pushx(self):
        return self.make(self.rng.choice(['LPUSHX', 'RPUSHX']), self.key(), *self.values())

    def gen_giant(self):
        r = self.rng
        words = [r.choice(['a', 'b', '1', 'ab' * 40]) for _ in range(50)]
        # The blank keeps it from being sent inline, where 64 KiB are the most.
        return self.make(r.choice(['LPUSH', 'RPUSH']), r.choice(KEYS), 'a b',
                         *[r.choice(words) if r.random() < 0.9 else str(i) for i in range(r.randrange(2000, 5000))])
    gen_giant.weight = 0.15

    def gen_pop(self):
        args = [self.count()] if self.rng.random() < 0.4 else []
        return self.make(self.rng.choice(['LPOP', 'RPOP']), self.key(), *args)
    gen_pop.weight = 16

    def mpop(self):
        keys = [self.key() for _ in range(self.rng.randrange(1, 4))]
        number = str(len(keys)) if self.rng.random() < 0.95 else self.rng.choice(['0', '-1', 'x', '4', '2147483647'])
        args = [number, *keys, self.side()]
        if self.rng.random() < 0.5:
            args += [any_case(self.rng, 'COUNT'), self.count()]
        return args if self.rng.random() < 0.97 else args + [self.rng.choice(['COUNT', 'foo', '1'])]

    def gen_lmpop(self):
        return self.make('LMPOP', *self.mpop())

    def gen_llen(self):
        return self.make('LLEN', self.key())

    def gen_lindex(self):
        return self.make('LINDEX', self.key(), self.index())
    gen_lindex.weight = 6

    def gen_lset(self):
        return self.make('LSET', self.key(), self.index(), self.value())
    gen_lset.weight = 6

    def gen_lrange(self):
        return self.make('LRANGE', self.key(), self.index(), self.index())
    gen_lrange.weight = 8

    def gen_all(self):
        return self.make('LRANGE', self.key(), '0', '-1')
    gen_all.weight = 8

    def gen_ltrim(self):
        start = self.rng.choice(['0', '1', '2', '-20', self.index()])
        return self.make('LTRIM', self.key(), start, self.rng.choice(['-1', '-2', '30', self.index()]))

    def gen_linsert(self):
        where = any_case(self.rng, self.rng.choice(['BEFORE', 'AFTER'])) if self.rng.random() < 0.97 else 'at'
        return self.make('LINSERT', self.key(), where, self.value(), self.value())
    gen_linsert.weight = 8

    def gen_lrem(self):
        count = self.rng.choice(['0', '1', '-1', '2', '-2', '5', '-5', self.index()])
        return self.make('LREM', self.key(), count, self.value())
    gen_lrem.weight = 8

    def gen_lpos(self):
        args = []
        for _ in range(self.rng.choice([0, 0, 1, 2, 3])):
            word = self.rng.choice(['RANK', 'COUNT', 'MAXLEN'])
            value = self.rng.choice(['0', '1', '2', '-1', '-2', '5', '-5', '100', '2000', '9223372036854775807']
                                    if self.rng.random() < 0.95 else ['x', '', '9223372036854775808'])
            args += [any_case(self.rng, word), value]
        if self.rng.random() < 0.02:
            args += self.rng.choice([['RANK'], ['foo', '1'], ['COUNT']])
        return self.make('LPOS', self.key(), self.value(), *args)
    gen_lpos.weight = 8

    def gen_move(self):
        if self.rng.random() < 0.5:
            return self.make('RPOPLPUSH', self.key(), self.key())
        return self.make('LMOVE', self.key(), self.key(), self.side(), self.side())
    gen_move.weight = 8

    def gen_blocking(self):
        """On keys that are there, or with a timeout that is soon over."""
        kind = self.rng.randrange(4)
        if kind == 0:
            name = self.rng.choice(['BLPOP', 'BRPOP'])
            return self.make(name, *[self.key() for _ in range(self.rng.randrange(1, 5))], self.timeout())
        if kind == 1:
            return self.make('BLMPOP', self.timeout(), *self.mpop())
        if kind == 2:
            return self.make('BRPOPLPUSH', self.key(), self.key(), self.timeout())
        return self.make('BLMOVE', self.key(), self.key(), self.side(), self.side(), self.timeout())
    gen_blocking.weight = 3

    def waiting(self):
        r = self.rng
        key, other = r.sample(KEYS, 2)
        return r.choice([['BLPOP', key, '0'], ['BRPOP', key, other, '0'], ['BLPOP', other, key, key, '0'],
                         ['BLMPOP', '0', '2', key, other, r.choice(['LEFT', 'RIGHT']), 'COUNT', str(r.randrange(1, 4))],
                         ['BRPOPLPUSH', key, other, '0'],
                         ['BLMOVE', key, other, r.choice(['LEFT', 'RIGHT']), r.choice(['LEFT', 'RIGHT']), '0']])

    def gen_served(self):
        r = self.rng
        waiting = [self.waiting() for _ in range(r.randrange(1, 5))]
        then = []
        for _ in range(r.randrange(1, 6)):
            key, other = r.sample(KEYS, 2)
            then.append(r.choice([[r.choice(['RPUSH', 'LPUSH']), key, *[str(i) for i in range(r.randrange(1, 5))]],
                                  ['RENAME', key, other], ['COPY', key, other], ['LMOVE', key, other, 'LEFT', 'LEFT'],
                                  ['LPUSHX', key, 'x'], ['DEL', key], ['LINSERT', key, 'BEFORE', '1', 'y']]))
        title = ' then '.join(' '.join(words) for words in waiting + then)
        return Command(title, run=served(waiting, then))
    gen_served.weight = 0.2

    def gen_limit(self):
        """Where one form becomes the other; what the list is stays the same."""
        size = self.rng.choice(['-2', '-2', '-1', '-5', '0', '1', '3', '8', '100'])
        return self.make('CONFIG', 'SET', 'list-max-listpack-size', size)
    gen_limit.weight = 0.7

    # ---- keys

    def gen_keys(self):
        name = self.rng.choice(['DEL', 'UNLINK', 'EXISTS', 'TYPE', 'PERSIST', 'RENAME', 'COPY', 'DUMMY'])
        key, other = self.rng.sample(KEYS, 2)
        if name == 'COPY':
            return self.make(name, key, other, 'REPLACE')
        if name == 'RENAME':
            return self.make(name, key, other)
        return self.make('TYPE', key) if name == 'DUMMY' else self.make(name, key)
    gen_keys.weight = 8

    def gen_deadline(self):
        """Deadlines survive whatever happens to the list; both are far away."""
        if self.rng.random() < 0.5:
            return self.make('EXPIREAT', self.key(), self.rng.choice(['4102444800', '5000000000']))
        return self.make('EXPIRETIME', self.key())
    gen_deadline.weight = 3

    def gen_other_type(self):
        return self.make('SET', 'string', 'x')
    gen_other_type.weight = 0.5

    def gen_flush(self):
        return self.make('FLUSHALL')
    gen_flush.weight = 0.1
