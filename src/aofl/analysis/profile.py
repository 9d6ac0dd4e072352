"""Number densities of the elements along the normal, as sums that add up over frames."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from aofl.chemistry.normal import Heights
from aofl.records import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileSums:
    """Atoms in slices along the normal; `a + b` is the record of both together.

    Attributes
    ----------
    width
        Thickness of a slice, Å; slice k spans k `width` to (k + 1) `width`.
    counts
        (element, slice) to number of atoms.
    areas, periods
        Sums over frames of the area, Å^2, and of the period of the normal, Å (zero where it is
        not periodic).
    n_frames
        How many frames.
    """

    width: float
    counts: Counter[tuple[str, int]]
    areas: float
    periods: float
    n_frames: int

    def __add__(self, other: ProfileSums) -> ProfileSums:
        return ProfileSums(
            width=self.width,
            counts=self.counts + other.counts,
            areas=self.areas + other.areas,
            periods=self.periods + other.periods,
            n_frames=self.n_frames + other.n_frames,
        )


def profile_sums(symbols: list[str], layer: Heights, width: float) -> ProfileSums:
    """Count the atoms of one frame in slices of a thickness, Å."""
    slices = np.floor(layer.z / width).astype(int).tolist()
    return ProfileSums(
        width=width,
        counts=Counter(zip(symbols, slices, strict=True)),
        areas=layer.area,
        periods=layer.period or 0.0,
        n_frames=1,
    )


def density_profiles(sums: ProfileSums) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Return the middles of the slices, Å, and the density of each element, atoms/Å^3.

    rho(z) = atoms / (area width), averaged over frames. The last slice of a periodic normal is as
    thick as what the mean period leaves of it.
    """
    slices = [k for _, k in sums.counts]
    first, last = min(slices), max(slices)
    lower = sums.width * np.arange(first, last + 1)
    upper = lower + sums.width
    if sums.periods:
        upper[-1] = min(upper[-1], max(sums.periods / sums.n_frames, lower[-1] + 1e-6))
    volumes = (upper - lower) * sums.areas
    densities = {}
    for element in sorted({e for e, _ in sums.counts}):
        atoms = [sums.counts[element, k] for k in range(first, last + 1)]
        densities[element] = np.array(atoms, dtype=float) / volumes
    return 0.5 * (lower + upper), densities
