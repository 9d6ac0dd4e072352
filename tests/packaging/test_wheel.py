"""What is released: one version, and a wheel that works where the sources are not."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "aofl"


def newest_version() -> str:
    """Return the version of the newest section of the changelog that has one."""
    pattern = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["version"]
    assert pattern["path"] == "CHANGELOG.md"
    found = re.search(pattern["pattern"], (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert found is not None
    return found["version"]


def test_the_version_stands_in_the_changelog_and_the_citation_says_the_same() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "version" in project["dynamic"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == newest_version()


def test_the_method_is_cited() -> None:
    (paper,) = yaml.safe_load((ROOT / "CITATION.cff").read_text())["references"]
    assert {"type", "title", "authors"} <= paper.keys()  # what the format asks of a reference
    assert (paper["journal"], paper["year"]) == ("Science China Chemistry", 2026)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build sdist and wheel (of the sdist), which needs a package index for the build backend."""
    pytest.importorskip("build")
    out = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--outdir", out, ROOT],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    if done.returncode and "hatchling" in done.stdout + done.stderr:
        pytest.skip("hatchling cannot be installed here")
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment of its own; return its folder of programs.

    Dependencies are those of this environment: they are not what is tried.
    """
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=True)
    python = place / "bin" / "python"
    (wheel,) = built.glob("*.whl")
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", wheel], check=True)
    site = next(place.glob("lib/python*/site-packages"))
    homes = {str(Path(importlib.import_module(name).__file__ or "").parents[1])
             for name in ("numpy", "typer")}  # fmt: skip
    (site / "dependencies.pth").write_text("\n".join(sorted(homes)) + "\n")
    return place / "bin"


def files_of_the_package() -> Iterator[str]:
    for path in PACKAGE.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield f"aofl/{path.relative_to(PACKAGE)}"


@pytest.mark.slow
def test_the_wheel_has_every_file_of_the_package_and_no_other(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    assert wheel.name == f"aofl-{newest_version()}-py3-none-any.whl"
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == set(files_of_the_package())
    assert "aofl/examples/na-water-cp2k/reaction.extxyz" in names
    assert "aofl/py.typed" in names


@pytest.mark.slow
def test_the_sdist_has_each_example_once(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as file:
        names = [name for name in file.getnames() if name.endswith("na-water/run.yaml")]
    assert names == [f"aofl-{newest_version()}/src/aofl/examples/na-water/run.yaml"]


@pytest.mark.slow
def test_a_newcomer_without_the_sources_gets_to_a_sound_configuration(
    installed: Path, tmp_path: Path
) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment["NUMBA_CACHE_DIR"] = str(tmp_path / "numba")

    def typed(*words: str) -> str:
        done = subprocess.run(
            words, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=600,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    aofl, python = str(installed / "aofl"), str(installed / "python")
    home = typed(python, "-c", "import aofl; print(aofl.__file__)").strip()
    assert Path(home).is_relative_to(installed.parent)
    assert typed(aofl, "--version") == f"aofl {newest_version()}\n"
    assert "na-water-cp2k" in typed(aofl, "init")
    typed(aofl, "init", "na-water")
    said = typed(aofl, "check", "na-water/run.yaml")
    assert said.splitlines()[0] == "na-water/run.yaml is sound"
    assert "--out" in typed(aofl, "demo", "--help")
    schema = json.loads(typed(aofl, "schema"))
    assert "dynamics" in schema["properties"]
