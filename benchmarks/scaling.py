"""What a step costs against the number of atoms: energy and forces of 304 to 63,916 atoms.

Run: .venv/bin/python benchmarks/scaling.py
Two minutes on one core. Writes benchmarks/results/scaling.json and scaling.png.

Sodium under water (benchmarks/data, 19 atoms, three elements, accuracy "standard", 10 labels of
CP2K learned), repeated along x and y and rattled by 0.05 Å. The time is that of the process, which
other programs disturb less than a clock: the least of five calls at new positions, so a neighbour
list that is kept between steps is kept here, too. `with_energies_std` adds the deviation of each
atomic energy, which a run looks at in every step.
"""

import json
from pathlib import Path
from time import process_time

import ase.io
import matplotlib.pyplot as plt
import numpy as np
from ase import Atoms

from aofl import ForceField
from aofl.store import read_labels
from aofl.structure import Structure

HERE = Path(__file__).parent
SIZES = (4, 8, 16, 32, 58)  # cells along x and y
CALLS = 5
STEP = 0.005  # Å, of the atoms between two calls


def learned() -> tuple[ForceField, Atoms]:
    """Return a force field of ten labels, and a structure that it knows."""
    path = HERE / "data" / "aimd_cp2k_na16_h2o_start.extxyz.gz"
    labels = read_labels(path)[:100:10]
    force_field = ForceField(sorted({int(z) for z in labels[0].numbers}))
    for entry in labels:
        force_field.learn(Structure.labelled(entry), entry.label)
    return force_field, ase.io.read(path, 0)


def seconds(force_field: ForceField, atoms: Atoms, **asked: bool) -> float:
    """Return the least process time of a call, s."""
    rng, found = np.random.default_rng(0), []
    for _ in range(CALLS + 1):
        atoms.positions += STEP * rng.normal(size=(len(atoms), 3))
        start = process_time()
        force_field.predict(atoms, **asked)
        found.append(process_time() - start)
    return min(found[1:])


def main() -> None:
    force_field, cell = learned()
    rows = []
    for n in SIZES:
        atoms = Atoms(cell.numbers, cell.positions, cell=cell.cell, pbc=True) * (n, n, 1)
        atoms.rattle(0.05, rng=np.random.default_rng(n))
        times = {
            "forces_us": seconds(force_field, atoms),
            "with_energies_std_us": seconds(force_field, atoms, energies_std=True),
        }
        rows.append({"n_atoms": len(atoms)} | {k: 1e6 * t / len(atoms) for k, t in times.items()})
        print(rows[-1], flush=True)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "scaling.json").write_text(json.dumps(rows, indent=1))
    figure, axis = plt.subplots(figsize=(5, 3.2))
    for name in ("forces_us", "with_energies_std_us"):
        axis.plot([r["n_atoms"] for r in rows], [r[name] for r in rows], "o-", label=name[:-3])
    axis.set(xscale="log", xlabel="atoms", ylabel="µs per atom and step", ylim=(0, None))
    axis.legend()
    figure.tight_layout()
    figure.savefig(HERE / "results" / "scaling.png", dpi=150)


if __name__ == "__main__":
    main()
