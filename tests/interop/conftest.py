"""One live volume, mounted by our client and by the standard one."""

import os

import pytest

from support.pair import Pair


def missing(path):
    try:
        os.lstat(path)
        return False
    except FileNotFoundError:
        return True


@pytest.fixture(scope="module")
def shared(module_lab, ours):
    """A volume without trash and its two mounts, for all tests of a file."""
    volume = module_lab.format()
    return volume, module_lab.mount(ours, volume), module_lab.mount("juicefs", volume)


@pytest.fixture(params=["ours to standard", "standard to ours"])
def pair(shared, request):
    """The two mounts, in both roles."""
    volume, first, second = shared
    return Pair(volume, *((first, second) if request.param == "ours to standard" else
                          (second, first)))
