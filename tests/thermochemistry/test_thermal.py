"""Zero-point and thermal energies: limits of the Debye model, and tables not used for it."""

import math

import numpy as np
import pytest

from aofl.thermochemistry.measured import read_measured
from aofl.thermochemistry.thermal import (
    GAS_CONSTANT,
    ROOM_TEMPERATURE_K,
    debye_entropy,
    debye_function,
    debye_temperature,
    einstein_entropy,
    thermal_enthalpy,
    zero_point,
)

SUBSTANCES = read_measured().substances
KJ_PER_WAVE_NUMBER = 0.0119627  # h c N_A, kJ cm/mol


def test_debye_function_has_its_limits() -> None:
    assert debye_function(1e-4) == pytest.approx(1.0, abs=1e-4)
    assert debye_function(60.0) == pytest.approx(math.pi**4 / 5 / 60.0**3, rel=1e-6)


@pytest.mark.parametrize("x", [0.3, 1.0, 4.0])
def test_debye_entropy_is_the_integral_of_the_heat_capacity(x: float) -> None:
    # S(T) = int_0^T C dT' / T', with the energy u = k T D(theta / T) differentiated by hand.
    t = np.linspace(1e-3, 1 / x, 4001)  # in units of theta
    u = np.array([one * debye_function(1 / one) if one > 0.01 else 0.0 for one in t])
    entropy = np.trapezoid(np.gradient(u, t) / t, t)
    assert debye_entropy(x) == pytest.approx(entropy, rel=2e-3)


def test_einstein_entropy_is_that_of_its_levels() -> None:
    x = 1.7
    weights = np.exp(-x * np.arange(400))
    p = weights / weights.sum()
    assert einstein_entropy(x) == pytest.approx(-float(np.sum(p * np.log(p + 1e-300))), rel=1e-9)


def test_the_debye_temperature_gives_the_entropy_back() -> None:
    modes = (3640.0, 790.0)
    theta = debye_temperature(60.0, 3, modes)
    x = [1.438777 * mode / ROOM_TEMPERATURE_K for mode in modes]
    total = 7 * debye_entropy(theta / ROOM_TEMPERATURE_K) + sum(map(einstein_entropy, x))
    assert 1e3 * GAS_CONSTANT * total == pytest.approx(60.0, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "tabulated"),  # CODATA (metals) and JANAF: H(298.15 K) - H(0), kJ/mol
    [("Li", 4.632), ("Na", 6.460), ("K", 7.088), ("NaCl", 10.61), ("NaOH", 10.49)],
)
def test_thermal_enthalpies_of_solids_are_near_the_tables(name: str, tabulated: float) -> None:
    assert thermal_enthalpy(SUBSTANCES[name]) == pytest.approx(tabulated, rel=0.06)


def test_a_hydroxide_has_the_zero_point_of_its_oh_bond_beside_the_lattice() -> None:
    stretch = 0.5 * 3640 * KJ_PER_WAVE_NUMBER
    assert stretch < zero_point(SUBSTANCES["NaOH"]) < stretch + 15.0
    assert zero_point(SUBSTANCES["H2"]) == 26.07
    assert zero_point(SUBSTANCES["H(g)"]) == 0.0


def test_lithium_hydride_has_far_more_zero_point_than_potassium_chloride() -> None:
    assert 16.0 < zero_point(SUBSTANCES["LiH"]) < 23.0  # 23: Born model, Physica 8, 905 (1941)
    assert zero_point(SUBSTANCES["KCl"]) < 5.0
