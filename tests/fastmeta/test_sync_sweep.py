"""Whichever request of a mount in mode fast-meta fails: nothing is lost, done twice, or taken for a
conflict. A fixed piece of work runs while the first request fails, in a new folder while the second
does, and so on until none is left to fail: reads, WATCH, EXEC, the numbers, locks, heartbeats."""

import errno
import fcntl
import os
import time

import pytest

from fastmeta.conftest import IMPATIENT, Fast, conflicts, read, soon, sound
from support import volume_checks
from support.process import wait_until

LONG = os.environ.get("FASTMETA_LONG") == "1"
REQUESTS_MAX = 400
MANY, FEW = 60, 3  # requests, and commits, are sent for the work at least
# names, where, and each so manyth of them: what commits is always swept whole
WHICH = [("EXEC,EVAL,EVALSHA", "tracking", 1), ("*", "any", 1 if LONG else 4)]
# Little is kept in reserve, so that the requests for more are among those that fail.
SETTINGS = {"ids.inode-reserve": 4, "ids.slice-reserve": 4, "session.heartbeat": "1s",
            "meta.ping-timeout": "1s", "meta.deadline": "3s"}
LOST = (errno.EIO, errno.EROFS)


def patiently(call, *arguments):
    """While the connection comes back a call may fail; not for long. Its answer is true, so that
    it may be done again."""
    end = time.monotonic() + 10
    while True:
        try:
            return call(*arguments)
        except OSError as error:
            if error.errno not in LOST or time.monotonic() > end:
                raise
            time.sleep(0.01)


def put(path, data):
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    try:
        os.write(file, data)
        os.fsync(file)
    finally:
        os.close(file)


def lock(path):
    with open(path, "r+b") as file:
        patiently(fcntl.flock, file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def work(folder):
    patiently(os.mkdir, folder)
    patiently(os.mkdir, f"{folder}/sub")
    patiently(put, f"{folder}/file", b"contents")
    patiently(os.link, f"{folder}/file", f"{folder}/sub/link")
    patiently(put, f"{folder}/gone", b"gone")
    patiently(os.setxattr, f"{folder}/file", "user.a", b"1")
    patiently(os.rename, f"{folder}/sub", f"{folder}/moved")
    patiently(os.unlink, f"{folder}/gone")
    patiently(lock, f"{folder}/file")


def as_it_should_be(folder):
    """What is there, but for times."""
    assert sorted(os.listdir(folder)) == ["file", "moved"], os.listdir(folder)
    assert os.listdir(f"{folder}/moved") == ["link"]
    assert read(f"{folder}/moved/link") == read(f"{folder}/file") == b"contents"
    one, other = os.stat(f"{folder}/file"), os.stat(f"{folder}/moved/link")
    assert one.st_ino == other.st_ino and one.st_nlink == 2
    assert os.getxattr(f"{folder}/file", "user.a") == b"1"
    assert os.stat(folder).st_nlink == 3 and os.stat(f"{folder}/moved").st_nlink == 2
    return True


def rounds(fast, how, names, where, every):
    """Until none of those requests is left to fail; what failed."""
    hit, fired = [], ""
    for nth in range(1, REQUESTS_MAX, every):
        folder = f"{how} {names.split(',')[0].replace('*', 'any')} {nth}"
        fast.link.fail(nth, how, names, where)
        try:
            work(fast.path(folder))
            fast.drained()
            fired = fast.link.fired()
            fast.link.disarm()
            patiently(as_it_should_be, fast.path(folder))
            yield folder
            assert conflicts(fast) == 0
        except (AssertionError, OSError, TimeoutError) as error:
            raise AssertionError(f"request {nth} of {names} ({fired}) {how}: {error}") from error
        if not fired:
            break
        hit.append(fired.split()[0])
    else:
        raise AssertionError(f"more than {REQUESTS_MAX} requests")
    by_name = {name: hit.count(name) for name in sorted(set(hit))}
    print(f"{how} {names}: {len(hit)} of {nth} requests failed: {by_name}")
    assert len(hit) >= (MANY if names == "*" else FEW) / every
    if names == "*" and every == 1:
        assert {"WATCH", "EXEC", "GET", "INCRBY"} <= set(hit)


def sweep(lab, volume, standard, how):
    fast = Fast(lab, volume, lab.link(volume.server), {**IMPATIENT, **SETTINGS})
    for names, where, every in WHICH:
        for folder in rounds(fast, how, names, where, every):
            soon(lambda: as_it_should_be(standard.path(folder)), "the same there", 3)
    fast.link.fail(1, how, "ZADD")  # the heartbeat, which comes when it likes
    wait_until(fast.link.fired, 10, "a heartbeat")
    work(fast.path(f"{how} heartbeat"))
    fast.drained()
    assert conflicts(fast) == 0
    fast.is_state("writable")
    soon(lambda: as_it_should_be(standard.path(f"{how} heartbeat")), "the last folder there", 3)
    assert volume_checks.tree(fast.path()) == volume_checks.tree(standard.path())
    with volume.redis() as redis:
        soon(lambda: redis.keys("lockf*") == [], "that no lock is held", 10)
    fast.mount.unmount()
    assert sound(lab, volume) == []


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("how", ["before", "after"])
def test_whichever_request_fails_all_ends_as_it_should(lab, volume, standard, how):
    sweep(lab, volume, standard, how)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_whichever_request_is_lost_without_a_word_all_ends_as_it_should(lab, volume, standard):
    sweep(lab, volume, standard, "hole")
