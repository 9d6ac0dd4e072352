"""Observe: prediction, deviations, one judgement, and the bonds of a frame.

An observation answers and writes nothing. The deviations of the forces cost about two force calls
and the bonds a twentieth, so neither is looked at in every step: the deviations regularly, and
until the last look was fine, and where an atom's energy has become less certain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from aofl.bayes.growth import CHECK_EVERY, has_grown
from aofl.chemistry.graph import connect_covalent
from aofl.chemistry.limits import COVALENT
from aofl.chemistry.snapshot import ChemistrySnapshot, chemistry_snapshot
from aofl.config.schema import LearningConfig
from aofl.learning.learner_state import LearnerState
from aofl.learning.model import Model
from aofl.learning.observation import Frame, Observation
from aofl.learning.rules.chemistry import is_time_to_look
from aofl.learning.rules.frozen_model import STOP_AT
from aofl.learning.rules.policy import Mode
from aofl.learning.timing import Timing
from aofl.records import IntArray, Prediction
from aofl.schedule import Schedule

RELAXATIONS = 5.0  # after which less than a hundredth of a difference in temperature is left


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What does not change along a run.

    `seed` is that of the run, `timestep_fs` that of the dynamics; `target_temperature` is the
    thermostat's, K, None where there is none, and `relaxation_fs` the time in which the atoms
    follow it. Every `bonds_every` steps the bonds are looked at for who follows the reactions;
    None where nobody does. With `needs_stress` a label without a
    stress is none, because a barostat follows it.
    """

    mode: Mode
    settings: LearningConfig
    seed: int = 0
    timestep_fs: float = 1.0
    target_temperature: Schedule | None = None
    relaxation_fs: float = 0.0
    bonds_every: int | None = None
    needs_stress: bool = False

    def temperature_at(self, step: int) -> float | None:
        """Return the temperature that the atoms may have of the thermostat at a step, K.

        That is its target; where this falls, the highest of the last `RELAXATIONS` relaxation
        times, because the atoms follow it with delay and are not too hot for that.
        """
        if self.target_temperature is None:
            return None
        time_fs = step * self.timestep_fs
        return self.target_temperature.highest(time_fs - RELAXATIONS * self.relaxation_fs, time_fs)


def observe(
    frame: Frame,
    model: Model,
    state: LearnerState,
    conditions: Conditions,
    timing: Timing,
) -> Observation:
    """Return what is seen of the step after the last one."""
    step = state.path.step + 1
    prediction = _prediction(frame, model, state, timing, is_due=_is_due(step, state, conditions))
    seen = observation(frame, prediction, state, conditions, step)
    if seen.judgement is not None and not seen.judgement.excess <= 1.0:
        seen = with_environments(seen, model, timing)
    is_holding = step < state.hold_until
    is_due = conditions.mode.watches_bonds and is_time_to_look(step, conditions.timestep_fs)
    if is_due and not is_holding:
        chemistry = _chemistry(frame, state, timing, with_species=False)
        return replace(seen, chemistry=chemistry, bonded=chemistry.bonded)
    bonded = bonds_for_log(frame, state, conditions, timing, step)
    return seen if bonded is None else replace(seen, bonded=bonded)


def bonds_for_log(
    frame: Frame, state: LearnerState, conditions: Conditions, timing: Timing, step: int
) -> IntArray | None:
    """Return the covalent bonds where who follows the reactions looks at them, else None."""
    if conditions.bonds_every is None or step % conditions.bonds_every:
        return None
    with timing.part("chemistry"):
        found = connect_covalent(frame.structure, bonded=state.path.bonded)
        pairs: IntArray = found.pairs[found.kinds == COVALENT]
        return pairs


def observe_fully(
    frame: Frame,
    model: Model,
    state: LearnerState,
    conditions: Conditions,
    timing: Timing,
    step: int,
) -> Observation:
    """Return an observation with the deviations, as a label that is asked for anyhow needs it."""
    prediction = _prediction(frame, model, state, timing, is_due=True)
    return with_environments(observation(frame, prediction, state, conditions, step), model, timing)


def with_environments(seen: Observation, model: Model, timing: Timing) -> Observation:
    """Return an observation with the environments, which similarity and learning compare."""
    if seen.prediction.environments is not None:
        return seen
    with timing.part("uncertainty"):
        environments = model.environments(seen.structure)
    return replace(seen, prediction=replace(seen.prediction, environments=environments))


def with_molecules(
    seen: Observation, frame: Frame, state: LearnerState, conditions: Conditions, timing: Timing
) -> Observation:
    """Return an observation that names the molecules, where the rules see the chemistry."""
    is_known = seen.chemistry is not None and bool(seen.chemistry.species)
    if is_known or not conditions.mode.watches_bonds:
        return seen
    chemistry = _chemistry(frame, state, timing, with_species=True)
    return replace(seen, chemistry=chemistry, bonded=chemistry.bonded)


def looked_at(state: LearnerState, seen: Observation, mode: Mode) -> LearnerState:
    """Return the state after a look at the deviations."""
    judged = seen.judged
    local, excess = seen.prediction.energies_std, judged.excess
    is_known = state.n_labels > 0 or mode.is_frozen
    path = replace(
        state.path,
        error=judged.error if is_known else None,
        limit=judged.limit,
        is_unsure=excess > 1.0 if mode.is_frozen else state.path.is_unsure,
    )
    return replace(
        state,
        seen_energies_std=() if local is None else tuple(local.tolist()),
        n_unsure=state.n_unsure + 1 if mode.is_frozen and excess > STOP_AT else 0,
        path=path,
    )


def _is_due(step: int, state: LearnerState, conditions: Conditions) -> bool:
    """Return whether to look at the deviations: regularly, and until the last look was fine."""
    error = state.path.error
    is_safe = error is not None and error <= state.path.limit
    return conditions.mode.looks_at_every_step or not is_safe or step % CHECK_EVERY == 0


def _prediction(
    frame: Frame, model: Model, state: LearnerState, timing: Timing, *, is_due: bool
) -> Prediction:
    """Return the prediction, with the deviations of the forces if due, or where they grew."""
    if not is_due:
        with timing.part("force_field"):
            prediction = model.predict(frame.structure, energies_std=True)
        if not has_grown(prediction.energies_std, state.seen_energies_std):
            return prediction
    with timing.part("uncertainty"):
        return model.predict(frame.structure, forces_std="sampled", energies_std=True)


def _chemistry(
    frame: Frame, state: LearnerState, timing: Timing, *, with_species: bool
) -> ChemistrySnapshot:
    with timing.part("chemistry"):
        return chemistry_snapshot(
            frame.structure,
            state.path.bonded,
            since=state.path.judged_bonded,
            with_species=with_species or state.path.judged_bonded is None,
            known=state.watch.contacts,
        )


def observation(
    frame: Frame,
    prediction: Prediction,
    state: LearnerState,
    conditions: Conditions,
    step: int,
) -> Observation:
    """Return what is seen of a frame, with the judgement where the deviations are known."""
    symbols, std = frame.structure.symbols, prediction.forces_std
    return Observation(
        step=step,
        structure=frame.structure,
        symbols=symbols,
        previous_positions=state.path.previous_positions,
        temperature=frame.temperature,
        target_temperature=conditions.temperature_at(step),
        prediction=prediction,
        judgement=None if std is None else state.judge(symbols, std),
        seed=conditions.seed,
        timestep_fs=conditions.timestep_fs,
        can_rewind=frame.can_rewind,
        is_after_label=conditions.mode.learns and state.path.source == "reference",
    )
