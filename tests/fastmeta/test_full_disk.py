"""The disk under the local store is full: nothing half done, nothing lost, and it goes on by itself
when there is room."""

import errno
import os
import time

import pytest

from fastmeta.conftest import Fast, conflicts, hold, names, read, soon, sound, write
from support import mounts

MIB = 1 << 20


@pytest.fixture
def disk(lab):
    """A small disk of its own."""
    place = lab.place("disk")
    mounts.tmpfs(place, "600m")
    lab.defer(mounts.unmount_for_sure, place)
    return place


def fill(disk):
    seen = os.statvfs(disk)
    with open(disk / "filler", "wb") as filler:
        os.posix_fallocate(filler.fileno(), 0, seen.f_bavail * seen.f_frsize - 50 * MIB)
    time.sleep(1)  # how much room there is is asked now and then


def test_changes_are_refused_and_come_back_with_the_room(lab, volume, disk, standard):
    # A link that stalls is not taken for one that is lost: a full disk is told before that.
    fast = Fast(lab, volume, lab.link(volume.server), cache=disk / "cache",
                settings={"meta.ping-timeout": "20s"})
    for n in range(20):
        write(fast.path(f"before{n}"), b"%d" % n)
    fast.drained()
    os.listdir(fast.path())
    hold(fast)
    write(fast.path("pending"), b"kept")
    fill(disk)
    for change in (lambda: os.mkdir(fast.path("refused")),
                   lambda: os.rename(fast.path("before0"), fast.path("refused")),
                   lambda: os.unlink(fast.path("before1"))):
        with pytest.raises(OSError) as refused:
            change()
        assert refused.value.errno == errno.ENOSPC
    assert names(fast.path()) == sorted(["pending", *(f"before{n}" for n in range(20))])
    assert read(fast.path("before7")) == b"7"
    # Neither can what is pending be settled: it waits.
    fast.link.up()
    time.sleep(2)
    assert fast.backlog() > 0
    os.unlink(disk / "filler")
    fast.drained()
    fast.is_state("writable")
    soon(lambda: read(standard.path("pending")) == b"kept", "what was pending", 5)
    os.mkdir(fast.path("after"))
    os.unlink(fast.path("before1"))
    fast.drained()
    assert conflicts(fast) == 0
    soon(lambda: os.path.isdir(standard.path("after")), "what came after", 5)
    fast.mount.unmount()
    assert sound(lab, volume) == []


PATIENT = {"meta.ping-timeout": "20s"}  # a full disk is told before a link that stalls


def test_what_is_to_be_undone_waits_and_reads_go_on(lab, volume, disk, standard):
    """A conflict needs room for its journal. What nobody has looked at yet is read all the same."""
    os.mkdir(standard.path("theirs"))
    for n in range(20):
        write(standard.path("theirs", str(n)), b"%d" % n)
    fast = Fast(lab, volume, lab.link(volume.server), cache=disk / "cache", settings=PATIENT)
    names(fast.path())
    hold(fast)
    write(fast.path("same"), b"ours", "xb")
    write(fast.path("other"), b"kept", "xb")
    write(standard.path("same"), b"theirs")
    fill(disk)
    fast.link.up()
    assert {read(fast.path("theirs", str(n))) for n in range(20)} == {b"%d" % n for n in range(20)}
    assert names(fast.path("theirs")) == sorted(str(n) for n in range(20))
    time.sleep(2)
    assert conflicts(fast) == 0 and fast.journal() == [] and fast.backlog() > 0
    assert read(fast.path("same")) == b"ours", "half undone"
    assert read(standard.path("same")) == b"theirs"
    os.unlink(disk / "filler")
    fast.drained()
    fast.is_state("writable")
    assert conflicts(fast) == len(fast.journal()) == 2  # the file and its contents
    soon(lambda: read(fast.path("same")) == b"theirs", "their file")
    soon(lambda: read(standard.path("other")) == b"kept", "what was no conflict", 5)
    fast.mount.unmount()
    assert sound(lab, volume) == []


def test_a_kill_while_it_is_full_loses_nothing(lab, volume, disk, standard):
    fast = Fast(lab, volume, lab.link(volume.server), cache=disk / "cache", settings=PATIENT)
    write(fast.path("before"), b"before")
    fast.drained()
    names(fast.path())
    hold(fast)
    for n in range(50):
        write(fast.path(f"pending{n}"), b"%d" % n)
    os.rename(fast.path("before"), fast.path("moved"))
    write(fast.path("same"), b"ours", "xb")
    write(standard.path("same"), b"theirs")
    fill(disk)
    fast.link.up()
    with pytest.raises(OSError) as refused:
        os.mkdir(fast.path("refused"))
    assert refused.value.errno == errno.ENOSPC
    time.sleep(1)  # some of it is sent, none of it can be settled
    fast.crash()
    os.unlink(disk / "filler")
    fast.up()
    fast.drained()
    fast.is_state("writable")
    wanted = sorted(["moved", "same", *(f"pending{n}" for n in range(50))])
    for mount in (fast, standard):
        soon(lambda: names(mount.path()) == wanted, f"all names on {mount.path()}", 5)
        soon(lambda: {read(mount.path(f"pending{n}")) for n in range(50)} ==
             {b"%d" % n for n in range(50)}, "all contents", 5)
        assert read(mount.path("moved")) == b"before" and read(mount.path("same")) == b"theirs"
    assert {entry["path_then"] for entry in fast.journal()} == {"/same"}
    fast.mount.unmount()
    assert sound(lab, volume) == []
