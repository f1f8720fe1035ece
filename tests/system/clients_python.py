"""Everyday calls of all types through python3-redis, as an application makes them.

usage: clients_python.py HOST PORT      exit status 0: all as expected
"""
import sys
import time

import redis


def expect(got, wanted):
    if got != wanted:
        raise AssertionError('%r instead of %r' % (got, wanted))


def lists(r):
    expect(r.rpush('list', 'a', 'b', 'c', 'd'), 4)
    expect(r.lrange('list', 0, -1), ['a', 'b', 'c', 'd'])
    expect((r.lpop('list'), r.rpop('list', 2), r.llen('list'), r.lindex('list', 0)), ('a', ['d', 'c'], 1, 'b'))
    expect((r.linsert('list', 'before', 'b', 'x'), r.lset('list', 0, 'y'), r.lpos('list', 'b'), r.lrem('list', 0, 'y')), (2, True, 1, 1))
    expect((r.lmove('list', 'other', 'LEFT', 'RIGHT'), r.exists('list'), r.blpop('other', 1)), ('b', 0, ('other', 'b')))
    expect(r.blpop('other', 0.01), None)
    r.rpush('numbers', 3, 1, 2)
    expect((r.sort('numbers', desc=True), r.lmpop(1, 'numbers', direction='LEFT', count=2)), (['3', '2', '1'], ['numbers', ['3', '1']]))


def hashes(r):
    expect(r.hset('hash', mapping={'a': 1, 'b': 'two'}), 2)
    expect((r.hgetall('hash'), r.hget('hash', 'b'), r.hmget('hash', 'a', 'z')), ({'a': '1', 'b': 'two'}, 'two', ['1', None]))
    expect((r.hincrby('hash', 'a', 5), r.hincrbyfloat('hash', 'f', 0.5), r.hexists('hash', 'z'), r.hlen('hash')), (6, 0.5, False, 3))
    expect((sorted(r.hkeys('hash')), dict(r.hscan_iter('hash')), r.hdel('hash', 'a', 'b')), (['a', 'b', 'f'], {'a': '6', 'b': 'two', 'f': '0.5'}, 2))


def sets(r):
    expect((r.sadd('one', 'a', 'b', 'c'), r.sadd('two', 'b', 'c', 'd')), (3, 3))
    expect((r.smembers('one'), r.sinter('one', 'two'), r.sunion('one', 'two')), ({'a', 'b', 'c'}, {'b', 'c'}, {'a', 'b', 'c', 'd'}))
    expect((r.sdiffstore('three', 'one', 'two'), r.smismember('one', ['a', 'z']), r.scard('three')), (1, [True, False], 1))
    expect((set(r.sscan_iter('one')), r.smove('one', 'two', 'a'), r.srem('two', 'a'), len(r.srandmember('two', 2))), ({'a', 'b', 'c'}, True, 1, 2))
    expect(r.spop('three'), 'a')


def sorted_sets(r):
    expect(r.zadd('board', {'ann': 1, 'bob': 2.5, 'cid': 3}), 3)
    expect(r.zrange('board', 0, -1, withscores=True), [('ann', 1.0), ('bob', 2.5), ('cid', 3.0)])
    expect((r.zscore('board', 'bob'), r.zrank('board', 'cid'), r.zincrby('board', 2, 'ann'), r.zcount('board', 2.6, '+inf')), (2.5, 2, 3.0, 2))
    expect(r.zrangebyscore('board', '-inf', '(3', withscores=True), [('bob', 2.5)])
    expect((r.zrevrange('board', 0, 0), r.zpopmin('board'), r.bzpopmax('board', 1)), (['cid'], [('bob', 2.5)], ('board', 'cid', 3.0)))
    r.zadd('more', {'ann': 10})
    expect((r.zunionstore('both', ['board', 'more']), dict(r.zscan_iter('both'))), (1, {'ann': 13.0}))


def streams(r):
    first, second = r.xadd('log', {'n': 1}), r.xadd('log', {'n': 2})
    expect((r.xlen('log'), r.xrange('log')), (2, [(first, {'n': '1'}), (second, {'n': '2'})]))
    expect(r.xgroup_create('log', 'workers', id='0'), True)
    expect(r.xreadgroup('workers', 'me', {'log': '>'}, count=1), [['log', [(first, {'n': '1'})]]])
    expect((r.xpending('log', 'workers')['pending'], r.xack('log', 'workers', first)), (1, 1))
    expect(r.xreadgroup('workers', 'me', {'log': '>'}), [['log', [(second, {'n': '2'})]]])
    expect(r.xclaim('log', 'workers', 'you', 0, [second]), [(second, {'n': '2'})])
    expect(sorted(c['name'] for c in r.xinfo_consumers('log', 'workers')), ['me', 'you'])
    expect((r.xread({'log': '0'}, count=1), r.xdel('log', first), r.xtrim('log', maxlen=0)), ([['log', [(first, {'n': '1'})]]], 1, 1))
    expect((r.xread({'log': '$'}, block=5), r.xinfo_stream('log')['length']), ([], 0))


def others(r):
    expect((r.setbit('bits', 7, 1), r.bitcount('bits'), r.getbit('bits', 7), r.bitfield('bits').get('u8', 0).execute()), (0, 1, 1, [1]))
    expect((r.pfadd('seen', 'a', 'b', 'a'), r.pfcount('seen'), r.pfmerge('all', 'seen')), (1, 2, True))
    expect(r.geoadd('places', (13.361389, 38.115556, 'Palermo', 15.087269, 37.502669, 'Catania')), 2)
    expect((r.geodist('places', 'Palermo', 'Catania', unit='km'), r.geosearch('places', member='Palermo', radius=200, unit='km', sort='ASC')),
           (166.2742, ['Palermo', 'Catania']))
    expect((r.type('places'), r.object('encoding', 'places'), r.copy('places', 'copied'), r.rename('copied', 'moved')), ('zset', 'listpack', True, True))
    payload = redis.Redis(connection_pool=redis.ConnectionPool(**dict(r.connection_pool.connection_kwargs, decode_responses=False))).dump('places')
    expect((r.restore('again', 0, payload), r.zcard('again')), ('OK', 2))
    expect((r.expire('again', 100), 0 < r.ttl('again') <= 100, r.persist('again'), r.pexpire('again', 1)), (True, True, True, True))
    time.sleep(0.01)  # past the deadline
    expect((r.exists('again'), sorted(r.scan_iter('pla*')), r.wait(0, 0)), (0, ['places'], 0))
    try:
        r.lpush('places', 'x')
    except redis.ResponseError as e:
        expect(str(e), 'WRONGTYPE Operation against a key holding the wrong kind of value')
    else:
        raise AssertionError('LPUSH to a sorted set')


def pipelines(r):
    with r.pipeline(transaction=False) as p:
        p.sadd('total', 'a').rpush('queue', 'a').zadd('rank', {'a': 1}).hset('info', 'a', 1)
        expect(p.execute(), [1, 1, 1, 1])


def main():
    r = redis.Redis(host=sys.argv[1], port=int(sys.argv[2]), decode_responses=True, socket_timeout=30)
    r.flushall()
    for part in (lists, hashes, sets, sorted_sets, streams, others, pipelines):
        part(r)
    print('ok')


main()
