"""The link between a client and Redis that a test can bend; what it can do: link/main.cc."""

import os
import subprocess

from support import cleanup


class Link:
    """Listens on .port and relays to the server at construction."""

    def __init__(self, program, server_port):
        self._process = subprocess.Popen(
            [program, str(server_port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            bufsize=1, env={"PATH": os.environ["PATH"]})
        self._ticket = cleanup.defer(self.stop)
        self.port = int(self._process.stdout.readline())

    def stop(self):
        if self._process.poll() is None:
            self._process.stdin.close()
            self._process.wait(10)
        cleanup.run(self._ticket)

    def _order(self, line):
        self._process.stdin.write(line + "\n")
        return self._process.stdout.readline().rstrip("\n")

    def _obey(self, line):
        answer = self._order(line)
        assert answer == "ok", answer

    def rtt(self, milliseconds):
        self._obey(f"rtt {int(milliseconds * 1000)}")

    def up(self):
        self._obey("mode up")

    def refuse(self):
        self._obey("mode refuse")

    def hole(self):
        self._obey("mode hole")

    def stall(self):
        self._obey("mode stall")

    def deaf(self):
        """The connection that is told of changes is a hole, and those that follow it; others are
        not. After up() only the present one is."""
        self._obey("mode deaf")

    def cut(self):
        self._obey("cut")

    def fail(self, nth, how, names="*", where="any"):
        """Once, at the nth request from now; how: before, after, hole, late or last; where: on any
        connection, or on the one that is told of changes ("tracking")."""
        self._obey(f"fail {nth} {how} {names} {where}")

    def disarm(self):
        self._obey("fail 0 before *")

    def fired(self):
        """The request that the armed failure hit, or an empty text."""
        return self._order("fired").partition(" ")[2]

    def zero(self):
        self._obey("zero")

    def count(self):
        """(requests, bursts, connections) since zero()."""
        return tuple(int(n) for n in self._order("count").split())

    def log(self):
        """The requests since zero(), each as (connection, burst, name, key)."""
        entries = []
        for word in self._order("log").split():
            where, name, key = word.split(":", 2)
            connection, burst = where.split(".")
            entries.append((int(connection), int(burst), name, key))
        return entries
