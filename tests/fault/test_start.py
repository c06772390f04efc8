"""A mount that cannot work ends within its deadline, with one line that says why."""

import os
import socket
import time

import pytest

from fault.conftest import DEADLINE_S, IMPATIENT
from support.lab import Volume
from support.redis_server import free_port

pytestmark = [pytest.mark.quick, pytest.mark.usefixtures("only_ours")]

SLACK_S = 4


def refusal(lab, url, env=None):
    """(exit code, the log) of a mount that must not come up, in the foreground."""
    root, folder = lab.place("mnt"), lab.place("fastmeta-")
    begin = time.monotonic()
    mount = lab.clients["fastmeta"].mount(Volume.__new__(Volume), root, folder, url=url,
                                          settings=IMPATIENT, env=env)
    lab.defer(mount.close)
    code = mount.process.wait(30)
    assert time.monotonic() - begin < DEADLINE_S + SLACK_S
    assert code != 0
    return code, mount.log


def errors(log):
    """The lines that are about the failure."""
    return [line for line in log.splitlines() if line.strip()]


def test_nobody_listens(lab):
    code, log = refusal(lab, f"redis://127.0.0.1:{free_port()}/0")
    assert code == 3
    assert len(errors(log)) == 1, log
    assert "refused" in log.lower()


def test_a_server_that_accepts_and_says_nothing(lab):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        code, log = refusal(lab, f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
    assert code == 3
    assert len(errors(log)) == 1, log


def test_packets_that_vanish_on_the_way(lab):
    server = lab.redis()
    link = lab.link(server)
    link.hole()
    code, log = refusal(lab, server.url(port=link.port))
    assert code == 3
    assert len(errors(log)) == 1, log


def test_a_name_that_does_not_resolve(lab):
    code, log = refusal(lab, "redis://no-such-host.invalid:6379/0")
    assert code == 3
    assert "no-such-host.invalid" in log


def test_a_socket_that_is_not_there(lab):
    code, log = refusal(lab, "unix:///nowhere/redis.sock?db=0")
    assert code == 3
    assert "/nowhere/redis.sock" in log


def test_a_wrong_password(lab):
    server = lab.redis(password="right")
    lab.format(server=server)
    code, log = refusal(lab, server.url(password="wrong"))
    assert "password" in log.lower() or "WRONGPASS" in log
    assert "wrong@" not in log and ":wrong" not in log, "the password is shown"
    code, log = refusal(lab, f"redis://127.0.0.1:{server.port}/0")
    assert "password" in log.lower() or "NOAUTH" in log


def test_the_right_password_from_the_environment_and_from_a_file(lab):
    server = lab.redis(password="right")
    volume = lab.format(server=server)
    url = f"redis://127.0.0.1:{server.port}/0"
    mount = lab.mount("fastmeta", volume, url=url, env={**os.environ, "META_PASSWORD": "right"})
    os.mkdir(mount.path("folder"))
    mount.unmount()
    secret = lab.folder / "secret"
    secret.write_text("right\n")
    mount = lab.mount("fastmeta", volume, url=url, settings={"meta.password-file": str(secret)})
    assert os.listdir(mount.root).count("folder") == 1


@pytest.mark.parametrize("rules", [["+@read", "~*"], ["+@all", "-multi", "~*"],
                                   ["+@all", "-client", "~*"], ["+@all", "-watch", "~*"],
                                   ["+@all", "-hexists", "~*"], ["+@all", "-hvals", "~*"],
                                   ["+@all", "-sismember", "~*"],
                                   ["+@all", "~i*"]], ids=" ".join)
def test_a_user_who_may_not_do_what_is_needed(lab, rules):
    server = lab.redis()
    lab.format(server=server)
    with server.connect() as redis:
        redis("ACL", "SETUSER", "limited", "on", ">secret", *rules, "&*")
    code, log = refusal(lab, f"redis://limited:secret@127.0.0.1:{server.port}/0")
    assert '"limited"' in log and "ACL" in log, log
    assert len(errors(log)) <= 2, log
    assert "secret" not in log


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_a_server_that_may_evict_keys(lab, policy):
    """Refused with what to do; a server that others may use is not changed."""
    server = lab.redis()
    volume = lab.format(server=server)
    with server.connect() as redis:
        redis("CONFIG", "SET", "maxmemory", "1gb")
        redis("CONFIG", "SET", "maxmemory-policy", policy)
        code, log = refusal(lab, volume.url)
        assert code == 2
        assert len(errors(log)) == 1, log
        assert f"maxmemory-policy {policy}" in log and "set it to noeviction" in log
        assert redis("CONFIG", "GET", "maxmemory-policy")[1] == policy.encode()
        redis("CONFIG", "SET", "maxmemory-policy", "noeviction")
    os.mkdir(lab.mount("fastmeta", volume).path("folder"))


def test_a_server_without_room_for_more(lab):
    """OOM from Redis is ENOSPC to the caller; what is there can be read."""
    import errno
    server = lab.redis()
    volume = lab.format(server=server)
    mount = lab.mount("fastmeta", volume)
    with open(mount.path("file"), "wb") as file:
        file.write(b"before")
    with server.connect() as redis:
        redis("CONFIG", "SET", "maxmemory", "1")
        with pytest.raises(OSError) as raised:
            os.mkdir(mount.path("folder"))
        assert raised.value.errno in (errno.ENOSPC, errno.EIO)
        with open(mount.path("file"), "rb") as file:
            assert file.read() == b"before"
        redis("CONFIG", "SET", "maxmemory", "0")
    os.mkdir(mount.path("folder"))


def test_a_mount_point_that_is_not_there(lab):
    volume = lab.format()
    done = lab.clients["fastmeta"].run("mount", volume.url, lab.folder / "missing")
    assert done.returncode == 2
    assert "missing" in done.stdout


def test_in_the_background_the_command_fails_too(lab):
    """Without -f the command waits for the mount, and gives its message and exit code."""
    root = lab.place("mnt")
    begin = time.monotonic()
    done = lab.clients["fastmeta"].run("mount", "-o", f"meta.connect-timeout={DEADLINE_S}s",
                                       f"redis://127.0.0.1:{free_port()}/0", root)
    assert time.monotonic() - begin < DEADLINE_S + SLACK_S
    assert done.returncode == 3
    assert len(errors(done.stdout)) == 1, done.stdout
