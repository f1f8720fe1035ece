#!/usr/bin/env python3
"""Disks that refuse an append-only log: full ones, one that says so only when it is synced, one that cannot be written
at all, a directory that somebody removes. What was acknowledged is there; reads are served; and when the disk is well
again so is the server, without a restart. Most of it needs root, for file systems of its own (skipped without).

    test_aof_faults.py [--server redis] [Class.test ...]   $PENSTOCK_BUILD: the build folder
"""
import contextlib
import ctypes
import mmap
import os
import shutil
import subprocess
import threading
import unittest

from aof_kit import IS_REDIS, MISCONF, LogCase, main, only_listed, persistence, raises_misconf, wait_rewritten
from kit import MB, until
from penstock import ReplyError
from test_aof import ON_SHARDS

SHARDS = [1] if IS_REDIS else [1, 2]
# What the ballast makes room for is more than the server takes on until it knows that the disk is full.
SIZE, BALLAST, LOOP_SIZE = 12 * MB, 10 * MB, 16 * MB
VALUE, AFTERWARDS = 'x' * 10000, 10
STILL_REFUSED = [['SET', 'k', 1], ['DEL', 'old'], ['EXPIRE', 'old', 100], ['FLUSHALL'], ['MSET', *(w for key in ON_SHARDS for w in (key, 1))], ['PING']]
SERVED = [['GET', 'old'], ['MGET', 'old', 'k'], ['TTL', 'old'], ['DBSIZE'], ['INFO'], ['CONFIG', 'GET', 'appendfsync'], ['CLIENT', 'ID'], ['SELECT', 0]]


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=False)


class Filler:
    """Sets numbered keys, one after another, until it is told how many more it may: acked holds those that were answered
    with OK, refused counts the others."""

    def __init__(self, server, name):
        self.connection, self.name = server.connect(), name
        self.acked, self.refused, self.wrong, self.sent, self.left = [], 0, None, 0, None
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        try:
            while self.left is None or self.left > 0:
                self.sent += 1
                reply = self.connection.call_raw('SET', '%s%d' % (self.name, self.sent), VALUE + str(self.sent))
                if reply == b'+OK\r\n':
                    self.acked.append(self.sent)
                    if self.left is not None:
                        self.left -= 1
                elif reply.startswith(MISCONF):
                    self.refused += 1
                    threading.Event().wait(0.01)
                else:
                    self.wrong = reply
                    return
        except (OSError, EOFError) as e:
            self.wrong = e

    def end(self):
        self.left = self.left or 0
        self.thread.join()
        self.connection.close()

    def missing(self, c):
        """Acknowledged, but not there."""
        c.send(*[['GET', '%s%d' % (self.name, n)] for n in self.acked])
        return [n for n in self.acked if c.read_raw() != b'$%d\r\n%s%d\r\n' % (len(VALUE) + len(str(n)), VALUE.encode(), n)]


@unittest.skipUnless(os.geteuid() == 0, 'mounts')
@contextlib.contextmanager
def filled(server, count=2):
    fillers = [Filler(server, 'filler%d:' % i) for i in range(count)]
    try:
        yield fillers
    finally:
        for filler in fillers:
            filler.end()


def until_refused(c):
    until('the log is refused', lambda: persistence(c)['aof_last_write_status'] == 'err')


def heal(c, fillers, mend):
    """mend() ends what is wrong with the disk."""
    for filler in fillers:
        filler.left = AFTERWARDS
    mend()
    until('writes are taken again', lambda: not any(f.thread.is_alive() for f in fillers))
    until('the log is well', lambda: persistence(c)['aof_last_write_status'] == 'ok' and c.call_raw('SET', 'probe', 1) == b'+OK\r\n')


class Pinned:
    """Keeps what is written to the files of a folder in the kernel's memory, where it stays readable whatever the disk
    did with it: a machine that gives memory back, as virtual ones do, would read it from there again."""
    LOOK_S = 0.01
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
    libc.mlock.argtypes = libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)

    def __init__(self, folder):
        self.folder, self.maps, self.is_over = folder, {}, threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()
        for at, size in self.maps.values():
            self.libc.munmap(at, size)

    def run(self):
        while not self.is_over.wait(self.LOOK_S):
            for entry in os.scandir(self.folder):
                with contextlib.suppress(OSError), open(entry.path, 'rb') as f:
                    self.pin(f.fileno())

    def pin(self, file):
        facts = os.fstat(file)
        before = self.maps.get(facts.st_ino, (None, 0))
        if facts.st_size == before[1] or not facts.st_size:
            return
        at = self.libc.mmap(None, facts.st_size, mmap.PROT_READ, mmap.MAP_SHARED, file, 0)
        self.libc.mlock(at, facts.st_size)  # not all of it when it was cut meanwhile: the next look does it
        self.maps[facts.st_ino] = (at, facts.st_size)
        if before[0]:
            self.libc.munmap(*before)


class Disks(LogCase):
    def setUp(self):
        super().setUp()
        self.disk = os.path.join(self.home, 'disk')
        os.mkdir(self.disk)

    def mount(self, folder, size, kind='tmpfs', *words):
        done = run('mount', '-t', kind, *(words or ['-o', 'size=%d' % size, 'penstock-test']), folder)
        if done.returncode != 0:
            self.skipTest('no %s can be mounted: %s' % (kind, done.stderr.strip()))
        self.addCleanup(run, 'umount', '-l', folder)

    def small_disk(self):
        """With a file on it that can be removed."""
        self.mount(self.disk, SIZE)
        self.ballast = os.path.join(self.disk, 'ballast')
        with open(self.ballast, 'wb') as f:
            f.write(bytes(BALLAST))

    def anew(self):
        run('umount', '-l', self.disk)
        self.small_disk()

    def heal(self, c, fillers):
        heal(c, fillers, lambda: os.remove(self.ballast))

    def expect_refused_and_served(self, server, error='No space left on device'):
        with server.connect() as c:
            for words in STILL_REFUSED:
                self.assertEqual(c.call_raw(*words), MISCONF + error.encode() + b'\r\n', words)
            for words in SERVED:
                self.assertNotIn(c.call_raw(*words)[:1], b'-', words)
            self.assertEqual(c.call('GET', 'old'), b'value')
            self.assertEqual(c.call('EVAL', "return redis.call('GET', KEYS[1])", 1, 'old'), b'value')
            self.assertRaisesRegex(ReplyError, 'MISCONF', c.call, 'EVAL', "return redis.call('SET', KEYS[1], 'x')", 1, 'old')
            c.call('MULTI')
            self.assertRaisesRegex(ReplyError, 'MISCONF', c.call, 'SET', 'old', 'x')
            self.assertRaisesRegex(ReplyError, 'EXECABORT', c.call, 'EXEC')
            self.assertEqual(c.call('GET', 'old'), b'value')

    def fill_and_heal(self, shards, policy, how):
        server, c = self.restart(shards, {'appendfsync': policy}, home=self.disk)
        c.call('SET', 'old', 'value')
        with filled(server) as fillers:
            until_refused(c)
            self.expect_refused_and_served(server)
            if policy != 'always':  # there, what came before the refusal waits for the disk
                until('clients are refused', lambda: all(f.refused for f in fillers))
            self.heal(c, fillers)
        self.assertEqual([f.wrong for f in fillers], [None, None])
        self.assertGreater(sum(len(f.acked) for f in fillers), 100)
        if how == 'killed':
            self.assertEqual(c.call('WAITAOF', 1, 0, 10000)[0], 1) if policy != 'always' else None
            self.crash(server)
        else:
            self.stop(server)
        self.check_files(self.disk)
        server, c = self.restart(shards, home=self.disk)
        self.assertEqual([f.missing(c) for f in fillers], [[], []])
        self.assertEqual(c.call('GET', 'old'), b'value')

    def test_a_full_one_under_always(self):
        if IS_REDIS:
            self.skipTest('it ends')
        for shards in SHARDS:
            for how in ('killed', 'stopped'):
                with self.subTest(shards=shards, how=how):
                    self.anew()
                    self.fill_and_heal(shards, 'always', how)

    def test_a_full_one_under_everysec(self):
        for shards in SHARDS:
            for policy in ('everysec', 'no'):
                with self.subTest(shards=shards, policy=policy):
                    self.anew()
                    self.fill_and_heal(shards, policy, 'stopped' if IS_REDIS or policy == 'no' else 'killed')

    def test_a_full_one_that_stays_full(self):
        """Under always what was acknowledged is there after a kill, though nothing ever helped."""
        if IS_REDIS:
            self.skipTest('it ends')
        for shards in SHARDS:
            with self.subTest(shards=shards):
                self.anew()
                server, c = self.restart(shards, {'appendfsync': 'always'}, home=self.disk)
                with filled(server) as fillers:
                    until_refused(c)
                    self.expect_served(c)
                    self.crash(server)
                os.remove(self.ballast)
                server, c = self.restart(shards, home=self.disk)
                self.assertEqual([f.missing(c) for f in fillers], [[], []])
                self.check_files(self.disk)

    def expect_served(self, c):
        for words in SERVED:
            self.assertNotIn(c.call_raw(*words)[:1], b'-', words)

    @unittest.skipIf(IS_REDIS, 'it ends')
    def test_one_that_refuses_to_sync(self):
        """A file system on a sparse file of a full disk takes every write, and says only at the sync that it could not
        keep it. (What such a disk holds when all that the kernel had is gone cannot be looked at: ext4 leaves blocks that
        were written again marked as unwritten, and a program that only ever writes and syncs loses the same.)"""
        for shards in SHARDS:
            with self.subTest(shards=shards):
                self.anew()
                loop, folder = self.sparse_disk()
                server, c = self.restart(shards, {'appendfsync': 'always'}, home=folder)
                c.call('SET', 'old', 'value')
                with Pinned(server.folder):
                    with filled(server) as fillers:
                        until_refused(c)
                        self.expect_served(c)
                        with server.connect() as other:
                            raises_misconf(other, 'SET', 'k', 1)
                        self.heal(c, fillers)
                    self.assertEqual([f.wrong for f in fillers], [None, None])
                    self.crash(server)
                    server, c = self.restart(shards, home=folder)
                    self.assertEqual([f.missing(c) for f in fillers], [[], []])
                    self.stop(server)
                    self.check_files(folder)
                until('nobody uses it any more', lambda: run('umount', folder).returncode == 0)
                run('losetup', '-d', loop)

    def sparse_disk(self):
        image, folder = os.path.join(self.disk, 'image'), os.path.join(self.home, 'loop%d' % len(os.listdir(self.home)))
        os.mkdir(folder)
        with open(image, 'wb') as f:
            f.truncate(LOOP_SIZE)
        made = run('mkfs.ext4', '-q', '-F', '-O', '^has_journal', '-E', 'lazy_itable_init=0', '-N', '64', image)
        found = run('losetup', '-f', '--show', image)
        if made.returncode or found.returncode:
            self.skipTest('no loop device: %s' % (made.stderr + found.stderr))
        loop = found.stdout.strip()
        self.addCleanup(run, 'losetup', '-d', loop)
        self.mount(folder, 0, 'ext4', loop)
        return loop, folder

    def test_a_rewrite_that_finds_no_space(self):
        """The files before it are what counts, and the next one is done."""
        for shards in SHARDS:
            for preamble in ('yes', 'no'):
                with self.subTest(shards=shards, preamble=preamble):
                    self.anew()
                    server, c = self.restart(shards, {'rdbcompression': 'no', 'aof-use-rdb-preamble': preamble}, home=self.disk)
                    for i in range(120):
                        c.call('SET', 'k%d' % i, VALUE)
                    base = server.files()[0]
                    c.call('BGREWRITEAOF')
                    until('it has failed', lambda: persistence(c)['aof_last_bgrewrite_status'] == 'err')
                    wait_rewritten(c)
                    told = persistence(c)
                    self.assertEqual((told['aof_rewrites'], told['aof_rewrites_consecutive_failures'])[not IS_REDIS:], ('1', '1')[not IS_REDIS:])
                    self.assertEqual(server.files()[0], base)
                    self.assertEqual([n for n in os.listdir(self.disk) if n.startswith('temp-')], [])
                    self.assertEqual(only_listed(server.folder), [])
                    until('writes are taken', lambda: c.call_raw('SET', 'after', 1) == b'+OK\r\n')
                    self.check_files(self.disk)
                    digest = c.call('DEBUG', 'DIGEST')
                    other, d = self.restart(shards, home=self.copied())
                    self.assertEqual(d.call('DEBUG', 'DIGEST'), digest)
                    self.stop(other)
                    os.remove(self.ballast)
                    c.call('BGREWRITEAOF')
                    until('the next one is done', lambda: persistence(c)['aof_last_bgrewrite_status'] == 'ok')
                    self.assertEqual(persistence(c)['aof_rewrites_consecutive_failures'], '0')
                    self.assertGreater(server.files()[0][1], base[1])
                    self.stop(server)
                    self.check_files(self.disk)
                    server, c = self.restart(shards, home=self.disk)
                    self.assertEqual(c.call('DEBUG', 'DIGEST'), digest)
                    self.stop(server)

    def copied(self):
        """Its log on a disk with space."""
        copy = os.path.join(self.home, 'copy')
        shutil.rmtree(copy, True)
        shutil.copytree(os.path.join(self.disk, 'appendonlydir'), os.path.join(copy, 'appendonlydir'))
        return copy

    def test_one_that_is_read_only(self):
        for shards in SHARDS:
            for has_log in (False, True):
                with self.subTest(shards=shards, has_log=has_log):
                    self.anew()
                    if has_log:
                        server, c = self.restart(shards, home=self.disk)
                        c.call('SET', 'k', 1)
                        self.stop(server)
                    self.assertEqual(run('mount', '-o', 'remount,ro', self.disk).returncode, 0)
                    server = self.server(shards, home=self.disk)
                    status, log = server.run_to_end()
                    self.assertEqual(status, 1, log)
                    self.assertIn('Read-only file system', log)
                    self.assertIn('appendonly', log)
                    for word in ('Ready to accept', 'crashed', 'Restarting'):
                        self.assertNotIn(word, log)
                    self.assertEqual(run('mount', '-o', 'remount,rw', self.disk).returncode, 0)
                    server, c = self.restart(shards, home=self.disk)
                    self.assertEqual(c.call('EXISTS', 'k'), int(has_log))
                    self.stop(server)


class Removed(LogCase):
    def test_the_directory_under_a_running_server(self):
        """It serves on, says that it cannot rewrite, and once there is a directory again a rewrite makes all well."""
        for shards in SHARDS:
            self.fresh_home()
            with self.subTest(shards=shards):
                server, c = self.restart(shards)
                c.call('MSET', *(w for key in ON_SHARDS for w in (key, 1)))
                shutil.rmtree(server.folder)
                self.assertEqual(c.call('GET', ON_SHARDS[0]), b'1')
                with contextlib.suppress(ReplyError):
                    c.call('BGREWRITEAOF')
                until('it says so', lambda: persistence(c)['aof_last_bgrewrite_status'] == 'err' or os.path.exists(server.folder))
                self.assertEqual(c.call('GET', ON_SHARDS[0]), b'1')
                os.makedirs(server.folder, exist_ok=True)
                def is_rewritten():
                    c.call_raw('BGREWRITEAOF')
                    wait_rewritten(c)
                    return persistence(c)['aof_last_bgrewrite_status'] == 'ok'
                until('the log is rewritten', is_rewritten)
                until('writes are taken', lambda: c.call_raw('SET', 'after', 1) == b'+OK\r\n')
                c.call('MSET', *(w for key in ON_SHARDS for w in (key, 2)))
                digest = c.call('DEBUG', 'DIGEST')
                self.stop(server)
                self.check_files()
                server, c = self.restart(shards)
                self.assertEqual(c.call('DEBUG', 'DIGEST'), digest)

    def test_something_else_in_its_place(self):
        for shards in SHARDS:
            self.fresh_home()
            with open(os.path.join(self.home, 'appendonlydir'), 'w') as f:
                f.write('a file')
            status, log = self.server(shards).run_to_end()
            self.assertEqual(status, 1, log)
            self.assertIn('appendonlydir', log)
            self.assertNotIn('Ready to accept', log)


if __name__ == '__main__':
    main()
