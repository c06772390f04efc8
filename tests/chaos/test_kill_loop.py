"""A short slice of the loop of kills; the whole: tests/chaos/kill_loop.py."""

import os

import pytest

from chaos import kill_loop

LONG = os.environ.get("FASTMETA_LONG") == "1"


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("rtt_ms, rounds", [(0, 100 if LONG else 8), (30, 50 if LONG else 2)])
def test_every_acknowledged_operation_outlives_kills(lab, seed, rtt_ms, rounds):
    far = ("host while recovering", "host after a lost reply")
    loop = kill_loop.run(lab, rounds, seed, rtt_ms, kill_loop.KINDS if LONG or not rtt_ms else far)
    print(kill_loop.summary(loop, rounds))
    assert loop.violations == []
