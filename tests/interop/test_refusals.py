"""A volume that needs what is not built is refused at once, by the name of what it needs."""

import json
import os
import time

import pytest

from support.lab import Volume

pytestmark = pytest.mark.quick

# Field of `setting` -> a value that must not be served.
FIELDS = {
    "EnableACL": True,
    "UserGroupQuota": True,
    "ChangeLog": True,
    "EncryptKey": "-----BEGIN ENCRYPTED PRIVATE KEY-----",
    "Shards": 4,
    "MetaVersion": 2,
    "MinClientVersion": "99.0.0",
    "MaxClientVersion": "1.0.0",
    "Storage": "s3",
    "Compression": "snappy",
}
AT_ONCE_S = 8


@pytest.fixture(autouse=True)
def only_ours(ours):
    if ours != "fastmeta":
        pytest.skip("what the standard client refuses is its own affair")


def refused(lab, volume):
    """The message with which the mount ends."""
    begin = time.monotonic()
    mount = lab.start_mount("fastmeta", volume)
    code = mount.process.wait(AT_ONCE_S)
    assert code != 0
    assert time.monotonic() - begin < AT_ONCE_S
    return mount.log


def change_setting(volume, field, value):
    with volume.redis() as redis:
        setting = json.loads(redis("GET", "setting"))
        setting[field] = value
        redis("SET", "setting", json.dumps(setting))


@pytest.mark.parametrize("field", FIELDS)
def test_the_message_names_the_field(lab, field):
    volume = lab.format()
    change_setting(volume, field, FIELDS[field])
    with volume.redis() as redis:
        before = redis("DBSIZE")
        assert field in refused(lab, volume)
        assert redis("DBSIZE") == before, "something was written"


def test_a_directory_quota_is_refused(lab):
    volume = lab.format()
    done = lab.clients["juicefs"].run("quota", "set", volume.url, "--path", "/", "--inodes", "100")
    assert done.returncode == 0, done.stdout
    assert "quota" in refused(lab, volume).lower()


@pytest.mark.parametrize("field, value", [("MinClientVersion", "1.1.0-A"),
                                          ("MaxClientVersion", "1.4.99"),
                                          ("SomethingNew", {"a": [1]})])
def test_what_does_not_concern_us_is_accepted(lab, field, value):
    volume = lab.format()
    change_setting(volume, field, value)
    lab.mount("fastmeta", volume)


def test_a_redis_without_a_volume_is_called_that(lab):
    server = lab.redis()
    with server.connect() as redis:
        redis("SET", "somebody", "else's")
    volume = type("Volume", (), {"url": server.url()})
    message = refused(lab, volume)
    assert "format" in message or "not a JuiceFS" in message or "no volume" in message


@pytest.mark.parametrize("setting", ["", "{", "[]", '"text"', "\xff\xfe", '{"Name": 7}',
                                     "{" * 100000])
def test_a_broken_setting_is_refused_and_kept(lab, setting):
    volume = lab.format()
    with volume.redis() as redis:
        redis("SET", "setting", setting.encode("latin-1"))
        assert "setting" in refused(lab, volume)
        assert redis("GET", "setting") == setting.encode("latin-1")


def test_one_client_accepts_what_the_other_formatted(lab, ours):
    for maker, user in ((ours, "juicefs"), ("juicefs", ours)):
        volume = lab.format(by=maker, trash_days=3, options=["--block-size", "1M"])
        with volume.redis() as redis:
            setting = json.loads(redis("GET", "setting"))
        assert (setting["TrashDays"], setting["BlockSize"]) == (3, 1024)
        lab.mount(user, volume).unmount()


def test_format_refuses_to_overwrite(lab, ours):
    volume = lab.format(by=ours)
    with volume.redis() as redis:
        before = redis("GET", "setting")
        done = lab.clients[ours].format(volume.url, "another", lab.place("bucket"))
        assert done.returncode != 0
        assert volume.name in done.stdout
        assert redis("GET", "setting") == before


def test_format_by_force_asks_and_begins_anew(lab, ours):
    """Without a terminal nobody can answer, so it has to be said; then the files are gone."""
    if ours != "fastmeta":
        pytest.skip("the standard client's --force does something else")
    volume = lab.format(by=ours)
    first = lab.mount(ours, volume)
    with open(first.path("file"), "w") as file:
        file.write("gone soon")
    first.unmount()
    command = lab.clients[ours]
    bucket = lab.place("bucket")
    with volume.redis() as redis:
        before = redis("GET", "setting")
        done = command.format(volume.url, "another", bucket, ["--force"])
        assert done.returncode != 0 and "--yes" in done.stdout
        assert redis("GET", "setting") == before
        done = command.format(volume.url, "another", bucket, ["--force", "--yes"])
        assert done.returncode == 0, done.stdout
        assert b'"another"' in redis("GET", "setting")
    for client in (ours, "juicefs"):
        mount = lab.mount(client, Volume(volume.server, "another", bucket))
        assert [name for name in os.listdir(mount.root) if not name.startswith(".")] == []
        os.mkdir(mount.path("new"))
        os.rmdir(mount.path("new"))
        mount.unmount()


@pytest.mark.parametrize("name", ["ab", "Upper", "-x1", "a_b_c", "x" * 64])
def test_format_refuses_a_name_that_the_standard_client_would(lab, ours, name):
    server = lab.redis()
    done = lab.clients[ours].format(server.url(), name, lab.place("bucket"))
    assert done.returncode != 0
    with server.connect() as redis:
        assert redis("DBSIZE") == 0
