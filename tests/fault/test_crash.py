"""Our process is killed or told to end: what was synced holds, what it held is given back."""

import errno
import fcntl
import os
import pathlib
import signal
import threading
import time

import pytest

from support import mounts, volume_checks
from support.clients import children
from support.pair import make_statistics
from support.process import wait_until

pytestmark = [pytest.mark.quick, pytest.mark.usefixtures("only_ours")]

HEARTBEAT_S = 1  # cleaning up after others is done then


def mount(lab, volume):
    return lab.mount("fastmeta", volume, settings={"session.heartbeat": f"{HEARTBEAT_S}s"})


def write(path, data, sync):
    file = os.open(path, os.O_CREAT | os.O_WRONLY, 0o644)
    os.write(file, data)
    if sync:
        os.fsync(file)
    return file


def read(path):
    with open(path, "rb") as file:
        return file.read()


def sessions(redis):
    return redis("ZCARD", "allSessions")


def let_time_pass(volume):
    """Every session there is has been silent for too long."""
    with volume.redis() as redis:
        for session in redis("ZRANGE", "allSessions", 0, -1):
            redis("ZADD", "allSessions", int(time.time()) - 1, session)


def close(file):
    """Of a mount that has gone."""
    try:
        os.close(file)
    except OSError:
        pass


@pytest.mark.parametrize("turn", range(3))
def test_what_was_synced_survives_a_kill(lab, turn):
    volume = lab.format(options=["--block-size", "64K"])
    first = mount(lab, volume)
    make_statistics(volume, first)
    promised = {}
    torn = {}
    stop = threading.Event()

    def work(number):
        n = 0
        while not stop.is_set():
            n += 1
            name, data = f"{number}-{n}", b"%d,%d " % (number, n) * (n * 37 % 3000 + 1)
            try:
                torn[name] = data
                os.close(write(first.path(name), data, sync=True))
                promised[name] = data
                if n % 3 == 0:
                    os.rename(first.path(name), first.path(name + "r"))
                    promised[name + "r"] = promised.pop(name)
                elif n % 5 == 0:
                    os.unlink(first.path(name))
                    del promised[name]
            except OSError:
                return
    workers = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for worker in workers:
        worker.start()
    time.sleep(1 + 0.4 * turn)
    first.kill()
    stop.set()
    for worker in workers:
        worker.join()
    let_time_pass(volume)
    assert len(promised) > 20
    second = mount(lab, volume)
    other = lab.mount("juicefs", volume, options=["--heartbeat", f"{HEARTBEAT_S}s"])
    # The last change of each worker may or may not have happened.
    missing = [name for name, data in promised.items()
               if not os.path.exists(other.path(name)) or read(other.path(name)) != data]
    assert len(missing) <= len(workers), missing
    for name in missing:
        twin = name + "r" if not name.endswith("r") else name[:-1]
        assert not os.path.exists(other.path(name)) or read(other.path(twin)) == promised[name]
    assert volume_checks.differences(volume_checks.tree(second.root),
                                     volume_checks.tree(other.root)) == []
    # The killed one's session is cleaned away by the others.
    with volume.redis() as redis:
        wait_until(lambda: sessions(redis) == 2, 30, "the dead session's end")
    second.unmount()
    other.unmount()
    volume_checks.counters_settle(volume)
    assert volume_checks.fsck(lab.clients["juicefs"], volume, stats=False) == []


def kill_under_load(lab, seconds):
    """Kills a mount in the middle of changes; nobody waits in it for ever after that."""
    volume = lab.format()
    first = mount(lab, volume)
    watch = watch_of(first)

    def work(number):
        n = 0
        try:
            while True:
                n += 1
                os.close(write(first.path(f"{number}-{n}"), b"x", sync=True))
                os.unlink(first.path(f"{number}-{n}"))
        except OSError:
            pass
    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    time.sleep(seconds)
    first.kill_process()
    try:
        assert first.process.wait(10) == -signal.SIGKILL
        for worker in workers:
            worker.join(10)
            assert not worker.is_alive()
        with pytest.raises(OSError) as raised:
            os.listdir(first.root)
        assert raised.value.errno == errno.ENOTCONN
        wait_until(lambda: not alive(watch), 10, "the watch's end")
    finally:
        mounts.abort(first.root)


def watch_of(a_mount):
    """The pid of the process that waits for the mount's death."""
    def look():
        return [pid for pid in children(a_mount.process.pid) if name_of(pid) == "mount-watch"]
    [watch] = wait_until(look, 5, "the mount's watch")
    return watch


def name_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def alive(pid):
    return name_of(pid) == "mount-watch"


@pytest.mark.parametrize("turn", range(5))
def test_a_killed_mount_answers_with_an_error_not_with_silence(lab, turn):
    """Also in the middle of changes: whoever waits in it comes back, and the process is gone."""
    kill_under_load(lab, 0.5 + 0.1 * turn)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("turn", range(50))
def test_a_killed_mount_answers_with_an_error_many_times(lab, turn):
    kill_under_load(lab, 0.3 + 0.03 * turn)


def test_the_watch_of_a_mount_keeps_nothing_busy(lab):
    """It has no file, folder or stream of ours, is not taken for the mount, and ends with it."""
    volume = lab.format()
    first = mount(lab, volume)
    watch = watch_of(first)
    proc = pathlib.Path(f"/proc/{watch}")
    wait_until(lambda: len(os.listdir(proc / "fd")) >= 6, 5, "the watch's file to abort by")
    held = [os.readlink(file) for file in (proc / "fd").iterdir()]
    for name in held:
        assert name.split(":")[0] in ("/dev/null", "pipe", "anon_inode") or "/abort" in name, held
    assert os.readlink(proc / "cwd") == "/"
    assert (proc / "cmdline").read_bytes().strip(b"\0") == b"mount-watch"
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGRTMIN + 1):
        os.kill(watch, number)
    time.sleep(1.5)
    assert alive(watch)
    os.mkdir(first.path("still-works"))
    assert first.unmount() == 0
    assert not alive(watch)


def test_a_mount_whose_watch_was_killed_goes_on(lab):
    volume = lab.format()
    first = mount(lab, volume)
    os.kill(watch_of(first), signal.SIGKILL)
    os.mkdir(first.path("folder"))
    assert first.unmount() == 0


def test_the_next_mount_takes_a_dead_one_away(lab):
    volume = lab.format()
    first = mount(lab, volume)
    os.mkdir(first.path("folder"))
    os.stat(first.root)  # the kernel answers that again when nobody is there any more
    first.kill_process()
    assert first.process.wait(10) == -signal.SIGKILL
    ours = lab.clients["fastmeta"]
    lab.defer(mounts.unmount_for_sure, first.root)
    done = ours.run("mount", volume.url, first.root)
    assert done.returncode == 0, done.stdout
    assert "has died" in done.stdout
    assert os.listdir(first.root) == ["folder"]
    assert ours.run("umount", first.root).returncode == 0
    assert not mounts.mounted(first.root)


def test_the_standard_client_cleans_up_after_a_kill(lab):
    """Its locks are released and its open, unlinked files removed."""
    volume = lab.format()
    first = mount(lab, volume)
    locked = os.open(first.path("locked"), os.O_CREAT | os.O_RDWR)
    fcntl.flock(locked, fcntl.LOCK_EX)
    fcntl.lockf(locked, fcntl.LOCK_EX, 10, 0)
    gone = write(first.path("gone"), b"x" * 100_000, sync=True)
    ino = os.fstat(gone).st_ino
    os.unlink(first.path("gone"))
    with volume.redis() as redis:
        assert redis("EXISTS", f"i{ino}")
        first.kill()
        close(locked)
        close(gone)
        let_time_pass(volume)
        other = lab.mount("juicefs", volume, options=["--heartbeat", f"{HEARTBEAT_S}s"])
        wait_until(lambda: not redis("EXISTS", f"i{ino}"), 40, "the end of the unlinked file")
        with open(other.path("locked"), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        wait_until(lambda: not volume.objects(), 15, "the end of its data")
    volume_checks.counters_settle(volume)


def test_we_clean_up_after_a_killed_standard_client(lab):
    volume = lab.format()
    first = lab.mount("juicefs", volume, options=["--heartbeat", f"{HEARTBEAT_S}s"])
    gone = write(first.path("gone"), b"x" * 100_000, sync=True)
    ino = os.fstat(gone).st_ino
    os.unlink(first.path("gone"))
    first.kill()
    close(gone)
    let_time_pass(volume)
    mount(lab, volume)
    with volume.redis() as redis:
        wait_until(lambda: not redis("EXISTS", f"i{ino}"), 40, "the end of the unlinked file")
        wait_until(lambda: sessions(redis) == 1, 40, "the dead session's end")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_unmounts_cleanly(lab, number):
    """Buffered data is stored, the session closed, the mount point free, the exit code 0."""
    volume = lab.format()
    first = mount(lab, volume)
    file = write(first.path("unsynced"), b"buffered " * 1000, sync=False)
    os.close(file)
    first.process.signal(number)
    assert first.process.wait(20) == 0
    assert not mounts.mounted(first.root)
    with volume.redis() as redis:
        assert sessions(redis) == 0
    other = lab.mount("juicefs", volume)
    assert read(other.path("unsynced")) == b"buffered " * 1000
    volume_checks.counters_settle(volume)
    assert volume_checks.fsck(lab.clients["juicefs"], volume) == []


def test_a_signal_while_files_are_open_stores_their_data(lab):
    volume = lab.format()
    first = mount(lab, volume)
    file = write(first.path("open"), b"buffered " * 1000, sync=False)
    first.process.signal(signal.SIGTERM)
    assert first.process.wait(40) == 0
    with pytest.raises(OSError):
        os.write(file, b"x")
        os.fsync(file)
    close(file)
    other = lab.mount("juicefs", volume)
    assert read(other.path("open")) == b"buffered " * 1000


@pytest.mark.parametrize("pause_s", [0, 0.01, 0.1])
def test_a_second_signal_does_no_harm(lab, pause_s):
    volume = lab.format(options=["--block-size", "64K"])
    first = mount(lab, volume)
    data = os.urandom(20 << 20)
    file = write(first.path("file"), data[:10 << 20], sync=True)
    os.write(file, data[10 << 20:])
    first.process.signal(signal.SIGTERM)
    time.sleep(pause_s)
    first.process.signal(signal.SIGTERM)
    first.process.wait(40)
    close(file)
    assert not mounts.mounted(first.root)
    other = lab.mount("juicefs", volume)
    found = read(other.path("file"))
    assert len(found) >= 10 << 20 and found == data[:len(found)]
    volume_checks.counters_settle(volume)
    assert volume_checks.fsck(lab.clients["juicefs"], volume, stats=False) == []


def test_a_signal_ends_it_also_while_redis_is_away(lab):
    volume = lab.format()
    first = mount(lab, volume)
    os.mkdir(first.path("folder"))
    volume.server.kill()
    first.process.signal(signal.SIGTERM)
    first.process.wait(60)
    assert not mounts.mounted(first.root)
    volume.server.stop()


def test_a_mount_in_the_background_is_up_when_the_command_returns(lab):
    volume = lab.format()
    root = lab.place("mnt")
    ours = lab.clients["fastmeta"]
    lab.defer(mounts.unmount_for_sure, root)
    done = ours.run("mount", volume.url, root)
    assert done.returncode == 0, done.stdout
    assert mounts.mounted(root)
    os.mkdir(root / "folder")
    status = ours.run("status", "--json", root)
    assert status.returncode == 0, status.stdout
    again = ours.run("umount", root)
    assert again.returncode == 0, again.stdout
    assert not mounts.mounted(root)
    with volume.redis() as redis:
        wait_until(lambda: sessions(redis) == 0, 10, "the session's end")
    assert os.listdir(root) == []


def test_unmounting_while_in_use_is_refused_and_harmless(lab):
    volume = lab.format()
    first = mount(lab, volume)
    with open(first.path("file"), "wb") as file:
        done = lab.clients["fastmeta"].run("umount", first.root)
        assert done.returncode != 0
        assert mounts.mounted(first.root)
        file.write(b"still works")
    assert read(first.path("file")) == b"still works"
    with pytest.raises(OSError) as raised:
        os.rmdir(first.root)
    assert raised.value.errno == errno.EBUSY
