"""The storage answers nothing: programs that wait for it can be killed, and their data is stored
when it is back."""

import signal
import subprocess
import sys
import time

import pytest

from support import mounts
from support.process import wait_until

pytestmark = [pytest.mark.quick, pytest.mark.usefixtures("only_ours")]

# Writes pieces of what it is given; says so before each.
WRITER = r"""
import os, signal, sys
signal.signal(signal.SIGUSR1, lambda *_: None)
file = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY)
while True:
    print("writing", flush=True)
    os.write(file, bytes(1 << 20))
"""
# The same, once.
ONE_BYTE = WRITER.replace("while True:", "sys.stdin.readline()\nif True:").replace("1 << 20", "1")


def freeze(disk, on):
    subprocess.run(["fsfreeze", "-f" if on else "-u", disk], check=True)


@pytest.fixture
def hung(lab):
    """(mount, the disk under its bucket), whose write buffer is soon full."""
    disk = lab.place("disk")
    mounts.loop_ext4(disk, lab.folder / "disk.img", 300)
    lab.defer(mounts.unmount_for_sure, disk)
    bucket = disk / "bucket"
    bucket.mkdir()
    volume = lab.format(bucket=bucket)
    mount = lab.mount("fastmeta", volume, settings={"host.data.write-buffer": "8MiB"})
    lab.defer(subprocess.run, ["fsfreeze", "-u", disk])
    return mount, disk


@pytest.fixture
def start(lab):
    def start(program, path):
        process = subprocess.Popen([sys.executable, "-c", program, path], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        lab.defer(process.kill)
        return process
    return start


def waits(process):
    """Until it has been in one call for half a second."""
    def stands():
        with open(f"/proc/{process.pid}/status") as file:
            before = file.read()
        time.sleep(0.5)
        with open(f"/proc/{process.pid}/status") as file:
            return file.read() == before
    wait_until(stands, 20, "a write that waits")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_writers_can_be_killed(hung, start, number):
    mount, disk = hung
    large, small = start(WRITER, mount.path("large")), start(ONE_BYTE, mount.path("small"))
    large.stdout.readline()
    freeze(disk, True)
    waits(large)
    small.stdin.write("\n")
    small.stdin.flush()
    assert small.stdout.readline() == "writing\n"
    waits(small)
    for process in (small, large):
        process.send_signal(number)
        assert process.wait(10) == -number
    freeze(disk, False)
    with open(mount.path("large"), "rb") as file:
        assert len(file.read()) >= 4 << 20
    assert mount.unmount() == 0


def test_a_signal_that_is_handled_ends_no_write(hung, start):
    mount, disk = hung
    writer = start(WRITER, mount.path("large"))
    writer.stdout.readline()
    freeze(disk, True)
    waits(writer)
    writer.send_signal(signal.SIGUSR1)
    waits(writer)
    freeze(disk, False)
    for _ in range(20):
        assert writer.stdout.readline() == "writing\n"
    writer.kill()
    writer.communicate()
