"""Compare runs: read their files, survey their trajectories, write a page and a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aofl.analysis.survey import survey
from aofl.config import read_config
from aofl.errors import StoreError
from aofl.report.compare import Compared, compare_page, composition, differs_in, record
from aofl.report.data import read_run
from aofl.store import jsonable, make_directory, read_frames, write_atomic
from aofl.workflows.distinct_names import distinct_names
from aofl.workflows.run_status import walkers_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was written: one record for each run, and the files."""

    records: list[dict[str, Any]]
    files: tuple[Path, ...]


def compare(paths: Sequence[Path], out: Path) -> Comparison:
    """Compare run directories; write `compare.html` and `compare.json` into a directory.

    A campaign stands for its walkers that have begun, each of them a run.

    Raises
    ------
    StoreError
        If there are fewer than two runs, one cannot be read, or their atoms are different ones.
        Runs that differ in volume, level of theory, temperature or time step are marked.
    """
    paths = [run for path in paths for run in walkers_of(path)]
    if len(paths) < 2:
        raise StoreError(f"there is {len(paths)} run to compare; give at least two run directories")
    runs = [_read(path, name) for path, name in zip(paths, distinct_names(paths), strict=True)]
    aimd = next((run for run in runs if run.rule == "aimd"), None)
    first = aimd or runs[0]
    _check_same_atoms(runs, first)
    records = [record(run, aimd, first) for run in runs]
    make_directory(out)
    page, table = out / "compare.html", out / "compare.json"
    html = compare_page(runs, records, aimd, out.name or "comparison")
    write_atomic(page, html.encode())
    text = json.dumps(jsonable(records), indent=1, ensure_ascii=False, allow_nan=False)
    write_atomic(table, text.encode() + b"\n")
    return Comparison(records=records, files=(page, table))


def _check_same_atoms(runs: Sequence[Compared], first: Compared) -> None:
    for run in runs:
        if "atoms" in differs_in(run, first):
            raise StoreError(
                f"{run.name} is a run of {composition(run)} and {first.name} one of "
                f"{composition(first)}: their steps, errors and reactions are not of one system; "
                "compare runs that start from the same atoms"
            )


def _read(path: Path, name: str) -> Compared:
    data = read_run(path)
    try:
        found = survey(read_frames(path))
    except StoreError:
        found = None  # a young run without a trajectory still has its labels and times
    mode = str(data.run.get("mode", ""))
    if mode == "cofl" and (path / "config.yaml").is_file():
        rule = read_config(path / "config.yaml").learning.cofl_rule
        mode = mode if rule == "calibrated" else f"cofl ({rule})"
    return Compared(name=name, rule=mode, data=data, survey=found)
