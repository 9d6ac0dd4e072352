"""Frames read back bit for bit with ASE's own reader."""

import io

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.constraints import FixAtoms, FixedPlane
from hypothesis import given
from hypothesis import strategies as st

from aofl.errors import StoreError
from aofl.store import format_atoms, format_frame, read_atoms
from aofl.store.extxyz import iterate_frames, parse_frame

FINITE = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), FINITE, st.text(), st.sampled_from(["T", "1e5", "nan"])
)


def frame(info=None, arrays=None, n=2):
    return format_frame(
        numbers=[11] * n,
        positions=np.arange(3.0 * n).reshape(n, 3),
        cell=np.eye(3),
        pbc=[True, False, True],
        info=info or {},
        arrays=arrays or {},
    )


def read(text):
    return ase.io.read(io.StringIO(text), format="extxyz")


def bits(values):
    return np.asarray(values, dtype=np.float64).tobytes()


@given(st.lists(st.tuples(FINITE, FINITE, FINITE), min_size=1, max_size=4), st.data())
def test_floats_are_bit_identical(rows, data):
    positions = np.array(rows)
    cell = np.array(data.draw(st.lists(FINITE, min_size=9, max_size=9))).reshape(3, 3)
    atoms = read(
        format_frame(
            numbers=[8] * len(rows),
            positions=positions,
            cell=cell,
            pbc=[True, False, False],
            info={"REF_energy": rows[0][0], "REF_stress": cell.ravel()},
            arrays={"REF_forces": positions[::-1], "REF_charges": positions[:, 0]},
        )
    )
    assert bits(atoms.positions) == bits(positions)
    assert bits(atoms.cell) == bits(cell)
    assert atoms.pbc.tolist() == [True, False, False]
    assert bits(atoms.info["REF_energy"]) == bits(rows[0][0])
    assert bits(atoms.info["REF_stress"]) == bits(cell.ravel())
    assert bits(atoms.arrays["REF_forces"]) == bits(positions[::-1])
    assert bits(atoms.arrays["REF_charges"]) == bits(positions[:, 0])


@given(SCALARS)
def test_any_scalar_comes_back_as_itself(value):
    text = frame({"before": 1, "value": value, "after": "plain"})
    info = read(text).info
    assert text.count("\n") == 4
    assert info["value"] == value
    assert isinstance(info["value"], bool) == isinstance(value, bool)
    assert isinstance(info["value"], str) == isinstance(value, str)
    assert (info["before"], info["after"]) == (1, "plain")


@given(st.dictionaries(st.text(), st.lists(SCALARS)))
def test_dicts_come_back_as_themselves(value):
    assert read(frame({"value": value})).info["value"] == value


@pytest.mark.parametrize("value", [[1, 2], ["a", "T"], [None, 1], [], [0.5], [True, False]])
def test_flat_lists_come_back(value):
    assert list(read(frame({"value": value})).info["value"]) == value


@pytest.mark.parametrize("value", [np.nan, np.inf, [1.0, np.nan], [[1], [1, 2]], object()])
def test_what_cannot_be_read_back_is_refused(value):
    with pytest.raises(StoreError, match="value"):
        frame({"value": value})


@pytest.mark.parametrize("name", ["Lattice", "pbc", "a b", "a=b", "", "é", "1a"])
def test_names_that_would_break_the_line_are_refused(name):
    with pytest.raises(StoreError, match="cannot be the name"):
        frame({name: 1})


@pytest.mark.parametrize(
    "values", [np.array([1.0]), np.array([1.0, np.nan]), np.array(["a", "b"]), np.zeros((2, 2, 2))]
)
def test_wrong_arrays_are_refused(values):
    with pytest.raises(StoreError, match="values"):
        frame(arrays={"values": values})


def test_ase_names_become_results():
    stress = np.array([[1.0, 0.1, 0.2], [0.1, 2.0, 0.3], [0.2, 0.3, 3.0]])
    text = frame({"energy": -1.5, "stress": stress.ravel()}, {"forces": np.ones((2, 3))})
    atoms = read(text)
    assert atoms.get_potential_energy() == -1.5
    assert atoms.get_stress().tolist() == [1.0, 2.0, 3.0, 0.3, 0.2, 0.1]
    assert np.array_equal(atoms.get_forces(), np.ones((2, 3)))


def test_atoms_keep_momenta_tags_and_fixed_atoms(tmp_path):
    atoms = molecule("H2O", vacuum=3.0, pbc=True, tags=[1, 2, 3])
    atoms.set_momenta(np.random.default_rng(0).normal(size=(3, 3)))
    atoms.set_constraint(FixAtoms([0, 2]))
    (tmp_path / "x").write_text(format_atoms(atoms))
    back = read_atoms(tmp_path / "x")
    assert back == atoms
    assert bits(back.get_momenta()) == bits(atoms.get_momenta())
    assert back.get_tags().tolist() == [1, 2, 3]
    assert back.constraints[0].index.tolist() == [0, 2]


def test_other_constraints_are_refused():
    atoms = Atoms("H", constraint=FixedPlane(0, (0, 0, 1)))
    with pytest.raises(StoreError, match="FixedPlane"):
        format_atoms(atoms)


def test_a_kill_at_any_byte_loses_at_most_the_last_frame(tmp_path):
    path = tmp_path / "x"
    first, second = frame(n=1), frame(n=2)
    data = (first + second).encode()
    for size in range(len(data)):
        path.write_bytes(data[:size])
        assert list(iterate_frames(path)) == ([first] if size >= len(first) else [])


@pytest.mark.parametrize("count", ["200000", "-1", "two", "1" * 5000])
def test_a_damaged_count_is_not_taken_for_a_torn_frame(tmp_path, count):
    (tmp_path / "x").write_text(frame() + frame().replace("2", count, 1) + frame())
    with pytest.raises(StoreError):
        list(iterate_frames(tmp_path / "x"))


def test_damaged_numbers_name_the_file(tmp_path):
    (tmp_path / "x").write_text(frame().replace("3.0", "3.x"))
    with pytest.raises(StoreError, match="damaged"):
        read_atoms(tmp_path / "x")


@pytest.mark.parametrize("count", ["99999999", "999999999999999999", "9" * 40])
def test_a_frame_that_promises_columns_without_end_is_refused_at_once(count: str) -> None:
    text = f'1\nProperties=species:S:1:pos:R:{count} pbc="F F F"\nH 0.0 0.0 0.0\n'
    with pytest.raises(StoreError, match=r"promises \d+ columns, more than its first atom has"):
        parse_frame(text, "frame 3")
