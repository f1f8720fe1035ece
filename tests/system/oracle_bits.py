"""Commands over the bits of strings (bitmaps, BITFIELD), HyperLogLogs, and DUMP with RESTORE, for oracle.py.

Not compared, and why:
  "#n" offsets whose product overflows 64 bits: Redis wraps around, Penstock refuses them.
  PFADD to a HyperLogLog that SETRANGE has damaged: Redis leaves what it did before it noticed, Penstock nothing.
  PFSELFTEST: redis-server is deaf for seconds.
"""
import os

from dump_kit import payload
from oracle import Command, Group, any_case
from penstock import TREE, ReplyError, decode

OFFSETS = ['0', '1', '7', '8', '9', '63', '64', '65', '511', '4095', '65535']
BAD_OFFSETS = ['-1', '4294967296', '9223372036854775807', '9223372036854775808', 'x', '', '1.5', '+1', '01', ' 1',
               '-9223372036854775808', '#1']
INTS = ['0', '1', '-1', '2', '-2', '5', '100', '127', '128', '-128', '-129', '255', '256', '32767', '-32768', '65535', '65536',
        '2147483647', '-2147483648', '4294967295', '9223372036854775807', '-9223372036854775808']
NOT_INTS = ['x', '', '1.5', '9223372036854775808', '+1', '0x1']
BAD_TYPES = ['u64', 'i65', 'u0', 'i0', 'x8', '8', 'u', 'i', '', 'U8', 'I8', 'u8x', 'u-1', 'i 8', 'u08']
FAR_MS = ['4102444800000', '4102444800001']
SEEDS = os.path.join(TREE, 'tests', 'fuzz', 'corpus', 'restore')
REDIS_7_0_TYPE_MAX = 19


def seed_bodies():
    """Objects that redis-server 7.0 reads, too."""
    bodies = []
    for name in sorted(os.listdir(SEEDS)):
        with open(os.path.join(SEEDS, name), 'rb') as seed:
            bodies.append(seed.read())
    return [b for b in bodies if b[0] <= REDIS_7_0_TYPE_MAX]


BODIES = seed_bodies()


def dump_and_restore(key):
    """The bytes of DUMP are each server's own; what they restore to is not."""
    def run(connection):
        dump = decode(connection.call_raw('DUMP', key))
        if dump is None or isinstance(dump, ReplyError):
            return repr(dump)
        return [connection.call_raw('RESTORE', 'again', 0, dump, 'REPLACE'), connection.call_raw('TYPE', 'again'),
                connection.call_raw('DEBUG', 'DIGEST-VALUE', key, 'again')]
    return run


class Bits(Group):
    name = 'bits'

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
        return Command(*args, close=command.close) if args[0].lower() != b'flushall' else command

    def make(self, name, *args, **how):
        return Command(any_case(self.rng, name), *args, **how)

    def word(self, *words):
        return any_case(self.rng, self.rng.choice(words))

    def key(self):
        if self.rng.random() < 0.03:
            return 'list'
        return 'b%d' % self.rng.randrange(8)

    def offset(self):
        r = self.rng
        if r.random() < 0.06:
            return r.choice(BAD_OFFSETS)
        return r.choice(OFFSETS) if r.random() < 0.3 else str(r.randrange(300))

    def integer(self):
        r = self.rng
        if r.random() < 0.03:
            return r.choice(NOT_INTS)
        return r.choice(INTS) if r.random() < 0.6 else str(r.randrange(-300, 300))

    def value(self):
        r, kind = self.rng, self.rng.random()
        if kind < 0.1:
            return r.choice(INTS)
        if kind < 0.4:
            return r.randbytes(r.randrange(20))
        size = r.choice([0, 1, 7, 8, 31, 32, 33, 44, 45, 100, 1000, 1023, 1024, 1025, 3000])
        if kind < 0.8:  # long runs of one bit
            fill = bytearray(r.choice([b'\x00', b'\xff']) * size)
            for _ in range(r.randrange(3) if size else 0):
                fill[r.randrange(size)] ^= 1 << r.randrange(8)
            return bytes(fill)
        return r.randbytes(size)

    # ---- what is there

    def gen_set(self):
        return self.make('SET', self.key(), self.value(), *(['EX', '100000'] if self.rng.random() < 0.1 else []))
    gen_set.weight = 6

    def gen_get(self):
        return self.make(self.rng.choice(['GET', 'STRLEN', 'GET', 'PERSIST']), self.key())
    gen_get.weight = 8

    def gen_encoding(self):
        return self.make('OBJECT', 'ENCODING', self.rng.choice(['b%d' % self.rng.randrange(8), 'h%d' % self.rng.randrange(6)]))
    gen_encoding.weight = 3

    def gen_del(self):
        return self.make('DEL', self.rng.choice([self.key(), 'h%d' % self.rng.randrange(6), 'c%d' % self.rng.randrange(3)]))
    gen_del.weight = 2

    def gen_list(self):
        return Command('RPUSH', 'list', 'x')
    gen_list.weight = 0.5

    # ---- bitmaps

    def gen_setbit(self):
        bit = self.rng.choice(['0', '1', '1', '1']) if self.rng.random() < 0.96 else self.rng.choice(['2', '-1', 'x', '', '01'])
        return self.make('SETBIT', self.key(), self.offset(), bit)
    gen_setbit.weight = 12

    def gen_getbit(self):
        return self.make('GETBIT', self.key(), self.offset())
    gen_getbit.weight = 6

    def range(self, most):
        r = self.rng
        args = [str(r.randrange(-80, 80)) if r.random() < 0.6 else r.choice([str(r.randrange(-9000, 9000)), self.integer()])
                for _ in range(most)]
        return args

    def gen_bitcount(self):
        r = self.rng
        args = self.range(r.choice([0, 2, 2, 2, 1 if r.random() < 0.1 else 2]))
        if r.random() < 0.5 and len(args) == 2:
            args.append(self.word('BYTE', 'BIT', 'BIT') if r.random() < 0.95 else r.choice(['BITS', '', 'x']))
        return self.make('BITCOUNT', self.key(), *args)
    gen_bitcount.weight = 12

    def gen_bitpos(self):
        r = self.rng
        bit = r.choice(['0', '1']) if r.random() < 0.96 else r.choice(['2', '-1', 'x', ''])
        args = self.range(r.choice([0, 0, 1, 2, 2, 2]))
        if r.random() < 0.5 and len(args) == 2:
            args.append(self.word('BYTE', 'BIT', 'BIT') if r.random() < 0.95 else r.choice(['BITS', '', 'x']))
        return self.make('BITPOS', self.key(), bit, *args)
    gen_bitpos.weight = 12

    def gen_bitop(self):
        r = self.rng
        name = r.choice(['AND', 'OR', 'XOR', 'NOT'])
        count = 1 if name == 'NOT' and r.random() < 0.9 else r.randrange(1, 5)
        if r.random() < 0.03:
            name = r.choice(['NAND', '', 'DIFF', 'ANDD'])
        return self.make('BITOP', any_case(r, name), self.key(), *[r.choice([self.key(), 'none']) for _ in range(count)])
    gen_bitop.weight = 10

    # ---- BITFIELD

    def field(self):
        r = self.rng
        if r.random() < 0.03:
            kind, width = r.choice(BAD_TYPES), 8
        else:
            sign = r.choice('iu')
            width = r.choice([1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 62, 63, 64 if sign == 'i' else 63, r.randrange(1, 64)])
            kind = '%s%d' % (sign, width)
        offset = self.offset()
        if r.random() < 0.3:
            offset = '#%d' % r.randrange(40) if r.random() < 0.96 else r.choice(['#-1', '#', '#x', '##1', '#99999999999', '#+1'])
        return [kind, offset]

    def operation(self, names):
        r = self.rng
        name = r.choice(names)
        if name == 'OVERFLOW':
            return [self.word(name), self.word('WRAP', 'SAT', 'FAIL') if r.random() < 0.97 else r.choice(['', 'x', 'WRAPS'])]
        args = [self.word(name)] + self.field()
        if name != 'GET':
            args.append(self.integer())
        return args[:-1] if r.random() < 0.01 else args

    def gen_bitfield(self):
        names = ['GET', 'SET', 'SET', 'INCRBY', 'INCRBY', 'OVERFLOW', 'OVERFLOW']
        if self.rng.random() < 0.02:
            names.append('FOO')
        args = [a for _ in range(self.rng.randrange(8)) for a in self.operation(names)]
        return self.make('BITFIELD', self.key(), *args)
    gen_bitfield.weight = 30

    def gen_bitfield_reads(self):
        names = ['GET', 'GET', 'GET', 'OVERFLOW'] + (['SET'] if self.rng.random() < 0.1 else [])
        args = [a for _ in range(self.rng.randrange(5)) for a in self.operation(names)]
        return self.make(self.rng.choice(['BITFIELD_RO', 'BITFIELD_RO', 'BITFIELD']), self.key(), *args)
    gen_bitfield_reads.weight = 8

    # ---- HyperLogLogs: h0..h5 are used as such; c0..c2 get damaged

    def hll(self):
        kind = self.rng.random()
        return 'h%d' % self.rng.randrange(6) if kind < 0.95 else self.key()

    def elements(self, most):
        r = self.rng
        start, count = r.randrange(5000), r.randrange(most + 1)
        if r.random() < 0.1:
            return [r.randbytes(r.randrange(30)) for _ in range(count)]
        return ['e%d' % (start + i) for i in range(count)]

    def gen_pfadd(self):
        return self.make('PFADD', self.hll(), *self.elements(self.rng.choice([1, 3, 10, 100, 300])))
    gen_pfadd.weight = 14

    def gen_pfcount(self):
        return self.make('PFCOUNT', *[self.hll() for _ in range(self.rng.choice([1, 1, 1, 2, 3, 6]))])
    gen_pfcount.weight = 10

    def gen_pfmerge(self):
        return self.make('PFMERGE', *[self.hll() for _ in range(self.rng.choice([1, 2, 2, 3, 4]))])
    gen_pfmerge.weight = 5

    def gen_pfget(self):
        return self.make('GET', 'h%d' % self.rng.randrange(6))
    gen_pfget.weight = 8

    def gen_pfdebug(self):
        word = self.rng.choice(['DECODE', 'DECODE', 'DECODE', 'ENCODING', 'ENCODING', 'GETREG', 'TODENSE', 'FOO'])
        return self.make('PFDEBUG', any_case(self.rng, word) if word != 'FOO' else word, self.hll())
    gen_pfdebug.weight = 3

    def gen_sparse_max(self):
        return Command('CONFIG', 'SET', 'hll-sparse-max-bytes', self.rng.choice(['0', '100', '3000', '3000', '3000', '20000']))
    gen_sparse_max.weight = 1

    def damaged(self):
        return 'c%d' % self.rng.randrange(3)

    def gen_damage(self):
        r = self.rng
        return r.choice([
            self.make('SETRANGE', self.damaged(), str(r.randrange(60)), r.randbytes(r.randrange(1, 4))),
            self.make('APPEND', self.damaged(), r.randbytes(1)),
            self.make('PFMERGE', self.damaged(), self.hll()),
            self.make('COPY', self.hll(), self.damaged(), 'REPLACE'),
            self.make('SET', self.damaged(), b'HYLL' + r.choice([b'\x00', b'\x01', b'\x02']) + b'\x00' * r.choice([10, 11, 12, 12299, 12300]))])
    gen_damage.weight = 4

    def gen_read_damaged(self):
        r = self.rng
        return r.choice([self.make('PFCOUNT', self.damaged()), self.make('PFCOUNT', self.hll(), self.damaged()),
                         self.make('PFMERGE', self.hll(), self.damaged()), self.make('PFDEBUG', 'ENCODING', self.damaged()),
                         self.make('PFDEBUG', 'TODENSE', self.damaged())])
    gen_read_damaged.weight = 4

    # ---- DUMP and RESTORE, over the strings of above and r0..r3

    def restored(self):
        return 'r%d' % self.rng.randrange(4)

    def gen_restore(self):
        r, options = self.rng, []
        if r.random() < 0.7:
            options.append(self.word('REPLACE'))
        ttl = '0'
        if r.random() < 0.3:
            ttl, options = r.choice(FAR_MS + ['1']), options + [self.word('ABSTTL')]
        elif r.random() < 0.1:
            ttl = r.choice(['-1', 'x', '1.5', ''])
        if r.random() < 0.2:
            options += r.choice([[self.word('IDLETIME'), '100'], [self.word('FREQ'), '7'], ['IDLETIME', '-1'], ['FREQ', '256'], ['FREQ'],
                                 ['IDLETIME', '1', 'FREQ', '1'], ['FOO'], ['IDLETIME', 'x']])
        return self.make(r.choice(['RESTORE', 'RESTORE', 'RESTORE-ASKING']), self.restored(), ttl, self.payload(), *options)
    gen_restore.weight = 10

    def payload(self):
        r, kind = self.rng, self.rng.random()
        whole = payload(r.choice(BODIES), r.choice([1, 6, 9, 10]))
        if kind < 0.9:
            return whole
        if kind < 0.93:
            return whole[:r.randrange(len(whole))]
        if kind < 0.96:
            return whole[:-1] + bytes([whole[-1] ^ 1])
        return payload(r.choice([b'', b'\x06\x01a', b'\x08\x01a', b'\xff', b'\x02\x00', b'\x04\x00', b'\x00', b'\x00\x3f', b'\x02\x02\x01a\x01a']),
                       r.choice([10, 99]))

    def gen_dump(self):
        key = self.rng.choice([self.restored(), self.restored(), self.key(), self.hll(), 'list', 'none'])
        return Command('DUMP', key, run=dump_and_restore(key))
    gen_dump.weight = 6

    def gen_look_at_restored(self):
        key = self.restored()
        return self.rng.choice([self.make('TYPE', key), self.make('PEXPIRETIME', key), self.make('DEBUG', 'DIGEST-VALUE', key),
                                self.make('DEL', key), self.make('EXISTS', key)])
    gen_look_at_restored.weight = 6
