"""Branches, and settings that change while a run is away."""

from __future__ import annotations

import json
import shutil
import socket
from typing import Any

import pytest
from evidence import events, science, stop_at

from aofl import api
from aofl.errors import ConfigError, StoreError
from aofl.records.events import Resumed
from aofl.store import checkpoint_at, load_checkpoint, read_events, read_journal


def test_a_branch_begins_exactly_where_its_parent_was(bench: Any) -> None:
    run = bench.run("run")
    whole = science(run)
    calls: list[int] = []
    bench.reference(lambda call, label: calls.append(call) or label)  # type: ignore[func-returns-value]
    for step in (0, 13):
        out = bench.path / f"branch-{step}"
        api.branch(run, step, out)
        assert not calls  # the labels of the past are known
        assert load_checkpoint(out / "checkpoint.npz").state["step"] == step
        assert "branch_differs" not in events(out)
        assert api.resume(out) == "done"
        assert science(out) == whole
        assert not calls
    assert science(run) == whole


def test_a_branch_has_settings_of_its_own_and_says_which(bench: Any) -> None:
    run = bench.run("run")
    out = bench.path / "hot"
    changes = {"dynamics.temperature_K": 900.0, "seed": 6, "dynamics.steps": 30}
    api.branch(run, 13, out, changes)
    told: list[str] = []
    assert api.resume(out, on_change=lambda change: told.append(change.key)) == "done"
    assert sorted(told) == ["dynamics.steps", "dynamics.temperature_K", "seed"]
    assert events(out).count("changed") == 3
    ours, theirs = ((r / "thermo.csv").read_text().splitlines() for r in (out, run))
    assert ours[:15] == theirs[:15]
    assert ours[15] != theirs[15]
    assert len(ours) == 32
    record = json.loads((out / "run.json").read_text())
    assert record["branched_from"] == {"run": str(run), "step": 13}
    with pytest.raises(ConfigError, match="saved up to step 24"):
        api.branch(run, 25, bench.path / "late")
    with pytest.raises(StoreError, match="exists"):
        api.branch(run, 5, out)


def test_a_branch_behind_a_rewind_follows_the_past_that_was_kept(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aofl.learning.rules.policy import RULES
    from aofl.records import Verdict

    def refuse_once(seen: Any, state: Any, settings: Any) -> Verdict:
        refused = seen.step == 17 and state.n_rewinds < 2
        return Verdict(action="rewind" if refused else "accept", rule="guard", reason="injected")

    monkeypatch.setitem(RULES, "aofl", (refuse_once, *RULES["aofl"]))
    run = bench.run("run")
    assert events(run).count("rewind") == 2
    whole = science(run)
    for step in (12, 20):
        out = bench.path / f"branch-{step}"
        api.branch(run, step, out)
        assert "branch_differs" not in events(out)
        assert api.resume(out) == "done"
        assert science(out) == whole, step


def test_changes_on_resume_are_applied_or_refused_key_by_key(bench: Any) -> None:
    run = bench.run("run", stop_at(12))
    told: list[str] = []
    with pytest.raises(ConfigError) as refused:
        api.resume(run, {"dynamics.timestep_fs": 1.0, "seed": 9, "dynamics.steps": 26})
    for words in ("dynamics.timestep_fs", "3.0 -> 1.0", "seed", "5 -> 9"):
        assert words in str(refused.value)
    assert "dynamics.steps" not in str(refused.value)
    with pytest.raises(ConfigError, match="total, and the run is at step 12"):
        api.resume(run, {"dynamics.steps": 11})
    applied = {"learning.target_force_error_meV_per_A": 90.0, "dynamics.steps": 26}
    assert api.resume(run, applied, on_change=lambda change: told.append(str(change))) == "done"
    assert "`dynamics.steps`: 24 -> 26" in told
    assert len(told) == 2
    assert load_checkpoint(run / "checkpoint.npz").state["memory"]["target"] == pytest.approx(0.09)
    assert api.resume(run, on_change=lambda change: told.append(str(change))) == "done"
    assert len(told) == 2  # config.yaml has them now


def test_another_thermostat_starts_afresh_also_after_a_rewind(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aofl.learning.rules.policy import RULES
    from aofl.records import Verdict

    def refuse_once(seen: Any, state: Any, settings: Any) -> Verdict:
        refused = seen.step == 14 and state.n_rewinds < 1
        return Verdict(action="rewind" if refused else "accept", rule="guard", reason="injected")

    monkeypatch.setitem(RULES, "aofl", (refuse_once, *RULES["aofl"]))
    run = bench.path / "run"
    api.run(bench.config(**{"dynamics.name": "nose_hoover"}), run, stop_at(12))
    assert api.resume(run, {"dynamics.name": "bussi"}) == "done"
    rewinds = [e for e in read_journal(run / "events.jsonl") if e["event"] == "rewind"]
    assert [event["to_step"] for event in rewinds] == [10]
    assert load_checkpoint(run / "checkpoint.npz").arrays["0.thermostat"].shape == (1,)


def test_a_model_that_a_run_started_from_is_kept_with_it(bench: Any) -> None:
    model = bench.run("teacher") / "model.h5"
    moved = bench.path / "given.h5"
    shutil.copy(model, moved)
    out = bench.run("production", stop_at(9), **{"mode": "mlff", "force_field.model": str(moved)})
    moved.unlink()
    elsewhere = bench.path / "elsewhere"
    out.rename(elsewhere)
    told: list[str] = []
    assert api.resume(elsewhere, on_change=lambda change: told.append(str(change))) == "done"
    assert told == []


def test_the_past_is_thinned_but_never_lost(bench: Any) -> None:
    run = bench.run("run", **{"output.checkpoint_every": 1, "dynamics.steps": 80})
    kept = sorted(int(path.stem) for path in (run / "checkpoints").iterdir())
    assert kept[0] == 0
    assert kept[-1] == 80
    assert len(kept) <= 32
    assert checkpoint_at(run / "checkpoint.npz", 79).state["step"] <= 79


def test_other_versions_and_another_host_are_told_once(bench: Any) -> None:
    run = bench.run("run", stop_at(8))
    record = json.loads((run / "run.json").read_text())
    now = record["versions"]["numpy"]
    record["versions"]["numpy"] = "1.26.0"
    (run / "run.json").write_text(json.dumps(record | {"host": "node-1", "python": "3.10.2"}))
    told: list[str] = []
    api.resume(run, None, stop_at(14), on_change=lambda change: told.append(str(change)))
    assert [line.partition(": ")[0] for line in told] == ["`python`", "`numpy`", "`host`"]
    assert told[1] == f"`numpy`: '1.26.0' -> '{now}'"
    (event,) = (e for e in read_events(run / "events.jsonl") if isinstance(e, Resumed))
    assert event.changed["numpy"] == ("1.26.0", now)
    assert event.changed["host"] == ("node-1", socket.gethostname())
    assert event.made_with["scipy"] == record["versions"]["scipy"]
    assert set(event.changed) == {"python", "numpy", "host"}
    told.clear()
    api.resume(run, on_change=lambda change: told.append(str(change)))
    assert told == []
    last = read_events(run / "events.jsonl")
    assert [e.changed for e in last if isinstance(e, Resumed)][-1] == {}


@pytest.mark.parametrize("spoiled", [{"versions": 3}, {"versions": {"numpy": 1}}, {"python": []}])
def test_versions_that_were_written_badly_are_passed_over(bench: Any, spoiled: Any) -> None:
    run = bench.run("run", stop_at(8))
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | spoiled))
    assert api.resume(run) == "done"
