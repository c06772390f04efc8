"""A listing that takes long is of a moment ago: what it says must not outlive what was changed
meanwhile, by another client or through the same mount."""

import os
import stat
import time

import pytest

from interop.conftest import missing
from support.listing import Listing
from support.process import wait_until

pytestmark = pytest.mark.quick

FILES = 1000


@pytest.fixture
def folder(shared, only_ours):
    """As our mount and as the standard one see it; nothing of it is remembered yet."""
    _, ours, standard = shared
    name = f"listed{time.monotonic_ns()}"
    os.mkdir(standard.path(name))
    for n in range(FILES):
        with open(standard.path(name, f"f{n}"), "wb"):
            pass
    wait_until(lambda: os.path.isdir(ours.path(name)), 5, "the folder")
    return ours.path(name), standard.path(name)


def test_names_that_another_client_moves_away_are_not_found_afterwards(folder):
    here, there = folder
    with Listing(here, missing) as listing:
        seen = set(listing.some())
        os.mkdir(f"{there}/away")
        moved = [f"f{n}" for n in range(FILES) if f"f{n}" not in seen][::20]
        for name in moved:
            os.rename(f"{there}/{name}", f"{there}/away/{name}")
        # Here are all that came before.
        wait_until(lambda: os.path.exists(f"{here}/away/{moved[-1]}"), 5, "the moved file")
        listed = set(listing.rest())
    assert listed & set(moved), "the listing is of the moment when it began"
    assert [name for name in moved if not missing(f"{here}/{name}")] == []


def test_names_that_are_removed_here_are_not_found_afterwards(folder):
    here, _ = folder
    with Listing(here, missing) as listing:
        seen = set(listing.some())
        left = [f"f{n}" for n in range(FILES) if f"f{n}" not in seen]
        os.mkdir(f"{here}/away")
        for name in left[::20]:
            os.rename(f"{here}/{name}", f"{here}/away/{name}")
        for name in left[1::20]:
            os.link(f"{here}/{name}", f"{here}/away/{name}")
            os.unlink(f"{here}/{name}")
        assert set(listing.rest()) & set(left[::20])
    gone = left[::20] + left[1::20]
    assert [name for name in gone if not missing(f"{here}/{name}")] == []


def change_mode(path):
    os.chmod(path, 0o601)
    return lambda found: stat.S_IMODE(found.st_mode) == 0o601


def append(path):
    with open(path, "ab") as file:
        file.write(b"written")
    return lambda found: found.st_size == 7


def cut(path):
    os.truncate(path, 1000)
    return lambda found: found.st_size == 1000


def add_link(path):
    os.link(path, f"{path}.link")
    return lambda found: found.st_nlink == 2


@pytest.mark.parametrize("change", [change_mode, append, cut, add_link])
def test_attributes_that_are_changed_here_are_not_undone(folder, change):
    here, _ = folder
    with Listing(here, missing) as listing:
        seen = set(listing.some())
        changed = [name for name in (f"f{n}" for n in range(FILES)) if name not in seen][::7]
        right = {name: change(f"{here}/{name}") for name in changed}
        listing.rest()
    assert [name for name in changed if not right[name](os.stat(f"{here}/{name}"))] == []
