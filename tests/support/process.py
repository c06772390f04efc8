"""A child process with a log file, ended by its pid."""

import pathlib
import shutil
import signal
import subprocess
import time

from support import cleanup


def wait_until(condition, timeout_s, what, every_s=0.02):
    """The first true value of condition(); TimeoutError naming what after timeout_s."""
    end = time.monotonic() + timeout_s
    while True:
        if value := condition():
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {timeout_s} s")
        time.sleep(every_s)


class Process:
    """Started at construction; stop() is safe to call at any time."""

    def __init__(self, arguments, log, env=None, **popen):
        self.arguments = [str(a) for a in arguments]
        self.log = pathlib.Path(log)
        with open(self.log, "ab") as out:
            self._popen = subprocess.Popen(
                self.arguments, stdin=popen.pop("stdin", subprocess.DEVNULL), stdout=out,
                stderr=out, env=env, start_new_session=True, **popen)
        self._ticket = cleanup.defer(self.kill)

    @property
    def pid(self):
        return self._popen.pid

    @property
    def alive(self):
        return self._popen.poll() is None

    @property
    def exit_code(self):
        return self._popen.poll()

    def text(self):
        return self.log.read_text(errors="replace")

    def signal(self, number):
        if self.alive:
            self._popen.send_signal(number)

    def wait(self, timeout_s):
        """The exit code; subprocess.TimeoutExpired when it does not end."""
        return self._popen.wait(timeout_s)

    def stacks(self):
        """Where its threads are, as far as a debugger is there to tell."""
        if not shutil.which("gdb"):
            return "where its threads are: no gdb"
        return run(["gdb", "-p", self.pid, "-batch", "-ex", "thread apply all bt"], 120).stdout

    def kill(self):
        self.signal(signal.SIGKILL)
        self._popen.wait()
        cleanup.run(self._ticket)

    def stop(self, timeout_s=15):
        """SIGTERM, then SIGKILL. Returns whether it went by itself."""
        self.signal(signal.SIGTERM)
        try:
            self._popen.wait(timeout_s)
            return True
        except subprocess.TimeoutExpired:
            return False
        finally:
            self.kill()


def run(arguments, timeout_s=60, **kwargs):
    """Runs a command to its end; its output (both streams) is .stdout, as text."""
    return subprocess.run(
        [str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=timeout_s, text=True, errors="replace", **kwargs)
