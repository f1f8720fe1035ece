#!/usr/bin/env python3
"""Every command of the data types is there, and some test calls it: it is in the table of a running Penstock, and
a generator of the oracle makes it, or a unit test has a string that begins with it. GROUPS is the whole set;
MIGRATE comes with replication."""
import os
import random
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import oracle  # noqa: E402
from penstock import TREE, Penstock  # noqa: E402

GENERATED = 8000
GROUPS = {
    'generic': '''
        copy del dump exists expire expireat expiretime keys move object object|encoding object|freq
        object|help object|idletime object|refcount persist pexpire pexpireat pexpiretime pttl randomkey
        rename renamenx restore scan sort sort_ro touch ttl type unlink wait waitaof''',
    'list': '''
        blmove blmpop blpop brpop brpoplpush lindex linsert llen lmove lmpop lpop lpos lpush lpushx lrange
        lrem lset ltrim rpop rpoplpush rpush rpushx''',
    'hash': '''
        hdel hexists hexpire hexpireat hexpiretime hget hgetall hincrby hincrbyfloat hkeys hlen hmget hmset
        hpersist hpexpire hpexpireat hpexpiretime hpttl hrandfield hscan hset hsetnx hstrlen httl hvals''',
    'set': '''
        sadd scard sdiff sdiffstore sinter sintercard sinterstore sismember smembers smismember smove spop
        srandmember srem sscan sunion sunionstore''',
    'sorted_set': '''
        bzmpop bzpopmax bzpopmin zadd zcard zcount zdiff zdiffstore zincrby zinter zintercard zinterstore
        zlexcount zmpop zmscore zpopmax zpopmin zrandmember zrange zrangebylex zrangebyscore zrangestore
        zrank zrem zremrangebylex zremrangebyrank zremrangebyscore zrevrange zrevrangebylex zrevrangebyscore
        zrevrank zscan zscore zunion zunionstore''',
    'stream': '''
        xack xadd xautoclaim xclaim xdel xgroup xgroup|create xgroup|createconsumer xgroup|delconsumer
        xgroup|destroy xgroup|help xgroup|setid xinfo xinfo|consumers xinfo|groups xinfo|help xinfo|stream
        xlen xpending xrange xread xreadgroup xrevrange xsetid xtrim''',
    'hyperloglog': '''
        pfadd pfcount pfdebug pfmerge pfselftest''',
    'bitmap': '''
        bitcount bitfield bitfield_ro bitop bitpos getbit setbit''',
    'geo': '''
        geoadd geodist geohash geopos georadius georadius_ro georadiusbymember georadiusbymember_ro
        geosearch geosearchstore''',
    'transactions': '''
        discard exec multi unwatch watch''',
    'pubsub': '''
        psubscribe publish pubsub pubsub|channels pubsub|help pubsub|numpat pubsub|numsub pubsub|shardchannels
        pubsub|shardnumsub punsubscribe spublish ssubscribe subscribe sunsubscribe unsubscribe''',
    'connection': '''
        auth client client|caching client|getname client|getredir client|help client|id client|info client|kill
        client|list client|no-evict client|no-touch client|pause client|reply client|setinfo client|setname
        client|tracking client|trackinginfo client|unblock client|unpause echo hello monitor ping quit reset
        select''',
    'persistence': '''
        bgrewriteaof''',
    'scripting': '''
        eval eval_ro evalsha evalsha_ro fcall fcall_ro function function|delete function|dump function|flush
        function|help function|kill function|list function|load function|restore function|stats script
        script|debug script|exists script|flush script|help script|kill script|load''',
}
NAMES = {name for names in GROUPS.values() for name in names.split()}
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')


def names_of(words):
    """The command and, of a container, the subcommand that these words call."""
    name = words[0].lower()
    return {name, '%s|%s' % (name, words[1].lower())} if len(words) > 1 else {name}


def generated():
    called = set()
    for name, group in oracle.load_groups().items():
        generator = group(random.Random('called/%s' % name))
        for _ in range(GENERATED):
            args = [a.decode('latin-1') for a in generator.next().args]
            called |= names_of(args)
    return called


def in_unit_tests():
    """First words of the strings in unit tests that have several, or are in capitals and followed by another."""
    called = set()
    for folder, _, files in os.walk(os.path.join(TREE, 'tests', 'unit')):
        for file in files:
            if not file.endswith(('.c', '.h')):
                continue
            with open(os.path.join(folder, file), errors='replace') as source:
                literals = [m.split() for m in LITERAL.findall(source.read())]
            for i, words in enumerate(literals):
                if len(words) > 1:
                    called |= names_of(words)
                elif words and words[0].isupper():
                    called |= names_of(words + [w[0] for w in literals[i + 1:i + 2] if w])
    return called


class CommandsCalled(unittest.TestCase):
    def test_all_commands_are_in_the_table(self):
        with Penstock() as server, server.connect() as c:
            table = {name.decode() for name in c.call('COMMAND', 'LIST')}
        self.assertEqual(sorted(NAMES - table), [])

    def test_all_commands_are_called_by_a_test(self):
        called = generated() | in_unit_tests()
        self.assertEqual(sorted(NAMES - called), [])


if __name__ == '__main__':
    unittest.main(verbosity=2)
