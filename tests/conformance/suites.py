"""Independent suites that judge a mount: installed once, pinned, and run on a given folder.

pjdfstest asks what POSIX says of every call, with every kind of caller. fsx writes, truncates,
maps and punches one file at random and compares each read with a model.
"""

import dataclasses
import grp
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import tempfile

VERSIONS = {"pjdfstest": "0.2.2", "fsx": "0.3.2"}
INSTALL_SECONDS_MAX = 1800
RUN_SECONDS_MAX = 1800

# The standard client moves a directory's mtime in steps of 100 ms: the pause between two
# operations whose times are compared must be longer.
PAUSE_SECONDS = 0.15
# Callers that pjdfstest becomes; it wants each with a group, and none may be root.
USERS = (("nobody", "nogroup"), ("tests", "tests"))
FEATURES = ("posix_fallocate", "rename_ctime", "utime_now", "utimensat")


class Unavailable(Exception):
    """A suite cannot be installed or run on this machine, and why."""


@dataclasses.dataclass
class Verdict:
    """What a suite said."""

    suite: str
    passed: int
    failed: list[str]
    skipped: int
    output: str

    @property
    def good(self):
        return not self.failed and self.passed > 0

    def __str__(self):
        line = f"{self.suite}: {self.passed} passed, {len(self.failed)} failed"
        line += f", {self.skipped} skipped" if self.skipped else ""
        return "\n".join([line, *(f"  {name}" for name in self.failed)])


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "fastmeta" / "suites"


def find_cargo():
    """Also where rustup puts it, which only login shells have in their path."""
    home = pathlib.Path(os.environ.get("CARGO_HOME") or pathlib.Path.home() / ".cargo")
    return shutil.which("cargo") or shutil.which("cargo", path=home / "bin")


def install(name):
    """The suite's program, built by cargo into the cache unless it is there."""
    version = VERSIONS[name]
    root = cache_dir() / f"{name}-{version}"
    program = root / "bin" / name
    if program.exists():
        return program
    cargo = find_cargo()
    if not cargo:
        raise Unavailable(f"{name} is built by cargo, which is not there")
    done = subprocess.run(
        ["nice", cargo, "install", "--quiet", "--locked", "--root", root, name,
         "--version", version],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=INSTALL_SECONDS_MAX)
    if done.returncode != 0:
        raise Unavailable(f"{name} {version} could not be built:\n{done.stderr[-2000:]}")
    return program


def ensure_users():
    """Creates the users and groups that pjdfstest becomes, where they are missing."""
    for user, group in USERS:
        try:
            grp.getgrnam(group)
        except KeyError:
            subprocess.run(["groupadd", "--system", group], check=True)
        try:
            pwd.getpwnam(user)
        except KeyError:
            subprocess.run(
                ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent",
                 "--shell", "/usr/sbin/nologin", "--gid", group, user], check=True)


def pjdfstest_settings():
    features = "".join(f"{name} = {{}}\n" for name in FEATURES)
    users = ", ".join(f'["{user}", "{group}"]' for user, group in USERS)
    return (f"[features]\n{features}"
            f"[settings]\nnaptime = {PAUSE_SECONDS}\nallow_remount = false\n"
            f"[dummy_auth]\nentries = [{users}]\n")


def pjdfstest(folder, *patterns):
    """Runs its cases, those whose name holds one of the patterns if any, in a new subfolder."""
    if os.geteuid() != 0:
        raise Unavailable("pjdfstest becomes other users and needs root for that")
    program = install("pjdfstest")
    ensure_users()
    place = pathlib.Path(tempfile.mkdtemp(prefix="pjdfstest.", dir=folder))
    place.chmod(0o755)  # the other users must get in
    try:
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as settings:
            settings.write(pjdfstest_settings())
            settings.flush()
            done = subprocess.run(
                [program, "-c", settings.name, "-p", place, *patterns],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, errors="replace", timeout=RUN_SECONDS_MAX)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return read_pjdfstest(done.stdout, done.returncode)


def read_pjdfstest(output, status):
    failed = re.findall(r"^(\S+)\s.*FAILED$", output, re.M)
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|skipped)", output)}
    if status != 0 and not failed:
        failed = [f"ended with status {status}"]
    return Verdict("pjdfstest", counts.get("passed", 0), failed, counts.get("skipped", 0), output)


def fsx(folder, seeds=(1, 2, 3), operations=10000):
    """One run for each seed, each on a new file."""
    program = install("fsx")
    verdict = Verdict("fsx", 0, [], 0, "")
    with tempfile.TemporaryDirectory(prefix="fsx.") as artifacts:
        for seed in seeds:
            file = pathlib.Path(folder) / f"fsx.{os.getpid()}.{seed}"
            done = subprocess.run(
                [program, "-S", str(seed), "-N", str(operations), "-P", artifacts, file],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, errors="replace", timeout=RUN_SECONDS_MAX)
            file.unlink(missing_ok=True)
            verdict.output += done.stdout
            if done.returncode == 0:
                verdict.passed += 1
            else:
                last = "\n    ".join(done.stdout.splitlines()[-3:])
                verdict.failed.append(f"seed {seed}, status {done.returncode}\n    {last}")
    return verdict
