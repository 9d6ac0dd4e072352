"""A dipole correction and a field along the normal: inputs, refusals, forces against energies."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.units import Bohr

from aofl.config import config_from_mapping
from aofl.config.references import (
    Cp2kConfig,
    EspressoConfig,
    GpawConfig,
    ReferenceConfig,
    VaspConfig,
)
from aofl.errors import ConfigError, StructureError
from aofl.reference import Reference
from aofl.reference.codes.cp2k import Cp2kReference
from aofl.reference.codes.cp2k_input import Section, render
from aofl.reference.codes.cp2k_slab import sawtooth, with_slab
from aofl.reference.codes.dft_attempts import DftAttempt
from aofl.reference.codes.espresso import EspressoReference
from aofl.reference.codes.espresso_files import check_settings as check_namelists
from aofl.reference.codes.espresso_files import namelists_of
from aofl.reference.codes.gpaw import GpawReference, away_from_faces
from aofl.reference.codes.slab import ATOMIC_FIELD, slab_settings, vacuum_for
from aofl.reference.codes.vasp_files import check_settings, incar_of

PSEUDO = Path("/usr/share/espresso/pseudo")
SLAB = {"dipole_correction": True, "field_V_per_A": 0.2}
FILES = {"O": "O.pbe-rrkjus.UPF", "H": "H.pbe-kjpaw.UPF"}


def water(height: float = 12.0) -> Atoms:
    """Return a water molecule whose dipole is along z, nearly, and not in the middle."""
    atoms = molecule("H2O")
    atoms.rotate(150, "x")
    atoms.set_cell([4.5, 4.5, height])
    atoms.pbc = True
    atoms.center()
    atoms.positions[:, 2] -= 1.0
    return atoms


def vasp(**changes: Any) -> VaspConfig:
    return VaspConfig(name="vasp", cutoff_eV=520.0, **{**SLAB, **changes})


def espresso(**changes: Any) -> EspressoConfig:
    given = {"pseudopotentials": FILES, "cutoff_Ry": 30.0, **SLAB, **changes}
    return EspressoConfig(name="espresso", **given)


def cp2k(**changes: Any) -> Cp2kConfig:
    return Cp2kConfig(name="cp2k", **{**SLAB, **changes})


def reference_of(**given: Any) -> ReferenceConfig:
    dynamics = {"name": "bussi", "timestep_fs": 0.5, "temperature_K": 300.0, "steps": 1}
    data = {"system": {"structure": "a.xyz"}, "dynamics": dynamics, "reference": given}
    return config_from_mapping(data).reference


@pytest.mark.parametrize("shift", [0.0, 3.0, 7.5, -20.0])
def test_the_vacuum_is_found_wherever_the_slab_is(shift: float) -> None:
    atoms = water()
    atoms.positions[:, 2] += shift
    vacuum = vacuum_for(cp2k(), atoms)
    assert vacuum is not None
    z = atoms.positions[:, 2]
    assert vacuum.width == pytest.approx(12.0 - np.ptp(z))
    across = (vacuum.middle * 12.0 - (z.max() + z.min()) / 2) % 12.0
    assert across == pytest.approx(6.0)


def test_nothing_is_looked_at_where_nothing_is_asked_for() -> None:
    assert vacuum_for(Cp2kConfig(name="cp2k"), bulk("Na")) is None
    assert slab_settings(Cp2kConfig(name="cp2k")) == {}
    assert incar_of(VaspConfig(name="vasp", cutoff_eV=1.0), DftAttempt(), None, continues=False)[
        "ISIF"
    ]


def test_the_level_of_theory_has_both() -> None:
    assert slab_settings(cp2k()) == SLAB
    assert slab_settings(cp2k(field_V_per_A=0.0)) == {"dipole_correction": True}


def test_vasp_gets_the_recorded_keys() -> None:
    atoms = water()
    incar = incar_of(vasp(), DftAttempt(), vacuum_for(vasp(), atoms), continues=False)
    middle = atoms.positions[:, 2].min() + np.ptp(atoms.positions[:, 2]) / 2
    assert {key: incar[key] for key in ("LDIPOL", "IDIPOL", "DIPOL", "EFIELD")} == {
        "LDIPOL": True,
        "IDIPOL": 3,
        "DIPOL": [0.5, 0.5, pytest.approx(middle / 12.0, abs=1e-6)],
        "EFIELD": -0.2,  # the force on an electron
    }
    plain = vasp(field_V_per_A=0.0)
    assert "EFIELD" not in incar_of(plain, DftAttempt(), vacuum_for(plain, atoms), continues=False)


def test_pw_gets_the_recorded_keys() -> None:
    vacuum = vacuum_for(espresso(), water())
    assert vacuum is not None
    lists = namelists_of(espresso(), DftAttempt(), vacuum, continues=False)
    assert lists["control"]["tefield"]
    assert lists["control"]["dipfield"]
    assert not lists["control"]["tstress"]  # pw.x has none in a field
    system = lists["system"]
    assert system["edir"] == 3
    assert system["eamp"] == pytest.approx(0.2 / ATOMIC_FIELD)
    # It falls back in a quarter of the vacuum, around its middle.
    assert system["eopreg"] == pytest.approx(0.25 * vacuum.width / 12.0)
    back = system["emaxpos"] + system["eopreg"] / 2 - vacuum.middle
    assert back - round(back) == pytest.approx(0.0, abs=1e-12)


def test_cp2k_gets_the_recorded_keys() -> None:
    vacuum = vacuum_for(cp2k(), water())
    text = render(with_slab(Section(""), cp2k(), vacuum))
    assert "SURFACE_DIPOLE_CORRECTION TRUE" in text
    assert "SURF_DIP_DIR Z" in text
    assert "SURF_DIP_POS 11.000000" in text
    assert "&EXTERNAL_POTENTIAL\n      FUNCTION (" in text
    plain = render(with_slab(Section(""), cp2k(field_V_per_A=0.0), vacuum))
    assert "EXTERNAL" not in plain


def test_the_sawtooth_is_the_potential_of_the_field() -> None:
    text = sawtooth(0.3, 11.0, 12.0).replace("ATAN", "arctan").replace("TAN", "tan")
    text = text.replace("arctan", "np.arctan").replace("(tan", "(np.tan")

    def volts(z: np.ndarray) -> np.ndarray:
        return np.asarray(eval(text, {"np": np, "Z": z / Bohr})) * ATOMIC_FIELD * Bohr  # noqa: S307

    z = np.linspace(-0.9, 10.9, 50)  # one period, from jump to jump
    np.testing.assert_allclose(np.diff(volts(z)) / np.diff(z), -0.3, rtol=1e-6)
    np.testing.assert_allclose(volts(z + 12.0), volts(z), atol=1e-6)


@pytest.mark.parametrize(
    ("atoms", "words"),
    [
        (bulk("Na", "bcc", a=4.2, cubic=True) * (1, 1, 3), r"needs 8 Å along z .* has 2\.1 Å"),
        (water(8.5), r"the widest layer has 7\.\d Å"),
        (Atoms("Na", cell=[[4, 0, 0], [0, 4, 0], [1, 0, 20]], pbc=True), "whose normal is z"),
        (Atoms("Na", cell=[[4, 0, 1], [0, 4, 0], [0, 0, 20]], pbc=True), "whose normal is z"),
    ],
)
def test_a_cell_without_a_vacuum_along_z_is_refused(atoms: Atoms, words: str) -> None:
    with pytest.raises(StructureError, match=words):
        vacuum_for(cp2k(), atoms)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "tblite", "dipole_correction": True}, r"`reference\.dipole_correction` is unk"),
        ({"name": "gpaw", "field_V_per_A": 0.1}, "wants `dipole_correction: true`"),
        ({"name": "gpaw", "dipole_correction": True, "mode": "lcao"}, "is for `mode: pw`"),
        ({"name": "cp2k", "field_V_per_A": 0.1}, "wants `dipole_correction: true`"),
        ({"name": "cp2k", "dipole_correction": True, "field_V_per_A": 5.0}, "less than or equal"),
        ({"name": "cp2k", "dipole_correction": True, "charge": 1}, "make the cell neutral"),
        ({"name": "cp2k", "dipole_correction": True, "input": "a.inp"}, "belong to the preset"),
    ],
)
def test_what_a_code_cannot_do_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        reference_of(**given)


def test_what_aofl_writes_is_not_written_twice() -> None:
    with pytest.raises(ConfigError, match="LDIPOL` is set by aofl"):
        check_settings(vasp(settings={"LDIPOL": True}))
    check_settings(VaspConfig(name="vasp", cutoff_eV=1.0, settings={"LDIPOL": True}))
    with pytest.raises(ConfigError, match=r"system\.eamp` is set by aofl"):
        check_namelists(espresso(settings={"system": {"eamp": 0.0}}))


def responds(plain: Reference, slab: Reference, atoms: Atoms, within: float = 2e-3) -> None:
    """Check what correction and field add to the force on O against what they add to the energy.

    The noise of the grid, which is larger, is the same with and without them and cancels.
    """
    h, added = 0.02, []
    for sign in (0, 1, -1):
        moved = atoms.copy()
        moved.positions[0, 2] += sign * h
        labels = [reference.label(moved) for reference in (slab, plain)]
        added.append((labels[0].energy - labels[1].energy, labels[0].forces - labels[1].forces))
    force = added[0][1][0, 2]
    assert abs(force) > 0.03
    assert force == pytest.approx(-(added[1][0] - added[2][0]) / (2 * h), abs=within)


def is_pushed_by_the_field(
    up: Reference, down: Reference, atoms: Atoms, dipole: float = 0.31, rel: float = 0.1
) -> None:
    """Check that a dipole along +z gains energy in a field along +z: the codes' common sign."""
    difference = up.label(atoms).energy - down.label(atoms).energy
    assert difference == pytest.approx(-2 * 0.2 * dipole, rel=rel)  # 1.85 D at 30° to z: 0.33 e Å


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("pw.x") is None or not (PSEUDO / FILES["O"]).is_file(),
    reason="needs Debian's quantum-espresso and quantum-espresso-data",
)
def test_real_pw_differentiates_its_energy_in_a_field(tmp_path: Path) -> None:
    common = {
        "pseudopotential_directory": str(PSEUDO), "density_cutoff_Ry": 240.0,
        "convergence_Ry": 1e-9, "dispersion": None,
    }  # fmt: skip

    def made(name: str, **changes: Any) -> Reference:
        return EspressoReference(espresso(**common, **changes), tmp_path / name)

    up, down = made("up"), made("down", field_V_per_A=-0.2)
    responds(made("plain", dipole_correction=False, field_V_per_A=0.0), down, water())
    is_pushed_by_the_field(up, down, water())
    assert up.label(water()).stress is None


@pytest.mark.slow
@pytest.mark.cp2k
@pytest.mark.skipif(shutil.which("cp2k_shell") is None, reason="CP2K is not installed")
def test_real_cp2k_differentiates_its_energy_in_a_field(tmp_path: Path) -> None:
    tight = {"convergence": 1e-6, "dispersion": None, "smooth_xc": False}

    def made(name: str, **changes: Any) -> Cp2kReference:
        return Cp2kReference(cp2k(**tight, **changes), tmp_path / name)

    plain = made("plain", dipole_correction=False, field_V_per_A=0.0)
    up, down = made("up"), made("down", field_V_per_A=-0.2)
    try:
        responds(plain, down, water())
        is_pushed_by_the_field(up, down, water())
    finally:
        for reference in (plain, up, down):
            reference.close()


@pytest.mark.parametrize("shift", [0.0, 3.0, 7.5, -20.0])
def test_gpaw_gets_a_slab_that_ends_where_nothing_is(shift: float) -> None:
    atoms = water()
    atoms.positions[:, 2] += shift
    vacuum = vacuum_for(cp2k(), atoms)
    assert vacuum is not None
    moved = away_from_faces(atoms, vacuum)
    assert moved.pbc.tolist() == [True, True, False]
    z = moved.positions[:, 2]
    assert z.min() > 4.0
    assert z.max() < 8.0
    np.testing.assert_allclose(
        moved.get_all_distances(mic=True), atoms.get_all_distances(mic=True), atol=1e-12
    )


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("gpaw") is None, reason="GPAW is not installed")
def test_real_gpaw_differentiates_its_energy_in_a_field(tmp_path: Path) -> None:
    def made(name: str, **changes: Any) -> Reference:
        given = {"cutoff_eV": 400.0, "density_convergence": 1e-7, "dispersion": None, **SLAB}
        return GpawReference(GpawConfig(name="gpaw", **{**given, **changes}), tmp_path / name)

    up, down = made("up"), made("down", field_V_per_A=-0.2)
    responds(made("corrected", field_V_per_A=0.0), down, water())
    # Without the correction the cell is periodic along z and lies elsewhere on the grid.
    plain = made("plain", dipole_correction=False, field_V_per_A=0.0)
    responds(plain, down, water(), within=5e-3)
    # What its `get_dipole_moment` says of the cell without a field, e Å.
    is_pushed_by_the_field(up, down, water(), dipole=0.271, rel=0.02)
    assert up.label(water()).stress is None
