"""Start structures: a slab with molecules packed above it, or a file; cells for stages."""

from aofl.system.build import System, build_electrode, build_system, compose
from aofl.system.checks import Contacts, check_structure, contacts
from aofl.system.composition import Amount, Composition
from aofl.system.electrode import build_slab
from aofl.system.engines import EnergyAndForces, Engines
from aofl.system.interface import Packed, pack
from aofl.system.species import molecule, species_names, unit
from aofl.system.stages import bulk_metal, liquid_box, molecule_cells, part_cells, stage_cells
from aofl.system.summary import lines as summary_lines
from aofl.system.summary import to_json

__all__ = [
    "Amount",
    "Composition",
    "Contacts",
    "EnergyAndForces",
    "Engines",
    "Packed",
    "System",
    "build_electrode",
    "build_slab",
    "build_system",
    "bulk_metal",
    "check_structure",
    "compose",
    "contacts",
    "liquid_box",
    "molecule",
    "molecule_cells",
    "pack",
    "part_cells",
    "species_names",
    "stage_cells",
    "summary_lines",
    "to_json",
    "unit",
]
