"""A folder with more entries than one page of a scan, also while it changes."""

import os

import pytest

from support.listing import fill, names

ENTRIES = 50000


@pytest.fixture
def folder(lab, ours):
    """Our mount of a folder that another client has filled."""
    return fill(lab.mount(ours, lab.format()), ENTRIES)


def test_every_entry_is_listed_once(folder):
    listed = os.listdir(folder)
    assert len(listed) == ENTRIES
    assert set(listed) == names(ENTRIES)


def test_entries_that_stay_are_listed_once_while_others_change(folder):
    """Renames far ahead and behind, so that the hash table is rebuilt under the listing."""
    listed = []
    with os.scandir(folder) as entries:
        for n, entry in enumerate(entries):
            listed.append(entry.name)
            if n % 100 == 0 and n < 30000:
                source = f"name{(n * 7) % ENTRIES + 1:06d}"
                if os.path.exists(os.path.join(folder, source)):
                    os.rename(os.path.join(folder, source), os.path.join(folder, f"moved{n}"))
    moved = {f"name{(n * 7) % ENTRIES + 1:06d}" for n in range(0, 30000, 100)}
    stayed = names(ENTRIES) - moved
    assert stayed <= set(listed)
    assert sum(name in stayed for name in listed) == len(stayed)


def test_positions_can_be_returned_to(folder):
    """As telldir and seekdir of a program that reads a part, goes on elsewhere, and comes back."""
    first = sorted(os.listdir(folder))
    os.unlink(os.path.join(folder, first[0]))
    assert sorted(os.listdir(folder)) == first[1:]
