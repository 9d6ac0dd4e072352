"""`aofl export`: a learned force field for LAMMPS."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aofl.cli.results import AsJson, print_json

if TYPE_CHECKING:
    from aofl.export.verification import Agreement


def export(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="model.h5")],
    out: Annotated[Path, typer.Option(help="directory to write into")],
    to: Annotated[str, typer.Option(help="yace: ML-PACE of LAMMPS")] = "yace",
    structure: Annotated[
        Path | None, typer.Option(help="start of the run: any file ASE reads, its last frame")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="compare LAMMPS with the model on that structure")
    ] = False,
    lammps: Annotated[
        str | None, typer.Option(help="LAMMPS with ML-PACE and LEPTON; one on the path")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a force field as LAMMPS reads it, with an input that runs."""
    from aofl import api

    made = api.export(model, out, to, structure=structure, is_verified=verify, lammps=lammps)
    if as_json:
        agreement = None if made.agreement is None else asdict(made.agreement)
        print_json({"files": made.files, "elements": made.elements, "agreement": agreement})
        return
    typer.echo(f"{out}: {', '.join(path.name for path in made.files)}")
    if made.agreement is not None:
        typer.echo(_told(made.agreement))
    order = ", ".join(f"{k} {element}" for k, element in enumerate(made.elements, start=1))
    typer.echo(f"atom types: {order}")
    start = "" if structure else " with a structure.data of these types"
    typer.echo(f"run it{start}: cd {out} && lmp -in run.in")


def _told(found: Agreement) -> str:
    stress = (
        "" if found.stress is None
        else f", stress by {found.stress:.1e} of {found.largest_stress:.2g} eV/Å^3"
    )  # fmt: skip
    return (
        f"LAMMPS and the model differ in the energy by {found.energy:.1e} eV per atom, "
        f"in the forces by {found.forces:.1e} of {found.largest_force:.2g} eV/Å{stress}"
    )
