"""What a run writes down about its chemistry, and when it looks."""

import json
from types import SimpleNamespace

import pytest
from ase import Atoms

from aofl.chemistry.graph import connect_covalent
from aofl.chemistry.limits import COVALENT
from aofl.chemistry.tracker_state import TrackerState
from aofl.config.schema import ChemistryConfig
from aofl.learning.timing import Timing
from aofl.records import Event
from aofl.records.events import ReactionHappened
from aofl.simulation.reaction_log import look_at_chemistry, steps_between_looks

TIMESTEP = 0.5


def water(stretch: float) -> Atoms:
    """Water on a sodium atom, one of its O-H bonds stretched."""
    positions = [[0, 0, 0], [-0.24, 0.93, 0], [0.97 + stretch, 0, 0], [1.5, -2.0, 0]]
    return Atoms("OHHNa", positions, cell=[9, 9, 9], pbc=True)


class Run(SimpleNamespace):
    """As much of a run as the chemistry needs."""

    @property
    def time_fs(self) -> float:
        return self.step * TIMESTEP


def make_run(last_label_step: int = 0) -> Run:
    events: list[Event] = []
    return Run(
        step=0,
        atoms=water(0.0),
        tracker=None,
        config=SimpleNamespace(
            chemistry=ChemistryConfig(), dynamics=SimpleNamespace(timestep_fs=TIMESTEP)
        ),
        calculator=SimpleNamespace(
            timing=Timing(),
            state=SimpleNamespace(
                last_label_step=last_label_step, path=SimpleNamespace(bonded=None, hot=None)
            ),
        ),
        files=SimpleNamespace(events=events, tell=events.append),
    )


def go(run: Run, stretch: float, steps: int, through_json: bool = False) -> None:
    path = run.calculator.state.path
    for _ in range(steps):
        run.atoms = water(stretch)
        if run.step % 10 == 0:  # as the learner does for the log
            bonds = connect_covalent(run.atoms, bonded=path.bonded)
            path.bonded = bonds.pairs[bonds.kinds == COVALENT]
        look_at_chemistry(run)
        if through_json:
            run.tracker = TrackerState.from_json(json.loads(json.dumps(run.tracker.to_json())))
        run.step += 1


@pytest.mark.parametrize(("timestep", "steps"), [(0.5, 10), (1.0, 5), (2.0, 2), (10.0, 1)])
def test_it_looks_every_few_femtoseconds(timestep, steps):
    assert steps_between_looks(ChemistryConfig(), timestep) == steps


def test_bonds_are_written_at_once_and_reactions_when_they_are_certain():
    run = make_run(last_label_step=43)
    go(run, 0.0, 41)
    go(run, 1.4, 200)
    assert [event.event for event in run.files.events] == ["species", "bond", "reaction"]
    start, bond, reaction = run.files.events
    assert start.counts == {"H2O": 1}
    assert (bond.step, bond.change, bond.atoms) == (50, "broken", (0, 2))
    assert bond.elements == ("O", "H")
    assert (reaction.step, reaction.time_fs) == (50, 25.0)
    assert reaction.certain_at_step == 150
    assert reaction.reaction == "H2O -> H- + OH-"
    assert reaction.seen_by_reference is True
    assert run.tracker.n_events == 1


@pytest.mark.parametrize(("last_label_step", "seen"), [(39, False), (40, True)])
def test_a_reaction_without_a_label_within_it_was_not_seen(last_label_step, seen):
    """In mode aimd every step is a label, so all are seen."""
    run = make_run(last_label_step)
    go(run, 0.0, 41)
    go(run, 1.4, 200)
    assert run.files.events[-1].seen_by_reference is seen


def test_flicker_is_written_as_bonds_only():
    run = make_run()
    go(run, 0.0, 41)
    go(run, 1.4, 60)
    go(run, 0.0, 300)
    assert [event.event for event in run.files.events] == ["species", "bond", "bond"]


def test_a_restart_at_any_step_writes_the_same():
    def written(through_json: bool) -> list[Event]:
        run = make_run()
        for stretch, steps in ((0.0, 41), (1.4, 130), (0.0, 300)):
            go(run, stretch, steps, through_json)
        return run.files.events

    assert written(False) == written(True)
    assert [event.event for event in written(False)].count("reaction") == 2


@pytest.mark.parametrize(
    ("hot", "marked"),
    [((0, 39), False), ((0, 44), True), ((50, 60), True), ((51, 60), False), (None, False)],
)
def test_a_reaction_in_an_excursion_of_the_temperature_is_marked(hot, marked) -> None:
    """The bond is seen broken at step 50, ten steps after the last look at it whole."""
    run = make_run()
    go(run, 0.0, 50)
    run.calculator.state.path.hot = hot
    go(run, 2.0, 200)
    (event,) = [e for e in run.files.events if isinstance(e, ReactionHappened)]
    assert (event.frame_before, event.frame) == (40, 50)
    assert event.in_excursion is marked
