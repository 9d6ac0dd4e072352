"""What grows with a trajectory, kept within bounds: paths of atoms, and sums over spans of time.

Both thin themselves out when they are full: of a path every second frame is dropped, of windows
every two neighbours are merged. The length of a trajectory need not be known beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from aofl.analysis.profile import ProfileSums
from aofl.analysis.transport import Unwrapped, unwrap
from aofl.records import FloatArray

MOST_NUMBERS = 4_000_000  # 32 MB
FEWEST_FRAMES = 100
LONGEST_STEP = 0.4  # of a cell; beyond 0.5 the shortest way is the wrong one


@dataclass(kw_only=True)
class Track:
    """Unwrapped positions of every `stride`-th frame; all frames are unwrapped.

    Attributes
    ----------
    most_frames
        How many frames are kept at most; None takes what fits into 32 MB, at least 100.
    longest_step
        Of an atom between two frames, in cells, where the shortest one was taken; see `unwrap`.
    """

    most_frames: int | None = None
    stride: int = 1
    kept: list[FloatArray] = field(default_factory=list)
    kept_times: list[float] = field(default_factory=list)
    longest_step: float = 0.0
    _seen: int = 0
    _last: Unwrapped | None = None

    def add(
        self,
        positions: FloatArray,
        cell: FloatArray,
        pbc: npt.NDArray[np.bool_],
        time: float,
        *,
        is_unwrapped: bool = False,
    ) -> None:
        """Take in the next frame, Å."""
        self._last = unwrap(positions, cell, pbc, self._last, is_unwrapped=is_unwrapped)
        self.longest_step = max(self.longest_step, self._last.step)
        if self._seen % self.stride == 0:
            self.kept.append(self._last.unwrapped)
            self.kept_times.append(time)
        self._seen += 1
        most = self.most_frames or max(FEWEST_FRAMES, MOST_NUMBERS // max(positions.size, 1))
        if len(self.kept) > most:
            self.kept, self.kept_times = self.kept[::2], self.kept_times[::2]
            self.stride *= 2

    @property
    def is_certain(self) -> bool:
        """Whether no atom moved so far between two frames that its way is a guess."""
        return self.longest_step < LONGEST_STEP

    @property
    def positions(self) -> FloatArray:
        """Å, shape (n_kept, n_atoms, 3)."""
        return np.array(self.kept)

    def interval(self) -> float | None:
        """Return the time between kept frames, or None where it is not the same throughout."""
        steps = np.diff(self.kept_times)
        if len(steps) == 0 or not np.allclose(steps, steps[0], rtol=1e-3) or steps[0] <= 0:
            return None
        return float(steps[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Sums over the frames between two times."""

    first: float
    last: float
    sums: ProfileSums


@dataclass(kw_only=True)
class Windows:
    """Sums over at most `most` spans of equal numbers of frames, but for the last."""

    most: int = 32
    span: int = 1
    closed: list[Window] = field(default_factory=list)

    def add(self, sums: ProfileSums, time: float) -> None:
        """Take in the next frame."""
        last = self.closed[-1] if self.closed else None
        if last is not None and last.sums.n_frames < self.span:
            self.closed[-1] = Window(first=last.first, last=time, sums=last.sums + sums)
            return
        if len(self.closed) == self.most:
            self.closed = [
                Window(first=a.first, last=b.last, sums=a.sums + b.sums)
                for a, b in zip(self.closed[::2], self.closed[1::2], strict=True)
            ]
            self.span *= 2
        self.closed.append(Window(first=time, last=time, sums=sums))
