"""A short slice of the loop of kills; the whole: tests/chaos/kill_loop.py."""

import os

import pytest

from chaos import kill_loop

ROUNDS = 40 if os.environ.get("FASTMETA_LONG") == "1" else 5


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("rtt_ms", [0, pytest.param(30, marks=pytest.mark.long)])
def test_every_acknowledged_operation_outlives_kills(lab, seed, rtt_ms):
    loop = kill_loop.run(lab, ROUNDS, seed, rtt_ms)
    print(kill_loop.summary(loop, ROUNDS))
    assert loop.violations == []
