"""Both clients at once in one directory: nothing is lost and every count is exact."""

import os
import random
import re
import threading

import pytest

from support import volume_checks
from support.pair import make_statistics
from support.process import wait_until

pytestmark = pytest.mark.quick

WORKERS = 3    # on each mount
FILES = 100    # of each worker
RACES = 60


class Place:
    """One folder of the volume, on one mount."""

    def __init__(self, mount):
        self.client = mount.client
        self.mount = mount

    def path(self, *parts):
        return self.mount.path("crowd", *parts)


@pytest.fixture
def mounts(lab, ours):
    """A volume and the same folder on two of its mounts."""
    volume = lab.format()
    both = [lab.mount(ours, volume), lab.mount("juicefs", volume)]
    make_statistics(volume, both[0])
    os.mkdir(both[0].path("crowd"))
    wait_until(lambda: os.path.isdir(both[1].path("crowd")), 5, "the folder")
    return volume, *map(Place, both)


def together(works):
    """Runs them all at once; the first thing that went wrong is raised."""
    wrong = []

    def run(work):
        try:
            work()
        except BaseException as error:
            wrong.append(error)
    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]


def sound(lab, volume, mounts):
    for place in mounts:
        place.mount.unmount()
    volume_checks.counters_settle(volume)
    assert volume_checks.fsck(lab.clients["juicefs"], volume) == []


def test_creates_renames_and_unlinks_of_all_are_there(lab, mounts, seed):
    volume, *both = mounts
    expected = {}

    def work(mount, number):
        r = random.Random(seed + number)
        folder = mount.path()
        for n in range(FILES):
            name = f"w{number}-{n}"
            size = r.randrange(3000)
            with open(f"{folder}/{name}", "wb") as file:
                file.write(b"%d" % number * size)
            if n % 4 == 0:
                os.mkdir(f"{folder}/{name}.d")
                expected[name + ".d"] = None
            if n % 2 == 0:
                os.rename(f"{folder}/{name}", f"{folder}/{name}.moved")
                name += ".moved"
            if n % 3 == 0:
                os.unlink(f"{folder}/{name}")
            else:
                expected[name] = size
            if n % 8 == 0:
                os.rmdir(f"{folder}/w{number}-{n}.d")
                del expected[f"w{number}-{n}.d"]
    together([lambda m=mount, i=i: work(m, i) for i, mount in enumerate(both * WORKERS)])

    folders = sum(size is None for size in expected.values())
    for mount in both:
        def there():
            return set(os.listdir(mount.path())) == set(expected)
        wait_until(there, 5, f"{mount.client}: all names")
        # Its own look at the folder may be as old as its cache.
        wait_until(lambda: os.stat(mount.path()).st_nlink == 2 + folders, 5,
                   f"{mount.client}: {2 + folders} links")
        for name, size in expected.items():
            if size is not None:
                assert os.stat(mount.path(name)).st_size == size
    ino = str(os.stat(both[0].path()).st_ino)
    sound(lab, volume, both)
    with volume.redis() as redis:
        inodes, space, length = (int(redis("HGET", f"dir{key}", ino))
                                 for key in ("UsedInodes", "UsedSpace", "DataLength"))
    sizes = [size for size in expected.values() if size is not None]
    assert inodes == len(expected)
    assert length == sum(sizes)
    assert space == sum(max(1, -(-size // 4096)) * 4096 for size in sizes) + 4096 * folders


def races(both, attempt):
    """How many of all workers' attempts at the same thing succeeded, for each of RACES."""
    won = [0] * RACES
    barrier = threading.Barrier(2 * WORKERS)
    lock = threading.Lock()

    def work(mount):
        for n in range(RACES):
            barrier.wait(60)
            try:
                attempt(mount, n)
            except (FileExistsError, FileNotFoundError):
                continue
            with lock:
                won[n] += 1
    together([lambda m=mount: work(m) for mount in both * WORKERS])
    return won


@pytest.mark.passthrough_only
def test_an_exclusive_create_succeeds_once(lab, mounts):
    volume, *both = mounts

    def attempt(mount, n):
        os.close(os.open(mount.path(f"x{n}"), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    assert races(both, attempt) == [1] * RACES
    sound(lab, volume, both)


@pytest.mark.passthrough_only
def test_a_mkdir_an_rmdir_and_a_rename_succeed_once(lab, mounts):
    volume, *both = mounts
    assert races(both, lambda m, n: os.mkdir(m.path(f"d{n}"))) == [1] * RACES
    assert races(both, lambda m, n: os.rmdir(m.path(f"d{n}"))) == [1] * RACES
    for n in range(RACES):
        os.mkdir(both[0].path(f"r{n}"))
    wait_until(lambda: len(os.listdir(both[1].path())) >= RACES, 5, "the folders")
    number = iter(range(10**6))
    assert races(both, lambda m, n: os.rename(m.path(f"r{n}"),
                                              m.path(f"t{n}-{next(number)}"))) == [1] * RACES
    sound(lab, volume, both)


def test_links_to_one_file_are_counted_exactly(lab, mounts):
    volume, *both = mounts
    with open(both[0].path("file"), "wb") as file:
        file.write(b"linked")
    wait_until(lambda: os.path.exists(both[1].path("file")), 5, "the file")

    def work(mount, number):
        for n in range(FILES // 2):
            os.link(mount.path("file"), mount.path(f"l{number}-{n}"))
            if n % 2:
                os.unlink(mount.path(f"l{number}-{n}"))
    together([lambda m=mount, i=i: work(m, i) for i, mount in enumerate(both * WORKERS)])
    expected = 1 + 2 * WORKERS * (FILES // 4)
    for mount in both:
        wait_until(lambda: os.stat(mount.path("file")).st_nlink == expected, 5,
                   f"{mount.client}: {expected} links")
    sound(lab, volume, both)


@pytest.mark.passthrough_only
def test_folders_moved_into_each_other_never_form_a_loop(lab, ours):
    """One mount moves a into b while another moves b into a: at most one of them can. (The
    standard client looks two levels up only, so it is no partner for this.)"""
    if ours != "fastmeta":
        pytest.skip("a promise of ours")
    volume = lab.format()
    both = [lab.mount(ours, volume), lab.mount(ours, volume)]
    make_statistics(volume, both[0])
    for n in range(30):
        names = (f"a{n}", f"b{n}")
        for name in names:
            os.makedirs(both[0].path(name, "in", "in"))
        for mount in both:
            for name in names:
                wait_until(lambda: os.path.isdir(mount.path(name, "in", "in")), 5, name)
        moved = []
        barrier = threading.Barrier(2)

        def move(mount, source, target):
            barrier.wait(10)
            try:
                os.rename(mount.path(source), mount.path(target, "in", "in", "moved"))
                moved.append(source)
            except OSError:
                pass
        together([lambda: move(both[0], names[0], names[1]),
                  lambda: move(both[1], names[1], names[0])])
        assert len(moved) == 1
    sound(lab, volume, [Place(mount) for mount in both])


def test_appends_of_both_by_turns_under_a_lock_are_all_there(lab, mounts):
    import fcntl
    volume, *both = mounts
    with open(both[0].path("log"), "wb"), open(both[0].path("lock"), "wb"):
        pass
    wait_until(lambda: os.path.exists(both[1].path("lock")), 5, "the files")

    def work(mount, number):
        for n in range(30):
            with open(mount.path("lock"), "r+b") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                with open(mount.path("log"), "ab") as log:
                    log.write(b"%d %d\n" % (number, n))
    together([lambda m=mount, i=i: work(m, i) for i, mount in enumerate(both * WORKERS)])
    for mount in both:
        with open(mount.path("log"), "rb") as log:
            lines = log.read().splitlines()
        assert sorted(lines) == sorted(b"%d %d" % (number, n) for number in range(2 * WORKERS)
                                       for n in range(30))
    sound(lab, volume, both)
    assert all(re.fullmatch(rb"\d+ \d+", line) for line in lines)
