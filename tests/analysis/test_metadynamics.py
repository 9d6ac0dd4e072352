"""The free energy of hills: known answers, and no error where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from aofl.analysis.metadynamics import Hills, bias_of, free_energy, passes

KT, GAMMA, WIDTH, HEIGHT = 0.05, 6.0, 0.15, 0.003


def hills(centres: list[float], height: float = 0.1) -> Hills:
    n = len(centres)
    return Hills(centres=np.array(centres), widths=np.full(n, WIDTH), heights=np.full(n, height))


def test_a_hill_has_its_height_is_zero_beyond_the_cut_and_without_a_step_there() -> None:
    edge = np.sqrt(2 * 6.25) * WIDTH
    assert bias_of(hills([1.0]), np.array([1.0, 1.001 + edge, 9.0])).tolist() == [0.1, 0.0, 0.0]
    assert bias_of(hills([1.0]), np.array([1.0 + 0.999 * edge]))[0] == pytest.approx(0, abs=1e-5)


def test_hills_add_up_and_what_is_filled_most_is_the_lowest() -> None:
    found = free_energy(hills([0.0] * 10 + [1.0] * 5))
    assert found.energies[0] == pytest.approx(0.0, abs=1e-9)
    assert found.energies[-1] == pytest.approx(0.5, abs=1e-3)


def well(s: np.ndarray) -> np.ndarray:
    return 0.25 * (s**2 - 1) ** 2 + 0.05 * s


def metadynamics(n_steps: int, seed: int) -> Hills:
    """Well-tempered hills of a particle that creeps in a double well, heights as PLUMED writes."""
    rng = np.random.default_rng(seed)
    grid = np.linspace(-2.5, 2.5, 1001)
    force, bias, s = -np.gradient(well(grid), grid), np.zeros(1001), -1.0
    centres, heights = [], []
    slope = np.zeros(1001)
    for step in range(n_steps):
        k = int(np.clip(round((s + 2.5) * 200), 0, 1000))
        if step % 20 == 0:
            height = HEIGHT * np.exp(-bias[k] / (KT * (GAMMA - 1)))
            centres.append(s)
            heights.append(height * GAMMA / (GAMMA - 1))
            bias += height * np.exp(-(((grid - s) / WIDTH) ** 2) / 2)
            slope = np.gradient(bias, grid)
        s += 0.01 * (force[k] - slope[k]) + np.sqrt(0.02 * KT) * rng.standard_normal()
    return Hills(
        centres=np.array(centres), widths=np.full(len(centres), WIDTH), heights=np.array(heights),
        is_stretched=False,
    )  # fmt: skip


def test_a_double_well_comes_out_within_its_error() -> None:
    found = free_energy(metadynamics(100_000, seed=1))
    assert found.error is not None
    assert found.n_passes >= 2
    inside = np.abs(found.variable) < 1.4
    truth = well(found.variable)[inside]
    off = found.energies[inside] - truth
    rms = np.std(off)
    assert rms < 0.03  # of a barrier of 0.25
    assert 0.2 < np.sqrt(np.mean(found.error[inside] ** 2)) / rms < 5


def test_there_is_no_error_where_the_variable_has_not_come_and_gone() -> None:
    one_way = free_energy(hills(np.linspace(0, 3, 60).tolist()))
    assert (one_way.error, one_way.n_passes) == (None, 0)


def test_a_pass_goes_from_end_to_end_and_turning_in_the_middle_is_none() -> None:
    values = np.array([0.0, 0.5, 0.1, 0.9, 0.5, 0.95, 0.4, 0.05])
    assert passes(values, 0.0, 1.0) == 2
