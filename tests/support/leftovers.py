"""What is left in a volume that nobody will ever miss or remove: objects without a record, and what
belongs to sessions that are gone."""

import json
import re

from support import volume_checks
from support.process import wait_until

SETTLED_S = 10


def unrecorded(volume):
    """{slice: object} of those that neither a file nor a count of references names, nor a list of
    what is to be deleted."""
    with volume.redis() as redis:
        # In the order in which a slice is named while it goes, so that none is missed on its way.
        named = volume_checks.slices_named(redis) | {0}
        named |= {int(field.split(b"_")[0][1:]) for field, count in redis.hash("sliceRef").items()
                  if int(count) < 0}
    found = {volume_checks.slice_of(path): path for path in volume.objects()}
    return {number: path for number, path in found.items() if number not in named}


def _begin(path):
    with open(path, "rb") as file:
        return file.read(100)


class Leftovers:
    """Told of each fault, it knows what may be left: what was stored at that time, and not recorded
    yet."""

    def __init__(self, volume):
        self.volume = volume
        self.allowed = set()     # slices that faults have left
        self.journalled = 0      # entries of the journal, and the slices that they keep
        self.kept = set()
        self._candidates, self._most = set(), 0

    def fault(self, most):
        """Now; it may leave so many objects."""
        self._most += most
        self._candidates |= {volume_checks.slice_of(path) for path in self.volume.objects()}

    def journal(self, entries):
        self.journalled = len(entries)
        self.kept = {slice_["id"] for entry in entries
                     for record in (entry["record"], *entry["later"])
                     for slice_ in (record.get("slice"), *record.get("copied", ())) if slice_}

    def complaints(self):
        """At rest: what is left and was not left by a kill."""
        found = {}

        def none():
            found.clear()
            found.update((number, path) for number, path in unrecorded(self.volume).items()
                         if number not in self.allowed | self.kept | self._candidates)
            return not found
        try:
            wait_until(none, SETTLED_S, "what is being removed to be gone", every_s=0.1)
        except TimeoutError:
            pass
        complaints = [f"{path.name}: an object that was not there at a fault, and no "
                      f"record names it: {_begin(path)}" for path in found.values()]
        new = set(unrecorded(self.volume)) & self._candidates - self.allowed - self.kept
        if len(new) > self._most:
            complaints.append(f"{len(new)} objects without a record, where up to {self._most} had "
                              f"to be expected: {sorted(new)[:10]}")
        self.allowed |= new
        self._candidates, self._most = set(), 0
        return complaints


def files_to_delete(volume):
    """How many removed files wait for their data to be deleted."""
    with volume.redis() as redis:
        return redis("ZCARD", "delfiles")


def of_dead_sessions(volume):
    """Complaints once those sessions have expired that are not the newest of their mount point."""
    with volume.redis() as redis:
        newest = {}
        for number, info in redis.hash("sessionInfos").items():
            place = json.loads(info)["MountPoint"]
            newest[place] = max(newest.get(place, 0), int(number))
        living = set(newest.values())

        def all_living():
            return {int(s) for s in redis("ZRANGE", "allSessions", 0, -1)} == living
        for dead in {int(s) for s in redis("ZRANGE", "allSessions", 0, -1)} - living:
            redis("ZADD", "allSessions", 1, dead)
        redis("DEL", "lastCleanupSessions")
        try:
            wait_until(all_living, 20, "dead sessions to be cleaned up")
        except TimeoutError as error:
            return [f"{error}: {redis('ZRANGE', 'allSessions', 0, -1)}, living are {living}"]
        return [f"{key} is left of a session that is gone" for key in _keys(redis)
                if int(re.search(rb"\d+", key)[0]) not in living]


def of_sessions(volume):
    """Complaints after all clients have gone, and a gc."""
    with volume.redis() as redis:
        left = _keys(redis) + redis.keys("lockf*") + redis.keys("lockp*")
        left += [key for key in (b"allSessions", b"sessionInfos", b"delfiles") if
                 redis("EXISTS", key)]
        return [f"{key} is left when all have gone" for key in left]


def _keys(redis):
    return [key for pattern in ("session*", "locked*") for key in redis.keys(pattern)
            if re.fullmatch(rb"(session|locked)\d+", key)]
