"""Labels are never lost, never changed, and read back bit for bit."""

import dataclasses
import gzip
import logging
import tempfile
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.singlepoint import SinglePointCalculator
from hypothesis import given, settings
from hypothesis import strategies as st

from aofl.errors import StoreError
from aofl.records import Label, LabelledStructure
from aofl.store import Dataset, read_labels, structure_hash
from aofl.store.append_only import AppendOnlyFile


def entry(seed=0, n=3, *, full=True, provenance=None):
    rng = np.random.default_rng(seed)
    return LabelledStructure(
        numbers=rng.integers(1, 80, n),
        positions=rng.normal(size=(n, 3)),
        cell=rng.normal(size=(3, 3)),
        pbc=np.array([True, True, False]),
        label=Label(
            energy=float(rng.normal()),
            forces=rng.normal(size=(n, 3)),
            stress=rng.normal(size=6) if full else None,
            charges=rng.normal(size=n) if full else None,
            seconds=float(rng.random()),
            attempts=2,
        ),
        predicted_forces=rng.normal(size=(n, 3)) if full else None,
        provenance={"step": 7, "rule": "initial"} if provenance is None else provenance,
    )


def digest(item):
    return structure_hash(item.numbers, item.positions, item.cell, item.pbc)


def contents(item):
    """Everything in an entry as comparable values; arrays as exact bytes."""
    arrays = [item.numbers, item.positions, item.cell, item.pbc, item.predicted_forces]
    arrays += [item.label.forces, item.label.stress, item.label.charges]
    raw = [None if a is None else (a.dtype.str, a.shape, a.tobytes()) for a in arrays]
    return raw, item.label.energy.hex(), item.label.seconds.hex(), item.label.attempts


def fill(path, entries):
    dataset = Dataset(path)
    ids = [dataset.append(item) for item in entries]
    dataset.close()
    return ids


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels.extxyz"


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.booleans())
def test_round_trip_is_bit_identical(seed, n, full):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "labels.extxyz"
        item = entry(seed, n, full=full)
        fill(path, [item])
        dataset = Dataset(path)
        dataset.close()
        assert contents(dataset[0]) == contents(item)
        assert dataset[0].provenance == {**item.provenance, "id": 0, "hash": digest(item)}


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["rule", "level", "note"]), st.text() | st.none()))
def test_any_text_in_the_provenance_comes_back(provenance):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "labels.extxyz"
        fill(path, [entry(provenance=provenance)])
        dataset = Dataset(path)
        dataset.close()
        assert dataset[0].provenance.items() >= provenance.items()


def test_ids_are_indices_and_structures_are_found_again(path):
    items = [entry(seed) for seed in range(3)]
    assert fill(path, items) == [0, 1, 2]
    dataset = Dataset(path)
    assert [dataset.find(digest(item)) for item in items] == [0, 1, 2]
    assert dataset.find(digest(entry(9))) is None
    assert dataset.append(entry(3)) == 3
    assert len(dataset) == len(list(dataset)) == 4
    dataset.close()


def test_entries_do_not_follow_the_arrays_they_came_from(path):
    item = entry()
    dataset = Dataset(path)
    dataset.append(item)
    dataset.close()
    item.positions[:] = 0.0
    assert contents(dataset[0]) == contents(entry())


def test_the_file_has_what_the_format_says(path):
    item = entry()
    fill(path, [item])
    atoms = ase.io.read(path)
    stress = atoms.info["REF_stress"].reshape(3, 3)
    assert np.array_equal(stress[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]], item.label.stress)
    assert atoms.info["aofl_id"] == 0
    assert atoms.info["aofl_rule"] == "initial"
    assert atoms.info["aofl_hash"] == digest(item)
    assert np.array_equal(atoms.arrays["REF_forces"], item.label.forces)
    assert np.array_equal(atoms.arrays["predicted_forces"], item.predicted_forces)


def test_a_label_is_on_the_disk_before_append_returns(path, monkeypatch):
    synced = []
    monkeypatch.setattr("os.fsync", lambda _: synced.append(path.stat().st_size))
    dataset = Dataset(path)
    dataset.append(entry())
    dataset.close()
    assert synced[-1] == path.stat().st_size > 0


def test_a_kill_at_any_byte_loses_at_most_the_label_being_written(path):
    items = [entry(seed, n=1, full=False) for seed in range(2)]
    fill(path, items[:1])
    first = path.stat().st_size
    path.unlink()
    fill(path, items)
    data = path.read_bytes()
    for size in range(0, len(data), 3):
        path.write_bytes(data[:size])
        fill(path, [items[1]] if size >= first else items)
        assert path.read_bytes() == data


def test_a_refused_write_changes_nothing(path, monkeypatch):
    dataset = Dataset(path)
    dataset.append(entry(0))

    def refuse(_self, _data):
        raise StoreError("full")

    monkeypatch.setattr(AppendOnlyFile, "append_bytes", refuse)
    with pytest.raises(StoreError, match="full"):
        dataset.append(entry(1))
    assert len(dataset) == 1
    assert dataset.find(digest(entry(1))) is None
    dataset.close()


def test_nan_is_never_written(path):
    item = entry()
    item.label.forces[0, 0] = np.nan
    dataset = Dataset(path)
    with pytest.raises(StoreError, match="REF_forces"):
        dataset.append(item)
    dataset.close()
    assert path.stat().st_size == 0


@pytest.mark.parametrize(("old", "new"), [("aofl_id=0", "aofl_id=1"), ('pbc="T T F', 'pbc="T T T')])
def test_a_changed_structure_is_noticed(path, old, new):
    fill(path, [entry()])
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(StoreError, match="frame 0 is not the structure that was labelled"):
        Dataset(path)


def test_the_hash_sees_every_bit():
    atoms = molecule("H2O")
    given = [atoms.numbers, atoms.positions, np.eye(3), np.array([True, True, True])]
    nudged = atoms.positions.copy()
    nudged[1, 2] = np.nextafter(nudged[1, 2], 1.0)
    others = [
        [given[0][::-1], *given[1:]],
        [given[0], nudged, *given[2:]],
        [*given[:2], 2 * given[2], given[3]],
        [*given[:3], np.array([True, True, False])],
    ]
    assert len({structure_hash(*arguments) for arguments in [given, *others]}) == 5
    assert structure_hash(*given) == structure_hash(*[np.array(a) for a in given])


def foreign(energy, name="energy"):
    atoms = molecule("H2O")
    results = {name: energy, "forces": np.ones((3, 3)), "stress": np.arange(6.0)}
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


def test_foreign_labels_are_read_and_counted(tmp_path, caplog):
    path = tmp_path / "foreign.extxyz"
    ase.io.write(path, [foreign(-1.0), molecule("H2O"), foreign(-2.0)], format="extxyz")
    with caplog.at_level(logging.INFO):
        labels = read_labels(path)
    assert "2 of 3 frames have a label" in caplog.text
    assert [item.label.energy for item in labels] == [-1.0, -2.0]
    assert labels[0].label.stress.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert labels[1].provenance == {"source": "foreign.extxyz", "frame": 2}


def test_results_of_a_calculator_and_ref_names_are_never_mixed(tmp_path):
    path = tmp_path / "both.extxyz"
    frames = [foreign(-1.0), foreign(-2.0)]
    for frame in frames:
        frame.info["REF_energy"] = -3.0
        frame.arrays["REF_forces"] = np.zeros((3, 3))
    ase.io.write(path, frames, format="extxyz")
    labels = read_labels(path)
    assert [item.label.energy for item in labels] == [-3.0, -3.0]
    assert labels[1].label.stress is None
    assert not labels[1].label.forces.any()


def test_compressed_files_are_read(tmp_path, path):
    fill(path, [entry()])
    packed = tmp_path / "labels.extxyz.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert contents(read_labels(packed)[0]) == contents(entry())


@pytest.mark.parametrize("text", ["", "2\nnot enough\nH 0 0 0\n", "garbage\n", "\x00\x01"])
def test_files_without_labels_are_one_clear_sentence(tmp_path, text):
    (tmp_path / "x.extxyz").write_text(text)
    with pytest.raises(StoreError, match=r"x\.extxyz"):
        read_labels(tmp_path / "x.extxyz")


def test_foreign_labels_of_wrong_shape_are_named(tmp_path):
    atoms = Atoms("H", info={"REF_energy": -1.0}, positions=[(0, 0, 0)])
    atoms.arrays["REF_forces"] = np.ones((1, 2))
    ase.io.write(tmp_path / "x.extxyz", atoms)
    with pytest.raises(StoreError, match="frame 0 has a label of wrong type or shape"):
        read_labels(tmp_path / "x.extxyz")


PBE, GFN1 = "CP2K 2023.1 PBE-D3(BJ) [1]", "tblite GFN1-xTB [2]"


def test_a_data_set_keeps_to_one_level_of_theory(path):
    fill(path, [entry(0), entry(1, provenance={"level": PBE})])
    dataset = Dataset(path)
    assert dataset[1].provenance["level"] == PBE
    dataset.check_level(PBE)
    with pytest.raises(StoreError, match=r"holds labels of CP2K .*, and the reference now makes"):
        dataset.check_level(GFN1)
    dataset.close()


def test_labels_of_several_levels_are_not_read_together(path, tmp_path):
    fill(path, [entry(0, provenance={"level": PBE}), entry(1, provenance={"level": PBE})])
    assert [item.provenance["level"] for item in read_labels(path)] == [PBE, PBE]
    for k, other in enumerate(({"level": GFN1}, {})):
        mixed = tmp_path / f"mixed-{k}.extxyz"
        fill(mixed, [entry(0, provenance={"level": PBE}), entry(1, provenance=other)])
        with pytest.raises(StoreError, match=r"mixes labels of .*give each level a file"):
            read_labels(mixed)


def test_the_level_of_foreign_frames_is_what_they_say(tmp_path):
    frames = [foreign(-1.0), foreign(-2.0)]
    frames[0].info["level_of_theory"] = PBE
    frames[1].info["level_of_theory"] = GFN1
    ase.io.write(tmp_path / "a.extxyz", frames)
    with pytest.raises(StoreError, match="mixes labels"):
        read_labels(tmp_path / "a.extxyz")
    ase.io.write(tmp_path / "b.extxyz", frames[:1])
    assert read_labels(tmp_path / "b.extxyz")[0].provenance["level"] == PBE


def test_the_core_of_a_cut_out_reads_back(tmp_path):
    whole = entry(n=4)
    part = dataclasses.replace(whole, label=dataclasses.replace(whole.label, core=np.array([1, 3])))
    path = tmp_path / "labels.extxyz"
    fill(path, [part, whole])
    first, second = read_labels(path)
    np.testing.assert_array_equal(first.label.core, [1, 3])
    np.testing.assert_array_equal(first.label.counted, [1, 3])
    assert second.label.core is None
    np.testing.assert_array_equal(second.label.counted, range(4))
    assert ase.io.read(path, "0").arrays["REF_core"].tolist() == [False, True, False, True]


@pytest.mark.parametrize("column", [[False] * 3, [0, 1, 2]])
def test_a_column_that_names_no_core_is_no_label(tmp_path, column):
    item, path = entry(), tmp_path / "labels.extxyz"
    core = dataclasses.replace(item.label, core=np.array([0]))
    fill(path, [dataclasses.replace(item, label=core)])
    atoms = ase.io.read(path)
    atoms.arrays["REF_core"] = np.array(column)
    ase.io.write(path, atoms)
    with pytest.raises(StoreError, match="REF_core must be T or F"):
        read_labels(path)
