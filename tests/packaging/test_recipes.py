"""What images and packages are made by says the same as `pyproject.toml`."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
RECIPE = ROOT / "packaging" / "conda" / "recipe.yaml"
# What conda-forge calls by another name than PyPI; its names are in lower case.
NAMES = {"matplotlib": "matplotlib-base", "tblite": "tblite-python", "vesin": "python-vesin"}


def recipe() -> dict[str, Any]:
    found = yaml.safe_load(RECIPE.read_text())
    assert isinstance(found, dict)
    return found


def in_conda(requirement: str) -> tuple[str, frozenset[str]]:
    """Return name and bounds of a requirement of PyPI as conda-forge has them."""
    wanted = Requirement(requirement)
    return NAMES.get(wanted.name, wanted.name.lower()), frozenset(map(str, wanted.specifier))


def as_conda(line: str) -> tuple[str, frozenset[str]]:
    name, _, bounds = line.partition(" ")
    return name, frozenset(bounds.split(","))


def test_the_recipe_of_conda_forge_asks_for_what_the_package_asks_for() -> None:
    run = [line for line in recipe()["requirements"]["run"] if line != "__linux"]
    python, *others = run
    assert python == "python >=${{ python_min }}"
    assert PROJECT["project"]["requires-python"] == f">={recipe()['context']['python_min']}"
    assert {as_conda(line) for line in others} == {
        in_conda(line) for line in PROJECT["project"]["dependencies"]
    }
    (backend,) = PROJECT["build-system"]["requires"]
    assert as_conda(recipe()["requirements"]["host"][-1]) == in_conda(backend)


def test_the_recipe_of_conda_forge_is_of_the_newest_release() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    newest = re.search(PROJECT["tool"]["hatch"]["version"]["pattern"], changelog, re.MULTILINE)
    assert newest is not None
    assert recipe()["context"]["version"] == newest["version"]
    (entry,) = recipe()["build"]["python"]["entry_points"]
    name, target = entry.split(" = ")
    assert PROJECT["project"]["scripts"] == {name: target}
    assert recipe()["about"]["summary"] == PROJECT["project"]["description"]


def test_rattler_build_reads_the_recipe() -> None:
    rattler = pytest.importorskip("rattler_build", reason="needs `pip install py-rattler-build`")
    (variant,) = rattler.Stage0Recipe.from_file(str(RECIPE)).render(rattler.VariantConfig())
    assert variant.recipe.package.name == "aofl"
    assert "python >=3.11" in variant.recipe.to_dict()["requirements"]["run"]


def test_images_get_what_the_wheel_is_made_of() -> None:
    kept = (ROOT / "packaging" / "Dockerfile.dockerignore").read_text()
    for_docker = set(re.findall(r"^!(.+)$", kept, re.MULTILINE))
    definition = (ROOT / "packaging" / "aofl.def").read_text()
    for_apptainer = set(re.findall(r"^    (\S+) /usr/src/aofl/\1$", definition, re.MULTILINE))
    needed = {"CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml", "src"}
    assert for_docker == for_apptainer == needed | {"packaging", "requirements.lock"}
    assert all((ROOT / name).exists() for name in for_docker)


def test_both_images_are_made_by_one_script_on_one_system() -> None:
    docker = (ROOT / "packaging" / "Dockerfile").read_text()
    definition = (ROOT / "packaging" / "aofl.def").read_text()
    for text in (docker, definition):
        assert "/usr/src/aofl/packaging/install" in text
    base = re.search(r"^FROM (\S+)$", docker, re.MULTILINE)
    assert base is not None
    assert f"From: {base[1]}\n" in definition
    subprocess.run(["sh", "-n", ROOT / "packaging" / "install"], check=True)


def test_the_pythons_that_are_claimed_are_those_that_the_page_says_were_tried() -> None:
    claimed = {
        found[1]
        for line in PROJECT["project"]["classifiers"]
        if (found := re.search(r":: (3\.\d+)$", line))
    }
    page = (ROOT / "docs" / "install.md").read_text()
    assert claimed == set(re.findall(r"^\| (3\.\d+)[.\d]* \|", page, re.MULTILINE))


def test_the_page_names_every_extra() -> None:
    page = (ROOT / "docs" / "install.md").read_text()
    assert set(re.findall(r"^\| `aofl\[(\w+)\]`", page, re.MULTILINE)) == set(
        PROJECT["project"]["optional-dependencies"]
    )
