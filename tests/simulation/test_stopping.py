"""Which signals ask a run to end, and which are let be."""

import os
import signal

import pytest

from aofl.simulation.stopping import SIGNALS, StopRequest, caught_signals


@pytest.fixture(autouse=True)
def signals_as_they_come():
    """Let signals end this process, although the tests may run under `nohup`."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_asks_for_the_end_and_is_given_back(number):
    request, before = StopRequest(), signal.getsignal(number)
    with caught_signals(request):
        assert not request.is_due()
        os.kill(os.getpid(), number)
        assert request.is_due()
    assert request.reason == number.name
    assert signal.getsignal(number) == before


def test_a_terminal_that_hangs_up_twice_asks_once():
    request = StopRequest()
    with caught_signals(request):
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGHUP)
    assert request.reason == "SIGHUP"


def test_nohup_is_respected():
    request, before = StopRequest(), signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with caught_signals(request):
            os.kill(os.getpid(), signal.SIGHUP)
            assert not request.is_due()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
