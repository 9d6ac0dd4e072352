"""Energies, forces, virial and design rows of a structure: the typed face of the kernels.

What is computed stands in `aofl.ace.reference`, equations (7) to (18). Three ways through the same
basis: `energy_forces` contracts the weights first and never forms a derivative of a function
(adjoint pass); `expand` and the row functions form the functions and their derivatives, which
training and exact deviations need; draws of the weights go through together and give sampled
deviations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aofl.ace.basis import Basis
from aofl.ace.kernels import adjoint as adjoint_kernels
from aofl.ace.kernels import draws as draw_kernels
from aofl.ace.kernels import functions as function_kernels
from aofl.ace.kernels import rows as row_kernels
from aofl.ace.kernels.local import N_DRAWS
from aofl.ace.kernels.simd import LANES, padded
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
        Derivatives dQ/dA of the four- and five-body functions, shape (n, entries).
    """

    neighbors: Neighbors
    species: IntArray
    functions: FloatArray
    density: FloatArray
    channels: FloatArray
    jacobian: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A weight vector cut into the shapes that `aofl.ace.kernels.adjoint` reads."""

    curves: FloatArray
    three: FloatArray
    products: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """`N_DRAWS` weight vectors as `aofl.ace.kernels.draws` and `aofl.ace.kernels.local` read them.

    Attributes
    ----------
    local
        For the energies of single atoms, flat.
    pair, three, products
        For the forces: shapes (S, S, width, N_DRAWS), (S, L, C, C, N_DRAWS) and
        (S, n_products, N_DRAWS), flat.
    """

    local: FloatArray
    pair: FloatArray
    three: FloatArray
    products: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What one weight vector says about one structure.

    Attributes
    ----------
    energies
        Atomic energies, eV, shape (n,).
    forces
        eV/Å, shape (n, 3).
    virial
        sum_p r_a dE/dr_b in Voigt order, eV, shape (6,): the stress times the volume.
    energies_std
        Root mean square over the draws of the atomic energies, eV, (n,); None without draws.
    """

    energies: FloatArray
    forces: FloatArray
    virial: FloatArray
    energies_std: FloatArray | None


def shape_weights(basis: Basis, flat: FloatArray) -> Weights:
    """Cut a flat vector (n_columns,) by body order; the three-body part symmetric."""
    s, n_species = basis.settings, len(basis.species)
    pair, three, products = cut_weights(basis, flat[:, None])
    padded_three = np.zeros((*three.shape[:3], n_species, LANES))
    padded_three[..., : s.n_max] = three.reshape(*three.shape[:3], n_species, s.n_max)
    table = basis.pair_table[..., : s.n_pair]
    return Weights(
        curves=np.ascontiguousarray(np.einsum("yzgdk,yzk->yzgd", table, pair[..., 0])),
        three=padded_three.ravel(),
        products=np.ascontiguousarray(products[..., 0]),
    )


def shape_draws(basis: Basis, flat: FloatArray) -> Draws:
    """Cut draws of the weights around their mean, shape (n_columns, N_DRAWS).

    Raises
    ------
    ValueError
        If their number is not `N_DRAWS`.
    """
    if flat.shape[1] != N_DRAWS:
        raise ValueError(f"expected {N_DRAWS} draws, got {flat.shape[1]}")
    s, n_species = basis.settings, len(basis.species)
    pair, three, products = cut_weights(basis, flat)
    pair = np.pad(pair, ((0, 0), (0, 0), (0, basis.pair_table.shape[4] - s.n_pair), (0, 0)))
    species_of = np.repeat(np.arange(n_species), s.n_max)
    left, right = np.nonzero(species_of[:, None] <= species_of)
    once = np.where(species_of[left] == species_of[right], 0.5, 1.0)
    parts = (
        pair.reshape(n_species, -1, N_DRAWS),
        (three[:, :, left, right] * once[:, None]).reshape(n_species, -1, N_DRAWS),
        products,
    )
    n_rows = sum(part.shape[1] for part in parts)
    slack = np.zeros((n_species, padded(n_rows + LANES) - n_rows, N_DRAWS))
    return Draws(
        local=np.concatenate([*parts, slack], axis=1).ravel(),
        pair=pair.ravel(),
        three=three.ravel(),
        products=products.ravel(),
    )


def cut_weights(basis: Basis, flat: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Cut weight vectors, the columns of `flat` (n_columns, K), by body order.

    Returns
    -------
    pair
        Shape (S, S, n_pair, K).
    three
        W of the energy 1/2 A W A, symmetric in its channels, shape (S, L, C, C, K).
    products
        Shape (S, n_products, K).
    """
    s, n_species, n_draws = basis.settings, len(basis.species), flat.shape[1]
    n_pair, n_channels = n_species * s.n_pair, len(basis.channels) * s.n_max
    rows, columns = np.triu_indices(n_channels)
    per_centre = flat.reshape(n_species, basis.n_functions, n_draws)
    end = n_pair + (s.l_max + 1) * len(rows)
    blocks = per_centre[:, n_pair:end].reshape(n_species, s.l_max + 1, len(rows), n_draws)
    blocks = blocks / np.sqrt(2 * np.arange(s.l_max + 1) + 1.0)[:, None, None]
    three = np.zeros((n_species, s.l_max + 1, n_channels, n_channels, n_draws))
    three[:, :, rows, columns] = blocks
    three[:, :, columns, rows] += blocks  # once off the diagonal, twice on it
    if len(basis.channels) < n_species:
        # The kernels know species only: mixtures are written out, M^T W M.
        mixed = np.kron(basis.channels, np.eye(s.n_max))
        three = np.einsum("ac,yqabk,bd->yqcdk", mixed, three, mixed, optimize=True)
    pair = per_centre[:, :n_pair].reshape(n_species, n_species, s.n_pair, n_draws)
    return pair, three, per_centre[:, end:]


def energy_forces(
    basis: Basis,
    weights: Weights,
    neighbors: Neighbors,
    species: IntArray,
    draws: Draws | None = None,
) -> Evaluation:
    """Return energies, forces and virial of one structure, and with draws the local deviations."""
    s, products = basis.settings, basis.products
    energies, deviations, forces, virial = adjoint_kernels.energies_and_forces(
        neighbors.first, neighbors.second, neighbors.vectors, species,
        _centres(neighbors, species), basis.pair_cutoffs, basis.pair_table, weights.curves,
        basis.cutoffs, basis.table, s.n_max, s.l_max, basis.mixing,
        products.mix_n, products.n_mixed, products.first, products.slot, products.term_first,
        products.left, products.right, products.third, products.coef, products.share,
        weights.three, weights.products, np.empty(0) if draws is None else draws.local,
    )  # fmt: skip
    return Evaluation(
        energies=energies,
        forces=forces.sum(axis=0),
        virial=virial.sum(axis=0),
        energies_std=None if draws is None else deviations,
    )


def forces_std(basis: Basis, draws: Draws, neighbors: Neighbors, species: IntArray) -> FloatArray:
    """Return the root mean square over the draws of every force component, eV/Å, (n, 3)."""
    forces = _forces_of_draws(basis, draws, neighbors, species)
    return np.asarray(draw_kernels.spread_of_forces(forces)).reshape(-1, 3)


def draw_forces(basis: Basis, draws: Draws, neighbors: Neighbors, species: IntArray) -> FloatArray:
    """Return the forces of every draw around those of the mean, eV/Å, (n, 3 N_DRAWS).

    The sum over several sets of centres is that of all of them, as no deviation is; the root mean
    square over the draws, the last of (n, 3, N_DRAWS), is the deviation.
    """
    forces = _forces_of_draws(basis, draws, neighbors, species)
    return np.asarray(forces.sum(axis=0).reshape(len(species), -1))


def _forces_of_draws(
    basis: Basis, draws: Draws, neighbors: Neighbors, species: IntArray
) -> FloatArray:
    s, products = basis.settings, basis.products
    forces: FloatArray = draw_kernels.forces_of_draws(
        neighbors.first, neighbors.second, neighbors.vectors, species,
        _centres(neighbors, species), basis.pair_cutoffs, basis.pair_table,
        basis.cutoffs, basis.table, s.n_max, s.l_max, basis.mixing,
        products.mix_n, products.n_mixed, products.first, products.term_first, products.slot,
        products.left, products.right, products.third, products.coef,
        draws.pair, draws.three, draws.products,
    )  # fmt: skip
    return forces


def _centres(neighbors: Neighbors, species: IntArray) -> IntArray:
    """Return the centres, sorted by species."""
    return np.argsort(species[: neighbors.n_centres], kind="stable")


def three_body_functions(basis: Basis, neighbors: Neighbors, species: IntArray) -> FloatArray:
    """Return the three-body functions of every atom, shape (n, n_three), and nothing else."""
    s = basis.settings
    density = function_kernels.densities(
        neighbors.first, neighbors.second, neighbors.vectors, species,
        basis.cutoffs, basis.table, s.n_max, s.l_max,
    )  # fmt: skip
    n_three = int(np.count_nonzero(basis.order == 3))
    channels = _mixed_channels(basis, density)
    return np.asarray(function_kernels.three_body_functions(channels, s.l_max, n_three))


def expand(basis: Basis, neighbors: Neighbors, species: IntArray) -> Expansion:
    """Return functions, densities and derivatives of products of every atom."""
    s, products = basis.settings, basis.products
    pairs = (neighbors.first, neighbors.second, neighbors.vectors, species)
    density = function_kernels.densities(*pairs, basis.cutoffs, basis.table, s.n_max, s.l_max)
    mixed, jacobian = function_kernels.jacobians(
        density, basis.mixing, s.n_max, products.mix_n, products.n_mixed,
        products.term_first, products.left, products.right, products.third, products.coef,
    )  # fmt: skip
    channels = _mixed_channels(basis, density)
    functions = function_kernels.descriptors(
        *pairs, basis.pair_cutoffs, basis.pair_table, channels, s.n_pair, s.l_max,
        mixed, jacobian, products.first, products.slot, products.share, basis.n_functions,
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
    if len(basis.channels) == len(basis.species):
        return density
    n, n_lm, _ = density.shape
    by_species = density.reshape(n, n_lm, len(basis.species), basis.settings.n_max)
    mixed = np.einsum("uz,ilzn->ilun", basis.channels, by_species)
    return np.ascontiguousarray(mixed.reshape(n, n_lm, -1))


def _row_arguments(basis: Basis, expansion: Expansion, atoms: IntArray) -> tuple[object, ...]:
    s, products, near = basis.settings, basis.products, expansion.neighbors
    return (
        atoms, near.first, near.second, near.vectors, expansion.species,
        basis.pair_cutoffs, basis.pair_table, basis.cutoffs, basis.table,
        s.n_pair, s.n_max, s.l_max, basis.mixing,
        products.mix_n, products.n_mixed, products.first, products.slot,
        basis.channels, expansion.channels, expansion.jacobian, basis.n_functions,
    )  # fmt: skip
