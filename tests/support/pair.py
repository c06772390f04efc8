"""One volume that two clients have mounted: who changes something, and who watches."""

import os
import time

from support.process import wait_until

# How long the standard client may believe what it has seen. Ours has no such excuse.
STANDARD_CACHE_S = 1.5
AT_ONCE_S = 0.5


def make_statistics(volume, mount):
    """The root's statistics exist from now on. Where a folder has none the clients recount it,
    and what another client has not yet reported then counts twice."""
    os.mkdir(mount.path("first"))
    with volume.redis() as redis:
        wait_until(lambda: redis("HEXISTS", "dirUsedInodes", "1"), 15, "statistics of the root")


class Pair:
    def __init__(self, volume, writer, reader):
        self.volume = volume
        self.writer = writer
        self.reader = reader
        self.patience_s = AT_ONCE_S if reader.client == "fastmeta" else STANDARD_CACHE_S

    def soon(self, condition, what):
        """Until condition() holds on the reader; AssertionError after the patience."""
        end = time.monotonic() + self.patience_s
        while True:
            try:
                if condition():
                    return
            except OSError:
                pass
            assert time.monotonic() < end, f"{what}: not seen within {self.patience_s} s"
            time.sleep(0.005)


def directions(ours):
    """(writer, reader) both ways; the same client twice where it proves the tests."""
    return {"ours to standard": (ours, "juicefs"), "standard to ours": ("juicefs", ours)}
