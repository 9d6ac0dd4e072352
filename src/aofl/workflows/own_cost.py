"""What the force field of a run costs on this machine: a quiet step, and a label learned.

Measured on the start structure and one label of it, so that a forecast need not guess: beside a
cheap reference learning may be what takes the time, with more elements or a larger basis above all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from ase import Atoms

from aofl.bayes.growth import CHECK_EVERY
from aofl.bayes.recent import SHARE
from aofl.compiled import compile_seconds
from aofl.forcefield.model import ForceField
from aofl.records import Label

REPEATS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCost:
    """Wall time of a step without a label, and of learning one label, s."""

    step: float = 0.0
    update: float = 0.0


def own_cost(
    force_field: ForceField, atoms: Atoms, labelled: Atoms, label: Label, *, learns: bool
) -> OwnCost:
    """Return what a force field costs; what it has learned of the label stays in it.

    Parameters
    ----------
    labelled
        What the label is of: the atoms, or a part of them.
    learns
        Whether the run learns; one that does not pays for its steps alone.

    Raises
    ------
    ModelError
        If the label cannot be learned.
    """
    update = _update_seconds(force_field, labelled, label) if learns else 0.0
    force = _seconds(lambda: force_field.predict(atoms, energies_std=True))
    look = _seconds(lambda: force_field.predict(atoms, energies_std=True, forces_std="sampled"))
    return OwnCost(step=force + (look - force) / CHECK_EVERY, update=update)


def _update_seconds(force_field: ForceField, atoms: Atoms, label: Label) -> float:
    """Return the mean over labels, some of which make the posterior be factorised anew."""
    force_field.learn(atoms, label)
    renewal = _seconds(force_field.renew, repeats=1)
    rows = 1 + 3 * len(label.counted)
    between = int(SHARE * force_field.basis.n_columns) // rows
    append = _seconds(lambda: force_field.append(atoms, label), repeats=1) if between else 0.0
    return (between * append + renewal) / (between + 1)


def _seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the mean wall time of some work, compilation left out."""
    work()
    compiled, start = compile_seconds(), perf_counter()
    for _ in range(repeats):
        work()
    return (perf_counter() - start - (compile_seconds() - compiled)) / repeats
