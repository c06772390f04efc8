"""A random sequence of operations, replayable by its seed.

It follows the outcomes loosely, so that most operations meet something that is there; what it
believes need not be exact.
"""

import os
import random
import stat

from support.operations import NOW, OMIT, SLOTS

ODD_NAMES = [b"a", b"B", b"with space", b"new\nline", b"\xff\xfe\x80", "\u00e9\u4e16".encode(),
             b"-rf", b"*", b"back\\slash", b"tab\t", b"\x01", b"x" * 255, b".hidden", b"...",
             b"quote'\"", b"%s%n", b"lost+found.", b"trailing "]
USERS = ["root", "root", "ann", "ann", "bob"]
XATTRS = ["user.a", "user.b", "user." + "n" * 200, "user.\u00e9"]
# Setgid comes with execution by the group only: without it the kernel itself takes setgid away
# from a file on a disk where it does not on FUSE.
MODES = [0o644, 0o600, 0o666, 0o755, 0o777, 0o400, 0o000, 0o4755, 0o2755, 0o6777, 0o1777]
FOLDER_MODES = [0o755, 0o777, 0o777, 0o777, 0o700, 0o1777, 0o2777, 0o3777, 0o555]
EDGE = 64 << 20  # where one chunk of a file ends
MB = 1 << 20

WEIGHTS = {
    "open": 12, "create": 12, "close": 8, "dup": 2, "write": 10, "pwrite": 10, "read": 6,
    "pread": 8, "seek": 2, "ftruncate": 4, "fallocate": 4, "copy": 5, "fsync": 2, "fstat": 5,
    "fchmod": 1, "map_read": 3, "map_write": 3, "mkdir": 9, "rmdir": 4, "unlink": 8,
    "rename": 10, "exchange": 3, "link": 5, "symlink": 5, "readlink": 3, "mknod": 3,
    "listing": 5, "seek_listing": 3, "stat": 6, "lstat": 6, "access": 4, "chmod": 5, "chown": 4,
    "lchown": 1, "utimens": 4, "truncate": 5, "statfs": 1, "setxattr": 6, "getxattr": 4,
    "listxattr": 3, "removexattr": 3, "fill": 1,
}


class Sequence:
    def __init__(self, seed, far_writes=8):
        self._random = random.Random(seed)
        self.kinds = {b"": "d"}       # path -> d, f, l or o (other)
        self._far_left = far_writes   # operations that make a file of more than one chunk
        self._waiting = []
        self._user = "root"

    def next(self):
        """(user, operation, arguments)"""
        if self._waiting:
            return self._waiting.pop()
        r = self._random
        kind = r.choices(list(WEIGHTS), WEIGHTS.values())[0]
        self._user = r.choice(USERS)
        made = getattr(self, "_" + kind)()
        return (self._user, *made)

    def happened(self, operation, arguments, outcome):
        """Learns what is there now."""
        if outcome[0] != "ok":
            return
        if operation == "open" and arguments[2] & os.O_CREAT:
            self.kinds.setdefault(_plain(arguments[1]), "f")
        elif operation == "mkdir":
            self.kinds[_plain(arguments[0])] = "d"
        elif operation in ("rmdir", "unlink"):
            self.kinds.pop(_plain(arguments[0]), None)
        elif operation == "rename":
            self._moved(_plain(arguments[0]), _plain(arguments[1]), arguments[2])
        elif operation == "link":
            self.kinds[_plain(arguments[1])] = self.kinds.get(_plain(arguments[0]), "f")
        elif operation == "symlink":
            self.kinds[_plain(arguments[1])] = "l"
        elif operation == "mknod":
            self.kinds[_plain(arguments[0])] = "f" if stat.S_ISREG(arguments[1]) else "o"

    def _moved(self, old, new, flags):
        if old == new:
            return
        inside = self._take(old)
        if flags == 2:
            self._put(old, self._take(new))
        self._put(new, inside)

    def _take(self, path):
        below = [p for p in self.kinds if p == path or p.startswith(path + b"/")]
        return {p[len(path):]: self.kinds.pop(p) for p in below}

    def _put(self, path, inside):
        for rest, kind in inside.items():
            self.kinds[path + rest] = kind

    # ---- choices

    def _path(self, kinds="dfl", missing=0.08):
        """Something that is there, mostly; a name that is not, or an odd one, at times."""
        r = self._random
        if r.random() < missing:
            return r.choice([
                self._new(), self._new() + b"/below", self._path("f", 0) + b"/below",
                self._path("d", 0) + b"/", self._path("f", 0) + b"/",
                self._path("d", 0) + b"/" + b"y" * 256, self._path("d", 0) + b"/./.",
                b"", self._above(self._path("d", 0)), b"nowhere/at/all"])
        fitting = [p for p, kind in self.kinds.items() if kind in kinds]
        # Recent ones more often, so that chains of operations meet.
        if not fitting:
            return b"."
        if r.random() < 0.4:
            fitting = fitting[-12:]
        return r.choice(fitting) or b"."

    @staticmethod
    def _above(folder):
        # Never out of the tree.
        return folder + b"/.." if folder != b"." else folder

    def _new(self):
        r = self._random
        above = self._path("d", 0)
        name = r.choice(ODD_NAMES) if r.random() < 0.3 else b"n%d" % r.randrange(400)
        path = name if above == b"." else above + b"/" + name
        # The longest path that every caller may use is 4095 bytes.
        return path if len(path) < 3000 else name

    def _slot(self):
        return self._random.randrange(SLOTS)

    def _size(self):
        r = self._random
        return r.choice([0, 1, r.randrange(100), r.randrange(5000), 4096, r.randrange(70000),
                         r.randrange(300000)])

    def _offset(self):
        r = self._random
        if self._far_left > 0 and r.random() < 0.02:
            self._far_left -= 1
            return EDGE + r.randrange(-100000, 100000)
        return r.choice([0, r.randrange(100), 4096 * r.randrange(50), r.randrange(200000),
                         r.randrange(MB)])

    def _seed(self):
        return self._random.randrange(1 << 30)

    # ---- operations

    def _open(self):
        r = self._random
        flags = r.choice([os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDWR])
        for extra, chance in ((os.O_APPEND, 0.2), (os.O_TRUNC, 0.15), (os.O_CREAT, 0.2),
                              (os.O_EXCL, 0.05), (os.O_DIRECTORY, 0.05), (os.O_NOFOLLOW, 0.1)):
            if r.random() < chance:
                flags |= extra
        if flags & os.O_CREAT:
            flags &= ~os.O_DIRECTORY  # together their meaning has changed between kernels
        elif flags & os.O_EXCL:
            flags &= ~os.O_EXCL
        path = self._path("fffffdlo")
        if flags & os.O_TRUNC:
            self._set_times_now(path)
        slot = self._slot()
        if self.kinds.get(_plain(path)) == "o":
            # The kernel opens a FIFO by itself: a file system cannot know that an unlinked one
            # is still open.
            self._waiting.append((self._user, "close", (slot,)))
        return "open", (slot, path, flags, r.choice(MODES))

    def _create(self):
        r = self._random
        flags = os.O_CREAT | r.choice([os.O_RDWR, os.O_RDWR, os.O_WRONLY])
        flags |= r.choice([0, os.O_EXCL, os.O_TRUNC, os.O_APPEND])
        path = self._new()
        if flags & os.O_TRUNC:
            self._set_times_now(path)
        return "open", (self._slot(), path, flags, r.choice(MODES))

    def _close(self):
        return "close", (self._slot(),)

    def _dup(self):
        return "dup", (self._slot(), self._slot())

    def _write(self):
        return "write", (self._slot(), self._size(), self._seed())

    def _pwrite(self):
        return "pwrite", (self._slot(), self._offset(), self._size(), self._seed())

    def _read(self):
        return "read", (self._slot(), self._size())

    def _pread(self):
        return "pread", (self._slot(), self._offset(), self._size())

    def _seek(self):
        return "seek", (self._slot(), self._offset(), self._random.choice([0, 2]))

    # A truncate to the length that a file has already leaves its times as they are, by the rules
    # of the volume; a disk sets them. So the times are set right after.

    def _ftruncate(self):
        slot = self._slot()
        self._waiting.append((self._user, "pwrite", (slot, 0, 1, self._seed())))
        return "ftruncate", (slot, self._offset())

    def _truncate(self):
        path = self._path("ffffdl")
        self._set_times_now(path)
        return "truncate", (path, self._offset())

    def _set_times_now(self, path):
        self._waiting.append(("root", "utimens", (path, [(0, NOW), (0, NOW)], True)))

    def _fallocate(self):
        mode = self._random.choice([0, 0, 1, 3, 3, 0x10, 0x11])
        return "fallocate", (self._slot(), mode, self._offset(), self._size())

    def _copy(self):
        return "copy", (self._slot(), self._slot(), self._offset(), self._offset(), self._size())

    def _fsync(self):
        return "fsync", (self._slot(),)

    def _fstat(self):
        return "fstat", (self._slot(),)

    def _fchmod(self):
        return "fchmod", (self._slot(), self._random.choice(MODES))

    def _map_read(self):
        return "map_read", (self._slot(), MB)

    def _map_write(self):
        return "map_write", (self._slot(), self._random.randrange(5000), self._size(),
                             self._seed())

    def _mkdir(self):
        return "mkdir", (self._new(), self._random.choice(FOLDER_MODES))

    def _fill(self):
        """A wide directory, listed from the middle."""
        folder = self._path("d", 0)
        count = self._random.randrange(20, 120)
        self._waiting.append(("root", "seek_listing", (folder, count // 3)))
        for n in range(count):
            self._waiting.append(("root", "mknod", (folder + b"/w%d" % n, stat.S_IFREG | 0o644,
                                                    0)))
        return "listing", (folder,)

    def _rmdir(self):
        return "rmdir", (self._path("ddddf"),)

    def _unlink(self):
        return "unlink", (self._path("ffffldo"),)

    def _rename(self):
        r = self._random
        target = self._new() if r.random() < 0.6 else self._path("dfl")
        return "rename", (self._path("dffl"), target, r.choice([0, 0, 0, 1]))

    def _exchange(self):
        return "rename", (self._path("dffl"), self._path("dffl"), self._random.choice([2, 2, 3]))

    def _link(self):
        r = self._random
        target = self._new() if r.random() < 0.8 else self._path("dfl")
        return "link", (self._path("fffldo"), target)

    def _symlink(self):
        r = self._random
        # Never out of the tree: what lies above the two differs.
        target = r.choice([self._new(), b"nowhere", b"n1", b"n2/n3", b"a", b"n%d" % r.randrange(
            400), b"t" * r.randrange(1, 1000)]).replace(b"..", b"dd")
        return "symlink", (target, self._new())

    def _readlink(self):
        return "readlink", (self._path("llllf"),)

    def _mknod(self):
        kind = self._random.choice([stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFREG, stat.S_IFCHR])
        device = os.makedev(1, 3) if kind == stat.S_IFCHR else 0
        return "mknod", (self._new(), kind | self._random.choice(MODES), device)

    def _listing(self):
        return "listing", (self._path("ddddf"),)

    def _seek_listing(self):
        return "seek_listing", (self._path("d"), self._random.randrange(12))

    def _stat(self):
        return "stat", (self._path("dflo"),)

    def _lstat(self):
        return "lstat", (self._path("dflo"),)

    def _access(self):
        return "access", (self._path("dflo"), self._random.randrange(8))

    def _chmod(self):
        path = self._path("dffo")
        modes = FOLDER_MODES if self.kinds.get(_plain(path)) == "d" else MODES
        return "chmod", (path, self._random.choice(modes))

    def _owner(self):
        r = self._random
        return r.choice([-1, 0, 1001, 1002]), r.choice([-1, 0, 1001, 1002, 2000])

    def _chown(self):
        return "chown", (self._path("dffo"), *self._owner())

    def _lchown(self):
        return "lchown", (self._path("ll"), *self._owner())

    def _utimens(self):
        r = self._random
        times = [r.choice([(r.randrange(1 << 29), r.randrange(10**9)), (0, NOW), (0, OMIT)])
                 for _ in range(2)]
        return "utimens", (self._path("dffl"), times, r.random() < 0.8)

    def _statfs(self):
        return "statfs", (self._path("df"),)

    def _setxattr(self):
        r = self._random
        value = r.choice([b"", b"v", bytes(range(100)), r.randbytes(200)])
        return "setxattr", (self._path("dfflo"), r.choice(XATTRS), value, r.choice([0, 0, 1, 2]),
                            r.random() < 0.9)

    def _getxattr(self):
        return "getxattr", (self._path("dfflo"), self._random.choice(XATTRS), True)

    def _listxattr(self):
        return "listxattr", (self._path("dfflo"), True)

    def _removexattr(self):
        return "removexattr", (self._path("dfflo"), self._random.choice(XATTRS), True)


def _plain(path):
    path = path.rstrip(b"/")
    while path.endswith(b"/."):
        path = path[:-2].rstrip(b"/")
    return b"" if path == b"." else path
