"""Whether energies and stresses are in one unit with the forces: a fit to the forces decides.

A small force field that learns nothing but forces says how the energy changes from frame to frame
and what the stress is, in the unit of the forces and with their sign. So the slope of what is
given over what it says,

    s = sum_k (x_k - <x>) (y_k - <y>) / sum_k (x_k - <x>)^2,    x_k said, y_k given,

over frames of one composition and volume is one where the units are those of the forces, 1/27.2
for energies in Hartree, 160 for stresses in GPa and -1 for those of the other sign. It is
believed where the two are correlated. Up to half of the frames may be wrong: the sum runs over
those near the line that the best half of them has (least median of squares).

References: P. J. Rousseeuw, J. Am. Stat. Assoc. 79, 871 (1984), doi:10.1080/01621459.1984.10477105.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from ase.units import Bohr, GPa, Hartree, kcal, kJ, mol

from aofl.ace.basis import ACCURACIES
from aofl.forcefield.model import ForceField
from aofl.forcefield.train import structure
from aofl.records import FloatArray, LabelledStructure, Prediction

FEWEST = 8  # frames of one composition and volume
MOST_ATOMS = 1500  # to learn the forces of
SAME_VOLUME = 0.02
CORRELATED = 0.8
LEAST, LARGEST = 0.6, 1.6  # slope; both units atomic and lengths in Å make 1.89
NEAR = 0.15  # of the logarithm, for the name of a factor
MIXTURES = 3  # of elements, where there are more: a small basis will do
MOST_LINES = 500  # tried for the best half
ROUNDING = 1e-9
WIDE = 6.0  # robust standard deviations: farther frames are not of the line

RYDBERG = Hartree / 2
# (y/x given over said) and what it is
ENERGY_FACTORS: Mapping[str, float] = {
    "energies in Hartree": 1 / Hartree,
    "energies in Rydberg": 1 / RYDBERG,
    "energies in kcal/mol": mol / kcal,
    "energies in kJ/mol": mol / kJ,
    "energies in meV": 1e3,
    "forces in Hartree/Bohr": Hartree / Bohr,
    "forces in Rydberg/Bohr": RYDBERG / Bohr,
    "forces in kcal/mol/Å": kcal / mol,
    "forces in kJ/mol/Å": kJ / mol,
    "energies and forces in atomic units, positions in Å": 1 / Bohr,
    "positions in Bohr": Bohr,
    "gradients in place of forces, which have the opposite sign": -1.0,
    "gradients in Hartree/Bohr in place of forces": -Hartree / Bohr,
}
STRESS_FACTORS: Mapping[str, float] = {
    "the opposite sign, that of a pressure": -1.0,
    "GPa": 1 / GPa,
    "GPa with the opposite sign": -1 / GPa,
    "kbar": 10 / GPa,
    "kbar with the opposite sign, as VASP prints it": -10 / GPa,
    "bar": 1e4 / GPa,
    "bar with the opposite sign": -1e4 / GPa,
    "Hartree/Bohr^3": Bohr**3 / Hartree,
    "Hartree/Bohr^3 with the opposite sign": -(Bohr**3) / Hartree,
    "Rydberg/Bohr^3": Bohr**3 / RYDBERG,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is given, as a line over what is said.

    Attributes
    ----------
    slope, correlation
        Over the frames that are near the line.
    n_labels
        How many labels were compared.
    """

    slope: float
    correlation: float
    n_labels: int

    @property
    def is_certain(self) -> bool:
        """Whether the slope says anything."""
        return abs(self.correlation) >= CORRELATED

    @property
    def is_one(self) -> bool:
        """Whether both sides have one unit and one sign."""
        return LEAST <= self.slope <= LARGEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistency:
    """Energies and stresses against the forces; None where there is too little to compare.

    Attributes
    ----------
    energy_spread
        Largest range of the energies of one composition and volume, eV per atom.
    energy_errors
        How far energies are from what the forces say, seen from the other labels of the same
        composition and volume, eV, by index of the label; empty where nothing is certain.
    """

    energy: Line | None = None
    stress: Line | None = None
    energy_spread: float = 0.0
    energy_errors: Mapping[int, float] = field(default_factory=dict)


def consistency(labels: Sequence[LabelledStructure]) -> Consistency:
    """Return how energies and stresses of labels go with their forces."""
    groups = _groups(labels)
    if not groups:
        return Consistency()
    said = _said_by_forces(labels, [k for group in groups for k in group])
    energy, errors = _of_energies(labels, said, groups)
    return Consistency(
        energy=energy,
        stress=_of_stresses(labels, said, groups),
        energy_spread=max(float(np.ptp(_per_atom(labels, group))) for group in groups),
        energy_errors=errors,
    )


def unit_of(slope: float, factors: Mapping[str, float]) -> str | None:
    """Return the name of the factor that a slope is near to, None if it is near to none."""
    near = [
        (abs(np.log(slope / factor)), name)
        for name, factor in factors.items()
        if slope * factor > 0
    ]
    distance, name = min(near, default=(np.inf, ""))
    return name if distance <= NEAR else None


def line(said: FloatArray, given: FloatArray) -> Line | None:
    """Return the line through points of which up to half may be wrong, shapes (n,).

    None where one side does not vary.
    """
    slope, offset = _best_half(said, given)
    distance = np.abs(given - offset - slope * said)
    # The lower median: the upper one may belong to the wrong half.
    median = np.sort(distance)[(len(said) - 1) // 2]
    near = distance <= WIDE * 1.4826 * median + ROUNDING * np.ptp(given)
    x, y = said[near] - said[near].mean(), given[near] - given[near].mean()
    if not (x @ x > 0 and y @ y > 0):
        return None
    correlation = float(x @ y / np.sqrt((x @ x) * (y @ y)))
    return Line(slope=float(x @ y / (x @ x)), correlation=correlation, n_labels=len(said))


def _groups(labels: Sequence[LabelledStructure]) -> list[list[int]]:
    """Return the whole labels of one composition and about one volume, where there are enough."""
    found: dict[tuple[bytes, int], list[int]] = defaultdict(list)
    for k, entry in enumerate(labels):
        if entry.label.core is not None:
            continue  # the forces of a cut-out that count say nothing of its energy
        size = abs(np.linalg.det(entry.cell)) if entry.pbc.all() else 1.0
        kind = np.sort(entry.numbers).tobytes() + entry.pbc.tobytes()
        found[kind, round(float(np.log(size)) / SAME_VOLUME)].append(k)
    return [group for group in found.values() if len(group) >= FEWEST]


def _said_by_forces(
    labels: Sequence[LabelledStructure], indices: Sequence[int]
) -> dict[int, Prediction]:
    """Return what a force field that learned forces alone says of labels, by index."""
    n_atoms = float(np.mean([len(labels[k].numbers) for k in indices]))
    n_learned = int(np.clip(MOST_ATOMS / n_atoms, FEWEST, len(indices)))
    chosen = [indices[k] for k in np.linspace(0, len(indices) - 1, n_learned).astype(int)]
    numbers = np.unique(np.concatenate([labels[k].numbers for k in indices]))
    mixtures = MIXTURES if len(numbers) > MIXTURES else 0
    settings = replace(ACCURACIES["fast"], l_max=2, n_mixtures=mixtures)
    force_field = ForceField([int(z) for z in numbers], settings=settings)
    for k in chosen:
        force_field.absorb(structure(labels[k]), labels[k].label, forces_only=True)
    force_field.renew()
    return {k: force_field.predict(structure(labels[k])) for k in indices}


def _of_energies(
    labels: Sequence[LabelledStructure],
    said: Mapping[int, Prediction],
    groups: Sequence[Sequence[int]],
) -> tuple[Line | None, dict[int, float]]:
    """Return the line of the largest group, and the distance of all groups from it."""
    pairs = []
    for group in groups:
        n_atoms = len(labels[group[0]].numbers)
        x = np.array([said[k].energy for k in group]) / n_atoms
        pairs.append((x, _per_atom(labels, group)))
    found = line(*max(pairs, key=lambda pair: len(pair[0])))
    errors: dict[int, float] = {}
    if found is not None and found.is_certain:
        for group, (x, y) in zip(groups, pairs, strict=True):
            rest = y - found.slope * x
            rest = rest - _middle_of_half(rest)[0]
            errors |= {
                k: float(value * len(labels[k].numbers))
                for k, value in zip(group, rest, strict=True)
            }
    return found, errors


def _per_atom(labels: Sequence[LabelledStructure], group: Sequence[int]) -> FloatArray:
    return np.array([labels[k].label.energy / len(labels[k].numbers) for k in group])


def _of_stresses(
    labels: Sequence[LabelledStructure],
    said: Mapping[int, Prediction],
    groups: Sequence[Sequence[int]],
) -> Line | None:
    """Return the line of all components of the stress without their medians in each group."""
    pairs = []
    for group in groups:
        chosen = [k for k in group if labels[k].label.stress is not None and labels[k].pbc.all()]
        if len(chosen) >= FEWEST:
            both = (
                np.array([said[k].stress for k in chosen]),
                np.array([labels[k].label.stress for k in chosen]),
            )
            pairs.append(np.array([values - np.median(values, axis=0) for values in both]))
    if not pairs:
        return None
    x, y = np.concatenate(pairs, axis=1)
    found = line(x.ravel(), y.ravel())
    return found and replace(found, n_labels=len(x))


def _best_half(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    """Return slope and offset of the line that has half of the points in the narrowest strip."""
    first, second = np.triu_indices(len(x), 1)
    apart = x[first] != x[second]
    first, second = first[apart], second[apart]
    tried = np.linspace(0, len(first) - 1, min(MOST_LINES, len(first))).astype(int)
    best = (0.0, *_middle_of_half(y))
    for i, j in zip(first[tried], second[tried], strict=True):
        slope = float((y[j] - y[i]) / (x[j] - x[i]))
        middle, width = _middle_of_half(y - slope * x)
        if width < best[2]:
            best = (slope, middle, width)
    return best[0], best[1]


def _middle_of_half(values: FloatArray) -> tuple[float, float]:
    """Return middle and width of the narrowest interval that has half of the values."""
    ordered = np.sort(values)
    half = max(1, len(values) // 2)
    widths = ordered[half - 1 :] - ordered[: len(values) - half + 1]
    k = int(np.argmin(widths))
    return float(ordered[k] + ordered[k + half - 1]) / 2, float(widths[k])
