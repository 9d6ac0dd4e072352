"""What formed on sodium, and what it cost: the figures of long learning runs.

Run: .venv/bin/python benchmarks/headline/figures.py RUN...
RUN are run directories, such as `runs/perchlorate-water-1`; benchmarks/headline/README.md says how
to unpack it. Seconds to a minute each. Writes benchmarks/results/headline.json and headline.png.

Labels by decade of steps; force errors of audits by quarters of the steps so far, and within 50 fs
of a reaction; what the run took against AIMD, whose step is the lower decile of the run's own
reference calls; molecules and formula units of solids over time; how long clusters of three or more
formula units of Na2O, and NaOH, have lasted, and in which share of the time after 10 ps they
are there; and each O of the last label without H within 1.3 Å:
its sodium neighbours, their distance, and its charge by the reference.
"""

import argparse
import itertools
import json
import math
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from aofl import api
from aofl.forcefield.train import structure
from aofl.records import LedgerLine
from aofl.records.error_sums import ErrorSums
from aofl.records.events import ReactionHappened
from aofl.records.rule_names import AUDITS
from aofl.report.near_reactions import WINDOW_FS
from aofl.store import RunDirectory, read_events, read_labels, read_ledger

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results"
O_H, O_NA = 1.3, 3.0  # Å
LATE_PS = 10.0
STRETCHES = 60  # of a curve
LASTING = {"Na2O": 3, "NaOH": 1}  # formula units of the largest cluster


def by_decade(labels: list[LedgerLine], last: int) -> dict[str, int]:
    """Return the labels of the first 10^3, 10^4, ... steps, as far as the run has come."""
    ends = [10**k for k in range(3, 1 + math.floor(math.log10(last)))] + [last]
    return {str(end): sum(x.step < end for x in labels) for end in ends}


def rmse(audits: list[LedgerLine]) -> float | None:
    """Return the force RMSE of audits, meV/Å."""
    parts = (part for x in audits for part in (x.errors or {}).values())
    error = sum(parts, start=ErrorSums()).rmse
    return None if error is None else 1e3 * error


def lasted(table: dict[str, np.ndarray], solid: str) -> float:
    """Return the longest time that a cluster of a solid was there without a break, ps."""
    column = f"{solid} largest"
    if column not in table:
        return 0.0
    longest = begun = 0.0
    is_on = False
    for time, size in zip(table["time_fs"], table[column], strict=True):
        begun = begun if is_on else time
        is_on = size >= LASTING[solid]
        longest = max(longest, time - begun if is_on else 0.0)
    return 1e-3 * longest


def share(table: dict[str, np.ndarray], solid: str) -> float | None:
    """Return the share of late times at which a cluster of a solid is there."""
    column, is_late = f"{solid} largest", table["time_fs"] > 1e3 * LATE_PS
    if column not in table or is_late.sum() < 2:
        return None
    spans = np.gradient(table["time_fs"][is_late])  # frames need not be evenly spaced
    return float(np.average(table[column][is_late] >= LASTING[solid], weights=spans))


def read_table(path: Path) -> dict[str, np.ndarray]:
    """Return the columns of a table of the analysis, by name."""
    names, *rows = [line.split(",") for line in path.read_text().splitlines()]
    return {
        name: np.array(x, float) for name, x in zip(names, zip(*rows, strict=True), strict=True)
    }


def found_in(run: Path, tables: Path) -> dict:
    """Return what one run says."""
    directory = RunDirectory.open(run)
    lines, summary = read_ledger(directory.ledger), directory.read_summary()
    events = [x for x in read_events(directory.events) if isinstance(x, ReactionHappened)]
    labels = [x for x in lines if x.action == "label"]
    audits = [x for x in labels if x.rule in AUDITS]
    last = summary["steps"]
    times = np.array([x.time_fs for x in events])
    near = [x for x in audits if len(times) and np.abs(times - x.time_fs).min() <= WINDOW_FS]
    quarters = [[x for x in audits if 4 * x.step // (last + 1) == q] for q in range(4)]
    api.analyse(run, tables)
    solids = read_table(tables / "sei.csv")
    return {
        "steps": last,
        "time_ps": 1e-3 * float(solids["time_fs"][-1]),
        "labels": by_decade(labels, last),
        "audits": len(audits),
        "audit_rmse_by_quarter": [rmse(quarter) for quarter in quarters],
        "audit_rmse_reactive": rmse(near),
        "audits_reactive": len(near),
        "reactions": [{"time_fs": x.time_fs, "reaction": x.reaction} for x in events],
        "oxide": oxide(run),
        "wall_h": summary["wall_s"]["total"] / 3600,
        "speedup": summary["speedup"],
        "since": since(run, labels, summary),
        "solids_last": {name: float(solids[f"{name} units"][-1]) for name in LASTING},
        "solids_lasted_ps": {name: lasted(solids, name) for name in LASTING},
        "solids_late_share": {name: share(solids, name) for name in LASTING},
    }


def since(run: Path, labels: list[LedgerLine], summary: dict) -> dict | None:
    """Return what the last part of a run took, since a summary that was kept beside this script."""
    kept = next(HERE.glob(f"{run.name}.at-*.json"), None)
    if kept is None:
        return None
    before = json.loads(kept.read_text())
    calls = [x.seconds["reference"] for x in labels if x.seconds and x.step > before["steps"]]
    steps = summary["steps"] - before["steps"]
    wall = summary["wall_s"]["total"] - before["wall_s"]["total"]
    aimd = float(np.quantile(calls, 0.1))
    return {
        "step": before["steps"],
        "labels": len(calls),
        "wall_h": wall / 3600,
        "aimd_step_s": aimd,
        "speedup": aimd * steps / wall,
    }


def oxide(run: Path) -> dict:
    """Return the surroundings of each O without H in the last label, and its charge."""
    label = read_labels(RunDirectory.open(run).labels)[-1]
    atoms, charges = structure(label), label.label.charges
    symbols = np.array(atoms.get_chemical_symbols())
    rows = []
    for oxygen in np.flatnonzero(symbols == "O"):
        far = atoms.get_distances(oxygen, range(len(atoms)), mic=True)
        if (far[symbols == "H"] < O_H).any():
            continue
        near = np.sort(far[(symbols == "Na") & (far < O_NA)])
        rows.append((len(near), float(near.mean()), float(charges[oxygen])))
    return {"n_sodium": [r[0] for r in rows], "Na-O_A": [round(r[1], 2) for r in rows],
            "charge": [round(r[2], 2) for r in rows]}  # fmt: skip


def by_stretches(time_fs: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return time, ps, 10 % quantile, mean and 90 % quantile in stretches equal on a log scale."""
    time = 1e-3 * time_fs
    edges = np.geomspace(0.1, time[-1] * 1.001, STRETCHES + 1)
    rows = []
    for first, last in itertools.pairwise(edges):
        part = (time >= first) & (time < last)
        if part.any():
            low, high = np.quantile(values[part], [0.1, 0.9])
            rows.append((time[part].mean(), low, values[part].mean(), high))
    return np.array(rows).T


def plot(run: Path, tables: Path, axes: list) -> None:
    """Draw molecules, solids and labels of one run over time."""
    species, solids = read_table(tables / "species.csv"), read_table(tables / "sei.csv")
    for name, column in species.items():
        if name not in ("frame", "step", "time_fs"):
            axes[0].plot(1e-3 * species["time_fs"], column, label=name, lw=1)
    for name in LASTING:
        if f"{name} units" in solids:
            time, low, mean, high = by_stretches(solids["time_fs"], solids[f"{name} units"])
            axes[1].plot(time, mean, label=name, lw=1.5)
            axes[1].fill_between(time, low, high, alpha=0.2, lw=0)
    labels = [x for x in read_ledger(RunDirectory.open(run).ledger) if x.action == "label"]
    axes[2].plot([1e-3 * x.time_fs for x in labels], range(1, len(labels) + 1))
    for ax, what in zip(axes, ("molecules", "formula units", "labels"), strict=True):
        ax.set(xlabel="time, ps", ylabel=what, xscale="log", xlim=(0.1, None))
    axes[0].set_title(run.name, pad=30)
    axes[0].legend(fontsize=6, ncols=5, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    axes[1].legend(fontsize=7)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    given = parser.parse_args()
    figure, panels = plt.subplots(
        len(given.runs), 3, figsize=(11, 3 * len(given.runs)), squeeze=False
    )
    found = {}
    for run, axes in zip(given.runs, panels, strict=True):
        with tempfile.TemporaryDirectory() as scratch:
            found[run.name] = found_in(run, Path(scratch))
            plot(run, Path(scratch), list(axes))
        print(json.dumps({run.name: found[run.name]}, ensure_ascii=False, indent=1))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "headline.json").write_text(json.dumps(found, ensure_ascii=False, indent=1))
    figure.tight_layout()
    figure.savefig(RESULTS / "headline.png", dpi=150)


if __name__ == "__main__":
    main()
