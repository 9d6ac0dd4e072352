"""A `with` block closes what it opened, also when it fails."""

import pytest

from aofl.store import Closing


class Door(Closing):
    """Open until it is closed."""

    is_open = True

    def close(self) -> None:
        self.is_open = False


def test_the_end_of_the_block_closes() -> None:
    with Door() as door:
        assert door.is_open
    assert not door.is_open


def test_an_error_closes_too_and_goes_on() -> None:
    door = Door()
    with pytest.raises(ValueError, match="inside"), door:
        raise ValueError("inside")
    assert not door.is_open
