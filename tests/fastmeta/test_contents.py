"""Contents beyond the first 64 MiB of a file, and copies of them, before and after they are sent.
"""

import os
import random

import pytest

from fastmeta.conftest import sound

pytestmark = pytest.mark.quick

CHUNK = 64 << 20


def test_a_file_made_longer_and_then_written_reads_as_it_was_written(fast, volume, standard, seed):
    r = random.Random(seed)
    at = {}
    with open(fast.path("sparse"), "w+b", buffering=0) as file, \
            open(fast.path("copy"), "w+b", buffering=0) as copy:
        file.truncate(4 * CHUNK)
        for n in range(40):
            offset, to = r.randrange(4 * CHUNK - 8192), r.randrange(4 * CHUNK - 8192)
            data = bytes([r.randrange(1, 256)]) * 8192
            os.pwrite(file.fileno(), data, offset)
            assert os.copy_file_range(file.fileno(), copy.fileno(), 8192, offset, to) == 8192
            if n % 3 == 0:
                fast.drained()
            assert os.pread(file.fileno(), 8192, offset) == data
            assert os.pread(copy.fileno(), 8192, to) == data
            at[to] = os.pread(copy.fileno(), 8192, to)
    fast.drained()
    for name in ("sparse", "copy"):
        with open(fast.path(name), "rb") as ours, open(standard.path(name), "rb") as theirs:
            assert os.fstat(ours.fileno()).st_size == os.fstat(theirs.fileno()).st_size
            for offset in sorted(at):
                where = offset & ~4095
                assert os.pread(ours.fileno(), 16384, where) == os.pread(theirs.fileno(), 16384,
                                                                        where)
    assert sound(fast.lab, volume) == []


def test_copies_between_files_that_are_being_merged(fast, volume):
    """Merging a file removes the objects that a copy which is not sent refers to."""
    block = 128 << 10
    with open(fast.path("a"), "w+b", buffering=0) as a, \
            open(fast.path("b"), "w+b", buffering=0) as b:
        expected = bytearray(64 * block)
        for n in range(400):
            offset = n % 64 * block
            data = bytes([n % 255 + 1]) * block
            os.pwrite(a.fileno(), data, offset)
            os.copy_file_range(a.fileno(), b.fileno(), block, offset, offset)
            expected[offset:offset + block] = data
        fast.drained()
        assert os.pread(b.fileno(), len(expected), 0) == bytes(expected)
    fast.mount.unmount()
    assert sound(fast.lab, volume) == []
    fast.up()
    with open(fast.path("b"), "rb") as b:
        assert b.read() == bytes(expected)
