"""The measured data: which substances, their structures, enthalpies and sources, from one file.

`measured.toml` holds the numbers, each with the sources they stand in. A substance is a solid, a
molecule or a free atom; reactions connect them (`aofl.thermochemistry.reactions`).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from ase import Atoms
from ase.formula import Formula
from ase.spacegroup import crystal

from aofl.plain import from_plain

Phase = Literal["solid", "molecule", "atom"]
CUBIC = 195  # the first cubic space group


@dataclass(frozen=True, slots=True, kw_only=True)
class Substance:
    """A substance and what was measured of it.

    Attributes
    ----------
    name
        Formula, with (g) for a free atom.
    enthalpy, uncertainty
        Of formation at 298.15 K and 1 bar, kJ/mol.
    sources
        Names in `Measured.sources`.
    multiplicity
        2S + 1.
    entropy
        Of a solid at 298.15 K, J/(mol K).
    internal_modes
        Wave numbers of the vibrations within the ions of a solid, 1/cm.
    zero_point, increment
        Zero-point energy and H(298.15 K) - H(0) of a molecule or atom, kJ/mol.
    space_group, setting, cell, sites
        Of a crystal, as `ase.spacegroup.crystal` takes them; Å and degrees.
    is_metal
        Whether its energy converges slowly with the number of k-points.
    bulk_modulus
        GPa.
    bond
        Equilibrium distance of the first two atoms of a molecule, Å.
    positions
        Element and Cartesian coordinates of the atoms of a molecule, Å.
    note
        What is to be known of the structure.
    """

    name: str
    phase: Phase
    enthalpy: float
    uncertainty: float
    sources: tuple[str, ...]
    multiplicity: int = 1
    entropy: float | None = None
    internal_modes: tuple[float, ...] = ()
    zero_point: float = 0.0
    increment: float | None = None
    space_group: int | None = None
    setting: int = 1
    cell: tuple[float, float, float, float, float, float] | None = None
    sites: tuple[tuple[str, float, float, float], ...] = ()
    is_metal: bool = False
    bulk_modulus: float | None = None
    bond: float | None = None
    positions: tuple[tuple[str, float, float, float], ...] = ()
    note: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """How many atoms of each element a formula unit has."""
        return dict(Formula(self.name.removesuffix("(g)")).count())

    @property
    def n_atoms(self) -> int:
        """Atoms of a formula unit."""
        return sum(self.counts.values())

    @property
    def is_cubic(self) -> bool:
        """Whether one length says what the crystal is: no site of ours is free in a cubic one."""
        return self.space_group is not None and self.space_group >= CUBIC


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All that was measured: substances by name, sources by name, and reactions as they stand.

    `of_metals` are reactions in which M is to be replaced by each of `metals`.
    """

    substances: dict[str, Substance]
    sources: dict[str, str]
    of_metals: tuple[str, ...]
    of_molecules: tuple[str, ...]
    metals: tuple[str, ...]


@cache
def read_measured() -> Measured:
    """Return the data that come with the package."""
    text = files("aofl.thermochemistry").joinpath("measured.toml").read_text(encoding="utf-8")
    return measured_from(tomllib.loads(text))


def measured_from(data: dict[str, Any]) -> Measured:
    """Return measured data from the mapping that the file holds.

    Raises
    ------
    TypeError
        If a key is unknown or a value has another type.
    ValueError
        If a substance names a source that is not listed.
    """
    ions = data["ions"]
    substances = {}
    for phase in ("solid", "molecule", "atom"):
        for entry in data[phase]:
            modes = ions[entry["ion"]] if "ion" in entry else []
            rest = {key: value for key, value in entry.items() if key != "ion"}
            one = from_plain(Substance, {**rest, "phase": phase, "internal_modes": modes})
            substances[one.name] = one
    for one in substances.values():
        if missing := set(one.sources) - data["sources"].keys():
            raise ValueError(f"{one.name} names sources that are not listed: {sorted(missing)}")
    reactions = data["reactions"]
    return Measured(
        substances=substances,
        sources=data["sources"],
        of_metals=tuple(reactions["of_metals"]),
        of_molecules=tuple(reactions["of_molecules"]),
        metals=tuple(reactions["metals"]),
    )


def structure_of(substance: Substance) -> Atoms:
    """Return the measured structure: the primitive cell of a crystal, an open molecule or atom."""
    if substance.phase == "solid":
        primitive: Atoms = crystal(
            [site[0] for site in substance.sites],
            [site[1:] for site in substance.sites],
            spacegroup=substance.space_group,
            setting=substance.setting,
            cellpar=substance.cell,
            primitive_cell=True,
            onduplicates="error",
        )
        return primitive
    if substance.phase == "atom":
        return Atoms(substance.name.removesuffix("(g)"))
    return Atoms(
        [place[0] for place in substance.positions],
        positions=[place[1:] for place in substance.positions],
    )
