#!/usr/bin/env python3
"""Times operations of our mounts, the standard client's and passthrough_ll, side by side.

Ours in both modes. In one run rounds alternate between them and the median counts. In mode
fast-meta a change is timed until it is acknowledged.

usage: tests/bench/run.py [--build build/release] [--rtt 0 1 30] [--rounds 3] [--json FILE]
needs root and build/venv (scripts/venv); prints a table per round-trip time.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "bench")]

import operations  # noqa: E402
import passthrough  # noqa: E402
from support import cleanup  # noqa: E402
from support.clients import Fastmeta, Juicefs  # noqa: E402
from support.lab import Lab  # noqa: E402

OURS = ("passthrough", "fast-meta")
COUNTS = {0: 200, 1: 60, 30: 10}  # operations of each kind and round
MEGABYTES = 512


def drop_caches():
    os.sync()
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")


def measure(tops, rtt, rounds, log):
    """{client: {operation: [value per round]}}"""
    count = COUNTS.get(rtt, 20)
    seen = {name: {} for name in tops}
    for turn in range(rounds):
        for name, top in tops.items():
            print(f"  RTT {rtt} ms, round {turn + 1} of {rounds}: {name}", file=log, flush=True)
            folder = f"{top}/bench{turn}"
            found = operations.metadata(folder, count, drop_caches)
            if rtt == 0:
                found |= operations.throughput(folder, MEGABYTES, drop_caches)
            if rtt < 30:
                found |= operations.tree_copy(folder + ".tree", 5, 20)
            elif name != "passthrough_ll":
                found |= operations.tree_copy(folder + ".tree", 1, 20)
            for operation, value in found.items():
                seen[name].setdefault(operation, []).append(value)
    return seen


def measure_unpack(tops, programs, tar_file, seen, log):
    """Once: at a distance it takes minutes."""
    for name, top in tops.items():
        print(f"  unpacking: {name}", file=log, flush=True)
        program = programs.get(name)
        found = operations.unpack(tar_file, top, lambda: program and program.run("flush", top))
        subprocess.run(["rm", "-rf", f"{top}/unpacked"], check=True)
        for operation, value in found.items():
            seen[name].setdefault(operation, []).append(value)


def text_of(operation, value):
    if value is None:
        return "-"
    if operation.endswith("MB/s") or operation.endswith(", s"):
        return f"{value:.2f}" if value < 10 else f"{value:.0f}"
    return f"{value * 1e6:.0f} µs" if value < 0.01 else f"{value * 1e3:.1f} ms"


def table(rtt, medians):
    names = list(medians)
    rows = [[f"RTT {rtt} ms", *names, *(f"juicefs / {name}" for name in OURS)]]
    for operation in medians["juicefs"]:
        values = [medians[name].get(operation) for name in names]
        theirs = medians["juicefs"][operation]
        ratios = []
        for name in OURS:
            ours = medians[name][operation]
            better = ours / theirs if operation.endswith("MB/s") else theirs / ours
            ratios.append(f"{better:.2f}")
        rows.append([operation, *(text_of(operation, v) for v in values), *ratios])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(w) if i == 0 else cell.rjust(w)
                        for i, (cell, w) in enumerate(zip(row, widths))))
    print(flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--build", default="build/release")
    options.add_argument("--rtt", type=int, nargs="+", default=[0, 1, 30], help="milliseconds")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", help="also write all values there")
    args = options.parse_args()
    build = ROOT / args.build
    cleanup.install()

    with tempfile.TemporaryDirectory(prefix="fastmeta-bench") as folder:
        clients = {mode: Fastmeta(build / "fastmeta", mode) for mode in OURS}
        clients["juicefs"] = Juicefs(ROOT / "build/venv/bin/juicefs")
        lab = Lab(folder, clients, build / "tests" / "link")
        results = {}
        try:
            tops = {}
            links = []
            for name in clients:
                volume = lab.format(by="juicefs", name=name)
                link = lab.link(volume.server)
                links.append(link)
                mount = lab.mount(name, volume, url=f"redis://127.0.0.1:{link.port}/{volume.db}")
                tops[name] = str(mount.root)
            program = passthrough.build(lab.place("example"))
            if program:
                floor = passthrough.Passthrough(program, lab.place("disk"), lab.place("floor"),
                                                pathlib.Path(folder) / "floor.log")
                lab.defer(floor.close)
                tops["passthrough_ll"] = str(floor.root)
            tar_file = os.path.join(folder, "files.tar")
            operations.archive(tar_file)
            for rtt in args.rtt:
                for link in links:
                    link.rtt(rtt)
                seen = measure(tops, rtt, args.rounds, sys.stderr)
                measure_unpack(tops, {"fast-meta": clients["fast-meta"]}, tar_file, seen,
                               sys.stderr)
                medians = {name: {o: statistics.median(v) for o, v in found.items()}
                           for name, found in seen.items()}
                table(rtt, medians)
                results[str(rtt)] = seen
        finally:
            for link in links:
                link.rtt(0)
            lab.close()
        if args.json:
            pathlib.Path(args.json).write_text(json.dumps(
                {"unit": "seconds per operation unless the name says MB/s or s",
                 "rounds": args.rounds, "rtt_ms": results}, indent=1))


if __name__ == "__main__":
    main()
