"""All that a force field is, as plain data: what a model file holds and nothing more.

The basis and the shape of the prior follow from settings and elements, the posterior from the data
and the scales of the prior; so neither is part of the state.
"""

from __future__ import annotations

from dataclasses import dataclass

from aofl.ace.basis import BasisSettings
from aofl.errors import ModelError
from aofl.forcefield.gathered import Gathered
from aofl.forcefield.prior import PriorShape
from aofl.records import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonState:
    """What every force field has, whether it learns on or only predicts.

    Attributes
    ----------
    elements
        Chemical symbols.
    settings
        The sizes and cutoffs of the basis.
    reference_energies
        Taken off every label, eV per atom, shape (n_elements,).
    calibration
        The two factors of each element (`aofl.bayes.calibration`), shape (n_elements, 2).
    n_labels
        How many labels were learned.
    level
        The level of theory of the labels, None where nobody said.
    """

    elements: list[str]
    settings: BasisSettings
    reference_energies: FloatArray
    calibration: FloatArray
    n_labels: int
    level: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelState(CommonState):
    """What a force field has learned, and with which settings.

    The data are the force field's own and not a copy, since the Gram matrix may take hundreds of
    megabytes: they change when it learns on, so a state is to be used at once.

    Attributes
    ----------
    data
        What was gathered of the rows of the labels.
    scales
        Of the prior, shape (n_groups,).
    """

    data: Gathered
    scales: FloatArray

    @property
    def n_columns(self) -> int:
        """Number of weights."""
        return len(self.data.statistics.moment)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductionState(CommonState):
    """What a force field needs to predict: no data, so it is small and read at once.

    Attributes
    ----------
    mean
        Weights, shape (n_columns,).
    draws
        Draws of the weights around their mean, shape (n_columns, N_DRAWS).
    noise
        Of the labels, in units of `aofl.forcefield.rows.NOISES`.
    """

    mean: FloatArray
    draws: FloatArray
    noise: float

    @property
    def n_columns(self) -> int:
        """Number of weights."""
        return len(self.mean)


def check_shape(state: ModelState | ProductionState, shape: PriorShape) -> None:
    """Refuse a state whose arrays do not fit the columns that its basis has.

    Raises
    ------
    ModelError
        If the file was changed, or written by a version with another basis.
    """
    n_columns = len(shape.group)
    n_found = state.n_columns
    if n_found != n_columns:
        raise ModelError(
            f"the model holds {n_found} columns where its basis has {n_columns}: "
            "the file was changed or written by a version with another basis"
        )
    n_scales = len(shape.orders) + 1
    if isinstance(state, ModelState) and state.scales.shape != (n_scales,):
        raise ModelError(f"it holds {state.scales.size} scales; expected {n_scales}")
