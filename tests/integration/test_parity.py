"""Whoever works on our mount meets what he would meet on a local disk."""

import os
import stat

import pytest

from support import mounts
from support.actors import USERS
from support.parity import Known, Parity
from support.process import run


def time_of_a_write_is_late(operation, _, reference, tested):
    """Only the modification time differs, and there it is still the one set before."""
    return (operation in ("stat", "lstat", "fstat") and reference[0] == tested[0] == "ok"
            and reference[1][:-1] == tested[1][:-1] and reference[1][-1] == "now")


def is_an_open_folder_that_is_gone(operation, _, reference, tested):
    if reference[0] != "ok" or tested[0] != "ENOENT":
        return False
    if operation == "fstat":
        return reference[1][3] == 0 and stat.S_ISDIR(int(reference[1][0], 8))
    return operation in ("fchmod", "map_read") and reference[1] is None


def known_differences(client):
    known = [Known("nothing is left of a removed folder, also where it is open",
                   is_an_open_folder_that_is_gone)]
    if client == "juicefs":
        # Where the tests themselves are proven (--mount=juicefs).
        known.append(Known("the standard client shows the time of a write when it is flushed",
                           time_of_a_write_is_late))
    return known


@pytest.fixture
def local(lab):
    """A local disk: ext4 in a file, as strict about devices and access times as a mount."""
    root = lab.place("local")
    mounts.loop_ext4(root, lab.folder / "local.img", 4096)
    lab.defer(mounts.unmount_for_sure, root)
    run(["rmdir", root / "lost+found"])
    return root


def moves_a_folder_out_of_a_sticky_one(root):
    """There Linux asks for the owner of either of the two, JuiceFS for that of the moved one."""

    def applies(user, operation, arguments):
        if operation not in ("rename", "exchange") or user == "root":
            return False
        source, target = (os.path.join(os.fsencode(root), p.rstrip(b"/")) for p in arguments[:2])
        try:
            moved, left = os.lstat(source), os.lstat(os.path.dirname(source))
        except OSError:
            return False
        return (os.path.dirname(source) != os.path.dirname(target) and stat.S_ISDIR(moved.st_mode)
                and left.st_mode & stat.S_ISVTX and moved.st_uid != USERS[user][0])

    return applies


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
    reference = tree_in(local)
    parity = Parity(reference, tree_in(mount.root), seed, known,
                    moves_a_folder_out_of_a_sticky_one(reference))
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
