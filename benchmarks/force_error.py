"""Force error per label on three tests, for each accuracy.

Run: .venv/bin/python benchmarks/force_error.py [fast standard ...]
Writes benchmarks/results/force_error.json and .png. Lower is better; "zero" is what predicting no
force scores. Tests: `interleaved` (every fourth frame held out), `later` (trained on the first 130
frames, tested on the last 50), `dft` (CP2K: trained on frames 0-109, tested on 120-159).
"""

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from aofl.forcefield.evaluation import evaluate
from aofl.forcefield.train import train
from aofl.store import read_labels
from aofl.workflows.assemble import limited_threads

HERE = Path(__file__).parent
ETHER = HERE / "data" / "na_dme64_gfn1.extxyz.gz"
WATER = HERE / "data" / "aimd_cp2k_na16_h2o_start.extxyz.gz"
TESTS = {
    "interleaved": (ETHER, [k for k in range(200) if k % 4], list(range(0, 200, 4)), (20, 50)),
    "later": (ETHER, list(range(130)), list(range(150, 200)), (20, 50)),
    "dft": (WATER, list(range(110)), list(range(120, 160)), (10, 20, 40)),
}


def main(accuracies: list[str]) -> None:
    results = []
    for name, (path, pool, test, sizes) in TESTS.items():
        labels = read_labels(path)
        tested = [labels[k] for k in test]
        zero = float(np.sqrt(np.mean([e.label.forces**2 for e in tested])))
        for accuracy in accuracies:
            for n in sizes:
                chosen = np.linspace(0, len(pool) - 1, n).astype(int)
                found = evaluate(train([labels[pool[k]] for k in chosen], accuracy), tested)
                row = {"test": name, "accuracy": accuracy, "n_labels": n, "zero": zero}
                results.append(row | found.to_json())
                by_element = {e: round(1e3 * x.forces_rmse) for e, x in found.by_element.items()}
                coverage = {e: round(x.coverage_90, 2) for e, x in found.by_element.items()}
                print(
                    f"{name:12} {accuracy:9} N={n:<3} {1e3 * found.forces_rmse:6.1f} meV/Å "
                    f"(zero {1e3 * zero:.0f}) {by_element} coverage {coverage}",
                    flush=True,
                )
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "force_error.json").write_text(json.dumps(results, indent=1))
    plot(results)


def plot(results: list[dict]) -> None:
    figure, panels = plt.subplots(1, len(TESTS), figsize=(11, 3.6), sharey=True)
    for axes, name in zip(panels, TESTS, strict=True):
        for accuracy in dict.fromkeys(r["accuracy"] for r in results):
            rows = [r for r in results if (r["test"], r["accuracy"]) == (name, accuracy)]
            errors = [1e3 * r["forces_rmse"] for r in rows]
            axes.loglog([r["n_labels"] for r in rows], errors, "o-", label=accuracy)
        axes.set(title=name, xlabel="labels")
    panels[0].set_ylabel("force RMSE, meV/Å")
    panels[0].legend()
    figure.tight_layout()
    figure.savefig(HERE / "results" / "force_error.png", dpi=150)


if __name__ == "__main__":
    with limited_threads(1):
        main(sys.argv[1:] or ["fast", "standard"])
