#!/usr/bin/env python3
"""The oracle: command sequences from a seed go to Penstock and to a real redis-server; replies are compared
byte for byte, in RESP2 and in RESP3.

    oracle.py [--seed N] [--count M] [--group NAME ...] [--shards N] [--nic | --penstock-host H --penstock-port P]

Without --penstock-port it starts build/penstock itself, with --nic on the NIC transport over a veth pair (as root);
redis-server it always starts itself. The seed is
printed first; the same seed and count give the same commands. On a mismatch the sequence is cut down to the few
commands that still show it, both replies are printed, and the exit status is 1.

A group of commands is a module oracle_<something>.py with a class derived from Group. Replies that cannot be
equal are compared through a Command with a `run` (what to ask, and how to reduce the answer) or a `close` (when two
replies agree); each such exception says why, beside its code.

What several shards refuse is no mismatch: it is counted, and the sequence goes again without it.

redis-server 7.0.15 is the oracle, Redis 7.2 the promise. Where 7.2 answers differently, the group leaves the command out
and says so here:
  strings, keys   none known
  acl             see oracle_acl.py
  admin           see oracle_admin.py
  hashes          see oracle_hashes.py
  lists           see oracle_lists.py
  sorted sets     see oracle_zsets.py; geo: none known
  scripts         see oracle_scripts.py
  sets, sort      see oracle_sets.py: 7.0 has no listpack sets
  transactions, pubsub, tracking, clients    see oracle_sessions.py
"""
import argparse
import collections
import contextlib
import importlib
import os
import random
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from penstock import Connection, Penstock, RedisServer, ReplyError, encode, to_bytes  # noqa: E402

PIPELINE_MAX = 60
GROUP_MODULES = ['oracle_acl', 'oracle_admin', 'oracle_geo', 'oracle_bits', 'oracle_hashes', 'oracle_lists', 'oracle_scripts', 'oracle_sessions', 'oracle_sets', 'oracle_streams', 'oracle_strings_keys', 'oracle_zsets']
SHOWN_BYTES = 600
OPTIONS = {'enable-debug-command': 'yes'}  # DEBUG is compared too
REDIS_ARGUMENTS = ['--enable-debug-command', 'yes']
INLINE_SHARE, SPLIT_SHARE = 0.05, 0.2
INLINE_WORD = re.compile(rb'[A-Za-z0-9_.:+-]{1,100}\Z')


shard_count = 1  # of ours: groups look at it
REFUSED = re.compile('several shards|on another shard that it did not declare')
DROPS_MAX = 4  # of single commands; then all of their names go
refusals = collections.Counter()  # by name, of this run


class Command:
    """args: the request. run(connection) -> comparable, when it takes more than one request. close(a, b): whether
    two raw replies agree, when that is not equality."""

    def __init__(self, *args, run=None, close=None):
        self.args = [to_bytes(a) for a in args]
        self.run = run
        self.close = close

    def __str__(self):
        return ' '.join(show(a) for a in self.args)


def show(data):
    text = ''.join(chr(b) if 33 <= b < 127 and b not in b'"\\' else '\\x%02x' % b for b in data)
    if len(text) > SHOWN_BYTES:
        text = '%s...(%d bytes)' % (text[:SHOWN_BYTES], len(data))
    return text or '""'


class Group:
    """A generator of commands. Everything random comes from self.rng."""
    name = None

    def __init__(self, rng):
        self.rng = rng

    def next(self):
        raise NotImplementedError


def any_case(rng, word):
    """A command or option word as a client may write it."""
    kind = rng.random()
    if kind < 0.5:
        return word.upper()
    if kind < 0.9:
        return word.lower()
    return ''.join(rng.choice((c.lower(), c.upper())) for c in word)


def wire_of(command, rng):
    """The request's bytes: now and then in the inline form, when its arguments allow that."""
    if rng and rng.random() < INLINE_SHARE and all(INLINE_WORD.match(a) for a in command.args):
        return b' '.join(command.args) + b'\r\n'
    return encode(command.args)


def send(connection, wire, rng):
    """Most bursts in one write; some in pieces cut anywhere, so that requests arrive in parts."""
    while rng and len(wire) > 1 and rng.random() < SPLIT_SHARE:
        cut = rng.randrange(1, min(len(wire), 2000))
        connection.socket.sendall(wire[:cut])
        wire = wire[cut:]
    connection.socket.sendall(wire)


class Mismatch(Exception):
    def __init__(self, index, ours, theirs):
        super().__init__(index)
        self.index, self.ours, self.theirs = index, ours, theirs


def run_special(command, connection):
    """What of it several shards refuse is its answer."""
    try:
        return command.run(connection)
    except ReplyError as e:
        if REFUSED.search(str(e)):
            return str(e)
        raise


class Pair:
    """A connection to each server; every request goes to both."""

    def __init__(self, ours, theirs, protocol):
        self.connections = [Connection(ours), Connection(theirs)]
        self.protocol = protocol
        self.refused = set()  # places of commands

    def close(self):
        for c in self.connections:
            c.close()

    def reset(self):
        """The same empty start on both sides."""
        self.refused = set()
        for c in self.connections:
            for request in (['RESET'], ['HELLO', self.protocol], ['FLUSHALL']):
                reply = c.call_raw(*request)
                if reply.startswith(b'-'):
                    raise RuntimeError('%s: %r' % (' '.join(map(str, request)), reply))

    def is_refused(self, index, ours):
        """By our side, for its shards: from here on the two differ."""
        if REFUSED.search(ours.decode('latin-1') if isinstance(ours, bytes) else repr(ours)):
            self.refused.add(index)
            return True
        return False

    def compare(self, index, command, ours, theirs):
        if self.is_refused(index, ours):
            return
        same = command.close(ours, theirs) if command.close else ours == theirs
        if not same:
            raise Mismatch(index, ours, theirs)

    def play(self, commands, rng=None):
        """Runs all, pipelined in parts of random size (one by one without rng). Raises Mismatch."""
        at = 0
        while at < len(commands):
            size = 1 if rng is None else rng.randrange(1, PIPELINE_MAX)
            part = commands[at:at + size]
            special = next((i for i, c in enumerate(part) if c.run), len(part))
            if special == 0:
                self.compare(at, part[0], *[run_special(part[0], c) for c in self.connections])
                at += 1
                continue
            part = part[:special]
            wire = b''.join(wire_of(p, rng) for p in part)
            for c in self.connections:
                send(c, wire, rng)
            replies = [[c.read_raw() for _ in part] for c in self.connections]
            for i, command in enumerate(part):
                self.compare(at + i, command, replies[0][i], replies[1][i])
            at += len(part)


def name_of(command):
    return command.args[0].decode('latin-1').upper() if command.args else ''


def without(commands, refused):
    """A transaction goes as a whole."""
    gone = set(refused)
    for at in refused:
        if name_of(commands[at]) == 'EXEC':
            begin = next((i for i in range(at, -1, -1) if name_of(commands[i]) == 'MULTI'), at)
            gone.update(range(begin, at))
    return [c for i, c in enumerate(commands) if i not in gone]


def play_all(pair, commands, rng):
    """Plays them from the start, without those that are refused. Returns what was played and the mismatch, or None."""
    drops = 0
    while True:
        pair.reset()
        mismatch = None
        try:
            pair.play(commands, rng)
        except Mismatch as m:
            mismatch = m
        if not pair.refused:
            return commands, mismatch
        refusals.update(name_of(commands[i]) for i in pair.refused)
        drops += 1
        if drops > DROPS_MAX:
            names = {name_of(commands[i]) for i in pair.refused}
            pair.refused = {i for i, c in enumerate(commands) if name_of(c) in names}
        commands = without(commands, pair.refused)


def tell_refusals():
    if refusals:
        print('refused with several shards: %s' % ', '.join('%s %d' % item for item in sorted(refusals.items())))


def fails(pair, commands):
    """The mismatch that these commands show, or None."""
    pair.reset()
    try:
        pair.play(commands)
    except Mismatch as m:
        return m
    return None


def shrink(pair, commands):
    """The fewest commands found that end in a mismatch: first the shortest tail, then without each part of it."""
    size = 4
    while size < len(commands) and not fails(pair, commands[-size:]):
        size *= 4
    kept = commands[-size:]
    part = max(1, len(kept) // 2)
    while True:
        at = 0
        while at < len(kept):
            shorter = kept[:at] + kept[at + part:]
            m = fails(pair, shorter)
            if m:
                kept = shorter[:m.index + 1]
            else:
                at += part
        if part == 1:
            return kept
        part = max(1, part // 2)


def report(pair, commands, mismatch, what):
    print('MISMATCH %s' % what)
    kept = shrink(pair, commands[:mismatch.index + 1])
    m = fails(pair, kept)
    if m is None:  # it needs what a shorter run does not have: the pipelining, or the time it took
        print('not shown by a replay one by one; the last commands were:')
        kept, m = commands[max(0, mismatch.index - 9):mismatch.index + 1], mismatch
    for command in kept:
        print('    ' + str(command))
    print('penstock: %s' % show_reply(m.ours))
    print('redis:    %s' % show_reply(m.theirs))


def show_reply(reply):
    return show(reply) if isinstance(reply, bytes) else repr(reply)[:SHOWN_BYTES]


def load_groups():
    groups = {}
    for module in GROUP_MODULES:
        for value in vars(importlib.import_module(module)).values():
            if isinstance(value, type) and issubclass(value, Group) and value.name:
                groups[value.name] = value
    return groups


def run_one(pair, group_class, seed, count):
    """One group on one protocol; returns whether all replies agreed."""
    what = 'group %s, RESP%d, seed %d, count %d' % (group_class.name, pair.protocol, seed, count)
    rng = random.Random('%s/%d/%d' % (group_class.name, pair.protocol, seed))
    group = group_class(rng)
    commands = [group.next() for _ in range(count)]
    commands, mismatch = play_all(pair, commands, rng)
    if mismatch:
        report(pair, commands, mismatch, what)
        return False
    print('ok %s' % what)
    return True


def run(ours, theirs, options):
    groups = load_groups()
    names = options.group or sorted(groups)
    good = True
    for name in names:
        for protocol in options.protocol:
            pair = Pair(ours, theirs, protocol)
            try:
                good = run_one(pair, groups[name], options.seed, options.count) and good
            finally:
                pair.close()
    return good


def parse_options(argv):
    parser = argparse.ArgumentParser(description='Compares replies of Penstock and redis-server.')
    parser.add_argument('--penstock-host', default='127.0.0.1')
    parser.add_argument('--penstock-port', type=int, help='a running Penstock; else one is started')
    parser.add_argument('--shards', type=int, default=1, help='of the Penstock that is started')
    parser.add_argument('--nic', action='store_true', help='start Penstock on the NIC transport')
    parser.add_argument('--seed', type=int, default=None, help='random when not given')
    parser.add_argument('--count', type=int, default=20000, help='commands per group and protocol')
    parser.add_argument('--group', action='append', help='only this one; may be repeated')
    parser.add_argument('--protocol', type=int, action='append', choices=(2, 3))
    options = parser.parse_args(argv)
    options.protocol = options.protocol or [2, 3]
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 32)
    return options


def with_shards(count):
    return dict(OPTIONS, shards=count)


def start_penstock(options):
    """A Penstock of ours, started; None when there is one already."""
    if options.penstock_port:
        return contextlib.nullcontext()
    if options.nic:
        if os.geteuid() != 0:
            print('SKIP the NIC transport needs root')
            sys.exit(77)
        from penstock_nic import NicPenstock
        return NicPenstock(with_shards(options.shards))
    return Penstock(with_shards(options.shards))


def main(argv=None):
    global shard_count
    options = parse_options(argv)
    shard_count = options.shards
    print('oracle seed %d (again: oracle.py --seed %d --count %d --shards %d)' % (options.seed, options.seed, options.count, options.shards), flush=True)
    with start_penstock(options) as penstock, RedisServer(REDIS_ARGUMENTS) as redis:
        ours = (penstock.host, penstock.port) if penstock else (options.penstock_host, options.penstock_port)
        good = run(ours, (redis.host, redis.port), options)
        tell_refusals()
        return 0 if good else 1


if __name__ == '__main__':
    sys.modules.setdefault('oracle', sys.modules['__main__'])  # so that groups import this very module
    sys.exit(main())
