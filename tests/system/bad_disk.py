#!/usr/bin/python3
"""A file system (FUSE) that shows a folder, and is as bad a disk as it is told to be.

    bad_disk.py FOLDER MOUNTPOINT ORDERS     until it is unmounted

An order is a file in ORDERS, named read, write or fsync, which counts from the moment at which it is there: a number is
how many seconds each such operation takes, a name of errno what each of them fails with. Run by the system's Python, for
which the package python3-fusepy is.
"""
import errno
import os
import sys
import time

from fusepy import FUSE, FuseOSError, Operations


class BadDisk(Operations):
    def __init__(self, folder, orders):
        self.folder, self.orders = folder, orders

    def obey(self, operation):
        try:
            with open(os.path.join(self.orders, operation)) as order:
                told = order.read().strip()
        except FileNotFoundError:
            return
        if told.isalpha():
            raise FuseOSError(getattr(errno, told))
        time.sleep(float(told or 0))

    def path(self, path):
        return os.path.join(self.folder, path.lstrip('/'))

    # ---- what a disk does

    def read(self, path, size, offset, fh):
        self.obey('read')
        return os.pread(fh, size, offset)

    def write(self, path, data, offset, fh):
        self.obey('write')
        return os.pwrite(fh, data, offset)

    def fsync(self, path, datasync, fh):
        self.obey('fsync')
        os.fdatasync(fh)

    def fsyncdir(self, path, datasync, fh):
        self.obey('fsync')

    # ---- and what is only passed on

    def access(self, path, mode):
        if not os.access(self.path(path), mode):
            raise FuseOSError(errno.EACCES)

    def getattr(self, path, fh=None):
        facts = os.lstat(self.path(path))
        return {name: getattr(facts, name) for name in ('st_mode', 'st_nlink', 'st_uid', 'st_gid', 'st_size', 'st_atime', 'st_mtime', 'st_ctime', 'st_blocks')}

    def readdir(self, path, fh):
        return ['.', '..', *os.listdir(self.path(path))]

    def open(self, path, flags):
        return os.open(self.path(path), flags)

    def create(self, path, mode, fi=None):
        return os.open(self.path(path), os.O_RDWR | os.O_CREAT, mode)

    def truncate(self, path, length, fh=None):
        os.truncate(self.path(path), length)

    def release(self, path, fh):
        os.close(fh)

    def rename(self, old, new):
        os.rename(self.path(old), self.path(new))

    def unlink(self, path):
        os.unlink(self.path(path))

    def mkdir(self, path, mode):
        os.mkdir(self.path(path), mode)

    def rmdir(self, path):
        os.rmdir(self.path(path))

    def chmod(self, path, mode):
        os.chmod(self.path(path), mode)

    def statfs(self, path):
        facts = os.statvfs(self.path(path))
        return {name: getattr(facts, name) for name in ('f_bsize', 'f_frsize', 'f_blocks', 'f_bfree', 'f_bavail', 'f_files', 'f_ffree', 'f_namemax')}


if __name__ == '__main__':
    FUSE(BadDisk(sys.argv[1], sys.argv[3]), sys.argv[2], foreground=True, nothreads=False, big_writes=True)
