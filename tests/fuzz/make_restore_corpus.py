#!/usr/bin/env python3
"""Writes the seeds of fuzz_restore: objects of every type and encoding, as a real redis-server dumps them, and those
that only older and newer ones write.

usage: tests/fuzz/make_restore_corpus.py        into tests/fuzz/corpus/restore/; what is there goes first
"""
import os
import re
import shutil
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'system'))
from dump_kit import body_of, values  # noqa: E402
from penstock import RedisServer  # noqa: E402

OUT = os.path.join(HERE, 'corpus', 'restore')
BYTES_MAX = 2500  # small ones are changed faster; what a large one has more is more of the same
TIGHT = {'hash-max-listpack-entries': '0', 'zset-max-listpack-entries': '0', 'set-max-intset-entries': '0',
         'list-max-listpack-size': '3', 'stream-node-max-entries': '4', 'rdbcompression': 'no'}
ZIPLIST = bytes.fromhex('0f0000000c000000020000f302f6ff')
ZIPMAP = bytes.fromhex('0203666f6f030062617205 68656c6c6f0500776f726c64ff'.replace(' ', ''))
NODE = bytes.fromhex('1d0000000a0001010001010181660200010201000100018176020401ff')
STREAM_HEAD = b'\x01\x10' + struct.pack('>QQ', 1, 1) + bytes([len(NODE)]) + NODE
BY_HAND = {
    'zipmap': b'\x09' + bytes([len(ZIPMAP)]) + ZIPMAP,
    'list-ziplist': b'\x0a\x0f' + ZIPLIST,
    'zset-ziplist': b'\x0c\x0f' + ZIPLIST,
    'hash-ziplist': b'\x0d\x0f' + ZIPLIST,
    'quicklist-ziplist': b'\x0e\x02' + (b'\x0f' + ZIPLIST) * 2,
    'list': b'\x01\x02\x01a\xc1\x2c\x01',
    'zset-ascii': b'\x03\x03\x01a\x032.5\x01b\xfe\x01c\xff',
    'plain-node': bytes.fromhex('120302 0a 0a0000000100816102ff 01 0474686973 02 0a 0a0000000100816202ff'.replace(' ', '')),
    'stream-15': b'\x0f' + STREAM_HEAD + b'\x01\x01\x01\x01\x01g\x01\x01\x00\x00',
    'stream-21': b'\x15' + STREAM_HEAD + bytes.fromhex(
        '01 0101 0101 0000 01 01 0167 0101 01 01' + '00' * 7 + '01' + '00' * 7 + '01' + 'eb754e03a2010000 01 01 0161'
        + 'eb754e03a2010000' * 2 + '01' + '00' * 7 + '01' + '00' * 7 + '01'),
    'set-listpack': bytes.fromhex('140d0d0000000200816102816202ff'),
    'hash-deadlines': bytes.fromhex('1800d8c32cbb03000003010162c00243e80161c001000163c003'),
    'hash-pack-deadlines': bytes.fromhex('1900d8c32cbb0300002c2c00000009008162020201f400d8c32cbb030000098161020101'
                                         'f4e7dbc32cbb0300000981630203010001ff'),
    'hash-deadlines-early': bytes.fromhex('160201 0162c002 8100d8c32cbb030000 0161c001'.replace(' ', '')),
}


def dumped(connection):
    for tightness, settings in (('', {}), ('tight-', TIGHT)):
        for name, value in settings.items():
            connection.call('CONFIG', 'SET', name, value)
        for name, (_, commands) in values().items():
            connection.call('FLUSHALL')
            for command in commands:
                connection.call(*command)
            yield tightness + re.sub(r'\W+', '-', name), body_of(connection.call('DUMP', 'k'))


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    with RedisServer() as server, server.connect() as connection:
        seeds = {**dict(dumped(connection)), **BY_HAND}
    written = {}
    for name, body in sorted(seeds.items()):
        if len(body) <= BYTES_MAX and body not in written.values():
            written[name] = body
            with open(os.path.join(OUT, name), 'wb') as out:
                out.write(body)
    print('%d seeds of %d bytes in %s' % (len(written), sum(map(len, written.values())), OUT))


main()
