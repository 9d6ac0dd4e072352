"""The gate that every label goes through: checked, doubted, asked for once more, or refused.

A reference makes its own attempts until its code converges. What converged may still be wrong: a
label that breaks a limit or is an outlier is asked for again, carefully. An outlier in its forces
that comes back the same is believed: then the force field is what is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter

from ase import Atoms

from aofl.errors import ReferenceFailed
from aofl.records import FloatArray, IntArray, Label, Prediction
from aofl.reference.protocol import Reference, evidence_of
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
    core: IntArray | None = None,
) -> Label:
    """Return a label that passed the checks, at the first or at the second, careful attempt.

    Parameters
    ----------
    expectation
        None where no force field is fit to doubt a label.
    core
        The atoms whose forces count (`Label.core`); None where all do.

    Raises
    ------
    ReferenceFailed
        If there is none, with the evidence of the reference.
    StructureError
        If the structure can never be labelled.
    """
    start = perf_counter()
    first = _with_core(reference.label(atoms), core)
    try:
        _check(first, atoms, limits, expectation)
    except ReferenceFailed as doubt:
        evidence = _named("doubted", evidence_of(reference))
        try:
            second = _with_core(reference.label(atoms, careful=True), core)
            _check_again(second, first, doubt, atoms, limits, expectation)
        except ReferenceFailed as error:
            evidence |= error.evidence or _named("repeated", evidence_of(reference))
            raise ReferenceFailed(f"{error}; the label before it: {doubt}", evidence) from error
        attempts = first.attempts + second.attempts
        return replace(second, attempts=attempts, seconds=perf_counter() - start)
    return first


def _with_core(label: Label, core: IntArray | None) -> Label:
    return label if core is None else replace(label, core=core)


def _check(
    label: Label, atoms: Atoms, limits: LabelLimits, expectation: Expectation | None
) -> None:
    check_label(label, atoms, limits=limits)
    if expectation is not None:
        check_against_prediction(label, expectation.prediction, expectation.errors, limits=limits)


def _check_again(
    second: Label,
    first: Label,
    doubt: ReferenceFailed,
    atoms: Atoms,
    limits: LabelLimits,
    expectation: Expectation | None,
) -> None:
    """Check a repeated label; an outlier is pardoned if both are, and say the same."""
    try:
        _check(second, atoms, limits, expectation)
    except ForcesDisagree:
        if not isinstance(doubt, ForcesDisagree):
            raise
        check_agreement(first, second, limits=limits)


def _named(prefix: str, texts: dict[str, str]) -> dict[str, str]:
    return {f"{prefix}-{name}": text for name, text in texts.items()}
