"""A power loss takes the tail of the local store at commit level `process`: what the server has is
there, and no number is used twice (I10)."""

import os

import pytest

from fastmeta.conftest import Fast, conflicts, hold, names, read, sound, write
from support import mounts

pytestmark = pytest.mark.quick

COUNT = 30


@pytest.fixture
def disk(lab):
    """A disk for the cache directory. Room for the store's reserve; the file has holes."""
    disk = lab.place("disk")
    mounts.loop_ext4(disk, lab.folder / "disk.img", 800)
    lab.defer(mounts.unmount_for_sure, disk)
    return disk


def logged(cache, name):
    return any(name in path.read_bytes() for path in cache.rglob("WiredTigerLog*"))


@pytest.mark.parametrize("synced_at", [0, COUNT // 2])
def test_no_number_is_used_twice_after_a_power_loss(lab, volume, disk, synced_at):
    """Of records, inodes and slices: the server has seen more of them than the disk remembers."""
    fast = Fast(lab, volume, lab.link(volume.server), cache=disk / "cache",
                settings={"store.commit": "process", "ids.inode-reserve": 8,
                          "ids.slice-reserve": 8})
    for n in range(COUNT):
        if n == synced_at:
            os.sync()
        write(fast.path(f"old{n}"), b"old%d" % n)
        fast.drained()
    inodes = {os.stat(fast.path(f"old{n}")).st_ino for n in range(COUNT)}
    os.listdir(fast.path())
    last = fast.stats()["backlog"]["last"]
    hold(fast)
    os.mkdir(fast.path("unsent"))
    found = mounts.after_power_loss(lab, lab.folder / "disk.img")
    newest = b"old%d" % (COUNT - 1)
    assert logged(disk, newest) and not logged(found, newest), "nothing is lost"
    fast.crash()
    fast.link.up()

    again = Fast(lab, volume, fast.link, cache=found / "cache", settings=fast.settings)
    again.is_state("writable")
    old = {f"old{n}" for n in range(COUNT)}
    assert set(names(again.path())) == old, "the loss has taken what was not sent, and no more"
    for n in range(COUNT):
        write(again.path(f"new{n}"), b"new%d" % n)
    again.drained()
    made = {os.stat(again.path(f"new{n}")).st_ino for n in range(COUNT)}
    assert len(made) == COUNT and not made & inodes, "an inode number was used twice"
    assert again.stats()["backlog"]["last"] >= last + COUNT, "a number of a record was used twice"
    assert conflicts(again) == 0
    standard = lab.mount("juicefs", volume)
    for mount in (again, standard):
        assert len(names(mount.path())) == 2 * COUNT
        for n in range(COUNT):
            for what in ("old", "new"):
                assert read(mount.path(f"{what}{n}")) == b"%s%d" % (what.encode(), n)
    again.mount.unmount()
    assert sound(lab, volume) == []
