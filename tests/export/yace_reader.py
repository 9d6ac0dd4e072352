"""An independent reader of `.yace`: plain NumPy from the published formulas, nothing of `aofl`.

R. Drautz, Phys. Rev. B 99, 014104 (2019): density, products and the ChebExpCos functions;
Y. Lysogorskiy et al., npj Comput. Mater. 7, 97 (2021): the file, rank-1 functions, E0, and that the
radial functions are tabulated (`splined`), by cubics through values and slopes.
"""

import itertools
from dataclasses import dataclass
from math import factorial
from pathlib import Path

import numpy as np
import yaml
from ase import Atoms
from numpy.polynomial import Legendre


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Safe YAML whose keys may be lists: those of `bonds`."""


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict:
    pairs = [
        (loader.construct_object(key, deep=True), loader.construct_object(value, deep=True))
        for key, value in node.value
    ]
    return {tuple(key) if isinstance(key, list) else key: value for key, value in pairs}


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


@dataclass
class Found:
    """Energies (n,), forces (n, 3), virial (3, 3): the stress times the volume."""

    energies: np.ndarray
    forces: np.ndarray
    virial: np.ndarray

    def __add__(self, other: "Found") -> "Found":
        return Found(
            self.energies + other.energies, self.forces + other.forces, self.virial + other.virial
        )


def neighbours(atoms: Atoms, cutoff: float):
    """Return centres, neighbours and vectors of all pairs, found by going through all images."""
    cell, pbc = atoms.cell.array, atoms.pbc
    reach = [0, 0, 0]
    for axis in np.nonzero(pbc)[0]:
        normal = np.cross(cell[(axis + 1) % 3], cell[(axis + 2) % 3])
        height = abs(np.dot(normal, cell[axis])) / np.linalg.norm(normal)
        scaled = np.linalg.solve(cell.T, atoms.positions.T)[axis]
        reach[axis] = int(np.ceil(cutoff / height + np.ptp(scaled)))
    first, second, vectors = [], [], []
    for image in itertools.product(*(range(-r, r + 1) for r in reach)):
        d = atoms.positions[None] + np.array(image) @ cell - atoms.positions[:, None]
        r = np.linalg.norm(d, axis=2)
        i, j = np.nonzero((r < cutoff) & (r > 1e-9))
        first.append(i)
        second.append(j)
        vectors.append(d[i, j])
    return np.concatenate(first), np.concatenate(second), np.concatenate(vectors)


def chebyshev(n: int, x: np.ndarray):
    """Return T_k and U_(k-1) k = T_k' for k < n, by the recursion."""
    t, u = [np.ones_like(x), x], [np.ones_like(x), 2 * x]
    for _ in range(2, n):
        t.append(2 * x * t[-1] - t[-2])
        u.append(2 * x * u[-1] - u[-2])
    slopes = [np.zeros_like(x)] + [k * u[k - 1] for k in range(1, n)]
    return t[:n], slopes


def base_functions(r: np.ndarray, bond: dict):
    """Return g_k and their slopes, shape (n_base, len(r))."""
    assert bond["radbasename"] == "ChebExpCos"
    assert bond["prehc"] == 0
    assert bond["inner_cutoff_type"] == "density"
    lam, cut = bond["radparameters"][0], bond["rcut"]
    damped, floor = np.exp(-lam * r / cut), np.exp(-lam)
    x = 1 - 2 * (damped - floor) / (1 - floor)
    dx = 2 * lam / cut * damped / (1 - floor)
    t, slopes = chebyshev(bond["nradbasemax"], x)
    g = np.array([t[0]] + [(1 - v) / 2 for v in t[1:]])
    dg = np.array([slopes[0]] + [-v / 2 for v in slopes[1:]]) * dx
    fade, dfade = (1 + np.cos(np.pi * r / cut)) / 2, -np.pi / cut * np.sin(np.pi * r / cut) / 2
    g, dg = g * fade, dg * fade + g * dfade
    last = r > cut - bond["dcut"]
    if last.any():
        raise AssertionError("a second cosine would be multiplied at the cutoff")
    return np.where(r < cut, g, 0), np.where(r < cut, dg, 0)


def splined(function, r: np.ndarray, step: float, cutoff: float):
    """Return values and slopes as ML-PACE has them: cubics between the points of a table."""
    n = int(cutoff / step)
    h = cutoff / n
    grid = h * np.arange(1, n + 1)
    y, dy = (np.concatenate([np.zeros_like(v[:, :1]), v], axis=1) for v in function(grid))
    y[:, -1], dy[:, -1] = 0, 0
    k = np.floor(r / h).astype(int)
    assert k.min() > 0, "atoms are too close for the table"
    w = r / h - k
    f0, f1, d0, d1 = y[:, k], y[:, k + 1], dy[:, k] * h, dy[:, k + 1] * h
    c2, c3 = 3 * (f1 - f0) - d1 - 2 * d0, -2 * (f1 - f0) + d1 + d0
    return f0 + w * (d0 + w * (c2 + w * c3)), (d0 + w * (2 * c2 + w * 3 * c3)) / h


def harmonics(unit: np.ndarray, l_max: int):
    """Return Y_lm of unit vectors by [l, m] and their gradients on the unit sphere, (3, len).

    Y_lm = N (-1)^m d^m P_l / dz^m (x + i y)^m for m >= 0.
    """
    x, y, z = unit.T
    plane, axis = np.array([[1], [1j], [0]]), np.array([[0], [0], [1]])
    values, gradients = {}, {}
    for degree in range(l_max + 1):
        for m in range(degree + 1):
            ratio = factorial(degree - m) / factorial(degree + m)
            norm = (-1) ** m * np.sqrt((2 * degree + 1) * ratio)
            q = Legendre.basis(degree).deriv(m)
            wave = (x + 1j * y) ** m
            flat = norm * q(z) * m * (x + 1j * y) ** max(m - 1, 0) * plane
            full = flat + norm * q.deriv()(z) * wave * axis
            values[degree, m] = norm * q(z) * wave
            gradients[degree, m] = full - (unit.T * full).sum(axis=0) * unit.T
            if m:
                values[degree, -m] = (-1) ** m * values[degree, m].conj()
                gradients[degree, -m] = (-1) ** m * gradients[degree, m].conj()
    return values, gradients


def read(path: Path) -> dict:
    """Return what a file says."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - safe


def evaluate(path: Path, atoms: Atoms, *, is_splined: bool = False) -> Found:
    """Return what a potential says about a structure."""
    said = read(path)
    elements = said["elements"]
    species = np.array([elements.index(symbol) for symbol in atoms.get_chemical_symbols()])
    energies, forces, virial = np.zeros(len(atoms)), np.zeros((len(atoms), 3)), np.zeros((3, 3))
    longest = max(bond["rcut"] for bond in said["bonds"].values())
    first, second, vectors = neighbours(atoms, longest)
    for i in range(len(atoms)):
        mine = first == i
        energy, gradients = _centre(
            said, int(species[i]), species[second[mine]], vectors[mine], is_splined
        )
        energies[i] = energy
        forces[i] += gradients.sum(axis=0)
        np.subtract.at(forces, second[mine], gradients)
        virial += vectors[mine].T @ gradients
    return Found(energies, forces, virial)


def _centre(said: dict, z: int, near: np.ndarray, vectors: np.ndarray, is_splined: bool):
    """Return the energy of an atom and its gradients with respect to its neighbours, (k, 3)."""
    embedding = said["embeddings"][z]
    assert embedding["npoti"] == "FinnisSinclairShiftedScaled"
    assert embedding["FS_parameters"] == [1.0, 1.0]
    r = np.linalg.norm(vectors, axis=1)
    unit = vectors / r[:, None]
    l_max = max(bond["lmax"] for bond in said["bonds"].values())
    y, dy = harmonics(unit, l_max)
    n_max, n_base = (
        max(bond[key] for bond in said["bonds"].values()) for key in ("nradmax", "nradbasemax")
    )
    g, dg = np.zeros((2, n_base, len(r)))
    radial, slopes = np.zeros((2, n_max * (l_max + 1), len(r)))
    for j in range(len(said["elements"])):
        bond = said["bonds"][z, j]
        inside = (near == j) & (r < bond["rcut"])
        if not inside.any():
            continue
        c = np.array(bond["radcoefficients"]).reshape(-1, n_base)

        def base(distances, bond=bond):
            return base_functions(np.minimum(distances, bond["rcut"] - 1e-14), bond)

        def both(distances, c=c, base=base):
            values, of_values = base(distances)
            return np.concatenate([values, c @ values]), np.concatenate([of_values, c @ of_values])

        if is_splined:
            values, of_values = splined(both, r[inside], said["deltaSplineBins"], bond["rcut"])
        else:
            values, of_values = both(r[inside])
        g[:, inside], radial[:, inside] = values[:n_base], values[n_base:]
        dg[:, inside], slopes[:, inside] = of_values[:n_base], of_values[n_base:]
    energy, gradients = said["E0"][z], np.zeros_like(vectors)
    kinds = [(j, n, k, m) for j in range(len(said["elements"])) for n in range(n_max)
             for k in range(l_max + 1) for m in range(-k, k + 1)]  # fmt: skip
    where = {kind: index for index, kind in enumerate(kinds)}
    a = np.array([
        np.sum(np.where(near == j, radial[n * (l_max + 1) + k] * y[k, m], 0))
        for j, n, k, m in kinds
    ])  # fmt: skip
    slope = np.zeros(len(kinds), dtype=complex)  # of the energy, by density
    products: dict[int, list] = {}
    for function in said["functions"][z]:
        if function["rank"] == 1:
            (j,), (n,), (c,) = function["mus"], function["ns"], function["ctildes"]
            energy += c * g[n - 1, near == j].sum()
            gradients += np.where(near == j, c * dg[n - 1], 0)[:, None] * unit
            continue
        ms = np.array(function["ms_combs"]).reshape(function["num_ms_combs"], function["rank"])
        for m, c in zip(ms.tolist(), function["ctildes"], strict=True):
            parts = zip(function["mus"], function["ns"], function["ls"], m, strict=True)
            index = [where[mu, n - 1, k, q] for mu, n, k, q in parts]
            products.setdefault(len(index), []).append((c, index))
    for terms in products.values():
        c, index = np.array([c for c, _ in terms]), np.array([index for _, index in terms])
        factors = a[index]
        energy += float(c @ factors.prod(axis=1).real)
        for t in range(index.shape[1]):
            np.add.at(slope, index[:, t], c * np.delete(factors, t, axis=1).prod(axis=1))
    for (j, n, k, m), s in zip(kinds, slope, strict=True):
        if s != 0:
            value, of_value = radial[n * (l_max + 1) + k], slopes[n * (l_max + 1) + k]
            of_all = of_value * y[k, m] * unit.T + value * dy[k, m] / r
            gradients += np.where(near == j, (s * of_all).real, 0).T
    return energy, gradients
