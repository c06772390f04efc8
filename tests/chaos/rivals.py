"""Workers that are after the same names on several mounts, each with a log outside of it, and the
account of all their logs: what must be there in the end, given what the journals say.

A name is a pair (inode of its folder, bytes). It comes to be by some operations and goes by others,
so every acknowledged operation counts: as often as a name was given, so often it was taken, or it
is there. What a journal lists did not happen. What ended in EIO may have happened.

Each line of a log is a JSON list: ["?", operation, arguments ...] before, ["!", inode or null]
after it has returned, or ["x", errno].
"""

import collections
import ctypes
import errno
import json
import os
import random
import signal
import stat
import sys
import time

UNSURE = (errno.EIO, errno.EINTR, errno.ENOTCONN, errno.ECONNABORTED, errno.ETIMEDOUT)
AT_ONCE_S = 0.1       # for so long all are after the same
NAMES_MAX = 10        # in a folder; more are rather removed
TOKEN_BYTES = 32
NOREPLACE, EXCHANGE = 1, 2

_libc = ctypes.CDLL(None, use_errno=True)


def renameat2(source, old, target, new, flags):
    if _libc.renameat2(source, os.fsencode(old), target, os.fsencode(new), flags):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


# -- the worker: python3 rivals.py ROOT LOG SEED PAUSE_S NAME SPARED NEST PLACE ...

class Rival:
    def __init__(self, root, log, seed, pause_s, name, spared, nest, places):
        """name: begins its own names, unique. spared: names that begin so are not touched.
        nest: whether it puts folders into folders that may move."""
        self.root, self.dice, self.pause_s = root, random.Random(seed), pause_s
        self.name, self.spared, self.nest, self.places = name, spared, nest, places
        self.log = open(log, "a", buffering=1)
        self.count = 0
        self.stopped = False
        signal.signal(signal.SIGTERM, self.stop)

    def stop(self, *_):
        self.stopped = True

    def run(self):
        while not self.stopped:
            if self.pause_s:
                time.sleep(self.dice.uniform(0, self.pause_s))
            folders = []
            try:
                self.turn(folders)
            except OSError:
                pass  # on the way to the operation; those that were begun are in the log
            finally:
                for folder in folders:
                    os.close(folder)

    def note(self, *words):
        self.log.write(json.dumps(words) + "\n")

    def attempt(self, plan, action):
        """plan: as it is logged. action's value is noted."""
        self.note("?", *plan)
        try:
            result = action()
        except OSError as error:
            self.note("x", error.errno)
            raise
        self.note("!", result)
        return result

    def fresh(self):
        self.count += 1
        return f"{self.name}-{self.count}"

    def contested(self):
        """A name that the others want to make, too, at about this time."""
        return f"p{int(time.time() / AT_ONCE_S)}"

    def choice(self, some):
        """One of them; rather one that the others choose, too."""
        if self.dice.random() < 0.3:
            return self.dice.choice(some)
        return some[int(time.time() / AT_ONCE_S) % len(some)]

    def folder(self, opened, depth=2):
        """(file descriptor, inode, names) of a shared folder or of one that somebody made in it."""
        fd = os.open(f"{self.root}{self.choice(self.places)}", os.O_RDONLY | os.O_DIRECTORY)
        opened.append(fd)
        names = self.names(fd)
        for _ in range(depth):
            if not names or self.dice.random() < 0.5:
                break
            try:
                fd = os.open(self.choice(names), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW,
                             dir_fd=fd)
            except OSError as error:
                if error.errno not in (errno.ENOTDIR, errno.ENOENT, errno.ELOOP):
                    raise
                continue
            opened.append(fd)
            names = self.names(fd)
        return fd, os.fstat(fd).st_ino, names

    def names(self, fd):
        return sorted(n for n in os.listdir(fd) if not n.startswith(self.spared))

    def turn(self, opened):
        fd, ino, names = self.folder(opened)
        dice = self.dice
        kinds = ["create", "create", "mkdir", "mkdir", "symlink", "adopt"]
        if names:
            kinds += ["link", "rename", "rename", "replace", "exchange", "contents", "contents",
                      "contents", "remove", "remove", "remove", "attributes"]
        if len(names) > NAMES_MAX:
            kinds = ["remove"]
        kind = dice.choice(kinds)
        if kind in ("create", "mkdir", "symlink", "adopt"):
            name = self.contested() if kind == "adopt" or dice.random() < 0.4 else self.fresh()
            getattr(self, kind)(fd, ino, name)
        elif kind in ("contents", "attributes", "remove"):
            getattr(self, kind)(fd, ino, self.choice(names))
        else:
            there, there_ino, others = self.folder(opened)
            getattr(self, kind)(fd, ino, self.choice(names), there, there_ino, others)

    def create(self, fd, ino, name, flags=os.O_EXCL, kind="create"):
        def make():
            opened.append(os.open(name, os.O_CREAT | os.O_RDWR | flags, 0o644, dir_fd=fd))
            return os.fstat(opened[0]).st_ino
        opened = []
        try:
            made = self.attempt((kind, ino, name), make)
            token = self.token()
            self.attempt(("data", made, token), lambda: self.write(opened, token))
        finally:
            for file in opened:
                os.close(file)

    def adopt(self, fd, ino, name):
        self.create(fd, ino, name, os.O_NOFOLLOW, "adopt")

    def token(self):
        return self.fresh().ljust(TOKEN_BYTES, ".")

    @staticmethod
    def write(opened, token):
        """Closes the file: that is when it is told of a failure."""
        os.pwrite(opened[0], token.encode(), 0)
        os.close(opened.pop())

    def mkdir(self, fd, ino, name):
        self.attempt(("mkdir", ino, name), lambda: os.mkdir(name, 0o755, dir_fd=fd))

    def symlink(self, fd, ino, name):
        target = self.fresh()
        self.attempt(("symlink", ino, name, target), lambda: os.symlink(target, name, dir_fd=fd))

    def link(self, fd, ino, name, there, there_ino, _):
        new = self.fresh()
        self.attempt(("link", ino, name, there_ino, new),
                     lambda: os.link(name, new, src_dir_fd=fd, dst_dir_fd=there,
                                     follow_symlinks=False))

    def remove(self, fd, ino, name):
        if stat.S_ISDIR(os.lstat(name, dir_fd=fd).st_mode):
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
            try:
                inside = self.names(inner)
                if inside and self.dice.random() < 0.8:
                    return self.remove(inner, os.fstat(inner).st_ino, self.choice(inside))
            finally:
                os.close(inner)
            self.attempt(("rmdir", ino, name), lambda: os.rmdir(name, dir_fd=fd))
        else:
            self.attempt(("unlink", ino, name), lambda: os.unlink(name, dir_fd=fd))

    def may_move(self, fd, name, there):
        """The standard client looks for rings two levels up only: it gets no chance to make one."""
        return self.nest or not stat.S_ISDIR(os.lstat(name, dir_fd=fd).st_mode)

    def rename(self, fd, ino, name, there, there_ino, _):
        new = self.contested() if self.dice.random() < 0.3 else self.fresh()
        if self.may_move(fd, name, there):
            self.attempt(("rename", ino, name, there_ino, new),
                         lambda: renameat2(fd, name, there, new, NOREPLACE))

    def replace(self, fd, ino, name, there, there_ino, names):
        if not names or not self.may_move(fd, name, there):
            return
        new = self.choice(names)
        if (ino, name) != (there_ino, new):
            self.attempt(("replace", ino, name, there_ino, new),
                         lambda: renameat2(fd, name, there, new, 0))

    def exchange(self, fd, ino, name, there, there_ino, names):
        if not names:
            return
        new = self.choice(names)
        if (ino, name) == (there_ino, new) or not self.may_move(fd, name, there) or \
                not self.may_move(there, new, fd):
            return
        self.attempt(("exchange", ino, name, there_ino, new),
                     lambda: renameat2(fd, name, there, new, EXCHANGE))

    def contents(self, fd, ino, name):
        opened = [os.open(name, os.O_RDWR | os.O_NOFOLLOW, dir_fd=fd)]
        try:
            file = os.fstat(opened[0]).st_ino
            if self.dice.random() < 0.7:
                token = self.token()
                self.attempt(("data", file, token), lambda: self.write(opened, token))
            else:
                self.count += 1
                size = TOKEN_BYTES + self.count
                self.attempt(("size", file, size), lambda: os.ftruncate(opened[0], size))
        finally:
            for one in opened:
                os.close(one)

    def attributes(self, fd, ino, name):
        """Of an entry or, once in a while, of the folder itself."""
        if self.dice.random() < 0.1:
            opened = os.dup(fd)
        else:
            opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=fd)
        try:
            it = os.fstat(opened).st_ino
            kind = self.dice.randrange(4)
            if kind == 0:
                mode = self.dice.choice([0o700, 0o711, 0o750, 0o751, 0o775, 0o777])
                self.attempt(("mode", it, mode), lambda: os.fchmod(opened, mode))
            elif kind == 1:
                key = f"user.{self.dice.randrange(2)}"
                self.attempt(("removexattr", it, key), lambda: os.removexattr(opened, key))
            else:
                key, value = f"user.{self.dice.randrange(2)}", self.fresh()
                self.attempt(("setxattr", it, key, value),
                             lambda: os.setxattr(opened, key, value.encode()))
        finally:
            os.close(opened)


# -- the account

class Deed:
    """An operation of a log that was carried out, or perhaps."""

    def __init__(self, client, thread, kind, args, sure, made):
        self.client, self.thread, self.kind = client, thread, kind
        self.args, self.sure, self.made = args, sure, made


def deeds(log, client):
    """What a log says was done."""
    found, asked = [], None
    with open(log) as lines:
        for line in lines:
            mark, *words = json.loads(line)
            if mark == "?":
                asked = words
            elif mark == "!":
                found.append(Deed(client, str(log), asked[0], asked[1:], True, words[0]))
                asked = None
            else:
                if words[0] in UNSURE:
                    found.append(Deed(client, str(log), asked[0], asked[1:], False, None))
                asked = None
    if asked:
        found.append(Deed(client, str(log), asked[0], asked[1:], False, None))
    return found


MAKES = {"create": "create", "adopt": "create", "mkdir": "create", "symlink": "create"}
MOVES = ("rename", "replace", "exchange")
# What a deed of this kind gives and takes, at least and at most: (target), (source).
GIVES = {"create": (1, 1), "mkdir": (1, 1), "symlink": (1, 1), "link": (1, 1), "rename": (1, 1),
         "adopt": (0, 1),      # there was one, which was used
         "replace": (0, 1)}    # there was one, which is gone
TAKES = {"unlink": (1, 1), "rmdir": (1, 1), "rename": (1, 1),
         "replace": (0, 1)}    # nothing, where both are names of one file


def source_of(deed):
    return tuple(deed.args[:2])


def target_of(deed):
    return tuple(deed.args[2:4] if deed.kind == "link" or deed.kind in MOVES else deed.args[:2])


def record_of(deed):
    """What a journal calls it."""
    if deed.kind in MAKES:
        return ("create", *deed.args[:2])
    if deed.kind == "link":
        return ("link", *target_of(deed))
    if deed.kind in MOVES:
        return ("rename", *deed.args[:4])
    return (deed.kind, *deed.args[:2])


def record_of_journal(record):
    """The same of a record in a journal; None: of contents or attributes."""
    where = (record.get("parent"), record.get("name"))
    if record["op"] == "rename":
        return ("rename", *where, record["new_parent"], record["new_name"])
    if record["op"] in ("create", "link", "unlink", "rmdir"):
        return (record["op"], *where)
    return None


class Account:
    """logs: (client, path). journals: {client: records, as `conflicts` tells them in full}."""

    def __init__(self, logs, journals):
        self.deeds = [deed for client, log in logs for deed in deeds(log, client)]
        self.one_inode = self.adopted()
        self.sacrificed = collections.Counter()  # (client, record) -> how many
        self.contents_lost = set()               # (client, inode)
        for client, records in journals.items():
            for record in records:
                called = record_of_journal(record)
                if called:
                    self.sacrificed[client, called] += 1
                if record.get("ino"):
                    self.contents_lost.add((client, self.one_inode(record["ino"])))

    def kinds(self):
        """{kind: how many were acknowledged}"""
        return collections.Counter(deed.kind for deed in self.deeds if deed.sure)

    def clients(self):
        """{client: how many it had acknowledged}"""
        return collections.Counter(deed.client for deed in self.deeds if deed.sure)

    def complaints(self, tree, spared):
        """What does not hold of look()'s tree; names that begin with spared are not ours."""
        path_of = {it.ino: path for path, it in tree.items() if it.kind == stat.S_IFDIR}
        there, places = {}, {}
        for path, it in tree.items():
            above, name = os.path.split(path)
            if above == "/":
                places[0, name] = it
            elif not name.startswith(spared):
                there[tree[above].ino, name] = it

        def text(key):
            return f"{path_of.get(key[0], key[0])}/{key[1]}"
        return [*self.of_names(there, text), *self.of_objects(there, text),
                *self.of_contents(there, places, text), *of_links(tree)]

    def of_names(self, there, text):
        groups = collections.defaultdict(list)
        for deed in self.deeds:
            groups[deed.client, record_of(deed)].append(deed)
        for called, count in self.sacrificed.items():
            if len(groups[called]) < count:
                yield f"the journal of {called[0]} has {count} of {called[1]}, which nobody did"
        given, taken = (collections.defaultdict(lambda: [0, 0]) for _ in range(2))
        for called, group in groups.items():
            lost = self.sacrificed[called]
            for of, table, key in ((given, GIVES, target_of), (taken, TAKES, source_of)):
                some = [deed for deed in group if deed.kind in table]
                if some:
                    sure = sum(table[deed.kind][0] for deed in some if deed.sure)
                    most = sum(table[deed.kind][1] for deed in some)
                    of[key(some[0])][0] += max(0, sure - lost)
                    of[key(some[0])][1] += max(0, min(most, len(group) - lost))
        for key in there.keys() | given.keys() | taken.keys():
            least = given[key][0] - taken[key][1]
            most = given[key][1] - taken[key][0]
            if not least <= (key in there) <= most:
                yield (f"{text(key)}: given {given[key]}, taken {taken[key]} times, is "
                       f"{'' if key in there else 'not '}there: {self.history(key)}")

    def history(self, key):
        return [(deed.client, deed.kind, deed.args, deed.sure, deed.made,
                 self.sacrificed[deed.client, record_of(deed)])
                for deed in self.deeds if key in (source_of(deed), target_of(deed))][:8]

    def adopted(self):
        """{inode: the one that stands for it}: made at a name by those who would take another's."""
        stands, made, adopts = {}, collections.defaultdict(set), set()
        for deed in self.deeds:
            if deed.kind in ("create", "adopt") and deed.made:
                made[tuple(deed.args)].add(deed.made)
                if deed.kind == "adopt":
                    adopts.add(tuple(deed.args))

        def find(ino):
            while ino in stands:
                ino = stands[ino]
            return ino
        for key in adopts:
            first, *others = [find(ino) for ino in made[key]]
            for ino in others:
                if find(ino) != find(first):
                    stands[find(ino)] = find(first)
        return find

    def of_objects(self, there, text):
        """Whether what is behind a name can have come there."""
        objects, edges = collections.defaultdict(set), collections.defaultdict(set)
        done = collections.Counter((deed.client, record_of(deed)) for deed in self.deeds)
        for deed in self.deeds:
            called = deed.client, record_of(deed)
            if self.sacrificed[called] >= done[called]:
                continue
            key = source_of(deed)
            if deed.kind in ("create", "adopt"):
                objects[key].add(("file", self.one_inode(deed.made) if deed.made else None))
            elif deed.kind == "mkdir":
                objects[key].add(("folder", None))
            elif deed.kind == "symlink":
                objects[key].add(("link", deed.args[2]))
            elif deed.kind == "link" or deed.kind in MOVES:
                edges[key].add(target_of(deed))
                if deed.kind == "exchange":
                    edges[target_of(deed)].add(key)
        waiting = list(objects)
        while waiting:
            key = waiting.pop()
            for target in edges[key]:
                if not objects[key] <= objects[target]:
                    objects[target] |= objects[key]
                    waiting.append(target)
        for key, it in there.items():
            if it.kind == stat.S_IFREG:
                means = [("file", self.one_inode(it.ino)), ("file", None)]
            elif it.kind == stat.S_IFDIR:
                means = [("folder", None)]
            else:
                means = [("link", os.fsdecode(it.data))]
            if not objects[key] & set(means):
                yield f"{text(key)} is {it}, came to be as {objects[key]}: {self.history(key)}"

    def of_contents(self, there, places, text):
        """The last word on contents and attributes is the last of somebody's."""
        words = collections.defaultdict(lambda: collections.defaultdict(list))
        for deed in self.deeds:
            if deed.kind in ("data", "size", "mode"):
                what, value = deed.kind, deed.args[1]
            elif deed.kind in ("setxattr", "removexattr"):
                what, value = deed.args[1], deed.args[2] if deed.kind == "setxattr" else None
            else:
                continue
            # By inode as it was then, too: two that were one for some time may have parted.
            speaker = deed.thread, deed.args[0]
            words[self.one_inode(deed.args[0]), what][speaker].append((deed, value))
        for key, it in (*there.items(), *places.items()):
            if it.kind == stat.S_IFLNK:
                continue
            found = {"mode": it.mode}
            if it.kind == stat.S_IFREG:
                found["data"] = it.data[:TOKEN_BYTES].decode(errors="replace")
                found["size"] = it.size
            for name in ("user.0", "user.1"):
                found[name] = it.xattrs[name].decode() if name in it.xattrs else None
            for what, value in found.items():
                allowed = self.allowed(words[self.one_inode(it.ino), what], what, it)
                if value not in allowed:
                    yield (f"{text(key)} (inode {it.ino}): {what} is {value!r}, the last word of "
                           f"somebody was one of {allowed}")

    def allowed(self, by_speaker, what, it):
        """The values that an attribute may have."""
        found, certain = set(), False
        for spoken in by_speaker.values():
            for at, (deed, value) in enumerate(spoken):
                lost = (deed.client, self.one_inode(deed.args[0])) in self.contents_lost
                if lost or not deed.sure or not any(later.sure for later, _ in spoken[at + 1:]):
                    found.add(value)
                # Of another inode: perhaps of a file that was never this one.
                certain = certain or (deed.sure and not lost and deed.args[0] == it.ino)
        if not certain:
            found |= {"data": {"", "\0" * TOKEN_BYTES}, "size": {0, TOKEN_BYTES},
                      "mode": {0o755 if it.kind == stat.S_IFDIR else 0o644}}.get(what, {None})
        return found


def of_links(tree):
    """Link counts that are not what counting gives."""
    names, folders = collections.Counter(), collections.Counter()
    for path, it in tree.items():
        names[it.ino] += 1
        if it.kind == stat.S_IFDIR:
            folders[os.path.dirname(path)] += 1
    for path, it in tree.items():
        counted = 2 + folders[path] if it.kind == stat.S_IFDIR else names[it.ino]
        if it.nlink != counted:
            yield f"{path} has {it.nlink} links, counted {counted}"


if __name__ == "__main__":
    os.umask(0o022)
    root, log, seed, pause, name, spared, nest, *places = sys.argv[1:]
    Rival(root, log, int(seed), float(pause), name, spared, nest == "nest", places).run()
