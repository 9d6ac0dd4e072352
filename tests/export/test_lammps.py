"""The input of LAMMPS, and the comparison with it: a stand-in, and LAMMPS itself where it is."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from export_cases import ELEMENTS, STRUCTURES, force_field, liquid, slab, triclinic

from aofl.ace.neighbors import find_neighbors
from aofl.errors import ModelError, StructureError
from aofl.export.lammps import (
    POTENTIAL,
    in_a_box,
    masses_of,
    potential_commands,
    repulsion_coefficients,
    repulsion_style,
    run_commands,
    structure_data,
)
from aofl.export.verification import compare, find_lammps, run_lammps, styles
from aofl.forcefield.baseline import repulsion
from aofl.workflows.export import lammps_files

HERE = Path(__file__).parent
THREE = ELEMENTS[3]


def real_lammps(style: str) -> str:
    """Return a LAMMPS that has a pair style; skip the test where there is none."""
    found = next((name for name in ("lmp", "lammps") if style in styles(name)), None)
    if found is None:
        pytest.skip(f"no LAMMPS with pair_style {style} on the path")
    return found


def stand_in(folder: Path, name: str) -> str:
    """Return a program that answers as LAMMPS would."""
    script = folder / name
    script.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(HERE)!r})\n"
        "import fake_lammps\nfake_lammps.main()\n"
    )
    script.chmod(0o755)
    return str(script)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_verification_agrees(structure: str, tmp_path: Path) -> None:
    """Cells turned, atoms outside the cell, boxes that grow: all come back as they were."""
    model, atoms = force_field(THREE), STRUCTURES[structure](THREE)
    texts = lammps_files(model, in_a_box(atoms), "model.h5")
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    said = run_lammps(stand_in(tmp_path, "lmp"), tmp_path, in_a_box(atoms), THREE)
    found = compare(said, model.predict(atoms), is_periodic=bool(atoms.pbc.all()))
    assert found.is_exact
    assert found.energy < 1e-9
    assert found.forces < 1e-9 * found.largest_force
    if atoms.pbc.all():
        assert found.stress < 1e-7 * found.largest_stress  # LAMMPS rounds the unit of pressure


@pytest.mark.parametrize("structure", STRUCTURES)
def test_repulsion_of_lammps_itself(structure: str, tmp_path: Path) -> None:
    program, atoms = real_lammps("lepton"), in_a_box(STRUCTURES[structure](THREE))
    lines = [f"pair_style {' '.join(repulsion_style(THREE))}"]
    lines += [f"pair_coeff {i} {j} {rest}" for i, j, rest in repulsion_coefficients(THREE)]
    (tmp_path / POTENTIAL).write_text("\n".join(lines) + "\n")
    said = run_lammps(program, tmp_path, atoms, THREE)
    near = find_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, 3.0)
    known = repulsion(near, atoms.numbers.astype(np.int64))
    assert said.energy == pytest.approx(known.energies.sum(), rel=1e-12)
    assert said.forces == pytest.approx(known.forces, abs=1e-10)
    if atoms.pbc.all():
        assert said.stress == pytest.approx(known.virial / atoms.get_volume(), abs=1e-8)


def test_run_in_runs(tmp_path: Path) -> None:
    """LAMMPS goes through `run.in` and halts where the atoms get too hot."""
    program, atoms = real_lammps("lepton"), in_a_box(liquid(THREE))
    style, *rest = repulsion_style(THREE)
    commands = [f"pair_style {style} {' '.join(rest)}"]
    commands += [f"pair_coeff {i} {j} {words}" for i, j, words in repulsion_coefficients(THREE)]
    whole = potential_commands(THREE, masses_of(THREE), "").splitlines()
    masses = [line for line in whole if line.startswith("mass")]
    (tmp_path / POTENTIAL).write_text("\n".join(masses + commands) + "\n")
    (tmp_path / "run.in").write_text(run_commands(THREE, atoms.pbc, "test"))
    (tmp_path / "structure.data").write_text(structure_data(atoms, THREE))
    ended = subprocess.run(
        [program, "-in", "run.in", "-var", "steps", "50", "-var", "every", "10", "-screen", "none"],
        cwd=tmp_path, check=False,
    )  # fmt: skip
    log = (tmp_path / "log.lammps").read_text()
    assert ended.returncode == 0, log
    assert "halt" in log
    assert (tmp_path / "last.lammpstrj").exists()


def test_whole_model_in_lammps_itself(tmp_path: Path) -> None:
    program = real_lammps("pace")
    model, atoms = force_field(THREE), triclinic(THREE)
    for name, text in lammps_files(model, atoms, "model.h5").items():
        (tmp_path / name).write_text(text)
    said = run_lammps(program, tmp_path, atoms, THREE)
    assert compare(said, model.predict(atoms), is_periodic=True).is_exact


def test_without_lammps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ModelError, match=r"none of lmp, .* is there; build LAMMPS with -D PKG_ML-"):
        find_lammps()
    (tmp_path / "lmp").write_text("#!/bin/sh\n/bin/echo table\n")
    (tmp_path / "lmp").chmod(0o755)
    with pytest.raises(ModelError, match="lmp has not both pair styles"):
        find_lammps()


def test_lammps_that_fails(tmp_path: Path) -> None:
    program = tmp_path / "lmp"
    program.write_text("#!/bin/sh\necho 'ERROR: Unknown pair style pace' > verify.log; exit 1\n")
    program.chmod(0o755)
    with pytest.raises(ModelError, match="LAMMPS failed: ERROR: Unknown pair style pace"):
        run_lammps(str(program), tmp_path, liquid(THREE), THREE)


def test_atoms_outside_an_open_cell_get_a_box() -> None:
    atoms = slab(THREE)
    assert in_a_box(atoms).cell[:2] == pytest.approx(atoms.cell[:2])
    boxed = in_a_box(Atoms("HO", positions=[(0, 0, 0), (0, 0, 1)]))
    assert (boxed.cell.scaled_positions(boxed.positions) > 0).all()
    assert boxed.get_distance(0, 1) == pytest.approx(1.0)
    with pytest.raises(StructureError, match="is periodic and has no cell"):
        in_a_box(Atoms("H", pbc=True))


def test_masses_of_isotopes() -> None:
    heavy = Atoms("HOHNa", positions=np.diag([1.0, 2.0, 3.0, 4.0])[:, :3], cell=[9, 9, 9])
    heavy.set_masses([2.014, None, 2.014, None])
    assert masses_of(THREE, heavy) == pytest.approx([2.014, 15.999, 22.98977], rel=1e-6)
    assert "mass 1 2.014  # H" in potential_commands(THREE, masses_of(THREE, heavy), "")
    heavy.set_masses([2.014, None, 1.008, None])
    with pytest.raises(StructureError, match=r"atoms of H have masses from 1\.008 to 2\.014 u"):
        masses_of(THREE, heavy)


def test_structure_of_other_elements() -> None:
    with pytest.raises(StructureError, match="holds Cl but the force field knows H, O, Na"):
        structure_data(in_a_box(Atoms("NaCl", positions=[(0, 0, 0), (0, 0, 2)])), THREE)
