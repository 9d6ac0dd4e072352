"""A code that repeats every cell in three directions gives no label of an open structure."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT

from aofl.config.references import Cp2kConfig, EspressoConfig, GpawConfig, VaspConfig
from aofl.errors import StructureError
from aofl.reference import AseReference, Reference, TbliteReference
from aofl.reference.codes.cp2k import Cp2kReference
from aofl.reference.codes.espresso import EspressoReference
from aofl.reference.codes.gpaw import GpawReference
from aofl.reference.codes.vasp import VaspReference
from aofl.workflows.assemble import check_reference

MIXED = [(True, True, False), (True, False, False), (False, False, True)]
OPEN = (False, False, False)
COMMAND = [sys.executable]


def water(pbc: tuple[bool, bool, bool], height: float = 3.2) -> Atoms:
    atoms = molecule("H2O", cell=[6.0, 6.0, height], pbc=pbc)
    atoms.center()
    return atoms


def espresso(directory: Path) -> Reference:
    for element in "HO":
        (directory / f"{element}.UPF").write_text('<PP_HEADER functional="PBE"/>')
    config = EspressoConfig(
        name="espresso",
        command=COMMAND,
        pseudopotentials={"H": "H.UPF", "O": "O.UPF"},
        pseudopotential_directory=str(directory),
        cutoff_Ry=40.0,
    )
    return EspressoReference(config, directory / "work")


def vasp(directory: Path) -> Reference:
    for element in "HO":
        folder = directory / "potpaw_PBE" / element
        folder.mkdir(parents=True)
        (folder / "POTCAR").write_text(f"  PAW_PBE {element} 01Jan2000\n")
    given = {"command": COMMAND, "potential_directory": str(directory), "cutoff_eV": 400.0}
    return VaspReference(VaspConfig(name="vasp", **given), directory / "work")


def cp2k(directory: Path) -> Reference:
    return Cp2kReference(Cp2kConfig(name="cp2k", command=COMMAND), directory / "work")


def gpaw(directory: Path) -> Reference:
    pytest.importorskip("gpaw", reason="make setup-gpaw")
    pytest.importorskip("dftd3", reason="make setup-gpaw")
    return GpawReference(GpawConfig(name="gpaw"), directory / "work")


class Anything(Calculator):
    """A calculator that gives a label of anything."""

    implemented_properties = ("energy", "forces")

    def calculate(self, atoms=None, properties=None, system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.results = {"energy": 0.0, "forces": np.zeros((len(self.atoms), 3))}


def ase_vasp(_directory: Path) -> Reference:
    class Vasp(Anything):
        pass

    Vasp.__module__ = "ase.calculators.vasp.vasp"
    return AseReference(Vasp())


THREE_DIMENSIONAL = {
    "espresso": espresso, "vasp": vasp, "cp2k": cp2k, "gpaw": gpaw, "ase-vasp": ase_vasp,
}  # fmt: skip


@pytest.mark.parametrize("make", THREE_DIMENSIONAL.values(), ids=THREE_DIMENSIONAL)
@pytest.mark.parametrize("pbc", [*MIXED, OPEN])
def test_an_open_boundary_is_refused_before_a_run_and_at_a_label(
    make: Callable[[Path], Reference], pbc: tuple[bool, bool, bool], tmp_path: Path
) -> None:
    reference = make(tmp_path)
    words = "pbc along all three axes.* into a cell with vacuum and set pbc to True"
    with pytest.raises(StructureError, match=words):
        check_reference(reference, water(pbc))
    with pytest.raises(StructureError, match=words):
        reference.label(water(pbc))
    check_reference(reference, water((True, True, True)))


@pytest.mark.parametrize("pbc", MIXED)
def test_tight_binding_refuses_mixed_boundaries(pbc: tuple[bool, bool, bool]) -> None:
    for reference in (TbliteReference(), AseReference(tblite())):
        with pytest.raises(StructureError, match="pbc along all three axes"):
            check_reference(reference, water(pbc))
        with pytest.raises(StructureError, match="pbc along all three axes"):
            reference.label(water(pbc))


def tblite() -> Calculator:
    from tblite.ase import TBLite

    return TBLite(method="GFN1-xTB", verbosity=0)


def test_tight_binding_of_a_molecule_does_not_see_its_cell() -> None:
    reference = TbliteReference()
    check_reference(reference, water(OPEN))
    alone = reference.label(molecule("H2O")).energy
    assert reference.label(water(OPEN)).energy == pytest.approx(alone, abs=1e-6)
    crystal = reference.label(water((True, True, True))).energy
    assert abs(crystal - alone) > 0.05
    far = reference.label(water((True, True, True), height=25.0))
    wide = far.energy
    assert abs(wide - alone) < 0.5 * abs(crystal - alone)


@pytest.mark.parametrize("pbc", [*MIXED, OPEN])
def test_a_calculator_that_knows_open_boundaries_keeps_them(pbc: tuple[bool, bool, bool]) -> None:
    reference = AseReference(EMT())
    atoms = Atoms("Cu2", [[0, 0, 0], [0, 0, 2.5]], cell=[8, 8, 5], pbc=pbc)
    check_reference(reference, atoms)
    assert np.isfinite(reference.label(atoms).energy)
