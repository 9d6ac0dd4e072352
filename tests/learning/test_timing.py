"""Where the time went: compilation apart from what was being done."""

from __future__ import annotations

from time import sleep

import pytest

from aofl.learning import timing


def test_compilation_is_counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = iter([2.0, 2.03])
    monkeypatch.setattr(timing, "compile_seconds", lambda: next(compiled))
    clock = timing.Timing()
    with clock.part("update") as lap:
        sleep(0.05)
    assert clock.seconds["compilation"] == pytest.approx(0.03)
    assert clock.seconds["update"] == lap.seconds
    assert 0.019 < lap.seconds < 0.5
    assert clock.total - clock.own == pytest.approx(0.03, abs=1e-3)  # two readings of the clock
    assert clock.split()["compilation"] == pytest.approx(0.03)


def test_what_fails_is_counted_too() -> None:
    clock = timing.Timing()
    with pytest.raises(ZeroDivisionError), clock.part("reference"):
        1 / sum([0] * 100_000)
    assert clock.seconds["reference"] > 0
