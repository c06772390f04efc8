"""kill -9 in a known moment: what was acknowledged is in the server, the oplog or the journal (I2).
At any moment: tests/chaos."""

import os

import pytest

from fastmeta.conftest import names, soon, write


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
