"""What an fsync has promised is on the disk of the bucket: it is there in a copy of the disk that
is made right after, with whatever only the memory of the machine knows left out."""

import os

import pytest

from support import mounts

pytestmark = [pytest.mark.quick, pytest.mark.usefixtures("only_ours")]


@pytest.fixture
def disk(lab):
    disk = lab.place("disk")
    mounts.loop_ext4(disk, lab.folder / "disk.img", 100)
    lab.defer(mounts.unmount_for_sure, disk)
    return disk


@pytest.fixture
def mounted(lab, disk):
    """(volume, mount) of a bucket on that disk."""
    bucket = disk / "bucket"
    bucket.mkdir()
    volume = lab.format(bucket=bucket, options=["--block-size", "1M"])
    os.sync()
    return volume, lab.mount("fastmeta", volume)


def all_there(volume, disk, found):
    for path in volume.objects():
        copy = found / path.relative_to(disk)
        if not copy.exists() or copy.read_bytes() != path.read_bytes():
            return False
    return True


def test_written_and_synced(lab, disk, mounted):
    volume, mount = mounted
    for name, size in (("small", 5), ("large", (5 << 20) + 7)):
        with open(mount.path(name), "wb", buffering=0) as file:
            file.write(os.urandom(size))
            os.fsync(file)
    assert len(volume.objects()) == 7
    assert all_there(volume, disk, mounts.after_power_loss(lab, lab.folder / "disk.img"))


def test_synced_by_another_than_who_wrote(lab, disk, mounted):
    volume, mount = mounted
    with open(mount.path("file"), "wb") as file:
        file.write(os.urandom(3 << 20))
    with open(mount.path("file"), "rb") as file:
        os.fsync(file)
    assert len(volume.objects()) == 3
    assert all_there(volume, disk, mounts.after_power_loss(lab, lab.folder / "disk.img"))
