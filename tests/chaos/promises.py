"""What the log of a worker (promise_worker.py) promises, and whether it holds.

Each line is a JSON list: ["?", operation, arguments ...] before an operation, then ["!"] once it
has returned, or ["x", errno]. The operation at the end of a log without an answer may have taken
effect or not; everything before it must be there, exactly once.
"""

import collections
import copy
import errno
import json
import stat

from support import pictures
from support.operations import SET_BY_HAND_BEFORE

UNSURE = (errno.ENOTCONN, errno.ECONNABORTED, errno.EIO, errno.ENODEV, errno.EINTR)
KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE = 1, 2, 0x10


class Tree:
    """Paths and what is behind them. Objects are shared by hard links, and by the handle of a file
    that was removed while it was open."""

    def __init__(self, places=("",)):
        """places: the folders that all of it lies in; they are there, and nothing is said of
        them."""
        self.places = list(places)
        self.paths = {}
        self.held = None

    def files(self):
        return [p for p, o in self.paths.items() if o["kind"] == "file"]

    def folders(self):
        return [p for p, o in self.paths.items() if o["kind"] == "folder"]

    def inside(self, folder):
        return [p for p in self.paths if p != folder and p.startswith(folder + "/")]

    def do(self, name, *args):
        getattr(self, name)(*args)

    def _new(self, path, kind, mode, **more):
        self.paths[path] = {"kind": kind, "mode": mode, "owner": (0, 0), "times": None,
                            "xattr": {}, **more}

    def create(self, path, text):
        self._new(path, "file", 0o644, data=text.encode())

    def mknod(self, path, mode):
        self._new(path, "file", mode, data=b"")

    def fifo(self, path, mode):
        self._new(path, "fifo", mode)

    def mkdir(self, path):
        self._new(path, "folder", 0o755)

    def symlink(self, target, path):
        self.paths[path] = {"kind": "link", "target": target}

    def link(self, old, path):
        self.paths[path] = self.paths[old]

    def unlink(self, path):
        del self.paths[path]

    rmdir = unlink

    def unlink_open(self, path):
        """Removed while it is open, written and read once more, closed; other names may be left."""
        it = self.paths.pop(path)
        self._contents(it, b"gone" + it["data"][4:])

    def hold(self, path):
        """Opened, then removed: the handle stays."""
        self.held = self.paths.pop(path)

    def write_held(self, at, text):
        self._write(self.held, at, text)

    def read_held(self):
        pass

    def let_go(self):
        self.held = None

    def rename(self, old, new):
        if self.paths.get(new) is self.paths[old]:
            return  # two names of one file
        self._move(old, new)

    rename_new = rename

    def rename_refused(self, old, new):
        pass

    def _move(self, old, new):
        for path in self.inside(old):
            self.paths[new + path[len(old):]] = self.paths.pop(path)
        self.paths[new] = self.paths.pop(old)

    def exchange(self, one, other):
        self._move(one, "\0")
        self._move(other, one)
        self._move("\0", other)

    @staticmethod
    def _contents(it, data):
        it["data"] = data
        if it["times"]:
            it["times"] = (it["times"][0], None)  # of access, by hand; of change: now

    def _write(self, it, at, text):
        data = it["data"].ljust(at, b"\0")
        self._contents(it, data[:at] + text.encode() + data[at + len(text):])

    def write(self, path, at, text):
        self._write(self.paths[path], at, text)

    write_locked = write

    def truncate(self, path, size):
        it = self.paths[path]
        if size != len(it["data"]):
            self._contents(it, it["data"][:size].ljust(size, b"\0"))

    def fallocate(self, path, mode, at, size):
        it = self.paths[path]
        data, end = it["data"], at + size
        if mode & (PUNCH_HOLE | ZERO_RANGE):
            within = data[at:end]
            data = data[:at] + b"\0" * len(within) + data[at + len(within):]
        self._contents(it, data if mode & KEEP_SIZE else data.ljust(end, b"\0"))

    def copy(self, source, path):
        it, data = self.paths[path], self.paths[source]["data"]
        if data or it["data"]:
            self._contents(it, data)

    def copy_range(self, source, path, at, to, size):
        piece = self.paths[source]["data"][at:at + size]
        self._write(self.paths[path], to, piece.decode())

    def chmod(self, path, mode):
        self.paths[path]["mode"] = mode

    def chown(self, path, uid, gid):
        self.paths[path]["owner"] = (uid, gid)

    def utimens(self, path, atime, mtime):
        self.paths[path]["times"] = (atime, mtime)

    def setxattr(self, path, name, text):
        self.paths[path]["xattr"][name] = text

    def removexattr(self, path, name):
        del self.paths[path]["xattr"][name]

    def picture(self):
        """{path: what scan() finds}"""
        links = {}
        for it in self.paths.values():
            links[id(it)] = links.get(id(it), 0) + 1
        found = {}
        for path, it in self.paths.items():
            if it["kind"] == "link":
                found[path] = ("link", it["target"])
                continue
            common = (it["kind"], it["mode"], it["owner"], sorted(it["xattr"].items()))
            if it["kind"] == "folder":
                found[path] = common
            else:
                found[path] = (*common, links[id(it)], it["times"] or (None, None),
                               it.get("data", b""))
        return found


def seen(it):
    """A Seen (support/pictures.py), as Tree.picture() has it. Times count where they were set by
    hand."""
    if it.kind == stat.S_IFLNK:
        return ("link", it.data.decode())
    xattrs = sorted((name, value.decode()) for name, value in it.xattrs.items()
                    if name.startswith("user."))
    kind = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFIFO: "fifo"}[it.kind]
    common = (kind, it.mode, it.owner, xattrs)
    if it.kind == stat.S_IFDIR:
        return common
    times = tuple(ns if ns < SET_BY_HAND_BEFORE * 10**9 else None
                  for ns in (it.atime, it.times[0]))
    return (*common, it.nlink, times, it.data)


def scan(root):
    """What is really there, as Tree.picture() has it."""
    return {path: seen(it) for path, it in pictures.look(root).items()}


def promised(log, places=("",)):
    """(tree, tree): with and without the operation that has no answer; and how many of each kind
    were."""
    sure, asked, count = Tree(places), None, collections.Counter()
    with open(log) as lines:
        for line in lines:
            if not line.endswith("\n"):
                break  # torn: of an operation that has not begun
            mark, *words = json.loads(line)
            if mark == "?":
                asked = words
            elif mark == "!":
                sure.do(*asked)
                count[asked[0]] += 1
                asked = None
            elif words[0] not in UNSURE:
                asked = None
    perhaps = copy.deepcopy(sure)
    if asked:
        perhaps.do(*asked)
    return (sure, perhaps), count


def complaints(log, root):
    """What of the promises of `log` does not hold at `root`; and how many there are."""
    return complaints_of(log, scan(root))


def complaints_of(log, there, places=("",)):
    """The same of what scan() has found of the names that only the worker of `log` uses."""
    trees, count = promised(log, places)
    wanted = [tree.picture() for tree in trees]
    if there in wanted or half_done(there, *wanted):
        return [], count
    best = min((differences(picture, there) for picture in wanted), key=len)
    return best, count


def half_done(there, before, after):
    """An operation of several calls (create or truncate, then write) may be half done."""
    changed = [path for path in before.keys() | after.keys()
               if before.get(path) != after.get(path)]
    rest = {p: it for p, it in there.items() if p not in changed}
    if rest != {p: it for p, it in after.items() if p not in changed}:
        return False
    for path in changed:
        was, will, now = before.get(path), after.get(path), there.get(path)
        if now in (was, will):
            continue
        # Only its contents, and the time of their change, are between the two.
        if not now or not will or now[0] != "file" or now[:5] != will[:5]:
            return False
        old = was if was and was[0] == "file" else (*will[:6], b"")
        size = len(will[6])
        if now[5] not in (old[5], will[5]):
            return False
        if now[6] not in (old[6], old[6][:size].ljust(size, b"\0")):  # copy truncates, then writes
            return False
    return True


def differences(wanted, there):
    return [f"{path or '.'}: promised {wanted.get(path)}, there is {there.get(path)}"
            for path in sorted(wanted.keys() | there.keys()) if wanted.get(path) != there.get(path)]
