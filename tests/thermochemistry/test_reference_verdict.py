"""The verdict: where right ends, what explains errors, and what the words say."""

import pytest

from aofl.thermochemistry.reactions import reaction_of
from aofl.thermochemistry.verdict import (
    ENERGY,
    LENGTH,
    explanation,
    grade,
    grade_energy,
    is_wrong_way,
    words,
)

SODIUM = [
    reaction_of(text)
    for text in (
        "2 Na + H2O -> NaOH + NaH",
        "NaOH + 2 Na -> Na2O + NaH",
        "NaOH + Na -> Na2O + 1/2 H2",
        "Na2O + H2O -> 2 NaOH",
        "Na + 1/2 H2 -> NaH",
    )
]


@pytest.mark.parametrize(
    ("error", "limits", "word"),
    [(20.0, ENERGY, "right"), (-20.1, ENERGY, "rough"), (50.1, ENERGY, "wrong"),
     (-2.0, LENGTH, "right"), (4.9, LENGTH, "rough"), (-5.1, LENGTH, "wrong")],
)  # fmt: skip
def test_the_limits_are_where_they_are_said_to_be(
    error: float, limits: tuple[float, float], word: str
) -> None:
    assert grade(error, limits) == word


def test_a_reaction_that_depends_on_the_cell_is_not_judged() -> None:
    assert grade_energy(1.0, 21.0) == "unconverged"
    assert grade_energy(1.0, 19.0) == "right"


def test_an_atomisation_is_judged_by_the_atom() -> None:
    assert grade_energy(70.0, 0.0, n_atoms=4) == "right"


@pytest.mark.parametrize(
    ("measured", "computed", "wrong"),
    [(11.0, -30.0, True), (11.0, -8.0, False), (-45.0, -5.0, False), (-45.0, 5.0, True)],
)
def test_the_wrong_way_is_a_sign_beyond_the_tolerance(
    measured: float, computed: float, wrong: bool
) -> None:
    assert is_wrong_way(measured, computed) is wrong


def test_one_substance_that_is_wrong_is_found() -> None:
    errors = [100.0 * reaction.coefficients.get("H2", 0.0) for reaction in SODIUM]
    assert explanation(SODIUM, errors) == pytest.approx({"H2": 100.0})


def test_errors_like_those_of_gfn1_are_hydrogen_not_the_hydride() -> None:
    # -251 / -60 / +107 / -191 / -167 against -240 / -45 / +12 / -196 / -56: with the hydride to
    # blame the first two would be wrong as well.
    found = explanation(SODIUM, [-11.0, -15.0, 95.0, 5.0, -111.0])
    assert found == pytest.approx({"H2": 206.0})


def test_two_substances_that_are_wrong_are_found() -> None:
    wrong = {"H2": 200.0, "NaOH": -90.0}
    errors = [
        sum(n * wrong.get(name, 0.0) for name, n in reaction.coefficients.items())
        for reaction in SODIUM
    ]
    assert explanation(SODIUM, errors) == pytest.approx(wrong)


def test_no_error_needs_no_explanation() -> None:
    assert explanation(SODIUM, [5.0, -5.0, 10.0, 0.0, 0.0]) == {}
    assert explanation([], []) == {}


def line(word: str, wrong_way: bool = False) -> dict[str, object]:
    return {"reaction": "A -> B", "grade": word, "wrong_way": wrong_way}


def test_the_words_say_how_many_are_right_and_what_is_wrong() -> None:
    lengths = [{"name": "Na", "grade": "wrong", "error_percent": 28.0}]
    told = words([line("right"), line("wrong", True)], lengths, {"H2": 80.0, "NaF": -9.0}, ["O2"])
    assert told == [
        "not right for all of this chemistry: of 2 reactions 1 right, 1 wrong",
        "these run the wrong way: A -> B",
        "what explains the errors with least: H2 80 kJ/mol not stable enough, "
        "NaF 9 kJ/mol too stable",
        "lengths that are wrong: Na +28.0 %",
        "without a result: O2",
    ]


@pytest.mark.parametrize(
    ("grades", "beginning"),
    [(("right", "right"), "right for this"), (("right", "rough"), "roughly right"),
     (("right", "unconverged"), "not right for all")],
)  # fmt: skip
def test_the_worst_reaction_decides(grades: tuple[str, ...], beginning: str) -> None:
    assert words([line(word) for word in grades], [], {}, [])[0].startswith(beginning)


def test_without_reactions_the_words_say_so() -> None:
    assert words([], [], {}, ["Na"]) == [
        "no reaction could be computed", "without a result: Na",
    ]  # fmt: skip
