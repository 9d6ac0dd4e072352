"""What the learning rule remembers between steps.

Plain numbers that go through JSON (calibration by element, audits, reactions, budget), plus the
banks of labelled environments, which are rebuilt from the labels. The calibrated error of atom i
of element z, and how it compares with its threshold:

    s_i = sqrt(u_i^2 + sigma_F^2)   u_i: rms over x, y, z of the posterior standard deviation
    b_i = c_z s_i                   calibrated force error; c_z and threshold_z in `element_calibration`
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from aofl.learning.element_calibration import HISTORY, ElementCalibration
from aofl.learning.environment_store import EnvironmentStore
from aofl.learning.rules.reaction_watch import ReactionWatch
from aofl.plain import from_plain
from aofl.records import FloatArray, IntArray, Neighbour

FIRST_AUDIT_GAP = 16  # steps
TRUSTED = 10  # labels before a force field may skip a call or doubt a label, or surprise
BANK_SPACING = 0.3  # in units of the usual distance between well-predicted atoms


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


@dataclass(slots=True)
class LearnerState:
    """The state of the rules. Everything but `banks` is saved as JSON (`to_json`).

    Attributes
    ----------
    audit_surprises
        Whether the largest error exceeded the calibrated one, for each of the last audits.
    label_steps
        Steps of the last labels, for the rate budget.
    last_doubt_step
        Step of the last label that was no audit, or was one and held a surprise.
    n_labels, n_asked
        Labels learned, and labels asked for; audits of a frozen force field are not learned.
    n_unsure
        Looks in a row at which a frozen force field was unsure (`production`).
    reference_seconds
        Spent on labels so far.
    refused_at
        The step that was refused last, by a guard or as far outside.
    surprised_at, n_surprises
        Step of the last label that undid the steps before it (`surprise`), and how many did.
    energy_shift
        Sum of the jumps of the energy at updates, eV: predictions minus it are continuous.
    vasp_threshold, vasp_history
        Of the rule `vasp_like`: its threshold, and the errors after the last labels, eV/Å.
    """

    target: float
    trust: dict[str, ElementCalibration] = field(default_factory=dict)
    usual_distance: dict[str, list[float]] = field(default_factory=dict)
    seen_energies_std: list[float] = field(default_factory=list)
    watch: ReactionWatch = field(default_factory=ReactionWatch)
    audit_surprises: list[bool] = field(default_factory=list)
    is_drifting: bool = False
    label_steps: list[int] = field(default_factory=list)
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
    vasp_history: list[float] = field(default_factory=list)
    banks: dict[str, EnvironmentStore] = field(default_factory=dict)

    @property
    def threshold(self) -> float:
        """The largest threshold of an element, eV/Å; the target before the first label."""
        found = [part.threshold(self.target, self.force_noise) for part in self.trust.values()]
        return max(found, default=self.target)

    def judge(self, symbols: list[str], forces_std: FloatArray) -> Judgement:
        """Compare the calibrated errors of all atoms with their thresholds.

        Parameters
        ----------
        forces_std
            Posterior standard deviations, eV/Å, (n, 3).
        """
        factors = {z: self.trust.get(z, ElementCalibration()).factor for z in set(symbols)}
        errors = np.array([factors[z] for z in symbols]) * self.raw_errors(forces_std)
        limits = self.limits(symbols)
        return Judgement(errors=errors, limits=limits, atom=int((errors / limits).argmax()))

    def limits(self, symbols: list[str]) -> FloatArray:
        """Return the threshold of every atom, eV/Å, shape (n,)."""
        of = {
            z: self.trust.get(z, ElementCalibration()).threshold(self.target, self.force_noise)
            for z in set(symbols)
        }
        return np.array([of[z] for z in symbols])

    def raw_errors(self, forces_std: FloatArray) -> FloatArray:
        """Return s_i of every atom, eV/Å, shape (n,)."""
        return np.asarray(np.sqrt(np.mean(forces_std**2, axis=1) + self.force_noise**2))

    def note_errors(
        self, symbols: list[str], difference: FloatArray, forces_std: FloatArray
    ) -> dict[str, tuple[int, int]]:
        """Let a label test the calibration of each element, before it is learned.

        Returns
        -------
        dict
            Element to force components inside the 90 % interval, and their number.

        Parameters
        ----------
        difference, forces_std
            Predicted minus true forces, and posterior deviations, eV/Å, (n, 3).
        """
        names, s = np.array(symbols), np.sqrt(forces_std**2 + self.force_noise**2)
        return {
            element: self.trust.setdefault(element, ElementCalibration()).note_errors(
                difference[names == element], s[names == element]
            )
            for element in sorted(set(symbols))
        }

    def note_reached(self, symbols: list[str], forces_std: FloatArray) -> None:
        """Remember how sure the force field is of a structure that it has just learned."""
        names, size = np.array(symbols), np.sqrt(np.mean(forces_std**2, axis=1))
        for element in sorted(set(symbols)):
            largest = float(size[names == element].max())
            self.trust.setdefault(element, ElementCalibration()).note_reached(largest)

    def distance_of(self, element: str) -> float:
        """Return the usual cosine distance of well-predicted atoms of an element."""
        known = self.usual_distance.get(element, [])
        return float(np.median(known)) if known else 0.0

    def nearest(
        self, symbols: list[str], environments: FloatArray, atoms: IntArray
    ) -> list[Neighbour | None]:
        """Return the nearest labelled environment of each of the given atoms."""
        found: list[Neighbour | None] = []
        for atom in atoms:
            bank = self.banks.get(symbols[atom])
            if bank is None or not bank.labels:
                found.append(None)
                continue
            distance, index = bank.nearest(environments[[atom]])
            k = int(index[0])
            found.append(
                Neighbour(label=bank.labels[k], atom=bank.atoms[k], distance=float(distance[0]))
            )
        return found

    def note_distances(
        self, symbols: list[str], environments: FloatArray, errors: FloatArray
    ) -> None:
        """Remember how far well-predicted atoms are from labelled ones, by element.

        Parameters
        ----------
        environments, errors
            Of a structure just labelled and not yet remembered: unit vectors (n, m), and force
            errors by atom, eV/Å, (n,).
        """
        names = np.array(symbols)
        for element, bank in self.banks.items():
            good = np.flatnonzero((names == element) & (errors <= self.target))
            if len(good) and bank.labels:
                distance, _ = bank.nearest(environments[good])
                known = self.usual_distance.get(element, [])
                self.usual_distance[element] = [*known, float(np.median(distance))][-HISTORY:]

    def remember(self, symbols: list[str], environments: FloatArray, label_id: int) -> None:
        """Add the environments of a labelled structure that are not in the bank yet."""
        names = np.array(symbols)
        for element in sorted(set(symbols)):
            chosen = np.flatnonzero(names == element)
            bank = self.banks.setdefault(
                element, EnvironmentStore(np.empty((0, environments.shape[1])))
            )
            spacing = BANK_SPACING * self.distance_of(element)
            bank.add(environments[chosen], label_id, chosen, spacing)

    def to_json(self) -> dict[str, Any]:
        """Return everything but the banks as JSON values."""
        names = [name for name in self.__slots__ if name not in ("banks", "trust", "watch")]
        trust = {element: asdict(part) for element, part in self.trust.items()}
        state = {name: getattr(self, name) for name in names}
        return {**state, "trust": trust, "watch": self.watch.to_json()}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> LearnerState:
        """Return the memory that `to_json` described; the banks are empty."""
        return from_plain(cls, state)
