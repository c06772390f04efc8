"""What the admin commands show of a local store whose volume is not mounted, and what an unmount
leaves there."""

import json
import os
import socket
import threading

import pytest

from fastmeta.conftest import Fast

pytestmark = pytest.mark.quick


# On a link that stalls nothing is sent for a while.
UNHURRIED = {"meta.ping-interval": "10s", "meta.ping-timeout": "30s", "umount.drain-timeout": "0"}


def unhurried(lab, volume):
    fast = Fast(lab, volume, lab.link(volume.server), settings=UNHURRIED)
    os.listdir(fast.path())
    fast.link.stall()
    return fast


@pytest.fixture
def run(lab):
    return lab.clients["fastmeta"].run


@pytest.fixture
def left(lab, volume, run):
    """A volume whose last unmount left three changes, and what umount said."""
    fast = unhurried(lab, volume)
    for n in range(3):
        os.mkdir(fast.path(f"late{n}"))
    fast.said = run("umount", fast.root)
    fast.link.up()
    return fast


def test_an_unmount_waits_as_configured_and_tells_what_is_left(left, run):
    assert left.said.returncode == 0, left.said.stdout
    assert "3 changes are not sent yet" in left.said.stdout
    assert str(left.cache) in left.said.stdout
    left.up()
    assert run("flush", left.root).returncode == 0
    assert sorted(os.listdir(left.path())) == ["late0", "late1", "late2"]
    left.mount.unmount()


def test_an_unmount_takes_no_plugin_from_whoever_answers(lab, volume, run):
    """The one that the daemon says it has is not loaded: the answer may be anybody's."""
    fast = unhurried(lab, volume)
    os.mkdir(fast.path("late"))
    device = os.stat(fast.root).st_dev
    own = f"/run/fastmeta/{os.major(device)}-{os.minor(device)}.sock"
    config = {"cache.dir": {"value": str(fast.cache)}}
    answers = {"status": {"pid": fast.mount.process.pid, "plugin": {"path": "/not/ours.so"}},
               "stats": {"plugin": fast.stats()}, "config": config}
    os.rename(own, f"{own}.real")
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(own)
            listener.listen()

            def answer():
                for _ in answers:
                    connection, _ = listener.accept()
                    with connection, connection.makefile("rw") as file:
                        verb = json.loads(file.readline())["verb"]
                        file.write(json.dumps({"ok": True, "data": answers[verb]}) + "\n")
            thread = threading.Thread(target=answer, daemon=True)
            thread.start()
            said = run("umount", fast.root)
            thread.join()
    finally:
        for path in (own, f"{own}.real"):
            if os.path.lexists(path):
                os.unlink(path)
    assert said.returncode == 0, said.stdout
    assert "/not/ours.so" not in said.stdout
    assert "1 changes are not sent yet" in said.stdout


def test_the_oplog_of_an_unmounted_volume_is_listed_shown_and_exported(lab, left, run):
    listed = run("oplog", "list", left.cache)
    assert listed.returncode == 0, listed.stdout
    assert [line.rsplit("/", 1)[1] for line in listed.stdout.splitlines()] == [
        "late0", "late1", "late2"]
    records = json.loads(run("oplog", "list", "--json", left.cache).stdout)
    one = json.loads(run("oplog", "show", str(records[1]["seq"]), left.cache).stdout)
    assert one["op"] == "create" and one["name"] == "late1" and one["relied"] and one["writes"]
    out = lab.place("out") / "records"
    assert run("oplog", "export", "--output", out, left.cache).returncode == 0
    assert [json.loads(line)["seq"] for line in out.read_text().splitlines()] == [
        r["seq"] for r in records]
    # Having been looked at it is as it was.
    left.up()
    assert run("flush", left.root).returncode == 0
    left.mount.unmount()
    assert run("oplog", "list", left.cache).stdout == ""


def test_a_cache_is_dropped_only_when_nothing_is_lost(lab, left, run):
    assert run("cache", "check", left.cache).stdout.strip() == "sound"
    refused = run("cache", "drop", left.cache)
    assert refused.returncode == 1 and "3 changes" in refused.stdout
    out = lab.place("out") / "records"
    done = run("cache", "drop", "--export", out, left.cache)
    assert done.returncode == 0, done.stdout
    assert [json.loads(line)["name"] for line in out.read_text().splitlines()] == [
        "late0", "late1", "late2"]
    left.up()
    assert os.listdir(left.path()) == []
    left.mount.unmount()


def test_a_mounted_cache_is_not_dropped(fast, run):
    refused = run("cache", "drop", fast.cache)
    assert refused.returncode == 1 and str(fast.mount.process.pid) in refused.stdout


def test_flush_tells_how_much_is_left(lab, volume, run):
    fast = unhurried(lab, volume)
    os.mkdir(fast.path("late"))
    done = run("flush", "--timeout", "200ms", fast.root)
    assert done.returncode == 1 and "1 changes are not sent yet" in done.stdout
    assert "backlog      1 changes" in run("status", fast.root).stdout
    fast.mount.unmount()
    fast.link.up()
    fast.up()
    assert run("flush", fast.root).returncode == 0
    assert "backlog      0 changes" in run("status", fast.root).stdout


def test_status_shows_mode_and_backlog(fast, run):
    text = run("status", fast.root).stdout
    assert "mode         fast-meta" in text and "backlog      0 changes" in text, text
    assert "hit ratio" in text and "epoch" in text and "connected" in text, text
    assert json.loads(run("status", "--json", fast.root).stdout)["detail"]["mode"] == "fast-meta"


def test_what_is_not_there_is_told_by_name(fast, run):
    for kind, number in (("conflicts", "7"), ("oplog", "9")):
        shown = run(kind, "show", number, fast.root)
        assert shown.returncode == 1
        assert number in shown.stdout and "No such file" not in shown.stdout, shown.stdout


@pytest.mark.parametrize("wait_ms", [60_000, 2**63 - 1, 2**64 - 1])
def test_a_flush_waits_as_long_as_it_is_asked_to(lab, volume, run, wait_ms):
    """Also where the end of the wait is beyond what clocks count to."""
    fast = unhurried(lab, volume)
    os.mkdir(fast.path("dir"))
    answers = []

    def flush():
        request = json.dumps({"timeout_ms": wait_ms})
        answers.append(run("control", fast.root, "flush", request))

    flusher = threading.Thread(target=flush)
    flusher.start()
    flusher.join(0.5)
    assert flusher.is_alive(), answers[0].stdout
    fast.link.up()
    flusher.join(20)
    assert answers[0].returncode == 0 and json.loads(answers[0].stdout) == {"left": 0}
