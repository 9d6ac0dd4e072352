"""A trajectory thinned to be played: which frames are kept, and that molecules stay whole."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from aofl.analysis import film as module
from aofl.analysis.film import film
from aofl.analysis.told_reactions import ReactionEvent


def frames(n: int, velocity: float = 0.0):
    """Return a water that flies along x in a cell of 10 Å, and a sodium at rest."""
    made = []
    for k in range(n):
        atoms = molecule("H2O") + Atoms("Na", [[5.0, 5.0, 5.0]])
        atoms.set_cell([10, 10, 10])
        atoms.pbc = True
        atoms.positions[:3] += [1.0 + velocity * k, 5.0, 1.0]
        atoms.wrap()
        atoms.info = {"step": 10 * k, "time_fs": 5.0 * k}
        made.append(atoms)
    return made


def event(time: float) -> ReactionEvent:
    return ReactionEvent(
        step=0, time_fs=time, began_fs=time, reaction="A -> B", reactants=("A",), products=("B",),
        broken=(), formed=(), height=None, electrons=None, is_seen=None,
    )  # fmt: skip


def clock(index: int, atoms: Atoms) -> float:
    return float(atoms.info["time_fs"])


def test_a_short_trajectory_is_kept_whole():
    found = film(frames(30), 30, (), clock)
    assert found.steps == tuple(range(0, 300, 10))
    assert (found.stride, found.n_all, found.n_around) == (1, 30, 0)
    assert found.species[0] == ("H2O", "H2O", "H2O", "Na")
    assert found.bonds[0].tolist() == [[0, 1], [0, 2]]
    assert found.errors == {}


def test_no_frame_makes_no_film():
    assert film([], 0, (), clock) is None


def test_a_long_one_is_thinned_but_for_the_frames_around_reactions(monkeypatch):
    monkeypatch.setattr(module, "MOST_FRAMES", 60)
    found = film(frames(400), 400, [event(1000.0), event(1500.0)], clock)
    assert found.stride == 10
    assert len(found.times) <= 60
    assert found.n_around == 1, "there is no room for all frames around the second"
    around = [t for t in found.times if 975 <= t <= 1050]
    assert np.allclose(np.diff(around), 5.0)
    assert {0.0, 50.0, 100.0} <= set(found.times)
    few = film(frames(400), 400, [event(200.0 * k) for k in range(10)], clock)
    assert len(few.times) <= 60
    assert few.n_around < 10


def test_many_atoms_leave_fewer_frames(monkeypatch):
    monkeypatch.setattr(module, "MOST_COORDINATES", 3 * 4 * 20)
    assert len(film(frames(100), 100, (), clock).times) <= 20


def test_a_molecule_that_crosses_the_boundary_stays_whole_and_near_the_cell():
    found = film(frames(60, velocity=0.5), 60, (), clock)
    lengths = np.linalg.norm(found.positions[:, 1:3] - found.positions[:, :1], axis=-1)
    assert lengths == pytest.approx(0.9686, abs=1e-3)
    assert found.positions.min() > -3.6
    assert found.positions.max() < 13.6
    one = found.positions[7, 0] - frames(60, velocity=0.5)[7].positions[0]
    assert np.allclose(one / 10, np.rint(one / 10)), "moved by whole cells alone"


def test_errors_of_labels_stand_at_their_frames():
    errors = {20: np.full(4, 0.1), 25: np.full(4, 0.2)}
    found = film(frames(10), 10, (), clock, errors=errors)
    assert {k: e.tolist() for k, e in found.errors.items()} == {2: [0.1] * 4}
