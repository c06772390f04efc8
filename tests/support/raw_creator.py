"""Another client that makes empty files in one folder, about one in a millisecond, as none does
through a kernel: by the schema, in one script each."""

import itertools
import time

from support.beside import Beside

_CREATE = """
local ino = redis.call('INCR', KEYS[1])
redis.call('SET', 'i' .. ino, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[2], string.char(1) .. struct.pack('>L', ino))
redis.call('INCRBY', 'usedSpace', 4096)
redis.call('INCR', 'totalInodes')
redis.call('HINCRBY', 'dirUsedSpace', ARGV[3], 4096)
redis.call('HINCRBY', 'dirUsedInodes', ARGV[3], 1)
"""


def counted(volume, folder):
    """Whether the folder has rows of statistics, so that nobody counts it anew."""
    with volume.redis() as redis:
        return redis("HEXISTS", "dirUsedInodes", folder) == 1


class RawCreator(Beside):
    def __init__(self, volume, folder, model, prefix, every_s=0.001):
        """folder, model: inodes; the model is a file in that folder. The folder is
        counted()."""
        self._volume, self._folder, self._model, self._every_s = volume, folder, model, every_s
        self.prefix, self.made = prefix, 0
        super().__init__(self._work)

    @property
    def names(self):
        return [f"{self.prefix}{n}" for n in range(self.made)]

    def _work(self, done):
        with self._volume.redis() as redis:
            attr = redis("GET", f"i{self._model}")
            script = redis("SCRIPT", "LOAD", _CREATE)
            due = time.monotonic()
            for n in itertools.count():
                if done.is_set():
                    return
                redis("EVALSHA", script, 2, "nextinode", f"d{self._folder}", attr,
                      f"{self.prefix}{n}", self._folder)
                self.made += 1
                due += self._every_s
                pause = due - time.monotonic()
                if pause > 0:
                    time.sleep(pause)
                else:
                    due = time.monotonic()  # nothing is made up for
