"""What a run refuses, `check` refuses in the same words, and neither leaves anything behind."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.constraints import (
    FixAtoms,
    FixBondLength,
    FixCartesian,
    FixCom,
    FixedLine,
    FixedPlane,
    Hookean,
)

from aofl import api
from aofl.config import config_from_mapping
from aofl.config.schema import RunConfig
from aofl.errors import AoflError, ConfigError, ModelError, StoreError, StructureError
from aofl.store import RunDirectory, read_atoms
from aofl.workflows.start_resume import create

BUSSI = {"name": "bussi", "time_constant_fs": 100.0}
LANGEVIN = {"name": "langevin", "friction_per_ps": 10.0}


def metal() -> Atoms:
    return bulk("Cu", "fcc", a=3.7, cubic=True) * (2, 1, 1)


def configured(
    structure: Path, dynamics: dict[str, object] | None = None, **changes: object
) -> RunConfig:
    given: dict[str, object] = {
        "mode": "aofl",
        "seed": 1,
        "system": {"structure": str(structure)},
        "reference": {"name": "ase", "calculator": "ase.calculators.emt.EMT"},
        "force_field": {"accuracy": "fast"},
        "dynamics": {
            "timestep_fs": 1.0, "temperature_K": 300.0, "steps": 2, **(dynamics or LANGEVIN),
        },
    }  # fmt: skip
    return config_from_mapping(given | changes)


def written(directory: Path, atoms: Atoms, name: str = "start.traj") -> Path:
    ase.io.write(directory / name, atoms)
    return directory / name


def refusal(config: RunConfig, directory: Path) -> AoflError:
    """Return the error of `check`, which is that of a run; the run leaves nothing."""
    before = sorted(directory.rglob("*"))
    with pytest.raises(AoflError) as checked:
        api.check(config)
    with pytest.raises(type(checked.value)) as refused:
        api.run(config, directory / "out")
    assert str(refused.value) == str(checked.value)
    assert sorted(directory.rglob("*")) == before
    return checked.value


@pytest.mark.parametrize(
    "constraint",
    [
        FixCartesian(0, mask=(False, False, True)),
        FixedPlane([0, 1], (0, 0, 1)),
        FixedLine([2], (0, 0, 1)),
        FixBondLength(0, 1),
        FixCom(),
        Hookean(0, 1, k=5.0, rt=3.0),
    ],
    ids=lambda constraint: type(constraint).__name__,
)
def test_a_constraint_that_a_run_cannot_keep(constraint: object, tmp_path: Path) -> None:
    atoms = metal()
    atoms.set_constraint(constraint)
    error = refusal(configured(written(tmp_path, atoms)), tmp_path)
    assert isinstance(error, StructureError)
    assert type(constraint).__name__ in str(error)
    assert "FixAtoms" in str(error)
    atoms.set_constraint([FixAtoms([3]), constraint])
    refusal(configured(written(tmp_path, atoms)), tmp_path)


@pytest.mark.parametrize("flags", ["T T F", "F T T", "F F T"])
def test_selective_dynamics_along_some_axes(flags: str, tmp_path: Path) -> None:
    path = written(tmp_path, metal(), "POSCAR")
    lines = path.read_text().splitlines()
    place = next(k for k, line in enumerate(lines) if line.strip()[:1] in "CcDd" and k > 5)
    lines.insert(place, "Selective dynamics")
    rows = range(place + 2, place + 2 + len(metal()))
    for number, row in enumerate(rows):
        lines[row] += f" {flags if number == 2 else 'T T T'}"
    path.write_text("\n".join(lines) + "\n")
    assert "which a run cannot keep" in str(refusal(configured(path), tmp_path))
    path.write_text(path.read_text().replace(flags, "F F F"))
    assert api.check(configured(path))["n_atoms"] == 8


def with_masses(masses: float) -> Atoms:
    atoms = metal()
    atoms.set_masses([masses, *atoms.get_masses()[1:]])
    return atoms


def all_fixed() -> Atoms:
    atoms = metal()
    atoms.set_constraint(FixAtoms(range(len(atoms))))
    return atoms


def without_velocity() -> Atoms:
    atoms = metal()
    atoms.set_momenta(np.full((len(atoms), 3), np.nan))
    return atoms


@pytest.mark.parametrize(
    ("make", "dynamics", "words"),
    [
        (lambda: with_masses(0.0), LANGEVIN, r"mass of atom 0 \(Cu\) is 0; expected 0.1 to 1000"),
        (lambda: with_masses(1.055e-25), LANGEVIN, "is 1.055e-25; expected 0.1 to 1000 u"),
        (lambda: with_masses(np.nan), LANGEVIN, "is nan; expected 0.1 to 1000 u"),
        (without_velocity, LANGEVIN, "a velocity is not a finite number"),
        (all_fixed, LANGEVIN, "all 8 atoms are fixed"),
        (all_fixed, BUSSI, "all 8 atoms are fixed"),
        (lambda: bulk("Cu", cubic=False), BUSSI, "'bussi', which cannot begin.*kinetic energy"),
    ],
)
def test_a_structure_that_cannot_run(
    make: Callable[[], Atoms], dynamics: dict[str, object], words: str, tmp_path: Path
) -> None:
    config = configured(written(tmp_path, make()), dynamics)
    with pytest.raises(AoflError, match=words):
        raise refusal(config, tmp_path)


def test_a_model_that_is_missing_or_no_model(tmp_path: Path) -> None:
    start = written(tmp_path, metal())
    broken = tmp_path / "broken.h5"
    broken.write_bytes(b"not a model")
    for model in (tmp_path / "none.h5", broken):
        config = configured(start, force_field={"model": str(model)})
        assert str(model) in str(refusal(config, tmp_path))


def test_a_model_of_other_elements_or_another_level_of_theory(tmp_path: Path) -> None:
    start = written(tmp_path, metal())
    api.run(configured(start), tmp_path / "first")
    model = {"model": str(RunDirectory.open(tmp_path / "first").model)}
    alloy = metal()
    alloy.symbols[0] = "Al"
    config = configured(written(tmp_path, alloy, "alloy.traj"), force_field=model)
    error = refusal(config, tmp_path)
    assert isinstance(error, ModelError)
    assert "knows Cu but the structure holds Al" in str(error)
    other = {
        "name": "ase", "calculator": "ase.calculators.emt.EMT", "arguments": {"asap_cutoff": True},
    }  # fmt: skip
    refusal(configured(start, force_field=model, reference=other), tmp_path)
    assert api.check(configured(start, force_field=model))["n_atoms"] == 8


def test_a_directory_that_was_refused_serves_the_next_run(tmp_path: Path) -> None:
    atoms = metal()
    atoms.set_constraint(FixCartesian(0, mask=(False, False, True)))
    path, out = written(tmp_path, atoms), tmp_path / "out"
    with pytest.raises(StructureError):
        api.run(configured(path), out)
    atoms.set_constraint(FixAtoms([0]))
    assert api.run(configured(written(tmp_path, atoms)), out) == "done"


def test_what_cannot_be_stored_makes_no_directory(tmp_path: Path) -> None:
    atoms = metal()
    atoms.set_constraint(FixCom())
    with pytest.raises(StoreError, match="FixCom cannot be stored"):
        RunDirectory.create(tmp_path / "out", config_text="", record={}, start_atoms=atoms)
    assert not (tmp_path / "out").exists()


def test_columns_that_say_nothing_to_a_run_are_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    atoms = metal()
    atoms.set_array("label", np.array(["a"] * len(atoms)))
    atoms.set_array("site", np.full(len(atoms), np.nan))
    atoms.set_array("kept", np.arange(len(atoms)))
    config = configured(written(tmp_path, atoms, "start.extxyz"))
    with caplog.at_level(logging.WARNING):
        api.check(config)
    assert "'label'" in caplog.text
    assert "'site'" in caplog.text
    directory = create(config, tmp_path / "out")
    assert read_atoms(directory.start).arrays.keys() >= {"kept"}


@pytest.mark.parametrize("column", ["masses", "mass"])
def test_isotopes_keep_their_masses(column: str, tmp_path: Path) -> None:
    atoms = metal()
    heavy = atoms.get_masses() + np.arange(len(atoms))
    path = written(tmp_path, atoms, "start.extxyz")
    lines = path.read_text().splitlines()
    lines[1] = lines[1].replace("pos:R:3", f"pos:R:3:{column}:R:1")
    rows = [f"{line} {mass}" for line, mass in zip(lines[2:], heavy, strict=True)]
    path.write_text("\n".join([*lines[:2], *rows]) + "\n")
    directory = create(configured(path), tmp_path / "out")
    np.testing.assert_allclose(read_atoms(directory.start).get_masses(), heavy)
    api.resume(directory.path)
    frames = ase.io.read(directory.path / "trajectory.0001.extxyz.gz", index=":", format="extxyz")
    for frame in frames:
        np.testing.assert_allclose(frame.get_masses(), heavy)


def test_stages_that_cannot_be_built_are_refused_before(tmp_path: Path) -> None:
    system = {
        "electrode": {"element": "Na", "surface": "bcc100", "size": [2, 2, 3]},
        "electrolyte": {"molecules": {"Na+": 1, "PF6-": 1}, "gap_A": 12.0},
    }
    config = configured(
        tmp_path / "none",
        system=system,
        reference={"name": "tblite"},
        stages={"molecules": {"steps": 5}},
    )
    error = refusal(config, tmp_path)
    assert isinstance(error, ConfigError)
    assert "`stages` has no cell" in str(error)
