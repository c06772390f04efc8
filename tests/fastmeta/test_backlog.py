"""What is acknowledged is local at once, and in the server a moment later (I1, I3, I9)."""

import os
import time

import pytest

from fastmeta.conftest import Fast, names, read, soon, sound, tree, write
from support.process import wait_until

pytestmark = pytest.mark.quick


def test_a_touch_is_acknowledged_before_the_server_knows(far, volume, standard):
    """I1: the local store has attr, entry and record; then the server, and the record is gone."""
    os.listdir(far.path())  # known: no round trip is left for the create
    far.link.stall()
    write(far.path("new"), b"")
    assert os.stat(far.path("new")).st_size == 0
    assert far.backlog() >= 1
    assert "new" not in names(standard.path())
    with volume.redis() as redis:
        assert redis("HGET", "d1", "new") is None
    far.link.up()
    far.drained()
    soon(lambda: "new" in names(standard.path()), "the file on the other client")
    assert sound(far.lab, volume) == []


def test_many_files_arrive_whole(far, volume, standard):
    for n in range(20):
        os.mkdir(far.path(f"d{n}"))
        for m in range(10):
            write(far.path(f"d{n}", f"f{m}"), f"{n} {m}".encode() * 50)
    os.rename(far.path("d3"), far.path("d4", "moved"))
    os.unlink(far.path("d5", "f5"))
    os.link(far.path("d6", "f6"), far.path("linked"))
    os.symlink("d6/f6", far.path("symbolic"))
    os.setxattr(far.path("d7", "f7"), "user.x", b"1")
    os.chmod(far.path("d8"), 0o711)
    os.truncate(far.path("d9", "f9"), 3)
    ours = tree(far.path())
    far.drained()
    assert tree(standard.path()) == ours
    assert os.getxattr(standard.path("d7", "f7"), "user.x") == b"1"
    assert os.stat(standard.path("d8")).st_mode & 0o777 == 0o711
    assert os.stat(standard.path("linked")).st_nlink == 2
    far.mount.unmount()
    assert sound(far.lab, volume) == []


def test_what_we_created_stays_cached_after_it_is_sent(bent):
    for n in range(50):
        write(bent.path(f"f{n}"), b"x")
    bent.drained()
    os.listdir(bent.path())
    bent.link.zero()
    before = bent.stats()["cache"]["fetches"]
    for n in range(50):
        assert os.stat(bent.path(f"f{n}")).st_size == 1
        assert not os.path.exists(bent.path(f"g{n}"))
    assert bent.stats()["cache"]["fetches"] == before


def test_an_unmount_sends_what_is_pending(far, standard):
    for n in range(100):
        os.mkdir(far.path(f"d{n}"))
    assert far.mount.unmount() == 0
    assert names(standard.path()) == sorted(f"d{n}" for n in range(100))


def test_reused_names_never_hit_the_wrong_inode(far, standard, volume):
    """Names with an unsent unlink or rename, used again at once (I3)."""
    for n in range(20):
        write(far.path("name"), b"old %d" % n)
        os.rename(far.path("name"), far.path(f"kept{n}"))
        write(far.path("name"), b"new %d" % n)
        os.unlink(far.path("name"))
    os.mkdir(far.path("name"))
    write(far.path("name", "inside"), b"x")
    far.drained()
    soon(lambda: len(names(standard.path())) == 21, "21 names")
    for n in range(20):
        assert read(standard.path(f"kept{n}")) == b"old %d" % n
    assert read(standard.path("name", "inside")) == b"x"
    far.mount.unmount()
    assert sound(far.lab, volume) == []


@pytest.mark.parametrize("drain_first", [False, True])
def test_a_file_without_a_name_lives_until_it_is_closed(far, volume, standard, drain_first):
    """Sustained inodes, before and after the reintegration of the unlink."""
    with open(far.path("gone"), "w+b", buffering=0) as file:
        file.write(b"before")
        if drain_first:
            far.drained()
        os.unlink(far.path("gone"))
        if drain_first:
            far.drained()
        file.write(b" after")
        file.seek(0)
        assert file.read() == b"before after"
        assert os.fstat(file.fileno()).st_nlink == 0
    far.drained()
    assert names(standard.path()) == []

    def nothing_left():
        with volume.redis() as redis:
            return redis("GET", "usedSpace") in (b"0", None) and not redis.keys("session[0-9]*")
    wait_until(nothing_left, 10, "the removal of the file")
    far.mount.unmount()
    assert sound(far.lab, volume) == []


def test_counters_and_statistics_are_exact_at_the_end(far, volume, standard):
    """I9: usedSpace, totalInodes, statistics of directories, nlink."""
    for n in range(5):
        os.makedirs(far.path(f"a{n}", "b", "c"))
        write(far.path(f"a{n}", "b", "file"), b"x" * 10000 * n)
        os.link(far.path(f"a{n}", "b", "file"), far.path(f"a{n}", "second"))
        os.unlink(far.path(f"a{n}", "b", "file"))
    os.rmdir(far.path("a0", "b", "c"))
    far.drained()
    far.mount.unmount()
    assert sound(far.lab, volume) == []


def test_trash_gets_what_was_deleted(lab):
    volume = lab.format(trash_days=1)
    fast = Fast(lab, volume)
    standard = lab.mount("juicefs", volume)
    write(fast.path("file"), b"kept")
    os.mkdir(fast.path("dir"))
    fast.drained()
    os.unlink(fast.path("file"))
    os.rmdir(fast.path("dir"))
    fast.drained()
    trash = standard.path(".trash")
    hours = os.listdir(trash)
    assert len(hours) == 1
    names = sorted(name.split("-", 2)[2] for name in os.listdir(os.path.join(trash, hours[0])))
    assert names == ["dir", "file"]
    fast.mount.unmount()
    assert sound(lab, volume) == []


def test_a_full_backlog_slows_writers_and_drops_nothing(lab, volume):
    link = lab.link(volume.server)
    fast = Fast(lab, volume, link, {"backlog.records-max": 100, "backlog.stall-max": "1s"})
    os.listdir(fast.path())
    link.stall()
    made = 0
    with pytest.raises(OSError):
        for n in range(300):
            os.mkdir(fast.path(f"d{n}"))
            made += 1
    assert 90 <= made <= 110
    link.up()
    fast.drained()
    os.mkdir(fast.path("more"))
    assert len(os.listdir(fast.path())) == made + 1
