"""A tree that one client copied in is the same, byte for byte, in the other."""

import os
import time

import pytest

from support import trees, volume_checks
from support.parity import everything
from support.process import run


def check(lab, pair, files):
    source = lab.place("source")
    trees.make(source, files)
    target = pair.writer.path(f"tree{time.monotonic_ns()}")
    done = run(["cp", "-a", source, target], timeout_s=1800)
    assert done.returncode == 0, done.stdout
    expected = everything(source)
    assert len(expected) > files
    name = os.path.basename(target)
    pair.soon(lambda: os.stat(pair.reader.path(name)), "the tree")
    assert volume_checks.differences(expected, everything(pair.reader.path(name))) == []
    assert volume_checks.differences(expected, everything(target)) == []
    # And out again.
    back = lab.place("back") / "tree"
    done = run(["cp", "-a", pair.reader.path(name), back], timeout_s=1800)
    assert done.returncode == 0, done.stdout
    assert volume_checks.differences(expected, everything(back)) == []


@pytest.mark.quick
def test_a_copied_tree_is_the_same_in_the_other(lab, pair):
    check(lab, pair, int(os.environ.get("FASTMETA_TREE_FILES", "1000")))


@pytest.mark.timeout(3600)
def test_a_copied_tree_of_twenty_thousand_files_is_the_same_in_the_other(lab, pair, ours, request):
    """Copied in by us, in mode passthrough; the rest takes minutes more and is for long runs."""
    short = pair.writer.client == ours and request.config.getoption("--mode") == "passthrough"
    if not short and os.environ.get("FASTMETA_LONG") != "1":
        pytest.skip("long; runs with --long")
    check(lab, pair, 20_000)


def test_the_volume_is_sound_after_that(shared, lab):
    volume, *mounts = shared
    for mount in mounts:
        mount.unmount()
    volume_checks.counters_settle(volume)
    assert volume_checks.fsck(lab.clients["juicefs"], volume, stats=False) == []
