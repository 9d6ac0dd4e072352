"""The pictures of the interphase: there when metal reacted, with what is in them named."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
from ase import Atoms
from ase.build import bcc100

from aofl.analysis.course import Course
from aofl.analysis.survey import survey
from aofl.report.data import RunData
from aofl.report.page import Section
from aofl.report.sections.interphase import interphase, pictures

A = 4.29


def growing(n_frames: int = 12, timed: bool = True) -> list[Atoms]:
    """Hydroxides settle in hollows of sodium, one more every second frame."""
    frames = []
    for k in range(n_frames):
        slab = bcc100("Na", (3, 3, 4), a=A, vacuum=8.0, periodic=True)
        top = slab.positions[:, 2].max()
        hollows = [(column, row) for column in range(3) for row in range(3)][:6]
        for index, (column, row) in enumerate(hollows):
            height = top + (0.2 if index < k / 2 else 6.0)
            x, y = (column + 0.5) * A, (row + 0.5) * A
            slab += Atoms("OH", [[x, y, height], [x, y, height + 0.97]])
        if timed:
            slab.info = {"time_fs": 100.0 * k, "step": k}
        frames.append(slab)
    return frames


def section_of(frames: list[Atoms]) -> Section | None:
    course = Course(survey=survey(frames), scenes=(), to_metal=())
    return interphase(RunData(name="made", course=course))


def texts(svg: str) -> set[str]:
    ElementTree.fromstring(svg)  # noqa: S314 - our own drawing
    return set(re.findall(r">([^<>]+)</text>", svg))


def test_growth_and_layers_name_what_formed():
    found = survey(growing())
    assert [frame.solids.get("NaOH", 0) for frame in found.frames][-1] == 6
    drawn = pictures(found)
    assert set(drawn) == {"growth.svg", "layers.svg"}
    assert {"NaOH", "single anions", "metal", "time, ps"} <= texts(drawn["growth.svg"])
    assert {"NaOH", "along the normal, Å"} <= texts(drawn["layers.svg"])


def test_the_section_tells_solids_metal_and_layers():
    section = section_of(growing())
    assert section is not None
    assert section.text[0].startswith("Solids at 1100 fs, the last frame looked at: 6 NaOH")
    assert len(section.figures) == 2
    assert "6 NaOH" in section.text[0]
    solids, metal = section.tables
    # the first two hydroxides side by side are there from the frame at 300 fs on
    assert solids.rows == (("NaOH", "300", "75 %", 6, 6, "6"),)
    assert [row[0] for row in metal.rows][:1] == ["metal atoms: metal"]
    assert interphase(RunData(name="none")) is None


def test_one_frame_and_frames_without_times_are_drawn_too():
    assert "growth.svg" in pictures(survey(growing()[-1:]))
    drawn = pictures(survey(growing(timed=False)))
    assert "time, frames" in texts(drawn["growth.svg"])


def test_metal_alone_has_no_interphase():
    slab = bcc100("Na", (2, 2, 4), a=A, vacuum=8.0, periodic=True)
    assert section_of([slab]) is None
    assert pictures(survey([slab])) == {}


def test_a_cluster_without_layers_has_its_growth_only():
    cube = Atoms(
        "Na4F4",
        positions=np.array(
            [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0], [1, 1, 1], [0, 0, 1], [0, 1, 0], [1, 0, 0]]
        )
        * 2.3171,
    )
    assert set(pictures(survey([cube]))) == {"growth.svg"}
