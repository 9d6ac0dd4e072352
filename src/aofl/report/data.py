"""Reads the files of a run directory into one frozen record, whatever state the run is in.

A run may be young, killed or half written: an absent file is an empty table, a last line without
its newline is not yet there, and a line that cannot be read is left out and said so in `notes`.
Nothing here decides what is shown.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from ase import Atoms
from ase.io import read

from aofl.analysis.course import Course
from aofl.analysis.film import Film
from aofl.analysis.told_reactions import ReactionEvent, read_molecules, read_reaction
from aofl.errors import StoreError
from aofl.plain import from_json
from aofl.records import ErrorSums, Event, FloatArray, LedgerLine, OtherEvent
from aofl.records.events import BondChanged, ReactionHappened, event_from_json
from aofl.records.ledger_line import ledger_line_from_json
from aofl.records.rule_names import AUDIT, EXPLORE, RANDOM_AUDIT
from aofl.report.numbers import number
from aofl.report.plumed_output import PlumedOutput, read_plumed
from aofl.store.labelled_frames import counted_atoms

T = TypeVar("T")

Audit = tuple[FloatArray, FloatArray, list[str]]

AUDIT_RULES = (AUDIT, RANDOM_AUDIT)
FILES = ("run.json", "summary.json", "config.yaml", "thermo.csv", "labels.extxyz", "ledger.jsonl")
THERMO = (
    "step",
    "time_fs",
    "temperature_K",
    "potential_eV",
    "kinetic_eV",
    "energy_shift_eV",
    "predicted_error_eV_per_A",
    "threshold_eV_per_A",
    "target_K",
    "volume_A3",
    "pressure_GPa",
    "target_GPa",
    "bias_eV",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One line of the ledger. Errors are those of the prediction before it was corrected, eV/Å.

    `inside_90` counts the force components inside the calibrated 90 % interval, and all of them;
    `cut` says how large a cut-out was, and its core.
    """

    step: int
    time_fs: float
    action: str
    rule: str
    reason: str
    element: str | None
    value: float | None
    threshold: float | None
    unit: str
    max_error: float | None
    errors: Mapping[str, ErrorSums]
    inside_90: tuple[int, int]
    cut: Mapping[str, int] | None = None


FIRST_LABELS = 10  # of the run, on which the worth of a stage is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One small cell: its name, size, labels and their wall time, s.

    `forces_rmse` is the error of its force field on the first labels of the run, eV/Å; None if
    there is no force field or no label yet.
    """

    name: str
    n_atoms: int
    labels: int
    seconds: float
    forces_rmse: float | None


def own_labels(labels: Sequence[Atoms]) -> list[Atoms]:
    """Return the labels that a run asked for itself, without those that it began with."""
    return [atoms for atoms in labels if atoms.info.get("aofl_rule") != EXPLORE]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidatedReaction:
    """One reaction by the reference and as measured, kJ/mol; `missing` is what has no energy."""

    reaction: str
    measured_kJ_mol: float  # noqa: N815 - as the file has it
    computed_kJ_mol: float | None  # noqa: N815
    error_kJ_mol: float | None  # noqa: N815
    missing: tuple[str, ...] = ()
    grade: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceValidation:
    """What the report shows of `validation.json`; the file has more."""

    kind: Literal["reference validation"]
    format: Literal[1]
    level_of_theory: dict[str, Any]
    verdict: tuple[str, ...]
    reactions: tuple[ValidatedReaction, ...]


def read_validation(path: Path) -> ReferenceValidation | None:
    """Return what `aofl validate` wrote, None where there is no such file or it is damaged."""
    try:
        found: ReferenceValidation = from_json(ReferenceValidation, path.read_text("utf-8"))
    except (OSError, ValueError, TypeError):
        return None
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class RunData:
    """Everything the report reads.

    Attributes
    ----------
    name
        The name of the run directory.
    run, summary
        `run.json` and `summary.json`, empty where absent.
    config
        The text of `config.yaml`.
    start
        The start structure, if it could be read.
    thermo
        Column name to values, shape (n_records,); NaN where a field is empty.
    labels
        Labelled structures as they come from `labels.extxyz`.
    molecules
        Readable name to number of molecules, at the start.
    bonds, changes
        Each bond that formed or broke, and what of that lasted: reactions and exchanges.
    course
        What the trajectory tells, where it was looked at.
    film
        The frames of the trajectory to be played.
    time_unit
        Of reactions and of the course: "fs", or "frames" for a file that tells no times.
    notes
        What could not be read.
    stages
        The small cells that were learned before, where they were looked at.
    validation
        What `aofl validate` says of the reference, None where it was not asked.
    regions
        Times, fs, and the temperature of each region of the thermostat, K, shape (n, 1 + regions);
        no rows where there are none.
    plumed
        What PLUMED has written, None where the run has no such bias.
    """

    name: str
    run: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    config: str = ""
    start: Atoms | None = None
    thermo: Mapping[str, FloatArray] = field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()
    events: tuple[Event | OtherEvent, ...] = ()
    molecules: Mapping[str, int] = field(default_factory=dict)
    bonds: tuple[BondChanged, ...] = ()
    changes: tuple[ReactionEvent, ...] = ()
    labels: tuple[Atoms, ...] = ()
    course: Course | None = None
    film: Film | None = None
    time_unit: str = "fs"
    notes: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()
    validation: ReferenceValidation | None = None
    regions: FloatArray = field(default_factory=lambda: np.empty((0, 1)))
    plumed: PlumedOutput | None = None

    @property
    def reactions(self) -> tuple[ReactionEvent, ...]:
        """What lasted and made other molecules."""
        return tuple(event for event in self.changes if not event.is_exchange)

    @property
    def exchanges(self) -> tuple[ReactionEvent, ...]:
        """What lasted and left the same molecules, such as a proton from H2O to OH-."""
        return tuple(event for event in self.changes if event.is_exchange)

    @property
    def steps(self) -> int:
        """The steps that were made: from the summary, or else from the last recorded step."""
        recorded = int(self.thermo["step"][-1]) if len(self.thermo.get("step", ())) else 0
        return max(int(number(self.summary, "steps") or 0), recorded)

    @property
    def audits(self) -> list[Audit]:
        """Audit frames as (predicted forces, reference forces, symbols); eV/Å, shape (n, 3).

        Of a cut-out the atoms of its core alone.
        """
        frames = [
            (a, counted_atoms(a))
            for a in self.labels
            if a.info.get("aofl_rule") in AUDIT_RULES and "predicted_forces" in a.arrays
        ]
        return [
            (a.arrays["predicted_forces"][k], a.arrays["REF_forces"][k], list(a.symbols[k]))
            for a, k in frames
        ]

    @property
    def symbols(self) -> list[str]:
        """The element of each atom, as far as a structure tells it."""
        structures = [*([self.start] if self.start is not None else []), *self.labels[:1]]
        if not structures and self.course is not None:
            return list(self.course.survey.symbols)
        return [str(symbol) for atoms in structures[:1] for symbol in atoms.symbols]

    @property
    def elements(self) -> list[str]:
        """The elements of the run, from its record or else from its structures."""
        structures = [*([self.start] if self.start is not None else []), *self.labels[:1]]
        found = {str(symbol) for atoms in structures for symbol in atoms.symbols}
        return sorted(found.union(str(e) for e in self.run.get("elements") or ()))


def read_run(run_dir: Path) -> RunData:
    """Read a run directory.

    Raises
    ------
    StoreError
        The directory does not exist or holds none of the files of a run.
    """
    if not any((run_dir / name).is_file() for name in FILES):
        raise StoreError(
            f"`{run_dir}` is not a run directory: none of {', '.join(FILES)} is in it; "
            "give the directory that `aofl run` wrote."
        )
    notes: list[str] = []
    events = _records(run_dir / "events.jsonl", event_from_json, notes)
    ledger = _records(run_dir / "ledger.jsonl", ledger_line_from_json, notes)
    structures = _structures(run_dir / "start.extxyz", notes)
    labels = _structures(run_dir / "labels.extxyz", notes)
    return RunData(
        name=run_dir.resolve().name,
        run=_json(run_dir / "run.json", notes),
        summary=_json(run_dir / "summary.json", notes),
        config=_text(run_dir / "config.yaml"),
        start=structures[0] if structures else None,
        thermo=_thermo(run_dir / "thermo.csv", notes),
        decisions=tuple(_decision(line) for line in ledger),
        events=events,
        molecules=read_molecules(events),
        bonds=tuple(event for event in events if isinstance(event, BondChanged)),
        changes=tuple(
            read_reaction(event) for event in events if isinstance(event, ReactionHappened)
        ),
        labels=labels,
        notes=tuple(notes),
        regions=_regions(run_dir / "thermo.csv"),
        plumed=read_plumed(run_dir / "plumed"),
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _whole_lines(path: Path) -> list[str]:
    """Lines that end in a newline: a last one without it was cut off while it was written."""
    return _text(path).split("\n")[:-1]


def _json(path: Path, notes: list[str]) -> dict[str, Any]:
    text = _text(path)
    try:
        value = json.loads(text) if text.strip() else {}
    except ValueError:
        value = None
    if isinstance(value, dict):
        return value
    notes.append(f"{path.name} could not be read and is left out.")
    return {}


def _records(path: Path, parse: Callable[[str], T], notes: list[str]) -> tuple[T, ...]:
    """Read a record from each line of a file."""
    return _each([line for line in _whole_lines(path) if line.strip()], parse, path.name, notes)


def _each(
    items: list[Any] | tuple[Any, ...], parse: Callable[[Any], T], name: str, notes: list[str]
) -> tuple[T, ...]:
    """Parse each item; those that cannot be parsed are counted in a note."""
    result: list[T] = []
    for item in items:
        try:
            result.append(parse(item))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    if len(result) < len(items):
        notes.append(f"{name}: {len(items) - len(result)} of {len(items)} lines left out.")
    return tuple(result)


def _decision(line: LedgerLine) -> Decision:
    counts = (line.inside_90 or {}).values()
    return Decision(
        step=line.step,
        time_fs=line.time_fs,
        action=line.action,
        rule=line.rule,
        reason=line.reason,
        element=line.element,
        value=line.value,
        threshold=line.threshold,
        unit=line.unit,
        max_error=line.true_error,
        errors=line.errors or {},
        inside_90=(sum(inside for inside, _ in counts), sum(n for _, n in counts)),
        cut=line.cut,
    )


def _thermo(path: Path, notes: list[str]) -> dict[str, FloatArray]:
    def parse(row: Mapping[str, str | None]) -> list[float]:
        values = [_field(row.get(name)) for name in THERMO]
        if not (math.isfinite(values[0]) and math.isfinite(values[1])):
            raise ValueError(row)  # a record without its step and time says nothing
        return values

    rows = _each(list(csv.DictReader(_whole_lines(path))), parse, path.name, notes)
    table = np.array(rows, dtype=float).reshape(-1, len(THERMO))
    return dict(zip(THERMO, table.T, strict=True))


def _regions(path: Path) -> FloatArray:
    """Return times and temperatures of regions, rows of the first one's number of them."""
    rows: list[list[float]] = []
    for row in csv.DictReader(_whole_lines(path)):
        try:
            found = [float(x) for x in (row.get("regions_K") or "").split()]
            found = [float(row["time_fs"]), *found] if found else []
        except (TypeError, ValueError):
            continue
        if found and len(found) == len(rows[0] if rows else found):
            rows.append(found)
    return np.array(rows) if rows else np.empty((0, 1))


def _field(text: str | None) -> float:
    return float(text) if text else math.nan


def _structures(path: Path, notes: list[str]) -> tuple[Atoms, ...]:
    """Read the frames of an extended XYZ file one by one, so that a bad one costs only itself."""

    def parse(frame: str) -> Atoms:
        atoms = read(io.StringIO(frame), format="extxyz")
        if not isinstance(atoms, Atoms):
            raise TypeError(frame)
        return atoms

    return _each(_frames(_whole_lines(path)), parse, path.name, notes)


def _frames(lines: list[str]) -> list[str]:
    """Cut a file into its complete frames: atom count, comment, one line per atom."""
    frames: list[str] = []
    at = 0
    while at < len(lines) and lines[at].strip().isdigit():
        end = at + 2 + int(lines[at])
        if end <= len(lines):
            frames.append("\n".join(lines[at:end]) + "\n")
        at = end
    return frames
