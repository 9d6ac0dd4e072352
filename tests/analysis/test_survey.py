"""A whole pass over small trajectories whose every species, event and solid is known."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bcc100, molecule
from crystal_cases import CRYSTALS

from aofl.analysis.findings import SurveySettings
from aofl.analysis.motion import motion
from aofl.analysis.survey import survey
from aofl.chemistry.tracker import TrackerSettings
from aofl.errors import StructureError


def splitting_water(n: int = 40, at: int = 12, timed: bool = True) -> list[Atoms]:
    """One water of two loses a hydrogen from frame `at` on, far from everything, over sodium."""
    slab = bcc100("Na", (3, 3, 4), a=4.29, vacuum=10.0, periodic=True)
    top = slab.positions[:, 2].max()
    frames = []
    for k in range(n):
        atoms = slab.copy()
        for x in (2.0, 9.0):
            water = molecule("H2O")
            water.translate([x, 5.0, top + 5.0])
            atoms += water
        if k >= at:
            # H to a hollow of the metal; OH stays up
            atoms.positions[-2] = [4.29 * 0.5, 4.29 * 0.5, top + 1.0]
        if timed:
            atoms.info = {"step": 10 * k, "time_fs": 5.0 * k}
        frames.append(atoms)
    return frames


def test_species_events_and_metal_of_a_known_reaction():
    found = survey(splitting_water())
    assert found.has_time
    assert found.frames[0].species == {"H2O": 2}
    assert found.frames[-1].species["H2O"] == 1
    assert sum(found.frames[-1].species.values()) == 3
    (event,) = found.reactions.events
    assert (event.frame, event.time_fs) == (120, 60.0)
    assert event.is_atom_balanced
    assert found.n_uncertain == 0
    assert found.frames[0].metal["metal"] == 36
    assert found.frames[0].electrons == 0.0
    assert found.frames[-1].electrons >= 1.0  # the hydride at least touches the metal
    assert dict(found.reactions.initial) == found.frames[0].species
    assert dict(found.reactions.final) == found.frames[-1].species


def test_an_event_younger_than_the_lifetime_is_told_as_uncertain():
    late = survey(splitting_water(n=16))
    assert len(late.reactions.events) == 1
    assert late.n_uncertain == 1
    assert late.reactions.n_unsettled == 0


def test_without_times_frames_are_counted_and_the_lifetime_is_two_of_them():
    found = survey(splitting_water(timed=False))
    assert not found.has_time
    assert [frame.number for frame in found.frames] == list(range(40))
    assert [event.frame for event in found.reactions.events] == [12]
    assert found.n_uncertain == 0
    assert motion(found) is None
    given = survey(splitting_water(timed=False), SurveySettings(interval_fs=5.0))
    assert given.has_time
    assert [event.time_fs for event in given.reactions.events] == [60.0]


def test_flicker_is_no_event_but_is_counted():
    frames = splitting_water(at=40)
    frames[20].positions = splitting_water()[20].positions
    found = survey(frames)
    assert found.reactions.events == ()
    assert sum(found.reactions.raw.values()) == 2
    strict = SurveySettings(follow=TrackerSettings(min_lifetime_fs=0.0))
    assert len(survey(frames, strict).reactions.events) == 2


def test_growth_of_a_solid_layer_by_layer():
    """Sodium fluoride in vacuum, a layer more each frame: units grow by a layer's worth."""
    salt = CRYSTALS["NaF"].build() * (2, 2, 3)
    salt.cell[2, 2] = 40.0
    gone = Atoms("Na", [[0, 0, 30.0]])
    counts = []
    for n_layers in (1, 2, 3, 6):
        keep = salt.positions[:, 2] < (n_layers - 0.5) * 4.6342 / 2
        part = salt[keep] + gone
        found = survey([part])
        counts.append(found.frames[0].solids.get("NaF", 0))
        assert found.frames[0].metal["in solid"] == np.count_nonzero(keep) // 2
    assert counts == [8, 16, 24, 48]


def test_layers_tell_metal_from_salt_along_the_normal():
    slab = bcc100("Na", (4, 4, 5), a=4.29, vacuum=20.0, periodic=True)
    slab.positions[:, 2] -= slab.positions[:, 2].min() - 1.0
    top = slab.positions[:, 2].max()
    salt = CRYSTALS["NaF"].build() * (3, 3, 1)
    salt.translate([0, 0, top + 4.5])
    found = survey([slab + salt])
    (window,) = found.layers.closed
    where: dict[str, list[int]] = {}
    for (kind, k), count in window.sums.counts.items():
        assert count > 0
        where.setdefault(kind, []).append(k)
    assert max(where["metal"]) < min(where["NaF"])
    assert set(where) >= {"metal", "NaF", "in solid"}


def test_diffusion_of_a_walking_gas_through_boundaries():
    rng = np.random.default_rng(0)
    step, interval = 0.15, 2.0
    atoms = Atoms("He30", positions=rng.random((30, 3)) * 12, cell=[12] * 3, pbc=True)
    frames = []
    for k in range(400):
        atoms.positions += rng.normal(0, step, (30, 3))
        atoms.wrap()
        frame = atoms.copy()
        frame.info = {"time_fs": k * interval}
        frames.append(frame)
    moved = motion(survey(frames))
    assert moved is not None
    value = moved.diffusion["He"]
    expected = step**2 / (2 * interval)
    assert value.value == pytest.approx(expected, abs=3 * value.error + expected / 30)
    assert value.is_diffusive
    assert moved.is_relative


@pytest.mark.parametrize(
    ("infos", "message"),
    [
        ([{"time_fs": 1.0}, {"time_fs": 1.0}], "must grow"),
        ([{"time_fs": 1.0}, {}], "has no time"),
        ([{"step": 5, "time_fs": 1.0}, {"step": 5, "time_fs": 2.0}], "step 5 at 2 fs after step 5"),
        ([{"step": 5}, {"step": 4}], "must grow"),
    ],
)
def test_times_and_steps_must_grow(infos: list[dict[str, float]], message: str):
    frames = []
    for info in infos:
        frames.append(molecule("H2O"))
        frames[-1].info = dict(info)
    with pytest.raises(StructureError, match=message):
        survey(frames)


def test_with_a_given_interval_frames_are_counted_whatever_their_steps_are():
    frames = splitting_water()
    for atoms in frames:
        atoms.info = {"step": 0, "time_fs": 0.0}
    found = survey(frames, SurveySettings(interval_fs=5.0))
    assert [frame.number for frame in found.frames] == list(range(len(frames)))
    assert found.frames[-1].time == 5.0 * (len(frames) - 1)
    assert len(found.reactions.events) == 1


def test_nothing_to_analyse():
    with pytest.raises(StructureError, match="no frame"):
        survey([])
