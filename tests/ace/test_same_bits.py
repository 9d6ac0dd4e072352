"""A kernel just compiled and the same kernel from the cache give the same bits, as threads do.

A run that is killed on its first day on a machine resumes with cached kernels; if they rounded
differently it would leave its path.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import hashlib
import numpy as np
from ase.build import bulk
from aofl.ace.evaluate import energy_forces, force_rows, shape_weights
from aofl.forcefield.model import ForceField
from aofl.structure import Structure

atoms = bulk("Cu", "fcc", a=3.7, cubic=True) * (2, 1, 1)
atoms.numbers[0] = 13
atoms.rattle(0.1, rng=np.random.default_rng(0))
field = ForceField(["Cu", "Al"], "standard")
seen = field._expand(Structure.of(atoms))
weights = shape_weights(field.basis, np.linspace(-1, 1, field.basis.n_columns))
forces = energy_forces(field.basis, weights, seen.neighbors, seen.species).forces
rows = force_rows(field.basis, seen, np.arange(8))
print(hashlib.sha256(forces.tobytes() + rows.tobytes()).hexdigest())
"""


def test_compiled_and_cached_kernels_agree_to_the_last_bit(tmp_path: Path) -> None:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_NUM_THREADS": "1"}
    digests = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        ).stdout
        for _ in range(2)
    }
    assert len(digests) == 1
    assert any(tmp_path.rglob("*.nbi")), "nothing was cached, so nothing was compared"


BASIS = """
import hashlib
from aofl.forcefield.model import ForceField
basis = ForceField(["Na", "O", "H"], "standard").basis
print(hashlib.sha256(basis.pair_table.tobytes() + basis.table.tobytes()).hexdigest())
"""


def test_a_basis_depends_on_no_number_of_threads() -> None:
    free = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
    digests = {
        subprocess.run(
            [sys.executable, "-c", BASIS],
            env=free | said, capture_output=True, text=True, check=True, timeout=300,
        ).stdout
        for said in ({}, {"OPENBLAS_NUM_THREADS": "1"}, {"OPENBLAS_NUM_THREADS": "2"})
    }  # fmt: skip
    assert len(digests) == 1
