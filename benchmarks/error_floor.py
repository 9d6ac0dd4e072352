"""What holds the error of the force field up: few labels, or what it cannot represent.

Run: .venv/bin/python benchmarks/error_floor.py RUN [--accuracies fast standard high]
        [--electronic-temperatures 300 1500]
RUN is an AIMD run with GFN1-xTB, such as runs/learning/water-2-aimd of benchmarks/learning.py.
About 5 minutes. Writes benchmarks/results/error_floor.json and .png.

Force fields learn 50 to 800 random frames of the run and are tested on 100 others. Beside them, how
much the same forces change with the electronic temperature alone: how electrons fill the levels of
the whole cell is nothing that an atom's surroundings tell, so no local force field learns it.
"""

import argparse
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from aofl.config import read_config
from aofl.errors import ReferenceFailed
from aofl.forcefield.evaluation import evaluate
from aofl.forcefield.model import ForceField
from aofl.forcefield.train import structure
from aofl.records import LabelledStructure
from aofl.store import RunDirectory, read_labels
from aofl.workflows.assemble import limited_threads, make_reference

HERE = Path(__file__).parent
SIZES, N_TEST, N_COMPARED = (50, 100, 200, 400, 800), 100, 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--accuracies", nargs="+", default=["fast", "standard", "high"])
    parser.add_argument("--electronic-temperatures", nargs="+", type=float, default=[300.0, 1500.0])
    given = parser.parse_args()
    directory = RunDirectory.open(given.run)
    labels = read_labels(directory.labels)
    order = np.random.default_rng(0).permutation(len(labels))
    tested, pool = [labels[k] for k in order[:N_TEST]], [labels[k] for k in order[N_TEST:]]
    found = {
        "learned": {accuracy: curve(accuracy, pool, tested) for accuracy in given.accuracies},
        "electronic_temperature": {
            f"{kelvin:g} K": change(directory, tested[:N_COMPARED], kelvin)
            for kelvin in given.electronic_temperatures
        },
    }
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "error_floor.json").write_text(json.dumps(found, indent=1))
    plot(found)


def curve(
    accuracy: str, pool: list[LabelledStructure], tested: list[LabelledStructure]
) -> dict[int, float]:
    """Return labels learned -> force RMSE, meV/Å."""
    force_field = ForceField(sorted({int(z) for z in tested[0].numbers}), accuracy)
    errors, n = {}, 0
    for size in [size for size in SIZES if size <= len(pool)]:
        for entry in pool[n:size]:
            force_field.absorb(structure(entry), entry.label)
        n = size
        force_field.renew()
        errors[size] = 1e3 * evaluate(force_field, tested).forces_rmse
        print(f"{accuracy:9} N={size:<4} {errors[size]:6.1f} meV/Å", flush=True)
    return errors


def change(directory: RunDirectory, frames: list[LabelledStructure], kelvin: float) -> float:
    """Return the rms change of the forces at another electronic temperature, meV/Å."""
    asked = read_config(directory.config).reference
    settings = asked.model_copy(update={"electronic_temperature_K": kelvin})
    reference = make_reference(settings, directory.reference)
    differences = []
    for entry in frames:
        try:
            other = reference.label(structure(entry)).forces
        except ReferenceFailed:  # cold electrons of a metal do not always converge
            continue
        differences.append(other - entry.label.forces)
    rms = 1e3 * float(np.sqrt(np.mean(np.square(differences))))
    print(f"{kelvin:g} K     {rms:6.1f} meV/Å, {len(differences)} of {len(frames)} frames")
    return rms


def plot(found: dict) -> None:
    figure, axes = plt.subplots(figsize=(6, 4))
    for accuracy, errors in found["learned"].items():
        axes.plot([int(n) for n in errors], list(errors.values()), "o-", label=accuracy)
    for k, (name, rms) in enumerate(found["electronic_temperature"].items()):
        axes.axhline(rms, ls=("--", ":")[k % 2], color="0.5")
        axes.annotate(
            f"change of the labels with electrons at {name}", (SIZES[0], rms + 1), fontsize=8
        )
    axes.set(xscale="log", xlabel="labels", ylabel="force RMSE, meV/Å", ylim=(0, None))
    axes.set_xticks(SIZES, [str(n) for n in SIZES], minor=False)
    axes.set_xticks([], minor=True)
    axes.legend()
    figure.tight_layout()
    figure.savefig(HERE / "results" / "error_floor.png", dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    with limited_threads(1):
        main()
