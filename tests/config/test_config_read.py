"""Reading: every mistake is one sentence with file, key, value and what is expected."""

from pathlib import Path
from typing import Any

import pytest

from aofl.config import config_from_mapping, dump_config, read_config
from aofl.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "examples" / "na-water" / "run.yaml"
MINIMAL = """\
system: {structure: start.xyz}
dynamics: {name: bussi, timestep_fs: 5e-1, temperature_K: 300, steps: 10}
"""


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        ({"dynamics.step": 5}, ["`dynamics.step` is unknown", "nearest", "`steps`"]),
        ({"learning.guards.max_step": 1.0}, ["`learning.guards.max_step`", "`max_step_A`"]),
        ({"system.electrode.latice": 4.2}, ["`system.electrode.latice`", "`lattice_constant_A`"]),
        ({"zzz": 1}, ["`zzz` is unknown", "valid keys are `mode`, `seed`"]),
        ({"dynamics.steps": -3}, ["`dynamics.steps` is -3", "greater than or equal to 1"]),
        ({"dynamics.steps": "many"}, ["`dynamics.steps` is 'many'", "integer"]),
        ({"dynamics.timestep_fs": "0,5"}, ["`dynamics.timestep_fs` is '0,5'", "such as 0.5"]),
        ({"dynamics.steps": "10,000"}, ["`dynamics.steps` is '10,000'", "without commas"]),
        ({"dynamics.steps": 1.5}, ["`dynamics.steps` is 1.5", "integer"]),
        ({"dynamics.timestep_fs": float("nan")}, ["`dynamics.timestep_fs` is nan", "finite"]),
        ({"seed": True}, ["`seed` is True", "integer"]),
        ({"seed": None}, ["`seed` is null", "integer"]),
        ({"mode": "fast"}, ["`mode` is 'fast'", "'aimd', 'cofl', 'aofl' or 'mlff'"]),
        ({"dynamics.name": "nvt"}, ["`dynamics.name` is 'nvt'", "one of 'velocity_verlet'"]),
        ({"dynamics": {"steps": 3}}, ["`dynamics.name` is missing", "'nose_hoover'"]),
        ({"reference.name": "castep"}, ["`reference.name` is 'castep'", "'tblite'", "'vasp'"]),
        ({"system.electrode.size": [2, 2, 0]}, ["`system.electrode.size.2` is 0"]),
        ({"system.electrolyte.molecules": {"H2O": 0}}, ["`system.electrolyte.molecules.H2O` is 0"]),
        ({"system.electrolyte.molecules": {}}, ["`system.electrolyte`: give `molecules`"]),
        (
            {"system.electrolyte.gap_A": None, "system.electrolyte.mol_per_L": {"NaPF6": 1.0}},
            ["`system.electrolyte`: `gap_A` is missing"],
        ),
        ({"system.electrolyte.density_g_per_cm3": 1.0}, ["one too many"]),
        ({"system.electrolyte.mixture": {"H2O": 1.0}}, ["amount of H2O is given twice"]),
        ({"system.electrolyte.species": {"mine": {}}}, ["species.mine`: give either `file`"]),
        ({"system.electrode.structure": "a.xyz"}, ["`system.electrode`", "not both"]),
        ({"system.electrode.sides": 3}, ["`system.electrode.sides` is 3"]),
        ({"system.electrode.coverage": {"species": "N", "monolayers": 0.1}}, ["'O' or 'OH'"]),
        ({"system.equilibrate": {"forces": "none"}}, ["'contacts' or 'reference'"]),
        ({"system": None}, ["`system` is null; expected keys"]),
        ({"system": {}}, ["`system.electrode` is missing (and 1 more)"]),
        ({"system.structure": "a.xyz"}, ["`system`", "not both"]),
        ({"seed.x": 1}, ["`seed` is 2", "to set `seed.x`"]),
        ({"mode": "mlff"}, ["`force_field.model` is missing"]),
        ({"seed": -1, "dynamics.steps": 0}, ["`seed` is -1", "(and 1 more)"]),
    ],
)
def test_a_wrong_value_is_one_sentence(overrides: dict[str, Any], parts: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(EXAMPLE, overrides)
    message = str(caught.value)
    assert message.startswith(f"{EXAMPLE}: ")
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_scalars_mean_what_they_look_like(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(
        "system:\n"
        "  electrode: {element: No, surface: bcc100, lattice_constant_A: 4.2, size: [1, 1, 1]}\n"
        "  electrolyte: {molecules: {NO: 2}, gap_A: 1e1}\n"
        "dynamics: {name: langevin, timestep_fs: 5e-1, temperature_K: 3E2, steps: 10}\n"
    )
    config = read_config(file)
    assert config.system.name == "interface"
    assert config.system.electrode.element == "No"
    assert config.system.electrolyte.molecules == {"NO": 2}
    assert config.system.electrolyte.gap_A == 10.0
    assert config.dynamics.timestep_fs == 0.5


@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"out": "1e3", "seed": 7},
        {"out": "no"},
        {"out": "2020-01-01"},
        {"learning.audit_probability": 1e-7, "mode": "mlff", "force_field.model": "/a/model.h5"},
        {"system.electrolyte.molecules": {"NO": 2, "1e3": 1, "yes": 1}},
    ],
)
def test_what_is_written_reads_back_to_the_same(tmp_path: Path, overrides: dict[str, Any]) -> None:
    config = read_config(EXAMPLE, overrides)
    file = tmp_path / "config.yaml"
    file.write_text(dump_config(config))
    assert read_config(file) == config


def test_overrides_replace_values_and_leave_the_mapping_alone() -> None:
    data: dict[str, Any] = {
        "system": {"structure": "a.xyz"},
        "dynamics": {"name": "bussi", "timestep_fs": 1.0, "temperature_K": 300.0, "steps": 10},
    }
    config = config_from_mapping(data, {"dynamics.steps": 20, "learning.max_rewinds": 3})
    assert (config.dynamics.steps, config.learning.max_rewinds) == (20, 3)
    assert data["dynamics"]["steps"] == 10
    assert "learning" not in data


def test_paths_in_the_file_count_from_its_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "run.yaml").write_text(MINIMAL + "force_field: {model: m.h5}\n")
    monkeypatch.chdir(tmp_path)
    config = read_config(Path("below/run.yaml"))
    assert config.system.name == "file"
    assert config.system.structure == str(tmp_path / "below" / "start.xyz")
    assert config.force_field.model == str(tmp_path / "below" / "m.h5")
    overridden = read_config(Path("below/run.yaml"), {"force_field.model": "m.h5"})
    assert overridden.force_field.model == "m.h5"


def test_paths_count_from_the_directory_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(
        "system:\n"
        "  electrode: {structure: slab.xyz}\n"
        "  electrolyte:\n"
        "    molecules: {mine: 1}\n"
        "    gap_A: 10.0\n"
        "    species: {mine: {file: ../mine.xyz}, other: {smiles: O}}\n"
        "dynamics: {name: bussi, timestep_fs: 0.5, temperature_K: 300, steps: 10}\n"
    )
    system = read_config(file).system
    assert system.electrode.structure == str(tmp_path / "slab.xyz")
    assert system.electrolyte.species["mine"].file == str(tmp_path / "../mine.xyz")
    assert system.electrolyte.species["other"].smiles == "O"
    again = tmp_path / "again.yaml"
    again.write_text(dump_config(read_config(file)))
    assert read_config(again) == read_config(file)


def test_the_home_of_a_user_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(MINIMAL.replace("start.xyz", "~no-such-user/start.xyz"))
    with pytest.raises(ConfigError, match="there is no such user; write the path out"):
        read_config(file)
