#!/usr/bin/env python3
"""TLS as clients and operators see it, on both transports: versions, client certificates, resumption, certificates that
change while it runs, Redis's tools, and a storm of handshakes.

    test_tls.py [Class.test ...]       $PENSTOCK_BUILD as in test_faults.py; what is on the NIC transport needs root
"""
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

from kit import MB, PATIENCE_S, Case, Prober, alive, info, main, number, rng, until
from penstock import Connection, Penstock, encode, free_port
from penstock_nic import NicPenstock
from tls_kit import Certificates, openssl

STORM = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'tls_kit.py')
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
UPDATE_REFUSED = "ERR CONFIG SET failed (possibly related to argument '%s') - Unable to update TLS configuration. " \
                 "Check server logs."


class Secure(Connection):
    """A connection within TLS."""

    def __init__(self, address, context, session=None, timeout_s=PATIENCE_S):
        super().__init__(address, timeout_s)
        try:
            self.socket = context.wrap_socket(self.socket, session=session)
        except BaseException:
            self.socket.close()
            raise

    def common_name(self):
        return dict(pair for part in self.socket.getpeercert()['subject'] for pair in part)['commonName']


class TlsCase(Case):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix='penstock-tls-')
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.certificates = Certificates(cls.folder)
        for name in 'server', 'next', 'client':
            cls.certificates.make(name)
        cls.certificates.make('rsa', kind='rsa')
        cls.certificates.make('locked', password='a pass')
        cls.stranger = Certificates(cls.folder, 'otherca')
        cls.stranger.make('stranger')

    def start_tls(self, **more):
        cert, key = self.certificates.files('server')
        server = self.server_class()
        server.tls_port = free_port()
        server.options.update({'tls-port': server.tls_port, 'tls-cert-file': cert, 'tls-key-file': key, 'tls-auth-clients': 'no',
                               'tls-ca-cert-file': self.certificates.authority})
        server.options.update({name.replace('_', '-'): value for name, value in more.items()})
        return self.start(server=server)

    def context(self, cert=None, version=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(self.certificates.authority)
        if version:
            context.minimum_version = context.maximum_version = version
        if cert:
            context.load_cert_chain(*self.certificates.files(cert))
        return context

    def secure(self, server, cert=None, version=None, session=None, context=None):
        c = Secure((server.host, server.tls_port), context or self.context(cert, version), session)
        self.addCleanup(c.close)
        return c

    def is_let_in(self, server, cert=None, version=None):
        try:  # in 1.3 the client is done before the server has looked at its certificate
            return self.secure(server, cert, version).call_raw('PING') == b'+PONG\r\n'
        except (ssl.SSLError, ConnectionError, EOFError):
            return False

    def config_set(self, connection, *pairs):
        return connection.call_raw('CONFIG', 'SET', *pairs).decode().rstrip('\r\n').lstrip('+-')


class Serving:
    """What both transports have to do."""

    def test_commands_and_pipelines_in_both_versions(self):
        server = self.start_tls()
        for version in VERSIONS:
            c = self.secure(server, version=version)
            self.assertEqual(c.socket.version(), version.name.replace('_', '.'))
            self.assertEqual(c.call('SET', 'k', bytes(range(256))), b'OK')
            self.assertEqual(c.call('GET', 'k'), bytes(range(256)))
            c.call('DEL', 'n')
            c.send(*[['INCR', 'n']] * 20000)
            self.assertTrue([c.read_raw() for _ in range(20000)] == [b':%d\r\n' % (i + 1) for i in range(20000)])
            self.assertRegex(c.call('CLIENT', 'INFO').decode(),
                             r'addr=[\d.]+:\d+ laddr=%s:%d ' % (re.escape(server.host), server.tls_port))

    def test_bytes_one_by_one_and_many_records_at_once(self):
        server = self.start_tls()
        c = self.secure(server)
        for byte in encode(['SET', 'slow', 'drop by drop']):
            c.socket.sendall(bytes([byte]))
        self.assertEqual(c.read_raw(), b'+OK\r\n')

    def test_20_mb_go_in_and_come_back(self):
        server = self.start_tls()
        c, value = self.secure(server), rng('20 MB').randbytes(20 * MB)
        self.assertEqual(c.call('SET', 'big', value), b'OK')
        self.assertEqual(c.call('GET', 'big'), value)
        c.send(['GET', 'big'], ['PING'])
        self.assertEqual(c.read_raw(), b'$%d\r\n%s\r\n' % (len(value), value))
        self.assertEqual(c.read_raw(), b'+PONG\r\n')

    def test_redis_cli_and_redis_benchmark(self):
        server = self.start_tls(tls_auth_clients='yes')
        cert, key = self.certificates.files('client')
        where = ['-h', server.host, '-p', str(server.tls_port), '--tls', '--cacert', self.certificates.authority, '--cert', cert,
                 '--key', key]
        got = subprocess.run(['redis-cli', *where, 'SET', 'k', 'v'], capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual((got.returncode, got.stdout), (0, 'OK\n'), got.stderr)
        got = subprocess.run(['redis-benchmark', *where, '-n', '5000', '-c', '20', '-P', '4', '-t', 'set,get', '--csv'],
                             capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(got.returncode, 0, got.stderr)
        self.assertNotIn('rror', got.stdout + got.stderr)
        self.assertIn('"GET"', got.stdout)

    def test_a_large_reply_to_one_who_does_not_read_holds_nobody_up(self):
        server = self.start_tls()
        c, slow = self.secure(server), self.secure(server)
        c.call('SET', 'big', b'x' * (30 * MB))
        slow.send(['GET', 'big'])
        with Prober(server) as prober:
            self.expect_answered(prober)
        slow.close()
        with self.connect(server) as plain:
            until('it is gone', lambda: number(plain, 'connected_clients', 'clients') == 2)


class OnSockets(Serving, TlsCase):
    pass


@unittest.skipIf(os.geteuid() != 0, 'the NIC transport needs root')
class OnNic(Serving, TlsCase):
    server_class = NicPenstock


class Certified(TlsCase):
    def test_clients_are_asked_for_certificates_as_told_while_it_runs(self):
        server = self.start_tls(tls_auth_clients='yes')
        c = self.connect(server)
        for version in VERSIONS:
            for mode, without, signed, strange in (('yes', False, True, False), ('optional', True, True, False),
                                                   ('no', True, True, True)):
                self.assertEqual(self.config_set(c, 'tls-auth-clients', mode), 'OK')
                self.assertEqual(self.is_let_in(server, None, version), without)
                self.assertEqual(self.is_let_in(server, 'client', version), signed)
                self.assertEqual(self.is_let_in(server, 'stranger', version), strange)
        self.assertIn('Error accepting a client connection: error:0A0000C7:SSL routines::peer did not return a certificate '
                      '(addr=127.0.0.1:', server.log())

    def test_who_does_not_speak_tls_is_named_in_the_log_and_closed(self):
        server = self.start_tls()
        with Connection((server.host, server.tls_port), PATIENCE_S) as plain:
            plain.send(['PING'])
            data = plain.socket.recv(100)  # an alert at most
            self.assertTrue(data == b'' or data[0] == 21)
        until('the log says it', lambda: 'Error accepting a client connection: error:0A00010B:SSL routines::wrong version number'
              in server.log())

    def test_sessions_are_resumed_until_caching_is_switched_off(self):
        server = self.start_tls()
        for caching, want in (('yes', True), ('no', False)):
            with self.connect(server) as plain:
                self.assertEqual(self.config_set(plain, 'tls-session-caching', caching), 'OK')
            for version in VERSIONS:
                context = self.context(version=version)
                first = self.secure(server, context=context)
                first.call('PING')  # in 1.3 the ticket comes behind the handshake
                again = self.secure(server, context=context, session=first.socket.session)
                self.assertEqual(again.call('PING'), b'PONG')
                self.assertEqual(again.socket.session_reused, want, (caching, version))

    def test_versions_and_ciphers_as_told(self):
        server = self.start_tls(tls_protocols='TLSv1.2', tls_ciphers='ECDHE-ECDSA-AES128-GCM-SHA256')
        self.assertEqual(self.secure(server).socket.cipher()[0], 'ECDHE-ECDSA-AES128-GCM-SHA256')
        self.assertFalse(self.is_let_in(server, version=ssl.TLSVersion.TLSv1_3))
        with self.connect(server) as c:
            self.assertEqual(self.config_set(c, 'tls-protocols', 'TLSv1.3', 'tls-ciphersuites', 'TLS_AES_128_GCM_SHA256'), 'OK')
            self.assertEqual(self.secure(server).socket.cipher()[0], 'TLS_AES_128_GCM_SHA256')
            self.assertEqual(self.config_set(c, 'tls-protocols', 'TLSv9'), UPDATE_REFUSED % 'tls-protocols')
            self.assertEqual(c.call('CONFIG', 'GET', 'tls-protocols'), [b'tls-protocols', b'TLSv1.3'])
        refused = "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'."
        self.expect_logged(server, refused)

    def test_dh_parameters_a_folder_of_authorities_and_a_certificate_as_a_client(self):
        cert, key = self.certificates.files('rsa')
        server = self.start_tls(tls_cert_file=cert, tls_key_file=key, tls_protocols='TLSv1.2',
                                tls_ciphers='DHE-RSA-AES128-GCM-SHA256')
        c, params, folder = self.connect(server), self.certificates.path('dh.pem'), self.certificates.path('authorities')
        openssl('genpkey', '-genparam', '-algorithm', 'DH', '-pkeyopt', 'group:ffdhe2048', '-out', params)
        self.assertEqual(self.config_set(c, 'tls-dh-params-file', params), 'OK')
        self.assertEqual(self.secure(server).socket.cipher()[0], 'DHE-RSA-AES128-GCM-SHA256')
        self.assertEqual(self.config_set(c, 'tls-dh-params-file', cert), UPDATE_REFUSED % 'tls-dh-params-file')
        os.mkdir(folder)
        shutil.copy(self.certificates.authority, folder)
        openssl('rehash', folder)
        self.assertEqual(self.config_set(c, 'tls-ca-cert-file', '', 'tls-ca-cert-dir', folder, 'tls-auth-clients', 'yes'), 'OK')
        self.assertTrue(self.is_let_in(server, 'client'))
        self.assertFalse(self.is_let_in(server, 'stranger'))
        own, other = self.certificates.files('client')[0], self.certificates.files('server')[1]
        self.assertEqual(self.config_set(c, 'tls-client-cert-file', own, 'tls-client-key-file', other),
                         UPDATE_REFUSED % 'tls-client-cert-file')
        self.assertEqual(self.config_set(c, 'tls-client-cert-file', own, 'tls-client-key-file',
                                         self.certificates.files('client')[1]), 'OK')


class Reloading(TlsCase):
    def test_a_new_certificate_is_shown_to_newcomers_while_others_go_on(self):
        server = self.start_tls()
        before = self.secure(server)
        self.assertEqual(before.common_name(), 'server')
        cert, key = self.certificates.files('next')
        self.assertEqual(self.config_set(before, 'tls-cert-file', cert, 'tls-key-file', key), 'OK')
        self.assertEqual(self.secure(server).common_name(), 'next')
        self.assertEqual(before.call('PING'), b'PONG')

    def test_files_that_changed_are_read_when_the_same_path_is_set(self):
        paths = [os.path.join(self.folder, 'changing' + end) for end in ('.crt', '.key')]
        for to, source in zip(paths, self.certificates.files('server')):
            shutil.copy(source, to)
        server = self.start_tls(tls_cert_file=paths[0], tls_key_file=paths[1])
        for to, source in zip(paths, self.certificates.files('rsa')):
            shutil.copy(source, to)
        self.assertEqual(self.secure(server).common_name(), 'server')
        c = self.connect(server)
        self.assertEqual(self.config_set(c, 'tls-cert-file', paths[0]), 'OK')
        self.assertEqual(self.secure(server).common_name(), 'rsa')

    def test_a_bad_certificate_is_refused_and_the_old_one_serves_on(self):
        server = self.start_tls()
        c = self.connect(server)
        for name, value in (('tls-cert-file', '/nowhere.crt'), ('tls-cert-file', self.certificates.path('next.crt')),
                            ('tls-key-file', self.certificates.path('client.key')), ('tls-ca-cert-file', '/nowhere.crt'),
                            ('tls-ciphers', 'nonsense'), ('tls-key-file', '')):
            before = c.call('CONFIG', 'GET', name)
            self.assertEqual(self.config_set(c, name, value), UPDATE_REFUSED % name)
            self.assertEqual(c.call('CONFIG', 'GET', name), before)
            self.assertEqual(self.secure(server).common_name(), 'server')
        self.expect_logged(server, 'Failed to load certificate: /nowhere.crt: error:')
        self.expect_logged(server, 'No tls-key-file configured!')

    def test_a_key_with_a_password(self):
        cert, key = self.certificates.files('locked')
        server = self.start_tls()
        c = self.connect(server)
        self.assertEqual(self.config_set(c, 'tls-cert-file', cert, 'tls-key-file', key, 'tls-key-file-pass', 'wrong'),
                         UPDATE_REFUSED % 'tls-cert-file')
        self.assertEqual(self.config_set(c, 'tls-cert-file', cert, 'tls-key-file', key, 'tls-key-file-pass', 'a pass'), 'OK')
        self.assertEqual(self.secure(server).common_name(), 'locked')
        self.assertNotIn('a pass', server.log())

    def test_the_port_moves_opens_and_closes(self):
        server = self.start_tls()
        c, old = self.connect(server), self.secure(server)
        server.tls_port, before = free_port(), server.tls_port
        self.assertEqual(self.config_set(c, 'tls-port', str(server.tls_port)), 'OK')
        self.assertTrue(self.is_let_in(server))
        self.assertEqual(old.call('PING'), b'PONG')
        with self.assertRaises(ConnectionRefusedError):
            Connection((server.host, before), PATIENCE_S)
        self.assertEqual(self.config_set(c, 'tls-port', '0'), 'OK')
        with self.assertRaises(ConnectionRefusedError):
            Connection((server.host, server.tls_port), PATIENCE_S)

    def test_a_server_without_tls_gets_it_by_config_set(self):
        server = self.start()
        server.tls_port = free_port()
        c = self.connect(server)
        self.assertEqual(self.config_set(c, 'tls-port', str(server.tls_port)), UPDATE_REFUSED % 'tls-port')
        cert, key = self.certificates.files('server')
        self.assertEqual(self.config_set(c, 'tls-cert-file', cert, 'tls-key-file', key, 'tls-auth-clients', 'no'), 'OK')
        self.assertEqual(self.config_set(c, 'tls-port', str(server.tls_port)), 'OK')
        self.assertTrue(self.is_let_in(server))
        os.kill(self.dataplane(server), signal.SIGKILL)  # what replaces it has the settings as they were
        until('it serves again', lambda: self.is_served(server))

    def is_served(self, server):
        try:
            self.dataplane(server)
            return self.is_let_in(server)
        except (OSError, EOFError):
            return False


class TlsOnly(TlsCase):
    def test_port_0_serves_tls_alone_and_says_so(self):
        cert, key = self.certificates.files('server')
        port = free_port()
        server = Penstock({'port': 0, 'tls-port': port, 'tls-cert-file': cert, 'tls-key-file': key, 'tls-auth-clients': 'no',
                           'proc-title-template': '{title} {listen-addr} {port} {tls-port}'})
        server.tls_port = port
        server.connect = lambda timeout_s=PATIENCE_S: Secure((server.host, port), self.context_of_server(), timeout_s=timeout_s)
        self.start(server=server)
        c = self.connect(server)
        facts = info(c, 'server')
        self.assertEqual(facts['tcp_port'], str(port))
        self.assertEqual(facts['listener2'], 'name=tls,bind=127.0.0.1,port=%d' % port)
        self.assertNotIn('listener0', facts)
        self.expect_logged(server, 'Ready to accept connections tls')
        with open('/proc/%d/cmdline' % server.process.pid) as title:
            self.assertTrue(title.read().rstrip('\0').endswith(' 127.0.0.1:%d  %d' % (port, port)))

    def context_of_server(self):
        return self.context()

    def expect_no_start(self, line, **options):
        server = Penstock({'tls-port': free_port(), **{name.replace('_', '-'): value for name, value in options.items()}})
        self.addCleanup(server.close)
        with self.assertRaises(RuntimeError):
            server.start()
        self.assertIn(line, server.log())
        self.expect_logged(server, 'Failed to configure TLS. Check logs for more info.')

    def test_a_server_without_a_usable_certificate_does_not_start(self):
        cert, key = self.certificates.files('server')
        self.expect_no_start('No tls-cert-file configured!')
        self.expect_no_start('Failed to load certificate: /nowhere.crt', tls_cert_file='/nowhere.crt', tls_key_file=key,
                             tls_auth_clients='no')
        self.expect_no_start('Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or '
                             'tls-auth-clients are enabled!', tls_cert_file=cert, tls_key_file=key)


class Storms(TlsCase):
    def test_clients_are_served_and_newcomers_let_in_while_a_storm_lasts(self):
        server = self.start_tls()
        prober_server = type('', (), {'connect': lambda _, timeout_s=PATIENCE_S: self.secure(server)})()
        plain = self.connect(server)

        def left_handshakes():
            return number(plain, 'tls_failures', 'ledger')
        with Prober(prober_server) as prober:
            before = left_handshakes()
            storm = subprocess.Popen([sys.executable, STORM, 'storm', server.host, str(server.tls_port), '300', '4'],
                                     stdout=subprocess.PIPE, text=True)
            self.addCleanup(storm.wait)
            until('the storm has begun', lambda: left_handshakes() > before + 100)
            self.expect_answered(prober)
            self.assertTrue(self.is_let_in(server))
            self.assertIsNone(storm.poll(), 'the storm was over before')
            answered = int(storm.communicate(timeout=PATIENCE_S)[0].split()[0])
            print('    the storm had %d first flights' % answered)
            self.assertGreater(answered, 100)
            self.expect_answered(prober)
        until('nothing is left of it', lambda: number(plain, 'connected_clients', 'clients') == 2)  # the newcomer too
        self.assertTrue(alive(self.dataplane(server)))

    def test_a_storm_of_bad_handshakes_leaves_few_lines_in_the_log(self):
        server = self.start_tls()
        begin, count = time.monotonic(), 200
        for _ in range(count):
            with socket.create_connection((server.host, server.tls_port)) as s:
                s.sendall(b'PING\r\n')
                while s.recv(100):
                    pass
        passed = time.monotonic() - begin

        def told():
            lines = re.findall(r'Error accepting a client connection: (.*)', server.log())
            more = [int(line.split()[0]) for line in lines if line.endswith(' more failed handshakes')]
            return len(lines) - len(more), more
        until('each of them is told of', lambda: told()[0] + sum(told()[1]) == count)
        named, more = told()
        print('    %d named, %d in %d lines' % (named, sum(more), len(more)))
        self.assertLessEqual(named, 10 * (passed + 1))
        self.assertLessEqual(len(more), passed + 1)
        plain = self.connect(server)
        self.assertEqual(number(plain, 'tls_failures', 'ledger'), count)

    def test_silent_connections_take_no_place_for_ever(self):
        server = self.start_tls(maxclients=50)
        silent = [socket.create_connection((server.host, server.tls_port)) for _ in range(60)]
        plain = self.connect(server)
        until('those above maxclients are turned away', lambda: number(plain, 'rejected_connections', 'stats') >= 10)
        until('a place is free again', lambda: self.is_let_in(server), seconds=20)
        for s in silent:
            s.close()


if __name__ == '__main__':
    main()
