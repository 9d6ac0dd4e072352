"""The verdict on a run: criteria judge from their limits on, and there is a next command."""

from dataclasses import replace

import pytest

from aofl.report.verdict import CRITERIA, Evidence, Level, verdict

SOUND = Evidence(
    name="mine",
    mode="aofl",
    status="done",
    steps=4000,
    n_quiet=15,
    n_reactive=5,
    n_changes=2,
    coverage=0.9,
    target=0.1,
    reference="PBE-D3",
    is_semi_empirical=False,
    has_metal=True,
)


def judged(**changed):
    return verdict(replace(SOUND, **changed))


def finding(name, **changed):
    return next((one for one in judged(**changed).findings if one.name == name), None)


def test_a_sound_run_goes_to_production():
    found = judged()
    assert found.level is Level.KEPT
    assert found.words.startswith("Yes")
    assert found.command == (
        "aofl run mine/config.yaml --mode mlff --model mine/model.h5 --out mine-production"
    )


@pytest.mark.parametrize(
    ("criterion", "changed", "level", "said"),
    [
        ("the run's end", {"status": "running"}, Level.DOUBTFUL, "still running"),
        ("the run's end", {"status": ""}, Level.DOUBTFUL, "ended before"),
        ("the number of audits", {"n_quiet": 14}, Level.DOUBTFUL, "19 audit frames"),
        ("the number of audits", {"n_quiet": 16, "n_reactive": 4}, Level.DOUBTFUL, "4 of them"),
        (
            "the number of audits",
            {"n_quiet": 20, "n_reactive": 0, "n_changes": 0},
            Level.KEPT,
            "20",
        ),
        ("the 90 % interval", {"coverage": 0.85}, Level.KEPT, "85 %"),
        ("the 90 % interval", {"coverage": 0.84}, Level.DOUBTFUL, "larger than is said"),
        ("the 90 % interval", {"coverage": 0.74}, Level.BROKEN, "74 %"),
        ("the 90 % interval", {"coverage": None}, Level.DOUBTFUL, "no audit"),
        ("drift", {"n_drifts": 2}, Level.DOUBTFUL, "2 times"),
        ("drift", {"n_drifts": 1, "is_drifting": True}, Level.BROKEN, "at the end"),
        ("the temperature", {"n_excursions": 1}, Level.DOUBTFUL, "once"),
        ("the temperature", {"n_excursions": 2, "n_hot": 1}, Level.BROKEN, "1 reaction in it"),
        (
            "the target",
            {"missed": ("H", "O"), "reached": 0.2},
            Level.DOUBTFUL,
            "H and O can be off",
        ),
        ("the frozen force field", {"mode": "mlff"}, Level.KEPT, "within what it knows"),
        ("the frozen force field", {"mode": "mlff", "n_uncertain": 3}, Level.BROKEN, "3 times"),
        ("the reference", {"is_semi_empirical": None}, Level.DOUBTFUL, "does not say"),
        ("the reference", {"is_semi_empirical": True}, Level.DOUBTFUL, "not to be quoted"),
        (
            "the reference",
            {"is_semi_empirical": True, "has_metal": False},
            Level.DOUBTFUL,
            "not a result",
        ),
    ],
)
def test_each_criterion_judges_at_its_limit(criterion, changed, level, said):
    found = finding(criterion, **changed)
    assert (found.level, said in found.words) == (level, True), found.words
    overall = judged(**changed)
    assert overall.level == level
    if level is not Level.KEPT:
        assert criterion in overall.words


def test_the_worst_has_the_word_and_the_next_command():
    found = judged(is_semi_empirical=True, n_hot=1, n_quiet=0)
    assert found.level is Level.BROKEN
    assert found.words == "Not yet: the temperature does not hold."
    assert found.command == "aofl run mine/config.yaml --out mine-again"
    found = judged(n_hot=1, is_drifting=True)
    assert found.words == "Not yet: drift and the temperature do not hold."
    assert found.command == "aofl resume mine --steps 8000"


@pytest.mark.parametrize(
    ("changed", "command"),
    [
        ({"status": "killed"}, "aofl resume mine"),
        ({"status": "running"}, ""),
        ({"n_quiet": 1, "steps": 10}, "aofl resume mine --steps 1000"),
        ({"is_semi_empirical": True}, "aofl doctor"),
        ({"mode": "mlff"}, "aofl resume mine --steps 8000"),
        ({"mode": "aimd"}, "aofl run mine/config.yaml --mode aofl --out mine-aofl"),
        (
            {"mode": "mlff", "n_uncertain": 1},
            "aofl run mine/config.yaml --mode aofl --model mine/model.h5 --out mine-learned",
        ),
    ],
)
def test_the_next_command(changed, command):
    assert judged(**changed).command == command


def test_aimd_is_not_judged_by_a_force_field_it_has_not():
    names = {one.name for one in judged(mode="aimd", coverage=None, n_quiet=0).findings}
    assert names == {"the run's end", "the temperature", "the reference"}


def test_the_command_quotes_what_a_shell_would_read():
    assert judged(name="my run; rm x", status="killed").command == "aofl resume 'my run; rm x'"


def test_every_criterion_says_something_of_a_run_of_which_nothing_is_known():
    empty = Evidence(name="x", mode="", status="", steps=0)
    assert verdict(empty).level is Level.DOUBTFUL
    assert len(verdict(empty).findings) == len(CRITERIA) - 2  # no target, no frozen force field
