"""The learner's state: everything that survives a step, as frozen values.

What belongs to the path of the atoms (`PathState`) is put back by a rewind; what has been learned
(`Knowledge` and environments) is kept. The calibrated error b_i of atom i of element z, and how it
compares with its threshold (`LearnerState.judge`):

    s_i = sqrt(u_i^2 + sigma_F^2)   u_i: rms over x, y, z of the posterior standard deviation
    b_i = c_z s_i                   c_z, threshold_z: `aofl.learning.element_calibration`

| symbol | here |
|---|---|
| u_i | `forces_std`, eV/Å, (n, 3) |
| sigma_F | `force_noise`, eV/Å |
| s_i | `raw_errors`, eV/Å, (n,) |
| b_i, threshold_z | `Judgement.errors`, `Judgement.limits`, eV/Å, (n,) |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from aofl.learning.element_calibration import HISTORY, ElementCalibration
from aofl.learning.environment_store import EnvironmentStore
from aofl.learning.observation import Judgement
from aofl.learning.reaction_watch import ReactionWatch
from aofl.learning.waiting import Waiting
from aofl.records import FloatArray, IntArray, Neighbour

FIRST_AUDIT_GAP = 16  # steps
TRUSTED = 10  # labels before a force field may skip a call or doubt a label, or surprise
STORE_SPACING = 0.3  # in units of the usual distance between well-predicted atoms

Source = Literal["reference", "ff"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PathState:
    """What belongs to the path of the atoms: a rewind puts it back.

    Attributes
    ----------
    step
        The last step that was accepted; -1 before the first.
    previous_positions
        Positions there, Å, shape (n, 3); None before the first step.
    bonded
        Covalent bonds at the last look as (i, j), shape (n_bonds, 2): with hysteresis, what is
        bonded depends on the past. The one history of the bonds: the rules and the log of the
        reactions read it.
    judged_bonded
        The same when the rules last judged them: what changes is told from there.
    source
        Whether its forces were the reference's or the force field's.
    error, limit
        Calibrated error of the worst atom at the last look, and its threshold, eV/Å.
    is_unsure
        Whether that was beyond a frozen force field.
    energy_shift
        What of the energy of the step is jumps, at labels and updates, eV: the energy minus it is
        continuous.
    hot
        First and last step of the last excursion of the temperature (`aofl.learning.excursion`);
        None before the first.
    """

    step: int = -1
    previous_positions: FloatArray | None = None
    bonded: IntArray | None = None
    judged_bonded: IntArray | None = None
    source: Source = "reference"
    error: float | None = None
    limit: float
    is_unsure: bool = False
    energy_shift: float = 0.0
    hot: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What the learner knows, but for the environments: plain numbers that go through JSON.

    Attributes
    ----------
    target
        The force error that the user aims at, eV/Å (`aofl.learning.target`).
    is_strict
        Whether no threshold may be above the target.
    told_reach
        What was last said to be reached where it is above the target, eV/Å; 0 before, and where
        the target is kept.
    usual_distance
        Element to the cosine distances of well-predicted atoms from labelled ones.
    seen_energies_std
        Deviations of the atomic energies when the forces were last looked at, eV.
    audit_surprises
        Whether the largest error exceeded the calibrated one, for each of the last audits.
    label_steps
        Steps of the last labels, for the rate budget.
    reference_seconds
        Spent on labels so far.
    energy_shift
        Sum of the jumps of the energy at updates, eV: predictions minus it are continuous.
    last_doubt_step
        Step of the last label that was no audit, or was one and held a surprise.
    hold_until, failures
        The force field goes on alone before this step, after so many failed labels in a row.
    n_labels, n_asked
        Labels learned, and labels asked for; audits of a frozen force field are not learned.
    n_unsure
        Looks in a row at which a frozen force field was unsure (`rules.frozen_model`).
    refused_at
        The step that was refused last, by a guard or as far outside.
    surprised_at, n_surprises
        Step of the last label that undid the steps before it (`rules.retrospective`), and how
        many did.
    force_noise
        sigma_F, eV/Å.
    vasp_threshold, vasp_history
        Of the rule `vasp_like`: its threshold, and the errors after the last labels, eV/Å.
    taken
        Neighbour to bytes of its label file that were learned (`aofl.simulation.sharing`).
    calibration
        Of each element.
    watch
        The reaction being watched, and what labels have shown of the chemistry.
    """

    target: float
    is_strict: bool = False
    told_reach: float = 0.0
    usual_distance: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    seen_energies_std: tuple[float, ...] = ()
    audit_surprises: tuple[bool, ...] = ()
    is_drifting: bool = False
    label_steps: tuple[int, ...] = ()
    reference_seconds: float = 0.0
    energy_shift: float = 0.0
    last_label_step: int = -1
    last_doubt_step: int = 0
    audit_gap: int = FIRST_AUDIT_GAP
    hold_until: int = -1
    failures: int = 0
    n_labels: int = 0
    n_asked: int = 0
    n_unsure: int = 0
    n_skips: int = 0
    n_audits: int = 0
    n_rewinds: int = 0
    refused_at: int = -1
    surprised_at: int = -1
    n_surprises: int = 0
    n_failed: int = 0
    force_noise: float = 0.0
    vasp_threshold: float = 0.002  # eV/Å, VASP's first one
    vasp_history: tuple[float, ...] = ()
    taken: Mapping[str, int] = field(default_factory=dict)
    calibration: Annotated[Mapping[str, ElementCalibration], Field(alias="trust")] = field(
        default_factory=dict
    )
    watch: ReactionWatch = field(default_factory=ReactionWatch)


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerState(Knowledge):
    """All that survives a step.

    Attributes
    ----------
    path
        What belongs to the path of the atoms.
    environments
        Labelled environments by element; they are rebuilt from the labels.
    learned_ids
        Ids of the labels learned, in order: the force field can be rebuilt from them.
    waiting
        Questions that are out, the oldest first.
    """

    path: PathState
    environments: Mapping[str, EnvironmentStore] = field(default_factory=dict)
    learned_ids: tuple[int, ...] = ()
    waiting: tuple[Waiting, ...] = ()

    @property
    def last_question_step(self) -> int:
        """Step of the last label, or of the last question that is out."""
        return max(self.last_label_step, *(w.seen.step for w in self.waiting), -1)

    @property
    def threshold(self) -> float:
        """The largest threshold of an element, eV/Å; the target before the first label."""
        return max(map(self._threshold, self.calibration), default=self.target)

    @property
    def reach(self) -> dict[str, float]:
        """What labelling can reach of the error of each element, eV/Å."""
        return {z: c.reach(self.force_noise) for z, c in self.calibration.items()}

    def judge(self, symbols: list[str], forces_std: FloatArray) -> Judgement:
        """Compare the calibrated errors b_i of all atoms with their thresholds.

        Parameters
        ----------
        forces_std
            Posterior standard deviations, eV/Å, (n, 3).
        """
        factors = {z: self._of(z).factor for z in set(symbols)}
        errors = np.array([factors[z] for z in symbols]) * self.raw_errors(forces_std)
        limits = self.limits(symbols)
        return Judgement(errors=errors, limits=limits, atom=int((errors / limits).argmax()))

    def limits(self, symbols: list[str]) -> FloatArray:
        """Return the threshold of every atom, eV/Å, shape (n,)."""
        of = {z: self._threshold(z) for z in set(symbols)}
        return np.array([of[z] for z in symbols])

    def _threshold(self, element: str) -> float:
        if self.is_strict:
            return self.target
        return self._of(element).threshold(self.target, self.force_noise)

    def raw_errors(self, forces_std: FloatArray) -> FloatArray:
        """Return s_i of every atom, eV/Å, shape (n,)."""
        return np.asarray(np.sqrt(np.mean(forces_std**2, axis=1) + self.force_noise**2))

    def _of(self, element: str) -> ElementCalibration:
        return self.calibration.get(element, ElementCalibration())

    def inside(
        self, symbols: list[str], difference: FloatArray, forces_std: FloatArray
    ) -> dict[str, tuple[int, int]]:
        """Return, by element, the force components in the 90 % interval, and their number.

        Parameters
        ----------
        difference, forces_std
            Predicted minus true forces, and posterior deviations, eV/Å, (n, 3).
        """
        s = self._component_errors(forces_std)
        return {
            element: (self._of(element).inside(difference[atoms], s[atoms]), 3 * len(atoms))
            for element, atoms in atoms_of(symbols).items()
        }

    def tested(
        self, symbols: list[str], difference: FloatArray, forces_std: FloatArray
    ) -> LearnerState:
        """Let a label test the calibration of each element; parameters as for `inside`."""
        s = self._component_errors(forces_std)
        now = {
            element: self._of(element).tested(difference[atoms], s[atoms])
            for element, atoms in atoms_of(symbols).items()
        }
        return replace(self, calibration={**self.calibration, **now})

    def _component_errors(self, forces_std: FloatArray) -> FloatArray:
        return np.asarray(np.sqrt(forces_std**2 + self.force_noise**2))

    def reached(self, symbols: list[str], forces_std: FloatArray) -> LearnerState:
        """Remember how sure the force field is of a structure that it has just learned."""
        size = np.sqrt(np.mean(forces_std**2, axis=1))
        now = {
            element: self._of(element).learned(float(size[atoms].max()))
            for element, atoms in atoms_of(symbols).items()
        }
        return replace(self, calibration={**self.calibration, **now})

    def distance_of(self, element: str) -> float:
        """Return the usual cosine distance of well-predicted atoms of an element."""
        known = self.usual_distance.get(element, ())
        return float(np.median(known)) if known else 0.0

    def nearest(
        self, symbols: list[str], environments: FloatArray, atoms: IntArray
    ) -> list[Neighbour | None]:
        """Return the nearest labelled environment of each of the given atoms."""
        found: list[Neighbour | None] = []
        for atom in atoms:
            store = self.environments.get(symbols[atom])
            if store is None or not store.labels:
                found.append(None)
                continue
            distance, index = store.nearest(environments[[atom]])
            k = int(index[0])
            found.append(
                Neighbour(label=store.labels[k], atom=store.atoms[k], distance=float(distance[0]))
            )
        return found

    def measured(
        self, symbols: list[str], environments: FloatArray, errors: FloatArray
    ) -> LearnerState:
        """Remember how far well-predicted atoms are from labelled ones, by element.

        Parameters
        ----------
        environments, errors
            Of a structure just labelled and not yet remembered: unit vectors (n, m), and force
            errors by atom, eV/Å, (n,).
        """
        usual, names = dict(self.usual_distance), np.array(symbols)
        for element, store in self.environments.items():
            good = np.flatnonzero((names == element) & (errors <= self.target))
            if len(good) and store.labels:
                distance, _ = store.nearest(environments[good])
                known = usual.get(element, ())
                usual[element] = (*known, float(np.median(distance)))[-HISTORY:]
        return replace(self, usual_distance=usual)

    def remembering(
        self,
        symbols: list[str],
        environments: FloatArray,
        label_id: int,
        counted: IntArray | None = None,
    ) -> LearnerState:
        """Add the environments of a labelled structure that are not in the stores yet.

        Parameters
        ----------
        counted
            Indices of these atoms in the structure; None where they are all.
        """
        stores = dict(self.environments)
        named = np.arange(len(symbols)) if counted is None else counted
        for element, atoms in atoms_of(symbols).items():
            store = stores.get(element, EnvironmentStore.empty(environments.shape[1]))
            spacing = STORE_SPACING * self.distance_of(element)
            stores[element] = store.extended(environments[atoms], label_id, named[atoms], spacing)
        return replace(self, environments=stores)


def atoms_of(symbols: list[str]) -> dict[str, IntArray]:
    """Return the atoms of each element, elements in alphabetical order."""
    names = np.array(symbols)
    return {element: np.flatnonzero(names == element) for element in sorted(set(symbols))}
