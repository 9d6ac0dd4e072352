"""The gate: what is believed at once, what is asked for again, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms

from aofl.errors import ReferenceFailed
from aofl.records import Label, Prediction
from aofl.reference import LabelLimits
from aofl.reference.gate import Expectation, believed_label

ATOMS = Atoms("Na2", [[0, 0, 0], [3, 0, 0]])
FORCES = np.array([[1.0, 0, 0], [-1.0, 0, 0]])
GOOD = Label(energy=-2.0, forces=FORCES, seconds=0.5)
PREDICTION = Prediction(energy=-2.1, forces=FORCES + 0.02, stress=np.zeros(6), energies=np.ones(2))
EXPECTATION = Expectation(prediction=PREDICTION, errors=np.full(2, 0.05))
# Within all limits but 1 eV/Å from what is expected, along the bond.
OUTLIER = replace(GOOD, forces=2.8 * FORCES)


class Scripted:
    """A reference that says what it is told, and remembers how it was asked."""

    is_semi_empirical = False

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.careful = []

    def label(self, atoms, *, careful=False):
        self.careful.append(careful)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def describe(self):
        return {"code": "scripted"}

    def elements_supported(self):
        return None


def believed(reference, expectation=EXPECTATION):
    return believed_label(reference, ATOMS, limits=LabelLimits(), expectation=expectation)


def test_a_good_label_is_believed_at_once():
    reference = Scripted(GOOD)
    assert believed(reference) is GOOD
    assert reference.careful == [False]


@pytest.mark.parametrize(
    "bad",
    [
        replace(GOOD, forces=FORCES + 0.2),  # unbalanced
        replace(GOOD, forces=100 * FORCES),  # large
        replace(GOOD, energy=np.inf),
        replace(GOOD, energy=-7400.0),  # a wrong electronic state
        OUTLIER,
    ],
)
def test_a_doubted_label_is_asked_for_again_with_care(bad):
    reference = Scripted(bad, replace(GOOD, attempts=2))
    label = believed(reference)
    assert reference.careful == [False, True]
    assert label.energy == GOOD.energy
    assert label.attempts == 3
    assert label.seconds > 0


def test_an_outlier_that_comes_back_the_same_is_believed():
    label = believed(Scripted(OUTLIER, replace(OUTLIER, energy=OUTLIER.energy + 1e-3)))
    assert np.array_equal(label.forces, OUTLIER.forces)
    assert label.attempts == 2


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (OUTLIER, replace(OUTLIER, forces=-2.8 * FORCES), "differ by 0 eV per atom and 5.6 eV/Å"),
        (OUTLIER, replace(OUTLIER, energy=-2.2), "differ by 0.1 eV per atom"),
        (replace(GOOD, energy=-7400.0), replace(GOOD, energy=-7400.0), "energy is -3700.0000 eV"),
        (
            replace(GOOD, energy=-7400.0),
            OUTLIER,
            "force on atom .* before it: the energy",
        ),
        (OUTLIER, replace(GOOD, energy=np.nan), "not finite.* the label before it: the force"),
        (OUTLIER, ReferenceFailed("no SCF", {"out": "x"}), "no SCF; the label before it"),
    ],
)
def test_two_doubtful_labels_are_none(first, second, words):
    with pytest.raises(ReferenceFailed, match=words):
        believed(Scripted(first, second))


def test_without_an_expectation_nothing_is_an_outlier():
    wild = replace(OUTLIER, energy=-7400.0)
    assert believed(Scripted(wild), expectation=None) is wild


def test_errors_within_the_interval_are_no_outliers():
    wide = replace(EXPECTATION, errors=np.full(2, 0.3))
    assert believed(Scripted(OUTLIER), expectation=wide) is OUTLIER


def test_a_failure_of_the_code_itself_is_not_asked_again():
    reference = Scripted(ReferenceFailed("no SCF", {"out": "x"}))
    with pytest.raises(ReferenceFailed, match="no SCF") as error:
        believed(reference)
    assert reference.careful == [False]
    assert error.value.evidence == {"out": "x"}
