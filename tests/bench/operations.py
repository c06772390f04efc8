"""The timed operations: each works on a folder of its own and answers seconds per operation."""

import io
import os
import subprocess
import tarfile
import time


def _each(count, action):
    begin = time.perf_counter()
    for i in range(count):
        action(i)
    return (time.perf_counter() - begin) / count


def _make(path):
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))


def _write(path, data):
    fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    os.write(fd, data)
    os.close(fd)


def _open(path):
    os.close(os.open(path, os.O_RDONLY))


def _read(path):
    fd = os.open(path, os.O_RDONLY)
    os.read(fd, 8192)
    os.close(fd)


def _stat_all(folder):
    with os.scandir(folder) as entries:
        return sum(entry.stat(follow_symlinks=False).st_size >= 0 for entry in entries)


def metadata(top, count, drop_caches):
    """Seconds per operation, by name, in the order in which they are run."""
    os.mkdir(top)
    data = b"x" * 4096
    at = lambda letter, i: f"{top}/{letter}{i}"
    times = {
        "mkdir": _each(count, lambda i: os.mkdir(at("d", i))),
        "create": _each(count, lambda i: _make(at("f", i))),
        "4 KiB write+close": _each(count, lambda i: _write(at("w", i), data)),
    }
    drop_caches()
    times["stat cold"] = _each(count, lambda i: os.stat(at("f", i)))
    times["stat warm"] = _each(count, lambda i: os.stat(at("f", i)))
    times["readdir+stat"] = _each(1, lambda i: _stat_all(top)) / (3 * count)
    times["open+close"] = _each(count, lambda i: _open(at("f", i)))
    times["4 KiB open+read+close"] = _each(count, lambda i: _read(at("w", i)))
    times["chmod"] = _each(count, lambda i: os.chmod(at("f", i), 0o600))
    times["rename"] = _each(count, lambda i: os.rename(at("f", i), at("r", i)))
    try:
        times["setxattr"] = _each(count, lambda i: os.setxattr(at("r", i), "user.k", b"v"))
    except OSError:
        pass  # passthrough_ll has them off
    times["unlink"] = _each(count, lambda i: os.unlink(at("r", i)))
    times["rmdir"] = _each(count, lambda i: os.rmdir(at("d", i)))
    for i in range(count):
        os.unlink(at("w", i))
    os.rmdir(top)
    return times


def throughput(top, megabytes, drop_caches):
    """MB/s of one large file, written and closed, then read after the caches were dropped."""
    path = f"{top}.big"
    block = os.urandom(1 << 20)
    begin = time.perf_counter()
    with open(path, "wb", buffering=0) as out:
        for _ in range(megabytes):
            out.write(block)
        os.fsync(out.fileno())
    write = megabytes / (time.perf_counter() - begin)
    drop_caches()
    begin = time.perf_counter()
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 20):
            pass
    read = megabytes / (time.perf_counter() - begin)
    os.unlink(path)
    return {"sequential write MB/s": write, "sequential read MB/s": read}


def archive(path):
    """A tar file of 100 small files in ten folders."""
    with tarfile.open(path, "w") as tar:
        for d in range(10):
            for i in range(10):
                data = b"small file %d\n" % i
                member = tarfile.TarInfo(f"unpacked/{d}/{i}")
                member.size = len(data)
                member.mtime = 1_700_000_000
                tar.addfile(member, io.BytesIO(data))


def unpack(tar_file, folder, sent):
    """Seconds until tar has unpacked it, and from then until sent() says that others see it."""
    begin = time.perf_counter()
    subprocess.run(["tar", "xf", tar_file, "-C", folder], check=True)
    unpacked = time.perf_counter()
    sent()
    return {"unpack 100 files, s": unpacked - begin,
            "then sent after, s": time.perf_counter() - unpacked}


def tree_copy(top, folders, files):
    """Seconds to write a tree of small files and to remove it."""
    begin = time.perf_counter()
    os.mkdir(top)
    for d in range(folders):
        os.mkdir(f"{top}/{d}")
        for i in range(files):
            _write(f"{top}/{d}/{i}", b"small file\n")
    copied = time.perf_counter() - begin
    begin = time.perf_counter()
    for d in range(folders):
        for i in range(files):
            os.unlink(f"{top}/{d}/{i}")
        os.rmdir(f"{top}/{d}")
    os.rmdir(top)
    return {"tree copy, s": copied, "tree remove, s": time.perf_counter() - begin}
