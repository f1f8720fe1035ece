"""What the tests of the append-only log share: servers that keep one in a folder which outlives them, of either kind,
what a directory holds, and everything about a data set that has to be the same afterwards.

PENSTOCK_TEST_SERVER=redis (or --server redis) lets the tests that can be run against redis-server: what they expect is
then known to be Redis's behaviour, and not just ours.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile

import kit
from kit import Case, alive, info, kill, until
from penstock import BUILD, Penstock, RedisServer, children_of, to_bytes

KIND = 'PENSTOCK_TEST_SERVER'
if '--server' in sys.argv:  # before the classes that ask for it
    _at = sys.argv.index('--server')
    os.environ[KIND] = sys.argv[_at + 1]
    del sys.argv[_at:_at + 2]
IS_REDIS = os.environ.get(KIND) == 'redis'
SHARDS = [1] if IS_REDIS else [1, 2, 3]
NAME, FOLDER = 'appendonly.aof', 'appendonlydir'
MANIFEST = NAME + '.manifest'
BASE, INCR = NAME + '.1.base.rdb', NAME + '.1.incr.aof'
FRESH = 'file %s seq 1 type b\nfile %s seq 1 type i\n' % (BASE, INCR)
MISCONF = b'-MISCONF Errors writing to the AOF file: '
LOADED_S, FACTS_MAX = 60, 20000


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def write(path, data):
    with open(path, 'wb') as f:
        f.write(data)


class _Logging:
    """home: the working folder, with the log's directory in it."""

    def prepare(self, home):
        self.home = home
        self.dataplane_pids = set()
        self.folder = os.path.join(home, FOLDER)

    def path(self, name=MANIFEST):
        return os.path.join(self.folder, name)

    def files(self):
        return files_of(self.folder)

    def dataplane(self):
        """Its pid; None between two of them, and where there is no such process."""
        return next(iter(children_of(self.process.pid)), None)

    def loaded(self):
        """A connection, once the log is."""
        return until('the log is loaded', self.connect_if_loaded, LOADED_S)


class LoggingPenstock(_Logging, Penstock):
    def __init__(self, home, shards=1, options=None):
        super().__init__(dict({'enable-debug-command': 'yes', 'appendonly': 'yes', 'shards': shards, 'dir': home}, **(options or {})))
        self.prepare(home)


class LoggingRedis(_Logging, RedisServer):
    def __init__(self, home, shards=1, options=None):
        words = [str(w) for name, value in (options or {}).items() for w in ['--' + name, *(value if isinstance(value, list) else [value])]]
        super().__init__(['--appendonly', 'yes', '--enable-debug-command', 'yes', '--dir', home, *words])
        self.prepare(home)


Logging = LoggingRedis if IS_REDIS else LoggingPenstock


class LogCase(Case):
    """Each test has a home for its log; servers that it makes are ended with it."""

    def setUp(self):
        self.fresh_home()

    def server(self, shards=1, options=None, home=None, kind=None):
        """Not started."""
        server = (kind or Logging)(home or self.home, shards, options)
        self.addCleanup(self.end, server)
        return server

    def restart(self, shards=1, options=None, home=None, kind=None):
        """A server that has loaded what there is, and a connection."""
        server = self.server(shards, options, home, kind)
        server.start()
        c = server.loaded()
        self.addCleanup(c.close)
        return server, c

    def copy(self):
        """Another home, with the same log."""
        written = self.home
        other, self.home = self.fresh_home(), written
        shutil.copytree(os.path.join(written, FOLDER), os.path.join(other, FOLDER))
        return other

    def fresh_home(self):
        home = self.home = tempfile.mkdtemp(prefix='penstock-test-')
        self.addCleanup(shutil.rmtree, home, True)
        return home

    def stop(self, server):
        self.assertEqual(server.stop(), 0, server.log()[-2000:])

    def crash(self, server):
        """Both processes, by kill -9."""
        pid = server.dataplane()
        server.process.send_signal(signal.SIGSTOP)  # it starts no other one
        if pid:
            self.drop_region(pid)
            kill(pid)
        server.process.kill()
        server.process.wait()
        server.process = None
        until('the dataplane is gone', lambda: not pid or not alive(pid))

    def crash_dataplane(self, server):
        """Control starts another one."""
        pid = until('there is a dataplane', server.dataplane)
        kill(pid)
        until('the dataplane is gone', lambda: not alive(pid) or server.dataplane() != pid)

    def check_files(self, home=None):
        """By Redis's tool and ours."""
        path = os.path.join(home or self.home, FOLDER, MANIFEST)
        for command in (['redis-check-aof'], [os.path.join(BUILD, 'penstockctl'), 'check-aof']):
            done = subprocess.run(command + [path], capture_output=True, text=True, errors='replace', timeout=60, stdin=subprocess.DEVNULL)
            self.assertEqual(done.returncode, 0, '%s: %s' % (command, done.stdout + done.stderr))

    def same_files(self, server, before, shards):
        """As a start leaves them: several shards go on in the same files or in new ones."""
        self.assertEqual(server.files()[:len(before)], before)
        self.assertIn([f[2:] for f in server.files()[len(before):]], [[]] if shards == 1 else [[], [('i', str(i)) for i in range(shards)]])

    def log_home(self, files, manifest=None):
        """A home whose log holds these (name -> bytes), listed in this order or by that text."""
        home = self.fresh_home()
        folder = os.path.join(home, FOLDER)
        os.mkdir(folder)
        for name, data in files.items():
            write(os.path.join(folder, name), data)
        if manifest is None:
            manifest = ''.join('file %s seq %s type %s\n' % (name, name.split('.')[2], name.split('.')[3][0]) for name in files)
        write(os.path.join(folder, MANIFEST), manifest.encode())
        return home


def files_of(folder):
    """What the manifest lists: (name, seq, type, shard or None)."""
    listed = []
    for line in read(os.path.join(folder, MANIFEST)).decode().splitlines():
        words = line.split(' ')
        pairs = dict(zip(words[::2], words[1::2]))
        listed.append((pairs['file'], int(pairs['seq']), pairs['type'], pairs.get('shard')))
    return listed


def contents_of(folder):
    return {name: read(os.path.join(folder, name)) for name in sorted(os.listdir(folder)) if os.path.isfile(os.path.join(folder, name))}


def only_listed(folder):
    """Its files but those that the manifest lists, and itself."""
    return sorted(set(os.listdir(folder)) - {MANIFEST} - {f[0] for f in files_of(folder)})


def persistence(c):
    return info(c, 'persistence')


def wait_rewritten(c, count=None):
    """None is under way, and that many were done."""
    def is_over():
        told = persistence(c)
        return told['aof_rewrite_in_progress'] == told['aof_rewrite_scheduled'] == '0' and (count is None or int(told['aof_rewrites']) >= count)
    until('the log is rewritten', is_over)
    return persistence(c)


def groups_of(c, key):
    """What a stream's groups know, but for times of this server, and for what XCLAIM in a log forgets: entries that are
    pending though they were deleted."""
    there = {entry[0] for entry in c.call('XRANGE', key, '-', '+')}
    facts = c.call('XINFO', 'STREAM', key, 'FULL', 'COUNT', 0)
    stream = dict(zip(facts[::2], facts[1::2]))
    out = [stream[b'last-generated-id'], stream[b'entries-added'], stream[b'max-deleted-entry-id']]
    for words in stream[b'groups']:
        group = dict(zip(words[::2], words[1::2]))
        consumers = sorted(dict(zip(w[::2], w[1::2]))[b'name'] for w in group[b'consumers'])
        out.append((group[b'name'], group[b'last-delivered-id'], [p for p in group[b'pending'] if p[0] in there], consumers))
    return out


def facts(c, databases=(0, 1, 3, 9)):
    """Whatever has to be the same on both sides."""
    out = {'digest': c.call('DEBUG', 'DIGEST'), 'functions': sorted(map(repr, c.call('FUNCTION', 'LIST', 'WITHCODE')))}
    for db in databases:
        c.call('SELECT', db)
        if c.call('DBSIZE') > FACTS_MAX:
            continue  # the digest has to do
        keys = sorted(c.call('KEYS', '*'))
        c.send(*[['PEXPIRETIME', key] for key in keys], *[['TYPE', key] for key in keys])
        deadlines = [c.read_raw() for _ in keys]
        types = [c.read_raw() for _ in keys]
        out[db] = dict(zip(keys, deadlines))
        out['groups', db] = {key: groups_of(c, key) for key, kind in zip(keys, types) if kind == b'+stream\r\n'}
    c.call('SELECT', 0)
    return out


def unlike(a, b):
    """A short text about what differs; empty: nothing does."""
    said = []
    for name in a:
        if a[name] != b.get(name):
            one, other = a[name], b.get(name)
            if isinstance(one, dict) and isinstance(other, dict):
                keys = [k for k in one.keys() | other.keys() if one.get(k) != other.get(k)]
                said.append('%s: %s' % (name, ['%r: %r / %r' % (k, one.get(k), other.get(k)) for k in sorted(keys)[:5]]))
            else:
                said.append('%s: %r / %r' % (name, str(one)[:300], str(other)[:300]))
    return '; '.join(said)


def wire(*commands):
    """As a log holds them."""
    return b''.join(b'*%d\r\n%s' % (len(words), b''.join(b'$%d\r\n%s\r\n' % (len(w), w) for w in map(to_bytes, words))) for words in commands)


def raises_misconf(c, *words):
    reply = c.call_raw(*words)
    assert reply.startswith(MISCONF), '%r: %r' % (words, reply[:200])


def main():
    kit.main()
