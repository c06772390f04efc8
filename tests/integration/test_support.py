"""The tools of the tests do what they promise (they hold everything else up)."""

import os
import time

import pytest

from support.resp import Redis


def test_latency_is_added_once_to_a_pipelined_burst(lab):
    server = lab.redis()
    link = lab.link(server)
    link.rtt(30)
    with Redis(link.port) as redis:
        link.zero()
        begin = time.monotonic()
        redis.pipeline(("SET", f"k{n}", n) for n in range(100))
        took = time.monotonic() - begin
        assert 0.030 <= took < 0.050
        assert link.count()[:2] == (100, 1)
        redis("GET", "k1")
        assert link.count()[:2] == (101, 2)


@pytest.mark.parametrize("how, happened", [("before", False), ("after", True)])
def test_the_nth_request_fails_once(lab, how, happened):
    server = lab.redis()
    link = lab.link(server)
    redis = Redis(link.port)
    link.fail(2, how, "INCR")
    assert redis("INCR", "a") == 1
    assert redis("SET", "b", 1) == b"OK"
    with pytest.raises(OSError):
        redis("INCR", "a")
    redis.close()
    assert link.fired() == "INCR a"
    with server.connect() as direct, Redis(link.port) as again:
        assert direct.number("a") == (2 if happened else 1)
        assert again("INCR", "a") == (3 if happened else 2)


def test_the_last_request_is_done_and_then_the_link_refuses(lab):
    server = lab.redis()
    link = lab.link(server)
    with Redis(link.port) as redis, Redis(link.port) as other:
        link.fail(1, "last", "INCR")
        for connection in (redis, other):
            with pytest.raises(OSError):
                connection("INCR", "a")
    with pytest.raises(ConnectionRefusedError):
        Redis(link.port)
    link.up()
    assert Redis(link.port)("GET", "a") == b"1"


def test_a_hole_swallows_and_a_stall_delivers_late(lab):
    server = lab.redis()
    link = lab.link(server)
    with Redis(link.port, timeout_s=0.3) as redis:
        link.stall()
        with pytest.raises(TimeoutError):
            redis("SET", "a", 1)
        link.up()
        time.sleep(0.1)
        assert server.connect()("GET", "a") == b"1"
    link.hole()
    with Redis(link.port, timeout_s=0.3) as redis, pytest.raises(TimeoutError):
        redis("SET", "a", 2)
    link.up()
    assert Redis(link.port)("GET", "a") == b"1"
    link.refuse()
    with pytest.raises(ConnectionRefusedError):
        Redis(link.port)
    link.up()
    assert Redis(link.port)("GET", "a") == b"1"


def test_a_deaf_link_loses_what_tells_of_changes_and_nothing_else(lab):
    server = lab.redis()
    link = lab.link(server)
    with Redis(link.port) as plain, Redis(link.port, timeout_s=0.3) as told:
        assert told("CLIENT", "TRACKING", "ON", "REDIRECT", plain("CLIENT", "ID")) == b"OK"
        link.deaf()
        assert plain("SET", "a", 1) == b"OK"
        with pytest.raises(TimeoutError):
            told("GET", "a")
        with Redis(link.port, timeout_s=0.3) as later:
            assert later("GET", "a") == b"1"
            with pytest.raises(TimeoutError):
                later("CLIENT", "TRACKING", "OFF")
        link.up()
        with Redis(link.port) as later:
            assert later("CLIENT", "TRACKING", "OFF") == b"OK"


def test_a_failure_may_be_of_what_is_told_of_changes_only(lab):
    server = lab.redis()
    link = lab.link(server)
    with Redis(link.port) as plain, Redis(link.port) as told:
        told("CLIENT", "TRACKING", "OFF")
        link.fail(1, "after", "INCR", "tracking")
        assert plain("INCR", "a") == 1
        assert link.fired() == ""
        with pytest.raises(OSError):
            told("INCR", "a")
        assert link.fired() == "INCR a" and plain("GET", "a") == b"2"


def test_what_was_acknowledged_survives_a_killed_server(lab):
    server = lab.redis(persist=True, password="secret")
    server.connect()("SET", "a", 1)
    server.kill()
    server.start()
    assert server.connect()("GET", "a") == b"1"


def test_a_mount_serves_a_volume_and_is_gone_afterwards(lab, ours):
    volume = lab.format()
    mount = lab.mount(ours, volume)
    with open(mount.path("file"), "wb") as file:
        file.write(b"some bytes")
    assert len(volume.objects()) == 1
    mount.unmount()
    assert os.listdir(mount.root) == []
    with volume.redis() as redis:
        assert redis("ZCARD", "allSessions") == 0
