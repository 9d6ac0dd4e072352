"""Molecules from SMILES: RDKit gives rough geometries, a relaxation makes them physical.

RDKit is the optional extra `rdkit`. Its distance geometry (ETKDG) is seeded, so that the same
text gives the same atoms.

References
----------
S. Riniker, G. A. Landrum, J. Chem. Inf. Model. 55, 2562 (2015), doi:10.1021/acs.jcim.5b00654.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms

from aofl.errors import StructureError
from aofl.records import IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """A molecule before its geometry is relaxed.

    Attributes
    ----------
    geometries
        Rough conformers, Å, atoms in RDKit's order.
    charge
        Formal charge, e.
    bonds
        Index pairs i < j in order, shape (n_bonds, 2).
    """

    geometries: list[Atoms]
    charge: int
    bonds: IntArray


def sketch(smiles: str, *, n_conformers: int = 1, seed: int = 1) -> Sketch:
    """Return what RDKit makes of a SMILES.

    Parameters
    ----------
    smiles
        One molecule or ion; hydrogens may be left out.
    n_conformers
        How many geometries to make, >= 1.
    seed
        Of RDKit's embedding, >= 0.

    Raises
    ------
    StructureError
        If RDKit is not installed, or the text is not a SMILES that it can embed.
    """
    chem, embed = _rdkit()
    parsed = chem.MolFromSmiles(smiles)
    if parsed is None:
        raise StructureError(f"{smiles!r} is not a SMILES that RDKit reads; correct it")
    whole = chem.AddHs(parsed)
    if len(chem.GetMolFrags(whole)) > 1:
        raise StructureError(f"{smiles!r} names several molecules; give each its own entry")
    options = embed.ETKDGv3()
    options.randomSeed = seed
    options.useRandomCoords = True
    made = list(embed.EmbedMultipleConfs(whole, n_conformers, options))
    if not made:
        raise StructureError(f"RDKit finds no geometry for {smiles!r}; give a structure `file`")
    numbers = [atom.GetAtomicNum() for atom in whole.GetAtoms()]
    geometries = [
        Atoms(numbers, positions=np.array(whole.GetConformer(i).GetPositions())) for i in made
    ]
    ends = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in whole.GetBonds()]
    pairs = sorted((min(pair), max(pair)) for pair in ends)
    return Sketch(
        geometries=geometries,
        charge=int(chem.GetFormalCharge(whole)),
        bonds=np.array(pairs, dtype=np.int64).reshape(-1, 2),
    )


def _rdkit() -> tuple[Any, Any]:
    try:
        from rdkit import Chem, RDLogger
        from rdkit.Chem import rdDistGeom
    except ImportError as error:
        raise StructureError(
            "molecules from SMILES need RDKit; install it with `pip install 'aofl[rdkit]'`, "
            "or give a structure `file`"
        ) from error
    RDLogger.DisableLog("rdApp.*")  # type: ignore[attr-defined,unused-ignore]
    return Chem, rdDistGeom
