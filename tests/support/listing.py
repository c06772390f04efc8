"""Folders that are too large to be listed at once."""

import ctypes
import os

from support.process import wait_until

_FILL = """
local attr = redis.call('GET', KEYS[1])
for n = 1, tonumber(ARGV[1]) do
  local ino = 1000 + n
  redis.call('HSET', KEYS[2], string.format('name%06d', n),
             string.char(1) .. struct.pack('>L', ino))
  redis.call('SET', 'i' .. ino, attr)
end
"""
_SYS_GETDENTS64 = 217

_libc = ctypes.CDLL(None, use_errno=True)


def fill(mount, entries):
    """A folder of the mount that another client has filled; see names()."""
    os.mkdir(mount.path("folder"))
    with open(mount.path("model"), "wb"):
        pass
    inode = {name: os.stat(mount.path(name)).st_ino for name in ("folder", "model")}
    with mount.volume.redis() as redis:
        wait_until(lambda: redis("EXISTS", f"i{inode['model']}") == 1, 10, "the file in the server")
        redis("EVAL", _FILL, "2", f"i{inode['model']}", f"d{inode['folder']}", str(entries))
    # What the mount knew of the folder holds until the server's news is there, a moment later.
    last = mount.path("folder", f"name{entries:06d}")
    wait_until(lambda: os.path.exists(last), 10, "the mount to see the folder filled")
    return mount.path("folder")


def names(count):
    return {f"name{n:06d}" for n in range(1, count + 1)}


class Listing:
    """A directory that is read a little at a time."""

    def __init__(self, path, look=lambda path: None):
        """look: is called with the path of each entry that was read."""
        self._path = path
        self._look = look
        self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        self._buffer = ctypes.create_string_buffer(1024)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._fd)

    def some(self):
        """A few names more; [] at the end."""
        got = _libc.syscall(_SYS_GETDENTS64, self._fd, self._buffer, len(self._buffer))
        if got < 0:
            raise OSError(ctypes.get_errno(), "getdents64")
        names, at = [], 0
        while at < got:
            size = int.from_bytes(self._buffer.raw[at + 16:at + 18], "little")
            names.append(self._buffer.raw[at + 19:at + size].split(b"\0")[0].decode())
            at += size
        for name in names:
            self._look(f"{self._path}/{name}")
        return names

    def rest(self):
        names = []
        while some := self.some():
            names += some
        return names
