"""Lines of older and of newer versions, damaged lines, and what is said of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from aofl.errors import StoreError
from aofl.records import ErrorSums, LedgerLine, OtherEvent, rule_names
from aofl.records.events import LabelFailed, ReactionHappened
from aofl.store import read_events, read_ledger

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    """Return a maker of a file with one whole line and a torn one."""

    def make(line: str) -> Path:
        path = tmp_path / "lines.jsonl"
        path.write_text(line + '\n{"step": 1')
        return path

    return make


def test_a_ledger_line_of_the_first_version(file) -> None:
    """It had neither doubt, nor coverage, nor jumps, and errors without their magnitudes."""
    old = {
        "step": 40, "time_fs": 20, "action": "label", "rule": "audit", "reason": "no label",
        "atom": None, "element": None, "value": 160.0, "threshold": 160.0, "unit": "steps",
        "neighbour": None, "label_id": 3, "seconds": {"reference": 1, "update": 0},
        "errors": {"H": {"n": 2, "sum_sq": 8.0, "max": 2.0}},
        "predicted_error": None, "true_error": 0.5,
    }  # fmt: skip
    assert read_ledger(file(json.dumps(old))) == [
        LedgerLine(
            step=40, time_fs=20.0, action="label", rule="audit", reason="no label", value=160.0,
            threshold=160.0, unit="steps", label_id=3, seconds={"reference": 1.0, "update": 0.0},
            errors={"H": ErrorSums(n=2, sum_sq=8.0, max=2.0)}, true_error=0.5,
        )
    ]  # fmt: skip


def test_events_of_older_versions(file) -> None:
    failed = {"step": 4, "event": "label_failed", "message": "no SCF"}
    assert read_events(file(json.dumps(failed))) == [LabelFailed(step=4, message="no SCF")]
    reaction = {
        "step": 5, "event": "reaction", "reaction": "A -> B", "reactants": ["A"],
        "products": ["B"], "broken": [[0, 1]], "formed": [], "time_fs": 2.5,
    }  # fmt: skip
    (read,) = read_events(file(json.dumps(reaction)))
    assert isinstance(read, ReactionHappened)
    assert (read.broken, read.began_fs, read.seen_by_reference) == (((0, 1),), None, None)


def test_a_kind_that_is_not_known_is_kept_as_it_is(file) -> None:
    line = {"step": 5, "event": "walker_lost", "walker": 3}
    assert read_events(file(json.dumps(line))) == [
        OtherEvent(event="walker_lost", said={"step": 5, "walker": 3})
    ]


def test_a_key_of_a_newer_version_is_passed_over(file) -> None:
    line = {**json.loads((GOLDEN / "ledger.jsonl").read_text().splitlines()[0]), "walker": 3}
    (read,) = read_ledger(file(json.dumps(line)))
    assert read == read_ledger(GOLDEN / "ledger.jsonl")[0]


def test_a_path_that_is_no_unicode_does_not_hide_a_line(file) -> None:
    line = {"step": 4, "event": "label_failed", "message": "kept in r\udce9sum\u00e9"}
    assert read_events(file(json.dumps(line))) == [
        LabelFailed(step=4, message="kept in r?sum\u00e9")
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{torn", "Invalid JSON"),
        ("[1]", "it should be an object"),
        ("[" * 100_000, "recursion limit"),
        ('"\\ud800', "Invalid JSON"),
        ('{"step": 1}', "`event` is missing"),
        ('{"event": 1}', "`event` is 1"),
        ('{"event": "done", "step": "1", "time_fs": 1.0}', "`done.step` is '1'; it should be a"),
        ('{"event": "done", "step": true, "time_fs": 1.0}', "`done.step` is True"),
        ('{"event": "rewind", "step": 1, "time_fs": 1.0, "reason": ""}', "`rewind.to_step` is mis"),
        ('{"event": "species", "step": 1, "time_fs": 1.0, "counts": {"A": 0.5}}', "counts.A"),
    ],
)
def test_a_damaged_event_is_one_clear_sentence(file, line: str, said: str) -> None:
    with pytest.raises(StoreError, match=r"lines\.jsonl line 1 is no event") as caught:
        read_events(file(line))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"step": "40"}, "`step` is '40'"),
        ({"action": "guess"}, "`action` is 'guess'"),
        ({"errors": {"H": {"n": "2"}}}, "`errors.H.n` is '2'"),
        ({"inside_90": {"H": [1]}}, "`inside_90.H.1` is missing"),
        ({"neighbour": {"label": 1}}, "`neighbour.atom` is missing"),
    ],
)
def test_a_damaged_decision_is_one_clear_sentence(file, change, said: str) -> None:
    line = json.loads((GOLDEN / "ledger.jsonl").read_text().splitlines()[0])
    with pytest.raises(StoreError, match=r"lines\.jsonl line 1 is no decision") as caught:
        read_ledger(file(json.dumps({**line, **change})))
    assert said in str(caught.value)
    assert "restore it from a copy" in str(caught.value)


def test_the_names_of_the_rules_stand_in_ledgers_and_stay() -> None:
    names = {k: v for k, v in vars(rule_names).items() if k.isupper() and isinstance(v, str)}
    assert names == {
        "AIMD": "aimd", "EXPLORE": "explore", "INITIAL": "initial", "GUARD": "guard",
        "APPROACH": "rewind",
        "CHEMISTRY": "chemistry", "UNCERTAINTY": "uncertainty", "SIMILARITY": "similarity",
        "BUDGET": "budget", "SURPRISE": "surprise", "AUDIT": "audit",
        "RANDOM_AUDIT": "random_audit", "PRODUCTION": "production", "VASP_LIKE": "vasp_like",
        "FLARE_LIKE": "flare_like",
    }  # fmt: skip
