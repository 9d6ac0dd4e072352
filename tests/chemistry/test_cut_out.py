"""Cut-outs: the forces of the core are those of the whole, molecules whole, electrons in pairs."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bcc100, bulk, fcc111, molecule
from ase.calculators.lj import LennardJones

from aofl.chemistry.cut_out import CutOut, cut_out
from aofl.chemistry.graph import connect_covalent, molecules
from aofl.structure import Structure

MARGIN, VACUUM = 4.5, 10.0


def cut(atoms: Atoms, centre: int, max_atoms: int = 60, margin: float = MARGIN) -> CutOut:
    return cut_out(Structure.of(atoms), centre, max_atoms=max_atoms, margin=margin, vacuum=VACUUM)


def as_atoms(found: CutOut) -> Atoms:
    at = found.structure
    return Atoms(at.numbers, at.positions, cell=at.cell, pbc=at.pbc)


def forces(atoms: Atoms) -> np.ndarray:
    """Return forces that end where the margin does."""
    copy = atoms.copy()
    copy.calc = LennardJones(sigma=2.4, epsilon=0.2, rc=MARGIN, smooth=False)
    return copy.get_forces()


def ions() -> Atoms:
    """Return eight NaCl pairs far from metal, chlorides 2.7 Å from their sodium."""
    pairs = Atoms(pbc=True, cell=[20, 20, 20])
    for k in range(8):
        at = 10.0 * np.array([k & 1, (k >> 1) & 1, (k >> 2) & 1]) + [1.0, 1.5, 2.0]
        pairs += Atoms("NaCl", positions=[at, at + np.array([0, 0, 2.7])])
    return pairs


def water(n: int = 3, spacing: float = 3.4, seed: int = 0) -> Atoms:
    """Return a box of n^3 water molecules, turned at random, some across its faces."""
    rng, box = np.random.default_rng(seed), Atoms(pbc=True, cell=[n * spacing] * 3)
    for place in np.ndindex(n, n, n):
        one = molecule("H2O")
        one.rotate(rng.uniform(0, 360), rng.normal(size=3))
        one.translate(spacing * np.array(place) - one.positions[0])
        box += one
    box.wrap()
    return box


STRUCTURES = {
    "crystal": bulk("Cu", cubic=True) * (4, 4, 4),
    "skewed": bulk("Cu") * (6, 6, 6),
    "slab": fcc111("Cu", (5, 5, 5), vacuum=8.0),
    "tall": bulk("Cu", cubic=True) * (2, 2, 9),
    "open": bulk("Cu", cubic=True) * (4, 4, 4),
}
STRUCTURES["open"].pbc = [True, False, False]
for rattled in STRUCTURES.values():
    rattled.rattle(0.1, rng=np.random.default_rng(3))


@pytest.mark.parametrize("name", STRUCTURES)
@pytest.mark.parametrize("max_atoms", [70, 110])
def test_the_forces_of_the_core_are_those_of_the_whole(name: str, max_atoms: int) -> None:
    atoms = STRUCTURES[name]
    whole = forces(atoms)
    for centre in np.random.default_rng(1).choice(len(atoms), 4, replace=False):
        found = cut(atoms, int(centre), max_atoms)
        here = forces(as_atoms(found))
        np.testing.assert_allclose(here[found.core], whole[found.atoms[found.core]], atol=1e-9)
        assert centre in found.atoms[found.core]
        assert len(found.core) < len(found.atoms) < len(atoms)


def test_what_is_beyond_the_core_has_other_forces() -> None:
    """The test above would pass if all forces were short-ranged enough."""
    atoms = STRUCTURES["crystal"]
    found = cut(atoms, 5)
    beyond = np.setdiff1d(np.arange(len(found.atoms)), found.core)
    off = forces(as_atoms(found)) - forces(atoms)[found.atoms]
    assert np.abs(off[beyond]).max() > 0.1


def test_a_tall_cell_is_cut_across_and_stays_periodic_in_its_plane() -> None:
    atoms = STRUCTURES["tall"]
    found = cut(atoms, 70, 80)
    assert found.cut_axes == (2,)
    np.testing.assert_allclose(found.structure.cell[:2], atoms.cell[:2])
    heights = found.structure.positions[:, 2]
    assert found.structure.cell[2, 2] == pytest.approx(np.ptp(heights) + VACUUM)
    assert heights.min() == pytest.approx(VACUUM / 2)


@pytest.mark.parametrize("margin", [4.2, 4.2 * 3**0.5 / 2])
def test_a_shell_that_lies_just_at_the_margin_is_taken(margin: float) -> None:
    perfect = bulk("Na", "bcc", a=4.2, cubic=True) * (5, 5, 5)
    for centre in (0, 7, 100):
        found = cut(perfect, centre, 60, margin=margin)
        assert centre in found.atoms[found.core]


def test_a_cube_is_cut_all_around() -> None:
    found = cut(STRUCTURES["crystal"], 0, 80)
    assert found.cut_axes == (0, 1, 2)
    assert found.structure.pbc.all()  # references that know periodic cells alone can take it


def test_an_atom_may_be_there_as_two_images() -> None:
    """A cell narrower than the cut-out: what is on both sides of the centre is the same atom."""
    found = cut(bulk("Cu", cubic=True) * (2, 2, 2), 0, 31, margin=3.2)
    assert len(found.atoms) > len(np.unique(found.atoms))


def test_molecules_stay_whole_across_the_faces_of_the_cell() -> None:
    box = water()
    assert len(molecules(connect_covalent(box))) == 27
    for centre in (0, 40, 80):
        part = as_atoms(cut(box, centre, 30, margin=3.0))
        found = molecules(connect_covalent(part))
        assert [sorted(part.numbers[m]) for m in found] == [[1, 1, 8]] * len(found)
        part.pbc = False  # nothing reaches around
        assert len(molecules(connect_covalent(part))) == len(found)


def test_no_more_atoms_than_may_be_unless_the_margin_needs_them() -> None:
    box = water(4)
    assert len(cut(box, 0, 45, margin=2.5).atoms) == 45
    needed = cut(box, 0, 10, margin=MARGIN)
    assert len(needed.atoms) > 10
    assert 0 in needed.atoms[needed.core]


def test_metal_has_electrons_in_pairs() -> None:
    slab = bcc100("Na", (5, 5, 6), a=4.2, vacuum=6.0)
    for n in range(40, 50):
        found = cut(slab, 80, n)
        assert found.structure.numbers.sum() % 2 == 0
        assert 80 in found.atoms[found.core]


def test_ions_without_metal_balance_one_another() -> None:
    salt = ions()
    for centre in range(4):
        for n in (2, 3, 5):
            found = cut(salt, centre, n, margin=2.0)
            numbers = found.structure.numbers
            assert np.sum(numbers == 11) == np.sum(numbers == 17), (centre, n)
            assert centre in found.atoms


def test_metal_balances_the_charge_of_ions() -> None:
    """An anion beside the metal needs no cation of its own, only an even number of electrons."""
    slab = bcc100("Na", (4, 4, 6), a=4.2, vacuum=10.0)
    top = slab.positions[:, 2].max()
    slab += Atoms("OH", positions=[[8.4, 8.4, top + 1.9], [8.4, 8.4, top + 2.87]])
    found = cut(slab, len(slab) - 1, 40, margin=4.0)
    assert found.structure.numbers.sum() % 2 == 0
    assert {"O", "H"} <= set(as_atoms(found).get_chemical_symbols())
