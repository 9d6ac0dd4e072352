"""How much room molecules and ions take in a liquid: densities of solvents, volumes of ions.

Densities are of the pure liquids near 25 °C (ethylene carbonate, solid there, as a melt at
40 °C). Carbonates and ethers: K. Xu, Chem. Rev. 104, 4303 (2004), doi:10.1021/cr030203g, tables
1 and 2. Water, acetonitrile and the longer glymes: CRC Handbook of Chemistry and Physics.
Fluoroethylene and vinylene carbonate: suppliers' data sheets, which differ by 3 %.

A cation fills the sphere of its ionic radius in sixfold coordination (R. D. Shannon, Acta
Cryst. A32, 751 (1976), doi:10.1107/S0567739476001551). PF6-, BF4- and ClO4- fill their
thermochemical volumes (H. D. B. Jenkins, H. K. Roobottom, J. Passmore, L. Glasser, Inorg. Chem.
38, 3609 (1999), doi:10.1021/ic9812961). For the sulfonyl anions those volumes are estimated:
their van der Waals volume times the ratio of the two that the three anions above have.
"""

from __future__ import annotations

from typing import Final

AVOGADRO: Final = 6.02214076e23
A3_PER_L: Final = 1e27
A3_PER_CM3: Final = 1e24

DENSITIES_G_PER_CM3: Final = {
    "H2O": 0.997,
    "EC": 1.321,
    "PC": 1.200,
    "DMC": 1.063,
    "DEC": 0.969,
    "EMC": 1.006,
    "FEC": 1.485,
    "VC": 1.355,
    "DOL": 1.06,
    "DME": 0.86,
    "diglyme": 0.939,
    "tetraglyme": 1.006,
    "THF": 0.88,
    "acetonitrile": 0.777,
}
CATION_RADII_A: Final = {"Li+": 0.76, "Na+": 1.02, "K+": 1.38, "Mg2+": 0.72, "Ca2+": 1.00}
ANION_VOLUMES_A3: Final = {
    "PF6-": 109.0,
    "BF4-": 73.0,
    "ClO4-": 82.0,
    "OTf-": 121.0,
    "FSI-": 143.0,
    "TFSI-": 222.0,
}


def volume_of_density(mass: float, density_g_per_cm3: float) -> float:
    """Return V = m / (N_A rho), Å^3, of one molecule of a mass in g/mol."""
    return mass / AVOGADRO / density_g_per_cm3 * A3_PER_CM3


def density_of_volume(mass: float, volume: float) -> float:
    """Return rho = m / (N_A V), g/cm^3, of a mass in g/mol in a volume in Å^3."""
    return mass / AVOGADRO / volume * A3_PER_CM3


def molarity(count: float, volume: float) -> float:
    """Return the concentration, mol/L, of a number of molecules in a volume in Å^3."""
    return count / AVOGADRO * A3_PER_L / volume


def count_at_molarity(mol_per_l: float, volume: float) -> float:
    """Return how many molecules a volume in Å^3 holds at a concentration, mol/L."""
    return mol_per_l * AVOGADRO * volume / A3_PER_L
