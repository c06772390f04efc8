#!/usr/bin/env python3
"""Kills processes in the middle of a load of every operation, again and again, and looks whether
every acknowledged operation is there exactly once: for us after each kill, for the standard client
too, and in its own tools in the end.

usage: tests/chaos/kill_loop.py [--rounds 300] [--rtt 0] [--seed N] [--build build/release]
needs root and build/venv (scripts/venv). Prints rounds, operations, faults by kind, violations;
exit code 1 if there are any of these.
"""

import argparse
import collections
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]

from chaos import promises  # noqa: E402
from fastmeta.conftest import Fast  # noqa: E402
from support import cleanup, volume_checks  # noqa: E402
from support.clients import Fastmeta, Juicefs  # noqa: E402
from support.lab import Lab  # noqa: E402
from support.process import wait_until  # noqa: E402

WORKERS = 2
KINDS = ("host", "host", "server", "both", "link", "host after link")
STANDARD_EACH = 5   # rounds between looks through the standard client
UP_S = 40


class Rounds:
    def __init__(self, lab, seed, rtt_ms):
        self.lab = lab
        self.dice = random.Random(seed)
        self.server = lab.redis(persist=True)
        self.volume = lab.format(server=self.server)
        self.link = lab.link(self.server)
        self.link.rtt(rtt_ms)
        self.fast = Fast(lab, self.volume, self.link)
        self.standard = lab.mount("juicefs", self.volume)
        self.logs = lab.place("log")
        self.faults = collections.Counter()
        self.operations = 0
        self.violations = []
        self.leftovers = 0

    def begin(self, number):
        """Workers, each in a folder of its own, as (folder, log, process)."""
        workers = []
        for n in range(WORKERS):
            folder, log = f"r{number}_{n}", self.logs / f"{number}_{n}"
            os.mkdir(self.fast.path(folder))
            workers.append((folder, log, subprocess.Popen(
                [sys.executable, str(ROOT / "tests/chaos/promises.py"), self.fast.path(folder),
                 str(log), str(self.dice.randrange(1 << 30)), "0", "", ""])))
        return workers

    def strike(self, kind):
        """Afterwards the mount is up again."""
        if kind == "link":
            self.link.cut()
            time.sleep(self.dice.uniform(0, 0.3))
            return
        if kind == "host after link":
            self.link.stall()
            time.sleep(self.dice.uniform(0, 0.3))
        if kind in ("server", "both"):
            self.server.kill()
        if kind in ("host", "both", "host after link"):
            self.fast.crash()
        self.link.up()
        if kind in ("server", "both"):
            time.sleep(self.dice.uniform(0, 0.5))
            self.server.start()
        if kind != "server":
            self.fast.up()

    def round(self, number):
        kind = self.dice.choice(KINDS)
        workers = self.begin(number)
        try:
            time.sleep(self.dice.uniform(0.05, 1.0))
            self.strike(kind)
            self.faults[kind] += 1
            if kind in ("server", "link"):  # the load goes on over it
                time.sleep(self.dice.uniform(0, 0.3))
        finally:
            for _, _, process in workers:
                if process.poll() is None and kind in ("server", "link"):
                    process.terminate()
                process.wait(60)
        for folder, _, process in workers:
            if process.returncode not in (0, -15):
                self.violations.append(f"round {number}: {folder}: exit {process.returncode}")
        try:
            self.fast.is_state("writable", UP_S)
            self.fast.drained(UP_S)
        except (TimeoutError, AssertionError) as error:
            process = self.fast.mount.process
            raise AssertionError(f"round {number}, {kind}: {error}; the mount's process: "
                                 f"{process.pid}, exit {process.exit_code}\n"
                                 f"{self.fast.mount.log[-3000:]}") from error
        for folder, log, _ in workers:
            found, count = promises.complaints(log, self.fast.path(folder))
            self.operations += count
            self.violations += [f"round {number}, {kind}: {folder}/{one}" for one in found]
        lost = self.fast.stats()["conflicts"]["total"]
        if lost:
            self.violations.append(f"round {number}, {kind}: {lost} conflicts")
        if number % STANDARD_EACH == 0:
            self.look_with_the_standard_client(number, kind, workers)
        for folder, _, _ in workers:
            subprocess.run(["rm", "-rf", self.fast.path(folder)], check=True)

    def look_with_the_standard_client(self, number, kind, workers):
        for folder, log, _ in workers:
            last = []

            def equal():
                last[:] = promises.complaints(log, self.standard.path(folder))[0]
                return not last
            try:
                wait_until(equal, 10, "the same tree in the standard client", every_s=0.2)
            except (TimeoutError, OSError) as error:
                self.violations += [f"round {number}, {kind}, standard: {folder}/{one}"
                                    for one in last or [error]]

    def finish(self):
        """A last load that stays, and what the standard client's tools say of all of it."""
        workers = self.begin("last")
        time.sleep(1)
        for _, _, process in workers:
            process.terminate()
            process.wait(60)
        self.fast.drained(UP_S)
        for folder, log, _ in workers:
            found, count = promises.complaints(log, self.fast.path(folder))
            self.operations += count
            self.violations += [f"last: {folder}/{one}" for one in found]
        shown = volume_checks.tree(self.fast.path())
        self.fast.mount.unmount()
        self.standard.unmount()
        volume_checks.counters_settle(self.volume)
        juicefs = self.lab.clients["juicefs"]
        self.violations += volume_checks.fsck(juicefs, self.volume, stats=False)
        # What a killed process had stored and not acknowledged belongs to nobody.
        self.leftovers = len(volume_checks.objects_unreferenced(self.volume))
        done = juicefs.run("gc", "--delete", self.volume.url,
                           env=dict(os.environ, JFS_GC_SKIPPEDTIME="0"))
        assert done.returncode == 0, done.stdout
        self.violations += volume_checks.gc(juicefs, self.volume)
        self.violations += volume_checks.fsck(juicefs, self.volume, stats=False)
        dumped = volume_checks.dump(juicefs, self.volume, self.logs / "dump.json")
        names = {b"/".join(path) for path in dumped_paths(dumped["FSTree"])}
        if names != set(shown):
            self.violations.append("the dump differs from the mount: "
                                   f"{sorted(names ^ set(shown))[:5]}")


def dumped_paths(node, above=()):
    for name, entry in (node.get("entries") or {}).items():
        path = (*above, os.fsencode(name))
        yield path
        yield from dumped_paths(entry, path)


def run(lab, rounds, seed, rtt_ms=0, progress=None):
    """The finished Rounds."""
    loop = Rounds(lab, seed, rtt_ms)
    for number in range(rounds):
        loop.round(number)
        if progress:
            progress(loop, number + 1)
    loop.finish()
    return loop


def summary(loop, rounds):
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(loop.faults.items()))
    return (f"{rounds} rounds, {loop.operations} operations acknowledged, faults: {kinds}; "
            f"{loop.leftovers} objects without a record; {len(loop.violations)} violations")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=300)
    options.add_argument("--rtt", type=int, default=0, help="milliseconds to the server")
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    options.add_argument("--build", default="build/release")
    args = options.parse_args()
    build = ROOT / args.build
    cleanup.install()
    print(f"seed {args.seed}", flush=True)

    def progress(loop, number):
        if number % 10 == 0:
            print(f"  {summary(loop, number)}", flush=True)

    with tempfile.TemporaryDirectory(prefix="fastmeta-chaos") as folder:
        lab = Lab(folder, {"fastmeta": Fastmeta(build / "fastmeta"),
                           "juicefs": Juicefs(ROOT / "build/venv/bin/juicefs")},
                  build / "tests" / "link")
        try:
            loop = run(lab, args.rounds, args.seed, args.rtt, progress)
        finally:
            lab.close()
    print(summary(loop, args.rounds))
    for violation in loop.violations[:50]:
        print(f"  {violation}")
    sys.exit(1 if loop.violations else 0)


if __name__ == "__main__":
    main()
