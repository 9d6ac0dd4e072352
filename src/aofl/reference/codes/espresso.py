"""Quantum ESPRESSO: pw.x through files, from the density and wave functions of the last label.

Giannozzi et al., J. Phys.: Condens. Matter 29, 465901 (2017), DOI 10.1088/1361-648X/aa8f79.
"""

from __future__ import annotations

import os
import re
import shutil
from functools import cached_property
from pathlib import Path
from time import perf_counter

from ase import Atoms

from aofl.config.references import EspressoConfig
from aofl.errors import ConfigError, ReferenceFailed, StructureError
from aofl.records import Label
from aofl.reference.codes.dft_attempts import DftAttempt
from aofl.reference.codes.espresso_files import (
    INPUT,
    OUTPUT,
    STATE,
    check_settings,
    namelists_of,
    read_output,
    write_input,
)
from aofl.reference.codes.periodic import check_periodic
from aofl.reference.codes.plane_wave import PlaneWaveReference, description
from aofl.reference.codes.slab import slab_settings, vacuum_for
from aofl.reference.codes.upf import check_functional
from aofl.reference.installed import ask
from aofl.reference.protocol import JSON
from aofl.reference.subprocesses import check_executable, directory_of_files, run, tail

INSTALL = "on Debian or Ubuntu: apt install quantum-espresso"

_VERSION = re.compile(r"Program PWSCF v\.(\S+)")


class EspressoReference(PlaneWaveReference):
    """A `Reference` that runs pw.x.

    Parameters
    ----------
    config
        Level of theory and command.
    directory
        Where it runs; wave functions stay there from one label to the next.

    Raises
    ------
    ConfigError
        If pw.x or a pseudopotential is missing, or a setting is not the user's to make.
    """

    code = "espresso"
    program = "pw.x"
    files = (INPUT, OUTPUT)

    def __init__(self, config: EspressoConfig, directory: Path) -> None:
        super().__init__(directory)
        check_executable(config.command, code="Quantum ESPRESSO", install=INSTALL)
        check_settings(config)
        self._config = config
        self._pseudopotentials = _find_pseudopotentials(config)

    def describe(self) -> dict[str, JSON]:
        """Return the level of theory: what changes the converged answer."""
        config = self._config
        settings: dict[str, JSON] = {
            "pseudopotentials": dict(config.pseudopotentials),
            "cutoff_Ry": config.cutoff_Ry,
            "density_cutoff_Ry": config.density_cutoff_Ry or 4 * config.cutoff_Ry,
            "convergence_Ry": config.convergence_Ry,
            "settings": {name: dict(value) for name, value in config.settings.items()},
            **slab_settings(config),
        }
        return description(self, config, self.version, settings)

    def elements_supported(self) -> frozenset[str]:
        """Return the elements that the configuration has pseudopotentials for."""
        return frozenset(self._config.pseudopotentials)

    @cached_property
    def version(self) -> str | None:
        """The version of pw.x, as it says itself before it misses its input."""
        found = _VERSION.search(ask([*self._config.command, "-in", os.devnull]))
        return found.group(1) if found else None

    def check(self, atoms: Atoms) -> list[str]:
        """Return the pseudopotentials of a structure; see `ChecksStructures.check`."""
        _check_structure(atoms, self._config)
        elements = dict.fromkeys(atoms.get_chemical_symbols())
        return [self._config.pseudopotentials[element] for element in elements]

    def _checked(self, atoms: Atoms) -> Atoms:
        self.check(atoms)
        return Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)

    def _label_once(self, atoms: Atoms, attempt: DftAttempt) -> Label:
        continues = self._config.keep_wavefunctions and self._goes_on(atoms, attempt)
        self._labelled = None
        if not continues:
            shutil.rmtree(self._directory / STATE, ignore_errors=True)
        self._directory.mkdir(parents=True, exist_ok=True)
        namelists = namelists_of(
            self._config, attempt, vacuum_for(self._config, atoms), continues=continues
        )
        write_input(self._config, namelists, self._pseudopotentials, atoms, self._directory)
        output = self._directory / OUTPUT
        command = [*self._config.command, "-in", INPUT]
        start = perf_counter()
        code = run(command, self._directory, output, timeout_s=self._config.timeout_s)
        text = output.read_text(errors="replace")
        ended = f"{command[0]} ended with code {code}: {tail(output)}"
        if "Program PWSCF" not in text:
            raise ReferenceFailed(f"pw.x did not start; {ended}")
        try:
            label = read_output(
                text,
                atoms,
                seconds=perf_counter() - start,
                has_stress=not self._config.dipole_correction,
            )
        except ReferenceFailed as error:
            raise ReferenceFailed(f"{error} ({ended})" if code != 0 else str(error)) from error
        if code != 0:
            raise ReferenceFailed(ended)
        self._labelled = atoms.copy()
        return label


def _find_pseudopotentials(config: EspressoConfig) -> Path:
    directory = directory_of_files(
        config.pseudopotential_directory,
        "ESPRESSO_PSEUDO",
        "reference.pseudopotential_directory",
        what="pseudopotentials (UPF files)",
    )
    for element, name in config.pseudopotentials.items():
        path = directory / name
        if not path.is_file():
            raise ConfigError(
                f"the pseudopotential of {element} is missing: there is no {path}; put it there "
                "(for example from the SSSP or PseudoDojo sets) or correct "
                f"`reference.pseudopotentials.{element}`"
            )
        check_functional(path, element, config.functional)
    return directory


def _check_structure(atoms: Atoms, config: EspressoConfig) -> None:
    missing = sorted(set(atoms.get_chemical_symbols()) - set(config.pseudopotentials))
    if missing:
        raise StructureError(
            f"`reference.pseudopotentials` has no file for {', '.join(missing)}: add one, or "
            "change the system"
        )
    check_periodic(atoms, "pw.x")
    vacuum_for(config, atoms)
