"""Real servers for the system tests: starts Penstock or redis-server on a free port in a directory of its
own, waits until it answers, and stops it by its pid. And a connection that keeps replies as the bytes
they were.

    with Penstock(options={'requirepass': 'x'}) as server, server.connect() as c:
        c.call('AUTH', 'x')

Binaries are looked for in $PENSTOCK_BUILD (meson sets it for its tests), else in build/ of the tree.
"""
import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get('PENSTOCK_BUILD', os.path.join(TREE, 'build'))
START_TIMEOUT_S = 20
STOP_TIMEOUT_S = 10
POLL_S = 0.005


def free_port():
    """A TCP port nobody listens on at this moment, outside the range that connect() takes ports from."""
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class ReplyError(Exception):
    """An error reply, as call() raises it."""


class Connection:
    """One client. read_raw() gives a whole reply as the bytes it came in; call() decodes it."""

    def __init__(self, address, timeout_s=30):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ':' in address[0] \
            else socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.settimeout(timeout_s)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        if family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b''
        self.at = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, *requests):
        """Requests (lists of arguments) in one write."""
        self.socket.sendall(b''.join(encode(r) for r in requests))

    def _fill(self):
        more = self.socket.recv(1 << 18)
        if not more:
            raise EOFError('the server closed the connection')
        self.buffer = self.buffer[self.at:] + more
        self.at = 0

    def _take_line(self):
        while True:
            end = self.buffer.find(b'\r\n', self.at)
            if end >= 0:
                line = self.buffer[self.at:end + 2]
                self.at = end + 2
                return line
            self._fill()

    def _take(self, size):
        """size bytes; large ones are received in one piece of their own."""
        have = len(self.buffer) - self.at
        if have < size:
            whole = bytearray(size)
            whole[:have] = self.buffer[self.at:]
            view = memoryview(whole)
            while have < size:
                count = self.socket.recv_into(view[have:])
                if count == 0:
                    raise EOFError('the server closed the connection')
                have += count
            self.buffer, self.at = b'', 0
            return bytes(whole)
        part = self.buffer[self.at:self.at + size]
        self.at += size
        return part

    def read_raw(self):
        line = self._take_line()
        kind, parts, children = line[:1], [line], 0
        if kind in b'$=!' and line != b'$-1\r\n':
            parts.append(self._take(int(line[1:]) + 2))
        elif kind in b'*~>' and line != b'*-1\r\n':
            children = int(line[1:])
        elif kind in b'%|':
            children = 2 * int(line[1:])
        elif kind not in b'+-:_#,($*':
            raise ValueError('not RESP: %r' % line[:80])
        parts.extend(self.read_raw() for _ in range(children))
        if kind == b'|':  # an attribute comes before the reply that it describes
            parts.append(self.read_raw())
        return b''.join(parts)

    def call_raw(self, *args):
        self.send(args)
        return self.read_raw()

    def call(self, *args):
        value = decode(self.call_raw(*args))
        if isinstance(value, ReplyError):
            raise value
        return value


def to_bytes(value):
    return value if isinstance(value, bytes) else str(value).encode()


def encode(args):
    parts = [b'*%d\r\n' % len(args)]
    for arg in map(to_bytes, args):
        parts.append(b'$%d\r\n%s\r\n' % (len(arg), arg))
    return b''.join(parts)


def decode(raw):
    """A reply's bytes as Python values; errors become ReplyError objects, maps and sets their pairs or
    members in order."""
    return _decode(raw, 0)[0]


def _decode(raw, at):
    end = raw.index(b'\r\n', at)
    kind, text, at = raw[at:at + 1], raw[at + 1:end], end + 2
    if kind in b'$=!':
        size = int(text)
        if size < 0:
            return None, at
        value = raw[at:at + size]
        return (ReplyError(value.decode()) if kind == b'!' else value), at + size + 2
    if kind in b'*~>%|':
        count = int(text)
        if count < 0:
            return None, at
        values = []
        for _ in range(count * (2 if kind in b'%|' else 1)):
            value, at = _decode(raw, at)
            values.append(value)
        return values, at
    simple = {b'+': bytes, b':': int, b',': float, b'(': int, b'#': lambda t: t == b't',
              b'_': lambda _: None, b'-': lambda t: ReplyError(t.decode(errors='replace'))}
    return simple[kind](text), at


def wait_end(process, seconds):
    """The exit status, at the moment when there is one: Popen.wait with a timeout looks only every 50 ms."""
    if process.poll() is None:
        fd = os.pidfd_open(process.pid)
        try:
            ended = select.poll()
            ended.register(fd, select.POLLIN)
            ended.poll(seconds * 1000)
        finally:
            os.close(fd)
    return process.wait(0)


def children_of(pid):
    with open('/proc/%d/task/%d/children' % (pid, pid)) as children:
        return [int(child) for child in children.read().split()]


class Server:
    """A child process that serves RESP on self.port of self.host."""
    host = '127.0.0.1'

    def __init__(self, command, env=None):
        self.directory = tempfile.mkdtemp(prefix='penstock-test-')
        self.port = free_port()
        self.log_path = os.path.join(self.directory, 'log')
        self.command = command
        self.env = env
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def arguments(self):
        raise NotImplementedError

    def launch(self):
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen([self.command] + self.arguments(), stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, cwd=self.directory, env=self.env)

    def start(self):
        self.launch()
        try:
            self.wait_ready()
        except BaseException:
            self.close(keep=True)
            raise
        return self

    def wait_ready(self):
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError('%s ended with %s\n%s' % (self.command, self.process.returncode, self.log()))
            try:
                with self.connect_first() as c:
                    c.call_raw('PING')  # NOAUTH is an answer too
                    return
            except (OSError, EOFError):
                time.sleep(POLL_S)
        raise RuntimeError('%s does not answer\n%s' % (self.command, self.log()))

    def connect_first(self):
        """To a server that may not be there yet."""
        return self.connect(timeout_s=2)

    def connect(self, timeout_s=30):
        return Connection((self.host, self.port), timeout_s)

    def connect_if_loaded(self):
        """None while what it starts on is being loaded, and while a dataplane that has ended still has its sockets."""
        try:
            c = self.connect(timeout_s=60)
        except OSError:
            return None
        try:
            if c.call_raw('PING') == b'+PONG\r\n':
                return c
        except (OSError, EOFError):
            pass
        c.close()
        return None

    def run_to_end(self, seconds=10):
        """Starts it where it cannot come up: exit status and log. One that does come up is ended: None."""
        self.launch()
        try:
            status = wait_end(self.process, seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            return None, self.log()
        self.process = None
        return status, self.log()

    def log(self):
        with open(self.log_path, errors='replace') as f:
            return f.read()

    def stop(self, how=signal.SIGTERM):
        """Ends the process and returns its exit status; kills it when it does not go."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            status = wait_end(self.process, STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            children = children_of(self.process.pid)  # a dataplane outlives its control
            self.process.kill()
            status = self.process.wait()
            for pid in children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.process = None
        return status

    def close(self, keep=False):
        self.stop()
        if not keep:
            shutil.rmtree(self.directory, ignore_errors=True)


class Penstock(Server):
    """options: directives and their values (a list gives several words)."""

    def __init__(self, options=None, config_file=None, env=None):
        super().__init__(os.path.join(BUILD, 'penstock'), env)
        self.options = dict(options or {})
        self.config_file = config_file

    def arguments(self):
        given = {'port': self.port, 'bind': self.host, 'dir': self.directory, 'save': ''}
        given.update(self.options)
        self.port = int(given['port'])
        args = [self.config_file] if self.config_file else []
        for name, value in given.items():
            words = value if isinstance(value, (list, tuple)) else [value]
            args += ['--' + name] + [str(w) for w in words]
        return args


class RedisServer(Server):
    """Debian's redis-server, without persistence."""

    def __init__(self, options=()):
        super().__init__('redis-server')
        self.options = list(options)

    def arguments(self):
        return ['--port', str(self.port), '--bind', self.host, '--save', '', '--appendonly', 'no', '--dir',
                self.directory] + self.options
