"""What a rule sees of one step: the frame, its prediction, the judgement of it, its chemistry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aofl.chemistry.snapshot import ChemistrySnapshot
from aofl.records import FloatArray, IntArray, Prediction, Verdict
from aofl.structure import Structure


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where the atoms are, as the driver hands it to the learner; its arrays are not changed.

    Attributes
    ----------
    structure
        Elements, positions, cell.
    temperature
        Of the atoms as they move, K.
    can_rewind
        Whether the driver can go back to an earlier frame.
    annotations
        What else a reference may want to know: per-atom arrays and `info`, by ASE's names.
    """

    structure: Structure
    temperature: float = 0.0
    can_rewind: bool = False
    annotations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is thought of the forces of one structure, eV/Å by atom, shape (n,).

    Attributes
    ----------
    errors, limits
        Calibrated errors, and the thresholds of their elements.
    atom
        The atom that is worst beside its threshold.
    """

    errors: FloatArray
    limits: FloatArray
    atom: int

    @property
    def error(self) -> float:
        """Calibrated error of the worst atom, eV/Å."""
        return float(self.errors[self.atom])

    @property
    def limit(self) -> float:
        """Threshold of the worst atom, eV/Å."""
        return float(self.limits[self.atom])

    @property
    def excess(self) -> float:
        """Calibrated error of the worst atom, in thresholds."""
        return self.error / self.limit

    def of(self, atoms: IntArray) -> Judgement:
        """Return what is thought of some of the atoms, in their order."""
        errors, limits = self.errors[atoms], self.limits[atoms]
        return Judgement(errors=errors, limits=limits, atom=int((errors / limits).argmax()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One step as the force field sees it.

    Attributes
    ----------
    structure, symbols
        Where the atoms are, and their elements.
    previous_positions
        Positions one step before, Å, shape (n, 3); None at the first step.
    temperature, target_temperature
        Of the atoms as they are, and of the thermostat, K; None where there is none.
    prediction
        Of the force field; its deviations are there only where they were looked at.
    judgement
        Of the calibrated errors against their thresholds; None where nobody looked.
    chemistry
        What the rules see of the chemistry; None at a step without a look of theirs.
    bonded
        Covalent bonds as (i, j), shape (n_bonds, 2); None at a step without any look.
    seed
        Seed of the run; random draws depend on it and on `step` alone.
    can_rewind
        Whether the driver can go back to an earlier frame.
    is_after_label
        Whether the forces that led here were those of a label, and the force field learns.
    """

    step: int
    structure: Structure
    symbols: list[str]
    previous_positions: FloatArray | None
    temperature: float
    target_temperature: float | None
    prediction: Prediction
    judgement: Judgement | None
    seed: int
    timestep_fs: float = 1.0
    chemistry: ChemistrySnapshot | None = None
    bonded: IntArray | None = None
    can_rewind: bool = False
    is_after_label: bool = False

    @property
    def time_fs(self) -> float:
        """Simulated time, fs."""
        return self.step * self.timestep_fs

    @property
    def judged(self) -> Judgement:
        """`judgement` of a step that was looked at.

        Raises
        ------
        ValueError
            If it was not: a slip of the caller, not of the user.
        """
        if self.judgement is None:
            raise ValueError("the deviations of the forces were not looked at in this step")
        return self.judgement


def accept(rule: str) -> Verdict:
    """Return the verdict of a rule that has nothing against the step."""
    return Verdict(action="accept", rule=rule, reason="")
