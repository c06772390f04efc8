"""What every test written in Python may ask for."""

import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items):
    if os.environ.get("FASTMETA_LONG") == "1":
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="long; runs with --long"))


@pytest.fixture(scope="session")
def build_dir():
    """The build under test: FASTMETA_BUILD, by default build/release."""
    folder = ROOT / os.environ.get("FASTMETA_BUILD", "build/release")
    assert folder.is_dir(), f"{folder} is not there: run scripts/build first"
    return folder


@pytest.fixture(scope="session")
def command(build_dir):
    """The fastmeta command of that build."""
    return build_dir / "fastmeta"


@pytest.fixture(scope="session")
def plugin(build_dir):
    """The plugin of that build."""
    return build_dir / "fastmeta.so"


@pytest.fixture(scope="session")
def juicefs():
    """The standard client. Where it must be there (CI) its absence is a failure."""
    ours = ROOT / "build" / "venv" / "bin" / "juicefs"
    found = ours if ours.exists() else shutil.which("juicefs")
    if found and subprocess.run([found, "version"], capture_output=True).returncode == 0:
        return pathlib.Path(found)
    if os.environ.get("FASTMETA_REQUIRE_JUICEFS") == "1":
        pytest.fail("the standard client is required and was not found")
    pytest.skip("the standard client is not there: scripts/venv installs it")
