"""Mounts in mode fast-meta: ours (A), through a link that a test can bend, and others."""

import json
import os
import time

import pytest

from support import volume_checks
from support.process import wait_until
from support.volume_checks import VIRTUAL

PATIENT_S = 20
# The loss of the server is noticed soon, so that tests of it are short.
IMPATIENT = {
    "meta.deadline": "3s",
    "meta.connect-timeout": "2s",
    "meta.backoff-initial": "10ms",
    "meta.backoff-max": "100ms",
    "meta.ping-interval": "200ms",
    "meta.ping-timeout": "1s",
    "disconnect-grace": "100ms",
    "sync.retry-initial": "10ms",
    "sync.retry-max": "100ms",
}
# For many changes that are held back: a link that stalls is not taken for one that is lost.
UNHURRIED = {"meta.ping-interval": "10s", "meta.ping-timeout": "2m", "meta.deadline": "2m",
             "ids.inode-reserve": 20_000, "ids.slice-reserve": 20_000}


class Fast:
    """A fast-meta mount of a volume, with a cache directory that outlives it."""

    def __init__(self, lab, volume, link=None, settings=None, cache=None, env=None):
        self.lab = lab
        self.volume = volume
        self.link = link
        self.settings = settings or {}
        self.env = env
        self.cache = cache or lab.place("cache")
        self.root = lab.place("mnt")
        self.mount = None
        self.up()

    def start(self, **more):
        """As up(), without waiting until it is mounted."""
        settings = {"mode": "fast-meta", "cache.dir": str(self.cache), **IMPATIENT,
                    **self.settings, **more}
        how = {"url": self.volume.server.url(port=self.link.port)} if self.link else {}
        self.mount = self.lab.start_mount("fastmeta", self.volume, root=self.root,
                                          settings=settings, env=self.env, **how)
        return self.mount

    def up(self, **more):
        self.start(**more).wait()
        # The mount is there a moment before its control socket.
        wait_until(lambda: self.ask().returncode == 0, PATIENT_S, "the control socket")

    def path(self, *parts):
        return self.mount.path(*parts)

    def ask(self):
        return self.lab.clients["fastmeta"].run("stats", "--json", self.root)

    def stats(self):
        done = self.ask()
        assert done.returncode == 0, done.stdout
        return json.loads(done.stdout)["plugin"]

    @property
    def state(self):
        return self.stats()["state"]

    def backlog(self):
        return self.stats()["backlog"]["records"]

    def drained(self, timeout_s=PATIENT_S):
        """Until everything that is acknowledged is in the server."""
        wait_until(lambda: self.backlog() == 0, timeout_s, "an empty backlog", every_s=0.02)

    def is_state(self, wanted, timeout_s=PATIENT_S):
        wait_until(lambda: self.state == wanted, timeout_s, f"state {wanted}", every_s=0.05)

    def journal(self):
        """All that was sacrificed, in full."""
        entries, after = [], 0
        while True:
            asked = json.dumps({"after": after, "limit": 1000, "full": True})
            done = self.lab.clients["fastmeta"].run("control", self.root, "conflicts", asked)
            assert done.returncode == 0, done.stdout
            page = json.loads(done.stdout)
            entries += page["conflicts"]
            if not page["more"]:
                return entries
            after = entries[-1]["id"]

    def crash(self):
        """kill -9; what becomes of the mount point is the business of the process beside it."""
        self.mount.kill()


def sound(lab, volume):
    """Complaints of the standard client's own checks."""
    volume_checks.counters_settle(volume)
    for _ in range(4):  # the standard client reports statistics every second
        complaints = volume_checks.fsck(lab.clients["juicefs"], volume)
        if not complaints:
            break
        time.sleep(1)
    return complaints


@pytest.fixture
def volume(lab):
    """The root has rows of statistics: where a folder has none the clients recount it, and what
    another client has not yet reported then counts twice."""
    volume = lab.format()
    with volume.redis() as redis:
        for row in ("dirUsedSpace", "dirDataLength", "dirUsedInodes"):
            redis("HSET", row, "1", "0")
    return volume


@pytest.fixture
def fast(lab, volume):
    """A: close to the server."""
    return Fast(lab, volume)


@pytest.fixture
def far(lab, volume):
    """A: 30 ms away from the server."""
    link = lab.link(volume.server)
    link.rtt(30)
    return Fast(lab, volume, link)


@pytest.fixture
def bent(lab, volume):
    """A: behind a link that the test bends."""
    return Fast(lab, volume, lab.link(volume.server))


@pytest.fixture
def standard(lab, volume):
    """B: the standard client."""
    return lab.mount("juicefs", volume)


def soon(condition, what, timeout_s=1.5):
    """Until condition() holds; the patience is that of the standard client's own caches."""
    end = time.monotonic() + timeout_s
    while True:
        try:
            if condition():
                return
        except OSError:
            pass
        assert time.monotonic() < end, f"{what}: not within {timeout_s} s"
        time.sleep(0.005)


def names(path):
    """What is in a folder, but for what the standard client shows beside it."""
    return sorted(name for name in os.listdir(path) if name not in VIRTUAL)


def write(path, data, mode="wb"):
    with open(path, mode, buffering=0) as file:
        file.write(data)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def tree(root):
    """{path: (type, contents or target)} of all below it."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            if name in VIRTUAL:
                continue
            path = os.path.join(folder, name)
            short = os.path.relpath(path, root)
            if os.path.islink(path):
                found[short] = ("link", os.readlink(path))
            elif os.path.isdir(path):
                found[short] = ("folder", None)
            else:
                found[short] = ("file", read(path))
    return found


@pytest.fixture
def apart(bent, standard):
    """A whose changes are held back from now on, until meet()."""
    os.listdir(bent.path())
    return bent


def hold(fast):
    fast.link.stall()


def meet(fast):
    fast.link.up()
    fast.drained()


def conflicts(fast):
    return fast.stats()["conflicts"]["total"]
