"""Molecules by name."""

import pytest

from aofl.errors import StructureError
from aofl.system import molecule


def test_water_has_its_experimental_geometry() -> None:
    water = molecule("H2O")
    assert water.get_chemical_formula() == "H2O"
    assert water.get_distance(0, 1) == pytest.approx(0.9572)
    assert water.get_distance(0, 2) == pytest.approx(0.9572)
    assert water.get_angle(1, 0, 2) == pytest.approx(104.52)
    assert molecule("water") == water


def test_other_molecules_come_from_the_g2_collection() -> None:
    ether = molecule("CH3OCH3")
    assert ether.get_chemical_formula() == "C2H6O"
    assert not ether.pbc.any()
    assert not ether.has("initial_magmoms")


def test_an_unknown_molecule_names_the_nearest() -> None:
    with pytest.raises(StructureError, match=r"'CH3OCH4' is unknown.*CH3OCH3"):
        molecule("CH3OCH4")
    with pytest.raises(StructureError, match="is unknown; the nearest known are"):
        molecule("qqqqqq")
