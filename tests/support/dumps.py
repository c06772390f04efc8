"""`juicefs dump`, with what two volumes of the same history cannot share taken away."""

import re

from support.operations import SET_BY_HAND_BEFORE

_TRASHED = re.compile(r"\d+-\d+-(.*)", re.S)
_COMPARED_OF_A_NAME = 200  # trashed names are cut to 255 bytes, after numbers of any length


def normalised(dump):
    """path -> what is there, with inode numbers replaced by the first path that has them."""
    first = {}
    found = {}

    def describe(node, path):
        attr = node["attr"]
        by_hand = [attr.get(f"{which}time", 0) * 10**9 + attr.get(f"{which}timensec", 0)
                   if attr.get(f"{which}time", 0) < SET_BY_HAND_BEFORE else "now"
                   for which in "am"]
        if attr["type"] == "directory":
            by_hand[0] = None  # whether listing one moves it is the mount's choice
        return (attr["type"], oct(attr.get("mode", 0)), attr.get("uid", 0), attr.get("gid", 0),
                attr.get("nlink", 1), attr.get("length", 0), attr.get("rdev", 0),
                attr.get("flags", 0), node.get("symlink", ""), tuple(by_hand),
                tuple(sorted((x["name"], x["value"]) for x in node.get("xattrs") or [])),
                first.setdefault(attr["inode"], path))

    def walk(node, path):
        found[path] = describe(node, path)
        for name, child in sorted((node.get("entries") or {}).items()):
            walk(child, f"{path}/{name}")

    walk(dump["FSTree"], "")
    return found


def trashed(dump):
    """What lies in the trash, of all hours: a sorted list without numbers."""
    found = []
    hours = (dump.get("Trash") or {}).get("entries") or {}

    def walk(node, path):
        attr = node["attr"]
        found.append((path[:_COMPARED_OF_A_NAME], attr["type"], oct(attr.get("mode", 0)),
                      attr.get("uid", 0), attr.get("gid", 0), attr.get("nlink", 1),
                      attr.get("length", 0), node.get("symlink", "")))
        for name, child in (node.get("entries") or {}).items():
            walk(child, f"{path}/{name}")

    for hour in hours.values():
        for name, node in (hour.get("entries") or {}).items():
            walk(node, _TRASHED.fullmatch(name).group(1))
    return sorted(found)
