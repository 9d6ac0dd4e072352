"""Cells of the stages: neutral, periodic, of the right density, from one configuration."""

from __future__ import annotations

from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms

from aofl.config import InterfaceSystem
from aofl.system import build_slab, build_system, part_cells, stage_cells
from aofl.system.bonding import bonded_pairs
from aofl.system.volumes import density_of_volume


def system(**electrolyte: object) -> InterfaceSystem:
    return InterfaceSystem.model_validate(
        {
            "electrode": {"element": "Na", "surface": "bcc100", "size": [3, 3, 4]},
            "electrolyte": electrolyte,
        }
    )


def density(atoms: Atoms) -> float:
    return density_of_volume(float(atoms.get_masses().sum()), float(atoms.get_volume()))


def test_all_stages_come_from_one_configuration() -> None:
    config = system(mixture={"EC": 1}, mol_per_L={"NaPF6": 1.0}, gap_A=14.0)
    cells = stage_cells(config, 1)
    assert list(cells) == ["bulk", "molecules", "liquid", "interface"]
    for atoms in (atoms for found in cells.values() for atoms in found):
        assert atoms.pbc.all()
    bulk = cells["bulk"][0]
    assert set(bulk.symbols) == {"Na"}
    assert bulk.get_volume() / len(bulk) == pytest.approx(4.23**3 / 2)
    formulas = {one.get_chemical_formula() for one in cells["molecules"]}
    assert formulas == {"C3H4O3", "F6NaP"}
    liquid = cells["liquid"][0]
    assert np.ptp(liquid.cell.lengths()) == 0
    assert density(liquid) == pytest.approx(1.37, abs=0.06)
    whole = build_system(config, 1).atoms
    assert np.array_equal(cells["interface"][0].positions, whole.positions)


def test_a_molecule_keeps_away_from_its_images() -> None:
    (box,) = part_cells(system(molecules={"diglyme": 1}), 1)["molecules"]
    assert np.all(box.cell.lengths() - np.ptp(box.positions, axis=0) == pytest.approx(12.0))


def test_an_ion_pair_touches_without_overlap() -> None:
    config = system(molecules={"DME": 3, "NaTFSI": 1, "Mg(TFSI)2": 1})
    pairs = part_cells(config, 1)["molecules"][1:]
    for pair, metal, n_anions in zip(pairs, ("Na", "Mg"), (1, 2), strict=True):
        center = int(np.flatnonzero(pair.symbols == metal)[0])
        distance = np.delete(pair.get_all_distances()[center], center)
        assert distance.min() == pytest.approx(2.2, abs=1e-6)
        assert np.count_nonzero(distance < 2.21) >= n_anions
        without = pair[[i for i in range(len(pair)) if i != center]]
        assert len(bonded_pairs(without)) == 14 * n_anions


def test_a_dilute_gap_still_gives_a_liquid_at_its_density() -> None:
    liquid = part_cells(system(molecules={"H2O": 2}, gap_A=9.0), 1)["liquid"][0]
    assert density(liquid) == pytest.approx(0.997, rel=1e-3)
    assert liquid.cell.lengths().min() >= 8.9


def test_an_electrode_from_a_file_is_its_own_bulk(tmp_path: Path) -> None:
    slab = build_slab(element="Na", surface="bcc110", size=(2, 2, 4))
    given = slab.copy()
    given.cell[2, 2] += 12
    path = tmp_path / "slab.extxyz"
    ase.io.write(path, given)
    config = InterfaceSystem.model_validate(
        {
            "electrode": {"structure": str(path), "frozen_layers": 2},
            "electrolyte": {"molecules": {"H2O": 3}, "gap_A": 8.0},
        }
    )
    bulk = part_cells(config, 1)["bulk"][0]
    np.testing.assert_allclose(bulk.cell.lengths(), slab.cell.lengths())
    whole = build_system(config, 1).atoms
    assert len(whole) == len(slab) + 9
    assert len(whole.constraints[0].index) == len(slab) // 2
