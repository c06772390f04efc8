"""The cache directory: one process, one volume, one life (I10, I12)."""

import os
import shutil

import pytest

from fastmeta.conftest import Fast, names, write

pytestmark = pytest.mark.quick


def test_a_second_mount_on_one_cache_directory_is_refused(lab, volume, fast):
    root = lab.place("mnt")
    second = lab.start_mount("fastmeta", volume, root=root, settings={
        "mode": "fast-meta", "cache.dir": str(fast.cache)})
    assert second.process.wait(20) != 0
    assert str(fast.mount.process.pid) in second.log, second.log
    os.mkdir(fast.path("works"))


def test_a_copied_cache_directory_is_refused(lab, volume, fast):
    write(fast.path("one"), b"")
    fast.drained()
    fast.mount.unmount()
    copy = lab.place("copies") / "cache"
    shutil.copytree(fast.cache, copy)
    fast.up()
    for n in range(10):
        os.mkdir(fast.path(f"d{n}"))
    fast.drained()
    second = Fast(lab, volume, cache=copy)
    second.is_state("read-only")
    assert "cop" in second.stats()["reason"]
    with pytest.raises(OSError):
        os.mkdir(second.path("refused"))
    os.mkdir(fast.path("goes on"))
    fast.drained()


def test_no_inode_is_used_twice_over_restarts_and_kills(lab, volume, fast):
    seen = {}
    for life in range(4):
        for n in range(20):
            name = f"{life}_{n}"
            write(fast.path(name), b"")
            ino = os.stat(fast.path(name)).st_ino
            assert ino not in seen, f"{name} has the inode of {seen.get(ino)}"
            seen[ino] = name
        fast.crash() if life % 2 else fast.mount.unmount()
        fast.up()
    fast.is_state("writable")
    fast.drained()
    assert len(os.listdir(fast.path())) == 80


def test_another_mode_does_not_touch_the_store(lab, volume, fast):
    write(fast.path("file"), b"")
    fast.mount.unmount()
    before = sorted(p.stat().st_mtime_ns for p in fast.cache.rglob("*") if p.is_file())
    mount = lab.mount("fastmeta", volume, url=volume.url + "?fast-meta=0", settings={
        "mode": "fast-meta", "cache.dir": str(fast.cache)})
    os.mkdir(mount.path("dir"))
    mount.unmount()
    assert sorted(p.stat().st_mtime_ns for p in fast.cache.rglob("*") if p.is_file()) == before
