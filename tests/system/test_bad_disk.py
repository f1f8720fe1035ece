#!/usr/bin/env python3
"""Disks that fail or are slow by order, under a log and under snapshots (bad_disk.py). Needs root and /dev/fuse.

    test_bad_disk.py [Class.test ...]   $PENSTOCK_BUILD: the build folder
"""
import os
import subprocess
import time
import unittest

from aof_kit import LogCase, main, persistence, raises_misconf
from kit import Prober, until
from penstock import ReplyError
from test_aof_faults import filled, heal, until_refused

SHARDS = [1, 2]
FUSE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'bad_disk.py')
SLOW_S = 2.5  # a sync: longer than everysec lets a write wait for one
SERVED_S = 0.5  # by a core that waits for no disk, on a busy machine


class BadDisk(LogCase):
    def anew(self):
        """A disk of its own, mounted at self.disk."""
        home = self.fresh_home()
        folder, self.disk, self.orders = [os.path.join(home, name) for name in ('folder', 'disk', 'orders')]
        for name in (folder, self.disk, self.orders):
            os.mkdir(name)
        fuse = subprocess.Popen(['/usr/bin/python3', FUSE, folder, self.disk, self.orders], stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.unmount, fuse, self.disk)
        until('it is mounted', lambda: os.path.ismount(self.disk) or fuse.poll() is not None)
        if fuse.poll() is not None:
            raise unittest.SkipTest('no FUSE: %s' % fuse.stderr.read()[-300:])

    @staticmethod
    def unmount(fuse, disk):
        subprocess.run(['umount', '-l', disk], capture_output=True, check=False)
        try:
            fuse.wait(10)
        except subprocess.TimeoutExpired:
            fuse.kill()
            fuse.wait()
        fuse.stderr.close()

    def order(self, operation, what):
        path = os.path.join(self.orders, operation)
        with open(path + '.new', 'w') as f:
            f.write(str(what))
        os.rename(path + '.new', path)

    def lift(self, operation):
        os.remove(os.path.join(self.orders, operation))

    def fail_and_heal(self, shards, operation):
        """Of what was acknowledged under always nothing is lost; reads are served, writes refused, and all is well when the
        disk is."""
        server, c = self.restart(shards, {'appendfsync': 'always'}, home=self.disk)
        c.call('SET', 'old', 'value')
        with filled(server) as fillers:
            until('they write', lambda: all(len(f.acked) > 20 for f in fillers))
            self.order(operation, 'EIO')
            until_refused(c)
            with server.connect() as other:
                raises_misconf(other, 'SET', 'old', 'x')
                self.assertEqual(other.call('GET', 'old'), b'value')
            self.expect_logged(server, 'Error writing to the AOF file: Input/output error')
            heal(c, fillers, lambda: self.lift(operation))
        self.assertEqual([f.wrong for f in fillers], [None, None])
        self.crash(server)
        self.check_files(self.disk)
        server, c = self.restart(shards, home=self.disk)
        self.assertEqual([f.missing(c) for f in fillers], [[], []])
        self.stop(server)

    def test_a_log_whose_writes_fail(self):
        for shards in SHARDS:
            with self.subTest(shards=shards):
                self.anew()
                self.fail_and_heal(shards, 'write')

    def test_a_log_whose_syncs_fail(self):
        for shards in SHARDS:
            with self.subTest(shards=shards):
                self.anew()
                self.fail_and_heal(shards, 'fsync')

    def test_a_log_that_is_slow(self):
        """Under everysec nobody waits for a sync, and a write to the file no longer than two seconds; under always who
        writes does, and nobody else."""
        self.anew()
        server, c = self.restart(1, {'appendfsync': 'everysec'}, home=self.disk)
        self.order('fsync', SLOW_S)
        with Prober(server) as prober:
            until('a write did not wait for ever', lambda: c.call_raw('INCR', 'n')[:1] == b':' and persistence(c)['aof_delayed_fsync'] != '0')
            self.assertLess(prober.worst_s, SERVED_S)
            c.call('CONFIG', 'SET', 'appendfsync', 'always')
            begin_s = time.monotonic()
            c.call('SET', 'slow', 'value')
            self.assertGreater(time.monotonic() - begin_s, SLOW_S * 0.9)
            self.assertLess(prober.worst_s, SERVED_S)
        self.lift('fsync')
        self.stop(server)

    def test_a_snapshot_that_fails(self):
        for shards in SHARDS:
            for operation in ('write', 'fsync'):
                with self.subTest(shards=shards, operation=operation):
                    self.anew()
                    server = self.start({'dir': self.disk, 'save': '3600 1', 'rdbcompression': 'no', 'shards': shards})
                    c = server.connect()
                    self.addCleanup(c.close)
                    c.call('MSET', *(w for i in range(1000) for w in ('key%d' % i, 'x' * 1000)))
                    c.call('SAVE')
                    with open(os.path.join(self.disk, 'dump.rdb'), 'rb') as f:
                        before = f.read()
                    self.order(operation, 'EIO')
                    self.assertRaises(ReplyError, c.call, 'SAVE')
                    c.call('BGSAVE')
                    until('it has failed', lambda: persistence(c)['rdb_bgsave_in_progress'] == '0')
                    self.assertEqual(persistence(c)['rdb_last_bgsave_status'], 'err')
                    self.assertRaisesRegex(ReplyError, 'MISCONF', c.call, 'SET', 'k', 1)
                    self.assertEqual(os.listdir(self.disk), ['dump.rdb'])
                    with open(os.path.join(self.disk, 'dump.rdb'), 'rb') as f:
                        self.assertEqual(f.read(), before)
                    self.lift(operation)
                    c.call('SAVE')
                    self.assertEqual(c.call('SET', 'k', 1), b'OK')

    def test_files_that_cannot_be_read(self):
        """The start ends with the file, where, and why."""
        self.anew()
        server, c = self.restart(1, home=self.disk)
        c.call('MSET', *(w for i in range(1000) for w in ('key%d' % i, 'x' * 1000)))
        self.stop(server)
        self.order('read', 'EIO')
        server = self.server(home=self.disk)
        with self.assertRaises(RuntimeError):
            server.start()
            until('it ends', lambda: server.process.poll() is not None)
            raise RuntimeError
        self.assertRegex(server.log(), 'appendonly.aof.*Input/output error')
        self.lift('read')
        server, c = self.restart(1, home=self.disk)
        self.assertEqual(c.call('DBSIZE'), 1000)
        self.stop(server)


if __name__ == '__main__':
    main()
