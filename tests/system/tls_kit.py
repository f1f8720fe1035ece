#!/usr/bin/env python3
"""Certificates for the tests of TLS, and a storm of handshakes.

    tls_kit.py storm HOST PORT WIDTH SECONDS    prints how many first flights the server answered

A storm sends the same client hello on as many connections as WIDTH at a time and leaves each when the server's first
flight comes: what is dear in a handshake (key exchange, signature) is the server's alone.
"""
import os
import selectors
import socket
import ssl
import subprocess
import sys
import time

KEYS = {'ec': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'], 'rsa': ['-newkey', 'rsa:2048']}


def openssl(*words):
    subprocess.run(['openssl', *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Certificates:
    """An authority, and what it signs, in a folder: name.crt and name.key."""

    def __init__(self, folder, name='ca'):
        self.folder, self.name = folder, name
        openssl('req', '-x509', *KEYS['ec'], '-nodes', '-keyout', self.path(name + '.key'), '-out', self.path(name + '.crt'),
                '-days', '30', '-subj', '/CN=' + name)

    def path(self, file):
        return os.path.join(self.folder, file)

    @property
    def authority(self):
        return self.path(self.name + '.crt')

    def make(self, name, kind='ec', password=None):
        key = ['-passout', 'pass:' + password] if password else ['-nodes']
        request = self.path(name + '.csr')
        openssl('req', *KEYS[kind], *key, '-keyout', self.path(name + '.key'), '-out', request, '-subj', '/CN=' + name)
        openssl('x509', '-req', '-in', request, '-CA', self.authority, '-CAkey', self.path(self.name + '.key'),
                '-set_serial', str(time.time_ns()), '-days', '30', '-out', self.path(name + '.crt'))
        return self.files(name)

    def files(self, name):
        return self.path(name + '.crt'), self.path(name + '.key')


def client_hello():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.check_hostname = False
    try:
        context.wrap_bio(incoming, outgoing).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


class Storm:
    def __init__(self, host, port, width):
        self.address, self.width = (host, port), width
        self.hello, self.selector = client_hello(), selectors.DefaultSelector()
        self.answered = self.lost = 0

    def begin(self):
        s = socket.socket()
        s.setblocking(False)
        if s.connect_ex(self.address) not in (0, 115):
            self.lost += 1
            s.close()
            return
        self.selector.register(s, selectors.EVENT_WRITE)

    def step(self, key):
        s = key.fileobj
        try:
            if key.events & selectors.EVENT_WRITE:
                s.send(self.hello)
                self.selector.modify(s, selectors.EVENT_READ)
                return
            if s.recv(65536):
                self.answered += 1
            else:
                self.lost += 1
        except OSError:
            self.lost += 1
        self.selector.unregister(s)
        # A reset, so that no port waits for its time to pass.
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
        s.close()

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            while len(self.selector.get_map()) < self.width:
                self.begin()
            for key, _ in self.selector.select(0.05):
                self.step(key)
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        return self.answered


if __name__ == '__main__':
    storm = Storm(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    print(storm.run(float(sys.argv[5])), 'answered,', storm.lost, 'lost')
