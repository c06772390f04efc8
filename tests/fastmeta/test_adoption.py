"""A name that two clients open with O_CREAT but without O_EXCL is one file in the end, whoever was
first: nobody asked for a new one."""

import fcntl
import os
import threading

import pytest

from fastmeta.conftest import Fast, conflicts, hold, meet, read, soon, sound, write

pytestmark = pytest.mark.quick


def adopted(fast):
    return fast.stats()["conflicts"]["adopted"]


def test_both_open_the_same_log(apart, standard, volume):
    hold(apart)
    log = os.open(apart.path("log"), os.O_CREAT | os.O_RDWR, 0o644)
    try:
        os.pwrite(log, b"ours", 0)
        os.fsync(log)
        write(standard.path("log"), b"theirs, longer")
        meet(apart)
        assert adopted(apart) == 1 and conflicts(apart) == 0
        os.fsync(log)
        soon(lambda: read(standard.path("log")) == b"oursrs, longer", "what both wrote, there")
        soon(lambda: read(apart.path("log")) == b"oursrs, longer", "what both wrote, here")
        assert os.pread(log, 100, 0) == b"oursrs, longer", "and through the handle"
        # The handle goes on with the file that is there.
        os.pwrite(log, b"OURS", 0)
        os.fsync(log)
        apart.drained()
        soon(lambda: read(standard.path("log")) == b"OURSrs, longer", "the next write there")
        write(standard.path("log"), b"back", "r+b")
        soon(lambda: os.pread(log, 4, 0) == b"back", "their next write, through the handle")
    finally:
        os.close(log)
    apart.mount.unmount()
    assert sound(apart.lab, volume) == []


def test_two_handles_of_one_mount_see_one_file(apart, standard, volume):
    hold(apart)
    old = os.open(apart.path("file"), os.O_CREAT | os.O_RDWR, 0o644)
    write(standard.path("file"), b"")
    meet(apart)
    assert adopted(apart) == 1
    new = os.open(apart.path("file"), os.O_RDWR)
    try:
        for turn, (writer, reader) in enumerate([(old, new), (new, old), (old, new)]):
            data = b"turn %d" % turn
            os.pwrite(writer, data, 0)
            os.fsync(writer)
            soon(lambda: os.pread(reader, 100, 0) == data, "the other handle's write")
            soon(lambda: os.fstat(reader).st_size == len(data), "its length")
    finally:
        os.close(old)
        os.close(new)


def test_truncating_opens_are_ordered(apart, standard, volume):
    hold(apart)
    write(apart.path("file"), b"ours")
    write(standard.path("file"), b"theirs, longer")
    meet(apart)
    assert adopted(apart) == 1 and conflicts(apart) == 0
    soon(lambda: read(standard.path("file")) == b"ours", "the later one's content")
    apart.mount.unmount()
    assert sound(apart.lab, volume) == []


def test_a_lock_on_a_new_file_is_everybodys(lab, volume, standard):
    """A counter that three mounts increment under a lock, in a file that all of them create. It
    is opened again for each turn: the standard client's handles show a length of before."""
    mounts = [Fast(lab, volume), Fast(lab, volume), standard]
    turns = 10

    def work(mount, name):
        lock = os.open(mount.path(name), os.O_CREAT | os.O_RDWR, 0o644)
        try:
            for _ in range(turns):
                fcntl.flock(lock, fcntl.LOCK_EX)
                with open(mount.path(name), "r+b", buffering=0) as file:
                    count = int(file.read() or b"0") + 1
                    file.seek(0)
                    file.write(b"%d" % count)
                fcntl.flock(lock, fcntl.LOCK_UN)
        finally:
            os.close(lock)

    for round_ in range(5):
        name = f"counter{round_}"
        threads = [threading.Thread(target=work, args=(mount, name)) for mount in mounts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        soon(lambda: read(standard.path(name)) == b"%d" % (turns * len(mounts)), "the exact sum")
    for fast in mounts[:2]:
        assert conflicts(fast) == 0
