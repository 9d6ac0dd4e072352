"""Densities along the normal: a crystal's own density, any angle of the cell, both boundaries."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from aofl.analysis.profile import density_profiles, profile_sums
from aofl.chemistry.normal import Heights, heights, normal_axis


def layer_of(atoms: Atoms) -> Heights:
    layer = heights(atoms.positions, atoms.cell.array, atoms.pbc)
    assert layer is not None
    return layer


@pytest.mark.parametrize(
    ("pbc", "axis"),
    [((1, 1, 1), 2), ((1, 1, 0), 2), ((0, 1, 1), 0), ((1, 0, 1), 1), ((0, 0, 1), 2)],
)
def test_the_normal_is_the_open_direction(pbc: tuple[int, int, int], axis: int):
    assert normal_axis(np.array(pbc, dtype=bool)) == axis


def test_the_density_of_a_bulk_crystal_in_a_triclinic_cell():
    sodium = bulk("Na", a=4.2) * (3, 3, 6)
    layer = layer_of(sodium)
    assert layer.area * (layer.period or 0) == pytest.approx(sodium.get_volume())
    z, rho = density_profiles(profile_sums(sodium.get_chemical_symbols(), layer, 0.05))
    widths = np.gradient(z)
    assert (rho["Na"] * widths).sum() * layer.area == pytest.approx(len(sodium), rel=0.02)
    assert (layer.z >= 0).all()
    assert (layer.z < layer.period).all()


def test_a_uniform_slab_between_open_boundaries_and_the_mean_over_frames():
    rng = np.random.default_rng(5)
    cell = np.diag([10.0, 10.0, 30.0])
    total = None
    for _ in range(20):
        atoms = Atoms(
            "O1000",
            positions=rng.random((1000, 3)) * [10, 10, 8] - [0, 0, 3],
            cell=cell,
            pbc=(1, 1, 0),
        )
        one = profile_sums(atoms.get_chemical_symbols(), layer_of(atoms), 1.0)
        total = one if total is None else total + one
    assert total is not None
    z, rho = density_profiles(total)
    assert z[0] == pytest.approx(-2.5)  # nothing is wrapped along an open direction
    assert z[-1] == pytest.approx(4.5)
    assert rho["O"] == pytest.approx(np.full(8, 1000 / 800), rel=0.05)


def test_the_last_slice_of_a_period_is_only_as_thick_as_what_is_left():
    atoms = Atoms("Na2", positions=[[0, 0, 0.5], [0, 0, 2.2]], cell=[2, 2, 2.5], pbc=True)
    z, rho = density_profiles(profile_sums(["Na", "Na"], layer_of(atoms), 1.0))
    assert z == pytest.approx([0.5, 1.5, 2.25])
    assert rho["Na"] == pytest.approx([0.25, 0.0, 1 / (4 * 0.5)])


def test_a_molecule_has_no_layers():
    assert heights(np.zeros((1, 3)), np.zeros((3, 3)), np.zeros(3, dtype=bool)) is None
