"""D3(BJ) dispersion without the three-body term, added to the label of a code that has none.

The same form as CP2K, Quantum ESPRESSO and VASP are asked for here: Grimme, Ehrlich, Goerigk,
J. Comput. Chem. 32, 1456 (2011), DOI 10.1002/jcc.21759, through the package `dftd3`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ase import Atoms

from aofl.errors import ConfigError
from aofl.records import Label
from aofl.reference.codes.ase_reference import AseReference


class D3:
    """Adds D3(BJ) of one functional to labels.

    Parameters
    ----------
    functional
        Whose parameters are taken.

    Raises
    ------
    ConfigError
        If the package `dftd3` is not installed.
    """

    def __init__(self, functional: str) -> None:
        try:
            from dftd3.ase import DFTD3
        except ImportError as error:
            raise ConfigError(
                f"D3 dispersion needs the package dftd3, which cannot be imported ({error}): "
                "install it with `pip install dftd3`, or set `reference.dispersion: null`"
            ) from error
        calculator: Any = DFTD3(method=functional, damping="d3bj")
        self._reference = AseReference(calculator)

    def added_to(self, label: Label, atoms: Atoms) -> Label:
        """Return the label with the dispersion of the structure in energy, forces and stress."""
        d3 = self._reference.label(atoms)
        stress = None
        if label.stress is not None and d3.stress is not None:
            stress = label.stress + d3.stress
        return replace(
            label,
            energy=label.energy + d3.energy,
            forces=label.forces + d3.forces,
            stress=stress,
            seconds=label.seconds + d3.seconds,
        )
