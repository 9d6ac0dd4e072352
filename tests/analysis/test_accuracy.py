"""Sums against the plain formulas, and the published figure read both ways."""

import numpy as np
import pytest

from aofl.analysis.accuracy import audit_accuracy, speedup_readings
from aofl.bayes.error_statistics import total


@pytest.fixture
def frames():
    rng = np.random.default_rng(7)
    symbols = ["O", "H", "H", "Na"]
    return [(rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), symbols) for _ in range(6)]


def test_statistics_of_many_frames_are_those_of_all_components_together(frames):
    errors = np.concatenate([predicted - reference for predicted, reference, _ in frames])
    hydrogen = errors.reshape(6, 4, 3)[:, 1:3]
    result = audit_accuracy(frames)
    assert list(result) == ["H", "Na", "O"]
    assert result["H"].n == hydrogen.size
    assert result["H"].rmse == pytest.approx(np.sqrt(np.mean(hydrogen**2)))
    assert result["H"].mae == pytest.approx(np.mean(np.abs(hydrogen)))
    assert result["H"].max == pytest.approx(np.max(np.abs(hydrogen)))
    assert total(result.values()).rmse == pytest.approx(np.sqrt(np.mean(errors**2)))


def test_no_data_gives_no_figure():
    assert audit_accuracy([]) == {}


def test_the_published_71_percent_is_3_45_times_or_1_71_times():
    wall_time_down = speedup_readings(100.0, 29.0)
    assert wall_time_down.factor == pytest.approx(3.448, abs=1e-3)
    assert wall_time_down.wall_time_down_percent == pytest.approx(71.0)
    assert speedup_readings(171.0, 100.0).rate_up_percent == pytest.approx(71.0)
