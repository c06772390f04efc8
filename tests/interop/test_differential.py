"""The same history, on our mount and on the standard client's, leaves the same volume."""

import json
import os
import time

import pytest

from support import dumps, volume_checks
from support.parity import Known, Parity


def write_time_shown_late_there(operation, _, reference, tested):
    """The standard client shows the time of a write when it is flushed; ours may at once."""
    return (operation in ("stat", "lstat", "fstat") and reference[0] == tested[0] == "ok"
            and reference[1][:-1] == tested[1][:-1]
            and "now" in (reference[1][-1], tested[1][-1]))


def settled(volume):
    """Statistics and deletions that follow a change have been done."""
    volume_checks.counters_settle(volume)
    with volume.redis() as redis:
        end = time.monotonic() + 15
        while redis("ZCARD", "delfiles") and time.monotonic() < end:
            time.sleep(0.2)
        assert redis("ZCARD", "delfiles") == 0


def sound(juicefs, volume, stats):
    """The standard client's tools find nothing; objects look old enough for gc to judge them."""
    for path in volume.objects():
        os.utime(path, (time.time() - 7200,) * 2)
    found = volume_checks.fsck(juicefs, volume, stats) + volume_checks.gc(juicefs, volume)
    assert found == []


def check(lab, ours, seed, count, trash_days, options=()):
    volumes = [lab.format(by="juicefs", trash_days=trash_days, options=options),
               lab.format(by=ours, trash_days=trash_days, options=options)]
    mounts = [lab.mount("juicefs", volumes[0]), lab.mount(ours, volumes[1])]
    for mount in mounts:
        mount.root.chmod(0o755)
        os.mkdir(mount.path("tree"), 0o777)
        os.chmod(mount.path("tree"), 0o777)
    known = [Known("shown late", write_time_shown_late_there)]
    parity = Parity(*[mount.path("tree") for mount in mounts], seed, known)
    lab.defer(parity.close)
    parity.run(count)
    parity.close_files()
    parity.compare_trees()
    parity.close()
    for mount in mounts:
        mount.unmount()
    for volume in volumes:
        settled(volume)

    juicefs = lab.clients["juicefs"]
    left, right = [volume_checks.dump(juicefs, volume, lab.folder / f"dump{n}.json")
                   for n, volume in enumerate(volumes)]
    assert volume_checks.differences(dumps.normalised(left), dumps.normalised(right)) == []
    assert dumps.trashed(left) == dumps.trashed(right)
    for field in ("Sustained", "DelFiles"):
        assert left[field] == right[field] == []
    if trash_days == 0:
        for counter in ("usedSpace", "usedInodes"):
            assert left["Counters"][counter] == right["Counters"][counter]
    assert _setting(left) == _setting(right)
    # The standard client's own directory statistics drift, by writes to files that are open and
    # unlinked: what it leaves is not held against it.
    sound(juicefs, volumes[1], stats=ours != "juicefs")


def _setting(dump):
    setting = dict(dump["Setting"])
    for own in ("UUID", "Bucket"):
        setting.pop(own)
    return json.dumps(setting, sort_keys=True)


@pytest.mark.quick
@pytest.mark.parametrize("trash_days", [0, 1], ids=["no trash", "trash"])
def test_the_same_sequence_leaves_the_same_volume(lab, ours, seed, request, trash_days):
    count = request.config.getoption("--operations") or 2500
    check(lab, ours, seed, count, trash_days)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("trash_days", [0, 1], ids=["no trash", "trash"])
@pytest.mark.parametrize("options", [["--block-size", "64K"], ["--compress", "lz4"],
                                     ["--hash-prefix", "--compress", "zstd"]])
def test_long_sequences_leave_the_same_volume(lab, ours, seed, request, trash_days, options):
    count = request.config.getoption("--operations") or 20000
    check(lab, ours, seed, count, trash_days, options)
