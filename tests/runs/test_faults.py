"""Real runs on a code that breaks in every way it can: what is survived, kept, and told."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from ase import Atoms
from fake_dft import prepared, write_plan

from aofl import api
from aofl.config import read_config
from aofl.errors import RunStopped
from aofl.store import Dataset

N_GOOD = 11  # labels before the first fault: from ten on an outlier can be told


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong at each evaluation until there is no label, and the reason that is given."""

    evaluations: list[str]
    reason: str


# At the fourth attempt a hot evaluation comes first, whose convergence does not matter.
FAULTS = {
    "unconverged": Fault(evaluations=["unconverged"] * 5, reason="did not converge"),
    "silent": Fault(evaluations=["silent"] * 5, reason="does not say whether its SCF converged"),
    "full bands": Fault(evaluations=["full bands"] * 5, reason="too few bands"),
    "garbage": Fault(evaluations=["garbage"] * 5, reason="other than numbers"),
    "nan energy": Fault(evaluations=["nan"] * 5, reason="the energy .* not finite"),
    "nan forces": Fault(evaluations=["nan forces"] * 5, reason="the forces .* not finite"),
    "short": Fault(evaluations=["short"] * 5, reason="cut off"),
    "other structure": Fault(evaluations=["other structure"] * 5, reason="for another structure"),
    "crash": Fault(evaluations=["crash"] * 4, reason="ended with code 1 .*Out of hope"),
    "killed": Fault(evaluations=["killed"] * 4, reason="ended by signal 9"),
    "hang": Fault(evaluations=["hang"] * 4, reason="did not answer EVAL_EF within 1 s"),
    "error": Fault(evaluations=["error"] * 4, reason="answered EVAL_EF with"),
    "zero time": Fault(evaluations=["zero time"] * 5, reason="took 0.0 s: it did not run"),
    "unbalanced": Fault(evaluations=["unbalanced"] * 2, reason="the net force is 0.5 eV/Å"),
    "large": Fault(evaluations=["large"] * 2, reason="more than 60 eV/Å"),
    "wrong state": Fault(evaluations=["wrong state"] * 2, reason="the energy is -9.* per atom"),
    "outlier": Fault(evaluations=["outlier", "another outlier"], reason="several states"),
    "slope": Fault(evaluations=["slope"], reason="off the slope of the energy"),
}  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a configuration, whose code follows the plan in `plan.json`."""
    monkeypatch.chdir(tmp_path)
    stop_the_clock(tmp_path / "plan.log", monkeypatch)
    return prepared(tmp_path)


def stop_the_clock(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the time of an evaluation that the plan calls so be zero."""
    readings = [0.0]

    def clock() -> float:
        last = log.read_text().split("\n")[-2] if log.exists() else ""
        if not last.endswith("zero time"):
            readings.append(perf_counter())
        return readings[-1]

    monkeypatch.setattr("aofl.reference.codes.cp2k.perf_counter", clock)


def run(here: Path, plan: list[str], **settings: object) -> str:
    write_plan(here, ["ok"] * N_GOOD + plan)
    return api.run(read_config(here / "run.yaml", settings), here / "out")


def check_labels(out: Path) -> list[int]:
    """Check that each label is the sum of 1/r with its slope; return the attempts they took."""
    dataset = Dataset(out / "labels.extxyz")
    attempts = [entry.label.attempts for entry in dataset]
    for entry in dataset:
        distances = Atoms(entry.numbers, entry.positions).get_all_distances()
        energy = float(np.sum(0.5 / distances[np.triu_indices(8, 1)]))
        assert entry.label.energy == pytest.approx(energy, abs=1e-9)
        assert np.abs(entry.label.forces.sum(axis=0)).max() < 1e-9
    dataset.close()
    return attempts


def events(out: Path, name: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    return [line for line in lines if line["event"] == name]


def test_what_goes_wrong_once_costs_one_more_attempt(here: Path) -> None:
    once = [name for name in FAULTS if name not in ("slope", "nan energy")]
    plan = [fault for name in once for fault in (name, "ok", "ok")]
    steps = N_GOOD + 2 * len(once)
    assert run(here, plan, **{"dynamics.steps": steps}) == "done"
    assert json.loads((here / "plan.json").read_text()) == []
    assert sorted(check_labels(here / "out"))[-len(once) - 1 :] == [1] + [2] * len(once)
    assert events(here / "out", "label_failed") == []
    assert not (here / "out" / "quarantine").exists()


@pytest.mark.parametrize("name", FAULTS)
def test_what_stays_wrong_is_kept_aside_and_the_run_goes_on(here: Path, name: str) -> None:
    fault = FAULTS[name]
    checked = {"labels.spot_check_every": N_GOOD + 1} if name == "slope" else {}
    assert run(here, fault.evaluations, **checked) == "done"
    (failure,) = events(here / "out", "label_failed")
    (case,) = (here / "out" / "quarantine").iterdir()
    assert failure["step"] == json.loads((case / "reason.json").read_text())["step"]
    reason = json.loads((case / "reason.json").read_text())["reason"]
    assert re.search(fault.reason, reason), reason
    assert {"structure.extxyz", "reason.json"} < {path.name for path in case.iterdir()}
    assert any(path.name.endswith("cp2k.inp") for path in case.iterdir())
    # Labels are asked for again ten steps later, and are good.
    attempts = check_labels(here / "out")
    assert len(attempts) > N_GOOD
    assert set(attempts) == {1}
    assert json.loads((here / "out" / "summary.json").read_text())["failed_labels"] == 1


@pytest.mark.parametrize("name", ["unconverged", "killed", "wrong state", "outlier"])
def test_the_other_policy_stops_at_the_first_structure_without_a_label(
    here: Path, name: str
) -> None:
    with pytest.raises(RunStopped, match=r"`labels.on_failure` is stop.*" + FAULTS[name].reason):
        run(here, FAULTS[name].evaluations, **{"labels.on_failure": "stop"})
    summary = json.loads((here / "out" / "summary.json").read_text())
    assert summary["status"] == "failed"
    assert "kept in" in summary["reason"]
    assert len(list((here / "out" / "quarantine").iterdir())) == 1
    assert len(check_labels(here / "out")) == N_GOOD


def test_a_failed_run_is_one_sentence_on_the_screen(here: Path) -> None:
    write_plan(here, ["ok", "ok", *["crash"] * 4])
    (here / "run.yaml").write_text((here / "run.yaml").read_text().replace("continue", "stop"))
    done = subprocess.run(
        [sys.executable, "-m", "aofl.cli", "run", "run.yaml", "--out", "out"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    said = " ".join(done.stderr.split())
    assert "no label at step 2 and `labels.on_failure` is stop: CP2K gave no label" in said
    assert "Traceback" not in done.stdout + done.stderr


def test_a_code_that_never_works_again_ends_the_run_which_can_be_resumed(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aofl.learning.failed_label.MAX_FAILURES", 3)
    with pytest.raises(RunStopped, match="the reference failed 3 times in a row, last at step"):
        run(here, ["crash"] * 12, **{"dynamics.steps": 60})
    assert len(list((here / "out" / "quarantine").iterdir())) == 3
    # What was learned before is there: it goes on when the code works again.
    assert api.resume(here / "out", {"dynamics.steps": 60}) == "done"
    assert len(check_labels(here / "out")) > N_GOOD
