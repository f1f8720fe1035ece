"""What the fault tests share: a server that is surely ended, clients that keep asking and remember how long it took,
and waiting for a condition instead of for a time.
"""
import argparse
import contextlib
import ctypes
import os
import random
import resource
import select
import signal
import socket
import sys
import threading
import time
import unittest

from penstock import Connection, Penstock, encode

PATIENCE_S = 30
LATENCY_BOUND_S = 1.0  # for a bystander, in Python, on a machine that others use too
CLONE_NEWNET = 0x40000000
SEED = int(os.environ.get('PENSTOCK_TEST_SEED') or random.SystemRandom().randrange(1 << 32))
SHARDS = 'PENSTOCK_TEST_SHARDS'
MB = 1 << 20


def rng(what):
    """Random numbers that are the same in every run with the same seed."""
    return random.Random('%s/%d' % (what, SEED))


def shards():
    """How many the servers of this run shall have; None for what they have by themselves."""
    return os.environ.get(SHARDS)


def until(what, condition, seconds=PATIENCE_S):
    """Polls until condition() is true, and returns what it gave."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError('waited %g s in vain: %s' % (seconds, what))
        time.sleep(0.01)


def stays(what, condition, seconds):
    """condition() is true now and for that long: for what must not happen, where nothing tells that it did not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not condition():
            raise AssertionError('not for %g s: %s' % (seconds, what))
        time.sleep(0.01)


def alive(pid):
    try:
        with open('/proc/%d/stat' % pid) as stat:
            return stat.read().rsplit(')', 1)[1].split()[0] not in 'ZX'
    except (FileNotFoundError, ProcessLookupError):
        return False


def kill(pid, number=signal.SIGKILL):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def is_answered(connection):
    """A reply waits to be read."""
    return bool(select.select([connection.socket], [], [], 0)[0])


def rss_bytes(pid):
    with open('/proc/%d/statm' % pid) as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def peak_rss_bytes(pid):
    with open('/proc/%d/status' % pid) as status:
        return next(int(line.split()[1]) for line in status if line.startswith('VmHWM')) * 1024


def cpu_s(pid):
    """User and system time so far."""
    with open('/proc/%d/stat' % pid) as stat:
        words = stat.read().rsplit(')', 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf('SC_CLK_TCK')


def info(connection, *sections):
    """INFO as a dictionary of texts."""
    text = connection.call('INFO', *sections).decode()
    return dict(line.split(':', 1) for line in text.splitlines() if ':' in line)


def number(connection, field, section='everything'):
    return int(info(connection, section)[field])


def raise_file_limit(count):
    """Open files for this process and those it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, max(hard, count)))


def in_namespace(name, action):
    """Runs action in a network namespace, on a thread of its own; sockets that it makes stay there."""
    outcome = []

    def enter():
        try:
            fd = os.open('/run/netns/' + name, os.O_RDONLY)
            try:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(fd, CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), 'setns')
            finally:
                os.close(fd)
            outcome.append((action(), None))
        except BaseException as e:  # handed to the caller
            outcome.append((None, e))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    value, error = outcome[0]
    if error:
        raise error
    return value


class Prober:
    """A bystander: asks one request after another on a thread of its own while the block runs. worst_s is the
    longest answer, count how many there were, error what ended it early."""

    def __init__(self, server, timeout_s=PATIENCE_S):
        self.connection = server.connect(timeout_s)
        self.worst_s, self.count, self.error = 0.0, 0, None
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.work)

    def work(self):
        try:
            while not self.ending.is_set():
                start = time.monotonic()
                if self.connection.call_raw('PING') != b'+PONG\r\n':
                    raise ValueError('no PONG')
                self.worst_s = max(self.worst_s, time.monotonic() - start)
                self.count += 1
                self.ending.wait(0.001)  # the asking shall not be the load
        except Exception as e:
            self.error = e

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()
        self.connection.close()

    def wait_answers(self, count=20):
        """That many more, from now on."""
        goal = self.count + count
        until('a bystander is answered', lambda: self.error or self.count >= goal)
        if self.error:
            raise AssertionError('a bystander was not served: %r' % self.error)


class Load:
    """Clients on threads that write and read back keys of their own, in pipelines, and connect again when they
    lose the server. answered and lost count; wrong is the first answer that was not what had been written."""

    def __init__(self, server, client_count=4, depth=16, value_bytes=100):
        self.server, self.depth, self.value_bytes = server, depth, value_bytes
        self.answered, self.lost = [0] * client_count, [0] * client_count
        self.wrong = None
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(i,)) for i in range(client_count)]

    def round(self, connection, index, turn):
        r = random.Random('%d/%d/%d' % (SEED, index, turn))
        values = [r.randbytes(self.value_bytes) for _ in range(self.depth)]
        for i, value in enumerate(values):
            connection.send(['SET', 'load-%d-%d' % (index, i), value], ['GET', 'load-%d-%d' % (index, i)])
        for value in values:
            replies = connection.read_raw(), connection.read_raw()
            if replies != (b'+OK\r\n', b'$%d\r\n%s\r\n' % (len(value), value)):
                self.wrong = self.wrong or repr(replies)[:300]
            self.answered[index] += 2

    def work(self, index):
        turn = 0
        while not self.ending.is_set():
            try:
                with self.server.connect(timeout_s=PATIENCE_S) as connection:
                    while not self.ending.is_set():
                        self.round(connection, index, turn)
                        turn += 1
            except (OSError, EOFError):
                self.lost[index] += 1
                self.ending.wait(0.01)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join()

    def wait_progress(self, count=200):
        """Every client is answered that many times more, from now on."""
        goals = [n + count for n in self.answered]
        until('all clients get answers', lambda: self.wrong or all(n >= g for n, g in zip(self.answered, goals)))
        if self.wrong:
            raise AssertionError('a wrong answer: %s' % self.wrong)


class Case(unittest.TestCase):
    """One test. Servers that it starts are ended with it, whatever happens: control by its pid, and the dataplane
    by the pid it was known under, should control be gone."""
    server_class = Penstock

    def start(self, options=None, server=None):
        if shards():
            options = {'shards': shards(), **(options or {})}
        server = server or self.server_class(options)
        server.dataplane_pids = set()
        self.addCleanup(self.end, server)
        server.start()
        self.dataplane(server)
        return server

    def expect_logged(self, server, text):
        """Who answers does not write the log: a line may come behind the reply."""
        until('the log says %r' % text, lambda: text in server.log())

    def dataplane(self, server):
        """The dataplane's pid."""
        with server.connect() as c:
            if 'requirepass' in server.options:
                c.call('AUTH', server.options['requirepass'])
            pid = int(info(c, 'server')['process_id'])
        server.dataplane_pids.add(pid)
        return pid

    def show_log_of_a_failure(self, server):
        failed = any(error for _, error in getattr(getattr(self, '_outcome', None), 'errors', []))
        if failed and os.path.exists(server.log_path):
            print('---- log of the server\n%s----' % server.log()[-4000:], file=sys.stderr)

    def end(self, server):
        self.show_log_of_a_failure(server)
        for pid in server.dataplane_pids:
            kill(pid, signal.SIGCONT)
        server.close()
        for pid in server.dataplane_pids:
            if alive(pid):
                self.drop_region(pid)
                kill(pid)

    def drop_region(self, pid):
        """A dataplane whose control was killed leaves its shared memory to the next one, which never comes."""
        with open('/proc/%d/cmdline' % pid) as file:
            words = file.read().split('\0')
        if '--region' in words:
            with contextlib.suppress(FileNotFoundError):
                os.unlink('/dev/shm/' + words[words.index('--region') + 1])

    def connect(self, server, timeout_s=PATIENCE_S):
        c = server.connect(timeout_s)
        self.addCleanup(c.close)
        return c

    def unix(self, path, timeout_s=PATIENCE_S):
        c = Connection(path, timeout_s)
        self.addCleanup(c.close)
        return c

    def expect_closed(self, connection):
        """The server closes the connection, in order or by a reset, without another reply."""
        try:
            data = connection.socket.recv(4096)
        except ConnectionResetError:
            return
        self.assertEqual(data, b'')

    def expect_answered(self, prober, bound_s=LATENCY_BOUND_S):
        prober.wait_answers()
        print('    bystander: %d answers, the longest took %.1f ms' % (prober.count, prober.worst_s * 1000))
        self.assertLess(prober.worst_s, bound_s)

    def wait_clients(self, connection, count=1):
        until('%d clients are left' % count, lambda: number(connection, 'connected_clients', 'clients') == count)


def stream_get(connection, key, expected_bytes):
    """GET of a big value: its bytes in pieces, without ever holding all of them."""
    connection.socket.sendall(encode(['GET', key]))
    line = connection._take_line()
    if line != b'$%d\r\n' % expected_bytes:
        raise AssertionError('GET %s: %r' % (key, line[:100]))
    left = expected_bytes + 2
    part = connection.buffer[connection.at:connection.at + left]
    connection.buffer, connection.at = connection.buffer[connection.at + left:], 0
    room = bytearray(MB)
    while True:
        left -= len(part)
        yield part if left >= 2 else part[:len(part) - (2 - left)]
        if left == 0:
            return
        size = connection.socket.recv_into(room, min(left, len(room)))
        if size == 0:
            raise EOFError('the server closed the connection')
        part = bytes(room[:size])


def main():
    """Takes --shards N out of the arguments."""
    print('seed %d (again: PENSTOCK_TEST_SEED=%d)' % (SEED, SEED), flush=True)
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument('--shards')
    own, rest = parser.parse_known_args(sys.argv[1:])
    if own.shards:
        os.environ[SHARDS] = own.shards
    unittest.main(argv=sys.argv[:1] + rest, verbosity=2)
