"""Where metal atoms are: faces, adatoms, ions in water and in salts."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import add_adsorbate, bcc100, bcc110, bulk, fcc100, fcc111, hcp0001, molecule

from aofl.analysis.metal import MetalState, metal_states
from aofl.chemistry.graph import connect

BULK, SURFACE = MetalState.BULK, MetalState.SURFACE
ADATOM, DISSOLVED = MetalState.ADATOM, MetalState.DISSOLVED


def states(atoms: Atoms) -> list[int]:
    return metal_states(connect(atoms)).tolist()


@pytest.mark.parametrize("element", ["Li", "Na", "K", "Al", "Cu", "Mg"])
def test_all_atoms_of_a_crystal_are_bulk(element):
    assert set(states(bulk(element))) == {BULK}


@pytest.mark.parametrize(
    ("face", "element", "site"),
    [(bcc100, "Na", "hollow"), (bcc110, "Na", "longbridge"), (fcc100, "Al", "hollow"),
     (fcc111, "Al", "fcc"), (hcp0001, "Mg", "fcc")],
)  # fmt: skip
def test_faces_and_adatoms(face, element, site):
    slab = face(element, (3, 3, 5), vacuum=9.0)
    found = np.array(states(slab)).reshape(5, 9)
    assert (found[[0, -1]] == SURFACE).all()
    assert (found[1:-1] == BULK).all()
    add_adsorbate(slab, element, 2.2, site)
    assert states(slab)[-1] == ADATOM


def test_thermal_motion_does_not_melt_the_slab_in_name():
    slab = bcc100("Na", (3, 3, 6), vacuum=9.0)
    slab.rattle(0.25, seed=4)  # rms of Na at 300 K, per direction
    found = np.array(states(slab)).reshape(6, 9)
    assert set(found[[0, -1]].ravel()) == {SURFACE}
    assert np.mean(found[2:4] == BULK) > 0.9


def test_ions_have_left_the_metal():
    water = [molecule("H2O") for _ in range(4)]
    for k, one in enumerate(water):
        one.rotate(180, "x")
        one.positions += (
            2.4 * np.array([[1, 1, 1], [-1, -1, 1], [1, -1, -1], [-1, 1, -1]])[k] / 3**0.5
        )
    hydrated = sum(water, Atoms("Na"))
    assert states(hydrated)[0] == DISSOLVED
    for salt, a in (("NaF", 4.63), ("NaH", 4.89), ("LiF", 4.03), ("KCl", 6.29)):
        crystal = bulk(salt, "rocksalt", a=a, cubic=True)
        assert set(states(crystal)) == {DISSOLVED, MetalState.NOT_METAL}
        crystal.rattle(0.1, seed=1)
        assert set(states(crystal)) == {DISSOLVED, MetalState.NOT_METAL}


def test_sodium_oxide_with_its_close_cations_is_no_metal():
    oxide = bulk("CaF2", "fluorite", a=5.55)
    oxide.set_chemical_symbols(["O", "Na", "Na"])
    contacts = metal_states(connect(oxide))
    assert contacts.tolist() == [MetalState.NOT_METAL, DISSOLVED, DISSOLVED]


def test_one_adsorbed_molecule_does_not_pull_an_atom_out_of_the_surface():
    slab = bcc100("Na", (3, 3, 4), vacuum=9.0)
    add_adsorbate(slab, molecule("H2O"), 2.4, "ontop")
    assert set(states(slab)[27:36]) == {SURFACE}
