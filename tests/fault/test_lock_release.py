"""What a program lets go of while Redis is away is free when Redis is back, for everybody."""

import fcntl
import os
import subprocess
import sys
import time

import pytest

from support.process import wait_until

pytestmark = pytest.mark.quick

OUTAGE_S = 4         # changes are refused by then
FREE_WITHIN_S = 3    # of the moment when the mount works again

HOLDER = """
import fcntl, sys, time
file = open(sys.argv[1], "r+b")
fcntl.{call}(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""
TAKE = {"flock": lambda file: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB),
        "lockf": lambda file: fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)}


def taken(call, file):
    try:
        TAKE[call](file)
        return True
    except BlockingIOError:
        return False


@pytest.fixture
def other(bent, lab, only_ours):
    """The standard client, on its own way to Redis."""
    return lab.mount("juicefs", bent.volume)


@pytest.mark.parametrize("call", TAKE)
@pytest.mark.parametrize("outage", ["refuse", "hole"])
def test_a_lock_whose_holder_ends_during_an_outage_is_free_after_it(bent, other, call, outage):
    with open(bent.path("file"), "wb"):
        pass
    wait_until(lambda: os.path.exists(other.path("file")), 5, "the file")
    with open(other.path("file"), "r+b") as file:
        with subprocess.Popen([sys.executable, "-c", HOLDER.format(call=call), bent.path("file")],
                              stdout=subprocess.PIPE, text=True) as holder:
            assert holder.stdout.readline() == "held\n"
            assert not taken(call, file)
            getattr(bent.link, outage)()
            time.sleep(OUTAGE_S)
            holder.kill()
        time.sleep(1)
        bent.link.up()
        bent.works_again()
        wait_until(lambda: taken(call, file), FREE_WITHIN_S, "the lock", every_s=0.1)


@pytest.mark.parametrize("call", TAKE)
def test_a_lock_that_is_taken_again_after_an_outage_is_kept(bent, other, call):
    """What was let go of during the outage is done before."""
    with open(bent.path("file"), "wb"):
        pass
    wait_until(lambda: os.path.exists(other.path("file")), 5, "the file")
    with open(bent.path("file"), "r+b") as mine, open(other.path("file"), "r+b") as file:
        TAKE[call](mine)
        bent.link.refuse()
        time.sleep(OUTAGE_S)
        getattr(fcntl, call)(mine, fcntl.LOCK_UN)
        bent.link.up()
        bent.works_again()
        TAKE[call](mine)
        time.sleep(1)
        assert not taken(call, file)
