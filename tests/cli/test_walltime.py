"""Wall times as a queue writes them."""

import pytest

from aofl.cli.walltime import seconds_of
from aofl.errors import ConfigError

MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90 * MINUTE),
        ("30:00", 30 * MINUTE),
        ("90:30", 90 * MINUTE + 30),
        ("12:00:00", 12 * HOUR),
        ("1:02:03", HOUR + 2 * MINUTE + 3),
        ("2-0", 2 * DAY),
        ("1-12", DAY + 12 * HOUR),
        ("1-12:30", DAY + 12 * HOUR + 30 * MINUTE),
        ("2-01:00:00", 2 * DAY + HOUR),
        ("0-36:00:07", 36 * HOUR + 7),
    ],
)
def test_times_are_read_as_slurm_reads_them(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("0.5s", 0.5), ("30min", 1800), ("30m", 1800), ("1.5h", 5400), ("2 D", 172800)],
)
def test_a_unit_says_what_a_number_is(text, seconds):
    assert seconds_of(text) == seconds


def test_none_is_no_limit():
    assert seconds_of(None) is None


@pytest.mark.parametrize(
    "text",
    ["", "soon", "-5", "0", "0:00", "1.5", "1,5h", "3 weeks", "1:2:3:4", "1-", "9" * 50, "nan"],
)
def test_anything_else_is_one_sentence(text):
    with pytest.raises(ConfigError, match="expected minutes, M:SS, H:MM:SS, D-H"):
        seconds_of(text)
