"""The wall clock of our machine is set an hour ahead and an hour back while we are at work: nobody
is taken for dead, nothing waits for a time that has gone or is far away."""

import fcntl
import os
import time

import pytest

from fastmeta.conftest import Fast, sound
from support import volume_checks
from support.pair import make_statistics
from support.process import wait_until

pytestmark = pytest.mark.usefixtures("only_ours")

HEARTBEAT_S = 1
SLOWEST_S = 3
WORK_S = HEARTBEAT_S + 1   # both clients look for the dead in this time


def ours(lab, volume, mode, clock):
    settings = {"session.heartbeat": f"{HEARTBEAT_S}s"}
    if mode == "fast-meta":
        return Fast(lab, volume, settings=settings, env=clock.env).mount
    return lab.mount("fastmeta", volume, settings={"mode": mode, **settings}, env=clock.env)


def locked(path):
    file = open(path, "w+b")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def nameless(path):
    file = open(path, "w+b", buffering=0)
    file.write(b"still there")
    os.fsync(file.fileno())
    os.unlink(path)
    return file


def free(path):
    """Whether somebody else can take the lock."""
    with open(path, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def work(mount, name):
    """Every kind of change for a while; how long the slowest took."""
    end, slowest, n = time.monotonic() + WORK_S, 0, 0
    while time.monotonic() < end:
        n += 1
        begin = time.monotonic()
        folder = mount.path(f"{name}{n}")
        os.mkdir(folder)
        with open(folder + "/file", "wb") as file:
            file.write(b"contents")
        os.chmod(folder + "/file", 0o600)
        os.rename(folder + "/file", folder + "/renamed")
        with open(folder + "/renamed", "rb") as file:
            assert file.read() == b"contents"
        if n % 2:
            os.unlink(folder + "/renamed")
            os.rmdir(folder)
        slowest = max(slowest, time.monotonic() - begin)
    return slowest


def used_s(process):
    with open(f"/proc/{process.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("mode", ["passthrough", "fast-meta"])
def test_a_clock_that_is_set(lab, clock, mode):
    volume = lab.format()
    standard = lab.mount("juicefs", volume, options=["--heartbeat", f"{HEARTBEAT_S}s"])
    make_statistics(volume, standard)
    mount = ours(lab, volume, mode, clock)
    held = {"ours": locked(mount.path("ours")), "theirs": locked(standard.path("theirs"))}
    open_still = [nameless(mount.path("a")), nameless(standard.path("b"))]
    with volume.redis() as redis:
        wait_until(lambda: redis("ZCARD", "allSessions") == 2, 10, "both sessions")
        sessions = sorted(redis("ZRANGE", "allSessions", 0, -1))
        for ahead_s in (3600, -3600, 0):
            clock.set(ahead_s)
            assert work(mount, f"at{ahead_s}.") < SLOWEST_S
            if ahead_s:  # it is our clock that was set
                seen = os.stat(mount.path(f"at{ahead_s}.2")).st_mtime
                assert abs(seen - time.time() - ahead_s) < 60
            before = used_s(mount.process)
            time.sleep(1)
            assert used_s(mount.process) - before < 0.3, "it is busy with nothing"
            assert sorted(redis("ZRANGE", "allSessions", 0, -1)) == sessions, ahead_s
            assert not free(standard.path("ours")) and not free(mount.path("theirs"))
            for file in open_still:
                assert os.pread(file.fileno(), 20, 0) == b"still there"
    for file in (*held.values(), *open_still):
        file.close()
    wait_until(lambda: free(standard.path("ours")) and free(mount.path("theirs")), 5, "free locks")
    shown = volume_checks.tree(mount.root)
    wait_until(lambda: volume_checks.tree(standard.root) == shown, 5, "the same tree")
    assert mount.unmount() == 0
    assert sound(lab, volume) == []
