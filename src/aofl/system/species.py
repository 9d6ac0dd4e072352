"""Molecules, ions and salts by name, from a file, or from a SMILES.

The geometries in `data/species.extxyz` are made by `tools/make_species.py`: embedded from SMILES
and relaxed with GFN1-xTB. Water has its experimental geometry (W. S. Benedict, N. Gailar,
E. K. Plyler, J. Chem. Phys. 24, 1139 (1956), doi:10.1063/1.1742731).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import Final

import ase.build
import ase.io
import numpy as np
from ase import Atoms
from ase.collections import g2
from ase.optimize import BFGS

from aofl.config import SpeciesConfig
from aofl.errors import ReferenceFailed, StructureError
from aofl.system.bonding import bonded_pairs
from aofl.system.engines import Engines, SumCalculator
from aofl.system.files import read_structure
from aofl.system.smiles import sketch
from aofl.system.volumes import (
    ANION_VOLUMES_A3,
    CATION_RADII_A,
    DENSITIES_G_PER_CM3,
    volume_of_density,
)

_WATER_BOND: Final = 0.9572  # Å
_WATER_ANGLE: Final = np.radians(104.52)
_ALIASES: Final = {
    "water": "H2O",
    "monoglyme": "DME",
    "G1": "DME",
    "G2": "diglyme",
    "G4": "tetraglyme",
    "MeCN": "acetonitrile",
    "ACN": "acetonitrile",
}
_SALT: Final = re.compile(
    r"(?P<cation>[A-Z][a-z]?)(?:\((?P<inner>\w+)\)(?P<count>2)|(?P<anion>\w+))"
)
_CATION: Final = re.compile(r"(?P<element>[A-Z][a-z]?)(?P<charge>\d?)\+")
_LARGEST_FORCE: Final = 0.02  # eV/Å
_RELAX_STEPS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Species:
    """One molecule or ion.

    Attributes
    ----------
    name
        As the user says it.
    atoms
        Geometry, without a cell.
    charge
        Total charge, e.
    volume
        Room it takes in a liquid, Å^3; None if that is not known.
    """

    name: str
    atoms: Atoms
    charge: int
    volume: float | None

    @property
    def mass(self) -> float:
        """Molar mass, g/mol."""
        return float(self.atoms.get_masses().sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What a user counts: a molecule, an ion, or the formula unit of a salt.

    Attributes
    ----------
    name
        As the user says it.
    parts
        Its molecules or ions, one entry each.
    """

    name: str
    parts: tuple[Species, ...]

    @property
    def mass(self) -> float:
        """Molar mass, g/mol."""
        return sum(part.mass for part in self.parts)

    @property
    def charge(self) -> int:
        """Total charge, e."""
        return sum(part.charge for part in self.parts)

    @property
    def volume(self) -> float | None:
        """Room it takes in a liquid, Å^3; None if that is not known."""
        volumes = [part.volume for part in self.parts]
        return None if None in volumes else sum(v for v in volumes if v is not None)

    @property
    def is_ionic(self) -> bool:
        """Whether it is a salt or an ion, which no solvent is."""
        return any(part.charge for part in self.parts)


def molecule(name: str) -> Atoms:
    """Return one molecule or ion in the gas phase, without a cell.

    Parameters
    ----------
    name
        A name of `species_names` or of ASE's G2 collection, such as `CH3OCH3`.

    Raises
    ------
    StructureError
        For an unknown name; the message gives the nearest ones.
    """
    copy: Atoms = _named(name).atoms.copy()
    return copy


def species_names() -> list[str]:
    """Return the names of the molecules and ions that the package brings."""
    return ["H2O", *_library(), *CATION_RADII_A]


def unit(
    name: str, own: Mapping[str, SpeciesConfig] | None = None, engines: Engines | None = None
) -> Unit:
    """Return what a name of the configuration means.

    Parameters
    ----------
    name
        A molecule, an ion such as Na+, a salt such as NaPF6 or Mg(TFSI)2, or a name of `own`.
    own
        Molecules that the user defines; they come before those of the package.
    engines
        Relaxes what comes from a SMILES.

    Raises
    ------
    StructureError
        For an unknown name, a file that cannot be read, or a SMILES that cannot be made.
    """
    if own is not None and name in own:
        return Unit(name=name, parts=(_own(name, own[name], engines or Engines()),))
    return _salt(name) or Unit(name=name, parts=(_named(name),))


def _salt(name: str) -> Unit | None:
    """Return the formula unit of a salt made of known ions, None if the name is none."""
    found = _SALT.fullmatch(name)
    if found is None:
        return None
    count = int(found["count"] or 1)
    charge = "+" if count == 1 else f"{count}+"
    cation, anion = f"{found['cation']}{charge}", f"{found['inner'] or found['anion']}-"
    if cation not in CATION_RADII_A or anion not in ANION_VOLUMES_A3:
        return None
    return Unit(name=name, parts=(_named(cation), *[_named(anion)] * count))


def _named(name: str) -> Species:
    known = _ALIASES.get(name, name)
    if known in CATION_RADII_A and (found := _CATION.fullmatch(known)):
        volume = float(4 / 3 * np.pi * CATION_RADII_A[known] ** 3)
        charge = int(found["charge"] or 1)
        return Species(name=known, atoms=Atoms(found["element"]), charge=charge, volume=volume)
    if known == "H2O":
        return _with_volume(Species(name=known, atoms=_water(), charge=0, volume=None))
    if known in _library():
        return _library()[known]
    if known in g2.names:
        one = ase.build.molecule(known)
        atoms = Atoms(one.numbers, positions=one.positions)
        return Species(name=known, atoms=atoms, charge=0, volume=None)
    raise StructureError(_unknown(name))


def _unknown(name: str) -> str:
    salts = [f"{c[:-1]}{a[:-1]}" for c in ("Li+", "Na+", "K+") for a in ANION_VOLUMES_A3]
    known = [*species_names(), *_ALIASES, *salts, *g2.names]
    nearest = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or known[:3]
    return (
        f"molecule {name!r} is unknown; the nearest known are {', '.join(nearest)}; "
        "define your own under `electrolyte.species`, from a file or a SMILES"
    )


def _water() -> Atoms:
    x, y = _WATER_BOND * np.sin(_WATER_ANGLE / 2), _WATER_BOND * np.cos(_WATER_ANGLE / 2)
    return Atoms("OH2", positions=[(0, 0, 0), (x, y, 0), (-x, y, 0)])


@cache
def _library() -> dict[str, Species]:
    """Return the molecules and anions of the data file by name."""
    text = (files("aofl.system") / "data" / "species.extxyz").read_text(encoding="utf-8")
    library = {}
    for frame in ase.io.read(StringIO(text), index=":", format="extxyz"):
        name, charge = str(frame.info["name"]), int(frame.info["charge"])
        atoms = Atoms(frame.numbers, positions=frame.positions)
        library[name] = _with_volume(Species(name=name, atoms=atoms, charge=charge, volume=None))
    return library


def _with_volume(species: Species) -> Species:
    if species.name in DENSITIES_G_PER_CM3:
        volume = volume_of_density(species.mass, DENSITIES_G_PER_CM3[species.name])
        return replace(species, volume=volume)
    return replace(species, volume=ANION_VOLUMES_A3.get(species.name))


def _own(name: str, config: SpeciesConfig, engines: Engines) -> Species:
    if config.file is not None:
        frame = read_structure(Path(config.file))
        atoms, charge = Atoms(frame.numbers, positions=frame.positions), config.charge or 0
    else:
        atoms, charge = _from_smiles(name, config, engines)
    mass = float(atoms.get_masses().sum())
    density = config.density_g_per_cm3
    volume = None if density is None else volume_of_density(mass, density)
    return Species(name=name, atoms=atoms, charge=charge, volume=volume)


def _from_smiles(name: str, config: SpeciesConfig, engines: Engines) -> tuple[Atoms, int]:
    """Return the relaxed geometry and the charge of a SMILES."""
    drawn = sketch(str(config.smiles))
    if config.charge not in (None, drawn.charge):
        raise StructureError(
            f"species {name!r} has charge {config.charge}, its SMILES {config.smiles!r} says "
            f"{drawn.charge}; correct one of them"
        )
    atoms = drawn.geometries[0]
    atoms.calc = SumCalculator(engines.embedded(drawn.charge))
    try:
        BFGS(atoms, logfile=None).run(fmax=_LARGEST_FORCE, steps=_RELAX_STEPS)
    except ReferenceFailed as error:
        raise StructureError(f"species {name!r} cannot be relaxed: {error}") from error
    if not np.array_equal(bonded_pairs(atoms), drawn.bonds):
        raise StructureError(
            f"species {name!r} changed its bonds while {config.smiles!r} was relaxed; "
            "give its geometry as a `file`"
        )
    return Atoms(atoms.numbers, positions=atoms.positions), drawn.charge
