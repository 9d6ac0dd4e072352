"""Trajectories are read by ASE with every bit, grow in parts, and can be cut back anywhere."""

import gzip
import zlib

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from aofl.errors import StoreError
from aofl.store import Trajectory, count_frames, iterate_trajectory
from aofl.store.chunks import iterate_members, pack, part_path, parts


def append(trajectory, step):
    rng = np.random.default_rng(step)
    atoms = molecule("H2O", vacuum=3.0, pbc=(True, True, False))
    atoms.rattle(0.1, rng=rng)
    atoms.set_momenta(rng.normal(size=(3, 3)))
    forces = rng.normal(size=(3, 3))
    trajectory.append(atoms, energy=-step / 3, forces=forces, step=step, time_fs=0.1 * step)
    return atoms, forces


def steps(path):
    return [atoms.info["step"] for atoms in iterate_trajectory(path)]


def contents(path):
    return {part.name: part.read_bytes() for part in parts(path)}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "trajectory.extxyz"


def test_ase_reads_a_part_bit_for_bit(path):
    with Trajectory(path) as trajectory:
        written = [append(trajectory, step) for step in (1, 2)]
    (part,) = parts(path)
    assert part.name == "trajectory.0001.extxyz.gz"
    for (atoms, forces), back in zip(written, ase.io.read(part, index=":"), strict=True):
        assert back == atoms
        assert back.get_momenta().tobytes() == atoms.get_momenta().tobytes()
        assert back.get_forces().tobytes() == forces.tobytes()
    assert back.get_potential_energy() == -2 / 3
    assert (back.info["step"], back.info["time_fs"]) == (2, 0.2)


def test_masses_that_are_not_the_usual_ones_are_kept(path):
    atoms = Atoms("OH2", positions=np.eye(3), masses=[15.999, 2.014, 2.014])
    with Trajectory(path) as trajectory:
        trajectory.append(atoms, energy=0.0, forces=np.zeros((3, 3)), step=0, time_fs=0.0)
    (back,) = iterate_trajectory(path)
    assert back.get_masses().tolist() == [15.999, 2.014, 2.014]


def test_a_full_part_is_followed_by_the_next_and_all_together_are_one_file(path, tmp_path):
    with Trajectory(path, part_bytes=1000) as trajectory:
        for step in range(9):
            append(trajectory, step)
    assert len(parts(path)) > 2
    assert steps(path) == list(range(9))
    assert count_frames(path) == 9
    together = tmp_path / "all.extxyz.gz"
    together.write_bytes(b"".join(part.read_bytes() for part in parts(path)))
    assert [atoms.info["step"] for atoms in ase.io.iread(together, index=":")] == list(range(9))


def test_compression_is_worth_it(path):
    with Trajectory(path) as trajectory:
        for step in range(5):
            append(trajectory, step)
        packed = trajectory.offset
    plain = len(gzip.decompress(parts(path)[0].read_bytes()))
    assert packed < 0.65 * plain


@pytest.mark.parametrize("part_bytes", [1, 900, 10**6])
def test_cut_back_to_any_frame_and_written_again_it_is_the_same(path, part_bytes):
    offsets = []
    with Trajectory(path, part_bytes=part_bytes) as trajectory:
        for step in range(5):
            offsets.append(trajectory.offset)
            append(trajectory, step)
        whole, end = contents(path), trajectory.offset
    for first, offset in [*enumerate(offsets), (5, end)]:
        with Trajectory(path, part_bytes=part_bytes) as trajectory:
            trajectory.truncate(offset)
            assert trajectory.offset == offset
            if first:
                assert steps(path) == list(range(first))
            for step in range(first, 5):
                append(trajectory, step)
        assert contents(path) == whole


def test_a_kill_at_any_byte_of_a_frame_is_repaired(path):
    with Trajectory(path) as trajectory:
        append(trajectory, 1)
        offset = trajectory.offset
        append(trajectory, 2)
    (part,) = parts(path)
    whole = part.read_bytes()
    for size in range(offset, len(whole), 7):
        part.write_bytes(whole[:size])
        assert steps(path) == [1]
        with Trajectory(path) as trajectory:
            trajectory.truncate(offset)
            append(trajectory, 2)
        assert part.read_bytes() == whole


def test_a_plain_trajectory_of_an_older_run_is_read_and_continued(path):
    with Trajectory(path) as trajectory:
        append(trajectory, 1)
        append(trajectory, 2)
    (part,) = parts(path)
    path.write_bytes(gzip.decompress(part.read_bytes()))
    part.unlink()
    old = path.read_bytes()
    with Trajectory(path) as trajectory:
        trajectory.truncate(len(old))
        append(trajectory, 3)
        offset = trajectory.offset
        append(trajectory, 4)
        trajectory.truncate(offset)
    assert path.read_bytes() == old
    assert steps(path) == [1, 2, 3]


def test_lost_and_cut_parts_are_one_clear_sentence(path):
    with Trajectory(path, part_bytes=1) as trajectory:
        for step in range(3):
            append(trajectory, step)
        end = trajectory.offset
    part_path(path, 3).unlink()
    with Trajectory(path) as trajectory, pytest.raises(StoreError, match="one was cut or removed"):
        trajectory.truncate(end)
    part_path(path, 1).unlink()
    with pytest.raises(StoreError, match=r"trajectory\.0001\.extxyz\.gz is missing"):
        list(iterate_trajectory(path))
    with pytest.raises(StoreError, match="there is no trajectory"):
        list(iterate_trajectory(path.with_name("other.extxyz")))


def test_a_damaged_member_is_not_taken_for_a_torn_tail(path):
    with Trajectory(path) as trajectory:
        for step in range(3):
            append(trajectory, step)
    (part,) = parts(path)
    data = bytearray(part.read_bytes())
    for position in range(12, len(data) // 3, 11):
        damaged = bytearray(data)
        damaged[position] ^= 0xFF
        part.write_bytes(damaged)
        with pytest.raises(StoreError, match="damaged"):
            steps(path)


def test_a_bomb_is_refused_before_it_fills_the_memory(tmp_path):
    bomb = tmp_path / "trajectory.0001.extxyz.gz"
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb.write_bytes(packer.compress(bytes(50_000_000)) + packer.flush())
    assert bomb.stat().st_size < 60_000
    with pytest.raises(StoreError, match="unpacks to more than"):
        list(iterate_members(bomb))


def test_equal_frames_are_equal_bytes():
    assert pack(b"frame") == pack(b"frame")
    assert gzip.decompress(pack(b"frame")) == b"frame"
