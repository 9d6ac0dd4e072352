"""The ready examples: what they ask for is what they get, and no contact is false."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from aofl.config import FileSystem, InterfaceSystem, check_elements, read_config
from aofl.system import System, build_system
from aofl.system.bonding import bonded_pairs
from aofl.system.equilibrate import changed_bond

EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True)
class Expected:
    """What an example holds."""

    counts: dict[str, int]
    density: float | None  # g/cm^3, of the liquid as measured or mixed
    n_frozen: int = 0
    min_distance: float = 2.0  # Å


EXPECTED = {
    "na-water": Expected({"H2O": 4}, None),
    "na-carbonate": Expected({"EC": 4, "NaPF6": 1, "H2O": 1}, None, 18),
    "na-dme-water": Expected({"H2O": 1, "DME": 5}, 0.87),
    "na-diglyme-napf6": Expected({"NaPF6": 2, "diglyme": 14}, 1.04, 24, 1.8),
    "na-ec-dmc-napf6-fec": Expected({"FEC": 1, "NaPF6": 2, "EC": 13, "DMC": 11}, 1.29, 18),
    "li-ec-lipf6": Expected({"LiPF6": 2, "EC": 23}, 1.40, 32),
}


def built(name: str, seed: int | None = None) -> System:
    config = read_config(EXAMPLES / name / "run.yaml")
    assert isinstance(config.system, InterfaceSystem)
    system = build_system(config.system, config.seed if seed is None else seed)
    check_elements(config, set(system.atoms.get_chemical_symbols()))
    return system


def test_the_table_names_every_example_that_is_built_here() -> None:
    interfaces = {
        path.parent.name
        for path in EXAMPLES.glob("*/run.yaml")
        if read_config(path).system.name == "interface"
    }
    assert set(EXPECTED) <= interfaces


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_composition_density_and_distances(name: str) -> None:
    expected, system = EXPECTED[name], built(name)
    packed, composition = system.packed, system.composition
    assert packed is not None
    assert composition is not None
    assert composition.counts == expected.counts
    if expected.density is not None:
        assert composition.density_asked == pytest.approx(expected.density, abs=0.02)
        assert composition.density == pytest.approx(expected.density, rel=0.07)
    for amount in composition.amounts:
        if amount.asked is not None:
            assert amount.got == pytest.approx(amount.asked, rel=0.08)
    assert packed.contacts.least >= 0.99 * expected.min_distance
    assert sum(kind.charge for kind in packed.molecules) == 0
    frozen = {int(i) for one in system.atoms.constraints for i in one.get_indices()}
    assert len(frozen) == expected.n_frozen
    assert all(packed.molecule_of[i] < 0 for i in frozen)
    assert changed_bond(system.atoms, packed) is None


@pytest.mark.parametrize(
    "path", sorted(EXAMPLES.glob("*/*.yaml")), ids=lambda p: f"{p.parent.name}-{p.stem}"
)
def test_every_file_is_a_configuration(path: Path) -> None:
    config = read_config(path)
    if isinstance(config.system, FileSystem):
        assert Path(config.system.structure).is_file()


def test_the_reaction_begins_with_whole_molecules_in_motion() -> None:
    config = read_config(EXAMPLES / "na-water-cp2k" / "reaction.yaml")
    atoms = build_system(config.system, config.seed).atoms
    assert atoms.get_chemical_formula() == "H8Na16O4"
    assert atoms.get_temperature() == pytest.approx(617, abs=1)
    distances = atoms.get_all_distances(mic=True)[atoms.numbers == 8][:, atoms.numbers == 1]
    assert np.allclose(np.sort(distances, axis=1)[:, :2], 0.98, atol=0.16)
    assert np.sort(distances, axis=1)[:, 2].min() > 1.4


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_hundred_seeds_have_no_false_contact(name: str) -> None:
    """Contacts are counted anew over images; every molecule keeps exactly its own bonds."""
    for seed in range(100):
        system = built(name, seed)
        packed = system.packed
        assert packed is not None
        assert packed.contacts.least >= 0.99 * EXPECTED[name].min_distance, seed
        assert changed_bond(system.atoms, packed) is None, seed
        start = int(np.count_nonzero(packed.molecule_of < 0))
        for kind in packed.molecules:
            one = system.atoms[start : start + len(kind.atoms)]
            assert np.array_equal(bonded_pairs(one), bonded_pairs(kind.atoms)), seed
            start += len(kind.atoms)
