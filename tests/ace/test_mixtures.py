"""Mixtures of species: the kernel they come from, and what they must tell apart."""

import numpy as np
import pytest

from aofl.ace.basis import ACCURACIES, MOST_COLUMNS, n_functions, settings_for
from aofl.ace.mixtures import electronegativity, mixtures
from aofl.errors import ModelError

SEI = np.array([1, 6, 7, 8, 9, 11, 15, 16])


def test_as_many_mixtures_as_species_are_the_species():
    np.testing.assert_array_equal(mixtures(SEI, len(SEI)), np.eye(len(SEI)))


def test_few_mixtures_keep_likeness_and_difference():
    found = mixtures(SEI, 4)
    likeness = found.T @ found
    carbon, nitrogen, fluorine, sodium = (int(np.flatnonzero(z == SEI)[0]) for z in (6, 7, 9, 11))
    assert likeness[carbon, nitrogen] > 0.5
    assert abs(likeness[fluorine, sodium]) < 0.1
    assert np.all(np.diag(likeness) > 0.5)


@pytest.mark.parametrize(
    ("z", "pauling"), [(1, 2.2), (3, 1.0), (6, 2.55), (8, 3.44), (11, 0.93), (15, 2.19), (35, 2.96)]
)
def test_electronegativity_is_near_paulings(z, pauling):
    assert electronegativity(np.array([z]))[0] == pytest.approx(pauling, abs=0.45)


@pytest.mark.parametrize("accuracy", ACCURACIES)
@pytest.mark.parametrize("n_species", range(1, 9))
def test_the_basis_grows_tamely_with_the_elements(accuracy, n_species):
    settings = settings_for(accuracy, n_species)
    assert n_species * n_functions(n_species, settings) <= MOST_COLUMNS[accuracy]
    if n_species <= 4:
        assert settings == ACCURACIES[accuracy]


def test_an_unknown_accuracy_is_refused():
    with pytest.raises(ModelError, match="'best' is not one of fast, standard, high"):
        settings_for("best", 3)
