"""Reactions between the substances: which ones the elements at hand allow, and their enthalpies.

A reaction is its coefficients, products positive. Enthalpies add up (Hess): the measured one is the
sum of the enthalpies of formation, the computed one that of the energies of the substances.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction

from aofl.thermochemistry.measured import Measured, Substance


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """A reaction: how it is written, and the coefficient of each substance, products positive."""

    text: str
    coefficients: Mapping[str, float]

    def sum_of(self, values: Mapping[str, float]) -> float:
        """Return products minus reactants of a quantity that adds up.

        Raises
        ------
        KeyError
            If a substance has no value.
        """
        return sum(n * values[name] for name, n in self.coefficients.items())

    def uncertainty_of(self, values: Mapping[str, float]) -> float:
        """Return the uncertainty of the sum, those of the substances being independent."""
        return math.sqrt(sum((n * values[name]) ** 2 for name, n in self.coefficients.items()))


def reaction_of(text: str) -> Reaction:
    """Return the reaction that a text such as `2 Na + 1/2 O2 -> Na2O` says.

    Raises
    ------
    ValueError
        If it has no arrow, or a side has no substance.
    """
    left, arrow, right = text.partition("->")
    if not arrow:
        raise ValueError(f"{text!r} is no reaction: it has no arrow ->")
    coefficients: defaultdict[str, float] = defaultdict(float)
    for sign, side in ((-1.0, left), (1.0, right)):
        for term in side.split(" + "):
            *number, name = term.split()
            coefficients[name] += sign * float(Fraction(number[0]) if number else 1)
    return Reaction(text=text, coefficients=dict(coefficients))


def imbalance(reaction: Reaction, substances: Mapping[str, Substance]) -> dict[str, float]:
    """Return the elements that the two sides have not the same number of, and the difference."""
    total: defaultdict[str, float] = defaultdict(float)
    for name, n in reaction.coefficients.items():
        for element, count in substances[name].counts.items():
            total[element] += n * count
    return {element: n for element, n in total.items() if abs(n) > 1e-9}


def reactions_among(measured: Measured, elements: Collection[str]) -> list[Reaction]:
    """Return the reactions whose substances consist of these elements, in the order of the file."""
    metals = [metal for metal in measured.metals if metal in elements]
    texts = [
        *(_of_metal(text, metal) for metal in metals for text in measured.of_metals),
        *measured.of_molecules,
    ]
    known = {
        name for name, one in measured.substances.items() if one.counts.keys() <= set(elements)
    }
    reactions = [reaction_of(text) for text in texts]
    return [reaction for reaction in reactions if reaction.coefficients.keys() <= known]


def atomisation(substance: Substance) -> Reaction:
    """Return the reaction of a formula unit to free atoms: the cohesive energy of a solid."""
    atoms = {f"{element}(g)": float(count) for element, count in substance.counts.items()}
    sides = " + ".join(f"{n:g} {name}" if n > 1 else name for name, n in atoms.items())
    return Reaction(
        text=f"{substance.name} -> {sides}", coefficients={substance.name: -1.0, **atoms}
    )


def _of_metal(text: str, metal: str) -> str:
    """Return a reaction with M replaced by a metal; every formula that has it begins with it."""
    words = [metal + word[1:] if word.startswith("M") else word for word in text.split(" ")]
    return " ".join(words)
