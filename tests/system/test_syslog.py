#!/usr/bin/env python3
"""What syslog gets from a server: the bytes of each datagram, as a syslog daemon would read them.

    test_syslog.py [Class.test ...]      as root (skipped without); $PENSTOCK_BUILD: the build folder

The one place that syslog is at is /dev/log. The server is started in a mount namespace of its own, whose /dev is a
temporary one: the machine's devices by recursive binds, and a socket of ours as `log`. The namespace goes with its last
process, so nothing is left behind, however a test ends.
"""
import contextlib
import os
import re
import shutil
import socket
import sys
import tempfile

from kit import Case, kill, main, until
from penstock import Penstock

FACILITIES = {'user': 1, 'local0': 16, 'local3': 19, 'local7': 23}
WARNING, NOTICE, INFO, DEBUG = 4, 5, 6, 7
# $1: the folder with the socket, which becomes the namespace's /dev; the rest: what to run there.
IN_OWN_DEV = """
set -e
for name in null zero random urandom; do
    touch "$1/$name"
    mount --bind "/dev/$name" "$1/$name"
done
mkdir "$1/shm"
mount --bind /dev/shm "$1/shm"
mount --rbind "$1" /dev
shift
exec "$@"
"""


class SyslogPenstock(Penstock):
    """self.lines: what arrived at its /dev/log so far, by read_lines()."""

    def __init__(self, options=None):
        super().__init__(dict(options or {}, **{'syslog-enabled': 'yes'}))
        self.dev = tempfile.mkdtemp(prefix='penstock-test-dev-')
        self.socket_path = os.path.join(self.dev, 'log')
        self.old_sockets = []
        self.lines = []
        self.listen()
        self.binary = self.command
        self.command = 'unshare'

    def listen(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.socket_path)
        self.socket.setblocking(False)

    def listen_anew(self, keep_old):
        """As a daemon that was restarted; keep_old: beside one that hangs."""
        os.unlink(self.socket_path)
        if keep_old:
            self.old_sockets.append(self.socket)
        else:
            self.socket.close()
        self.lines = []
        self.listen()

    def fill_queue(self):
        """As much as the kernel keeps for a daemon that does not read, whoever sends."""
        while True:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sent = 0
                with contextlib.suppress(BlockingIOError):
                    while True:  # until this one may not send more, or nobody
                        sender.sendto(b'fill', self.socket_path)
                        sent += 1
                if sent == 0:
                    return

    def arguments(self):
        return ['--mount', '--propagation', 'private', 'sh', '-c', IN_OWN_DEV, 'sh', self.dev, self.binary,
                *super().arguments()]

    def read_lines(self):
        try:
            while True:
                self.lines.append(self.socket.recv(65536))
        except BlockingIOError:
            return self.lines

    def wait_line(self, text):
        def arrived():
            return next((line for line in self.read_lines() if text in line), None)
        return until('syslog gets %r' % text, arrived)

    def close(self, keep=False):
        super().close(keep)
        if not keep:
            for s in [self.socket, *self.old_sockets]:
                s.close()
            shutil.rmtree(self.dev, ignore_errors=True)


class Syslog(Case):
    server_class = SyslogPenstock

    def expect_line(self, line, priority, ident, pid, text):
        """<facility * 8 + priority>, a date that is the same in every language, ident[pid]: text (RFC 3164, 4.1)."""
        self.assertRegex(line.rstrip(b'\0').decode(),
                         r'\A<%d>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d %s\[%d\]: .*%s'
                         % (priority, re.escape(ident), pid, text))

    def test_ident_facility_and_priority_are_those_of_the_settings(self):
        for facility, code in FACILITIES.items():
            server = self.start({'syslog-ident': 'cache-7', 'syslog-facility': facility})
            line = server.wait_line(b'Ready to accept connections')
            self.expect_line(line, code * 8 + NOTICE, 'cache-7', server.process.pid, 'Ready')
            self.end(server)

    def test_without_words_of_its_own_it_is_penstock_at_local0(self):
        server = self.start()
        line = server.wait_line(b'Ready to accept connections')
        self.expect_line(line, FACILITIES['local0'] * 8 + NOTICE, 'penstock', server.process.pid, 'Ready')

    def test_every_line_of_the_log_goes_there_with_its_priority_the_dataplanes_too(self):
        server = self.start({'loglevel': 'debug'})
        pid = server.process.pid
        kill(self.dataplane(server))  # something to warn of
        server.wait_line(b'crashed by signal: 9')
        # Reads all the while: what the kernel does not keep for us is lost.
        until('it serves again', lambda: sum(b'Ready to accept' in line for line in server.read_lines()) == 2)
        server.stop()
        priorities = {'.': DEBUG, '-': INFO, '*': NOTICE, '#': WARNING}
        wanted = [(priorities[mark], text) for mark, text in re.findall(
            r'(?m)^%d:M \d\d \w{3} \d{4} \S+ ([.*#-]) (.*)$' % pid, server.log())]
        got = [re.fullmatch(r'<(\d+)>.{15} penstock\[%d\]: (.*)' % pid, line.rstrip(b'\0').decode())
               for line in server.read_lines()]
        self.assertEqual([(int(m[1]) - 8 * FACILITIES['local0'], m[2]) for m in got], wanted)
        self.assertLessEqual({INFO, NOTICE, WARNING}, {priority for priority, _ in wanted})

    def test_loglevel_keeps_lesser_lines_from_it(self):
        server = self.start({'loglevel': 'warning'})
        kill(self.dataplane(server))
        server.wait_line(b'crashed by signal: 9')
        for line in server.read_lines():
            self.assertRegex(line, rb'\A<%d>' % (FACILITIES['local0'] * 8 + WARNING))

    def test_nothing_goes_there_unless_enabled(self):
        server = SyslogPenstock()
        server.options['syslog-enabled'] = 'no'
        self.start(server=server)
        server.stop()
        self.assertIn('bye bye', server.log())
        self.assertEqual(server.read_lines(), [])

    def test_a_missing_syslog_keeps_nothing_from_working(self):
        server = SyslogPenstock()
        os.unlink(os.path.join(server.dev, 'log'))
        self.start(server=server)
        with server.connect() as c:
            self.assertEqual(c.call('PING'), b'PONG')
        self.assertEqual(server.stop(), 0)
        self.assertEqual(server.read_lines(), [])

    # ---- a daemon that hangs, ends, or comes back

    def restart_dataplane(self, server):
        """Kills it; another one serves when this returns. The log does not tell: its lines may come later."""
        killed = self.dataplane(server)
        kill(killed)

        def serves_again():
            with contextlib.suppress(OSError, EOFError):
                return self.dataplane(server) != killed
        until('it serves again', serves_again)

    def missed_lines(self, server):
        """What syslog was told that it has missed, and the lines of the log before that."""
        line = server.wait_line(b'not taken by syslog')
        self.expect_line(line, FACILITIES['local0'] * 8 + WARNING, 'penstock', server.process.pid, '')
        before = server.log().split(' not taken by syslog')[0].splitlines()
        return int(re.search(rb': (\d+) lines? w', line)[1]), before[:-1]

    def test_a_full_queue_holds_nothing_up(self):
        server = SyslogPenstock()
        server.fill_queue()
        self.start(server=server)
        self.restart_dataplane(server)
        with server.connect() as c:
            self.assertEqual(c.call('PING'), b'PONG')
        self.assertEqual(server.stop(), 0)  # else it is killed, and the code another
        self.assertEqual(set(server.read_lines()), {b'fill'})
        self.assertIn('bye bye', server.log())

    def test_a_queue_that_gets_full_holds_nothing_up(self):
        server = self.start()
        server.fill_queue()
        self.restart_dataplane(server)
        self.assertEqual(server.stop(), 0)
        self.assertIn('bye bye', server.log())

    def test_lines_that_were_not_taken_are_counted_and_told_afterwards(self):
        server = SyslogPenstock()
        server.fill_queue()
        self.start(server=server)
        self.restart_dataplane(server)
        missed, before = self.missed_lines(server)  # reads, so there is room
        self.assertEqual(missed, len(before))
        self.assertNotIn(b'fill', server.lines[-1])
        server.stop()
        server.wait_line(b'bye bye')

    def test_a_syslog_that_was_restarted_gets_the_lines_again(self):
        server = self.start()
        server.wait_line(b'Ready to accept')
        server.listen_anew(keep_old=False)
        kill(self.dataplane(server))
        server.wait_line(b'crashed by signal: 9')
        server.wait_line(b'Ready to accept')
        self.assertNotIn('not taken', server.log())

    def test_a_syslog_that_comes_late_is_told_what_it_missed(self):
        server = SyslogPenstock()
        os.unlink(server.socket_path)
        self.start(server=server)
        server.socket.close()
        server.listen()
        missed, before = self.missed_lines(server)
        self.assertEqual(missed, len(before))
        server.stop()
        server.wait_line(b'bye bye')

    def test_a_syslog_started_beside_one_that_hangs_gets_the_lines(self):
        server = SyslogPenstock()
        server.fill_queue()
        self.start(server=server)
        server.listen_anew(keep_old=True)
        missed, before = self.missed_lines(server)
        self.assertEqual(missed, len(before))
        server.stop()
        server.wait_line(b'bye bye')


if __name__ == '__main__':
    if os.geteuid() != 0:
        print('SKIP needs root for a mount namespace')
        sys.exit(77)
    main()
