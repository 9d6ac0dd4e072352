"""Paths and windows stay within bounds, whatever the length of a trajectory."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from aofl.analysis.profile import ProfileSums
from aofl.analysis.windows import Track, Windows

CELL, PBC = np.eye(3) * 10.0, np.ones(3, dtype=bool)


def test_a_track_thins_itself_and_keeps_every_stride_th_frame():
    track = Track(most_frames=8)
    for k in range(100):
        track.add(np.full((2, 3), 0.7 * k) % 10.0, CELL, PBC, 2.0 * k)
    assert len(track.kept) <= 8
    assert track.stride == 16
    assert track.interval() == pytest.approx(32.0)
    # frames that were not kept were unwrapped all the same
    assert track.positions[:, 0, 0] == pytest.approx(0.7 * np.array(track.kept_times) / 2.0)


def test_uneven_times_have_no_interval():
    track = Track()
    for time in (0.0, 1.0, 3.0):
        track.add(np.zeros((1, 3)), CELL, PBC, time)
    assert track.interval() is None
    assert Track().interval() is None


def one(k: int) -> ProfileSums:
    return ProfileSums(
        width=1.0, counts=Counter({("Na", k % 3): 1}), areas=1, periods=0, n_frames=1
    )


@pytest.mark.parametrize("n", [1, 7, 8, 9, 100, 513])
def test_windows_merge_and_lose_nothing(n: int):
    windows = Windows(most=8)
    for k in range(n):
        windows.add(one(k), float(k))
    assert len(windows.closed) <= 8
    assert sum(w.sums.n_frames for w in windows.closed) == n
    assert sum((w.sums.counts for w in windows.closed), Counter()).total() == n
    assert windows.closed[0].first == 0.0
    assert windows.closed[-1].last == n - 1
    spans = {w.sums.n_frames for w in windows.closed[:-1]}
    assert len(spans) <= 1
    edges = [(w.first, w.last) for w in windows.closed]
    assert all(b[0] == a[1] + 1 for a, b in pairwise(edges))
