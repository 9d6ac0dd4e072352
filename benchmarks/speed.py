"""Time per atom of energy and forces, with and without uncertainty, one thread and two.

Run: .venv/bin/python benchmarks/speed.py
Writes benchmarks/results/speed.json and .png: microseconds per atom, the median of repeats, on a
248-atom Na/C/H/O cell with 35 neighbours within 5 Å. Ratios within one run are what to compare.
"""

import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import ase.io
import matplotlib.pyplot as plt
import numba
import numpy as np

from aofl.ace.evaluate import energy_forces
from aofl.assemble import limited_threads
from aofl.forcefield.model import ForceField
from aofl.forcefield.train import train
from aofl.store import read_labels

HERE = Path(__file__).parent
REPEATS = 15


def per_atom(call: Callable[[], object], n_atoms: int) -> float:
    call()
    times = []
    for _ in range(REPEATS):
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return 1e6 * median(times) / n_atoms


def measure(force_field: ForceField, n_threads: int) -> dict[str, float]:
    atoms = ase.io.read(HERE / "data" / "bench_na_dme_248.xyz")
    learned, n = force_field.learned, len(atoms)
    expansion = force_field._expand(atoms)
    with limited_threads(n_threads):
        return {
            "kernel": per_atom(
                lambda: energy_forces(
                    force_field.basis, learned.weights, expansion.neighbors, expansion.species
                ),
                n,
            ),
            "predict": per_atom(lambda: force_field.predict(atoms), n),
            "with sampled sigma": per_atom(
                lambda: force_field.predict(atoms, forces_std="sampled"), n
            ),
        }


def main() -> None:
    labels = read_labels(HERE / "data" / "na_dme64_gfn1.extxyz.gz")[::20]
    results = []
    for accuracy in ("fast", "standard"):
        with limited_threads(1):
            force_field = train(labels, accuracy)
        for n_threads in range(1, min(2, numba.config.NUMBA_NUM_THREADS) + 1):
            found = measure(force_field, n_threads)
            row = {"accuracy": accuracy, "threads": n_threads}
            results.append(row | {"functions": force_field.basis.n_functions} | found)
            print(row, {k: round(v, 1) for k, v in found.items()}, "µs/atom", flush=True)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "speed.json").write_text(json.dumps(results, indent=1))
    plot(results)


def plot(results: list[dict]) -> None:
    parts = ("kernel", "predict", "with sampled sigma")
    figure, axes = plt.subplots(figsize=(7, 3.6))
    for k, row in enumerate(results):
        label = f"{row['accuracy']}, {row['threads']} thread(s)"
        axes.bar(np.arange(len(parts)) + 0.2 * k, [row[p] for p in parts], 0.18, label=label)
    axes.set(yscale="log", ylabel="µs per atom", xticks=np.arange(len(parts)) + 0.3)
    axes.set_xticklabels(parts)
    axes.legend()
    figure.tight_layout()
    figure.savefig(HERE / "results" / "speed.png", dpi=150)


if __name__ == "__main__":
    main()
