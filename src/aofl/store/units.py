"""Units of length, time and mass of trajectories, in ours: Å, fs and u.

The styles of LAMMPS are those of the page `units` of its manual; `lj` has no units and is not here.
"""

from __future__ import annotations

from dataclasses import dataclass

from ase import units as ase_units

_U_PER_KG = ase_units.kg
_BOHR = ase_units.Bohr

LENGTHS = {
    "Angstrom": 1.0, "angstrom": 1.0, "angstroms": 1.0, "Ångström": 1.0, "Å": 1.0, "A": 1.0,
    "pm": 0.01, "nm": 10.0, "nanometer": 10.0, "um": 1e4, "µm": 1e4, "cm": 1e8, "m": 1e10,
    "Bohr": _BOHR, "bohr": _BOHR, "a0": _BOHR,
}  # fmt: skip
TIMES = {
    "as": 1e-3, "fs": 1.0, "femtosecond": 1.0, "ps": 1e3, "picosecond": 1e3, "ns": 1e6, "us": 1e9,
    "µs": 1e9, "ms": 1e12, "s": 1e15,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class UnitStyle:
    """What turns lengths, times and masses of a style into Å, fs and u."""

    length: float
    time: float
    mass: float


LAMMPS_STYLES = {
    "real": UnitStyle(1.0, 1.0, 1.0),
    "metal": UnitStyle(1.0, 1e3, 1.0),
    "si": UnitStyle(1e10, 1e15, _U_PER_KG),
    "cgs": UnitStyle(1e8, 1e15, 1e-3 * _U_PER_KG),
    "electron": UnitStyle(_BOHR, 1.0, 1.0),
    "micro": UnitStyle(1e4, 1e9, 1e-15 * _U_PER_KG),
    "nano": UnitStyle(10.0, 1e6, 1e-21 * _U_PER_KG),
}
