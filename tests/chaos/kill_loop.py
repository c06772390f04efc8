#!/usr/bin/env python3
"""Kills processes in the middle of a load of every operation, again and again, and looks whether
every acknowledged operation is there exactly once: for us after each kill, for the standard client
too, and in its own tools in the end. In every fifth round the standard client makes the names that
we make, and the undoing of ours is killed.

usage: tests/chaos/kill_loop.py [--rounds 300] [--rtt 0] [--seed N] [--build build/release]
                                [--keep FOLDER]
needs root and build/venv (scripts/venv). Prints rounds, operations, faults by kind, violations;
exit code 1 if there are any of these.
"""

import argparse
import collections
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]

from chaos import clash, promises  # noqa: E402
from fastmeta.conftest import Fast  # noqa: E402
from support import cleanup, leftovers, mounts, pictures, volume_checks  # noqa: E402
from support.clients import Fastmeta, Juicefs  # noqa: E402
from support.lab import Lab  # noqa: E402
from support.process import Process, wait_until  # noqa: E402

WORKERS = 2
# One after the other. "host" is our process, "server" is Redis, "link" the way between them.
KINDS = ("link", "server", "host", "host after link", "host while recovering",
         "host after a lost reply", "both")
UNDOING = "host while undoing"  # in every fifth round
OF_HOST = {*KINDS, UNDOING} - {"link", "server"}
EACH = 5            # rounds between clashes, and between looks through the standard client
BEGUN = 5           # operations of each worker before anything happens
# Objects without a record that a fault leaves. When a host is killed each worker waits for the data
# of one operation, beside it a file is compacted. A compaction whose reply is lost may have taken
# effect.
LEFT_BY_A_KILL = WORKERS + 1
LEFT_BY_A_CUT = 1
UP_S = 40
GC_PASSES = 5       # each leaves a part of a long list: it pages through what it takes away


class Rounds:
    def __init__(self, lab, seed, rtt_ms, kinds=KINDS):
        self.lab, self.rtt_ms, self.kinds = lab, rtt_ms, kinds
        self.dice = random.Random(seed)
        self.server = lab.redis(persist=True)
        self.volume = lab.format(server=self.server)
        self.link = lab.link(self.server)
        self.link.rtt(rtt_ms)
        self.fast = Fast(lab, self.volume, self.link, {"conflicts.limit": 1_000_000,
                                                       "session.heartbeat": "2s"})
        self.standard = lab.mount("juicefs", self.volume)
        self.logs = lab.place("log")
        self.clash = None
        self.clashes = 0             # names of ours that were sacrificed
        self.faults, self.hit = collections.Counter(), collections.Counter()
        self.operations = collections.Counter()
        self.violations = []
        self.killed_at = ""
        self.leftovers = leftovers.Leftovers(self.volume)

    def begin(self, number):
        """Workers, each in a folder of its own, as (folder, log, process)."""
        workers = []
        for n in range(WORKERS):
            folder, log = f"r{number}_{n}", self.logs / f"{number}_{n}"
            os.mkdir(self.fast.path(folder))
            log.touch()
            program = ROOT / "tests/chaos/promise_worker.py"
            workers.append((folder, log, Process(
                [sys.executable, program, self.fast.path(folder), log,
                 self.dice.randrange(1 << 30), 0, "", ""], self.logs / f"{number}_{n}.txt")))
        for _, log, process in workers:
            wait_until(lambda: log.read_text().count('["!"]') >= BEGUN or not process.alive,
                       UP_S, "a load")
        return workers

    def crash(self):
        self.fast.crash()
        self.killed_at = clash.now()

    def start(self, waiting=True):
        self.leftovers.fault(LEFT_BY_A_KILL)
        self.fast.up() if waiting else self.fast.start()

    def strike(self, kind):
        """Afterwards the mount is up again."""
        dice = self.dice
        if kind == "link":
            self.link.cut()
            self.leftovers.fault(LEFT_BY_A_CUT)
            time.sleep(dice.uniform(0, 0.3))
            return
        if kind in ("host after link", "host while recovering", UNDOING):
            self.link.stall()
            if kind == UNDOING:
                self.clash.make()
                before = self.fast.mount.log.count("error: conflict ")
                self.link.up()
                wait_until(lambda: self.fast.mount.log.count("error: conflict ") > before, 10,
                           "an undo", every_s=0.001)
                time.sleep(dice.uniform(0, 0.02))
            else:
                time.sleep(dice.uniform(0, 0.3))
        if kind == "host after a lost reply":
            self.link.fail(dice.randrange(1, 4), "after", "EXEC,EVAL,EVALSHA")
            wait_until(self.link.fired, 5, "a reply to be lost", every_s=0.001)
        if kind in ("server", "both"):
            self.server.kill()
            self.leftovers.fault(LEFT_BY_A_CUT)
        if kind in OF_HOST:
            self.crash()
        self.link.disarm()
        self.link.up()
        if kind in ("server", "both"):
            time.sleep(dice.uniform(0, 0.5))
            self.server.start()
            self.server.wait_loaded()
        if kind == "host while recovering":
            self.start(waiting=False)
            time.sleep(dice.uniform(0, 0.3))
            self.hit["before it was mounted"] += not mounts.mounted(self.fast.root)
            self.crash()
        if kind in OF_HOST:
            self.start()

    def round(self, number):
        kind = self.kinds[(number - number // EACH) % len(self.kinds)]
        if number % EACH == EACH - 1:
            kind = UNDOING
            self.clash = clash.Clash(self.fast, self.standard, number)
        workers = self.begin(number)
        try:
            time.sleep(self.dice.uniform(0.05, 1.0))
            self.strike(kind)
            self.faults[kind] += 1
            if kind not in OF_HOST:  # the load goes on over it
                time.sleep(self.dice.uniform(0, 0.3))
        finally:
            for _, _, process in workers:
                if kind not in OF_HOST:
                    process.signal(15)
                process.wait(60)
        where = f"round {number}, {kind}"
        self.judge_workers(where, workers)
        self.judge_journal(where)
        self.violations += [f"{where}: {one}" for one in self.leftovers.complaints()]
        self.judge_counters(where)
        if number % EACH == 0:
            self.look_with_the_standard_client(where, workers)
        for folder, _, _ in workers:
            subprocess.run(["rm", "-rf", self.fast.path(folder)], check=True)

    def judge_workers(self, where, workers):
        for folder, _, process in workers:
            if process.exit_code not in (0, -15):
                self.violations.append(f"{where}: {folder}: exit {process.exit_code}: "
                                       f"{process.text()[-600:]}")
        try:
            self.fast.is_state("writable", UP_S)
            self.fast.drained(UP_S)
        except (TimeoutError, AssertionError) as error:
            process = self.fast.mount.process
            raise AssertionError(f"{where}: {error}; the mount's process: "
                                 f"{process.pid}, exit {process.exit_code}\n"
                                 f"{self.fast.mount.log[-3000:]}") from error
        for folder, log, _ in workers:
            found, count = promises.complaints(log, self.fast.path(folder))
            self.operations += count
            self.violations += [f"{where}: {folder}/{one}" for one in found]

    def judge_counters(self, where):
        try:
            volume_checks.counters_settle(self.volume)
        except AssertionError as error:
            self.violations.append(f"{where}: {error}")

    def judge_journal(self, where):
        """Nothing is sacrificed but where both made the same names, and there each once."""
        entries = self.fast.journal()
        new = entries[self.leftovers.journalled:]
        self.leftovers.journal(entries)
        self.clashes += len(new)
        ours = [entry for entry in new
                if self.clash and str(entry["path_then"]).startswith(f"/{self.clash.name}/")]
        self.violations += [f"{where}: sacrificed, and nobody else had touched it: {entry}"
                            for entry in new if entry not in ours]
        if self.clash:
            self.violations += [f"{where}: {one}" for one in self.clash.complaints(ours)]
            self.hit["in the middle of an undo"] += clash.interrupted(ours, self.killed_at)
            subprocess.run(["rm", "-rf", self.fast.path(self.clash.name)], check=True)
            self.clash = None

    def look_with_the_standard_client(self, where, workers):
        for folder, log, _ in workers:
            last = []

            def equal():
                last[:] = promises.complaints(log, self.standard.path(folder))[0]
                return not last
            try:
                wait_until(equal, 10, "the same tree in the standard client", every_s=0.2)
            except (TimeoutError, OSError) as error:
                self.violations += [f"{where}, standard: {folder}/{one}" for one in last or [error]]

    def finish(self):
        """A last load that stays, and what the standard client's tools say of all of it."""
        workers = self.begin("last")
        time.sleep(1)
        for _, _, process in workers:
            process.signal(15)
            process.wait(60)
        self.judge_workers("last", workers)
        self.judge_journal("last")
        self.violations += leftovers.of_dead_sessions(self.volume)
        shown = pictures.look(str(self.fast.root))
        self.fast.mount.unmount()
        self.standard.unmount()
        self.judge_counters("last")
        juicefs = self.lab.clients["juicefs"]
        self.violations += volume_checks.fsck(juicefs, self.volume)
        self.violations += [f"last: {one}" for one in self.leftovers.complaints()]
        dumped = volume_checks.dump(juicefs, self.volume, self.logs / "dump.json")
        self.violations += pictures.dump_differences(shown, dumped)
        for _ in range(GC_PASSES):
            done = juicefs.run("gc", "--delete", self.volume.url,
                               env=dict(os.environ, JFS_GC_SKIPPEDTIME="0"))
            assert done.returncode == 0, done.stdout
            if not leftovers.files_to_delete(self.volume):
                break
        self.violations += volume_checks.gc(juicefs, self.volume)
        self.violations += volume_checks.fsck(juicefs, self.volume)
        self.violations += leftovers.of_sessions(self.volume)


def run(lab, rounds, seed, rtt_ms=0, kinds=KINDS, progress=None):
    """The finished Rounds."""
    loop = Rounds(lab, seed, rtt_ms, kinds)
    for number in range(rounds):
        loop.round(number)
        if progress:
            progress(loop, number + 1)
    loop.finish()
    return loop


def summary(loop, rounds):
    def told(counter):
        return ", ".join(f"{count} {kind}" for kind, count in sorted(counter.items())) or "none"
    return (f"{rounds} rounds, {sum(loop.operations.values())} operations acknowledged, "
            f"faults: {told(loop.faults)} (killed {told(loop.hit)}); {loop.clashes} conflicts; "
            f"{len(loop.leftovers.allowed)} objects without a record; "
            f"{len(loop.violations)} violations")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=300)
    options.add_argument("--rtt", type=int, default=0, help="milliseconds to the server")
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    options.add_argument("--build", default="build/release")
    options.add_argument("--keep", help="where all logs are left if there is anything")
    args = options.parse_args()
    build = ROOT / args.build
    if not (build / "fastmeta").exists():
        options.error(f"{build} holds no fastmeta: scripts/build makes build/release")
    cleanup.install()
    print(f"seed {args.seed}", flush=True)

    def progress(loop, number):
        if number % 10 == 0:
            print(f"  {summary(loop, number)}", flush=True)
            for violation in loop.violations[:5]:
                print(f"    {violation}", flush=True)

    with tempfile.TemporaryDirectory(prefix="fastmeta-chaos") as folder:
        lab = Lab(folder, {"fastmeta": Fastmeta(build / "fastmeta"),
                           "juicefs": Juicefs(ROOT / "build/venv/bin/juicefs")},
                  build / "tests" / "link")
        bad = True
        try:
            loop = run(lab, args.rounds, args.seed, args.rtt, progress=progress)
            bad = bool(loop.violations)
        finally:
            lab.close()
            if bad and args.keep:
                shutil.copytree(folder, args.keep, dirs_exist_ok=True)
    print(summary(loop, args.rounds))
    print("operations: " + ", ".join(f"{count} {kind}" for kind, count in
                                     sorted(loop.operations.items())))
    for violation in loop.violations[:50]:
        print(f"  {violation}")
    sys.exit(1 if loop.violations else 0)


if __name__ == "__main__":
    main()
