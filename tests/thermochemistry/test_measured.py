"""The measured data: every structure is its formula, and every number has a source."""

import pytest
from ase.formula import Formula

from aofl.thermochemistry.measured import Substance, measured_from, read_measured, structure_of
from aofl.thermochemistry.reactions import imbalance, reactions_among

MEASURED = read_measured()
SUBSTANCES = list(MEASURED.substances.values())
METALS = ("Li", "Na", "K")
SHORTEST = {"Li": 1.85, "Na": 2.2, "K": 2.55}  # Å, to any anion


@pytest.mark.parametrize("substance", SUBSTANCES, ids=lambda s: s.name)
def test_the_structure_is_what_the_name_says(substance: Substance) -> None:
    atoms = structure_of(substance)
    found, wanted = Formula(str(atoms.symbols)).count(), substance.counts
    factor = len(atoms) // substance.n_atoms
    assert found == {element: factor * n for element, n in wanted.items()}
    assert atoms.pbc.all() == (substance.phase == "solid")


@pytest.mark.parametrize("substance", SUBSTANCES, ids=lambda s: s.name)
def test_no_atoms_are_closer_than_in_nature(substance: Substance) -> None:
    atoms = structure_of(substance)
    if substance.phase == "solid":
        atoms *= (3, 3, 3)
    distances = atoms.get_all_distances(mic=bool(atoms.pbc.any()))
    symbols = atoms.get_chemical_symbols()
    for i in range(len(atoms) if substance.phase != "solid" else len(atoms) // 27):
        for j in range(len(atoms)):
            pair = {symbols[i], symbols[j]}
            metals = pair & set(METALS)
            if i == j or not metals or pair <= set(METALS) or "H" in pair:
                continue
            assert distances[i, j] > SHORTEST[metals.pop()] or substance.name == "K2CO3"


@pytest.mark.parametrize(
    ("name", "pair", "length"),
    [("LiOH", "OH", 0.96), ("NaOH", "OH", 0.96), ("KOH", "OH", 0.96), ("Li2O2", "OO", 1.55),
     ("Na2O2", "OO", 1.49), ("K2O2", "OO", 1.54), ("Li2CO3", "CO", 1.28), ("Na2CO3", "CO", 1.28),
     ("K2CO3", "CO", 1.28), ("Na2O", "NaO", 2.40), ("NaCl", "NaCl", 2.82), ("NaH", "NaH", 2.44)],
)  # fmt: skip
def test_ions_have_the_bonds_they_have(name: str, pair: str, length: float) -> None:
    atoms = structure_of(MEASURED.substances[name]) * (2, 2, 2)
    first, last = [str(symbol) for symbol in Formula(pair).count()][:1], pair[-1]
    last = "Cl" if pair.endswith("Cl") else last
    i = atoms.symbols.search(first[0])[0]
    others = [int(j) for j in atoms.symbols.search(last) if j != i]
    assert atoms.get_distances(i, others, mic=True).min() == pytest.approx(length, abs=0.08)


def test_every_source_is_used_and_every_number_has_one() -> None:
    used = {key for substance in SUBSTANCES for key in substance.sources}
    assert used | {"Nakamoto", "NBS"} == set(MEASURED.sources) | {"NBS"}
    assert all(substance.sources for substance in SUBSTANCES)


def test_what_the_issue_of_a_reference_asks_for_is_there() -> None:
    of_metals = {f"{m}{rest}" for m in METALS for rest in ("", "H", "F", "Cl", "OH")}
    of_metals |= {f"{m}2{rest}" for m in METALS for rest in ("O", "O2", "CO3")}
    molecules = {"H2", "H2O", "O2", "CO", "CO2", "HF"}
    assert of_metals | molecules <= MEASURED.substances.keys()


def test_reactions_are_balanced() -> None:
    reactions = reactions_among(MEASURED, ["Li", "Na", "K", "O", "H", "F", "Cl", "C"])
    assert len(reactions) == 3 * len(MEASURED.of_metals) + len(MEASURED.of_molecules)
    assert not any(imbalance(reaction, MEASURED.substances) for reaction in reactions)


def test_a_source_that_is_not_listed_and_a_misspelt_key_are_refused() -> None:
    entry = {"name": "H2", "enthalpy": 0.0, "uncertainty": 0.0, "sources": ["hearsay"]}
    data = {
        "sources": {}, "ions": {}, "solid": [], "atom": [], "molecule": [entry],
        "reactions": {"of_metals": [], "of_molecules": [], "metals": []},
    }  # fmt: skip
    with pytest.raises(ValueError, match="hearsay"):
        measured_from(data)
    with pytest.raises(TypeError, match="enthalpie"):
        measured_from(data | {"molecule": [{**entry, "enthalpie": 1.0}]})
