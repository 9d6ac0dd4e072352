"""The lines of the ledger: every decision with its reason, as JSON values."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aofl.records import ErrorSums, Verdict


def decision(
    verdict: Verdict,
    step: int,
    time_fs: float,
    predicted_error: float | None,
    *,
    label_id: int | None = None,
    seconds: dict[str, float] | None = None,
    true_error: float | None = None,
    errors: dict[str, ErrorSums] | None = None,
    inside_90: dict[str, tuple[int, int]] | None = None,
    is_reactive: bool | None = None,
    energy_jump: float | None = None,
) -> dict[str, Any]:
    """Return the ledger line of one verdict.

    Parameters
    ----------
    predicted_error
        Calibrated largest force error of the structure, eV/Å.
    seconds
        Wall time of the reference call and of the update.
    true_error
        Largest force error of an atom that the label showed, rms over x, y, z, eV/Å.
    errors
        What the force field was wrong by before it learned, by element.
    inside_90
        Force components inside the calibrated 90 % interval, and their number, by element.
    is_reactive
        Whether a reaction was being watched.
    energy_jump
        By how much learning the label changed the energy of its structure, eV.
    """
    return {
        "step": step,
        "time_fs": time_fs,
        **asdict(verdict),
        "label_id": label_id,
        "seconds": seconds,
        "errors": errors and {element: asdict(sums) for element, sums in errors.items()},
        "inside_90": inside_90,
        "reactive": is_reactive,
        "energy_jump_eV": energy_jump,
        "predicted_error": predicted_error,
        "true_error": true_error,
    }
