"""The life of a mount's process."""

import contextlib
import fcntl
import json
import mmap
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import pytest

from abi.conftest import toy_bucket
from support import mounts


@pytest.fixture
def background(command, programs, tmp_path):
    """Mounts in the background; gives the mount point and a way to run the command."""
    root = tmp_path / "mnt"
    root.mkdir()
    toy_bucket(tmp_path)
    log = tmp_path / "log"

    def run(*arguments, **how):
        return subprocess.run([command, *map(str, arguments)], capture_output=True, text=True,
                              timeout=60, **how)

    def mount(*options):
        extra = [word for option in options for word in ("-o", option)]
        return run("mount", "--plugin", programs / "toy_plugin.so", "-o", f"host.log.file={log}",
                   *extra, f"toy://{tmp_path}/bucket", root)

    mount.run, mount.root, mount.log = run, root, log
    yield mount
    subprocess.run(["umount", "-l", root], capture_output=True)


def status(mount):
    done = mount.run("status", "--json", mount.root)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def running(pid):
    """A process that has ended but was not yet reaped does not count."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def gone(pid, seconds=10):
    deadline = time.monotonic() + seconds
    while running(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def close_anyway(fd):
    try:
        os.close(fd)
    except OSError:
        pass  # its mount is gone


@contextlib.contextmanager
def left_open(path):
    """A file that is open while its mount goes away."""
    file = open(path, "w+b", buffering=0)
    try:
        yield file
    finally:
        try:
            file.close()
        except OSError:
            pass


def test_the_command_returns_when_the_mount_is_up_and_leaves_nothing_open(background):
    done = background()
    assert done.returncode == 0, done.stderr
    assert os.path.ismount(background.root)
    pid = status(background)["pid"]
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in (0, 1, 2)} == {"/dev/null"}
    assert os.getsid(pid) == pid
    (background.root / "file").write_text("hello")
    assert background.run("umount", background.root).returncode == 0
    assert not running(pid), "umount waits for the process"
    assert not os.path.ismount(background.root)
    assert "is unmounted" in background.log.read_text()


def test_status_tells_of_volume_plugin_and_process(background):
    background()
    told = status(background)
    assert told["state"] == "writable" and told["volume"] == "toy"
    assert told["mount_point"] == str(background.root)
    assert told["plugin"]["name"] == "toy"
    (background.root / "dir").mkdir()
    text = background.run("status", background.root / "dir").stdout
    assert "toy on " in text and "writable" in text
    assert background.run("flush", background.root).returncode == 0


def test_the_process_ends_when_somebody_else_unmounts(background):
    background()
    pid = status(background)["pid"]
    subprocess.run(["umount", background.root], check=True)
    assert gone(pid)


def test_a_mount_in_use_is_not_unmounted_unless_lazily(background):
    background()
    pid = status(background)["pid"]
    with open(background.root / "file", "w") as file:
        done = background.run("umount", background.root)
        assert done.returncode == 1 and "in use" in done.stderr
        assert background.run("umount", "-l", background.root).returncode == 0
        assert not os.path.ismount(background.root)
        file.write("still open")
        file.flush()
    assert gone(pid)


def test_what_is_not_mounted_is_told_so(background, tmp_path):
    for command in ("umount", "status", "stats", "flush"):
        done = background.run(command, tmp_path)
        assert done.returncode == 1
        assert "no fastmeta volume is mounted there" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_unmounts_cleanly(mount_toy, number):
    mount = mount_toy()
    (mount.root / "file").write_text("hello")
    assert mount.end(number) == 0
    assert not os.path.ismount(mount.root)
    assert "is unmounted" in mount.log()


@pytest.fixture
def other(open_folder):
    """Mounts something of somebody else, and says whether it is still there."""
    mounted = []

    def mount(root):
        mounts.tmpfs(root, "1m")
        mounted.append(root)
        (root / "theirs").touch()
        return (root / "theirs").exists

    yield mount
    for root in mounted:
        mounts.unmount(root, lazy=True)


def test_a_signal_leaves_alone_what_is_mounted_over_the_volume(mount_toy, other):
    toy = mount_toy()
    there = other(toy.root)
    assert toy.end(signal.SIGTERM) == 0
    assert there()


def test_a_signal_leaves_alone_what_came_after_the_volume_was_detached(mount_toy, other):
    toy = mount_toy()
    with left_open(toy.root / "file"):
        subprocess.run(["umount", "-l", toy.root], check=True)
        there = other(toy.root)
        assert toy.end(signal.SIGTERM) == 0
        assert there()


def test_umount_leaves_alone_what_is_mounted_over_the_volume(background, other):
    background()
    there = other(background.root)
    done = background.run("umount", background.root)
    assert done.returncode == 1 and "mounted over" in done.stderr
    assert there()


def test_a_volume_is_not_mounted_over_another(background):
    background()
    pid = status(background)["pid"]
    again = background()
    assert again.returncode == 2 and "umount" in again.stderr
    assert status(background)["pid"] == pid


def test_a_signal_stores_what_an_open_file_has_buffered(mount_toy):
    mount = mount_toy(options=["host.data.flush-age=10m"])
    with left_open(mount.root / "file") as file:
        file.write(os.urandom(300_000))
        bucket = mount.root.parent / "bucket"
        assert not any(p.is_file() for p in bucket.rglob("chunks/**/*"))
        assert mount.end(signal.SIGTERM) == 0
        stored = [p for p in bucket.rglob("chunks/**/*") if p.is_file()]
        assert sum(p.stat().st_size for p in stored) == 300_000
        with pytest.raises(OSError):
            file.write(b"more")


def test_a_mapping_is_stored_too(mount_toy):
    mount = mount_toy()
    content = os.urandom(100_000)
    with left_open(mount.root / "file") as file:
        file.truncate(100_000)
        with mmap.mmap(file.fileno(), 100_000) as view:
            view[:] = content
            assert mount.end(signal.SIGTERM) == 0
    bucket = mount.root.parent / "bucket"
    stored = [p.read_bytes() for p in bucket.rglob("chunks/**/*") if p.is_file()]
    assert content[:4096] in b"".join(stored)


def test_more_signals_while_it_unmounts_change_nothing(mount_toy):
    mount = mount_toy()
    busy = os.open(mount.root / "file", os.O_WRONLY | os.O_CREAT)
    stop = threading.Event()

    def write():
        try:
            while not stop.is_set():
                os.write(busy, os.urandom(1 << 20))
        except OSError:
            pass

    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(0.3)
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        mount.process.send_signal(number)
        time.sleep(0.005)
    code = mount.process.wait(60)
    stop.set()
    writer.join()
    close_anyway(busy)
    assert code == 0, mount.log()
    assert not os.path.ismount(mount.root)


def test_a_waiting_lock_does_not_keep_it_from_ending(mount_toy):
    mount = mount_toy()
    with left_open(mount.root / "file") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        waiter = subprocess.Popen(["flock", str(mount.root / "file"), "true"],
                                  stderr=subprocess.DEVNULL)
        time.sleep(0.3)
        assert mount.end(signal.SIGTERM) == 0
        waiter.wait(10)


def test_a_password_in_the_url_is_not_shown(command, programs, tmp_path):
    """Not by ps, not in the log, not in df."""
    secret = "s3cr3t-word"
    mount = subprocess.Popen(
        [command, "mount", "-f", f"redis://user:{secret}@127.0.0.1:1/1", tmp_path],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    shown = ""
    while mount.poll() is None:
        try:
            shown += pathlib.Path(f"/proc/{mount.pid}/cmdline").read_text()
        except OSError:
            break
        if secret not in shown.split("\0")[-1] and "*" in shown:
            break
        time.sleep(0.005)
        shown = shown[-2000:]
    output = mount.communicate(timeout=60)[0]
    assert "******" in shown or mount.returncode is not None
    assert secret not in output
    assert mount.returncode == 3, output
    assert output.count("\n") == 1, output


def test_a_password_among_the_options_is_not_shown(background):
    done = background(r"meta.password=s3cr3t\,word")
    assert done.returncode == 0, done.stderr
    shown = pathlib.Path(f"/proc/{status(background)['pid']}/cmdline").read_text()
    assert "meta.password=**" in shown
    assert "s3cr3t" not in shown and "word\0" not in shown


def test_the_control_socket_is_private_and_answers_garbage_with_an_error(background):
    background()
    pid = status(background)["pid"]
    paths = [line.split()[-1] for line in
             pathlib.Path(f"/proc/{pid}/net/unix").read_text().splitlines()
             if "fastmeta" in line and line.endswith(".sock")]
    device = os.stat(background.root).st_dev
    path = next(p for p in paths
                if p.endswith(f"/{os.major(device)}-{os.minor(device)}.sock"))
    assert os.stat(path).st_mode & 0o777 == 0o600
    for garbage in (b"\n", b"\xff\x00\n", b"{}\n", b'{"verb":"status"\n', b"x" * 70_000 + b"\n"):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(path)
            try:
                client.sendall(garbage)
                answer = client.recv(65536)
            except ConnectionError:
                continue  # cut off in the middle of a line that is too long
            assert not answer or json.loads(answer)["ok"] is False
    assert status(background)["pid"] == pid
    done = background.run("control", background.root, "no-such-verb")
    assert done.returncode == 1 and "no-such-verb" in done.stderr
    background.run("umount", background.root)
    assert not os.path.exists(path)


def test_a_socket_that_was_asked_for_is_found(background, tmp_path):
    background(f"host.control.socket={tmp_path}/my.sock")
    assert (tmp_path / "my.sock").is_socket()
    assert status(background)["volume"] == "toy"


@pytest.mark.parametrize("arguments, code, message", [
    (["mount", "/nonexistent"], 2, "no volume"),
    (["mount", "toy:///b", "/nonexistent"], 2, "/nonexistent"),
    (["mount", "toy:///b", "/etc/passwd"], 2, "not a directory"),
    (["mount", "-o", "nonsense", "toy:///b", "/tmp"], 2, "nonsense"),
    (["mount", "-o", "host.no.such=1", "toy:///b", "/tmp"], 2, "host.no.such"),
    (["mount", "--plugin", "/none.so", "toy:///b", "/tmp"], 1, "/none.so"),
    (["mount"], 2, "places"),
    (["no-such-command"], 2, "--help"),
    ([], 2, "--help"),
])
def test_mistakes_are_one_line_that_names_them(command, arguments, code, message):
    done = subprocess.run([command, *arguments], capture_output=True, text=True, timeout=20)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def test_a_failing_mount_in_the_background_tells_its_parent(background, command):
    done = background.run("mount", "redis://127.0.0.1:1/1", background.root)
    assert done.returncode == 3, done.stderr
    assert done.stderr.count("\n") == 1 and "127.0.0.1:1" in done.stderr
    assert not os.path.ismount(background.root)


@pytest.mark.parametrize("subcommand", ["format", "mount", "umount", "status", "stats", "flush",
                                        "control", "config", "version"])
def test_each_command_explains_itself(command, subcommand):
    done = subprocess.run([command, subcommand, "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and len(done.stdout) > 100 and not done.stderr
