"""What a trajectory says: its chemistry, and the accuracy and cost of the forces that made it."""

from aofl.analysis.accuracy import SpeedUp, audit_accuracy, speedup_readings

__all__ = ["SpeedUp", "audit_accuracy", "speedup_readings"]
