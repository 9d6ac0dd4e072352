"""Volumes of molecules and ions: the formulas, and where the estimates come from."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.data import vdw_radii

from aofl.system import molecule, unit
from aofl.system.volumes import (
    ANION_VOLUMES_A3,
    CATION_RADII_A,
    count_at_molarity,
    density_of_volume,
    molarity,
    volume_of_density,
)


def van_der_waals_volume(molecule: Atoms, spacing: float = 0.1) -> float:
    """Return the volume of the union of the atoms' van der Waals spheres, Å^3, on a grid."""
    radii = vdw_radii[molecule.numbers]
    low = (molecule.positions - radii[:, None]).min(axis=0)
    high = (molecule.positions + radii[:, None]).max(axis=0)
    axes = [np.arange(a + spacing / 2, b, spacing) for a, b in zip(low, high, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    inside = np.zeros(points.shape[:-1], dtype=bool)
    for position, radius in zip(molecule.positions, radii, strict=True):
        inside |= np.sum((points - position) ** 2, axis=-1) < radius**2
    return float(np.count_nonzero(inside)) * spacing**3


def test_one_cubic_nanometre_of_water() -> None:
    volume = volume_of_density(18.015, 0.997)
    assert volume == pytest.approx(30.0, abs=0.05)
    assert density_of_volume(18.015, volume) == pytest.approx(0.997)
    assert molarity(1, 1660.539) == pytest.approx(1.0, rel=1e-6)
    assert count_at_molarity(2.0, 1660.539) == pytest.approx(2.0, rel=1e-6)


def test_a_sphere_has_its_volume() -> None:
    assert van_der_waals_volume(Atoms("O")) == pytest.approx(4 / 3 * np.pi * 1.52**3, rel=0.01)


def test_volumes_of_sulfonyl_anions_follow_from_the_measured_ones() -> None:
    ratios = [
        ANION_VOLUMES_A3[name] / van_der_waals_volume(molecule(name))
        for name in ("PF6-", "BF4-", "ClO4-")
    ]
    assert np.ptp(ratios) < 0.11
    for name in ("OTf-", "FSI-", "TFSI-"):
        estimate = float(np.mean(ratios)) * van_der_waals_volume(molecule(name))
        assert ANION_VOLUMES_A3[name] == pytest.approx(estimate, rel=0.01)


def test_liquids_are_filled_to_about_the_same_part() -> None:
    filled = [
        van_der_waals_volume(molecule(name)) / float(unit(name).volume or np.nan)
        for name in ("H2O", "EC", "PC", "DMC", "DEC", "EMC", "FEC", "VC", "DOL", "DME", "THF")
    ]
    assert 0.5 < min(filled) < max(filled) < 0.7


def test_a_cation_fills_the_sphere_of_its_radius() -> None:
    for name, radius in CATION_RADII_A.items():
        assert unit(name).volume == pytest.approx(4 / 3 * np.pi * radius**3)
