"""What people who do not know us ask of a file system. Nothing that they find wrong is ours."""

import os
import pathlib
import tempfile

import pytest

import suites

pytestmark = [pytest.mark.quick, pytest.mark.timeout(2 * suites.INSTALL_SECONDS_MAX)]

MODES = ["passthrough", "fast-meta"]


def installed(name):
    """The suite's program. Where the suites must be there (CI) their absence is a failure."""
    try:
        return suites.install(name)
    except suites.Unavailable as why:
        if os.environ.get("FASTMETA_REQUIRE_JUICEFS") == "1":
            pytest.fail(str(why))
        pytest.skip(str(why))


@pytest.fixture
def root(lab):
    """A mount point that every user can enter, with a path that is short enough for sockets."""
    place = pathlib.Path(tempfile.mkdtemp(prefix="fm"))
    lab.defer(place.rmdir)
    place.chmod(0o755)
    return place


@pytest.fixture(params=MODES)
def folder(request, lab, ours, root):
    """A folder of a new mount, in each mode; the standard client has none."""
    how = {}
    if ours == "fastmeta":
        how["settings"] = {"mode": request.param}
        if request.param == "fast-meta":
            how["settings"]["cache.dir"] = str(lab.place("cache"))
    mount = lab.mount(ours, lab.format(), root=root, **how)
    place = mount.path("suite")
    os.mkdir(place)
    yield place
    mount.unmount()


@pytest.mark.skipif(os.geteuid() != 0, reason="it becomes other users and needs root for that")
def test_pjdfstest_finds_every_call_as_posix_has_it(folder):
    installed("pjdfstest")
    verdict = suites.pjdfstest(folder)
    print(verdict.output)
    assert verdict.good, str(verdict)
    assert verdict.passed > 300, str(verdict)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_fsx_reads_back_what_it_wrote(folder, seed):
    installed("fsx")
    verdict = suites.fsx(folder, seeds=[seed], operations=5000)
    assert verdict.good, str(verdict) + "\n" + verdict.output[-3000:]
