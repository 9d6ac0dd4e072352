"""A dipole correction and a field along z in an input of CP2K.

The field is a sawtooth of `&EXTERNAL_POTENTIAL` and not `&PERIODIC_EFIELD`: that one is a Berry
phase of filled bands, which a metal does not have. The input is read once for many structures, so
step and jump are put on whole Å: only where the vacuum has moved by one does another process begin.
"""

from __future__ import annotations

import numpy as np
from ase.units import Bohr

from aofl.config.references import Cp2kConfig
from aofl.reference.codes.cp2k_attempts import DFT
from aofl.reference.codes.cp2k_input import Section
from aofl.reference.codes.slab import ATOMIC_FIELD, Vacuum


def with_slab(tree: Section, config: Cp2kConfig, vacuum: Vacuum | None) -> Section:
    """Return an input with the correction and the field that are asked for."""
    if vacuum is None:
        return tree
    step = float(round(vacuum.middle * vacuum.height))  # Å
    for keyword, value in (
        ("SURFACE_DIPOLE_CORRECTION", "TRUE"),
        ("SURF_DIP_DIR", "Z"),
        ("SURF_DIP_POS", f"{step % vacuum.height:.6f}"),
    ):
        tree = tree.with_value(DFT, keyword, value)
    if config.field_V_per_A == 0:
        return tree
    saw = sawtooth(config.field_V_per_A, step, vacuum.height)
    return tree.with_section(DFT, Section("EXTERNAL_POTENTIAL", content=(("FUNCTION", saw),)))


def sawtooth(field: float, step: float, height: float) -> str:
    """Return phi(Z) of a field (V/Å) that jumps at `step` (Å), as CP2K reads it, in atomic units.

    -F c / pi * atan(tan(pi (Z - step) / c - pi / 2)) is the straight line -F Z, repeated.
    """
    slope = -field / ATOMIC_FIELD * height / Bohr / np.pi
    wave = np.pi / (height / Bohr)
    return f"({slope:.12g})*ATAN(TAN({wave:.12g}*Z-({wave * step / Bohr + np.pi / 2:.12g})))"
