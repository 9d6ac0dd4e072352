"""Checkpoints are exact, checked, and never the only copy that is at risk."""

import errno
import io
import os
import pickle
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aofl.errors import StoreError
from aofl.store import load_checkpoint, read_checkpoint, save_checkpoint
from aofl.store.checkpoint import previous_checkpoint

ARRAYS = {
    "positions": np.random.default_rng(0).normal(size=(5, 3)),
    "state": np.array([np.nan, -0.0]),
    "file": np.arange(3, dtype=np.int32),
    "empty": np.zeros((0, 3)),
    "flags": np.array([True, False]),
    "scalar": np.array(1.5),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "checkpoint.npz"


def test_arrays_come_back_exactly(path):
    save_checkpoint(path, ARRAYS, {"step": 3, "nested": {"x": [1, None, "Å"]}})
    loaded = load_checkpoint(path)
    assert loaded.fallback_reason is None
    assert loaded.state == {"step": 3, "nested": {"x": [1, None, "Å"]}}
    assert loaded.arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        back = loaded.arrays[name]
        assert (back.dtype, back.shape) == (array.dtype, array.shape)
        assert back.tobytes() == array.tobytes()


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(), st.text())
def test_numbers_and_text_of_the_state_are_exact(number, integer, text):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "checkpoint.npz"
        save_checkpoint(path, {}, {"x": number, "i": integer, "t": text})
        state = load_checkpoint(path).state
    assert state["x"].hex() == number.hex()
    assert (state["i"], state["t"]) == (integer, text)


@pytest.mark.parametrize("state", [{"x": float("nan")}, {"x": float("inf")}, {"x": object()}])
def test_states_that_are_not_json_are_refused_before_anything_is_touched(path, state):
    save_checkpoint(path, {}, {"step": 1})
    with pytest.raises(StoreError, match="state of a checkpoint"):
        save_checkpoint(path, {}, state)
    assert load_checkpoint(path).state == {"step": 1}


def test_objects_are_refused(path):
    with pytest.raises(StoreError, match="'x' of a checkpoint has type object"):
        save_checkpoint(path, {"x": np.array([{}], dtype=object)}, {})


def damage_truncate(data):
    return data[: len(data) // 2]


def damage_bit(data):
    at = data.index(np.float64(ARRAYS["positions"][2, 1]).tobytes())
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def damage_all(data):
    return b"\0" * len(data)


@pytest.mark.parametrize("damage", [damage_truncate, damage_bit, damage_all, lambda _: b""])
def test_a_damaged_checkpoint_falls_back_and_says_so(path, damage, caplog):
    save_checkpoint(path, ARRAYS, {"step": 1})
    save_checkpoint(path, ARRAYS, {"step": 2})
    path.write_bytes(damage(path.read_bytes()))
    loaded = load_checkpoint(path)
    assert loaded.state == {"step": 1}
    assert "checkpoint.npz is damaged" in loaded.fallback_reason
    assert "going on from checkpoint.previous.npz" in caplog.text


def test_content_that_does_not_fit_the_checksum_falls_back(path):
    save_checkpoint(path, ARRAYS, {"step": 1})
    save_checkpoint(path, ARRAYS, {"step": 2})
    with np.load(path) as file:
        members = {name: file[name] for name in file.files}
    members["array.positions"] = members["array.positions"] + 1.0
    np.savez(path, **members)
    loaded = load_checkpoint(path)
    assert loaded.state == {"step": 1}
    assert "checksum does not fit" in loaded.fallback_reason


def test_a_kill_between_keeping_the_old_and_writing_the_new_loses_nothing(path, monkeypatch):
    save_checkpoint(path, {}, {"step": 1})
    save_checkpoint(path, {}, {"step": 2})

    def die(_path, _data):
        raise KeyboardInterrupt

    monkeypatch.setattr("aofl.store.checkpoint.write_atomic", die)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path, {}, {"step": 3})
    monkeypatch.undo()
    assert load_checkpoint(path).state == {"step": 2}
    save_checkpoint(path, {}, {"step": 3})
    path.unlink()
    assert load_checkpoint(path).state == {"step": 2}


def test_a_full_disk_is_told_and_the_old_checkpoint_stays(path, monkeypatch):
    save_checkpoint(path, {}, {"step": 1})

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        save_checkpoint(path, {}, {"step": 2})
    monkeypatch.undo()
    assert load_checkpoint(path).state == {"step": 1}


def test_no_checkpoint_at_all(path):
    with pytest.raises(StoreError, match=r"no checkpoint can be read: .*begin a new run"):
        load_checkpoint(path)


def test_pickles_are_never_run(path):
    class Trap:
        def __reduce__(self):
            return exec, ("raise SystemExit('a file ran code')",)

    npy = io.BytesIO()
    np.lib.format.write_array(npy, np.array([Trap()], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("state.npy", npy.getvalue())
    path.with_name("checkpoint.previous.npz").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(StoreError, match="no checkpoint can be read"):
        load_checkpoint(path)


def test_there_is_a_last_checkpoint_at_every_instant_of_a_save(tmp_path, monkeypatch):
    path, replace = tmp_path / "checkpoint.npz", os.replace
    save_checkpoint(path, {}, {"step": 1})
    steps = []

    def looking(source, target):
        steps.append(load_checkpoint(path).state["step"])
        replace(source, target)
        found = load_checkpoint(path)
        assert found.fallback_reason is None
        steps.append(found.state["step"])

    monkeypatch.setattr(os, "replace", looking)
    save_checkpoint(path, {}, {"step": 2})
    assert steps == [1, 1, 1, 2]
    assert read_checkpoint(previous_checkpoint(path)).state["step"] == 1


def test_without_hard_links_the_one_before_is_kept_all_the_same(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.npz"
    save_checkpoint(path, {}, {"step": 1})

    def refuse(*_args, **_kwargs):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    save_checkpoint(path, {}, {"step": 2})
    assert load_checkpoint(path).state["step"] == 2
    assert read_checkpoint(previous_checkpoint(path)).state["step"] == 1
