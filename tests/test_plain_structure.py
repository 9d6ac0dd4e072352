"""A structure holds what `Atoms` hold and stays as it was; results are the same from both."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule

from aofl.ace.basis import BasisSettings
from aofl.chemistry.contacts import new_contacts
from aofl.chemistry.graph import close_non_metals, connect, connect_covalent
from aofl.chemistry.snapshot import chemistry_snapshot
from aofl.forcefield.model import ForceField
from aofl.forcefield.rows import widest_gap
from aofl.records import Label
from aofl.structure import Structure

TINY = BasisSettings(
    n_pair=4, pair_cutoff=5.0, n_max=2, l_max=1, cutoff=4.0, four_n=1, four_l=1, n_chebyshev=16
)


def sodium_and_water(seed: int) -> Atoms:
    """Return water beside sodium in a skewed cell, some atoms outside it."""
    rng = np.random.default_rng(seed)
    atoms = bulk("Na", "bcc", a=4.2, cubic=True) * (2, 2, 1) + molecule("H2O")
    atoms.positions[-3:] += [2.0, 2.0, 7.5]
    atoms.set_cell(np.diag([8.4, 8.4, 13.0]) + rng.normal(0, 0.3, (3, 3)))
    atoms.pbc = True
    atoms.positions += rng.normal(0, 0.1, (len(atoms), 3))
    atoms.positions[::4] += atoms.cell.array[0] * rng.integers(-2, 3)
    return atoms


def label_of(atoms: Atoms) -> Label:
    rng = np.random.default_rng(1)
    forces = rng.normal(0, 1, (len(atoms), 3))
    return Label(energy=-3.0 * len(atoms), forces=forces, stress=rng.normal(0, 0.01, 6))


def contents(result: object) -> Iterator[object]:
    """Yield the values of a result, arrays as their bytes."""
    if is_dataclass(result):
        for field in fields(result):
            yield from contents(getattr(result, field.name))
    elif isinstance(result, np.ndarray):
        yield from (result.shape, result.dtype, result.tobytes())
    else:
        yield result


def is_same(first: object, second: object) -> bool:
    return list(contents(first)) == list(contents(second))


CASES = [*map(sodium_and_water, range(4)), molecule("CH3OH"), bulk("Na"), Atoms()]


@pytest.mark.parametrize("atoms", CASES, ids=lambda atoms: str(atoms.symbols))
def test_it_says_what_atoms_say(atoms: Atoms) -> None:
    structure = Structure.of(atoms)
    assert Structure.of(structure) is structure
    assert len(structure) == len(atoms)
    assert structure.symbols == atoms.get_chemical_symbols()
    assert structure.volume == atoms.cell.volume
    for name in ("numbers", "positions", "pbc"):
        assert np.array_equal(getattr(structure, name), getattr(atoms, name))
    assert np.array_equal(structure.cell, atoms.cell.array)


def test_it_stays_when_the_atoms_move_on() -> None:
    atoms = sodium_and_water(0)
    structure, before = Structure.of(atoms), atoms.copy()
    atoms.positions += 1.0
    atoms.numbers[:] = 3
    atoms.cell.array[:] *= 2.0
    atoms.pbc[:] = False
    assert is_same(structure, Structure.of(before))


@pytest.mark.parametrize("atoms", CASES[:-1], ids=lambda atoms: str(atoms.symbols))
def test_the_chemistry_is_the_same_from_both(atoms: Atoms) -> None:
    structure = Structure.of(atoms)
    close = close_non_metals(atoms)
    assert is_same(close, close_non_metals(structure))
    assert is_same(connect(atoms), connect(structure))
    assert is_same(connect_covalent(atoms), connect_covalent(structure))
    assert new_contacts(atoms, close, ()) == new_contacts(structure, close, ())
    bonded = connect_covalent(atoms).pairs[1:]
    seen = [
        chemistry_snapshot(x, bonded, since=bonded, with_species=True) for x in (atoms, structure)
    ]
    assert is_same(*seen)


def test_a_force_field_is_the_same_from_both() -> None:
    from_atoms, from_structures = (ForceField(["H", "O", "Na"], settings=TINY) for _ in range(2))
    frames = [sodium_and_water(seed) for seed in range(6)]
    for atoms in frames:
        from_atoms.learn(atoms, label_of(atoms))
        from_structures.learn(Structure.of(atoms), label_of(atoms))
    for learner, last in ((from_atoms, frames[-1]), (from_structures, Structure.of(frames[-1]))):
        learner.append(last, label_of(frames[-1]))
        learner.absorb(last, label_of(frames[-1]))
        learner.forget(last, label_of(frames[-1]))
    atoms, structure = frames[0], Structure.of(frames[0])
    for way in ("exact", "sampled"):
        said = from_atoms.predict(atoms, forces_std=way, energies_std=True)
        same = from_structures.predict(structure, forces_std=way, energies_std=True)
        assert is_same(said, same)
        deviation = from_atoms.error_deviation(atoms, said.deviations)
        assert is_same(deviation, from_structures.error_deviation(structure, same.deviations))
    assert is_same(from_atoms.environments(atoms), from_structures.environments(structure))


@pytest.mark.parametrize("pbc", [(1, 1, 1), (1, 0, 1), (0, 0, 0)])
def test_the_widest_gap_is_counted_in_the_scaled_positions_of_ase(pbc: tuple[int, ...]) -> None:
    atoms = sodium_and_water(2)
    atoms.pbc = pbc
    atoms.positions[0] = [-1e-17, 0.0, 0.0]  # its remainder would be rounded to one
    cell = atoms.cell.array
    heights = atoms.get_volume() / np.linalg.norm(
        np.cross(cell[[1, 2, 0]], cell[[2, 0, 1]]), axis=1
    )
    scaled = np.sort(atoms.get_scaled_positions(), axis=0)
    steps = np.diff(np.concatenate([scaled, scaled[:1] + 1.0]), axis=0)
    assert widest_gap(Structure.of(atoms)) == np.max(steps.max(axis=0) * heights)
