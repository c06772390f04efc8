"""Names that clients create exclusively, as locks."""

import errno
import os
import random
import shutil
import subprocess
import threading
import time

import pytest

from fastmeta.conftest import (PATIENT_S, Fast, conflicts, hold, meet, names, read, soon, sound,
                               write)
from support.process import wait_until

LOCKS = {"exclusive.remote": ["*.lock"]}
ROUNDS = 40 if os.environ.get("FASTMETA_LONG") == "1" else 4
COMMIT = """
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a \
       GIT_COMMITTER_EMAIL=a@b
cd "$1" && echo "$2" > "$2" && git add "$2" && git commit -q --allow-empty -m "$2"
"""


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


class Race:
    """Two racers on each mount are after the same names, one after the other."""

    def __init__(self, mounts, races):
        self.mounts, self.races = mounts, races
        self.won, self.unsure, self.wrong = [0] * races, [0] * races, []
        self.start = threading.Barrier(2 * len(mounts))
        self.threads = [threading.Thread(target=self.run, args=(mount,)) for mount in mounts * 2]

    def run(self, mount):
        try:
            for n in range(self.races):
                self.start.wait(60)
                try:
                    os.close(os.open(mount.path(f"{n}.lock"), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
                    self.won[n] += 1
                except FileExistsError:
                    pass
                except OSError as error:
                    if error.errno not in (errno.EIO, errno.EROFS):
                        raise
                    self.unsure[n] += 1
        except BaseException as error:
            self.wrong.append(error)
            self.start.abort()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        for thread in self.threads:
            thread.join()


def racers(lab, volume, rtt_ms):
    mounts = []
    for _ in range(2):
        link = lab.link(volume.server)
        link.rtt(rtt_ms)
        mounts.append(Fast(lab, volume, link, settings=LOCKS))
    return mounts


@pytest.mark.parametrize("rtt_ms", [0, 30])
def test_one_of_many_who_race_for_a_lock_file_gets_it(lab, volume, standard, rtt_ms):
    """On two of our mounts and on one of the standard client."""
    mounts = racers(lab, volume, rtt_ms)
    with Race([*mounts, standard], 6) as race:
        pass
    assert race.wrong == [] and race.won == [1] * race.races and race.unsure == [0] * race.races
    assert conflicts(mounts[0]) == conflicts(mounts[1]) == 0


def test_no_two_get_it_over_a_link_that_breaks(lab, volume, standard, seed):
    """Who does not know whether it has the name is told so, and nobody else gets it then."""
    mounts, dice = racers(lab, volume, 5), random.Random(seed)
    with Race([*mounts, standard], 20) as race:
        cuts = 0
        while any(thread.is_alive() for thread in race.threads):
            link = dice.choice(mounts).link
            if dice.random() < 0.5:
                link.cut()
            else:
                link.fail(1, dice.choice(["before", "after"]), "EXEC")
            cuts += 1
            time.sleep(dice.uniform(0, 0.05))
    for mount in mounts:
        mount.link.disarm()
        mount.is_state("writable")
        mount.drained()
    print(f"{cuts} faults, {sum(race.won)} won, {sum(race.unsure)} did not know")
    assert race.wrong == [] and max(race.won) <= 1
    there = names(standard.path())
    for n in range(race.races):
        if race.won[n]:
            assert f"{n}.lock" in there, "who had it has lost it"
        else:
            assert race.unsure[n] > 0, "nobody got it, and everybody was sure"
    for mount in mounts:
        soon(lambda: names(mount.path()) == there, "the same names", PATIENT_S)
    assert conflicts(mounts[0]) == conflicts(mounts[1]) == 0


def test_who_gets_such_a_name_knows_what_its_last_holder_did(lab, volume):
    """I8: news of that are on their way when the name is ours, on another connection."""
    first = Fast(lab, volume, settings=LOCKS)
    second = Fast(lab, volume, lab.link(volume.server),
                  settings={**LOCKS, "meta.ping-timeout": "20s", "meta.deadline": "20s"})
    write(first.path("index"), b"0")
    first.drained()
    soon(lambda: read(second.path("index")) == b"0", "the file")
    names(second.path())
    second.link.fail(1, "late", "PING")
    wait_until(second.link.fired, 5, "the connection that hears of changes to fall behind")
    os.close(os.open(first.path("a.lock"), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    write(first.path("index"), b"1")
    os.unlink(first.path("a.lock"))
    up = threading.Timer(1, second.link.up)
    up.start()
    try:
        os.close(os.open(second.path("a.lock"), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        assert up.finished.is_set(), "it was not waited for"
        soon(lambda: read(second.path("index")) == b"1", "what the last holder wrote")
    finally:
        up.join()


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_commits_of_two_clients_to_one_repository(lab, volume, standard):
    """Both at once, each time: git keeps them apart by *.lock. What it reported is not lost."""
    mounts = racers(lab, volume, 5)

    def git(mount, *arguments):
        return subprocess.run(["git", "-C", mount.path("repo"), *arguments], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    subprocess.run(["git", "init", "-q", mounts[0].path("repo")], check=True)
    assert git(mounts[0], "config", "gc.auto", "0").returncode == 0
    mounts[0].drained()
    wait_until(lambda: os.path.exists(mounts[1].path("repo", ".git", "config")), PATIENT_S, "it")
    committed = []
    for n in range(ROUNDS):
        both = {f"{n}_{k}": subprocess.Popen(["sh", "-c", COMMIT, "sh", mount.path("repo"),
                                              f"{n}_{k}"], stderr=subprocess.PIPE, text=True)
                for k, mount in enumerate(mounts)}
        said = {name: process.communicate(timeout=120)[1] for name, process in both.items()}
        done = [name for name, process in both.items() if process.returncode == 0]
        assert done, f"nobody won: {said}"
        for name in both.keys() - set(done):
            assert "lock" in said[name] or "nothing" in said[name], said[name]
        committed += done
    for mount in mounts:
        mount.drained()
    print(f"{len(committed)} of {2 * ROUNDS} committed")
    for mount in (*mounts, standard):
        log = git(mount, "log", "--format=%s")
        assert sorted(log.stdout.split()) == sorted(committed), log.stdout
        checked = git(mount, "fsck", "--full", "--strict")
        assert checked.returncode == 0 and "missing" not in checked.stdout, checked.stdout
    assert conflicts(mounts[0]) == conflicts(mounts[1]) == 0
    for mount in mounts:
        mount.mount.unmount()
    assert sound(lab, volume) == []
