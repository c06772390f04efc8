"""The reply to what was sent is lost, and what it made is removed before anybody knows (I2, I9)."""

import os

import pytest

from fastmeta.conftest import UNHURRIED, Fast, conflicts, names, soon, sound, write
from support.beside import Rival
from support.process import wait_until

pytestmark = pytest.mark.quick

# The loss is known at once, but for so long everything is acknowledged.
GRACE = {**UNHURRIED, "disconnect-grace": "30s"}


def inode_of(redis, name, folder=1):
    """As the server has it; None where the name is not."""
    entry = redis("HGET", f"d{folder}", name)
    return entry and int.from_bytes(entry[1:9], "big")


@pytest.mark.parametrize("killed", [False, True], ids=["alive", "killed"])
@pytest.mark.parametrize("way", ["EXEC", "script"])
def test_what_a_lost_reply_made_is_removed(lab, volume, standard, way, killed):
    fast = Fast(lab, volume, lab.link(volume.server), GRACE)
    os.listdir(fast.path())
    os.mkdir(fast.path("before"))
    fast.drained()
    fast.link.stall()
    os.mkdir(fast.path("first"))  # its batch is under way, the others wait for the next one
    write(fast.path("f"), b"")
    os.mkdir(fast.path("d"))
    os.link(fast.path("f"), fast.path("l"))
    old = os.stat(fast.path("f")).st_ino
    rival = None
    if way == "script":
        rival = Rival(volume)
        fast.link.rtt(30)
        fast.link.fail(1, "last", "EVAL,EVALSHA", "tracking")
    else:
        fast.link.fail(2, "last", "EXEC", "tracking")
    before = fast.stats()["sync"]
    fast.link.up()
    wait_until(lambda: not fast.stats()["server"]["connected"], 10, "the loss")
    if rival:
        rival.end()
    assert fast.link.fired().split()[0] in ("EXEC", "EVAL", "EVALSHA")
    with volume.redis() as redis:
        assert inode_of(redis, "f") == inode_of(redis, "l") == old, "it was applied"
        assert fast.backlog() >= 3, "and nobody knows"
        os.unlink(fast.path("f"))
        os.unlink(fast.path("l"))
        os.rmdir(fast.path("d"))
        write(fast.path("f"), b"new")
        new = os.stat(fast.path("f")).st_ino
        assert new != old and inode_of(redis, "f") == old
        if killed:
            fast.crash()
            before = {"cancelled": 0}
        fast.link.up()
        if killed:
            fast.up()
        fast.is_state("writable")
        fast.drained()
        assert inode_of(redis, "f") == new and redis("EXISTS", f"i{old}") == 0
    assert fast.stats()["sync"]["cancelled"] == before["cancelled"], "what was sent is not unsent"
    assert conflicts(fast) == 0
    wanted = ["before", "f", "first"]
    assert names(fast.path()) == wanted
    soon(lambda: names(standard.path()) == wanted, "the same there")
    assert os.stat(standard.path()).st_nlink == os.stat(fast.path()).st_nlink == 4
    fast.mount.unmount()
    assert sound(lab, volume) == []
