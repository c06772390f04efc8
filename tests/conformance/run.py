#!/usr/bin/env python3
"""Runs the independent suites on a mounted folder; exits 1 when a case fails.

usage: run.py FOLDER [--suite pjdfstest|fsx] [--seeds 1,2,3] [--operations N] [--log FILE]
       run.py --install
"""

import argparse
import pathlib
import sys

import suites


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=pathlib.Path, help="a folder of the mount")
    parser.add_argument("--install", action="store_true", help="only build what is missing")
    parser.add_argument("--suite", choices=sorted(suites.VERSIONS), help="this one only")
    parser.add_argument("--seeds", default="1,2,3", help="of fsx (default 1,2,3)")
    parser.add_argument("--operations", type=int, default=10000, help="of fsx, for each seed")
    parser.add_argument("--log", type=pathlib.Path, help="write what the suites print to a file")
    wanted = parser.parse_args()

    if wanted.install:
        for name in suites.VERSIONS:
            print(suites.install(name))
        return 0
    if wanted.folder is None or not wanted.folder.is_dir():
        parser.error("needs a folder to test in")

    verdicts = []
    if wanted.suite in (None, "pjdfstest"):
        verdicts.append(suites.pjdfstest(wanted.folder))
        print(verdicts[-1], flush=True)
    if wanted.suite in (None, "fsx"):
        seeds = [int(seed) for seed in wanted.seeds.split(",")]
        verdicts.append(suites.fsx(wanted.folder, seeds, wanted.operations))
        print(verdicts[-1], flush=True)
    if wanted.log:
        wanted.log.write_text("".join(verdict.output for verdict in verdicts))
    return 0 if all(verdict.good for verdict in verdicts) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except suites.Unavailable as why:
        print(why, file=sys.stderr)
        sys.exit(2)
