"""What `cmake --install` leaves is complete, and works from wherever it was put."""

import os
import subprocess

import pytest


@pytest.fixture(scope="module")
def prefix(build_dir, tmp_path_factory):
    """The installation, as Debian lays it out, under a folder of its own."""
    root = tmp_path_factory.mktemp("installed") / "usr"
    subprocess.run(["cmake", "--install", build_dir, "--prefix", root], check=True,
                   stdout=subprocess.DEVNULL)
    return root


def found(prefix, pattern):
    [path] = prefix.glob(pattern)
    return path


@pytest.mark.parametrize("pattern", [
    "bin/fastmeta",
    "lib*/**/fastmeta/fastmeta.so",
    "include/mdp/plugin.h",
    "share/pkgconfig/mdp-plugin.pc",
    "share/cmake/mdp-plugin/mdp-plugin-config.cmake",
    "share/cmake/mdp-plugin/mdp-plugin-config-version.cmake",
    "share/fastmeta/config/passthrough.yaml",
    "share/fastmeta/config/fastmeta.schema.json",
    "share/man/man1/fastmeta.1",
    "share/man/man5/fastmeta.yaml.5",
])
def test_file_is_installed(prefix, pattern):
    assert found(prefix, pattern).stat().st_size > 0


def clean_environment():
    return {name: value for name, value in os.environ.items() if name != "FASTMETA_PLUGIN"}


def test_installed_command_finds_the_installed_plugin(prefix):
    done = subprocess.run([prefix / "bin" / "fastmeta", "version"], capture_output=True, text=True,
                          env=clean_environment(), cwd="/")
    assert done.returncode == 0, done.stderr
    assert str(found(prefix, "lib*/**/fastmeta/fastmeta.so")) in done.stdout


def test_installed_configuration_has_no_mistakes(prefix):
    for file in (prefix / "share" / "fastmeta" / "config").glob("*.yaml"):
        done = subprocess.run([prefix / "bin" / "fastmeta", "config", "check", file],
                              capture_output=True, text=True, env=clean_environment(), cwd="/")
        assert done.returncode == 0, done.stderr


def test_nothing_installed_names_where_it_was_built(prefix, build_dir):
    """Debug information aside: it is stripped by whoever packages."""
    for path in prefix.rglob("*"):
        if not path.is_file() or path.name in ("fastmeta", "fastmeta.so"):
            continue
        assert str(build_dir).encode() not in path.read_bytes(), path


def test_a_program_is_built_with_pkg_config(prefix, tmp_path):
    source = tmp_path / "user.c"
    source.write_text("#include <mdp/plugin.h>\n"
                      "int main(void) { return MDP_ABI_MAJOR >= 1 ? 0 : 1; }\n")
    environment = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "share" / "pkgconfig")}
    flags = subprocess.run(
        ["pkg-config", f"--define-variable=prefix={prefix}", "--cflags", "mdp-plugin"],
        capture_output=True, text=True, check=True, env=environment).stdout.split()
    program = tmp_path / "user"
    subprocess.run(["cc", "-std=c11", "-Wall", "-Werror", *flags, source, "-o", program],
                   check=True)
    assert subprocess.run([program]).returncode == 0
