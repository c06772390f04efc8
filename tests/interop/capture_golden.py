#!/usr/bin/env python3
"""Captures what the standard client stores, byte for byte, into the golden files of the unit tests.

usage: capture_golden.py JUICEFS [FOLDER]     FOLDER: tests/unit/model_schema/golden

Each scene formats a volume, mounts it and does what makes the client write certain kinds of
keys; then every key is written down: {"key": {"type": "...", "value": ...}}, with strings, fields,
members and items in hex. Host name, addresses, folders and keys are replaced by made-up ones.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import pathlib
import re
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from support import cleanup
from support.clients import Juicefs
from support.lab import Lab
from support.process import wait_until

MIB = 1 << 20
CHUNK = 64 * MIB
FS_IOC_SETFLAGS = 0x40086602
IMMUTABLE, APPEND = 0x10, 0x20

_libc = ctypes.CDLL(None, use_errno=True)


def dump(redis):
    """Every key of the database, as JSON values."""
    found = {}
    for key in redis.keys():
        kind = redis("TYPE", key).decode()
        if kind == "string":
            value = redis("GET", key).hex()
        elif kind == "hash":
            value = {f.hex(): v.hex() for f, v in sorted(redis.hash(key).items())}
        elif kind == "list":
            value = [item.hex() for item in redis("LRANGE", key, 0, -1)]
        elif kind == "set":
            value = sorted(member.hex() for member in redis("SMEMBERS", key))
        elif kind == "zset":
            flat = redis("ZRANGE", key, 0, -1, "WITHSCORES")
            value = [[m.hex(), s.decode()] for m, s in zip(flat[::2], flat[1::2])]
        else:
            raise AssertionError(f"{key}: a {kind}")
        found[key.decode()] = {"type": kind, "value": value}
    return found


def anonymous(keys, folder):
    """The same without what says on which machine it was captured."""
    def clean(data):
        data = data.replace(os.fsencode(folder), b"/srv/golden")
        data = re.sub(rb'"EncryptKey": "[^"]*"', b'"EncryptKey": "c2VjcmV0"', data)
        data = re.sub(rb'"HostName":"[^"]*"', b'"HostName":"golden"', data)
        return re.sub(rb'"IPAddrs":\[[^\]]*\]', b'"IPAddrs":["192.0.2.1"]', data)
    for name in ("setting", "sessionInfos"):
        if name not in keys:
            continue
        value = keys[name]["value"]
        if name == "setting":
            keys[name]["value"] = clean(bytes.fromhex(value)).hex()
        else:
            keys[name]["value"] = {f: clean(bytes.fromhex(v)).hex() for f, v in value.items()}
    return keys


def write(path, data, at=0, flags=0):
    """One slice: what is written is committed before this returns."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o644)
    try:
        os.pwrite(descriptor, data, at)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path):
    """Removes a file that is closed. The kernel tells a client of the last close later; one that
    loses its last name at that very moment would stay in the client's session."""
    time.sleep(0.5)
    os.unlink(path)


def fallocate(path, mode, at, length):
    with open(path, "r+b") as file:
        done = _libc.fallocate(file.fileno(), ctypes.c_int(mode), ctypes.c_long(at),
                               ctypes.c_long(length))
        if done != 0:
            raise OSError(ctypes.get_errno(), path)


def set_flags(path, flags):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, FS_IOC_SETFLAGS, struct.pack("l", flags))
    finally:
        os.close(descriptor)


def copy_range(source, target, source_at, target_at, length):
    with open(source, "rb") as a, open(target, "r+b") as b:
        while length > 0:
            copied = os.copy_file_range(a.fileno(), b.fileno(), length, source_at, target_at)
            assert copied > 0
            source_at, target_at, length = source_at + copied, target_at + copied, length - copied


def acl(*entries):
    """The kernel's form of an ACL: version 2, then tag, permission, id."""
    return struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", tag, perm, 0xFFFFFFFF if owner is None else owner)
        for tag, perm, owner in entries)


USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER = 1, 2, 4, 8, 16, 32


class Scene:
    """One volume and its mount."""

    def __init__(self, lab, stack, trash_days=0, options=(), mount_options=(), below=""):
        self.lab = lab
        self.volume = lab.format(trash_days=trash_days, options=options, name="golden",
                                 bucket=lab.place("bucket") / below)
        self.client = lab.clients["juicefs"]
        self.redis = stack.enter_context(self.volume.redis())
        self.mount_options = ["--heartbeat", "1s", "--no-bgjob", "--enable-ioctl",
                              *mount_options]
        self.mount = None

    def up(self):
        self.mount = self.lab.mount("juicefs", self.volume, options=self.mount_options)
        return pathlib.Path(self.mount.root)

    def command(self, *arguments):
        done = self.client.run(*arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def config(self, *arguments):
        self.command("config", self.volume.url, *arguments, "--yes")

    def wait(self, condition, what):
        wait_until(condition, 20, what, every_s=0.1)

    def dump(self):
        time.sleep(1.5)  # dir statistics are flushed each second
        return anonymous(dump(self.redis), self.lab.folder)


def names_and_kinds(scene):
    """Attributes, entries, links, xattrs of every kind of node."""
    root = scene.up()
    (root / "dir" / "below").mkdir(parents=True)
    (root / "empty").touch()
    os.chmod(root / "empty", 0o6751)
    os.chown(root / "empty", 1001, 2002)
    os.utime(root / "empty", ns=(-1, 1_700_000_000_123_456_789))
    os.symlink("to/wh\xe9re".encode("latin-1"), os.fsencode(root / "link"))
    os.mkfifo(root / "fifo", 0o600)
    os.mknod(root / "char", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(root / "block", stat.S_IFBLK | 0o660, os.makedev(259, 70000))
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(str(root / "socket"))
    os.mkdir(os.fsencode(root) + b"/odd \xff\x01\n\\\"name")
    (root / ("n" * 255)).touch()
    os.link(root / "empty", root / "dir" / "second")
    os.link(root / "empty", root / "dir" / "third")
    os.unlink(root / "dir" / "third")
    os.setxattr(root / "empty", "user.text", b"value")
    os.setxattr(root / "empty", "user.bytes", bytes(range(256)))
    os.setxattr(root / "dir", "user.empty", b"")
    (root / "fixed").touch()
    set_flags(root / "fixed", IMMUTABLE)
    (root / "log").touch()
    set_flags(root / "log", APPEND)
    found = scene.dump()
    set_flags(root / "fixed", 0)
    set_flags(root / "log", 0)
    return found


def contents(scene):
    """Chunks, references, files that are gone."""
    root = scene.up()
    write(root / "plain", b"p" * 100_000)
    write(root / "plain", b"q" * 5000, at=50_000)
    write(root / "border", b"b" * 300_000, at=CHUNK - 100_000)
    write(root / "sparse", b"s" * 10, at=3 * CHUNK + 5)
    os.truncate(root / "sparse", CHUNK + 1)
    os.truncate(root / "sparse", 2 * CHUNK + 77)
    write(root / "holes", b"h" * 200_000)
    fallocate(root / "holes", 0x03, 4096, 8192)   # punch
    fallocate(root / "holes", 0x10, 150_000, 100_000)  # zero
    fallocate(root / "holes", 0x00, 0, 400_000)
    (root / "copy").touch()
    copy_range(root / "holes", root / "copy", 1000, 10, 180_000)
    copy_range(root / "border", root / "copy", CHUNK - 100, CHUNK - 1000, 5000)
    for i in range(6):
        write(root / "pieces", bytes([65 + i]) * 3000, at=2000 * i)
    write(root / "pieces-copy", b"")
    copy_range(root / "pieces", root / "pieces-copy", 0, 0, 13_000)
    scene.command("compact", str(root / "pieces"))
    write(root / "gone", b"g" * 70_000)
    remove(root / "gone")
    scene.wait(lambda: b"-1" in scene.redis.hash("sliceRef").values(), "a slice without use")
    write(root / "stays", b"s" * 60_000)
    scene.redis("ACL", "SETUSER", "default", "-llen")  # the client cannot delete its chunks
    remove(root / "stays")
    scene.wait(lambda: scene.redis("ZCARD", "delfiles") > 0, "a file in delfiles")
    with open(root / "held", "wb") as held:
        held.write(b"still here")
        held.flush()
        os.fsync(held.fileno())
        os.unlink(root / "held")
        return scene.dump()


def locks(scene):
    """flock and POSIX locks of several owners."""
    root = scene.up()
    for name in ("shared", "exclusive", "ranges", "overlap"):
        write(root / name, b"x" * 1000)
    with contextlib.ExitStack() as stack:
        def opened(name):
            return stack.enter_context(open(root / name, "r+b"))
        for _ in range(2):
            fcntl.flock(opened("shared"), fcntl.LOCK_SH)
        fcntl.flock(opened("exclusive"), fcntl.LOCK_EX)
        ranges = opened("ranges")
        fcntl.lockf(ranges, fcntl.LOCK_SH, 10, 0)
        fcntl.lockf(ranges, fcntl.LOCK_EX, 10, 20)
        fcntl.lockf(ranges, fcntl.LOCK_SH, 0, 500)  # to the end, wherever that is
        overlap = opened("overlap")
        fcntl.lockf(overlap, fcntl.LOCK_SH, 11, 0)
        fcntl.lockf(overlap, fcntl.LOCK_SH, 11, 20)
        fcntl.lockf(overlap, fcntl.LOCK_EX, 21, 5)
        fcntl.lockf(overlap, fcntl.LOCK_UN, 2, 8)
        return scene.dump()


def trash(scene):
    """Removed names, hard links and replaced files in the trash, delayed slices."""
    root = scene.up()
    (root / "d" / "sub").mkdir(parents=True)
    write(root / "d" / "file", b"f" * 5000)
    write(root / ("long" * 62), b"l")
    for i in range(6):
        write(root / "pieces", bytes([65 + i]) * 3000, at=2000 * i)
    scene.command("compact", str(root / "pieces"))
    scene.wait(lambda: scene.redis("HLEN", "delSlices") > 0, "delayed slices")
    write(root / "two", b"t")
    os.link(root / "two", root / "d" / "two")
    os.unlink(root / "two")
    write(root / "old", b"o")
    write(root / "new", b"n")
    os.rename(root / "new", root / "old")
    os.unlink(root / "d" / "file")
    os.rmdir(root / "d" / "sub")
    os.unlink(root / ("long" * 62))
    return scene.dump()


def quotas(scene):
    """Quotas of directories, users and groups."""
    scene.config("--user-group-quota")
    root = scene.up()
    (root / "q" / "inner").mkdir(parents=True)
    url = scene.volume.url
    scene.command("quota", "set", url, "--path", "/q", "--capacity", "1", "--inodes", "100")
    scene.command("quota", "set", url, "--path", "/q/inner", "--inodes", "7")
    scene.command("quota", "set", url, "--uid", "1001", "--capacity", "2")
    scene.command("quota", "set", url, "--gid", "2002", "--inodes", "50")
    scene.command("quota", "set", url, "--uid", "1003", "--inodes", "9")
    scene.command("quota", "delete", url, "--uid", "1003")
    time.sleep(2)  # the mount learns of them with its heartbeat
    write(root / "q" / "inner" / "file", b"f" * 10_000)
    os.chown(root / "q" / "inner" / "file", 1001, 2002)
    scene.wait(lambda: scene.redis("HGET", "dirQuotaUsedInodes", "2") == b"2", "usage of /q")
    scene.wait(lambda: scene.redis("HGET", "userQuotaUsedSpace", "1001") == b"12288",
               "usage of a user")
    return scene.dump()


def acls(scene):
    """Access and default ACLs, and what is made below a directory that has one."""
    root = scene.up()
    access, default = "system.posix_acl_access", "system.posix_acl_default"
    (root / "file").touch()
    os.setxattr(root / "file", access, acl(
        (USER_OBJ, 6, None), (USER, 5, 1001), (USER, 4, 1002), (GROUP_OBJ, 4, None),
        (GROUP, 7, 2001), (MASK, 5, None), (OTHER, 0, None)))
    (root / "dir").mkdir()
    os.setxattr(root / "dir", default, acl(
        (USER_OBJ, 7, None), (USER, 7, 1001), (GROUP_OBJ, 5, None), (MASK, 7, None),
        (OTHER, 1, None)))
    (root / "dir" / "sub").mkdir()
    (root / "dir" / "inherits").touch()
    (root / "minimal").mkdir()
    os.setxattr(root / "minimal", default, acl(
        (USER_OBJ, 7, None), (GROUP_OBJ, 5, None), (OTHER, 0, None)))
    (root / "minimal" / "file").touch()
    return scene.dump()


def tiers(scene):
    """Storage tiers, alone and together with ACLs."""
    scene.config("--tier", "1", "--storage-class", "STANDARD_IA")
    scene.config("--tier", "2", "--storage-class", "GLACIER_IR", "--tag", "a=b")
    root = scene.up()
    (root / "dir").mkdir()
    os.setxattr(root / "dir", "system.posix_acl_default", acl(
        (USER_OBJ, 7, None), (USER, 5, 1001), (GROUP_OBJ, 5, None), (MASK, 5, None),
        (OTHER, 0, None)))
    (root / "plain").touch()
    scene.command("tier", "set", scene.volume.url, "--tier", "1", "/dir")
    scene.command("tier", "set", scene.volume.url, "--tier", "2", "/plain")
    (root / "dir" / "inherits").touch()
    return scene.dump()


def change_log(scene):
    """A line per change. Turned on after the mount, whose own first line names the machine."""
    root = scene.up()
    scene.config("--changelog")
    def logs():
        (root / "probe").touch()
        remove(root / "probe")
        return scene.redis("LLEN", "txnLog") > 0
    scene.wait(logs, "the change log")
    write(root / "fi,le(%)", b"abc")
    os.chmod(root / "fi,le(%)", 0o600)
    (root / "dir").mkdir()
    os.rename(root / "fi,le(%)", root / "dir" / "b")
    os.link(root / "dir" / "b", root / "c")
    os.setxattr(root / "c", "user.x", b"\x00y")
    os.truncate(root / "c", 100)
    os.unlink(root / "c")
    with open(root / "dir" / "b", "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        fcntl.lockf(file, fcntl.LOCK_SH, 10, 0)
    remove(root / "dir" / "b")
    os.rmdir(root / "dir")
    return scene.dump()


def limits(scene):
    """A setting with much in it, no mount."""
    return scene.dump()


def refused(scene):
    """A setting with all that we do not serve."""
    scene.config("--enable-acl", "--user-group-quota", "--changelog")
    return scene.dump()


def rsa_key(folder):
    path = folder / "key.pem"
    subprocess.run(["openssl", "genrsa", "-aes256", "-passout", "pass:golden", "-traditional",
                    "-out", str(path), "2048"], check=True, capture_output=True)
    return path


def scenes(lab):
    """name -> (function, arguments of its Scene)."""
    return {
        "names": (names_and_kinds, {}),
        "contents": (contents, {"mount_options": ["--max-deletes", "0"]}),
        "locks": (locks, {}),
        "trash": (trash, {"trash_days": 1}),
        "quotas": (quotas, {}),
        "acls": (acls, {"options": ["--enable-acl"]}),
        "tiers": (tiers, {"options": ["--enable-acl"]}),
        "change_log": (change_log, {}),
        "limits": (limits, {"trash_days": 7, "options": [
            "--capacity", "10", "--inodes", "12345", "--compress", "zstd", "--hash-prefix",
            "--block-size", "256K"]}),
        "refused": (refused, {"below": "%d", "options": [
            "--encrypt-rsa-key", rsa_key(lab.folder), "--shards", "4"]}),
    }


def capture(program, folder, wanted=None):
    """name of the scene -> its keys. Uses folder for servers, buckets and mounts."""
    os.environ["JFS_RSA_PASSPHRASE"] = "golden"
    captured = {}
    with contextlib.closing(Lab(folder, {"juicefs": Juicefs(program)}, None)) as lab:
        for name, (play, arguments) in scenes(lab).items():
            if wanted and name not in wanted:
                continue
            with contextlib.ExitStack() as stack:
                scene = Scene(lab, stack, **arguments)
                captured[name] = play(scene)
                if scene.mount:
                    scene.mount.unmount()
    return captured


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    cleanup.install()
    golden = pathlib.Path(__file__).resolve().parent.parent / "unit" / "model_schema" / "golden"
    target = pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else golden
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, keys in capture(pathlib.Path(sys.argv[1]), pathlib.Path(folder)).items():
            text = json.dumps(keys, indent=1, sort_keys=True) + "\n"
            (target / f"{name}.json").write_text(text)
            print(f"{name}: {len(keys)} keys")


if __name__ == "__main__":
    main()
