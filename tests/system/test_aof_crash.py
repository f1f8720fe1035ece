#!/usr/bin/env python3
"""Servers that are killed (kill -9) while clients write: what is there again after the restart, against what each client
was told before.

    test_aof_crash.py [--runs N] [--server redis] [Class.test ...]   $PENSTOCK_BUILD: the build folder

Each client numbers what it does on each shard, and appends the number to a list there; what it does on several shards
at once appends one number on each. So a shard's lists hold 1, 2 ... up to some number, without a hole: the last one
that was kept. Under always that is at least the last one that was acknowledged; under everysec at least the last one
that was acknowledged LOST_S before the end. And what was done on several shards is there on all of them or on none.

The seed decides what clients do and when they are killed; the moments are the machine's.
"""
import sys
import threading
import time

from aof_kit import IS_REDIS, LogCase, main
from kit import rng, until
from penstock import ReplyError, decode
from shards_kit import Names

RUNS = 50  # over the four kinds below
if '--runs' in sys.argv:
    _at = sys.argv.index('--runs')
    RUNS = int(sys.argv[_at + 1])
    del sys.argv[_at:_at + 2]
CLIENTS, DEPTH = 6, 12
LOAD_S, LONG_LOAD_S, LOST_S = (0.05, 0.45), 3.6, 2.5
SCRIPT = "for i = 1, #KEYS do redis.call('RPUSH', KEYS[i], ARGV[i]) end return #KEYS"
LARGE = 300000


class Operation:
    """numbers: shard -> number. Acknowledged at acked_s, or never."""

    def __init__(self, kind, numbers):
        self.kind, self.numbers, self.acked_s = kind, numbers, None

    def __str__(self):
        return '%s %s' % (self.kind, self.numbers)


class Client:
    """Writes until it loses the server. lists: of each shard, two names. With is_one_list a shard's numbers all go to
    the first: while slots move that is the only order there is."""

    def __init__(self, server, number, run, shards, is_one_list):
        self.rng = rng('crash/%s/%d' % (run, number))
        names = Names(shards, 'run%s:client%d:' % (run, number))
        self.lists = [[names.on(i) for _ in range(1 if is_one_list else 2)] for i in range(shards)]
        self.texts = [names.on(i) for i in range(shards)]
        self.last = [0] * shards
        self.operations, self.error, self.text = [], None, 0
        self.connection = server.connect()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def next(self):
        """Commands, and the operation that the last one's reply acknowledges."""
        r, shards = self.rng, len(self.last)
        several = sorted(r.sample(range(shards), r.randrange(2, shards + 1))) if shards > 1 else [0]
        kind = r.choice(['one', 'one', 'one', 'MULTI', 'script', 'MSET', 'large'])
        if kind == 'MSET':
            self.text += 1
            return [['MSET', *(w for name in self.texts for w in (name, self.text))]], Operation(kind, {'text': self.text})
        touched = several if kind in ('MULTI', 'script') else [r.randrange(shards)]
        for shard in touched:
            self.last[shard] += 1
        numbers = {shard: self.last[shard] for shard in touched}
        keys = [r.choice(self.lists[shard]) for shard in touched]
        pushes = [['RPUSH', key, numbers[shard]] for key, shard in zip(keys, touched)]
        if kind == 'MULTI':
            return [['MULTI'], *pushes, ['EXEC']], Operation(kind, numbers)
        if kind == 'script':
            return [['EVAL', SCRIPT, len(keys), *keys, *numbers.values()]], Operation(kind, numbers)
        if kind == 'large' and r.random() < 0.05:
            return [['SET', self.lists[touched[0]][0] + ':large', 'x' * r.randrange(LARGE)], *pushes], Operation(kind, numbers)
        return pushes, Operation(kind, numbers)

    def work(self):
        try:
            while True:
                burst = [self.next() for _ in range(self.rng.choice([1, 1, 2, DEPTH]))]
                self.operations += [operation for _, operation in burst]
                self.connection.send(*[c for commands, _ in burst for c in commands])
                for commands, operation in burst:
                    for _ in commands:
                        reply = decode(self.connection.read_raw())
                        if isinstance(reply, ReplyError):
                            raise reply
                    operation.acked_s = time.monotonic()
        except (OSError, EOFError):
            pass  # killed, as is intended
        except Exception as e:
            self.error = e

    def kept(self, c):
        """By shard the last number that is there, and the last text; none before it is missing."""
        out = {}
        for shard, names in enumerate(self.lists):
            lists = [list(map(int, c.call('LRANGE', name, 0, -1))) for name in names]
            for name, numbers in zip(names, lists):
                assert numbers == sorted(numbers), '%s is out of order: %s' % (name, numbers)
            numbers = sorted(n for part in lists for n in part)
            assert numbers == list(range(1, len(numbers) + 1)), '%s: %s' % (names, holes(numbers))
            out[shard] = len(numbers)
        texts = set(c.call('MGET', *self.texts))
        assert len(texts) == 1, 'MSET over shards was kept in parts: %s' % texts
        out['text'] = int(texts.pop() or 0)
        return out

    def check(self, c, killed_s, may_lose_s):
        """Returns when the first thing was acknowledged that is missing; None: nothing is."""
        kept, lost_s = self.kept(c), None
        for operation in self.operations:
            there = [number <= kept[shard] for shard, number in operation.numbers.items()]
            assert all(there) or not any(there), 'of %s only a part was kept: %s' % (operation, kept)
            if operation.acked_s and not all(there):
                before_s = killed_s - operation.acked_s
                assert may_lose_s and before_s < may_lose_s, '%s is lost, acknowledged %.3f s before the end: %s' % (operation, before_s, kept)
                lost_s = min(lost_s or operation.acked_s, operation.acked_s)
        return lost_s


def holes(numbers):
    have = set(numbers)
    return 'up to %d there are %d; missing: %s' % (numbers[-1], len(numbers), [n for n in range(1, numbers[-1]) if n not in have][:10])


class Killed(LogCase):
    def runs(self, policy, shards, count=max(1, RUNS // 4), load_s=None, options=None, turns=('quiet', 'rewrite', 'flush', 'quiet', 'moves')):
        told = {'operations': 0, 'acknowledged': 0, 'lost': 0, 'latest': 0.0}
        options = {'appendfsync': policy, **(options or {})}
        server, c = self.restart(shards, options)
        for run in range(count):
            random = rng('run/%s/%d/%d' % (policy, shards, run))
            turn = turns[run % len(turns)]
            name = '%s-%d-%d-%s' % (policy, shards, run, turn)
            clients = self.load(server, c, shards, name, turn, load_s or random.uniform(*LOAD_S))
            server, c, killed_s = self.kill(server, shards, options, run % 2 and turn != 'moves' and not IS_REDIS, clients)
            try:
                lost = [client.check(c, killed_s, 0 if policy == 'always' else LOST_S) for client in clients]
            except AssertionError as e:
                raise AssertionError('run %d, %s: %s' % (run, turn, e))
            operations = [o for client in clients for o in client.operations]
            told['operations'] += len(operations)
            told['acknowledged'] += sum(o.acked_s is not None for o in operations)
            told['lost'] += sum(at is not None for at in lost)
            told['latest'] = max([told['latest']] + [killed_s - at for at in lost if at])
        print('    %s, %d shards: %d runs, %d operations, %d acknowledged; %d clients lost some, at most %.3f s before the end' % (
            policy, shards, count, told['operations'], told['acknowledged'], told['lost'], told['latest']))
        self.assertGreater(told['acknowledged'], 100)
        c.close()
        self.stop(server)
        self.check_files()

    def load(self, server, c, shards, name, turn, seconds):
        if turn == 'flush':
            c.call('FLUSHALL')
        clients = [Client(server, i, name, shards, turn == 'moves') for i in range(CLIENTS)]
        until('they write', lambda: all(any(o.acked_s for o in client.operations[:1]) or client.error for client in clients))
        if turn == 'rewrite':
            c.call_raw('BGREWRITEAOF')  # one may be under way
        end, random = time.monotonic() + seconds, rng('load/' + name)
        while time.monotonic() < end and not any(client.error for client in clients):
            if turn == 'moves' and shards > 1:
                first, last = sorted(random.randrange(16384) for _ in range(2))
                try:
                    c.call('PENSTOCK', 'MOVE-SLOTS', first, last, random.randrange(shards))
                except ReplyError:
                    pass  # one is under way
            time.sleep(0.01)
        return clients

    def kill(self, server, shards, options, only_the_dataplane, clients):
        """A server that serves again, a connection, and when the other one ended."""
        killed_s = time.monotonic()
        self.crash_dataplane(server) if only_the_dataplane else self.crash(server)
        for client in clients:
            client.thread.join()
            client.connection.close()
            if client.error:
                raise client.error
        if not only_the_dataplane:
            server.start()
        c = server.loaded()
        self.addCleanup(c.close)
        return server, c, killed_s

    def test_always(self):
        self.runs('always', 1)

    def test_everysec(self):
        self.runs('everysec', 1)

    if not IS_REDIS:
        def test_always_on_three_shards(self):
            self.runs('always', 3)

        def test_everysec_on_three_shards(self):
            self.runs('everysec', 3)

    def test_everysec_for_longer(self):
        """Long enough for something to be lost that may not."""
        self.runs('everysec', 1 if IS_REDIS else 3, 2, LONG_LOAD_S, turns=('quiet', 'rewrite'))

    def test_while_logs_are_rewritten_all_the_time(self):
        self.runs('always', 1 if IS_REDIS else 2, 6, 0.4, {'auto-aof-rewrite-min-size': '16kb', 'auto-aof-rewrite-percentage': 20})


if __name__ == '__main__':
    main()
