"""A comparison tells runs apart by their own figures, and says what it does not know."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule
from ase.io import read, write
from fake_run import BREAKS, TIMESTEP, markup, write_fake_run

from aofl.analysis.survey import survey
from aofl.errors import StoreError
from aofl.report.compare import Compared, compare_page, record
from aofl.report.data import read_run
from aofl.report.near_reactions import (
    WINDOW_FS,
    audits_by_chemistry,
    is_near_reaction,
    label_density,
)
from aofl.workflows.compare import compare


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    base = tmp_path_factory.mktemp("runs")
    return [
        write_fake_run(base / name, steps=1400, mode=mode)
        for name, mode in (("ours", "aofl"), ("truth", "aimd"))
    ]


def test_near_a_reaction_is_within_the_window(runs: list[Path]) -> None:
    data = read_run(runs[0])
    event = data.reactions[0]
    times = np.array([event.began_fs - WINDOW_FS - 1, event.began_fs, event.time_fs + WINDOW_FS])
    assert is_near_reaction(data, times).tolist() == [False, True, True]
    assert event.time_fs == pytest.approx(BREAKS[0] * TIMESTEP, abs=WINDOW_FS)


def test_labels_are_denser_where_the_made_up_run_made_them_so(runs: list[Path]) -> None:
    density = label_density(read_run(runs[0]))
    assert density.ratio is not None
    assert density.ratio > 1.5


def test_every_audit_is_quiet_or_reactive(runs: list[Path]) -> None:
    data = read_run(runs[0])
    quiet, reactive = audits_by_chemistry(data)
    n = sum(d.rule in ("audit", "random_audit") for d in data.decisions)
    assert quiet.n_frames + reactive.n_frames == n
    assert quiet.coverage is None  # an older ledger does not have it


def test_it_writes_a_page_and_plain_data(runs: list[Path], tmp_path: Path) -> None:
    found = compare(runs, tmp_path / "out")
    page, table = found.files
    assert json.loads(table.read_text()) == json.loads(json.dumps(found.records))
    ours, truth = found.records
    assert (ours["rule"], truth["rule"], ours["recall"], truth["recall"]) == (
        "aofl", "aimd", 1.0, None,
    )  # fmt: skip
    assert truth["speedup"] == pytest.approx(1.0)
    # Both readings belong to one factor.
    assert ours["wall_time_down_percent"] == pytest.approx(100 * (1 - 1 / ours["speedup"]))
    assert ours["rate_up_percent"] == pytest.approx(100 * (ours["speedup"] - 1))
    html = page.read_text()
    for word in ("ours", "truth", "Labels over time", "Wall time by part", "kinds of AIMD found"):
        assert word in html
    assert "mathdefault" not in html
    assert "http://" not in markup(html)


def test_structures_are_told_by_what_their_radial_distributions_share(runs: list[Path]) -> None:
    waters = [molecule("H2O", cell=[9] * 3, pbc=True) for _ in range(2)]
    waters[1].set_distance(0, 1, 1.3, fix=0)
    truth, same, longer = (
        Compared(name=name, rule="aofl", data=read_run(runs[0]), survey=survey([water]))
        for name, water in (("truth", waters[0]), ("same", waters[0]), ("longer", waters[1]))
    )
    records = [record(run, None, truth) for run in (truth, same, longer)]
    assert records[0]["radial_overlap"] is None
    assert set(records[1]["radial_overlaps"].values()) == {1.0}
    assert 0.3 < records[2]["radial_overlaps"]["H-O"] < 0.7  # one bond of two
    young = Compared(name="young", rule="aimd", data=read_run(runs[0]), survey=None)
    first = record(young, truth, truth)
    html = compare_page([young, truth, same, longer], [first, *records], truth, "waters")
    assert "lies over that of truth" in html


def altered(run: Path, to: Path, **record: object) -> Path:
    """Return a copy of a run whose `run.json` says something else."""
    shutil.copytree(run, to)
    said = json.loads((to / "run.json").read_text())
    (to / "run.json").write_text(json.dumps(said | record))
    return to


def test_runs_under_other_conditions_are_marked(runs: list[Path], tmp_path: Path) -> None:
    hot = altered(runs[0], tmp_path / "hot", temperature_K=900.0, timestep_fs=0.25)
    other = altered(runs[0], tmp_path / "other", level_of_theory={"method": "PBE"})
    small = altered(runs[0], tmp_path / "small")
    atoms = read(small / "start.extxyz")
    atoms.cell[2, 2] *= 0.9
    write(small / "start.extxyz", atoms)
    found = compare([hot, *runs, other, small], tmp_path / "out")
    assert [r["differs_in"] for r in found.records] == [
        ["temperature", "time step"], [], [], ["level of theory"], ["volume"]
    ]  # fmt: skip
    html = found.files[0].read_text()
    assert "hot differs in temperature and time step" in html
    assert "ours differs" not in html


def test_runs_of_other_atoms_are_refused(runs: list[Path], tmp_path: Path) -> None:
    other = altered(runs[0], tmp_path / "other")
    write(other / "start.extxyz", read(other / "start.extxyz")[:-3])
    with pytest.raises(StoreError, match=r"other is a run of Na16H6O3 and truth one of Na16H8O4"):
        compare([*runs, other], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_run_or_no_run_is_refused(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="at least two"):
        compare(runs[:1], tmp_path)
    with pytest.raises(StoreError, match="not a run directory"):
        compare([runs[0], tmp_path], tmp_path)
