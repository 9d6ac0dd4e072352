"""Labels against true error of all rules on the same trajectories: AIMD runs, replayed.

Run: .venv/bin/python benchmarks/replay.py RUN... [--out FILE]
RUN are AIMD runs, such as runs/learning/water-*-aimd of benchmarks/learning.py. About two minutes
for each of the twelve rules and each run. Writes benchmarks/results/replay.json and .png.

Runs of their own (benchmarks/learning.py) meet other reactions at other times, which decides more
about the labels than the rule does. Here every rule sees the same steps, its forces are compared
with the reference at each of them, and nothing is rewound. `labels` are those learned, audits of
aofl included; the rivals neither learn nor count theirs. "aofl at the error of" interpolates log
labels against log error between the targets of aofl, means over the runs.
"""

import argparse
import json
import math
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from ase import Atoms

from aofl.config.schema import LearningConfig
from aofl.forcefield.train import structure
from aofl.learning.adaptive_calculator import AdaptiveCalculator, RewindRequested
from aofl.records import Label
from aofl.records.events import ReactionHappened
from aofl.records.rule_names import RANDOM_AUDIT
from aofl.report.near_reactions import WINDOW_FS
from aofl.store import RunDirectory, read_events, read_labels
from aofl.workflows.assemble import limited_threads

HERE = Path(__file__).parent
RULES = {
    "aofl": ("aofl", "target_force_error_meV_per_A", (250.0, 350.0, 525.0, 800.0)),
    "vasp": ("cofl", "vasp_cx", (0.0, 1.0, 2.0, 4.0)),
    "flare": ("cofl", "flare_multiple", (1.5, 2.0, 3.0, 4.0)),
}


class Recorded:
    """The reference of a replay: it knows the label of the step that is shown."""

    is_semi_empirical = True
    now: Label

    def label(self, atoms: Atoms, *, careful: bool = False) -> Label:
        """Return the label of this step; asked twice, the same."""
        return self.now

    def describe(self) -> dict[str, str]:
        """Return a name."""
        return {"code": "recorded"}

    def elements_supported(self) -> None:
        """Return None: all."""


def replay(run: Path, rule: str, value: float) -> dict:
    """Return what a rule asks for on the steps of a run, and how wrong the rest is."""
    directory, (mode, key, _) = RunDirectory.open(run), RULES[rule]
    timestep = directory.read_record()["timestep_fs"]
    events = [x for x in read_events(directory.events) if isinstance(x, ReactionHappened)]
    settings = {key: value} | ({"cofl_rule": rule} if mode == "cofl" else {})
    reference, decisions = Recorded(), []
    calculator = AdaptiveCalculator(
        reference=reference,
        mode=mode,
        settings=LearningConfig(**settings),
        seed=5,
        timestep_fs=timestep,
        on_decision=decisions.append,
    )
    labels = read_labels(directory.labels)
    is_near = np.zeros(len(labels), dtype=bool)
    for event in events:
        is_near |= np.abs(np.arange(len(labels)) * timestep - event.time_fs) <= WINDOW_FS
    errors = np.full(len(labels), np.nan)
    for k, entry in enumerate(labels):
        reference.now, atoms = entry.label, structure(entry)
        try:
            calculator.calculate(atoms)
        except RewindRequested as refused:
            path = replace(calculator.state.path, step=k)  # the replay goes on all the same
            calculator.state = replace(calculator.state, path=path)
            calculator.label_here(atoms, refused.verdict)
        if calculator.state.path.source == "ff":
            errors[k] = np.mean((calculator.results["forces"] - entry.label.forces) ** 2)
    asked = [x for x in decisions if x.action == "label"]
    learned = [x.step for x in asked if mode == "aofl" or x.rule != RANDOM_AUDIT]
    return {
        "labels": len(learned),
        "first_1000": sum(step < 1000 for step in learned),
        "error": rms(errors),
        "error_quiet": rms(errors[~is_near]),
        "error_reactive": rms(errors[is_near]),
        "density_ratio": ratio(np.bincount(learned, minlength=len(labels)), is_near),
        "reactions": len(events),
    }


def rms(errors: np.ndarray) -> float | None:
    """Return the force RMSE over the steps of the force field, meV/Å."""
    known = errors[np.isfinite(errors)]
    return 1e3 * math.sqrt(known.mean()) if len(known) else None


def ratio(labels: np.ndarray, is_near: np.ndarray) -> float | None:
    """Return the labels per step near reactions over those elsewhere."""
    if not is_near.any() or not labels[~is_near].any():
        return None
    return float(labels[is_near].mean() / labels[~is_near].mean())


def mean(rows: list[dict]) -> dict:
    """Return the mean of every figure over the runs that have it."""
    known = {key: [row[key] for row in rows if row[key] is not None] for key in rows[0]}
    return {key: sum(values) / len(values) if values else None for key, values in known.items()}


def labels_at(error: float, curve: list[dict]) -> float | None:
    """Return the labels at which a curve has an error; None outside of it."""
    points = sorted((row["error"], row["labels"]) for row in curve)
    x, y = np.log(np.array(points)).T
    if not x[0] <= math.log(error) <= x[-1]:
        return None
    return float(np.exp(np.interp(math.log(error), x, y)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "replay.json")
    given = parser.parse_args()
    given.out.parent.mkdir(exist_ok=True)
    curves: dict[str, list[dict]] = {}
    for rule, (_, key, values) in RULES.items():
        for value in values:
            rows = [replay(run, rule, value) for run in given.runs]
            found = mean(rows) | {key: value, "runs": rows}
            curves.setdefault(rule, []).append(found)
            shown = {k: round(v, 1) for k, v in found.items() if isinstance(v, float)}
            print(rule, shown, flush=True)
    for rival in [rule for rule in RULES if rule != "aofl"]:
        for row in curves[rival]:
            ours = labels_at(row["error"], curves["aofl"])
            row["aofl_labels_over_its"] = ours and ours / row["labels"]
            print(f"{rival} at {row['error']:.0f} meV/Å: {row['aofl_labels_over_its']}")
    given.out.write_text(json.dumps(curves, indent=1))
    plot(curves, given.out.with_suffix(".png"))


def plot(curves: dict[str, list[dict]], path: Path) -> None:
    figure, axes = plt.subplots(figsize=(6, 4))
    for (rule, rows), marker in zip(curves.items(), "oXs", strict=True):
        points = sorted((row["labels"], row["error"]) for row in rows)
        axes.plot(*zip(*points, strict=True), marker + "-", label=rule)
    axes.set(xlabel="labels", ylabel="force RMSE of all other steps, meV/Å")
    axes.set_title("The same AIMD steps, each rule at four settings")
    axes.set_xlim(0, None)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    with limited_threads(1):
        main()
