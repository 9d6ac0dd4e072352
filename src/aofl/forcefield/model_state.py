"""All that a force field is, as plain data: what a model file holds and nothing more.

The basis and the prior follow from settings and elements, the posterior from the statistics and
the hyperparameters; so neither is part of the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aofl.ace.basis import BasisSettings
from aofl.bayes.evidence import Hyperparameters
from aofl.bayes.posterior import Statistics
from aofl.errors import ModelError
from aofl.forcefield.prior import PriorShape
from aofl.records import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelState:
    """What a force field has learned, and with which settings.

    The statistics are the force field's own and not a copy, since Gram matrices may take hundreds
    of megabytes: they change when it learns on, so a state is to be used at once.

    Attributes
    ----------
    elements
        Chemical symbols.
    settings
        The sizes and cutoffs of the basis.
    statistics
        By kind of data (`aofl.forcefield.rows.KINDS`).
    hyperparameters
        Scales of the prior and noises of the data.
    reference_energies
        Taken off every label, eV per atom, shape (n_elements,).
    calibration
        The two factors of each element (`aofl.bayes.calibration`), shape (n_elements, 2).
    n_labels, n_labels_at_search
        How many labels were learned, in all and before the last search for hyperparameters.
    level
        The level of theory of the labels, None where nobody said.
    """

    elements: list[str]
    settings: BasisSettings
    statistics: Mapping[str, Statistics]
    hyperparameters: Hyperparameters
    reference_energies: FloatArray
    calibration: FloatArray
    n_labels: int
    n_labels_at_search: int
    level: str | None


def check_shape(state: ModelState, shape: PriorShape) -> None:
    """Refuse a state whose arrays do not fit the columns that its basis has.

    Raises
    ------
    ModelError
        If the file was changed, or written by a version with another basis.
    """
    n_columns = len(shape.group)
    for data in state.statistics.values():
        if len(data.moment) != n_columns:
            raise ModelError(
                f"the model holds {len(data.moment)} columns where its basis has {n_columns}: "
                "the file was changed or written by a version with another basis"
            )
    n_scales, n_noises = len(shape.orders) + 1, len(state.statistics)
    hyper = state.hyperparameters
    if (hyper.scales.shape, hyper.noises.shape) != ((n_scales,), (n_noises,)):
        raise ModelError(
            f"it holds {hyper.scales.size} scales and {hyper.noises.size} noises; "
            f"expected {n_scales} and {n_noises}"
        )
