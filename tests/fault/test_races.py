"""Transactions that others keep overtaking."""

import errno
import os
import threading
import time

import pytest

from support.process import wait_until

pytestmark = pytest.mark.quick


class Rival:
    """Writes the root's attributes, unchanged, again and again: every WATCH of them is lost."""

    def __init__(self, volume):
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(volume,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self, volume):
        with volume.redis() as redis:
            while not self._stop.is_set():
                redis("SET", "i1", redis("GET", "i1"))


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
