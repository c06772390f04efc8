"""The disk under the bucket is full: the writer is told, and nothing points to data that is not
there."""

import errno
import os
import time

import pytest

from support import mounts, volume_checks

pytestmark = [pytest.mark.quick, pytest.mark.usefixtures("only_ours")]

FULL = (errno.ENOSPC, errno.EIO)
MB = 1 << 20


@pytest.fixture
def small(lab):
    """(volume, mount) on a disk of 12 MB."""
    disk = lab.place("disk")
    mounts.tmpfs(disk, "12m")
    lab.defer(mounts.unmount_for_sure, disk)
    bucket = disk / "bucket"
    bucket.mkdir()
    volume = lab.format(bucket=bucket, options=["--block-size", "1M"])
    mount = lab.mount("fastmeta", volume)
    return volume, mount


def fill(path, size):
    """Writes that much and syncs: (bytes known to be stored, errno or 0)."""
    stored = 0
    try:
        with open(path, "wb", buffering=0) as file:
            while stored < size:
                file.write(b"%015d\n" % stored * (MB // 16))
                os.fsync(file.fileno())
                stored += MB
        return stored, 0
    except OSError as error:
        return stored, error.errno


def test_the_writer_is_told_at_fsync(small, lab):
    volume, mount = small
    stored, number = fill(mount.path("file"), 40 * MB)
    assert number in FULL
    assert stored < 12 * MB
    with open(mount.path("file"), "rb") as file:
        kept = file.read()
    assert len(kept) >= stored
    for at in range(0, stored, MB):
        assert kept[at:at + 16] == b"%015d\n" % at
    mount.unmount()
    assert volume_checks.fsck(lab.clients["juicefs"], volume, stats=False) == []


def test_the_writer_is_told_at_close(small):
    _, mount = small
    file = os.open(mount.path("file"), os.O_CREAT | os.O_WRONLY)
    with pytest.raises(OSError) as raised:
        try:
            for _ in range(30):
                os.write(file, bytes(MB - 1) + b"x")
        finally:
            os.close(file)
    assert raised.value.errno in FULL


def test_it_works_again_when_there_is_room(small, lab):
    volume, mount = small
    fill(mount.path("file"), 40 * MB)
    os.unlink(mount.path("file"))
    stored = 0
    for _ in range(100):
        stored, number = fill(mount.path("again"), 3 * MB)
        if number == 0:
            break
        os.unlink(mount.path("again"))
        time.sleep(0.1)  # the data of what was removed goes in the background
    assert stored == 3 * MB
    mount.unmount()
    volume_checks.counters_settle(volume)
    assert volume_checks.fsck(lab.clients["juicefs"], volume, stats=False) == []
    assert volume_checks.objects_unreferenced(volume) == []


def test_a_volume_at_its_capacity_refuses_more(lab):
    volume = lab.format()
    done = lab.clients["juicefs"].run("config", volume.url, "--capacity", "1", "--inodes", "20",
                                      "--yes")
    assert done.returncode == 0, done.stdout
    mount = lab.mount("fastmeta", volume)
    with pytest.raises(OSError) as raised:
        for n in range(30):
            os.mkdir(mount.path(f"d{n}"))
    assert raised.value.errno == errno.ENOSPC
    os.rmdir(mount.path("d0"))
    os.rmdir(mount.path("d1"))
    with open(mount.path("file"), "wb") as file:
        with pytest.raises(OSError) as raised:
            os.truncate(file.fileno(), 2 << 30)
    assert raised.value.errno == errno.ENOSPC
    assert os.statvfs(mount.root).f_files == 20
