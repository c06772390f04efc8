"""File operations by name, below the current folder: what a test asks of two trees alike.

Each returns a value in which two faithful file systems agree: no inode numbers, no block
counts, times only where they were set by hand.
"""

import ctypes
import errno
import hashlib
import mmap
import os
import random
import stat
import struct
import time

_libc = ctypes.CDLL(None, use_errno=True)
_libc.opendir.restype = ctypes.c_void_p
_libc.telldir.restype = ctypes.c_long
_AT_FDCWD = -100
_NOFOLLOW = 0x100
NOW = (1 << 30) - 1   # for utimens
OMIT = (1 << 30) - 2
SET_BY_HAND_BEFORE = 1 << 30  # seconds; tests set times in the past only
SLOTS = 6
_BIG = 1 << 20


def _call(function, *arguments):
    result = function(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _digest(data):
    return len(data), hashlib.sha1(data).hexdigest()[:12]


def _length(file):
    """Of a regular file; None for others and where there is none."""
    try:
        seen = os.stat(file)
    except (OSError, ValueError):
        return None
    return seen.st_size if stat.S_ISREG(seen.st_mode) else None


def _touch_if_of(length, file):
    """A truncation to the length that a file has sets its times on a local disk, on JuiceFS it
    does not: there they are set by hand, first, because not everybody may."""
    if _length(file) == length:
        os.utime(file)


def pattern(seed, size):
    """Bytes that tell where they came from."""
    if size < _BIG:
        return random.Random(seed).randbytes(size)
    return (random.Random(seed).randbytes(65536) * (size // 65536 + 1))[:size]


class Operations:
    """The state is a table of open files, by slot."""

    def __init__(self):
        self.files = {}
        self._begin = time.time()

    def perform(self, name, arguments):
        """("ok", value) or (errno's name, None)."""
        try:
            return "ok", getattr(self, name)(*arguments)
        except OSError as error:
            return errno.errorcode.get(error.errno, str(error.errno)), None

    def _file(self, slot):
        if slot not in self.files:
            raise OSError(errno.EBADF, "the slot is empty")
        return self.files[slot]

    def _time(self, ns):
        seconds = ns // 10**9
        if seconds < SET_BY_HAND_BEFORE:
            return ns
        return "now" if self._begin - 2 <= seconds <= time.time() + 2 else ns

    def _describe(self, seen):
        kind = stat.S_IFMT(seen.st_mode)
        sized = kind in (stat.S_IFREG, stat.S_IFLNK)
        return (oct(seen.st_mode), seen.st_uid, seen.st_gid, seen.st_nlink,
                seen.st_size if sized else None, seen.st_rdev,
                self._time(seen.st_atime_ns) if kind == stat.S_IFREG else None,
                self._time(seen.st_mtime_ns))

    # ---- open files

    def open(self, slot, path, flags, mode):
        self.close_quietly(slot)
        if flags & os.O_TRUNC:
            _touch_if_of(0, path)
        # Never waits for the other end of a FIFO.
        self.files[slot] = os.open(path, flags | os.O_NONBLOCK, mode)

    def close_quietly(self, slot):
        if slot in self.files:
            os.close(self.files.pop(slot))

    def close(self, slot):
        os.close(self._file(slot))
        del self.files[slot]

    def dup(self, slot, other):
        file = os.dup(self._file(slot))
        self.close_quietly(other)
        self.files[other] = file

    def write(self, slot, size, seed):
        return os.write(self._file(slot), pattern(seed, size))

    def pwrite(self, slot, offset, size, seed):
        return os.pwrite(self._file(slot), pattern(seed, size), offset)

    def read(self, slot, size):
        return _digest(os.read(self._file(slot), size))

    def pread(self, slot, offset, size):
        return _digest(os.pread(self._file(slot), size, offset))

    def seek(self, slot, offset, whence):
        if stat.S_ISDIR(os.fstat(self._file(slot)).st_mode):
            raise OSError(errno.EISDIR, "places in a directory are its own affair")
        return os.lseek(self._file(slot), offset, whence)

    def ftruncate(self, slot, size):
        _touch_if_of(size, self._file(slot))
        os.ftruncate(self._file(slot), size)

    def fallocate(self, slot, mode, offset, size):
        _call(_libc.fallocate, self._file(slot), mode, ctypes.c_long(offset), ctypes.c_long(size))

    def copy(self, source, target, offset_in, offset_out, size):
        return os.copy_file_range(self._file(source), self._file(target), size, offset_in,
                                  offset_out)

    def fsync(self, slot):
        os.fsync(self._file(slot))

    def fstat(self, slot):
        return self._describe(os.fstat(self._file(slot)))

    def fchmod(self, slot, mode):
        os.fchmod(self._file(slot), mode)

    def map_read(self, slot, size):
        size = min(size, os.fstat(self._file(slot)).st_size)
        if size == 0:
            return None
        with mmap.mmap(self._file(slot), size, prot=mmap.PROT_READ) as view:
            return _digest(view[:])

    def map_write(self, slot, offset, size, seed):
        size = min(offset + size, os.fstat(self._file(slot)).st_size) - offset
        if size <= 0:
            return None
        with mmap.mmap(self._file(slot), offset + size, flags=mmap.MAP_SHARED,
                       prot=mmap.PROT_READ | mmap.PROT_WRITE) as view:
            view[offset:offset + size] = pattern(seed, size)
            view.flush()
        return size

    # ---- names

    def mkdir(self, path, mode):
        os.mkdir(path, mode)

    def rmdir(self, path):
        os.rmdir(path)

    def unlink(self, path):
        os.unlink(path)

    def rename(self, old, new, flags):
        _call(_libc.renameat2, _AT_FDCWD, old, _AT_FDCWD, new, flags)

    def link(self, old, new):
        os.link(old, new, follow_symlinks=False)

    def symlink(self, target, path):
        os.symlink(target, path)

    def readlink(self, path):
        return os.readlink(path)

    def mknod(self, path, mode, device):
        os.mknod(path, mode, device)

    def listing(self, path):
        with os.scandir(path) as entries:
            return sorted((e.name, e.is_dir(follow_symlinks=False), e.is_symlink())
                          for e in entries)

    def seek_listing(self, path, position):
        """Reading on from a remembered place gives the same names again."""
        folder = _libc.opendir(path)
        if not folder:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        try:
            before = _names(folder, position)
            place = _libc.telldir(ctypes.c_void_p(folder))
            rest = _names(folder)
            _libc.seekdir(ctypes.c_void_p(folder), ctypes.c_long(place))
            again = _names(folder)
            _libc.rewinddir(ctypes.c_void_p(folder))
            whole = _names(folder)
            return rest == again, sorted(before + rest) == sorted(whole), sorted(whole)
        finally:
            _libc.closedir(ctypes.c_void_p(folder))

    # ---- attributes

    def stat(self, path):
        return self._describe(os.stat(path))

    def lstat(self, path):
        return self._describe(os.lstat(path))

    def access(self, path, mode):
        _call(_libc.access, path, mode)

    def chmod(self, path, mode):
        os.chmod(path, mode)

    def chown(self, path, uid, gid):
        os.chown(path, uid, gid)

    def lchown(self, path, uid, gid):
        os.lchown(path, uid, gid)

    def utimens(self, path, times, follow):
        """times: two pairs of seconds and nanoseconds (or NOW, OMIT)."""
        packed = struct.pack("=qqqq", *times[0], *times[1])
        _call(_libc.utimensat, _AT_FDCWD, path, packed, 0 if follow else _NOFOLLOW)

    def truncate(self, path, size):
        _touch_if_of(size, path)
        os.truncate(path, size)

    def statfs(self, path):
        seen = os.statvfs(path)
        return (seen.f_namemax, seen.f_bavail <= seen.f_bfree <= seen.f_blocks,
                seen.f_ffree <= seen.f_files)

    def setxattr(self, path, name, value, flags, follow):
        os.setxattr(path, name, value, flags, follow_symlinks=follow)

    def getxattr(self, path, name, follow):
        return os.getxattr(path, name, follow_symlinks=follow)

    def listxattr(self, path, follow):
        return sorted(os.listxattr(path, follow_symlinks=follow))

    def removexattr(self, path, name, follow):
        os.removexattr(path, name, follow_symlinks=follow)


class _Entry(ctypes.Structure):
    _fields_ = [("ino", ctypes.c_uint64), ("offset", ctypes.c_int64),
                ("size", ctypes.c_uint16), ("kind", ctypes.c_uint8),
                ("name", ctypes.c_char * 256)]


def _names(folder, limit=None):
    """Up to limit names from the current place of an open folder, without . and .."""
    _libc.readdir.restype = ctypes.POINTER(_Entry)
    found = []
    while limit is None or len(found) < limit:
        entry = _libc.readdir(ctypes.c_void_p(folder))
        if not entry:
            break
        name = entry.contents.name
        if name not in (b".", b".."):
            found.append(name)
    return found
