"""Retries: one attempt at a label after another, each another way to the same answer.

An attempt may change the initial guess, the mixing, the number of cycles or bands, or the numerical
tightness of the self-consistency; it never changes the level of theory. What fails the checks of
`aofl.reference.quality` is tried again like what did not converge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import TypeVar

from ase import Atoms

from aofl.errors import ReferenceFailed
from aofl.records import Label
from aofl.reference.quality import LabelLimits, check_label

Attempt = TypeVar("Attempt")


def first_believed(
    attempts: Sequence[Attempt],
    label: Callable[[Attempt], Label],
    atoms: Atoms,
    *,
    limits: LabelLimits,
    who: str,
    advice: str,
    files: Callable[[], Mapping[str, str]] = dict,
) -> Label:
    """Return the first label that can be believed, with the time and number of all attempts.

    Parameters
    ----------
    attempts
        The settings of each attempt, in order; at least one.
    label
        Makes an attempt: it raises `ReferenceFailed` or returns a label.
    atoms
        What is labelled.
    who, advice
        For the message: what failed, and what the user can do about it.
    files
        Returns the files of the last attempt by name, for failures that bring none along.

    Raises
    ------
    ReferenceFailed
        If no attempt gives a label, with the evidence of all of them.
    """
    start = perf_counter()
    evidence: dict[str, str] = {}
    failure: ReferenceFailed | None = None
    for number, attempt in enumerate(attempts, start=1):
        try:
            made = label(attempt)
            check_label(made, atoms, limits=limits)
        except ReferenceFailed as error:
            failure = error
            kept = error.evidence or files()
            evidence |= {f"attempt-{number}-{name}": text for name, text in kept.items()}
            evidence[f"attempt-{number}.txt"] = f"{error}\n"
        else:
            return replace(made, seconds=perf_counter() - start, attempts=number)
    raise ReferenceFailed(
        f"{who} gave no label for {atoms.symbols} in {len(attempts)} attempts; last: {failure}; "
        f"{advice}",
        evidence,
    ) from failure
