"""Files as users have them: read for what they say, or refused with what to do; never guessed."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path

import ase.io
import h5py
import numpy as np
import pytest
from ase import Atoms, units
from ase.build import molecule

from aofl.errors import StoreError
from aofl.store import read_frames
from aofl.store.elements import Elements, elements_of_names, parse_elements


def read(path: Path, **reading: object) -> tuple[list[Atoms], list[str]]:
    """Return frames and notes."""
    notes: dict[str, None] = {}
    frames = list(read_frames(path, say=notes.setdefault, **reading))  # type: ignore[arg-type]
    return frames, list(notes)


def water(k: int = 0) -> Atoms:
    """One water in a box, a little elsewhere in each frame."""
    atoms = molecule("H2O")
    atoms.positions += [0.1, 4.0 + 0.01 * k, 5.0]
    atoms.set_cell([8.0, 9.0, 10.0])
    atoms.pbc = True
    atoms.info = {"step": k, "time_fs": 2.0 * k}
    return atoms


def xyz(frames: list[Atoms], names: tuple[str, ...] = ("O", "H", "H")) -> str:
    text = ""
    for atoms in frames:
        lattice = " ".join(map(str, atoms.cell.array.ravel()))
        text += f'{len(atoms)}\nLattice="{lattice}" Properties=species:S:1:pos:R:3 '
        text += f'step={atoms.info["step"]} time_fs={atoms.info["time_fs"]} pbc="T T T"\n'
        for name, place in zip(names, atoms.positions, strict=True):
            text += f"{name} " + " ".join(f"{x:.8f}" for x in place) + "\n"
    return text


def dump(
    columns: str, rows: list[list[str]], head: str = "", flags: str = " pp pp pp", size: float = 9.0
) -> str:
    """Return frames of a LAMMPS dump with the same rows."""
    text = head
    for step, row in enumerate(rows):
        text += f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n{len(row)}\n"
        text += f"ITEM: BOX BOUNDS{flags}\n" + f"0 {size}\n" * 3
        text += f"ITEM: ATOMS {columns}\n" + "\n".join(row) + "\n"
    return text


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


Write = Callable[[str, str | bytes], Path]


# text


@pytest.mark.parametrize(
    "change",
    [
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: codecs.BOM_UTF8 + text.encode() + codecs.BOM_UTF8 + xyz([water(3)]).encode(),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\n \n" + text + "\n\n",
        lambda text: text.replace("\n3\n", "\n\n3\n"),
    ],
)
def test_text_that_differs_in_nothing_that_counts(
    change: Callable[[str], str | bytes], file: Write
):
    frames, notes = read(file("a.xyz", change(xyz([water(k) for k in range(3)]))))
    assert len(frames) >= 3
    assert frames[2].positions == pytest.approx(water(2).positions, abs=1e-7)
    assert [atoms.info["time_fs"] for atoms in frames[:3]] == [0.0, 2.0, 4.0]
    assert notes == []


def test_exponents_of_fortran(file: Write):
    text = '2\nLattice="0.9D+01 0 0 0 0.9D+01 0 0 0 90.0d-1" time_fs=5.0D-01\n'
    text += "O 0.1D+01 1.0D0 0.0\nH 1.0D+00 1.0 9.7D-01\n"
    ((atoms,), _) = read(file("a.xyz", text.replace("1.0D0", "1.0D+0")))
    assert atoms.cell.lengths() == pytest.approx([9, 9, 9])
    assert atoms.positions[1] == pytest.approx([1, 1, 0.97])
    assert atoms.info["time_fs"] == 0.5


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.xyz", "1\n\nO 0,5 0.0 0.0\n", "line 3 has '0,5' where a number .* with a point"),
        ("a.xyz", "1\nstep=0,5\nO 0 0 0\n", r"step=\[0 5\], expected one number"),
        ("a.xyz", "1\n\nO 0 0\n", "line 3 is 'O 0 0', expected an atom with 4 columns"),
        ("a.xyz", "5\n\nO 0 0 0\n1\n\nO 0 0 0\n", "line 1 begins a frame with fewer atoms"),
        ("a.xyz", "1 ! atom\n\nO 0 0 0\n", "line 1 has '1 ! atom'"),
        ("a.xyz", '1\npbc="T T T"\nO 0 0 0\n', "no length: give the cell with `--cell"),
        ("a.xyz", codecs.BOM_UTF16_LE + "1\n\nO 0 0 0\n".encode("utf-16-le"), "it is UTF-16"),
        ("a.dump", dump("id element x y z", [["1 O 0,5 1 1"]]), "line 10 has '0,5'"),
        ("a.dump", dump("id element x y z", [["1 O **** 1 1"]]), "did not fit into its columns"),
        ("a.dump", dump("id element x y z", [[]]).rstrip() + "\n", "has no atoms"),
        ("XDATCAR", "x\n1\n9 0 0\n0 9 0\n0 0 9\nO\n1\nDirect configuration= 1\n0,5 0 0\n",
         "line 9 has '0,5'"),
    ],
)  # fmt: skip
def test_what_is_no_number_is_told_by_line(name: str, text: str | bytes, message: str, file: Write):
    with pytest.raises(StoreError, match=message) as caught:
        read(file(name, text))
    assert "\n" not in str(caught.value)


# names of atoms


@pytest.mark.parametrize(
    ("names", "elements", "expected", "notes"),
    [
        ("O1 H_w H2", (), "OHH", 0),
        ("Na+ O2- H", (), "NaOH", 0),
        ("OW HW HW", ("OW=O", "HW=H"), "OHH", 0),
        ("o NA h", (), "ONaH", 3),
        ("NA O H", ("NA=N",), "NOH", 0),
        ("8 1 11", (), "OHNa", 1),
        ("1 2 2", ("O", "H"), "OHH", 0),
        ("0 1 1", ("O", "H"), "OHH", 1),
        ("0 1 1", ("0=O", "1=H"), "OHH", 0),
        ("CA O H", ("CA=C",), "COH", 0),
    ],
)
def test_names_of_atoms(
    names: str, elements: tuple[str, ...], expected: str, notes: int, file: Write
):
    path = file("a.xyz", xyz([water()], tuple(names.split())))
    (atoms,), said = read(path, elements=elements)
    assert atoms.get_chemical_formula(mode="reduce") == Atoms(expected).get_chemical_formula(
        mode="reduce"
    )
    assert len(said) == notes


@pytest.mark.parametrize(
    ("names", "elements", "message"),
    [
        ("OW HW HW", (), "atoms named HW, OW, which is no element.*HW=...,OW=..."),
        ("X H H", (), "leave dummy atoms out"),
        ("1 2 2", (), "types 1, 2, which are no atomic numbers"),
        ("1 1 1", (), "types 1, which are no atomic numbers"),
        ("0 1 1", (), "--elements 0=...,1=..."),
        ("0 8 1", (), "no atomic numbers"),
        ("1 2 2", ("O",), "types 1 to 2, but 1 elements"),
        ("0 1 2", ("O", "H"), "types 0 to 2, but 2 elements .* type 0 first"),
        ("O H H", ("O", "H"), r"names its atoms \(H, O\), but --elements has symbols for types"),
        ("O H H", ("HW=H",), "names 'HW', which .* does not have: it has H, O"),
        ("1 2 2", ("1=O",), "has the type 2 too"),
        ("O H H", ("H=O",), "has H=O, but .* names that element itself"),
    ],
)
def test_names_that_are_not_known(names: str, elements: tuple[str, ...], message: str, file: Write):
    with pytest.raises(StoreError, match=message):
        read(file("a.xyz", xyz([water()], tuple(names.split()))), elements=elements)


def test_deuterium_is_hydrogen_with_its_mass(file: Write):
    (atoms,), notes = read(file("a.xyz", xyz([water()], ("O", "D", "H"))))
    assert atoms.get_chemical_formula() == "H2O"
    assert atoms.get_masses() == pytest.approx([15.999, 2.014, 1.008], abs=1e-3)
    assert notes == ["atoms named D are hydrogen of mass 2.014 u"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["Na", "Xy"], "'Xy', which is no element"),
        (["HW=Q"], "'Q', which is no element"),
        (["HW=H", "O"], "both symbols and names"),
        (["HW=H", "HW=O"], "a name twice"),
    ],
)
def test_elements_that_make_no_sense(words: list[str], message: str):
    with pytest.raises(StoreError, match=message):
        parse_elements(words)


def test_a_file_with_the_same_atoms_says_what_they_are(file: Write, tmp_path: Path):
    ase.io.write(tmp_path / "start.xyz", water())
    rows = [[f"{k + 1} {t} {k} 1 1" for k, t in enumerate((1, 1, 2))]]
    path = file("a.dump", dump("id type x y z", rows))
    (atoms,), _ = read(path, elements=[str(tmp_path / "start.xyz")])
    assert str(atoms.symbols) == "OH2"
    ase.io.write(tmp_path / "start.xyz", water()[:2])
    with pytest.raises(StoreError, match="3 atoms, but the file given with --elements has 2"):
        read(path, elements=[str(tmp_path / "start.xyz")])


def test_names_of_types_are_not_read_in_other_capitals():
    with pytest.raises(StoreError, match="named CA"):
        elements_of_names(["CA"], Elements(), "x", lambda note: None, are_types=True)


# LAMMPS


@pytest.mark.parametrize(
    ("style", "length", "time"),
    [
        ("real", 1.0, 1.0), ("metal", 1.0, 1e3), ("si", 1e10, 1e15), ("cgs", 1e8, 1e15),
        ("electron", units.Bohr, 1.0), ("micro", 1e4, 1e9), ("nano", 10.0, 1e6),
    ],
)  # fmt: skip
def test_the_unit_line_decides_lengths_and_times(
    style: str, length: float, time: float, file: Write
):
    head = f"ITEM: UNITS\n{style}\nITEM: TIME\n{5.0 / time!r}\n"
    row = [f"1 O {2.0 / length!r} {3.0 / length!r} {4.0 / length!r}"]
    path = file("a.dump", dump("id element x y z", [row], head, size=9.0 / length))
    (atoms,), notes = read(path)
    assert atoms.positions[0] == pytest.approx([2, 3, 4])
    assert atoms.cell.lengths() == pytest.approx([9, 9, 9])
    assert atoms.info["time_fs"] == pytest.approx(5.0)
    assert notes == []


@pytest.mark.parametrize("style", ["lj", "imperial"])
def test_units_that_are_no_lengths(style: str, file: Write):
    text = dump("id element x y z", [["1 O 1 1 1"]], f"ITEM: UNITS\n{style}\n")
    with pytest.raises(StoreError, match=f"line 2 has the units '{style}'"):
        read(file("a.dump", text))


def test_a_dump_without_a_unit_line_says_what_is_assumed(file: Write):
    text = dump("id element x y z", [["1 O 1 1 1"]], "ITEM: TIME\n3\n", flags="")
    (atoms,), notes = read(file("a.dump", text))
    assert "time_fs" not in atoms.info
    assert [note[:30] for note in notes] == [
        "the file has times but no line",
        "the file does not say which bo",
        "the file has no line `ITEM: UN",
    ]


def test_lengths_of_another_unit_are_noticed(file: Write):
    atoms = water()
    atoms.positions /= 10.0
    atoms.set_cell(atoms.cell / 10.0)
    with pytest.raises(StoreError, match=r"3 of 3 atoms nearer than 0\.5 Å"):
        read(file("a.xyz", xyz([atoms])))
    atoms.set_cell(atoms.cell / 10.0)
    with pytest.raises(StoreError, match=r"repeats itself after 0\.08 Å"):
        read(file("a.xyz", xyz([atoms])))


@pytest.mark.parametrize(
    ("columns", "row", "expected"),
    [
        ("id element xu yu zu", "1 O 10 1 -1", [10, 1, -1]),
        ("id element xsu ysu zsu", "1 O 1.5 0.5 -0.5", [13.5, 4.5, -4.5]),
        ("id element x y z ix iy iz", "1 O 1 1 8 1 0 -1", [10, 1, -1]),
        ("id element x y z xu yu zu", "1 O 1 1 8 10 1 -1", [10, 1, -1]),
        ("id element x y z", "1 O 1 1 8", None),
        ("id element x y z ix iy", "1 O 1 1 8 1 0", None),
    ],
)
def test_unwrapped_positions_are_told(
    columns: str, row: str, expected: list[float] | None, file: Write
):
    (atoms,), _ = read(file("a.dump", dump(columns, [[row]])))
    assert atoms.info["is_unwrapped"] == (expected is not None)
    assert atoms.positions[0] == pytest.approx([1, 1, 8] if expected is None else expected)


def test_a_boundary_that_follows_the_atoms_moves_nothing(file: Write):
    one = dump("id element x y z", [["1 O 1 1 1"]], flags=" pp pp ss")
    two = one.replace("TIMESTEP\n0", "TIMESTEP\n1").replace("0 9.0\nITEM: AT", "-2 9.0\nITEM: AT")
    (first, second), _ = read(file("a.dump", one + two))
    assert second.positions == pytest.approx(first.positions)


@pytest.mark.parametrize(
    ("columns", "row", "elements", "expected"),
    [
        ("id type x y z", "1 Na+ 1 1 1", (), "Na"),
        ("id type x y z", "1 HW 1 1 1", ("HW=H",), "H"),
        ("id type element x y z", "1 2 HW 1 1 1", ("O", "H"), "H"),
        ("id type element x y z", "1 2 H 1 1 1", ("O", "H"), "H"),
        ("id type element x y z", "1 2 NA 1 1 1", (), "Na"),
        ("id type mass x y z", "1 2 1.008 1 1 1", (), "H"),
        ("id type mass x y z", "1 HW 2.014 1 1 1", (), "H"),
    ],
)
def test_elements_of_a_dump(
    columns: str, row: str, elements: tuple[str, ...], expected: str, file: Write
):
    (atoms,), _ = read(file("a.dump", dump(columns, [[row]])), elements=elements)
    assert str(atoms.symbols) == expected
    if "2.014" in row:
        assert atoms.get_masses() == pytest.approx([2.014])


@pytest.mark.parametrize(
    ("columns", "rows", "elements", "message"),
    [
        ("id type element x y z", ["1 2 H 1 1 1"], ("H", "O"),
         "row 1 is O by --elements, but H by its column `element`"),
        ("id type mass x y z", ["1 2 1.008 1 1 1"], ("H", "O"), "but H by its column `mass`"),
        ("id type element x y z", ["1 1 C 1 1 1", "2 2 C 2 2 2"], (),
         "calls the atoms of all types C"),
        ("id type x y z", ["1 HW 1 1 1"], (), "atoms named HW"),
        ("id type x y z", ["1 8 1 1 1"], (), "types 8, which are no atomic numbers"),
        ("id x y z", ["1 1 1 1"], (), "does not say which elements"),
        ("id mass x y z", ["1 150 1 1 1"], (), "150 u, which is that of no element"),
        ("id element x y z", ["1 O 1 1 1", "1 O 2 2 2"], (), "has the id 1 twice"),
    ],
)  # fmt: skip
def test_elements_and_ids_that_contradict(
    columns: str, rows: list[str], elements: tuple[str, ...], message: str, file: Write
):
    with pytest.raises(StoreError, match=message):
        read(file("a.dump", dump(columns, [rows])), elements=elements)


def test_all_carbon_is_what_lammps_writes_without_elements(file: Write):
    text = dump("id type element x y z", [["1 1 C 1 1 1", "2 2 C 2 2 2"]])
    (atoms,), _ = read(file("a.dump", text), elements=("O", "H"))
    assert str(atoms.symbols) == "OH"
    (graphite,), _ = read(file("b.dump", dump("id type element x y z", [["1 1 C 1 1 1"]])))
    assert str(graphite.symbols) == "C"


def test_an_id_that_is_exchanged(file: Write):
    rows = [["1 O 1 1 1", "2 H 2 2 2"], ["1 O 1 1 1", "3 H 2 2 2"]]
    with pytest.raises(StoreError, match="frame 1 has the id 3, which frame 0 does not have"):
        read(file("a.dump", dump("id element x y z", rows)))


# frames


def test_a_repetition_is_left_out_and_said(file: Write):
    frames = [water(0), water(1), water(1), water(2)]
    read_, notes = read(file("a.xyz", xyz(frames)))
    assert [atoms.info["step"] for atoms in read_] == [0, 1, 2]
    assert notes == [
        "frames that repeat the step and the positions of the one before were left out: 1"
    ]


def test_frames_with_the_same_step_and_other_positions_are_kept(file: Write):
    frames = [water(k) for k in range(4)]
    for atoms in frames:
        atoms.info = {"step": 0, "time_fs": 0.0}
    read_, notes = read(file("a.xyz", xyz(frames)))
    assert len(read_) == 4
    assert notes == ["the steps of the file do not grow: frame 1 has 0 after 0"]


def test_ids_of_extended_xyz_order_the_atoms(tmp_path: Path):
    frames = []
    for k, order in enumerate(([0, 1, 2], [2, 0, 1])):
        atoms = water(k)
        atoms.new_array("id", np.array([4, 6, 9]))
        frames.append(atoms[order])
        frames[-1].info = atoms.info
    ase.io.write(tmp_path / "a.xyz", frames)
    read_, _ = read(tmp_path / "a.xyz")
    assert [str(atoms.symbols) for atoms in read_] == ["OH2", "OH2"]
    assert read_[1].positions == pytest.approx(water(1).positions, abs=1e-7)


def crowd(rng: np.random.Generator, order: np.ndarray | None = None) -> Atoms:
    """Ten hydrogen molecules on a lattice, vibrating, in an order of their own."""
    places = np.array([[x, y, 0.0] for x in range(0, 20, 4) for y in (0, 4)], dtype=float)
    atoms = Atoms("H20", np.repeat(places, 2, axis=0), cell=[20, 8, 8], pbc=True)
    atoms.positions[1::2, 2] += 0.75
    atoms.positions += rng.normal(0, 0.05, (20, 3))
    return atoms if order is None else atoms[order]


def test_another_order_of_the_atoms_without_ids_is_said(tmp_path: Path):
    rng = np.random.default_rng(2)
    ordered = [crowd(rng) for _ in range(4)]
    ase.io.write(tmp_path / "a.xyz", ordered, format="extxyz")
    assert read(tmp_path / "a.xyz")[1] == []
    together = [crowd(rng) for _ in range(4)]
    for k, atoms in enumerate(together):
        atoms.positions += [4.0 * k, 0, 0]  # each molecule where its neighbour was
    ase.io.write(tmp_path / "b.xyz", together, format="extxyz")
    assert read(tmp_path / "b.xyz")[1] == []
    shuffled = [crowd(rng), *(crowd(rng, rng.permutation(20)) for _ in range(3))]
    ase.io.write(tmp_path / "c.xyz", shuffled, format="extxyz")
    (note,) = read(tmp_path / "c.xyz")[1]
    assert note.startswith("most of the atoms that moved far to frame 1 stand where others")


def test_times_in_other_units_are_read_where_the_name_says_which(file: Write):
    text = xyz([water(k) for k in range(2)])
    frames, _ = read(
        file(
            "a.xyz",
            text.replace("time_fs=2.0", "time_ps=0.002").replace("time_fs=0.0", "time_ps=0.0"),
        )
    )
    assert [atoms.info["time_fs"] for atoms in frames] == [0.0, 2.0]
    for name in ("time", "Time"):
        frames, notes = read(file("a.xyz", text.replace("time_fs", name)))
        assert "time_fs" not in frames[1].info
        assert notes == [f"the file has `{name}` without a known unit: it is not used"]


def test_a_last_line_without_its_end(file: Write):
    rows = [["1 O 1 1 1"], ["1 O 1 1 1.5"]]
    frames, notes = read(file("a.dump", dump("id element x y z", rows).removesuffix("5\n")))
    assert len(frames) == 1
    assert "frame 1 is cut short at the end of the file and was left out" in notes
    frames, notes = read(file("a.xyz", xyz([water()]).removesuffix("\n")))
    assert len(frames) == 1
    assert notes == ["the last line has no end: if the file was cut, its last number is short"]


def test_masses_of_a_column(file: Write):
    for name in ("mass", "masses", "Mass"):
        text = f"1\nProperties=species:S:1:pos:R:3:{name}:R:1\nH 0 0 0 2.5\n"
        (atoms,), _ = read(file("a.xyz", text))
        assert atoms.get_masses() == pytest.approx([2.5])


# cells


def cp2k(frames: list[Atoms]) -> str:
    text = ""
    for atoms in frames:
        step, time = atoms.info["step"], atoms.info["time_fs"]
        text += f"{len(atoms):8d}\n i = {step:8d}, time = {time:12.3f}, E =  -17.1\n"
        for symbol, place in zip(atoms.symbols, atoms.positions, strict=True):
            text += f"{symbol:>3} " + " ".join(f"{x:19.10f}" for x in place) + "\n"
    return text


def crossing() -> list[Atoms]:
    """Two waters, one of which crosses the boundary of its cell and is written wrapped."""
    frames = []
    for k in range(4):
        other = water()
        other.positions += [4.0, 4.0, 0.0]
        atoms = water(k) + other
        atoms.positions[:3, 0] -= 0.1 * k
        atoms.info = {"step": 10 * k, "time_fs": 5.0 * k}
        atoms.wrap()
        frames.append(atoms)
    return frames


def test_cp2k_has_times_in_its_comments_and_no_cell(file: Write):
    frames, notes = read(file("a-pos-1.xyz", cp2k([water(k) for k in range(3)])))
    assert [(a.info["step"], a.info["time_fs"]) for a in frames] == [(0, 0.0), (1, 2.0), (2, 4.0)]
    assert not frames[0].pbc.any()
    (note,) = notes
    assert "no cell" in note
    assert "--cell" in note


def test_wrapped_positions_without_a_cell_are_refused_and_read_with_it(file: Write):
    path = file("a-pos-1.xyz", cp2k(crossing()))
    with pytest.raises(StoreError, match=r"wrapped into a cell.*--cell a,b,c"):
        read(path)
    for cell in ((8.0, 9.0, 10.0), (8, 9, 10, 90, 90, 90), (8, 0, 0, 0, 9, 0, 0, 0, 10)):
        frames, notes = read(path, cell=cell)
        assert frames[0].cell.lengths() == pytest.approx([8, 9, 10])
        assert frames[0].pbc.all()
        assert notes == []
    frames, _ = read(path, cell=())
    assert not frames[0].cell.rank


def test_a_gas_that_turns_is_not_taken_for_wrapped(file: Write):
    frames = []
    for k in range(6):
        atoms = molecule("H2O")
        atoms.rotate(60 * k, "x")
        atoms.positions += [3.0 * k, 0.0, 0.0]  # as a whole
        atoms.info = {"step": k, "time_fs": float(k)}
        frames.append(atoms)
    assert len(read(file("a-pos-1.xyz", cp2k(frames)))[0]) == 6


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ((8.0, 9.0), "--cell has 2 numbers"),
        ((8.0, 9.0, 0.0), "which has no volume"),
        ((8.0, 9.0, 10.0, 0.0, 90.0, 90.0), "which has no volume"),
        ((8.0, 9.0, 10.0, 170.0, 10.0, 10.0), "which has no volume"),
        ((8.0, 9.0, 10.0), r"has a cell of its own \(8 9 10 Å\)"),
    ],
)
def test_cells_that_cannot_be(cell: tuple[float, ...], message: str, file: Write):
    with pytest.raises(StoreError, match=message):
        read(file("a.xyz", xyz([water()])), cell=cell)


def test_ipi_has_its_cell_and_units_in_the_comment(file: Write):
    text = "1\n# CELL(abcABC): 9.0 9.5 12.0 90.0 90.0 90.0  Step: 40  Bead: 0 {}\nO 1.0 2.0 3.0\n"
    bohr = text.format("positions{atomic_unit}  cell{atomic_unit}")
    (atoms,), _ = read(file("a.xyz", bohr))
    assert atoms.positions[0] == pytest.approx(units.Bohr * np.array([1, 2, 3]))
    assert atoms.cell.lengths() == pytest.approx(units.Bohr * np.array([9, 9.5, 12]))
    assert atoms.info["step"] == 40
    with pytest.raises(StoreError, match=r"line 2 is a comment of i-PI .* without known units"):
        read(file("a.xyz", text.format("")))


def test_xyz_of_lammps_has_its_step_in_the_comment(file: Write):
    (atoms,), _ = read(file("a.xyz", "1\nAtoms. Timestep: 500\n1 0 0 0\n"), elements=("O",))
    assert atoms.info["step"] == 500


# XDATCAR

HEAD = "{title}\n 1\n 9.0 0.0 0.0\n 0.0 9.0 0.0\n 0.0 0.0 9.0\n O H\n 1 2\n"
ROWS = "  0.10000000  0.20000000  0.{:08d}\n -0.10000000 -0.20000000  0.30000000\n"
ROWS += "  0.30000000  0.40000000  0.50000000\n"


def xdatcar(n: int = 3, title: str = "water", *, varies: bool = True) -> str:
    return "".join(
        (HEAD.format(title=title) if varies or k == 0 else "")
        + f"Direct configuration={k + 1:6d}\n"
        + ROWS.format(k)
        for k in range(n)
    )


@pytest.mark.parametrize("title", ["water", "", "   ", "direct synthesis", "Konfig", "1", "O H"])
@pytest.mark.parametrize("varies", [True, False])
def test_any_title(title: str, varies: bool, file: Write):
    frames, notes = read(file("XDATCAR", xdatcar(title=title, varies=varies)))
    assert [atoms.info["step"] for atoms in frames] == [1, 2, 3]
    assert notes == []


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (" -0.10000000-0.20000000  0.30000000", [-0.9, -1.8, 2.7]),
        ("-0.10000000-0.20000000-0.30000000", [-0.9, -1.8, -2.7]),
        ("  0.1000000010.20000000-0.30000000", [0.9, 91.8, -2.7]),
        (" 10.1000000011.20000000 12.30000000", [90.9, 100.8, 110.7]),
    ],
)
def test_numbers_that_touch(row: str, expected: list[float], file: Write):
    text = xdatcar().replace(" -0.10000000 -0.20000000  0.30000000", row)
    frames, _ = read(file("XDATCAR", text))
    assert len(frames) == 3
    assert frames[1].positions[1] == pytest.approx(expected)


@pytest.mark.parametrize("varies", [True, False])
@pytest.mark.parametrize(
    "row", ["  ************  0.2 0.3", "  0.2 0.3", "", "  0.1.2  0.3 0.4", " 0.123450.12345 0.1"]
)
def test_a_row_in_the_middle_that_cannot_be_read_is_no_torn_end(
    row: str, varies: bool, file: Write
):
    text = xdatcar(varies=varies)
    wrong = "  0.30000000  0.40000000  0.50000000"
    head, tail = text.split(wrong, 1)
    with pytest.raises(StoreError, match=r"frame 0 line 11 has"):
        read(file("XDATCAR", f"{head}{row}{tail}"))


def test_a_row_too_few_or_too_many_is_no_torn_end(file: Write):
    whole = xdatcar(varies=False)
    row = "  0.30000000  0.40000000  0.50000000\n"
    for text in (whole.replace(row, "", 1), whole.replace(row, row + row, 1)):
        with pytest.raises(StoreError, match=r"frame [01] line \d+"):
            read(file("XDATCAR", text))


def test_counts_that_swallow_the_rest_are_no_torn_end(file: Write):
    head, second, third = xdatcar(3).split(" 1 2\n")[:3]
    text = f"{head} 1 2\n{second} 1 90\n{third} 1 2\n" + xdatcar(1).split(" 1 2\n")[1]
    with pytest.raises(StoreError, match=r"frame 1 line \d+ has 'water' where three numbers"):
        read(file("XDATCAR", text))


def test_any_cut_of_an_xdatcar_loses_the_last_frame_at_most_and_says_so(file: Write):
    whole = xdatcar(3)
    second = whole.index("water", 10)
    third = whole.index("water", second + 1)
    for size in range(third + 1, len(whole) - 1):
        frames, notes = read(file("XDATCAR", whole[:size]))
        assert [atoms.info["step"] for atoms in frames] == [1, 2]
        assert notes in ([], ["frame 2 is cut short at the end of the file and was left out"])


def test_two_runs_joined_are_read_and_said(file: Write):
    other = xdatcar(2, "again", varies=False).replace("0.1", "0.2")
    frames, notes = read(file("XDATCAR", xdatcar(2, varies=False) + other))
    assert [atoms.info["step"] for atoms in frames] == [1, 2, 1, 2]
    assert notes == ["the steps of the file do not grow: frame 2 has 1 after 2"]


def test_names_of_an_xdatcar_and_elements_that_contradict_them(file: Write):
    path = file("XDATCAR", xdatcar(1))
    with pytest.raises(StoreError, match="names its atoms"):
        read(path, elements=("H", "O"))


# H5MD


@pytest.fixture
def h5(tmp_path: Path) -> Callable[..., Path]:
    def write(**parts: object) -> Path:
        """Write three frames of water in nm and ps; parts replace or add data."""
        path = tmp_path / "a.h5md"
        frames = [water(k) for k in range(3)]
        given = {
            "position/value": np.array([a.positions for a in frames]) / 10,
            "position/step": np.array([0, 10, 20]),
            "position/time": np.array([0.0, 0.01, 0.02]),
            "box/edges": np.array([0.8, 0.9, 1.0]),
            "species": np.array([8, 1, 1]),
        } | {name.replace("__", "/"): value for name, value in parts.items()}
        unit = {"position/value": "nm", "position/time": "ps"} | {
            name: "nm" for name in given if name in ("box/edges", "box/edges/value")
        }
        with h5py.File(path, "w") as file:
            for name, value in given.items():
                if value is None or (name == "box/edges" and "box/edges/value" in given):
                    continue
                data = file.create_dataset(f"particles/all/{name}", data=value)
                if name in unit:
                    data.attrs["unit"] = unit[name]
        return path

    return write


Write5 = Callable[..., Path]


def test_h5md_ids_of_each_frame(h5: Write5):
    ids = np.array([[1, 2, 3], [3, 1, 2], [2, 3, 1]])
    places = np.array([water(k).positions[i - 1] for k, i in enumerate(ids)]) / 10
    species = np.array([8, 1, 1])[ids - 1]
    frames, _ = read(
        h5(
            position__value=places, id__value=ids, id__step=[0, 10, 20],
            species=None, species__value=species, species__step=[0, 10, 20],
        )
    )  # fmt: skip
    for k, atoms in enumerate(frames):
        assert str(atoms.symbols) == "OH2"
        assert atoms.positions == pytest.approx(water(k).positions)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([[1, 2, 3], [1, 2, 2], [1, 2, 3]], "frame 1 has the id 2 twice"),
        ([[1, 2, 3], [1, 2, -1], [1, 2, 3]], "frame 1 has ids below 0"),
        ([[1, 2, 3], [1, 2, 4], [1, 2, 3]], "frame 1 has the id 4"),
        ([[1, 2, 3], [1, 3, 2]], "id has no value at step 20, and it changes"),
    ],
)
def test_h5md_ids_of_other_particles(ids: list[list[int]], message: str, h5: Write5):
    with pytest.raises(StoreError, match=message):
        read(h5(id__value=ids, id__step=[0, 10, 20][: len(ids)]))


def test_h5md_box_is_matched_by_step(h5: Write5):
    sizes = np.array([[0.8, 0.9, 1.0], [1.6, 1.8, 2.0], [2.4, 2.7, 3.0], [3.2, 3.6, 4.0]])
    path = h5(box__edges__value=sizes, box__edges__step=[0, 5, 10, 20])
    frames, notes = read(path)
    assert [atoms.cell[0, 0] for atoms in frames] == pytest.approx([8, 24, 32])
    assert not any("sampled" in note for note in notes)
    with pytest.raises(StoreError, match="box/edges has no value at step 10, and it changes"):
        read(h5(box__edges__value=sizes[:2], box__edges__step=[0, 20]))
    frames, notes = read(h5(box__edges__value=sizes[[0, 0]], box__edges__step=[0, 20]))
    assert [atoms.cell[0, 0] for atoms in frames] == pytest.approx([8, 8, 8])
    assert any(note.startswith("box/edges is not sampled at every frame") for note in notes)


def test_h5md_images_unwrap(h5: Write5):
    images = np.zeros((3, 3, 3), dtype=int)
    images[1:, :, 0] = 1
    frames, _ = read(h5(image__value=images, image__step=[0, 10, 20]))
    assert frames[0].info["is_unwrapped"]
    assert frames[1].positions[0, 0] == pytest.approx(water(1).positions[0, 0] + 8.0)


@pytest.mark.parametrize(
    ("name", "unit", "message"),
    [
        ("position/value", "furlong", "position has the unit 'furlong': known are"),
        ("position/value", None, "positions in no unit and a box in nm: give both a unit"),
    ],
)
def test_h5md_units(name: str, unit: str | None, message: str, h5: Write5):
    path = h5()
    with h5py.File(path, "a") as file:
        attributes = file[f"particles/all/{name}"].attrs
        del attributes["unit"]
        if unit is not None:
            attributes["unit"] = unit
    with pytest.raises(StoreError, match=message):
        read(path)


def test_h5md_units_written_as_arrays_and_times_without_one(h5: Write5):
    path = h5()
    with h5py.File(path, "a") as file:
        file["particles/all/position/value"].attrs["unit"] = np.array([b"nm"])
        del file["particles/all/position/time"].attrs["unit"]
    frames, notes = read(path)
    assert frames[2].positions == pytest.approx(water(2).positions)
    assert "time_fs" not in frames[0].info
    assert any("times without a unit" in note for note in notes)


def test_h5md_species_that_are_missing_or_types(h5: Write5, tmp_path: Path):
    with pytest.raises(StoreError, match=r"no `species`.*--elements start\.xyz"):
        read(h5(species=None))
    ase.io.write(tmp_path / "start.xyz", water())
    frames, _ = read(h5(species=None), elements=[str(tmp_path / "start.xyz")])
    assert str(frames[0].symbols) == "OH2"
    for species, elements in (([0, 1, 1], ("O", "H")), ([5, 7, 7], ("5=O", "7=H"))):
        frames, _ = read(h5(species=np.array(species)), elements=elements)
        assert str(frames[0].symbols) == "OH2"
    with pytest.raises(StoreError, match="types 0, 1, which are no atomic numbers"):
        read(h5(species=np.array([0, 1, 1])))


def test_steps_of_a_fixed_interval(h5: Write5):
    frames, _ = read(h5(position__step=np.array(5), position__time=np.array(0.5)))
    assert [atoms.info["step"] for atoms in frames] == [0, 5, 10]
    assert [atoms.info["time_fs"] for atoms in frames] == pytest.approx([0, 500, 1000])
