"""Retries: the first label that can be believed, and the story of those before it."""

import numpy as np
import pytest
from ase import Atoms

from aofl.errors import ReferenceFailed
from aofl.records import Label
from aofl.reference import LabelLimits
from aofl.reference.retry import first_believed

ATOMS = Atoms("Na2", [[0, 0, 0], [3, 0, 0]])
BALANCED = np.array([[1.0, 0, 0], [-1.0, 0, 0]])


def tried(*outcomes):
    """Try with one outcome for each attempt: a label or what is raised."""

    def outcome_of(outcome):
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return first_believed(
        outcomes, outcome_of, ATOMS, limits=LabelLimits(), who="The code", advice="do something"
    )


def label(forces=BALANCED, energy=-1.0):
    return Label(energy=energy, forces=forces, seconds=0.1)


def test_the_first_good_label_is_taken():
    found = tried(ReferenceFailed("no"), label(), label(energy=-2.0))
    assert (found.energy, found.attempts) == (-1.0, 2)
    assert found.seconds > 0


def test_a_label_that_breaks_a_limit_is_tried_again():
    found = tried(label(BALANCED + 1.0), label(energy=np.nan), label())
    assert found.attempts == 3


def test_the_last_failure_tells_the_last_reason_and_keeps_all_evidence():
    first = ReferenceFailed("it crashed", {"out": "boom"})
    with pytest.raises(
        ReferenceFailed, match=r"The code gave no label for Na2 in 2 attempts; last: .*net force"
    ) as error:
        tried(first, label(BALANCED + 1.0))
    assert error.value.evidence["attempt-1-out"] == "boom"
    assert "it crashed" in error.value.evidence["attempt-1.txt"]
    assert "net force" in error.value.evidence["attempt-2.txt"]
    assert str(error.value).endswith("do something")


def test_other_errors_are_not_retried():
    with pytest.raises(ZeroDivisionError):
        tried(ZeroDivisionError(), label())
