"""The standard client's gc beside changes that are not sent yet, and beside a journal: it removes
objects that are old and that no record names."""

import datetime
import json
import os
import signal
import threading
import time

import pytest

from fastmeta.conftest import UNHURRIED, Fast, conflicts, hold, meet, read, soon, sound, write
from support import volume_checks
from support.process import wait_until

KEPT = {"sync.keep-data": "1s"}
FILES = 60
SLEPT_ON = 3000 if os.environ.get("FASTMETA_LONG") == "1" else 400
PASSES = 3  # of a gc, at least, that ended while it was sent


def gc(lab, volume, everything=True):
    """everything: also objects of this moment, as if an hour had gone by since they were made."""
    env = dict(os.environ, **({"JFS_GC_SKIPPEDTIME": "0"} if everything else {}))
    done = lab.clients["juicefs"].run("gc", "--delete", volume.url, env=env)
    assert done.returncode == 0, done.stdout


def age(volume, hours):
    for path in volume.objects():
        then = time.time() - hours * 3600
        os.utime(path, (then, then))


def contents(n):
    return f"contents of {n}".encode() * 50


@pytest.fixture
def held(lab, volume):
    """A with files that the server does not know."""
    fast = Fast(lab, volume, lab.link(volume.server), settings=KEPT)
    os.listdir(fast.path())
    hold(fast)
    for n in range(FILES):
        write(fast.path(f"file{n}"), contents(n))
    assert len(volume.objects()) == FILES
    return fast


def kept(volume):
    return [path for path in (volume.bucket / volume.name).rglob("fastmeta-kept/*/*/*")]


def all_there(mount, count=FILES):
    for n in range(count):
        assert read(mount.path(f"file{n}")) == contents(n)


def test_data_of_changes_that_wait_outlives_a_gc(lab, volume, held, standard):
    wait_until(lambda: len(kept(volume)) == FILES, 10, "links")
    gc(lab, volume)
    assert volume.objects() == []
    wait_until(lambda: len(volume.objects()) == FILES, 10, "what was removed to be brought back")
    meet(held)
    all_there(standard)
    held.mount.unmount()
    assert sound(lab, volume) == []


def test_also_when_the_clock_is_set_back(lab, volume, clock, standard):
    """What was written before that is no change of the future: nobody would look after it."""
    fast = Fast(lab, volume, lab.link(volume.server), settings=KEPT, env=clock.env)
    os.listdir(fast.path())
    hold(fast)
    for n in range(FILES):
        write(fast.path(f"file{n}"), contents(n))
    clock.set(-3600)
    age(volume, 2)
    wait_until(lambda: all(time.time() - os.stat(path).st_mtime < 1800
                           for path in volume.objects()), 10, "objects that look new again")
    gc(lab, volume, everything=False)
    meet(fast)
    all_there(standard)
    assert conflicts(fast) == 0
    fast.mount.unmount()
    assert sound(lab, volume) == []


def test_also_when_nobody_is_there_to_care_for_it(lab, volume, held, standard):
    wait_until(lambda: len(kept(volume)) == FILES, 10, "links")
    held.crash()
    gc(lab, volume)
    assert volume.objects() == []
    held.link.up()
    time.sleep(2)  # until all of it counts as long overdue
    held.up()
    held.drained()
    assert conflicts(held) == 0
    all_there(standard)
    all_there(held.mount)
    held.mount.unmount()
    assert sound(lab, volume) == []


def test_data_that_is_lost_is_no_silent_loss(lab, volume, held, standard):
    wait_until(lambda: len(kept(volume)) == FILES, 10, "links")
    held.crash()
    for path in [*volume.objects(), *kept(volume)]:
        path.unlink()
    held.link.up()
    time.sleep(2)
    held.up()
    held.drained()
    assert conflicts(held) == FILES
    listed = lab.clients["fastmeta"].run("conflicts", "list", held.root)
    assert listed.stdout.count("not in the object storage any more") == FILES, listed.stdout
    with volume.redis() as redis:
        assert redis.keys("c*_*") == [], "no record may name what nobody can read"


@pytest.mark.timeout(900)
def test_a_backlog_of_two_hours_drains_beside_a_gc(lab, volume, clock, standard):
    """The machine was asleep for two hours, with changes that nobody knew of. A gc runs over and
    over while they are sent: nothing of theirs is gone in the end, and nothing is left over."""
    clock.set(-7200)
    fast = Fast(lab, volume, lab.link(volume.server), env=clock.env,
                settings={**UNHURRIED, **KEPT, "sync.batch-commands": 20})
    os.listdir(fast.path())
    hold(fast)
    for n in range(SLEPT_ON):
        write(fast.path(f"file{n}"), contents(n))
    wait_until(lambda: len(kept(volume)) == SLEPT_ON, 60, "links")
    fast.mount.process.signal(signal.SIGSTOP)
    try:
        age(volume, 2)
        gc(lab, volume, everything=False)
        assert volume.objects() == []
    finally:
        clock.set(0)
        fast.mount.process.signal(signal.SIGCONT)
    listed = lab.clients["fastmeta"].run("oplog", "list", "--limit", "1", "--json", fast.root)
    then = datetime.datetime.fromisoformat(json.loads(listed.stdout)[0]["time"][:19] + "+00:00")
    assert time.time() - then.timestamp() > 7000, "the changes are not two hours old"

    done, ends = threading.Event(), []

    def collect():
        while not done.is_set():
            gc(lab, volume, everything=False)
            ends.append(time.monotonic())

    collector = threading.Thread(target=collect)
    fast.link.rtt(30)
    collector.start()
    try:
        begin = time.monotonic()
        fast.link.up()
        fast.drained(120)
        drained = time.monotonic()
    finally:
        done.set()
        collector.join()
    during = sum(begin < end < drained for end in ends)
    print(f"{SLEPT_ON} files sent in {drained - begin:.1f} s, beside {during} gc passes")
    assert during >= PASSES
    assert conflicts(fast) == 0
    # What a gc had found before it was made to look new comes back within moments.
    soon(lambda: len(volume.objects()) == SLEPT_ON, "all objects", 15)
    all_there(standard, SLEPT_ON)
    fast.mount.unmount()
    assert sound(lab, volume) == []
    age(volume, 2)
    assert volume_checks.gc(lab.clients["juicefs"], volume) == []


def test_a_journal_of_a_day_keeps_its_data(lab, volume, standard):
    fast = Fast(lab, volume, lab.link(volume.server), settings=KEPT)
    os.listdir(fast.path())
    hold(fast)
    write(fast.path("same"), b"ours", "xb")
    ours = volume.objects()
    assert len(ours) == 1
    write(standard.path("same"), b"theirs")
    meet(fast)
    assert conflicts(fast) >= 1
    age(volume, 24)
    gc(lab, volume, everything=False)
    gc(lab, volume)
    wait_until(lambda: all(path.exists() for path in ours), 10, "the data of the journal")
    assert read(ours[0]) == b"ours"
    assert read(standard.path("same")) == b"theirs"
    fast.mount.unmount()
    gc(lab, volume)
    fast.up()
    wait_until(lambda: all(path.exists() for path in ours), 10, "the data of the journal")
