"""Mount points: whether something is mounted, and getting rid of it whatever its state."""

import ctypes
import os
import pathlib
import time

_libc = ctypes.CDLL(None, use_errno=True)
_FORCE, _DETACH = 1, 2


def _unescape(field):
    return field.encode().decode("unicode_escape").encode("latin-1")


def mounted(path):
    """Whether path is a mount point. Asks the kernel's table: a hung mount must not hang us."""
    wanted = os.fsencode(path)
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        if _unescape(line.split(" ")[4]) == wanted:
            return True
    return False


def unmount(path, lazy=False):
    """Whether it worked."""
    return _libc.umount2(os.fsencode(path), _DETACH if lazy else 0) == 0


def abort(path):
    """Fails every request that waits for an answer of the mount, at once."""
    _libc.umount2(os.fsencode(path), _FORCE)


def unmount_for_sure(path, patience_s=5):
    """Waits for open files to go for a while, then detaches."""
    end = time.monotonic() + patience_s
    while mounted(path):
        if unmount(path):
            continue
        if ctypes.get_errno() == 22 or time.monotonic() > end:
            unmount(path, lazy=True)
            return
        time.sleep(0.05)


def _fs(source, target, kind, flags, data):
    if _libc.mount(source, os.fsencode(target), kind, flags, data) != 0:
        raise OSError(ctypes.get_errno(), f"mount {target}")


def tmpfs(path, size):
    """A file system of its own in memory, without access times."""
    _fs(b"none", path, b"tmpfs", 1024, f"size={size}".encode())


def after_power_loss(lab, image):
    """Where the disk of loop_ext4() is, as it would be found: without what only the memory of the
    machine knows."""
    import subprocess
    copy = lab.place("copy") / "disk.img"
    subprocess.run(["cp", "--sparse=always", image, copy], check=True)
    found = lab.place("found")
    loop_ext4(found, copy, None)
    lab.defer(unmount_for_sure, found)
    return found


def loop_ext4(path, image, size_mb):
    """A file system of its own in a file, without access times; no size: it is there already."""
    import subprocess
    if size_mb is not None:
        with open(image, "wb") as out:
            out.truncate(size_mb << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    subprocess.run(["mount", "-o", "loop,noatime,nodev,nosuid", image, path], check=True)
