"""What PLUMED has written is read as it is meant, whatever state it is in, and shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_run import markup, write_fake_run

from aofl.analysis.metadynamics import bias_of
from aofl.config.plumed_input import energy_unit, time_unit
from aofl.report.plumed_output import read_plumed
from aofl.workflows.report import write_report

INPUT = "UNITS LENGTH=A ENERGY=eV TIME=fs\n"
FIELDS = "#! FIELDS time d p.sss m.bias\n"
COLVAR = f"{FIELDS} 0 2.0 1 0\n 5 2.1 1 0.1\n{FIELDS} 10 2.2 1 0.2\n 15 2."
HEAD = "#! FIELDS time d sigma_d height biasf\n#! SET kerneltype stretched-gaussian\n"


def folder(path: Path, text: str, **files: str) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    (path / "plumed.dat").write_text(text)
    for name, content in files.items():
        (path / name).write_text(content)
    return path


def hills_text(centres: np.ndarray) -> str:
    return HEAD + "".join(f"{k} {d} 0.1 0.05 10\n" for k, d in enumerate(centres, start=1))


@pytest.mark.parametrize(
    ("text", "energy", "time"),
    [
        ("", 0.01036427, 1000.0),
        ("UNITS ENERGY=kcal/mol TIME=ns", 0.0433641, 1e6),
        ("UNITS LENGTH=A ENERGY=eV TIME=fs", 1.0, 1.0),
        ("UNITS ENERGY=96.48533 TIME=0.001", 1.0, 1.0),
        ("UNITS ...\nENERGY=Ha\n...", 27.2114, 1000.0),
    ],
)
def test_units_are_those_of_plumed(text: str, energy: float, time: float) -> None:
    assert energy_unit(text) == pytest.approx(energy, rel=1e-5)
    assert time_unit(text) == pytest.approx(time, rel=1e-5)


def test_heads_that_come_again_and_a_torn_row_are_passed_over(tmp_path: Path) -> None:
    found = read_plumed(folder(tmp_path, "", COLVAR=COLVAR, HILLS=hills_text(np.array([2.0, 2.1]))))
    assert found is not None
    times, values = found.variables["d"]
    assert (times.tolist(), values.tolist()) == ([0, 5000, 10000], [2.0, 2.1, 2.2])
    assert list(found.variables) == ["d", "p.sss"]
    assert found.hills["d"].heights == pytest.approx(2 * [0.05 * 0.01036427], rel=1e-5)
    assert read_plumed(tmp_path / "none") is None


def test_the_sum_of_the_hills_is_the_bias_of_plumed(tmp_path: Path) -> None:
    pytest.importorskip("plumed", reason="PLUMED is not installed: make setup-plumed")
    from ase import Atoms

    from aofl.config.schema import LangevinConfig
    from aofl.simulation.plumed import PlumedBias

    text = f"{INPUT}d: DISTANCE ATOMS=1,2\nMETAD ARG=d PACE=1 HEIGHT=0.05 SIGMA=0.2 FILE=HILLS"
    moves = LangevinConfig(name="langevin", timestep_fs=1.0, steps=9, temperature_K=300.0)
    atoms = Atoms("H2", [[0, 0, 0], [1, 0, 0]])
    bias = PlumedBias(folder(tmp_path, f"{text} BIASFACTOR=5\n"), moves)
    bias.begin(atoms)
    for step in range(30):
        atoms.positions[1, 0] = 1 + 0.1 * np.sin(step)
        bias.at(step, atoms)
    atoms.positions[1, 0] = 1.25
    energy = bias.at(30, atoms).energy
    bias.files.sizes()  # writes out what is in buffers
    found = read_plumed(tmp_path)
    assert found is not None
    hills = found.hills["d"]
    last = np.abs(hills.centres - 1.25) < 1e-9  # the one that was put here after the look
    assert last.sum() == 1
    before = type(hills)(
        centres=hills.centres[~last], widths=hills.widths[~last], heights=hills.heights[~last]
    )
    assert bias_of(before, np.array([1.25]))[0] * 4 / 5 == pytest.approx(energy, rel=1e-6)


def test_the_report_shows_variables_bias_and_free_energy(tmp_path: Path) -> None:
    run = write_fake_run(tmp_path / "run", steps=300)
    swings = 2 + np.sin(np.linspace(0, 40, 80))
    folder(run / "plumed", INPUT, COLVAR=COLVAR, HILLS=hills_text(swings))
    page = markup(write_report(run).read_text())
    assert 'id="bias"' in page
    assert "Free energy along d: estimates from 60 to 100 % of the hills differ by" in page
    (run / "plumed/HILLS").write_text(hills_text(np.linspace(2, 3, 20)))
    page = markup(write_report(run).read_text())
    assert "0 times from one end of its range to the other" in page
    (run / "plumed/HILLS").write_text(HEAD.replace("d sigma_d", "d e sigma_d sigma_e"))
    assert "plumed sum_hills" in markup(write_report(run).read_text())


def test_a_young_run_and_one_without_plumed_have_a_report(tmp_path: Path) -> None:
    run = write_fake_run(tmp_path / "run", steps=60)
    assert 'id="bias"' not in markup(write_report(run).read_text())
    folder(run / "plumed", INPUT, COLVAR="", HILLS=HEAD)
    write_report(run)
