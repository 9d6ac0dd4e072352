"""GPAW in this process, with plane waves or atomic orbitals.

Density and wave functions go on from one structure to the next of the same kind, so labels
agree within the convergence of the SCF and not bit for bit. An SCF that does not converge makes
GPAW raise.

GPAW: Mortensen et al., J. Chem. Phys. 160, 092503 (2024), DOI 10.1063/5.0182685.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ase.units
from ase import Atoms

from aofl.config.references import GpawConfig
from aofl.errors import ConfigError
from aofl.records import Label
from aofl.reference.codes.ase_reference import AseReference
from aofl.reference.codes.dft_attempts import DftAttempt
from aofl.reference.codes.periodic import check_periodic
from aofl.reference.codes.plane_wave import PlaneWaveReference, description
from aofl.reference.codes.slab import Vacuum, slab_settings, vacuum_for
from aofl.reference.dispersion import D3
from aofl.reference.protocol import JSON

INSTALL = "make setup-gpaw"
LOG = "gpaw.txt"
GRID_STEPS = 16  # by which a slab is moved along its cell
MIXING = 0.1  # of the density; slabs with a vacuum slosh with more


class GpawReference(PlaneWaveReference):
    """A `Reference` that runs GPAW.

    Parameters
    ----------
    config
        Level of theory.
    directory
        Where GPAW writes its log.

    Raises
    ------
    ConfigError
        If GPAW or its PAW setups are not installed.
    """

    code = "gpaw"
    program = "GPAW"
    files = (LOG,)

    def __init__(self, config: GpawConfig, directory: Path) -> None:
        super().__init__(directory)
        _check_installed()
        self._config = config
        self._d3 = None if config.dispersion is None else D3(config.functional)
        self._calculator: Any = None

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
            "density_convergence": config.density_convergence,
            **slab_settings(config),
        }
        return description(self, config, version("gpaw"), settings)

    def elements_supported(self) -> frozenset[str] | None:
        """Return None: it depends on the setups that are installed."""
        return None

    def check(self, atoms: Atoms) -> list[str]:
        """Return nothing; see `ChecksStructures.check`. Plane waves repeat along every axis."""
        if self._config.mode == "pw":
            check_periodic(atoms, "GPAW with plane waves")
        vacuum_for(self._config, atoms)
        return []

    def _checked(self, atoms: Atoms) -> Atoms:
        self.check(atoms)
        bare = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
        vacuum = vacuum_for(self._config, atoms)
        return bare if vacuum is None else away_from_faces(bare, vacuum)

    def _label_once(self, atoms: Atoms, attempt: DftAttempt) -> Label:
        if not self._goes_on(atoms, attempt):
            self._calculator = self._new_calculator(attempt)
        self._labelled = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GPAW announces changes to come
            # Only plane waves have a stress, whatever the calculator says.
            has_stress = self._config.mode == "pw" and not self._config.dipole_correction
            asked = AseReference(self._calculator, description={}, with_stress=has_stress)
            label = asked.label(atoms)
        # A gently mixed calculator is not gone on with.
        self._labelled = atoms.copy() if attempt.mixing == 1.0 else None
        return label if self._d3 is None else self._d3.added_to(label, atoms)

    def _new_calculator(self, attempt: DftAttempt) -> Any:
        from gpaw import GPAW, PW, FermiDirac, Mixer

        config = self._config
        self._directory.mkdir(parents=True, exist_ok=True)
        by_mode: dict[str, Any] = (
            {"mode": PW(config.cutoff_eV)}
            if config.mode == "pw"
            else {"mode": "lcao", "basis": config.basis, "h": config.grid_spacing_A}
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return GPAW(
                **by_mode,
                **_of_slab(config),
                xc=config.functional,
                setups=dict(config.setups),
                kpts={"size": config.kpoints, "gamma": True},
                symmetry="off",
                occupations=FermiDirac(config.electronic_temperature_K * ase.units.kB),
                mixer=Mixer(MIXING * attempt.mixing, 7, 1),
                maxiter=config.max_iterations * attempt.cycles,
                convergence={"density": config.density_convergence, "eigenstates": 1e-7},
                txt=str(self._directory / LOG),
            )


def away_from_faces(atoms: Atoms, vacuum: Vacuum) -> Atoms:
    """Return a slab that is not periodic along z, its vacuum where the cell ends.

    It is moved by sixteenths of the cell, so that it stays where it was on the grid from one label
    to the next.
    """
    moved: Atoms = atoms.copy()
    steps = round(GRID_STEPS * vacuum.middle)
    moved.positions[:, 2] -= steps / GRID_STEPS * vacuum.height
    moved.wrap()
    moved.pbc = (True, True, False)
    return moved


def _of_slab(config: GpawConfig) -> dict[str, Any]:
    """Return the settings of a dipole correction and a field."""
    if not config.dipole_correction:
        return {}
    settings: dict[str, Any] = {"poissonsolver": {"dipolelayer": "xy"}}
    if config.field_V_per_A != 0:
        fields = import_module("gpaw.external")
        settings["external"] = fields.ConstantElectricField(config.field_V_per_A, [0, 0, 1])
    return settings


def _check_installed() -> None:
    try:
        import gpaw  # noqa: F401 - that it can be imported is all that is wanted
        import gpaw_data  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"the reference gpaw cannot be imported ({error}): install it with `{INSTALL}` "
            "(see docs/reference-codes.md)"
        ) from error
