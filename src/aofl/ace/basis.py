"""The basis of the atomic cluster expansion (ACE): sizes, radial tables and order of the columns.

The functions are those of `aofl.ace.reference`, whose equation numbers stand on the left. Every
centre of species z has the same functions; the columns of the design matrix are

    [centre species 0: pair | three-body | four-body | five-body], [centre species 1: ...], ...

with
    (8)  pair        P_zk   = sum_j g_k(r_ij)                      neighbour species z
    (10) three-body  T_lcc' = sum_m A_lmc A_lmc' / sqrt(2 l + 1)   channel c = (mu, n), c <= c'
    (13) four-body   Q      = sum_mmm C A_lma A_l'm'b A_l''m''c    channels of a few mixed species
    (14) five-body   the same of four densities, where asked for (`aofl.ace.products`)

and the density A_lmc = sum_z M_mu,z sum_j R_nl(r_ij) Y_lm(r_ij) over neighbours j of species z, (7)
and (9). For a few elements each is a mixture mu of its own; with more, the number of functions
would grow with their cube, and a few mixtures serve them all (`aofl.ace.mixtures`). Beyond,
species are seen through `N_MIX` smooth mixtures always.

Reference: R. Drautz, Phys. Rev. B 99, 014104 (2019), doi:10.1103/PhysRevB.99.014104.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
from ase.data import covalent_radii
from threadpoolctl import threadpool_limits

from aofl.ace.angular import L_LIMIT
from aofl.ace.kernels.simd import LANES, padded
from aofl.ace.mixtures import mixtures
from aofl.ace.products import Products, product_tables
from aofl.ace.radial import (
    N_GRID,
    chebyshev_functions,
    interpolation_table,
    smeared_coefficients,
)
from aofl.errors import ModelError
from aofl.records import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisSettings:
    """The choices that define a basis; lengths in Å.

    `n_pair` functions of the distance; `n_max` radial functions for each l <= `l_max`, smeared by
    `smearing`; the four-body part uses the first `four_n` of them and l <= `four_l`
    (`four_n` = 0: none), the five-body part likewise. `n_mixtures` mixtures of species make the
    three-body channels (0: every species its own). `stretch` is lam in `aofl.ace.radial`.

    Two elements see each other up to `cutoff + cutoff_growth (R_i + R_j)` with their covalent
    radii R, likewise for pairs: the same number of functions resolves a C-H bond finely and
    reaches the second shell of a metal. The prior expects three-body functions to matter as
    (1 + n + n' + `l_weight` l)^-`decay`.
    """

    n_pair: int = 10
    pair_cutoff: float = 5.5
    pair_growth: float = 0.0
    n_max: int = 5
    l_max: int = 4
    cutoff: float = 4.5
    cutoff_growth: float = 0.0
    smearing: float = 0.3
    n_mixtures: int = 0
    four_n: int = 2
    four_l: int = 2
    five_n: int = 0
    five_l: int = 1
    n_chebyshev: int = 20
    stretch: float = 4.0
    l_weight: float = 2.0
    decay: float = 1.0


# Reach by element pair, Å: H-H 3.2 / 4.5, C-H 3.7 / 4.9, Na-O 5.1 / 5.9, Na-Na 6.2 / 6.7.
_REACH = BasisSettings(
    n_pair=14, pair_cutoff=4.0, pair_growth=0.8, cutoff=2.5, cutoff_growth=1.1, n_max=5,
    l_weight=4.0, decay=1.5,
)  # fmt: skip
ACCURACIES: dict[str, BasisSettings] = {
    "fast": replace(_REACH, l_max=3, four_n=0),
    "standard": replace(_REACH, l_max=4, four_n=2),
    "high": replace(_REACH, n_max=6, l_max=5, four_n=3),
}
LARGEST = 128  # of any setting: nothing that works is near it
MOST_COLUMNS = {"fast": 6400, "standard": 6400, "high": 16000}


def settings_for(accuracy: str, n_species: int) -> BasisSettings:
    """Return the settings of an accuracy for a number of species.

    Where the full set of channels has more than `MOST_COLUMNS` columns, the largest number of
    mixtures that fits is taken; rather than fewer than three, the four-body part is left out.

    Raises
    ------
    ModelError
        If there is no such accuracy.
    """
    if accuracy not in ACCURACIES:
        raise ModelError(f"accuracy {accuracy!r} is not one of {', '.join(ACCURACIES)}")
    full = ACCURACIES[accuracy]
    for settings in (full, replace(full, four_n=0)):
        for n in range(n_species, 2, -1):
            chosen = replace(settings, n_mixtures=0 if n == n_species else n)
            if n_species * n_functions(n_species, chosen) <= MOST_COLUMNS[accuracy]:
                return chosen
        if n_species < 3:
            return full
    return replace(full, four_n=0, n_mixtures=min(3, n_species))


def _n_mixtures(n_species: int, s: BasisSettings) -> int:
    return min(s.n_mixtures or n_species, n_species)


def n_functions(n_species: int, s: BasisSettings) -> int:
    """Return the number of functions of one centre."""
    channels = _n_mixtures(n_species, s) * s.n_max
    three = (s.l_max + 1) * channels * (channels + 1) // 2
    return n_species * s.n_pair + three + _products(s).n_functions


def fewest_columns(n_species: int, s: BasisSettings) -> int:
    """Return the number of columns without the four- and five-body part, which costs nothing.

    Raises
    ------
    ModelError
        If the sizes in `s` do not fit together.
    """
    _check(s)
    none = replace(s, four_n=0, five_n=0)
    return n_species * n_functions(n_species, none)


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """An ACE basis for a list of atomic numbers, ready for the kernels.

    Attributes
    ----------
    species
        Atomic numbers in increasing order, shape (n_species,).
    pair_cutoffs, cutoffs
        Largest distances of the pair and of the three-body functions, Å, (n_species, n_species).
    pair_table, table
        Hermite tables of the pair and of the three-body radial functions (l-major, n fastest) of
        each two species up to their cutoff, (n_species, n_species, N_GRID + 1, 3, width). Zeros
        fill n_pair, and n_max for each l, to whole vectors of `aofl.ace.kernels.simd`.
    channels
        Weight M of each species in each three-body mixture, shape (n_mixtures, n_species).
    mixing
        Weight of each species in each mixture of `products`, shape (N_MIX, n_species).
    order
        Body order (2 to 5) of the columns of one centre, shape (n_functions,).
    damping
        The prior's smoothness, its deviation of each weight of one centre before the scale of the
        body order, shape (n_functions,): (1 + n)^-2 for pairs, (1 + n + n' + `l_weight` l)^-`decay`
        for three bodies, 1 / (1 + sum n + sum l) from four bodies on.
    """

    settings: BasisSettings
    species: IntArray
    pair_cutoffs: FloatArray
    cutoffs: FloatArray
    pair_table: FloatArray
    table: FloatArray
    products: Products
    channels: FloatArray
    mixing: FloatArray
    order: IntArray
    damping: FloatArray

    @property
    def n_functions(self) -> int:
        """Number of functions of one centre."""
        return len(self.order)

    @property
    def n_columns(self) -> int:
        """Number of columns of the design matrix: functions times centre species."""
        return len(self.order) * len(self.species)

    @property
    def cutoff(self) -> float:
        """Largest distance at which an atom is seen, Å."""
        return float(max(self.pair_cutoffs.max(), self.cutoffs.max()))

    def species_index(self, numbers: IntArray) -> IntArray:
        """Return the position of each atom's element in `species`, shape (n,)."""
        return np.searchsorted(self.species, numbers).astype(np.int64)


def make_basis(numbers: IntArray, settings: BasisSettings) -> Basis:
    """Return the basis for the elements in `numbers` (repetitions allowed).

    Made on one thread of linear algebra, whatever surrounds the call: more of them round otherwise,
    and a run that goes on in another process must find the same tables to the last bit.

    Raises
    ------
    ModelError
        If the sizes in `settings` do not fit together.
    """
    _check(settings)
    with threadpool_limits(limits=1, user_api="blas"):
        return _made(np.unique(numbers).astype(np.int64), settings)


def _made(species: IntArray, s: BasisSettings) -> Basis:
    radii = covalent_radii[species]
    bond = radii[:, None] + radii
    pair_cutoffs = s.pair_cutoff + s.pair_growth * bond
    cutoffs = s.cutoff + s.cutoff_growth * bond
    products = _products(s)
    order, degree = _column_order(len(species), s, products)
    return Basis(
        settings=s,
        species=species,
        pair_cutoffs=pair_cutoffs,
        cutoffs=cutoffs,
        pair_table=_tables(pair_cutoffs, lambda r, cutoff: _pair_functions(r, cutoff, s)),
        table=_tables(cutoffs, lambda r, cutoff: _radial_functions(r, cutoff, s)),
        products=products,
        channels=mixtures(species, _n_mixtures(len(species), s)),
        mixing=_mixing(species),
        order=order,
        damping=(1.0 + degree) ** -np.select([order == 2, order == 3], [2.0, s.decay], 1.0),
    )


def _pair_functions(r: FloatArray, cutoff: float, s: BasisSettings) -> FloatArray:
    functions = chebyshev_functions(r, cutoff, s.n_pair, s.stretch)
    return np.pad(functions, ((0, 0), (0, padded(s.n_pair) - s.n_pair)))


def _radial_functions(r: FloatArray, cutoff: float, s: BasisSettings) -> FloatArray:
    coefficients = smeared_coefficients(
        cutoff, s.n_max, s.l_max, s.smearing, s.n_chebyshev, s.stretch
    )
    rows = np.pad(coefficients, ((0, 0), (0, LANES - s.n_max), (0, 0)))
    return np.asarray(
        chebyshev_functions(r, cutoff, s.n_chebyshev, s.stretch) @ rows.reshape(-1, s.n_chebyshev).T
    )


def _tables(
    cutoffs: FloatArray, functions: Callable[[FloatArray, float], FloatArray]
) -> FloatArray:
    """Return the Hermite tables of each two species; equal cutoffs share the work."""
    made = {
        c: interpolation_table(functions(np.linspace(0.0, c, N_GRID + 1), c))
        for c in np.unique(cutoffs)
    }
    return np.stack([np.stack([made[c] for c in row]) for row in cutoffs])


def _check(s: BasisSettings) -> None:
    """Refuse sizes that the tables do not hold.

    Raises
    ------
    ModelError
        Naming the settings that do not fit together.
    """
    for field in fields(s):
        value = getattr(s, field.name)
        wanted = int if field.type == "int" else (int, float)
        if isinstance(value, bool) or not isinstance(value, wanted) or not 0 <= value <= LARGEST:
            raise ModelError(f"{field.name} is {value!r}; expected a number from 0 to {LARGEST}")
    if not 0 <= s.l_max <= L_LIMIT:
        raise ModelError(f"l_max is {s.l_max}; expected 0 to {L_LIMIT}")
    if s.n_mixtures < 0:
        raise ModelError(f"n_mixtures is {s.n_mixtures}; expected 0 (none) or more")
    if not 1 <= s.n_max <= LANES:
        raise ModelError(f"n_max is {s.n_max}; expected 1 to {LANES}")
    for name, n, degree in (("four", s.four_n, s.four_l), ("five", s.five_n, s.five_l)):
        if n and (n > s.n_max or degree > s.l_max):
            raise ModelError(
                f"the {name}-body part has {name}_n {n} and {name}_l {degree}; expected at most "
                f"n_max {s.n_max} and l_max {s.l_max}"
            )


def _mixing(species: IntArray) -> FloatArray:
    """Return U of (11): total density, and density weighted by the covalent radius."""
    radius = covalent_radii[species]
    return np.stack([np.ones(len(species)), 2.0 * radius - 2.0])


def _column_order(
    n_species: int, s: BasisSettings, products: Products
) -> tuple[IntArray, FloatArray]:
    """Return body order and degree of the columns of one centre, in column order."""
    pair = np.tile(np.arange(s.n_pair), n_species)
    n = np.tile(np.arange(s.n_max), _n_mixtures(n_species, s))
    upper = np.triu_indices(len(n))
    three = np.concatenate([n[upper[0]] + n[upper[1]] + s.l_weight * q for q in range(s.l_max + 1)])
    order = np.repeat(np.array([2, 3], dtype=np.int64), (len(pair), len(three)))
    degree = np.concatenate([pair, three, products.degree]).astype(np.float64)
    return np.concatenate([order, products.order]), degree


def _products(s: BasisSettings) -> Products:
    return product_tables(s.four_n, s.four_l, s.five_n, s.five_l)
