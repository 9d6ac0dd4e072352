"""The energy of a centre as a polynomial in complex densities, which is what ML-PACE evaluates.

The many-body functions of `aofl.ace.reference`, equations (9) to (14), are polynomials in real
densities of mixed species. With the complex spherical harmonics of Condon and Shortley, scaled to
sum_m |Y_lm|^2 = 2 l + 1 like the real ones, the density of a species is

    A_znl(-m) = (-1)^m conj A_znlm,

    real A_znl0    = A_znl0,
    real A_znlm    = (-1)^m sqrt(2) Re A_znlm,    m > 0,
    real A_znl(-m) = (-1)^m sqrt(2) Im A_znlm,

so each real density is a sum of two complex ones, and each mixture a sum over species. The
coefficients of an invariant function are real in the complex densities too, its products have
sum_k m_k = 0, and a product with all m reversed is the complex conjugate. Only the real part
counts, so that one of the two stands for both.

References: R. Drautz, Phys. Rev. B 99, 014104 (2019), doi:10.1103/PhysRevB.99.014104;
Y. Lysogorskiy et al., npj Comput. Mater. 7, 97 (2021), doi:10.1038/s41524-021-00559-9.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator

from aofl.ace.basis import Basis
from aofl.ace.evaluate import cut_weights
from aofl.ace.products import N_MIX, polynomials
from aofl.records import FloatArray

Density = tuple[int, int, int, int]  # species (or mixture), n from 0, l, m
Product = tuple[Density, ...]
Polynomial = dict[Product, float]  # the coefficient of the real part of each product

TINY = 1e-12  # of the largest coefficient of a function: what cancels is left out


def energy_polynomials(basis: Basis, weights: FloatArray) -> list[Polynomial]:
    """Return the many-body energy of a centre of each species as a polynomial, eV.

    Parameters
    ----------
    weights
        Of the columns of the basis, shape (n_columns,), eV.
    """
    _, three, products = cut_weights(basis, weights[:, None])
    functions = _product_functions(basis)
    found = []
    for z in range(len(basis.species)):
        energy: Polynomial = defaultdict(float)
        _add_three_bodies(energy, three[z, ..., 0], basis.settings.n_max)
        for weight, function in zip(products[z, :, 0], functions, strict=True):
            _add_species(energy, function, basis.mixing, float(weight))
        found.append(dict(energy))
    return found


def _add_three_bodies(energy: Polynomial, quadratic: FloatArray, n_max: int) -> None:
    """Add 1/2 sum_m A W A of channels (species, n), W of shape (L, C, C)."""
    n_channels = quadratic.shape[1]
    for degree, one, other in itertools.product(
        range(len(quadratic)), range(n_channels), range(n_channels)
    ):
        value = 0.5 * float(quadratic[degree, one, other])
        for m in range(-degree, degree + 1):
            first, second = (*divmod(one, n_max), degree, m), (*divmod(other, n_max), degree, -m)
            energy[canonical((first, second))] += (-1) ** m * value


def _product_functions(basis: Basis) -> list[Polynomial]:
    """Return the four- and five-body functions as polynomials in complex mixed densities."""
    s, mix_n = basis.settings, basis.products.mix_n
    width = N_MIX * mix_n
    functions = []
    for real, _ in polynomials(s.four_n, s.four_l, s.five_n, s.five_l):
        found: dict[Product, complex] = defaultdict(complex)
        for indices, value in real.items():
            for factor, product in _complex_products(indices, width, mix_n):
                found[canonical(product)] += value * factor
        largest = max(abs(value) for value in found.values())
        functions.append({p: v.real for p, v in found.items() if abs(v.real) > TINY * largest})
    return functions


def _complex_products(
    indices: tuple[int, ...], width: int, mix_n: int
) -> Iterator[tuple[complex, Product]]:
    """Yield the complex products, with their factors, that make one product of real densities."""
    options = []
    for index in indices:
        lm, channel = divmod(index, width)
        degree = math.isqrt(lm)
        mixture, n = divmod(channel, mix_n)
        parts = complex_parts(lm - degree * (degree + 1))
        options.append([(factor, (mixture, n, degree, m)) for factor, m in parts])
    for chosen in itertools.product(*options):
        yield math.prod((f for f, _ in chosen), start=1 + 0j), tuple(d for _, d in chosen)


def complex_parts(m: int) -> list[tuple[complex, int]]:
    """Return (factor, m') of the complex densities that sum up to the real one of `m`."""
    if m == 0:
        return [(1 + 0j, 0)]
    size, sign = abs(m), (-1) ** m
    unit = 1.0 if m > 0 else -1j  # real or imaginary part
    first = unit / math.sqrt(2)
    return [(sign * first, size), (first.conjugate(), -size)]


def _add_species(
    energy: Polynomial, function: Polynomial, mixing: FloatArray, weight: float
) -> None:
    """Add a function of mixed densities, each of them a sum over species."""
    share = [[(z, float(u)) for z, u in enumerate(row) if u != 0.0] for row in mixing]
    for product, value in function.items():
        for chosen in itertools.product(*(share[density[0]] for density in product)):
            factor = math.prod(u for _, u in chosen)
            written = tuple((z, *d[1:]) for (z, _), d in zip(chosen, product, strict=True))
            energy[canonical(written)] += weight * value * factor


def canonical(product: Product) -> Product:
    """Return the one way to write a product and its conjugate: the first m but 0 is positive."""
    one = sorted(product, key=_order)
    other = sorted(((z, n, degree, -m) for z, n, degree, m in product), key=_order)
    return tuple(max(one, other, key=lambda densities: [m for *_, m in densities]))


def _order(density: Density) -> tuple[int, int, int, int]:
    z, n, degree, m = density
    return z, n, degree, -m
