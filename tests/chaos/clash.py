"""Names that we make while our link is held back, and that the standard client makes meanwhile: all
of ours are sacrificed, each once, however often the undoing of them is interrupted."""

import collections
import datetime
import errno
import os
import pathlib

from support.process import wait_until

NAMES = 30
LOOK_S = 10


class Clash:
    def __init__(self, fast, standard, number):
        self.name = f"clash{number}"
        self.fast, self.standard = fast, standard
        self.ours = collections.Counter()  # paths that we have made, with what is inside
        os.mkdir(fast.path(self.name))
        fast.drained()
        wait_until(lambda: os.path.isdir(standard.path(self.name)), LOOK_S, self.name)

    def make(self):
        """Ours, then theirs; the link is held back."""
        try:
            for n in range(NAMES):
                self._ours(n)
        except OSError as error:
            if error.errno != errno.EROFS:  # held back for so long that it counts as lost
                raise
        for n in range(NAMES):
            self._write(self.standard.path(self.name, str(n)), b"theirs%d" % n)

    def _ours(self, n):
        path = self.fast.path(self.name, str(n))
        if n % 3 == 0:
            self._write(path, b"ours")
        elif n % 3 == 1:
            os.mkdir(path)
            self._write(path + "/inside", b"ours")
            self.ours[f"/{self.name}/{n}/inside"] += 1
        else:
            os.symlink("ours", path)
        self.ours[f"/{self.name}/{n}"] += 1

    @staticmethod
    def _write(path, data):
        with open(path, "xb", buffering=0) as file:
            file.write(data)

    def complaints(self, entries):
        """entries: of the journal, those about this folder."""
        made = collections.Counter(entry["path_then"] for entry in entries
                                   if entry["record"]["op"] == "create")
        found = [f"{path}: made {self.ours[path]} times, {made[path]} times in the journal"
                 for path in sorted(made.keys() | self.ours.keys())
                 if made[path] != self.ours[path]]
        wanted = {str(n): b"theirs%d" % n for n in range(NAMES)}
        for mount in (self.fast, self.standard):
            there = {}

            def equal():
                folder = pathlib.Path(mount.path(self.name))
                there.clear()
                there.update((path.name, path.read_bytes()) for path in folder.iterdir())
                return there == wanted
            try:
                wait_until(equal, LOOK_S, "theirs", every_s=0.1)
            except (TimeoutError, OSError) as error:
                found.append(f"{mount.path(self.name)}: {error}; {there}")
        return found


def now():
    """As a journal tells it."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")


def interrupted(entries, killed_at):
    """Whether some was undone before that time, and some after."""
    before = [entry["time"] < killed_at for entry in entries]
    return any(before) and not all(before)
