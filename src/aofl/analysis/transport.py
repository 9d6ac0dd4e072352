"""Mean-square displacement of unwrapped paths, and diffusion coefficients with error bars.

Paths are unwrapped by adding up the shortest displacement from frame to frame, which also holds
for cells that change: S. von Bülow, J. T. Bullerjahn, G. Hummer, J. Chem. Phys. 153, 021101
(2020), doi:10.1063/5.0008316. An atom must move less than half a cell between two frames. Where a
file gives unwrapped positions, they are taken as they are.

D is the slope of the mean-square displacement over twice the number of directions (Einstein). The
path is cut into blocks, each gives one slope, and the scatter of the blocks is the error bar. A
slope is a diffusion coefficient only where the displacement grows with the first power of time:
the exponent is given with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aofl.records import FloatArray

FIT_FROM = 0.4  # of the longest lag, which is half a block: later ones have few origins
MIN_BLOCK = 10  # frames
DIFFUSIVE = (0.8, 1.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwrapped:
    """The last frame of a path: what the next one is unwrapped against.

    Attributes
    ----------
    positions
        As they came, Å, shape (n_atoms, 3).
    cell
        Of the same frame, Å.
    unwrapped
        The same atoms without jumps, Å, shape (n_atoms, 3).
    step
        The longest displacement that was taken for the shortest one, in cells: at most 0.5, and
        certain where it is far below. 0 where nothing was folded back.
    """

    positions: FloatArray
    cell: FloatArray
    unwrapped: FloatArray
    step: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Displacement:
    """Mean-square displacement against time.

    Attributes
    ----------
    lags_fs
        fs, shape (n_lags,).
    msd
        Along x, y, z, Å^2, shape (n_lags, 3).
    """

    lags_fs: FloatArray
    msd: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Diffusion:
    """A diffusion coefficient.

    Attributes
    ----------
    value, error
        Mean and standard error over the blocks, Å^2/fs (1 Å^2/fs = 0.1 cm^2/s).
    per_axis, per_axis_error
        The same along x, y, z, shape (3,).
    exponent
        a in MSD ~ t^a over the fitted lags; 1 for diffusion, 2 for free flight, 0 for vibration.
    n_blocks
        How many blocks the error bar rests on.
    """

    value: float
    error: float
    per_axis: FloatArray
    per_axis_error: FloatArray
    exponent: float
    n_blocks: int

    @property
    def is_diffusive(self) -> bool:
        """Whether the displacement grows with the first power of time, within a fifth."""
        return DIFFUSIVE[0] <= self.exponent <= DIFFUSIVE[1]


def unwrap(
    positions: FloatArray,
    cell: FloatArray,
    pbc: npt.NDArray[np.bool_],
    previous: Unwrapped | None,
    *,
    is_unwrapped: bool = False,
) -> Unwrapped:
    """Return a frame without the jumps that periodic boundaries make.

    Along periodic directions a step is the change of the scaled coordinates times the cell of the
    new frame: what a barostat does to all atoms together is no displacement, and it does not
    matter in which image of the cell an atom was written.

    Parameters
    ----------
    positions
        As they come, Å, shape (n_atoms, 3).
    cell, pbc
        Of this frame, Å; directions that are not periodic are left alone.
    previous
        The frame before; None starts a path.
    is_unwrapped
        Whether the positions have no jumps: then no step is shortened.
    """
    if previous is None:
        return Unwrapped(positions=positions.copy(), cell=cell.copy(), unwrapped=positions.copy())
    flags = np.asarray(pbc, dtype=bool)
    now, before = cell[flags], previous.cell[flags]
    scaled, scaled_before = (
        positions @ np.linalg.pinv(now),
        previous.positions @ np.linalg.pinv(before),
    )
    across = (positions - scaled @ now) - (previous.positions - scaled_before @ before)
    change = scaled - scaled_before
    if not is_unwrapped:
        change = change - np.round(change)
    return Unwrapped(
        positions=positions.copy(),
        cell=cell.copy(),
        unwrapped=previous.unwrapped + across + change @ now,
        step=0.0 if is_unwrapped else float(np.abs(change).max(initial=0.0)),
    )


def without_drift(path: FloatArray, masses: FloatArray) -> FloatArray:
    """Return a path relative to the centre of mass, shape (n_frames, n_atoms, 3)."""
    centre = np.einsum("fac,a->fc", path, masses) / masses.sum()
    relative: FloatArray = path - centre[:, None, :]
    return relative


def mean_square_displacement(path: FloatArray, interval_fs: float) -> Displacement:
    """Average the squared displacement over atoms and all time origins.

    MSD(k) = < |r(t + k) - r(t)|^2 >, by the sums that need k differences each: they are cheap
    for the few hundred lags used, half the length of the path.

    Parameters
    ----------
    path
        Unwrapped, Å, shape (n_frames, n_atoms, 3).
    interval_fs
        Time between frames.
    """
    lags = np.unique(np.linspace(0, len(path) // 2, min(len(path) // 2, 200) + 1).astype(int))
    msd = np.zeros((len(lags), 3))
    for row, lag in enumerate(lags):
        if lag:
            steps = path[lag:] - path[:-lag]
            msd[row] = np.einsum("fac,fac->c", steps, steps) / (steps.shape[0] * steps.shape[1])
    return Displacement(lags_fs=lags * interval_fs, msd=msd)


def diffusion(path: FloatArray, interval_fs: float, n_blocks: int = 5) -> Diffusion | None:
    """Return the diffusion coefficient of a kind of atoms, or None for a path that is too short.

    Parameters
    ----------
    path
        Unwrapped, Å, shape (n_frames, n_atoms, 3).
    n_blocks
        At least two; fewer are used where blocks would be shorter than ten frames.
    """
    n_blocks = min(n_blocks, len(path) // MIN_BLOCK)
    if n_blocks < 2 or path.shape[1] == 0:
        return None
    curves = [
        mean_square_displacement(block, interval_fs) for block in np.array_split(path, n_blocks)
    ]
    slopes = np.array([_slopes(curve) for curve in curves]) / 2.0
    totals = slopes.mean(axis=1)
    scale = np.sqrt(n_blocks)
    n_lags = min(len(curve.lags_fs) for curve in curves)
    mean = np.mean([curve.msd[:n_lags].sum(axis=1) for curve in curves], axis=0)
    return Diffusion(
        value=float(totals.mean()),
        error=float(totals.std(ddof=1) / scale),
        per_axis=slopes.mean(axis=0),
        per_axis_error=slopes.std(axis=0, ddof=1) / scale,
        exponent=_exponent(curves[0].lags_fs[:n_lags], mean),
        n_blocks=n_blocks,
    )


def _slopes(curve: Displacement) -> FloatArray:
    """Slopes along x, y, z over the fitted lags, Å^2/fs, shape (3,)."""
    lags, msd = curve.lags_fs, curve.msd
    used = _fitted(lags)
    slopes: FloatArray = np.polyfit(lags[used], msd[used], 1)[0]
    return slopes


def _exponent(lags: FloatArray, msd: FloatArray) -> float:
    used = _fitted(lags) & (msd > 0)
    if np.count_nonzero(used) < 2:
        return 0.0
    return float(np.polyfit(np.log(lags[used]), np.log(msd[used]), 1)[0])


def _fitted(lags: FloatArray) -> npt.NDArray[np.bool_]:
    """Choose the lags that are past the first steps, where atoms still rattle in their cages."""
    used: npt.NDArray[np.bool_] = (lags >= FIT_FROM * lags[-1]) & (lags > 0)
    return used
