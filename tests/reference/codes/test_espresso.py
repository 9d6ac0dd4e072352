"""Quantum ESPRESSO: inputs as recorded ones, outputs believed only where pw.x converged.

The recorded files are of pw.x 6.7 on one water molecule with norm-conserving PBE files.
"""

import json
import shutil
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.io import read
from ase.units import Bohr, GPa, Ry

from aofl.config import config_from_mapping
from aofl.config.references import EspressoConfig
from aofl.errors import ConfigError, ReferenceFailed, StructureError
from aofl.reference.codes.dft_attempts import DFT_ATTEMPTS, DftAttempt
from aofl.reference.codes.espresso import EspressoReference
from aofl.reference.codes.espresso_files import namelists_of, read_output, write_input

DATA = Path(__file__).parents[2] / "data" / "espresso"
UPF = {"O": "O_HSCV_PBE-1.0.UPF", "H": "H_HSCV_PBE-1.0.UPF"}
DEBIAN = Path("/usr/share/espresso/pseudo")


def water():
    return read(DATA / "water.xyz")


def configured(directory="/pseudo", **changes):
    given = {
        "name": "espresso",
        "pseudopotentials": dict(UPF),
        "pseudopotential_directory": str(directory),
        "cutoff_Ry": 80.0,
        **changes,
    }
    return EspressoConfig(**given)


@pytest.fixture
def pseudopotentials(tmp_path):
    directory = tmp_path / "pseudo"
    directory.mkdir()
    for name in UPF.values():
        (directory / name).write_text(" SLA  PW   PBE  PBE    PBE  Exchange-Correlation functional")
    return directory


FAKE = """#!{python}
import pathlib, shutil, sys
number = len(list(pathlib.Path(".").glob("input-*")))
shutil.copy(sys.argv[sys.argv.index("-in") + 1], f"input-{{number}}")
pathlib.Path("state").mkdir(exist_ok=True)
pathlib.Path("state/wfc").touch()
script = {answers!r}
answer = script[min(number, len(script) - 1)]
if answer == "sleep":
    import time
    time.sleep(60)
if answer == "crash":
    print("Segmentation fault")
    sys.exit(139)
print(pathlib.Path(answer).read_text())
sys.exit(2 if "unconverged" in answer else 0)
"""


@pytest.fixture
def fake(tmp_path, pseudopotentials):
    """Makes references whose pw.x prints recorded outputs, one after the other."""

    def make(*answers, **changes):
        answers = [a if a in ("sleep", "crash") else str(DATA / f"{a}.pwo") for a in answers]
        program = tmp_path / "pw.x"
        program.write_text(FAKE.format(python=sys.executable, answers=answers))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        config = configured(pseudopotentials, command=[str(program)], **changes)
        return EspressoReference(config, tmp_path / "work")

    return make


def inputs(tmp_path):
    return [path.read_text() for path in sorted((tmp_path / "work").glob("input-*"))]


def test_the_input_is_the_recorded_one(tmp_path):
    config = configured()
    namelists = namelists_of(config, DftAttempt(), continues=False)
    write_input(config, namelists, Path("/pseudo"), water(), tmp_path)
    assert (tmp_path / "espresso.pwi").read_text() == (DATA / "first.pwi").read_text()


def test_settings_reach_the_input(tmp_path):
    config = configured(
        dispersion=None,
        functional="RPBE",
        kpoints=(2, 2, 1),
        density_cutoff_Ry=500.0,
        settings={"system": {"nspin": 2}, "ELECTRONS": {"mixing_mode": "local-TF"}},
    )
    namelists = namelists_of(config, DFT_ATTEMPTS[-1], continues=False)
    write_input(config, namelists, Path("/pseudo"), water(), tmp_path)
    text = (tmp_path / "espresso.pwi").read_text()
    for words in ("2 2 1  0 0 0", "nspin            = 2", "'local-TF'", "'RPBE'", "500.0"):
        assert words in text
    assert "vdw_corr" not in text
    assert "mixing_beta      = 0.09" in text
    assert "electron_maxstep = 300" in text


def test_the_output_is_read_in_our_units():
    text = (DATA / "converged.pwo").read_text()
    label = read_output(text, water(), seconds=1.5)
    # Straight from the text, without a reader of anyone's.
    energy = next(line for line in text.splitlines() if line.startswith("!")).split()[-2]
    first = next(line for line in text.splitlines() if "atom    1 type" in line and "force" in line)
    pressure = next(line for line in text.splitlines() if "P=" in line).split()[-1]
    assert label.energy == pytest.approx(float(energy) * Ry, rel=1e-6)
    assert label.forces[0] == pytest.approx(
        [float(word) * Ry / Bohr for word in first.split()[-3:]], abs=1e-6
    )
    assert -label.stress[:3].mean() / (0.1 * GPa) == pytest.approx(float(pressure), abs=0.01)
    assert np.abs(label.forces.sum(axis=0)).max() < 1e-3
    assert label.seconds == 1.5


def moved(atoms):
    atoms.positions[2, 1] += 0.01
    return atoms


def renamed(atoms):
    atoms.symbols[1] = "Li"
    return atoms


def stretched(atoms):
    atoms.set_cell(atoms.cell * 1.01)
    return atoms


def wrapped(atoms):
    atoms.positions[0] += atoms.cell[0]
    return atoms


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (moved, r"atom 2 \(H\) is 0\.01 Å away"),
        (renamed, "is for OH2 and not for"),
        (stretched, "another cell, 0.06 Å off"),
        (lambda atoms: atoms[[0, 1]], "is for OH2 and not for OH"),
        (lambda atoms: atoms[[1, 0, 2]], "is for OH2 and not for HOH"),
    ],
)
def test_the_output_of_another_structure_is_refused(change, words):
    text = (DATA / "converged.pwo").read_text()
    with pytest.raises(ReferenceFailed, match=words):
        read_output(text, change(water()), seconds=1.0)


def test_an_atom_in_the_next_cell_is_the_same_structure():
    read_output((DATA / "converged.pwo").read_text(), wrapped(water()), seconds=1.0)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_truncated_output_is_refused(share):
    text = (DATA / "converged.pwo").read_text()
    with pytest.raises(ReferenceFailed, match="ends before JOB DONE"):
        read_output(text[: int(share * len(text))], water(), seconds=1.0)


def test_a_damaged_output_is_refused():
    lines = (DATA / "converged.pwo").read_text().splitlines()
    cut = [line for line in lines if "force =" not in line]
    with pytest.raises(ReferenceFailed, match="cannot be read"):
        read_output("\n".join(cut), water(), seconds=1.0)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unconverged", "did not converge: lower `reference.mixing`"),
        ("no_pseudopotential", r"stopped in readpp \(1\): file .*X_HSCV_PBE-1.0.UPF not found"),
    ],
)
def test_what_pw_says_went_wrong_is_told(name, words):
    with pytest.raises(ReferenceFailed, match=words):
        read_output((DATA / f"{name}.pwo").read_text(), water(), seconds=1.0)


def test_wave_functions_are_gone_on_with_for_the_same_kind_of_structure(fake, tmp_path):
    reference = fake("converged")
    reference.label(water())
    reference.label(water())
    first, second = inputs(tmp_path)
    assert "startingwfc" not in first
    assert "startingwfc      = 'file'" in second
    assert "startingpot      = 'file'" in second
    reference.label(water(), careful=True)
    assert "startingwfc" not in inputs(tmp_path)[2]


def test_keeping_nothing_starts_from_nothing(fake, tmp_path):
    reference = fake("converged", keep_wavefunctions=False)
    reference.label(water())
    reference.label(water())
    assert not any("startingwfc" in text for text in inputs(tmp_path))
    assert all("disk_io          = 'none'" in text for text in inputs(tmp_path))


def test_what_does_not_converge_is_tried_again_gently(fake, tmp_path):
    label = fake("unconverged", "unconverged", "converged").label(water())
    assert label.attempts == 3
    assert "mixing_beta      = 0.09" in inputs(tmp_path)[2]
    assert label.energy < -400


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("unconverged", "no label for OH2 in 3 attempts; last: the SCF of pw.x did not converge"),
        ("crash", "no label .* last: "),
        ("sleep", "no answer within 0.5 s"),
    ],
)
def test_a_failure_is_told_with_its_files(fake, answer, words):
    reference = fake(answer, timeout_s=0.5 if answer == "sleep" else 60.0)
    with pytest.raises(ReferenceFailed, match=words) as caught:
        reference.label(water())
    if answer == "unconverged":
        assert "ATOMIC_POSITIONS" in caught.value.evidence["attempt-1-espresso.pwi"]
        assert "NOT achieved" in caught.value.evidence["attempt-3-espresso.pwo"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"command": ["no-pw.x"]}, "no-pw.x, which is not on the PATH.*apt install quantum-espr"),
        (
            {"pseudopotential_directory": None},
            "set `reference.pseudopotential_directory` or .*ESPR",
        ),
        ({"pseudopotential_directory": "/no/where"}, "/no/where, which is no directory"),
        ({"pseudopotentials": {"Na": "Na.UPF"}}, r"pseudopotential of Na is missing: .*Na\.UPF"),
        ({"functional": "RPBE", "settings": {"ions": {}}}, "settings.ions` is no namelist"),
        ({"settings": {"system": {"ecutwfc": 1}}}, "settings.system.ecutwfc` is set by aofl"),
    ],
)
def test_what_is_missing_or_wrong_is_said_at_once(
    pseudopotentials, tmp_path, monkeypatch, changes, words
):
    monkeypatch.delenv("ESPRESSO_PSEUDO", raising=False)
    given = {"command": [sys.executable], **changes}
    with pytest.raises(ConfigError, match=words):
        EspressoReference(configured(**{"directory": pseudopotentials, **given}), tmp_path)


def test_the_environment_names_the_pseudopotentials(pseudopotentials, tmp_path, monkeypatch):
    monkeypatch.setenv("ESPRESSO_PSEUDO", str(pseudopotentials))
    config = configured(command=[sys.executable], pseudopotential_directory=None)
    assert EspressoReference(config, tmp_path).elements_supported() == {"H", "O"}


def test_a_pseudopotential_of_another_functional_is_refused(pseudopotentials, tmp_path):
    (pseudopotentials / UPF["O"]).write_text('<PP_HEADER functional=" SLA  PZ   NOGX NOGC"/>')
    with pytest.raises(ConfigError, match=r"of O, .* was made for LDA and not for PBE"):
        EspressoReference(configured(pseudopotentials, command=[sys.executable]), tmp_path)


def test_structures_that_can_never_be_labelled(fake):
    reference = fake("converged")
    with pytest.raises(StructureError, match="no file for Li"):
        reference.label(renamed(water()))
    flat = water()
    flat.cell[2] = 0.0
    with pytest.raises(StructureError, match="cell of three vectors"):
        reference.label(flat)


def test_the_level_of_theory_is_what_changes_the_answer(fake):
    described = fake("converged").describe()
    assert json.loads(json.dumps(described)) == described
    assert fake("converged", mixing=0.1, timeout_s=9.0, max_iterations=7).describe() == described
    assert fake("converged", cutoff_Ry=90.0).describe() != described
    assert fake("converged", dispersion=None).describe() != described


def test_numbers_in_a_command_are_text():
    config = config_from_mapping(
        {
            "reference": {
                "name": "espresso", "command": ["mpirun", "-np", 4, "pw.x"],
                "pseudopotentials": {"H": "H.UPF"}, "cutoff_Ry": 60.0,
            },
            "system": {"structure": "a"},
            "dynamics": {"name": "bussi", "timestep_fs": 1.0, "temperature_K": 1.0, "steps": 1},
        }
    ).reference  # fmt: skip
    assert config.command == ["mpirun", "-np", "4", "pw.x"]


@pytest.mark.skipif(
    shutil.which("pw.x") is None or not (DEBIAN / "O.pbe-kjpaw.UPF").is_file(),
    reason="needs Debian's quantum-espresso and quantum-espresso-data",
)
def test_real_pw_goes_on_from_its_wave_functions_and_differentiates_its_energy(tmp_path):
    files = {"O": "O.pbe-kjpaw.UPF", "H": "H.pbe-kjpaw.UPF"}
    config = configured(
        DEBIAN, pseudopotentials=files, cutoff_Ry=40.0, density_cutoff_Ry=320.0,
        convergence_Ry=1e-8, dispersion=None,
    )  # fmt: skip
    reference = EspressoReference(config, tmp_path / "work")
    atoms = water()
    atoms.set_cell([5.0, 5.0, 5.0])
    label = reference.label(atoms)
    energies = []
    for sign in (1, -1):
        displaced = atoms.copy()
        displaced.positions[1, 2] += 0.005 * sign
        energies.append(reference.label(displaced).energy)
    assert "Starting wfcs from file" in (tmp_path / "work" / "espresso.pwo").read_text()
    assert label.forces[1, 2] == pytest.approx(-(energies[0] - energies[1]) / 0.01, abs=0.005)
    assert reference.version
