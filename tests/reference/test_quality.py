"""Labels that must not be believed are refused with the reason."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms

from aofl.errors import ReferenceFailed
from aofl.records import Label
from aofl.reference import LabelLimits, check_against_prediction, check_label

ATOMS = Atoms("OHNa", np.eye(3))
DRIFT = np.array([0.0, 0.0, 0.04])
FORCES = np.array([[1.0, 0.0, 0.0], [-1.0, 0.5, 0.0], [0.0, -0.5, 0.0]])
GOOD = Label(energy=-30.0, forces=FORCES, stress=np.zeros(6), charges=np.zeros(3), seconds=0.1)
LIMITS = LabelLimits()


def test_a_good_label_passes():
    check_label(GOOD, ATOMS, limits=LIMITS)
    check_label(replace(GOOD, stress=None, charges=None), ATOMS, limits=LIMITS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"energy": np.nan}, "energy of the reference are not finite"),
        ({"forces": np.full((3, 3), np.inf)}, "forces of the reference are not finite"),
        ({"forces": FORCES[:2]}, r"forces .* shape \(2, 3\), expected \(3, 3\)"),
        ({"stress": np.zeros((3, 3))}, r"stress .* shape \(3, 3\), expected \(6,\)"),
        ({"stress": np.full(6, np.nan)}, "stress of the reference are not finite"),
        ({"charges": np.zeros(2)}, "charges .* shape"),
        ({"seconds": 0.0}, "took 0.0 s: it did not run"),
        ({"forces": FORCES + DRIFT}, "net force is 0.12 eV/Å"),
        ({"forces": FORCES * 100}, r"force on atom 1 \(H\) is 112 eV/Å, more than 60"),
    ],
)
def test_bad_labels_are_refused(change, words):
    with pytest.raises(ReferenceFailed, match=words):
        check_label(replace(GOOD, **change), ATOMS, limits=LIMITS)


def test_limits_can_be_set():
    unbalanced = replace(GOOD, forces=FORCES + DRIFT)
    check_label(unbalanced, ATOMS, limits=LabelLimits(net_force=0.13))
    with pytest.raises(ReferenceFailed):
        check_label(GOOD, ATOMS, limits=LabelLimits(force=1.0))


@pytest.mark.parametrize("prediction", [-10.4, -9.6])
def test_labels_near_the_prediction_pass(prediction):
    check_against_prediction(GOOD, prediction, limits=LIMITS)


@pytest.mark.parametrize("prediction", [-10.6, -9.4, np.nan])
def test_outliers_are_refused_on_both_sides(prediction):
    with pytest.raises(ReferenceFailed, match=r"more than 0\.5 eV apart"):
        check_against_prediction(GOOD, prediction, limits=LIMITS)
