"""Trajectories are read by ASE with every bit, and can be cut back."""

import ase.io
import numpy as np
from ase.build import molecule

from aofl.store import Trajectory, iterate_trajectory


def append(trajectory, step):
    rng = np.random.default_rng(step)
    atoms = molecule("H2O", vacuum=3.0, pbc=(True, True, False))
    atoms.rattle(0.1, rng=rng)
    atoms.set_momenta(rng.normal(size=(3, 3)))
    forces = rng.normal(size=(3, 3))
    trajectory.append(atoms, energy=-step / 3, forces=forces, step=step, time_fs=0.1 * step)
    return atoms, forces


def test_ase_reads_the_frames_bit_for_bit(tmp_path):
    path = tmp_path / "trajectory.extxyz"
    with Trajectory(path) as trajectory:
        written = [append(trajectory, step) for step in (1, 2)]
    for (atoms, forces), back in zip(written, ase.io.read(path, index=":"), strict=True):
        assert back == atoms
        assert back.get_momenta().tobytes() == atoms.get_momenta().tobytes()
        assert back.get_forces().tobytes() == forces.tobytes()
    assert back.get_potential_energy() == -2 / 3
    assert (back.info["step"], back.info["time_fs"]) == (2, 0.2)


def test_a_torn_frame_is_passed_over_and_cut_back(tmp_path):
    path = tmp_path / "trajectory.extxyz"
    with Trajectory(path) as trajectory:
        append(trajectory, 1)
        offset = trajectory.offset
        append(trajectory, 2)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert [atoms.info["step"] for atoms in iterate_trajectory(path)] == [1]
    with Trajectory(path) as trajectory:
        trajectory.truncate(offset)
        append(trajectory, 2)
    assert path.read_bytes() == whole
