// Everyday calls of all types through ioredis.
//
// usage: node clients_ioredis.js HOST PORT      in a folder whose node_modules has ioredis
const assert = require('assert').strict;
const Redis = require(require.resolve('ioredis', { paths: [process.cwd()] }));

async function lists(r) {
    assert.equal(await r.rpush('list', 'a', 'b', 'c'), 3);
    assert.deepEqual(await r.lrange('list', 0, -1), ['a', 'b', 'c']);
    assert.equal(await r.lmove('list', 'other', 'LEFT', 'RIGHT'), 'a');
    assert.deepEqual(await r.blpop('other', 1), ['other', 'a']);
    assert.equal(await r.blpop('other', 0.01), null);
    assert.deepEqual(await r.lmpop(1, 'list', 'RIGHT', 'COUNT', 5), ['list', ['c', 'b']]);
}

async function hashes(r) {
    assert.equal(await r.hset('hash', { a: 1, b: 'two' }), 2);
    assert.deepEqual(await r.hgetall('hash'), { a: '1', b: 'two' });
    assert.deepEqual(await r.hmget('hash', 'a', 'z'), ['1', null]);
    assert.equal(await r.hincrbyfloat('hash', 'a', 0.5), '1.5');
    assert.equal(await r.hdel('hash', 'a', 'b'), 2);
}

async function sets(r) {
    await r.sadd('one', 'a', 'b', 'c');
    await r.sadd('two', 'b', 'c', 'd');
    assert.deepEqual((await r.sinter('one', 'two')).sort(), ['b', 'c']);
    assert.equal(await r.sunionstore('all', 'one', 'two'), 4);
    const seen = [];
    for await (const part of r.sscanStream('all')) seen.push(...part);
    assert.deepEqual(seen.sort(), ['a', 'b', 'c', 'd']);
    assert.equal((await r.spop('all', 10)).length, 4);
}

async function sortedSets(r) {
    assert.equal(await r.zadd('board', 1, 'ann', 2.5, 'bob'), 2);
    assert.deepEqual(await r.zrange('board', 0, -1, 'WITHSCORES'), ['ann', '1', 'bob', '2.5']);
    assert.equal(await r.zincrby('board', 3, 'ann'), '4');
    assert.deepEqual(await r.zrevrangebyscore('board', '+inf', '-inf', 'LIMIT', 0, 1), ['ann']);
    assert.deepEqual(await r.bzpopmin('board', 1), ['board', 'bob', '2.5']);
}

async function streams(r) {
    const id = await r.xadd('log', '*', 'n', '1');
    await r.xgroup('CREATE', 'log', 'workers', '0');
    assert.deepEqual(await r.xreadgroup('GROUP', 'workers', 'me', 'COUNT', 1, 'STREAMS', 'log', '>'), [['log', [[id, ['n', '1']]]]]);
    assert.equal((await r.xpending('log', 'workers'))[0], 1);
    assert.equal(await r.xack('log', 'workers', id), 1);
    assert.equal(await r.xread('BLOCK', 5, 'STREAMS', 'log', '$'), null);
    assert.deepEqual(await r.xrange('log', '-', '+'), [[id, ['n', '1']]]);
}

async function others(r) {
    await r.setbit('bits', 7, 1);
    assert.equal(await r.bitcount('bits'), 1);
    await r.pfadd('seen', 'a', 'b', 'a');
    assert.equal(await r.pfcount('seen'), 2);
    await r.geoadd('places', 13.361389, 38.115556, 'Palermo', 15.087269, 37.502669, 'Catania');
    assert.equal(await r.geodist('places', 'Palermo', 'Catania', 'KM'), '166.2742');
    assert.equal(await r.object('ENCODING', 'places'), 'listpack');
    assert.equal(await r.restore('again', 0, await r.dumpBuffer('places')), 'OK');
    assert.equal(await r.zcard('again'), 2);
    await r.rpush('numbers', 3, 1, 2);
    assert.deepEqual(await r.sort('numbers'), ['1', '2', '3']);
    await assert.rejects(r.lpush('places', 'x'), /^ReplyError: WRONGTYPE /);
    assert.deepEqual(await r.pipeline().sadd('s', 'a').hset('h', 'a', 1).exec(), [[null, 1], [null, 1]]);
}

async function main() {
    const r = new Redis({ host: process.argv[2], port: Number(process.argv[3]), maxRetriesPerRequest: 1 });
    await r.flushall();
    for (const part of [lists, hashes, sets, sortedSets, streams, others]) await part(r);
    await r.quit();
    console.log('ok');
}

main().catch((e) => { console.error(e); process.exit(1); });
