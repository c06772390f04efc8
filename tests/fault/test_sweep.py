"""Whichever request of an operation fails, the answer tells what happened.

The operation runs while its first request fails, again while its second does, and so on past its
last. Success: it happened. EIO: it happened wholly, or not at all; doing it again then works.
Another errno would be a lie.
"""

import errno
import fcntl
import os
import stat
import time

import pytest

from fault.conftest import DEADLINE_S
from support import volume_checks
from support.pair import STANDARD_CACHE_S

REQUESTS_MAX = 60
OPERATIONS = {}


class Case:
    """prepare(folder); act(folder); state(folder) -> "before", "after" or what is wrong."""

    def __init__(self, act, state, prepare=lambda folder: None):
        self.prepare = prepare
        self.act = act
        self.state = state


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def one_of(value, before, after):
    return "before" if value == before else "after" if value == after else value


def names(folder):
    return sorted(os.listdir(folder))


def overwrite(folder):
    with open(f"{folder}/f", "r+b", buffering=0) as file:
        file.write(b"new")
        os.fsync(file.fileno())


def copy(folder):
    with open(f"{folder}/f", "rb") as source, open(f"{folder}/g", "r+b") as target:
        os.copy_file_range(source.fileno(), target.fileno(), 1000)


def punch(folder):
    import ctypes
    with open(f"{folder}/f", "r+b") as file:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.fallocate(file.fileno(), 3, ctypes.c_long(0), ctypes.c_long(3)):
            raise OSError(ctypes.get_errno(), "fallocate")


def exchange(folder):
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(-100, f"{folder}/f".encode(), -100, f"{folder}/g".encode(), 2):
        raise OSError(ctypes.get_errno(), "renameat2")


def file(folder, name="f", data=b"old"):
    write(f"{folder}/{name}", data)


def two_files(folder):
    file(folder, "f", b"of f")
    file(folder, "g", b"of g")


def with_attribute(folder):
    file(folder)
    os.setxattr(f"{folder}/f", "user.a", b"old")


def tree(folder):
    os.makedirs(f"{folder}/a/b")
    os.mkdir(f"{folder}/c")
    file(f"{folder}/a/b")


def attributes(path):
    return {name: os.getxattr(path, name) for name in os.listxattr(path)}


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


OPERATIONS = {
    "mkdir": Case(lambda d: os.mkdir(f"{d}/new"),
                  lambda d: one_of(names(d), [], ["new"])),
    "rmdir": Case(lambda d: os.rmdir(f"{d}/old"),
                  lambda d: one_of(names(d), ["old"], []),
                  lambda d: os.mkdir(f"{d}/old")),
    "mknod": Case(lambda d: os.mkfifo(f"{d}/new"),
                  lambda d: one_of(names(d), [], ["new"])),
    "symlink": Case(lambda d: os.symlink("target", f"{d}/new"),
                    lambda d: one_of(names(d) and os.readlink(f"{d}/new"), [], "target")),
    "create": Case(lambda d: os.close(os.open(f"{d}/new", os.O_CREAT | os.O_EXCL | os.O_WRONLY)),
                   lambda d: one_of(names(d), [], ["new"])),
    "unlink": Case(lambda d: os.unlink(f"{d}/f"), lambda d: one_of(names(d), ["f"], []), file),
    "link": Case(lambda d: os.link(f"{d}/f", f"{d}/g"),
                 lambda d: one_of((names(d), os.stat(f"{d}/f").st_nlink), (["f"], 1),
                                  (["f", "g"], 2)), file),
    "rename": Case(lambda d: os.rename(f"{d}/f", f"{d}/g"),
                   lambda d: one_of(names(d), ["f"], ["g"]), file),
    "rename over a file": Case(lambda d: os.rename(f"{d}/f", f"{d}/g"),
                               lambda d: one_of((names(d), read(f"{d}/g")), (["f", "g"], b"of g"),
                                                (["g"], b"of f")), two_files),
    "rename of a folder": Case(lambda d: os.rename(f"{d}/a/b", f"{d}/c/b"),
                               lambda d: one_of((names(f"{d}/a"), names(f"{d}/c"),
                                                 os.stat(f"{d}/a").st_nlink,
                                                 os.stat(f"{d}/c").st_nlink),
                                                (["b"], [], 3, 2), ([], ["b"], 2, 3)), tree),
    "exchange": Case(exchange, lambda d: one_of((read(f"{d}/f"), read(f"{d}/g")),
                                                (b"of f", b"of g"), (b"of g", b"of f")),
                     two_files),
    "chmod": Case(lambda d: os.chmod(f"{d}/f", 0o600), lambda d: one_of(mode(f"{d}/f"), 0o644,
                                                                        0o600), file),
    "chown": Case(lambda d: os.chown(f"{d}/f", 7, 8),
                  lambda d: one_of((os.stat(f"{d}/f").st_uid, os.stat(f"{d}/f").st_gid), (0, 0),
                                   (7, 8)), file),
    "utimens": Case(lambda d: os.utime(f"{d}/f", (1, 2)),
                    lambda d: "after" if os.stat(f"{d}/f").st_mtime == 2 else "before", file),
    "setxattr": Case(lambda d: os.setxattr(f"{d}/f", "user.a", b"new"),
                     lambda d: one_of(attributes(f"{d}/f"), {"user.a": b"old"},
                                      {"user.a": b"new"}), with_attribute),
    "removexattr": Case(lambda d: os.removexattr(f"{d}/f", "user.a"),
                        lambda d: one_of(attributes(f"{d}/f"), {"user.a": b"old"}, {}),
                        with_attribute),
    "truncate": Case(lambda d: os.truncate(f"{d}/f", 1),
                     lambda d: one_of(read(f"{d}/f"), b"old", b"o"), file),
    "write and fsync": Case(overwrite, lambda d: one_of(read(f"{d}/f"), b"old", b"new"), file),
    "punch": Case(punch, lambda d: one_of(read(f"{d}/f"), b"old", b"\0\0\0"), file),
    "copy_file_range": Case(copy, lambda d: one_of(read(f"{d}/g"), b"of g", b"of f"), two_files),
    "read": Case(lambda d: read(f"{d}/f"), lambda d: "after", file),
    "list": Case(lambda d: [os.lstat(f"{d}/{n}") for n in names(d)], lambda d: "after", two_files),
    "readlink": Case(lambda d: os.readlink(f"{d}/s"), lambda d: "after",
                     lambda d: os.symlink("x", f"{d}/s")),
    "statfs": Case(os.statvfs, lambda d: "after"),
}
# Doing it once more gives this, if it had happened already.
ALREADY = {errno.EEXIST, errno.ENOENT, errno.ENODATA}


def patiently(call, *arguments, seconds=6):
    """While the connection comes back a call may still fail; not for long."""
    end = time.monotonic() + seconds
    while True:
        try:
            return call(*arguments)
        except OSError as error:
            if error.errno not in (errno.EIO, errno.EROFS) or time.monotonic() > end:
                raise
            time.sleep(0.02)


def attempt(call, *arguments):
    """The errno, 0 for success, and how long it took."""
    begin = time.monotonic()
    try:
        call(*arguments)
        return 0, time.monotonic() - begin
    except OSError as error:
        return error.errno, time.monotonic() - begin


def sweep(bent, observer, name, how):
    case = OPERATIONS[name]
    answers = []
    for nth in range(1, REQUESTS_MAX):
        folder = f"{name} {how} {nth}"
        patiently(os.mkdir, bent.path(folder))
        patiently(case.prepare, bent.path(folder))
        bent.link.fail(nth, how)
        answer, took = attempt(case.act, bent.path(folder))
        fired = bent.link.fired()
        bent.link.disarm()
        where = f"{name}, request {nth} ({fired}) {how}: errno {errno.errorcode.get(answer)}"
        assert answer in (0, errno.EIO, errno.EROFS), where
        assert took < 2 * DEADLINE_S + 2, f"{where}: took {took:.1f} s"
        for mount in (observer, bent.mount):
            state = patiently(case.state, mount.path(folder))
            assert state in (("after",) if answer == 0 else ("before", "after")), \
                f"{where}: {mount.client} sees {state}"
        if answer != 0:
            again, _ = attempt(patiently, case.act, bent.path(folder))
            assert again == 0 or (state == "after" and again in ALREADY), f"{where}: then {again}"
            end = time.monotonic() + STANDARD_CACHE_S  # it has just looked
            while (state := case.state(observer.path(folder))) != "after":
                assert time.monotonic() < end, f"{where}: {state} after doing it again"
                time.sleep(0.05)
        answers.append(answer)
        if not fired:
            return answers
    raise AssertionError(f"{name}: more than {REQUESTS_MAX} requests")


@pytest.fixture(scope="module")
def swept(module_lab, ours):
    """One volume for all sweeps: what one leaves behind the next must live with."""
    from fault.conftest import Bent
    bent = Bent(module_lab, ours)
    return bent, module_lab.mount("juicefs", bent.volume)


@pytest.mark.quick
@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_failed_request_has_a_true_answer(swept, name, how):
    answers = sweep(*swept, name, how)
    print(f"{name}: {len(answers)} runs, {sum(a != 0 for a in answers)} failed")


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_lost_request_has_a_true_answer(swept, name):
    sweep(*swept, name, "hole")


@pytest.mark.quick
def test_a_lock_is_held_or_not_whichever_request_fails(swept):
    bent, observer = swept
    for nth in range(1, 20):
        path = f"lock{nth}"
        patiently(write, bent.path(path), b"")
        with open(bent.path(path), "r+b") as one, open(observer.path(path), "r+b") as other:
            bent.link.fail(nth, "after")
            answer, _ = attempt(fcntl.flock, one, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fired = bent.link.fired()
            bent.link.disarm()
            assert answer in (0, errno.EIO), f"request {nth} ({fired}): {answer}"
            if answer == 0:
                assert attempt(fcntl.flock, other, fcntl.LOCK_EX | fcntl.LOCK_NB)[0] == \
                    errno.EAGAIN
        if not fired:
            break
    # Whatever became of them: closing the files has left no lock behind.
    with bent.volume.redis() as redis:
        end = time.monotonic() + 10
        while redis.keys("lockf*") and time.monotonic() < end:
            time.sleep(0.1)
        assert redis.keys("lockf*") == []


@pytest.mark.quick
def test_the_volume_is_sound_after_all_sweeps(swept):
    bent, observer = swept
    observer.unmount()
    bent.mount.unmount()
    volume_checks.counters_settle(bent.volume)
    # Statistics of directories are sent after the change, so those of a change whose outcome the
    # client never learnt are missing: fsck recounts them.
    assert volume_checks.fsck(bent.lab.clients["juicefs"], bent.volume, stats=False) == []
