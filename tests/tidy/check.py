#!/usr/bin/env python3
"""Guards what a reviewer forgets: who includes whom, columns, words that mean unfinished.

usage: check.py [ROOT]      prints path:line: what is wrong; exits 1 when there is any
"""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

from tidy.unnamed import check_unnamed  # noqa: E402

COLUMNS_MAX = 100
LINES_MAX = 800  # a file has one idea

# plugin/src: folder -> the other folders whose headers it may include.
MAY_INCLUDE = {
    "abi": {"engine", "config", "model", "util"},
    "engine": {"model", "store", "redis", "config", "util"},
    "model": {"util"},
    "store": {"util"},
    "redis": {"util"},
    "config": {"util"},
    "util": set(),
}
# Where the contract header (mdp/) and the generated version header (fastmeta/) may be included.
CONTRACT_IN = ("plugin/src/abi/", "host-shim/src/")
# The host's own keys are declared with the key schema; its other folders know nothing of it.
KEY_SCHEMA = ("config/key_table.h", "config/yaml_schema.h")
KEY_SCHEMA_IN = "host-shim/src/config/"
VERSION_IN = ("plugin/src/abi/", "plugin/src/engine/", "host-shim/src/")

# A library's headers -> the one folder on each side that may include them. A header that is
# in none of these tables is a violation: a new library is entered here on purpose.
LIBRARIES = {
    "hiredis/": ("plugin/src/redis/",),
    "yaml-cpp/": ("plugin/src/config/", "host-shim/src/config/"),
    "wiredtiger": ("plugin/src/store/",),
    "fmt/": ("plugin/src/",),
    "nlohmann/": ("plugin/src/", "host-shim/src/"),
    "fuse3/": ("host-shim/src/",),
    "fuse": ("host-shim/src/",),
    "boost/": ("host-shim/src/",),
    "CLI/": ("host-shim/src/",),
    "spdlog/": ("host-shim/src/",),
    "lz4": ("host-shim/src/",),
    "zstd": ("host-shim/src/",),
    "xxhash.h": ("plugin/src/model/", "host-shim/src/"),
    "openssl/": ("plugin/src/redis/", "host-shim/src/"),
}
# POSIX and Linux. The C++ headers are those without a dot.
SYSTEM = re.compile(
    r"(ifaddrs|spawn)\.h|(sys|linux|netinet|arpa|net|asm)/[a-z0-9_/-]+\.h|"
    r"(assert|ctype|dirent|dlfcn|endian|errno|execinfo|fcntl|fnmatch|getopt|grp|inttypes|limits"
    r"|netdb|poll|pthread|pwd|sched|semaphore|signal|stdarg|stdatomic|stdbool|stddef|stdint"
    r"|stdio|stdlib|string|strings|syslog|termios|time|unistd|byteswap|malloc|math|ftw)\.h|"
    r"x86intrin\.h|immintrin\.h|nmmintrin\.h|arm_acle\.h|[a-z_0-9]+"
)

SOURCE_SUFFIXES = {".cc", ".h", ".c"}
# Where columns and lines are counted.
CODE_SUFFIXES = SOURCE_SUFFIXES | {".py", ".cmake"}
# First folders of a path that every machine has; any other one is this machine's.
COMMON_FOLDERS = {"/", "bin", "dev", "etc", "home", "lib", "media", "mnt", "opt", "proc", "root",
                  "run", "sbin", "srv", "sys", "tmp", "usr", "var"}
TEXT_SUFFIXES = SOURCE_SUFFIXES | {
    ".py", ".sh", ".cmake", ".txt", ".json", ".yaml", ".yml", ".md", ".map", ".in", ".ini", ""}
SKIPPED_FOLDERS = {".git", "build", ".cache", "__pycache__", ".pytest_cache", ".venv"}

# What the tree has at its top; anything else was left there by a program.
TOP_LEVEL = {".ci", ".gitignore", "CMakeLists.txt", "CMakePresets.json", "LICENSE",
             "LICENSE.BSD-2-Clause", "README.md", "cmake", "config", "host-shim", "packaging",
             "plugin", "scripts", "tests"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|not imple" r"mented|st" r"ub)\b")
# Where packages come from is the machine's configuration, not the project's.
REGISTRY = re.compile(r"https?://(deb|security|pypi|files|proxy|registry|repo1?|static|index)[.-]")


def files_under(root):
    for path in sorted(root.iterdir()):
        if path.is_symlink() or path.name == ".git":  # a file in a second work tree
            continue
        if path.is_dir():
            if path.name not in SKIPPED_FOLDERS:
                yield from files_under(path)
        elif path.suffix in TEXT_SUFFIXES and not path.name.startswith("LICENSE"):
            yield path


def library_of(header):
    """The entry of LIBRARIES that a header belongs to, the longest that fits."""
    fits = [prefix for prefix in LIBRARIES if header.startswith(prefix)]
    return max(fits, key=len) if fits else None


def plugin_include(name, header):
    """What is wrong with the plugin's file NAME including the project's own HEADER, or None."""
    folder = name.split("/")[2]
    target = header.split("/")[0]
    if folder not in MAY_INCLUDE:
        return f"plugin/src/{folder} is not in the include table"
    if "/" not in header or target == folder:
        return None
    if target == ".." or header.startswith("."):
        return f'"{header}": write the path from plugin/src'
    if target not in MAY_INCLUDE[folder]:
        return f'{folder} must not include "{header}"'
    return None


def include_error(root, name, header, quoted):
    """What is wrong with the product's file NAME including HEADER, or None."""
    if header.startswith("mdp/"):
        return None if name.startswith(CONTRACT_IN) else "the contract is for abi and host-shim"
    if header.startswith("fastmeta/version"):
        return None if name.startswith(VERSION_IN) else f"{header} is not for this folder"

    library = library_of(header)
    if library and not quoted:
        allowed = LIBRARIES[library]
        return None if name.startswith(allowed) else f"<{header}> only in {' '.join(allowed)}"
    if not quoted:
        return None if SYSTEM.fullmatch(header) else f"<{header}> is in no table of tests/tidy"

    if name.startswith("plugin/src/"):
        return plugin_include(name, header)
    if header in KEY_SCHEMA and name.startswith(KEY_SCHEMA_IN):
        return None
    near = (root / name).parent / header
    if not near.exists() and not (root / "host-shim/src" / header).exists():
        return f'"{header}" is neither host-shim\'s nor the contract\'s'
    return None


def names_this_machine(root, text):
    """Whether it has the path of the tree, or of the folder of this machine that it lies in."""
    if len(root.parts) > 2 and f"{root}/" in text:
        return True
    first = root.parts[1] if len(root.parts) > 1 else "/"
    return first not in COMMON_FOLDERS and re.search(rf"(?<![\w.$}}~-])/{first}/", text) is not None


def check_line(root, name, text):
    """Every complaint about one line of the file NAME."""
    product = name.startswith(("plugin/src/", "host-shim/src/"))
    suffix = pathlib.PurePath(name).suffix
    source = suffix in SOURCE_SUFFIXES
    if suffix in CODE_SUFFIXES and len(text) > COLUMNS_MAX:
        yield f"{len(text)} columns, {COLUMNS_MAX} are allowed"
    if not name.endswith(".md") and (found := UNFINISHED.search(text)):
        yield f"unfinished: {found.group()}"
    if REGISTRY.search(text):
        yield "names a package registry"
    if names_this_machine(root, text):
        yield "names a path of this machine"
    if product and source and (match := INCLUDE.match(text)):
        if error := include_error(root, name, match.group(2), match.group(1) == '"'):
            yield error


def check_test_name(name, seen):
    """pytest tells its files apart by their last name alone; `seen`: names and whose they are."""
    last = pathlib.PurePath(name).name
    if not (last.startswith("test_") and last.endswith(".py")):
        return
    if (other := seen.setdefault(last, name)) != name:
        yield f"pytest takes it for {other}"


def check(root):
    """Every complaint about the tree, as path:line: text."""
    seen = {}
    for path in files_under(root):
        name = path.relative_to(root).as_posix()
        for complaint in check_test_name(name, seen):
            yield f"{name}:1: {complaint}"
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        if path.suffix in CODE_SUFFIXES and len(lines) > LINES_MAX:
            yield f"{name}:{LINES_MAX + 1}: {len(lines)} lines, {LINES_MAX} are allowed"
        for number, text in enumerate(lines, 1):
            for complaint in check_line(root, name, text):
                yield f"{name}:{number}: {complaint}"


def check_top_level(root):
    """What lies at the top of the tree and does not belong there."""
    for path in sorted(root.iterdir()):
        if path.name not in TOP_LEVEL | SKIPPED_FOLDERS | {"compile_commands.json"}:
            yield f"{path.name}:1: is not part of the project"


def check_all(root):
    """Every complaint there is."""
    return [*check_top_level(root), *check(root), *check_unnamed(root, files_under(root))]


def main():
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else HERE.parent.parent
    complaints = check_all(root)
    print("\n".join(complaints) if complaints else "tidy")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
