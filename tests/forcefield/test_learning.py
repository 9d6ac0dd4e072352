"""Labels one by one, all at once, and taken back: the force field is the same."""

import itertools

import numpy as np
import pytest
from ff_toys import ELEMENTS, TINY, crystal, trained, truth

from aofl.errors import ModelError
from aofl.forcefield.model import RENEWED_UNTIL, ForceField

FRAMES = [crystal(seed) for seed in range(12)]
OTHERS = [crystal(seed) for seed in (30, 31)]


def refitted(force_field: ForceField) -> ForceField:
    """Return one with the same data and prior, factorised anew."""
    twin = ForceField(ELEMENTS, settings=TINY)
    twin.data, twin.scales = force_field.data, force_field.scales
    twin.reference_energies, twin.n_labels = force_field.reference_energies, force_field.n_labels
    twin.refit()
    return twin


def assert_close(one: ForceField, other: ForceField, tolerance: float = 1e-9) -> None:
    for atoms in OTHERS:
        left, right = (f.predict(atoms, forces_std="exact") for f in (one, other))
        assert left.energy == pytest.approx(right.energy, rel=tolerance)
        for name in ("forces", "stress", "forces_std"):
            a, b = getattr(left, name), getattr(right, name)
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * np.abs(b).max())


def test_appending_is_refitting_from_scratch():
    """Labels 6 and 7 are appended."""
    force_field = trained(FRAMES[:7])
    assert force_field.n_labels_at_refit == RENEWED_UNTIL
    assert force_field.learned.posterior.recent.columns.shape[1] == 2 * 31
    assert_close(force_field, refitted(force_field))


def test_replaying_from_the_last_refit_gives_the_same_bits():
    """As a resumed run does: absorb, refit where the last refit was, append the rest."""
    whole, replayed = trained(FRAMES[:7]), ForceField(ELEMENTS, settings=TINY)
    for n, atoms in enumerate(FRAMES[:7], start=1):
        if n <= whole.n_labels_at_refit:
            replayed.absorb(atoms, truth(atoms))
        else:
            replayed.append(atoms, truth(atoms))
        if n == whole.n_labels_at_refit:
            replayed.scales = whole.scales.copy()
            replayed.refit()
    for atoms, way in itertools.product(OTHERS, ("exact", "sampled")):
        one, other = (f.predict(atoms, forces_std=way) for f in (whole, replayed))
        assert one.energy == other.energy
        np.testing.assert_array_equal(one.forces, other.forces)
        np.testing.assert_array_equal(one.forces_std, other.forces_std)


def test_a_full_buffer_is_factorised_away():
    force_field = trained(FRAMES[:5])
    room = force_field.learned.posterior.recent.room
    for k in range(room // 31 + 1):
        assert force_field.n_labels_at_refit == 5
        atoms = crystal(100 + k)
        force_field.append(atoms, truth(atoms))
    assert force_field.n_labels_at_refit == force_field.n_labels
    assert force_field.learned.posterior.recent.room == room
    assert_close(force_field, refitted(force_field), 1e-12)


def test_what_was_absorbed_before_is_not_lost_by_appending():
    force_field = trained(FRAMES[:5])
    force_field.absorb(FRAMES[5], truth(FRAMES[5]))
    force_field.append(FRAMES[6], truth(FRAMES[6]))
    assert_close(force_field, refitted(force_field))


def test_another_prior_is_not_overlooked_by_appending():
    force_field = trained(FRAMES[:5])
    force_field.scales = force_field.scales * 2
    force_field.append(FRAMES[5], truth(FRAMES[5]))
    assert_close(force_field, refitted(force_field))


@pytest.mark.parametrize("n", [5, 7])
def test_forgetting_undoes_learning(n):
    force_field = trained(FRAMES[:n])
    extra = FRAMES[9]
    before = refitted(force_field)
    force_field.append(extra, truth(extra))
    force_field.forget(extra, truth(extra))
    assert force_field.n_labels == n
    assert_close(force_field, before, 1e-8)


def test_any_label_can_be_forgotten():
    """What is left does not remember which label came when."""
    whole, without = trained(FRAMES[:6]), trained(FRAMES[:2])
    for atoms in FRAMES[3:6]:
        without.absorb(atoms, truth(atoms))
    without.scales = whole.scales
    # The energy reference is that of the first label, which both have.
    without.refit()
    whole.forget(FRAMES[2], truth(FRAMES[2]))
    assert_close(whole, without, 1e-8)


def test_a_label_never_learned_cannot_be_forgotten():
    force_field = trained(FRAMES[:3])
    before = force_field.predict(OTHERS[0]).forces
    with pytest.raises(ModelError, match="was not learned"):
        force_field.forget(OTHERS[1], truth(OTHERS[1]))
    assert force_field.n_labels == 3
    np.testing.assert_array_equal(force_field.predict(OTHERS[0]).forces, before)
    assert_close(force_field, refitted(force_field), 1e-8)


def test_the_only_label_stays():
    force_field = trained(FRAMES[:1])
    with pytest.raises(ModelError, match="of 1 labels one must stay"):
        force_field.forget(FRAMES[0], truth(FRAMES[0]))
    assert force_field.n_labels == 1


def test_draws_are_those_of_the_exact_deviation():
    """Sampled and exact deviations agree, with rows beside the factor, as well as 16 draws can."""
    force_field = trained(FRAMES[:7])
    for atoms in OTHERS:
        exact = force_field.predict(atoms, forces_std="exact").forces_std
        sampled = force_field.predict(atoms, forces_std="sampled").forces_std
        assert np.sqrt(np.mean(sampled**2) / np.mean(exact**2)) == pytest.approx(1.0, abs=0.25)
        assert np.all(sampled < 2.5 * exact)
        assert np.all(sampled > 0.3 * exact)
