"""One self-contained HTML file that says what a run did, what it cost and how far to trust it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from aofl.report.course import Course, course_of_run
from aofl.report.data import RunData, read_run
from aofl.report.page import render
from aofl.report.sections.run import SECTIONS
from aofl.report.sections.stages import read_stages

__all__ = ["write_report"]


def write_report(run_dir: Path) -> Path:
    """Write `report.html` into a run directory and return its path.

    The file needs no network and nothing beside it. The run may be young, killed or still going:
    what is not there is left out. The same files give the same report, byte by byte.

    Raises
    ------
    StoreError
        The directory holds none of the files of a run.
    """
    data = _with_stages(_with_course(read_run(run_dir), run_dir), run_dir)
    sections = [section for make in SECTIONS if (section := make(data)) is not None]
    version = str(data.run.get("aofl", ""))
    path = run_dir / "report.html"
    unfinished = path.with_suffix(".html.tmp")
    unfinished.write_text(render(sections, name=data.name, version=version), encoding="utf-8")
    return unfinished.replace(path)


def _with_course(data: RunData, run_dir: Path) -> RunData:
    """Add what the trajectory tells, or why it tells nothing."""
    found = course_of_run(run_dir, data.reactions)
    if isinstance(found, Course):
        return replace(data, course=found)
    return replace(data, notes=(*data.notes, found)) if found else data


def _with_stages(data: RunData, run_dir: Path) -> RunData:
    """Add the small cells learned before, judged by their models, which take time to load."""
    return replace(data, stages=read_stages(run_dir / "stages", data.labels))
