"""Check whether a configuration can start, and forecast what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from ase import Atoms

from aofl.config.schema import RunConfig
from aofl.reference import LabelLimits, Reference, check_label
from aofl.workflows.admission import admit
from aofl.workflows.assemble import opened_reference
from aofl.workflows.build import build
from aofl.workflows.forecast import forecast, label_range
from aofl.workflows.staged import check_stages


def check(config: RunConfig, *, time_label: bool = False) -> dict[str, Any]:
    """Build what a run starts from and return what it is and may cost; nothing is written.

    Parameters
    ----------
    time_label
        Whether to label the start structure once, for a forecast in hours.

    Raises
    ------
    ConfigError, StructureError, ReferenceFailed
        If the run cannot start, or its reference cannot label the start structure.
    """
    atoms = build(config)
    with scratch_reference(config) as reference:
        admission = admit(config, atoms, reference)
        level, is_semi_empirical = reference.describe(), reference.is_semi_empirical
        seconds = timed_label(reference, atoms) if time_label else None
    check_stages(config)
    force_field = admission.force_field
    labels = label_range(config.dynamics.steps, config.mode)
    return {
        "formula": str(atoms.get_chemical_formula(mode="metal")),
        "n_atoms": len(atoms),
        "cell_A": atoms.cell.lengths().tolist(),
        "mode": config.mode,
        "time_ps": 1e-3 * config.dynamics.steps * config.dynamics.timestep_fs,
        "level_of_theory": level,
        "semi_empirical": is_semi_empirical,
        "reference_data": admission.data,
        "weights": None if force_field is None else force_field.basis.n_columns,
        **forecast(config.dynamics.steps, labels, seconds, None),
    }


@contextmanager
def scratch_reference(config: RunConfig) -> Iterator[Reference]:
    """Yield the reference of a configuration, with a directory that goes afterwards."""
    with (
        TemporaryDirectory(prefix="aofl-check-") as scratch,
        opened_reference(config.reference, Path(scratch)) as reference,
    ):
        yield reference


def timed_label(reference: Reference, atoms: Atoms) -> float:
    """Return the wall time of one label, s."""
    started = perf_counter()
    check_label(reference.label(atoms), atoms, limits=LabelLimits())
    return perf_counter() - started
