"""How far two atoms may be apart to be bonded: limits per element pair, from radii.

Three kinds of pairs, told apart by their elements alone: two non-metals bond covalently, a metal
and a non-metal make an ionic contact, two metals a metallic one. Each kind has two limits: a pair
forms below the first and breaks above the second, so that a vibration is not a reaction.

Covalent limits are sums of covalent radii times a factor, but never reach the distance of two atoms
that are neighbours of a third: the sulfurs of S-N-S are 2.7 Å apart, 1.3 sums of their radii, and
no bond. Where a small atom bridges two large ones, the limits follow from that distance.

Covalent radii: B. Cordero et al., Dalton Trans. 2008, 2832, doi:10.1039/b801115j. Ionic radii
(six-fold coordination; hydride from the lattice constants of LiH to KH): R. D. Shannon, Acta
Cryst. A 32, 751 (1976), doi:10.1107/S0567739476001551.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from ase.data import atomic_numbers, chemical_symbols, covalent_radii, reference_states

from aofl.errors import ConfigError
from aofl.records import FloatArray

COVALENT, IONIC, METALLIC = 0, 1, 2

NON_METALS = frozenset(
    ["X", "H", "He", "B", "C", "N", "O", "F", "Ne", "Si", "P", "S", "Cl", "Ar", "Ge", "As", "Se"]
).union(["Br", "Kr", "Sb", "Te", "I", "Xe", "At", "Rn"])
N_ELEMENTS = len(chemical_symbols)
IS_METAL = np.array([symbol not in NON_METALS for symbol in chemical_symbols])

# Å. Anions below, cations above.
IONIC_RADII = {
    "Li": 0.76, "Na": 1.02, "K": 1.38, "Rb": 1.52, "Cs": 1.67,
    "Mg": 0.72, "Ca": 1.00, "Sr": 1.18, "Ba": 1.35, "Al": 0.535, "Zn": 0.74,
    "H": 1.40, "B": 1.60, "C": 1.60, "N": 1.46, "O": 1.40, "F": 1.33, "Si": 2.10, "P": 2.05,
    "S": 1.84, "Cl": 1.81, "Se": 1.98, "Br": 1.96, "Te": 2.21, "I": 2.20,
}  # fmt: skip

# The lightest bonds are longer than their radii say: H2 0.74 Å (0.62), F2 1.41 Å (1.14), HF2- 1.15
# (0.88). Across a ring with a double bond, as in vinylene carbonate, two carbons are 2.20 Å apart.
EXCEPTIONS = (
    ("H", "H", 0.95, 1.25),
    ("F", "F", 1.60, 1.85),
    ("H", "O", 1.20, 1.45),
    ("F", "H", 1.30, 1.55),
    ("C", "C", 1.80, 2.21),
)

# Å: the shortest distances of two atoms that share a neighbour but no bond, and where they occur;
# pairs whose limits in sums of radii stay well below need none.
SECOND_NEIGHBOURS = (
    ("S", "S", 2.70),  # S-N-S of imides; S-S is 2.05, dithionite 2.39
    ("P", "P", 2.90),  # P-O-P of diphosphates, P-N-P; P-P is 2.21
    ("Si", "Si", 3.00),  # Si-N-Si, Si-O-Si; Si-Si is 2.35
    ("P", "S", 2.75),  # P-N-S, P-O-S; P-S is 2.1
    ("P", "Si", 2.90),  # P-O-Si of silyl phosphates; P-Si is 2.25
    ("S", "Si", 2.80),  # S-O-Si; S-Si is 2.15
    ("B", "B", 2.35),  # B-O-B of boroxines; B-B is 1.7
    ("B", "C", 2.30),  # B-O-C of oxalatoborates; B-C is 1.6
    ("B", "P", 2.55),  # B-O-P; B-P is 1.9
    ("B", "S", 2.55),  # B-O-S; B-S is 1.8
    ("B", "Si", 2.65),  # B-O-Si of silyl borates; B-Si is 2.0
    ("C", "P", 2.60),  # C-O-P of phosphates; C-P is 1.85
    ("C", "S", 2.55),  # C-O-S of sulfates and sulfites, thiophene; C-S is 1.8
    ("C", "Si", 2.62),  # C-O-Si of silyl ethers; C-Si is 1.87
    ("Cl", "Cl", 2.89),  # CCl4; Cl2 is 1.99
    ("Cl", "P", 2.95),  # Cl-C-P; Cl-P is 2.0
    ("Cl", "S", 2.90),  # Cl-C-S; Cl-S is 2.0
    ("Cl", "Si", 3.00),  # Cl-C-Si; Cl-Si is 2.05
    ("Br", "Br", 3.12),  # CBr4; Br2 is 2.28, Br3- 2.55
    ("I", "I", 3.55),  # CI4; I2 is 2.67, I3- 2.92
    ("Br", "Cl", 3.00),  # CBrCl3; BrCl is 2.14
    ("Cl", "I", 3.20),  # C(Cl)I; ICl is 2.32
    ("Br", "I", 3.32),  # C(Br)I; IBr is 2.47
)
# Of those distances, which shake by 0.07 Å at 400 K: a first frame, with its limit halfway, stays
# 4 of these below the distance, and the bonds of the table are an eighth shorter than form at all.
FORMS_WITHIN, BREAKS_WITHIN = 0.85, 0.93

# Gases of atoms: in a dense one they are nearer than 1.5 sums of their radii (Ar 2.1 Å).
BOND_TO_NOTHING = ("He", "Ne", "Ar")
NOWHERE = 0.1  # Å: nearer than two atoms come

# Metallic contacts, in nearest-neighbour distances of the element's own lattice: in bcc the six
# second neighbours (1.155) belong to the first minimum of g(r); the next shells are at 1.63 (bcc)
# and 1.41 (close packed).
METALLIC_FACTORS = {"bcc": (1.33, 1.40), "fcc": (1.20, 1.28), "hcp": (1.20, 1.28)}
BULK_COORDINATION = {"bcc": 14, "fcc": 12, "hcp": 12}


@dataclass(frozen=True, slots=True, kw_only=True)
class PairLimits:
    """Limits of one element pair in place of the defaults: `form` <= `break_`, Å."""

    elements: tuple[str, str]
    form: float
    break_: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChemistrySettings:
    """What counts as bonded.

    Attributes
    ----------
    covalent_form, covalent_break
        In sums of covalent radii; `SECOND_NEIGHBOURS` may set lower limits.
    ionic_form, ionic_break
        In sums of ionic radii.
    limits
        Limits of single element pairs, which go before everything else.
    """

    covalent_form: float = 1.25
    covalent_break: float = 1.50
    ionic_form: float = 1.30
    ionic_break: float = 1.45
    limits: tuple[PairLimits, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitTable:
    """Limits by atomic numbers, Å: `form[z1, z2]`, `break_[z1, z2]`, symmetric."""

    form: FloatArray
    break_: FloatArray


KINDS: npt.NDArray[np.int8] = (IS_METAL[:, None].astype(np.int8) + IS_METAL[None, :]).astype(
    np.int8
)  # 0 covalent, 1 ionic, 2 metallic


@lru_cache(maxsize=16)
def limit_table(settings: ChemistrySettings) -> LimitTable:
    """Return the limits of all element pairs.

    Raises
    ------
    ConfigError
        If a pair names an unknown element or breaks below the distance at which it forms.
    """
    covalent = _sums(np.asarray(covalent_radii[:N_ELEMENTS], dtype=np.float64))
    ionic, metallic = _ionic_sums(covalent), _metallic_limits()
    kinds = (KINDS == COVALENT, KINDS == IONIC, KINDS == METALLIC)
    form = np.select(
        kinds, (settings.covalent_form * covalent, settings.ionic_form * ionic, metallic[0])
    )
    break_ = np.select(
        kinds, (settings.covalent_break * covalent, settings.ionic_break * ionic, metallic[1])
    )
    _keep_apart(form, break_)
    for z in (atomic_numbers[symbol] for symbol in BOND_TO_NOTHING):
        form[z, :] = form[:, z] = break_[z, :] = break_[:, z] = NOWHERE
    known = [PairLimits(elements=(a, b), form=f, break_=d) for a, b, f, d in EXCEPTIONS]
    for pair in (*known, *settings.limits):
        i, j = _indices(pair)
        form[i, j] = form[j, i] = pair.form
        break_[i, j] = break_[j, i] = pair.break_
    return LimitTable(form=form, break_=break_)


def bulk_coordination(number: int) -> int:
    """Return how many metal neighbours an atom has inside its metal: 14 in bcc, else 12."""
    return BULK_COORDINATION.get(_lattice(number), 12)


def _sums(radii: FloatArray) -> FloatArray:
    sums: FloatArray = radii[:, None] + radii[None, :]
    return sums


def _keep_apart(form: FloatArray, break_: FloatArray) -> None:
    """Lower the limits of pairs, in place, that would bond atoms with a neighbour in common."""
    for first, second, distance in SECOND_NEIGHBOURS:
        i, j = atomic_numbers[first], atomic_numbers[second]
        form[i, j] = form[j, i] = min(form[i, j], FORMS_WITHIN * distance)
        break_[i, j] = break_[j, i] = min(break_[i, j], BREAKS_WITHIN * distance)


def _ionic_sums(covalent: FloatArray) -> FloatArray:
    """Add ionic radii, Å; where one is not tabulated, take 1.05 sums of covalent radii."""
    radii = np.array([IONIC_RADII.get(symbol, np.nan) for symbol in chemical_symbols])
    sums = _sums(radii)
    return np.where(np.isfinite(sums), sums, 1.05 * covalent)


def _metallic_limits() -> tuple[FloatArray, FloatArray]:
    """Return both limits of metallic contacts, Å: means of those of the two elements."""
    own = np.array([_metallic_limit(z) for z in range(N_ELEMENTS)])
    form, break_ = 0.5 * _sums(own[:, 0]), 0.5 * _sums(own[:, 1])
    return form, break_


def _metallic_limit(number: int) -> tuple[float, float]:
    lattice = _lattice(number)
    if lattice not in METALLIC_FACTORS:
        distance = 2.0 * float(covalent_radii[number])
        return 1.25 * distance, 1.35 * distance
    a = _lattice_constant(number)
    nearest = {"bcc": np.sqrt(3) / 2 * a, "fcc": a / np.sqrt(2), "hcp": a}[lattice]
    form, break_ = METALLIC_FACTORS[lattice]
    return form * nearest, break_ * nearest


def _lattice(number: int) -> str:
    state: Mapping[str, Any] | None = reference_states[number]
    return str(state["symmetry"]) if state and "a" in state else ""


def _lattice_constant(number: int) -> float:
    state: Any = reference_states[number]
    return float(state["a"])


def _indices(pair: PairLimits) -> tuple[int, int]:
    for element in pair.elements:
        if element not in atomic_numbers:
            raise ConfigError(
                f"a bond limit names {element!r}, which is no element; give a symbol such as Na"
            )
    if not 0.0 < pair.form <= pair.break_:
        raise ConfigError(
            f"the bond {'-'.join(pair.elements)} forms below {pair.form:g} Å and breaks above "
            f"{pair.break_:g} Å; the second must be at least the first, and both positive"
        )
    return atomic_numbers[pair.elements[0]], atomic_numbers[pair.elements[1]]
