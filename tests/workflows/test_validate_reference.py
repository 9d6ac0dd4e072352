"""`aofl validate`: numbers, failures as lines, gone on with after a kill, and refused input."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.morse import MorsePotential

from aofl import api
from aofl.config import config_from_mapping, read_config, read_reference
from aofl.config.references import AseConfig, Cp2kConfig, TbliteConfig
from aofl.errors import AoflError, ConfigError, ReferenceFailed, StructureError
from aofl.reference import AseReference
from aofl.thermochemistry.measured import Substance, read_measured, structure_of
from aofl.workflows.static_energies import (
    METAL_FACTOR,
    SHORTER,
    StaticEnergies,
    Task,
    Worker,
    repeats,
    sampled,
    with_multiplicity,
)
from aofl.workflows.validate_reference import compared, substances_for

MEASURED = read_measured()
GFN1 = TbliteConfig()
YAML = "reference: {name: tblite, electronic_temperature_K: 3000}\n"


def aofl(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "aofl.cli", "validate", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reference") / "gfn1.yaml"
    path.write_text(YAML)
    return path


@pytest.fixture(scope="module")
def water(config: Path) -> tuple[Path, dict]:
    """Hydrogen and oxygen, from the command line."""
    out = config.parent / "water"
    done = aofl(config, "--elements", "O,H", "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    return out, json.loads(done.stdout)


def test_the_json_is_the_file_and_has_the_known_enthalpy(water: tuple[Path, dict]) -> None:
    out, found = water
    assert json.loads((out / "validation.json").read_text()) == found
    (reaction,) = found["reactions"]
    assert reaction["reaction"] == "H2 + 1/2 O2 -> H2O"
    assert reaction["measured_kJ_mol"] == pytest.approx(-241.826)
    by_name = {one["name"]: one for one in found["substances"]}
    energies = {name: one["computed"]["energy"] for name, one in by_name.items()}
    static = energies["H2O"] - energies["H2"] - 0.5 * energies["O2"]
    # ZPE and H(298 K) - H(0) of the tables, by hand
    correction = (55.45 + 9.905) - (26.07 + 8.468) - 0.5 * (9.42 + 8.680)
    expected = static * units.mol / units.kJ + correction
    assert reaction["computed_kJ_mol"] == pytest.approx(expected, abs=1e-6)
    assert found["verdict"][0].startswith("not right")
    assert found["semi_empirical"] is True


def test_oxygen_is_a_triplet(water: tuple[Path, dict]) -> None:
    _, found = water
    energies = {one["name"]: one["computed"]["energy"] for one in found["substances"]}
    singlet = Worker(TbliteConfig(), water[0].parent / "singlet", 0)
    molecule = MEASURED.substances["O2"]
    closed = Substance(
        name="O2", phase="molecule", enthalpy=0, uncertainty=0, sources=(),
        positions=molecule.positions,
    )  # fmt: skip
    # At 3000 K the electrons of the singlet spread over both orbitals: an entropy of k ln 16.
    gap = energies["O2"] - singlet(Task(substance=closed, edge=10.0)).energy
    assert gap == pytest.approx(units.kB * 3000 * np.log(16), abs=0.05)


def test_a_second_time_nothing_is_computed(config: Path, water: tuple[Path, dict]) -> None:
    out, first = water
    again = api.validate_reference(read_reference(config), ["O", "H"], out)
    assert all(one["computed"]["made"] == 0 for one in again["substances"])
    assert again["reactions"] == first["reactions"]


def test_after_a_kill_it_goes_on_where_it_was(config: Path) -> None:
    out = config.parent / "killed"
    command = [sys.executable, "-m", "aofl.cli", "validate", config, "--elements", "O,H,C,F,Cl"]
    process = subprocess.Popen(
        [*map(str, command), "--out", str(out)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while len(list(out.glob("labels/*/*.json"))) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    labels = {path: path.read_bytes() for path in out.glob("labels/*/*.json")}
    assert len(labels) >= 4
    done = aofl(config, "--elements", "O,H,C,F,Cl", "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert sum(one["computed"]["found"] for one in found["substances"]) >= len(labels)
    assert all(path.read_bytes() == data for path, data in labels.items())


def test_what_fails_is_a_line_and_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "emt.yaml"
    path.write_text("reference: {name: ase, calculator: ase.calculators.emt.EMT}\n")
    done = aofl(path, "--elements", "O,H,F", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert "HF has no result" in done.stdout
    found = json.loads((tmp_path / "out/validation.json").read_text())
    failures = {one["name"]: one["failure"] for one in found["substances"]}
    assert "unpaired electrons" in failures["O2"]
    assert "EMT gave no label" in failures["HF"]
    assert failures["H2O"] is None
    assert found["reactions"][0]["missing"] == ["O2"]
    assert found["reactions"][0]["computed_kJ_mol"] is None


def test_a_reference_that_can_do_nothing_fails_with_code_1(tmp_path: Path) -> None:
    path = tmp_path / "emt.yaml"
    path.write_text("reference: {name: ase, calculator: ase.calculators.emt.EMT}\n")
    done = aofl(path, "--elements", "Na", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "no reaction could be computed" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        (["Xx"], "`--elements` is 'Xx'"),
        (["Na", "", "O"], "`--elements` is ''"),
        (["na", "X"], "`--elements` is 'na', 'X'"),
        ([], "`--elements` is empty"),
        (["He"], "consists of He; there are some of C, Cl, F, H, K, Li, Na, O"),
    ],
)
def test_elements_that_are_none_are_refused(elements: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        substances_for(MEASURED, elements)


def test_without_a_system_the_elements_are_to_be_given(config: Path) -> None:
    done = aofl(config, "--out", config.parent / "none")
    assert done.returncode == 2
    assert "`system` is missing" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_elements_of_a_configuration_are_those_of_its_system(tmp_path: Path) -> None:
    bulk("NaCl", "rocksalt", a=5.64, cubic=True).write(tmp_path / "salt.xyz")
    path = tmp_path / "run.yaml"
    path.write_text(
        "system: {structure: salt.xyz}\n"
        "dynamics: {name: langevin, timestep_fs: 0.5, temperature_K: 300, steps: 1}\n"
    )
    assert api.elements_of(read_config(path)) == ["Cl", "Na"]


def test_substances_are_those_of_the_elements_and_no_others() -> None:
    names = {substance.name for substance in substances_for(MEASURED, ["Na", "H"])}
    assert names == {"Na", "NaH", "H2", "Na(g)", "H(g)"}


def perfect(shift: dict[str, float] | None = None) -> dict[str, StaticEnergies]:
    """Return energies that give each measured enthalpy, but for a shift in kJ/mol."""
    from aofl.thermochemistry.thermal import thermal_enthalpy, zero_point

    return {
        name: StaticEnergies(
            name=name,
            energy=(one.enthalpy - zero_point(one) - thermal_enthalpy(one)
                    + (shift or {}).get(name, 0.0)) * units.kJ / units.mol,
            energy_shorter=0.0, n_atoms=1, kpoints=(1, 1, 1),
            lattice_constant=None if one.cell is None else one.cell[0],
        )
        for name, one in MEASURED.substances.items()
    }  # fmt: skip


def judged(shift: dict[str, float] | None = None) -> dict:
    computed = {
        name: replace(one, energy_shorter=one.energy) for name, one in perfect(shift).items()
    }
    return compared(MEASURED, substances_for(MEASURED, ["Na", "O", "H"]), computed, {})


def test_a_perfect_reference_is_right_in_everything() -> None:
    found = judged()
    assert found["verdict"][0].startswith("right for this chemistry")
    assert all(r["error_kJ_mol"] == pytest.approx(0.0, abs=1e-9) for r in found["reactions"])
    assert all(r["grade"] == "right" for r in found["reactions"] + found["atomisation"])
    assert found["explanation_kJ_mol"] == {}


def test_a_reference_that_is_wrong_about_one_substance_is_told_so() -> None:
    found = judged({"NaH": -80.0})
    assert found["explanation_kJ_mol"] == pytest.approx({"NaH": -80.0})
    assert "NaH 80 kJ/mol too stable" in " ".join(found["verdict"])


def test_an_energy_that_depends_on_the_cell_is_not_judged() -> None:
    chosen = substances_for(MEASURED, ["Na", "H"])
    found = compared(MEASURED, chosen, perfect(), {})  # the shorter cell says 0 eV
    assert {r["grade"] for r in found["reactions"]} == {"unconverged"}


def test_cells_are_sampled_as_far_as_the_length_says() -> None:
    sodium = structure_of(MEASURED.substances["Na"])  # 3.716 Å along each vector
    assert repeats(sodium, 13.0 * METAL_FACTOR) == (6, 6, 6)
    assert repeats(sodium, SHORTER * 13.0 * METAL_FACTOR) == (5, 5, 5)
    repeated, same = sampled(sodium, GFN1, (2, 3, 4))
    assert (len(repeated), same) == (24, GFN1)
    primitive, dft = sampled(sodium, Cp2kConfig(name="cp2k"), (2, 3, 4))
    assert (len(primitive), dft.kpoints) == (1, (2, 3, 4))
    own = Cp2kConfig(name="cp2k", input="mine.inp")
    assert len(sampled(sodium, own, (2, 3, 4))[0]) == 24  # its k-points are not ours to set


def test_an_open_shell_needs_a_reference_that_knows_of_them() -> None:
    assert with_multiplicity(GFN1, 3).multiplicity == 3
    assert with_multiplicity(TbliteConfig(multiplicity=2), 1).multiplicity == 1
    charged = Cp2kConfig(name="cp2k", charge=-1, multiplicity=2)
    assert with_multiplicity(charged, 1) == Cp2kConfig(name="cp2k")
    emt = AseConfig(name="ase", calculator="ase.calculators.emt.EMT")
    assert with_multiplicity(emt, 1) is emt
    for config in (emt, Cp2kConfig(name="cp2k", input="mine.inp")):
        with pytest.raises(StructureError, match="2 unpaired electrons"):
            with_multiplicity(config, 3)


class MorseWorker(Worker):
    """A worker whose reference is a Morse crystal: bonds of 2.8 Å, nearest neighbours alone."""

    def _reference(self, config: object) -> AseReference:
        return AseReference(
            MorsePotential(epsilon=0.5, rho0=4.2, r0=2.8, rcut1=1.15, rcut2=1.3),
            description={"code": "morse"},
        )


def copper(constant: float) -> Substance:
    return Substance(
        name="Cu", phase="solid", enthalpy=0.0, uncertainty=0.0, sources=(), entropy=33.0,
        space_group=225, cell=(constant,) * 3 + (90.0,) * 3, sites=(("Cu", 0.0, 0.0, 0.0),),
    )  # fmt: skip


@pytest.mark.parametrize("measured", [3.96, 3.7, 4.2])
def test_the_lattice_constant_is_found_from_afar(tmp_path: Path, measured: float) -> None:
    emt = AseConfig(name="ase", calculator="ase.calculators.emt.EMT")
    found = MorseWorker(emt, tmp_path, 0)(Task(substance=copper(measured), edge=8.0))
    assert found.lattice_constant == pytest.approx(2.8 * np.sqrt(2), rel=1e-3)
    assert found.energy == pytest.approx(found.energy_shorter, abs=1e-9)
    assert found.bulk_modulus == pytest.approx(
        12 * 0.5 * 1.5**2 * 2.8**2 / (9 * (2.8 * np.sqrt(2)) ** 3 / 4) / units.GPa, rel=0.02
    )


def test_a_minimum_that_is_too_far_is_not_made_up(tmp_path: Path) -> None:
    emt = AseConfig(name="ase", calculator="ase.calculators.emt.EMT")
    found = MorseWorker(emt, tmp_path, 0)(Task(substance=copper(2.6), edge=5.0))
    assert found.lattice_constant is None
    assert found.notes == ("no minimum of the energy near; looked at 3.48 to 3.64 Å",)


def test_energies_of_two_states_make_no_equation_of_state(tmp_path: Path) -> None:
    class TwoStates(MorseWorker):
        def _reference(self, config: object) -> AseReference:
            made = super()._reference(config)
            inner = made.label

            def label(atoms: object, *, careful: bool = False) -> object:
                found = inner(atoms)
                bonds = atoms.cell.lengths()[0] / (3.96 / np.sqrt(2))
                is_other = abs(bonds - 2 * 0.96) < 0.01
                return replace(found, energy=found.energy - 0.4 * len(atoms) * is_other)

            made.label = label
            return made

    emt = AseConfig(name="ase", calculator="ase.calculators.emt.EMT")
    found = TwoStates(emt, tmp_path, 0)(Task(substance=copper(3.96), edge=7.0))
    assert found.lattice_constant is None
    assert "more than one electronic state" in found.notes[0]


def test_a_point_that_fails_far_away_costs_the_equation_of_state_alone(tmp_path: Path) -> None:
    class Fails(MorseWorker):
        def _reference(self, config: object) -> AseReference:
            made = super()._reference(config)
            inner = made.label

            def label(atoms: object, *, careful: bool = False) -> object:
                bonds = atoms.cell.lengths()[0] / (3.96 / np.sqrt(2))
                if abs(bonds - round(bonds)) > 1e-3:
                    raise ReferenceFailed("the SCF did not converge")
                return inner(atoms)

            made.label = label
            return made

    emt = AseConfig(name="ase", calculator="ase.calculators.emt.EMT")
    found = Fails(emt, tmp_path, 0)(Task(substance=copper(3.96), edge=7.0))
    assert found.lattice_constant is None
    assert found.notes == ("no equation of state: the SCF did not converge",)
    assert found.energy < -2.5


def test_multiplicity_is_a_key_of_tblite() -> None:
    data = {
        "system": {"structure": "none"}, "reference": {"name": "tblite", "multiplicity": 0},
        "dynamics": {"name": "velocity_verlet", "timestep_fs": 1, "temperature_K": 1, "steps": 1},
    }  # fmt: skip
    with pytest.raises(AoflError, match="multiplicity"):
        config_from_mapping(data)
