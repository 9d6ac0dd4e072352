"""The schema: ranges, closed sections, alternatives by name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from aofl.config import FileSystem, InterfaceSystem, RunConfig, check_elements, read_config
from aofl.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "examples" / "na-water" / "run.yaml"


def models(model: Any) -> Iterator[type[BaseModel]]:
    """Yield a model and all models below it."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        yield model
        for field in model.model_fields.values():
            yield from models(field.annotation)
    else:
        for argument in get_args(model):
            yield from models(argument)


def test_every_section_is_closed_strict_and_frozen() -> None:
    found = set(models(RunConfig))
    assert len(found) >= 14
    for model in found:
        config = model.model_config
        assert config.get("strict"), model
        assert config.get("frozen"), model
        assert config.get("extra") == "forbid", model


def test_every_key_is_described() -> None:
    bare = {
        f"{model.__name__}.{name}"
        for model in models(RunConfig)
        for name, field in model.model_fields.items()
        if name != "name" and not field.description
    }
    assert not bare


def test_the_example_says_what_the_issue_asks_for() -> None:
    config = read_config(EXAMPLE)
    assert isinstance(config.system, InterfaceSystem)
    assert config.system.electrode.size == (2, 2, 4)
    assert config.system.electrolyte.molecules == {"H2O": 4}
    assert (config.dynamics.name, config.dynamics.timestep_fs) == ("langevin", 0.5)


def test_a_configuration_cannot_be_changed() -> None:
    config = read_config(EXAMPLE)
    with pytest.raises(ValidationError):
        config.seed = 2  # type: ignore[misc]


def test_a_structure_file_is_told_by_its_key(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(
        "system: {structure: start.extxyz}\n"
        "dynamics: {name: velocity_verlet, timestep_fs: 1, temperature_K: 300, steps: 10}\n"
    )
    config = read_config(file)
    assert config.system == FileSystem(structure=str(tmp_path / "start.extxyz"))


@pytest.mark.parametrize(
    ("elements", "timestep", "passes"),
    [({"Na", "H"}, 2.0, False), ({"Na", "H"}, 1.0, True), ({"Na"}, 2.0, True)],
)
def test_hydrogen_needs_a_short_timestep(elements: set[str], timestep: float, passes: bool) -> None:
    config = read_config(EXAMPLE, {"dynamics.timestep_fs": timestep})
    if passes:
        check_elements(config, elements)
    else:
        with pytest.raises(ConfigError, match=r"`dynamics.timestep_fs` is 2; .* at most 1$"):
            check_elements(config, elements)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("learning.target_force_error_meV_per_A", 0.15, "0.15 eV/Å would be 150"),
        ("dynamics.timestep_fs", 0.0005, "0.0005 ps would be 0.5"),
    ],
)
def test_a_slip_of_units_is_asked_about(key: str, value: float, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_config(EXAMPLE, {key: value})
