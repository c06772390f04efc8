"""kill -9 at any instant: what was acknowledged is in the server, the oplog or the journal (I2)."""

import json
import os
import random
import subprocess
import sys
import time

import pytest

from fastmeta.conftest import VIRTUAL, Fast, names, read, soon, sound, tree, write
from support.process import wait_until

KILLS = int(os.environ.get("FASTMETA_KILLS", "50" if os.environ.get("FASTMETA_LONG") else "8"))


@pytest.mark.quick
def test_a_touch_right_before_a_kill_reaches_the_server(far, standard):
    os.listdir(far.path())
    far.link.stall()
    write(far.path("touched"), b"")
    far.crash()
    far.link.up()
    assert "touched" not in names(standard.path())
    far.up()
    assert "touched" in os.listdir(far.path())
    far.drained()
    soon(lambda: "touched" in names(standard.path()), "the file")


@pytest.mark.quick
def test_recovered_changes_are_sent_before_it_is_writable(far, volume):
    """I6: never writable on a timer."""
    os.listdir(far.path())
    far.link.stall()
    for n in range(100):
        os.mkdir(far.path(f"d{n}"))
    far.crash()
    far.link.up()
    far.up()
    far.is_state("writable")
    with volume.redis() as redis:
        assert redis("HLEN", "d1") == 100


# The workload keeps a log outside: a line before each operation and one after it.
WORKLOAD = r"""
import os, random, sys
root, log, seed = sys.argv[1], open(sys.argv[2], "a", buffering=1), int(sys.argv[3])
random.seed(seed)
files, n = [], 0
folders = [root]
mounted = os.stat(root).st_dev

def print(*words, file):
    # An answer of the folder below a mount that has gone is nobody's promise.
    if words[0] != "?" and os.stat(root).st_dev != mounted:
        sys.exit()
    file.write(" ".join(str(word) for word in words) + "\n")

while True:
    n += 1
    kind = random.choice(["create", "create", "mkdir", "rename", "unlink", "append", "link"])
    name = f"{seed}_{n}"
    folder = random.choice(folders)
    try:
        if kind == "create":
            path = f"{folder}/{name}"
            print("?", "create", path, file=log)
            with open(path, "xb", buffering=0) as f:
                f.write(name.encode())
                os.fsync(f.fileno())
            print("!", "create", path, name, file=log)
            files.append(path)
        elif kind == "mkdir" and len(folders) < 20:
            path = f"{folder}/{name}"
            print("?", "mkdir", path, file=log)
            os.mkdir(path)
            print("!", "mkdir", path, file=log)
            folders.append(path)
        elif kind == "rename" and files:
            old = files.pop(random.randrange(len(files)))
            path = f"{folder}/{name}"
            print("?", "rename", old, path, file=log)
            os.rename(old, path)
            print("!", "rename", old, path, file=log)
            files.append(path)
        elif kind == "unlink" and len(files) > 5:
            path = files.pop(random.randrange(len(files)))
            print("?", "unlink", path, file=log)
            os.unlink(path)
            print("!", "unlink", path, file=log)
        elif kind == "link" and files:
            old = random.choice(files)
            path = f"{folder}/{name}"
            print("?", "link", old, path, file=log)
            os.link(old, path)
            print("!", "link", old, path, file=log)
            files.append(path)
    except OSError as error:
        print("x", error.errno, file=log)
        if error.errno in (107, 103, 5, 30):
            break
"""


class Expected:
    """What must be there after each acknowledged operation; what may, for the last one."""

    def __init__(self):
        self.files = {}      # path -> contents
        self.folders = set()
        self.unsure = set()  # paths of operations without an answer

    def replay(self, log):
        asked = None
        for line in log.read_text().splitlines():
            mark, *words = line.split(" ")
            if mark == "?":
                asked = words
                continue
            if mark == "!":
                self.done(words)
            else:
                self.unsure.update(asked[1:] if asked else [])
            asked = None
        if asked:
            self.unsure.update(asked[1:])

    def done(self, words):
        kind, *paths = words
        if kind == "create":
            self.files[paths[0]] = paths[1].encode()
        elif kind == "mkdir":
            self.folders.add(paths[0])
        elif kind == "rename":
            self.files[paths[1]] = self.files.pop(paths[0])
        elif kind == "unlink":
            del self.files[paths[0]]
        elif kind == "link":
            self.files[paths[1]] = self.files[paths[0]]

    def complaints(self, here, there):
        """Compared with the tree below `there`, where paths begin with `here` in the log."""
        found = []
        for folder in self.folders:
            if not os.path.isdir(folder.replace(here, there, 1)):
                found.append(f"no folder {folder}")
        for path, contents in self.files.items():
            if path in self.unsure:
                continue
            try:
                got = read(path.replace(here, there, 1))
            except OSError as error:
                found.append(f"{path}: {error}")
                continue
            if got != contents:
                found.append(f"{path}: {got!r}")
        known = set(self.files) | self.folders | self.unsure
        for folder, folders, files in os.walk(there):
            for name in folders + files:
                path = os.path.join(folder, name).replace(there, here, 1)
                if path not in known and name not in VIRTUAL:
                    found.append(f"unexpected {path}")
        return found


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("rtt_ms", [0, 30])
def test_nothing_acknowledged_is_lost_by_kills_under_load(lab, volume, standard, seed, rtt_ms):
    rng = random.Random(seed)
    link = lab.link(volume.server)
    link.rtt(rtt_ms)
    fast = Fast(lab, volume, link)
    logs = fast.lab.place("log")
    for kill in range(KILLS // 2):
        # A folder of its own for each: at a distance a start reads everything again.
        round_, log = f"round{kill}", logs / f"operations{kill}"
        os.mkdir(fast.path(round_))
        log.touch()
        worker = subprocess.Popen([sys.executable, "-c", WORKLOAD, fast.path(round_), str(log),
                                   str(rng.randrange(1 << 30))])
        try:
            time.sleep(rng.uniform(0.05, 0.8))
            fast.crash()
            worker.wait(20)
        finally:
            if worker.poll() is None:
                worker.kill()
                worker.wait()
        fast.up()
        fast.is_state("writable", 60)
        fast.drained(60)
        expected = Expected()
        expected.replay(log)
        here = fast.path(round_)
        assert expected.complaints(here, standard.path(round_)) == [], f"kill {kill}"
        assert expected.complaints(here, here) == [], f"kill {kill}"
        assert fast.stats()["conflicts"]["total"] == 0
    assert tree(fast.path()) == tree(standard.path())
    fast.mount.unmount()
    assert sound(lab, volume) == []
