"""True conflicts: that change is sacrificed, with all that depends on it, and nothing else; the
journal has it (I7), and its user is told once."""

import errno
import os
import threading
import time

import pytest

from fastmeta.conftest import conflicts, hold, meet, names, read, soon, sound, tree, write
from support.process import wait_until

pytestmark = pytest.mark.quick


def test_the_same_name_made_by_both(apart, standard, volume):
    hold(apart)
    with open(apart.path("same"), "xb") as file:
        file.write(b"ours")
    os.mkdir(apart.path("else"))
    write(standard.path("same"), b"theirs")
    meet(apart)
    assert conflicts(apart) >= 1
    soon(lambda: read(apart.path("same")) == b"theirs", "their file here")
    assert read(standard.path("same")) == b"theirs"
    assert os.path.isdir(standard.path("else")), "what did not conflict is there"
    apart.mount.unmount()
    assert sound(apart.lab, volume) == []


def test_a_file_removed_there_and_written_here(apart, standard, volume):
    write(apart.path("file"), b"before")
    apart.drained()
    soon(lambda: os.path.exists(standard.path("file")), "the file")
    with open(apart.path("file"), "r+b", buffering=0) as file:
        hold(apart)
        file.write(b"later.")
        os.fsync(file.fileno())
        os.unlink(standard.path("file"))
        meet(apart)
        assert conflicts(apart) >= 1
        with pytest.raises(OSError) as told:
            os.fsync(file.fileno())
        assert told.value.errno == errno.EIO
    assert not os.path.exists(apart.path("file"))


def test_a_folder_removed_there_and_filled_here(apart, standard, volume):
    os.mkdir(apart.path("dir"))
    apart.drained()
    soon(lambda: os.path.exists(standard.path("dir")), "the folder")
    os.listdir(apart.path("dir"))
    hold(apart)
    write(apart.path("dir", "file"), b"x")
    os.mkdir(apart.path("other"))
    os.rmdir(standard.path("dir"))
    meet(apart)
    assert conflicts(apart) >= 1
    soon(lambda: os.listdir(apart.path()) == ["other"], "what is left here")
    assert names(standard.path()) == ["other"]
    apart.mount.unmount()
    assert sound(apart.lab, volume) == []


def test_a_rename_against_an_unlink(apart, standard, volume):
    write(apart.path("file"), b"x")
    apart.drained()
    soon(lambda: os.path.exists(standard.path("file")), "the file")
    os.stat(apart.path("file"))
    hold(apart)
    os.rename(apart.path("file"), apart.path("renamed"))
    os.unlink(standard.path("file"))
    meet(apart)
    assert conflicts(apart) == 1
    soon(lambda: os.listdir(apart.path()) == [], "nothing here")
    apart.mount.unmount()
    assert sound(apart.lab, volume) == []


def test_dependants_go_with_what_they_depend_on(apart, standard, volume):
    hold(apart)
    os.mkdir(apart.path("a"))
    os.mkdir(apart.path("a", "b"))
    write(apart.path("a", "b", "c"), b"")
    os.mkdir(apart.path("apart"))
    write(apart.path("apart", "file"), b"kept")
    os.mkdir(standard.path("a"))
    meet(apart)
    assert conflicts(apart) == 3
    ours = {"a": ("folder", None), "apart": ("folder", None), "apart/file": ("file", b"kept")}
    soon(lambda: tree(apart.path()) == ours, "the tree here")
    assert tree(standard.path()) == ours
    apart.mount.unmount()
    assert sound(apart.lab, volume) == []


def test_different_names_in_one_folder_never_conflict(lab, volume, fast, standard):
    """Both at once: a short while, with --long a minute."""
    end = time.monotonic() + (60 if os.environ.get("FASTMETA_LONG") == "1" else 5)
    made = {"ours": 0, "theirs": 0}

    def work(mount, prefix):
        while time.monotonic() < end:
            write(mount.path(f"{prefix}{made[prefix]}"), b"")
            made[prefix] += 1

    workers = [threading.Thread(target=work, args=(mount, prefix))
               for mount, prefix in ((fast, "ours"), (standard, "theirs"))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    fast.drained()
    assert fast.stats()["conflicts"]["total"] == 0
    assert min(made.values()) > 100
    all_names = sorted(f"{prefix}{n}" for prefix, count in made.items() for n in range(count))
    soon(lambda: names(standard.path()) == all_names, "all names", 10)
    soon(lambda: names(fast.path()) == all_names, "all names here")
    fast.mount.unmount()
    assert sound(lab, volume) == []
