"""The verdict: how far a computed number may be from the measured one, in words.

| | right | rough | else |
|---|---|---|---|
| reaction, kJ/mol as it is written | 20 | 50 | wrong |
| atomisation, kJ/mol for each atom | 20 | 50 | wrong |
| lattice constant, bond length | 2 % | 5 % | wrong |
| bulk modulus | 20 % | 50 % | wrong |

20 kJ/mol (0.2 eV) is three times the thermal energy at 800 K, and more than what the corrections to
298 K, the tables and the cells leave open (5 kJ/mol together, as a rule). A reaction whose energy
changes by more than that from one cell to the next larger is unconverged, whatever its value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from scipy.optimize import linprog

from aofl.records import FloatArray
from aofl.thermochemistry.reactions import Reaction

Grade = Literal["right", "rough", "wrong", "unconverged"]
ENERGY = (20.0, 50.0)  # kJ/mol
LENGTH = (2.0, 5.0)  # %
BULK_MODULUS = (20.0, 50.0)  # %
TINY = 1e-6  # kJ/mol


def grade(error: float, limits: tuple[float, float]) -> Grade:
    """Return the word for an error; the limits are those of right and rough, in its unit."""
    right, rough = limits
    if abs(error) <= right:
        return "right"
    return "rough" if abs(error) <= rough else "wrong"


def grade_energy(error: float, cell_error: float, n_atoms: int = 1) -> Grade:
    """Return the word for an error of an energy, kJ/mol.

    Parameters
    ----------
    cell_error
        How much the energy changes from the smaller to the larger cell, kJ/mol.
    n_atoms
        What the error is divided by: the atoms of an atomisation, 1 for a reaction.
    """
    if cell_error / n_atoms > ENERGY[0]:
        return "unconverged"
    return grade(error / n_atoms, ENERGY)


def is_wrong_way(measured: float, computed: float) -> bool:
    """Return whether a reaction runs the other way, kJ/mol; one that is right never does."""
    return measured * computed < 0.0 and abs(computed - measured) > ENERGY[0]


def explanation(reactions: Sequence[Reaction], errors: Sequence[float]) -> dict[str, float]:
    """Return errors of few substances that explain the errors of all reactions.

    They keep |sum_s n_rs x_s - e_r| <= 20 kJ/mol for all reactions r. It begins with what has the
    smallest sum_s |x_s|; then substances are left out, those with the smallest error first, as long
    as the others can do without; the errors of the rest are a fit of least squares. A shift that
    belongs to an element, the same in all its substances, cancels in every reaction and is never
    seen.

    Parameters
    ----------
    errors
        Computed minus measured, kJ/mol, one for each reaction.

    Returns
    -------
    By name, largest first, kJ/mol for a formula unit; positive where it is not stable enough.
    """
    names = sorted({name for reaction in reactions for name in reaction.coefficients})
    n = np.array([[r.coefficients.get(name, 0.0) for name in names] for r in reactions])
    e = np.asarray(errors, dtype=np.float64)
    if not names or np.abs(e).max() <= ENERGY[0]:
        return {}
    x = _smallest(n, e)
    if x is None:  # errors that contradict each other: no energies of substances have them
        return {}
    kept = [s for s in np.argsort(-np.abs(x)) if abs(x[s]) > TINY]
    for s in kept[::-1]:
        others = [other for other in kept if other != s]
        if others and _smallest(n[:, others], e) is not None:
            kept = others
    best = np.linalg.lstsq(n[:, kept], e, rcond=None)[0]
    told = {names[s]: float(v) for s, v in zip(kept, best, strict=True)}
    return dict(sorted(told.items(), key=lambda item: -abs(item[1])))


def _smallest(n: FloatArray, e: FloatArray) -> FloatArray | None:
    """Return the x of smallest sum |x| with |n x - e| within what is right, None without one."""
    both = np.hstack([n, -n])  # x = x_plus - x_minus, neither of them negative
    found = linprog(
        np.ones(both.shape[1]),
        A_ub=np.vstack([both, -both]),
        b_ub=np.concatenate([e + ENERGY[0], ENERGY[0] - e]),
        method="highs",
    )
    if not found.success:
        return None
    half = n.shape[1]
    x: FloatArray = found.x[:half] - found.x[half:]
    return x


def words(
    reactions: Sequence[Mapping[str, object]],
    lengths: Sequence[Mapping[str, object]],
    explained: Mapping[str, float],
    failed: Sequence[str],
) -> list[str]:
    """Return the verdict in sentences.

    Parameters
    ----------
    reactions
        With `reaction`, `grade` and `wrong_way`.
    lengths
        Lattice constants and bonds, with `name`, `grade` and `error_percent`.
    explained
        As `explanation` returns it.
    failed
        Substances without an energy.
    """
    told = [_of_reactions(reactions)] if reactions else ["no reaction could be computed"]
    wrong_way = [str(r["reaction"]) for r in reactions if r["wrong_way"]]
    if wrong_way:
        told.append(f"these run the wrong way: {'; '.join(wrong_way)}")
    if explained:
        parts = [
            f"{name} {abs(error):.0f} kJ/mol {'not stable enough' if error > 0 else 'too stable'}"
            for name, error in explained.items()
        ]
        told.append(f"what explains the errors with least: {', '.join(parts)}")
    off = [
        f"{one['name']} {one['error_percent']:+.1f} %" for one in lengths if one["grade"] == "wrong"
    ]
    if off:
        told.append(f"lengths that are wrong: {', '.join(off)}")
    elif lengths:
        told.append("no lattice constant or bond is wrong by more than 5 %")
    if failed:
        told.append(f"without a result: {', '.join(failed)}")
    return told


def _of_reactions(reactions: Sequence[Mapping[str, object]]) -> str:
    counts = {
        word: sum(r["grade"] == word for r in reactions)
        for word in ("right", "rough", "wrong", "unconverged")
    }
    parts = [f"{n} {word}" for word, n in counts.items() if n]
    if counts["right"] == len(reactions):
        return f"right for this chemistry: all of {len(reactions)} reactions are within 20 kJ/mol"
    if counts["wrong"] or counts["unconverged"]:
        return (
            f"not right for all of this chemistry: of {len(reactions)} reactions {', '.join(parts)}"
        )
    return f"roughly right for this chemistry: of {len(reactions)} reactions {', '.join(parts)}"
