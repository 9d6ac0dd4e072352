"""Make the geometries in `src/aofl/system/data/species.extxyz`; needs the extra `rdkit`.

Each molecule or ion of the table is embedded from its SMILES in several conformers, every one is
relaxed with GFN1-xTB at its charge, and the lowest is kept if its bonds are those of the SMILES.
Takes a few minutes: `python tools/make_species.py`.
"""

from __future__ import annotations

import io
from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculationFailed
from ase.optimize import BFGS
from tblite.ase import TBLite

from aofl.store import write_atomic
from aofl.store.extxyz import format_frame
from aofl.system.bonding import bonded_pairs
from aofl.system.smiles import sketch

OUT = Path(__file__).parents[1] / "src" / "aofl" / "system" / "data" / "species.extxyz"
SPECIES = {
    "EC": "C1COC(=O)O1",
    "PC": "CC1COC(=O)O1",
    "FEC": "FC1COC(=O)O1",
    "VC": "C1=COC(=O)O1",
    "DMC": "COC(=O)OC",
    "EMC": "CCOC(=O)OC",
    "DEC": "CCOC(=O)OCC",
    "DOL": "C1OCCO1",
    "DME": "COCCOC",
    "diglyme": "COCCOCCOC",
    "tetraglyme": "COCCOCCOCCOCCOC",
    "THF": "C1CCCO1",
    "acetonitrile": "CC#N",
    "PF6-": "F[P-](F)(F)(F)(F)F",
    "BF4-": "F[B-](F)(F)F",
    "ClO4-": "[O-][Cl+3]([O-])([O-])[O-]",
    "FSI-": "O=S(=O)(F)[N-]S(=O)(=O)F",
    "TFSI-": "O=S(=O)(C(F)(F)F)[N-]S(=O)(=O)C(F)(F)F",
    "OTf-": "O=S(=O)([O-])C(F)(F)F",
}
N_CONFORMERS = 12
LARGEST_FORCE = 0.005  # eV/Å
DECIMALS = 6


def relaxed(rough: Atoms, charge: int) -> tuple[float, Atoms] | None:
    """Return the energy and geometry after relaxation at a charge, None if it fails."""
    atoms = rough.copy()
    atoms.calc = TBLite(method="GFN1-xTB", charge=charge, verbosity=0)
    try:
        if not BFGS(atoms, logfile=None).run(fmax=LARGEST_FORCE, steps=500):
            return None
    except CalculationFailed:
        return None
    return float(atoms.get_potential_energy()), Atoms(atoms.numbers, positions=atoms.positions)


def main() -> None:
    """Relax every species and write them all."""
    frames = []
    for name, smiles in SPECIES.items():
        drawn = sketch(smiles, n_conformers=N_CONFORMERS)
        rough, charge = drawn.geometries, drawn.charge
        tried = [relaxed(one, charge) for one in rough]
        found = sorted((pair for pair in tried if pair is not None), key=lambda pair: pair[0])
        kept = [(e, one) for e, one in found if np.array_equal(bonded_pairs(one), drawn.bonds)]
        if not kept:
            raise SystemExit(f"{name}: every conformer changed its bonds while it was relaxed")
        energy, best = kept[0]
        print(
            f"{name:14s} {best.get_chemical_formula():10s} charge {charge:2d}  {energy:.3f} eV  "
            f"{len(kept)} of {len(rough)} conformers"
        )
        frames.append(
            format_frame(
                numbers=best.numbers,
                positions=np.round(best.positions - best.positions.mean(axis=0), DECIMALS),
                cell=np.zeros((3, 3)),
                pbc=[False] * 3,
                info={"name": name, "charge": charge, "smiles": smiles, "made": "GFN1-xTB"},
                arrays={},
            )
        )
    assert len(ase.io.read(io.StringIO("".join(frames)), ":", format="extxyz")) == len(SPECIES)
    write_atomic(OUT, "".join(frames).encode())


if __name__ == "__main__":
    main()
