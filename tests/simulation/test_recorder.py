"""What a recorder adds to the files of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from aofl.records import ErrorSums, LedgerLine, ThermoRow
from aofl.records.events import Started
from aofl.simulation.recorder import Recorder
from aofl.store import RunDirectory, read_events, read_ledger, read_table

AUDIT = LedgerLine(
    step=3,
    time_fs=1.5,
    action="label",
    rule="random_audit",
    reason="drawn at random",
    errors={"H": ErrorSums(n=2, sum_sq=8.0, sum_abs=4.0, max=2.0)},
    inside_90={"H": (1, 2)},
)


def test_lines_of_the_ledger_read_back_and_are_counted_while_they_are_there(tmp_path: Path) -> None:
    directory = RunDirectory(path=tmp_path)
    with Recorder.open(directory, 0.3) as recorder:
        recorder.decide(AUDIT)
        recorder.decide(AUDIT)
        one, other = directory.ledger.read_bytes().splitlines()
        assert one == other
        assert read_ledger(directory.ledger) == [AUDIT, AUDIT]
        figures = recorder.audits.figures()
        recorder.cut_back({"ledger": len(one) + 1})
        assert recorder.audits.figures()["n_audit_frames"] == 1
    assert (figures["n_audit_frames"], figures["audit_forces_rmse"]) == (2, pytest.approx(2.0))


def test_events_and_thermo_rows_read_back(tmp_path: Path) -> None:
    directory = RunDirectory(path=tmp_path)
    row = ThermoRow(
        step=0, time_fs=0.0, temperature_K=300.0, potential_eV=-1.0, kinetic_eV=0.1,
        energy_shift_eV=0.0, predicted_error_eV_per_A=None, threshold_eV_per_A=0.25,
        source="reference", n_labels=1, n_skips=0, n_bonds=2, n_reactions=0,
    )  # fmt: skip
    with Recorder.open(directory, 0.3) as recorder:
        recorder.tell(Started(step=0, time_fs=0.0))
        recorder.add_thermo(row)
    assert read_events(directory.events) == [Started(step=0, time_fs=0.0)]
    (read,) = read_table(directory.thermo)
    assert (read["source"], read["predicted_error_eV_per_A"], read["n_bonds"]) == (
        "reference", "", "2",
    )  # fmt: skip
