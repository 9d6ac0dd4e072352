"""Bonds against a brute-force sum over images; hysteresis, hydrogens, contacts, any cell."""

import itertools

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, make_supercell, molecule

from aofl.chemistry.graph import clusters, connect, connect_covalent, molecules
from aofl.chemistry.limits import (
    COVALENT,
    IONIC,
    KINDS,
    METALLIC,
    ChemistrySettings,
    PairLimits,
    limit_table,
)
from aofl.errors import ConfigError, StructureError

CELLS = {
    "orthorhombic": [[6, 0, 0], [0, 5, 0], [0, 0, 7]],
    "skewed": [[6, 0, 0], [3, 5, 0], [-2, 4, 6]],
    "unreduced": [[8, 0, 0], [11, 8, 0], [3, 10, 9]],
    "smaller than the cutoff": [[2.6, 0, 0], [0.4, 2.9, 0], [0, 0.7, 3.1]],
}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def hydroxide(distance: float) -> Atoms:
    return Atoms("OH", [[0, 0, 0], [0, 0, distance]])


def n_bonds(atoms: Atoms, previous=None) -> int:
    return len(connect(atoms, previous=previous).pairs)


def brute_force(atoms: Atoms) -> list[tuple[int, int, float]]:
    """All pairs below the limit halfway between forming and breaking, image by image."""
    table = limit_table(ChemistrySettings())
    reach = [range(-6, 7) if periodic else (0,) for periodic in atoms.pbc]
    found = []
    for shift in itertools.product(*reach):
        offset = np.array(shift) @ atoms.cell.array
        for i, j in itertools.product(range(len(atoms)), repeat=2):
            if i > j or (i == j and shift <= (0, 0, 0)):
                continue
            z, w = atoms.numbers[[i, j]]
            distance = np.linalg.norm(atoms.positions[j] + offset - atoms.positions[i])
            if distance < 0.5 * (table.form[z, w] + table.break_[z, w]):
                found.append((i, j, round(float(distance), 9)))
    return sorted(found)


@pytest.mark.parametrize("pbc", [(1, 1, 1), (1, 0, 1), (0, 0, 1), (0, 0, 0)])
@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_pairs_are_those_of_brute_force_for_any_cell_and_boundary(cell, pbc, rng):
    atoms = Atoms("Na2P2S2", cell=cell, pbc=pbc)
    atoms.set_scaled_positions(rng.uniform(-1.5, 1.5, (6, 3)))
    bonds = connect(atoms)
    table = bonds.where(bonds.kinds != IONIC)  # contacts have a rule of their own
    got = [
        (int(i), int(j), round(float(d), 9))
        for (i, j), d in zip(table.pairs, table.distances, strict=True)
    ]
    kinds = KINDS[atoms.numbers[:, None], atoms.numbers[None, :]]
    expected = [pair for pair in brute_force(atoms) if kinds[pair[0], pair[1]] != IONIC]
    assert sorted(got) == expected


def test_shifts_lead_from_the_first_atom_to_the_image_of_the_second(rng):
    atoms = Atoms("C4O4", cell=CELLS["skewed"], pbc=True)
    atoms.set_scaled_positions(rng.uniform(-1.5, 1.5, (8, 3)))
    bonds = connect(atoms)
    i, j = bonds.pairs.T
    vectors = atoms.positions[j] + bonds.shifts @ atoms.cell.array - atoms.positions[i]
    assert len(i) > 0
    assert (i <= j).all()
    np.testing.assert_allclose(vectors, bonds.vectors, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), bonds.distances)


@pytest.mark.parametrize(
    ("atoms", "ionic", "metallic"),
    [
        (bulk("NaF", "rocksalt", a=4.63), 6, None),
        (bulk("NaCl", "rocksalt", a=5.64), 6, None),
        (bulk("LiF", "rocksalt", a=4.03), 6, None),
        (bulk("KF", "rocksalt", a=5.35), 6, None),
        (bulk("Na", "bcc", a=4.23), 0, 14),
        (bulk("Al", "fcc", a=4.05), 0, 12),
        (bulk("Mg"), 0, 12),
    ],
    ids=["NaF", "NaCl", "LiF", "KF", "Na", "Al", "Mg"],
)
def test_coordination_in_the_smallest_cell_counts_images(atoms, ionic, metallic):
    for cell in (atoms, make_supercell(atoms, 3 * np.eye(3))):
        bonds = connect(cell)
        assert set(bonds.coordination(IONIC)) == {ionic}
        assert not bonds.coordination(COVALENT).any()
        if metallic is not None:
            assert set(bonds.coordination(METALLIC)) == {metallic}


def test_hysteresis_keeps_a_stretched_bond_and_does_not_make_one():
    bonded, apart = connect(hydroxide(0.97)), connect(hydroxide(2.0))
    assert n_bonds(hydroxide(1.19), apart) == 1
    assert n_bonds(hydroxide(1.21), apart) == 0
    assert n_bonds(hydroxide(1.44), bonded) == 1
    assert n_bonds(hydroxide(1.46), bonded) == 0
    assert n_bonds(hydroxide(1.30), connect(hydroxide(1.46), previous=bonded)) == 0


def test_a_bond_lasts_while_its_atoms_are_wrapped_through_the_boundary():
    first = Atoms("OH", [[5.6, 1, 1], [6.6, 1, 1]], cell=[6, 6, 6], pbc=True)
    bonds = connect(first)
    stretched = first.copy()
    stretched.positions[1, 0] = 7.0
    stretched.wrap()
    again = connect(stretched, previous=bonds)
    assert (again.shifts != bonds.shifts).any()
    assert again.covalent == {(0, 1)}
    assert connect(stretched, previous=connect(hydroxide_apart(first))).covalent == set()


def hydroxide_apart(atoms: Atoms) -> Atoms:
    apart = atoms.copy()
    apart.positions[1] += [2, 2, 2]
    return apart


def test_each_image_of_a_pair_has_its_own_hysteresis():
    def chain(length: float) -> Atoms:
        return Atoms("C", cell=[length, 9, 9], pbc=[True, False, False])

    close, far = connect(chain(1.5)), connect(chain(4.0))
    assert [len(close.pairs), len(far.pairs)] == [1, 0]
    assert n_bonds(chain(2.2), close) == 1
    assert n_bonds(chain(2.2), far) == 0


def test_a_proton_in_flight_belongs_to_one_side():
    def shared(x: float) -> Atoms:
        return Atoms("OHO", [[0, 0, 0], [x, 0, 0], [2.3, 0, 0]])

    left = connect(shared(0.97))
    assert left.covalent == {(0, 1)}
    middle = connect(shared(1.15), previous=left)
    assert middle.covalent == {(0, 1)}, "the owner keeps it while neither is clearly nearer"
    right = connect(shared(1.33), previous=middle)
    assert right.covalent == {(1, 2)}
    assert connect(shared(1.15), previous=right).covalent == {(1, 2)}


def test_bifluoride_shares_its_proton():
    bonds = connect(Atoms("FHF", [[0, 0, 0], [1.15, 0, 0], [2.30, 0, 0]]))
    assert bonds.covalent == {(0, 1), (1, 2)}


def test_atoms_without_a_free_electron_pair_make_no_contact():
    water = molecule("H2O")
    ion = Atoms("Na", [water.positions[0] + [0, 0, 2.3]])
    bonds = connect(water + ion)
    contacts = bonds.pairs[bonds.kinds == IONIC]
    assert contacts.tolist() == [[0, 3]]  # not its hydrogens, 2.8 Å away
    lone = Atoms("NaH", [[0, 0, 0], [2.4, 0, 0]])
    assert connect(lone).pairs.tolist() == [[0, 1]]


def test_molecules_leave_metal_out_and_clusters_take_it_in():
    water = molecule("H2O")
    pair = water + Atoms("Na", [water.positions[0] + [0, 0, 2.3]]) + Atoms("Ar", [[20, 0, 0]])
    bonds = connect(pair)
    assert [part.tolist() for part in molecules(bonds)] == [[0, 1, 2], [4]]
    assert [part.tolist() for part in clusters(bonds)] == [[0, 1, 2, 3], [4]]
    without = clusters(bonds, members=pair.numbers != 11)
    assert [part.tolist() for part in without] == [[0, 1, 2], [4]]


def test_covalent_bonds_alone_are_those_among_all(rng):
    atoms = Atoms("Na6C4O4H8", cell=CELLS["unreduced"], pbc=True)
    before, fast = None, None
    for _ in range(5):
        atoms.set_scaled_positions(rng.uniform(-1, 1, (22, 3)))
        before = connect(atoms, previous=before)
        fast = connect_covalent(atoms, bonded=None if fast is None else fast.pairs)
        expected = before.of_kind(COVALENT)
        np.testing.assert_array_equal(fast.pairs, expected.pairs)
        np.testing.assert_allclose(fast.distances, expected.distances)


def test_the_cell_of_each_frame_is_its_own():
    atoms = Atoms("OH", [[0.2, 1, 1], [5.7, 1, 1]], cell=[6.5, 6, 6], pbc=True)
    assert connect(atoms).covalent == {(0, 1)}
    atoms.cell[0, 0] = 8.0
    assert connect(atoms).covalent == set()


def test_limits_of_a_pair_can_be_set_and_are_checked():
    wide = ChemistrySettings(limits=(PairLimits(elements=("H", "O"), form=1.5, break_=1.8),))
    assert connect(hydroxide(1.6), wide).covalent == {(0, 1)}
    with pytest.raises(ConfigError, match="forms below 2 Å and breaks above 1 Å"):
        limit_table(
            ChemistrySettings(limits=(PairLimits(elements=("H", "O"), form=2.0, break_=1.0),))
        )
    with pytest.raises(ConfigError, match="'Xx', which is no element"):
        limit_table(
            ChemistrySettings(limits=(PairLimits(elements=("Xx", "O"), form=1.0, break_=1.0),))
        )


def test_nonsense_is_refused():
    with pytest.raises(StructureError, match="not finite"):
        connect(hydroxide(np.nan))
    with pytest.raises(StructureError, match="other atoms"):
        connect(molecule("H2O"), previous=connect(hydroxide(1.0)))
    with pytest.raises(StructureError, match="has 2 atoms"):
        connect_covalent(hydroxide(1.0), bonded=np.array([[0, 5]]))


def test_no_atoms_and_metal_alone_have_no_molecules():
    assert molecules(connect(bulk("Na"))) == []
    assert len(connect_covalent(bulk("Na")).pairs) == 0
    assert molecules(connect(Atoms())) == []


def test_atoms_of_a_noble_gas_bond_to_nothing():
    dense = Atoms("ArArHeONe", [[0, 0, 0], [2.3, 0, 0], [4.0, 0, 0], [6.0, 0, 0], [7.4, 0, 0]])
    assert len(connect(dense).pairs) == 0
