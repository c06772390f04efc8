"""A folder with more entries than one page of a scan, also while it changes."""

import os

import pytest

from support.process import wait_until

ENTRIES = 50000
FILL = """
local attr = redis.call('GET', KEYS[1])
for n = 1, tonumber(ARGV[1]) do
  local ino = 1000 + n
  redis.call('HSET', KEYS[2], string.format('name%06d', n),
             string.char(1) .. struct.pack('>L', ino))
  redis.call('SET', 'i' .. ino, attr)
end
"""


@pytest.fixture
def folder(lab, ours):
    """Our mount of a folder that another client has filled."""
    volume = lab.format()
    mount = lab.mount(ours, volume)
    os.mkdir(mount.path("folder"))
    with open(mount.path("model"), "wb"):
        pass
    inode = {name: os.stat(mount.path(name)).st_ino for name in ("folder", "model")}
    with volume.redis() as redis:
        wait_until(lambda: redis("EXISTS", f"i{inode['model']}") == 1, 10, "the file in the server")
        redis("EVAL", FILL, "2", f"i{inode['model']}", f"d{inode['folder']}", str(ENTRIES))
    return mount.path("folder")


def names(count):
    return {f"name{n:06d}" for n in range(1, count + 1)}


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
