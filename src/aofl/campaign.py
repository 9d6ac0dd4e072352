"""Around runs: check one before it starts, rehearse it with a cheap teacher, compare several."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ase import Atoms

from aofl.api import run
from aofl.assemble import check_reference, make_force_field, make_reference, opened_reference
from aofl.building import build
from aofl.config.references import TbliteConfig
from aofl.config.schema import RunConfig
from aofl.errors import ConfigError
from aofl.forcefield.model import ForceField
from aofl.learning.forecast import forecast, label_range
from aofl.learning.rehearsal import Examiner, score, to_csv
from aofl.learning.run import Run
from aofl.reference import AseReference, LabelLimits, Reference, check_label
from aofl.store import RunDirectory, jsonable, read_journal, write_atomic

if TYPE_CHECKING:
    from aofl.report.compare import Comparison


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
    force_field = make_force_field(config, atoms)
    with _reference(config) as reference:
        check_reference(reference, atoms)
        level, is_semi_empirical = reference.describe(), reference.is_semi_empirical
        seconds = _timed_label(reference, atoms) if time_label else None
    labels = label_range(config.dynamics.steps, config.mode)
    return {
        "formula": str(atoms.get_chemical_formula(mode="metal")),
        "n_atoms": len(atoms),
        "cell_A": atoms.cell.lengths().tolist(),
        "mode": config.mode,
        "time_ps": 1e-3 * config.dynamics.steps * config.dynamics.timestep_fs,
        "level_of_theory": level,
        "semi_empirical": is_semi_empirical,
        "weights": None if force_field is None else force_field.basis.n_columns,
        **forecast(config.dynamics.steps, labels, seconds, None),
    }


def rehearse(
    config: RunConfig,
    out: Path,
    *,
    teacher: Path | None = None,
    time_label: bool = True,
    on_step: Callable[[Run], None] = lambda run: None,
) -> dict[str, Any]:
    """Run a configuration with a cheap teacher as its reference; return and write the score.

    Stages are left out: what is rehearsed is the run itself, from nothing.

    Parameters
    ----------
    out
        A new run directory; `rehearsal.json` and `rehearsal.csv`, the truth of every step, are
        added to it.
    teacher
        A saved force field; None takes GFN1-xTB.
    time_label
        Whether to label the start structure once with the real reference, for the forecast.

    Raises
    ------
    ConfigError
        If the mode does not learn: there is nothing to rehearse.
    """
    if config.mode not in ("aofl", "cofl"):
        raise ConfigError(f"`mode` is {config.mode}; only aofl and cofl learn and can be rehearsed")
    config = config.model_copy(update={"stages": None})
    seconds = None
    if time_label:
        with _reference(config) as reference:
            seconds = _timed_label(reference, build(config))
    if teacher is None:
        config = config.model_copy(update={"reference": TbliteConfig()})
        master = make_reference(config.reference, out)
    else:
        master = AseReference(ForceField.load(teacher), description={"method": f"model {teacher}"})
    examiner = Examiner(master)

    def examine(now: Run) -> None:
        examiner.look(now)
        on_step(now)

    started = perf_counter()
    state = run(config, out, examine, master)
    found = _scored(out, config, examiner, seconds)
    found |= {"status": state, "teacher": master.describe()}
    found["rehearsal_s"] = perf_counter() - started
    text = json.dumps(jsonable(found), indent=1, ensure_ascii=False)
    write_atomic(out / "rehearsal.json", text.encode() + b"\n")
    write_atomic(out / "rehearsal.csv", to_csv(examiner.steps.values()).encode())
    return found


def _scored(
    out: Path, config: RunConfig, examiner: Examiner, label_seconds: float | None
) -> dict[str, Any]:
    """Return the score of a rehearsal that has been run, with its forecast."""
    directory = RunDirectory.open(out)
    summary, records = directory.read_summary(), read_journal(directory.ledger)
    target = 1e-3 * config.learning.target_force_error_meV_per_A
    found = score([*examiner.steps.values()], records, read_journal(directory.events), target)
    found |= {name: summary[name] for name in ("audit_forces_rmse", "n_audit_frames")}
    wall, steps = summary["wall_s"], max(summary["steps"], 1)
    own = sum(wall[part] for part in ("force_field", "uncertainty", "update", "chemistry")) / steps
    labels = (found["labels"], found["labels"])
    return {**found, "forecast": forecast(steps, labels, label_seconds, own)}


@contextmanager
def _reference(config: RunConfig) -> Iterator[Reference]:
    """Yield the reference of a configuration, with a directory that goes afterwards."""
    with (
        TemporaryDirectory(prefix="aofl-check-") as scratch,
        opened_reference(config.reference, Path(scratch)) as reference,
    ):
        yield reference


def _timed_label(reference: Reference, atoms: Atoms) -> float:
    """Return the wall time of one label, s."""
    started = perf_counter()
    check_label(reference.label(atoms), atoms, limits=LabelLimits())
    return perf_counter() - started


def compare(paths: Sequence[Path], out: Path) -> Comparison:
    """Compare run directories; write `compare.html` and `compare.json` into a directory.

    See `aofl.report.compare.compare`.
    """
    from aofl.report.compare import compare as compare_runs  # matplotlib is slow to import

    return compare_runs(paths, out)
