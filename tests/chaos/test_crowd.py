"""A short slice of the crowd; the whole: tests/chaos/crowd.py."""

import os

import pytest

from chaos import crowd

LONG = os.environ.get("FASTMETA_LONG") == "1"


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("rtt_ms, pause_s, seconds",
                         [(40, 0.003, 300 if LONG else 10)] + ([(5, 0, 120)] if LONG else []))
def test_all_of_a_crowd_end_with_one_tree(lab, seed, rtt_ms, pause_s, seconds):
    done = crowd.run(lab, seed, crowd.Terms(seconds, rtt_ms, pause_s=pause_s))
    print(crowd.summary(done))
    assert done.violations == []
