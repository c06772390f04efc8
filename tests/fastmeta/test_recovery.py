"""kill -9 in a known moment: what was acknowledged is in the server, the oplog or the journal (I2).
At any moment: tests/chaos."""

import os

import pytest

from fastmeta.conftest import names, soon, write
from support.process import wait_until


@pytest.mark.quick
def test_a_touch_right_before_a_kill_reaches_the_server(far, standard):
    os.listdir(far.path())
    far.link.stall()
    write(far.path("touched"), b"")
    far.crash()
    far.link.up()
    assert "touched" not in names(standard.path())
    far.up()
    assert "touched" in os.listdir(far.path())
    far.drained()
    soon(lambda: "touched" in names(standard.path()), "the file")


@pytest.mark.quick
def test_recovered_changes_are_sent_before_it_is_writable(far, volume):
    """I6: never writable on a timer."""
    os.listdir(far.path())
    far.link.stall()
    for n in range(100):
        os.mkdir(far.path(f"d{n}"))
    far.crash()
    far.link.up()
    far.up()
    far.is_state("writable")
    with volume.redis() as redis:
        assert redis("HLEN", "d1") == 100


def test_a_close_before_a_kill_leaves_nothing_in_the_session_of_then(far, volume):
    """It is sent under the number of the next start. The standard client, when it cleans up after
    a session, leaves the set of one whose files are gone."""
    with open(far.path("held"), "wb"):
        os.unlink(far.path("held"))
        far.drained()
        with volume.redis() as redis:
            (kept,) = redis.keys("session[0-9]*")
        far.link.stall()
    wait_until(lambda: far.backlog() == 1, 10, "the close")
    far.crash()
    far.link.up()
    far.up(**{"session.heartbeat": "1s"})
    far.drained()
    with volume.redis() as redis:
        soon(lambda: not redis.keys("session[0-9]*"), "the set of the session to be gone")
        number = kept[len(b"session"):]
        assert redis("HEXISTS", "sessionInfos", number) == 1, "nobody has cleaned up after it"
