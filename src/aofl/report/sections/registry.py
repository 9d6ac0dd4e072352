"""The sections of the report of a run, in their order.

A new section is a function `data -> Section | None`, which has nothing where the run has nothing,
and its place here.
"""

from __future__ import annotations

from collections.abc import Callable

from aofl.report.data import RunData
from aofl.report.page import Section
from aofl.report.sections.accuracy import accuracy
from aofl.report.sections.bias import bias
from aofl.report.sections.calls import reference_calls
from aofl.report.sections.chemistry import chemistry
from aofl.report.sections.cost import cost_split
from aofl.report.sections.dynamics import energy_and_temperature
from aofl.report.sections.error import error_over_time
from aofl.report.sections.film import film
from aofl.report.sections.headline import headline
from aofl.report.sections.interphase import interphase
from aofl.report.sections.ledger import ledger
from aofl.report.sections.provenance import provenance
from aofl.report.sections.reaction_pictures import reaction_pictures
from aofl.report.sections.reference import reference
from aofl.report.sections.stages import stages

SECTIONS: tuple[Callable[[RunData], Section | None], ...] = (
    headline,
    film,
    energy_and_temperature,
    bias,
    error_over_time,
    reference_calls,
    accuracy,
    cost_split,
    chemistry,
    reaction_pictures,
    interphase,
    reference,
    stages,
    ledger,
    provenance,
)
