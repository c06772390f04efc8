"""A Redis server of our own, on a port of its own."""

import pathlib
import signal
import socket

from support.process import Process, wait_until
from support.resp import Redis, RedisError


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RedisServer:
    """Started at construction. That the answering server is ours is verified by its pid."""

    def __init__(self, folder, persist=False, password=None, arguments=()):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.password = password
        self._persist = persist
        self._arguments = list(arguments)
        self.process = None
        for attempt in range(10):
            self.port = free_port()
            try:
                self.start()
                return
            except TimeoutError:
                if attempt == 9:
                    raise

    def start(self):
        """Starts it, again if it was stopped, on the same port and with the same folder."""
        command = ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--save", "",
                   "--appendonly", "yes" if self._persist else "no", "--appendfsync", "always",
                   "--daemonize", "no", "--dir", self.folder]
        if self.password:
            command += ["--requirepass", self.password]
        self.process = Process(command + self._arguments, self.folder / "redis.log")
        try:
            wait_until(self._is_ours, 10, f"redis on port {self.port}")
        except TimeoutError:
            self.process.kill()
            raise

    def _is_ours(self):
        if not self.process.alive:
            raise TimeoutError(f"redis ended: {self.process.text()[-500:]}")
        try:
            with self.connect() as redis:
                return f"process_id:{self.process.pid}\r\n".encode() in redis("INFO", "server")
        except (OSError, RedisError):
            return False

    def wait_loaded(self, timeout_s=60):
        """Until it answers: after many commands its file takes a while to read."""
        def loaded():
            try:
                with self.connect() as redis:
                    return redis("PING")
            except (OSError, RedisError):
                return False
        wait_until(loaded, timeout_s, f"redis on port {self.port}")

    def connect(self, db=0):
        return Redis(self.port, self.password, db)

    def url(self, db=0, port=None, user="", password=None):
        secret = password if password is not None else self.password
        login = f"{user}:{secret}@" if secret else ""
        return f"redis://{login}127.0.0.1:{port or self.port}/{db}"

    def freeze(self):
        """Answers nothing until thaw(); connections stay open."""
        self.process.signal(signal.SIGSTOP)

    def thaw(self):
        self.process.signal(signal.SIGCONT)

    def kill(self):
        self.process.kill()

    def stop(self):
        self.thaw()
        self.process.stop()
