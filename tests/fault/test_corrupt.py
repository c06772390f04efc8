"""Bytes that break the schema harm one file: EIO for it, a line in the log, the rest works."""

import errno
import os

import pytest

pytestmark = [pytest.mark.quick, pytest.mark.usefixtures("only_ours")]


@pytest.fixture
def place(lab):
    """(volume, mount, inode numbers by name): a file, a folder, a link, made and forgotten."""
    volume = lab.format()
    first = lab.mount("juicefs", volume)
    with open(first.path("file"), "wb") as file:
        file.write(b"contents" * 10000)
    with open(first.path("other"), "wb") as file:
        file.write(b"unharmed")
    os.mkdir(first.path("folder"))
    with open(first.path("folder", "below"), "wb") as file:
        file.write(b"below")
    os.symlink("target", first.path("link"))
    numbers = {name: os.lstat(first.path(name)).st_ino
               for name in ("file", "other", "folder", "link", "folder/below")}
    first.unmount()
    return volume, lab.mount("fastmeta", volume), numbers


def fails_with_eio(call, *arguments):
    with pytest.raises(OSError) as raised:
        call(*arguments)
    assert raised.value.errno == errno.EIO


def read(path):
    with open(path, "rb") as file:
        return file.read()


def rest_works(mount):
    assert read(mount.path("other")) == b"unharmed"
    os.mkdir(mount.path("new"))
    os.rmdir(mount.path("new"))
    assert mount.process.alive


def line_about(mount, key):
    """The lines of the log that name the key and a place in it."""
    lines = [line for line in mount.log.splitlines() if key in line]
    assert lines, f"no line names {key}:\n{mount.log}"
    assert any(character.isdigit() for character in lines[0].split(key, 1)[1]), lines[0]
    return lines


BAD_ATTRS = [b"", b"\0", b"short", b"\0" * 70, b"\xff" * 72, b"\xff" * 500, b"\0" * 71]


@pytest.mark.parametrize("value", BAD_ATTRS, ids=lambda v: f"{len(v)} of {v[:1]!r}")
def test_attributes(place, value):
    volume, mount, numbers = place
    key = f"i{numbers['file']}"
    with volume.redis() as redis:
        redis("SET", key, value)
        fails_with_eio(os.stat, mount.path("file"))
        fails_with_eio(os.chmod, mount.path("file"), 0o600)
        fails_with_eio(os.unlink, mount.path("file"))
        assert redis("GET", key) == value, "it was written over"
        # In a listing the name is there all the same.
        assert "file" in os.listdir(mount.root)
    line_about(mount, key)
    rest_works(mount)


@pytest.mark.parametrize("value", [b"", b"\x01", b"\x09" + b"\0" * 7 + b"\x05", b"x" * 8,
                                   b"x" * 10, b"\x01" + b"\0" * 8])
def test_an_entry(place, value):
    volume, mount, _ = place
    with volume.redis() as redis:
        redis("HSET", "d1", "file", value)
        fails_with_eio(os.stat, mount.path("file"))
        fails_with_eio(os.unlink, mount.path("file"))
        assert redis("HGET", "d1", "file") == value
    line_about(mount, "d1")
    rest_works(mount)


@pytest.mark.parametrize("value", [b"", b"x", b"\xff" * 24, b"\0" * 23, b"\0" * 25])
def test_a_slice_record(place, value):
    volume, mount, numbers = place
    key = f"c{numbers['file']}_0"
    with volume.redis() as redis:
        redis("RPUSH", key, value)
        before = redis("LRANGE", key, 0, -1)
        fails_with_eio(read, mount.path("file"))
        assert redis("LRANGE", key, 0, -1) == before
    line_about(mount, key)
    rest_works(mount)


@pytest.mark.parametrize("key, harm", [
    ("i{file}", ["RPUSH", "x"]), ("d1", ["SET", "x"]), ("c{file}_0", ["SET", "x"]),
    ("s{link}", ["RPUSH", "x"]), ("x{file}", ["SET", "x"])])
def test_a_key_of_another_type(place, key, harm):
    volume, mount, numbers = place
    key = key.format(**numbers)
    use = {"i": lambda: os.stat(mount.path("file")), "d": lambda: os.listdir(mount.root),
           "c": lambda: read(mount.path("file")), "s": lambda: os.readlink(mount.path("link")),
           "x": lambda: os.getxattr(mount.path("file"), "user.a")}[key[0]]
    with volume.redis() as redis:
        redis("RENAME", key, "saved") if redis("EXISTS", key) else None
        redis(harm[0], key, *harm[1:])
        fails_with_eio(use)
        redis("DEL", key)
        redis("RENAME", "saved", key) if redis("EXISTS", "saved") else None
    rest_works(mount)


def test_an_entry_whose_inode_is_gone(place):
    """Nothing is made up for it: an error, or, as the standard client shows it, no mode at all."""
    volume, mount, numbers = place
    with volume.redis() as redis:
        redis("DEL", f"i{numbers['file']}")
    try:
        seen = os.stat(mount.path("file"))
        assert (seen.st_mode & 0o7777, seen.st_size) == (0, 0)
    except OSError as error:
        assert error.errno in (errno.EIO, errno.ENOENT)
    rest_works(mount)


def test_a_counter_that_is_no_number(place):
    volume, mount, _ = place
    with volume.redis() as redis:
        used = redis("GET", "usedSpace")
        redis("SET", "usedSpace", "many")
        with pytest.raises(OSError) as refused:
            os.mkdir(mount.path("folder", "new"))
        redis("SET", "usedSpace", used)
    assert refused.value.errno == errno.EIO
    assert "usedSpace" in mount.log  # every element of the reply to EXEC is looked at
    assert read(mount.path("other")) == b"unharmed"
    assert mount.process.alive


# ---- data objects

def one_object(volume, numbers):
    with volume.redis() as redis:
        record = redis("LINDEX", f"c{numbers['file']}_0", 0)
    slice_id = int.from_bytes(record[4:12], "big")
    path, = [p for p in volume.objects() if p.name.startswith(f"{slice_id}_")]
    return path


@pytest.mark.timeout(120)
@pytest.mark.parametrize("harm", ["missing", "short", "empty", "a folder"])
def test_a_data_object_that_is_not_whole(place, harm):
    volume, mount, numbers = place
    path = one_object(volume, numbers)
    data = path.read_bytes()
    if harm in ("missing", "a folder"):
        path.unlink()
    if harm == "a folder":
        path.mkdir()
    elif harm != "missing":
        path.write_bytes(data[:1000] if harm == "short" else b"")
    fails_with_eio(read, mount.path("file"))
    assert path.name in mount.log
    rest_works(mount)
    if harm == "a folder":
        path.rmdir()
    path.write_bytes(data)
    assert read(mount.path("file")) == b"contents" * 10000


@pytest.mark.timeout(120)
@pytest.mark.parametrize("compress", ["lz4", "zstd"])
@pytest.mark.parametrize("harm", [b"", b"garbage", b"\xff" * 200])
def test_a_compressed_object_that_cannot_be_read(lab, compress, harm):
    volume = lab.format(options=["--compress", compress])
    first = lab.mount("juicefs", volume)
    with open(first.path("file"), "wb") as file:
        file.write(b"contents" * 10000)
    with open(first.path("other"), "wb") as file:
        file.write(b"unharmed")
    numbers = {"file": os.stat(first.path("file")).st_ino}
    first.unmount()
    mount = lab.mount("fastmeta", volume)
    path = one_object(volume, numbers)
    path.write_bytes(harm)
    fails_with_eio(read, mount.path("file"))
    assert path.name in mount.log
    rest_works(mount)
