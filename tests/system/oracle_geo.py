"""Commands of the group geo, for oracle.py. Replies without an order of their own are compared as they come: Redis
goes through the cells of its grid in one order. Distances are sines and roots of the same numbers, compared byte for
byte; with COUNT, members that are equally far away may change places or take each other's (same_nearest): then their
distances are compared, where they were asked for.
"""
from oracle import Command, Group, any_case
from oracle_zsets import same_scores
from penstock import decode, to_bytes

PLACES = [('13.361389', '38.115556'), ('15.087269', '37.502669'), ('15', '37'), ('-122.27652', '37.805186'), ('2.349014', '48.864716'),
          ('0', '0'), ('180', '0'), ('-180', '0'), ('179.9999', '-0.0001'), ('0', '85.05112878'), ('0', '-85.05112878'), ('180', '85.05112878'),
          ('-180', '-85.05112878'), ('100', '84'), ('-100', '-84'), ('45', '70'), ('0.0001', '0.0001'), ('-0.0001', '-0.0001')]
NOT_PLACES = [('181', '0'), ('0', '86'), ('-180.1', '0'), ('x', '0'), ('0', 'x'), ('', ''), ('nan', '0'), ('inf', '0'), ('0', '85.05112879')]
RADII = ['0', '1', '10', '100', '250', '1000', '5000', '10000', '20000', '0.5', '1e3', '3000.5']
NOT_RADII = ['-1', 'x', '', 'nan']
UNITS = ['m', 'km', 'ft', 'mi', 'KM', 'Mi']


def same_nearest(has_distances):
    def close(ours, theirs):
        if ours == theirs:
            return True
        a, b = decode(ours), decode(theirs)
        if not isinstance(a, list) or not isinstance(b, list) or len(a) != len(b):
            return False
        if not has_distances or not all(isinstance(x, list) for x in a + b):  # a command that was cut short
            return True
        return [x[1] for x in a] == [x[1] for x in b]
    return close


class Geo(Group):
    name = 'geo'

    def __init__(self, rng):
        super().__init__(rng)
        self.bodies = [getattr(self, n) for n in dir(type(self)) if n.startswith('gen_')]
        self.weights = [getattr(b, 'weight', 4) for b in self.bodies]

    def next(self):
        command = self.rng.choices(self.bodies, self.weights)[0]()
        if command.run is None and self.rng.random() < 0.02:
            args = list(command.args)
            args = args[:self.rng.randrange(1, len(args) + 1)] if self.rng.random() < 0.5 else args + [b'x']
            return Command(*args, close=command.close)
        return command

    def make(self, name, *args, **how):
        how.setdefault('close', same_scores)
        return Command(any_case(self.rng, name), *args, **how)

    def words(self, *words):
        return [any_case(self.rng, w) for w in words]

    def key(self):
        return 'g%d' % self.rng.randrange(5) if self.rng.random() < 0.95 else self.rng.choice(['none', 'string', 'scores'])

    def destination(self):
        return 'd%d' % self.rng.randrange(3) if self.rng.random() < 0.95 else self.rng.choice(['string2', 'g4'])

    def member(self):
        return 'p%d' % self.rng.randrange(200) if self.rng.random() < 0.95 else self.rng.choice(['none', '', '17', 'x' * 70])

    def place(self):
        r, kind = self.rng, self.rng.random()
        if kind < 0.02:
            return r.choice(NOT_PLACES)
        if kind < 0.25:
            return r.choice(PLACES)
        if kind < 0.6:  # close together
            return '%.6f' % r.gauss(15, 2), '%.6f' % r.gauss(37, 2)
        return '%.*f' % (r.randrange(10), r.uniform(-180, 180)), '%.*f' % (r.randrange(1, 10), r.uniform(-85, 85))

    def unit(self):
        return self.rng.choice(UNITS if self.rng.random() < 0.98 else ['x', '', 'kms'])

    def radius(self):
        kind = self.rng.random()
        if kind < 0.02:
            return self.rng.choice(NOT_RADII)
        return self.rng.choice(RADII) if kind < 0.6 else '%.3f' % (10 ** self.rng.uniform(-1, 4.3))

    def gen_geoadd(self):
        options = [w for w in ('NX', 'XX', 'CH') if self.rng.random() < 0.1]
        args = [a for _ in range(self.rng.randrange(1, 5)) for a in (*self.place(), self.member())]
        return self.make('GEOADD', self.key(), *self.words(*options), *(args if self.rng.random() < 0.98 else args[:-1]))
    gen_geoadd.weight = 30

    def gen_geodist(self):
        return self.make('GEODIST', self.key(), self.member(), self.member(), *([self.unit()] if self.rng.random() < 0.7 else []))

    def gen_geohash(self):
        return self.make('GEOHASH', self.key(), *[self.member() for _ in range(self.rng.randrange(5))])

    def gen_geopos(self):
        return self.make('GEOPOS', self.key(), *[self.member() for _ in range(self.rng.randrange(5))])
    gen_geopos.weight = 6

    def gen_scores(self):
        """Places of scores that GEOADD did not make."""
        score = self.rng.choice(['-1', '0', '1', '4503599627370495', '4503599627370496', '1e18', '1e19', '1e20', '-1e18', '-1e30', 'inf', '-inf', '0.5'])
        return self.make(*self.rng.choice([['ZADD', 'scores', score, self.member()], ['GEOPOS', 'scores', self.member()]]))

    def found_options(self, stores):
        """Options that all searches share; whether COUNT without ANY may leave some out."""
        r, options = self.rng, []
        if not stores or r.random() < 0.03:
            options += [[w] for w in ('WITHCOORD', 'WITHDIST', 'WITHHASH') if r.random() < 0.35]
        options += [[r.choice(['ASC', 'DESC'])]] if r.random() < 0.5 else []
        counts = r.random() < 0.35
        if counts:
            number = r.choice(['1', '2', '5', '20', '1000'] if r.random() < 0.95 else ['0', '-1', 'x', '9223372036854775808'])
            options.append(['COUNT', number] + (['ANY'] if r.random() < 0.4 else []))
            if not stores and ['WITHDIST'] not in options and r.random() < 0.8:
                options.append(['WITHDIST'])
        elif r.random() < 0.02:
            options.append(['ANY'])
        if r.random() < 0.02:
            options.append(r.choice([['foo'], ['COUNT'], ['']]))
        r.shuffle(options)
        return [w for option in options for w in self.words(*option)], counts

    def search(self, name, *args, counts):
        """With COUNT and sorted, equal distances are the servers' own business."""
        has_distances = any(to_bytes(a).upper() == b'WITHDIST' for a in args)
        return self.make(name, *args, close=same_nearest(has_distances) if counts else same_scores)

    def gen_georadius(self):
        r = self.rng
        read_only, by_member = r.random() < 0.4, r.random() < 0.4
        stores = not read_only and r.random() < 0.3
        options, counts = self.found_options(stores)
        if stores or r.random() < 0.01:
            options += self.words(r.choice(['STORE', 'STOREDIST'])) + [self.destination()]
            if counts:  # what is stored must not be the servers' own business
                options = [self.words('STORE')[0], self.destination()]
        centre = [self.member()] if by_member else self.place()
        name = 'GEORADIUS' + ('BYMEMBER' if by_member else '') + ('_RO' if read_only else '')
        return self.search(name, self.key(), *centre, self.radius(), self.unit(), *options, counts=counts and not stores)
    gen_georadius.weight = 16

    def gen_geosearch(self):
        r = self.rng
        stores = r.random() < 0.3
        options, counts = self.found_options(stores)
        if stores and counts:
            options, counts = [], False
        if stores and r.random() < 0.4 or r.random() < 0.01:
            options += self.words('STOREDIST')
        centre = self.words('FROMMEMBER') + [self.member()] if r.random() < 0.4 else self.words('FROMLONLAT') + list(self.place())
        shape = self.words('BYRADIUS') + [self.radius(), self.unit()] if r.random() < 0.5 else \
            self.words('BYBOX') + [self.radius(), self.radius(), self.unit()]
        parts = [centre, shape, options]
        if r.random() < 0.03:
            parts.append(r.choice([centre, shape, ['FROMMEMBER'], ['BYBOX', '1', '2']]))
        if r.random() < 0.02:
            parts.pop(r.randrange(2))
        r.shuffle(parts)
        args = [w for part in parts for w in part]
        if stores:
            return self.search('GEOSEARCHSTORE', self.destination(), self.key(), *args, counts=counts)
        return self.search('GEOSEARCH', self.key(), *args, counts=counts)
    gen_geosearch.weight = 20

    def gen_show(self):
        return self.make('ZRANGE', self.rng.choice([self.destination(), self.key()]), '0', '-1', 'WITHSCORES')

    def gen_encoding(self):
        return self.make('OBJECT', 'ENCODING', self.rng.choice([self.destination(), self.key()]))
    gen_encoding.weight = 2

    def gen_other(self):
        r = self.rng
        return self.make(*r.choice([['SET', 'string', 'x'], ['DEL', self.destination()], ['ZREM', self.key(), self.member()], ['DEL', self.key()]]))
    gen_other.weight = 2
