"""The environment store: nearest entries, and what is worth adding."""

from __future__ import annotations

import numpy as np

from aofl.learning.environment_store import EnvironmentStore


def test_an_empty_store_is_infinitely_far_from_everything() -> None:
    distance, index = EnvironmentStore.empty(3).nearest(np.eye(3))
    assert distance.tolist() == [np.inf] * 3
    assert index.tolist() == [-1] * 3
