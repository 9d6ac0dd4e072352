"""Radial distribution functions and coordination numbers, as sums that add up over frames.

g_ab(r) is the number of b atoms at distance r from an a atom, over the number there would be if
the atoms knew nothing of each other. What "nothing" means depends on the boundaries:

- periodic in three directions: b spread evenly over the cell, N_a N_b 4 pi r^2 dr / V. Vacuum
  counts as volume, so the g of a slab in a periodic box levels off below or above 1;
- periodic in two: each atom keeps its height and is spread evenly over the area. The part of a
  sphere of radius r between two heights is a band of area 2 pi r dz, so a pair with heights dz
  apart contributes 2 pi r dr / A for r > |dz|. Layers along the normal then leave no trace in g
  and g levels off at 1 for any profile of density;
- otherwise there is no such background, and only coordination numbers are given.

Images of an atom with itself are counted, as crystals in small cells need; N atoms of an ideal
gas therefore have g = 1 - 1/N. Coordination numbers are plain counts and depend on none of this.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt
from scipy.signal import correlate

from aofl.ace.neighbors import find_neighbors
from aofl.chemistry.normal import heights
from aofl.records import FloatArray, IntArray

Pair = tuple[str, str]

_HEIGHT_BIN = 0.02  # Å; heights are binned this finely for the two-dimensional background
_WINDOW = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16.0
_NOTABLE = 0.15  # a rise by this part of the peak's drop ends the first shell,
_NOTABLE_DROP = 2.0  # of which no more than this counts: bonds have very high peaks
_GONE = 0.05  # of the peak: a shell is over, though nothing follows


@dataclass(frozen=True, slots=True, kw_only=True)
class RadialSums:
    """Pair counts of one or more frames; `a + b` is the record of both together.

    Attributes
    ----------
    edges
        Edges of the bins, Å, shape (n_bins + 1,).
    counts
        (a, b), in alphabetical order, to the number of b around all a, shape (n_bins,).
    background
        What uncorrelated atoms would give, shape (n_bins,); NaN where that has no meaning.
    n_centres
        Element to number of its atoms, summed over frames.
    n_frames
        How many frames.
    """

    edges: FloatArray
    counts: dict[Pair, FloatArray]
    background: dict[Pair, FloatArray]
    n_centres: dict[str, int]
    n_frames: int

    def __add__(self, other: RadialSums) -> RadialSums:
        return RadialSums(
            edges=self.edges,
            counts=_added(self.counts, other.counts),
            background=_added(self.background, other.background),
            n_centres={
                e: self.n_centres.get(e, 0) + other.n_centres.get(e, 0)
                for e in sorted({*self.n_centres, *other.n_centres})
            },
            n_frames=self.n_frames + other.n_frames,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RadialDistribution:
    """The radial distribution of one pair of elements.

    Attributes
    ----------
    r
        Middles of the bins, Å, shape (n_bins,).
    g
        Radial distribution function; NaN where there is no background to divide by.
    n_second, n_first
        Mean number of second elements around a first up to the outer edge of the bin, and of
        first around a second, shape (n_bins,).
    """

    r: FloatArray
    g: FloatArray
    n_second: FloatArray
    n_first: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """The first shell: where it peaks, where it ends (Å), and how many atoms it holds."""

    peak: float
    end: float
    n_second: float
    n_first: float


def radial_sums(
    numbers: IntArray,
    symbols: list[str],
    positions: FloatArray,
    cell: FloatArray,
    pbc: npt.NDArray[np.bool_],
    *,
    r_max: float,
    n_bins: int,
) -> RadialSums:
    """Count the pairs of one frame.

    Parameters
    ----------
    numbers, symbols
        Atomic numbers, shape (n_atoms,), and the elements they stand for, length n_atoms.
    positions, cell, pbc
        As in ASE, Å; cells may be smaller than `r_max`.
    r_max
        Å.
    """
    edges = np.linspace(0.0, r_max, n_bins + 1)
    near = find_neighbors(positions, cell, pbc, r_max)
    first = np.repeat(numbers, np.diff(near.first))
    second = numbers[near.second]
    distances = np.linalg.norm(near.vectors, axis=1)
    present = dict(sorted(zip(symbols, numbers.tolist(), strict=True)))
    counts = {
        (a, b): np.histogram(distances[(first == present[a]) & (second == present[b])], bins=edges)[
            0
        ].astype(float)
        for a, b in combinations_with_replacement(present, 2)
    }
    return RadialSums(
        edges=edges,
        counts=counts,
        background=_background(numbers, present, positions, cell, pbc, edges),
        n_centres={e: int(np.count_nonzero(numbers == z)) for e, z in present.items()},
        n_frames=1,
    )


def radial_distributions(sums: RadialSums) -> dict[Pair, RadialDistribution]:
    """Turn pair counts into distributions: g = counts / background, n = sum counts / N."""
    result = {}
    for (a, b), counts in sums.counts.items():
        background = sums.background[a, b]
        g = np.divide(counts, background, out=np.zeros_like(counts), where=background > 0)
        g[np.isnan(background)] = np.nan
        running = np.cumsum(counts)
        result[a, b] = RadialDistribution(
            r=0.5 * (sums.edges[1:] + sums.edges[:-1]),
            g=g,
            n_second=running / sums.n_centres[a],
            n_first=running / sums.n_centres[b],
        )
    return result


def overlap(one: RadialDistribution, other: RadialDistribution) -> float | None:
    """Return how much of two radial distributions lies over one another, from 0 to 1.

    1 - int |g - g'| dr / int (g + g') dr over the bins of both; None where both are empty or have
    no background. The distributions have the same bins.
    """
    total = float(np.nansum(one.g + other.g))
    return None if total == 0.0 else 1.0 - float(np.nansum(np.abs(one.g - other.g))) / total


def first_shell(distribution: RadialDistribution) -> Shell | None:
    """Find the first shell, or None where there is no peak that ends within the range.

    The peak is the first maximum above 1 and above three tenths of the highest; the shell ends at
    the lowest point before g rises again by 15 % of its drop (at most 0.3), or where g is gone.
    Both are read off a weighted mean over five bins.
    """
    g = distribution.g
    if not np.isfinite(g).all() or len(g) < 5:
        return None
    smooth = np.convolve(g, _WINDOW, "same")
    above = np.flatnonzero(smooth > max(1.0, 0.3 * smooth.max()))
    if not len(above):
        return None
    top = int(above[0])
    lowest: int | None = None
    for k in range(top + 1, len(smooth)):
        if lowest is None and smooth[k] > smooth[top]:
            top = k
        elif lowest is None or smooth[k] < smooth[lowest]:
            drop = smooth[top] - smooth[k]
            lowest = k if drop > _NOTABLE * smooth[top] else None
        elif smooth[k] - smooth[lowest] > _NOTABLE * min(
            smooth[top] - smooth[lowest], _NOTABLE_DROP
        ):
            return _shell(distribution, top, lowest)
    is_over = lowest is not None and bool(smooth[lowest] < _GONE * smooth[top])
    return _shell(distribution, top, lowest) if lowest is not None and is_over else None


def _shell(distribution: RadialDistribution, top: int, end: int) -> Shell:
    return Shell(
        peak=float(distribution.r[top]),
        end=float(distribution.r[end]),
        n_second=float(distribution.n_second[end]),
        n_first=float(distribution.n_first[end]),
    )


def _background(
    numbers: IntArray,
    present: dict[str, int],
    positions: FloatArray,
    cell: FloatArray,
    pbc: npt.NDArray[np.bool_],
    edges: FloatArray,
) -> dict[Pair, FloatArray]:
    """Pair counts of atoms that know nothing of each other, shape (n_bins,) for each pair."""
    pairs = list(combinations_with_replacement(present, 2))
    n_periodic = sum(bool(flag) for flag in pbc)
    if n_periodic == 3:
        shells = 4.0 / 3.0 * np.pi * np.diff(edges**3) / abs(np.linalg.det(cell))
        n = {e: np.count_nonzero(numbers == z) for e, z in present.items()}
        return {(a, b): n[a] * n[b] * shells for a, b in pairs}
    if n_periodic == 2 and (layer := heights(positions, cell, pbc)) is not None:
        bins = ((layer.z - layer.z.min()) / _HEIGHT_BIN).astype(int)
        profile = {
            e: np.bincount(bins[numbers == z], minlength=bins.max() + 1).astype(float)
            for e, z in present.items()
        }
        return {(a, b): _in_slab(profile[a], profile[b], layer.area, edges) for a, b in pairs}
    return {pair: np.full(len(edges) - 1, np.nan) for pair in pairs}


def _in_slab(a: FloatArray, b: FloatArray, area: float, edges: FloatArray) -> FloatArray:
    """Return the counts expected where each pair has heights dz apart.

    They are the change from edge to edge of pi (r^2 - dz^2) / A, summed over pairs.
    `a` and `b` are numbers of atoms in bins of height.
    """
    pairs = correlate(a, b, method="fft")
    gap = _HEIGHT_BIN * np.abs(np.arange(len(pairs)) - (len(b) - 1))
    near = gap < edges[-1]
    discs = np.clip(edges[:, None] ** 2 - gap[near] ** 2, 0.0, None)
    expected: FloatArray = np.diff(np.pi / area * discs @ np.clip(pairs[near], 0.0, None))
    return expected


def _added(left: dict[Pair, FloatArray], right: dict[Pair, FloatArray]) -> dict[Pair, FloatArray]:
    """Add arrays key by key; a key that only one side has keeps its value."""
    return {
        key: left[key] + right[key] if key in left and key in right else {**left, **right}[key]
        for key in sorted({*left, *right})
    }
