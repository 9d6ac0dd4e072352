"""`aofl init` and `aofl schema`: what they write is sound, and nothing is overwritten."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from aofl.cli import begin
from aofl.cli.main import app
from aofl.config import InterfaceSystem, read_config
from aofl.config.json_schema import SCHEMA_FILE, editor_line, json_schema
from aofl.errors import ConfigError, StoreError
from aofl.system import build_system
from aofl.workflows.examples import EXAMPLES, example_names
from aofl.workflows.first_system import (
    LIQUID_WORDS,
    LIQUIDS,
    METALS,
    REFERENCE_WORDS,
    REFERENCES,
    first_system,
)


def typed(*arguments: object, said: str = "") -> Result:
    return CliRunner().invoke(
        app, [str(a) for a in arguments], input=said, catch_exceptions=False
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_link_for_those_who_have_the_sources_leads_to_the_one_copy() -> None:
    assert (Path(__file__).parents[2] / "examples").resolve() == EXAMPLES.resolve()


@pytest.mark.parametrize("name", example_names())
def test_an_example_is_written_whole_and_reads_like_its_source(name: str) -> None:
    typed("init", name, "--out", "mine")
    source = EXAMPLES / name
    assert {p.name for p in Path("mine").iterdir()} == {
        SCHEMA_FILE, *(p.name for p in source.iterdir())
    }  # fmt: skip
    for path in source.glob("*.yaml"):
        written = Path("mine") / path.name
        assert written.read_text().splitlines()[0] == editor_line()
        there, here = read_config(path).model_dump(), read_config(written).model_dump()
        if there["system"].get("structure"):
            assert Path(here["system"]["structure"]).is_file()
            there["system"], here["system"] = None, None
        if there["bias"]:
            assert Path(here["bias"]["plumed"]).is_file()
            there["bias"], here["bias"] = None, None
        assert here == there


def test_nothing_is_overwritten_and_nothing_is_half_written() -> None:
    typed("init", "na-water-cp2k")
    before = {p: p.read_bytes() for p in Path("na-water-cp2k").iterdir()}
    with pytest.raises(StoreError, match=r"exists and is not overwritten; choose another --out"):
        typed("init", "na-water-cp2k")
    Path("na-water-cp2k/run.yaml").unlink()
    with pytest.raises(StoreError, match=r"reaction\.\w+ exists"):
        typed("init", "na-water-cp2k")
    del before[Path("na-water-cp2k/run.yaml")]
    assert {p: p.read_bytes() for p in Path("na-water-cp2k").iterdir()} == before


def test_a_misspelt_name_is_told_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'na-watr'; the nearest is na-water; there are li-ec"):
        typed("init", "na-watr")


def test_not_on_a_terminal_it_lists_what_there_is_and_asks_nothing(tmp_path: Path) -> None:
    said = typed("init").stdout
    assert all(name in said for name in example_names())
    assert list(json.loads(typed("init", "--json").stdout)) == example_names()
    assert not list(tmp_path.iterdir())


def test_three_answers_by_name_and_number_make_a_sound_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(begin, "_is_conversation", lambda: True)
    said = typed("init", said="iron\nli\n3\n\n").stdout
    assert "'iron' is none of these" in said
    config = read_config(Path("li-ec-dmc-salt-tblite/run.yaml"))
    assert isinstance(config.system, InterfaceSystem)
    assert config.system.electrolyte.molecules == {"EC": 5, "DMC": 4, "LiPF6": 1}
    assert config.reference.name == "tblite"
    assert Path("li-ec-dmc-salt-tblite", SCHEMA_FILE).read_text() == json_schema()


def test_every_choice_has_words() -> None:
    assert list(LIQUID_WORDS) == list(LIQUIDS)
    assert list(REFERENCE_WORDS) == list(REFERENCES)


@pytest.mark.parametrize("metal", METALS)
@pytest.mark.parametrize("liquid", LIQUIDS)
def test_every_first_system_can_be_built(metal: str, liquid: str) -> None:
    config = first_system(metal, liquid, "tblite")
    atoms = build_system(config.system, config.seed).atoms
    assert 60 < len(atoms) < 260
    assert len(atoms.constraints[0].index) > 0


@pytest.mark.parametrize("reference", REFERENCES)
def test_every_code_has_what_its_section_needs(reference: str) -> None:
    config = first_system("Na", "diglyme-salt", reference)
    assert config.reference.name == reference
    if config.reference.name == "espresso":
        assert set(config.reference.pseudopotentials) == {"C", "F", "H", "Na", "O", "P"}


def test_the_schema_is_printed_or_written_with_the_line_for_editors() -> None:
    assert typed("schema").stdout == json_schema()
    said = typed("schema", "--out", "aofl.json").stdout
    assert said.splitlines()[-1] == editor_line("aofl.json")
    assert Path("aofl.json").read_text() == json_schema()
    typed("schema", "--out", "aofl.json")  # a newer one takes its place
    with pytest.raises(ConfigError, match=r"--out is run.yaml: .* ends with \.json"):
        typed("schema", "--out", "run.yaml")


@pytest.mark.parametrize("cluster", ["slurm", "pbs"])
def test_a_job_script_comes_with_it(cluster: str) -> None:
    typed("init", "na-water", "--out", "mine", "--cluster", cluster)
    script = Path(f"mine/job.{cluster}").read_text()
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert read_config(Path("mine/run.yaml")).mode == "aofl"


@pytest.mark.parametrize("cluster", ["slurm", "pbs"])
def test_a_configuration_of_ones_own_gets_a_job_script(cluster: str) -> None:
    typed("init", "na-water", "--out", "mine")
    config = Path("mine/run.yaml").rename("mine/many.yaml")
    typed("init", str(config), "--cluster", cluster)
    assert "config=many.yaml" in Path(f"mine/job.{cluster}").read_text()
    config.write_text(config.read_text() + "\nwalkers: {count: 12}\n")
    with pytest.raises(StoreError, match="is not overwritten"):
        typed("init", str(config), "--cluster", cluster)
    Path(f"mine/job.{cluster}").unlink()
    typed("init", str(config), "--cluster", cluster)
    script = Path(f"mine/job.{cluster}").read_text()
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert {"slurm": "--array=0-11", "pbs": "seq 0 11"}[cluster] in script
    assert "aofl run many.yaml" in script
    with pytest.raises(ConfigError, match="give --cluster"):
        typed("init", str(config))


def test_an_unknown_cluster_is_told_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="there are pbs, slurm"):
        typed("init", "na-water", "--out", "mine", "--cluster", "lsf")
    assert not Path("mine").exists()
