"""Against ReacNetGenerator 1.6 on 3 ps of a hot droplet of H2O2 and CH4 (GFN1-xTB, 4000 K).

`hot_gas.npz` holds a frame every 2.5 fs (positions in 0.001 Å) and what ReacNetGenerator, with its
hidden Markov model and default settings, found in each, by formula. Its model filters each molecule
on its own, so in a third of the frames atoms belong to no molecule; those are its transitions and
flicker. Where it accounts for every atom the two must agree.
"""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from aofl.chemistry.reactions import Reactions, follow_trajectory

INTERVAL_FS = 2.5


@pytest.fixture(scope="module")
def recorded() -> dict[str, np.ndarray]:
    with np.load(Path(__file__).parent / "data" / "hot_gas.npz", allow_pickle=False) as file:
        return dict(file)


@pytest.fixture(scope="module")
def found(recorded) -> Reactions:
    numbers, positions = recorded["numbers"], 1e-3 * recorded["positions_mA"]
    return follow_trajectory(
        (k, INTERVAL_FS * k, Atoms(numbers, frame)) for k, frame in enumerate(positions)
    )


def n_atoms(formula: str) -> int:
    return sum(int(n or 1) for n in re.findall(r"[A-Z][a-z]?(\d*)", formula))


def by_formula(found: Reactions, n_frames: int) -> list[Counter[str]]:
    """Return the molecules of each frame by formula, from the events."""
    counts, frames, events = Counter({"H2O2": 4, "CH4": 1}), [], list(found.events)
    for k in range(n_frames):
        while events and events[0].frame <= k:
            event = events.pop(0)
            counts.subtract(species.formula for species in event.reactants)
            counts.update(species.formula for species in event.products)
        frames.append(+counts)
    return frames


def test_both_find_the_same_molecules_wherever_no_atom_is_in_between(recorded, found):
    formulas = recorded["formulas"].tolist()
    theirs = [
        +Counter(dict(zip(formulas, row.tolist(), strict=True))) for row in recorded["counts"]
    ]
    ours = by_formula(found, len(theirs))
    whole = [
        k for k, counts in enumerate(theirs)
        if sum(n * n_atoms(formula) for formula, n in counts.items()) == len(recorded["numbers"])
    ]  # fmt: skip
    assert len(whole) == 821
    assert all(ours[k] == theirs[k] for k in whole)
    # and the chemistry has happened in them
    assert len({frozenset(theirs[k].items()) for k in whole}) > 1


def test_the_reactions_are_few_and_balanced_and_the_flicker_is_counted(found):
    assert [event.is_atom_balanced for event in found.events] == [True] * 4
    assert found.final == {"CH3O2": 1, "H2O": 3, "H2O2": 1, "OH": 1}
    assert sum(found.raw.values()) > 20 * len(found.events)
