"""Every format gives the same atoms back, and what is wrong with a file is one sentence."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import ase.io
import h5py
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from aofl.errors import StoreError
from aofl.store import read_frames
from aofl.store.frames import FORMATS, format_of

SYMBOLS = ["Na", "O", "H"]
CELL = np.array([[8.0, 0.0, 0.0], [2.0, 9.0, 0.0], [-1.0, 1.5, 12.0]])


@pytest.fixture
def frames() -> list[Atoms]:
    rng = np.random.default_rng(7)
    made = []
    for k in range(4):
        atoms = Atoms("Na3O2H4", positions=rng.random((9, 3)) @ CELL, cell=CELL + 0.1 * k, pbc=True)
        atoms.cell[0, 1:] = 0.0
        atoms.cell[1, 2] = 0.0
        atoms.info = {"step": 10 * k, "time_fs": 5.0 * k}
        made.append(atoms)
    return made


def write_extxyz(path: Path, frames: list[Atoms]) -> None:
    ase.io.write(path, frames, format="extxyz")


def write_extxyz_gz(path: Path, frames: list[Atoms]) -> None:
    plain = path.with_name("plain.xyz")
    write_extxyz(plain, frames)
    path.write_bytes(gzip.compress(plain.read_bytes()))


def write_traj(path: Path, frames: list[Atoms]) -> None:
    ase.io.write(path, frames, format="traj")


def write_lammps(path: Path, frames: list[Atoms], columns: str = "id type element x y z") -> None:
    """Shuffled rows, a box away from the origin, bounds of the tilted box as LAMMPS has them."""
    rng, lines = np.random.default_rng(1), ["ITEM: UNITS", "metal"]
    origin = np.array([-3.0, 2.0, 5.0])
    for atoms in frames:
        (lx, _, _), (xy, ly, _), (xz, yz, lz) = atoms.cell.array
        corners = [0.0, xy, xz, xy + xz]
        box = np.array([[min(corners), lx + max(corners)], [min(0, yz), ly + max(0, yz)], [0, lz]])
        bounds = box + origin[:, None]
        tilts = [float(xy), float(xz), float(yz)]
        lines += ["ITEM: TIME", f"{atoms.info['time_fs'] / 1000!r}"]
        lines += ["ITEM: TIMESTEP", str(atoms.info["step"]), "ITEM: NUMBER OF ATOMS", "9"]
        lines += ["ITEM: BOX BOUNDS xy xz yz pp pp pp"]
        lines += [f"{a!r} {b!r} {t!r}" for (a, b), t in zip(bounds.tolist(), tilts, strict=True)]
        lines += [f"ITEM: ATOMS {columns}"]
        scaled = atoms.cell.scaled_positions(atoms.positions)
        for k in rng.permutation(9).tolist():
            x, y, z = (atoms.positions[k] + origin).tolist()
            xs, ys, zs = scaled[k].tolist()
            symbol = str(atoms.symbols[k])
            values = {
                "id": k + 1, "type": SYMBOLS.index(symbol) + 1, "element": symbol,
                "mass": round(float(atoms.get_masses()[k]), 2),
                "x": x, "y": y, "z": z, "xs": xs, "ys": ys, "zs": zs,
            }  # fmt: skip
            lines += [" ".join(str(values[name]) for name in columns.split())]
    path.write_text("\n".join(lines) + "\n")


def write_h5md(path: Path, frames: list[Atoms], species: object = None) -> None:
    with h5py.File(path, "w") as file:
        group = file.create_group("particles/all")
        values = group.create_dataset("position/value", data=[a.positions / 10 for a in frames])
        values.attrs["unit"] = "nm"
        group["position/step"] = [a.info["step"] for a in frames]
        group["position/time"] = [a.info["time_fs"] / 1000 for a in frames]
        group["position/time"].attrs["unit"] = "ps"
        edges = group.create_dataset("box/edges/value", data=[a.cell.array for a in frames])
        edges.attrs["unit"] = "Angstrom"
        group["box"].attrs["boundary"] = ["periodic"] * 3
        group["species"] = frames[0].numbers if species is None else species


def write_xdatcar(path: Path, frames: list[Atoms]) -> None:
    lines = []
    for k, atoms in enumerate(frames):
        lines += ["Na O H", "1.0", *(" ".join(map(repr, row)) for row in atoms.cell.tolist())]
        lines += ["Na_pv O H", "3 2 4", f"Direct configuration= {k + 1:5d}"]
        lines += [" ".join(map(repr, row)) for row in atoms.get_scaled_positions(False).tolist()]
    path.write_text("\n".join(lines) + "\n")


WRITERS: dict[str, Callable[[Path, list[Atoms]], None]] = {
    "a.extxyz": write_extxyz,
    "a.extxyz.gz": write_extxyz_gz,
    "a.traj": write_traj,
    "a.lammpstrj": write_lammps,
    "a.h5": write_h5md,
    "XDATCAR": write_xdatcar,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_format_gives_back_positions_cell_and_elements(
    name: str, frames: list[Atoms], tmp_path: Path
):
    path = tmp_path / name
    WRITERS[name](path, frames)
    read = list(read_frames(path))
    assert len(read) == len(frames)
    for ours, theirs in zip(read, frames, strict=True):
        assert list(ours.symbols) == list(theirs.symbols)
        assert ours.positions == pytest.approx(theirs.positions, abs=1e-6)
        assert ours.cell.array == pytest.approx(theirs.cell.array, abs=1e-6)
        assert ours.pbc.all()
    if name not in ("XDATCAR", "a.traj"):
        assert [a.info["time_fs"] for a in read] == pytest.approx([0, 5, 10, 15])
        assert [a.info["step"] for a in read] == [0, 10, 20, 30]


def test_another_reader_and_another_writer_agree(frames: list[Atoms], tmp_path: Path):
    write_lammps(tmp_path / "a.lammpstrj", frames)
    theirs = ase.io.read(tmp_path / "a.lammpstrj", ":", format="lammps-dump-text")
    for a, b in zip(read_frames(tmp_path / "a.lammpstrj"), theirs, strict=True):
        assert a.cell.array == pytest.approx(b.cell.array)
        # ASE keeps the origin of the box in the positions
        assert a.positions - a.positions[0] == pytest.approx(b.positions - b.positions[0])
    ase.io.write(tmp_path / "XDATCAR", frames[:1] * 3, format="vasp-xdatcar")
    for a in read_frames(tmp_path / "XDATCAR"):
        assert a.positions == pytest.approx(frames[0].positions, abs=1e-6)


@pytest.mark.parametrize("name", [n for n in WRITERS if n != "a.extxyz.gz"])
def test_the_format_is_told_by_the_first_bytes_where_the_name_says_nothing(
    name: str, frames: list[Atoms], tmp_path: Path
):
    path = tmp_path / "trajectory"
    WRITERS[name](path, frames)
    if name in ("a.extxyz", "XDATCAR"):
        with pytest.raises(StoreError, match="give --format"):
            format_of(path)
    assert len(list(read_frames(path, format_=None if format_known(path) else told(name)))) == 4


def format_known(path: Path) -> bool:
    try:
        return format_of(path) in FORMATS
    except StoreError:
        return False


def told(name: str) -> str:
    return {"a.extxyz": "extxyz", "XDATCAR": "xdatcar"}[name]


@pytest.mark.parametrize("columns", ["id type x y z", "id type xs ys zs", "id mass x y z"])
def test_lammps_types_become_elements(columns: str, frames: list[Atoms], tmp_path: Path):
    path = tmp_path / "a.dump"
    write_lammps(path, frames, columns)
    elements = () if "mass" in columns else SYMBOLS
    (atoms, *_) = read_frames(path, elements=elements)
    assert list(atoms.symbols) == list(frames[0].symbols)
    assert atoms.positions == pytest.approx(frames[0].positions, abs=1e-6)
    if not elements:
        return
    with pytest.raises(StoreError, match="--elements"):
        list(read_frames(path))
    with pytest.raises(StoreError, match="2 elements were given"):
        list(read_frames(path, elements=["Na", "O"]))


def test_a_lammps_slab_and_a_general_triclinic_box(tmp_path: Path):
    rows = "ITEM: ATOMS id element x y z\n1 Na 1 1 1\n"
    head = "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1\n"
    path = tmp_path / "a.dump"
    path.write_text(f"{head}ITEM: BOX BOUNDS pp pp ff\n0 4\n0 5\n-1 9\n{rows}")
    (slab,) = read_frames(path)
    assert slab.pbc.tolist() == [True, True, False]
    assert slab.positions[0] == pytest.approx([1, 1, 2])
    assert slab.cell.lengths() == pytest.approx([4, 5, 10])
    path.write_text(
        f"{head}ITEM: BOX BOUNDS abc origin pp pp pp\n4 1 0 1\n0 5 1 0\n1 0 6 0\n{rows}"
    )
    (general,) = read_frames(path)
    assert general.cell.array == pytest.approx(np.array([[4, 1, 0], [0, 5, 1], [1, 0, 6]]))
    assert general.positions[0] == pytest.approx([0, 1, 1])


@pytest.mark.parametrize(
    ("kind", "good"), [("symbols", True), ("enum", True), ("types", False), ("zero", False)]
)
def test_h5md_species(kind: str, good: bool, frames: list[Atoms], tmp_path: Path):
    path = tmp_path / "a.h5"
    types = np.array([SYMBOLS.index(str(s)) + 1 for s in frames[0].symbols])
    enum = h5py.enum_dtype({"Na": 1, "O": 2, "H": 3}, basetype="i4")
    species = {
        "symbols": np.array(list(frames[0].symbols), dtype="S2"),
        "enum": np.array(types, dtype=enum),
        "types": types,
        "zero": np.zeros(9, dtype=int),
    }[kind]
    write_h5md(path, frames, species)
    if good:
        assert list(next(iter(read_frames(path))).symbols) == list(frames[0].symbols)
        return
    with pytest.raises(StoreError, match="atomic numbers"):
        list(read_frames(path))
    if kind == "types":
        read = next(iter(read_frames(path, elements=SYMBOLS)))
        assert list(read.symbols) == list(frames[0].symbols)


def test_xdatcar_of_a_fixed_cell_and_of_vasp_4(tmp_path: Path):
    head = "x\n2.0\n4 0 0\n0 4 0\n0 0 4\n"
    body = "Direct configuration= 1\n0 0 0\n.5 .5 .5\n"
    path = tmp_path / "XDATCAR_run"
    second = body.replace("= 1", "= 2")
    path.write_text(f"{head}Na O\n1 1\n{body}{second}")
    read = list(read_frames(path))
    assert len(read) == 2
    assert read[1].positions[1] == pytest.approx([4, 4, 4])
    path.write_text(f"{head}1 1\n{body}{second}")
    with pytest.raises(StoreError, match="--elements"):
        list(read_frames(path))
    assert list(next(iter(read_frames(path, elements=["Na", "O"]))).symbols) == ["Na", "O"]


@pytest.mark.parametrize("name", ["a.extxyz", "a.lammpstrj", "XDATCAR"])
def test_a_torn_last_frame_is_passed_over_and_a_hole_is_an_error(
    name: str, frames: list[Atoms], tmp_path: Path
):
    path = tmp_path / name
    WRITERS[name](path, frames)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-3]))
    assert len(list(read_frames(path))) == 3
    middle = len(lines) // 2
    path.write_text("".join(lines[: middle - 3] + lines[middle:]))
    with pytest.raises(StoreError, match=r"frame \d|announces|where a number"):
        list(read_frames(path))


def test_one_frame_without_its_last_newline_is_whole(tmp_path: Path):
    path = tmp_path / "a.xyz"
    path.write_text("2\nsome comment\nO 0 0 0\nH 0 0 0.97")
    (atoms,) = read_frames(path)
    assert atoms.positions[1, 2] == pytest.approx(0.97)


def test_results_and_single_structures_are_read(frames: list[Atoms], tmp_path: Path):
    frames[0].calc = SinglePointCalculator(frames[0], energy=-1.0)
    write_traj(tmp_path / "a.traj", frames[:1])
    assert next(iter(read_frames(tmp_path / "a.traj"))).get_potential_energy() == -1.0
    for name in ("POSCAR", "a.cif"):
        ase.io.write(tmp_path / name, frames[1], format="vasp" if name == "POSCAR" else "cif")
        (atoms,) = read_frames(tmp_path / name)
        assert sorted(atoms.symbols) == sorted(frames[1].symbols)


def test_frames_are_read_one_at_a_time(frames: list[Atoms], tmp_path: Path):
    """The second frame is damaged, and the first is there before anyone looks at it."""
    path = tmp_path / "a.extxyz"
    write_extxyz(path, frames)
    path.write_text(path.read_text() + "rubbish\n" * 30)
    reader = read_frames(path)
    assert len(next(reader)) == 9


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.xyz", None, "there is no file"),
        ("a.dat", b"1 2 3\n", "give --format"),
        ("a.dcd", b"84", "not read: turn it into extended XYZ"),
        ("a.xyz", b"", "no whole frame"),
        ("a.xyz", b"hello\n", "where a number of atoms should be"),
        ("a.xyz", b"0\n\n", "has no atoms"),
        ("a.xyz", b"1\n\nO 0 0 nan\n", "not finite"),
        ("a.xyz", b"1\n\nO 0 0 0\n1\n\nH 0 0 0\n", "other atoms"),
        ("a.xyz", b'1\nLattice="0 0 0 0 0 0 0 0 0" pbc="T T T"\nO 0 0 0\n', "no length"),
        ("a.xyz", b"\xff\xfe\x00", "is not extended XYZ"),
        ("a.xyz.gz", b"\x1f\x8b\x08\x00", "gzip"),
        ("a.xyz.gz", b"1\n\nO 0 0 0\n", "gzip"),
        ("a.traj", b"rubbish that is no trajectory", "not a whole ASE trajectory"),
        ("a.traj", b"- of UlmASE-Trajectory", "not a whole ASE trajectory"),
        ("a.h5", b"rubbish", "as HDF5"),
        ("a.dump", b"ITEM: TIMESTEP\nx\n", "no LAMMPS dump frame"),
        ("a.dump", b"ITEM: RUBBISH\nx\n", "not known"),
        ("a.dump", b"ITEM: ATOMS id x y z\n", "before the box"),
        ("XDATCAR", b"x\n1\n1 0 0\n0 1 0\n", "it is cut short"),
        ("XDATCAR", b"x\n1\n1 0 0\n0 1 0\n0 0 0\nNa\n1\n", "no volume"),
        ("XDATCAR", b"x\n1\n4 0 0\n0 4 0\n0 0 4\nQq\n1\n", "no element"),
        ("a.cif", b"rubbish", "cannot be read as cif"),
    ],
)
def test_malformed_input_is_one_sentence(
    name: str, content: bytes | None, message: str, tmp_path: Path
):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StoreError, match=message) as caught:
        list(read_frames(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", ["position", "species", "all"])
def test_h5md_without_a_part_says_so(missing: str, frames: list[Atoms], tmp_path: Path):
    path = tmp_path / "a.h5"
    write_h5md(path, frames)
    with h5py.File(path, "a") as file:
        del file["particles/all" if missing == "all" else f"particles/all/{missing}"]
    with pytest.raises(StoreError, match="has none" if missing != "species" else "species"):
        list(read_frames(path))


def test_options_are_checked(tmp_path: Path):
    with pytest.raises(StoreError, match="no element"):
        read_frames(tmp_path / "a.dump", elements=["Nacl"])
    with pytest.raises(StoreError, match="no run directory"):
        read_frames(tmp_path)
    (tmp_path / "a").write_text("x")
    with pytest.raises(StoreError, match="choose of extxyz"):
        read_frames(tmp_path / "a", format_="pdb")


@pytest.mark.parametrize("name", WRITERS)
def test_any_damage_is_an_error_of_ours_or_none(name: str, frames: list[Atoms], tmp_path: Path):
    """Cut, overwrite and repeat bytes anywhere: frames come out, or one sentence."""
    path = tmp_path / name
    WRITERS[name](path, frames)
    whole = path.read_bytes()
    rng = np.random.default_rng(5)
    n_errors = 0
    for _ in range(60):
        data = bytearray(whole)
        at, length = int(rng.integers(len(data))), int(rng.integers(1, 40))
        kind = rng.integers(3)
        if kind == 0:
            del data[at:]
        elif kind == 1:
            data[at : at + length] = rng.integers(0, 256, length, dtype=np.uint8).tobytes()
        else:
            data[at:at] = data[at : at + length]
        path.write_bytes(bytes(data))
        try:
            for atoms in read_frames(path):
                assert np.isfinite(atoms.positions).all()
        except StoreError:
            n_errors += 1
    assert n_errors > 0
