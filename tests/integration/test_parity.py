"""Whoever works on our mount meets what he would meet on a local disk."""

import pytest

from support import mounts
from support.parity import Known, Parity
from support.process import run



def time_of_a_write_is_late(operation, _, reference, tested):
    """Only the modification time differs, and there it is still the one set before."""
    return (operation in ("stat", "lstat", "fstat") and reference[0] == tested[0] == "ok"
            and reference[1][:-1] == tested[1][:-1] and reference[1][-1] == "now")


def known_differences(client):
    if client == "fastmeta":
        return []
    # Where the tests themselves are proven (--mount=juicefs).
    return [Known("the standard client shows the time of a write when it is flushed",
                  time_of_a_write_is_late)]


@pytest.fixture
def local(lab):
    """A local disk: ext4 in a file, as strict about devices and access times as a mount."""
    root = lab.place("local")
    mounts.loop_ext4(root, lab.folder / "local.img", 4096)
    lab.defer(mounts.unmount_for_sure, root)
    run(["rmdir", root / "lost+found"])
    return root


def tree_in(root):
    """A folder for the sequence; a mount's own root has names that a disk has not."""
    tree = root / "tree"
    tree.mkdir()
    tree.chmod(0o777)
    return tree


def check(lab, ours, local, seed, count, options):
    volume = lab.format(by=ours, options=options)
    mount = lab.mount(ours, volume)
    known = known_differences(ours)
    parity = Parity(tree_in(local), tree_in(mount.root), seed, known)
    lab.defer(parity.close)
    parity.run(count)
    parity.close_files()
    entries = parity.compare_trees()
    parity.close()
    # What a later mount sees is what was there, not what this one remembered.
    mount.unmount()
    assert parity.compare_trees(lab.mount(ours, volume).root / "tree") == entries
    parts = sorted(parity.done.items(), key=lambda item: item[1])
    print(f"{entries} entries at the end; succeeded: {parts}")
    print("known differences:", {k.reason: k.seen for k in known if k.seen})


@pytest.mark.quick
def test_a_random_sequence_ends_as_on_a_local_disk(lab, ours, local, seed, request):
    count = request.config.getoption("--operations") or 4000
    check(lab, ours, local, seed, count, ["--block-size", "256K"])


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("block_size", ["64K", "4M"])
@pytest.mark.parametrize("turn", range(4))
def test_long_random_sequences_end_as_on_a_local_disk(lab, ours, local, seed, request, block_size,
                                                      turn):
    count = request.config.getoption("--operations") or 30000
    check(lab, ours, local, seed + turn, count, ["--block-size", block_size])
