"""What a trajectory says: its chemistry, and the accuracy and cost of the forces that made it."""

from aofl.analysis.accuracy import (
    ErrorSums,
    SpeedUp,
    audit_accuracy,
    error_sums,
    speedup_readings,
    total,
)

__all__ = [
    "ErrorSums",
    "SpeedUp",
    "audit_accuracy",
    "error_sums",
    "speedup_readings",
    "total",
]
