"""Export a learned force field to LAMMPS."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from ase import Atoms

from aofl.errors import ConfigError, ModelError
from aofl.export.lammps import (
    MANY_BODY,
    PAIR,
    POTENTIAL,
    RUN,
    STRUCTURE,
    in_a_box,
    masses_of,
    potential_commands,
    run_commands,
    structure_data,
)
from aofl.export.verification import (
    SAME_ENERGY,
    SAME_FORCE,
    Agreement,
    compare,
    find_lammps,
    run_lammps,
)
from aofl.export.yace import many_body_potential, pair_potential, yace
from aofl.forcefield.model import ForceField
from aofl.store import make_directory, write_atomic
from aofl.system.files import read_structure

FORMATS = ("yace",)
SPLINE_STEP = 0.001  # Å: leaves some 1e-10 of the largest force


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written, and how far LAMMPS was from the force field, where it was asked."""

    files: tuple[Path, ...]
    elements: tuple[str, ...]
    agreement: Agreement | None


def export(
    model: Path,
    out: Path,
    to: str = "yace",
    *,
    structure: Path | None = None,
    is_verified: bool = False,
    lammps: str | None = None,
) -> Exported:
    """Write a saved force field as LAMMPS reads it, with a ready input, into a directory.

    Parameters
    ----------
    to
        "yace": the files of ML-PACE.
    structure
        To start from, any file that ASE reads, its last frame; None leaves `structure.data` out.
    is_verified
        Compare LAMMPS with the force field on that structure.
    lammps
        The program for that; None takes one on the path.

    Raises
    ------
    ConfigError
        If the format is unknown, or nothing is there to verify on.
    ModelError
        If the model cannot be read or written so, LAMMPS is not there, fails, or says something
        else.
    StructureError
        If the structure cannot be used.
    StoreError
        If the disk refuses.
    """
    if to not in FORMATS:
        raise ConfigError(f"there is no format {to!r}; expected {', '.join(FORMATS)}")
    if is_verified and structure is None:
        raise ConfigError("there is nothing to verify on; give a structure with --structure")
    program = find_lammps(lammps) if is_verified else None
    force_field = ForceField.load(model)
    atoms = None if structure is None else in_a_box(read_structure(structure))
    texts = lammps_files(force_field, atoms, model.name)
    make_directory(out)
    for name, text in texts.items():
        write_atomic(out / name, text.encode())
    agreement = None
    if program is not None and atoms is not None:
        agreement = verified(program, force_field, texts, atoms)
    return Exported(
        files=tuple(out / name for name in texts),
        elements=tuple(force_field.elements),
        agreement=agreement,
    )


def lammps_files(force_field: ForceField, atoms: Atoms | None, name: str) -> dict[str, str]:
    """Return the text of each file, by name; the structure where there is one.

    Raises
    ------
    ModelError
        If nothing was learned, or a centre has more functions than the format holds.
    StructureError
        If LAMMPS cannot take the structure.
    """
    learned, elements = force_field.learned, force_field.elements
    if learned is None:
        raise ModelError("a force field without labels cannot be exported; train it first")
    basis, n = force_field.basis, force_field.basis.n_columns
    energies = learned.mean[n:]
    if force_field.reference_energies is not None:
        energies = energies + force_field.reference_energies
    level = " ".join((force_field.level or "not said").split())
    title = f"{name}: {force_field.n_labels} labels, level {level}, by aofl {version('aofl')}"
    pbc = (True, True, True) if atoms is None else atoms.pbc
    many_body = many_body_potential(basis, learned.mean[:n], energies)
    texts = {
        PAIR: yace(pair_potential(basis, learned.mean[:n]), SPLINE_STEP, title),
        MANY_BODY: yace(many_body, SPLINE_STEP, title),
        POTENTIAL: potential_commands(elements, masses_of(elements, atoms), title),
        RUN: run_commands(elements, pbc, title),
    }
    return texts if atoms is None else texts | {STRUCTURE: structure_data(atoms, elements)}


def verified(
    program: str, force_field: ForceField, texts: dict[str, str], atoms: Atoms
) -> Agreement:
    """Return how far LAMMPS is from a force field on a structure.

    Raises
    ------
    ModelError
        If LAMMPS fails, or its forces are others.
    """
    with tempfile.TemporaryDirectory(prefix="aofl-export-") as name:
        folder = Path(name)
        for file, text in texts.items():
            (folder / file).write_text(text, encoding="utf-8")
        said = run_lammps(program, folder, atoms, force_field.elements)
    found = compare(said, force_field.predict(atoms), is_periodic=bool(atoms.pbc.all()))
    if not found.is_exact:
        raise ModelError(
            f"LAMMPS ({program}) and the force field differ by {found.energy:.2g} eV per atom and "
            f"{found.forces:.2g} eV/Å where the largest force is {found.largest_force:.2g}; "
            f"expected up to {SAME_ENERGY:g}, and {SAME_FORCE:g} of that force or of 1 eV/Å: "
            "try another LAMMPS"
        )
    return found
