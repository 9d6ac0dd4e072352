"""The section on the reference: there where `aofl validate` was asked, and only there."""

import json
from pathlib import Path

import pytest
from fake_run import write_fake_run

from aofl.workflows.report import VALIDATION, write_report

LINE = {"reaction": "Na + 1/2 H2 -> NaH", "measured_kJ_mol": -56.4, "uncertainty_kJ_mol": 1.0}
FOUND = {
    "kind": "reference validation",
    "format": 1,
    "level_of_theory": {"code": "tblite"},
    "verdict": ["not right for all of this chemistry: of 2 reactions 1 wrong"],
    "reactions": [
        {**LINE, "computed_kJ_mol": -188.0, "error_kJ_mol": -131.6, "missing": [],
         "grade": "wrong", "wrong_way": False},
        {**LINE, "reaction": "2 Na + O2 -> Na2O2", "computed_kJ_mol": None,
         "error_kJ_mol": None, "missing": ["O2"]},
    ],
}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    made = write_fake_run(tmp_path / "run", steps=60)
    (made / VALIDATION).parent.mkdir()
    return made


def html(run: Path, found: object) -> str:
    (run / VALIDATION).write_text(found if isinstance(found, str) else json.dumps(found))
    return write_report(run).read_text()


def test_the_verdict_and_the_reactions_are_shown(run: Path) -> None:
    text = html(run, FOUND)
    assert '<section id="reference"' in text
    assert "of 2 reactions 1 wrong" in text
    assert "at another level of theory than the labels" in text
    assert "-132" in text
    assert "no O2" in text


def test_of_the_same_level_nothing_is_said(run: Path) -> None:
    level = json.loads((run / "run.json").read_text())["level_of_theory"]
    assert "at another level" not in html(run, FOUND | {"level_of_theory": level})


@pytest.mark.parametrize(
    "found",
    ["{", "[]", "null", {**FOUND, "kind": "something"}, {**FOUND, "format": 2},
     {**FOUND, "verdict": 3}, {**FOUND, "reactions": [{"reaction": "A"}]}],
)  # fmt: skip
def test_another_file_is_passed_over(run: Path, found: object) -> None:
    assert '<section id="reference"' not in html(run, found)
