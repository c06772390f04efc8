"""Others in the same folders: busy ones, ones that want the opposite, ones that fill the volume."""

import errno
import fcntl
import os
import signal
import threading
import time

import pytest

from fastmeta.conftest import (PATIENT_S, UNHURRIED, Fast, conflicts, hold, meet, names, read, soon,
                               sound, write)
from support import leftovers
from support.process import wait_until
from support.raw_creator import RawCreator, counted

LONG = os.environ.get("FASTMETA_LONG") == "1"
COUNT = 10_000 if LONG else 1000
PENDING = 10_000 if LONG else 2000


@pytest.mark.timeout(900)
def test_a_busy_neighbour_does_not_keep_us_from_sending(lab, volume, standard):
    """Names come into our folder without a pause, one in a millisecond, from close to the server:
    of the standard client, and of one that is faster than a kernel lets it be. We are 30 ms away.
    """
    far = Fast(lab, volume, lab.link(volume.server),
               settings={**UNHURRIED, "sync.batch-commands": 200})
    far.link.rtt(30)
    os.mkdir(far.path("dir"))
    far.drained()
    soon(lambda: os.path.exists(standard.path("dir")), "the folder")
    write(standard.path("dir", "model"), b"")
    folder, model = (os.stat(standard.path(*path)).st_ino for path in (["dir"], ["dir", "model"]))
    done, made = threading.Event(), 0

    def create():
        nonlocal made
        while not done.is_set():
            write(standard.path("dir", f"theirs{made}"), b"")
            made += 1
    wait_until(lambda: counted(volume, folder), 10, "statistics of the folder")
    soon(lambda: names(far.path("dir")) == ["model"], "the model")
    hold(far)
    for n in range(COUNT):
        write(far.path("dir", f"ours{n}"), b"")
    assert far.backlog() == COUNT
    thread = threading.Thread(target=create)
    with RawCreator(volume, folder, model, "raw") as raw:
        thread.start()
        try:
            wait_until(lambda: made > 0 and raw.made > 100, 10, "the others")
            before, begin = made + raw.made, time.monotonic()
            far.link.up()
            far.drained(300)
            took = time.monotonic() - begin
            rate = (made + raw.made - before) / took
        finally:
            done.set()
            thread.join()
    sync = far.stats()["sync"]
    print(f"{COUNT} sent in {took:.1f} s beside {rate:.0f} names a second, of {raw.made + made} "
          f"{made} through a mount; {sync}")
    assert rate >= 500, "nobody was in our way"
    assert sync["nil"] + sync["scripts"] > 0, "nobody was in our way"
    assert took < 30 + COUNT / 50
    assert conflicts(far) == 0
    wanted = sorted(["model", *(f"ours{n}" for n in range(COUNT)), *raw.names,
                     *(f"theirs{n}" for n in range(made))])
    soon(lambda: names(standard.path("dir")) == wanted, "all names", 10)
    soon(lambda: names(far.path("dir")) == wanted, "all names here", 10)
    far.mount.unmount()
    assert sound(lab, volume) == []


def test_a_folder_that_is_removed_and_filled_at_once(lab, volume, fast):
    """One thread removes it, the other makes a file in it: one of them loses, not both."""
    end, both = time.monotonic() + 4, 0
    n = 0
    while time.monotonic() < end:
        n += 1
        folder = fast.path(f"d{n}")
        os.mkdir(folder)
        outcome = {}
        start = threading.Barrier(2)

        def attempt(what, action):
            start.wait()
            try:
                action()
                outcome[what] = 0
            except OSError as error:
                outcome[what] = error.errno
        threads = [threading.Thread(target=attempt, args=pair) for pair in
                   (("remove", lambda: os.rmdir(folder)),
                    ("fill", lambda: write(folder + "/file", b"")))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (outcome["remove"] == 0) != (outcome["fill"] == 0), outcome
        assert os.path.exists(folder + "/file") == (outcome["fill"] == 0)
        both += outcome["fill"] == 0
    print(f"{n} folders, {both} filled")
    fast.drained()
    assert conflicts(fast) == 0
    fast.mount.unmount()
    assert sound(lab, volume) == []


def fill_inodes(mount):
    made = 0
    while True:
        write(mount.path(f"theirs{made}"), b"")
        made += 1


def fill_space(mount):
    """To the last block; holes count."""
    made = 0
    for size in (128 << 20, 1 << 20, 4096):
        with pytest.raises(OSError) as full:
            while True:
                with open(mount.path(f"theirs{made}"), "xb") as file:
                    made += 1
                    file.truncate(size)
        assert full.value.errno == errno.ENOSPC
    raise full.value


@pytest.mark.timeout(900)
@pytest.mark.parametrize("fill, limits", [(fill_inodes, ["--inodes", str(PENDING)]),
                                          (fill_space, ["--capacity", "1"])],
                         ids=["inodes", "space"])
def test_a_volume_that_another_client_fills(lab, fill, limits):
    """What was acknowledged had room then: it is applied even if there is none now."""
    volume = lab.format(options=limits)
    with volume.redis() as redis:
        for row in ("dirUsedSpace", "dirDataLength", "dirUsedInodes"):
            redis("HSET", row, "1", "0")
    fast = Fast(lab, volume, lab.link(volume.server),
                settings={**UNHURRIED, "session.heartbeat": "1s"})
    standard = lab.mount("juicefs", volume)
    os.listdir(fast.path())
    hold(fast)
    ours = PENDING // 2  # a record for the name, one for the contents
    for n in range(ours):
        write(fast.path(f"ours{n}"), b"contents of %d" % n)
    assert fast.backlog() == PENDING
    with pytest.raises(OSError) as full:
        fill(standard)
    assert full.value.errno in (errno.ENOSPC, errno.EDQUOT)
    theirs = len(names(standard.path()))
    begin = time.monotonic()
    fast.link.up()
    fast.drained(120)
    print(f"{PENDING} changes sent in {time.monotonic() - begin:.1f} s, beside {theirs} of theirs")
    assert conflicts(fast) == 0
    soon(lambda: len(names(standard.path())) == ours + theirs, "all files", 10)
    for n in range(0, ours, ours // 100):
        assert read(standard.path(f"ours{n}")) == b"contents of %d" % n
    with pytest.raises(OSError) as full:
        for n in range(10):
            write(fast.path(f"more{n}"), b"")
            time.sleep(1)
    assert full.value.errno in (errno.ENOSPC, errno.EDQUOT)
    fast.mount.unmount()
    assert sound(lab, volume) == []


def test_a_host_that_was_stopped_for_longer_than_its_session_lives(lab, volume):
    """Others take it for dead and clean up after it; it goes on with a new session. What it had
    written under a lock is one conflict, and the file that it had kept open without a name is gone:
    that is told, and nothing else is shown for it."""
    fast = Fast(lab, volume, lab.link(volume.server), settings={"session.heartbeat": "1s"})
    standard = lab.mount("juicefs", volume, options=["--heartbeat", "2"])
    data = bytes(range(256)) * 1024
    write(fast.path("before"), data)
    write(fast.path("locked"), b"before")
    fast.drained()
    soon(lambda: os.path.exists(standard.path("locked")), "the file")
    with volume.redis() as redis:
        ours = min(int(s) for s in redis("ZRANGE", "allSessions", 0, -1))
        held = os.open(fast.path("before"), os.O_RDWR)
        locked = os.open(fast.path("locked"), os.O_RDWR)
        os.unlink(fast.path("before"))
        fcntl.flock(locked, fcntl.LOCK_EX)
        fast.drained()
        hold(fast)
        os.pwrite(locked, b"ours..", 0)
        os.fsync(locked)
        fast.mount.process.signal(signal.SIGSTOP)
        try:
            redis("ZADD", "allSessions", 1, ours)
            wait_until(lambda: redis("ZSCORE", "allSessions", ours) is None, 60,
                       "the standard client to clean up")
            write(standard.path("locked"), b"theirs", "r+b")
            wait_until(lambda: len(volume.objects()) < 4, 20, "the data of the removed file to go")
        finally:
            fast.link.up()
            fast.mount.process.signal(signal.SIGCONT)
        fast.is_state("writable")
        fast.drained()
        wait_until(lambda: redis("ZCARD", "allSessions") == 2, PATIENT_S, "a new session")
        assert redis("ZSCORE", "allSessions", ours) is None
        assert tells(lambda: os.fsync(locked)), "what was lost is told"
        os.close(locked)
        write(fast.path("after"), b"2")
        fast.drained()
        soon(lambda: names(standard.path()) == ["after", "locked"], "the files")
        assert conflicts(fast) == 1
        assert read(standard.path("locked")) == b"theirs"
        soon(lambda: read(fast.path("locked")) == b"theirs", "their data here")
        shows_its_data_or_tells(held, data)
        told = tells(lambda: os.pwrite(held, b"new", 0)) or tells(lambda: os.fsync(held))
        told or shows_its_data_or_tells(held, b"new" + data[3:])
        told = tells(lambda: os.close(held)) or told
        assert told, "what is written to a file that is gone must not look written"
    fast.drained()
    fast.mount.unmount()
    assert sound(lab, volume) == []
    assert leftovers.of_dead_sessions(volume) == []


# Lost, or of a file that is not there any more; the latter two as in the standard client.
TOLD = (errno.EIO, errno.ENOENT, errno.EBADF)


def tells(action):
    """Whether it ended in an error of a loss."""
    try:
        action()
        return False
    except OSError as error:
        assert error.errno in TOLD, error
        return True


def shows_its_data_or_tells(file, data):
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    shown = []
    if not tells(lambda: shown.append(os.pread(file, len(data) + 1, 0))):
        assert shown == [data], "neither its data nor an error"
