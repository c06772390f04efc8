"""The file system of the bucket is not mounted: no local folder takes its place."""

import errno
import os

import pytest

from support import mounts

pytestmark = [pytest.mark.quick, pytest.mark.usefixtures("only_ours")]


@pytest.fixture
def volume(lab):
    """One whose bucket is the root of a file system of its own."""
    bucket = lab.place("bucket")
    mounts.tmpfs(bucket, "64m")
    lab.defer(mounts.unmount_for_sure, bucket)
    return lab.format(bucket=bucket)


def refusal(lab, volume):
    with pytest.raises(AssertionError) as refused:
        lab.mount("fastmeta", volume)
    return str(refused.value)


def test_it_is_not_mounted(lab, volume):
    mounts.unmount(volume.bucket)
    said = refusal(lab, volume)
    assert f"bucket {volume.bucket}/vol/: No such file or directory" in said
    assert "mount its file system" in said
    assert os.listdir(volume.bucket) == []


def test_nor_is_a_folder_that_nobody_knows(lab, volume):
    os.unlink(volume.bucket / "vol" / "juicefs_uuid")
    said = refusal(lab, volume)
    command = said[said.index("printf "):].splitlines()[0]
    assert os.system(command) == 0
    assert lab.mount("fastmeta", volume).unmount() == 0


def test_one_that_goes_away_later_is_not_replaced(lab, volume):
    mount = lab.mount("fastmeta", volume)
    with open(mount.path("kept"), "wb") as file:
        file.write(b"kept")
    mounts.unmount(volume.bucket, lazy=True)
    file = os.open(mount.path("file"), os.O_CREAT | os.O_WRONLY)
    os.write(file, b"x")
    with pytest.raises(OSError) as told:
        os.fsync(file)
    assert told.value.errno == errno.ENODEV
    os.close(file)
    assert os.listdir(volume.bucket) == []
