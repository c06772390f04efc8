"""A host and a plugin of different ages: what works, and what is said when nothing does."""

import errno
import fcntl
import os
import pathlib
import re
import subprocess

import pytest

RELEASED = pathlib.Path(__file__).parent / "baseline" / "mdp-1.0" / "plugin.h"


def version(command, plugin):
    return subprocess.run([command, "version", "--plugin", plugin], capture_output=True, text=True)


@pytest.mark.parametrize("plugin, message", [
    ("other_major", r"version 7 of the contract, this host speaks version 1"),
    ("no_lookup", r"its table has no lookup"),
    ("odd_size", r"77 bytes"),
    ("no_entry", r"no symbol mdp_plugin_entry"),
])
def test_a_plugin_that_cannot_be_used_is_refused_with_its_own_reason(
        command, programs, mount_toy, plugin, message):
    path = programs / f"{plugin}_plugin.so"
    done = version(command, path)
    assert done.returncode == 1
    assert re.search(message, done.stderr)
    assert str(path) in done.stderr
    assert done.stderr.count("\n") == 1

    mount = mount_toy(plugin, wait=False)
    assert mount.process.wait(20) == 1
    assert re.search(message, mount.log())


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"\x7fELF garbage"])
def test_a_file_that_is_no_shared_object_is_refused(command, tmp_path, content):
    path = tmp_path / "some.so"
    path.write_bytes(content)
    done = version(command, path)
    assert done.returncode == 1 and str(path) in done.stderr


def test_a_plugin_that_is_not_there_is_refused(command, tmp_path):
    done = version(command, tmp_path / "none.so")
    assert done.returncode == 1 and "No such file" in done.stderr


@pytest.mark.parametrize("plugin", ["older", "newer", "baseline_1_0"])
def test_a_plugin_of_another_minor_serves_a_mount(mount_toy, plugin):
    root = mount_toy(plugin).root
    (root / "dir").mkdir()
    (root / "dir" / "file").write_bytes(b"x" * 100_000)
    assert (root / "dir" / "file").read_bytes() == b"x" * 100_000
    os.rename(root / "dir" / "file", root / "other")
    assert sorted(p.name for p in root.iterdir()) == ["dir", "other"]


def test_what_an_older_plugin_does_not_have_is_enosys_or_the_kernels(mount_toy):
    root = mount_toy("older").root
    with pytest.raises(OSError) as caught:
        (root / "link").symlink_to("target")
    assert caught.value.errno == errno.ENOSYS
    # Without locks of the plugin the kernel keeps them for this machine.
    with open(root / "file", "w") as one, open(root / "file") as two:
        fcntl.flock(one, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError):
            fcntl.flock(two, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_the_contract_has_only_grown_since_it_was_released(programs):
    """abidiff of the toy, built against the released header and against today's."""
    done = subprocess.run(
        ["abidiff", programs / "baseline_1_0_plugin.so", programs / "toy_plugin.so"],
        capture_output=True, text=True)
    assert done.returncode & 3 == 0, done.stderr
    assert breaks(done.stdout) == []


def breaks(report):
    """Lines of a report that mean more than a member at the end."""
    wrong = re.compile(r"[1-9]\d* Removed|deletion|offset changed|type of '(?!.*\)\* \w+' changed)")
    return [line for line in report.splitlines() if wrong.search(line)]


@pytest.mark.parametrize("change, allowed", [
    (("} mdp_ops;", "  int (*later)(mdp_volume *v);\n} mdp_ops;"), True),
    (("  uint32_t nlink;", "  uint64_t nlink;"), False),
    (("  void (*forget)(mdp_volume *v, uint64_t ino);\n", ""), False),
])
def test_that_comparison_notices_what_breaks(tmp_path, change, allowed):
    header = RELEASED.read_text()
    assert change[0] in header
    for name, text in (("same", header), ("changed", header.replace(*change))):
        (tmp_path / name / "mdp").mkdir(parents=True)
        (tmp_path / name / "mdp" / "plugin.h").write_text(text)
        source = tmp_path / name / "entry.c"
        source.write_text("#include <mdp/plugin.h>\n"
                          "const mdp_ops *mdp_plugin_entry(void) { return 0; }\n")
        subprocess.run(["cc", "-g", "-shared", "-fPIC", f"-I{source.parent}", source,
                        "-o", tmp_path / f"{name}.so"], check=True)
    done = subprocess.run(["abidiff", tmp_path / "same.so", tmp_path / "changed.so"],
                          capture_output=True, text=True)
    assert done.stdout, "abidiff saw no change at all"
    assert (breaks(done.stdout) == []) == allowed, done.stdout
