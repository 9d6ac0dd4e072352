"""Frozen records that pass between the parts of the package, and what a run writes.

Labels, predictions and verdicts pass between the parts; ledger line, event and thermo row are the
lines of a run's files. To and from JSON they go by `aofl.plain`.
"""

from aofl.records.arrays import FloatArray, IntArray
from aofl.records.error_sums import ErrorSums
from aofl.records.events import Event, OtherEvent
from aofl.records.labels import ClosestPair, Label, LabelledStructure, Prediction
from aofl.records.ledger_line import LedgerLine
from aofl.records.mode import LEARNING_MODES, Mode
from aofl.records.thermo_row import THERMO_COLUMNS, ThermoRow
from aofl.records.verdict import Action, Neighbour, Verdict

__all__ = [
    "LEARNING_MODES",
    "THERMO_COLUMNS",
    "Action",
    "ClosestPair",
    "ErrorSums",
    "Event",
    "FloatArray",
    "IntArray",
    "Label",
    "LabelledStructure",
    "LedgerLine",
    "Mode",
    "Neighbour",
    "OtherEvent",
    "Prediction",
    "ThermoRow",
    "Verdict",
]
