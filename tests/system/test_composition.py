"""Amounts: what is asked for comes back, counted anew by hand."""

from __future__ import annotations

from typing import Any

import pytest

from aofl.config import ElectrolyteConfig
from aofl.errors import StructureError
from aofl.system.composition import Composition, fill
from aofl.system.species import unit
from aofl.system.volumes import AVOGADRO

LITRE = 1e27  # Å^3


def filled(volume: float | None, **electrolyte: Any) -> Composition:
    config = ElectrolyteConfig.model_validate(
        {"gap_A": None if volume is None else 1.0, **electrolyte}
    )
    names = [*config.molecules, *config.mixture, *config.mol_per_L, *config.mol_per_kg]
    return fill(config, {name: unit(name, config.species) for name in names}, volume)


def test_pure_water_fills_a_volume_at_its_density() -> None:
    found = filled(30_000.0, mixture={"H2O": 1})
    assert found.counts == {"H2O": round(30_000 * 0.997e-24 / 18.015 * AVOGADRO)}
    assert found.density_asked == pytest.approx(0.997, rel=1e-6)
    assert found.density == pytest.approx(0.997, rel=2e-3)


def test_numbers_take_the_volume_of_their_density() -> None:
    found = filled(None, molecules={"DME": 10})
    assert found.volume == pytest.approx(10 * 90.12 / AVOGADRO / 0.86 * 1e24, rel=1e-4)
    given = filled(None, molecules={"DME": 10}, density_g_per_cm3=0.9)
    assert given.volume == pytest.approx(found.volume * 0.86 / 0.9, rel=1e-9)
    assert given.density == pytest.approx(0.9)


def test_numbers_in_a_given_volume_ask_for_no_density() -> None:
    found = filled(1000.0, molecules={"H2O": 4})
    assert found.density_asked is None
    assert found.density == pytest.approx(4 * 18.015 / AVOGADRO / 1e-21, rel=1e-4)
    assert found.amounts[0].asked is None
    assert found.amounts[0].got == pytest.approx(4 / AVOGADRO * LITRE / 1000)


def test_molarity_is_per_volume_of_solution() -> None:
    volume = 20 * LITRE / AVOGADRO
    found = filled(volume, mixture={"diglyme": 1}, mol_per_L={"NaPF6": 0.75})
    assert found.counts["NaPF6"] == 15
    salt = next(amount for amount in found.amounts if amount.name == "NaPF6")
    assert (salt.asked, salt.unit) == (0.75, "mol/L")
    assert salt.got == pytest.approx(0.75)
    assert found.density == pytest.approx(found.density_asked, rel=0.01)


def test_molality_is_per_mass_of_solvent_alone() -> None:
    found = filled(50_000.0, mixture={"EC": 1}, mol_per_kg={"LiPF6": 1.2})
    solvent = found.counts["EC"] * 88.062
    assert 1000 * found.counts["LiPF6"] / solvent == pytest.approx(1.2, rel=0.02)
    numbers = filled(None, molecules={"EC": 100}, mol_per_kg={"LiPF6": 1.0})
    assert numbers.counts == {"EC": 100, "LiPF6": round(8.8062)}


@pytest.mark.parametrize("density", [None, 1.25])
def test_a_mixture_with_salts_and_molecules_keeps_its_density(density: float | None) -> None:
    found = filled(
        60_000.0,
        mixture={"EC": 3, "DMC": 7},
        molecules={"FEC": 10},
        mol_per_L={"NaPF6": 1.0},
        density_g_per_cm3=density,
    )
    assert found.counts["EC"] / (found.counts["EC"] + found.counts["DMC"]) == pytest.approx(
        0.3, abs=0.005
    )
    assert found.density == pytest.approx(found.density_asked, rel=2e-3)
    if density is not None:
        assert found.density_asked == density


@pytest.mark.parametrize(
    ("by", "ratio"),
    [("mole", 1.0), ("mass", 90.078 / 88.062), ("volume", 1.321 / 88.062 * 90.078 / 1.063)],
)
def test_parts_count_moles_mass_or_volume(by: str, ratio: float) -> None:
    found = filled(500_000.0, mixture={"EC": 1, "DMC": 1}, mixture_by=by)
    assert found.counts["EC"] / found.counts["DMC"] == pytest.approx(ratio, rel=1e-3)


def test_a_salt_may_be_a_mole_part() -> None:
    found = filled(100_000.0, mixture={"diglyme": 9, "NaFSI": 1})
    assert found.counts["NaFSI"] / sum(found.counts.values()) == pytest.approx(0.1, abs=0.002)


@pytest.mark.parametrize(
    ("volume", "electrolyte", "words"),
    [
        (
            3000,
            {"mixture": {"H2O": 1}, "molecules": {"Na+": 2, "PF6-": 1}},
            r"charge of \+1 e: 2 Na\+",
        ),
        (3000, {"mixture": {"EC": 1}, "mol_per_L": {"NaPF6": 0.1}}, "0.18 of one in the 3000 Å"),
        (3000, {"mixture": {"CH3OCH3": 1}}, "density of CH3OCH3 is not in the table"),
        (900, {"mixture": {"EC": 1}, "molecules": {"H2O": 90}}, "nothing is left for the mixture"),
        (3000, {"mixture": {"EC": 1}, "density_g_per_cm3": 2.5}, "2.5, which no liquid of EC has"),
        (3000, {"mixture": {"EC": 1, "VC": 0.001}}, "amount of VC asked for is 0.03 of one"),
    ],
)
def test_what_cannot_be_had_is_said(volume: float, electrolyte: dict[str, Any], words: str) -> None:
    with pytest.raises(StructureError, match=words):
        filled(volume, **electrolyte)
