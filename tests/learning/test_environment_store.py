"""The environment store: nearest entries, and what is worth adding."""

from __future__ import annotations

import numpy as np
import pytest

from aofl.learning.environment_store import EnvironmentStore

AXES = np.eye(4)
STORE = EnvironmentStore(AXES[:2], labels=(7, 9), atoms=(3, 5))


def away(distance: float) -> np.ndarray:
    """Return a unit vector at this cosine distance from the first axis, away from the second."""
    cosine = 1.0 - distance
    return cosine * AXES[0] + np.sqrt(1.0 - cosine**2) * AXES[2]


def test_an_empty_store_is_infinitely_far_from_everything() -> None:
    distance, index = EnvironmentStore.empty(4).nearest(AXES[:3])
    assert distance.tolist() == [np.inf] * 3
    assert index.tolist() == [-1] * 3


def test_the_distance_is_one_minus_the_cosine_to_the_nearest_entry() -> None:
    rows = np.array([AXES[1], away(0.25), AXES[2], -AXES[0], 0.6 * AXES[0] + 0.8 * AXES[1]])
    distance, index = STORE.nearest(rows)
    np.testing.assert_allclose(distance, [0.0, 0.25, 1.0, 1.0, 0.2], atol=1e-15)
    assert index.tolist() == [1, 0, 0, 1, 1]


def test_the_nearest_is_that_of_a_plain_search() -> None:
    rng = np.random.default_rng(0)
    rows, entries = (rng.normal(size=(n, 6)) for n in (20, 50))
    rows, entries = (x / np.linalg.norm(x, axis=1)[:, None] for x in (rows, entries))
    distance, index = EnvironmentStore(entries, tuple(range(50)), tuple(range(50))).nearest(rows)
    for row, d, k in zip(rows, distance, index, strict=True):
        apart = [1.0 - float(row @ entry) for entry in entries]
        assert d == pytest.approx(min(apart))
        assert k == int(np.argmin(apart))


class TestExtended:
    @pytest.mark.parametrize(("spacing", "n"), [(0.2, 3), (0.25, 2), (0.3, 2)])
    def test_what_is_farther_than_the_spacing_from_every_entry_is_added(
        self, spacing: float, n: int
    ) -> None:
        grown = STORE.extended(
            np.array([away(0.25)]), label=12, atoms=np.array([4]), spacing=spacing
        )
        assert len(grown.labels) == n

    def test_it_says_of_which_label_and_atom_it_is(self) -> None:
        new = np.array([AXES[0], AXES[3], away(0.5)])
        grown = STORE.extended(new, label=12, atoms=np.array([4, 6, 8]), spacing=0.1)
        assert grown.labels == (7, 9, 12, 12)
        assert grown.atoms == (3, 5, 6, 8)
        np.testing.assert_array_equal(grown.vectors, [AXES[0], AXES[1], AXES[3], away(0.5)])

    def test_the_store_itself_stays_as_it_was(self) -> None:
        STORE.extended(AXES[2:], label=12, atoms=np.array([4, 6]), spacing=0.1)
        assert (STORE.labels, STORE.atoms, len(STORE.vectors)) == ((7, 9), (3, 5), 2)

    def test_it_holds_two_thousand_environments_and_no_more(self) -> None:
        angles = np.linspace(0.0, 3.0, 2100)
        rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        store = EnvironmentStore.empty(2).extended(rows[:1990], 1, np.arange(1990), spacing=-1.0)
        assert len(store.labels) == 1990
        for label in (2, 3):
            store = store.extended(rows[1990:], label, np.arange(110), spacing=-1.0)
            assert len(store.labels) == len(store.atoms) == len(store.vectors) == 2000
        np.testing.assert_array_equal(store.vectors, rows[:2000])
        assert set(store.labels) == {1, 2}
