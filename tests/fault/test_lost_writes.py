"""Data that was accepted and cannot be stored: who wrote it is told, whoever closes first."""

import errno
import fcntl
import os

import pytest

pytestmark = [pytest.mark.quick, pytest.mark.usefixtures("only_ours")]


@pytest.fixture
def broken(lab):
    """A mount whose bucket takes no objects."""
    volume = lab.format()
    (volume.bucket / volume.name / "chunks").write_bytes(b"in the way")
    return lab.mount("fastmeta", volume)


def error_of(action, *arguments):
    try:
        action(*arguments)
        return 0
    except OSError as error:
        return error.errno


def read_only(file, path):
    os.close(os.open(path, os.O_RDONLY))


def lseek(file, path):
    error_of(os.lseek, file, 0, os.SEEK_HOLE)


def utimes(file, path):
    os.utime(path, (1, 1))


def unlock(file, path):
    fcntl.flock(file, fcntl.LOCK_EX)
    fcntl.flock(file, fcntl.LOCK_UN)


@pytest.mark.parametrize("first", [read_only, lseek, utimes, unlock])
@pytest.mark.parametrize("ends", [os.fsync, os.close])
def test_nobody_takes_the_error_from_the_writer(broken, first, ends):
    path = broken.path("file")
    writer = os.open(path, os.O_CREAT | os.O_RDWR)
    os.write(writer, b"x" * 5000)
    first(writer, path)
    assert error_of(ends, writer) == errno.ENOTDIR
    if ends is os.fsync:
        assert error_of(ends, writer) == 0, "once"
        os.close(writer)


def test_all_writers_are_told(broken):
    path = broken.path("file")
    writers = [os.open(path, os.O_CREAT | os.O_RDWR) for _ in range(3)]
    os.write(writers[0], b"x")
    assert [error_of(os.close, writer) for writer in writers] == [errno.ENOTDIR] * 3
    assert "bytes 0 to 1" in broken.log


def test_a_child_that_closes_what_it_inherited_takes_nothing_away(broken):
    writer = os.open(broken.path("file"), os.O_CREAT | os.O_RDWR)
    os.write(writer, b"x")
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    assert error_of(os.fsync, writer) == errno.ENOTDIR
    os.close(writer)
