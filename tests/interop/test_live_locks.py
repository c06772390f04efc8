"""Locks hold across clients: what one has, the other cannot get, and who waits is woken."""

import errno
import fcntl
import os
import signal
import struct
import subprocess
import sys
import threading
import time

import pytest

pytestmark = pytest.mark.quick

WOKEN_WITHIN_S = 3


@pytest.fixture
def files(pair):
    """The same file, open on both mounts."""
    name = f"lock{time.monotonic_ns()}"
    with open(pair.writer.path(name), "w+b") as one:
        pair.soon(lambda: os.stat(pair.reader.path(name)), "the file")
        with open(pair.reader.path(name), "r+b") as other:
            yield one, other


def refused(call, *arguments):
    try:
        call(*arguments)
        return False
    except OSError as error:
        assert error.errno in (errno.EAGAIN, errno.EACCES)
        return True


def flock(file, how):
    fcntl.flock(file, how)


def record(file, how, start, length):
    fcntl.lockf(file, how, length, start)


@pytest.fixture
def take_freed(pair, request):
    """Takes a lock that the other mount has just let go of. In mode fast-meta a release waits
    behind earlier changes, and its user does not wait for it."""
    def take(call, *arguments):
        if request.config.getoption("--mode") == "fast-meta":
            pair.patience_s = WOKEN_WITHIN_S
            pair.soon(lambda: not refused(call, *arguments), "the lock")
        else:
            call(*arguments)
    return take


def test_flock_excludes(files, take_freed):
    one, other = files
    flock(one, fcntl.LOCK_EX)
    assert refused(flock, other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert refused(flock, other, fcntl.LOCK_SH | fcntl.LOCK_NB)
    flock(one, fcntl.LOCK_UN)
    take_freed(flock, other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert refused(flock, one, fcntl.LOCK_SH | fcntl.LOCK_NB)


def test_flock_is_shared_by_readers(files, take_freed):
    one, other = files
    flock(one, fcntl.LOCK_SH)
    flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
    assert refused(flock, one, fcntl.LOCK_EX | fcntl.LOCK_NB)
    flock(other, fcntl.LOCK_UN)
    take_freed(flock, one, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_flock_ends_with_its_file(files, pair):
    one, other = files
    flock(one, fcntl.LOCK_EX)
    assert refused(flock, other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    one.close()
    pair.patience_s = WOKEN_WITHIN_S  # the kernel releases after close() has returned
    pair.soon(lambda: not refused(flock, other, fcntl.LOCK_EX | fcntl.LOCK_NB), "the lock")


def test_record_locks_exclude_where_they_overlap(files, take_freed):
    one, other = files
    record(one, fcntl.LOCK_EX, 0, 100)
    record(other, fcntl.LOCK_EX | fcntl.LOCK_NB, 100, 50)
    for start, length in ((0, 100), (99, 1), (50, 10), (0, 0)):
        assert refused(record, other, fcntl.LOCK_EX | fcntl.LOCK_NB, start, length)
    assert refused(record, one, fcntl.LOCK_SH | fcntl.LOCK_NB, 90, 20)
    record(one, fcntl.LOCK_UN, 40, 20)
    take_freed(record, other, fcntl.LOCK_EX | fcntl.LOCK_NB, 40, 20)
    assert refused(record, other, fcntl.LOCK_EX | fcntl.LOCK_NB, 39, 1)
    assert refused(record, other, fcntl.LOCK_EX | fcntl.LOCK_NB, 60, 1)


def test_record_locks_are_shared_by_readers_and_asked_for(files):
    one, other = files
    record(one, fcntl.LOCK_SH, 10, 10)
    record(other, fcntl.LOCK_SH | fcntl.LOCK_NB, 10, 10)
    assert refused(record, other, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 1)
    ask = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    kind, _, start, length, _ = struct.unpack("hhqqi4x", fcntl.fcntl(other, fcntl.F_GETLK, ask))
    assert (kind, start, length) == (fcntl.F_RDLCK, 10, 10)


def test_both_kinds_do_not_meet(files):
    one, other = files
    flock(one, fcntl.LOCK_EX)
    record(other, fcntl.LOCK_EX | fcntl.LOCK_NB, 0, 0)


@pytest.mark.parametrize("take, release", [
    (lambda f: flock(f, fcntl.LOCK_EX), lambda f: flock(f, fcntl.LOCK_UN)),
    (lambda f: record(f, fcntl.LOCK_EX, 0, 10), lambda f: record(f, fcntl.LOCK_UN, 0, 10)),
], ids=["flock", "record"])
def test_who_waits_is_woken(files, take, release):
    one, other = files
    take(one)
    got = threading.Event()

    def wait():
        take(other)
        got.set()
    waiter = threading.Thread(target=wait)
    waiter.start()
    assert not got.wait(0.3)
    release(one)
    assert got.wait(WOKEN_WITHIN_S)
    waiter.join()


HOLDER = """
import fcntl, sys, time
file = open(sys.argv[1], "r+b")
fcntl.{call}(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


def child(path, call):
    return subprocess.Popen([sys.executable, "-c", HOLDER.format(call=call), path],
                            stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("call, take", [
    ("flock", lambda f: flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)),
    ("lockf", lambda f: record(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 0, 0)),
])
def test_a_killed_process_leaves_no_lock(files, pair, call, take):
    one, other = files
    with child(one.name, call) as holder:
        assert holder.stdout.readline() == "held\n"
        assert refused(take, other)
        holder.kill()
    pair.patience_s = WOKEN_WITHIN_S
    pair.soon(lambda: not refused(take, other), "the lock")


@pytest.mark.parametrize("call, take", [
    ("flock", lambda f: flock(f, fcntl.LOCK_EX)),
    ("lockf", lambda f: record(f, fcntl.LOCK_EX, 0, 0)),
])
def test_who_waits_can_be_interrupted(files, call, take):
    one, other = files
    take(one)
    with child(other.name, call) as waiter:
        time.sleep(0.5)
        waiter.send_signal(signal.SIGTERM)
        assert waiter.wait(WOKEN_WITHIN_S) == -signal.SIGTERM
    flock(one, fcntl.LOCK_UN)
    record(one, fcntl.LOCK_UN, 0, 0)
    # What was given up is not granted later.
    time.sleep(0.3)
    assert not refused(flock, one, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert not refused(record, one, fcntl.LOCK_EX | fcntl.LOCK_NB, 0, 0)


def test_a_counter_under_a_lock_loses_no_increment(pair):
    name = f"counter{time.monotonic_ns()}"
    with open(pair.writer.path(name), "wb") as file:
        file.write(b"0")
    pair.soon(lambda: os.stat(pair.reader.path(name)), "the file")
    wrong = []

    def count(path):
        try:
            for _ in range(40):
                with open(path, "r+b") as file:
                    flock(file, fcntl.LOCK_EX)
                    # Opened under the lock: close-to-open is what the two promise each other.
                    with open(path, "r+b") as under:
                        number = int(under.read())
                        under.seek(0)
                        under.write(str(number + 1).encode())
        except Exception as error:
            wrong.append(error)
    workers = [threading.Thread(target=count, args=(mount.path(name),))
               for mount in (pair.writer, pair.reader) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []
    with open(pair.writer.path(name), "rb") as file:
        assert file.read() == b"160"
