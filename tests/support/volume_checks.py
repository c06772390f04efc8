"""What the standard client's own tools, and a count of our own, say about a volume at rest."""

import json
import re
import stat
import os
import subprocess

from support.process import wait_until

# What a client shows in its root beside what is there.
VIRTUAL = (".trash", ".accesslog", ".config", ".stats", ".control")

_BAD = re.compile(r"ERROR|FATAL|broken|should be repaired|missing|WARNING.*(nlink|stat)", re.I)
_OF_STATS = re.compile(r"usage stat of .* is missing|[Ss]tat of path .* should be synced|"
                       r"FATAL.*some errors occurred")


def fsck(juicefs, volume, stats=True):
    """Complaints of `juicefs fsck`, of the data, of every path and of statistics.

    stats=False: statistics that are off are mended first, and are no complaint.
    """
    complaints = []
    ways = [[], ["--path", "/", "-r"], ["--path", "/", "-r", "--sync-dir-stat"]]
    if not stats:
        done = juicefs.run("fsck", volume.url, *ways[2], "--repair")
        complaints += [f"fsck: {line}" for line in done.stdout.splitlines()
                       if _BAD.search(line) and not _OF_STATS.search(line)]
    for way in ways:
        done = juicefs.run("fsck", volume.url, *way)
        lines = [line for line in done.stdout.splitlines() if _BAD.search(line)]
        if done.returncode != 0:
            lines.append(f"exit code {done.returncode}: {done.stdout[-400:]}")
        complaints += [f"fsck {' '.join(way)}: {line}" for line in lines]
    return complaints


def gc(juicefs, volume):
    """Complaints of `juicefs gc`: anything leaked, skipped as too young, or pending deletion."""
    done = juicefs.run("gc", volume.url)
    complaints = [] if done.returncode == 0 else [f"gc: exit code {done.returncode}"]
    summary = [line for line in done.stdout.splitlines() if "leaked" in line]
    if not summary:
        complaints.append(f"gc: no summary in {done.stdout[-400:]}")
    for line in summary:
        for count, what in re.findall(r"(\d+) (leaked[a-z ]*)", line):
            if int(count):
                complaints.append(f"gc: {count} {what}: {line}")
    return complaints


def dump(juicefs, volume, path, trash=True):
    """The parsed `juicefs dump`."""
    options = [] if trash else ["--skip-trash"]
    done = juicefs.run("dump", *options, volume.url, path)
    assert done.returncode == 0, done.stdout
    with open(path, "rb") as file:
        return json.load(file)


def counters(redis):
    """(used space, inodes) as the volume says and as counting the inodes gives."""
    said = (redis.number("usedSpace"), redis.number("totalInodes"))
    names = [key for key in redis.keys("i*") if re.fullmatch(rb"i\d+", key)]
    space = count = 0
    for name, value in zip(names, redis.pipeline(("GET", name) for name in names)):
        if value is None or int(name[1:]) in (1, 0x7FFFFFFF10000000):
            continue
        attr = Attr(value)
        count += 1
        space += max(1, -(-attr.length // 4096)) * 4096 if attr.kind == 1 else 4096
    return said, (space, count)


class Attr:
    """The fields of an inode's value that the tests look at."""

    def __init__(self, value):
        import struct
        (self.flags, mode, self.uid, self.gid, self.atime, self.atime_ns, self.mtime,
         self.mtime_ns, self.ctime, self.ctime_ns, self.nlink, self.length, self.rdev,
         self.parent) = struct.unpack_from(">BHIIqIqIqIIQIQ", value)
        self.kind = mode >> 12
        self.mode = mode & 0o7777


def slices_named(redis):
    """Those of chunk lists, and those of lists of what is to be deleted later."""
    known = set()
    names = [key for key in redis.keys("c*") if re.fullmatch(rb"c\d+_\d+", key)]
    for records in redis.pipeline(("LRANGE", name, 0, -1) for name in names):
        known |= {int.from_bytes(record[4:12], "big") for record in records}
    for field in redis.hash("delSlices").values():
        known |= {int.from_bytes(field[at:at + 8], "big") for at in range(0, len(field), 12)}
    return known


def slice_of(path):
    """Of an object; 0: half an upload."""
    return 0 if path.name.startswith(".jfs.") else int(path.name.split("_")[0])


def objects_unreferenced(volume):
    """Objects whose slice is in no chunk list (there must be none once deletions are done)."""
    with volume.redis() as redis:
        known = slices_named(redis) | {0}
    return [path for path in volume.objects() if slice_of(path) not in known]


def counters_settle(volume, timeout_s=10):
    """Waits until what the volume says is what counting gives; AssertionError otherwise."""
    with volume.redis() as redis:
        last = [None]

        def equal():
            last[0] = counters(redis)
            return last[0][0] == last[0][1]
        try:
            wait_until(equal, timeout_s, "counters", every_s=0.2)
        except TimeoutError:
            raise AssertionError(f"(space, inodes): volume says {last[0][0]}, counted {last[0][1]}")


def tree(root, skip=(b".trash", b".accesslog", b".config", b".stats")):
    """Every path below root -> (type, mode, uid, gid, link count, size, contents or target)."""
    import hashlib
    root = os.fsencode(root)
    found = {}

    def walk(folder, above):
        for entry in sorted(os.listdir(folder)):
            if not above and entry in skip:
                continue
            path = os.path.join(folder, entry)
            seen = os.lstat(path)
            kind = stat.S_IFMT(seen.st_mode)
            content = b""
            size = 0
            if kind == stat.S_IFREG:
                size = seen.st_size
                with open(path, "rb", buffering=0) as file:
                    content = hashlib.file_digest(file, "sha1").hexdigest()
            elif kind == stat.S_IFLNK:
                content = os.readlink(path)
                size = seen.st_size
            name = above + entry
            found[name] = (kind, stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_gid,
                           seen.st_nlink, size, content)
            if kind == stat.S_IFDIR:
                walk(path, name + b"/")
    walk(root, b"")
    return found


def differences(left, right, limit=10):
    """The first entries in which two mappings differ, as text."""
    names = sorted(k for k in left.keys() | right.keys() if left.get(k) != right.get(k))
    return [f"{name!r}: {left.get(name)} != {right.get(name)}" for name in names[:limit]]
