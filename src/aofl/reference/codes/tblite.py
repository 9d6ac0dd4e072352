"""GFN1-xTB and GFN2-xTB through `tblite`, in-process: the embedded, semi-empirical reference.

Every label starts from a fresh density and runs on one thread, so that it depends on the structure
alone, bit for bit, whatever was labelled before. A self-consistent field that
fails is tried again with settings that change the way to the answer and not the answer; the
electronic temperature belongs to the level of theory and stays.

GFN1-xTB: Grimme, Bannwarth, Shushkov, J. Chem. Theory Comput. 13, 1989 (2017),
DOI 10.1021/acs.jctc.7b00118. GFN2-xTB: Bannwarth, Ehlert, Grimme, J. Chem. Theory Comput. 15,
1652 (2019), DOI 10.1021/acs.jctc.8b01176.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from ase.neighborlist import neighbor_list
from threadpoolctl import ThreadpoolController

from aofl.errors import ConfigError, StructureError
from aofl.records import FloatArray, Label
from aofl.reference.codes.ase_reference import AseReference
from aofl.reference.codes.periodic import check_periodic_or_open
from aofl.reference.protocol import JSON
from aofl.reference.quality import LabelLimits
from aofl.reference.retry import first_believed

HIGHEST_ATOMIC_NUMBER = 86
INSTALL = "pip install --force-reinstall tblite"
WITH_LIBGOMP = "apt install libgomp1"  # of Debian and Ubuntu; libgomp elsewhere

# A sodium atom with this many others within this distance, and nothing else bound to it, is
# metal: bcc has 14 within 4.23 Å. Na-O and Na-Cl are 2.3 to 2.9 Å.
METALLIC_DISTANCE_A = 4.6
METALLIC_NEIGHBOURS = 8
BOUND_DISTANCE_A = 3.2

logger = logging.getLogger(__name__)

# What each attempt changes beside the first. On Na | H2O slabs where the first failed, the energies
# of the attempts that converged agreed within 1e-9 eV. On a reacted Na | ether slab the damped
# mixer, alone to converge, found states with -1.6 to -4.9 e on one atom: their charges tell
# (`quality.charge_bounds`). `annealing` starts at a higher electronic temperature (in Hartree: 0.02
# is 6300 K), holds it for 10 cycles and is back at the temperature asked for after 20 more;
# convergence counts only there. More cycles want a short mixer memory: 1000 cycles with the whole
# history took a minute.
ATTEMPTS: tuple[Mapping[str, Any], ...] = tuple(
    MappingProxyType(attempt)
    for attempt in (
        {},
        {"annealing": (0.02, 10, 20)},
        {"mixer_damping": 0.2, "mixer_memory": 50, "cycles_factor": 2},
        {"guess": "eeq"},
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TbliteSettings:
    """How `tblite` is run.

    Attributes
    ----------
    method
        The parametrisation.
    electronic_temperature
        Of the Fermi smearing, K; metals need about 1000 or more.
    accuracy
        Factor on the convergence thresholds; smaller is tighter.
    max_iterations
        Cycles of the first attempt; the later ones get more.
    charge
        Total charge, e.
    multiplicity
        Number of unpaired electrons plus one.
    threads
        Threads of OpenMP and BLAS during a call. Only one thread is bit-identical from call to
        call: with two, the forces of one structure differed in their last digits.
    """

    method: Literal["GFN1-xTB", "GFN2-xTB", "IPEA1-xTB"] = "GFN1-xTB"
    electronic_temperature: float = 1000.0
    accuracy: float = 0.1
    max_iterations: int = 250
    charge: float = 0.0
    multiplicity: int = 1
    threads: int = 1


def _calculator_class() -> Any:
    """Return tblite's calculator; its wheel is linked to a library that bare images lack."""
    try:
        from tblite.ase import TBLite
    except ImportError as error:
        raise ConfigError(
            f"the reference tblite cannot be imported ({error.__cause__ or error}): run "
            f"`{WITH_LIBGOMP if 'libgomp' in str(error.__cause__) else INSTALL}`"
        ) from error
    return TBLite


class TbliteReference:
    """A `Reference` that runs GFN-xTB in this process.

    Parameters
    ----------
    settings
        Level of theory and threads.
    limits
        What a label must keep to; one that does not is tried again like one that failed.
    """

    def __init__(
        self, settings: TbliteSettings | None = None, *, limits: LabelLimits | None = None
    ) -> None:
        # Imported first, so that the controller finds its libraries.
        self._calculator_class = _calculator_class()
        self._threadpools = ThreadpoolController()
        self._settings = settings or TbliteSettings()
        self._limits = limits or LabelLimits()
        self._cells: dict[str, FloatArray] = {}
        self._has_warned = False

    @property
    def is_semi_empirical(self) -> bool:
        """GFN-xTB is fitted: True."""
        return True

    def label(self, atoms: Atoms, *, careful: bool = False) -> Label:
        """Return the label of a structure; on one thread it depends on nothing else.

        Initial charges and magnetic moments of the atoms are not looked at: the settings hold
        the total charge and multiplicity.

        Raises
        ------
        StructureError
            If an element is beyond radon, or some axes are periodic and others are not.
        ReferenceFailed
            If no attempt converged to a label that can be believed.
        """
        self.check(atoms)
        bare = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
        self._warn_of_cell(bare)
        settings = self._settings
        return first_believed(
            ATTEMPTS[1:] if careful else ATTEMPTS,
            lambda attempt: self._label_once(bare, attempt),
            bare,
            limits=self._limits,
            who=settings.method,
            advice="leave this structure out, or raise the electronic temperature "
            f"({settings.electronic_temperature:g} K) for the whole run",
        )

    def check(self, atoms: Atoms) -> list[str]:
        """Return nothing; see `ChecksStructures.check`. What has open axes has no periodic one."""
        _check_elements(atoms, self._settings.method)
        check_periodic_or_open(atoms, self._settings.method)
        return []

    def describe(self) -> dict[str, JSON]:
        """Return the level of theory: what changes the converged answer, and nothing else."""
        settings = self._settings
        return {
            "code": "tblite",
            "version": version("tblite"),
            "method": settings.method,
            "settings": {
                "electronic_temperature_K": settings.electronic_temperature,
                "accuracy": settings.accuracy,
                "charge": settings.charge,
                "multiplicity": settings.multiplicity,
            },
        }

    def elements_supported(self) -> frozenset[str]:
        """Return the symbols from hydrogen to radon."""
        return frozenset(chemical_symbols[1 : HIGHEST_ATOMIC_NUMBER + 1])

    def _label_once(self, atoms: Atoms, attempt: Mapping[str, Any]) -> Label:
        settings = self._settings
        changes = dict(attempt)
        cycles = settings.max_iterations * changes.pop("cycles_factor", 1)
        calculator = self._calculator_class(
            method=settings.method,
            electronic_temperature=settings.electronic_temperature,
            accuracy=settings.accuracy,
            charge=settings.charge,
            multiplicity=settings.multiplicity,
            max_iterations=cycles,
            cache_api=False,
            verbosity=0,
            **changes,
        )
        with self._threadpools.limit(limits=settings.threads):
            return AseReference(calculator, is_semi_empirical=True).label(atoms)

    def _warn_of_cell(self, atoms: Atoms) -> None:
        """Say once, with numbers, that the cell of a sodium metal should not be let go."""
        formula = str(atoms.symbols)
        before = self._cells.setdefault(formula, atoms.cell.array.copy())
        if self._has_warned or np.array_equal(before, atoms.cell.array) or not has_bulk_na(atoms):
            return
        self._has_warned = True
        change = abs(np.linalg.det(atoms.cell.array) / np.linalg.det(before)) - 1.0
        logger.warning(
            "the cell of %s is not fixed (volume %+.2f %%): %s puts the minimum of bulk sodium "
            "near a = 5.5 Å where experiment has 4.23 Å, and compresses it by 9.4 GPa (GFN1) or "
            "6.1 GPa (GFN2) at 4.20 Å; fix the cell, or use a first-principles reference",
            formula,
            100 * change,
            self._settings.method,
        )


def has_bulk_na(atoms: Atoms) -> bool:
    """Whether a sodium atom is surrounded by sodium alone, as inside the metal.

    In a salt it has as many sodium atoms around it, but its anions are nearer.
    """
    sodium = atoms.numbers == 11
    i, j, d = neighbor_list("ijd", atoms, METALLIC_DISTANCE_A)
    n_sodium = np.bincount(i[sodium[j]], minlength=len(atoms))
    n_others = np.bincount(i[~sodium[j] & (d < BOUND_DISTANCE_A)], minlength=len(atoms))
    return bool((sodium & (n_sodium >= METALLIC_NEIGHBOURS) & (n_others == 0)).any())


def _check_elements(atoms: Atoms, method: str) -> None:
    unknown = sorted({z for z in atoms.numbers.tolist() if not 1 <= z <= HIGHEST_ATOMIC_NUMBER})
    if unknown:
        names = ", ".join(chemical_symbols[z] for z in unknown)
        raise StructureError(
            f"{method} has no parameters for {names}; it knows H to Rn: "
            "change the structure or the reference code"
        )
