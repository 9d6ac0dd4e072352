"""The section `system` of the configuration: electrode, electrolyte, or a structure file.

Alternatives are told apart by `name`, which the other keys already say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from aofl.config.section import Count, Section

Parts = Annotated[float, Field(gt=0)]


class CoverageConfig(Section):
    """Oxide or hydroxide on the faces of the electrode before the electrolyte comes."""

    species: Literal["O", "OH"] = Field(description="what sits in the hollows of the surface")
    monolayers: float = Field(gt=0, le=1, description="how many per metal atom of the face")


class _Electrode(Section):
    """What every electrode may have, however its slab was made."""

    sides: Literal[1, 2] = Field(
        default=2, description="faces that touch the electrolyte; 1 puts a vacuum behind it"
    )
    vacuum_A: float = Field(default=15.0, gt=0, description="height of that vacuum, Å")
    frozen_layers: int = Field(
        default=0, ge=0, description="layers that never move: the lowest, or the middle of 2 sides"
    )
    stepped: bool = Field(default=False, description="take half of the top layer away")
    vacancies: int = Field(default=0, ge=0, description="atoms missing in the top layer of a face")
    adatoms: int = Field(default=0, ge=0, description="metal atoms added on a face")
    coverage: CoverageConfig | None = Field(default=None, description="oxide or hydroxide")


class SlabElectrode(_Electrode):
    """A metal slab, built layer by layer along z."""

    name: Literal["slab"] = "slab"
    element: str = Field(description="chemical symbol of the metal")
    surface: str = Field(description="lattice and face, such as bcc100, fcc111, hcp0001, bcc210")
    lattice_constant_A: float | None = Field(
        default=None, gt=0, description="cubic (or hexagonal a) constant, Å; null: experimental"
    )
    relaxed: bool = Field(default=False, description="relax that constant with the reference")
    # YAML has lists only; the numbers inside stay strict.
    size: tuple[Count, Count, Count] = Field(
        strict=False, description="surface cells along x and y, layers along z"
    )


class FileElectrode(_Electrode):
    """A slab from a file: rectangular cell, surface normal along z."""

    name: Literal["file"] = "file"
    structure: str = Field(min_length=1, description="any file that ASE reads; its last frame")


def _name_electrode(value: Any) -> Any:
    """Fill in `name`, which the other keys of `electrode` already say."""
    if not isinstance(value, Mapping):
        return value
    if "structure" in value and {"element", "surface", "size"} & value.keys():
        raise ValueError("give either `structure` or `element`, `surface` and `size`, not both")
    return {"name": "file" if "structure" in value else "slab", **value}


ElectrodeConfig = Annotated[
    SlabElectrode | FileElectrode, Field(discriminator="name"), BeforeValidator(_name_electrode)
]


class SpeciesConfig(Section):
    """A molecule or ion of the user's own, from a file or a SMILES."""

    file: str | None = Field(default=None, min_length=1, description="any file that ASE reads")
    smiles: str | None = Field(default=None, min_length=1, description="needs the extra `rdkit`")
    charge: int | None = Field(default=None, description="e; null: 0, or what the SMILES says")
    density_g_per_cm3: float | None = Field(
        default=None, gt=0, description="of the pure liquid; needed where the gap is to be filled"
    )

    @model_validator(mode="after")
    def _one_source(self) -> SpeciesConfig:
        if (self.file is None) == (self.smiles is None):
            raise ValueError("give either `file` or `smiles`")
        return self


class ElectrolyteConfig(Section):
    """What is packed between the slab and its periodic image."""

    molecules: dict[str, Count] = Field(
        default_factory=dict, description="molecule, salt or ion: how many"
    )
    mixture: dict[str, Parts] = Field(
        default_factory=dict, description="molecule: its parts of what fills the rest of the gap"
    )
    mixture_by: Literal["mole", "mass", "volume"] = Field(
        default="mole", description="what the parts of the mixture count"
    )
    mol_per_L: dict[str, Parts] = Field(
        default_factory=dict, description="salt or molecule: molarity in the gap"
    )
    mol_per_kg: dict[str, Parts] = Field(
        default_factory=dict, description="salt: molality, per kg of all that is no salt"
    )
    density_g_per_cm3: float | None = Field(
        default=None, gt=0, description="of the electrolyte; null: ideal mixing of a table"
    )
    gap_A: float | None = Field(
        default=None,
        gt=0,
        description="height added to the bulk cell for the molecules, Å (see `system.pack`); "
        "null: what their density needs",
    )
    min_distance_A: float = Field(
        default=2.0, gt=0, description="least distance between molecules, and to the slab, Å"
    )
    species: dict[str, SpeciesConfig] = Field(
        default_factory=dict, description="molecules of your own, by the name used above"
    )

    @model_validator(mode="after")
    def _amounts_are_determined(self) -> ElectrolyteConfig:
        if not self.molecules and not self.mixture:
            raise ValueError("give `molecules` (numbers) or a `mixture` (parts)")
        if self.gap_A is None and (self.mixture or self.mol_per_L):
            raise ValueError("`gap_A` is missing; a mixture and a molarity need a volume to fill")
        if self.gap_A is not None and self.density_g_per_cm3 is not None and not self.mixture:
            raise ValueError(
                "numbers, `gap_A` and `density_g_per_cm3` are one too many; leave out "
                "the density, or `gap_A` to have it computed"
            )
        names = [*self.molecules, *self.mixture, *self.mol_per_L, *self.mol_per_kg]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"the amount of {name} is given twice; give it once")
        return self


class EquilibrationConfig(Section):
    """A short relaxation and heating of the packed molecules, in which no bond can change."""

    forces: Literal["contacts", "reference"] = Field(
        default="contacts", description="a repulsive model of molecules, or the reference"
    )
    relax_steps: int = Field(default=200, ge=0, description="largest number of relaxation steps")
    heat_steps: int = Field(default=200, ge=0, description="steps of Langevin dynamics after that")
    temperature_K: float = Field(default=300.0, gt=0, description="of the heating")


class InterfaceSystem(Section):
    """An electrode and an electrolyte, built in code."""

    name: Literal["interface"] = "interface"
    electrode: ElectrodeConfig = Field(description="the slab")
    electrolyte: ElectrolyteConfig = Field(description="what fills the gap")
    equilibrate: EquilibrationConfig | None = Field(
        default=None, description="what is done to the packed molecules before the run"
    )


class FileSystem(Section):
    """A start structure from a file."""

    name: Literal["file"] = "file"
    structure: str = Field(
        min_length=1, description="any file that ASE reads, with cell and pbc; its last frame"
    )


def _name_system(value: Any) -> Any:
    """Fill in `name`, which the other keys of `system` already say."""
    if not isinstance(value, Mapping):
        return value
    built = {"electrode", "electrolyte"} & value.keys()
    if "structure" in value and built:
        raise ValueError("give either `structure` or `electrode` and `electrolyte`, not both")
    return {"name": "file" if "structure" in value else "interface", **value}


SystemConfig = Annotated[
    InterfaceSystem | FileSystem, Field(discriminator="name"), BeforeValidator(_name_system)
]
