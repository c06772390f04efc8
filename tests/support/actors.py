"""Processes that act as one user each, in one tree each."""

import os
import pickle
import struct

from support import cleanup
from support.operations import Operations

# name -> uid, gid, supplementary groups, umask
USERS = {
    "root": (0, 0, [0], 0o022),
    "ann": (1001, 1001, [1001, 2000], 0o002),
    "bob": (1002, 1002, [1002, 2000], 0o067),
}


def _send(stream, value):
    data = pickle.dumps(value)
    stream.write(struct.pack("=I", len(data)) + data)
    stream.flush()


def _receive(stream):
    head = stream.read(4)
    if len(head) < 4:
        raise EOFError("the other side has gone")
    return pickle.loads(stream.read(struct.unpack("=I", head)[0]))


class Actor:
    """Runs operations in a child process: as the user, below the root."""

    def __init__(self, root, user):
        ours, theirs = os.pipe(), os.pipe()  # child -> us, us -> child
        self._pid = os.fork()
        if self._pid == 0:
            code = 1
            try:
                os.close(ours[0])
                os.close(theirs[1])
                _serve(root, user, os.fdopen(theirs[0], "rb"), os.fdopen(ours[1], "wb"))
                code = 0
            finally:
                os._exit(code)
        os.close(ours[1])
        os.close(theirs[0])
        self._in = os.fdopen(ours[0], "rb")
        self._out = os.fdopen(theirs[1], "wb")
        self._ticket = cleanup.defer(self.close)

    def begin(self, name, arguments):
        """Starts an operation; finish() gives its outcome."""
        _send(self._out, (name, arguments))

    def finish(self):
        return _receive(self._in)

    def __call__(self, name, *arguments):
        """("ok", value) or (errno's name, None)."""
        self.begin(name, arguments)
        return self.finish()

    def close(self):
        if self._pid:
            self._out.close()
            self._in.close()
            os.waitpid(self._pid, 0)
            self._pid = 0
        cleanup.run(self._ticket)


def _serve(root, user, commands, answers):
    # Only the two pipes: an inherited end would keep another actor from seeing its end.
    keep = {0, 1, 2, commands.fileno(), answers.fileno()}
    for fd in {int(n) for n in os.listdir("/proc/self/fd")} - keep:
        try:
            os.close(fd)
        except OSError:
            pass
    uid, gid, groups, mask = USERS[user]
    os.chdir(root)
    os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    os.umask(mask)
    operations = Operations()
    while True:
        try:
            name, arguments = _receive(commands)
        except EOFError:
            return
        _send(answers, operations.perform(name, arguments))


class Troupe:
    """One actor per user in one tree."""

    def __init__(self, root):
        self.root = root
        self._actors = {user: Actor(root, user) for user in USERS}

    def begin(self, user, name, arguments):
        self._actors[user].begin(name, arguments)

    def finish(self, user):
        return self._actors[user].finish()

    def __call__(self, user, name, *arguments):
        return self._actors[user](name, *arguments)

    def close(self):
        for actor in self._actors.values():
            actor.close()
