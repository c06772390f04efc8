"""Mounts of toy plugins: what the host does is seen without Redis."""

import json
import os
import pathlib
import subprocess
import tempfile
import time

import pytest

from support import cleanup


def toy_bucket(folder):
    """What a format leaves for the volume of the toy plugin."""
    bucket = folder / "bucket"
    (bucket / "toy").mkdir(parents=True)
    (bucket / "toy" / "juicefs_uuid").write_text("toy")
    return bucket


class Mount:
    """A mount in the foreground, so that its end and its log can be looked at."""

    def __init__(self, command, plugin, folder, options=(), runtime=None):
        self.command = command
        self.root = folder / "mnt"
        self.root.mkdir(parents=True)
        bucket = toy_bucket(folder)
        self.log_file = folder / "log"
        arguments = [command, "mount", "-f", "--plugin", plugin]
        for option in options:
            arguments += ["-o", option]
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                [*map(str, arguments), f"toy://{bucket}", str(self.root)], stdout=log, stderr=log)
        self._ticket = cleanup.defer(self.close)

    def wait(self):
        deadline = time.monotonic() + 20
        while not (os.path.ismount(self.root) and self._answers()):
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, "the mount does not come up: " + self.log()
            time.sleep(0.02)
        return self

    def _answers(self):
        return subprocess.run([self.command, "status", self.root], capture_output=True,
                              timeout=30).returncode == 0

    def log(self):
        return self.log_file.read_text(errors="replace")

    def ask(self, verb, **arguments):
        """The answer of the plugin's control verb; an AssertionError carries its error."""
        done = subprocess.run([self.command, "control", self.root, verb,
                               json.dumps(arguments, separators=(",", ":"))],
                              capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def stats(self):
        done = subprocess.run([self.command, "stats", "--json", self.root],
                              capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def end(self, signal):
        """The exit code after that signal."""
        self.process.send_signal(signal)
        return self.process.wait(30)

    def close(self):
        subprocess.run(["umount", "-l", str(self.root)], capture_output=True)
        if self.process.poll() is None:
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@pytest.fixture
def programs(build_dir) -> pathlib.Path:
    """Where the plugins and programs of this folder are built."""
    return build_dir / "tests"


@pytest.fixture
def open_folder():
    """A folder that other users may enter too; pytest's own are for its user only."""
    with tempfile.TemporaryDirectory(prefix="fastmeta-") as name:
        os.chmod(name, 0o755)
        yield pathlib.Path(name)


@pytest.fixture
def mount_toy(command, programs, open_folder):
    """Mounts a plugin of this folder, by default the toy."""
    mounts = []

    def mount(name="toy", options=(), wait=True):
        folder = open_folder / f"{name}{len(mounts)}"
        mounts.append(Mount(command, programs / f"{name}_plugin.so", folder, options))
        return mounts[-1].wait() if wait else mounts[-1]

    yield mount
    for each in mounts:
        each.close()
        cleanup.run(each._ticket)


@pytest.fixture
def toy(mount_toy):
    return mount_toy()
