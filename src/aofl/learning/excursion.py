"""Excursions of the temperature: while the atoms are far too hot, other things happen.

In equilibrium the temperature of n atoms scatters by T sqrt(2 / 3n). It is in excursion from
`BEGIN` of these deviations above the thermostat's on, until it is within `END`: heat of a strained
start, of a reaction, or of a force field that is wrong.
"""

from __future__ import annotations

import math
from dataclasses import replace

from aofl.learning.learner_state import PathState
from aofl.records.events import ExcursionBegan

BEGIN, END = 6.0, 3.0  # standard deviations


def followed(path: PathState, temperature: float, target: float | None, n_atoms: int) -> PathState:
    """Return the path with the excursion that its last step belongs to.

    Parameters
    ----------
    temperature, target
        Of the atoms and of the thermostat, K; without a thermostat there are no excursions.
    """
    if target is None:
        return path
    is_on = path.hot is not None and path.hot[1] == path.step - 1
    above = (temperature / target - 1.0) / math.sqrt(2.0 / (3.0 * n_atoms))
    if above <= (END if is_on else BEGIN):
        return path
    first = path.hot[0] if is_on and path.hot is not None else path.step
    return replace(path, hot=(first, path.step))


def word_about_excursion(
    path: PathState, temperature: float, target: float | None, time_fs: float
) -> ExcursionBegan | None:
    """Return the event of an excursion that begins with this step."""
    if target is None or path.hot is None or path.hot != (path.step, path.step):
        return None
    return ExcursionBegan(
        step=path.step,
        time_fs=time_fs,
        temperature_K=temperature,
        target_K=target,
        message=f"{temperature:.0f} K where the thermostat asks for {target:.0f} K: what reacts in "
        "this heat is marked; a strained start, a reaction or a wrong force field made it",
    )
