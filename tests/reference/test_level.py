"""The level of theory of a label: equal for what may be mixed, different for all else."""

import pytest

from aofl.reference.level import level_of

PBE = {
    "code": "CP2K",
    "version": "2023.1",
    "method": "PBE-D3(BJ)",
    "functional": "PBE",
    "dispersion": "D3(BJ)",
    "basis": "DZVP-MOLOPT",
    "settings": {"cutoff_Ry": 280.0, "charge": 0},
}


def test_people_read_what_it_is():
    assert level_of(PBE).startswith("CP2K 2023.1 PBE-D3(BJ) DZVP-MOLOPT [")


def test_the_order_of_keys_does_not_matter():
    assert level_of(dict(reversed(PBE.items()))) == level_of(PBE)


@pytest.mark.parametrize(
    "change",
    [
        {"code": "GPAW"},
        {"version": "2024.1"},
        {"functional": "RPBE"},
        {"dispersion": None},
        {"basis": "TZVP"},
        {"settings": {"cutoff_Ry": 281.0, "charge": 0}},
        {"settings": {}},
    ],
)
def test_every_difference_counts(change):
    assert level_of({**PBE, **change}) != level_of(PBE)


def test_a_short_description_is_enough():
    assert level_of({"code": "emt"}).startswith("emt [")
