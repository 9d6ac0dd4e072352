"""Journals and tables: torn last lines, offsets, numbers that are not finite."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aofl.errors import StoreError
from aofl.store import Journal, Table, jsonable, read_journal, read_table

RECORDS = [{"step": 1, "event": "started"}, {"step": 2, "atoms": [0, 5]}, {"step": 3}]


def write(path, records=RECORDS):
    with Journal(path) as journal:
        for record in records:
            journal.append(record)


def test_round_trip(tmp_path):
    write(tmp_path / "events.jsonl")
    assert read_journal(tmp_path / "events.jsonl") == RECORDS


def test_a_kill_at_any_byte_loses_at_most_the_last_record(tmp_path):
    path = tmp_path / "events.jsonl"
    write(path)
    data = path.read_bytes()
    for size in range(len(data)):
        path.write_bytes(data[:size])
        whole = data[:size].count(b"\n")
        assert read_journal(path) == RECORDS[:whole]
        with Journal(path) as journal:
            journal.append({"step": 9})
        assert read_journal(path) == [*RECORDS[:whole], {"step": 9}]


@pytest.mark.parametrize("line", ["{torn", "[1]", "NaN", "[" * 100_000])
def test_damage_before_the_last_line_is_told_with_its_line(tmp_path, line):
    path = tmp_path / "events.jsonl"
    path.write_text('{"step": 1}\n' + line + "\n")
    with pytest.raises(StoreError, match="line 2"):
        read_journal(path)


def test_not_a_text_file(tmp_path):
    (tmp_path / "x").write_bytes(b"\xff\xfe\n")
    with pytest.raises(StoreError, match="not a text file"):
        read_journal(tmp_path / "x")


@given(st.floats(), st.text())
def test_what_is_written_is_strict_json_that_reads_back(value, text):
    line = json.dumps(jsonable({text: [value, {"x": (value, text)}]}), allow_nan=False)
    expected = value if math.isfinite(value) else None
    assert json.loads(line) == {text: [expected, {"x": [expected, text]}]}


def test_numpy_values_become_plain(tmp_path):
    record = {"n": np.int64(3), "f": np.float32(0.5), "a": np.array([1.0, np.nan]), "b": np.True_}
    write(tmp_path / "j", [record])
    assert read_journal(tmp_path / "j") == [{"n": 3, "f": 0.5, "a": [1.0, None], "b": True}]


def test_table_round_trip_and_torn_line(tmp_path):
    path = tmp_path / "thermo.csv"
    with Table(path, ["step", "error_eV", "source"]) as table:
        table.append({"step": 1, "error_eV": 0.1, "source": "ff"})
        offset = table.offset
        table.append({"step": 2, "error_eV": None, "source": "reference"})
        assert [row["error_eV"] for row in read_table(path)] == ["0.1", ""]
        table.truncate(offset)
        table.append({"source": "ff", "error_eV": math.nan, "step": 2})
    path.write_bytes(path.read_bytes() + b"3,0.")
    with Table(path, ["step", "error_eV", "source"]) as table:
        table.append({"step": 3, "error_eV": 1 / 3, "source": "a,b"})
    rows = read_table(path)
    assert [row["step"] for row in rows] == ["1", "2", "3"]
    assert rows[1]["error_eV"] == ""
    assert float(rows[2]["error_eV"]) == 1 / 3
    assert rows[2]["source"] == "a,b"


def test_table_refuses_other_columns(tmp_path):
    path = tmp_path / "thermo.csv"
    with Table(path, ["step"]) as table, pytest.raises(StoreError, match="unknown columns: stpe"):
        table.append({"step": 1, "stpe": 2})
    for others in (["time_fs", "step"], ["steps"]):
        with pytest.raises(StoreError, match="other columns"):
            Table(path, others)


def test_a_table_of_before_keeps_to_its_columns_where_new_ones_were_added_at_the_end(tmp_path):
    path = tmp_path / "thermo.csv"
    with Table(path, ["step", "time_fs"]) as table:
        table.append({"step": 1, "time_fs": 0.5})
    with Table(path, ["step", "time_fs", "target_K"]) as table:
        assert table.start == len(b"step,time_fs\n")
        table.append({"step": 2, "time_fs": 1.0, "target_K": 300.0})
    assert path.read_text() == "step,time_fs\n1,0.5\n2,1.0\n"
