"""The attempts of the plane-wave codes at one label: as it is, from nothing, from nothing gently.

None changes the level of theory.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DftAttempt:
    """One attempt.

    Attributes
    ----------
    is_fresh
        Whether density and wave functions of the last label are dropped.
    mixing
        Factor on the share of the new density.
    cycles
        Factor on the SCF iterations before giving up.
    """

    is_fresh: bool = False
    mixing: float = 1.0
    cycles: int = 1


DFT_ATTEMPTS = (
    DftAttempt(),
    DftAttempt(is_fresh=True),
    DftAttempt(is_fresh=True, mixing=0.3, cycles=2),
)


def dft_attempts(*, careful: bool) -> tuple[DftAttempt, ...]:
    """Return the attempts at a label; a careful one begins from nothing."""
    return DFT_ATTEMPTS[1:] if careful else DFT_ATTEMPTS
