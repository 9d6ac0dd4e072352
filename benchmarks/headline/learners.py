"""Calls of the reference and wall time of learners beside AIMD: the tables of docs/result.md.

Run: .venv/bin/python benchmarks/headline/learners.py AIMD RUN... [--seconds 15] [--other 0.01]
AIMD and RUN are run directories; benchmarks/headline/README.md says how to unpack them. Seconds.
Writes benchmarks/results/learners.json and .png.

Of each run its calls by thousand steps and by rule; the wall time of a call and of a step; how many
times the rate of AIMD that is; and the same if each call had taken `--seconds` and all else of a
step `--other`, because machines that runs share make calls of unlike length. The last line is of
all runs together.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from aofl.store import RunDirectory, read_ledger

RESULTS = Path(__file__).parents[1] / "results"


def figures(run: RunDirectory) -> dict:
    """Return the calls and the times of one run."""
    summary = run.read_summary()
    calls = [line for line in read_ledger(run.ledger) if line.action == "label"]
    thousands = Counter(max(0, line.step - 1) // 1000 for line in calls)
    return {
        "run": run.path.name,
        "steps": summary["steps"],
        "calls": len(calls),
        "calls_by_thousand": [thousands[k] for k in range(max(thousands) + 1)],
        "calls_by_rule": dict(Counter(line.rule for line in calls)),
        "wall_s": summary["wall_s"]["total"],
        "s_a_call": summary["wall_s"]["reference"] / len(calls),
        "s_a_step": summary["wall_s"]["total"] / summary["steps"],
    }


def together(rows: list[dict]) -> dict:
    """Return the figures of several runs as of one."""
    steps, calls, wall = (sum(row[key] for row in rows) for key in ("steps", "calls", "wall_s"))
    return {"run": "all", "steps": steps, "calls": calls, "wall_s": wall, "s_a_step": wall / steps}


def compared(row: dict, aimd: dict, seconds: float, other: float) -> dict:
    """Return a row with its rate over that of AIMD, as measured and at one time for each call."""
    level = seconds * row["calls"] / row["steps"] + other
    rates = {"times": aimd["s_a_step"] / row["s_a_step"], "times_at_s": aimd["s_a_step"] / level}
    return row | rates


def draw(runs: list[RunDirectory], path: Path) -> None:
    figure, axes = plt.subplots(figsize=(6, 4))
    for run in runs:
        steps = [line.step for line in read_ledger(run.ledger) if line.action == "label"]
        axes.step(sorted(steps), np.arange(len(steps)) + 1, where="post", label=run.path.name)
    axes.set(xlabel="step", ylabel="calls of the reference")
    axes.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("aimd", type=Path)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=15.0, help="of a call")
    parser.add_argument("--other", type=float, default=0.01, help="all else of a step, s")
    given = parser.parse_args()
    aimd, runs = RunDirectory.open(given.aimd), [RunDirectory.open(path) for path in given.runs]
    reference, rows = figures(aimd), [figures(run) for run in runs]
    made = [compared(row, reference, given.seconds, given.other) for row in (*rows, together(rows))]
    RESULTS.mkdir(exist_ok=True)
    found = {"aimd": reference, "learners": made}
    (RESULTS / "learners.json").write_text(json.dumps(found, indent=1))
    draw(runs, RESULTS / "learners.png")
    for row in (reference, *made):
        print({k: round(v, 2) if isinstance(v, float) else v for k, v in row.items()})


if __name__ == "__main__":
    main()
