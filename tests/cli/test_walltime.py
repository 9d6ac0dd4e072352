"""Wall times as a queue writes them."""

import pytest

from aofl.cli.walltime import seconds_of
from aofl.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3600", 3600), ("0.5", 0.5), ("12:00", 43200), ("1:02:03", 3723), ("2-01:00:00", 176400)],
)
def test_known_forms(text, seconds):
    assert seconds_of(text) == seconds


def test_none_is_no_limit():
    assert seconds_of(None) is None


@pytest.mark.parametrize("text", ["", "soon", "-5", "0", "0:00", "1h", "1:2:3:4", "9" * 50, "nan"])
def test_anything_else_is_one_sentence(text):
    with pytest.raises(ConfigError, match="expected seconds, H:MM"):
        seconds_of(text)
