"""The equations of the atomic cluster expansion (ACE) in plain NumPy: density, functions, energy.

Read this file first to learn what the basis is. It computes the same numbers as the compiled
kernels (`aofl.ace.kernels`), which refer to the equations by their numbers and are tested against
the functions below; it is some sixty times slower and no run calls it. (`aofl.reference` is
something else: the electronic-structure codes that label structures.)

An atom i of species z_i sees the vectors r_ij to its neighbours j, r = |r_ij|, inside the cutoff
of the two species, which grows with their covalent radii R. Pair functions and the functions of
more bodies have a cutoff each:

    (1)  r_c(z, z') = r_0 + gamma (R_z + R_z')

Radial functions (`aofl.ace.radial`): Chebyshev polynomials T_k of a stretched distance that end
smoothly at the cutoff, and what the density of neighbours smeared by Gaussians projects to,
fitted by them. N_nl makes the root mean square of R_nl over 0 < r < r_c one, and i_l is the
exponentially scaled modified spherical Bessel function:

    (2)  x(r)    = 1 - 2 (exp(-lam r / r_c) - exp(-lam)) / (1 - exp(-lam))
    (3)  g_k(r)  = T_k(x(r)) (1 + cos(pi r / r_c)) / 2,  zero beyond r_c
    (4)  S_nl(r) = integral_0^(r_c + 4 sigma) r' sin(n pi r' / r_c)
                   exp(-(r - r')^2 / (2 sigma^2)) i_l(r r' / sigma^2) dr',  n = 1, 2, ...
    (5)  R_nl(r) = sum_k c_lnk g_k(r),  fitted to N_nl S_nl(r) (1 + cos(pi r / r_c)) / 2

Angular functions (`aofl.ace.angular`): real spherical harmonics of the direction (theta, phi) with
sum_m Y_lm^2 = 2 l + 1; P_l^m is the associated Legendre function with the Condon-Shortley phase,
which (-1)^m removes:

    (6)  Y_lm = sqrt[(2 - delta_m0) (2 l + 1) (l - |m|)! / (l + |m|)!] (-1)^m P_l^|m|(cos theta)
                times cos(m phi) for m >= 0, sin(|m| phi) for m < 0

Density: what the neighbours of species z project to. It is the only sum over neighbours that the
functions of three and more bodies need:

    (7)  A_znlm = sum_(j of species z) R_nl(r_ij) Y_lm(r_ij)

The functions of one centre are, in the order of the columns, invariants of rotation, inversion
and exchange of like atoms. A pair function counts neighbours:

    (8)  P_zk = sum_(j of species z) g_k(r_ij)

Three-body functions take two densities of mixed species (with few elements M is the unit matrix,
`aofl.ace.mixtures`), channels c = (mu, n) and c' >= c:

    (9)  A_mu,nlm = sum_z M_mu,z A_znlm
    (10) T_lcc'   = (2 l + 1)^(-1/2) sum_m A_clm A_c'lm

Four- and five-body functions take three and four densities of two mixtures u, the total density
(U_0z = 1) and one weighted by size (U_1z = 2 R_z / Å - 2). C couples angular momenta to zero and
is the Gaunt integral scaled to unit norm (`aofl.ace.coupling`); it is zero unless l1, l2, l3 obey
the triangle rule and their sum is even. Factors are (l, u, n), each set of them taken once. Of the
intermediate L of one set only those that give linearly independent functions are kept, from the
smallest up:

    (11) A_u,nlm  = sum_z U_uz A_znlm
    (12) C_m1m2m3(l1 l2 l3) ~ integral Y_l1m1 Y_l2m2 Y_l3m3 dOmega
    (13) Q4 = sum_m1m2m3   C_m1m2m3(l1 l2 l3) A_1 A_2 A_3
    (14) Q5 = sum_m1m2m3m4 sum_M C_m1m2M(l1 l2 L) C_m3m4M(l3 l4 L) A_1 A_2 A_3 A_4

The energy is linear in all functions of a centre together, B = (P, T, Q4, Q5), with weights of its
own for each centre species; forces and virial follow from its derivatives with respect to the
neighbour vectors. (`aofl.forcefield` adds the energies of isolated atoms and a repulsive core.)

    (15) E = sum_i E_i,  E_i = sum_f w_(z_i f) B_if
    (16) G_ij = dE_i / dr_ij = sum_k w_(z_i, z_j k) dg_k(r_ij) / dr_ij
                               + sum_nlm (dE_i / dA_(z_j nlm)) d[R_nl(r_ij) Y_lm(r_ij)] / dr_ij
    (17) F_i = sum_j (G_ij - G_ji)
    (18) V_ab = sum_ij r_ij,a G_ij,b

Symbols
-------
S = len(basis.species), LM = (l_max + 1)^2 with the flat angular index lm = l (l + 1) + m, and s
is `basis.settings`. Arrays count n from zero: n = 1 of (4) is their first.

======== ============================== ============================ ================= =========
symbol   variable, field                meaning                      shape             unit
======== ============================== ============================ ================= =========
z        `z`, `species`                 species, index in            (n_atoms,)        -
                                        `basis.species`
r_ij     `vectors`                      centre to neighbour          (n_pairs, 3)      Å
R_z      `covalent_radii`               covalent radius              by atomic number  Å
r_c      `pair_cutoffs`, `cutoffs`      cutoff: of (8), of (7)       (S, S)            Å
r_0      s.`pair_cutoff`, s.`cutoff`    part of r_c for all          scalar            Å
gamma    s.`pair_growth`,               growth of r_c with radii     scalar            -
         s.`cutoff_growth`
lam      s.`stretch`                    crowding at short distance   scalar            -
k        s.`n_pair`, s.`n_chebyshev`    index of g: of (8), of (5)   scalar            -
sigma    s.`smearing`                   width of a smeared atom      scalar            Å
n, l     s.`n_max`, s.`l_max`           radial, angular index        scalar            -
c_lnk    `radial_coefficients`          of R_nl                      (l_max+1, n, k)   -
Y_lm     `spherical_harmonics`          angular functions            (n_pairs, LM)     -
A        `density`                      density                      (S, n_max, LM)    -
P        `pair_functions`               two bodies                   (S n_pair,)       -
M        `basis.channels`               three-body mixtures          (n_mixtures, S)   -
T        `three_body_functions`         three bodies                 (n_three,)        -
U        `basis.mixing`                 mixtures of (11)             (2, S)            -
C        `invariant`                    coupling coefficients        (2l+1, 2l'+1, ..) -
Q4, Q5   `four_body_functions`,         four and five bodies         (n_four,),        -
         `five_body_functions`                                       (n_five,)
B        `functions`                    all functions of each atom   (n_atoms,         -
                                                                     n_functions)
w        `weights`                      weights                      (S n_functions,)  eV
E_i      `energies`                     atomic energies              (n_atoms,)        eV
G_ij     `pair_gradients`               gradient of E_i, by pair     (n_pairs, 3)      eV/Å
F        `forces`                       forces                       (n_atoms, 3)      eV/Å
V        `virial`                       stress times volume          (3, 3)            eV
======== ============================== ============================ ================= =========

References
----------
R. Drautz, Phys. Rev. B 99, 014104 (2019), doi:10.1103/PhysRevB.99.014104: density, invariants and
the stretched Chebyshev functions. A. P. Bartók, R. Kondor, G. Csányi, Phys. Rev. B 87, 184115
(2013), doi:10.1103/PhysRevB.87.184115: the smeared density of (4). M. J. Willatt, F. Musil,
M. Ceriotti, Phys. Chem. Chem. Phys. 20, 29661 (2018), doi:10.1039/C8CP05921G: mixtures of species.
"""

from __future__ import annotations

import itertools
import math
from functools import cache

import numpy as np
from ase.data import covalent_radii
from scipy.special import lpmv

from aofl.ace.basis import Basis, BasisSettings
from aofl.ace.coupling import invariant
from aofl.ace.neighbors import Neighbors
from aofl.ace.radial import chebyshev_functions, smeared_coefficients
from aofl.records import FloatArray, IntArray

Factor = tuple[int, int, int]  # l, u, n of one density in a product
STEP = 1e-3  # Å, of the differences in `pair_gradients`
STENCIL = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12))  # true to the fourth order


def cutoff_radius(shortest: float, growth: float, number: int, other: int) -> float:
    """Return r_c of two elements by their atomic numbers, Å: equation (1)."""
    return float(shortest + growth * (covalent_radii[number] + covalent_radii[other]))


@cache
def radial_coefficients(s: BasisSettings, cutoff: float) -> FloatArray:
    """Return c_lnk of equation (5), shape (l_max + 1, n_max, n_chebyshev)."""
    return smeared_coefficients(cutoff, s.n_max, s.l_max, s.smearing, s.n_chebyshev, s.stretch)


def radial_functions(s: BasisSettings, cutoff: float, r: FloatArray) -> FloatArray:
    """Return R_nl of distances r (k,) in Å, shape (l_max + 1, n_max, k): equation (5)."""
    g = chebyshev_functions(r, cutoff, s.n_chebyshev, s.stretch)  # (2), (3)
    return np.asarray(np.einsum("lnk,pk->lnp", radial_coefficients(s, cutoff), g))


def spherical_harmonics(vectors: FloatArray, l_max: int) -> FloatArray:
    """Return Y_lm of the directions of vectors (k, 3), shape (k, LM): equation (6)."""
    x, y, z = vectors.T
    cos_theta, phi = z / np.linalg.norm(vectors, axis=1), np.arctan2(y, x)
    values = np.empty((len(vectors), (l_max + 1) ** 2))
    for degree in range(l_max + 1):
        for m in range(-degree, degree + 1):
            ratio = math.factorial(degree - abs(m)) / math.factorial(degree + abs(m))
            norm = math.sqrt((1 if m == 0 else 2) * (2 * degree + 1) * ratio)
            legendre = (-1) ** m * lpmv(abs(m), degree, cos_theta)
            turn = np.cos(m * phi) if m >= 0 else np.sin(abs(m) * phi)
            values[:, degree * (degree + 1) + m] = norm * legendre * turn
    return values


def density(basis: Basis, z: int, vectors: FloatArray, species: IntArray) -> FloatArray:
    """Return A of a centre of species z, shape (S, n_max, LM): equation (7).

    Parameters
    ----------
    vectors, species
        From the centre to its neighbours, Å, (k, 3), and their species, (k,).
    """
    s = basis.settings
    a = np.zeros((len(basis.species), s.n_max, (s.l_max + 1) ** 2))
    for other in range(len(basis.species)):
        near = vectors[species == other]
        numbers = basis.species[z], basis.species[other]
        cutoff = cutoff_radius(s.cutoff, s.cutoff_growth, *numbers)
        radial = radial_functions(s, cutoff, np.linalg.norm(near, axis=1))
        y = spherical_harmonics(near, s.l_max)
        for degree in range(s.l_max + 1):
            a[other, :, of_degree(degree)] = radial[degree] @ y[:, of_degree(degree)]
    return a


def of_degree(degree: int) -> slice:
    """Return where the 2 l + 1 values of one l are among the flat index lm."""
    return slice(degree**2, (degree + 1) ** 2)


def pair_functions(basis: Basis, z: int, vectors: FloatArray, species: IntArray) -> FloatArray:
    """Return P of a centre of species z, shape (S n_pair,): equation (8).

    Parameters: as of `density`.
    """
    s = basis.settings
    values = []
    for other in range(len(basis.species)):
        r = np.linalg.norm(vectors[species == other], axis=1)
        numbers = basis.species[z], basis.species[other]
        cutoff = cutoff_radius(s.pair_cutoff, s.pair_growth, *numbers)
        values.append(chebyshev_functions(r, cutoff, s.n_pair, s.stretch).sum(axis=0))
    return np.concatenate(values)


def three_body_functions(basis: Basis, a: FloatArray) -> FloatArray:
    """Return T of a density a (S, n_max, LM): equations (9) and (10)."""
    mixed = np.einsum("uz,znm->unm", basis.channels, a)  # (9)
    channels = mixed.reshape(-1, a.shape[2])
    values = []
    for degree in range(basis.settings.l_max + 1):
        of_l = channels[:, of_degree(degree)]
        for one, other in itertools.combinations_with_replacement(of_l, 2):
            values.append(one @ other / math.sqrt(2 * degree + 1))  # (10)
    return np.array(values)


def four_body_functions(basis: Basis, a: FloatArray) -> FloatArray:
    """Return Q4 of a density a (S, n_max, LM): equations (11) to (13)."""
    s = basis.settings
    mixed = np.einsum("uz,znm->unm", basis.mixing, a)  # (11)
    values = []
    for chosen in factor_sets(s.four_n, s.four_l, len(mixed), 3):
        l1, l2, l3 = (degree for degree, _, _ in chosen)
        if couple(l1, l2, l3):
            a1, a2, a3 = (mixed[u, n, of_degree(degree)] for degree, u, n in chosen)
            c = invariant(l1, l2, l3)  # (12)
            values.append(np.einsum("abc,a,b,c->", c, a1, a2, a3))  # (13)
    return np.array(values)


def five_body_functions(basis: Basis, a: FloatArray) -> FloatArray:
    """Return Q5 of a density a (S, n_max, LM): equations (11), (12) and (14)."""
    s = basis.settings
    mixed = np.einsum("uz,znm->unm", basis.mixing, a)  # (11)
    values = []
    for chosen in factor_sets(s.five_n, s.five_l, len(mixed), 4):
        a1, a2, a3, a4 = (mixed[u, n, of_degree(degree)] for degree, u, n in chosen)
        couplings = double_couplings(chosen)  # (12)
        values += [np.einsum("abcd,a,b,c,d->", cc, a1, a2, a3, a4) for cc in couplings]  # (14)
    return np.array(values)


def factor_sets(n: int, l_max: int, n_mixtures: int, size: int) -> list[tuple[Factor, ...]]:
    """Return the sets of `size` factors (l, u, n) that equations (13) and (14) multiply."""
    factors = itertools.product(range(l_max + 1), range(n_mixtures), range(n))
    return list(itertools.combinations_with_replacement(factors, size))


def couple(l1: int, l2: int, l3: int) -> bool:
    """Say whether three angular momenta have an invariant that is even under inversion."""
    return (l1 + l2 + l3) % 2 == 0 and abs(l1 - l2) <= l3 <= l1 + l2


@cache
def double_couplings(chosen: tuple[Factor, ...]) -> list[FloatArray]:
    """Return the couplings of equation (14) that give independent functions of four factors.

    Equal factors are one density, so that only the part of a coupling that is symmetric in their
    m counts. A coupling is kept if this part is no combination of those kept before.
    """
    l1, l2, l3, l4 = (degree for degree, _, _ in chosen)
    kept: list[FloatArray] = []
    for middle in range(min(l1 + l2, l3 + l4) + 1):
        if couple(l1, l2, middle) and couple(l3, l4, middle):
            c, d = invariant(l1, l2, middle), invariant(l3, l4, middle)
            new = symmetric_part(np.einsum("abm,cdm->abcd", c, d), chosen)
            rows = np.reshape([*kept, new], (len(kept) + 1, -1))
            if np.linalg.matrix_rank(rows, tol=1e-8) == len(rows):
                kept.append(new)
    return kept


def symmetric_part(tensor: FloatArray, chosen: tuple[Factor, ...]) -> FloatArray:
    """Return the mean of a tensor over the exchanges of the axes of equal factors."""
    axes = range(len(chosen))
    exchanges = [
        order
        for order in itertools.permutations(axes)
        if all(chosen[k] == chosen[order[k]] for k in axes)
    ]
    return np.asarray(np.mean([tensor.transpose(order) for order in exchanges], axis=0))


def centre_functions(basis: Basis, z: int, vectors: FloatArray, species: IntArray) -> FloatArray:
    """Return B of a centre of species z, its functions in column order, shape (n_functions,).

    Parameters: as of `density`.
    """
    a = density(basis, z, vectors, species)
    return np.concatenate(
        [
            pair_functions(basis, z, vectors, species),
            three_body_functions(basis, a),
            four_body_functions(basis, a),
            five_body_functions(basis, a),
        ]
    )


def functions(basis: Basis, neighbors: Neighbors, species: IntArray) -> FloatArray:
    """Return B of every atom of a structure, shape (n_atoms, n_functions)."""
    rows = []
    for i, z in enumerate(species):
        pairs = slice(neighbors.first[i], neighbors.first[i + 1])
        near = species[neighbors.second[pairs]]
        rows.append(centre_functions(basis, int(z), neighbors.vectors[pairs], near))
    return np.array(rows)


def energies(
    basis: Basis, weights: FloatArray, neighbors: Neighbors, species: IntArray
) -> FloatArray:
    """Return the atomic energies E_i for weights (n_columns,), eV, (n_atoms,): equation (15)."""
    w = weights.reshape(len(basis.species), basis.n_functions)
    return np.asarray(np.einsum("if,if->i", w[species], functions(basis, neighbors, species)))


def pair_gradients(
    basis: Basis, weights: FloatArray, neighbors: Neighbors, species: IntArray
) -> FloatArray:
    """Return G of every pair by finite differences of E_i, eV/Å, (n_pairs, 3): equation (16)."""
    w = weights.reshape(len(basis.species), basis.n_functions)
    gradients = np.zeros_like(neighbors.vectors)
    centres = np.repeat(np.arange(len(species)), np.diff(neighbors.first))
    for p, i in enumerate(centres):
        z, start, end = int(species[i]), neighbors.first[i], neighbors.first[i + 1]
        near = species[neighbors.second[start:end]]
        for d, (k, share) in itertools.product(range(3), STENCIL):
            vectors = neighbors.vectors[start:end].copy()
            vectors[p - start, d] += k * STEP
            energy = w[z] @ centre_functions(basis, z, vectors, near)
            gradients[p, d] += share * energy / STEP
    return gradients


def forces(gradients: FloatArray, neighbors: Neighbors) -> FloatArray:
    """Return the force on every atom from G (n_pairs, 3), eV/Å, (n_atoms, 3): equation (17)."""
    n_atoms = len(neighbors.first) - 1
    centres = np.repeat(np.arange(n_atoms), np.diff(neighbors.first))
    found = np.zeros((n_atoms, 3))
    np.add.at(found, centres, gradients)
    np.subtract.at(found, neighbors.second, gradients)
    return found


def virial(gradients: FloatArray, neighbors: Neighbors) -> FloatArray:
    """Return V from G (n_pairs, 3), the stress times the volume, eV, (3, 3): equation (18)."""
    return np.asarray(neighbors.vectors.T @ gradients)
