"""What was asked for and what a built structure has, as data for files and screens."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

from aofl.system.build import System
from aofl.system.checks import Contacts, contacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One quantity.

    Attributes
    ----------
    name
        What it is of, such as the name of a salt.
    asked, got
        In `unit`; None where nothing was asked for.
    unit
        Of the two numbers.
    count
        Whole molecules, where they are counted.
    """

    name: str
    asked: float | None
    got: float
    unit: str
    count: int | None = None


def lines(system: System) -> list[Line]:
    """Return amounts, density and least distances, asked for and got; empty for a file."""
    if system.packed is None or system.composition is None:
        return []
    composition = system.composition
    found = [
        Line(name=one.name, asked=one.asked, got=one.got, unit=one.unit, count=one.count)
        for one in composition.amounts
    ]
    density = composition.density
    found.append(Line(name="density", asked=composition.density_asked, got=density, unit="g/cm^3"))
    asked = system.min_distance
    for name, got in _distances(system.packed.contacts).items():
        found.append(Line(name=f"packed: {name}", asked=asked, got=got, unit="Å"))
    if system.is_equilibrated:
        now = contacts(system.atoms, system.packed.molecule_of)
        for name, got in _distances(now).items():
            found.append(Line(name=f"start: {name}", asked=None, got=got, unit="Å"))
    return found


def to_json(system: System) -> dict[str, Any]:
    """Return the whole summary as plain data."""
    atoms = system.atoms
    frozen = {int(i) for constraint in atoms.constraints for i in constraint.get_indices()}
    return {
        "formula": str(atoms.symbols),
        "n_atoms": len(atoms),
        "cell_A": [float(length) for length in atoms.cell.lengths()],
        "n_frozen": len(frozen),
        "quantities": [
            {
                "name": line.name,
                "count": line.count,
                "asked": line.asked,
                "got": line.got,
                "unit": line.unit,
            }
            for line in lines(system)
        ],
    }


def _distances(found: Contacts) -> dict[str, float]:
    values = {
        "two molecules": found.molecules,
        "to electrode": found.electrode,
        "to own image": found.own_image,
    }
    return {name: value for name, value in values.items() if isfinite(value)}
