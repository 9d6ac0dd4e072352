"""Which pairs of atoms within reach are bonds: hysteresis, one partner per hydrogen, lone pairs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from aofl.chemistry.bonds import Bonds
from aofl.chemistry.limits import COVALENT, IONIC, IS_METAL, LimitTable
from aofl.records import FloatArray, IntArray

# With more covalent neighbours than this an atom has no electron pair left for a metal ion: the
# carbon of a carbonate, the phosphorus of PF6- and the hydrogen of water make no contact.
LONE_PAIRS_UP_TO = {
    1: 0, 5: 1, 6: 1, 7: 3, 8: 2, 9: 1, 14: 1, 15: 1, 16: 2, 17: 1, 34: 2, 35: 1, 52: 2, 53: 1
}  # fmt: skip
OWN_AGAIN = 0.9  # a hydrogen changes hands when the new bond is this much shorter, in limits


def settle(candidates: Bonds, table: LimitTable, previous: IntArray | None) -> Bonds:
    """Return the candidates that are bonds.

    Parameters
    ----------
    candidates
        All pairs below their breaking limit, sorted by (i, j, distance).
    previous
        Pairs (i, j) that were bonded in the frame before, one entry per image, shape (n, 2); None
        where nothing is known of the past.
    """
    numbers, (i, j) = candidates.numbers, candidates.pairs.T
    form, break_ = table.form[numbers[i], numbers[j]], table.break_[numbers[i], numbers[j]]
    if previous is None:
        old = np.zeros(len(i), dtype=bool)
        bonded = candidates.distances < 0.5 * (form + break_)
        bonded |= _stretched(candidates, bonded)
    else:
        old = _was_bonded(candidates, previous)
        bonded = old | (candidates.distances < form)
    reduced = candidates.distances / np.where(old, form / OWN_AGAIN, form)
    bonded &= _hydrogen_owned(candidates, bonded, reduced)
    bonds = candidates.where(bonded)
    return bonds.where(_has_lone_pair(bonds)) if (bonds.kinds == IONIC).any() else bonds


def _stretched(candidates: Bonds, bonded: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell which atoms that would be left alone are the ends of a stretched bond.

    Where nothing is known of the past, two atoms of H and O without any bond that are closer than
    their breaking limit are a hydroxide, a peroxide or H2 in the swing of a vibration: there are
    no oxide and hydride ions that are as close.
    """
    is_alone = candidates.where(bonded).coordination(COVALENT) == 0
    is_alone &= (candidates.numbers == 1) | (candidates.numbers == 8)
    i, j = candidates.pairs.T
    stretched: npt.NDArray[np.bool_] = is_alone[i] & is_alone[j] & (i != j)
    return stretched


def _was_bonded(candidates: Bonds, previous: IntArray) -> npt.NDArray[np.bool_]:
    """Tell which candidates continue a bond of the frame before.

    An image is not told by its shift, which changes when an atom is wrapped: of a pair that had n
    bonds, its n shortest candidates continue them.
    """
    n = len(candidates.numbers)
    keys = candidates.pairs @ np.array([n, 1])
    had = np.sort(previous @ np.array([n, 1]))
    n_had = np.searchsorted(had, keys, side="right") - np.searchsorted(had, keys)
    rank = np.arange(len(keys)) - np.searchsorted(keys, keys)
    continued: npt.NDArray[np.bool_] = rank < n_had
    return continued


def _hydrogen_owned(
    candidates: Bonds, bonded: npt.NDArray[np.bool_], reduced: FloatArray
) -> npt.NDArray[np.bool_]:
    """Give each hydrogen to one covalent partner, the nearest in units of the limit.

    A proton on its way is within the limit of both sides; without this rule donor and acceptor
    would be one molecule for a moment. Between fluorines it may be shared: HF2- is real.
    """
    rows = np.flatnonzero(bonded & (candidates.kinds == COVALENT))
    numbers = candidates.numbers[candidates.pairs[rows]]
    rows = rows[(numbers == 1).any(axis=1)]
    ends = candidates.pairs[rows]
    hydrogens = ends[candidates.numbers[ends] == 1]
    owned = np.ones(len(bonded), dtype=bool)
    if np.bincount(hydrogens, minlength=1).max() <= 1:
        return owned
    taken: dict[int, list[int]] = {}
    for row in rows[np.argsort(reduced[rows], kind="stable")].tolist():
        i, j = candidates.pairs[row].tolist()
        partners = ((i, int(candidates.numbers[j])), (j, int(candidates.numbers[i])))
        wanted = [(h, other) for h, other in partners if candidates.numbers[h] == 1]
        owned[row] = all(_has_room(taken.get(h, []), other) for h, other in wanted)
        for h, other in wanted if owned[row] else ():
            taken.setdefault(h, []).append(other)
    return owned


def _has_room(partners: list[int], other: int) -> bool:
    """Tell whether a hydrogen bonded to elements `partners` may take another: only F-H-F."""
    return not partners or (partners == [9] and other == 9)


def _has_lone_pair(bonds: Bonds) -> npt.NDArray[np.bool_]:
    """Tell which bonds stand: all but ionic contacts of a non-metal that has no lone pair."""
    coordination = bonds.coordination(COVALENT)
    limits = np.full(len(IS_METAL), 1)
    limits[list(LONE_PAIRS_UP_TO)] = list(LONE_PAIRS_UP_TO.values())
    can_donate = IS_METAL[bonds.numbers] | (coordination <= limits[bonds.numbers])
    stands: npt.NDArray[np.bool_] = (bonds.kinds != IONIC) | can_donate[bonds.pairs].all(axis=1)
    return stands
