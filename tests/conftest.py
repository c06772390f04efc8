"""What every test written in Python may ask for."""

import os
import pathlib
import random
import re
import shutil
import subprocess
import threading

import pytest

from support import cleanup
from support.clients import Fastmeta, Juicefs, kill_all
from support.lab import Lab
from support.wall_clock import WallClock

FAILED = pytest.StashKey()  # a test, or one of its file
ROOT = pathlib.Path(__file__).resolve().parent.parent


def pytest_addoption(parser):
    parser.addoption("--mount", default="fastmeta", choices=["fastmeta", "juicefs"],
                     help="the client under test; juicefs proves the tests themselves")
    parser.addoption("--mode", default="passthrough", choices=["passthrough", "fast-meta"],
                     help="of our mounts, where a test does not choose one itself")
    parser.addoption("--seed", type=int, help="of a random sequence, to replay it")
    parser.addoption("--operations", type=int, help="the length of a random sequence")


def pytest_configure(config):
    cleanup.install()
    if config.option.seed is None:
        config.option.seed = random.SystemRandom().randrange(1 << 32)


def pytest_collection_modifyitems(config, items):
    if config.getoption("--mode") != "passthrough":
        for item in items:
            if item.get_closest_marker("passthrough_only"):
                item.add_marker(pytest.mark.skip(reason="a promise of passthrough"))
    if os.environ.get("FASTMETA_LONG") == "1":
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="long; runs with --long"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.failed:
        item.stash[FAILED] = item.getparent(pytest.Module).stash[FAILED] = True
    return report


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


@pytest.fixture(scope="session")
def link_program(build_dir):
    """The program between a client and Redis that a test can bend."""
    return build_dir / "tests" / "link"


@pytest.fixture(scope="session")
def ours(request):
    """The name of the client under test."""
    return request.config.getoption("--mount")


@pytest.fixture
def only_ours(ours):
    """For promises that only our client gives."""
    if ours != "fastmeta":
        pytest.skip("a promise of ours")


@pytest.fixture(scope="session")
def new_lab(request, tmp_path_factory, command, juicefs, link_program):
    """Makes a Lab; whoever asks closes it."""
    clients = {"fastmeta": Fastmeta(command, request.config.getoption("--mode")),
               "juicefs": Juicefs(juicefs)}

    def make(name):
        # The standard client takes commas and colons in its cache directory for several ones, and
        # what follows them for folders of wherever it was started.
        plain = re.sub(r"[^\w.-]", "_", name)
        return Lab(tmp_path_factory.mktemp(plain), clients, link_program)
    return make


def end(lab, node):
    """Keeps what a failure left: each local store is 100 MB."""
    lab.close()
    if not node.stash.get(FAILED, False):
        shutil.rmtree(lab.folder, ignore_errors=True)


@pytest.fixture
def lab(new_lab, request):
    """Servers, volumes and mounts of one test."""
    lab = new_lab(request.node.name[:40])
    yield lab
    end(lab, request.node)


@pytest.fixture(scope="module")
def module_lab(new_lab, request):
    """Servers, volumes and mounts that the tests of one file share."""
    lab = new_lab(request.node.name.split("/")[-1].removesuffix(".py"))
    yield lab
    end(lab, request.node)


@pytest.fixture
def seed(request):
    """Printed by pytest when the test fails; --seed replays it."""
    seed = request.config.getoption("--seed")
    print(f"seed {seed}: replay with --seed={seed}")
    return seed


@pytest.fixture
def clock(build_dir, tmp_path):
    """A wall clock that the test sets."""
    return WallClock(build_dir / "tests" / "clock_step.so", tmp_path / "clock")


@pytest.fixture(autouse=True)
def no_hang(request):
    """A request that a mount never answers fails, before the time limit of the test is over."""
    limit = request.node.get_closest_marker("timeout")
    seconds = float(limit.args[0]) if limit else float(request.config.getini("timeout"))
    timer = threading.Timer(seconds - 20, kill_all)
    timer.daemon = True
    timer.start()
    yield
    timer.cancel()
