"""GPAW in this process, with plane waves or atomic orbitals.

Density and wave functions go on from one structure to the next of the same kind, so labels
agree within the convergence of the SCF and not bit for bit. An SCF that does not converge makes
GPAW raise.

GPAW: Mortensen et al., J. Chem. Phys. 160, 092503 (2024), DOI 10.1063/5.0182685.
"""

from __future__ import annotations

import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ase.units
from ase import Atoms

from aofl.config.references import GpawConfig
from aofl.errors import ConfigError
from aofl.records import Label
from aofl.reference.ase_reference import AseReference
from aofl.reference.dft_rungs import DftRung, rungs
from aofl.reference.dispersion import D3
from aofl.reference.ladder import climb
from aofl.reference.protocol import JSON
from aofl.reference.quality import LabelLimits
from aofl.reference.same_structure import is_same_kind

INSTALL = "make setup-gpaw"
MIXING = 0.1  # of the density; slabs with a vacuum slosh with more


class GpawReference:
    """A `Reference` that runs GPAW.

    Parameters
    ----------
    config
        Level of theory.
    directory
        Where GPAW writes its log; None writes none.

    Raises
    ------
    ConfigError
        If GPAW or its PAW setups are not installed.
    """

    def __init__(self, config: GpawConfig, directory: Path | None = None) -> None:
        _check_installed()
        self._config = config
        self._directory = directory
        self._d3 = None if config.dispersion is None else D3(config.functional)
        self._limits = LabelLimits()
        self._calculator: Any = None
        self._labelled: Atoms | None = None

    @property
    def is_semi_empirical(self) -> bool:
        """GPAW is first-principles: False."""
        return False

    def label(self, atoms: Atoms, *, careful: bool = False) -> Label:
        """Return the label of a structure; see `Reference.label`.

        Raises
        ------
        ReferenceFailed
            If no attempt converged to a label that can be believed.
        """
        bare = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
        return climb(
            rungs(careful=careful),
            lambda rung: self._attempt(bare, rung),
            bare,
            limits=self._limits,
            who="GPAW",
            advice="leave this structure out, or look at gpaw.txt",
        )

    def describe(self) -> dict[str, JSON]:
        """Return the level of theory: what changes the converged answer."""
        config = self._config
        by_mode: dict[str, JSON] = (
            {"cutoff_eV": config.cutoff_eV}
            if config.mode == "pw"
            else {"basis": config.basis, "grid_spacing_A": config.grid_spacing_A}
        )
        settings: dict[str, JSON] = {
            "mode": config.mode,
            **by_mode,
            "setups": dict(config.setups),
            "electronic_temperature_K": config.electronic_temperature_K,
            "kpoints": list(config.kpoints),
            "density_convergence": config.density_convergence,
        }
        return {
            "code": "gpaw",
            "version": version("gpaw"),
            "method": config.functional,
            "dispersion": config.dispersion,
            "settings": settings,
        }

    def elements_supported(self) -> frozenset[str] | None:
        """Return None: it depends on the setups that are installed."""
        return None

    def _attempt(self, atoms: Atoms, rung: DftRung) -> Label:
        if rung != DftRung() or not is_same_kind(self._labelled, atoms):
            self._calculator = self._new_calculator(rung)
        self._labelled = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GPAW announces changes to come
            # Only plane waves have a stress, whatever the calculator says.
            asked = AseReference(
                self._calculator, description={}, with_stress=self._config.mode == "pw"
            )
            label = asked.label(atoms)
        # A gently mixed calculator is not gone on with.
        self._labelled = atoms.copy() if rung.mixing == 1.0 else None
        return label if self._d3 is None else self._d3.added_to(label, atoms)

    def _new_calculator(self, rung: DftRung) -> Any:
        from gpaw import GPAW, PW, FermiDirac, Mixer

        config = self._config
        by_mode: dict[str, Any] = (
            {"mode": PW(config.cutoff_eV)}
            if config.mode == "pw"
            else {"mode": "lcao", "basis": config.basis, "h": config.grid_spacing_A}
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return GPAW(
                **by_mode,
                xc=config.functional,
                setups=dict(config.setups),
                kpts={"size": config.kpoints, "gamma": True},
                symmetry="off",
                occupations=FermiDirac(config.electronic_temperature_K * ase.units.kB),
                mixer=Mixer(MIXING * rung.mixing, 7, 1),
                maxiter=config.max_iterations * rung.cycles,
                convergence={"density": config.density_convergence, "eigenstates": 1e-7},
                txt=self._log(),
            )

    def _log(self) -> str | None:
        if self._directory is None:
            return None
        self._directory.mkdir(parents=True, exist_ok=True)
        return str(self._directory / "gpaw.txt")


def _check_installed() -> None:
    try:
        import gpaw  # noqa: F401 - that it can be imported is all that is wanted
        import gpaw_data  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"the reference gpaw cannot be imported ({error}): install it with `{INSTALL}` "
            "(see docs/reference-codes.md)"
        ) from error
