"""Folders that clients put into each other at the same time. All moves at once would make a ring
that nobody can reach: the last of them to arrive is a conflict, and everything stays where it can
be found."""

import errno
import os

import pytest

from fastmeta.conftest import (UNHURRIED, Fast, conflicts, hold, meet, names, soon, sound, tree,
                               write)
from support.process import wait_until

LOOK_S = 15


class Ring:
    """Below one folder: for each client a folder, which it moves into that of the next one; so many
    levels deep."""

    def __init__(self, clients, depth, top):
        self.clients, self.top = clients, top
        self.deep = [str(level) for level in range(1, depth)]
        maker = clients[0]
        os.mkdir(maker.path(top))
        self.files = set()
        for n in range(len(clients)):
            os.makedirs(maker.path(top, f"n{n}", *self.deep))
            write(maker.path(top, f"n{n}", *self.deep, f"file{n}"), b"%d" % n)
            self.files.add(f"file{n}")
        maker.drained()
        for client in clients:
            last = client.path(top, f"n{len(clients) - 1}", *self.deep, f"file{len(clients) - 1}")
            wait_until(lambda: os.path.exists(last), LOOK_S, last)
            tree(client.path(top))

    def move(self, n):
        target = (n + 1) % len(self.clients)
        os.rename(self.clients[n].path(self.top, f"n{n}"),
                  self.clients[n].path(self.top, f"n{target}", *self.deep, f"n{n}"))

    def all_reachable(self):
        """On all, and in the same places. The first client tells where."""
        for client in self.clients:
            def found():
                there = tree(client.path(self.top))
                files = {path.split("/")[-1]: it for path, it in there.items() if it[0] == "file"}
                return files.keys() == self.files and \
                    all(it[1] == name[4:].encode() for name, it in files.items()) and \
                    there == tree(self.clients[0].path(self.top))
            soon(found, f"all files on {client.path()}", LOOK_S)


def judge(lab, volume, clients, rings):
    for ring in rings:
        ring.all_reachable()
    for client in clients:
        if isinstance(client, Fast):
            client.mount.unmount()
    assert sound(lab, volume) == []


def test_with_the_standard_client(lab, volume, standard):
    ours = Fast(lab, volume, lab.link(volume.server), settings=UNHURRIED)
    clients, rings = [ours, standard], []
    for depth in (1, 4):
        ring = Ring(clients, depth, f"theirs first, {depth}")
        rings.append(ring)
        hold(ours)
        ring.move(0)
        ring.move(1)
        meet(ours)
        assert conflicts(ours) == len(rings)
        assert names(standard.path(ring.top)) == ["n0"]
    # When it is the later one it has to see that by itself, which it does for two levels.
    ring = Ring(clients, 1, "ours first")
    rings.append(ring)
    ring.move(0)
    ours.drained()
    with pytest.raises(OSError) as refused:
        ring.move(1)
    assert refused.value.errno in (errno.EPERM, errno.EINVAL, errno.ENOENT)
    judge(lab, volume, clients, rings)


@pytest.mark.parametrize("third", [False, True], ids=["two", "three"])
def test_with_another_of_us(lab, volume, request, third):
    """Any but all of the moves go together, the last one closes the ring. The third client is the
    standard one, which moves at once."""
    ours = [Fast(lab, volume, lab.link(volume.server), settings=UNHURRIED) for _ in range(2)]
    clients = [*ours, request.getfixturevalue("standard")] if third else ours
    rings, lost = [], [0, 0]
    for depth in (1, 4):
        for first in (0, 1):
            ring = Ring(clients, depth, f"{first} first, {depth}")
            rings.append(ring)
            for n, client in enumerate(ours):
                hold(client)
                ring.move(n)
            if third:
                ring.move(2)
            meet(ours[first])
            meet(ours[1 - first])
            lost[1 - first] += 1
            assert [conflicts(client) for client in ours] == lost
    judge(lab, volume, clients, rings)
