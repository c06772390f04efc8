"""The wall clock of processes under test; what it does to them: support/clock_step.c."""

import os
import pathlib
import struct


class WallClock:
    """Right at first. For processes that are started with .env."""

    def __init__(self, library, file):
        self._file = pathlib.Path(file)
        self.set(0)
        sanitizer = "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")
        self.env = dict(os.environ, LD_PRELOAD=str(library), FASTMETA_TEST_CLOCK=str(self._file),
                        ASAN_OPTIONS=sanitizer)

    def set(self, ahead_s):
        """From now on it is so many seconds ahead of the right time."""
        self._file.touch()
        with open(self._file, "r+b", buffering=0) as file:
            file.write(struct.pack("=q", round(ahead_s * 10**9)))
