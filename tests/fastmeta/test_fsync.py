"""What fsync, fsync of a directory and flush promise at each level (I3)."""

import errno
import os
import threading

import pytest

from fastmeta.conftest import Fast, write

pytestmark = pytest.mark.quick


def sync(path):
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def in_server(volume, name):
    with volume.redis() as redis:
        return redis("HEXISTS", "d1", name) == 1


def stalled(lab, volume, level):
    link = lab.link(volume.server)
    mount = Fast(lab, volume, link, settings={"fsync.level": level, "meta.ping-timeout": "30s",
                                              "meta.deadline": "30s"})
    os.listdir(mount.path())  # known: no round trip is left for a create
    link.stall()
    return mount


def test_a_local_fsync_needs_no_server(lab, volume):
    fast = stalled(lab, volume, "local")
    with open(fast.path("file"), "wb") as file:
        os.fsync(file.fileno())
    sync(fast.path())
    assert not in_server(volume, "file")
    assert fast.stats()["store"]["syncs"] > 0
    fast.link.up()
    fast.drained()


@pytest.mark.parametrize("what", ["file", "directory"])
def test_a_remote_fsync_returns_when_the_server_has_it(lab, volume, what):
    fast = stalled(lab, volume, "remote")
    write(fast.path("file"), b"")
    done = threading.Event()

    def wait():
        sync(fast.path("file") if what == "file" else fast.path())
        done.set()
    waiter = threading.Thread(target=wait)
    waiter.start()
    assert not done.wait(0.5)
    assert not in_server(volume, "file")
    fast.link.up()
    assert done.wait(20)
    assert in_server(volume, "file")
    waiter.join()


def test_a_remote_fsync_that_is_not_done_in_time_fails(lab, volume):
    fast = Fast(lab, volume, lab.link(volume.server),
                settings={"fsync.level": "remote", "fsync.timeout": "300ms",
                          "umount.drain-timeout": "0"})
    os.listdir(fast.path())
    fast.link.stall()
    write(fast.path("file"), b"")
    with pytest.raises(OSError) as refused:
        sync(fast.path("file"))
    assert refused.value.errno == errno.EIO
    assert not in_server(volume, "file")


def test_flush_waits_until_the_server_has_all(far, volume, lab):
    for n in range(50):
        write(far.path(f"f{n}"), b"")
    assert lab.clients["fastmeta"].run("flush", far.root).returncode == 0
    with volume.redis() as redis:
        assert redis("HLEN", "d1") == 50


def test_changes_that_a_local_fsync_has_promised_survive_a_kill(lab, volume):
    """At the level process a commit alone is in memory of the machine, not on its disk."""
    fast = Fast(lab, volume, settings={"store.commit": "process", "sync.linger": "10s",
                                       "umount.drain-timeout": "0"})
    write(fast.path("file"), b"")
    before = fast.stats()["store"]["syncs"]
    sync(fast.path("file"))
    assert fast.stats()["store"]["syncs"] > before
    fast.crash()
    fast.up(**{"sync.linger": "0"})
    fast.drained()
    assert in_server(volume, "file")
