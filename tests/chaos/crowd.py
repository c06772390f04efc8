#!/usr/bin/env python3
"""Two mounts in mode fast-meta, each behind a link that delays and breaks, and the standard client
work in the same folders: on names of their own and on each other's. In the end all three show the
same tree, every acknowledged operation is in it or in a journal, and nothing that only its own
client touched is in one.

usage: tests/chaos/crowd.py [--seconds 60] [--rtt 40] [--calm] [--pause 10] [--seed N]
                            [--build build/release] [--keep FOLDER]
needs root and build/venv (scripts/venv). Prints seconds, operations and faults by kind, conflicts,
violations; exit code 1 if there are any of these. A seed brings the same faults and the same
choices back, not the order in which the mounts come to act.
"""

import argparse
import collections
import json
import pathlib
import random
import shutil
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]

from chaos import promises, rivals  # noqa: E402
from fastmeta.conftest import Fast  # noqa: E402
from support import cleanup, pictures, volume_checks  # noqa: E402
from support.clients import Fastmeta, Juicefs  # noqa: E402
from support.lab import Lab  # noqa: E402
from support.process import Process, wait_until  # noqa: E402

PLACES = ("/s0", "/s1", "/s2")
OWN = "own"          # begins the names that only one worker uses
RIVALS = 2           # on each mount
STANDARD_S = 0.1     # longer pauses there: it is close to the server, and would do most of all
FAULTS = ("cut", "reset", "stall", "half-open", "lost reply", "lost request", "latency")
DRAIN_S = 120
SETTLED_S = 15       # with the caches of the standard client


class Terms:
    """What a run is like."""

    def __init__(self, seconds, rtt_ms=40, calm=False, pause_s=0.01):
        self.seconds, self.rtt_ms, self.calm, self.pause_s = seconds, rtt_ms, calm, pause_s


class Crowd:
    def __init__(self, lab, seed, terms):
        self.lab, self.terms = lab, terms
        self.dice = random.Random(seed)
        self.volume = lab.format()
        self.logs = lab.place("log")
        settings = {"conflicts.limit": 1_000_000}
        self.fast = {name: Fast(lab, self.volume, lab.link(self.volume.server), settings)
                     for name in ("a", "b")}
        self.standard = lab.mount("juicefs", self.volume)
        self.mounts = {**{name: fast.mount for name, fast in self.fast.items()},
                       "standard": self.standard}
        self.owners = {}                   # mount -> (log, prefix, process)
        self.own_logs, self.rival_logs, self.rivals = [], [], []
        self.operations, self.faults = collections.Counter(), collections.Counter()
        self.by_mount = collections.Counter()
        self.conflicts = 0
        self.leftovers = 0
        self.violations = []

    def begin(self):
        for place in PLACES:
            (pathlib.Path(self.standard.root) / place[1:]).mkdir()
        for mount in self.mounts.values():
            for place in PLACES:
                wait_until(lambda: pathlib.Path(mount.path(place[1:])).is_dir(), 10, place)
        for client, mount in self.mounts.items():
            for n in range(RIVALS):
                log = self.logs / f"rival-{client}{n}"
                self.rival_logs.append((client, log))
                nest = "flat" if client == "standard" else "nest"
                self.rivals.append(self.start("rivals.py", mount, log, f"{client}{n}", OWN, nest,
                                              *PLACES))
            self.own(client)

    def start(self, program, mount, log, *arguments):
        log.touch()
        pause_s = self.terms.pause_s + (STANDARD_S if mount is self.standard else 0)
        return Process([sys.executable, ROOT / "tests/chaos" / program, mount.root, log,
                        self.dice.randrange(1 << 30), pause_s, *arguments],
                       self.logs / "workers.txt")

    def own(self, client):
        """A worker on names that only it uses; one that does not know how an operation ended
        leaves off, and its log is closed with that."""
        prefix = f"{OWN}-{client}{len(self.own_logs)}-"
        log = self.logs / prefix
        self.own_logs.append((log, prefix))
        self.owners[client] = self.start("promise_worker.py", self.mounts[client], log, prefix,
                                         *PLACES)

    def keep_owners(self):
        for client, process in list(self.owners.items()):
            if not process.alive:
                self.ended(client, process)
                self.own(client)

    def ended(self, client, process):
        if process.exit_code not in (0, -15):
            self.violations.append(f"a worker of {client} ended with {process.exit_code}: "
                                   f"{process.text()[-600:]}")

    def strike(self, kind, link):
        dice = self.dice
        if kind == "latency":
            link.rtt(dice.uniform(0, self.terms.rtt_ms))
        elif kind == "cut":
            link.cut()
        elif kind.startswith("lost"):
            link.fail(dice.randrange(1, 4), "after" if kind == "lost reply" else "before",
                      "EXEC,EVAL,EVALSHA")
        else:
            getattr(link, {"reset": "refuse", "stall": "stall", "half-open": "hole"}[kind])()
            self.wait(dice.uniform(0.05, 1.5))
            link.up()

    def wait(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.keep_owners()
            time.sleep(min(0.1, max(0, end - time.monotonic())))

    def run(self):
        links = [fast.link for fast in self.fast.values()]
        for link in links:
            link.rtt(self.dice.uniform(0, self.terms.rtt_ms))
        self.begin()
        end = time.monotonic() + self.terms.seconds
        try:
            while time.monotonic() < end:
                self.wait(min(self.dice.uniform(0.1, 1.5), max(0, end - time.monotonic())))
                if not self.terms.calm:
                    kind = self.dice.choice(FAULTS)
                    self.strike(kind, self.dice.choice(links))
                    self.faults[kind] += 1
        finally:
            for link in links:
                link.disarm()
                link.up()
                link.rtt(0)
            for process in (*self.rivals, *self.owners.values()):
                process.signal(15)
            for process in (*self.rivals, *self.owners.values()):
                process.wait(60)
        for client, process in self.owners.items():
            self.ended(client, process)
        for process in self.rivals:
            self.ended("the rivals", process)

    def judge(self):
        for name, fast in self.fast.items():
            try:
                fast.is_state("writable", DRAIN_S)
                fast.drained(DRAIN_S)
            except (TimeoutError, AssertionError) as error:
                raise AssertionError(f"{name}: {error}; {fast.ask().stdout[:3000]}\n"
                                     f"{fast.mount.log[-3000:]}") from error
        tree = self.settled()
        journals = {name: self.journal(fast) for name, fast in self.fast.items()}
        self.judge_rivals(tree, journals)
        self.judge_owners(tree, journals)
        for mount in self.mounts.values():
            try:
                mount.unmount()
            except TimeoutError as error:
                self.violations.append(str(error))
        self.judge_volume(tree)

    def settled(self):
        """The tree that all show once the caches of the standard client have run out."""
        trees = {}

        def equal():
            try:
                for name, mount in self.mounts.items():
                    trees[name] = pictures.look(str(mount.root), PLACES)
            except FileNotFoundError:  # of a listing that is not new any more
                return False
            return trees["a"] == trees["b"] == trees["standard"]
        try:
            wait_until(equal, SETTLED_S, "one tree", every_s=0.5)
        except TimeoutError:
            for name in ("a", "b"):
                wrong = volume_checks.differences(trees[name], trees["standard"])
                self.violations += [f"{name} and the standard client differ: {w}" for w in wrong]
        return trees["standard"]

    def journal(self, fast):
        """Its records, with the path that each was about, and how many conflicts it stands for."""
        entries = fast.journal()
        (self.logs / f"journal-{fast.root.name}.json").write_text(json.dumps(entries))
        if len(entries) != fast.stats()["conflicts"]["total"]:
            self.violations.append(f"{len(entries)} entries in the journal, counted "
                                   f"{fast.stats()['conflicts']['total']}")
        self.conflicts += len(entries)
        return [{**entry["record"], "path": str(entry["path_then"])} for entry in entries]

    def judge_rivals(self, tree, journals):
        account = rivals.Account(self.rival_logs, journals)
        self.operations += account.kinds()
        self.by_mount += account.clients()
        self.violations += account.complaints(tree, OWN)

    def judge_owners(self, tree, journals):
        for name, records in journals.items():
            self.violations += [f"{name} sacrificed what nobody else touched: {record}"
                                for record in records if f"/{OWN}-" in record["path"]]
        for log, prefix in self.own_logs:
            there = {path: promises.seen(it) for path, it in tree.items()
                     if path.count("/") > 1 and path.split("/")[2].startswith(prefix)}
            found, count = promises.complaints_of(log, there, PLACES)
            done = sum(count.values())
            self.operations["on own names"] += done
            self.by_mount[prefix.removeprefix(f"{OWN}-").rstrip("-0123456789")] += done
            self.violations += [f"{prefix}: {one}" for one in found]

    def judge_volume(self, tree):
        juicefs = self.lab.clients["juicefs"]
        volume_checks.counters_settle(self.volume)
        # Statistics that were on their way in a connection that was cut may be lost.
        self.violations += volume_checks.fsck(juicefs, self.volume, stats=False)
        self.leftovers = len(volume_checks.objects_unreferenced(self.volume))
        dumped = volume_checks.dump(juicefs, self.volume, self.logs / "dump")
        self.violations += pictures.dump_differences(tree, dumped)


def run(lab, seed, terms):
    """The finished Crowd."""
    crowd = Crowd(lab, seed, terms)
    crowd.run()
    crowd.judge()
    return crowd


def summary(crowd):
    def told(counter):
        return ", ".join(f"{count} {kind}" for kind, count in sorted(counter.items())) or "none"
    return (f"{crowd.terms.seconds} s, {sum(crowd.operations.values())} operations acknowledged "
            f"({told(crowd.operations)}; by mount: {told(crowd.by_mount)}); "
            f"faults: {told(crowd.faults)}; "
            f"{crowd.conflicts} conflicts; {crowd.leftovers} objects without a record; "
            f"{len(crowd.violations)} violations")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seconds", type=int, default=60)
    options.add_argument("--rtt", type=int, default=40, help="milliseconds to the server, at most")
    options.add_argument("--calm", action="store_true", help="nothing breaks")
    options.add_argument("--pause", type=float, default=10, help="between operations, ms at most")
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    options.add_argument("--build", default="build/release")
    options.add_argument("--keep", help="where all logs are left if there is anything")
    args = options.parse_args()
    build = ROOT / args.build
    cleanup.install()
    print(f"seed {args.seed}", flush=True)
    terms = Terms(args.seconds, args.rtt, args.calm, args.pause / 1000)
    with tempfile.TemporaryDirectory(prefix="fastmeta-crowd") as folder:
        lab = Lab(folder, {"fastmeta": Fastmeta(build / "fastmeta"),
                           "juicefs": Juicefs(ROOT / "build/venv/bin/juicefs")},
                  build / "tests" / "link")
        bad = True
        try:
            crowd = run(lab, args.seed, terms)
            bad = bool(crowd.violations)
        finally:
            lab.close()
            if bad and args.keep:
                shutil.copytree(folder, args.keep, dirs_exist_ok=True)
    print(summary(crowd))
    for violation in crowd.violations[:50]:
        print(f"  {violation}")
    sys.exit(1 if crowd.violations else 0)


if __name__ == "__main__":
    main()
