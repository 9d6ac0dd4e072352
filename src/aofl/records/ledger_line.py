"""One line of `ledger.jsonl`: a decision that is not a plain accept, and what came of it.

The fields are the keys of the line, in their order; a key that lines of older versions lack has a
default. Forces are in eV/Å throughout, energies in eV.
"""

from __future__ import annotations

from dataclasses import dataclass

from aofl.plain import from_json
from aofl.records.error_sums import ErrorSums
from aofl.records.verdict import Action, Neighbour


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """A decision.

    Attributes
    ----------
    step
        Counted from 0, the start structure.
    time_fs
        Simulated time, fs.
    action
        What was decided: "label", "skip" (a label that was spared), "rewind" or "stop".
    rule
        Who decided, one of `aofl.records.rule_names`.
    reason
        Why, in words.
    atom, element
        The atom that decided, by its index, and its element; None where it was no atom.
    value, threshold, unit
        What was measured, what it was held against, and the unit of both; None where it was no
        number, or not a finite one.
    neighbour
        The labelled environment nearest to the atom, where similarity was looked at.
    is_doubt
        Whether the step was doubted on the word of the force field alone.
    label_id
        The index of the label in `labels.extxyz`; None where none was made.
    seconds
        Wall time of the "reference" call and of the "update", s.
    errors
        What the force field was wrong by before it learned the label, by element.
    inside_90
        Force components inside the calibrated 90 % interval, and all of them, by element.
    reactive
        Whether a reaction was being watched.
    energy_jump_eV
        By how much learning the label changed the energy of its structure, eV.
    predicted_error
        Calibrated largest force error of an atom, rms over x, y, z, eV/Å; None where it was not
        known.
    true_error
        The same as the label showed it, eV/Å.
    learned_step
        The step at which a label was learned that the run did not wait for; None where it did.
    cut
        Of a label of a cut-out: how many "atoms" it has, and how many of them are its "core",
        whose forces count; None where the whole structure was labelled.
    """

    step: int
    time_fs: float
    action: Action
    rule: str
    reason: str
    atom: int | None = None
    element: str | None = None
    value: float | None = None
    threshold: float | None = None
    unit: str = ""
    neighbour: Neighbour | None = None
    is_doubt: bool = False
    label_id: int | None = None
    seconds: dict[str, float] | None = None
    errors: dict[str, ErrorSums] | None = None
    inside_90: dict[str, tuple[int, int]] | None = None
    reactive: bool | None = None
    energy_jump_eV: float | None = None  # noqa: N815 - as in the file
    predicted_error: float | None = None
    true_error: float | None = None
    learned_step: int | None = None
    cut: dict[str, int] | None = None


def ledger_line_from_json(text: str) -> LedgerLine:
    """Return the decision that a line of `ledger.jsonl` tells.

    Raises
    ------
    TypeError
        If the line is no decision: a key is missing, or holds another type.
    """
    line: LedgerLine = from_json(LedgerLine, text)
    return line
