"""What the host itself does with files and directories, on a plugin that is in memory."""

import array
import ctypes
import errno
import fcntl
import mmap
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import threading
import time

import pytest


def test_an_open_file_lives_on_without_its_name(toy):
    path = toy.root / "file"
    with open(path, "w+b", buffering=0) as file:
        file.write(b"abc")
        os.unlink(path)
        assert os.fstat(file.fileno()).st_nlink == 0
        file.write(b"def")
        assert os.fstat(file.fileno()).st_size == 6
        file.seek(0)
        assert file.read() == b"abcdef"
    assert not path.exists()


def test_an_open_file_lives_on_when_another_takes_its_name(toy):
    (toy.root / "new").write_bytes(b"new")
    with open(toy.root / "file", "w+b", buffering=0) as file:
        file.write(b"old")
        os.rename(toy.root / "new", toy.root / "file")
        assert os.fstat(file.fileno()).st_size == 3
        file.seek(0)
        assert file.read() == b"old"
    assert (toy.root / "file").read_bytes() == b"new"


def test_names_are_bytes(toy):
    names = [b"\xff\xfe", b"a\nb", b" ", b"-", "ü".encode(), "ü".encode("latin-1"), b"a" * 255]
    for name in names:
        with open(os.path.join(os.fsencode(toy.root), name), "wb"):
            pass
    assert sorted(os.listdir(os.fsencode(toy.root))) == sorted(names)
    with pytest.raises(OSError) as caught:
        os.mkdir(os.path.join(os.fsencode(toy.root), b"a" * 256))
    assert caught.value.errno == errno.ENAMETOOLONG


def test_a_time_that_was_set_survives_what_was_written_before(toy):
    path = toy.root / "file"
    with open(path, "wb", buffering=0) as file:
        file.write(b"x" * 1000)
        os.utime(file.fileno(), ns=(1_000_000_001, 2_000_000_002))
    seen = os.stat(path)
    assert (seen.st_atime_ns, seen.st_mtime_ns) == (1_000_000_001, 2_000_000_002)
    assert seen.st_size == 1000


def test_what_is_buffered_counts_in_every_attribute(mount_toy):
    toy = mount_toy(options=["host.data.flush-age=10m"])
    path = toy.root / "file"
    with open(path, "wb", buffering=0) as file:
        before = os.stat(path).st_mtime_ns
        time.sleep(0.02)
        file.write(b"x" * 1000)
        assert os.fstat(file.fileno()).st_size == 1000
        assert os.stat(path).st_size == 1000
        assert os.stat(path).st_mtime_ns > before
        assert [entry.stat().st_size for entry in os.scandir(toy.root)] == [1000]
        os.link(path, toy.root / "other")
        assert os.stat(toy.root / "other").st_size == 1000


def test_opening_for_truncation(toy):
    path = toy.root / "file"
    path.write_bytes(b"x" * 1000)
    with open(path, "r+b", buffering=0) as reader, open(path, "wb", buffering=0) as writer:
        assert os.fstat(reader.fileno()).st_size == 0
        assert reader.read() == b""
        writer.write(b"new")
        assert reader.read() == b"new"


def test_a_program_that_runs_is_not_truncated(toy):
    path = toy.root / "program"
    shutil.copy("/bin/sleep", path)
    running = subprocess.Popen([path, "60"])
    try:
        for flags in (os.O_WRONLY, os.O_RDWR, os.O_TRUNC, os.O_WRONLY | os.O_TRUNC):
            with pytest.raises(OSError) as refused:
                os.close(os.open(path, flags))
            assert refused.value.errno == errno.ETXTBSY
        assert path.read_bytes() == pathlib.Path("/bin/sleep").read_bytes()
        assert running.poll() is None
    finally:
        running.kill()
        running.wait()


@pytest.mark.parametrize("how", ["echo x >>", "echo x >", ":>", "echo x 1<>", "truncate -s 5"])
def test_setuid_is_cleared_by_a_write_of_another(toy, how):
    path = toy.root / "file"
    path.write_bytes(b"0123456789")
    os.chmod(path, 0o6777)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o6777
    subprocess.run(["setpriv", "--reuid=1234", "--regid=1234", "--clear-groups", "sh", "-c",
                    f"{how} {path}"], check=True)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o777


def test_the_umask_and_the_callers_identity_count(toy):
    subprocess.run(["setpriv", "--reuid=1234", "--regid=1235", "--clear-groups", "sh", "-c",
                    f"umask 027; mkdir {toy.root}/dir; echo > {toy.root}/file"], check=True)
    for name, mode in (("dir", 0o750), ("file", 0o640)):
        seen = os.stat(toy.root / name)
        assert (stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_gid) == (mode, 1234, 1235)
    done = subprocess.run(["setpriv", "--reuid=4321", "--regid=4321", "--clear-groups", "cat",
                           f"{toy.root}/file"], capture_output=True)
    assert done.returncode != 0 and b"Permission denied" in done.stderr


def test_a_mapping_and_the_file_are_one(toy):
    path = toy.root / "file"
    path.write_bytes(b"a" * 10_000)
    with open(path, "r+b", buffering=0) as file, mmap.mmap(file.fileno(), 10_000) as view:
        view[5000:5003] = b"xyz"
        view.flush()
        assert path.read_bytes()[4999:5004] == b"axyza"
        file.write(b"start")
        assert view[:5] == b"start"


def test_data_and_holes_are_found(toy):
    with open(toy.root / "file", "w+b", buffering=0) as file:
        os.pwrite(file.fileno(), b"x" * 4096, 200 << 20)
        size = os.fstat(file.fileno()).st_size
        assert os.lseek(file.fileno(), 0, os.SEEK_DATA) == 200 << 20
        assert os.lseek(file.fileno(), 0, os.SEEK_HOLE) == 0
        assert os.lseek(file.fileno(), 200 << 20, os.SEEK_HOLE) == size
        with pytest.raises(OSError) as caught:
            os.lseek(file.fileno(), size, os.SEEK_DATA)
        assert caught.value.errno == errno.ENXIO


def test_a_range_is_copied_without_moving_data(toy):
    content = os.urandom(1 << 20)
    (toy.root / "from").write_bytes(content)
    uploads = toy.stats()["data"]["uploads"]
    with open(toy.root / "from", "rb") as source, open(toy.root / "to", "wb") as target:
        left = len(content)
        while left:
            left -= os.copy_file_range(source.fileno(), target.fileno(), left)
    assert toy.stats()["data"]["uploads"] == uploads
    assert (toy.root / "to").read_bytes() == content


def test_space_is_allocated_and_given_back(toy):
    with open(toy.root / "file", "w+b", buffering=0) as file:
        os.posix_fallocate(file.fileno(), 0, 10_000)
        assert os.fstat(file.fileno()).st_size == 10_000
        file.write(b"x" * 10_000)
        libc = ctypes.CDLL(None, use_errno=True)
        punch = libc.fallocate(file.fileno(), 3, ctypes.c_long(1000), ctypes.c_long(2000))
        assert punch == 0, os.strerror(ctypes.get_errno())
        file.seek(0)
        assert file.read() == b"x" * 1000 + bytes(2000) + b"x" * 7000


def test_flags_of_an_inode(toy):
    (toy.root / "file").write_bytes(b"")
    done = subprocess.run(["chattr", "+i", toy.root / "file"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    shown = subprocess.run(["lsattr", toy.root / "file"], capture_output=True, text=True).stdout
    assert "i" in shown.split()[0]
    subprocess.run(["chattr", "-i", toy.root / "file"], check=True)
    done = subprocess.run(["chattr", "+c", toy.root / "file"], capture_output=True, text=True)
    assert done.returncode != 0


def test_extended_attributes(toy):
    path = toy.root / "file"
    path.write_bytes(b"")
    os.setxattr(path, "user.a", b"\0value")
    os.setxattr(path, "user.b", b"x" * 5000)
    assert os.getxattr(path, "user.a") == b"\0value"
    assert sorted(os.listxattr(path)) == ["user.a", "user.b"]
    with pytest.raises(OSError) as caught:
        os.setxattr(path, "user.a", b"", os.XATTR_CREATE)
    assert caught.value.errno == errno.EEXIST
    os.removexattr(path, "user.a")
    with pytest.raises(OSError) as caught:
        os.getxattr(path, "user.a")
    assert caught.value.errno == errno.ENODATA


# ---- directories


def test_a_large_directory_is_listed_once_and_whole(toy):
    names = {f"name-{number}" for number in range(5000)}
    for name in names:
        (toy.root / name).touch()
    listed = os.listdir(toy.root)
    assert len(listed) == len(names) and set(listed) == names
    assert {entry.name for entry in os.scandir(toy.root) if entry.stat().st_size == 0} == names


def test_removing_while_listing_skips_nothing(toy):
    for number in range(2000):
        (toy.root / f"name-{number}").touch()
    removed = 0
    with os.scandir(toy.root) as entries:
        for entry in entries:
            os.unlink(entry.path)
            removed += 1
    assert removed == 2000
    assert os.listdir(toy.root) == []
    subprocess.run(["rm", "-rf", toy.root / "none"], check=True)


def test_a_directory_read_again_from_its_start_shows_what_is_new(toy):
    fd = os.open(toy.root, os.O_RDONLY)
    try:
        assert os.listdir(fd) == []
        (toy.root / "new").touch()
        assert os.listdir(fd) == ["new"]
    finally:
        os.close(fd)


def test_inode_numbers_of_a_listing_are_those_of_stat(toy):
    (toy.root / "dir").mkdir()
    (toy.root / "file").touch()
    for entry in os.scandir(toy.root):
        assert entry.inode() == os.stat(entry.path).st_ino


# ---- locks


def lock_file(root):
    path = root / "locked"
    path.touch()
    return path


def test_flock_excludes_and_is_released_by_close(toy):
    path = lock_file(toy.root)
    one, two = open(path, "r+b"), open(path, "r+b")
    fcntl.flock(one, fcntl.LOCK_EX)
    with pytest.raises(BlockingIOError):
        fcntl.flock(two, fcntl.LOCK_SH | fcntl.LOCK_NB)
    one.close()
    fcntl.flock(two, fcntl.LOCK_EX | fcntl.LOCK_NB)
    two.close()


HOLD = ("import fcntl,sys; f=open(sys.argv[1],'r+b'); fcntl.lockf(f,fcntl.LOCK_EX,10,5); "
        "print('held',flush=True); sys.stdin.read()")


def hold_range(path):
    holder = subprocess.Popen(["python3", "-c", HOLD, str(path)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    return holder


def let_go(holder):
    holder.stdin.close()
    holder.wait(10)
    holder.stdout.close()


def test_a_range_lock_excludes_its_range_until_its_process_ends(toy):
    path = lock_file(toy.root)
    holder = hold_range(path)
    with open(path, "r+b") as file:
        with pytest.raises(BlockingIOError):
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 14)
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 15)
        asked = array.array("b", fcntl.fcntl(file, fcntl.F_GETLK, _flock(fcntl.F_WRLCK, 0, 0)))
        kind, _, start, length, pid = _parse_flock(bytes(asked))
        assert (kind, start, length, pid) == (fcntl.F_WRLCK, 5, 10, holder.pid)
        let_go(holder)
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 14)


def _flock(kind, start, length):
    import struct
    return struct.pack("hhqqi4x", kind, os.SEEK_SET, start, length, 0)


def _parse_flock(data):
    import struct
    return struct.unpack("hhqqi4x", data)


def test_any_close_of_the_file_releases_the_processs_ranges(toy):
    path = lock_file(toy.root)
    holder = hold_range(path)
    let_go(holder)
    with open(path, "r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        open(path).close()  # as POSIX has it
        other = hold_range(path)
        let_go(other)


def test_a_waiting_lock_is_granted_in_the_end(toy):
    path = lock_file(toy.root)
    holder = hold_range(path)
    with open(path, "r+b") as file:
        timer = threading.Timer(0.3, let_go, [holder])
        timer.start()
        begin = time.monotonic()
        fcntl.lockf(file, fcntl.LOCK_EX)
        assert time.monotonic() - begin > 0.2
        timer.join()


def test_a_waiting_lock_can_be_interrupted(toy):
    path = lock_file(toy.root)
    holder = hold_range(path)
    waiter = subprocess.Popen(["python3", "-c", HOLD, str(path)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    time.sleep(0.5)
    waiter.send_signal(signal.SIGKILL)
    waiter.wait(5)
    waiter.stdin.close()
    waiter.stdout.close()
    let_go(holder)
    let_go(hold_range(path))


def test_many_waiters_do_not_stop_other_work(toy):
    path = lock_file(toy.root)
    with open(path, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        waiters = [subprocess.Popen(["flock", str(path), "true"]) for _ in range(60)]
        time.sleep(1)
        (toy.root / "other").write_bytes(b"work goes on")
        assert (toy.root / "other").read_bytes() == b"work goes on"
        fcntl.flock(file, fcntl.LOCK_UN)
    assert [waiter.wait(30) for waiter in waiters] == [0] * 60
