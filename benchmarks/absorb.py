"""Time and memory of absorbing one 64-atom label, from label 10 to label 500, on one core.

Run: .venv/bin/python benchmarks/absorb.py [fast standard ...]
Writes benchmarks/results/absorb.json and .png: for each label the core seconds and the wall seconds
of `ForceField.append` (1 energy, 192 forces, 6 virials; refits included), and the memory of the
process. On a shared machine the core seconds are what to read.
Early and late are windows of labels that hold several refits each.
"""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from time import perf_counter, process_time

import matplotlib.pyplot as plt
import numpy as np

from aofl.forcefield.model import RENEWED_UNTIL, ForceField
from aofl.forcefield.train import structure
from aofl.rng import generator
from aofl.store import read_labels
from aofl.workflows.assemble import limited_threads

HERE = Path(__file__).parent
N_LABELS = 500
WINDOW = 36  # labels
EARLY, LATE = slice(10, 10 + WINDOW), slice(N_LABELS - WINDOW, N_LABELS)


def resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(accuracy: str) -> dict:
    """Labels are those of the frames, the atoms moved a little: the arithmetic is the same."""
    frames = read_labels(HERE / "data" / "na_dme64_gfn1.extxyz.gz")
    force_field = ForceField([int(z) for z in np.unique(frames[0].numbers)], accuracy)
    rows = []
    for n in range(1, N_LABELS + 1):
        entry = frames[(7 * n) % len(frames)]
        rng = generator(0, "absorb benchmark", n)
        atoms = structure(entry)
        atoms.rattle(0.02, rng=rng)
        noise = rng.normal(0, 0.1, entry.label.forces.shape)
        label = replace(entry.label, forces=entry.label.forces + noise)
        wall, core = perf_counter(), process_time()
        (force_field.learn if n <= RENEWED_UNTIL else force_field.append)(atoms, label)
        row = {"label": n, "wall_s": perf_counter() - wall, "core_s": process_time() - core}
        row["is_refit"] = force_field.n_labels_at_refit == n
        rows.append(row | {"resident_MB": resident_megabytes()})
        if n % 50 == 0:
            print(accuracy, {k: round(v, 2) for k, v in row.items()}, flush=True)
    n_columns = len(force_field.shape.group)
    return {"accuracy": accuracy, "columns": n_columns, **summary(rows), "labels": rows}


def summary(rows: list[dict]) -> dict[str, float]:
    """Return seconds per label, as means over windows (amortised) and medians (typical)."""
    core, wall = (np.array([row[k] for row in rows]) for k in ("core_s", "wall_s"))
    memory = np.array([row["resident_MB"] for row in rows])
    return {
        "amortised_s": float(core[EARLY.start :].mean()),
        "typical_s": float(np.median(core[EARLY.start :])),
        "typical_wall_s": float(np.median(wall[EARLY.start :])),
        "fastest_wall_s": float(wall[EARLY.start :].min()),
        "largest_s": float(core[EARLY.start :].max()),
        "late_over_early_amortised": float(core[LATE].mean() / core[EARLY].mean()),
        "late_over_early_typical": float(np.median(core[LATE]) / np.median(core[EARLY])),
        "memory_early_MB": float(memory[EARLY].max()),
        "memory_late_MB": float(memory[LATE].max()),
    }


def plot(results: list[dict]) -> None:
    figure, (time, memory) = plt.subplots(1, 2, figsize=(10, 3.6))
    for result in results:
        rows = result["labels"][EARLY.start :]
        n = [row["label"] for row in rows]
        name = f"{result['accuracy']} ({result['columns']} columns)"
        time.plot(n, [row["core_s"] for row in rows], ".", ms=3, label=name)
        memory.plot(n, [row["resident_MB"] for row in rows], label=name)
    time.axhline(0.5, color="grey", lw=0.8, ls="--")
    time.set(xlabel="label", ylabel="core seconds per label", ylim=(0, None))
    memory.set(xlabel="label", ylabel="memory of the process, MB", ylim=(0, None))
    time.legend()
    figure.tight_layout()
    figure.savefig(HERE / "results" / "absorb.png", dpi=150)


def main(accuracies: list[str]) -> None:
    results = []
    for accuracy in accuracies:
        results.append(measure(accuracy))
        print({k: v for k, v in results[-1].items() if k != "labels"}, flush=True)
        (HERE / "results").mkdir(exist_ok=True)
        (HERE / "results" / "absorb.json").write_text(json.dumps(results, indent=1))
    plot(results)


if __name__ == "__main__":
    with limited_threads(1):
        main(sys.argv[1:] or ["fast", "standard"])
