"""Functions in unnamed namespaces, which the presets compile several files at a time: two of one
name would be one overload set, and the other file's might be the one that is called."""

import collections
import re

FUNCTION = re.compile(
    r"(?:template <.*> |static |inline |constexpr |\[\[\w+\]\] )*"
    r"(?!return|using|namespace|class|struct|enum|TEST|INSTANTIATE|local)"
    r"[A-Za-z_][\w:<>,*& ]*?[*& ](\w+)\(")
BEGIN = re.compile(r"namespace \{")
END = re.compile(r"\}\s+// namespace$")
# Its functions are in the name space around all others of the plugin: an unnamed one of the same
# name would hide them from the files beside it.
EVERYWHERE = "plugin/src/util"
# Every file of these is a program of its own.
APART = {"tests/abi", "tests/bench", "tests/fuzz"}


def target_of(name):
    """The target whose sources the file NAME is one of, by its path; None: of none."""
    parts = name.split("/")
    if name.startswith("host-shim/src/"):
        return "host-shim/src"
    if name.startswith(("plugin/src/", "tests/unit/")):
        return "/".join(parts[:3])
    folder = "/".join(parts[:-1])
    return folder if parts[0] == "tests" and folder not in APART else None


def functions_of(lines, header):
    """(line, name) of the functions that begin in the first column: of a header all, of a source
    those in its unnamed namespaces."""
    inside = header
    for number, text in enumerate(lines, 1):
        if not header and BEGIN.match(text):
            inside = True
        elif not header and END.match(text):
            inside = False
        elif inside and (match := FUNCTION.match(text)):
            yield number, match.group(1)


def check_unnamed(root, files):
    """Every complaint about the paths FILES, as path:line: text."""
    known = collections.defaultdict(dict)  # target -> name -> the file that has it
    sources = []
    for path in files:
        name = path.relative_to(root).as_posix()
        target = target_of(name)
        if target is None or path.suffix not in {".cc", ".h"}:
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        if path.suffix == ".h":
            for _, function in functions_of(lines, True):
                known[target].setdefault(function, name)
        else:
            sources.append((target, name, lines))
    for target, name, lines in sources:
        for number, function in functions_of(lines, False):
            other = known[target].setdefault(function, name)
            if other == name and not target.startswith("host-shim"):
                other = known[EVERYWHERE].get(function, name)
            if other != name:
                yield f"{name}:{number}: {function}() is in {other} too"
