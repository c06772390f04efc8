"""Admin commands against toy plugins: what is asked of a cache directory, of a stop, of a close."""

import errno
import json
import os
import signal
import subprocess

import pytest


@pytest.fixture
def run(command, programs, tmp_path):
    def run(*arguments, plugin="toy"):
        return subprocess.run(
            [command, *arguments[:2], "--plugin", programs / f"{plugin}_plugin.so",
             *arguments[2:]], capture_output=True, text=True, timeout=30)
    return run


def test_records_of_a_directory_are_listed_over_pages(run, tmp_path):
    done = run("oplog", "list", tmp_path)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["1", "2"]
    assert "create inode 7 1/n" in done.stdout
    assert len(run("oplog", "list", "--limit", "1", tmp_path).stdout.splitlines()) == 1
    assert [r["seq"] for r in json.loads(run("oplog", "list", "--json", tmp_path).stdout)] == [1, 2]
    assert json.loads(run("oplog", "show", "5", tmp_path).stdout)["seq"] == 5
    assert run("conflicts", "list", tmp_path).stdout == ""


def test_records_are_exported_a_line_each(run, tmp_path):
    out = tmp_path / "out"
    assert run("oplog", "export", "--output", out, tmp_path).returncode == 0
    assert [json.loads(line)["seq"] for line in out.read_text().splitlines()] == [1, 2]
    assert run("oplog", "export", tmp_path).stdout == out.read_text()


def test_a_store_with_unsent_changes_is_dropped_only_after_an_export(run, tmp_path):
    refused = run("cache", "drop", tmp_path)
    assert refused.returncode == 1 and "would be lost" in refused.stderr
    out = tmp_path / "out"
    done = run("cache", "drop", "--export", out, tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(out.read_text().splitlines()) == 2
    again = run("cache", "drop", "--export", out, tmp_path)
    assert again.returncode == 1 and "exists" in again.stderr, "nothing is overwritten"


def test_damage_is_told_and_fails(run, tmp_path):
    done = run("cache", "check", tmp_path)
    assert done.returncode == 1 and "torn page" in done.stderr


def test_places_that_are_none_are_named(run, tmp_path):
    gone = run("oplog", "list", tmp_path / "gone")
    assert gone.returncode == 1 and "gone" in gone.stderr
    assert run("oplog", "list").returncode == 2
    old = run("oplog", "list", tmp_path, plugin="baseline_1_0")
    assert old.returncode == 1 and "cannot look" in old.stderr


@pytest.mark.parametrize("name, mode", [("toy", 2), ("baseline_1_0", 0)])
def test_a_stop_waits_as_configured_where_the_plugin_knows_of_that(mount_toy, name, mode):
    mount = mount_toy(name)
    assert mount.end(signal.SIGTERM) == 0
    assert f"stop mode {mode}" in mount.log()


def test_what_a_stop_leaves_is_told_and_no_failure(mount_toy):
    mount = mount_toy(options=["toy.backlog=42"])
    assert mount.end(signal.SIGTERM) == 0
    assert "42 changes are not sent yet" in mount.log()


def test_flush_fails_when_changes_are_left(command, mount_toy):
    def flush(mount, *options):
        return subprocess.run([command, "flush", *options, mount.root], capture_output=True,
                              text=True, timeout=30)

    assert flush(mount_toy()).returncode == 0
    busy = mount_toy(options=["toy.backlog=3"])
    done = flush(busy, "--timeout", "1s")
    assert done.returncode == 1 and "3 changes are not sent yet after 1s" in done.stderr
    assert flush(busy, "--timeout", "soon").returncode == 2


def test_a_close_for_writing_tells_of_a_sacrifice_once(toy):
    path = toy.root / "file"
    path.write_bytes(b"x")
    toy.ask("sacrifice", ino=os.stat(path).st_ino)
    path.read_bytes()  # not told to whoever only reads
    file = os.open(path, os.O_WRONLY)
    again = os.dup(file)
    with pytest.raises(OSError) as told:
        os.close(file)
    assert told.value.errno == errno.EIO
    os.close(again)
    path.write_bytes(b"y")


def test_fsync_of_a_file_and_of_a_folder_tells_of_a_sacrifice_once(toy):
    folder = toy.root / "folder"
    folder.mkdir()
    path = folder / "file"
    for target, flags in ((path, os.O_RDWR | os.O_CREAT), (folder, os.O_RDONLY)):
        file = os.open(target, flags)
        toy.ask("sacrifice", ino=os.fstat(file).st_ino)
        with pytest.raises(OSError) as told:
            os.fsync(file)
        assert told.value.errno == errno.EIO
        os.fsync(file)
        os.close(file)
