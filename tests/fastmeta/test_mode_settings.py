"""What the settings of mode fast-meta change, between our mounts and the standard client."""

import errno
import os
import shutil
import threading
import time

import pytest

from fastmeta.conftest import Fast, conflicts, hold, meet, names, read, soon, sound, write
from support.process import wait_until

pytestmark = pytest.mark.quick


@pytest.mark.parametrize("content", [None, "last", "journal"])
def test_contents_that_another_client_has_written_in_between(lab, volume, standard, content):
    """last, the default: the later write wins, and is told of; journal: ours gives way."""
    fast = Fast(lab, volume, lab.link(volume.server),
                settings={"conflicts.content": content} if content else {})
    write(fast.path("file"), b"before")
    write(fast.path("alone"), b"before")
    fast.drained()
    soon(lambda: read(standard.path("file")) == b"before", "the file")
    with open(fast.path("file"), "r+b", buffering=0) as file:
        hold(fast)
        file.write(b"ours..")
        os.fsync(file.fileno())
        write(fast.path("alone"), b"again.", "r+b")
        write(standard.path("file"), b"theirs", "r+b")
        meet(fast)
        journalled = content == "journal"
        assert conflicts(fast) == journalled
        if journalled:
            with pytest.raises(OSError) as told:
                os.fsync(file.fileno())
            assert told.value.errno == errno.EIO
        else:
            os.fsync(file.fileno())
            assert fast.stats()["sync"]["content_overwrites"] == 1
            assert "applied over another client's change" in fast.mount.log
    wanted = b"theirs" if journalled else b"ours.."
    soon(lambda: read(fast.path("file")) == wanted, "the file here")
    soon(lambda: read(standard.path("file")) == wanted, "the file there", 5)
    assert read(standard.path("alone")) == b"again.", "what nobody else wrote is no conflict"
    if journalled:
        shown = lab.clients["fastmeta"].run("conflicts", "list", fast.root)
        assert "write_slice" in shown.stdout and "file" in shown.stdout
    fast.mount.unmount()
    assert sound(lab, volume) == []


def exclusive(path):
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))


@pytest.fixture
def locker(lab, volume):
    """A whose names for locks are those of the server, behind a link that the test bends."""
    return Fast(lab, volume, lab.link(volume.server),
                settings={"exclusive.remote": ["*.lock", ".git/index.lck", "*/run/*.pid"]})


@pytest.mark.parametrize("make", [exclusive, os.mkdir, lambda path: os.link(
    os.path.join(os.path.dirname(path), "target"), path)], ids=["O_EXCL", "mkdir", "link"])
def test_names_of_exclusive_remote_are_made_on_the_server_at_once(locker, volume, make):
    """Each way by which programs take such a name: it is there before the call returns, and after
    all that it depends on."""
    os.mkdir(locker.path("dir"))
    write(locker.path("dir", "target"), b"x")
    make(locker.path("dir", "a.lock"))
    with volume.redis() as redis:
        inode = os.stat(locker.path("dir")).st_ino
        assert redis("HEXISTS", f"d{inode}", "a.lock") == 1
        assert redis("HEXISTS", "d1", "dir") == 1
    with pytest.raises(FileExistsError):
        make(locker.path("dir", "a.lock"))


@pytest.mark.parametrize("name, remote", [
    ("a.lock", True), ("a.lockx", False), ("dir/b.lock", True),
    ("dir/.git/index.lck", True), ("dir/index.lck", False), (".git/index.lck", True),
    ("dir/run/a.pid", True), ("dir/a.pid", False), ("dir/run/sub/a.pid", False),
])
def test_which_names_are_those_of_exclusive_remote(locker, standard, name, remote):
    """A glob without "/" is of names, one with it of the ends of paths. Those that match are
    refused where the other client has them, though nothing of it has reached us; with the others
    both win, and one is told."""
    for folder in ("dir/run/sub", "dir/.git", ".git"):
        os.makedirs(locker.path(*folder.split("/")))
    locker.drained()
    parts = name.split("/")
    os.listdir(locker.path(*parts[:-1]))
    soon(lambda: os.path.isdir(standard.path(*parts[:-1])), "the folder")
    hold(locker)
    exclusive(standard.path(*parts))
    done = []

    def take():
        try:
            exclusive(locker.path(*parts))
            done.append("taken")
        except FileExistsError:
            done.append("refused")

    taker = threading.Thread(target=take)
    taker.start()
    taker.join(0.3)
    assert bool(done) != remote, "only a name of the list asks the server"
    locker.link.up()
    taker.join()
    locker.drained()
    assert done == ["refused" if remote else "taken"]
    assert conflicts(locker) == (not remote)


def test_a_loss_shorter_than_the_grace_refuses_nothing(lab, volume, standard):
    fast = Fast(lab, volume, lab.link(volume.server), settings={"disconnect-grace": "30s"})
    os.mkdir(fast.path("dir"))
    fast.drained()
    os.listdir(fast.path("dir"))
    fast.link.refuse()
    wait_until(lambda: not fast.stats()["server"]["connected"], 10, "the loss")
    end, made = time.monotonic() + 1, 0
    while time.monotonic() < end:
        os.mkdir(fast.path("dir", str(made)))
        made += 1
        time.sleep(0.02)
    assert fast.state == "writable" and fast.backlog() == made
    fast.link.up()
    fast.drained()
    assert len(names(standard.path("dir"))) == made
    assert conflicts(fast) == 0
    fast.mount.unmount()
    assert sound(lab, volume) == []


@pytest.mark.parametrize("grace_s", [0, 2])
def test_a_loss_longer_than_the_grace_is_read_only(lab, volume, grace_s):
    fast = Fast(lab, volume, lab.link(volume.server),
                settings={"disconnect-grace": f"{grace_s}s"})
    os.listdir(fast.path())
    fast.drained()
    fast.link.refuse()
    wait_until(lambda: not fast.stats()["server"]["connected"], 10, "the loss", every_s=0.01)
    begin = time.monotonic()
    made = 0
    with pytest.raises(OSError) as refused:
        while time.monotonic() < begin + 10:
            os.mkdir(fast.path(str(made)))
            made += 1
            time.sleep(0.02)
    lasted_s = time.monotonic() - begin
    assert refused.value.errno == errno.EROFS
    assert grace_s - 0.5 < lasted_s < grace_s + 1.5
    assert fast.state == "read-only"
    fast.link.up()
    fast.is_state("writable")
    fast.drained()
    assert len(os.listdir(fast.path())) == made, "what was acknowledged meanwhile is there"


def forgets(volume, change):
    """The server goes back to what it held before, as one that has lost its last second does."""
    backup = volume.server.folder / "backup.rdb"
    with volume.redis() as redis:
        redis("SAVE")
    shutil.copy(volume.server.folder / "dump.rdb", backup)
    change()
    volume.server.kill()
    shutil.copy(backup, volume.server.folder / "dump.rdb")
    volume.server.start()


@pytest.mark.parametrize("window, changes, pause_s, kept", [
    ({"sync.keep-applied-records": 20}, 10, 0, True),
    ({"sync.keep-applied-records": 20}, 60, 0, False),
    ({"sync.keep-applied": "2s"}, 10, 0, True),
    ({"sync.keep-applied": "2s"}, 10, 4, False),
    ({"sync.keep-applied": "2s", "sync.keep-applied-records": 0}, 10, 0, False),
], ids=["few", "too many", "just now", "too long ago", "none kept"])
def test_what_a_server_forgets_is_sent_again_within_the_kept_window(
        lab, volume, window, changes, pause_s, kept):
    """Beyond it, by number or by age, nobody guesses: read-only, and the backlog stays."""
    fast = Fast(lab, volume, lab.link(volume.server),
                settings={**window, "umount.drain-timeout": "0"})
    write(fast.path("old"), b"1")
    fast.drained()

    def made():
        for n in range(changes):
            os.mkdir(fast.path(f"new{n}"))
            if n % 5 == 0:
                fast.drained()  # in several transactions
        fast.drained()
        time.sleep(pause_s)
        os.mkdir(fast.path("last"))  # the window is looked after when something is sent
        fast.drained()
        os.listdir(fast.path())
        hold(fast)
        os.mkdir(fast.path("unsent"))

    forgets(volume, made)
    fast.link.up()
    if not kept:
        wait_until(lambda: "nothing is sent any more" in fast.mount.log, 20, "a refusal")
        time.sleep(0.2)  # longer than the grace: the loss of the connection is not the reason
        assert "has lost changes" in fast.stats()["reason"]
        assert fast.state == "read-only" and fast.backlog() == 1
        with pytest.raises(OSError) as refused:
            os.mkdir(fast.path("more"))
        assert refused.value.errno == errno.EROFS
        return
    fast.is_state("writable")
    fast.drained()
    there = sorted(["last", "old", "unsent", *(f"new{n}" for n in range(changes))])
    assert names(fast.path()) == there
    assert names(lab.mount("juicefs", volume).path()) == there
    assert conflicts(fast) == 0
    fast.mount.unmount()
    assert sound(lab, volume) == []
