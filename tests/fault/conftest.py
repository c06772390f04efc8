"""A mount whose way to Redis can be bent, and that loses patience soon."""

import os
import time

import pytest

DEADLINE_S = 2
IMPATIENT = {
    "meta.deadline": f"{DEADLINE_S}s",
    "meta.connect-timeout": f"{DEADLINE_S}s",
    "meta.backoff-initial": "10ms",
    "meta.backoff-max": "100ms",
    "meta.ping-interval": "200ms",
    "meta.ping-timeout": "1s",
}


class Bent:
    """volume, link, and the mount that reaches the volume through the link."""

    def __init__(self, lab, client, server=None, settings=None, **format_options):
        self.lab = lab
        self.client = client
        self.server = server or lab.redis()
        self.volume = lab.format(server=self.server, **format_options)
        self.link = lab.link(self.server)
        self.mount = self.mount_again(settings)

    def mount_again(self, settings=None, wait=True):
        how = {"url": self.server.url(port=self.link.port)}
        if self.client == "fastmeta":
            how["settings"] = {**IMPATIENT, **(settings or {})}
        start = self.lab.mount if wait else self.lab.start_mount
        return start(self.client, self.volume, **how)

    def path(self, *parts):
        return self.mount.path(*parts)

    def works_again(self, timeout_s=10):
        """A change succeeds, by itself, within the time."""
        end = time.monotonic() + timeout_s
        name = self.path(f".alive{time.monotonic_ns()}")
        while True:
            try:
                os.mkdir(name)
                os.rmdir(name)
                return
            except FileExistsError:
                return
            except OSError:
                assert time.monotonic() < end, f"not back within {timeout_s} s"
                time.sleep(0.05)


@pytest.fixture
def bent(lab, ours):
    return Bent(lab, ours)
