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


COUNT = 1000 if os.environ.get("FASTMETA_LONG") == "1" else 200


def many(count, work):
    threads = [threading.Thread(target=work, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    return threads


def test_a_busy_neighbour_does_not_keep_us_from_sending(lab, volume, far, standard):
    """It creates in our folder without a pause, close to the server; we are 30 ms away."""
    os.mkdir(far.path("dir"))
    far.drained()
    soon(lambda: os.path.exists(standard.path("dir")), "the folder")
    done, made = threading.Event(), [0] * 4

    def create(n):
        while not done.is_set():
            write(standard.path("dir", f"theirs{n}_{made[n]}"), b"")
            made[n] += 1
    threads = many(4, create)
    try:
        time.sleep(0.5)
        for n in range(COUNT):
            write(far.path("dir", f"ours{n}"), b"")
        begin = time.monotonic()
        far.drained(120)
        print(f"sent after {time.monotonic() - begin:.1f} s")
    finally:
        done.set()
        for thread in threads:
            thread.join()
    print(f"{sum(made)} beside ours, {far.stats()['sync']}")
    assert conflicts(far) == 0
    wanted = sorted([f"ours{n}" for n in range(COUNT)] +
                    [f"theirs{n}_{k}" for n in range(4) for k in range(made[n])])
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


def test_exclusive_creation_without_exclusive_remote_is_told_as_a_conflict(lab, volume):
    """Both win at first, which is what the option is for; the later one hears of it."""
    first = Fast(lab, volume)
    second = Fast(lab, volume, lab.link(volume.server))
    os.listdir(second.path())
    hold(second)
    files = [os.open(mount.path("index.lock"), os.O_CREAT | os.O_EXCL | os.O_WRONLY)
             for mount in (first, second)]
    first.drained()
    meet(second)
    assert conflicts(first) == 0 and conflicts(second) == 1
    with pytest.raises(OSError) as told:
        os.fsync(files[1])
    assert told.value.errno == errno.EIO
    os.fsync(files[0])
    for file in files:
        try:
            os.close(file)
        except OSError:
            pass


def test_a_lock_file_of_a_path_is_exclusive(lab, volume):
    settings = {"exclusive.remote": [".git/index.lock"]}
    first, second = Fast(lab, volume, settings=settings), Fast(lab, volume, settings=settings)
    os.mkdir(first.path(".git"))
    first.drained()
    wait_until(lambda: os.path.exists(second.path(".git")), PATIENT_S, "the folder")
    for n in range(10):
        won = 0
        for mount in (first, second):
            try:
                os.close(os.open(mount.path(".git", "index.lock"),
                                 os.O_CREAT | os.O_EXCL | os.O_WRONLY))
                won += 1
            except FileExistsError:
                pass
        assert won == 1
        os.unlink((first, second)[n % 2].path(".git", "index.lock"))


@pytest.mark.parametrize("rtt_ms", [0, 30])
def test_one_of_many_who_race_for_a_lock_file_gets_it(lab, volume, rtt_ms):
    settings = {"exclusive.remote": ["*.lock"]}
    mounts = []
    for _ in range(2):
        link = lab.link(volume.server)
        link.rtt(rtt_ms)
        mounts.append(Fast(lab, volume, link, settings=settings))
    races = 6
    won, wrong = [0] * races, []
    start = threading.Barrier(4)

    def race(mount):
        try:
            for n in range(races):
                start.wait(30)
                try:
                    os.close(os.open(mount.path(f"{n}.lock"), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
                    won[n] += 1
                except FileExistsError:
                    pass
        except BaseException as error:
            wrong.append(error)
            start.abort()
    racers = [threading.Thread(target=race, args=(mount,)) for mount in mounts * 2]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert wrong == [] and won == [1] * races
    assert conflicts(mounts[0]) == conflicts(mounts[1]) == 0


def test_a_volume_that_another_client_fills(lab):
    """What was acknowledged had room then: it is applied even if there is none now."""
    volume = lab.format(options=["--inodes", "3000"])
    fast = Fast(lab, volume, lab.link(volume.server),
                settings={**UNHURRIED, "session.heartbeat": "1s"})
    standard = lab.mount("juicefs", volume)
    os.listdir(fast.path())
    hold(fast)
    count = 2000
    for n in range(count):
        write(fast.path(f"ours{n}"), b"")
    made = 0
    with pytest.raises(OSError) as full:
        while True:
            write(standard.path(f"theirs{made}"), b"")
            made += 1
    assert full.value.errno in (errno.ENOSPC, errno.EDQUOT)
    meet(fast)
    assert conflicts(fast) == 0
    soon(lambda: len(names(standard.path())) == count + made, "all files", 10)
    with pytest.raises(OSError) as full:
        for n in range(10):
            write(fast.path(f"more{n}"), b"")
            time.sleep(1)
    assert full.value.errno in (errno.ENOSPC, errno.EDQUOT)


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
