"""A workload of every operation that keeps a log outside of the mount, and what that log promises.

Each line is a JSON list: ["?", operation, arguments ...] before an operation, then ["!"] once it
has returned, or ["x", errno]. The operation at the end of a log without an answer may have taken
effect or not; everything before it must be there, exactly once.
"""

import copy
import errno
import json
import os
import random
import stat
import sys
import time

# It did nothing, and the worker goes on: the server is away, or the change clashes.
HARMLESS = (errno.EROFS,)
UNSURE = (errno.ENOTCONN, errno.ECONNABORTED, errno.EIO, errno.ENODEV, errno.EINTR)
FILES_MAX = 40


class Tree:
    """Paths and what is behind them. Objects are shared by hard links."""

    def __init__(self, places=("",)):
        """places: the folders that all of it lies in; they are there, and nothing is said of
        them."""
        self.places = list(places)
        self.paths = {}

    def files(self):
        return [p for p, o in self.paths.items() if o["kind"] == "file"]

    def folders(self):
        return [p for p, o in self.paths.items() if o["kind"] == "folder"]

    def inside(self, folder):
        return [p for p in self.paths if p != folder and p.startswith(folder + "/")]

    def do(self, name, *args):
        getattr(self, name)(*args)

    def create(self, path, text):
        self.paths[path] = {"kind": "file", "mode": 0o644, "xattr": {}, "data": text.encode()}

    def mkdir(self, path):
        self.paths[path] = {"kind": "folder", "mode": 0o755, "xattr": {}}

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
        it["data"] = b"gone" + it["data"][4:]

    def rename(self, old, new):
        if self.paths.get(new) is self.paths[old]:
            return  # two names of one file
        for path in self.inside(old):
            self.paths[new + path[len(old):]] = self.paths.pop(path)
        self.paths[new] = self.paths.pop(old)

    def exchange(self, one, other):
        self.paths[one], self.paths[other] = self.paths[other], self.paths[one]

    def write(self, path, at, text):
        data = self.paths[path]["data"].ljust(at, b"\0")
        self.paths[path]["data"] = data[:at] + text.encode() + data[at + len(text):]

    def truncate(self, path, size):
        self.paths[path]["data"] = self.paths[path]["data"][:size].ljust(size, b"\0")

    def copy(self, source, path):
        self.paths[path]["data"] = self.paths[source]["data"]

    def chmod(self, path, mode):
        self.paths[path]["mode"] = mode

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
            elif it["kind"] == "folder":
                found[path] = ("folder", it["mode"], sorted(it["xattr"].items()))
            else:
                found[path] = ("file", it["mode"], sorted(it["xattr"].items()), links[id(it)],
                               it["data"])
        return found


def attributes(path):
    return sorted((name, os.getxattr(path, name).decode()) for name in os.listxattr(path)
                  if name.startswith("user."))


def scan(root):
    """What is really there, as Tree.picture() has it."""
    found = {}

    def look(path, short):
        seen = os.lstat(path)
        mode = stat.S_IMODE(seen.st_mode)
        if stat.S_ISLNK(seen.st_mode):
            found[short] = ("link", os.readlink(path))
        elif stat.S_ISDIR(seen.st_mode):
            found[short] = ("folder", mode, attributes(path))
            for name in os.listdir(path):
                look(f"{path}/{name}", f"{short}/{name}")
        else:
            with open(path, "rb") as file:
                found[short] = ("file", mode, attributes(path), seen.st_nlink, file.read())
    for name in os.listdir(root):
        look(f"{root}/{name}", f"/{name}")
    return found


def promised(log, places=("",)):
    """(tree, tree): with and without the operation that has no answer; and how many were."""
    sure, asked, count = Tree(places), None, 0
    with open(log) as lines:
        for line in lines:
            if not line.endswith("\n"):
                break  # torn: of an operation that has not begun
            mark, *words = json.loads(line)
            if mark == "?":
                asked = words
            elif mark == "!":
                sure.do(*asked)
                asked = None
                count += 1
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
    pictures = [tree.picture() for tree in trees]
    if there in pictures or half_done(there, *pictures):
        return [], count
    best = min((differences(picture, there) for picture in pictures), key=len)
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
        # Only its contents are between the two.
        if not now or not will or now[0] != "file" or now[:4] != will[:4]:
            return False
        old = was[4] if was and was[0] == "file" else b""
        size = len(will[4])
        if now[4] not in (old, old[:size].ljust(size, b"\0")):  # copy truncates, then writes
            return False
    return True


def differences(wanted, there):
    return [f"{path or '.'}: promised {wanted.get(path)}, there is {there.get(path)}"
            for path in sorted(wanted.keys() | there.keys()) if wanted.get(path) != there.get(path)]


# -- the worker: python3 promises.py ROOT LOG SEED PAUSE_S PREFIX PLACE ...

class Worker:
    def __init__(self, root, log, seed, pause_s, prefix, places):
        """Rests between operations for up to pause_s. All its names begin with prefix, so that
        others may work in the same places."""
        self.root, self.dice = root, random.Random(seed)
        self.pause_s, self.prefix = pause_s, prefix
        self.log = open(log, "a", buffering=1)
        self.tree = Tree(places)
        self.device = os.stat(root).st_dev
        self.count = 0

    def at(self, path):
        return self.root + path

    def note(self, *words):
        # The folder below a mount that has gone promises nothing.
        try:
            if words[0] != "?" and os.stat(self.root).st_dev != self.device:
                sys.exit(0)
        except OSError:
            sys.exit(0)
        self.log.write(json.dumps(words) + "\n")

    def run(self):
        while True:
            self.count += 1
            plan = self.plan()
            if not plan:
                continue
            if self.pause_s:
                time.sleep(self.dice.uniform(0, self.pause_s))
            name, *args = plan
            self.note("?", *plan)
            try:
                getattr(self, "do_" + name)(*args)
            except OSError as error:
                self.note("x", error.errno)
                if error.errno not in HARMLESS:
                    sys.exit(0 if error.errno in UNSURE else 3)
                continue
            self.note("!")
            self.tree.do(*plan)

    def plan(self):
        tree, dice = self.tree, self.dice
        files, folders = tree.files(), tree.folders()
        new = f"{dice.choice(tree.places + folders)}/{self.prefix}{self.count}"
        text = f"{self.count}" * dice.randint(1, 30)
        kinds = ["create", "create", "mkdir", "symlink", "link", "rename", "rename", "write",
                 "write", "truncate", "chmod", "setxattr", "removexattr", "unlink", "unlink_open",
                 "rmdir", "exchange", "copy", "onto"]
        kind = dice.choice(kinds)
        if kind == "create" and len(files) < FILES_MAX:
            return ("create", new, text)
        if kind == "mkdir" and len(folders) < 7 and new.count("/") < 5:
            return ("mkdir", new)
        if kind == "symlink" and len(tree.paths) < 2 * FILES_MAX:
            return ("symlink", text, new)
        if kind == "rmdir":
            empty = [p for p in folders if not tree.inside(p)]
            return ("rmdir", dice.choice(empty)) if empty else None
        if kind == "rename":
            old = dice.choice(list(tree.paths) or [""])
            return ("rename", old, new) if old and not new.startswith(old + "/") else None
        if kind == "unlink" and len(files) < FILES_MAX // 2:
            return None
        if not files:
            return None
        one, other = dice.choice(files), dice.choice(files)
        it = tree.paths[one]
        if kind == "link":
            return ("link", one, new) if len(files) < FILES_MAX else None
        if kind in ("unlink", "unlink_open"):
            return (kind, one)
        if kind == "write":
            return ("write", one, dice.randint(0, len(it["data"]) + 10), text)
        if kind == "truncate":
            return ("truncate", one, dice.randint(0, 100))
        if kind == "chmod":
            return ("chmod", one, dice.choice([0o600, 0o640, 0o777]))
        if kind == "setxattr":
            return ("setxattr", one, f"user.{dice.randint(0, 3)}", text)
        if kind == "removexattr":
            return ("removexattr", one, dice.choice(list(it["xattr"]))) if it["xattr"] else None
        if kind == "copy":
            return ("copy", one, other) if it is not tree.paths[other] else None
        if kind == "onto":  # rename over something
            return ("rename", one, other) if one != other else None
        if kind == "exchange":
            return ("exchange", one, other) if one != other else None
        return None

    # Contents count as acknowledged when the file is closed: the close tells of lost data.

    def do_create(self, path, text):
        with open(self.at(path), "xb", buffering=0) as file:
            file.write(text.encode())

    def do_write(self, path, at, text):
        with open(self.at(path), "r+b", buffering=0) as file:
            file.seek(at)
            file.write(text.encode())

    def do_copy(self, source, path):
        with open(self.at(source), "rb") as file:
            data = file.read()
        with open(self.at(path), "r+b", buffering=0) as file:
            file.truncate(len(data))
            file.write(data)

    def do_unlink_open(self, path):
        with open(self.at(path), "r+b", buffering=0) as file:
            os.unlink(self.at(path))
            file.seek(0)
            file.write(b"gone")
            file.seek(0)
            assert file.read(4) == b"gone"

    def do_mkdir(self, path):
        os.mkdir(self.at(path))

    def do_symlink(self, target, path):
        os.symlink(target, self.at(path))

    def do_link(self, old, path):
        os.link(self.at(old), self.at(path))

    def do_unlink(self, path):
        os.unlink(self.at(path))

    def do_rmdir(self, path):
        os.rmdir(self.at(path))

    def do_rename(self, old, new):
        os.rename(self.at(old), self.at(new))

    def do_exchange(self, one, other):
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        exchange = 2
        if libc.renameat2(-100, self.at(one).encode(), -100, self.at(other).encode(), exchange):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def do_truncate(self, path, size):
        os.truncate(self.at(path), size)

    def do_chmod(self, path, mode):
        os.chmod(self.at(path), mode)

    def do_setxattr(self, path, name, text):
        os.setxattr(self.at(path), name, text.encode())

    def do_removexattr(self, path, name):
        os.removexattr(self.at(path), name)


if __name__ == "__main__":
    os.umask(0o022)
    root, log, seed, pause, prefix, *places = sys.argv[1:]
    Worker(root, log, int(seed), float(pause), prefix, places).run()
