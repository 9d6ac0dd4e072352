"""What it costs to let a few mixtures stand for the elements in the many-body channels.

Run: .venv/bin/python benchmarks/mixtures.py
Writes benchmarks/results/mixtures.json and .png: the force RMSE of `standard` with the full set of
element channels and with fewer mixtures, on the tests of force_error.py with 20 labels (four
elements: Na C H O, GFN1-xTB; three elements: Na O H, CP2K). Mixtures are needed from five elements
on; the loss is measured where the full set still fits.
"""

import json
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from force_error import HERE, TESTS

from aofl.ace.basis import settings_for
from aofl.forcefield.evaluation import evaluate
from aofl.forcefield.train import train
from aofl.store import read_labels
from aofl.workflows.assemble import limited_threads

N_LABELS = 20


def main() -> None:
    results = []
    for name, (path, pool, test, _) in TESTS.items():
        labels = read_labels(path)
        n_species = len({int(z) for z in labels[0].numbers})
        chosen = np.linspace(0, len(pool) - 1, N_LABELS).astype(int)
        for n in range(n_species, 1, -1):
            settings = replace(
                settings_for("standard", n_species), n_mixtures=0 if n == n_species else n
            )
            model = train([labels[pool[k]] for k in chosen], settings=settings)
            found = evaluate(model, [labels[k] for k in test])
            row = {"test": name, "elements": n_species, "mixtures": n}
            results.append(row | {"functions": model.basis.n_columns} | found.to_json())
            print(row, model.basis.n_columns, f"{1e3 * found.forces_rmse:.1f} meV/Å", flush=True)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "mixtures.json").write_text(json.dumps(results, indent=1))
    plot(results)


def plot(results: list[dict]) -> None:
    figure, axes = plt.subplots(figsize=(5, 3.6))
    for name in TESTS:
        rows = [r for r in results if r["test"] == name]
        label = f"{name}, {rows[0]['elements']} elements"
        errors = [1e3 * r["forces_rmse"] for r in rows]
        axes.plot([r["mixtures"] for r in rows], errors, "o-", label=label)
    axes.set(xlabel="mixtures", ylabel="force RMSE, meV/Å", ylim=(0, None), xticks=[2, 3, 4])
    axes.legend()
    figure.tight_layout()
    figure.savefig(HERE / "results" / "mixtures.png", dpi=150)


if __name__ == "__main__":
    with limited_threads(1):
        main()
