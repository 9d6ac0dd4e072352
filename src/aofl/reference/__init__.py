"""Reference codes: what labels a structure, and when a label is believed."""

from aofl.reference.codes.ase_reference import AseReference
from aofl.reference.codes.tblite import TbliteReference, TbliteSettings
from aofl.reference.protocol import JSON, Reference
from aofl.reference.quality import LabelLimits, check_against_prediction, check_label

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
