"""The server goes away and comes back under a mount: read-only, answers from the rows, then all
is sent, and what changed elsewhere meanwhile is seen (I6)."""

import errno
import fcntl
import os
import time

import pytest

from fastmeta.conftest import UNHURRIED, Fast, names, read, soon, sound, write
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
    os.mkdir(standard.path("unread"))
    write(standard.path("unread", "file"), b"")
    assert read(bent.path("file")) == b"known"
    soon(lambda: names(bent.path()) == ["dir", "file", "unread"], "the other's folder")
    with open(bent.path("file"), "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # all that is known by now is told
    assert os.stat(bent.path("file")).st_size == 5 and names(bent.path("dir")) == []
    assert names(bent.path()) == ["dir", "file", "unread"] and not os.path.exists(
        bent.path("dir", "never"))
    bent.link.refuse()
    refused_soon(os.chmod, bent.path("file"), 0o644)
    begin = time.monotonic()
    for call in (lambda: os.unlink(bent.path("file")), lambda: os.rmdir(bent.path("dir")),
                 lambda: os.rename(bent.path("file"), bent.path("other"))):
        with pytest.raises(OSError) as failure:
            call()
        assert failure.value.errno == errno.EROFS
    assert time.monotonic() - begin < 2, "refusals come at once"
    # Whatever is in the cache is answered as it was; what is not has nobody to tell it.
    begin = time.monotonic()
    assert os.stat(bent.path("file")).st_size == 5 and read(bent.path("file")) == b"known"
    assert names(bent.path()) == ["dir", "file", "unread"] and names(bent.path("dir")) == []
    assert not os.path.exists(bent.path("dir", "never"))
    assert time.monotonic() - begin < 1, "answers come at once"
    begin = time.monotonic()
    with pytest.raises(OSError) as failure:
        os.listdir(bent.path("unread"))
    assert failure.value.errno == errno.EIO
    assert time.monotonic() - begin < 5, "meta.deadline is 3 s"
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


@pytest.mark.parametrize("count", [1, 10, 100])
def test_a_lost_reply_of_exec_is_not_applied_twice(lab, volume, standard, count):
    """The reply to an EXEC of so many records is lost after the server has applied it: counters,
    nlink, entries, data."""
    fast = Fast(lab, volume, lab.link(volume.server), {**UNHURRIED, "meta.deadline": "10s"})
    os.mkdir(fast.path("dir"))
    write(fast.path("file"), b"x")
    fast.drained()
    assert os.listdir(fast.path()) and os.listdir(fast.path("dir")) == []  # known from now on
    before = fast.stats()["sync"]
    fast.link.stall()
    os.mkdir(fast.path("first"))  # its batch is under way, all others wait for the next one
    made = {"d": 0, "l": 0, "w": 0}
    for n in range(count):
        what = "dlw"[n % 3]
        made[what] += 1
        if what == "d":
            os.mkdir(fast.path("dir", f"d{n}"))
        elif what == "l":
            os.link(fast.path("file"), fast.path("dir", f"l{n}"))
        else:
            write(fast.path("file"), b"more", "ab")
    wait_until(lambda: len(volume.objects()) == 1 + made["w"], 10, "the data")
    pending = fast.backlog()
    assert pending >= 1 + count
    fast.link.fail(2, "after", "EXEC", "tracking")
    fast.link.up()
    wait_until(lambda: fast.link.fired() == "EXEC ", 10, "the failure")
    fast.is_state("writable")
    fast.drained()
    after = fast.stats()["sync"]
    assert pending - (after["applied"] - before["applied"]) >= count, "all were in the lost one"
    assert os.stat(standard.path("dir")).st_nlink == 2 + made["d"]
    assert os.stat(standard.path("file")).st_nlink == 1 + made["l"]
    assert read(standard.path("file")) == b"x" + b"more" * made["w"]
    assert fast.stats()["conflicts"]["total"] == 0
    fast.mount.unmount()
    assert sound(lab, volume) == []


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
