"""What several tests share: small structures and a cheap, exact reference."""

from __future__ import annotations

from collections.abc import Iterator

import numba
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from hypothesis import settings

from aofl.reference import AseReference

# How long an example takes is the machine's affair: a busy one fails no promise.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def copper() -> Atoms:
    """A warm 8-atom Cu/Al crystal, periodic: EMT knows both metals."""
    atoms = bulk("Cu", "fcc", a=3.7, cubic=True) * (2, 1, 1)
    atoms.numbers[[1, 6]] = 13
    atoms.rattle(0.08, rng=np.random.default_rng(3))
    return atoms


@pytest.fixture
def emt() -> AseReference:
    """A reference that costs a millisecond."""
    return AseReference(EMT(), description={"code": "emt"})


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """One thread: two busy ones on a shared machine wait for each other in every small kernel."""
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(before)
