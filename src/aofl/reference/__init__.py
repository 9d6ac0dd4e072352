"""Reference codes: what labels a structure, and when a label is believed."""

from aofl.reference.ase_reference import AseReference
from aofl.reference.protocol import JSON, Reference
from aofl.reference.quality import LabelLimits, check_against_prediction, check_label
from aofl.reference.tblite import TbliteReference, TbliteSettings

__all__ = [
    "JSON",
    "AseReference",
    "LabelLimits",
    "Reference",
    "TbliteReference",
    "TbliteSettings",
    "check_against_prediction",
    "check_label",
]
