#!/usr/bin/env python3
"""Writes the seeds of fuzz_tls: hellos of real clients, records of every kind, and things that are no TLS.

usage: tests/fuzz/make_tls_corpus.py        into tests/fuzz/corpus/tls/; what is there goes first
"""
import os
import shutil
import ssl

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'corpus', 'tls')
CLIENT, TLS_1_2, ECHO, PAUSE, AUTH, FORGED, WORKER, END = (1 << bit for bit in range(8))


def hello(version):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.minimum_version = context.maximum_version = version
    try:
        context.wrap_bio(incoming, outgoing, server_hostname='penstock').do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def record(kind, body, version=b'\3\3'):
    return bytes([kind]) + version + len(body).to_bytes(2, 'big') + body


def seeds():
    modern, older = hello(ssl.TLSVersion.TLSv1_3), hello(ssl.TLSVersion.TLSv1_2)
    for name, text in (('hello13', modern), ('hello12', older), ('hello_cut', modern[:100]),
                       ('hello_twice', modern + modern), ('ping', b'PING\r\n'), ('http', b'GET / HTTP/1.1\r\n\r\n'),
                       ('sslv2', b'\x80\x2e\1\0\2\0\x15\0\0\0\x10' + bytes(40)),
                       ('alert', record(21, b'\2\x28')), ('long', record(22, b'\1\xff\xff\xff' + bytes(200)))):
        for use in (0, AUTH, WORKER | END):
            yield '%s_%d' % (name, use), use, 200, 0, text
    bodies = {'data': record(23, bytes(40)), 'empty': record(23, b''), 'alert': record(21, b'\1\0'),
              'again': older, 'change': record(20, b'\1'), 'beat': record(24, b'\1\xff\xff'),
              'oversize': b'\x17\3\3\xff\xff' + bytes(100)}
    for name, text in bodies.items():
        for use in (0, TLS_1_2, TLS_1_2 | AUTH, WORKER):
            yield 'forged_%s_%d' % (name, use), CLIENT | FORGED | use, 30, 0, text
    for use in (0, TLS_1_2, ECHO, PAUSE, ECHO | PAUSE | END, AUTH | WORKER, TLS_1_2 | PAUSE):
        for change in (0, 1, 128):
            yield 'said_%d_%d' % (use, change), CLIENT | use, 3, change, b'*1\r\n$4\r\nPING\r\n' * 20


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    for name, use, step, change, text in seeds():
        with open(os.path.join(OUT, name), 'wb') as file:
            file.write(bytes([use, step, change, 77]) + text)
    print(len(os.listdir(OUT)), 'seeds in', os.path.relpath(OUT))


main()
