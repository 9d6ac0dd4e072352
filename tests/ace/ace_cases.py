"""Small structures and bases on which the tests of the expansion stand."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from aofl.ace.basis import Basis, BasisSettings, make_basis
from aofl.ace.evaluate import (
    Expansion,
    energy_forces,
    energy_row,
    expand,
    force_rows,
    shape_weights,
    virial_rows,
)
from aofl.ace.neighbors import find_neighbors

SMALL = BasisSettings(
    n_pair=4, pair_cutoff=4.0, n_max=3, l_max=3, cutoff=3.6, four_n=2, four_l=2, n_chebyshev=12
)
# The longer of the two cutoffs may be either of them.
SHORT_PAIR = BasisSettings(
    n_pair=3, pair_cutoff=2.8, n_max=2, l_max=2, cutoff=3.4, four_n=2, four_l=1, n_chebyshev=10
)
NO_FOUR = BasisSettings(
    n_pair=4, pair_cutoff=4.0, n_max=3, l_max=2, cutoff=3.6, four_n=0, n_chebyshev=12
)
# Each two elements have their own reach, and three elements share two mixtures.
MIXED = BasisSettings(
    n_pair=3, pair_cutoff=2.2, pair_growth=0.6, n_max=3, l_max=2, cutoff=2.0, cutoff_growth=0.5,
    n_mixtures=2, four_n=2, four_l=1, n_chebyshev=12,
)  # fmt: skip
FIVE = BasisSettings(
    n_pair=2, pair_cutoff=3.0, n_max=2, l_max=2, cutoff=3.4, four_n=1, four_l=2, five_n=1, five_l=1,
    n_chebyshev=10,
)  # fmt: skip
BASES = {
    "four-body": SMALL,
    "short pair": SHORT_PAIR,
    "no four-body": NO_FOUR,
    "mixed": MIXED,
    "five-body": FIVE,
}


def molecule() -> Atoms:
    """Seven atoms of three elements in open space."""
    rng = np.random.default_rng(3)
    grid = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1)])
    return Atoms("OHHNaOHH", positions=1.4 * grid + rng.normal(0, 0.15, (7, 3)))


def triclinic() -> Atoms:
    """Four atoms of two elements in a skewed cell narrower than any cutoff, some outside it."""
    cell = [[2.9, 0, 0], [0.7, 3.1, 0], [-0.5, 0.6, 3.3]]
    scaled = [[0.05, 0.1, -0.1], [0.55, 0.45, 0.1], [1.5, 0.0, 0.5], [0.0, -0.45, 1.6]]
    return Atoms("NaONaO", scaled_positions=scaled, cell=cell, pbc=True)


def slab() -> Atoms:
    """Two layers of one element, periodic along x and y only."""
    rng = np.random.default_rng(5)
    x, y, z = np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij")
    positions = 2.4 * np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1)
    return Atoms(
        "Na8",
        positions=positions + rng.normal(0, 0.15, (8, 3)),
        cell=[4.8, 4.8, 20],
        pbc=[True, True, False],
    )


def chain() -> Atoms:
    """Ten atoms in a row, 1.6 Å apart: of three elements an atom sees none, one, two or all."""
    x = 1.6 * np.arange(10) + 9.0 * (np.arange(10) == 9)
    bends = np.random.default_rng(6).normal(0, 0.15, (10, 3))
    return Atoms("NaNaNaNaHOHOHNa", positions=x[:, None] * [1, 0, 0] + bends)


STRUCTURES = {"molecule": molecule, "triclinic": triclinic, "slab": slab, "chain": chain}


@dataclass(frozen=True)
class Evaluated:
    """All that the adjoint pass says."""

    energy: float
    energies: np.ndarray
    forces: np.ndarray
    virial: np.ndarray


@dataclass(frozen=True)
class Case:
    """A basis with one random weight vector, applied to any structure of its elements."""

    basis: Basis
    flat: np.ndarray

    def expand(self, atoms: Atoms) -> Expansion:
        return expand(self.basis, self._near(atoms), self._species(atoms))

    def evaluate(self, atoms: Atoms) -> Evaluated:
        weights = shape_weights(self.basis, self.flat)
        parts = energy_forces(self.basis, weights, self._near(atoms), self._species(atoms))
        return Evaluated(float(parts.energies.sum()), parts.energies, parts.forces, parts.virial)

    def energy(self, atoms: Atoms) -> float:
        return self.evaluate(atoms).energy

    def row(self, atoms: Atoms) -> np.ndarray:
        return energy_row(self.basis, self.expand(atoms))

    def force_rows(self, atoms: Atoms) -> np.ndarray:
        return force_rows(self.basis, self.expand(atoms), np.arange(len(atoms)))

    def virial_rows(self, atoms: Atoms, block: int = 64) -> np.ndarray:
        return virial_rows(self.basis, self.expand(atoms), block)

    def _near(self, atoms: Atoms):
        return find_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, self.basis.cutoff)

    def _species(self, atoms: Atoms) -> np.ndarray:
        return self.basis.species_index(atoms.numbers.astype(np.int64))


def make_case(settings: BasisSettings, numbers: np.ndarray) -> Case:
    """Return a case with weights that are damped like the prior's."""
    basis = make_basis(numbers, settings)
    rng = np.random.default_rng(11)
    return Case(
        basis, rng.normal(size=basis.n_columns) * np.tile(basis.damping, len(basis.species))
    )


def moved(atoms: Atoms, atom: int, direction: int, step: float) -> Atoms:
    """Return a copy with one atom moved along one axis."""
    copy = atoms.copy()
    copy.positions[atom, direction] += step
    return copy


def strained(atoms: Atoms, a: int, b: int, step: float) -> Atoms:
    """Return a copy under a symmetric strain of the components ab and ba."""
    strain = np.zeros((3, 3))
    strain[a, b] += 0.5 * step
    strain[b, a] += 0.5 * step
    copy = atoms.copy()
    copy.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=False)
    copy.positions = atoms.positions @ (np.eye(3) + strain)
    return copy
