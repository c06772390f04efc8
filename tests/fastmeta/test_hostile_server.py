"""A server that refuses, forgets, is slow or is another one: nothing that was acknowledged is lost,
nothing is taken for a conflict, and the mount says what is wrong."""

import errno
import itertools
import os
import shutil
import threading
import time

import pytest

from fastmeta.conftest import PATIENT_S, Fast, conflicts, names, read, soon, sound, write
from support.process import wait_until
from support.resp import RedisError


def busy(volume):
    """A script that never ends, as any user of the server may run one."""
    with volume.redis() as redis:
        redis("CONFIG", "SET", "busy-reply-threshold", 50)

    def run():
        try:
            with volume.redis() as redis:
                redis("EVAL", "while true do end", 0)
        except (OSError, RedisError):
            pass
    thread = threading.Thread(target=run)
    thread.start()
    return thread


# A server that is slow is not taken for one that is gone.
PATIENT = {"meta.ping-timeout": "5s", "meta.deadline": "10s"}
REFUSALS = {
    "OOM": (("CONFIG", "SET", "maxmemory", 1), ("CONFIG", "SET", "maxmemory", 0)),
    "READONLY": (("REPLICAOF", "127.0.0.1", 1), ("REPLICAOF", "NO", "ONE")),
    "NOPERM": (("ACL", "SETUSER", "default", "-multi", "-eval"),
               ("ACL", "SETUSER", "default", "+multi", "+eval")),
    "slow": (("CLIENT", "PAUSE", 1500, "ALL"), None),
}


@pytest.mark.quick
@pytest.mark.parametrize("which", REFUSALS)
def test_what_the_server_refuses_is_no_conflict(lab, volume, standard, which):
    fast = Fast(lab, volume, settings=PATIENT)
    begin, end = REFUSALS[which]
    write(fast.path("before"), b"1")
    fast.drained()
    with volume.redis() as redis:
        redis(*begin)
        os.mkdir(fast.path("dir"))
        for n in range(50):
            write(fast.path("dir", f"f{n}"), b"2")
        os.unlink(fast.path("before"))
        time.sleep(1)
        if end:
            assert fast.backlog() > 0
            redis(*end)
    fast.drained()
    assert conflicts(fast) == 0
    soon(lambda: len(names(standard.path("dir"))) == 50, "the files", 5)
    assert not os.path.exists(standard.path("before"))
    fast.mount.unmount()
    assert sound(lab, volume) == []


def test_a_server_that_is_busy_with_a_script(lab, volume):
    fast = Fast(lab, volume, settings=PATIENT)
    os.listdir(fast.path())
    write(fast.path("before"), b"1")
    fast.drained()
    thread = busy(volume)
    time.sleep(0.3)
    for n in range(20):
        write(fast.path(f"f{n}"), b"2")
    time.sleep(1)
    assert read(fast.path("before")) == b"1"
    with volume.redis() as redis:
        wait_until(lambda: redis("SCRIPT", "KILL") is not None, 10, "the end of the script")
    thread.join()
    fast.drained()
    assert conflicts(fast) == 0
    assert len(names(fast.path())) == 21


def test_a_link_that_is_slow_for_long_is_not_taken_for_a_lost_one(lab, volume, standard):
    """1.5 s to the server and back, for eight seconds, with changes all the time."""
    fast = Fast(lab, volume, lab.link(volume.server), settings=PATIENT)
    os.mkdir(fast.path("dir"))
    fast.drained()
    assert os.listdir(fast.path("dir")) == []
    before, slowest, made = fast.stats(), 0, 0
    fast.link.rtt(1500)
    end = time.monotonic() + 8
    for made in itertools.count():
        begin = time.monotonic()
        if begin > end:
            break
        write(fast.path("dir", f"f{made}"), b"1")
        if made % 10 == 9:
            os.rename(fast.path("dir", f"f{made}"), fast.path("dir", f"g{made}"))
            os.chmod(fast.path("dir", f"g{made}"), 0o600)
        slowest = max(slowest, time.monotonic() - begin)
        time.sleep(0.005)
    after = fast.stats()
    sent = after["sync"]["applied"] - before["sync"]["applied"]
    print(f"{made} files, the slowest in {slowest * 1000:.0f} ms, {sent} changes sent meanwhile")
    assert after["state"] == "writable" and after["server"]["epoch"] == before["server"]["epoch"]
    assert slowest < 1, "acknowledged here, whatever the link"
    assert sent > 100, "large batches, if few"
    fast.link.rtt(0)
    fast.drained()
    assert conflicts(fast) == 0
    wanted = sorted(f"{'g' if n % 10 == 9 else 'f'}{n}" for n in range(made))
    assert names(fast.path("dir")) == wanted
    soon(lambda: names(standard.path("dir")) == wanted, "all of them there", 5)
    fast.mount.unmount()
    assert sound(lab, volume) == []


def test_a_server_that_is_loading(lab):
    """For two to three seconds."""
    server = lab.redis(persist=True)
    volume = lab.format(server=server)
    fast = Fast(lab, volume)
    for n in range(30):
        write(fast.path(f"f{n}"), b"1")
    fast.drained()
    with volume.redis() as redis:
        redis("BGREWRITEAOF")
        wait_until(lambda: b"aof_rewrite_in_progress:0" in redis("INFO", "persistence"), 10,
                   "the rewritten log")
    server.kill()
    server._arguments += ["--key-load-delay", "30000", "--loading-process-events-interval-bytes",
                          "1024"]
    server.start()
    with volume.redis() as redis:
        with pytest.raises(RedisError, match="LOADING"):
            redis("GET", "setting")
    fast.is_state("writable")
    write(fast.path("after"), b"2")
    fast.drained()
    assert conflicts(fast) == 0
    assert len(names(fast.path())) == 31


def stopped(fast, what):
    """Nothing is sent or accepted any more, and the mount says why."""
    seen = {}

    def told():  # at first it may only be that the connection is lost
        seen.update(fast.stats())
        return seen["state"] in ("read-only", "failed") and what in seen["reason"]
    try:
        wait_until(told, PATIENT_S, f"the end of writing for '{what}'")
    except TimeoutError as error:
        raise AssertionError(f"{error}; it is {seen['state']}: {seen['reason']}") from error
    with pytest.raises(OSError) as refused:
        os.mkdir(fast.path("refused"))
    assert refused.value.errno in (errno.EROFS, errno.EIO)


def records(fast):
    listed = fast.lab.clients["fastmeta"].run("oplog", "list", fast.root)
    assert listed.returncode == 0, listed.stdout
    return listed.stdout


def test_a_flushed_server_gets_nothing_and_the_backlog_stays(lab, volume, bent):
    write(bent.path("sent"), b"1")
    bent.drained()
    os.listdir(bent.path())
    bent.link.stall()
    os.mkdir(bent.path("unsent"))
    with volume.redis() as redis:
        redis("FLUSHALL")
        bent.link.up()
        stopped(bent, "settings are gone")
        assert "unsent" in records(bent)
        assert redis("HLEN", "d1") == 0, "half a volume"


def test_another_volume_under_the_same_url_gets_nothing(lab, volume, bent):
    os.listdir(bent.path())
    bent.link.stall()
    os.mkdir(bent.path("unsent"))
    with volume.redis() as redis:
        redis("FLUSHALL")
        lab.format(server=volume.server, name="other")
        bent.link.up()
        stopped(bent, "another volume")
        assert "unsent" in records(bent)
        assert redis("HLEN", "d1") == 0


def test_a_transaction_of_which_a_part_is_refused_stops_the_sending(lab, volume):
    """The rest of it took effect, and so it is told with the key; nothing goes twice afterwards."""
    fast = Fast(lab, volume, settings={"umount.drain-timeout": "0"})
    os.mkdir(fast.path("before"))
    fast.drained()
    with volume.redis() as redis:
        redis("SET", "totalInodes", "many")
        os.mkdir(fast.path("dir"))
        stopped(fast, "totalInodes")
        redis("SET", "totalInodes", 2)
    fast.mount.unmount()
    fast.up()
    fast.is_state("writable")
    os.mkdir(fast.path("dir", "after"))
    fast.drained()
    assert conflicts(fast) == 0
    assert names(fast.path()) == ["before", "dir"]
    fast.mount.unmount()
    assert sound(lab, volume) == []


def restore(server, backup):
    server.kill()
    shutil.copy(backup, server.folder / "dump.rdb")
    server.start()


@pytest.mark.parametrize("kept", ["kept", "beyond", "kept, and our clock is set"])
def test_a_backup_that_was_restored(lab, volume, bent, clock, kept):
    """Within the kept window what the server forgot is sent again; beyond it nobody guesses."""
    bent.env = clock.env
    bent.mount.unmount()
    bent.up(**({"sync.keep-applied": "0", "sync.keep-applied-records": 0,
                "umount.drain-timeout": "0"} if kept == "beyond" else {}))
    write(bent.path("old"), b"1")
    bent.drained()
    backup = volume.server.folder / "backup.rdb"
    with volume.redis() as redis:
        redis("SAVE")
    shutil.copy(volume.server.folder / "dump.rdb", backup)
    for n in range(20):
        write(bent.path(f"new{n}"), b"2")
    os.unlink(bent.path("old"))
    bent.drained()
    os.listdir(bent.path())
    if "clock" in kept:
        clock.set(3600)
    time.sleep(1)  # until what need not be kept is gone
    bent.link.stall()
    os.mkdir(bent.path("unsent"))
    restore(volume.server, backup)
    bent.link.up()
    if kept != "beyond":
        bent.is_state("writable")
        bent.drained()
        there = sorted(["unsent", *(f"new{n}" for n in range(20))])
        assert names(bent.path()) == there
        standard = lab.mount("juicefs", volume)
        assert names(standard.path()) == there
        assert read(standard.path("new7")) == b"2"
        bent.mount.unmount()
        assert sound(lab, volume) == []
    else:
        stopped(bent, "has lost changes")
        assert "unsent" in records(bent)


def test_a_half_open_link_is_noticed(lab, volume, bent, standard):
    """I5: within the timeout of the pings, and then nothing old counts as current."""
    write(bent.path("file"), b"old")
    bent.drained()
    assert os.stat(bent.path("file")).st_mode & 0o777 == 0o644
    soon(lambda: os.path.exists(standard.path("file")), "the file")
    bent.link.hole()
    os.chmod(standard.path("file"), 0o600)
    wait_until(lambda: bent.state == "read-only", 5, "the loss to be noticed")
    bent.link.up()
    bent.is_state("writable")
    assert os.stat(bent.path("file")).st_mode & 0o777 == 0o600
