"""Every coverage that the configuration allows is built on every face; molecules go around it."""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest
from ase import Atoms
from packmol.cli import get_binary_path

from aofl.config import InterfaceSystem
from aofl.errors import StructureError
from aofl.system import build_system
from aofl.system.packing import Region, pack_between

# The last four are narrow: with an even and an odd number of cells, and one cell alone.
SIZES = ((3, 3, 4), (4, 4, 3), (2, 2, 4), (3, 2, 3), (2, 3, 4), (1, 2, 4), (2, 1, 4))
FACES = {
    "bcc100": "Na", "bcc110": "Li", "bcc111": "K", "bcc210": "Na", "bcc211": "Na", "bcc310": "Li",
    "fcc100": "Al", "fcc110": "Cu", "fcc111": "Ag", "fcc210": "Al", "fcc211": "Al",
    "hcp0001": "Mg",
}  # fmt: skip
# Layers of faces whose planes are so close that four of them are one layer of atoms.
THICK = {"bcc310": 10, "bcc210": 8, "bcc211": 8, "fcc210": 8, "fcc211": 8}
NEEDS_EVEN = {"bcc110", "bcc111", "fcc111", "hcp0001"}


def built(face: str, size: tuple[int, int, int], species: str, monolayers: float) -> Atoms:
    config = {
        "electrode": {
            "element": FACES[face],
            "surface": face,
            "size": [*size[:2], THICK.get(face, size[2])],
            "coverage": {"species": species, "monolayers": monolayers},
        },
        "electrolyte": {"molecules": {"H2O": 1}, "gap_A": 12.0},
    }
    return build_system(InterfaceSystem.model_validate(config), 1).atoms


def expect_coverage(face: str, size: tuple[int, int, int], species: str, monolayers: float) -> None:
    atoms = built(face, size, species, monolayers)
    n_top = np.count_nonzero(atoms.get_tags() == 1)
    oxygens = np.count_nonzero(atoms.symbols == "O") - 1
    assert oxygens == 2 * round(monolayers * n_top)
    assert np.count_nonzero(atoms.symbols == "H") - 2 == (oxygens if species == "OH" else 0)
    distances = atoms.get_all_distances(mic=True)[-3:, :-3]
    assert distances.min() >= 1.98
    among = atoms[atoms.symbols == "O"].get_all_distances(mic=True)
    assert among[np.triu_indices(len(among), 1)].min() > 1.98


def allowed(face: str, size: tuple[int, int, int]) -> bool:
    return not (face in NEEDS_EVEN and size[1] % 2)


@pytest.mark.parametrize(
    ("face", "size"),
    [
        ("bcc100", (3, 3, 4)), ("bcc110", (2, 2, 4)), ("bcc111", (2, 2, 4)), ("fcc110", (3, 3, 4)),
        ("fcc111", (3, 4, 3)), ("hcp0001", (3, 4, 3)), ("bcc211", (2, 2, 3)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("species", ["O", "OH"])
@pytest.mark.parametrize("monolayers", [0.33, 1.0])
def test_a_coverage_is_built(
    face: str, size: tuple[int, int, int], species: str, monolayers: float
) -> None:
    expect_coverage(face, size, species, monolayers)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("face", "size"), [pair for pair in itertools.product(FACES, SIZES) if allowed(*pair)]
)
def test_every_coverage_is_built(face: str, size: tuple[int, int, int]) -> None:
    n_top = np.count_nonzero(built(face, size, "O", 1.0).get_tags() == 1)
    for species, count in itertools.product(("O", "OH"), range(1, n_top + 1)):
        expect_coverage(face, size, species, count / n_top)


def region(edges: list[float], obstacles: Atoms) -> Region:
    return Region(edges=np.array(edges), lower=2.0, upper=8.0, obstacles=obstacles)


@pytest.mark.parametrize("offset", [-1e-15, -1e-9, 0.0, 8.123456789123456 - 1e-15, -0.3, 20.0])
def test_what_is_fixed_may_lie_on_and_outside_the_edge(offset: float) -> None:
    edge = 8.123456789123456  # more digits than the box of packmol is told with
    fixed = Atoms("O", [[offset, offset, 5.0]])
    found = pack_between(
        [(Atoms("Ar"), 4)], region([edge, edge, 10.0], fixed), min_distance=3.0, seed=1
    )
    assert found is not None
    found.set_cell([edge, edge, 10.0])
    found.pbc = True
    both = found + fixed
    distances = both.get_all_distances(mic=True)
    assert distances[np.triu_indices(5, 1)].min() > 2.97


def test_another_failure_of_packmol_than_room_is_told_in_its_words() -> None:
    with pytest.raises(
        StructureError, match=r"packmol ended with code \d+: Length of PBC box must"
    ):
        pack_between(
            [(Atoms("Ar"), 1)], region([0.0, 8.0, 10.0], Atoms()), min_distance=3.0, seed=1
        )


def test_no_room_is_no_failure_of_packmol() -> None:
    tight = region([8.0, 8.0, 10.0], Atoms())
    assert pack_between([(Atoms("Ar"), 40)], tight, min_distance=3.0, seed=1) is None


def test_packmol_may_be_a_program_on_the_path(monkeypatch, tmp_path) -> None:
    """As conda-forge has it: without the Python package."""

    def packed() -> np.ndarray:
        box = region([8.0, 8.0, 10.0], Atoms())
        return pack_between([(Atoms("Ar"), 3)], box, min_distance=3.0, seed=1).positions

    own, program = packed(), get_binary_path()
    monkeypatch.setitem(sys.modules, "packmol.cli", None)
    monkeypatch.setenv("PATH", str(program.parent))
    assert np.array_equal(packed(), own)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StructureError, match=r"not installed .* reinstall the Python package"):
        packed()
