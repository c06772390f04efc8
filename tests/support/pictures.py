"""What lies behind the paths of a mount, and whether a dump tells the same."""

import os
import stat

from support import volume_checks

_KINDS = {stat.S_IFREG: "regular", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink",
          stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket", stat.S_IFCHR: "chardev",
          stat.S_IFBLK: "blockdev"}


class Seen:
    """What is behind a path."""

    def __init__(self, path):
        it = os.lstat(path)
        self.ino, self.kind, self.mode = it.st_ino, stat.S_IFMT(it.st_mode), it.st_mode & 0o7777
        self.nlink, self.times = it.st_nlink, (it.st_mtime_ns, it.st_ctime_ns)
        self.owner, self.data, self.size, self.xattrs = (it.st_uid, it.st_gid), b"", 0, {}
        self.atime = None if self.kind == stat.S_IFDIR else it.st_atime_ns
        if self.kind == stat.S_IFLNK:
            self.data = os.fsencode(os.readlink(path))
            return
        self.xattrs = {name: os.getxattr(path, name) for name in os.listxattr(path)}
        if self.kind == stat.S_IFREG:
            self.size = it.st_size
            with open(path, "rb") as file:
                self.data = file.read()

    def __eq__(self, other):
        return isinstance(other, Seen) and vars(self) == vars(other)

    def __str__(self):
        return str(vars(self))

    __repr__ = __str__


def look(root, places=None):
    """{path: Seen} of everything in the places, themselves included; without any, below root."""
    found = {}

    def walk(path):
        it = found[path] = Seen(root + path)
        if it.kind == stat.S_IFDIR:
            for name in os.listdir(root + path):
                walk(f"{path}/{name}")
    if places is None:
        places = [f"/{name}" for name in os.listdir(root) if name not in volume_checks.VIRTUAL]
    for place in places:
        walk(place)
    return found


def dump_differences(tree, dump):
    """In what the parsed `juicefs dump` and look()'s tree differ: types, inodes, modes, owners,
    link counts, lengths, targets, attributes, and times to the nanosecond."""
    told = {}

    def walk(node, path):
        told[path] = _told(node)
        for name, child in (node.get("entries") or {}).items():
            walk(child, f"{path}/{name}")
    walk(dump["FSTree"], "")
    told.pop("")
    shown = {path: _shown(it) for path, it in tree.items()}
    return [f"the mount and the dump differ: {one}"
            for one in volume_checks.differences(shown, told)]


def _shown(it):
    target = it.data.decode() if it.kind == stat.S_IFLNK else ""
    return (_KINDS[it.kind], it.ino, oct(it.mode), it.owner, it.nlink, it.size, target,
            sorted((name, value.decode()) for name, value in it.xattrs.items()),
            it.atime, *it.times)


def _told(node):
    attr = node["attr"]

    def ns(which):
        return attr.get(f"{which}time", 0) * 10**9 + attr.get(f"{which}timensec", 0)
    is_file, is_folder = (attr["type"] == kind for kind in ("regular", "directory"))
    return (attr["type"], attr["inode"], oct(attr.get("mode", 0)),
            (attr.get("uid", 0), attr.get("gid", 0)), attr.get("nlink", 1),
            attr.get("length", 0) if is_file else 0, node.get("symlink", ""),
            sorted((x["name"], x["value"]) for x in node.get("xattrs") or []),
            None if is_folder else ns("a"), ns("m"), ns("c"))
