"""CP2K itself: a metal, and a water on it. Skipped only where CP2K is not installed."""

import os
import shutil
import signal
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.build import bulk
from ase.constraints import FixAtoms

from aofl.config.references import Cp2kConfig
from aofl.reference import LabelLimits
from aofl.reference.codes.cp2k import Cp2kReference
from aofl.reference.codes.cp2k_output import read_report
from aofl.reference.gate import believed_label
from aofl.reference.spot_check import numerical_force

FRAMES = Path(__file__).parents[3] / "benchmarks" / "data" / "aimd_cp2k_na16_h2o_start.extxyz.gz"

pytestmark = [
    pytest.mark.cp2k,
    pytest.mark.skipif(shutil.which("cp2k_shell") is None, reason="CP2K is not installed"),
]


@pytest.fixture
def reference(tmp_path):
    made = Cp2kReference(Cp2kConfig(name="cp2k"), tmp_path)
    yield made
    made.close()


def test_sodium_metal(reference):
    atoms = bulk("Na", "bcc", a=4.2, cubic=True) * 2
    atoms.rattle(0.1, seed=1)
    label = believed_label(reference, atoms, limits=LabelLimits())
    # The same cell of perfect bcc gives -6.218 eV per atom without, and -6.22 with rattling.
    assert label.energy / 16 == pytest.approx(-6.2, abs=0.15)
    assert np.abs(label.forces.sum(axis=0)).max() < 1e-3
    assert 0.05 < np.abs(label.forces).max() < 1.0
    assert label.attempts == 1
    assert np.abs(label.charges).max() < 0.05


def test_water_on_sodium(reference):
    atoms = ase.io.read(FRAMES, index=-1)
    recorded = atoms.arrays["REF_forces"]
    label = believed_label(reference, atoms, limits=LabelLimits())
    # Another program drove CP2K when these forces were recorded, from another wave function.
    assert np.abs(label.forces - recorded).max() < 0.02
    assert label.energy == pytest.approx(atoms.info["REF_energy"], abs=1e-3)
    assert np.abs(label.forces.sum(axis=0)).max() < 0.05
    assert label.charges[16] == pytest.approx(-0.3, abs=0.1)
    assert label.charges.sum() == pytest.approx(0.0, abs=0.05)
    # The next labels begin from this one's wave functions, in the same process. Checked is the
    # largest component of each element: one that is zero by symmetry would prove nothing.
    for element in ("O", "H", "Na"):
        sizes = np.abs(label.forces) * (atoms.symbols == element)[:, None]
        atom, axis = np.unravel_index(sizes.argmax(), sizes.shape)
        slope = numerical_force(reference.label, atoms, int(atom), int(axis), step=0.005)
        assert abs(slope) > 0.1, element
        assert label.forces[atom, axis] == pytest.approx(slope, abs=5e-3), element
    assert reference._n_sessions == 1
    # Frozen layers change nothing: the forces on them are those of free atoms.
    atoms.set_constraint(FixAtoms(range(8)))
    fixed = reference.label(atoms)
    assert np.abs(fixed.forces - label.forces).max() < 5e-3
    assert np.abs(fixed.forces[:8]).max() > 5e-3
    cycles = [read_report(p.read_text()).cycles for p in sorted(reference._where.glob("*.out"))]
    assert max(cycles) < 10


def test_an_scf_without_enough_cycles_is_tried_again(tmp_path):
    reference = Cp2kReference(Cp2kConfig(name="cp2k", max_iterations=3), tmp_path)
    atoms = bulk("Na", "bcc", a=4.2) * (2, 2, 1)  # a cell that is not orthogonal
    label = reference.label(atoms)
    reference.close()
    assert label.attempts > 1
    assert np.abs(label.forces).max() < 1e-3


def test_a_killed_and_a_stopped_process_each_cost_one_attempt(tmp_path):
    reference = Cp2kReference(Cp2kConfig(name="cp2k", timeout_s=20.0), tmp_path)
    atoms = bulk("Na", "bcc", a=4.2, cubic=True)
    atoms.rattle(0.1, seed=1)
    whole = reference.label(atoms)
    for number in (signal.SIGKILL, signal.SIGSTOP):
        os.kill(reference._session.shell._process.pid, number)
        label = reference.label(atoms)
        assert label.attempts == 2, number
        assert np.abs(label.forces - whole.forces).max() < 1e-3
        assert label.energy == pytest.approx(whole.energy, abs=1e-4)
        assert reference.label(atoms).attempts == 1
    assert "SCF run converged" in reference.evidence()["cp2k.out"]
    reference.close()
