"""Numbers of the command line are read or refused in one sentence."""

from __future__ import annotations

import pytest

from aofl.cli.numbers import cell_of, finite
from aofl.errors import ConfigError


def test_numbers_and_cells():
    assert finite(None, "--x") is None
    assert finite(0.5, "--x") == 0.5
    assert cell_of(None) is None
    assert cell_of("none") == ()
    assert cell_of("9,9.5,12") == cell_of("9 9.5 12") == (9.0, 9.5, 12.0)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number(value: float):
    with pytest.raises(ConfigError, match=f"--x is {value}: give a finite number"):
        finite(value, "--x")


@pytest.mark.parametrize("text", ["a,b,c", "9,nan,9"])
def test_a_cell_of_words(text: str):
    with pytest.raises(ConfigError, match=r"--cell is '(a|nan)'"):
        cell_of(text)
