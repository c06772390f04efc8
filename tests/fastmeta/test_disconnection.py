"""The server goes away and comes back under a mount: read-only, answers from the rows, then all
is sent, and what changed elsewhere meanwhile is seen (I6)."""

import errno
import os
import time

import pytest

from fastmeta.conftest import Fast, names, read, soon, sound, write
from support import volume_checks
from support.process import wait_until

pytestmark = pytest.mark.quick


def refused_soon(call, *arguments):
    def refused():
        try:
            call(*arguments)
        except OSError as error:
            return error.errno == errno.EROFS
        return False
    wait_until(refused, 10, "EROFS")


def test_without_the_server_it_is_read_only_and_answers_what_it_knows(bent, volume, standard):
    write(bent.path("file"), b"known")
    os.mkdir(bent.path("dir"))
    bent.drained()
    assert read(bent.path("file")) == b"known"
    assert names(bent.path()) == ["dir", "file"]
    bent.link.refuse()
    n = iter(range(10**6))
    refused_soon(lambda: os.mkdir(bent.path(f"new{next(n)}")))
    begin = time.monotonic()
    for call in (lambda: os.unlink(bent.path("file")), lambda: os.rmdir(bent.path("dir")),
                 lambda: os.rename(bent.path("file"), bent.path("other"))):
        with pytest.raises(OSError) as failure:
            call()
        assert failure.value.errno == errno.EROFS
    assert time.monotonic() - begin < 2, "refusals come at once"
    # The kernel was told to forget; the rows are of an older epoch and cannot be verified.
    bent_state = bent.stats()
    assert bent_state["state"] == "read-only" and bent_state["reason"]
    os.mkdir(standard.path("meanwhile"))
    bent.link.up()
    bent.is_state("writable")
    soon(lambda: "meanwhile" in os.listdir(bent.path()), "what came meanwhile")
    os.mkdir(bent.path("after"))
    bent.drained()
    assert bent.stats()["conflicts"]["total"] == 0


def test_what_was_pending_is_sent_when_the_server_is_back(bent, volume, standard):
    os.listdir(bent.path())
    bent.link.stall()
    for n in range(30):
        write(bent.path(f"f{n}"), b"pending")
    bent.link.refuse()
    wait_until(lambda: bent.state == "read-only", 10, "read-only")
    assert bent.backlog() > 0
    bent.link.up()
    bent.drained()
    bent.is_state("writable")
    assert len(names(standard.path())) == 30
    assert bent.stats()["conflicts"]["total"] == 0
    bent.mount.unmount()
    assert sound(bent.lab, volume) == []


def test_a_restart_of_the_server_loses_nothing(lab):
    server = lab.redis(persist=True)
    volume = lab.format(server=server)
    fast = Fast(lab, volume)
    for n in range(20):
        write(fast.path(f"f{n}"), b"x")
    server.kill()
    server.start()
    fast.is_state("writable")
    write(fast.path("after"), b"x")
    fast.drained()
    assert len(os.listdir(fast.path())) == 21
    assert len(names(lab.mount("juicefs", volume).path())) == 21


def test_data_of_an_open_file_is_accepted_while_disconnected(bent, standard):
    with open(bent.path("log"), "wb", buffering=0) as file:
        file.write(b"before ")
        os.fsync(file.fileno())
        bent.link.refuse()
        wait_until(lambda: bent.state == "read-only", 10, "read-only")
        file.write(b"during")
        os.fsync(file.fileno())
    bent.link.up()
    bent.is_state("writable")
    bent.drained()
    assert read(standard.path("log")) == b"before during"


def insist(change, *arguments):
    """While the connection is lost it is refused, and nothing done; then once more."""
    end = time.monotonic() + 10
    while True:
        try:
            return change(*arguments)
        except OSError as error:
            if error.errno != errno.EROFS or time.monotonic() > end:
                raise
            time.sleep(0.02)


@pytest.mark.parametrize("which", range(1, 6))
def test_a_lost_reply_of_exec_is_not_applied_twice(bent, volume, standard, which):
    """The reply to EXEC is lost after the server has applied it: counters, nlink, entries."""
    os.mkdir(bent.path("dir"))
    write(bent.path("file"), b"x")
    bent.drained()
    bent.link.fail(1, "after", "EXEC")
    for n in range(which * 3):
        insist(os.mkdir, bent.path("dir", f"d{n}"))
        insist(os.link, bent.path("file"), bent.path("dir", f"l{n}"))
        insist(write, bent.path("file"), b"more", "ab")
    wait_until(lambda: bent.link.fired(), 10, "the failure")
    bent.is_state("writable")
    bent.drained()
    assert os.stat(standard.path("dir")).st_nlink == 2 + which * 3
    assert os.stat(standard.path("file")).st_nlink == 1 + which * 3
    assert read(standard.path("file")) == b"x" + b"more" * which * 3
    assert bent.stats()["conflicts"]["total"] == 0
    bent.mount.unmount()
    assert sound(bent.lab, volume) == []


def test_a_transaction_that_arrives_after_the_next_connection_has_no_effect(bent, volume, standard):
    """It was held up on its way, sent again on the next connection, and undone by a user since."""
    os.mkdir(bent.path("dir"))
    write(bent.path("file"), b"x")
    bent.drained()
    before = volume_checks.tree(standard.path())
    bent.link.fail(1, "late", "EXEC")
    for n in range(5):
        insist(os.mkdir, bent.path("dir", f"d{n}"))
        insist(os.link, bent.path("file"), bent.path("dir", f"l{n}"))
    wait_until(lambda: bent.link.fired(), 10, "the transaction to be held up")
    bent.is_state("writable")
    bent.drained()
    for n in range(5):
        os.rmdir(bent.path("dir", f"d{n}"))
        os.unlink(bent.path("dir", f"l{n}"))
    bent.drained()
    with volume.redis() as redis:
        bent.link.up()  # now it arrives
        time.sleep(0.5)
        # Looked at before we send anything: that would tell us, and mend it.
        assert redis("HLEN", f"d{os.stat(bent.path('dir')).st_ino}") == 0
    write(bent.path("after"), b"")
    bent.drained()
    os.unlink(bent.path("after"))
    bent.drained()
    soon(lambda: volume_checks.tree(standard.path()) == before, "nothing but what was there", 3)
    assert volume_checks.tree(bent.path()) == before
    assert bent.stats()["conflicts"]["total"] == 0
    bent.mount.unmount()
    assert sound(bent.lab, volume) == []
