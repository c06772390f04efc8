"""Where the volume has a trash, both clients put things into it alike and get them back."""

import os
import re
import time

import pytest

from support import volume_checks
from support.pair import make_statistics

pytestmark = pytest.mark.quick


@pytest.fixture(scope="module")
def shared(module_lab, ours):
    volume = module_lab.format(trash_days=1)
    both = [module_lab.mount(client, volume) for client in (ours, "juicefs")]
    make_statistics(volume, both[0])
    return volume, *both


def trashed(mount, name):
    """Paths in the trash whose original name was that."""
    found = []
    trash = mount.path(".trash")
    for hour in os.listdir(trash):
        assert re.fullmatch(r"\d{4}-\d\d-\d\d-\d\d", hour)
        for entry in os.listdir(f"{trash}/{hour}"):
            parent, ino, original = entry.split("-", 2)
            if original == name and parent.isdigit() and ino.isdigit():
                found.append(f"{trash}/{hour}/{entry}")
    return found


def unique(name):
    return f"{name}{time.monotonic_ns()}"


def put(pair, name, data):
    with open(pair.writer.path(name), "wb") as file:
        file.write(data)


def test_a_deleted_file_lies_in_the_trash_of_both(pair):
    name = unique("file")
    put(pair, name, b"kept")
    os.chmod(pair.writer.path(name), 0o640)
    ino, root = os.stat(pair.writer.path(name)).st_ino, os.stat(pair.writer.root).st_ino
    os.unlink(pair.writer.path(name))
    for mount in (pair.writer, pair.reader):
        pair.soon(lambda: len(trashed(mount, name)) == 1, "the trashed file")
        path, = trashed(mount, name)
        assert os.path.basename(path) == f"{root}-{ino}-{name}"
        hour = time.strftime("%Y-%m-%d-%H", time.gmtime())
        assert os.path.basename(os.path.dirname(path)) in (
            hour, time.strftime("%Y-%m-%d-%H", time.gmtime(time.time() - 60)))
        with open(path, "rb") as file:
            assert file.read() == b"kept"
        assert os.stat(path).st_mode & 0o777 == 0o640


def test_what_one_deleted_the_other_restores(pair):
    name = unique("file")
    put(pair, name, b"back")
    os.unlink(pair.writer.path(name))
    pair.soon(lambda: trashed(pair.reader, name), "the trashed file")
    path, = trashed(pair.reader, name)
    os.rename(path, pair.reader.path(name))
    with open(pair.reader.path(name), "rb") as file:
        assert file.read() == b"back"
    pair.patience_s = 1.5

    def back():
        with open(pair.writer.path(name), "rb") as file:
            return file.read() == b"back"
    pair.soon(back, "the restored file")
    assert trashed(pair.writer, name) == []


def test_a_replaced_file_and_a_removed_folder_go_there_too(pair):
    target, folder = unique("target"), unique("folder")
    put(pair, target, b"old")
    put(pair, target + "new", b"new")
    os.mkdir(pair.writer.path(folder))
    os.rename(pair.writer.path(target + "new"), pair.writer.path(target))
    os.rmdir(pair.writer.path(folder))
    pair.soon(lambda: trashed(pair.reader, target) and trashed(pair.reader, folder), "both")
    with open(trashed(pair.reader, target)[0], "rb") as file:
        assert file.read() == b"old"
    assert os.path.isdir(trashed(pair.reader, folder)[0])


def test_names_are_cut_at_255_bytes(pair):
    name = unique("long") + "é" * 110
    name += "x" * (255 - len(name.encode()))
    put(pair, name, b"")
    root = os.fsencode(pair.writer.root)
    ino = os.stat(pair.writer.path(name)).st_ino
    os.unlink(pair.writer.path(name))
    expected = f"1-{ino}-{name}".encode()[:255]

    def there():
        trash = os.path.join(os.fsencode(pair.reader.root), b".trash")
        return any(expected in os.listdir(os.path.join(trash, h)) for h in os.listdir(trash))
    pair.soon(there, "the cut name")
    assert root


def test_what_is_deleted_in_the_trash_is_gone(pair):
    name = unique("file")
    put(pair, name, b"x" * 100_000)
    os.unlink(pair.writer.path(name))
    pair.soon(lambda: trashed(pair.reader, name), "the trashed file")
    os.unlink(trashed(pair.reader, name)[0])
    pair.patience_s = 1.5
    pair.soon(lambda: trashed(pair.writer, name) == [], "its end")


def test_nothing_is_made_in_the_trash(pair):
    for mount in (pair.writer, pair.reader):
        trash = mount.path(".trash")
        hours = os.listdir(trash)
        for path in [trash, *(f"{trash}/{hour}" for hour in hours)]:
            with pytest.raises(PermissionError):
                os.mkdir(f"{path}/new")
            with pytest.raises(PermissionError):
                open(f"{path}/new", "wb")
        for hour in hours:
            with pytest.raises(PermissionError):
                os.rmdir(f"{trash}/{hour}")


def test_a_file_that_one_has_open_is_readable_after_the_other_deleted_it(pair):
    name = unique("open")
    put(pair, name, b"still here")
    pair.soon(lambda: os.stat(pair.reader.path(name)), "the file")
    with open(pair.reader.path(name), "rb") as file:
        os.unlink(pair.writer.path(name))
        assert file.read() == b"still here"


def test_the_volume_is_sound_after_all_that(shared, juicefs, module_lab):
    volume, *mounts = shared
    for mount in mounts:
        mount.unmount()
    volume_checks.counters_settle(volume)
    assert volume_checks.fsck(module_lab.clients["juicefs"], volume) == []
