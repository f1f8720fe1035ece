// Everyday calls of all types through redis, the client that is also called node-redis.
//
// usage: node clients_node_redis.js HOST PORT      in a folder whose node_modules has redis
const assert = require('assert').strict;
const redis = require(require.resolve('redis', { paths: [process.cwd()] }));

const plain = (value) => JSON.parse(JSON.stringify(value)); // its maps have no prototype

async function lists(r) {
    assert.equal(await r.rPush('list', ['a', 'b', 'c']), 3);
    assert.deepEqual(await r.lRange('list', 0, -1), ['a', 'b', 'c']);
    assert.equal(await r.lMove('list', 'other', 'LEFT', 'RIGHT'), 'a');
    assert.deepEqual(plain(await r.blPop('other', 1)), { key: 'other', element: 'a' });
    assert.equal(await r.blPop('other', 0.01), null);
    assert.equal(await r.lPos('list', 'c'), 1);
}

async function hashes(r) {
    assert.equal(await r.hSet('hash', { a: '1', b: 'two' }), 2);
    assert.deepEqual(plain(await r.hGetAll('hash')), { a: '1', b: 'two' });
    assert.equal(await r.hIncrBy('hash', 'a', 5), 6);
    assert.deepEqual(await r.hmGet('hash', ['a', 'z']), ['6', null]);
    const seen = [];
    for await (const { field } of r.hScanIterator('hash')) seen.push(field);
    assert.deepEqual(seen.sort(), ['a', 'b']);
}

async function sets(r) {
    await r.sAdd('one', ['a', 'b', 'c']);
    await r.sAdd('two', ['b', 'c', 'd']);
    assert.deepEqual((await r.sDiff(['one', 'two'])), ['a']);
    assert.equal(await r.sInterStore('both', ['one', 'two']), 2);
    assert.deepEqual(await r.smIsMember('both', ['a', 'b']), [false, true]);
}

async function sortedSets(r) {
    assert.equal(await r.zAdd('board', [{ score: 1, value: 'ann' }, { score: 2.5, value: 'bob' }]), 2);
    assert.deepEqual(plain(await r.zRangeWithScores('board', 0, -1)), [{ value: 'ann', score: 1 }, { value: 'bob', score: 2.5 }]);
    assert.equal(await r.zScore('board', 'bob'), 2.5);
    assert.equal(await r.zRank('board', 'bob'), 1);
    assert.deepEqual(plain(await r.zPopMax('board')), { value: 'bob', score: 2.5 });
}

async function streams(r) {
    const id = await r.xAdd('log', '*', { n: '1' });
    await r.xGroupCreate('log', 'workers', '0');
    const [{ name, messages }] = plain(await r.xReadGroup('workers', 'me', { key: 'log', id: '>' }, { COUNT: 1 }));
    assert.deepEqual([name, messages], ['log', [{ id, message: { n: '1' } }]]);
    assert.equal((await r.xPending('log', 'workers')).pending, 1);
    assert.equal(await r.xAck('log', 'workers', id), 1);
    assert.equal((await r.xInfoStream('log')).length, 1);
    assert.equal(await r.xRead({ key: 'log', id: '$' }, { BLOCK: 5 }), null);
}

async function others(r) {
    await r.setBit('bits', 7, 1);
    assert.equal(await r.bitCount('bits'), 1);
    await r.pfAdd('seen', ['a', 'b', 'a']);
    assert.equal(await r.pfCount('seen'), 2);
    await r.geoAdd('places', [{ longitude: 13.361389, latitude: 38.115556, member: 'Palermo' },
                              { longitude: 15.087269, latitude: 37.502669, member: 'Catania' }]);
    assert.equal(await r.geoDist('places', 'Palermo', 'Catania', 'km'), 166.2742);
    assert.equal(await r.type('places'), 'zset');
    assert.equal(await r.copy('places', 'copied'), true);
    await r.rPush('numbers', ['3', '1', '2']);
    assert.deepEqual(await r.sort('numbers'), ['1', '2', '3']);
    await assert.rejects(r.lPush('places', 'x'), /WRONGTYPE /);
    assert.deepEqual(await Promise.all([r.sAdd('s', 'a'), r.hSet('h', 'a', '1')]), [1, 1]);
}

async function main() {
    const r = redis.createClient({ socket: { host: process.argv[2], port: Number(process.argv[3]), reconnectStrategy: false } });
    r.on('error', (e) => { console.error(e); process.exit(1); });
    await r.connect();
    await r.flushAll();
    for (const part of [lists, hashes, sets, sortedSets, streams, others]) await part(r);
    await r.quit();
    console.log('ok');
}

main().catch((e) => { console.error(e); process.exit(1); });
