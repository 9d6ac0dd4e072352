"""The options that say under which names the labels of a file stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from aofl.store import LabelKeys

EnergyKey = Annotated[str | None, typer.Option(help="name of the energies, eV")]
ForcesKey = Annotated[str | None, typer.Option(help="name of the forces, eV/Å")]
StressKey = Annotated[str | None, typer.Option(help="name of the stresses, eV/Å^3; none: unread")]
VirialKey = Annotated[str | None, typer.Option(help="name of the virials, eV; none: unread")]


def keys_of(
    energy: str | None, forces: str | None, stress: str | None, virial: str | None
) -> LabelKeys:
    """Return the names that the options give."""
    from aofl.store import LabelKeys

    return LabelKeys(energy=energy, forces=forces, stress=stress, virial=virial)
