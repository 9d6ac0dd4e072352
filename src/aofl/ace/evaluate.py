"""The typed face of the kernels: structures in, energies, forces and design rows out.

Two ways through the same basis: `energy_forces` contracts the weights first and never forms a
derivative of a function (adjoint pass); `expand` and the row functions form the functions and
their derivatives, which training and uncertainty need.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aofl.ace import adjoint_kernels, kernels, row_kernels
from aofl.ace.basis import Basis
from aofl.ace.neighbors import Neighbors
from aofl.records import FloatArray, IntArray

VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """The expansion of one structure, from which rows are made.

    Attributes
    ----------
    functions
        B of every atom, shape (n, n_functions).
    density
        A of every atom by species, shape (n, LM, n_species * n_max).
    channels
        The same by mixture, shape (n, LM, C).
    jacobian
        Four-body derivatives dQ/dA, shape (n, entries).
    """

    neighbors: Neighbors
    species: IntArray
    functions: FloatArray
    density: FloatArray
    channels: FloatArray
    jacobian: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A weight vector cut into the shapes that the adjoint pass reads (see `adjoint_kernels`)."""

    curves: FloatArray
    three: FloatArray
    four: FloatArray


def shape_weights(basis: Basis, flat: FloatArray) -> Weights:
    """Cut a flat vector (n_columns,) into pair, symmetric three-body and four-body weights."""
    s = basis.settings
    n_species = len(basis.species)
    per_centre = flat.reshape(n_species, basis.n_functions)
    n_pair, n_channels = n_species * s.n_pair, len(basis.channels) * s.n_max
    upper = np.triu_indices(n_channels)
    size = len(upper[0])
    mixed = np.zeros((n_species, s.l_max + 1, n_channels, n_channels))
    for q in range(s.l_max + 1):
        block = per_centre[:, n_pair + q * size : n_pair + (q + 1) * size] / np.sqrt(2 * q + 1)
        # Half on each side of the diagonal: the quadratic form counts off-diagonal pairs twice.
        mixed[:, q, upper[0], upper[1]] = 0.5 * block
        mixed[:, q, upper[1], upper[0]] += 0.5 * block
    # The adjoint pass knows species only: mixtures are written out, M^T W M.
    spread = np.kron(basis.channels, np.eye(s.n_max))
    three = (
        np.ascontiguousarray(spread.T @ mixed @ spread)
        if len(basis.channels) < n_species
        else mixed
    )
    pair = per_centre[:, :n_pair].reshape(n_species, n_species, 1, 1, s.n_pair, 1)
    return Weights(
        curves=np.ascontiguousarray((basis.pair_table[..., None, :] @ pair)[..., 0, 0]),
        three=three,
        four=np.ascontiguousarray(per_centre[:, n_pair + (s.l_max + 1) * size :]),
    )


def energy_forces(
    basis: Basis, weights: Weights, neighbors: Neighbors, species: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return atomic energies (n,), forces (n, 3) and virial (6,) of one structure.

    The virial is sum_p r_a dE/dr_b in Voigt order, eV: the stress times the volume.
    """
    s, four = basis.settings, basis.four
    energies, gradient = adjoint_kernels.energies_and_gradients(
        neighbors.first, neighbors.second, neighbors.vectors, species,
        basis.pair_cutoffs, weights.curves, basis.cutoffs, basis.table, s.n_max, s.l_max,
        basis.mixing, s.four_n, _n_mixed(basis), four.first, four.slot, four.term_first,
        four.left, four.right, four.coef, weights.three, weights.four,
    )  # fmt: skip
    return energies, *gather_pairs(neighbors, gradient)


def gather_pairs(neighbors: Neighbors, gradient: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return forces (n, 3) and virial (6,) from the derivative of the energy by each pair vector.

    Parameters
    ----------
    gradient
        dE/dr_p, eV/Å, shape (n_pairs, 3).
    """
    n = len(neighbors.first) - 1
    centre = np.repeat(np.arange(n), np.diff(neighbors.first))
    forces = np.empty((n, 3))
    for d in range(3):
        forces[:, d] = np.bincount(centre, gradient[:, d], n)
        forces[:, d] -= np.bincount(neighbors.second, gradient[:, d], n)
    virial = np.array([neighbors.vectors[:, a] @ gradient[:, b] for a, b in VOIGT])
    return forces, virial


def expand(basis: Basis, neighbors: Neighbors, species: IntArray) -> Expansion:
    """Return functions, densities and four-body derivatives of every atom."""
    s, four = basis.settings, basis.four
    pairs = (neighbors.first, neighbors.second, neighbors.vectors, species)
    density = kernels.densities(*pairs, basis.cutoffs, basis.table, s.n_max, s.l_max)
    mixed, jacobian = kernels.jacobians(
        density, basis.mixing, s.n_max, s.four_n, _n_mixed(basis),
        four.term_first, four.left, four.right, four.coef,
    )  # fmt: skip
    channels = _mixed_channels(basis, density)
    functions = kernels.descriptors(
        *pairs, basis.pair_cutoffs, basis.pair_table, channels, s.l_max,
        mixed, jacobian, four.first, four.slot, basis.n_functions,
    )  # fmt: skip
    return Expansion(
        neighbors=neighbors,
        species=species,
        functions=functions,
        density=density,
        channels=channels,
        jacobian=jacobian,
    )


def energy_row(basis: Basis, expansion: Expansion) -> FloatArray:
    """Return dE/d(weights) of the whole structure, shape (n_columns,)."""
    row = np.zeros((len(basis.species), basis.n_functions))
    np.add.at(row, expansion.species, expansion.functions)
    return row.ravel()


def force_rows(basis: Basis, expansion: Expansion, atoms: IntArray) -> FloatArray:
    """Return dF/d(weights) of the chosen atoms, shape (len(atoms), 3, n_columns)."""
    return np.asarray(row_kernels.force_rows(*_row_arguments(basis, expansion, atoms)))


def virial_rows(basis: Basis, expansion: Expansion, block: int = 64) -> FloatArray:
    """Return d(virial)/d(weights) of the whole structure, Voigt, shape (6, n_columns)."""
    total = np.zeros((6, len(basis.species), basis.n_functions))
    for start in range(0, len(expansion.species), block):
        atoms = np.arange(start, min(start + block, len(expansion.species)))
        rows = row_kernels.virial_rows(*_row_arguments(basis, expansion, atoms))
        for atom, row in zip(atoms, rows, strict=True):
            total[:, expansion.species[atom]] += row
    return total.reshape(6, -1)


def _mixed_channels(basis: Basis, density: FloatArray) -> FloatArray:
    """Return the densities of the mixtures (n, LM, C)."""
    n, n_lm, _ = density.shape
    by_species = density.reshape(n, n_lm, len(basis.species), basis.settings.n_max)
    mixed = np.einsum("uz,ilzn->ilun", basis.channels, by_species)
    return np.ascontiguousarray(mixed.reshape(n, n_lm, -1))


def _n_mixed(basis: Basis) -> int:
    s = basis.settings
    return len(basis.mixing) * s.four_n * (s.four_l + 1) ** 2 if s.four_n else 0


def _row_arguments(basis: Basis, expansion: Expansion, atoms: IntArray) -> tuple[object, ...]:
    s, four, near = basis.settings, basis.four, expansion.neighbors
    return (
        atoms, near.first, near.second, near.vectors, expansion.species,
        basis.pair_cutoffs, basis.pair_table, basis.cutoffs, basis.table, s.n_max, s.l_max,
        basis.mixing, s.four_n, _n_mixed(basis), four.first, four.slot,
        basis.channels, expansion.channels, expansion.jacobian, basis.n_functions,
    )  # fmt: skip
