"""Reactive molecular dynamics with a force field that learns while it runs."""

from aofl.forcefield.model import ForceField
from aofl.learning.adaptive_calculator import AdaptiveCalculator
from aofl.reference import AseReference, TbliteReference

__all__ = ["AdaptiveCalculator", "AseReference", "ForceField", "TbliteReference"]
