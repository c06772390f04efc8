#!/usr/bin/env python3
"""Makes the man page fastmeta.yaml(5) from the comments of the documented configurations.

usage: yaml5.py VERSION FILE...     a file each mode; the page goes to stdout

The files are the only place where a key is described: the page cannot say anything else.
"""

import dataclasses
import pathlib
import re
import sys


@dataclasses.dataclass
class Key:
    """A dotted key, or a section when it has no value."""

    name: str
    comment: list[str]
    value: str

    @property
    def bracket(self):
        """What it takes and its default, as the last line of its comment says."""
        return self.comment[-1].strip("[]") if self.comment else ""


def split(text):
    """The paragraphs of the file's head, and its keys in order."""
    head, keys, sections, comment = [], [], [], []
    for line in text.splitlines():
        body = line.strip()
        if body.startswith("#"):
            comment.append(body[1:].removeprefix(" "))
        elif not body:
            if comment and not keys:
                head += paragraphs(comment)
            comment = []
        else:
            depth = (len(line) - len(body)) // 2
            name, _, value = body.partition(":")
            sections[depth:] = [name]
            keys.append(Key(".".join(sections), comment, value.strip()))
            comment = []
    return head, keys


def paragraphs(lines):
    """Lists of lines; an empty line of the comment separates them."""
    out = [[]]
    for line in lines:
        if line.strip():
            out[-1].append(line)
        elif out[-1]:
            out.append([])
    return [paragraph for paragraph in out if paragraph]


def troff(text):
    """Text in which nothing is taken for a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text)
    return "\\&" + text if text.startswith((".", "'")) else text


def render(paragraph):
    """Flowing text; lines that are indented stay as they are."""
    out, kept = [], False
    for line in paragraph:
        fixed = line.startswith("  ")
        if fixed != kept:
            out.append(".nf" if fixed else ".fi")
        kept = fixed
        out.append(troff(line))
    return out + ([".fi"] if kept else [])


def entries(documented):
    """Every key of all files: its text once, its default in each mode that has another one."""
    first = {}
    for mode, keys in documented.items():
        for key in keys:
            first.setdefault(key.name, (mode, key))
    for name, (mode, key) in sorted_like_first(first, documented):
        others = [f"In {other}: {found.value}." for other, keys in documented.items()
                  for found in keys
                  if found.name == name and other != mode and found.value != key.value]
        only = [m for m, keys in documented.items() if any(k.name == name for k in keys)]
        if len(only) < len(documented):
            others.insert(0, f"Only in {' and '.join(only)}.")
        yield key, others


def sorted_like_first(first, documented):
    """A key that a later file adds comes after the last one of its section."""
    names = []
    for keys in documented.values():
        for key in keys:
            if key.name in names:
                continue
            section = key.name.rpartition(".")[0]
            near = [i for i, name in enumerate(names)
                    if section and (name == section or name.startswith(section + "."))]
            names.insert(near[-1] + 1 if near else len(names), key.name)
    return [(name, first[name]) for name in names]


def page(version, files):
    heads, documented = {}, {}
    for file in files:
        mode = pathlib.Path(file).stem
        heads[mode], documented[mode] = split(pathlib.Path(file).read_text(encoding="utf-8"))
    out = [f'.TH FASTMETA.YAML 5 "" "fastmeta {version}" "fastmeta"',
           ".SH NAME", "fastmeta.yaml \\- configuration of fastmeta mounts",
           ".SH DESCRIPTION",
           "The file that is given to",
           ".BR fastmeta (1)",
           "with", ".BR \\-c ,", "in YAML. A section of keys is written as",
           ".PP", ".nf", "meta:", "  deadline: 10s", ".fi", ".PP",
           "and a single key on the command line as", ".BR \"\\-o meta.deadline=10s\" ."]
    common = None
    for head in heads.values():
        if not head:
            continue
        out += [".PP", *render(head[0])]
        common = common if common is not None else head[1:]
    for paragraph in common or []:
        out += [".PP", *render(paragraph)]
    out.append(".SH KEYS")
    for key, others in entries(documented):
        if not key.value:
            out.append(f'.SS {troff(key.name)}')
            for paragraph in paragraphs(key.comment):
                out += [".PP", *render(paragraph)]
            continue
        out += [".TP", f".B {troff(key.name)}", *render(key.comment[:-1]), ".br",
                troff(f"[{key.bracket}]"), *(troff(other) for other in others)]
    out += [".SH FILES", ".TP", ".I /usr/share/fastmeta/config", "All keys, one file each mode.",
            ".SH SEE ALSO", ".BR fastmeta (1)"]
    return "\n".join(out) + "\n"


def main():
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(page(sys.argv[1], sys.argv[2:]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
