"""Redis goes away and comes back under a live mount: errors at the deadline, never a hang, and
recovery without anybody's help."""

import errno
import os
import threading
import time

import pytest

from fault.conftest import DEADLINE_S, Bent
from support import volume_checks
from support.listing import Listing, fill, names
from support.pair import make_statistics
from support.process import wait_until

pytestmark = pytest.mark.quick

SLACK_S = 4        # of a busy machine
KNOWN_DOWN_S = 3   # by then the loss has been noticed (ping-timeout of the test's mount: 1 s)


def timed(call, *arguments):
    """(errno or 0, seconds)"""
    begin = time.monotonic()
    try:
        call(*arguments)
        return 0, time.monotonic() - begin
    except OSError as error:
        return error.errno, time.monotonic() - begin


class Load(threading.Thread):
    """Makes, syncs and renames files; remembers what was acknowledged and every errno."""

    def __init__(self, bent, number):
        super().__init__()
        self.folder = bent.path(f"load{number}")
        self.kept = []       # names whose rename was acknowledged, in order
        self.unknown = set() # names of calls that failed: either is right
        self.errors = set()
        self.longest_s = 0
        self.last_success = 0
        self._number = number
        self._end = threading.Event()

    def run(self):
        n = 0
        while not self._end.is_set():
            n += 1
            name = f"{self._number}-{n}"
            begin = time.monotonic()
            try:
                path = f"{self.folder}/{name}"
                with open(path + ".new", "xb", buffering=0) as file:
                    file.write(name.encode() * 100)
                    os.fsync(file.fileno())
                os.rename(path + ".new", path)
                self.kept.append(name)
                self.last_success = time.monotonic()
            except OSError as error:
                self.unknown.add(name)
                self.errors.add(error.errno)
                time.sleep(0.02)
            self.longest_s = max(self.longest_s, time.monotonic() - begin)

    def end(self):
        self._end.set()
        self.join()


@pytest.mark.parametrize("outage", ["restart", "cut", "refuse", "hole", "stall"])
def test_what_was_acknowledged_under_load_is_there_after_an_outage(lab, ours, only_ours, outage):
    bent = Bent(lab, ours, server=lab.redis(persist=True))
    make_statistics(bent.volume, bent.mount)
    loads = [Load(bent, n) for n in range(4)]
    for load in loads:
        os.mkdir(load.folder)
        load.start()
    try:
        for _ in range(3):
            time.sleep(1)
            if outage == "restart":
                bent.server.kill()
                time.sleep(1)
                bent.server.start()
            elif outage == "cut":
                bent.link.cut()
            else:
                getattr(bent.link, outage)()
                time.sleep(KNOWN_DOWN_S)
                bent.link.up()
            back = time.monotonic()
            wait_until(lambda: all(load.last_success > back for load in loads), 15,
                       "all writers at work again", every_s=0.1)
    finally:
        bent.link.up()
        for load in loads:
            load.end()
    for load in loads:
        assert load.errors <= {errno.EIO, errno.EROFS}, load.errors
        # One round is several operations, each with its own deadline.
        assert load.longest_s < 5 * DEADLINE_S + SLACK_S
        assert len(load.kept) > 3
    observer = lab.mount("juicefs", bent.volume)
    for load in loads:
        folder = observer.path(os.path.basename(load.folder))
        there = set(os.listdir(folder))
        for name in load.kept:
            with open(f"{folder}/{name}", "rb") as file:
                assert file.read() == name.encode() * 100
        assert {name.removesuffix(".new") for name in there} <= set(load.kept) | load.unknown
    bent.mount.unmount()
    observer.unmount()
    volume_checks.counters_settle(bent.volume)
    # Statistics that were gathered and not sent when the connection broke are recounted.
    assert volume_checks.fsck(lab.clients["juicefs"], bent.volume, stats=False) == []


@pytest.mark.parametrize("outage", ["hole", "refuse", "stall"])
def test_nothing_hangs_and_everything_comes_back(bent, only_ours, outage):
    os.mkdir(bent.path("folder"))
    with open(bent.path("file"), "wb") as file:
        file.write(b"kept")
    getattr(bent.link, outage)()
    calls = {
        "lookup": lambda: os.stat(bent.path("never seen")),
        "list": lambda: os.listdir(bent.path("folder")),
        "mkdir": lambda: os.mkdir(bent.path("folder", "new")),
        "create": lambda: open(bent.path("new"), "xb").close(),
        "unlink": lambda: os.unlink(bent.path("file")),
        "rename": lambda: os.rename(bent.path("file"), bent.path("moved")),
        "chmod": lambda: os.chmod(bent.path("file"), 0o600),
        "write": lambda: overwrite(bent.path("file")),
    }
    outcomes = {name: timed(call) for name, call in calls.items()}
    for name, (number, took) in outcomes.items():
        assert took < 3 * DEADLINE_S + SLACK_S, (name, took)
        assert number in (errno.EIO, errno.EROFS) or name == "list" and number == 0, (name, number)
    bent.link.up()
    bent.works_again()
    wait_until(lambda: timed(os.stat, bent.path("folder"))[0] == 0, 10, "the folder")
    assert timed(os.stat, bent.path("never seen"))[0] == errno.ENOENT


def overwrite(path):
    with open(path, "r+b", buffering=0) as file:
        file.write(b"new!")
        os.fsync(file.fileno())


@pytest.mark.parametrize("outage", ["hole", "refuse"])
def test_changes_are_refused_at_once_while_redis_is_known_to_be_down(bent, only_ours, outage):
    """A name must be looked up before it is made, and the kernel asks for capabilities before it
    cuts a file; those are reads, so the changes here are others, of an open file."""
    with open(bent.path("file"), "wb") as file:
        getattr(bent.link, outage)()
        changes = [lambda: os.fchmod(file.fileno(), 0o600), lambda: os.utime(file.fileno(), (1, 2))]
        wait_until(lambda: timed(changes[0])[0] == errno.EROFS,
                   KNOWN_DOWN_S + DEADLINE_S + SLACK_S, "EROFS")
        for change in changes:
            number, took = timed(change)
            assert number == errno.EROFS
            assert took < 0.5
        bent.link.up()
        bent.works_again()
        assert timed(changes[0])[0] == 0


def test_an_open_file_survives_an_outage(bent, only_ours):
    with open(bent.path("file"), "wb", buffering=0) as file:
        file.write(b"before ")
        os.fsync(file.fileno())
        bent.link.refuse()
        time.sleep(1)
        bent.link.up()
        bent.works_again()
        file.write(b"after")
        os.fsync(file.fileno())
    with open(bent.path("file"), "rb") as file:
        assert file.read() == b"before after"


def test_a_listing_across_a_restart_of_redis_is_complete(lab, ours, only_ours):
    """A cursor of the process before is worth nothing to the one after."""
    bent = Bent(lab, ours, server=lab.redis(persist=True))
    folder = fill(bent.mount, 50_000)
    with Listing(folder) as listing:
        listed = listing.some()
        bent.server.kill()
        bent.server.start()
        listed += listing.rest()
    assert set(listed) - {".", ".."} == names(50_000)
    assert len(listed) == 50_002


def test_changes_of_others_during_an_outage_are_seen_after_it(bent, only_ours, lab):
    """What was remembered before a lost connection is not believed after it."""
    observer = lab.mount("juicefs", bent.volume)
    os.mkdir(bent.path("folder"))
    with open(bent.path("file"), "wb") as file:
        file.write(b"before")
    for _ in range(2):
        os.listdir(bent.path("folder")), os.stat(bent.path("file")), os.listdir(bent.mount.root)
    bent.link.refuse()
    wait_until(lambda: os.path.exists(observer.path("file")), 5, "the file")
    with open(observer.path("file"), "wb") as file:
        file.write(b"changed meanwhile")
    os.mkdir(observer.path("folder", "new"))
    os.chmod(observer.path("file"), 0o604)
    time.sleep(0.5)
    bent.link.up()
    bent.works_again()
    with open(bent.path("file"), "rb") as file:
        assert file.read() == b"changed meanwhile"
    assert os.stat(bent.path("file")).st_mode & 0o777 == 0o604
    assert os.listdir(bent.path("folder")) == ["new"]


def test_a_half_open_connection_is_noticed(bent, only_ours, lab):
    """The link loses everything without a word: answers from memory end within 5 s."""
    observer = lab.mount("juicefs", bent.volume)
    os.mkdir(bent.path("folder"))
    os.listdir(bent.path("folder"))
    wait_until(lambda: os.path.exists(observer.path("folder")), 5, "the folder")
    bent.link.hole()
    os.mkdir(observer.path("folder", "new"))

    def not_believed():
        try:
            return os.listdir(bent.path("folder")) == ["new"]
        except OSError:
            return True
    wait_until(not_believed, 5 + SLACK_S, "the end of belief")
    bent.link.up()
    bent.works_again()
    assert os.listdir(bent.path("folder")) == ["new"]


def test_an_emptied_redis_is_not_written_to(bent, only_ours):
    """FLUSHALL under a live mount: nothing of ours may make half a volume of it."""
    os.mkdir(bent.path("folder"))
    with bent.volume.redis() as redis:
        redis("FLUSHALL")
        time.sleep(0.3)
        for n in range(20):
            assert timed(os.mkdir, bent.path("folder", f"x{n}"))[0] != 0
        leftover = [key for key in redis.keys() if key[:1] in b"dic" and key[1:2].isdigit()]
        assert leftover == []


def test_another_volume_in_its_place_is_not_served(bent, only_ours, lab):
    """The same address suddenly holds a volume with another UUID."""
    os.mkdir(bent.path("folder"))
    with bent.volume.redis() as redis:
        redis("FLUSHALL")
    done = lab.clients["juicefs"].format(bent.volume.url, "vol", lab.place("bucket"))
    assert done.returncode == 0, done.stdout
    time.sleep(0.5)
    bent.link.cut()

    def refuses():
        return timed(os.mkdir, bent.path(f"x{time.monotonic_ns()}"))[0] in (errno.EIO, errno.EROFS,
                                                                           errno.ENOTCONN)
    wait_until(refuses, 30, "refusal")
    with bent.volume.redis() as redis:
        before = redis("GET", "setting")
        assert not refuses() or redis("GET", "setting") == before
