"""What others change is seen here at once (I5), and what we change is seen there."""

import os
import stat
import time

import pytest

from fastmeta.conftest import Fast, names, read, soon, write

pytestmark = pytest.mark.quick

AT_ONCE_S = 0.5


def seen(condition, what):
    soon(condition, what, AT_ONCE_S)


@pytest.fixture(params=["standard", "fast-meta"])
def other(request, lab, volume, fast):
    """B: the standard client, or another fast-meta mount with a cache directory of its own."""
    if request.param == "standard":
        mount = lab.mount("juicefs", volume)
        mount.settled = lambda: None
        return mount
    second = Fast(lab, volume)
    second.settled = second.drained
    return second


def test_a_folder_made_elsewhere_is_listed_at_once(fast, other):
    assert os.listdir(fast.path()) == []
    os.mkdir(other.path("newdir"))
    seen(lambda: os.listdir(fast.path()) == ["newdir"], "the folder")


def test_an_absent_name_appears(fast, other):
    assert not os.path.exists(fast.path("late"))
    write(other.path("late"), b"here")
    seen(lambda: read(fast.path("late")) == b"here", "the file")


def test_mode_contents_name_attribute_and_target_follow(fast, other):
    write(other.path("file"), b"one")
    os.symlink("first", other.path("link"))
    seen(lambda: read(fast.path("file")) == b"one", "the file")
    seen(lambda: os.readlink(fast.path("link")) == "first", "the link")
    os.chmod(other.path("file"), 0o640)
    seen(lambda: stat.S_IMODE(os.stat(fast.path("file")).st_mode) == 0o640, "the mode")
    write(other.path("file"), b"two")
    seen(lambda: read(fast.path("file")) == b"two", "the contents")
    os.setxattr(other.path("file"), "user.a", b"1")
    seen(lambda: os.getxattr(fast.path("file"), "user.a") == b"1", "the attribute")
    os.rename(other.path("file"), other.path("moved"))
    seen(lambda: names(fast.path()) == ["link", "moved"], "the new name")
    seen(lambda: not os.path.exists(fast.path("file")), "that the old name is gone")
    os.unlink(other.path("link"))
    os.symlink("second", other.path("link"))
    seen(lambda: os.readlink(fast.path("link")) == "second", "the target")
    os.unlink(other.path("moved"))
    seen(lambda: os.listdir(fast.path()) == ["link"], "the removal")


def test_ours_is_seen_elsewhere_when_it_is_sent(fast, other):
    os.mkdir(fast.path("dir"))
    write(fast.path("dir", "file"), b"contents")
    fast.drained()
    soon(lambda: read(other.path("dir", "file")) == b"contents", "the file elsewhere")


def test_many_changes_elsewhere_in_a_folder_that_is_in_use_here(fast, other):
    os.mkdir(fast.path("busy"))
    fast.drained()
    soon(lambda: os.path.isdir(other.path("busy")), "the folder")
    for n in range(100):
        write(other.path("busy", f"theirs{n}"), b"")
        write(fast.path("busy", f"ours{n}"), b"")
    other.settled()
    fast.drained()
    want = sorted([f"theirs{n}" for n in range(100)] + [f"ours{n}" for n in range(100)])
    seen(lambda: names(fast.path("busy")) == want, "all names here")
    soon(lambda: names(other.path("busy")) == want, "all names there")
    assert fast.stats()["conflicts"]["total"] == 0


def test_what_changed_while_it_was_down_is_there_at_the_start(fast, other):
    os.listdir(fast.path())
    fast.mount.unmount()
    os.mkdir(other.path("newdir_while_A_was_offline"))
    other.settled()
    fast.up()
    assert os.listdir(fast.path()) == ["newdir_while_A_was_offline"]
