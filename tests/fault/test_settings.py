"""Settings that somebody changes while the volume is mounted are taken over, or refused by name."""

import errno
import json
import os
import time

import pytest

from support.process import wait_until

pytestmark = pytest.mark.quick

SOON_S = 15


@pytest.fixture
def mount(lab):
    volume = lab.format()
    mount = lab.mount("fastmeta", volume, settings={"session.heartbeat": "1s"})
    mount.volume = volume
    os.mkdir(mount.path("folder"))
    return mount


def change(mount, **fields):
    with mount.volume.redis() as redis:
        setting = {**json.loads(redis("GET", "setting")), **fields}
        redis("SET", "setting", json.dumps(setting))


def answers(call, *arguments):
    """0 or the errno."""
    try:
        call(*arguments)
    except OSError as error:
        return error.errno
    return 0


def test_the_trash_is_switched_on(mount, lab):
    done = lab.clients["juicefs"].run("config", mount.volume.url, "--trash-days", "1", "--yes")
    assert done.returncode == 0, done.stdout

    def trashed():
        name = mount.path("folder", "file")
        open(name, "w").close()
        os.unlink(name)
        with mount.volume.redis() as redis:
            return any(key.startswith(b"d9223372032") for key in redis("KEYS", "d*"))
    wait_until(trashed, SOON_S, "the file in the trash")


@pytest.mark.parametrize("limit, beyond", [("Inodes", 3), ("Capacity", 16384)])
def test_the_volume_gets_a_limit(mount, limit, beyond):
    change(mount, **{limit: beyond})

    def refused():
        return answers(os.mkdir, mount.path("folder", str(time.monotonic_ns()))) == errno.ENOSPC
    wait_until(refused, SOON_S, "ENOSPC")
    change(mount, **{limit: 0})
    wait_until(lambda: answers(os.mkdir, mount.path("folder", "more")) == 0, SOON_S, "room again")


@pytest.mark.parametrize("field", ["EnableACL", "ChangeLog"])
def test_what_is_not_served_makes_it_read_only_and_is_named(mount, lab, field):
    change(mount, **{field: True})
    wait_until(lambda: answers(os.chmod, mount.path("folder"), 0o711) == errno.EROFS, SOON_S,
               "EROFS")
    assert field in lab.clients["fastmeta"].run("status", mount.root).stdout
    assert os.listdir(mount.path("folder")) == []
