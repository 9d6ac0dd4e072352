"""What a trajectory says: bonds, and the accuracy and cost of the forces that made it."""

from aofl.analysis.accuracy import (
    ErrorSums,
    SpeedUp,
    audit_accuracy,
    error_sums,
    speedup_readings,
    total,
)
from aofl.analysis.bonds import OHBonds, changes, oxygen_hydrogen_bonds

__all__ = [
    "ErrorSums",
    "OHBonds",
    "SpeedUp",
    "audit_accuracy",
    "changes",
    "error_sums",
    "oxygen_hydrogen_bonds",
    "speedup_readings",
    "total",
]
