"""From a static energy to the enthalpy at 298.15 K: zero-point and thermal energy, as measured.

A molecule has both in the tables. For a solid one Debye temperature stands for all vibrations but
those within its ions (O-H, O-O, C-O), which are Einstein oscillators of measured wave number; it is
the one that gives the measured entropy,

    S(298 K) = m s_D(theta / T) + sum_i s_E(h c nu_i / k T),    m = 3 N - number of internal modes,

and from it follow zero point and thermal energy,

    H(298 K) - E_static = m [3/8 k theta + u_D(theta / T)] + sum_i [h c nu_i / 2 + u_E].

| symbol | variable | |
|---|---|---|
| theta | `theta` | Debye temperature, K |
| s_D, u_D | `debye_entropy`, `debye_energy` | of one mode: k [4/3 D(x) - ln(1 - e^-x)], k T D(x) |
| D | `debye_function` | 3 / x^3 int_0^x t^3 / (e^t - 1) dt |
| nu_i | `internal_modes` | wave numbers, 1/cm |

Kittel, Introduction to Solid State Physics, ch. 5. H(298 K) - H(0) of Li, Na and K comes out within
6 % (0.4 kJ/mol) of the CODATA values: the lattice of the model does not expand. The zero point of
hydrides, whose modes lie far apart, may be 3 kJ/mol too low.
"""

from __future__ import annotations

import math

from ase import units
from scipy.integrate import quad
from scipy.optimize import brentq

from aofl.thermochemistry.measured import Substance

ROOM_TEMPERATURE_K = 298.15
GAS_CONSTANT = units.kB / (units.kJ / units.mol)  # kJ/(mol K)
KELVIN_PER_WAVE_NUMBER = units.invcm / units.kB  # h c / k, cm K
COLDEST_K, HOTTEST_K = 10.0, 5000.0  # Debye temperatures


def debye_function(x: float) -> float:
    """Return D(x) = 3 / x^3 times the integral of t^3 / (e^t - 1) from 0 to x."""
    integral = quad(lambda t: t**3 / math.expm1(t) if t > 0 else 0.0, 0.0, x)[0]
    return 3.0 / x**3 * float(integral)


def debye_entropy(x: float) -> float:
    """Return the entropy of one mode of a Debye solid in units of k; x is theta / T."""
    return 4.0 / 3.0 * debye_function(x) - math.log(-math.expm1(-x))


def einstein_entropy(x: float) -> float:
    """Return the entropy of an oscillator in units of k; x is h nu / k T."""
    return x / math.expm1(x) - math.log(-math.expm1(-x))


def debye_temperature(entropy: float, n_atoms: int, internal_modes: tuple[float, ...]) -> float:
    """Return the Debye temperature that gives a solid its entropy, K.

    Parameters
    ----------
    entropy
        At 298.15 K, J/(mol K).
    n_atoms
        Atoms of the formula unit.
    internal_modes
        Wave numbers of the vibrations that are not the lattice's, 1/cm.
    """
    m = 3 * n_atoms - len(internal_modes)
    wanted = 1e-3 * entropy / GAS_CONSTANT
    within = sum(einstein_entropy(_reduced(mode)) for mode in internal_modes)
    return float(
        brentq(
            lambda theta: m * debye_entropy(theta / ROOM_TEMPERATURE_K) + within - wanted,
            COLDEST_K,
            HOTTEST_K,
        )
    )


def zero_point(substance: Substance) -> float:
    """Return the zero-point energy of a formula unit, kJ/mol."""
    if substance.entropy is None:
        return substance.zero_point
    modes = substance.internal_modes
    m = 3 * substance.n_atoms - len(modes)
    theta = debye_temperature(substance.entropy, substance.n_atoms, modes)
    internal = 0.5 * KELVIN_PER_WAVE_NUMBER * sum(modes)
    return GAS_CONSTANT * (3.0 / 8.0 * m * theta + internal)


def thermal_enthalpy(substance: Substance) -> float:
    """Return H(298.15 K) - H(0) of a formula unit, kJ/mol."""
    if substance.entropy is None:
        return substance.increment or 0.0
    modes = substance.internal_modes
    m = 3 * substance.n_atoms - len(modes)
    theta = debye_temperature(substance.entropy, substance.n_atoms, modes)
    internal = sum(_reduced(mode) / math.expm1(_reduced(mode)) for mode in modes)
    lattice = m * debye_function(theta / ROOM_TEMPERATURE_K)
    return GAS_CONSTANT * ROOM_TEMPERATURE_K * (lattice + internal)


def _reduced(wave_number: float) -> float:
    return KELVIN_PER_WAVE_NUMBER * wave_number / ROOM_TEMPERATURE_K
