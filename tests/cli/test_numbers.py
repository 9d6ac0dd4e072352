"""Numbers of the command line are read or refused in one sentence."""

from __future__ import annotations

import pytest

from aofl.cli.numbers import cell_of, number_of
from aofl.errors import ConfigError


def test_numbers_and_cells():
    assert number_of(None, "--x") is None
    assert number_of("0.5", "--x") == 0.5
    assert cell_of(None) is None
    assert cell_of("none") == ()
    assert cell_of("9,9.5,12") == cell_of("9 9.5 12") == (9.0, 9.5, 12.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0,5", "an argument is '0,5'; write a number with a point"),
        ("ten", "--x is 'ten': give a finite number"),
        ("nan", "--x is 'nan'"),
        ("inf", "--x is 'inf'"),
    ],
)
def test_what_is_no_number(text: str, message: str):
    with pytest.raises(ConfigError, match=message):
        number_of(text, "--x")


@pytest.mark.parametrize("text", ["a,b,c", "9,nan,9"])
def test_a_cell_of_words(text: str):
    with pytest.raises(ConfigError, match=r"--cell is '(a|nan)'"):
        cell_of(text)
