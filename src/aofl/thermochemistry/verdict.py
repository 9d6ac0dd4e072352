"""The verdict: how far a computed number may be from the measured one, in words.

| | right | rough | else |
|---|---|---|---|
| reaction, kJ/mol as it is written | 20 | 50 | wrong |
| atomisation, kJ/mol for each atom | 20 | 50 | wrong |
| lattice constant, bond length | 2 % | 5 % | wrong |
| bulk modulus | 20 % | 50 % | wrong |

20 kJ/mol (0.2 eV) is three times the thermal energy at 800 K, and more than what the corrections to
298 K, the tables and the cells leave open (5 kJ/mol together, as a rule). A reaction whose energy
changes by more than that from one cell to the next larger is called unconverged, whatever its value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from scipy.optimize import linprog

from aofl.thermochemistry.reactions import Reaction

Grade = Literal["right", "rough", "wrong", "unconverged"]
ENERGY = (20.0, 50.0)  # kJ/mol
LENGTH = (2.0, 5.0)  # %
BULK_MODULUS = (20.0, 50.0)  # %
LEAST_TOLD = 5.0  # kJ/mol; smaller errors of a substance explain nothing


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
    """Return the smallest errors of single substances that explain the errors of reactions.

    They minimise sum_s |x_s| under |sum_s n_rs x_s - e_r| <= 20 kJ/mol for all reactions r: errors
    in few substances, where few explain all. A shift that belongs to an element, the same in all
    its substances, cancels in every reaction and is never seen.

    Parameters
    ----------
    errors
        Computed minus measured, kJ/mol, one for each reaction.

    Returns
    -------
    By name, largest first, kJ/mol for a formula unit; positive where it is not stable enough.
    """
    names = sorted({name for reaction in reactions for name in reaction.coefficients})
    if not names:
        return {}
    n = np.array([[r.coefficients.get(name, 0.0) for name in names] for r in reactions])
    e = np.asarray(errors)
    both = np.hstack([n, -n])  # x = x_plus - x_minus
    found = linprog(
        np.ones(2 * len(names)),
        A_ub=np.vstack([both, -both]),
        b_ub=np.concatenate([e + ENERGY[0], ENERGY[0] - e]),
        method="highs",
    )
    if not found.success:  # errors that contradict each other: no energies of substances have them
        return {}
    x = found.x[: len(names)] - found.x[len(names) :]
    told = {name: float(v) for name, v in zip(names, x, strict=True) if abs(v) >= LEAST_TOLD}
    return dict(sorted(told.items(), key=lambda item: -abs(item[1])))


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
