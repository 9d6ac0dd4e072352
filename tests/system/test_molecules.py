"""Molecules, ions and salts: geometry, charge, and where they come from."""

from __future__ import annotations

import sys
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms

from aofl.config import SpeciesConfig
from aofl.errors import StructureError
from aofl.system import Engines, molecule, species_names, unit
from aofl.system.bonding import bonded_pairs

FORMULAS = {  # in Hill order, and the number of bonds
    "EC": ("C3H4O3", 10), "PC": ("C4H6O3", 13), "FEC": ("C3H3FO3", 10), "VC": ("C3H2O3", 8),
    "DMC": ("C3H6O3", 11), "EMC": ("C4H8O3", 14), "DEC": ("C5H10O3", 17),
    "DOL": ("C3H6O2", 11), "DME": ("C4H10O2", 15), "diglyme": ("C6H14O3", 22),
    "tetraglyme": ("C10H22O5", 36), "THF": ("C4H8O", 13), "acetonitrile": ("C2H3N", 5),
    "H2O": ("H2O", 2), "PF6-": ("F6P", 6), "BF4-": ("BF4", 4), "ClO4-": ("ClO4", 4),
    "FSI-": ("F2NO4S2", 8), "TFSI-": ("C2F6NO4S2", 14), "OTf-": ("CF3O3S", 7),
}  # fmt: skip


def test_water_has_its_experimental_geometry() -> None:
    water = molecule("H2O")
    assert water.get_chemical_formula() == "H2O"
    assert water.get_distance(0, 1) == pytest.approx(0.9572)
    assert water.get_distance(0, 2) == pytest.approx(0.9572)
    assert water.get_angle(1, 0, 2) == pytest.approx(104.52)
    assert molecule("water") == water


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_every_molecule_has_its_formula_and_bonds(name: str) -> None:
    formula, n_bonds = FORMULAS[name]
    found = unit(name)
    atoms = molecule(name)
    assert atoms.get_chemical_formula(mode="hill") == formula
    assert len(bonded_pairs(atoms)) == n_bonds
    assert found.charge == (-1 if name.endswith("-") else 0)
    assert found.volume is not None


def test_the_list_of_names_is_complete() -> None:
    assert set(FORMULAS) | {"Li+", "Na+", "K+", "Mg2+", "Ca2+"} == set(species_names())


def test_symmetric_ions_are_symmetric() -> None:
    phosphate = molecule("PF6-")
    center = int(np.flatnonzero(phosphate.symbols == "P")[0])
    bonds = np.delete(phosphate.get_all_distances()[center], center)
    np.testing.assert_allclose(bonds, bonds.mean(), atol=2e-3)
    assert 1.58 < bonds.mean() < 1.68  # crystals: 1.58 to 1.61 Å; GFN1-xTB is a little longer


def test_other_molecules_come_from_the_g2_collection() -> None:
    ether = molecule("CH3OCH3")
    assert ether.get_chemical_formula() == "C2H6O"
    assert not ether.pbc.any()
    assert not ether.has("initial_magmoms")
    assert unit("CH3OCH3").volume is None


@pytest.mark.parametrize("cation", ["Li", "Na", "K"])
@pytest.mark.parametrize("anion", ["PF6", "BF4", "ClO4", "FSI", "TFSI", "OTf"])
def test_salts_are_neutral_pairs(cation: str, anion: str) -> None:
    salt = unit(f"{cation}{anion}")
    assert [part.name for part in salt.parts] == [f"{cation}+", f"{anion}-"]
    assert (salt.charge, salt.is_ionic) == (0, True)


def test_a_doubly_charged_cation_takes_two_anions() -> None:
    salt = unit("Mg(TFSI)2")
    assert [part.name for part in salt.parts] == ["Mg2+", "TFSI-", "TFSI-"]
    assert salt.charge == 0
    assert salt.mass == pytest.approx(24.305 + 2 * 280.14, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "nearest"), [("CH3OCH4", "CH3OCH3"), ("NaPF7", "NaPF6"), ("diglime", "diglyme")]
)
def test_an_unknown_molecule_names_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(StructureError, match=rf"{name!r} is unknown.*{nearest}"):
        molecule(name)


def test_a_molecule_of_the_users_own_comes_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.xyz"
    ase.io.write(path, molecule("CH3OCH3"))
    config = SpeciesConfig(file=str(path), density_g_per_cm3=0.7)
    mine = unit("EC", {"EC": config})
    assert mine.parts[0].atoms.get_chemical_formula() == "C2H6O"
    assert mine.volume == pytest.approx(46.069 / 0.7 / 0.602214, rel=1e-4)
    with pytest.raises(StructureError, match=r"none\.xyz is not a file"):
        unit("mine", {"mine": SpeciesConfig(file=str(tmp_path / "none.xyz"))})


class Springs:
    """A stand-in for a reference: springs to where the atoms were, so that nothing moves."""

    def __call__(self, charge: int) -> object:
        self.charge = charge
        return lambda atoms: (0.0, np.zeros((len(atoms), 3)))


def test_a_molecule_comes_from_a_smiles() -> None:
    pytest.importorskip("rdkit")
    engine = Springs()
    config = SpeciesConfig(smiles="[O-]C(=O)C")
    mine = unit("acetate", {"acetate": config}, Engines(embedded=engine))  # type: ignore[arg-type]
    assert mine.parts[0].atoms.get_chemical_formula() == "C2H3O2"
    assert mine.charge == engine.charge == -1


@pytest.mark.parametrize(
    ("smiles", "charge", "words"),
    [
        ("C1CC", None, "not a SMILES that RDKit reads"),
        ("O.O", None, "names several molecules"),
        ("O", 1, "has charge 1, its SMILES 'O' says 0"),
    ],
)
def test_a_bad_smiles_is_said(smiles: str, charge: int | None, words: str) -> None:
    pytest.importorskip("rdkit")
    config = SpeciesConfig(smiles=smiles, charge=charge)
    with pytest.raises(StructureError, match=words):
        unit("mine", {"mine": config}, Engines(embedded=Springs()))  # type: ignore[arg-type]


def test_without_rdkit_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rdkit", None)
    with pytest.raises(StructureError, match=r"pip install 'aofl\[rdkit\]'"):
        unit("mine", {"mine": SpeciesConfig(smiles="O")})


def test_a_molecule_that_falls_apart_while_relaxed_is_refused() -> None:
    pytest.importorskip("rdkit")

    def apart(charge: int) -> object:
        def push(atoms: Atoms) -> tuple[float, np.ndarray]:
            return 0.0, 5.0 * (atoms.positions - atoms.positions.mean(axis=0))

        return push

    with pytest.raises(StructureError, match="changed its bonds while 'O' was relaxed"):
        unit("mine", {"mine": SpeciesConfig(smiles="O")}, Engines(embedded=apart))  # type: ignore[arg-type]
