"""What the reference would have done with a bond that a run stretched and let close, or broke.

Run: .venv/bin/python benchmarks/crossing.py RUN... --bond I J [--steps 970 980 990] [--on 60]
RUN are runs with GFN1-xTB such as runs/learning/ether-1-flare of benchmarks/learning.py (there the
bond 33 34). A second a step. Writes benchmarks/results/crossing.json and .png.

From frames of each run the reference alone goes on, under the noise of the run, and the length of
the bond is written beside that of the run. At the frames of the run, what the forces that were
followed and those of the reference do to the bond: half the difference of the forces on its two
atoms, along it, eV/Å, below zero where they close it.
"""

import argparse
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from ase import Atoms

from aofl.config import read_config
from aofl.learning.adaptive_calculator import AdaptiveCalculator
from aofl.simulation.dynamics import advance, make_dynamics
from aofl.store import RunDirectory, read_frames
from aofl.workflows.assemble import limited_threads, make_reference

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
        advance(dynamics, config.dynamics, config.seed, now)
        found[now] = length(atoms, bond)
    return found


def pulls(directory: RunDirectory, frames: dict[int, Atoms], bond: list[int]) -> dict:
    """Return step -> (by the forces followed, by the reference), eV/Å."""
    reference = make_reference(read_config(directory.config).reference, directory.reference)
    return {
        step: (pull(a, a.get_forces(), bond), pull(a, reference.label(a).forces, bond))
        for step, a in frames.items()
    }


def pull(atoms: Atoms, forces: np.ndarray, bond: list[int]) -> float:
    vector = atoms.get_distance(*bond, mic=True, vector=True)
    return float((forces[bond[1]] - forces[bond[0]]) @ vector / np.linalg.norm(vector) / 2)


def length(atoms: Atoms, bond: list[int]) -> float:
    return float(atoms.get_distance(*bond, mic=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--bond", nargs=2, type=int, required=True)
    parser.add_argument("--steps", nargs="+", type=int, default=[970, 980, 990])
    parser.add_argument("--on", type=int, default=60)
    given = parser.parse_args()
    results, forces = {}, {}
    for run in given.runs:
        directory = RunDirectory.open(run)
        frames = {int(a.info["step"]): a for a in read_frames(run)}
        shown = range(min(given.steps) - BEFORE, max(given.steps) + AFTER)
        near = {k: a for k, a in frames.items() if k in shown}
        results[run.name] = {"run": {k: length(a, given.bond) for k, a in near.items()}}
        opening = pulls(directory, near, given.bond)
        print(run.name, {k: f"{x:.1f} {y:.1f}" for k, (x, y) in opening.items()}, flush=True)
        forces[run.name] = opening
        for step in given.steps:
            by_reference = gone_on(directory, frames[step], step, given.bond, given.on)
            results[run.name][f"reference from {step}"] = by_reference
            print(
                run.name, step, f"{by_reference[step]:.2f} Å, then", last(by_reference), flush=True
            )
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "crossing.json").write_text(
        json.dumps({"lengths": results, "pulls": forces}, indent=1)
    )
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
