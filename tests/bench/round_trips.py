#!/usr/bin/env python3
"""Counts the round trips to Redis that one operation costs, for our mount and the standard
client's: every request that leaves before a reply to the one before has arrived belongs to the same
round trip. The link delays by 5 ms, so that what can travel together does.

"first" operations are in a folder that the mount has never seen, "next" ones in one it knows.

usage: tests/bench/round_trips.py [--build build/release] [--json FILE] [--trace OPERATION]
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]

from support import cleanup  # noqa: E402
from support.clients import Fastmeta, Juicefs  # noqa: E402
from support.lab import Lab  # noqa: E402

TURNS = 7
RTT_MS = 5
# Sent by themselves now and then, not for an operation.
BACKGROUND = {"PING", "HEXISTS", "HINCRBY", "INCRBY", "ZADD", "HSETNX", "HELLO", "CLIENT", "SELECT",
              "INFO", "CLUSTER", "AUTH", "SCRIPT"}


def make(path):
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))


def write(path):
    with open(path, "r+b", buffering=0) as file:
        file.write(b"x" * 4096)


def read(path):
    with open(path, "rb", buffering=0) as file:
        file.read(4096)


def list_and_stat(folder):
    with os.scandir(folder) as entries:
        return [entry.stat(follow_symlinks=False) for entry in entries]


# name -> (what the folder holds, the operation on it)
OPERATIONS = {
    "mkdir": (None, lambda d: os.mkdir(f"{d}/new")),
    "create": (None, lambda d: make(f"{d}/new")),
    "4 KiB write+close": ("file", lambda d: write(f"{d}/it")),
    "stat": ("file", lambda d: os.stat(f"{d}/it")),
    "stat of no file": (None, lambda d: os.path.exists(f"{d}/none")),
    "readdir+stat": ("file", list_and_stat),
    "open+close": ("file", lambda d: os.close(os.open(f"{d}/it", os.O_RDONLY))),
    "4 KiB read": ("file", lambda d: read(f"{d}/it")),
    "chmod": ("file", lambda d: os.chmod(f"{d}/it", 0o600)),
    "rename": ("file", lambda d: os.rename(f"{d}/it", f"{d}/new")),
    "setxattr": ("file", lambda d: os.setxattr(f"{d}/it", "user.a", b"")),
    "unlink": ("file", lambda d: os.unlink(f"{d}/it")),
    "rmdir": ("folder", lambda d: os.rmdir(f"{d}/it")),
}


def put(folder, what):
    os.mkdir(folder)
    if what == "file":
        with open(f"{folder}/it", "wb") as file:
            file.write(b"contents" * 512)
    elif what == "folder":
        os.mkdir(f"{folder}/it")


def bursts(link):
    """Round trips since zero(): those with a request that belongs to an operation."""
    entries = link.log()
    # One of those names inside a transaction leaves together with its MULTI, which counts.
    real = {burst for _, burst, name, _ in entries if name not in BACKGROUND}
    return len(real), [f"{c}.{b}:{n}:{k}" for c, b, n, k in entries]


def measure(mount, link, author, what, operation, known):
    folder = f"t{time.monotonic_ns()}"
    put(author.path(folder), what)
    time.sleep(0.02)
    path = mount.path(folder)
    if known:
        os.stat(path)
        os.listdir(path)
        time.sleep(0.02)
    link.zero()
    operation(path)
    return bursts(link)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--build", default="build/release")
    options.add_argument("--json")
    options.add_argument("--trace", help="also print the requests of this operation")
    args = options.parse_args()
    build = ROOT / args.build
    cleanup.install()
    counts = {}
    with tempfile.TemporaryDirectory(prefix="fastmeta-trips") as folder:
        lab = Lab(folder, {"fastmeta": Fastmeta(build / "fastmeta"),
                           "juicefs": Juicefs(ROOT / "build/venv/bin/juicefs")},
                  build / "tests" / "link")
        try:
            for client in ("fastmeta", "juicefs"):
                volume = lab.format()
                link = lab.link(volume.server)
                author = lab.mount("juicefs", volume)
                mount = lab.mount(client, volume, url=volume.server.url(port=link.port))
                make(mount.path("first"))  # sessions, id ranges, scripts
                link.rtt(RTT_MS)
                for name, (what, operation) in OPERATIONS.items():
                    for known in (False, True):
                        seen = [measure(mount, link, author, what, operation, known)
                                for _ in range(TURNS)]
                        label = f"{name}, {'next' if known else 'first'}"
                        counts.setdefault(label, {})[client] = statistics.median(
                            n for n, _ in seen)
                        if args.trace == name:
                            print(client, label, *seen[-1][1], sep="\n    ")
                link.rtt(0)
        finally:
            lab.close()
    print(f"{'round trips':28}{'fastmeta':>10}{'juicefs':>10}")
    for label, found in counts.items():
        print(f"{label:28}{found['fastmeta']:>10g}{found['juicefs']:>10g}")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(counts, indent=1))


if __name__ == "__main__":
    main()
