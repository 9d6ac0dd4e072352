"""Walkers that share labels: what the neighbours have labelled is learned here, too.

Each walker has a learner of its own; nobody waits for anybody. What was taken is in the data set of
the run and in the checkpoint that follows at once, so that a run goes on from there to the last bit
and never takes a label twice. After a kill the labels of neighbours may come at other steps than
before it; the steps since the last checkpoint are then made again on another path.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ase.data import chemical_symbols

from aofl.errors import ConfigError, StoreError
from aofl.records import LabelledStructure
from aofl.records.events import LabelsShared
from aofl.simulation.run_state import Run
from aofl.store import SHARED_BY, SharedLabel, new_labels, structure_hash

SHARE_EVERY = 20  # steps


def learn_from_neighbours(run: Run) -> bool:
    """Learn what the neighbours have labelled since the last look; return whether anything was.

    Raises
    ------
    ConfigError
        If the directory of the neighbours is not there.
    StoreError
        If a neighbour labels at another level of theory, or its file is damaged.
    """
    calculator, is_due = run.calculator, run.step % SHARE_EVERY == 0
    if run.config.labels.share_with is None or not (is_due and calculator.mode.learns):
        return False
    learned: Counter[str] = Counter()
    for shared in _new(run):
        learned[shared.neighbour] += _take(run, shared)
        ends = {**calculator.state.taken, shared.neighbour: shared.end}
        calculator.state = replace(calculator.state, taken=ends)
    if not any(learned.values()):
        return False
    calculator.join_energy(run.atoms)
    _tell(run, learned)
    return True


def neighbourhood(share_with: str, own: Path) -> Path:
    """Return the directory that holds the run directories of the walkers.

    Parameters
    ----------
    own
        The run directory, which need not be there yet.

    Raises
    ------
    ConfigError
        If it is no directory.
    """
    directory = own.resolve().joinpath(share_with).resolve()
    if not directory.is_dir():
        raise ConfigError(
            f"`labels.share_with` is {share_with}, and {directory} is no directory: name the one "
            "that holds the run directories of the walkers, as seen from one of them (`..`)"
        )
    return directory


def _new(run: Run) -> Iterator[SharedLabel]:
    own = run.directory.path.resolve()
    directory = neighbourhood(str(run.config.labels.share_with), own)
    return new_labels(directory, own, run.calculator.state.taken)


def _take(run: Run, shared: SharedLabel) -> bool:
    """Learn one label, unless it came from elsewhere or is known; return whether it was learned."""
    entry, calculator = shared.entry, run.calculator
    elements = calculator.force_field.elements if calculator.force_field else []
    symbols = {chemical_symbols[z] for z in entry.numbers.tolist()}
    if SHARED_BY in entry.provenance or not symbols <= set(elements):
        return False
    _check_level(entry, shared.neighbour, calculator.oracle.level)
    label_id = _stored(run, entry, shared.neighbour)
    if label_id in calculator.state.learned_ids:
        return False
    calculator.learn_given([label_id])
    return True


def _check_level(entry: LabelledStructure, neighbour: str, level: str) -> None:
    theirs = entry.provenance.get("level")
    if theirs != level:
        raise StoreError(
            f"the labels of {neighbour} are of {theirs} and those of this run of {level}: walkers "
            "that share labels need the same `reference`"
        )


def _stored(run: Run, entry: LabelledStructure, neighbour: str) -> int:
    """Return the id of a label in the data set of the run, copied there if it is new."""
    dataset = run.files.dataset
    digest = structure_hash(entry.numbers, entry.positions, entry.cell, entry.pbc)
    found = dataset.find(digest)
    if found is not None:
        return found
    return dataset.append(replace(entry, provenance={**entry.provenance, SHARED_BY: neighbour}))


def _tell(run: Run, learned: Counter[str]) -> None:
    for neighbour, n in sorted(learned.items()):
        if n:
            run.files.tell(
                LabelsShared(step=run.step, time_fs=run.time_fs, neighbour=neighbour, n_labels=n)
            )
