"""What is undone beside programs that go on: the kernel shows the server's truth at once, nothing
of it disappears without a trace, and nobody else is held up."""

import errno
import json
import os
import threading

import pytest

from fastmeta.conftest import (UNHURRIED, Fast, conflicts, hold, meet, names, read, soon, sound,
                               write)
from support import volume_checks
from support.beside import Beside
from support.process import wait_until


def journal(fast):
    listed = fast.lab.clients["fastmeta"].run("conflicts", "list", "--json", fast.root)
    assert listed.returncode == 0, listed.stdout
    return json.loads(listed.stdout)


def test_a_file_that_is_still_written_when_it_is_undone(apart, standard, volume):
    hold(apart)
    file = open(apart.path("same"), "x+b", buffering=0)
    try:
        file.write(b"before")
        os.fsync(file.fileno())
        write(standard.path("same"), b"theirs")
        meet(apart)
        # At once, through the kernel's caches.
        soon(lambda: read(apart.path("same")) == b"theirs", "their file")
        told = 0
        for _ in range(3):
            try:
                file.write(b" and after")
                os.fsync(file.fileno())
            except OSError as error:
                assert error.errno == errno.EIO
                told += 1
        assert told == 3, "what is written to a file that is gone must not look written"
        with pytest.raises(OSError) as refused:
            os.pread(file.fileno(), 6, 0)
        assert refused.value.errno == errno.EIO
    finally:
        try:
            file.close()
        except OSError as error:
            assert error.errno == errno.EIO
    assert read(standard.path("same")) == b"theirs"
    shown = apart.lab.clients["fastmeta"].run("conflicts", "show",
                                              str(journal(apart)[0]["id"]), apart.root)
    assert shown.returncode == 0, shown.stdout
    assert len(json.loads(shown.stdout)["later"]) >= 1, "it is in the journal"


def test_what_is_acknowledged_while_it_is_undone_is_in_the_journal(apart, standard, volume):
    """A program that does not stop writing: what it was not told of is kept (I7), and once it was
    told nothing counts as written any more."""
    hold(apart)
    written, told, late = [], [], []
    file = open(apart.path("same"), "xb", buffering=0)

    def work(done):
        while not done.wait(0.002):
            piece = b"<%d>" % len(written)
            try:
                file.write(piece)
                os.fsync(file.fileno())
            except OSError as error:
                told.append(error.errno)
                continue
            (late if told else written).append(piece)
    with Beside(work):
        wait_until(lambda: len(written) > 20, 10, "something to be undone")
        write(standard.path("same"), b"theirs")
        meet(apart)
        wait_until(lambda: len(told) > 20, 10, "the writer to be told")
    try:
        file.close()
    except OSError as error:
        assert error.errno == errno.EIO
    assert set(told) == {errno.EIO} and not late
    soon(lambda: read(apart.path("same")) == b"theirs", "their file")
    objects = {volume_checks.slice_of(path): path for path in volume.objects()}
    kept = b"".join(read(objects[record["slice"]["id"]]) for entry in apart.journal()
                    for record in (entry["record"], *entry["later"])
                    if record["op"] == "write_slice")
    assert [piece for piece in written if piece not in kept] == []


@pytest.mark.timeout(600)
def test_a_large_folder_is_undone_beside_writers(lab, volume, standard):
    count = 10_000 if os.environ.get("FASTMETA_LONG") == "1" else 600
    fast = Fast(lab, volume, lab.link(volume.server),
                settings={**UNHURRIED, "conflicts.limit": 100_000})
    for n in range(4):
        os.mkdir(fast.path(f"beside{n}"))
    fast.drained()
    os.listdir(fast.path())
    hold(fast)
    os.mkdir(fast.path("same"))
    for n in range(count):
        write(fast.path("same", str(n)), b"")
    assert all(os.stat(fast.path("same", str(n))).st_size == 0 for n in range(0, count, 29))
    os.mkdir(standard.path("same"))
    write(standard.path("same", "theirs"), b"")
    done, made = threading.Event(), [0] * 4
    slowest = [0.0] * 4

    def create(n):
        import time
        while not done.is_set():
            begin = time.monotonic()
            write(fast.path(f"beside{n}", str(made[n])), b"")
            slowest[n] = max(slowest[n], time.monotonic() - begin)
            made[n] += 1

    writers = [threading.Thread(target=create, args=(n,)) for n in range(4)]
    for writer in writers:
        writer.start()
    try:
        fast.link.up()
        wait_until(lambda: conflicts(fast) == count + 1, 240, "all to be undone", every_s=0.2)
    finally:
        done.set()
        for writer in writers:
            writer.join()
    print(f"{sum(made)} files beside it, the slowest took {max(slowest):.2f} s")
    assert names(fast.path("same")) == ["theirs"]
    # Nor does the kernel know what it was asked for before.
    assert os.stat(fast.path("same")).st_ino == os.stat(standard.path("same")).st_ino
    assert [n for n in range(0, count, 29) if os.path.lexists(fast.path("same", str(n)))] == []
    fast.drained(120)
    for n in range(4):
        assert made[n] > 0
        soon(lambda: len(names(standard.path(f"beside{n}"))) == made[n], "the files", 10)
    assert len(journal(fast)) == count + 1
    fast.mount.unmount()
    assert sound(lab, volume) == []


@pytest.mark.timeout(3600)
def test_too_many_conflicts_stop_the_sending_until_somebody_has_looked(lab, volume, standard):
    count, limit = (10_000, 200) if os.environ.get("FASTMETA_LONG") == "1" else (250, 100)
    fast = Fast(lab, volume, lab.link(volume.server),
                settings={**UNHURRIED, "conflicts.limit": limit})
    os.listdir(fast.path())
    hold(fast)
    for n in range(count):
        write(fast.path(f"same{n}"), b"ours" if n % 10 == 0 else b"", "xb")
    write(fast.path("other"), b"kept")
    for n in range(count):
        write(standard.path(f"same{n}"), b"theirs")
    fast.link.up()
    resumes = 0
    while True:
        wait_until(lambda: fast.state == "read-only" or fast.backlog() == 0, 120, "the fuse")
        if fast.backlog() == 0:
            break
        assert "conflicts" in fast.stats()["reason"]
        told = lab.clients["fastmeta"].run("status", fast.root).stdout
        assert f"(conflicts.limit {limit})" in told and "read-only" in told, told
        left = fast.backlog()
        assert left > 0 and f"{left} changes" in told, "what is not judged yet waits"
        assert len(journal(fast)) == conflicts(fast), "what was sacrificed is there to be seen"
        assert conflicts(fast) <= (resumes + 1) * (limit + 10)
        with pytest.raises(OSError) as refused:
            os.mkdir(fast.path("refused"))
        assert refused.value.errno == errno.EROFS
        done = lab.clients["fastmeta"].run("control", fast.root, "resume")
        assert done.returncode == 0, done.stdout
        resumes += 1
    assert resumes >= count // limit - 1
    fast.is_state("writable")
    assert len({entry["path_then"] for entry in journal(fast)}) >= count
    assert read(standard.path("other")) == b"kept"
    assert {read(fast.path(f"same{n}")) for n in range(0, count, 37)} == {b"theirs"}
