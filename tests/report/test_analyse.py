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
from fake_run import markup

from aofl.cli.main import main
from aofl.errors import ConfigError, StoreError, StructureError
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


def test_electrons_that_came_with_a_salt_are_not_taken_from_the_metal(tmp_path: Path):
    """An ion pair beside the water holds one electron from the start; the water takes two."""
    made = []
    for atoms in frames():
        top = atoms.positions[:16, 2].max()
        pair = Atoms("NaF", [[1.0, 5.0, top + 5.0], [1.0, 7.1, top + 5.0]])
        made.append(atoms + pair)
        made[-1].info = atoms.info
    ase.io.write(tmp_path / "salt.extxyz", made, format="extxyz")
    found = analyse(tmp_path / "salt.extxyz", tmp_path / "out")
    assert found.survey.frames[0].electrons == pytest.approx(1.0)
    assert found.results["electrons_taken"] == 2
    column = [int(row["electrons taken"]) for row in rows(tmp_path / "out" / "sei.csv")]
    assert (column[0], column[-1]) == (0, 2)


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
    assert re.findall(r'<section id="(\w+)"', html) == [
        "film", "calls", "chemistry", "pictures", "interphase",
    ]  # fmt: skip
    assert not re.search(r'(?:src|href)="(?!#|data:)|<link|url\((?!#)', markup(html))
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
    for out in (tmp_path / "out", tmp_path / "out" / "below"):
        with pytest.raises(StoreError, match="out is a file; give a directory as --out"):
            analyse(trajectory, out)


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


def walk(path: Path, columns: str) -> None:
    """Write argon that jumps further than half its box between two frames."""
    rng, lines = np.random.default_rng(5), []
    places = 9.0 * rng.random((8, 3)) + np.cumsum(rng.normal(0, 3.0, (60, 8, 3)), axis=0)
    for k, place in enumerate(places):
        shown = place if columns == "xu yu zu" else place % 9.0
        lines += [f"ITEM: TIMESTEP\n{1000 * k}\nITEM: NUMBER OF ATOMS\n8"]
        lines += ["ITEM: BOX BOUNDS pp pp pp\n0 9\n0 9\n0 9", f"ITEM: ATOMS id element {columns}"]
        lines += [f"{i + 1} Ar {x!r} {y!r} {z!r}" for i, (x, y, z) in enumerate(shown.tolist())]
    path.write_text("\n".join(lines) + "\n")


def test_unwrapped_positions_give_the_whole_diffusion(tmp_path: Path):
    walk(tmp_path / "a.dump", "xu yu zu")
    found = analyse(tmp_path / "a.dump", tmp_path / "out", AnalyseOptions(interval_fs=10.0))
    value = found.results["diffusion"]["Ar"]
    truth = 0.1 * 3.0**2 / (2 * 10.0) * 7 / 8  # cm²/s, relative to the centre of mass
    assert value["D_cm2_per_s"] == pytest.approx(truth, abs=3 * value["error_cm2_per_s"])
    assert value["error_cm2_per_s"] < 0.3 * truth


def test_jumps_beyond_half_a_box_give_no_diffusion_unless_they_are_told_to_be_unwrapped(
    tmp_path: Path,
):
    walk(tmp_path / "a.dump", "x y z")
    options = AnalyseOptions(interval_fs=10.0)
    found = analyse(tmp_path / "a.dump", tmp_path / "out", options)
    assert found.results["diffusion"] == {}
    (note,) = (note for note in found.results["notes"] if "of the cell" in note)
    assert "--unwrapped" in note
    assert note[1:] in (tmp_path / "out" / "analysis.html").read_text()
    told = AnalyseOptions(interval_fs=10.0, is_unwrapped=True)
    assert analyse(tmp_path / "a.dump", tmp_path / "out", told).results["diffusion"] != {}


def test_steps_that_do_not_grow_are_refused_and_the_advice_helps(tmp_path: Path):
    made = frames()
    for atoms in made:
        atoms.info = {"step": 0, "time_fs": 0.0}
    ase.io.write(tmp_path / "a.extxyz", made)
    with pytest.raises(StructureError, match=r"after step 0 at 0 fs.*--frame-interval-fs"):
        analyse(tmp_path / "a.extxyz", tmp_path / "out")
    found = analyse(tmp_path / "a.extxyz", tmp_path / "out", AnalyseOptions(interval_fs=2.5))
    assert found.results["n_frames"] == 60
    (event,) = found.results["events"]
    assert (event["frame"], event["time"]) == (20, 50.0)
    assert "the steps of the file do not grow: frame 1 has 0 after 0" in found.results["notes"]
    assert 'id="pictures"' in (tmp_path / "out" / "analysis.html").read_text()


def test_what_is_left_out_is_in_the_results_and_on_the_page(tmp_path: Path):
    made = frames()
    ase.io.write(tmp_path / "a.extxyz", [*made[:10], made[9], *made[10:]])
    found = analyse(tmp_path / "a.extxyz", tmp_path / "out")
    assert found.results["n_frames"] == 60
    said = "that repeat the step and the positions of the one before were left out: 1"
    assert sum(said in note for note in found.results["notes"]) == 1
    assert said in (tmp_path / "out" / "analysis.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--frame-interval-fs", "0,5"], "write a number with a point"),
        (["--min-lifetime-fs", "x"], "give a finite number"),
        (["--cell", "9,9"], "--cell has 2 numbers"),
        (["--cell", "9,9,9"], "leave --cell out"),
        (["--elements", "H,O"], "names its atoms"),
        (["--out", "here"], "is a file; give a directory"),
    ],
)
def test_options_that_do_not_fit_are_one_sentence(
    arguments: list[str],
    message: str,
    trajectory: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    Path("here").write_text("x")
    assert command(monkeypatch, trajectory, *arguments) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


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
