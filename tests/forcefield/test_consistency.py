"""Units and signs of energies and stresses are told from the forces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.units import GPa, Hartree, kcal, kJ, mol

from aofl.forcefield.consistency import (
    ENERGY_FACTORS,
    STRESS_FACTORS,
    consistency,
    line,
    unit_of,
)
from aofl.records import Label, LabelledStructure


def labelled(seed: int) -> LabelledStructure:
    atoms = bulk("Cu", "fcc", a=3.7, cubic=True)
    atoms.rattle(0.12, rng=np.random.default_rng(seed))
    atoms.calc = EMT()
    return LabelledStructure(
        numbers=atoms.numbers.astype(np.int64),
        positions=atoms.positions,
        cell=atoms.cell.array,
        pbc=atoms.pbc,
        label=Label(
            energy=atoms.get_potential_energy(),
            forces=atoms.get_forces(),
            stress=atoms.get_stress(),
        ),
    )


LABELS = [labelled(seed) for seed in range(16)]


def changed(*, energy: float = 1.0, forces: float = 1.0, stress: float = 1.0):
    return [
        replace(
            entry,
            label=replace(
                entry.label,
                energy=energy * entry.label.energy,
                forces=forces * entry.label.forces,
                stress=stress * entry.label.stress,
            ),
        )
        for entry in LABELS
    ]


def test_right_units_are_one() -> None:
    found = consistency(LABELS)
    for seen in (found.energy, found.stress):
        assert seen is not None
        assert seen.is_certain
        assert seen.slope == pytest.approx(1.0, abs=0.15)
        assert seen.n_labels == 16
    assert max(abs(error) for error in found.energy_errors.values()) < 0.3


@pytest.mark.parametrize(
    ("factors", "name"),
    [
        ({"energy": 1 / Hartree}, "energies in Hartree"),
        ({"energy": mol / kcal}, "energies in kcal/mol"),
        ({"energy": mol / kJ}, "energies in kJ/mol"),
        ({"forces": 1 / 51.422}, "forces in Hartree/Bohr"),
        ({"forces": mol / kcal}, "forces in kcal/mol/Å"),
        ({"forces": -1.0}, "gradients in place of forces, which have the opposite sign"),
        (
            {"energy": 1 / 27.2114, "forces": 1 / 51.422},
            "energies and forces in atomic units, positions in Å",
        ),
    ],
)
def test_units_of_energies_and_forces_that_do_not_fit_are_told(factors, name) -> None:
    seen = consistency(changed(**factors)).energy
    assert seen is not None
    assert seen.is_certain
    assert not seen.is_one
    assert unit_of(seen.slope, ENERGY_FACTORS) == name


@pytest.mark.parametrize(
    ("factor", "name"),
    [
        (-1.0, "the opposite sign, that of a pressure"),
        (1 / GPa, "GPa"),
        (-10 / GPa, "kbar with the opposite sign, as VASP prints it"),
        (183.631**-1, "Hartree/Bohr^3"),  # eV/Å^3 of one Hartree/Bohr^3
    ],
)
def test_units_and_signs_of_stresses_are_told(factor, name) -> None:
    found = consistency(changed(stress=factor))
    assert found.stress is not None
    assert found.energy is not None
    assert found.stress.is_certain
    assert not found.stress.is_one
    assert found.energy.is_one
    assert unit_of(found.stress.slope, STRESS_FACTORS) == name


def test_a_factor_that_is_none_has_no_name() -> None:
    assert unit_of(7.0, STRESS_FACTORS) is None
    assert unit_of(-1.0, {"GPa": 160.0}) is None


def test_an_energy_that_is_off_is_seen_and_spoils_nothing() -> None:
    entries = list(LABELS)
    for k in (2, 9):
        label = replace(entries[k].label, energy=entries[k].label.energy - 100.0)
        entries[k] = replace(entries[k], label=label)
    found = consistency(entries)
    assert found.energy is not None
    assert found.energy.is_one
    assert {k for k, error in found.energy_errors.items() if abs(error) > 5} == {2, 9}
    assert found.energy_errors[2] == pytest.approx(-100.0, abs=0.5)


def test_few_frames_tell_nothing() -> None:
    found = consistency(LABELS[:7])
    assert found.energy is None
    assert found.stress is None
    assert found.energy_errors == {}


def test_half_of_the_points_may_be_wrong() -> None:
    x = np.linspace(0.0, 1.0, 20)
    y = 3.0 * x + 1.0
    y[::2] += 50.0 + np.sin(np.arange(10.0))
    found = line(x, y)
    assert found is not None
    assert found.slope == pytest.approx(3.0)
    assert found.correlation == pytest.approx(1.0)
    assert line(np.ones(9), np.arange(9.0)) is None
    noise = np.random.default_rng(0).normal(size=(2, 200))
    unrelated = line(*noise)
    assert unrelated is not None
    assert not unrelated.is_certain
