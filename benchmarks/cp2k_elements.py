"""How noisy the grid is for each element of the CP2K preset.

Hydrides in a box of 8 Å, moved off the grid points by three random shifts: the net force, which
only the grid makes, and the force on the heavy atom along z against energies 0.005 Å to either
side. An element passes at a cutoff if the mean net force is below 30 meV/Å and the force error
below 5.

    python benchmarks/cp2k_elements.py [--cutoffs 280] [--elements F Mg]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import molecule

from aofl.config.references import Cp2kConfig
from aofl.reference.codes import cp2k_preset
from aofl.reference.codes.cp2k import Cp2kReference
from aofl.reference.spot_check import numerical_force

N_SHIFTS = 3
# Bond length, Å, and number of hydrogens where ASE has no hydride.
BONDS = {
    "B": (1.19, 3), "Li": (1.60, 1), "Na": (1.89, 1), "K": (2.24, 1), "Mg": (1.70, 2),
    "Ca": (2.05, 2), "Al": (1.58, 3),
}  # fmt: skip
MOLECULES = {
    "H": "H2", "C": "CH4", "N": "NH3", "O": "H2O", "F": "HF", "P": "PH3", "S": "SH2", "Cl": "HCl",
}  # fmt: skip


def hydride(element: str) -> Atoms:
    if element in MOLECULES:
        atoms = molecule(MOLECULES[element])
    else:
        length, n = BONDS[element]
        angles = 2 * np.pi * np.arange(n) / n
        hydrogens = length * np.column_stack([np.zeros(n), np.sin(angles), np.cos(angles)])
        atoms = Atoms([element] + ["H"] * n, [[0.0, 0.0, 0.0], *hydrogens])
    atoms.set_cell([8.0, 8.0, 8.0])
    atoms.pbc = True
    atoms.center()
    atoms.rattle(0.03, seed=1)
    return atoms


def measure(element: str, cutoff: float) -> dict[str, Any]:
    atoms, rng = hydride(element), np.random.default_rng(0)
    config = Cp2kConfig(name="cp2k", cutoff_Ry=cutoff, convergence=1e-4)
    with tempfile.TemporaryDirectory() as directory:
        reference = Cp2kReference(config, Path(directory))
        net = []
        for _ in range(N_SHIFTS):
            atoms.positions += rng.uniform(0.0, 0.4, 3)
            label = reference.label(atoms)
            net.append(1e3 * float(np.abs(label.forces.sum(axis=0)).max()))
        atom = atoms.get_chemical_symbols().index(element)
        slope = numerical_force(reference.label, atoms, atom, 2)
        reference.close()
    error = 1e3 * (float(label.forces[atom, 2]) - slope)
    return {
        "element": element,
        "cutoff_Ry": cutoff,
        "net_force_mean_meV_per_A": float(np.mean(net)),
        "force_error_meV_per_A": error,
        "passes": float(np.mean(net)) <= 30.0 and abs(error) <= 5.0,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cutoffs", type=float, nargs="+", help="Ry; else that of the preset")
    parser.add_argument("--elements", nargs="+", default=list(cp2k_preset.KINDS))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    chosen = parser.parse_args()
    rows = []
    for element in chosen.elements:
        needed = cp2k_preset.KINDS[element].cutoff
        for cutoff in chosen.cutoffs or [needed]:
            # To see how bad it is below, the preset's own guard is lifted.
            kind = cp2k_preset.KINDS[element]
            cp2k_preset.KINDS[element] = replace(kind, cutoff=min(cutoff, needed))
            rows.append(measure(element, cutoff))
            print(rows[-1], flush=True)
    chosen.out.mkdir(exist_ok=True)
    (chosen.out / "cp2k_elements.json").write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
