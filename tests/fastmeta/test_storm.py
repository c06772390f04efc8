"""Another client rewrites everything that is cached here, while we write (I5)."""

import os
import random
import struct
import threading
import time

import pytest

from fastmeta.conftest import UNHURRIED, Fast, conflicts, names, soon, write
from support.process import wait_until

AT_LEAST = 4096    # bytes that the smallest file takes, in the counters
PIECE = 1000       # keys or fields of one command
FILE = 1           # a dentry's type
OLD_S = 5


def pieces(items):
    return [items[at:at + PIECE] for at in range(0, len(items), PIECE)]


class Filled:
    """Folders of empty files, put straight into the server in the bytes of the schema."""

    def __init__(self, volume, standard, count, of_a_folder):
        self.folders = [f"d{n}" for n in range(-(-count // of_a_folder))]
        write(standard.path("template"), b"")
        for folder in self.folders:
            os.mkdir(standard.path(folder))
        with volume.redis() as redis:
            self._attr = redis("GET", f"i{os.stat(standard.path('template')).st_ino}")
            self._inos = [os.stat(standard.path(folder)).st_ino for folder in self.folders]
            last = redis("INCRBY", "nextinode", count)
            redis("INCRBY", "totalInodes", count)
            redis("INCRBY", "usedSpace", count * AT_LEAST)
        self.of_a_folder = of_a_folder
        self.files = range(last - count, last)  # inode numbers
        with volume.redis() as redis:
            self.set_mtime(redis, self.files, 1)
            for folder, ino in enumerate(self._inos):
                inside = self.files[folder * of_a_folder:(folder + 1) * of_a_folder]
                for piece in pieces(inside):
                    pairs = ((f"f{one - self.files[0]}", self._dentry(one)) for one in piece)
                    redis("HSET", f"d{ino}", *(word for pair in pairs for word in pair))

    @staticmethod
    def _dentry(ino):
        return struct.pack(">BQ", FILE, ino)

    def path(self, ino):
        n = ino - self.files[0]
        return os.path.join(self.folders[n // self.of_a_folder], f"f{n}")

    def set_mtime(self, redis, inos, seconds, done=lambda piece: None):
        for piece in pieces(inos):
            words = []
            for ino in piece:
                parent = self._inos[(ino - self.files[0]) // self.of_a_folder]
                attr = self._attr[:23] + struct.pack(">q", seconds) + self._attr[31:63] + \
                    struct.pack(">Q", parent) + self._attr[71:]
                words += [f"i{ino}", attr]
            redis("MSET", *words)
            done(piece)

    def rename_firsts(self, redis, turn):
        """In each folder: one name goes, another comes."""
        for folder, ino in enumerate(self._inos):
            first = self.files[folder * self.of_a_folder]
            old = f"f{first - self.files[0]}" if turn == 1 else f"turn{turn - 1}"
            redis.pipeline([("MULTI",), ("HDEL", f"d{ino}", old),
                            ("HSET", f"d{ino}", f"turn{turn}", self._dentry(first)), ("EXEC",)])

    def touch_chunks(self, redis, inos):
        """A record comes and goes: two pushes of a chunk list, and nothing left."""
        for piece in pieces(inos):
            redis.pipeline(command for ino in piece for command in
                           (("RPUSH", f"c{ino}_0", bytes(24)), ("RPOP", f"c{ino}_0")))


def resident_mb(pid, what="VmRSS"):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(what)) >> 10


class Changes:
    """What was written when, per inode of a sample."""

    def __init__(self, sample):
        self.sample = list(sample)
        self._known = {ino: [(0, 1)] for ino in self.sample}
        self._lock = threading.Lock()

    def done(self, piece, seconds):
        now = time.monotonic()
        inside = [ino for ino in piece if ino in self._known]
        with self._lock:
            for ino in inside:
                self._known[ino].append((now, seconds))

    def least(self, ino, at):
        """What an answer of that moment must not be older than."""
        with self._lock:
            return max(seconds for when, seconds in self._known[ino] if when <= at)


def read_all(mount, folders):
    for folder in folders:
        with os.scandir(mount.path(folder)) as entries:
            for entry in entries:
                entry.stat()


def storm(lab, volume, standard, count, of_a_folder, sample, turns, rss_max_mb):
    filled = Filled(volume, standard, count, of_a_folder)
    fast = Fast(lab, volume, settings={**UNHURRIED, "meta.ping-interval": "2s",
                                       "meta.ping-timeout": "5s", "meta.deadline": "10s"})
    begin = time.monotonic()
    read_all(fast, filled.folders)
    os.mkdir(fast.path("ours"))
    fast.drained(60)
    said = {"read in": time.monotonic() - begin}
    before = resident_mb(fast.mount.process.pid)
    dice = random.Random(7)
    firsts = set(filled.files[::of_a_folder])  # whose names change
    changes = Changes(ino for ino in dice.sample(filled.files, sample + len(filled.folders))
                      if ino not in firsts)
    over, old, looked, made, slowest = threading.Event(), [], [0], [0], [0.0]

    def look():
        while not over.is_set():
            ino = dice.choice(changes.sample)
            asked = time.monotonic()
            seen = int(os.stat(fast.path(filled.path(ino))).st_mtime)
            looked[0] += 1
            if seen < changes.least(ino, asked - OLD_S):
                old.append((ino, seen))

    def create():
        while not over.is_set():
            asked = time.monotonic()
            write(fast.path("ours", f"n{made[0]}"), b"ours" if made[0] % 50 == 0 else b"")
            made[0] += 1
            slowest[0] = max(slowest[0], time.monotonic() - asked)
            time.sleep(0.005)
    threads = [threading.Thread(target=call, daemon=True) for call in (look, create)]
    for thread in threads:
        thread.start()
    try:
        begin = time.monotonic()
        with volume.redis() as redis:
            for turn in range(1, turns + 1):
                filled.set_mtime(redis, filled.files, turn + 1,
                                 lambda piece: changes.done(piece, turn + 1))
                filled.rename_firsts(redis, turn)
                filled.touch_chunks(redis, filled.files[::10])
        said["pushed in"] = time.monotonic() - begin
    finally:
        over.set()
        for thread in threads:
            thread.join()
    begin = time.monotonic()
    wait_until(lambda: fast.state == "writable", 30, "writable")
    write(fast.path("ours", "after"), b"")
    fast.drained(30)
    said["writable and drained after"] = time.monotonic() - begin
    time.sleep(max(0, begin + (OLD_S if count > 10_000 else 0.5) - time.monotonic()))
    stale = [ino for ino in changes.sample
             if int(os.stat(fast.path(filled.path(ino))).st_mtime) != turns + 1]
    peak = resident_mb(fast.mount.process.pid, "VmHWM")
    print(f"{count} inodes; {', '.join(f'{what} {s:.1f} s' for what, s in said.items())}; RSS "
          f"{before} MB before, at most {peak} MB; {made[0]} files of ours, the slowest in "
          f"{slowest[0]:.2f} s; {looked[0]} looks beside it, epoch "
          f"{fast.stats()['cache']['epoch']}, {fast.stats()['server']['epoch']} connections")
    assert old == [] and stale == []
    assert looked[0] > 100 and made[0] > 10
    for folder in filled.folders[::max(1, len(filled.folders) // 10)]:
        there = names(fast.path(folder))
        assert f"turn{turns}" in there and len(there) == of_a_folder
    assert conflicts(fast) == 0
    assert peak < rss_max_mb
    soon(lambda: len(names(standard.path("ours"))) == made[0] + 1, "ours there", 10)


def test_everything_that_is_cached_is_changed_while_we_write(lab, volume, standard):
    storm(lab, volume, standard, 3_000, 1_000, 300, 40, 300)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_million_inodes_are_changed_while_we_write(lab, volume, standard):
    storm(lab, volume, standard, 1_000_000, 10_000, 1_000, 2, 800)
