"""VASP: inputs as recorded ones, outputs believed only where VASP converged, order put back.

There is no VASP here: the outputs were composed in the format of VASP 6.4.
"""

import gzip
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import read
from ase.units import GPa

from aofl.config.references import VaspConfig
from aofl.errors import ConfigError, ReferenceFailed, StructureError
from aofl.reference.codes.dft_attempts import DFT_ATTEMPTS, DftAttempt
from aofl.reference.codes.vasp import VaspReference
from aofl.reference.codes.vasp_files import incar_of, read_outputs, write_inputs

DATA = Path(__file__).parents[2] / "data" / "vasp"
FRACTIONS = {
    "H1": (0.5, 0.627386, 0.44012875),
    "H2": (0.5, 0.372614, 0.44012875),
    "O": (0.5, 0.5, 0.5146375),
    "Na": (0.5, 0.5, 0.2),
}
ORDER = ("Na", "O", "H1", "H2")  # not VASP's


def structure(order=ORDER):
    symbols = [name.rstrip("12") for name in order]
    scaled = [FRACTIONS[name] for name in order]
    return Atoms(symbols, scaled_positions=scaled, cell=[6.0, 6.0, 8.0], pbc=True)


def configured(directory="/potentials", **changes):
    given = {"name": "vasp", "potential_directory": str(directory), "cutoff_eV": 520.0, **changes}
    return VaspConfig(**given)


@pytest.fixture
def potentials(tmp_path):
    directory = tmp_path / "potentials"
    for name in ("H", "O", "Na_pv"):
        (directory / "potpaw_PBE" / name).mkdir(parents=True)
    for name in ("H", "O"):
        (directory / "potpaw_PBE" / name / "POTCAR").write_text(f"  PAW_PBE {name}\n")
    with gzip.open(directory / "potpaw_PBE" / "Na_pv" / "POTCAR.gz", "wt") as file:
        file.write("  PAW_PBE Na_pv\n")
    return directory


@pytest.fixture
def outputs(tmp_path):
    directory = tmp_path / "outputs"
    directory.mkdir()
    (directory / "vasprun.xml").write_bytes((DATA / "vasprun.xml").read_bytes())
    (directory / "OUTCAR").write_bytes((DATA / "OUTCAR.converged").read_bytes())
    return directory


FAKE = """#!{python}
import pathlib, shutil, sys
number = len(list(pathlib.Path(".").glob("INCAR-*")))
shutil.copy("INCAR", f"INCAR-{{number}}")
pathlib.Path(f"had-wavecar-{{number}}").write_text(str(pathlib.Path("WAVECAR").exists()))
pathlib.Path("WAVECAR").touch()
answer = {answers!r}[min(number, len({answers!r}) - 1)]
if answer == "licence":
    print("forrtl: severe: cannot open shared library")
    sys.exit(1)
shutil.copy({data!r} + "/vasprun.xml", "vasprun.xml")
shutil.copy({data!r} + "/OUTCAR." + answer, "OUTCAR")
"""


@pytest.fixture
def fake(tmp_path, potentials):
    """Makes references whose VASP leaves composed outputs, one after the other."""

    def make(*answers, **changes):
        program = tmp_path / "vasp_std"
        program.write_text(FAKE.format(python=sys.executable, answers=answers, data=str(DATA)))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        given = {"command": [str(program)], "setups": {"Na": "_pv"}, **changes}
        return VaspReference(configured(potentials, **given), tmp_path / "work")

    return make


def outputs_of(directory, sent):
    order = np.argsort(sent.numbers, kind="stable")
    return read_outputs(directory, sent, order, n_steps_max=150, seconds=2.0)


def test_the_inputs_are_the_recorded_ones(potentials, tmp_path):
    config = configured(
        setups={"Na": "_pv"}, kpoints=(2, 2, 1), settings={"ALGO": "Fast", "MAGMOM": [0, 0.5]}
    )
    incar = incar_of(config, DftAttempt(), continues=False)
    order = write_inputs(config, incar, potentials / "potpaw_PBE", structure(), tmp_path)
    for name in ("INCAR", "KPOINTS", "POSCAR"):
        assert (tmp_path / name).read_text() == (DATA / name).read_text(), name
    assert (tmp_path / "POTCAR").read_text().split() == [
        "PAW_PBE", "H", "PAW_PBE", "O", "PAW_PBE", "Na_pv",
    ]  # fmt: skip
    assert order.tolist() == [2, 3, 1, 0]
    written = read(tmp_path / "POSCAR")
    assert written.get_chemical_symbols() == ["H", "H", "O", "Na"]
    assert np.allclose(written.positions, structure().positions[order], atol=1e-8)


def test_options_reach_incar():
    incar = incar_of(
        configured(dispersion=None, functional="RPBE"), DFT_ATTEMPTS[-1], continues=True
    )
    assert "IVDW" not in incar
    assert (incar["GGA"], incar["ISTART"], incar["NELM"]) == ("RP", 1, 300)
    assert incar["AMIX"] == pytest.approx(0.12)


@pytest.mark.parametrize("order", [ORDER, ("H1", "Na", "H2", "O"), ("H1", "H2", "O", "Na")])
def test_the_label_is_in_our_order_and_units(outputs, order):
    sent = structure(order)
    label = outputs_of(outputs, sent)
    assert label.energy == -15.40123456  # TOTEN with dispersion, not the energy of no smearing
    by_name = dict(zip(order, label.forces.tolist(), strict=True))
    assert by_name["Na"] == [0.0001, 0.0003, -0.0457]
    assert by_name["H1"] == [0.0012, 0.3125, 0.2041]
    assert by_name["H2"] == [-0.0008, -0.3117, 0.2039]
    assert by_name["O"] == [-0.0005, -0.0011, -0.3623]
    kbar = -0.1 * GPa  # VASP's pressure is positive under compression
    assert label.stress == pytest.approx(
        [-1.2 * kbar, -2.4 * kbar, 3.6 * kbar, 0.01 * kbar, 0.02 * kbar, 0.03 * kbar]
    )


def test_an_unconverged_output_is_refused(outputs):
    (outputs / "OUTCAR").write_bytes((DATA / "OUTCAR.unconverged").read_bytes())
    with pytest.raises(ReferenceFailed, match="SCF of VASP did not converge"):
        outputs_of(outputs, structure())


def test_an_scf_that_used_all_its_steps_is_refused(outputs):
    order = np.argsort(structure().numbers, kind="stable")
    with pytest.raises(ReferenceFailed, match="SCF of VASP did not converge"):
        read_outputs(outputs, structure(), order, n_steps_max=4, seconds=1.0)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("name", ["OUTCAR", "vasprun.xml"])
def test_a_truncated_output_is_refused(outputs, name, share):
    text = (outputs / name).read_text()
    (outputs / name).write_text(text[: int(share * len(text))])
    with pytest.raises(ReferenceFailed, match=r"before its last lines|cannot be read"):
        outputs_of(outputs, structure())


def test_no_output_is_refused(outputs):
    (outputs / "OUTCAR").unlink()
    with pytest.raises(ReferenceFailed, match="no OUTCAR: it did not start"):
        outputs_of(outputs, structure())


def test_the_output_of_another_structure_is_refused(outputs):
    moved = structure()
    moved.positions[1, 2] += 0.01
    with pytest.raises(ReferenceFailed, match=r"\(O\) is 0\.01 Å away"):
        outputs_of(outputs, moved)
    other = structure()
    other.symbols[0] = "Li"
    with pytest.raises(ReferenceFailed, match="belongs to another calculation"):
        outputs_of(outputs, other)


def test_wave_functions_are_gone_on_with(fake, tmp_path):
    reference = fake("converged")
    reference.label(structure())
    reference.label(structure())
    reference.label(structure(), careful=True)
    work = tmp_path / "work"
    had = [(work / f"had-wavecar-{n}").read_text() for n in range(3)]
    assert had == ["False", "True", "False"]
    assert "ISTART = 0" in (work / "INCAR-0").read_text()
    assert "ISTART = 1" in (work / "INCAR-1").read_text()
    assert "ISTART = 0" in (work / "INCAR-2").read_text()


def test_what_does_not_converge_is_tried_again_from_nothing(fake, tmp_path):
    reference = fake("converged", "unconverged", "converged")
    reference.label(structure())
    assert reference.label(structure()).attempts == 2
    assert (tmp_path / "work" / "had-wavecar-2").read_text() == "False"


def test_a_failure_keeps_its_files_but_not_the_licensed_ones(fake):
    with pytest.raises(ReferenceFailed, match="cannot open shared library") as caught:
        fake("licence").label(structure())
    assert "attempt-1-INCAR" in caught.value.evidence
    assert not any("POTCAR" in name for name in caught.value.evidence)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"command": ["no-vasp"]}, "no-vasp, which is not on the PATH.*licence"),
        ({"potential_directory": None}, "reference.potential_directory` or .* VASP_PP_PATH"),
        ({"potential_directory": "/no/where"}, "/no/where, which is no directory"),
        ({"potential_directory": str(DATA)}, "has no directory potpaw_PBE: unpack"),
        ({"settings": {"NELM": 3}}, "NELM` is set by aofl"),
        ({"settings": {"algo": "Fast"}}, "algo` is no key of INCAR"),
        ({"settings": {"SYSTEM": "a\nNSW = 5"}}, "expected a number"),
        ({"settings": {"ALGO": {"a": 1}}}, "expected a number"),
    ],
)
def test_what_is_missing_or_wrong_is_said_at_once(
    potentials, tmp_path, monkeypatch, changes, words
):
    monkeypatch.delenv("VASP_PP_PATH", raising=False)
    given = {"command": [sys.executable], "directory": potentials, **changes}
    with pytest.raises(ConfigError, match=words):
        VaspReference(configured(**given), tmp_path)


def test_a_missing_potcar_is_named(fake):
    with pytest.raises(StructureError, match=r"no POTCAR of Na at .*potpaw_PBE/Na: unpack"):
        fake("converged", setups={}).label(structure())


def test_the_level_of_theory_is_what_changes_the_answer(fake):
    described = fake("converged").describe()
    assert fake("converged", timeout_s=9.0, max_iterations=7).describe() == described
    assert fake("converged", cutoff_eV=400.0).describe() != described
    assert fake("converged", setups={"Na": ""}).describe() != described
