"""Radial distributions of cases with a known answer: ideal gas, layers of gas, crystals."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bcc100, bulk, molecule

from aofl.analysis.structure import (
    RadialSums,
    first_shell,
    overlap,
    radial_distributions,
    radial_sums,
)


def sums(atoms: Atoms, r_max: float = 6.0, n_bins: int = 60) -> RadialSums:
    return radial_sums(
        atoms.numbers,
        atoms.get_chemical_symbols(),
        atoms.positions,
        atoms.cell.array,
        atoms.pbc,
        r_max=r_max,
        n_bins=n_bins,
    )


def ideal_gas(n: int, cell: np.ndarray, rng: np.random.Generator) -> Atoms:
    return Atoms(f"Na{n}", positions=rng.random((n, 3)) @ cell, cell=cell, pbc=True)


TRICLINIC = np.array([[14.0, 0, 0], [4.0, 13.0, 0], [-3.0, 2.0, 12.0]])


def test_an_ideal_gas_in_a_triclinic_cell_has_g_of_one_less_the_atom_itself():
    rng = np.random.default_rng(1)
    n = 200
    total = sums(ideal_gas(n, TRICLINIC, rng))
    for _ in range(19):
        total += sums(ideal_gas(n, TRICLINIC, rng))
    g = radial_distributions(total)["Na", "Na"].g[15:]
    assert total.n_frames == 20
    assert g.mean() == pytest.approx(1 - 1 / n, abs=0.01)
    assert g.std() < 0.05


def test_layers_of_gas_leave_no_trace_in_the_g_of_a_slab():
    """Two sharp layers 3 Å apart, random within: a bulk formula gives a jump at 3 Å, ours none."""
    rng = np.random.default_rng(2)
    cell = np.diag([20.0, 20.0, 40.0])
    total: RadialSums | None = None
    for _ in range(30):
        positions = rng.random((200, 3)) * [20, 20, 0.0]
        positions[:, 2] = np.repeat([11.0, 14.0], 100)
        atoms = Atoms("Na100F100", positions=positions, cell=cell, pbc=(1, 1, 0))
        total = sums(atoms) if total is None else total + sums(atoms)
    assert total is not None
    found = radial_distributions(total)
    assert found["F", "Na"].g[:28] == pytest.approx(0.0)
    assert found["F", "Na"].g[33:].mean() == pytest.approx(1.0, abs=0.01)
    assert found["Na", "Na"].g[10:].mean() == pytest.approx(0.99, abs=0.01)
    assert np.abs(found["F", "Na"].g[33:] - 1.0).max() < 0.1


def test_a_slab_is_the_same_whichever_axis_is_open():
    slab = bcc100("Na", (3, 3, 4), a=4.29, vacuum=8.0, periodic=True)
    slab.pbc = (True, True, False)
    turned = slab.copy()
    turned.positions = slab.positions[:, [2, 0, 1]]
    turned.cell = slab.cell.array[[2, 0, 1]][:, [2, 0, 1]]
    turned.pbc = (False, True, True)
    a, b = (radial_distributions(sums(atoms))["Na", "Na"] for atoms in (slab, turned))
    assert a.g == pytest.approx(b.g, abs=1e-9)
    assert np.isfinite(a.g).all()


def test_a_cluster_has_coordination_numbers_but_no_g():
    cluster = bulk("Na", cubic=True, a=4.29) * 3
    cluster.pbc = False
    found = radial_distributions(sums(cluster))["Na", "Na"]
    assert np.isnan(found.g).all()
    assert first_shell(found) is None
    assert 4 < found.n_second[40] < 8  # at 4.05 Å, fewer than the 8 of the bulk


@pytest.mark.parametrize("cells", [1, 3])
def test_the_shells_of_rock_salt_also_in_a_cell_smaller_than_the_reach(cells: int):
    a = 4.633
    crystal = bulk("NaF", "rocksalt", a=a) * cells
    found = radial_distributions(sums(crystal))
    pair = found["F", "Na"]
    assert pair.n_second[int(0.6 * a / 0.1)] == pytest.approx(6)  # past a / 2
    assert found["Na", "Na"].n_second[int(0.8 * a / 0.1)] == pytest.approx(12)  # past a / sqrt 2
    shell = first_shell(pair)
    assert shell is not None
    assert shell.peak == pytest.approx(a / 2, abs=0.1)
    assert (shell.n_second, shell.n_first) == pytest.approx((6, 6))


def test_both_sides_of_an_unequal_pair():
    fluorite = bulk("Na2O", crystalstructure="fluorite", a=5.55)
    fluorite.set_chemical_symbols(["O", "Na", "Na"])
    shell = first_shell(radial_distributions(sums(fluorite * 2))["Na", "O"])
    assert shell is not None
    assert shell.n_second == pytest.approx(4)  # O around Na
    assert shell.n_first == pytest.approx(8)  # Na around O


def test_a_warm_bcc_metal_has_a_first_shell_of_fourteen():
    sodium = bulk("Na", cubic=True, a=4.29) * 4
    total: RadialSums | None = None
    for seed in range(8):
        warm = sodium.copy()
        warm.rattle(0.28, rng=np.random.default_rng(seed))
        total = sums(warm) if total is None else total + sums(warm)
    assert total is not None
    shell = first_shell(radial_distributions(total)["Na", "Na"])
    assert shell is not None
    assert shell.n_second == pytest.approx(14, abs=0.7)
    assert shell.peak == pytest.approx(3.7, abs=0.25)


def test_an_element_that_appears_later_is_counted_in_its_own_frames():
    rng = np.random.default_rng(3)
    gas = ideal_gas(30, TRICLINIC, rng)
    mixed = gas.copy()
    mixed.symbols[:10] = "F"
    total = sums(gas) + sums(mixed)
    assert total.n_centres == {"F": 10, "Na": 50}
    assert total.counts["F", "Na"] == pytest.approx(sums(mixed).counts["F", "Na"])


def test_the_bond_of_a_molecule_is_a_shell_of_its_own():
    """O-H at 0.97 Å, other waters far: two H around each O, nothing after or far after."""
    for spacing in (12.0, 5.0):
        box = molecule("H2O")
        box.center()
        box.cell = np.eye(3) * spacing
        box.pbc = True
        shell = first_shell(radial_distributions(sums(box * 2))["H", "O"])
        assert shell is not None
        assert shell.peak == pytest.approx(0.97, abs=0.06)
        assert shell.n_first == pytest.approx(2.0)
        assert shell.n_second == pytest.approx(1.0)


def pair_at(*distances: float):
    """Return the distribution of two atoms that were that far apart in as many frames."""
    frames = [Atoms("HO", [[0, 0, 0], [0, 0, d]], cell=[20] * 3, pbc=True) for d in distances]
    total = sums(frames[0])
    for frame in frames[1:]:
        total += sums(frame)
    return radial_distributions(total)["H", "O"]


def test_the_overlap_is_the_part_that_two_distributions_share():
    one = pair_at(1.05, 2.05)
    assert overlap(one, one) == 1.0
    assert overlap(pair_at(1.05), pair_at(2.05)) == 0.0
    near, far = one.g[10], one.g[20]  # shared is half of the near peak's double, and no far one
    expected = 1 - (near + far) / (3 * near + far)
    assert overlap(pair_at(1.05), one) == pytest.approx(expected)
    assert overlap(one, pair_at(1.05)) == pytest.approx(expected)
    assert overlap(pair_at(7.0), pair_at(7.0)) is None  # nothing within reach
