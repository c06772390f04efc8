"""What a test starts ends, also when the test fails or the run is interrupted."""

import atexit
import itertools
import signal
import sys
import traceback

_numbers = itertools.count()
_pending = {}


def defer(action):
    """Runs action at the end of the process at the latest; returns a ticket for run()."""
    ticket = next(_numbers)
    _pending[ticket] = action
    return ticket


def run(ticket):
    """Runs a deferred action now, once."""
    action = _pending.pop(ticket, None)
    if action is None:
        return
    try:
        action()
    except Exception:  # the remaining actions must still run
        traceback.print_exc()


def run_all():
    """Last in, first out: a mount goes before the server that it needs."""
    for ticket in sorted(_pending, reverse=True):
        run(ticket)


def install():
    """Makes a termination signal end the process the ordinary way."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


atexit.register(run_all)
