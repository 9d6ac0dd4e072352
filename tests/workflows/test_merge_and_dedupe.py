"""Labelled data sets are joined without loss, and what is alike is recognised as such."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from typer.testing import CliRunner

from aofl.cli.main import app
from aofl.errors import ConfigError, StoreError
from aofl.records import Label, LabelledStructure
from aofl.store import read_labels, structure_hash, write_labels
from aofl.workflows.dedupe import dedupe
from aofl.workflows.distinct_names import distinct_names
from aofl.workflows.merge import merge


def labelled(atoms: Atoms, level: str | None = "EMT", **provenance: object) -> LabelledStructure:
    atoms = atoms.copy()
    atoms.calc = EMT()
    said = {} if level is None else {"level": level}
    return LabelledStructure(
        numbers=atoms.numbers.astype(np.int64),
        positions=atoms.positions,
        cell=atoms.cell.array,
        pbc=atoms.pbc,
        label=Label(
            energy=float(atoms.get_potential_energy()),
            forces=atoms.get_forces(),
            stress=atoms.get_stress(),
            charges=None,
            seconds=1.5,
            attempts=1,
        ),
        predicted_forces=None,
        provenance={**said, **provenance},
    )


def crystal(seed: int, symbol: str = "Cu", size: int = 2) -> Atoms:
    """Return a hot crystal of its own for each seed."""
    atoms = bulk(symbol, cubic=True) * (size, 2, 2)
    atoms.positions += np.random.default_rng(seed).normal(scale=0.12, size=(len(atoms), 3))
    return atoms


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "a.extxyz", tmp_path / "b.extxyz.gz"]
    for path, seeds in zip(paths, (range(6), range(4, 10)), strict=True):
        write_labels(path, [labelled(crystal(seed), step=seed) for seed in seeds])
    return paths


def test_labels_of_two_files_are_one_data_set_to_the_last_bit(
    files: list[Path], tmp_path: Path
) -> None:
    found = merge(files, tmp_path / "c.extxyz")
    assert (found.n_frames, len(found.labels)) == (12, 10)
    assert [item.reason for item in found.left_out] == [
        "the same as frame 4 of a.extxyz", "the same as frame 5 of a.extxyz"
    ]  # fmt: skip
    read = read_labels(tmp_path / "c.extxyz")
    for index, (seed, entry) in enumerate(zip(range(10), read, strict=True)):
        true = labelled(crystal(seed))
        for name in ("numbers", "positions", "cell", "pbc"):
            assert np.array_equal(getattr(entry, name), getattr(true, name)), name
        assert entry.label.energy == true.label.energy
        assert np.array_equal(entry.label.forces, true.label.forces)
        assert entry.label.stress == pytest.approx(true.label.stress, abs=1e-15)
        digest = structure_hash(entry.numbers, entry.positions, entry.cell, entry.pbc)
        source, frame = ("a.extxyz", seed) if seed < 6 else ("b.extxyz.gz", seed - 4)
        assert entry.provenance == {
            "level": "EMT", "step": seed, "id": index, "hash": digest,
            "source": source, "frame": frame,
        }  # fmt: skip


def test_files_of_one_name_are_told_apart_by_their_directories(tmp_path: Path) -> None:
    for run, seeds in (("one", (0, 1)), ("two", (1, 2))):
        (tmp_path / run).mkdir()
        path = tmp_path / run / "labels.extxyz"
        write_labels(path, [labelled(crystal(seed)) for seed in seeds])
    found = merge([tmp_path / "one", tmp_path / "two"], tmp_path / "all.extxyz")
    assert found.sources == ["one/labels.extxyz", "two/labels.extxyz"]
    assert set(found.keys) == set(found.sources)
    (again,) = found.left_out
    assert (again.source, again.frame) == ("two/labels.extxyz", 0)
    assert again.reason == "the same as frame 1 of one/labels.extxyz"


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["x/a.xyz", "y/b.xyz"], ["a.xyz", "b.xyz"]),
        (["x/r/l", "y/r/l"], ["x/r/l", "y/r/l"]),
        (["r/l", "s/l"], ["r/l", "s/l"]),
        (["r/l", "r/l"], ["r/l", "r/l"]),
    ],
)
def test_names_are_as_short_as_they_can_be(paths: list[str], names: list[str]) -> None:
    assert distinct_names([Path(path) for path in paths]) == names


def test_where_a_label_comes_from_survives_a_second_merge(
    files: list[Path], tmp_path: Path
) -> None:
    once, twice = tmp_path / "once.extxyz", tmp_path / "twice.extxyz"
    merge(files[:1], once)
    merge([once, files[1]], twice)
    assert read_labels(twice)[2].provenance["source"] == "a.extxyz"


def test_levels_of_theory_must_agree(files: list[Path], tmp_path: Path) -> None:
    other = tmp_path / "other.extxyz"
    for level, named in (("PBE", "of EMT and of PBE"), (None, "of EMT and of an unnamed level")):
        write_labels(other, [labelled(crystal(k), level) for k in range(20, 23)])
        with pytest.raises(StoreError, match=f"mixes labels {named}.*give each level a file"):
            merge([files[0], other], tmp_path / "c.extxyz")
        other.unlink()
    assert not (tmp_path / "c.extxyz").exists()


def test_levels_that_nobody_names_are_noted(tmp_path: Path) -> None:
    path = tmp_path / "nameless.extxyz"
    write_labels(path, [labelled(crystal(k), None) for k in range(3)])
    assert "no label says its level of theory" in merge([path], tmp_path / "c.extxyz").notes[-1]


def test_nothing_is_overwritten(files: list[Path]) -> None:
    before = files[1].read_bytes()
    with pytest.raises(StoreError, match="exists and is not overwritten"):
        merge(files, files[1])
    with pytest.raises(StoreError, match="exists and is not overwritten"):
        dedupe(files[0], files[1])
    assert files[1].read_bytes() == before


def moved(atoms: Atoms, by: float, seed: int = 1) -> Atoms:
    """Return a structure with one atom moved that far and the others by less."""
    shifts = np.random.default_rng(seed).uniform(-1, 1, (len(atoms), 3))
    shifts *= by / np.linalg.norm(shifts, axis=1).max()
    other = atoms.copy()
    other.positions += shifts
    return other


def test_positions_count_by_the_farthest_atom_over_images_and_shifts(tmp_path: Path) -> None:
    first = crystal(0)
    same = moved(first, 0.008)
    same.positions += [0.3, 4.0, -11.0]
    same.wrap()
    frames = [first, crystal(1), same, moved(first, 0.03)]
    data = tmp_path / "data.extxyz"
    write_labels(data, [labelled(atoms) for atoms in frames])
    found = dedupe(data, tmp_path / "out.extxyz", similarity=0)
    assert [item.frame for item in found.removed] == [2]
    assert found.removed[0].reason.startswith("all atoms are within 0.0")
    assert found.removed[0].reason.endswith("Å of where they are in frame 0 of data.extxyz")
    assert [e.provenance["frame"] for e in read_labels(tmp_path / "out.extxyz")] == [0, 1, 3]
    (tmp_path / "out.extxyz").unlink()
    assert not dedupe(data, tmp_path / "out.extxyz", displacement=0, similarity=0).removed


def test_environments_count_however_a_structure_lies(tmp_path: Path) -> None:
    """Turned by 90 degrees, mirrored and in another order, with noise, it is what it was."""
    first = crystal(0)
    turned = moved(first, 0.008)
    turned.rotate(90, "z", rotate_cell=True)
    turned.positions[:, 0] *= -1
    turned.cell[:, 0] *= -1
    turned = turned[np.random.default_rng(0).permutation(len(turned))]
    frames = [first, *map(crystal, range(1, 5)), turned]
    data = tmp_path / "data.extxyz"
    write_labels(data, [labelled(atoms) for atoms in frames])
    by_positions = dedupe(data, tmp_path / "p.extxyz", similarity=0)
    assert not by_positions.removed
    found = dedupe(data, tmp_path / "e.extxyz", displacement=0)
    assert [item.frame for item in found.removed] == [5]
    assert "of the usual distance from one of frame 0 of data.extxyz" in found.removed[0].reason


def test_one_new_atom_among_known_ones_keeps_a_frame(tmp_path: Path) -> None:
    frames = [*map(crystal, range(5)), crystal(0)]
    frames[-1].positions[3] += [0.5, 0.0, 0.0]
    data = tmp_path / "data.extxyz"
    write_labels(data, [labelled(atoms) for atoms in frames])
    assert not dedupe(data, tmp_path / "out.extxyz").removed


def test_a_new_composition_is_always_kept(tmp_path: Path) -> None:
    """The same environments in a longer cell tell nothing of forces, but of the energies."""
    alone = Atoms("Cu", cell=[12, 12, 12], pbc=True)
    frames = [crystal(0), crystal(1), crystal(0) * (1, 1, 2), alone]
    data = tmp_path / "data.extxyz"
    write_labels(data, [labelled(atoms) for atoms in frames])
    assert not dedupe(data, tmp_path / "out.extxyz").removed
    again = tmp_path / "again.extxyz"
    write_labels(again, [labelled(a) for a in (*frames, moved(frames[2], 0.005))])
    assert [i.frame for i in dedupe(again, tmp_path / "two.extxyz").removed] == [4]


@pytest.mark.parametrize("option", ["displacement", "similarity"])
def test_limits_are_not_negative(option: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"--{option} is -1"):
        dedupe(tmp_path / "x", tmp_path / "y", **{option: -1.0})  # type: ignore[arg-type]


def test_both_from_the_command_line(files: list[Path], tmp_path: Path) -> None:
    joined, thinned = str(tmp_path / "c.extxyz"), str(tmp_path / "d.extxyz")
    done = CliRunner().invoke(app, ["merge", *map(str, files), "--out", joined])
    assert done.stdout.splitlines()[0] == "a.extxyz, b.extxyz.gz: 10 of 12 frames are used"
    assert done.stdout.splitlines()[-1] == f"10 labels: {joined}"
    done = CliRunner().invoke(app, ["dedupe", joined, "--out", thinned, "--similarity", "1e6"])
    assert done.stdout.splitlines()[-1] == f"1 of 10 labels are kept: {thinned}"
    Path(thinned).unlink()
    done = CliRunner().invoke(app, ["dedupe", joined, "--out", thinned, "--json"])
    found = json.loads(done.stdout)
    assert (found["n_labels"], found["n_kept"], found["out"]) == (10, 10, thinned)
    assert found["usual_distance"]["Cu"] > 0
