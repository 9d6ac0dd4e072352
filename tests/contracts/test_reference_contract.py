"""What every reference code promises, whatever makes the labels: one suite over all of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms, FixCom

from aofl.config.references import Cp2kConfig, GpawConfig, SocketConfig
from aofl.reference import AseReference, LabelLimits, Reference, TbliteReference, check_label
from aofl.reference.codes.cp2k import Cp2kReference
from aofl.reference.codes.gpaw import GpawReference
from aofl.reference.codes.socket_reference import SocketReference
from aofl.reference.level import level_of

STAND_INS = Path(__file__).parents[1] / "reference" / "codes"


@dataclass(frozen=True, kw_only=True)
class Code:
    """How a reference is made, a structure it knows, and how well its labels repeat, eV/Å."""

    make: Callable[[Path], Reference]
    atoms: Atoms
    repeats: float = 1e-12


def metal() -> Atoms:
    atoms = bulk("Cu", "fcc", a=3.7, cubic=True)
    atoms.numbers[1] = 13
    atoms.rattle(0.08, seed=3)
    return atoms


def molecule() -> Atoms:
    positions = [[3.0, 3.0, 3.0], [3.6, 3.0, 3.8], [3.5, 3.1, 2.2], [5.0, 5.0, 4.0]]
    return Atoms("OH2Na", positions, cell=[7.0, 7.5, 8.0], pbc=True)


def hydrogen() -> Atoms:
    return Atoms("H2", [(1.8, 2.0, 2.0), (2.6, 2.1, 1.9)], cell=[4.5, 4.0, 4.0], pbc=True)


def cp2k(directory: Path) -> Cp2kReference:
    plan = directory / "plan.json"
    plan.write_text("[]")
    command = [sys.executable, str(STAND_INS / "fake_cp2k_shell.py"), str(plan)]
    return Cp2kReference(Cp2kConfig(name="cp2k", command=command), directory / "work")


def socket(directory: Path) -> SocketReference:
    command = [sys.executable, str(STAND_INS / "i_pi_client.py"), "{socket}", "start.xyz"]
    config = SocketConfig(name="socket", command=command, method="EMT")
    return SocketReference(config, directory / "work")


def gpaw(directory: Path) -> GpawReference:
    pytest.importorskip("gpaw", reason="make setup-gpaw")
    pytest.importorskip("dftd3", reason="make setup-gpaw")
    config = GpawConfig(name="gpaw", cutoff_eV=250.0, density_convergence=1e-6)
    return GpawReference(config, directory / "work")


CODES = {
    "tblite": Code(make=lambda directory: TbliteReference(), atoms=molecule()),
    "ase": Code(make=lambda directory: AseReference(EMT()), atoms=metal()),
    "socket": Code(make=socket, atoms=metal()),
    "cp2k": Code(make=cp2k, atoms=molecule()),
    "gpaw": Code(make=gpaw, atoms=hydrogen(), repeats=5e-3),
}


@pytest.fixture(params=CODES, scope="module")
def code(request: pytest.FixtureRequest) -> Code:
    return CODES[request.param]


@pytest.fixture(scope="module")
def reference(code: Code, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reference]:
    made = code.make(tmp_path_factory.mktemp("reference"))
    yield made
    close = getattr(made, "close", None)
    if close is not None:
        close()


def test_a_label_is_complete_balanced_and_took_time(code: Code, reference: Reference) -> None:
    label = reference.label(code.atoms)
    check_label(label, code.atoms, limits=LabelLimits())
    assert np.abs(label.forces).max() > 0.05  # a structure in which a label says something
    assert label.attempts == 1


def test_the_same_structure_has_the_same_label(code: Code, reference: Reference) -> None:
    first = reference.label(code.atoms)
    moved = code.atoms.copy()
    moved.rattle(0.02, seed=5)
    other = reference.label(moved)
    assert np.abs(other.forces - first.forces).max() > 10 * code.repeats
    again = reference.label(code.atoms)
    assert np.abs(again.forces - first.forces).max() <= code.repeats
    # Another way to the same answer, as far as the code converges it.
    careful = reference.label(code.atoms, careful=True)
    assert np.abs(careful.forces - first.forces).max() <= max(1e-5, code.repeats)
    assert careful.energy == pytest.approx(first.energy, abs=max(1e-5, code.repeats))


def test_what_the_atoms_carry_changes_neither_the_label_nor_is_changed(
    code: Code, reference: Reference
) -> None:
    free = reference.label(code.atoms)
    carrying = code.atoms.copy()
    carrying.set_constraint([FixAtoms([0]), FixCom()])
    carrying.set_momenta(np.ones((len(carrying), 3)), apply_constraint=False)
    carrying.set_tags(range(len(carrying)))
    carrying.calc = EMT()
    label = reference.label(carrying)
    assert np.abs(label.forces - free.forces).max() <= code.repeats
    assert np.abs(label.forces[0]).max() > 0.01
    assert np.array_equal(carrying.positions, code.atoms.positions)
    assert np.array_equal(carrying.cell.array, code.atoms.cell.array)
    assert (carrying.get_momenta() == 1.0).all()
    assert len(carrying.constraints) == 2
    assert type(carrying.calc) is EMT


def test_forces_belong_to_their_atoms(code: Code, reference: Reference) -> None:
    order = np.arange(len(code.atoms))[::-1]
    label, other = reference.label(code.atoms), reference.label(code.atoms[order])
    assert np.abs(other.forces - label.forces[order]).max() <= max(1e-6, code.repeats)


def test_the_level_of_theory_is_one_line_that_does_not_change(
    code: Code, reference: Reference
) -> None:
    described = reference.describe()
    assert described.keys() >= {"code", "version", "method", "settings"}
    assert json.loads(json.dumps(described)) == described
    reference.label(code.atoms)
    assert level_of(reference.describe()) == level_of(described)
    assert "\n" not in level_of(described)
    supported = reference.elements_supported()
    assert supported is None or supported >= set(code.atoms.get_chemical_symbols())
    assert isinstance(reference.is_semi_empirical, bool)
