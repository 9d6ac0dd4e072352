"""What the learning rule remembers between steps: calibration, threshold, audits, known atoms.

Plain numbers that go through JSON, plus the bank of labelled environments, which is rebuilt from
the labels. The thresholds set themselves here:

    c   calibration factor from the last labels (`aofl.bayes.calibration`)
    s_i = sqrt(u_i^2 + sigma_F^2)      u_i: rms over x, y, z of the posterior standard deviation
    b   = c max_i s_i                  calibrated largest force error of a structure
    b_0 = c sqrt(<u^2> + sigma_F^2)    what labelling can reach, u: after the last labels
    threshold = max(target, 1.2 b_0)   an unreachable target must not label every step
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from aofl.bayes.calibration import calibration_factor
from aofl.records import FloatArray, IntArray, Neighbour

FLOOR_FACTOR = 1.2
HISTORY = 10
BANK_SIZE = 2000  # environments per element
BANK_SPACING = 0.3  # in units of the usual distance between well-predicted atoms


@dataclass(slots=True)
class Bank:
    """Labelled environments of one element: unit vectors (k, m) and where they came from."""

    vectors: FloatArray
    labels: list[int] = field(default_factory=list)
    atoms: list[int] = field(default_factory=list)

    def nearest(self, environments: FloatArray) -> tuple[FloatArray, IntArray]:
        """Return cosine distance to and index of the nearest entry for each row (k, m)."""
        if len(self.labels) == 0:
            return np.full(len(environments), np.inf), np.full(len(environments), -1)
        similarity = environments @ self.vectors.T
        index = similarity.argmax(axis=1)
        return 1.0 - similarity[np.arange(len(index)), index], index


@dataclass(slots=True)
class Memory:
    """The state of the rule. Everything but `banks` is saved as JSON (`to_json`)."""

    target: float
    ratios: list[float] = field(default_factory=list)
    reached_std: list[float] = field(default_factory=list)
    usual_distance: dict[str, list[float]] = field(default_factory=dict)
    seen_energies_std: list[float] = field(default_factory=list)
    last_label_step: int = -1
    audit_gap: int = 1
    hold_until: int = -1
    failures: int = 0
    n_labels: int = 0
    n_skips: int = 0
    n_audits: int = 0
    n_rewinds: int = 0
    n_failed: int = 0
    force_noise: float = 0.0
    banks: dict[str, Bank] = field(default_factory=dict)

    @property
    def factor(self) -> float:
        """The calibration factor c."""
        return calibration_factor(self.ratios)

    @property
    def threshold(self) -> float:
        """The calibrated error above which a label is asked for, eV/Å."""
        recent = self.reached_std[-HISTORY:]
        if not recent:
            return self.target
        reached = math.sqrt(sum(u * u for u in recent) / len(recent) + self.force_noise**2)
        return max(self.target, FLOOR_FACTOR * self.factor * reached)

    def calibrated_errors(self, forces_std: FloatArray) -> FloatArray:
        """Return c s_i of every atom, eV/Å, from standard deviations (n, 3)."""
        return np.asarray(self.factor * self.raw_errors(forces_std))

    def raw_errors(self, forces_std: FloatArray) -> FloatArray:
        """Return s_i of every atom, eV/Å, shape (n,)."""
        return np.asarray(np.sqrt(np.mean(forces_std**2, axis=1) + self.force_noise**2))

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
            bank = self.banks.setdefault(element, Bank(np.empty((0, environments.shape[1]))))
            distance, _ = bank.nearest(environments[chosen])
            spacing = BANK_SPACING * self.distance_of(element)
            new = chosen[distance > spacing][: max(0, BANK_SIZE - len(bank.labels))]
            bank.vectors = np.concatenate([bank.vectors, environments[new]])
            bank.labels += [label_id] * len(new)
            bank.atoms += [int(k) for k in new]

    def to_json(self) -> dict[str, object]:
        """Return everything but the banks as JSON values."""
        names = [name for name in self.__slots__ if name != "banks"]
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_json(cls, state: dict[str, object]) -> Memory:
        """Return the memory that `to_json` described; the banks are empty."""
        return cls(**state)  # type: ignore[arg-type]
