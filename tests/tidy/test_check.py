"""The guard itself: each rule catches a planted violation and lets its neighbour pass."""

import pathlib

import pytest

from tidy import check
from tidy.unnamed import check_unnamed

CAUGHT = [
    ("plugin/src/model/a.cc", '#include "redis/client.h"'),
    ("plugin/src/redis/a.cc", '#include "model/types.h"'),
    ("plugin/src/util/a.h", '#include "model/types.h"'),
    ("plugin/src/abi/a.cc", '#include "redis/client.h"'),
    ("plugin/src/engine/a.cc", '#include "abi/entry.h"'),
    ("plugin/src/engine/a.cc", '#include "mdp/plugin.h"'),
    ("plugin/src/engine/a.cc", "#include <hiredis/hiredis.h>"),
    ("plugin/src/redis/a.cc", "#include <yaml-cpp/yaml.h>"),
    ("plugin/src/engine/a.cc", "#include <fuse3/fuse.h>"),
    ("plugin/src/other/a.cc", '#include "util/result.h"'),
    ("plugin/src/util/a.cc", "#include <unheard/of.h>"),
    ("host-shim/src/main.cc", '#include "util/result.h"'),
    ("host-shim/src/main.cc", "#include <hiredis/hiredis.h>"),
    ("plugin/src/util/a.cc", "x" * (check.COLUMNS_MAX + 1)),
    ("tests/unit/a.cc", "x" * (check.COLUMNS_MAX + 1)),
    ("tests/a.py", "x" * (check.COLUMNS_MAX + 1)),
    ("plugin/src/util/a.cc", "\n" * check.LINES_MAX),
    ("scripts/build", "# TO" "DO: later"),
    ("doc/a.md", "https" "://registry.example.org/"),
]
PASSED = [
    ("plugin/src/model/a.cc", '#include "util/result.h"'),
    ("plugin/src/model/rules/a.cc", '#include "model/types.h"'),
    ("plugin/src/model/a.cc", "#include <sys/stat.h>"),
    ("plugin/src/model/a.cc", "#include <string_view>"),
    ("plugin/src/engine/a.cc", '#include "redis/client.h"'),
    ("plugin/src/redis/a.cc", "#include <hiredis/hiredis.h>"),
    ("plugin/src/config/a.cc", "#include <yaml-cpp/yaml.h>"),
    ("plugin/src/util/a.cc", "#include <fmt/format.h>"),
    ("plugin/src/abi/entry.cc", "#include <mdp/plugin.h>"),
    ("host-shim/src/main.cc", "#include <fuse3/fuse_lowlevel.h>"),
    ("host-shim/src/main.cc", '#include "main.cc"'),
    ("plugin/src/util/a.cc", "x" * check.COLUMNS_MAX),
    ("scripts/build", "x" * (check.COLUMNS_MAX + 1)),
    ("plugin/src/util/a.cc", "\n" * (check.LINES_MAX - 1)),
]


def complaints(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")
    return list(check.check(root))


@pytest.mark.parametrize("name, text", CAUGHT)
def test_violation_is_caught_once(tmp_path, name, text):
    assert len(complaints(tmp_path, name, text)) == 1


@pytest.mark.parametrize("name, text", PASSED)
def test_allowed_line_passes(tmp_path, name, text):
    assert complaints(tmp_path, name, text) == []


def test_path_of_this_machine_is_caught(tmp_path):
    assert len(complaints(tmp_path, "README.md", f"cd {tmp_path}/build")) == 1


def test_a_folder_of_this_machine_is_caught_and_common_ones_are_not():
    root = pathlib.Path("/machine/tree")
    assert check.names_this_machine(root, "cp /machine/other/file .")
    assert not check.names_this_machine(root, "build/machine/file and $x/machine/file")
    assert not check.names_this_machine(pathlib.Path("/home/tree"), "/home/somebody/file")


def test_project_is_tidy():
    root = pathlib.Path(check.__file__).resolve().parent.parent.parent
    assert check.check_all(root) == []


def test_two_test_files_of_one_name_are_caught(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for name in ("test_one.py", "conftest.py"):
            (tmp_path / folder / name).write_text("")
    found = list(check.check(tmp_path))
    assert len(found) == 1 and found[0].startswith("b/test_one.py:1:"), found


def test_what_a_program_left_at_the_top_is_caught(tmp_path):
    for folder in ("plugin", "build", "left"):
        (tmp_path / folder).mkdir()
    assert list(check.check_top_level(tmp_path)) == ["left:1: is not part of the project"]


def unnamed(tmp_path, **files):
    paths = []
    for name, text in files.items():
        path = tmp_path / "plugin/src/model" / name.replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        paths.append(path)
    return list(check_unnamed(tmp_path, paths))


HIDDEN = "namespace {\n\nError wrong(int at) {\n}\n\n}  // namespace\n"


def test_two_unnamed_functions_of_one_name_are_caught(tmp_path):
    found = unnamed(tmp_path, a_cc=HIDDEN, b_cc=HIDDEN.replace("int at", "std::string_view text"))
    assert found == ["plugin/src/model/b.cc:3: wrong() is in plugin/src/model/a.cc too"]


def test_an_unnamed_function_named_like_one_of_a_header_is_caught(tmp_path):
    found = unnamed(tmp_path, a_cc=HIDDEN, b_h="[[nodiscard]] bool wrong(long at);\n")
    assert found == ["plugin/src/model/a.cc:3: wrong() is in plugin/src/model/b.h too"]


def test_an_unnamed_function_that_hides_one_of_util_is_caught(tmp_path):
    util = tmp_path / "plugin/src/util/b.h"
    util.parent.mkdir(parents=True)
    util.write_text("bool wrong(long at);\n")
    path = tmp_path / "plugin/src/model/a.cc"
    path.parent.mkdir(parents=True)
    path.write_text(HIDDEN)
    found = list(check_unnamed(tmp_path, [path, util]))
    assert found == ["plugin/src/model/a.cc:3: wrong() is in plugin/src/util/b.h too"]


def test_members_calls_and_public_functions_are_not_taken_for_unnamed_ones(tmp_path):
    public = HIDDEN + "\nvoid other(int a) {\n  wrong(a);\n}\n"
    assert unnamed(tmp_path, a_cc=public, b_cc="void other(long a) {\n  wrong(a);\n}\n",
                   c_cc="namespace {\nint Row::wrong(int a) {\n}\n}  // namespace\n") == []
