"""The files of an analysis: complete, consistent with each other, and readable by anyone."""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path

import ase.io
import networkx as nx
import numpy as np
import pytest
from ase import Atoms
from ase.build import bcc100, bulk, molecule

from aofl.cli.main import main
from aofl.errors import ConfigError, StoreError
from aofl.workflows.analyse import AnalyseOptions, analyse

FILES = {
    "results.json", "network.json", "network.graphml", "species.csv", "reactions.csv", "sei.csv",
    "layers.csv", "rdf.csv", "density.csv", "msd.csv", "analysis.html",
}  # fmt: skip


def frames(n: int = 60) -> list[Atoms]:
    """Sodium under a water that loses a hydrogen to the metal at frame 20."""
    slab = bcc100("Na", (2, 2, 4), a=4.29, vacuum=10.0, periodic=True)
    top = slab.positions[:, 2].max()
    made = []
    for k in range(n):
        atoms = slab.copy()
        atoms.rattle(0.05, rng=np.random.default_rng(k))
        water = molecule("H2O")
        water.translate([5.0, 5.0, top + 4.0])
        atoms += water
        if k >= 20:
            atoms.positions[-1] = [2.1, 2.1, top + 1.0]
        atoms.info = {"step": 5 * k, "time_fs": 2.5 * k}
        made.append(atoms)
    return made


@pytest.fixture(scope="module")
def trajectory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("analyse") / "run.extxyz"
    ase.io.write(path, frames(), format="extxyz")
    return path


@pytest.fixture(scope="module")
def out(trajectory: Path) -> Path:
    target = trajectory.parent / "out" / "deep"
    analyse(trajectory, target)
    return target


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_all_files_are_there(out: Path):
    assert {file.name for file in out.iterdir()} >= FILES
    assert not list(out.glob(".*"))


def test_results_hold_species_events_and_solids(out: Path):
    results = json.loads((out / "results.json").read_text())
    assert len(results["species"]) == results["n_frames"] == 60
    assert results["species"][0] == {"H2O": 1}
    assert "H2O" not in results["species"][-1]
    (event,) = results["events"]
    assert event["reaction"].startswith("H2O ->")
    assert (event["frame"], event["frame_index"], event["time"]) == (100, 20, 50.0)
    assert event["certain"] is True
    assert event["atoms_balanced"] is True
    assert results["solids"] == {}
    assert results["time_unit"] == "fs"
    assert results["coordination"]["Na-Na"]["peak_A"] == pytest.approx(3.7, abs=0.2)
    assert set(results["diffusion"]) == {"H", "Na", "O"}


def test_tables_agree_with_the_results(out: Path):
    results = json.loads((out / "results.json").read_text())
    species = rows(out / "species.csv")
    for row, counts in zip(species, results["species"], strict=True):
        assert {k: int(v) for k, v in row.items() if k in counts} == counts
    assert [float(row["time_fs"]) for row in species] == results["times"]
    (reaction,) = rows(out / "reactions.csv")
    assert reaction["reaction"] == results["events"][0]["reaction"]
    sei = rows(out / "sei.csv")[-1]
    assert {name: int(sei[name]) for name in results["metal"]} == results["metal"]
    layers = rows(out / "layers.csv")
    first = [row for row in layers if row["from_fs"] == layers[0]["from_fs"]]
    assert sum(float(row["mean_number"]) for row in first) == pytest.approx(17)  # Na16 and water
    density = rows(out / "density.csv")
    assert max(float(row["Na_per_A3"]) for row in density) > 0.02


def test_the_network_counts_what_the_results_do(out: Path):
    results = json.loads((out / "results.json").read_text())
    network = json.loads((out / "network.json").read_text())
    (reaction,) = network["reactions"]
    assert reaction["forward"]["n"] == len(results["events"]) == 1
    graph = nx.read_graphml(out / "network.graphml")
    assert {"H2O", "reaction 1"} <= set(graph)
    assert graph.has_edge("H2O", "reaction 1")


def test_the_page_shows_the_reaction_and_stands_alone(out: Path):
    html = (out / "analysis.html").read_text()
    results = json.loads((out / "results.json").read_text())
    assert f"<td>{results['events'][0]['reaction'].replace('>', '&gt;')}</td>" in html
    assert re.findall(r'<section id="(\w+)"', html) == ["chemistry", "pictures", "interphase"]
    assert not re.search(r'(?:src|href)="(?!#|data:)|<script|<link|url\((?!#)', html)
    assert "seen by" not in html  # a file knows of no reference


def test_a_file_without_times_counts_frames(tmp_path: Path):
    made = frames()
    for atoms in made:
        atoms.info = {}
    ase.io.write(tmp_path / "plain.extxyz", made, format="extxyz")
    analyse(tmp_path / "plain.extxyz", tmp_path / "out")
    html = (tmp_path / "out" / "analysis.html").read_text()
    assert "time, frames" in html
    assert "2 frames before" in html
    assert "time, fs" not in html


def test_an_earlier_analysis_is_replaced(trajectory: Path, out: Path):
    before = (out / "results.json").read_text()
    analyse(trajectory, out)
    assert (out / "results.json").read_text() == before


@pytest.mark.parametrize("name", ["salt.cif", "salt.extxyz"])
def test_a_crystal_in_a_file_is_named(name: str, tmp_path: Path):
    salt = bulk("NaF", "rocksalt", a=4.6342, cubic=True)
    ase.io.write(tmp_path / name, salt)
    found = analyse(tmp_path / name, tmp_path / "out")
    assert found.results["solids"] == {"NaF": 4}
    assert found.results["solid_clusters"] == {"NaF": [4]}
    assert found.results["events"] == []
    assert found.results["time_unit"] == "frame"
    assert not (tmp_path / "out" / "msd.csv").exists()


def test_every_second_frame(trajectory: Path, tmp_path: Path):
    found = analyse(trajectory, tmp_path, AnalyseOptions(every=2))
    assert found.results["n_frames"] == 30
    assert found.results["events"][0]["time"] == 50.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (AnalyseOptions(every=0), "--every is 0"),
        (AnalyseOptions(interval_fs=-1.0), "--frame-interval-fs is -1"),
        (AnalyseOptions(min_lifetime_fs=-1.0), "--min-lifetime-fs is -1"),
    ],
)
def test_options_without_meaning(
    options: AnalyseOptions, message: str, trajectory: Path, tmp_path: Path
):
    with pytest.raises(ConfigError, match=message):
        analyse(trajectory, tmp_path, options)


def test_a_file_in_the_way_of_the_output(trajectory: Path, tmp_path: Path):
    (tmp_path / "out").write_text("x")
    with pytest.raises(StoreError, match="cannot make the directory"):
        analyse(trajectory, tmp_path / "out")


def command(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Run `aofl analyse` in this process and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["aofl", "analyse", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_the_command_prints_a_summary_and_writes_beside_the_user(
    trajectory: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    assert command(monkeypatch, trajectory) == 0
    assert "H2O ->" in capsys.readouterr().out
    assert {file.name for file in (tmp_path / "run.analysis").iterdir()} >= FILES
    assert command(monkeypatch, trajectory, "--json", "--out", tmp_path / "o") == 0
    assert json.loads(capsys.readouterr().out)["species"][0] == {"H2O": 1}


@pytest.mark.parametrize(
    "arguments", [["bad.xyz"], ["none.xyz"], ["."], ["bad.xyz", "--format", "pdb"]]
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    Path("bad.xyz").write_text("rubbish\n")
    assert command(monkeypatch, *arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("aofl: ")
    assert said.count("\n") == 1
