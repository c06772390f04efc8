"""What one client changes the other sees, though it had looked before: at once where that is us."""

import os
import stat
import time

import pytest

from interop.conftest import missing

CHANGES = {}


def change(function):
    """Registers a generator: it prepares, yields; changes on the writer, yields (what, seen)."""
    CHANGES[function.__name__] = function
    return function


def write(path, data, mode="wb"):
    with open(path, mode) as file:
        file.write(data)


def read(path):
    with open(path, "rb") as file:
        return file.read()


# Each gets the folder on the writer (w) and on the reader (r). It yields what the reader does to
# remember something, then changes it on the writer, then yields how the reader sees the change.

@change
def new_folder(w, r):
    yield lambda: os.listdir(r)
    os.mkdir(f"{w}/newdir")
    yield lambda: "newdir" in os.listdir(r)


@change
def new_file_whose_absence_was_known(w, r):
    yield lambda: missing(f"{r}/file")
    write(f"{w}/file", b"there")
    yield lambda: read(f"{r}/file") == b"there"


@change
def contents_of_equal_length(w, r):
    write(f"{w}/file", b"before")
    yield lambda: read(f"{r}/file")
    write(f"{w}/file", b"after.", "r+b")
    yield lambda: read(f"{r}/file") == b"after."


@change
def more_contents(w, r):
    write(f"{w}/file", b"before")
    yield lambda: read(f"{r}/file")
    write(f"{w}/file", b"-after", "ab")
    yield lambda: read(f"{r}/file") == b"before-after"


@change
def truncation(w, r):
    write(f"{w}/file", b"x" * 10000)
    yield lambda: read(f"{r}/file")
    os.truncate(f"{w}/file", 5)
    yield lambda: read(f"{r}/file") == b"xxxxx" and os.stat(f"{r}/file").st_size == 5


@change
def mode(w, r):
    write(f"{w}/file", b"")
    yield lambda: os.stat(f"{r}/file")
    os.chmod(f"{w}/file", 0o4711)
    yield lambda: stat.S_IMODE(os.stat(f"{r}/file").st_mode) == 0o4711


@change
def owner(w, r):
    write(f"{w}/file", b"")
    yield lambda: os.stat(f"{r}/file")
    os.chown(f"{w}/file", 1234, 4321)
    yield lambda: (os.stat(f"{r}/file").st_uid, os.stat(f"{r}/file").st_gid) == (1234, 4321)


@change
def times(w, r):
    write(f"{w}/file", b"")
    yield lambda: os.stat(f"{r}/file")
    os.utime(f"{w}/file", ns=(1_000_000_001, 2_000_000_002))
    yield lambda: os.stat(f"{r}/file").st_mtime_ns == 2_000_000_002


@change
def attribute_set(w, r):
    write(f"{w}/file", b"")
    yield lambda: os.listxattr(f"{r}/file")
    os.setxattr(f"{w}/file", "user.new", b"\x00\xff")
    yield lambda: os.getxattr(f"{r}/file", "user.new") == b"\x00\xff"


@change
def attribute_replaced(w, r):
    write(f"{w}/file", b"")
    os.setxattr(f"{w}/file", "user.one", b"before")
    yield lambda: os.getxattr(f"{r}/file", "user.one")
    os.setxattr(f"{w}/file", "user.one", b"after")
    yield lambda: os.getxattr(f"{r}/file", "user.one") == b"after"


@change
def attribute_removed(w, r):
    write(f"{w}/file", b"")
    os.setxattr(f"{w}/file", "user.gone", b"1")
    yield lambda: os.getxattr(f"{r}/file", "user.gone")
    os.removexattr(f"{w}/file", "user.gone")
    yield lambda: os.listxattr(f"{r}/file") == []


@change
def deletion(w, r):
    write(f"{w}/file", b"")
    yield lambda: (os.stat(f"{r}/file"), os.listdir(r))
    os.unlink(f"{w}/file")
    yield lambda: missing(f"{r}/file") and os.listdir(r) == []


@change
def deletion_of_a_folder(w, r):
    os.mkdir(f"{w}/folder")
    yield lambda: (os.listdir(f"{r}/folder"), os.listdir(r))
    os.rmdir(f"{w}/folder")
    yield lambda: missing(f"{r}/folder") and os.listdir(r) == []


@change
def rename(w, r):
    write(f"{w}/old", b"moved")
    yield lambda: (os.stat(f"{r}/old"), missing(f"{r}/new"))
    os.rename(f"{w}/old", f"{w}/new")
    yield lambda: missing(f"{r}/old") and read(f"{r}/new") == b"moved"


@change
def rename_over_another(w, r):
    write(f"{w}/new", b"replaced")
    write(f"{w}/old", b"moved")
    yield lambda: (read(f"{r}/old"), read(f"{r}/new"))
    os.rename(f"{w}/old", f"{w}/new")
    yield lambda: read(f"{r}/new") == b"moved" and os.listdir(r) == ["new"]


@change
def rename_of_a_folder(w, r):
    os.makedirs(f"{w}/one/below")
    os.mkdir(f"{w}/two")
    write(f"{w}/one/below/file", b"deep")
    yield lambda: (read(f"{r}/one/below/file"), os.listdir(f"{r}/two"))
    os.rename(f"{w}/one/below", f"{w}/two/moved")
    yield lambda: read(f"{r}/two/moved/file") == b"deep" and missing(f"{r}/one/below")


@change
def symbolic_link(w, r):
    yield lambda: missing(f"{r}/link")
    os.symlink("target", f"{w}/link")
    yield lambda: os.readlink(f"{r}/link") == "target"


@change
def symbolic_link_replaced(w, r):
    os.symlink("before", f"{w}/link")
    yield lambda: os.readlink(f"{r}/link")
    os.symlink("after", f"{w}/other")
    os.rename(f"{w}/other", f"{w}/link")
    yield lambda: os.readlink(f"{r}/link") == "after"


@change
def hard_link(w, r):
    write(f"{w}/file", b"twice")
    yield lambda: os.stat(f"{r}/file")
    os.link(f"{w}/file", f"{w}/other")
    yield lambda: (read(f"{r}/other") == b"twice" and os.stat(f"{r}/file").st_nlink == 2
                   and os.stat(f"{r}/file").st_ino == os.stat(f"{r}/other").st_ino)


@change
def hard_link_removed(w, r):
    write(f"{w}/file", b"once")
    os.link(f"{w}/file", f"{w}/other")
    yield lambda: (os.stat(f"{r}/file"), os.stat(f"{r}/other"))
    os.unlink(f"{w}/other")
    yield lambda: os.stat(f"{r}/file").st_nlink == 1 and missing(f"{r}/other")


@change
def special_file(w, r):
    yield lambda: os.listdir(r)
    os.mkfifo(f"{w}/fifo", 0o600)
    yield lambda: stat.S_ISFIFO(os.lstat(f"{r}/fifo").st_mode)


@change
def subfolder_count(w, r):
    yield lambda: os.stat(r)
    os.mkdir(f"{w}/a")
    os.mkdir(f"{w}/b")
    yield lambda: os.stat(r).st_nlink == 4


@change
def a_file_that_was_another_before(w, r):
    write(f"{w}/file", b"first")
    yield lambda: (read(f"{r}/file"), os.stat(f"{r}/file"))
    os.unlink(f"{w}/file")
    write(f"{w}/file", b"second")
    yield lambda: read(f"{r}/file") == b"second"


@pytest.mark.quick
@pytest.mark.parametrize("name", CHANGES)
def test_seen_by_the_other(pair, name):
    folder = f"{name} {pair.writer.client} {pair.reader.client} {time.monotonic_ns()}"
    os.mkdir(pair.writer.path(folder))
    pair.soon(lambda: os.stat(pair.reader.path(folder)), "the folder")
    steps = CHANGES[name](pair.writer.path(folder), pair.reader.path(folder))
    remember = next(steps)
    pair.soon(lambda: remember() is not None, "the state before")
    seen = next(steps)
    pair.soon(seen, name)


@pytest.mark.quick
def test_a_name_in_the_root_is_seen_after_a_listing(pair):
    name = f"newdir{time.monotonic_ns()}"
    assert name not in os.listdir(pair.reader.root)
    os.mkdir(pair.writer.path(name))
    pair.soon(lambda: name in os.listdir(pair.reader.root), "the new folder")
    os.rmdir(pair.writer.path(name))
    pair.soon(lambda: name not in os.listdir(pair.reader.root), "its end")


@pytest.mark.quick
@pytest.mark.passthrough_only
def test_what_was_closed_is_what_the_next_open_reads(pair):
    """Both append by turns; each reads everything before."""
    name = f"turns{time.monotonic_ns()}"
    expected = b""
    for turn in range(100):
        one, other = ((pair.writer, pair.reader) if turn % 2 else (pair.reader, pair.writer))
        line = f"{turn} {one.client}\n".encode() * (turn % 7 + 1)
        write(one.path(name), line, "ab")
        expected += line
        # The name is new to the other only once.
        if turn == 0:
            pair.soon(lambda: os.stat(other.path(name)), "the file")
        assert read(other.path(name)) == expected, f"turn {turn}"


@pytest.mark.quick
def test_a_page_that_is_mapped_elsewhere_is_read_anew(pair, request):
    name = f"pages{time.monotonic_ns()}"
    write(pair.writer.path(name), b"a" * 300_000)
    pair.soon(lambda: read(pair.reader.path(name)) == b"a" * 300_000, "the file")
    with open(pair.writer.path(name), "r+b") as file:
        os.pwrite(file.fileno(), b"b" * 5000, 100_000)
    expected = b"a" * 100_000 + b"b" * 5000 + b"a" * 195_000
    if request.config.getoption("--mode") == "fast-meta":  # sent a moment later
        pair.soon(lambda: read(pair.reader.path(name)) == expected, "the change")
    assert read(pair.reader.path(name)) == expected
