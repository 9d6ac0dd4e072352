"""Check whether a configuration can start, and forecast what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from ase import Atoms

from aofl.chemistry.cut_out import CutOut
from aofl.config import expand
from aofl.config.schema import CutConfig, RunConfig
from aofl.learning.cut_labels import cut_as_told
from aofl.progress import OnProgress, nobody
from aofl.records import LEARNING_MODES, Label
from aofl.reference import LabelLimits, Reference, check_label
from aofl.structure import Structure
from aofl.system.strain import large_force, squeezed_contacts
from aofl.workflows.admission import admit
from aofl.workflows.assemble import opened_reference
from aofl.workflows.build import build
from aofl.workflows.explore import check_explore
from aofl.workflows.forecast import forecast, label_range
from aofl.workflows.own_cost import OwnCost, own_cost
from aofl.workflows.staged import check_stages


def _first_of_walkers(config: RunConfig, n_walkers: int, on_progress: OnProgress) -> RunConfig:
    """Return the first walker of a campaign; the others are built and may refuse to begin."""
    first, *others = expand(config)
    for number, walker in enumerate(others, start=1):
        on_progress("building the walkers", number, n_walkers)
        with scratch_reference(walker) as reference:
            admit(walker, build(walker), reference)
    return first


def check(
    config: RunConfig, *, time_label: bool = False, on_progress: OnProgress = nobody
) -> dict[str, Any]:
    """Build what a run starts from and return what it is and may cost; nothing is written.

    Of `walkers` all are built and asked whether they can begin; figures are those of the first.

    Parameters
    ----------
    time_label
        Whether to label the start structure once, and to learn this label, for a forecast in hours.

    Raises
    ------
    ConfigError, StructureError, ReferenceFailed
        If the run cannot start, or its reference cannot label the start structure.
    """
    n_walkers = None if config.walkers is None else config.walkers.count
    if n_walkers is not None:
        config = _first_of_walkers(config, n_walkers, on_progress)
    on_progress("building the structure", 0, None)
    atoms = build(config)
    with scratch_reference(config) as reference:
        on_progress(f"asking {config.reference.name}", 0, None)
        admission = admit(config, atoms, reference)
        level, is_semi_empirical = reference.describe(), reference.is_semi_empirical
        timed = timed_label(reference, atoms, config.labels.cut) if time_label else None
    check_stages(config)
    check_explore(config, atoms)
    force_field = admission.force_field
    doubts = squeezed_contacts(atoms)
    if timed is not None and timed.cut is None:
        force = large_force(atoms, timed.label.forces)
        doubts += [] if force is None else [force]
    seconds = own = None
    if timed is not None:
        seconds, own = timed.seconds, OwnCost()
        if force_field is not None:
            learns = config.mode in LEARNING_MODES
            own = own_cost(force_field, atoms, timed.atoms, timed.label, learns=learns)
    labels = label_range(config.dynamics.steps, config.mode)
    cut = None if timed is None else timed.cut
    return {
        "formula": str(atoms.get_chemical_formula(mode="metal")),
        "n_atoms": len(atoms),
        "cell_A": atoms.cell.lengths().tolist(),
        "mode": config.mode,
        "walkers": n_walkers,
        "time_ps": 1e-3 * config.dynamics.steps * config.dynamics.timestep_fs,
        "level_of_theory": level,
        "semi_empirical": is_semi_empirical,
        "reference_data": admission.data,
        "doubts": doubts,
        "cut": None if cut is None else {"atoms": len(cut.atoms), "core": len(cut.core)},
        "weights": None if force_field is None else force_field.basis.n_columns,
        **forecast(config.dynamics.steps, labels, seconds, own, is_whole=cut is None),
    }


@contextmanager
def scratch_reference(config: RunConfig) -> Iterator[Reference]:
    """Yield the reference of a configuration, with a directory that goes afterwards."""
    with (
        TemporaryDirectory(prefix="aofl-check-") as scratch,
        opened_reference(config.reference, Path(scratch)) as reference,
    ):
        yield reference


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedLabel:
    """A label, the structure that it is of, and the wall time that it took, s.

    `cut` tells what it was cut out of; None where the structure is whole.
    """

    atoms: Atoms
    label: Label
    seconds: float
    cut: CutOut | None = None


def timed_label(reference: Reference, atoms: Atoms, how: CutConfig | None = None) -> TimedLabel:
    """Return a label that passed the checks of labels.

    Parameters
    ----------
    how
        How a structure that is too large is cut, around its last atom: one of the electrolyte,
        where there is any. None labels it whole.
    """
    cut = None
    if how is not None and how.applies(len(atoms)):
        cut = cut_as_told(Structure.of(atoms), len(atoms) - 1, how)
        part = cut.structure
        atoms = Atoms(part.numbers, part.positions, cell=part.cell, pbc=part.pbc)
    started = perf_counter()
    label = reference.label(atoms)
    check_label(label, atoms, limits=LabelLimits())
    seconds = perf_counter() - started
    if cut is not None:
        label = replace(label, core=cut.core)
    return TimedLabel(atoms=atoms, label=label, seconds=seconds, cut=cut)
