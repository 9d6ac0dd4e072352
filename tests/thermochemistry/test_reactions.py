"""Reactions: read, balanced, and their enthalpies as sums of known ones."""

import pytest

from aofl.thermochemistry.measured import read_measured
from aofl.thermochemistry.reactions import (
    Reaction,
    atomisation,
    imbalance,
    reaction_of,
    reactions_among,
)

MEASURED = read_measured()
ENTHALPIES = {name: one.enthalpy for name, one in MEASURED.substances.items()}


def test_a_reaction_is_read_with_fractions() -> None:
    assert reaction_of("2 Na + 1/2 O2 -> Na2O").coefficients == {"Na": -2, "O2": -0.5, "Na2O": 1}


def test_a_reaction_without_an_arrow_is_refused() -> None:
    with pytest.raises(ValueError, match="arrow"):
        reaction_of("2 Na + 1/2 O2 = Na2O")


@pytest.mark.parametrize(
    ("text", "enthalpy"),  # kJ/mol, sums made by hand from the tables
    [
        ("2 Na + H2O -> NaOH + NaH", -425.93 - 56.44 + 241.83),
        ("NaOH + 2 Na -> Na2O + NaH", -414.82 - 56.44 + 425.93),
        ("NaOH + Na -> Na2O + 1/2 H2", -414.82 + 425.93),
        ("Na2O + H2O -> 2 NaOH", -2 * 425.93 + 414.82 + 241.83),
        ("Na + 1/2 H2 -> NaH", -56.44),
        ("CO + H2O -> CO2 + H2", -393.51 + 110.53 + 241.83),
    ],
)
def test_enthalpies_are_sums_of_those_of_formation(text: str, enthalpy: float) -> None:
    assert reaction_of(text).sum_of(ENTHALPIES) == pytest.approx(enthalpy, abs=0.02)


def test_a_cycle_adds_up_to_nothing() -> None:
    # Born-Haber: formation of NaCl, atomisation of NaCl, and the atoms back to Na and HCl.
    formation = reaction_of("Na + HCl -> NaCl + 1/2 H2").sum_of(ENTHALPIES)
    apart = atomisation(MEASURED.substances["NaCl"]).sum_of(ENTHALPIES)
    back = reaction_of("Na(g) + Cl(g) + 1/2 H2 -> Na + HCl").sum_of(ENTHALPIES)
    assert formation + apart + back == pytest.approx(0.0, abs=1e-9)


def test_the_cohesive_energy_of_salt_is_the_known_one() -> None:
    reaction = atomisation(MEASURED.substances["NaCl"])
    assert reaction.text == "NaCl -> Na(g) + Cl(g)"
    assert reaction.sum_of(ENTHALPIES) == pytest.approx(639.9, abs=1.0)


def test_uncertainties_add_in_squares() -> None:
    reaction = reaction_of("2 Na + H2O -> NaOH + NaH")
    found = reaction.uncertainty_of({"Na": 0.0, "H2O": 3.0, "NaOH": 4.0, "NaH": 0.0})
    assert found == pytest.approx(5.0)


def test_elements_choose_the_reactions() -> None:
    texts = [reaction.text for reaction in reactions_among(MEASURED, ["Na", "H"])]
    assert texts == ["Na + 1/2 H2 -> NaH"]
    assert reactions_among(MEASURED, ["He"]) == []


def test_an_imbalance_is_named() -> None:
    wrong = Reaction(text="Na -> Na2O", coefficients={"Na": -1.0, "Na2O": 1.0})
    assert imbalance(wrong, MEASURED.substances) == {"Na": 1.0, "O": 1.0}
