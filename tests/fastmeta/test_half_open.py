"""The connection that tells of changes dies without a word, while everything else works (I5)."""

import os
import stat
import time

import pytest

from fastmeta.conftest import Fast, conflicts, names, read, soon, write
from support.beside import Beside

# As config/fast-meta.yaml has them: these bounds are what users get.
DEFAULTS = {"meta.ping-interval": "2s", "meta.ping-timeout": "5s", "meta.deadline": "10s",
            "meta.connect-timeout": "5s", "meta.backoff-initial": "50ms", "meta.backoff-max": "2s",
            "disconnect-grace": "2s"}
NOTICED_S = 5
MORE_S = 0.5
WATCHED_S = 8


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def attempt(call):
    try:
        return call()
    except OSError as error:
        return error


class Watch(Beside):
    """Asks the same again and again; remembers when it was answered what."""

    def __init__(self, call):
        self.answers = []

        def work(done):
            while not done.wait(0.01):
                answer = attempt(call)
                self.answers.append((time.monotonic(), answer))
        super().__init__(work)

    def end(self):
        super().end()
        return self.answers


def behind_a_ping(link):
    """The worst moment: a sign of life has just come, and the next question is far."""
    def pings():
        return sum(name == "PING" for _, _, name, _ in link.log())
    before, end = pings(), time.monotonic() + 10
    while pings() == before:
        assert time.monotonic() < end, "no PING"
        time.sleep(0.02)
    time.sleep(0.1)


def test_nothing_old_is_answered_five_seconds_after_the_changes_stop_coming(lab, volume, standard):
    fast = Fast(lab, volume, lab.link(volume.server), DEFAULTS)
    for name in ("mode", "data"):
        write(fast.path(name), b"old")
    os.mkdir(fast.path("dir"))
    fast.drained()
    watched = {
        "stat": (lambda: mode(fast.path("mode")), 0o644, 0o600),
        "read": (lambda: read(fast.path("data")), b"old", b"newer"),
        "listdir": (lambda: os.listdir(fast.path("dir")), [], ["theirs"]),
        "an absent name": (lambda: os.path.exists(fast.path("dir", "theirs")), False, True),
    }
    for what, (call, old, _) in watched.items():
        assert call() == old, what
    soon(lambda: names(standard.path()) == ["data", "dir", "mode"], "the files")
    behind_a_ping(fast.link)
    fast.link.deaf()
    fast.link.up()  # only the present connection stays a hole
    begin = time.monotonic()
    os.chmod(standard.path("mode"), 0o600)
    write(standard.path("data"), b"newer")
    write(standard.path("dir", "theirs"), b"")
    watches = {what: Watch(call) for what, (call, *_) in watched.items()}
    time.sleep(max(0, begin + WATCHED_S - time.monotonic()))
    answered = {what: watch.end() for what, watch in watches.items()}
    for what, answers in answered.items():
        _, old, new = watched[what]
        last_old = max((at - begin for at, answer in answers if answer == old), default=0)
        print(f"{what}: {len(answers)} answers, the last old one after {last_old:.2f} s")
        assert last_old > 1, f"{what}: the link told of the change, the test proves nothing"
        assert last_old <= NOTICED_S + MORE_S, what
        assert answers[-1][1] == new, what
    fast.is_state("writable")
    os.mkdir(fast.path("dir", "ours"))
    fast.drained()
    soon(lambda: names(standard.path("dir")) == ["ours", "theirs"], "ours there")
    assert names(fast.path("dir")) == ["ours", "theirs"] and conflicts(fast) == 0


def test_while_no_connection_tells_of_changes_it_is_lost_whatever_else_works(lab, volume, standard):
    """What is in the cache is answered as it was, and told as read-only; nothing is acknowledged
    on top of it; then all is current."""
    fast = Fast(lab, volume, lab.link(volume.server))
    write(fast.path("file"), b"old")
    fast.drained()
    assert read(fast.path("file")) == b"old" and os.listdir(fast.path()) == ["file"]
    soon(lambda: os.path.exists(standard.path("file")), "the file")
    fast.link.deaf()
    os.chmod(standard.path("file"), 0o600)
    write(standard.path("theirs"), b"")
    fast.is_state("read-only", 5)
    until = time.monotonic() + 2
    while time.monotonic() < until:
        begin = time.monotonic()
        assert mode(fast.path("file")) == 0o644 and os.listdir(fast.path()) == ["file"]
        assert time.monotonic() - begin < 1.5, "from the cache; the deadline is 3 s"
        assert fast.state == "read-only"
        with pytest.raises(OSError):
            os.mkdir(fast.path("refused"))
    fast.link.up()
    fast.is_state("writable")
    assert mode(fast.path("file")) == 0o600 and names(fast.path()) == ["file", "theirs"]
    os.mkdir(fast.path("after"))
    fast.drained()
    assert conflicts(fast) == 0
