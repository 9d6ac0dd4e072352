"""Write the report of a run: read its files, survey its trajectory, judge its stages, render."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from ase import Atoms

from aofl.analysis.course import Course, course
from aofl.analysis.film import film
from aofl.analysis.survey import survey
from aofl.analysis.told_reactions import ReactionEvent
from aofl.errors import ModelError, StoreError, StructureError
from aofl.forcefield.model import ForceField
from aofl.records import FloatArray
from aofl.report.data import (
    FIRST_LABELS,
    RunData,
    Stage,
    own_labels,
    read_run,
    read_validation,
)
from aofl.report.figures.plot import Plot
from aofl.report.page import Section, render
from aofl.report.sections.registry import SECTIONS
from aofl.store import count_frames, make_directory, read_frames, write_atomic
from aofl.store.chunks import parts
from aofl.store.labelled_frames import CORE, counted_atoms
from aofl.workflows.film_deviations import with_deviations

VALIDATION = "validation/validation.json"  # in a run directory
MOST_FRAMES = 300


def write_report(
    run_dir: Path,
    out: Path | None = None,
    *,
    reload_s: float | None = None,
    figures: Path | None = None,
) -> Path:
    """Write the report of a run to a file, `report.html` in its directory, and return its path.

    The file needs no network and nothing beside it. The run may be young, killed or still going:
    what is not there is left out. The same files give the same report, byte by byte.

    Parameters
    ----------
    reload_s
        After how many seconds the page loads itself again; None: never.
    figures
        A directory for the plots as PDF, SVG and CSV, in the widths of journals; None writes none.

    Raises
    ------
    StoreError
        The directory holds none of the files of a run, or the report cannot be written.
    """
    data = _with_stages(_with_course(read_run(run_dir), run_dir), run_dir)
    data = replace(data, validation=read_validation(run_dir / VALIDATION))
    sections = [section for make in SECTIONS if (section := make(data)) is not None]
    version = str(data.run.get("aofl", ""))
    path = out or run_dir / "report.html"
    page = render(sections, name=data.name, version=version, reload_s=reload_s)
    write_atomic(path, page.encode())
    if figures is not None:
        write_figures(sections, figures)
    return path


def write_figures(sections: Sequence[Section], directory: Path) -> list[Path]:
    """Write the plots of a report for a paper, each in two widths with its data.

    Raises
    ------
    StoreError
        If the directory cannot be written.
    """
    from aofl.report.figures.paper import paper_figures  # matplotlib is slow to import

    make_directory(directory)
    written = []
    for section in sections:
        for shown in section.figures:
            if isinstance(shown.drawing, Plot):
                for name, data in paper_figures(shown.drawing):
                    write_atomic(directory / name, data)
                    written.append(directory / name)
    return written


def _with_course(data: RunData, run_dir: Path) -> RunData:
    """Add what the trajectory tells, or why it tells nothing."""
    found = course_of_run(run_dir, data.reactions)
    if isinstance(found, Course):
        n_frames = count_frames(run_dir / "trajectory.extxyz")
        errors = _errors_of_labels(data.labels)
        shown = film(read_frames(run_dir), n_frames, data.changes, _written_time, errors=errors)
        return replace(data, course=found, film=with_deviations(shown, run_dir))
    return replace(data, notes=(*data.notes, found)) if found else data


def _errors_of_labels(labels: Sequence[Atoms]) -> dict[int, FloatArray]:
    """Return the force error of each atom as labels showed it, by step; rms over x, y, z, eV/Å.

    Those of cut-outs are of other atoms than the frame has, and are left out.
    """
    found = {}
    for atoms in labels:
        has_both = {"predicted_forces", "REF_forces"} <= set(atoms.arrays)
        if "aofl_step" in atoms.info and has_both and CORE not in atoms.arrays:
            missed = atoms.arrays["predicted_forces"] - atoms.arrays["REF_forces"]
            found[int(atoms.info["aofl_step"])] = np.sqrt((missed**2).mean(axis=1))
    return found


def _with_stages(data: RunData, run_dir: Path) -> RunData:
    """Add the small cells learned before, judged by their models, which take time to load."""
    return replace(data, stages=read_stages(run_dir / "stages", data.labels))


def course_of_run(run_dir: Path, reactions: Sequence[ReactionEvent]) -> Course | str:
    """Return the course of a run, or why there is none.

    The frames that are surveyed are spread evenly, at most about `MOST_FRAMES` of them.
    """
    trajectory = run_dir / "trajectory.extxyz"
    try:
        if not parts(trajectory):
            return ""
        stride = 1 + count_frames(trajectory) // MOST_FRAMES
        found = survey(islice(read_frames(run_dir), 0, None, stride))
        return course(found, lambda: read_frames(run_dir), reactions, _written_time)
    except (StoreError, StructureError) as error:
        return f"The trajectory is left out: {error}."


def _written_time(index: int, atoms: Atoms) -> float:
    return float(atoms.info.get("time_fs", index))


def read_stages(directory: Path, labels: Sequence[Atoms]) -> tuple[Stage, ...]:
    """Return the stages below a run directory, in their order; those not begun are left out.

    Parameters
    ----------
    labels
        Of the run, with `REF_forces`, oldest first.
    """
    found = []
    for part in sorted(path for path in directory.glob("*") if (path / "summary.json").is_file()):
        try:
            summary = json.loads((part / "summary.json").read_text(encoding="utf-8"))
            record = json.loads((part / "run.json").read_text(encoding="utf-8"))
            stage = Stage(
                name=part.name.partition("-")[2],
                n_atoms=int(record["n_atoms"]),
                labels=int(summary["labels"]),
                seconds=float(summary["wall_s"]["reference"]),
                forces_rmse=_error(part / "model.h5", own_labels(labels)[:FIRST_LABELS]),
            )
        except (KeyError, TypeError, ValueError):
            continue  # half written
        found.append(stage)
    return tuple(found)


def _error(model: Path, labels: Sequence[Atoms]) -> float | None:
    """Return the force error of a saved force field on labelled structures, eV/Å."""
    known = [atoms for atoms in labels if "REF_forces" in atoms.arrays]
    if not known or not model.is_file():
        return None
    try:
        force_field = ForceField.load(model)
        squares = [
            (force_field.predict(a).forces - a.arrays["REF_forces"])[counted_atoms(a)].ravel() ** 2
            for a in known
        ]
    except ModelError:
        return None
    return float(np.sqrt(np.concatenate(squares).mean()))
