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
