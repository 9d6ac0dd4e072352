"""The written files, read by plain NumPy from the published formulas, say what the model says."""

from pathlib import Path

import numpy as np
import pytest
from export_cases import ELEMENTS, SMALL, STRUCTURES, force_field, liquid, said_by, triclinic
from yace_reader import read

import aofl.export.yace as yace_module
from aofl.ace.basis import ACCURACIES, BasisSettings
from aofl.errors import ModelError
from aofl.export.lammps import MANY_BODY, PAIR
from aofl.forcefield.model import ForceField
from aofl.workflows.export import lammps_files

EXACT = 1e-9  # of the largest value
MIXED = BasisSettings(
    n_pair=3, pair_cutoff=2.2, pair_growth=0.6, n_max=3, l_max=2, cutoff=2.0, cutoff_growth=0.7,
    n_mixtures=2, four_n=2, four_l=1, n_chebyshev=12,
)  # fmt: skip
PLAIN = BasisSettings(n_pair=4, n_max=2, l_max=1, four_n=0, n_chebyshev=8)


def write(model: ForceField, folder: Path) -> None:
    for name, text in lammps_files(model, None, "model.h5").items():
        (folder / name).write_text(text, encoding="utf-8")


def difference(model: ForceField, folder: Path, atoms, *, is_splined: bool = False) -> float:
    """Return the largest difference of energies, forces and virial, of their largest values."""
    found = said_by(folder, atoms, model.elements, is_splined=is_splined)
    predicted = model.predict(atoms)
    pairs = [(found.energies, predicted.energies), (found.forces, predicted.forces)]
    if atoms.pbc.all():
        xx, yy, zz, yz, xz, xy = predicted.stress * atoms.get_volume()
        virial = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
        pairs.append((found.virial, virial))
    return max(np.abs(one - other).max() / np.abs(other).max() for one, other in pairs)


@pytest.mark.parametrize("n_elements", [1, 2, 3])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_files_say_what_the_force_field_says(
    structure: str, n_elements: int, tmp_path: Path
) -> None:
    model, atoms = force_field(ELEMENTS[n_elements]), STRUCTURES[structure](ELEMENTS[n_elements])
    write(model, tmp_path)
    assert difference(model, tmp_path, atoms) < EXACT


def test_what_the_tables_of_ml_pace_leave(tmp_path: Path) -> None:
    model, atoms = force_field(ELEMENTS[2]), liquid(ELEMENTS[2])
    write(model, tmp_path)
    assert difference(model, tmp_path, atoms, is_splined=True) < EXACT


@pytest.mark.parametrize(
    ("settings", "n_elements"),
    [(MIXED, 3), (PLAIN, 2), (ACCURACIES["standard"], 1)],
    ids=["mixed", "three-body", "standard"],
)
def test_other_bases(settings: BasisSettings, n_elements: int, tmp_path: Path) -> None:
    model = force_field(ELEMENTS[n_elements], settings)
    atoms = triclinic(ELEMENTS[n_elements])
    write(model, tmp_path)
    assert difference(model, tmp_path, atoms) < EXACT


def test_a_single_weight_is_seen(tmp_path: Path) -> None:
    """The comparison can fail: one coefficient of one function changed is far beyond 1e-9."""
    model, atoms = force_field(ELEMENTS[1]), liquid(ELEMENTS[1])
    write(model, tmp_path)
    lines = (tmp_path / MANY_BODY).read_text().splitlines()
    lines[-1] = lines[-1].replace("ctildes: [", "ctildes: [1")
    (tmp_path / MANY_BODY).write_text("\n".join(lines))
    assert difference(model, tmp_path, atoms) > 1e-6


def test_files_are_what_ml_pace_reads(tmp_path: Path) -> None:
    """Every ordered pair of elements, whole tuples of m that sum to zero, functions of one and two.

    LAMMPS fails on what is missing here, or reads past the end of an array.
    """
    elements = ELEMENTS[3]
    write(force_field(elements), tmp_path)
    for name in (PAIR, MANY_BODY):
        said = read(tmp_path / name)
        assert said["elements"] == elements
        assert set(said["bonds"]) == {(i, j) for i in range(3) for j in range(3)}
        for bond in said["bonds"].values():
            shape = bond["nradmax"], bond["lmax"] + 1, bond["nradbasemax"]
            assert np.array(bond["radcoefficients"], dtype=float).shape == shape
        for z in range(3):
            functions = said["functions"][z]
            ranks = [function["rank"] for function in functions]
            assert {1, 2} <= set(ranks)
            assert ranks == sorted(ranks) or name == PAIR
            for function in functions:
                check(function, z, said["bonds"][z, 0])


def check(function: dict, centre: int, bond: dict) -> None:
    rank, n_terms = function["rank"], function["num_ms_combs"]
    assert function["mu0"] == centre
    assert function["ndensity"] == 1
    assert len(function["mus"]) == len(function["ns"]) == len(function["ls"]) == rank
    assert len(function["ms_combs"]) == n_terms * rank
    assert len(function["ctildes"]) == n_terms
    assert all(isinstance(c, float) for c in function["ctildes"])
    largest = bond["nradbasemax"] if rank == 1 else bond["nradmax"]
    assert all(1 <= n <= largest for n in function["ns"])
    ms = np.array(function["ms_combs"]).reshape(n_terms, rank)
    assert not ms.sum(axis=1).any()
    assert (np.abs(ms) <= function["ls"]).all()
    assert len({tuple(m) for m in ms.tolist()}) == n_terms
    first = [next((m for m in row if m), 1) for row in ms.tolist()]
    assert min(first) > 0, "the recursive evaluator would add this to its conjugate"


def test_more_functions_than_ml_pace_can_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yace_module, "MOST_FUNCTIONS", 20)
    with pytest.raises(ModelError, match="which holds up to 19; train one with fewer elements"):
        lammps_files(force_field(ELEMENTS[2]), None, "model.h5")


def test_a_force_field_without_labels() -> None:
    with pytest.raises(ModelError, match="without labels cannot be exported"):
        lammps_files(ForceField(["Na"], settings=SMALL), None, "model.h5")
