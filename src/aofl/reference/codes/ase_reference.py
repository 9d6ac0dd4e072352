"""Any ASE calculator as a reference code.

The one place where ASE results become a `Label`: forces without constraints, the energy that is
consistent with them, and whatever a calculator raises told as `ReferenceFailed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError

from aofl.errors import ReferenceFailed
from aofl.records import FloatArray, Label
from aofl.reference.codes.periodic import check_periodic, check_periodic_or_open
from aofl.reference.protocol import JSON

# Modules of calculators that repeat a cell along every axis whatever `pbc` says, and of those that
# do so unless no axis is periodic.
PERIODIC = ("ase.calculators.espresso", "ase.calculators.vasp", "ase.calculators.castep",
            "ase.calculators.abinit")  # fmt: skip
PERIODIC_OR_OPEN = ("tblite.", "xtb.", "ase.calculators.dftb", "ase.calculators.aims")


class AseReference:
    """A reference code that is reached through an ASE calculator.

    Parameters
    ----------
    calculator
        Any ASE calculator that gives energies and forces. What it carries from one structure
        to the next, such as wave functions, is its own affair.
    description
        The level of theory, as `Reference.describe` returns it; the name of the calculator and
        its parameters where it is None.
    elements
        Symbols of the elements it can treat; None where that is not known.
    is_semi_empirical
        Whether the method is fitted rather than first-principles.
    with_stress
        Whether it is asked for the stress, where it says that it gives one.
    """

    def __init__(
        self,
        calculator: Any,
        *,
        description: dict[str, JSON] | None = None,
        elements: frozenset[str] | None = None,
        is_semi_empirical: bool = False,
        with_stress: bool = True,
    ) -> None:
        self._calculator = calculator
        self._description = description or _describe(calculator)
        self._elements = elements
        self._is_semi_empirical = is_semi_empirical
        self._with_stress = with_stress

    @property
    def is_semi_empirical(self) -> bool:
        """Whether the method is fitted rather than first-principles."""
        return self._is_semi_empirical

    def label(self, atoms: Atoms, *, careful: bool = False) -> Label:
        """Return the label of a structure, unchecked; see `aofl.reference.quality`.

        A careful label begins with `reset` of the calculator, where it has one.

        Raises
        ------
        StructureError
            If some axes are open and the calculator is known to repeat all of them.
        ReferenceFailed
            If the calculator raises anything at all, or asks Python to end.
        """
        self.check(atoms)
        start = perf_counter()
        reset = getattr(self._calculator, "reset", None)
        free: Any = Atoms(atoms, calculator=self._calculator, constraint=[])
        try:
            if careful and callable(reset):
                reset()
            forces = np.array(free.get_forces(apply_constraint=False), dtype=np.float64)
            return Label(
                energy=_energy(free),
                forces=forces,
                stress=_stress(free) if self._with_stress else None,
                charges=_charges(free),
                seconds=perf_counter() - start,
            )
        except (Exception, SystemExit) as error:  # a calculator may end its own script
            name = type(self._calculator).__name__
            raise ReferenceFailed(
                f"the calculator {name} gave no label for {atoms.symbols}: {_words(error)}"
            ) from error

    def check(self, atoms: Atoms) -> list[str]:
        """Return nothing; see `ChecksStructures.check`. Few calculators say what they can do."""
        module, name = type(self._calculator).__module__, type(self._calculator).__name__
        if module.startswith(PERIODIC):
            check_periodic(atoms, name)
        if module.startswith(PERIODIC_OR_OPEN):
            check_periodic_or_open(atoms, name)
        return []

    def describe(self) -> dict[str, JSON]:
        """Return the level of theory."""
        return dict(self._description)

    def elements_supported(self) -> frozenset[str] | None:
        """Return the symbols of the elements the code can treat, None where it cannot say."""
        return self._elements


def _words(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"it called sys.exit({error.code!r})"
    return str(error)


def _energy(atoms: Any) -> float:
    """Return the energy that is consistent with the forces, eV.

    Calculators that know a free energy do not all declare it, so the results are looked at first.
    """
    results = getattr(atoms.calc, "results", {})
    if "free_energy" in results:
        return float(results["free_energy"])
    try:
        return float(atoms.get_potential_energy(force_consistent=True))
    except PropertyNotImplementedError:
        return float(atoms.get_potential_energy())


def _stress(atoms: Any) -> FloatArray | None:
    if not atoms.pbc.any() or "stress" not in getattr(atoms.calc, "implemented_properties", ()):
        return None
    return np.array(atoms.get_stress(voigt=True, apply_constraint=False), dtype=np.float64)


def _charges(atoms: Any) -> FloatArray | None:
    charges = getattr(atoms.calc, "results", {}).get("charges")
    return None if charges is None else np.array(charges, dtype=np.float64)


def _describe(calculator: Any) -> dict[str, JSON]:
    parameters = getattr(calculator, "parameters", {})
    if not isinstance(parameters, Mapping):  # GPAW has an object of its own
        parameters = parameters.todict() if hasattr(parameters, "todict") else {}
    return {
        "code": type(calculator).__name__,
        "version": None,
        "method": None,
        "settings": {name: _json(value) for name, value in parameters.items()},
    }


def _json(value: Any) -> JSON:
    return value if value is None or isinstance(value, bool | int | float | str) else repr(value)
