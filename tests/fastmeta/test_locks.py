"""Locks are the server's, and barriers both ways (I8)."""

import fcntl
import json
import os
import subprocess
import sys

import pytest

from fastmeta.conftest import PATIENT_S, Fast, conflicts, hold, meet, read, soon, write
from support.process import wait_until

pytestmark = pytest.mark.quick

COUNT = r"""
import fcntl, os, sys
path, turns, how, own = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4] == "own"
lock = fcntl.flock if how == "flock" else fcntl.lockf
for _ in range(turns):
    with open(path if own else path + ".lock", "r+b", buffering=0) as held:
        lock(held, fcntl.LOCK_EX)
        with open(path, "r+b", buffering=0) as file:
            number = int(file.read() or b"0") + 1
            file.seek(0)
            file.write(b"%d" % number)
            os.fsync(file.fileno()) if number % 2 else None
            if own and how == "lockf":
                continue  # a close of the file lets go of the lock
        lock(held, fcntl.LOCK_UN)
"""

# Takes the lock, then writes the file when it is told to; in another thread, if it says so.
WRITE_UNDER_A_LOCK = r"""
import fcntl, os, sys, threading
path, how = sys.argv[1], sys.argv[2]
held = open(path + ".lock", "r+b")
(fcntl.flock if how == "flock" else fcntl.lockf)(held, fcntl.LOCK_EX)
print("locked", flush=True)
def write():
    with open(path, "r+b") as file:
        file.write(b"ours..")
sys.stdin.readline()
if sys.argv[3] == "thread":
    writer = threading.Thread(target=write)
    writer.start()
    writer.join()
else:
    write()
print("written", flush=True)
sys.stdin.readline()
"""


def session_with_a_lock(redis):
    """The only one."""
    (locked,) = redis.keys("locked*")
    return int(locked[len(b"locked"):])


def refused(file, how):
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True


def test_a_lock_held_by_one_blocks_the_other(fast, standard):
    write(fast.path("file"), b"")
    fast.drained()
    soon(lambda: os.path.exists(standard.path("file")), "the file")
    for one, other in ((fast, standard), (standard, fast)):
        with open(one.path("file"), "r+b") as mine, open(other.path("file"), "r+b") as theirs:
            fcntl.flock(mine, fcntl.LOCK_EX)
            assert refused(theirs, fcntl.LOCK_EX)
            assert refused(theirs, fcntl.LOCK_SH)
            fcntl.flock(mine, fcntl.LOCK_UN)
            wait_until(lambda: not refused(theirs, fcntl.LOCK_EX), 5, "the lock")


@pytest.mark.parametrize("which", ["own", "other"])
@pytest.mark.parametrize("how", ["flock", "lockf"])
def test_a_counter_under_a_lock_ends_exact(lab, volume, fast, standard, how, which):
    """The lock is on the counter itself, or on another file (the standard client looks at a
    file's attributes only when it is opened)."""
    second = Fast(lab, volume)
    write(fast.path("counter"), b"0")
    write(fast.path("counter.lock"), b"")
    fast.drained()
    for other in (second, standard):
        soon(lambda: os.path.exists(other.path("counter.lock")), "the counter")
    turns = 25
    workers = [subprocess.Popen([sys.executable, "-c", COUNT, mount.path("counter"), str(turns),
                                 how, which]) for mount in (fast, second, standard)]
    try:
        for worker in workers:
            assert worker.wait(120) == 0
    finally:
        for worker in workers:
            if worker.poll() is None:
                worker.kill()
                worker.wait()
    fast.drained()
    second.drained()
    with open(standard.path("counter"), "rb") as file:
        assert int(file.read()) == 3 * turns
    assert fast.stats()["conflicts"]["total"] == 0
    assert second.stats()["conflicts"]["total"] == 0


@pytest.mark.parametrize("who", ["process", "thread"])
@pytest.mark.parametrize("how, rows", [("flock", "lockf"), ("lockf", "lockp")])
def test_what_was_written_under_a_lock_that_is_lost_overwrites_nothing(apart, standard, volume, how,
                                                                       rows, who):
    """Our session was taken for dead and its locks given to another client, who wrote: what is
    sent after that is a conflict, even where the later write would win."""
    for name in ("x", "x.lock"):
        write(apart.path(name), b"before")
    apart.drained()
    soon(lambda: os.path.exists(standard.path("x.lock")), "the files")
    lock = os.stat(apart.path("x.lock")).st_ino
    worker = subprocess.Popen([sys.executable, "-c", WRITE_UNDER_A_LOCK, apart.path("x"), how, who],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert worker.stdout.readline() == "locked\n"
        hold(apart)
        worker.stdin.write("\n")
        worker.stdin.flush()
        assert worker.stdout.readline() == "written\n"
        assert apart.backlog() > 0
        with volume.redis() as redis:
            (holder,) = redis("HKEYS", f"{rows}{lock}")
            assert redis("DEL", f"{rows}{lock}", f"locked{int(holder.split(b'_')[0])}") > 0
        write(standard.path("x"), b"theirs")
        meet(apart)
        assert conflicts(apart) > 0
        assert read(standard.path("x")) == b"theirs"
        soon(lambda: read(apart.path("x")) == b"theirs", "their data here")
        listed = apart.lab.clients["fastmeta"].run("conflicts", "list", "--json", apart.root)
        assert {entry["pid"] for entry in json.loads(listed.stdout)} == {worker.pid}
    finally:
        worker.kill()
        worker.communicate()


def test_a_release_does_not_wait_for_the_server(far):
    write(far.path("file"), b"")
    far.drained()
    with open(far.path("file"), "r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        far.link.stall()
        os.fchmod(file.fileno(), 0o640)
        fcntl.flock(file, fcntl.LOCK_UN)
        assert far.backlog() == 1 and far.stats()["locks"]["waiting_releases"] == 1
        far.link.up()
    far.drained()
    wait_until(lambda: far.stats()["locks"]["waiting_releases"] == 0, PATIENT_S,
               "the release")


def test_giving_up_such_a_name_waits_for_what_was_done_under_it(lab, volume, standard):
    """I8: whoever gets the name sees what its holder had changed."""
    settings = {"exclusive.remote": ["*.lock"], "sync.linger": "200ms"}
    holder = Fast(lab, volume, settings=settings)
    for n, give_up in enumerate((os.unlink, lambda lock: os.rename(lock, lock + ".old"))):
        os.close(os.open(holder.path("a.lock"), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        write(holder.path("index"), b"%d" % n)
        give_up(holder.path("a.lock"))
        with volume.redis() as redis:
            assert redis("HEXISTS", "d1", "index") == 1
        assert read(standard.path("index")) == b"%d" % n
        soon(lambda: not os.path.exists(standard.path("a.lock")), "the name")


def test_names_used_as_locks_are_exclusive_across_clients(lab, volume, standard):
    first = Fast(lab, volume, settings={"exclusive.remote": ["*.lock"]})
    second = Fast(lab, volume, settings={"exclusive.remote": ["*.lock"]})
    for n in range(20):
        won = 0
        for mount in (first, second):
            try:
                os.close(os.open(mount.path(f"{n}.lock"), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
                won += 1
            except FileExistsError:
                pass
        assert won == 1
        os.unlink((first, second)[n % 2].path(f"{n}.lock"))
    assert first.stats()["conflicts"]["total"] == 0


def test_changes_under_a_lock_outlive_their_holder(lab, volume):
    """The next start sends them before it cleans up after the one that died."""
    a = Fast(lab, volume, lab.link(volume.server))
    write(a.path("file"), b"before")
    a.drained()
    with open(a.path("file"), "r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        a.link.stall()
        file.write(b"under a lock")
        os.fsync(file.fileno())
        a.crash()
        try:
            file.close()
        except OSError:
            pass
    with volume.redis() as redis:
        (session,) = redis("ZRANGE", "allSessions", 0, -1)
        redis("ZADD", "allSessions", 1, session)  # long overdue
        redis("DEL", "lastCleanupSessions")
        a.link.up()
        a.up()
        a.drained()
        assert a.stats()["conflicts"]["total"] == 0
        assert read(a.path("file")) == b"under a lock"


def test_an_unmount_with_changes_left_keeps_their_locks(lab, volume):
    a = Fast(lab, volume, lab.link(volume.server), settings={"umount.drain-timeout": "0"})
    write(a.path("file"), b"before")
    a.drained()
    with open(a.path("file"), "r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        a.link.rtt(500)
        file.write(b"under a lock")
        os.fsync(file.fileno())
    a.mount.unmount()
    a.link.rtt(0)
    a.up()
    a.drained()
    assert a.stats()["conflicts"]["total"] == 0
    assert read(a.path("file")) == b"under a lock"


def test_a_session_that_others_took_for_dead_is_followed_by_another(lab, volume, standard):
    """What was done under a lock of the old one is not sent as done under one of the new."""
    a = Fast(lab, volume, lab.link(volume.server), settings={"session.heartbeat": "1s"})
    write(a.path("file"), b"before")
    a.drained()
    soon(lambda: os.path.exists(standard.path("file")), "the file")
    with open(a.path("file"), "r+b", buffering=0) as file, volume.redis() as redis:
        fcntl.flock(file, fcntl.LOCK_EX)
        session = session_with_a_lock(redis)
        a.link.stall()
        file.write(b"ours..")
        os.fsync(file.fileno())
        # As a client cleans up after a dead one.
        redis("DEL", f"locked{session}", "lockf2")
        redis("HDEL", "sessionInfos", session)
        redis("ZREM", "allSessions", session)
        with open(standard.path("file"), "r+b", buffering=0) as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            other.write(b"theirs")
            os.fsync(other.fileno())
        a.link.up()
        a.drained()
        wait_until(lambda: a.stats()["conflicts"]["total"] == 1, PATIENT_S, "the conflict")
        wait_until(lambda: redis("HLEN", "sessionInfos") == 2, PATIENT_S, "a new session")
        assert redis("HEXISTS", "sessionInfos", session) == 0
        soon(lambda: read(a.path("file")) == b"theirs", "their data")


def test_a_session_that_the_standard_client_cleans_away_overwrites_nothing(lab, volume):
    """It takes us for dead, drops our lock, takes it and writes; what we had written under it is
    one conflict."""
    a = Fast(lab, volume, lab.link(volume.server), settings={"session.heartbeat": "1s"})
    standard = lab.mount("juicefs", volume, options=["--heartbeat", "1"])
    write(a.path("file"), b"before")
    a.drained()
    soon(lambda: os.path.exists(standard.path("file")), "the file")
    with open(a.path("file"), "r+b", buffering=0) as file, volume.redis() as redis:
        fcntl.flock(file, fcntl.LOCK_EX)
        session = session_with_a_lock(redis)
        hold(a)
        file.write(b"ours..")
        os.fsync(file.fileno())
        assert a.backlog() == 1
        redis("ZADD", "allSessions", 1, session)
        redis("DEL", "lastCleanupSessions")
        with open(standard.path("file"), "r+b", buffering=0) as other:
            assert refused(other, fcntl.LOCK_EX), "nobody has cleaned up yet"
            wait_until(lambda: not refused(other, fcntl.LOCK_EX), 60, "the lock of the dead")
            assert redis("ZSCORE", "allSessions", session) is None
            other.write(b"theirs")
            os.fsync(other.fileno())
        meet(a)
        assert conflicts(a) == 1
        (entry,) = a.journal()
        assert entry["record"]["op"] == "write_slice" and str(session) in entry["reason"], entry
        assert read(standard.path("file")) == b"theirs"
        soon(lambda: read(a.path("file")) == b"theirs", "their data")
