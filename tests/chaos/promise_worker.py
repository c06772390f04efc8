"""A workload of every operation that keeps a log outside of the mount: see promises.py.

python3 promise_worker.py ROOT LOG SEED PAUSE_S PREFIX PLACE ...
"""

import ctypes
import errno
import fcntl
import json
import os
import pathlib
import random
import stat
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1])]

from chaos.promises import KEEP_SIZE, PUNCH_HOLE, UNSURE, ZERO_RANGE, Tree  # noqa: E402

# It did nothing, and the worker goes on: the server is away, or the change clashes.
HARMLESS = (errno.EROFS,)
FILES_MAX = 40
HOLDING_S = 0.3      # a handle of a removed file is kept for about so long, and over what comes
NOREPLACE, EXCHANGE = 1, 2

KINDS = ["create", "create", "mkdir", "symlink", "link", "rename", "rename", "write", "write",
         "truncate", "chmod", "setxattr", "removexattr", "unlink", "unlink_open", "rmdir",
         "exchange", "copy", "onto", "chown", "utimens", "fallocate", "copy_range", "mknod", "fifo",
         "rename_new", "rename_refused", "write_locked", "hold", "write_held", "write_held",
         "read_held", "read_held"]

_libc = ctypes.CDLL(None, use_errno=True)


def call(function, *arguments):
    if function(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Worker:
    def __init__(self, root, log, seed, pause_s, prefix, places):
        """Rests between operations for up to pause_s. All its names begin with prefix, so that
        others may work in the same places."""
        self.root, self.dice = root, random.Random(seed)
        self.pause_s, self.prefix = pause_s, prefix
        self.log = open(log, "a", buffering=1)
        self.tree = Tree(places)
        self.count = 0
        self.held, self.held_until = None, 0.0
        try:
            self.device = os.stat(root).st_dev
        except OSError:
            sys.exit(0)  # the mount has gone already

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
                    if error.errno not in UNSURE:
                        print(f"{plan}: {error}", file=sys.stderr)
                    sys.exit(0 if error.errno in UNSURE else 3)
                continue
            self.note("!")
            self.tree.do(*plan)

    def plan(self):
        tree, dice = self.tree, self.dice
        if self.held and time.monotonic() > self.held_until:
            return ("let_go",)
        files, folders = tree.files(), tree.folders()
        new = f"{dice.choice(tree.places + folders)}/{self.prefix}{self.count}"
        text = f"{self.count}" * dice.randint(1, 30)
        kind = dice.choice(KINDS)
        if kind in ("create", "mknod") and len(files) < FILES_MAX:
            mode = dice.choice([0o600, 0o644])
            return ("create", new, text) if kind == "create" else ("mknod", new, mode)
        if kind == "mkdir" and len(folders) < 7 and new.count("/") < 5:
            return ("mkdir", new)
        if kind == "symlink" and len(tree.paths) < 2 * FILES_MAX:
            return ("symlink", text, new)
        if kind == "fifo" and len(tree.paths) < 2 * FILES_MAX:
            return ("fifo", new, dice.choice([0o600, 0o644]))
        if kind == "rmdir":
            empty = [p for p in folders if not tree.inside(p)]
            return ("rmdir", dice.choice(empty)) if empty else None
        if kind in ("rename", "rename_new"):
            old = dice.choice(list(tree.paths) or [""])
            return (kind, old, new) if old and not new.startswith(old + "/") else None
        if kind in ("exchange", "rename_refused"):
            return self.plan_of_two_paths(kind, list(tree.paths))
        if kind.endswith("_held"):
            return self.plan_of_the_handle(kind, text)
        if kind == "unlink" and len(files) < FILES_MAX // 2:
            return None
        return self.plan_of_a_file(kind, files, new, text) if files else None

    def plan_of_two_paths(self, kind, paths):
        if len(paths) < 2:
            return None
        one, other = self.dice.sample(paths, 2)
        if f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/"):
            return None
        return (kind, one, other)

    def plan_of_the_handle(self, kind, text):
        if not self.held:
            return None
        size = len(self.tree.held["data"])
        return (kind,) if kind == "read_held" else (kind, self.dice.randint(0, size + 10), text)

    def plan_of_a_file(self, kind, files, new, text):
        dice = self.dice
        one, other = dice.choice(files), dice.choice(files)
        it, is_other = self.tree.paths[one], self.tree.paths[other]
        size = len(it["data"])
        if kind == "link":
            return ("link", one, new) if len(files) < FILES_MAX else None
        if kind in ("unlink", "unlink_open"):
            return (kind, one)
        if kind == "hold":
            return (kind, one) if not self.held else None
        if kind in ("write", "write_locked"):
            return (kind, one, dice.randint(0, size + 10), text)
        if kind == "truncate":
            return ("truncate", one, dice.randint(0, 100))
        if kind == "fallocate":
            mode = dice.choice([0, KEEP_SIZE, PUNCH_HOLE | KEEP_SIZE, ZERO_RANGE,
                                ZERO_RANGE | KEEP_SIZE])
            return (kind, one, mode, dice.randint(0, size + 10), dice.randint(1, 100))
        if kind == "chmod":
            return ("chmod", one, dice.choice([0o600, 0o640, 0o777]))
        if kind == "chown":
            return (kind, one, dice.choice([0, 1001, 1002]), dice.choice([0, 1001, 2000]))
        if kind == "utimens":
            return (kind, one, dice.randrange(10**18), dice.randrange(10**18))
        if kind == "setxattr":
            return ("setxattr", one, f"user.{dice.randint(0, 3)}", text)
        if kind == "removexattr":
            return ("removexattr", one, dice.choice(list(it["xattr"]))) if it["xattr"] else None
        if kind == "copy":
            return ("copy", one, other) if it is not is_other else None
        if kind == "copy_range":
            if it is is_other or not size:
                return None
            at = dice.randrange(size)
            return (kind, one, other, at, dice.randint(0, len(is_other["data"]) + 10),
                    dice.randint(1, size - at))
        if kind == "onto":  # rename over something
            return ("rename", one, other) if one != other else None
        return None

    # Contents count as acknowledged when the file is closed: the close tells of lost data.

    def do_create(self, path, text):
        with open(self.at(path), "xb", buffering=0) as file:
            file.write(text.encode())

    def do_write(self, path, at, text):
        with open(self.at(path), "r+b", buffering=0) as file:
            file.seek(at)
            file.write(text.encode())

    def do_write_locked(self, path, at, text):
        with open(self.at(path), "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(at)
            file.write(text.encode())
            fcntl.flock(file, fcntl.LOCK_UN)

    def do_copy(self, source, path):
        with open(self.at(source), "rb") as file:
            data = file.read()
        with open(self.at(path), "r+b", buffering=0) as file:
            file.truncate(len(data))
            file.write(data)

    def do_copy_range(self, source, path, at, to, size):
        with open(self.at(source), "rb", buffering=0) as one, \
                open(self.at(path), "r+b", buffering=0) as other:
            copied = os.copy_file_range(one.fileno(), other.fileno(), size, at, to)
            assert copied == size, f"copied {copied} of {size}"

    def do_fallocate(self, path, mode, at, size):
        with open(self.at(path), "r+b", buffering=0) as file:
            call(_libc.fallocate, file.fileno(), mode, ctypes.c_long(at), ctypes.c_long(size))

    def do_unlink_open(self, path):
        with open(self.at(path), "r+b", buffering=0) as file:
            os.unlink(self.at(path))
            file.seek(0)
            file.write(b"gone")
            file.seek(0)
            assert file.read(4) == b"gone"

    def do_hold(self, path):
        file = open(self.at(path), "r+b", buffering=0)
        try:
            os.unlink(self.at(path))
        except OSError:
            file.close()
            raise
        self.held, self.held_until = file, time.monotonic() + self.dice.uniform(0, 2 * HOLDING_S)

    def do_write_held(self, at, text):
        os.pwrite(self.held.fileno(), text.encode(), at)
        os.fsync(self.held.fileno())

    def do_read_held(self):
        wanted = self.tree.held["data"]
        there = os.pread(self.held.fileno(), len(wanted) + 10, 0)
        assert there == wanted, f"a removed file that is open: promised {wanted}, there is {there}"

    def do_let_go(self):
        file, self.held = self.held, None
        file.close()

    def do_mknod(self, path, mode):
        os.mknod(self.at(path), stat.S_IFREG | mode)

    def do_fifo(self, path, mode):
        os.mkfifo(self.at(path), mode)

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

    def rename2(self, old, new, flags):
        call(_libc.renameat2, -100, self.at(old).encode(), -100, self.at(new).encode(), flags)

    def do_rename_new(self, old, new):
        self.rename2(old, new, NOREPLACE)

    def do_rename_refused(self, old, new):
        try:
            self.rename2(old, new, NOREPLACE)
        except FileExistsError:
            return
        raise AssertionError(f"{old} was renamed to {new}, which is there")

    def do_exchange(self, one, other):
        self.rename2(one, other, EXCHANGE)

    def do_truncate(self, path, size):
        os.truncate(self.at(path), size)

    def do_chmod(self, path, mode):
        os.chmod(self.at(path), mode)

    def do_chown(self, path, uid, gid):
        os.chown(self.at(path), uid, gid)

    def do_utimens(self, path, atime, mtime):
        os.utime(self.at(path), ns=(atime, mtime))

    def do_setxattr(self, path, name, text):
        os.setxattr(self.at(path), name, text.encode())

    def do_removexattr(self, path, name):
        os.removexattr(self.at(path), name)


if __name__ == "__main__":
    os.umask(0o022)
    root, log, seed, pause, prefix, *places = sys.argv[1:]
    Worker(root, log, int(seed), float(pause), prefix, places).run()
