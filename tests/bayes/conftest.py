"""One thread: two busy ones on a shared machine wait for each other in every small kernel."""

from collections.abc import Iterator

import numba
import pytest


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(before)
