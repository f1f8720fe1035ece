#!/usr/bin/env python3
"""Writes the seeds of fuzz_rdb_file: snapshot files that a real redis-server saved, one a kind of value, and files made
by hand with every opcode and every type that only older and newer servers write.

usage: tests/fuzz/make_rdb_file_corpus.py        into tests/fuzz/corpus/rdb_file/; what is there goes first
"""
import os
import re
import shutil
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'system'))
from dump_kit import crc64, values  # noqa: E402
from penstock import RedisServer  # noqa: E402

OUT = os.path.join(HERE, 'corpus', 'rdb_file')
OBJECTS = os.path.join(HERE, 'corpus', 'restore')  # seeds of make_restore_corpus.py: a type, then the object
BYTES_MAX = 2500  # small ones are changed faster
OPCODES = bytes.fromhex('fa0161c040' 'f7811122334455667788020201050240640300000000040000000000000000050161 00'
                        'f50523216c7561' 'fe03' 'fb0401' 'f4050403' 'f805fc00d8c32cbb0300000001610162'
                        'f9fffd01000000000162c13930' '00c3061501 6161e00a00c3040961 6161e05700016161')


def file_of(body, version):
    data = b'REDIS%04d' % version + body + b'\xff'
    return data + (struct.pack('<Q', crc64(data)) if version >= 5 else b'')


def saved(server, connection):
    for name, (_, commands) in values().items():
        connection.call('FLUSHALL')
        for command in commands:
            connection.call(*command)
        connection.call('PEXPIREAT', 'k', 4102444800000)
        connection.call('SAVE')
        with open(os.path.join(server.directory, 'dump.rdb'), 'rb') as f:
            yield 'saved-' + re.sub(r'\W+', '-', name), f.read()


def by_hand():
    yield 'opcodes', file_of(OPCODES, 12)
    yield 'old', file_of(OPCODES, 3)
    for name in sorted(os.listdir(OBJECTS)):
        with open(os.path.join(OBJECTS, name), 'rb') as f:
            value = f.read()
        yield 'key-' + name, file_of(b'\xfe\x00\xfb\x02\x01' + value[:1] + b'\x01k' + value[1:] + b'\x00\x01e\x00', 12)


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    with RedisServer() as server, server.connect() as connection:
        seeds = {**dict(saved(server, connection)), **dict(by_hand())}
    count = size = 0
    for name, data in sorted(seeds.items()):
        if len(data) <= BYTES_MAX:
            count, size = count + 1, size + len(data)
            with open(os.path.join(OUT, name), 'wb') as out:
                out.write(data)
    print('%d seeds of %d bytes in %s' % (count, size, OUT))


main()
