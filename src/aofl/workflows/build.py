"""From a configuration to the structure that a run starts from, checked and written down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms

from aofl.config import check_elements
from aofl.config.schema import RunConfig
from aofl.config.system import InterfaceSystem
from aofl.errors import ConfigError, StructureError
from aofl.simulation.dynamics import set_initial_momenta
from aofl.store import format_atoms, make_directory, write_atomic
from aofl.system import System, build_system, part_cells, to_json
from aofl.workflows.assemble import opened_engines


def build(config: RunConfig) -> Atoms:
    """Return the start structure of a configuration, with momenta.

    Raises
    ------
    ConfigError, StructureError
        If the system cannot be built or does not fit the rest of the configuration.
    """
    with opened_engines(config) as engines:
        atoms = build_system(config.system, config.seed, engines).atoms
    _check_fits(config, atoms)
    if np.allclose(atoms.get_momenta(), 0.0):
        set_initial_momenta(atoms, config.dynamics.initial_temperature, config.seed)
    return atoms


def build_files(config: RunConfig, out: Path, *, with_stages: bool = False) -> System:
    """Build the start structure of a configuration into a directory, and return it.

    Writes `start.extxyz` (at rest, frozen layers included), `start.png` and `system.json`: what
    was asked for and got. A file of before is replaced.

    Parameters
    ----------
    with_stages
        Whether to write the cells of the learning stages as well: `bulk.extxyz`,
        `molecules.extxyz` and `liquid.extxyz`.

    Raises
    ------
    ConfigError, StructureError, StoreError
        If the system cannot be built or written.
    """
    from aofl.system.picture import picture  # matplotlib is slow to import

    if with_stages and not isinstance(config.system, InterfaceSystem):
        raise ConfigError("`system` is a structure file; stages need an electrode in it")
    stages = {}
    with opened_engines(config) as engines:
        system = build_system(config.system, config.seed, engines)
        if with_stages and isinstance(config.system, InterfaceSystem):
            stages = part_cells(config.system, config.seed, engines)
    _check_fits(config, system.atoms)
    make_directory(out)
    write_atomic(out / "start.extxyz", format_atoms(system.atoms).encode())
    write_atomic(out / "start.png", picture(system.atoms, system.atoms.get_chemical_formula()))
    write_atomic(out / "system.json", (json.dumps(to_json(system), indent=2) + "\n").encode())
    for stage, cells in stages.items():
        frames = "".join(format_atoms(cell) for cell in cells)
        write_atomic(out / f"{stage}.extxyz", frames.encode())
    return system


def _check_fits(config: RunConfig, atoms: Atoms) -> None:
    """Check what the rest of a configuration asks of its system."""
    check_elements(config, set(atoms.get_chemical_symbols()))
    for constraint in atoms.constraints:
        if not isinstance(constraint, FixAtoms):
            raise StructureError(
                f"the start structure has the constraint {type(constraint).__name__}"
                f"{_of_atoms(constraint)}, which a run cannot keep: atoms are fixed in all three "
                "directions (FixAtoms; F F F in a POSCAR, or one column `move_mask`) or free"
            )
    if atoms.constraints and config.dynamics.name == "nose_hoover":
        # ASE's chain counts frozen atoms among those it heats and cools the others to 0 K.
        raise ConfigError(
            "`dynamics.name` is 'nose_hoover', which cannot keep the temperature of a system with "
            "frozen atoms; use 'langevin' or 'bussi', or leave out `frozen_layers`"
        )


def _of_atoms(constraint: Any) -> str:
    """Name the first atoms of a constraint, where it has any."""
    index = np.atleast_1d(getattr(constraint, "index", [])).tolist()
    return f" on atoms {', '.join(map(str, index[:5]))}{' ...' * (len(index) > 5)}" if index else ""
