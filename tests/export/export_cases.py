"""Structures and force fields for the tests of the export, and what their files say."""

from pathlib import Path

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii
from lepton_reader import evaluate as repulsion
from yace_reader import Found, evaluate, neighbours

from aofl.ace.basis import BasisSettings
from aofl.ace.kernels.local import N_DRAWS
from aofl.export.lammps import MANY_BODY, PAIR, POTENTIAL
from aofl.forcefield.model import ForceField
from aofl.forcefield.model_state import ProductionState

# Each two elements have their own reach, pairs another one, and there are functions of all kinds.
SMALL = BasisSettings(
    n_pair=6, pair_cutoff=2.4, pair_growth=0.8, n_max=3, l_max=2, cutoff=2.0, cutoff_growth=0.7,
    four_n=2, four_l=1, five_n=1, five_l=1, n_chebyshev=12,
)  # fmt: skip
CLOSEST = 0.7  # of the sum of covalent radii: the repulsion counts, and is not all that counts
ELEMENTS = {1: ["Na"], 2: ["O", "Na"], 3: ["H", "O", "Na"]}


def force_field(elements: list[str], settings: BasisSettings = SMALL) -> ForceField:
    """Return a force field with weights that nobody learned."""
    return ForceField.from_state(state(elements, settings))


def state(elements: list[str], settings: BasisSettings = SMALL) -> ProductionState:
    """Return what such a force field is, its weights damped like the prior's."""
    basis = ForceField(elements, settings=settings).basis
    rng = np.random.default_rng(7)
    weights = rng.normal(size=basis.n_columns) * np.tile(basis.damping, len(elements))
    mean = np.concatenate([weights, rng.normal(size=len(elements))])
    return ProductionState(
        elements=sorted(elements, key=atomic_numbers.__getitem__),
        settings=settings,
        reference_energies=rng.normal(size=len(elements)) - 3.0,
        calibration=np.ones((len(elements), 2)),
        n_labels=5,
        level="made up",
        mean=mean,
        draws=np.zeros((len(mean), N_DRAWS)),
        noise=1.0,
    )


def slab(elements: list[str]) -> Atoms:
    """Two layers, periodic along x and y only."""
    x, y, z = np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij")
    positions = 1.8 * np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1)
    return _filled(elements, positions, [3.6, 3.6, 15], [True, True, False], seed=5)


def triclinic(elements: list[str]) -> Atoms:
    """Six atoms in a skewed cell narrower than any cutoff, some of them outside it."""
    cell = np.array([[3.1, 0, 0], [0.7, 3.3, 0.2], [-0.5, 0.6, 4.0]])
    scaled = [[0.05, 0.1, -0.1], [0.55, 0.45, 0.1], [1.5, 0.0, 0.4], [0.0, -0.45, 1.5],
              [0.5, 0.1, 0.75], [0.1, 0.5, 0.8]]  # fmt: skip
    return _filled(elements, np.array(scaled) @ cell, cell, True, seed=6)


def liquid(elements: list[str]) -> Atoms:
    """Ten atoms in disorder."""
    rng = np.random.default_rng(8)
    positions: list[np.ndarray] = []
    while len(positions) < 10:
        new = rng.uniform(0, 4.5, 3)
        apart = np.array([p - new for p in positions]).reshape(-1, 3)
        apart -= 4.5 * np.round(apart / 4.5)
        if (np.linalg.norm(apart, axis=1) > 1.25).all():
            positions.append(new)
    return _filled(elements, np.array(positions), [4.5] * 3, True, seed=9)


STRUCTURES = {"slab": slab, "triclinic": triclinic, "liquid": liquid}


def said_by(folder: Path, atoms: Atoms, elements: list[str], *, is_splined: bool = False) -> Found:
    """Return what the written files say, summed over their three parts."""
    parts = [evaluate(folder / name, atoms, is_splined=is_splined) for name in (PAIR, MANY_BODY)]
    return parts[0] + parts[1] + repulsion(folder / POTENTIAL, atoms, elements)


def _filled(elements: list[str], positions, cell, pbc, *, seed: int) -> Atoms:
    symbols = [elements[k % len(elements)] for k in range(len(positions))]
    moved = positions + np.random.default_rng(seed).normal(0, 0.1, positions.shape)
    atoms = Atoms(symbols, positions=moved, cell=cell, pbc=pbc)
    i, j, vectors = neighbours(atoms, 4.0)
    radius = covalent_radii[atoms.numbers]
    closest = (np.linalg.norm(vectors, axis=1) / (radius[i] + radius[j])).min()
    atoms.set_cell(atoms.cell.array * CLOSEST / closest, scale_atoms=True)
    return atoms
