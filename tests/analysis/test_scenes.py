"""The scene of a reaction: the right atoms, whole, from one side, and drawn with what changed."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from ase import Atoms
from ase.build import bcc100, molecule

from aofl.analysis.scenes import Scene, scene
from aofl.analysis.told_reactions import ReactionEvent
from aofl.report.figures.ball_and_stick import draw_scene
from aofl.report.figures.plot import GREEN, RED

OXYGEN, STAYS, LEAVES = 32, 33, 34


def event(**changes: object) -> ReactionEvent:
    values: dict[str, object] = {
        "step": 10, "time_fs": 100.0, "began_fs": 100.0, "reaction": "H2O -> H- + OH-",
        "reactants": ("H2O",), "products": ("H-", "OH-"), "broken": ((OXYGEN, LEAVES),),
        "formed": (), "height": None, "electrons": 2, "is_seen": True, **changes,
    }  # fmt: skip
    return ReactionEvent(**values)  # type: ignore[arg-type]


def frames(shift: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> list[tuple[float, Atoms]]:
    """A water above sodium that gives a hydrogen to the metal; all moved and wrapped."""
    slab = bcc100("Na", (4, 4, 2), a=4.29, vacuum=8.0, periodic=True)
    top = slab.positions[:, 2].max()
    made = []
    for time, moved in ((75.0, 0.0), (100.0, 0.7), (150.0, 1.4)):
        water = molecule("H2O")
        water.rotate(90, "x")
        water.translate([8.6, 8.6, top + 2.4] - water.positions[0])
        water.positions[2] += [0.3 * moved, 0.0, -moved]
        atoms = slab + water
        atoms.positions += shift
        atoms.wrap()
        made.append((time, atoms))
    return made


def found(shift: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Scene:
    made = scene(event(), frames(shift), 1)
    assert made is not None
    return made


def test_the_reacting_atoms_come_first_and_metal_is_below():
    one = found()
    assert one.numbers[one.reacts].tolist() == [8, 1, 1]
    assert set(one.numbers[~one.reacts].tolist()) == {11}
    assert [panel.time for panel in one.panels] == [-25.0, 0.0, 50.0]
    for panel in one.panels:
        assert panel.points[~one.reacts, 1].max() < panel.points[0, 1]


@pytest.mark.parametrize("shift", [(8.6, 8.6, 0.0), (-8.6, 3.1, 0.0), (1.0, 2.0, 12.0)])
def test_a_scene_across_the_boundaries_is_the_same(shift: tuple[float, float, float]):
    here, there = found(), found(shift)
    assert here.numbers.tolist() == there.numbers.tolist()
    for a, b in zip(here.panels, there.panels, strict=True):
        # the same picture, or its mirror image: a direction has no sign of its own
        distances = [np.linalg.norm(p.points[:, None] - p.points, axis=-1) for p in (a, b)]
        assert np.allclose(np.sort(distances[0].ravel()), np.sort(distances[1].ravel()))
        assert sorted(a.bonds) == sorted(b.bonds)


def test_distances_are_those_of_the_frames_and_axes_are_orthonormal():
    one = found()
    for panel, (_, atoms) in zip(one.panels, frames(), strict=True):
        own = panel.points[one.reacts]
        true = atoms.get_all_distances(mic=True)[OXYGEN, [STAYS, LEAVES]]
        assert np.allclose(np.linalg.norm(own[1:] - own[0], axis=1), true)


def test_bonds_are_those_of_each_frame():
    one = found()
    before, _, after = one.panels
    assert len(before.bonds) == 2
    assert len(after.bonds) == 1
    assert one.broken[0] not in after.bonds
    assert one.broken == ((0, 2),)


def test_a_neighbour_comes_whole():
    made = []
    for time, atoms in frames():
        neighbour = molecule("C2H2")
        neighbour.translate(atoms.positions[OXYGEN] + [2.4, 0, 1.2] - neighbour.positions[1])
        both = atoms + neighbour
        both.wrap()
        made.append((time, both))
    one = scene(event(), made, 1)
    assert one is not None
    assert sorted(one.numbers[~one.reacts & (one.numbers != 11)].tolist()) == [1, 1, 6, 6]


def test_an_event_without_bonds_has_no_scene():
    assert scene(event(broken=()), frames(), 1) is None


def test_molecules_without_cell_and_metal_are_drawn_too():
    made = [(t, atoms[-3:]) for t, atoms in frames()]
    for _, atoms in made:
        atoms.pbc = False
        atoms.cell = np.zeros((3, 3))
    one = scene(event(broken=((0, 2),)), made, 1)
    assert one is not None
    assert np.isfinite(np.concatenate([p.points for p in one.panels])).all()


@pytest.mark.parametrize("kind", ["wide", "narrow"])
def test_the_drawing_holds_every_atom_inside_and_marks_what_changed(kind: str):
    one = found()
    svg = getattr(draw_scene(one, "scene0", "fs"), kind)
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own drawing
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    balls = [c for c in root.iter() if c.tag.endswith("circle")]
    assert len(balls) == 3 * len(one.numbers) + len(set(one.numbers.tolist()))  # and the legend
    for panel in (g for g in root.iter() if g.tag.endswith("}g")):
        x, y = map(float, re.findall(r"[\d.]+", panel.attrib["transform"]))
        for ball in (c for c in panel if c.tag.endswith("circle")):
            cx, cy, r = (float(ball.attrib[name]) for name in ("cx", "cy", "r"))
            assert -1 <= x + cx - r <= x + cx + r <= width + 1
            assert 15 <= y + cy - r <= y + cy + r <= height + 1
    assert RED in svg
    assert GREEN not in svg
    words = [text.text for text in root.iter() if text.tag.endswith("text")]
    assert {"25 fs before", "as it happens", "50 fs after"} <= set(words)
    formed = scene(event(broken=(), formed=((OXYGEN, STAYS),)), frames(), 1)
    assert formed is not None
    assert GREEN in getattr(draw_scene(formed, "scene0", "fs"), kind)
