"""A toy world: a warm Cu/Al crystal whose truth is ASE's effective medium theory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

from aofl.ace.basis import BasisSettings
from aofl.forcefield.model import ForceField
from aofl.forcefield.serialise import SEAL_SIZE, seal
from aofl.records import Label

TINY = BasisSettings(
    n_pair=8, pair_cutoff=5.5, n_max=4, l_max=2, cutoff=4.5, four_n=1, four_l=1, n_chebyshev=16
)
ELEMENTS = ["Cu", "Al"]


def crystal(seed: int, aluminium: tuple[int, ...] = (1, 6)) -> Atoms:
    """Return eight strained and rattled atoms."""
    rng = np.random.default_rng(seed)
    atoms = bulk("Cu", "fcc", a=3.75, cubic=True) * (2, 1, 1)
    atoms.numbers[list(aluminium)] = 13
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + rng.normal(0, 0.01, (3, 3))), scale_atoms=True)
    atoms.positions += rng.normal(0, 0.08, (8, 3))
    return atoms


def truth(atoms: Atoms, shift: float = 0.0) -> Label:
    """Return the label of a structure, its energy moved by `shift` eV per atom."""
    copy = atoms.copy()
    copy.calc = EMT()
    return Label(
        energy=copy.get_potential_energy() + shift * len(atoms),
        forces=copy.get_forces(),
        stress=copy.get_stress() if all(atoms.pbc) else None,
    )


def trained(frames: list[Atoms], shift: float = 0.0) -> ForceField:
    """Return a force field that learned the frames one by one."""
    force_field = ForceField(ELEMENTS, settings=TINY)
    for atoms in frames:
        force_field.learn(atoms, truth(atoms, shift))
    return force_field


def force_error(force_field: ForceField, frames: list[Atoms]) -> float:
    """Return the root mean square error of the force components, eV/Å."""
    errors = [force_field.predict(a).forces - truth(a).forces for a in frames]
    return float(np.sqrt(np.mean(np.square(errors))))


@contextmanager
def edited(path: Path) -> Iterator[h5py.File]:
    """Yield a model file that may be changed; its sum fits afterwards."""
    with h5py.File(path, "r+") as file:
        yield file
        is_sealed = file.userblock_size == SEAL_SIZE
    if is_sealed:  # files of before have no block in front
        seal(path)
