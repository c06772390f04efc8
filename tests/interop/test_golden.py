"""What the standard client stores is what plugin/doc/schema.md says: by a reader of its own,
on the golden files of the unit tests and on a fresh capture from the installed client."""

import collections
import json
import pathlib
import re
import struct

import pytest

import interop.capture_golden as capturing

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "unit" / "model_schema" / "golden"
CHUNK = 64 << 20
TRASH = 0x7FFFFFFF10000000
ROOT = 1
FILE, DIRECTORY, SYMLINK = 1, 2, 3

ATTR = struct.Struct(">BHIIqIqIqIIQIQ")
Attr = collections.namedtuple("Attr", "flags type perm uid gid atime mtime ctime nlink length rdev "
                                      "parent access default tier")


class Scene:
    """One captured database, with its bytes decoded."""

    def __init__(self, keys):
        self.types = {name: key["type"] for name, key in keys.items()}
        self.keys = {name: self._decode(key) for name, key in keys.items()}
        self.attrs = {int(n[1:]): attr(v) for n, v in self._numbered("i")}
        self.dirs = {int(n[1:]): {name: dentry(v) for name, v in entries.items()}
                     for n, entries in self._numbered("d")}
        self.parents = {int(n[1:]): {int(k): int(v) for k, v in h.items()}
                        for n, h in self._numbered("p")}
        self.chunks = {tuple(map(int, n[1:].split("_"))): [slice_record(r) for r in records]
                       for n, records in self.keys.items() if re.fullmatch(r"c\d+_\d+", n)}

    def _numbered(self, letter):
        return [(n, v) for n, v in self.keys.items() if re.fullmatch(letter + r"\d+", n)]

    @staticmethod
    def _decode(key):
        value = key["value"]
        if key["type"] == "string":
            return bytes.fromhex(value)
        if key["type"] == "hash":
            return {bytes.fromhex(f): bytes.fromhex(v) for f, v in value.items()}
        if key["type"] == "zset":
            return {bytes.fromhex(m): score for m, score in value}
        return [bytes.fromhex(item) for item in value]

    def hash(self, name):
        return self.keys.get(name, {})

    def numbers(self, name):
        return {field.decode(): int(value) for field, value in self.hash(name).items()}

    def counter(self, name):
        return int(self.keys.get(name, b"0"))


def attr(data):
    fields = ATTR.unpack_from(data)
    flags, mode = fields[0], fields[1]
    rest = data[ATTR.size:]
    assert ATTR.size == 71 and len(data) in (72, 73, 80, 81), data.hex()
    assert rest[-1] == 0, "the byte of padding"
    access = default = tier = 0
    if len(rest) >= 8:
        access, default = struct.unpack_from(">II", rest)
        assert access or default, "ids are stored only if there are any"
        rest = rest[8:]
    if len(rest) == 2:
        tier = rest[0]
        assert tier, "a tier is stored only if there is one"
    times = [fields[i] * 10**9 + fields[i + 1] for i in (4, 6, 8)]
    assert 1 <= mode >> 12 <= 7
    return Attr(flags, mode >> 12, mode & 0o7777, fields[2], fields[3], *times, *fields[10:14],
                access, default, tier)


def dentry(data):
    assert len(data) == 9
    return struct.unpack(">BQ", data)


def slice_record(data):
    assert len(data) == 24
    pos, slice_id, size, off, length = struct.unpack(">IQIII", data)
    assert length > 0 and pos + length <= CHUNK
    if slice_id:
        assert off + length <= size
    else:
        assert size == 0
    return pos, slice_id, size, off, length


def charged(length):
    return max(1, -(-length // 4096)) * 4096


def cost(scene, kind, ino):
    return charged(scene.attrs[ino].length) if kind == FILE else 4096


def check_tree(scene):
    entries = [(parent, name, kind, ino) for parent, names in scene.dirs.items()
               for name, (kind, ino) in names.items()]
    for parent, name, kind, ino in entries:
        assert 1 <= len(name) <= 255
        assert scene.attrs[ino].type == kind
        in_attr = scene.attrs[ino].parent
        assert in_attr == parent or in_attr == 0 and scene.parents[ino][parent] > 0
    for ino, node in scene.attrs.items():
        names = [e for e in entries if e[3] == ino]
        if node.type == DIRECTORY:
            below = sum(kind == DIRECTORY for kind, _ in scene.dirs.get(ino, {}).values())
            # Directories in the trash count for nothing.
            assert node.nlink == (2 if ino >= TRASH else 2 + below)
            assert node.length == 4096
        elif node.parent == 0:
            counts = [n for n in scene.parents[ino].values() if n > 0]
            assert sum(counts) == len(names)
        if node.type == SYMLINK:
            assert node.length == len(scene.keys[f"s{ino}"])
    mortal = [ino for ino in scene.attrs if ino not in (ROOT, TRASH)]
    assert scene.counter("totalInodes") == len(mortal)
    assert scene.counter("usedSpace") == sum(
        cost(scene, scene.attrs[i].type, i) for i in mortal)
    assert all(ino <= scene.counter("nextinode") for ino in mortal if ino < TRASH)


def check_dir_stats(scene):
    rows = {name: scene.numbers(name) for name in ("dirUsedInodes", "dirUsedSpace")}
    for ino in map(int, rows["dirUsedInodes"]):
        names = scene.dirs.get(ino, {})
        assert rows["dirUsedInodes"][str(ino)] == len(names)
        assert rows["dirUsedSpace"][str(ino)] == sum(cost(scene, *e) for e in names.values())


def check_slices(scene):
    sizes, uses = {}, collections.Counter()
    for (ino, _), records in scene.chunks.items():
        assert ino in scene.attrs or scene.hash("delfiles")
        for _, slice_id, size, _, _ in records:
            if slice_id:
                assert sizes.setdefault(slice_id, size) == size, "one size per slice"
                uses[f"k{slice_id}_{size}"] += 1
    for field, value in scene.hash("delSlices").items():
        assert re.fullmatch(rb"\d+_\d+", field) and len(value) % 12 == 0
        for slice_id, size in struct.iter_unpack(">QI", value):
            uses[f"k{slice_id}_{size}"] += 1
    references = scene.numbers("sliceRef")
    for field in uses.keys() | references.keys():
        assert references.get(field, 0) == uses[field] - 1, field
    assert all(i <= scene.counter("nextchunk") for i in sizes)
    for member in scene.hash("delfiles"):
        ino = re.fullmatch(rb"(\d+):\d+", member).group(1)
        assert int(ino) not in scene.attrs


def check_locks(scene):
    held = collections.defaultdict(set)
    for name, owners in scene.keys.items():
        if not re.fullmatch(r"lock[fp]\d+", name):
            continue
        for owner, value in owners.items():
            session = re.fullmatch(rb"(\d+)_[0-9A-F]{16}", owner).group(1)
            held[session.decode()].add(name.encode())
            if name[4] == "f":
                assert value in (b"R", b"W")
                continue
            end = -1
            assert value and len(value) % 24 == 0
            for kind, _, first, last in struct.iter_unpack(">IIQQ", value):
                assert kind in (0, 1) and end < first <= last
                end = last
    for session, names in held.items():
        assert set(scene.keys["locked" + session]) == names


def check_rest(scene):
    rules = {}
    for number, data in scene.hash("acl").items():
        users = struct.unpack_from(">I", data, 8)[0]
        groups = struct.unpack_from(">I", data, 12 + 6 * users)[0]
        assert len(data) == 16 + 6 * (users + groups)
        rules[int(number)] = data
    assert len(set(rules.values())) == len(rules), "rules are shared"
    assert max(rules, default=0) == scene.counter("aclMaxId")
    for node in scene.attrs.values():
        assert {node.access, node.default} <= rules.keys() | {0}
    for name in ("dirQuota", "userQuota", "groupQuota"):
        assert all(len(value) == 16 for value in scene.hash(name).values())
        assert scene.hash(name).keys() <= scene.hash(name + "UsedSpace").keys()
        assert scene.hash(name + "UsedInodes").keys() == scene.hash(name + "UsedSpace").keys()
    text = scene.keys["setting"].decode()
    assert text == json.dumps(json.loads(text), indent=0)
    log = scene.keys.get("txnLog", [])
    assert all(re.fullmatch(rb"\d+\.\d{9}\|[A-Z_]+\([^()]*\)(:\d+)?\|\(\d+,\d+\)", line)
               for line in log)
    assert len(log) == scene.counter("txnLastLog")
    for session in scene.hash("allSessions"):
        assert json.loads(scene.hash("sessionInfos")[session])["Version"]


CHECKS = [check_tree, check_dir_stats, check_slices, check_locks, check_rest]


def shape(keys):
    """The kinds of keys, without their numbers."""
    return {(re.sub(r"\d+", "#", name), key["type"]) for name, key in keys.items()}


def golden():
    return {path.stem: json.loads(path.read_text()) for path in GOLDEN.glob("*.json")}


@pytest.fixture(scope="module")
def fresh(juicefs, tmp_path_factory):
    return capturing.capture(juicefs, tmp_path_factory.mktemp("golden"))


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
def test_the_golden_files_follow_the_schema(check):
    for keys in golden().values():
        check(Scene(keys))


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
def test_the_installed_client_follows_the_schema(fresh, check):
    for keys in fresh.values():
        check(Scene(keys))


def test_the_installed_client_stores_the_same_kinds_of_keys(fresh):
    old = golden()
    assert fresh.keys() == old.keys()
    for name, keys in fresh.items():
        assert shape(keys) == shape(old[name]), name


def test_the_installed_client_stores_the_same_settings(fresh):
    """Same fields in the same order: new_setting() is compared with the golden ones."""
    for name, keys in golden().items():
        fields = [list(json.loads(k["setting"]["value"] and bytes.fromhex(k["setting"]["value"])))
                  for k in (keys, fresh[name])]
        assert fields[0] == fields[1], name
