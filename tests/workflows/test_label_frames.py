"""Labels for given frames: right, resumable, failures listed, one level of theory a directory."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.io import read, write

from aofl import api
from aofl.config.references import AseConfig, TbliteConfig
from aofl.errors import ConfigError, StoreError
from aofl.store import Dataset, read_journal, read_labels
from aofl.workflows.label_frames import read_frames

MOODY = AseConfig(name="ase", calculator="moody.Moody")


def frames(n, shifts=None):
    made = []
    for seed in range(n):
        atoms = bulk("Cu", cubic=True)
        atoms.rattle(0.05, seed=seed)
        atoms.positions[:, 0] += (shifts or {}).get(seed, 0.0)
        made.append(atoms)
    return made


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("frames") / "frames.xyz.gz"
    write(path, frames(5, {1: 150.0, 3: 250.0, 4: 60.0}), format="extxyz")
    return path


@pytest.fixture(scope="module")
def labelled(file):
    """A directory of labels, and the progress while they were made."""
    out, seen = file.parent / "out", []
    api.label(file, out, MOODY, workers=2, on_progress=seen.append)
    return out, seen


def test_labels_are_the_codes_and_failures_are_listed(file, labelled):
    out, seen = labelled
    end = seen[-1]
    assert (end.n_frames, end.n_labelled, end.n_failed, end.n_new) == (5, 2, 3, 2)
    assert seen[0].n_labelled == seen[0].n_failed == 0
    assert len(seen) == 6
    by_frame = {entry.provenance["frame"]: entry for entry in read_labels(out / "labels.extxyz")}
    assert sorted(by_frame) == [0, 2]
    for index, atoms in enumerate(read(file, ":")):
        if index in by_frame:
            atoms.calc = EMT()
            assert np.allclose(by_frame[index].label.forces, atoms.get_forces())
            assert by_frame[index].label.energy == pytest.approx(atoms.get_potential_energy())
    reasons = {r["frame"]: r["error"] for r in read_journal(out / "failures.jsonl")}
    assert sorted(reasons) == [1, 3, 4]
    assert "the SCF did not converge" in reasons[1]
    assert "SIGKILL" in reasons[3]
    assert "net force" in reasons[4]


def test_a_second_call_computes_nothing_and_failures_are_retried_on_demand(file, labelled):
    out, _ = labelled
    before = (out / "labels.extxyz").read_bytes()
    again = api.label(file, out, MOODY)
    assert (again.n_labelled, again.n_failed, again.n_new) == (2, 3, 0)
    assert len(read_journal(out / "failures.jsonl")) == 3
    retried = api.label(file, out, MOODY, retry_failed=True)
    assert (retried.n_labelled, retried.n_failed, retried.n_new) == (2, 3, 0)
    assert len(read_journal(out / "failures.jsonl")) == 6
    assert (out / "labels.extxyz").read_bytes() == before


def test_equal_structures_are_computed_once_and_constraints_change_nothing(tmp_path):
    twice = frames(1) * 2
    twice[1] = twice[0].copy()
    twice[1].set_constraint(FixAtoms([0, 1]))
    path = tmp_path / "twice.traj"
    write(path, twice)
    end = api.label(path, tmp_path / "out", TbliteConfig())
    assert (end.n_frames, end.n_labelled, end.n_new) == (2, 2, 1)
    assert json.loads((tmp_path / "out" / "labelling.json").read_text())["semi_empirical"] is True
    (entry,) = read_labels(tmp_path / "out" / "labels.extxyz")
    assert np.abs(entry.label.forces[0]).max() > 0.01


def test_other_settings_are_another_level_of_theory(file, labelled):
    out, _ = labelled
    record = json.loads((out / "labelling.json").read_text())
    assert record["level_of_theory"]["code"] == "moody.Moody"
    assert record["semi_empirical"] is False
    other = MOODY.model_copy(update={"arguments": {"seconds": 0.001}})
    with pytest.raises(StoreError, match=r"another level of theory.*seconds.*choose another --out"):
        api.label(file, out, other)


@pytest.mark.parametrize("text", ["", "3\nno frame\nH 0 0\n"])
def test_a_file_that_is_none_is_one_sentence(tmp_path, text):
    path = tmp_path / "bad.xyz"
    path.write_text(text)
    with pytest.raises(StoreError, match=r"bad\.xyz"):
        api.label(path, tmp_path / "out", MOODY)
    assert not (tmp_path / "out").exists()


def test_a_calculator_that_is_not_there_is_said_before_anything_is_written(file, tmp_path):
    missing = AseConfig(name="ase", calculator="no_such_package.Calculator")
    with pytest.raises(ConfigError, match="no module no_such_package"):
        api.label(file, tmp_path / "out", missing)
    assert not (tmp_path / "out").exists()


def test_a_killed_command_goes_on(tmp_path):
    path, out, config = tmp_path / "frames.xyz", tmp_path / "out", tmp_path / "ref.yaml"
    write(path, frames(16))
    config.write_text(
        "reference: {name: ase, calculator: moody.Moody, arguments: {seconds: 0.2}}\n"
    )
    command = [sys.executable, "-m", "aofl.cli", "label", path, "--config", config, "--out", out,
               "--workers", "2"]  # fmt: skip
    paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths}
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    labels = out / "labels.extxyz"
    deadline = time.monotonic() + 100
    while not labels.exists() or labels.read_text().count("REF_energy") < 3:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    workers = [child for child in _children(process.pid) if "spawn_main" in _command_of(child)]
    assert len(workers) == 2
    process.kill()
    process.wait()
    while any("spawn_main" in _command_of(worker) for worker in workers):  # they notice
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with labels.open("a") as torn:
        torn.write("4\nLattice=")  # as if the kill had come in the middle of a frame
    made_before = {e.provenance["frame"] for e in _entries(labels)}
    assert 3 <= len(made_before) < 16
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert f"({16 - len(made_before)} new)" in done.stdout
    assert sorted(e.provenance["frame"] for e in _entries(labels)) == list(range(16))


def _children(pid):
    """Return the processes that a process has started (Linux)."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""  # it is gone


def _entries(path):
    """Return the entries of a copy: opening a data set mends its file."""
    copy = path.with_name("copy.extxyz")
    copy.write_bytes(path.read_bytes())
    dataset = Dataset(copy)
    dataset.close()
    return list(dataset)


@pytest.mark.parametrize("place", [0, 1])
def test_frames_behind_a_blank_line_are_labelled_too(tmp_path, place):
    path = tmp_path / "frames.extxyz"
    write(path, [bulk("Cu", cubic=True), bulk("Al", cubic=True)])
    lines = path.read_text().splitlines(keepends=True)
    lines.insert(place * 6, "\n")
    path.write_text("".join(lines))
    assert [atoms.get_chemical_formula() for atoms in read_frames(path)] == ["Cu4", "Al4"]


def test_a_file_that_ends_within_a_frame_is_not_labelled(tmp_path):
    path = tmp_path / "frames.extxyz"
    write(path, [bulk("Cu", cubic=True), bulk("Al", cubic=True)])
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(StoreError, match="ends within frame 1"):
        read_frames(path)
