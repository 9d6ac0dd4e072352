"""The gate that every label goes through: checked, doubted, asked for once more, or refused.

A reference climbs its own ladder until its code converges. What converged may still be wrong: a
label that breaks a limit or is an outlier is asked for again, carefully. An outlier in its forces
that comes back the same is believed: then the force field is what is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter

from ase import Atoms

from aofl.errors import ReferenceFailed
from aofl.records import FloatArray, Label, Prediction
from aofl.reference.protocol import Reference
from aofl.reference.quality import (
    ForcesDisagree,
    LabelLimits,
    check_against_prediction,
    check_agreement,
    check_label,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a force field that knows similar structures says about a label to come.

    Attributes
    ----------
    prediction
        Energy and forces.
    errors
        What it takes its force error to be, rms over x, y, z, eV/Å, shape (n,).
    """

    prediction: Prediction
    errors: FloatArray


def believed_label(
    reference: Reference,
    atoms: Atoms,
    *,
    limits: LabelLimits,
    expectation: Expectation | None = None,
) -> Label:
    """Return a label that passed the checks, at the first or at the second, careful attempt.

    Parameters
    ----------
    expectation
        None where no force field is fit to doubt a label.

    Raises
    ------
    ReferenceFailed
        If there is none, with the evidence of the reference.
    StructureError
        If the structure can never be labelled.
    """
    start = perf_counter()
    first = reference.label(atoms)
    try:
        _check(first, atoms, limits, expectation)
    except ReferenceFailed as doubt:
        second = _again(reference, atoms, doubt)
        try:
            _check(second, atoms, limits, expectation)
        except ForcesDisagree:
            _check_pardon(first, second, limits, doubt)
        except ReferenceFailed as error:
            raise ReferenceFailed(f"{error}; the label before it: {doubt}") from error
        attempts = first.attempts + second.attempts
        return replace(second, attempts=attempts, seconds=perf_counter() - start)
    return first


def _check(
    label: Label, atoms: Atoms, limits: LabelLimits, expectation: Expectation | None
) -> None:
    check_label(label, atoms, limits=limits)
    if expectation is not None:
        check_against_prediction(label, expectation.prediction, expectation.errors, limits=limits)


def _again(reference: Reference, atoms: Atoms, doubt: ReferenceFailed) -> Label:
    try:
        return reference.label(atoms, careful=True)
    except ReferenceFailed as error:
        raise ReferenceFailed(f"{error}; the label before it: {doubt}", error.evidence) from error


def _check_pardon(first: Label, second: Label, limits: LabelLimits, doubt: ReferenceFailed) -> None:
    """Refuse an outlier unless both labels say the same and neither broke another limit."""
    if not isinstance(doubt, ForcesDisagree):
        raise ReferenceFailed(f"the label and its repetition are both doubted: {doubt}") from doubt
    check_agreement(first, second, limits=limits)
