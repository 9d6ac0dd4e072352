"""Index tables of the four- and five-body functions: invariants of three and four densities.

With A the density of a few species mixtures, flattened as (lm, mixture, n) and followed by the
constant 1,

    (13) four-body  Q = sum_m        C(l1 l2 l3) A_1 A_2 A_3          A_k: l_k, m_k, channel k
    (14) five-body  Q = sum_m sum_M  C(l1 l2 L) C(l3 l4 L) A_1 A_2 A_3 A_4

(numbers of `aofl.ace.reference`) with real couplings C (`aofl.ace.coupling`). Of the intermediate L
that give dependent polynomials only the independent ones are kept.

Reference: R. Drautz, Phys. Rev. B 99, 014104 (2019), doi:10.1103/PhysRevB.99.014104.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from aofl.ace.coupling import invariant
from aofl.records import FloatArray, IntArray

N_MIX = 2

Factor = tuple[int, int]  # l, channel
Polynomial = dict[tuple[int, ...], float]  # coefficient of each sorted product of densities


@dataclass(frozen=True, slots=True, kw_only=True)
class Products:
    """The functions as sums of products.

    Function f owns entries `first[f]:first[f + 1]`; entry e is d Q_f / d A[slot[e]] and is the
    sum over its terms t in `term_first[e]:term_first[e + 1]` of
    coef[t] A[left[t]] A[right[t]] A[third[t]].

    Attributes
    ----------
    mix_n, mix_l
        Radial functions and largest l of the mixed density.
    share
        1 / (number of densities multiplied) of each function: Q = share sum_e A[slot] dQ/dA[slot].
    order, degree
        Body order, and sum of n and l, of each function.
    """

    mix_n: int
    mix_l: int
    first: IntArray
    slot: IntArray
    term_first: IntArray
    left: IntArray
    right: IntArray
    third: IntArray
    coef: FloatArray
    share: FloatArray
    order: IntArray
    degree: IntArray

    @property
    def n_functions(self) -> int:
        """Number of functions of one centre."""
        return len(self.first) - 1

    @property
    def n_mixed(self) -> int:
        """Number of mixed densities, without the constant."""
        return N_MIX * self.mix_n * (self.mix_l + 1) ** 2


@cache
def product_tables(four_n: int, four_l: int, five_n: int, five_l: int) -> Products:
    """Return the tables of all four-body functions with n < `four_n`, l <= `four_l`, and so on.

    No radial functions (0): none of that order.
    """
    mix_n = max(four_n, five_n)
    mix_l = max(four_l if four_n else 0, five_l if five_n else 0)
    one = N_MIX * mix_n * (mix_l + 1) ** 2
    first, slot, term_first, share, order, degree = [0], [], [0], [], [], []
    factors: list[tuple[int, ...]] = []
    coef: list[float] = []
    for polynomial, chosen in polynomials(four_n, four_l, five_n, five_l):
        for index, terms in sorted(_gradient(polynomial).items()):
            slot.append(index)
            factors += [(*others, one)[:3] for others, _ in terms]
            coef += [c for _, c in terms]
            term_first.append(len(coef))
        first.append(len(slot))
        share.append(1.0 / len(chosen))
        order.append(len(chosen) + 1)
        degree.append(sum(q + c % mix_n for q, c in chosen))
    columns = np.array(factors, dtype=np.int64).reshape(-1, 3).T
    return Products(
        mix_n=mix_n,
        mix_l=mix_l,
        first=np.array(first),
        slot=np.array(slot, dtype=np.int64),
        term_first=np.array(term_first),
        left=columns[0].copy(),
        right=columns[1].copy(),
        third=columns[2].copy(),
        coef=np.array(coef, dtype=np.float64),
        share=np.array(share, dtype=np.float64),
        order=np.array(order, dtype=np.int64),
        degree=np.array(degree, dtype=np.int64),
    )


def polynomials(
    four_n: int, four_l: int, five_n: int, five_l: int
) -> Iterator[tuple[Polynomial, tuple[Factor, ...]]]:
    """Yield each function, in column order, as a polynomial in the real mixed densities.

    The density of lm and channel = mixture `mix_n` + n has the index lm N_MIX `mix_n` + channel;
    `mix_n` is the larger of `four_n` and `five_n`. With it come the factors (l, channel).
    """
    mix_n = max(four_n, five_n)
    yield from _four_body(four_n, four_l, mix_n)
    yield from _five_body(five_n, five_l, mix_n)


def _factors(n: int, l_max: int, mix_n: int) -> list[Factor]:
    return [
        (q, mixture * mix_n + k)
        for q in range(l_max + 1)
        for mixture in range(N_MIX)
        for k in range(n)
    ]


def _four_body(n: int, l_max: int, mix_n: int) -> Iterator[tuple[Polynomial, tuple[Factor, ...]]]:
    for chosen in itertools.combinations_with_replacement(_factors(n, l_max, mix_n), 3):
        l1, l2, l3 = (q for q, _ in chosen)
        if (l1 + l2 + l3) % 2 == 0 and l3 <= l1 + l2:
            yield _polynomial(invariant(l1, l2, l3), chosen, mix_n), chosen


def _five_body(n: int, l_max: int, mix_n: int) -> Iterator[tuple[Polynomial, tuple[Factor, ...]]]:
    for chosen in itertools.combinations_with_replacement(_factors(n, l_max, mix_n), 4):
        l1, l2, l3, l4 = (q for q, _ in chosen)
        kept: list[Polynomial] = []
        for middle in range(max(l2 - l1, l4 - l3), min(l1 + l2, l3 + l4) + 1):
            if (l1 + l2 + middle) % 2 or (l3 + l4 + middle) % 2:
                continue
            tensor = np.einsum(
                "abm,cdm->abcd", invariant(l1, l2, middle), invariant(l3, l4, middle)
            )
            polynomial = _polynomial(tensor, chosen, mix_n)
            if _is_independent(polynomial, kept):
                kept.append(polynomial)
                yield polynomial, chosen


def _polynomial(tensor: FloatArray, chosen: tuple[Factor, ...], mix_n: int) -> Polynomial:
    """Return sum over m of tensor[m...] prod A[l, m, channel], equal products gathered."""
    width = N_MIX * mix_n
    found: Polynomial = {}
    for m in zip(*np.nonzero(np.abs(tensor) > 1e-12), strict=True):
        factors = zip(chosen, m, strict=True)
        key = tuple(sorted((q * q + int(k)) * width + c for (q, c), k in factors))
        found[key] = found.get(key, 0.0) + float(tensor[m])
    return {key: value for key, value in found.items() if abs(value) > 1e-12}


def _is_independent(new: Polynomial, kept: list[Polynomial]) -> bool:
    keys = sorted({key for p in (new, *kept) for key in p})
    matrix = np.array([[p.get(key, 0.0) for key in keys] for p in (new, *kept)])
    return bool(keys) and int(np.linalg.matrix_rank(matrix, tol=1e-8)) == len(matrix)


def _gradient(polynomial: Polynomial) -> dict[int, list[tuple[tuple[int, ...], float]]]:
    """Return the terms (other factors, coefficient) of each derivative, by index."""
    found: dict[int, list[tuple[tuple[int, ...], float]]] = {}
    for key, value in sorted(polynomial.items()):
        for index in sorted(set(key)):
            others = list(key)
            others.remove(index)
            found.setdefault(index, []).append((tuple(others), value * key.count(index)))
    return found
