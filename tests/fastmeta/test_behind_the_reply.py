"""Others change what we have just sent while the server's answer to us is still under way (I5)."""

import itertools
import os
import stat
import time

import pytest

from fastmeta.conftest import Fast, conflicts, names, soon, write
from support.process import wait_until
from support.volume_checks import Attr

pytestmark = pytest.mark.quick

RTT_S = 0.1
AT_ONCE_S = 0.5  # behind the drain
# What we do, whether theirs is more than a chmod, and whether the reply and the push come together.
ROUNDS = list(itertools.product(("create", "write", "chmod"), (False, True), (False, True)))


def is_applied(redis, ino, what):
    value = redis("GET", f"i{ino}")
    if value is None:
        return False
    attr = Attr(value)
    return {"create": True, "write": attr.length == 6, "chmod": attr.mode == 0o640}[what]


def is_as_theirs(mount, name, gone, size):
    """Whether the file has the name, the mode and the length that it has there."""
    seen = os.stat(mount.path("dir", name))
    there = names(mount.path("dir"))
    return (stat.S_IMODE(seen.st_mode), seen.st_size) == (0o600, size) and name in there and \
        gone not in there and not os.path.exists(mount.path("dir", gone))


def test_a_change_right_behind_the_reply_to_exec_is_not_missed(lab, volume, standard):
    """Its push and the reply that settles ours come at once."""
    link = lab.link(volume.server)
    fast, second = Fast(lab, volume, link, {"meta.ping-timeout": "5s"}), Fast(lab, volume)
    os.mkdir(fast.path("dir"))
    for n, (what, _, _) in enumerate(ROUNDS):
        if what != "create":
            write(fast.path("dir", f"x{n}"), b"old")
    fast.drained()
    soon(lambda: len(names(standard.path("dir"))) == 8, "the files")
    assert names(second.path("dir")) == names(fast.path("dir"))
    link.rtt(RTT_S * 1000)
    time.sleep(RTT_S)
    in_time = 0
    with volume.redis() as redis:
        for n, (what, renamed, together) in enumerate(ROUNDS):
            name = f"x{n}"
            if what == "chmod":
                os.chmod(fast.path("dir", name), 0o640)
            else:
                write(fast.path("dir", name), b"" if what == "create" else b"new", "ab")
            ino = os.stat(fast.path("dir", name)).st_ino
            wait_until(lambda: is_applied(redis, ino, what), 10, "ours there", every_s=0.002)
            if together:
                link.stall()
            begin = time.monotonic()
            os.chmod(standard.path("dir", name), 0o600)
            if renamed:
                os.rename(standard.path("dir", name), standard.path("dir", f"y{n}"))
                name = f"y{n}"
            in_time += together or time.monotonic() - begin < RTT_S / 2
            if together:
                time.sleep(RTT_S / 2)
                link.up()
            fast.drained()
            size = {"create": 0, "write": 6, "chmod": 3}[what]
            for mount in (fast, second):
                soon(lambda: is_as_theirs(mount, name, f"x{n}" if renamed else f"y{n}", size),
                     f"{ROUNDS[n]} on {mount.root}", AT_ONCE_S + RTT_S)
    print(f"{in_time} of {len(ROUNDS)} rounds were in time")
    assert in_time >= len(ROUNDS) / 2
    assert conflicts(fast) == conflicts(second) == 0
    soon(lambda: names(fast.path("dir")) == names(standard.path("dir")), "the same names")
