"""Constant pressure: the ensembles of a cell whose energy is known, and kills on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ase import Atoms, units
from ase.calculators.calculator import Calculator, all_changes

from aofl.config import config_from_mapping
from aofl.records import FloatArray
from aofl.simulation.dynamics import (
    advance,
    make_dynamics,
    restore_thermostat,
    set_initial_momenta,
    thermostat_state,
)

N, SIDE, STIFFNESS, T = 12, 6.0, 0.08, 400.0  # atoms, Å, eV/Å^3, K
PRESSURE = 2.0  # GPa
CELLS = ["normal", "isotropic", "full"]


class Elastic(Calculator):
    """Free atoms in an elastic box: U = V0 k/2 sum E_ij^2 of Green's strain, no forces."""

    implemented_properties = ["energy", "free_energy", "forces", "stress"]  # noqa: RUF012

    def calculate(self, atoms: Any = None, properties: Any = None, changes: Any = all_changes):
        super().calculate(atoms, properties, changes)
        bent = atoms.cell.array / SIDE
        strain = 0.5 * (bent @ bent.T - np.eye(3))
        energy = 0.5 * SIDE**3 * STIFFNESS * (strain**2).sum()
        cauchy = STIFFNESS * bent.T @ strain @ bent / np.linalg.det(bent)
        self.results = {
            "energy": energy,
            "free_energy": energy,
            "forces": np.zeros((len(atoms), 3)),
            "stress": cauchy[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]],
        }


def box() -> Atoms:
    places = np.random.default_rng(4).uniform(0, SIDE, (N, 3))
    atoms = Atoms(f"Ar{N}", places, cell=3 * [SIDE], pbc=True)
    set_initial_momenta(atoms, T, 5)
    atoms.calc = Elastic()
    return atoms


def settings(cell: str, **changes: Any) -> Any:
    dynamics = {
        "name": "mtk", "timestep_fs": 4.0, "temperature_K": T, "steps": 9, "cell": cell,
        "pressure_GPa": PRESSURE, "time_constant_fs": 40.0, "pressure_time_fs": 160.0,
    }  # fmt: skip
    mapping = {"system": {"structure": "some.xyz"}, "dynamics": dynamics | changes}
    return config_from_mapping(mapping).dynamics


def sampled(cell: str, steps: int = 6000) -> list[FloatArray]:
    """Return the cells of a run; free atoms never meet, so now and then all momenta are redrawn."""
    atoms, config = box(), settings(cell)
    dynamics = make_dynamics(config, atoms)
    cells, random = [], np.random.default_rng(8)
    for step in range(1, steps + 1):
        advance(dynamics, config, 0, step)
        if step % 20 == 0:
            spread = np.sqrt(units.kB * T * atoms.get_masses()[:, None])
            dynamics._p = spread * random.standard_normal((N, 3))
        cells.append(atoms.cell.array.copy())
    return cells[500:]


OfStretch = Callable[[FloatArray], FloatArray]


def expected(volume: OfStretch, strain: OfStretch) -> tuple[float, float]:
    """Return mean and deviation of the volume by V^N exp(-(U + P V) / kT) over a stretch."""
    stretch = np.linspace(0.6, 1.6, 20001)
    v = volume(stretch)
    energy = 0.5 * SIDE**3 * STIFFNESS * strain(stretch) + PRESSURE * units.GPa * v
    density = np.exp(N * np.log(v) - (energy - energy.min()) / (units.kB * T))
    density *= np.gradient(v)
    density /= density.sum()
    mean = (density * v).sum()
    return mean, np.sqrt((density * (v - mean) ** 2).sum())


def green(stretch: FloatArray) -> FloatArray:
    return (0.5 * (stretch**2 - 1)) ** 2


@pytest.mark.parametrize(
    ("cell", "volume", "strain"),
    [
        ("normal", lambda s: SIDE**3 * s, green),
        ("isotropic", lambda s: SIDE**3 * s**3, lambda s: 3 * green(s)),
    ],
)
def test_the_volume_has_mean_and_spread_of_its_ensemble(cell, volume, strain) -> None:
    found = [abs(np.linalg.det(h)) for h in sampled(cell)]
    mean, spread = expected(volume, strain)
    assert np.mean(found) == pytest.approx(mean, abs=0.2 * spread)
    assert np.std(found) == pytest.approx(spread, rel=0.12)


def test_a_full_cell_has_half_kT_in_each_of_its_six_strains(monkeypatch) -> None:  # noqa: N802
    monkeypatch.setitem(globals(), "STIFFNESS", 0.5)  # small strains, so that it is harmonic
    cells = sampled("full")
    strains = np.array([0.5 * (h @ h.T / SIDE**2 - np.eye(3)) for h in cells])
    variances = strains.reshape(-1, 9).var(axis=0)  # U counts a shear twice: so does this sum
    share = units.kB * T / (SIDE**3 * STIFFNESS)
    assert variances.sum() == pytest.approx(6 * share, rel=0.25)
    outer = PRESSURE * units.GPa - N * units.kB * T / SIDE**3  # eV/Å^3, held by three strains
    assert strains[:, [0, 1, 2], [0, 1, 2]].mean() == pytest.approx(-outer / STIFFNESS, abs=5e-3)


def test_the_plane_of_the_surface_stays_to_the_last_bit() -> None:
    for h in sampled("normal", 800):
        assert np.array_equal(h[:2], SIDE * np.eye(3)[:2])
        assert np.array_equal(h[2, :2], [0, 0])
    assert abs(h[2, 2] - SIDE) > 1e-3


COURSE = {
    "temperature_K": [{"ps": 0, "K": 300}, {"ps": 0.4, "K": 600}, {"ps": 0.4, "K": 200}],
    "pressure_GPa": [{"ps": 0, "GPa": 0}, {"ps": 0.6, "GPa": 4}],
}


def moved(atoms: Atoms, config: Any, first: int, last: int, state: Any = ()) -> Any:
    dynamics = make_dynamics(config, atoms, first)
    restore_thermostat(dynamics, np.array(state))
    for step in range(first + 1, last + 1):
        assert advance(dynamics, config, 7, step) is None
    return thermostat_state(dynamics)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("course", [{}, COURSE], ids=["constant", "course"])
def test_an_integrator_made_afresh_on_the_way_changes_no_bit(cell: str, course: Any) -> None:
    config = settings(cell, **course)
    one, other = box(), box()
    moved(one, config, 0, 160)
    state: Any = ()
    for first in range(0, 160, 40):
        state = moved(other, config, first, first + 40, state)
    assert np.array_equal(one.positions, other.positions)
    assert np.array_equal(one.cell.array, other.cell.array)
    assert np.array_equal(one.get_momenta(), other.get_momenta())


@pytest.mark.parametrize("cell", CELLS)
def test_the_cell_follows_a_pressure_that_rises(cell: str) -> None:
    config = settings(cell, pressure_GPa=[{"ps": 0, "GPa": 0}, {"ps": 2, "GPa": 8}])
    atoms = box()
    dynamics = make_dynamics(config, atoms)
    volumes = []
    for step in range(1, 1001):
        advance(dynamics, config, 7, step)
        volumes.append(atoms.get_volume())
    assert np.mean(volumes[600:]) < np.mean(volumes[:100]) - 5
