"""libfuse's own example passthrough_ll, the floor of what a FUSE file system costs."""

import gzip
import pathlib
import shutil
import subprocess

from support import cleanup, mounts
from support.process import Process, wait_until

SOURCES = pathlib.Path("/usr/share/doc/libfuse3-dev/examples")


def build(folder):
    """The program, from the sources that libfuse3-dev brings; None where it brings none."""
    for name in ("passthrough_ll.c", "passthrough_helpers.h"):
        plain, packed = SOURCES / name, SOURCES / (name + ".gz")
        if plain.exists():
            shutil.copy(plain, folder / name)
        elif packed.exists():
            (folder / name).write_bytes(gzip.decompress(packed.read_bytes()))
        else:
            return None
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"], capture_output=True,
                           text=True, check=True).stdout.split()
    program = folder / "passthrough_ll"
    subprocess.run(["cc", "-O2", "-w", folder / "passthrough_ll.c", *flags, "-o", program],
                   check=True)
    return program


class Passthrough:
    """A folder of the local disk, mounted through passthrough_ll."""

    def __init__(self, program, source, root, log):
        self.root = root
        self._process = Process([program, "-f", "-o", f"source={source},cache=auto,timeout=60",
                                 root], log)
        self._ticket = cleanup.defer(self.close)
        wait_until(lambda: mounts.mounted(root), 10, "passthrough_ll")

    def close(self):
        mounts.unmount_for_sure(self.root)
        self._process.wait(10)
        cleanup.run(self._ticket)
