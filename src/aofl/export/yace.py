"""The `.yace` files of ML-PACE, which LAMMPS' `pair_style pace` reads: a potential as text.

The energy of an atom i is that of the isolated atom and a polynomial in complex densities
(`aofl.export.polynomials`), species by species of its neighbours,

    E_i = E0 + sum_f sum_m c_fm Re A_1 A_2 ...,    A_znlm = sum_j R_nl(r_ij) Y_lm(r_ij),

products of one density with g_n(r) in the place of R_nl(r) Y_lm. Radial functions are those that
the format calls `ChebExpCos`, and sums of them (`radcoefficients`, indices n, l, k):

    g_0 = h,    g_k = (1 - T_k(x)) / 2 h,    h = (1 + cos(pi r / r_c)) / 2,
    R_nl = sum_k c_nlk g_k,

with x of equation (2) of `aofl.ace.reference`, so that T_0 h = g_0 and T_k h = g_0 - 2 g_k: the
functions of `aofl.ace.radial` are sums of these, without a remainder. A potential has one cutoff
for each two elements. Our pair functions have another one: they are a potential of their own, and
LAMMPS adds up both (`pair_style hybrid/overlay`).

What readers of the format want and we have no use for is set to do nothing, exactly: `dcut` 0 (no
second cosine at the cutoff), `prehc` 0 (no core), `inner_cutoff_type` "density", and the embedding
"FinnisSinclairShiftedScaled" of power 1, which is F(rho) = rho ("FinnisSinclair" has a wrong slope
near 0). Each potential has functions of one density and of two, where need be one that is zero.

ML-PACE tabulates the radial functions at steps of `deltaSplineBins` and interpolates by cubics.

References: Y. Lysogorskiy et al., npj Comput. Mater. 7, 97 (2021), doi:10.1038/s41524-021-00559-9;
A. Bochkarev et al., Phys. Rev. Mater. 6, 013804 (2022), doi:10.1103/PhysRevMaterials.6.013804.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from ase.data import chemical_symbols

from aofl.ace.basis import Basis
from aofl.ace.evaluate import cut_weights
from aofl.ace.radial import smeared_coefficients
from aofl.errors import ModelError
from aofl.export.polynomials import energy_polynomials
from aofl.records import FloatArray

Factor = tuple[int, int, int]  # species, n from 0, l
MOST_FUNCTIONS = 32767  # of one centre: ML-PACE counts them in 16 bits
EMBEDDING = (
    "{ndensity: 1, FS_parameters: [1.0, 1.0], npoti: FinnisSinclairShiftedScaled, "
    "rho_core_cutoff: 100000.0, drho_core_cutoff: 250.0}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """Products of the same densities: `terms` has (m of each factor, coefficient in eV)."""

    factors: tuple[Factor, ...]
    terms: tuple[tuple[tuple[int, ...], float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Potential:
    """What one file says.

    Attributes
    ----------
    elements
        Chemical symbols.
    energies
        Of the isolated atoms, eV, shape (n_species,).
    cutoffs
        Å, shape (n_species, n_species).
    stretch
        lam of the radial functions.
    radial
        c_nlk of R_nl for each two species, shape (n_species, n_species, n_max, l_max + 1, n_base).
    functions
        Of a centre of each species.
    """

    elements: tuple[str, ...]
    energies: FloatArray
    cutoffs: FloatArray
    stretch: float
    radial: FloatArray
    functions: tuple[tuple[Function, ...], ...]


def pair_potential(basis: Basis, weights: FloatArray) -> Potential:
    """Return the pair part of a force field with weights (n_columns,), eV."""
    n_pair = basis.settings.n_pair
    pair, _, _ = cut_weights(basis, weights[:, None])
    shares = of_chebyshev(pair[..., 0])
    functions = [
        [
            Function(factors=((j, k, 0),), terms=(((0,), float(shares[z, j, k])),))
            for j in range(len(basis.species))
            for k in range(n_pair)
        ]
        for z in range(len(basis.species))
    ]
    n_species = len(basis.species)
    # Its function of two densities is zero because R_00 is: ML-PACE leaves out weights of zero.
    return Potential(
        elements=_elements(basis),
        energies=np.zeros(n_species),
        cutoffs=basis.pair_cutoffs,
        stretch=basis.settings.stretch,
        radial=np.zeros((n_species, n_species, 1, 1, n_pair)),
        functions=tuple((*f, _unity(1.0, 2)) for f in functions),
    )


def many_body_potential(basis: Basis, weights: FloatArray, energies: FloatArray) -> Potential:
    """Return all but the pair part of a force field, and the energies of the isolated atoms, eV.

    Raises
    ------
    ModelError
        If a centre has more functions than ML-PACE can count.
    """
    functions = [_gathered(polynomial) for polynomial in energy_polynomials(basis, weights)]
    most = max(len(f) for f in functions)
    if most >= MOST_FUNCTIONS:
        raise ModelError(
            f"a centre of this force field has {most} functions in .yace, which holds up to "
            f"{MOST_FUNCTIONS - 1}; train one with fewer elements or a lower accuracy"
        )
    return Potential(
        elements=_elements(basis),
        energies=energies,
        cutoffs=basis.cutoffs,
        stretch=basis.settings.stretch,
        radial=_radial(basis),
        functions=tuple((_unity(0.0, 1), *f) for f in functions),
    )


def of_chebyshev(coefficients: FloatArray) -> FloatArray:
    """Return the coefficients of g_k of sum_k c_k T_k(x) h, for c_k along the last axis."""
    shares = -2.0 * coefficients
    shares[..., 0] = coefficients.sum(axis=-1)
    return shares


def yace(potential: Potential, spline_step: float, title: str) -> str:
    """Return the text of a file; `spline_step` is `deltaSplineBins`, Å."""
    lines = [
        f"# {title}",
        f"elements: [{', '.join(potential.elements)}]",
        f"E0: {_nested(potential.energies)}",
        f"deltaSplineBins: {_number(spline_step)}",
        "embeddings:",
        *(f"  {z}: {EMBEDDING}" for z in range(len(potential.elements))),
        "bonds:",
        *_bonds(potential),
        "functions:",
    ]
    for z, functions in enumerate(potential.functions):
        lines += [f"  {z}:", *(f"    - {_function(z, function)}" for function in functions)]
    return "\n".join(lines) + "\n"


def _elements(basis: Basis) -> tuple[str, ...]:
    return tuple(chemical_symbols[z] for z in basis.species)


def _radial(basis: Basis) -> FloatArray:
    """Return c_nlk for each two species; equal cutoffs share the work."""
    s = basis.settings
    made = {
        cutoff: of_chebyshev(
            smeared_coefficients(
                cutoff, s.n_max, s.l_max, s.smearing, s.n_chebyshev, s.stretch
            ).transpose(1, 0, 2)
        )
        for cutoff in np.unique(basis.cutoffs)
    }
    return np.array([[made[cutoff] for cutoff in row] for row in basis.cutoffs])


def _gathered(polynomial: dict[tuple[tuple[int, int, int, int], ...], float]) -> list[Function]:
    """Return the products of a polynomial by their densities, in the order of their numbers."""
    found: dict[tuple[Factor, ...], list[tuple[tuple[int, ...], float]]] = defaultdict(list)
    for product, value in sorted(polynomial.items()):
        factors = tuple((z, n, degree) for z, n, degree, _ in product)
        found[factors].append((tuple(m for *_, m in product), value))
    ordered = sorted(found.items(), key=lambda item: (len(item[0]), item[0]))
    return [Function(factors=factors, terms=tuple(terms)) for factors, terms in ordered]


def _unity(value: float, rank: int) -> Function:
    return Function(factors=((0, 0, 0),) * rank, terms=(((0,) * rank, value),))


def _bonds(potential: Potential) -> Iterator[str]:
    n_max, n_l, n_base = potential.radial.shape[2:]
    for i, j in np.ndindex(potential.cutoffs.shape):
        coefficients = _nested(potential.radial[i, j])
        yield (
            f"  [{i}, {j}]: {{nradmax: {n_max}, lmax: {n_l - 1}, nradbasemax: {n_base}, "
            f"radbasename: ChebExpCos, radparameters: [{_number(potential.stretch)}], "
            f"radcoefficients: {coefficients}, prehc: 0.0, lambdahc: 1.0, "
            f"rcut: {_number(float(potential.cutoffs[i, j]))}, dcut: 0.0, "
            "rcut_in: 0.0, dcut_in: 0.0, inner_cutoff_type: density}"
        )


def _function(centre: int, function: Function) -> str:
    factors, terms = function.factors, function.terms
    return (
        f"{{mu0: {centre}, rank: {len(factors)}, ndensity: 1, num_ms_combs: {len(terms)}, "
        f"mus: {[z for z, _, _ in factors]}, ns: {[n + 1 for _, n, _ in factors]}, "
        f"ls: {[degree for _, _, degree in factors]}, "
        f"ms_combs: {[m for ms, _ in terms for m in ms]}, "
        f"ctildes: {_nested(np.array([value for _, value in terms]))}}}"
    )


def _nested(values: FloatArray) -> str:
    if values.ndim == 0:
        return _number(float(values))
    return "[" + ", ".join(_nested(part) for part in values) + "]"


def _number(value: float) -> str:
    """Return a number that comes back to the last bit; with a dot, or YAML takes it for a word."""
    return f"{value:.16e}"
