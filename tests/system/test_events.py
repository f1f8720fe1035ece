#!/usr/bin/env python3
"""Keyspace notifications of Penstock and of redis-server, for random commands of every type: the same events, in the
same order, of every single command.

    test_events.py [--seed N] [--count M] [--shards N]

The commands are those of test_structures.py; each is followed by a PUBLISH that marks its end among the messages of a
subscriber to all events. A sequence that shows a difference is cut down before it is printed, with the seed.
"""
import argparse
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import oracle  # noqa: E402
from oracle import Command, Mismatch, PIPELINE_MAX  # noqa: E402
from penstock import Connection, Penstock, RedisServer, decode, encode  # noqa: E402
from test_structures import EPOCH, KEYS, SEED, SHRINK_S, Mixed, OracleBroke, StructurePair, key_positions, plainly  # noqa: E402

MARK = b'end-of-command'


def is_comparable(command):
    """BITFIELD whose only write fails for overflow: redis-server makes the key and tells nobody."""
    words = {a.lower() for a in command.args}
    return not (b'bitfield' in words and b'fail' in words)


def settled(command):
    """SET with a deadline, which may be over: the key goes at some moment, at the latest when it is looked at."""
    args = command.args
    if args[0].lower() != b'set' or not {b'exat', b'pxat'} & {a.lower() for a in args}:
        return command

    def run(connection):
        reply = connection.call_raw(*args)
        connection.call_raw('EXISTS', args[1] if len(args) > 1 else '')
        return reply
    return Command(*args, run=run)


class Listener:
    """Hears every event, and the marks."""

    def __init__(self, server):
        self.connection = Connection((server.host, server.port))
        self.connection.send(['PSUBSCRIBE', '__key*__:*'], ['SUBSCRIBE', MARK])
        for _ in range(2):
            self.connection.read_raw()

    def events(self):
        """Of one command: 'set on key' and the like, as the messages came."""
        found = []
        while True:
            words = decode(self.connection.read_raw())
            if words[0] == b'message':
                return found
            found.append(b' '.join(words[2:]).decode('latin-1'))


class EventPair(StructurePair):
    def open(self):
        super().open()
        self.listeners = [Listener(s) for s in self.servers]

    def close(self):
        super().close()
        for listener in self.listeners:
            listener.connection.close()

    def reset(self):
        super().reset()
        for c, listener in zip(self.connections, self.listeners):
            c.call('CONFIG', 'SET', 'notify-keyspace-events', 'KEA')
            c.call('PUBLISH', MARK, 'x')
            listener.events()  # of the run before

    def play_part(self, part, at):
        """The events of each command, on both servers; at: the place of the first one."""
        wire = b''.join(encode(c.args) + encode([b'PUBLISH', MARK, b'x']) for c in part)
        both = []
        for c, listener in zip(self.connections, self.listeners):
            if part[0].run:
                replies = [part[0].run(c)]
                c.call('PUBLISH', MARK, 'x')
            else:
                c.socket.sendall(wire)
                replies = [c.read_raw() for _ in range(2 * len(part))][::2]
            if c is self.connections[0]:
                for i, reply in enumerate(replies):
                    self.is_refused(at + i, reply)
            both.append([listener.events() for _ in part])
        return both

    def play(self, commands, rng=None):
        at = 0
        if self.deadline and time.monotonic() > self.deadline:
            return
        while at < len(commands):
            part = commands[at:at + (rng.randrange(1, PIPELINE_MAX) if rng else 1)]
            special = next((i for i, c in enumerate(part) if c.run), len(part))
            part = part[:special or 1]
            try:
                ours, theirs = self.play_part(part, at)
            except (EOFError, OSError) as e:
                self.close()
                state = self.state(self.servers[1])
                if state != 'an answer':
                    raise OracleBroke(state) from e
                self.open()
                raise Mismatch(at, repr(e).encode(), b'') from e
            for i, (a, b) in enumerate(zip(ours, theirs)):
                if a != b and at + i not in self.refused:
                    raise Mismatch(at + i, ', '.join(a).encode(), ', '.join(b).encode())
            at += len(part)


def expired(key):
    """A deadline that passes, and a look at the key, which tells both servers of it at the latest."""
    def run(connection):
        connection.call_raw('PEXPIRE', key, 5)
        time.sleep(0.008)  # past the deadline: a look before would be another command
        connection.call_raw('EXISTS', key)
    return Command('PEXPIRE', key, 5, run=run)


class Eventful(Mixed):
    """With more of what has events. A transaction is one command here: marks would be queued, too."""
    transaction_share = 0

    def gen_exec(self):
        queue = plainly(c for c in self.several(self.rng.randrange(1, 6)) if settled(c) is c and is_comparable(c))

        def run(connection):
            connection.send(['MULTI'], *[c.args for c in queue], ['EXEC'])
            return [connection.read_raw() for _ in range(len(queue) + 2)]
        return Command('MULTI', *[b' '.join(c.args) for c in queue], run=run)
    gen_exec.weight = 2

    def gen_expire_now(self):
        return expired(self.key())
    gen_expire_now.weight = 0.4

    def gen_one_by_chance(self):
        """Of one member: no chance is left."""
        key = self.key()
        self.pending = [Command('SADD', key, 'only'), Command('SPOP', key), Command('DEL', key)]
        return Command('DEL', key)
    gen_one_by_chance.weight = 0.5

    def gen_restore(self):
        """A string of both servers' making."""
        dump = b'\x00\x01v\x0a\x00'
        return Command('RESTORE', self.key(), self.rng.choice([0, 100000]), with_checksum(dump), 'REPLACE')

    def gen_deadline(self):
        r, key = self.rng, self.key()
        return Command(*r.choice([['EXPIREAT', key, '1'], ['EXPIRE', key, '-1'], ['PEXPIREAT', key, str(4102444800000 + r.randrange(9)), 'GT'], ['SET', key, 'x', 'EX', '100'],
                                  ['GETEX', key, 'PXAT', '1'], ['GETEX', key, 'PERSIST'], ['GETEX', key, 'EX', '1000'], ['SET', key, 'x', 'PXAT', '1']]))

    def gen_group(self):
        r, key = self.rng, self.key('stream')
        return Command(*r.choice([['XGROUP', 'CREATE', key, 'g', '$', 'MKSTREAM'], ['XGROUP', 'SETID', key, 'g', '0'], ['XGROUP', 'DESTROY', key, 'g'],
                                  ['XGROUP', 'CREATECONSUMER', key, 'g', 'c'], ['XGROUP', 'DELCONSUMER', key, 'g', 'c'],
                                  ['XSETID', key, '99999999999-1'], ['XACK', key, 'g', '1-1']]))


def crc64(data):
    """Of a dump's end (the Jones polynomial, reflected)."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x95ac9329ac4bc9b5 if crc & 1 else 0)
    return crc


def with_checksum(dump):
    return dump + crc64(dump).to_bytes(8, 'little')


def run(servers, seed, count, shard_count):
    positions = key_positions(servers[1])
    for number, first in enumerate(range(0, count, EPOCH)):
        rng = random.Random('events/%d/%d' % (seed, number))
        mixed = Eventful(rng, positions, shard_count)
        commands = mixed.start()
        while len(commands) < min(EPOCH, count - first):
            command = mixed.next()
            if is_comparable(command):
                commands.append(settled(command))
        pair = EventPair(servers, 2)
        try:
            commands, mismatch = oracle.play_all(pair, commands, rng)
            if mismatch:
                pair.deadline = time.monotonic() + SHRINK_S
                oracle.report(pair, commands, mismatch, 'events, epoch %d of seed %d' % (number, seed))
                return False
        except OracleBroke as e:
            print('redis-server broke in epoch %d (%s), and is started again' % (number, e))
            servers[1].process.kill()
            servers[1].stop()
            servers[1].start()
        finally:
            pair.close()
    print('ok %d commands on %d keys' % (count, len(KEYS)))
    return True


def main():
    parser = argparse.ArgumentParser(description='Compares keyspace notifications of Penstock and redis-server.')
    parser.add_argument('--seed', type=int, default=int(SEED) if SEED else random.SystemRandom().randrange(1 << 32))
    parser.add_argument('--count', type=int, default=40000)
    parser.add_argument('--shards', type=int, default=1)
    options = parser.parse_args()
    print('events seed %d (again: test_events.py --seed %d --count %d --shards %d)' % (options.seed, options.seed, options.count, options.shards), flush=True)
    with Penstock(oracle.with_shards(options.shards)) as penstock, RedisServer(oracle.REDIS_ARGUMENTS) as redis:
        good = run([penstock, redis], options.seed, options.count, options.shards)
        oracle.tell_refusals()
        return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
