"""What another client changes is seen at once, although the kernel may remember for an hour.

The toy's control verbs are that other client; they return when the host has told the kernel."""

import mmap
import os
import subprocess
import time

import pytest


def test_without_changes_the_kernel_asks_once(toy):
    (toy.root / "file").write_bytes(b"")
    os.stat(toy.root / "file")
    before = toy.stats()["kernel"]
    assert before["table_rows"] >= 2
    for _ in range(100):
        os.stat(toy.root / "file")
    assert toy.stats()["kernel"] == before


def test_a_new_name_is_seen_where_its_absence_was_remembered(toy):
    assert not (toy.root / "new").exists()
    toy.ask("remote-create", path="/new")
    assert (toy.root / "new").exists()
    assert os.listdir(toy.root) == ["new"]


def test_the_absence_is_remembered_as_long_as_nobody_says_otherwise(toy):
    assert not (toy.root / "new").exists()
    toy.ask("remote-create", path="/new", quiet=1)
    assert not (toy.root / "new").exists()


def test_a_name_that_is_gone_is_not_found(toy):
    (toy.root / "file").write_bytes(b"")
    assert (toy.root / "file").exists()
    toy.ask("remote-unlink", path="/file")
    assert not (toy.root / "file").exists()


def test_attributes(toy):
    (toy.root / "file").write_bytes(b"")
    os.chmod(toy.root / "file", 0o600)
    assert os.stat(toy.root / "file").st_mode & 0o777 == 0o600
    toy.ask("remote-chmod", path="/file", mode=0o755)
    assert os.stat(toy.root / "file").st_mode & 0o777 == 0o755


def test_contents_of_an_open_file(toy):
    (toy.root / "file").write_bytes(b"x" * 10)
    with open(toy.root / "file", "rb", buffering=0) as file:
        assert file.read() == b"x" * 10
        toy.ask("remote-write", path="/file", length=20)
        assert os.fstat(file.fileno()).st_size == 20
        file.seek(0)
        assert file.read() == b"\0" * 20


def test_contents_after_open_although_the_news_is_still_on_its_way(toy):
    path = toy.root / "file"
    path.write_bytes(b"x" * 10)
    assert path.read_bytes() == b"x" * 10
    toy.ask("remote-write", path="/file", length=20, quiet=1)
    assert path.read_bytes() == b"\0" * 20


@pytest.mark.parametrize("length", [5, 20])
def test_an_append_goes_to_the_end_although_the_news_is_still_on_its_way(toy, length):
    path = toy.root / "file"
    path.write_bytes(b"x" * 10)
    assert path.stat().st_size == 10
    toy.ask("remote-write", path="/file", length=length, quiet=1)
    # A shell opens and writes, and asks for nothing in between.
    subprocess.run(["sh", "-c", f"echo end >> {path}"], check=True)
    assert path.read_bytes() == b"\0" * length + b"end\n"


def test_an_append_of_many_parts_stays_in_order(toy):
    path = toy.root / "file"
    path.write_bytes(b"x" * 10)
    toy.ask("remote-write", path="/file", length=20, quiet=1)
    with open(path, "ab", buffering=0) as file:
        for number in range(50):
            file.write(b"%d," % number)
        assert file.tell() > 0
    tail = b"".join(b"%d," % number for number in range(50))
    assert path.read_bytes() == b"\0" * 20 + tail


def test_an_append_file_can_be_mapped(toy):
    path = toy.root / "file"
    path.write_bytes(b"x" * 10)
    toy.ask("remote-write", path="/file", length=20, quiet=1)
    with open(path, "a+b", buffering=0) as file:
        file.write(b"end")
        with mmap.mmap(file.fileno(), 23) as view:
            assert view[:] == b"\0" * 20 + b"end"
            view[:5] = b"start"
    assert path.read_bytes() == b"start" + b"\0" * 15 + b"end"


def test_readers_see_an_append_that_the_kernel_put_elsewhere(toy):
    path = toy.root / "file"
    path.write_bytes(b"x" * 10)
    with open(path, "rb", buffering=0) as reader:
        assert reader.read() == b"x" * 10
        for length in (5000, 9000):
            toy.ask("remote-write", path="/file", length=length, quiet=1)
            subprocess.run(["sh", "-c", f"printf end >> {path}"], check=True)
            deadline = time.monotonic() + 5
            while os.pread(reader.fileno(), 20_000, 0) != b"\0" * length + b"end":
                assert time.monotonic() < deadline
                time.sleep(0.01)


def test_a_working_directory_survives_the_expiry_of_its_name(toy):
    (toy.root / "dir").mkdir()
    os.stat(toy.root / "dir")
    here = os.getcwd()
    os.chdir(toy.root / "dir")
    try:
        toy.ask("remote-create", path="/dir/new")
        toy.ask("remote-chmod", path="/dir", mode=0o755)
        assert os.getcwd() == str(toy.root / "dir")
        assert os.listdir(".") == ["new"]
    finally:
        os.chdir(here)


def test_renames_take_what_the_kernel_remembers_along(toy):
    (toy.root / "old").write_bytes(b"")
    os.stat(toy.root / "old")
    os.rename(toy.root / "old", toy.root / "name")
    toy.ask("remote-unlink", path="/name")
    assert not (toy.root / "name").exists()


def test_beyond_the_table_the_kernel_remembers_nothing(mount_toy):
    toy = mount_toy(options=["host.kernel.table-entries=0"])
    assert not (toy.root / "new").exists()
    toy.ask("remote-create", path="/new", quiet=1)
    assert (toy.root / "new").exists()
    assert toy.stats()["kernel"]["table_rows"] == 0


def test_thousands_of_names_expire_at_once(toy):
    for number in range(3000):
        (toy.root / f"{number}").touch()
    for number in range(3000):
        os.stat(toy.root / f"{number}")
    assert toy.stats()["kernel"]["table_rows"] > 3000
    for number in range(0, 3000, 700):
        toy.ask("remote-unlink", path=f"/{number}")
    for number in range(0, 3000, 700):
        assert not (toy.root / f"{number}").exists()
    assert len(os.listdir(toy.root)) == 3000 - 5
