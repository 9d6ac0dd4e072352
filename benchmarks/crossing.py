"""What the reference would have done with a bond that a run stretched and let close, or broke.

Run: .venv/bin/python benchmarks/crossing.py RUN... --bond I J [--steps 970 980 990] [--on 60]
RUN are runs with GFN1-xTB such as runs/learning/ether-1-flare of benchmarks/learning.py (there the
bond 33 34). A second a step. Writes benchmarks/results/crossing.json and .png.

From frames of each run the reference alone goes on, under the noise of the run, and the length of
the bond is written beside that of the run.
"""

import argparse
import json
from pathlib import Path

import matplotlib.pyplot as plt
from ase import Atoms

from aofl.assemble import limited_threads, make_reference
from aofl.config import read_config
from aofl.learning.adaptive_calculator import AdaptiveCalculator
from aofl.learning.dynamics import advance, make_dynamics
from aofl.store import RunDirectory, read_frames

HERE = Path(__file__).parent
BEFORE, AFTER = 20, 100  # steps of the run that are shown


def gone_on(directory: RunDirectory, atoms: Atoms, step: int, bond: list[int], n: int) -> dict:
    """Return step -> bond length, Å, by the reference alone from a frame on."""
    config = read_config(directory.config)
    atoms = atoms.copy()
    reference = make_reference(config.reference, directory.reference)
    atoms.calc = AdaptiveCalculator(reference=reference, mode="aimd")
    dynamics = make_dynamics(config.dynamics, atoms)
    found = {step: length(atoms, bond)}
    for now in range(step + 1, step + n + 1):
        advance(dynamics, config.seed, now)
        found[now] = length(atoms, bond)
    return found


def length(atoms: Atoms, bond: list[int]) -> float:
    return float(atoms.get_distance(*bond, mic=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--bond", nargs=2, type=int, required=True)
    parser.add_argument("--steps", nargs="+", type=int, default=[970, 980, 990])
    parser.add_argument("--on", type=int, default=60)
    given = parser.parse_args()
    results = {}
    for run in given.runs:
        directory = RunDirectory.open(run)
        frames = {int(a.info["step"]): a for a in read_frames(run)}
        shown = range(min(given.steps) - BEFORE, max(given.steps) + AFTER)
        own = {k: length(a, given.bond) for k, a in frames.items() if k in shown}
        results[run.name] = {"run": own}
        for step in given.steps:
            by_reference = gone_on(directory, frames[step], step, given.bond, given.on)
            results[run.name][f"reference from {step}"] = by_reference
            print(
                run.name, step, f"{by_reference[step]:.2f} Å, then", last(by_reference), flush=True
            )
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "crossing.json").write_text(json.dumps(results, indent=1))
    plot(results)


def last(lengths: dict) -> str:
    steps = sorted(lengths)
    return ", ".join(f"{lengths[k]:.2f} ({k})" for k in steps[20::20])


def plot(results: dict) -> None:
    figure, panels = plt.subplots(1, len(results), figsize=(4 * len(results), 3.5), squeeze=False)
    for axes, (name, curves) in zip(panels[0], results.items(), strict=True):
        for label, points in curves.items():
            style = "k.-" if label == "run" else "-"
            axes.plot(list(points), list(points.values()), style, label=label)
        axes.set(xlabel="step", ylabel="bond length, Å", title=name)
        axes.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(HERE / "results" / "crossing.png", dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    with limited_threads(1):
        main()
