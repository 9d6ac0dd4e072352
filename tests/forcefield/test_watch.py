"""A force field in plain ASE says when its forces are not to be believed."""

import warnings

import numpy as np
import pytest
from ase import units
from ase.md.verlet import VelocityVerlet
from ff_toys import crystal, trained

from aofl.errors import ModelError
from aofl.forcefield.model import ForceField
from aofl.forcefield.watch import UncertainForcesWarning, Watch
from aofl.simulation.dynamics import set_initial_momenta

FRAMES = [crystal(seed) for seed in range(8)]


@pytest.fixture
def force_field() -> ForceField:
    return trained(FRAMES[:7])


def dynamics(force_field: ForceField, temperature_K: float) -> VelocityVerlet:
    atoms = FRAMES[7].copy()
    atoms.calc = force_field
    set_initial_momenta(atoms, temperature_K, seed=0)
    return VelocityVerlet(atoms, 2 * units.fs)


def test_where_it_knows_its_way_nothing_is_said(force_field):
    force_field.on_uncertain = "raise"
    dynamics(force_field, 200).run(60)


def test_where_it_is_lost_it_stops_the_dynamics_and_names_the_atom(force_field):
    force_field.on_uncertain, force_field.uncertain_above = "raise", 0.3
    hot = dynamics(force_field, 30_000)
    with pytest.raises(ModelError, match=r"force on atom \d \((Cu|Al)\) may be off by .* limit is"):
        hot.run(200)
    assert hot.nsteps <= 40


def test_it_warns_once(force_field):
    force_field.uncertain_above = 0.3
    with pytest.warns(UncertainForcesWarning) as given:
        dynamics(force_field, 30_000).run(80)
    # ASE under NumPy 2.5 warns of itself at each step.
    assert [one.category for one in given].count(UncertainForcesWarning) == 1


def test_who_wants_no_word_hears_none(force_field):
    force_field.on_uncertain = "ignore"
    with warnings.catch_warnings():
        warnings.simplefilter("error", UncertainForcesWarning)
        dynamics(force_field, 30_000).run(20)


def test_the_limit_is_the_users(force_field):
    force_field.on_uncertain, force_field.uncertain_above = "raise", 1e-4
    with pytest.raises(ModelError, match=r"limit is 0\.0001"):
        dynamics(force_field, 10).run(1)


def test_watching_changes_no_force_and_adds_no_result(force_field):
    atoms = FRAMES[7].copy()
    atoms.calc = force_field
    for _ in range(22):  # over looks
        atoms.positions += 1e-3
        watched = atoms.get_forces()
        assert "forces_uncertainty" not in force_field.results
        np.testing.assert_array_equal(watched, force_field.predict(atoms).forces)


def test_a_loaded_one_is_told_what_to_do(force_field, tmp_path):
    force_field.save(tmp_path / "model.h5")
    loaded = ForceField.load(tmp_path / "model.h5", on_uncertain="raise", uncertain_above=0.2)
    assert (loaded.on_uncertain, loaded.uncertain_above) == ("raise", 0.2)
    assert ForceField.load(tmp_path / "model.h5").on_uncertain == "warn"


def test_without_a_limit_of_the_users_it_is_ten_times_what_the_labels_left(
    force_field, monkeypatch
):
    atoms, seen = FRAMES[7].copy(), []
    atoms.calc, force_field.on_uncertain = force_field, "raise"
    monkeypatch.setattr(Watch, "looked", lambda _, sigma, limits, *rest: seen.append(limits))
    force_field.calibration[:, 1] = [10.0, 0.1]  # Al, Cu
    atoms.get_forces()
    left = 10 * 10.0 * force_field.force_noise
    assert left > 0.5
    np.testing.assert_allclose(seen[0], np.where(atoms.numbers == 13, left, 0.5))
