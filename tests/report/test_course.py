"""The trajectory in the report of a run: interphase and pictures, and what is said without it."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import numpy as np
import pytest
from fake_run import markup, write_fake_run, write_trajectory

from aofl.analysis.course import Course
from aofl.report.data import read_run
from aofl.store.chunks import part_path
from aofl.workflows.report import MOST_FRAMES, course_of_run, write_report

STEPS = 1400


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_fake_run(tmp_path_factory.mktemp("runs") / "reacting", steps=STEPS)
    write_trajectory(path, STEPS)
    return path


@pytest.fixture(scope="module")
def html(run: Path) -> str:
    return write_report(run).read_text()


def section(html: str, name: str) -> str:
    found = re.search(rf'<section id="{name}".*?</section>', html, flags=re.DOTALL)
    assert found is not None
    return found.group(0)


def test_pictures_and_interphase_are_in_the_report(html: str):
    pictures = section(html, "pictures")
    assert pictures.count("<figure>") == 1  # of one kind of reaction: the first
    assert "H2O -&gt; H- + OH- at 270 fs" in pictures
    assert "seen by the reference: yes" in pictures
    assert "Å from the metal" in pictures
    interphase = section(html, "interphase")
    assert "<td>metal atoms: metal</td><td>16</td>" in interphase
    assert not re.search(r"url\((?!#)|<link", markup(html))
    ids = re.findall(r'\bid="([^"]+)"', markup(html))
    assert len(ids) == len(set(ids))


def test_the_frames_are_those_around_the_reaction(run: Path):
    data = read_run(run)
    found = course_of_run(run, data.reactions)
    assert isinstance(found, Course)
    (scene,) = found.scenes
    assert [panel.time for panel in scene.panels] == [-25.0, 0.0, 50.0]
    assert len(scene.panels[0].bonds) == len(scene.panels[1].bonds) + 1
    near = np.linalg.norm([0.0, 1.9, 0.9])
    assert found.to_metal[0] == pytest.approx(near, abs=0.02)


def test_a_long_trajectory_is_thinned_for_the_survey(tmp_path: Path):
    path = write_fake_run(tmp_path / "long", steps=60)
    write_trajectory(path, 3 * MOST_FRAMES, every=1)
    found = course_of_run(path, ())
    assert isinstance(found, Course)
    assert 0.4 * MOST_FRAMES < len(found.survey.frames) <= 2 * MOST_FRAMES
    assert found.scenes == ()


def test_a_damaged_trajectory_is_told_and_the_report_goes_on(tmp_path: Path):
    path = write_fake_run(tmp_path / "damaged", steps=60)
    write_trajectory(path, 60)
    part = part_path(path / "trajectory.extxyz", 1)
    text = gzip.decompress(part.read_bytes())
    part.write_bytes(gzip.compress(text.replace(b"Na", b"Q", 1)))
    html = write_report(path).read_text()
    assert "The trajectory is left out" in html
    assert 'id="interphase"' not in html


@pytest.mark.parametrize(("share", "n_frames"), [(0.0, 0), (0.01, 0), (0.5, 30)])
def test_of_a_cut_trajectory_the_whole_frames_are_read(tmp_path: Path, share: float, n_frames: int):
    path = write_fake_run(tmp_path / "cut", steps=60)
    write_trajectory(path, 600)
    part = part_path(path / "trajectory.extxyz", 1)
    raw = part.read_bytes()
    part.write_bytes(raw[: int(share * len(raw))])
    found = course_of_run(path, ())
    if n_frames:
        assert isinstance(found, Course)
        assert len(found.survey.frames) == pytest.approx(n_frames, abs=2)
    else:
        assert "has no whole frame" in str(found)


def test_names_in_the_pictures_are_escaped(tmp_path: Path):
    path = write_fake_run(tmp_path / "evil", steps=800)
    write_trajectory(path, 800)
    lines = [json.loads(line) for line in (path / "events.jsonl").read_text().splitlines()]
    for line in lines:
        if line["event"] == "reaction":
            line["reaction"] = line["reactants"][0] = "<script>x</script>"
    (path / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    html = write_report(path).read_text()
    assert "<script>x" not in html
    assert "&lt;script&gt;" in section(html, "pictures")


def test_a_reaction_of_atoms_that_are_not_there_is_told(tmp_path: Path):
    path = write_fake_run(tmp_path / "wrong", steps=800)
    write_trajectory(path, 800)
    text = (path / "events.jsonl").read_text()
    (path / "events.jsonl").write_text(text.replace('"broken": [[16, 17]]', '"broken": [[16, 99]]'))
    found = course_of_run(path, read_run(path).reactions)
    assert "names atoms [16, 99], but the trajectory has 28" in str(found)
