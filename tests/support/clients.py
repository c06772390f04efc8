"""The two clients of a volume: ours ("fastmeta") and the standard one ("juicefs")."""

import os
import signal
import subprocess

from support import cleanup, mounts
from support.process import Process, run, wait_until

MOUNT_TIMEOUT_S = 30

_live = set()


class Mount:
    """A mounted volume, served by a process of ours in the foreground."""

    def __init__(self, client, volume, root, process, revives=False):
        """revives: a process that dies is started again by one of its own."""
        self.revives = revives
        self.client = client
        self.volume = volume
        self.root = root
        self.process = process
        self._ticket = cleanup.defer(self.close)
        _live.add(self)

    def path(self, *parts):
        return os.path.join(str(self.root), *parts)

    @property
    def log(self):
        return self.process.text()

    def wait(self):
        """Until it is up; AssertionError with its log if it ends before."""
        def up():
            assert self.process.alive, f"{self.client} did not mount:\n{self.log[-3000:]}"
            return mounts.mounted(self.root)
        wait_until(up, MOUNT_TIMEOUT_S, f"{self.client} on {self.root}")
        return self

    def unmount(self, timeout_s=20):
        """The ordinary way: unmounted, the process ends by itself. Its exit code."""
        if not mounts.unmount(self.root):
            wait_until(lambda: mounts.unmount(self.root) or not mounts.mounted(self.root),
                       timeout_s, f"umount {self.root}", every_s=0.1)
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired as late:
            raise TimeoutError(f"{self.client} goes on {timeout_s} s after its unmount:\n"
                               f"{self.process.stacks()}") from late
        finally:
            self.close()

    def kill(self):
        """As a crash: nothing is told to anybody."""
        self.kill_process()
        mounts.abort(self.root)
        self.process.kill()
        mounts.unmount_for_sure(self.root, 0)

    def kill_process(self):
        """Only that; what becomes of the mount point is the kernel's and the client's affair."""
        others = children(self.process.pid) if self.revives else []
        for pid in [*others, self.process.pid]:
            _signal(pid, signal.SIGKILL)

    def close(self):
        """Gets rid of it whatever its state."""
        mounts.unmount_for_sure(self.root)
        if self.process.alive:
            try:
                self.process.wait(15)
            except Exception:
                self.kill()
        cleanup.run(self._ticket)
        _live.discard(self)


def kill_all():
    """Requests that no mount answers come back with an error, wherever somebody waits in one."""
    for mount in list(_live):
        mount.kill_process()
        mounts.abort(mount.root)


def children(pid):
    """The processes that it began, and those that they began."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            found = [int(word) for word in file.read().split()]
    except OSError:
        return []
    return found + [below for child in found for below in children(child)]


def _signal(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


class Juicefs:
    """The standard client's command."""

    name = "juicefs"

    def __init__(self, program):
        self.program = program

    def run(self, *arguments, timeout_s=120, env=None):
        return run([self.program, *arguments, "--no-color"], timeout_s, env=env)

    def format(self, url, name, bucket, options=()):
        return self.run("format", url, name, "--storage", "file", "--bucket", f"{bucket}/",
                        *options)

    def mount(self, volume, root, folder, url=None, options=(), env=None):
        command = [self.program, "mount", "--no-usage-report", "--no-syslog", "--no-color",
                   "--enable-xattr", "--backup-meta", "0", "--cache-dir", folder / "cache",
                   *options, url or volume.url, root]
        return Mount(self.name, volume, root, Process(command, folder / "mount.log", env),
                     revives=True)


class Fastmeta:
    """Our command. Settings are "key.path" -> value, put into the YAML file it is given."""

    name = "fastmeta"

    def __init__(self, program, mode="passthrough"):
        """mode: of mounts whose settings name none."""
        self.program = program
        self.mode = mode

    def run(self, *arguments, timeout_s=60, env=None):
        return run([self.program, *arguments], timeout_s, env=env)

    def format(self, url, name, bucket, options=()):
        return self.run("format", url, name, "--storage", "file", "--bucket", bucket, *options)

    def mount(self, volume, root, folder, url=None, options=(), settings=None, env=None):
        config = folder / "fastmeta.yaml"
        place = {"mode": self.mode}
        if self.mode == "fast-meta":
            place["cache.dir"] = str(folder / "cache")
        if settings and "mode" in settings:
            place = {}
        config.write_text(yaml({"meta.url": url or volume.url, "host.mount.allow-other": True,
                                **place, **(settings or {})}))
        command = [self.program, "mount", "-f", *options, "-c", config, root]
        return Mount(self.name, volume, root, Process(command, folder / "mount.log", env))


def yaml(settings):
    """{"a.b": 1} as a YAML document."""
    tree = {}
    for path, value in settings.items():
        *above, last = path.split(".")
        branch = tree
        for key in above:
            branch = branch.setdefault(key, {})
        branch[last] = value
    lines = []

    def write(branch, indent):
        for key, value in branch.items():
            if isinstance(value, dict):
                lines.append(f"{indent}{key}:")
                write(value, indent + "  ")
            elif isinstance(value, list):
                lines.append(f"{indent}{key}:")
                lines.extend(f"{indent}  - '{item}'" for item in value)
            elif isinstance(value, bool):
                lines.append(f"{indent}{key}: {str(value).lower()}")
            else:
                text = str(value).replace("'", "''")
                lines.append(f"{indent}{key}: " + (text if isinstance(value, int) else f"'{text}'"))
    write(tree, "")
    return "\n".join(lines) + "\n"
