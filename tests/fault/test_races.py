"""Transactions that others keep overtaking."""

import errno
import os
import time

import pytest

from support.beside import Rival
from support.process import wait_until

pytestmark = pytest.mark.quick


def errors_of_mkdirs(mount, count):
    found = []
    for _ in range(count):
        try:
            os.mkdir(mount.path(f"d{time.monotonic_ns()}"))
            found.append(0)
        except OSError as error:
            found.append(error.errno)
    return found


def test_it_gives_up_after_as_many_attempts_as_configured(lab):
    volume = lab.format()
    link = lab.link(volume.server)
    link.rtt(5)  # time to be overtaken
    mount = lab.mount("fastmeta", volume, url=volume.server.url(port=link.port),
                      settings={"meta.transaction-retries": "2"})
    with Rival(volume):
        assert errno.EIO in errors_of_mkdirs(mount, 20)
    assert "races lost to other clients" in mount.log
    wait_until(lambda: errors_of_mkdirs(mount, 1) == [0], 10, "a change without a rival")


def test_it_gets_through_with_the_default(lab):
    volume = lab.format()
    mount = lab.mount("fastmeta", volume)
    with Rival(volume):
        assert errors_of_mkdirs(mount, 20) == [0] * 20
