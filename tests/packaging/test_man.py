"""The man pages say what the command and the documented configuration say."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CONFIGS = sorted((ROOT / "config").glob("*.yaml"), reverse=True)


@pytest.fixture(scope="module")
def pages(build_dir):
    """The built pages, name -> text."""
    folder = build_dir / "packaging" / "man"
    return {name: (folder / name).read_text(encoding="utf-8")
            for name in ("fastmeta.1", "fastmeta.yaml.5")}


def plain(text):
    return text.replace("\\-", "-").replace("\\e", "\\").replace("\\&", "")


def help_of(command, words):
    """What --help prints, and the subcommands that it lists."""
    text = subprocess.run([command, *words, "--help"], capture_output=True, text=True,
                          check=True).stdout
    listed = text.partition("\nSubcommands:\n")[2]
    return text, re.findall(r"^  ([a-z]+)\s", listed, re.M)


def options_of(command, words=()):
    """Every subcommand in words -> its options, as --help lists them."""
    text, below = help_of(command, words)
    listed = text.partition("\nOptions:\n")[2].partition("\nSubcommands:\n")[0]
    names = set(re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", "\n".join(
        line[:40].split("  ")[1] if line.startswith("  ") else "" for line in listed.splitlines()
        if line.startswith("  -"))))
    out = {} if below else {" ".join(words): names - {"-h", "--help"}}
    for name in below:
        out.update(options_of(command, (*words, name)))
    return out


def documented_options(page):
    """The same, as the man page has it: what stands at the head of a paragraph."""
    out = {}
    for part in plain(page).partition(".SH COMMANDS")[2].partition(".SH EXIT")[0].split(".SS ")[1:]:
        name, _, body = part.partition("\n")
        heads = re.findall(r"^\.TP\n\.\S+ (.*)$", body, re.M)
        out[name.removeprefix("fastmeta ")] = {
            option for head in heads for option in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", head)}
    return out


def test_command_page_has_the_options_of_help_and_no_other(command, pages):
    options = options_of(command)
    assert {"--bucket", "-c", "--force"} < options["format"]  # the help is read as it is written
    assert documented_options(pages["fastmeta.1"]) == options


def test_command_page_names_every_command_in_its_synopsis(command, pages):
    synopsis = plain(pages["fastmeta.1"]).partition(".SH SYNOPSIS")[2].partition(".SH DESC")[0]
    for name in options_of(command):
        words = name.split()
        assert re.search(rf"fastmeta .*{words[0]}", synopsis), name
        assert words[-1] in synopsis, name


def keys_of(command, tmp_path):
    done = subprocess.run([command, "config", "show"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {line.split()[0] for line in done.stdout.splitlines() if line.strip()}


def test_configuration_page_has_every_key_and_no_other(command, pages, tmp_path):
    body = plain(pages["fastmeta.yaml.5"]).partition(".SH KEYS")[2].partition(".SH FILES")[0]
    assert set(re.findall(r"^\.TP\n\.B (\S+)$", body, re.M)) == keys_of(command, tmp_path)


def test_configuration_page_is_of_the_files_that_are_there(pages):
    made = subprocess.run(
        [sys.executable, ROOT / "packaging" / "man" / "yaml5.py", "VERSION", *CONFIGS],
        capture_output=True, text=True, encoding="utf-8", check=True).stdout
    version = re.search(r'"fastmeta (\S+)"', pages["fastmeta.1"]).group(1)
    assert pages["fastmeta.yaml.5"] == made.replace("VERSION", version)


@pytest.mark.parametrize("name", ["fastmeta.1", "fastmeta.yaml.5"])
def test_pages_are_set_without_a_warning(pages, name):
    if not shutil.which("groff"):
        pytest.skip("groff is not there")
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-K", "utf8", "-ww", "-z"], input=pages[name],
        capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0
    lines = [line for line in done.stderr.splitlines() if "cannot adjust" not in line
             and "can't break" not in line]
    assert lines == []


def test_a_key_of_one_mode_only_and_another_default_are_told_apart(tmp_path):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("# Mode first.\n\n# How.\n# [word]\nmode: first\n\n"
                     "part:\n  # A.\n  # [number]\n  a: 1\n\n# End.\n# [word]\nend: x\n")
    second.write_text("# Mode second.\n\n# How.\n# [word]\nmode: second\n\n"
                      "part:\n  # A.\n  # [number]\n  a: 1\n\n  # B.\n  # [number]\n  b: 2\n")
    page = subprocess.run(
        [sys.executable, ROOT / "packaging" / "man" / "yaml5.py", "1", first, second],
        capture_output=True, text=True, check=True).stdout
    assert "Mode first." in page and "Mode second." in page
    assert page.count(".B part.a") == 1
    assert "In second: second." in page
    assert "Only in second." in page and "Only in first." in page
    assert page.index(".B part.a") < page.index(".B part.b") < page.index(".B end")
