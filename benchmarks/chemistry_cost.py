"""What following the chemistry costs, as a share of the step of a force field, in a real run.

Run: .venv/bin/python benchmarks/chemistry_cost.py
Writes benchmarks/results/chemistry_cost.json and .png. Each run is one of `aofl run`, mode `aofl`,
whose reference is the model it starts from: steps that call it are left out, as are the first
steps, so that what is left is the step of the force field with its deviations, thermostat and
files. Two costs are told apart: the follower, which finds molecules and reactions, and the look of
the learning rule at bonds and contacts. Times are those of the thread itself, on one thread, so
that other users of the machine do not lengthen them; the shares are what to compare.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import thread_time
from typing import Any

import ase.io
import matplotlib.pyplot as plt
import numpy as np

import aofl.learning.observe as observe
import aofl.simulation.run as loop
from aofl import api
from aofl.config.schema import RunConfig
from aofl.forcefield.model import ForceField
from aofl.forcefield.train import train
from aofl.reference import AseReference
from aofl.store import read_labels
from aofl.workflows.assemble import limited_threads

HERE = Path(__file__).parent
LABELS = HERE / "data" / "na_dme64_gfn1.extxyz.gz"
LARGE = HERE / "data" / "bench_na_dme_248.xyz"
STEPS, FIRST = 600, 100
TIMESTEP_FS = 0.5
PARTS = {
    "follower": (loop, "look_at_chemistry"),
    "look of the rule": (observe, "chemistry_snapshot"),
}
GOAL = 0.05


@contextmanager
def timed(spent: dict[str, float]) -> Iterator[None]:
    """Count the thread time of the parts while the block runs."""

    def wrapped(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            start = thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                spent[name] += thread_time() - start

        return call

    originals = {name: getattr(module, key) for name, (module, key) in PARTS.items()}
    for name, (module, key) in PARTS.items():
        setattr(module, key, wrapped(name, originals[name]))
    try:
        yield
    finally:
        for name, (module, key) in PARTS.items():
            setattr(module, key, originals[name])


def measure(cell: Path, model: Path, folder: Path) -> dict[str, Any]:
    """Run the cell with a model and return mean times per step, ms, and their shares."""
    config = RunConfig.model_validate(
        {
            "system": {"structure": str(cell)},
            "force_field": {"model": str(model)},
            "learning": {"target_force_error_meV_per_A": 1000.0, "audit_probability": 0.0},
            "dynamics": {
                "name": "langevin",
                "timestep_fs": TIMESTEP_FS,
                "temperature_K": 300.0,
                "steps": STEPS,
            },
        }
    )
    spent = dict.fromkeys(PARTS, 0.0)
    rows: list[tuple[float, int, float, float]] = []

    def note(run: loop.Run) -> None:
        rows.append((thread_time(), len(run.calculator.oracle.ids), *spent.values()))

    teacher = AseReference(ForceField.load(model), description={"method": "the model itself"})
    with timed(spent), limited_threads(1):
        api.run(config, folder, note, teacher)
    steps = np.diff(np.array(rows), axis=0)[FIRST:]
    plain = steps[steps[:, 1] == 0]
    total, *parts = (1e3 * plain[:, [0, 2, 3]].mean(axis=0)).tolist()
    rest = total - sum(parts)
    return {
        "atoms": len(ase.io.read(cell)),
        "steps": len(plain),
        "ms per step": dict(zip(PARTS, parts, strict=True)) | {"force field and the rest": rest},
        "share": {name: part / rest for name, part in zip(PARTS, parts, strict=True)},
    }


def main() -> None:
    labels = read_labels(LABELS)
    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = folder / "small.xyz"
        ase.io.write(small, ase.io.read(LABELS, index=-1), format="extxyz")
        for accuracy in ("standard", "fast"):
            model = folder / f"{accuracy}.h5"
            with limited_threads(1):
                force_field = train(labels[::20], accuracy)
            force_field.level = None  # or the model as its own reference is refused
            force_field.save(model)
            for cell in (small, LARGE):
                row = measure(cell, model, folder / f"{accuracy}-{cell.stem}")
                results.append({"accuracy": accuracy, **row})
                print(results[-1], flush=True)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "chemistry_cost.json").write_text(json.dumps(results, indent=1))
    plot(results)


def plot(results: list[dict[str, Any]]) -> None:
    figure, axes = plt.subplots(figsize=(7, 3.8))
    names = [f"{row['accuracy']},\n{row['atoms']} atoms" for row in results]
    below = np.zeros(len(results))
    for part, colour in zip(PARTS, ("#3f83d8", "#e0782f"), strict=True):
        shares = np.array([100 * row["share"][part] for row in results])
        axes.bar(names, shares, 0.6, below, color=colour, label=part)
        below += shares
    axes.axhline(100 * GOAL, color="#d9484f", lw=1, ls="--")
    axes.text(len(results) - 0.6, 100 * GOAL, " goal", color="#d9484f", va="bottom", ha="right")
    axes.set_ylabel("% of the rest of a step")
    axes.set_title("Following the chemistry while the run goes", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(HERE / "results" / "chemistry_cost.png", dpi=120)


if __name__ == "__main__":
    main()
