"""Walks with a known diffusion coefficient, through boundaries, in cells that change."""

import numpy as np
import pytest

from aofl.analysis.transport import (
    Unwrapped,
    diffusion,
    mean_square_displacement,
    unwrap,
    without_drift,
)
from aofl.analysis.windows import Track

TRICLINIC = np.array([[9.0, 0, 0], [3.0, 8.0, 0], [-2.0, 1.0, 10.0]])


def random_walk(n_frames: int, n_atoms: int, step: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    steps = rng.normal(0.0, step, (n_frames, n_atoms, 3))
    return np.cumsum(steps, axis=0)


def test_a_random_walk_has_its_diffusion_coefficient_within_the_error_bar():
    """Steps of variance s^2 in each direction every dt: D = s^2 / (2 dt)."""
    step, interval = 0.1, 2.0
    expected = step**2 / (2 * interval)
    found = diffusion(random_walk(4000, 40, step), interval)
    assert found is not None
    assert found.value == pytest.approx(expected, abs=3 * found.error)
    assert found.error < 0.1 * expected
    assert found.per_axis == pytest.approx(np.full(3, expected), rel=0.25)
    assert found.n_blocks == 5
    assert found.is_diffusive


def test_the_error_bar_covers_the_truth_as_often_as_it_should():
    """One standard error with five blocks covers 63 % (Student); 20 walks: at least 8."""
    expected = 0.1**2 / 2
    hits = 0
    for seed in range(20):
        found = diffusion(random_walk(1500, 5, 0.1, seed), 1.0)
        assert found is not None
        hits += abs(found.value - expected) < found.error
    assert 8 <= hits <= 19


def test_directions_are_told_apart():
    walk = random_walk(2000, 30, 0.1) * [1.0, 1.0, 0.0]
    found = diffusion(walk, 1.0)
    assert found is not None
    assert found.per_axis[2] == 0.0
    assert found.value == pytest.approx(found.per_axis[:2].sum() / 3)


def test_free_flight_and_vibration_are_not_called_diffusion():
    time = np.arange(400)[:, None, None]
    velocities = np.random.default_rng(1).normal(size=(1, 20, 3))
    flight = diffusion(time * velocities, 1.0)
    assert flight is not None
    assert flight.exponent == pytest.approx(2.0, abs=0.01)
    assert not flight.is_diffusive
    rattle = diffusion(np.random.default_rng(2).normal(size=(400, 20, 3)), 1.0)
    assert rattle is not None
    assert abs(rattle.exponent) < 0.1
    assert not rattle.is_diffusive


def test_the_displacement_of_a_known_path_is_exact():
    path = np.zeros((5, 1, 3))
    path[:, 0, 0] = [0, 1, 3, 6, 10]
    curve = mean_square_displacement(path, 0.5)
    assert curve.lags_fs == pytest.approx([0, 0.5, 1.0])
    assert curve.msd[1, 0] == pytest.approx((1 + 4 + 9 + 16) / 4)
    assert curve.msd[2, 0] == pytest.approx((9 + 25 + 49) / 3)


@pytest.mark.parametrize("pbc", [(1, 1, 1), (1, 1, 0), (0, 0, 1)])
def test_wrapped_walks_come_back_as_they_were(pbc: tuple[int, int, int]):
    walk = random_walk(300, 12, 0.4, seed=4)
    fractional = walk @ np.linalg.inv(TRICLINIC)
    periodic = np.array(pbc, dtype=bool)
    fractional[..., periodic] %= 1.0
    wrapped = fractional @ TRICLINIC
    state: Unwrapped | None = None
    path = []
    for frame in wrapped:
        state = unwrap(frame, TRICLINIC, periodic, state)
        path.append(state.unwrapped)
    assert np.array(path) - path[0] == pytest.approx(walk - walk[0], abs=1e-9)


def test_a_cell_that_grows_does_not_make_wrapped_atoms_jump():
    rng = np.random.default_rng(6)
    steps = rng.normal(0, 0.2, (500, 10, 3))
    place, state, wrapped = rng.random((10, 3)) * 10, None, []
    for k, step in enumerate(steps):
        cell = np.eye(3) * (10 + 0.02 * k)
        place = (place + step) % np.diag(cell)
        state = unwrap(place, cell, np.ones(3, dtype=bool), state)
        wrapped.append(state.unwrapped)
    jumps = np.abs(np.diff(np.array(wrapped), axis=0)).max()
    assert jumps < 0.2 * 6


@pytest.mark.parametrize("image", [0, 7])
def test_a_barostat_moves_nothing_and_images_do_not_matter(image: int):
    """Only what an atom does beside the breathing of the cell is its displacement."""
    rng = np.random.default_rng(8)
    place, walk, state, path = rng.random((6, 3)) * 9, np.zeros((6, 3)), None, []
    cell = TRICLINIC
    for _ in range(80):
        scale = 1.0 + rng.normal(0, 0.01)
        step = rng.normal(0, 0.1, (6, 3))
        place, cell, walk = place * scale + step, cell * scale, walk + step
        written = place + image * cell.sum(axis=0)
        state = unwrap(written, cell, np.ones(3, dtype=bool), state)
        path.append(state.unwrapped - walk)
    assert np.array(path) - path[0] == pytest.approx(np.zeros((80, 6, 3)), abs=1e-9)


def test_positions_that_are_unwrapped_are_taken_as_they_are():
    walk = random_walk(50, 5, 4.0, seed=9)
    cell, periodic = 6.0 * np.eye(3), np.ones(3, dtype=bool)
    told, guessed = Track(), Track()
    for k, frame in enumerate(walk):
        told.add(frame, cell, periodic, float(k), is_unwrapped=True)
        guessed.add(frame, cell, periodic, float(k))
    assert told.positions == pytest.approx(walk, abs=1e-9)
    assert told.is_certain
    assert not guessed.is_certain
    assert 0.4 < guessed.longest_step <= 0.5


def test_drift_of_the_centre_of_mass_is_taken_out():
    walk = random_walk(100, 4, 0.1)
    masses = np.array([1.0, 16.0, 23.0, 12.0])
    drifting = walk + 0.3 * np.arange(100)[:, None, None]
    relative = without_drift(drifting, masses)
    assert np.einsum("fac,a->fc", relative, masses) == pytest.approx(np.zeros((100, 3)), abs=1e-9)
    assert relative == pytest.approx(without_drift(walk, masses), abs=1e-9)


def test_a_path_too_short_for_two_blocks_gives_nothing():
    assert diffusion(random_walk(19, 3, 0.1), 1.0) is None
    assert diffusion(np.zeros((100, 0, 3)), 1.0) is None
