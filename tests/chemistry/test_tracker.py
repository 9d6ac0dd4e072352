"""Known reaction lists are found whole and alone; flicker is counted apart; state resumes."""

import json

import numpy as np
import pytest
from ase import Atoms
from reactors import Known, Scenario, frames, known_reactions, scenario

from aofl.chemistry.graph import connect
from aofl.chemistry.reaction_event import Event, mark_seen
from aofl.chemistry.reactions import composition, follow_trajectory
from aofl.chemistry.species import count_names, species_of_frame
from aofl.chemistry.tracker import TrackerSettings, begin, follow
from aofl.chemistry.tracker_state import TrackerState
from aofl.errors import StructureError

LIFETIME = 50.0
SETTINGS = TrackerSettings(min_lifetime_fs=LIFETIME)
CELLS = {
    "cubic": ([[18, 0, 0], [0, 18, 0], [0, 0, 18]], (True, True, True), 0.0),
    "triclinic": ([[18, 0, 0], [6, 17, 0], [-5, 7, 17]], (True, True, True), 0.0),
    "slab": ([[18, 0, 0], [7, 17, 0], [0, 0, 18]], (True, True, False), 0.0),
    "breathing triclinic": ([[19, 0, 0], [-6, 18, 0], [4, 7, 18]], (True, True, True), 0.03),
}


def matched(known: list[Known], events: tuple[Event, ...]) -> int:
    """Count events that are one of the known reactions: same atoms, same words, same time."""
    left = list(known)
    for event in events:
        atoms = {atom for pair in (*event.broken, *event.formed) for atom in pair}
        for one in left:
            is_close = -5.0 <= event.time_fs - one.time_fs <= 20.0
            if is_close and one.reaction == event.reaction and atoms <= one.atoms:
                left.remove(one)
                break
    return len(known) - len(left)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", CELLS)
def test_recall_and_precision_are_complete(name, seed):
    cell, pbc, breathing = CELLS[name]
    plan = scenario(seed, cell, pbc, breathing)
    known = known_reactions(plan, LIFETIME)
    found = follow_trajectory(frames(plan, seed), SETTINGS)
    n = matched(known, found.events)
    assert len(known) > 10
    assert n / len(known) == 1.0, "recall"
    assert n / len(found.events) == 1.0, "precision"
    assert all(event.is_atom_balanced for event in found.events)
    assert {event.electrons for event in found.events} == {0}, "every reactor keeps its charge"
    assert sum(found.raw.values()) > 1.5 * len(known), "the flicker is in the raw counts"
    assert found.n_unsettled == 0


def test_several_reactions_in_one_frame_are_several_events():
    plan = scenario(1, *CELLS["triclinic"])
    found = follow_trajectory(frames(plan, 1), SETTINGS)
    together = [event for event in found.events if 1195 <= event.time_fs <= 1220]
    assert len(together) >= 2
    atoms = [{a for pair in (*e.broken, *e.formed) for a in pair} for e in together]
    assert sum(map(len, atoms)) == len(set().union(*atoms))


def test_the_composition_follows_from_the_events():
    plan = scenario(2, *CELLS["cubic"])
    found = follow_trajectory(frames(plan, 2), SETTINGS)
    *_, (_, _, last) = frames(plan, 2)
    counted = count_names(species for _, species in species_of_frame(last, connect(last)))
    assert found.final == counted == composition(found.initial, found.events)


@pytest.mark.parametrize("at", [37, 250, 263])
def test_a_state_through_json_goes_on_as_if_nothing_had_happened(at):
    plan: Scenario = scenario(3, *CELLS["triclinic"])

    def run(through_json: bool) -> tuple[list[Event], dict]:
        events, state = [], None
        for number, time, atoms in frames(plan, 3):
            if state is None:
                state, _ = begin(atoms, frame=number, time_fs=time, settings=SETTINGS)
            else:
                state, new = follow(state, atoms, frame=number, time_fs=time, settings=SETTINGS)
                events += new
            if through_json and number == at:
                state = TrackerState.from_json(json.loads(json.dumps(state.to_json())))
        return events, state.to_json()

    assert run(False) == run(True)


def test_the_bonds_of_the_caller_give_the_same_events():
    plan = scenario(1, *CELLS["slab"])
    expected = follow_trajectory(frames(plan, 1), SETTINGS)
    events, state, bonds = [], None, None
    for number, time, atoms in frames(plan, 1):
        bonds = connect(atoms, SETTINGS.bonds, bonds)
        if state is None:
            state, _ = begin(atoms, frame=number, time_fs=time, settings=SETTINGS)
            continue
        state, new = follow(
            state, atoms, frame=number, time_fs=time, settings=SETTINGS, bonds=bonds
        )
        events += new
    assert tuple(events) == expected.events
    assert state.raw == expected.raw


def proton(x: float, pbc: bool = False) -> Atoms:
    """Water and hydroxide with a proton at x between their oxygens."""
    positions = [[0, 0, 0], [-0.24, 0.93, 0], [x, 0, 0], [2.6, 0, 0], [2.8, 0.93, 0], [0, 0, 2.3]]
    return Atoms("OHHOHNa", positions, cell=[9, 9, 20], pbc=[pbc, pbc, False])


def follow_positions(xs: list[float], interval: float, pbc: bool = False):
    moves = [(k, k * interval, proton(x, pbc)) for k, x in enumerate(xs)]
    return follow_trajectory(moves, SETTINGS)


def test_times_and_frames_of_an_event():
    left, right = 0.97, 1.63
    found = follow_positions([left] * 5 + [right] * 20, 10.0, pbc=True)
    (event,) = found.events
    assert (event.frame_before, event.frame) == (4, 5)
    assert (event.began_fs, event.time_fs) == (50.0, 50.0)
    assert (event.broken, event.formed) == (((0, 2),), ((2, 3),))
    assert event.height == pytest.approx(0.0, abs=1e-9)


def test_an_excursion_shorter_than_the_lifetime_is_flicker():
    left, right = 0.97, 1.63
    found = follow_positions([left] * 5 + [right] * 4 + [left] * 20, 10.0)
    assert found.events == ()
    assert sum(found.raw.values()) == 2


def test_a_change_too_close_to_the_end_is_left_open():
    found = follow_positions([0.97] * 5 + [1.63] * 3, 10.0)
    assert (found.events, found.n_unsettled) == ((), 2)


def test_a_short_lived_intermediate_joins_the_steps_around_it():
    def two(x: float, y: float) -> Atoms:
        return Atoms("OHONa", [[0, 0, 0], [x, 0, 0], [y, 0, 0], [0, 0, 2.3]])

    steps = [(0.97, 4.5)] * 5 + [(2.0, 4.5)] * 3 + [(3.53, 4.5)] * 12  # on its own for 30 fs
    found = follow_trajectory([(k, 10.0 * k, two(*step)) for k, step in enumerate(steps)], SETTINGS)
    (event,) = found.events
    assert event.reaction == "O + OH- -> O2- + OH-"  # the oxygen that is left touches the sodium
    assert (event.began_fs, event.time_fs) == (50.0, 80.0)
    assert (event.frame_before, event.frame) == (4, 8)
    assert sorted(found.raw) == ["H- + O2- -> OH-", "OH- -> H- + O2-"]


def test_heights_are_averaged_round_the_boundary():
    def stretched(k: int) -> Atoms:
        hydrogen = [1, 1, 9.9 + (0.97 if k < 4 else 2.2)]
        atoms = Atoms("OHNa", [[1, 1, 9.9], hydrogen, [5, 5, 3]], cell=[10, 10, 10], pbc=True)
        atoms.wrap()
        return atoms

    found = follow_trajectory([(k, 10.0 * k, stretched(k)) for k in range(15)], SETTINGS)
    (event,) = found.events
    assert event.height == pytest.approx(1.0, abs=1e-6)  # between 9.9 and 12.1, wrapped


def test_a_molecule_that_bends_has_taken_up_an_electron():
    def dioxide(degrees: float) -> Atoms:
        half = np.radians(degrees / 2)
        arm = 1.22 * np.array([np.sin(half), np.cos(half)])
        positions = [[-arm[0], arm[1], 0], [0, 0, 0], [arm[0], arm[1], 0], [0, -2.4, 0]]
        return Atoms("OCONa", positions)

    angles = [178.0] * 20 + [140.0] * 3 + [178.0] * 20 + [135.0] * 40  # a swing, then for good
    found = follow_trajectory(
        [(k, 10.0 * k, dioxide(degrees)) for k, degrees in enumerate(angles)], SETTINGS
    )
    (event,) = found.events
    assert (event.reaction, event.electrons) == ("CO2 -> CO2-", 1)
    assert (event.broken, event.formed) == ((), ())
    assert 430.0 <= event.time_fs <= 460.0
    assert found.final == {"CO2-": 1}


def test_labels_within_an_event_are_seen():
    found = follow_positions([0.97] * 5 + [1.63] * 20, 10.0)
    for labels, expected in (([3], False), ([4], True), ([7], True), ([10], True), ([11], False)):
        (event,) = mark_seen(found.events, labels, window=5)
        assert event.seen_by_reference is expected
    assert mark_seen(found.events, [], window=5)[0].seen_by_reference is False


def test_an_event_is_plain_data():
    (event,) = follow_positions([0.97] * 5 + [1.63] * 20, 10.0).events
    record = json.loads(json.dumps(event.to_json()))
    assert record["reaction"] == "H2O + OH- -> H2O + OH-"
    assert record["reactants"] == record["products"] == ["H2O", "OH-"]
    assert record["atoms_balanced"] is True
    assert record["electrons"] == 0
    assert record["broken"] == [[0, 2]]


def test_another_system_in_between_is_refused():
    state, _ = begin(proton(0.97), frame=0, time_fs=0.0)
    with pytest.raises(StructureError, match="this one has 2 atoms"):
        follow(state, Atoms("O2", np.eye(3)[:2]), frame=1, time_fs=1.0)
