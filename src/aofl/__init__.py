"""Reactive molecular dynamics with a force field that learns while it runs.

The public names are imported on first use, so that the command line answers at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aofl.forcefield.model import ForceField
    from aofl.learning.adaptive_calculator import AdaptiveCalculator
    from aofl.reference import AseReference, TbliteReference

__all__ = ["AdaptiveCalculator", "AseReference", "ForceField", "TbliteReference"]

_HOMES = {
    "AdaptiveCalculator": "aofl.learning.adaptive_calculator",
    "AseReference": "aofl.reference",
    "ForceField": "aofl.forcefield.model",
    "TbliteReference": "aofl.reference",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'aofl' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
