"""VASP through files, from the wave functions of the last label.

Kresse, Furthmüller, Phys. Rev. B 54, 11169 (1996), DOI 10.1103/PhysRevB.54.11169.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

from ase import Atoms

from aofl.config.references import VaspConfig
from aofl.errors import ReferenceFailed
from aofl.records import Label
from aofl.reference.codes.dft_attempts import DftAttempt
from aofl.reference.codes.periodic import check_periodic
from aofl.reference.codes.plane_wave import PlaneWaveReference, description
from aofl.reference.codes.potcar import find_potentials, potential_of
from aofl.reference.codes.slab import slab_settings, vacuum_for
from aofl.reference.codes.vasp_files import check_settings, incar_of, read_outputs, write_inputs
from aofl.reference.installed import POTENTIALS
from aofl.reference.protocol import JSON
from aofl.reference.subprocesses import check_executable, run, tail

INSTALL = "it is licensed: build it from your licence's sources"


class VaspReference(PlaneWaveReference):
    """A `Reference` that runs VASP.

    Parameters
    ----------
    config
        Level of theory and command.
    directory
        Where it runs; the wave functions stay there from one label to the next.

    Raises
    ------
    ConfigError
        If VASP or its potentials are missing, or a setting is not the user's to make.
    """

    code = "vasp"
    program = "VASP"
    files = ("INCAR", "KPOINTS", "POSCAR", "OUTCAR", "vasp.out")  # POTCAR is licensed

    def __init__(self, config: VaspConfig, directory: Path) -> None:
        super().__init__(directory)
        check_executable(config.command, code="VASP", install=INSTALL)
        check_settings(config)
        self._config = config
        self._potentials = find_potentials(config)

    def describe(self) -> dict[str, JSON]:
        """Return the level of theory: what changes the converged answer."""
        config = self._config
        settings: dict[str, JSON] = {
            "cutoff_eV": config.cutoff_eV,
            "setups": dict(config.setups),
            "convergence_eV": config.convergence_eV,
            "settings": dict(config.settings),
            **slab_settings(config),
        }
        if self._potentials.name != POTENTIALS:  # named where it is chosen: labels of before
            settings["potentials"] = self._potentials.name
        return description(self, config, None, settings)

    def elements_supported(self) -> frozenset[str] | None:
        """Return None: which POTCAR files there are is seen, and said, when one is needed."""
        return None

    def check(self, atoms: Atoms) -> list[str]:
        """Return the potentials of a structure; see `ChecksStructures.check`."""
        check_periodic(atoms, self.program)
        vacuum_for(self._config, atoms)
        elements = dict.fromkeys(atoms.get_chemical_symbols())
        return [str(potential_of(one, self._config, self._potentials)) for one in elements]

    def _checked(self, atoms: Atoms) -> Atoms:
        self.check(atoms)
        return Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)

    def _label_once(self, atoms: Atoms, attempt: DftAttempt) -> Label:
        config, directory = self._config, self._directory
        continues = config.keep_wavefunctions and self._goes_on(atoms, attempt)
        self._labelled = None
        directory.mkdir(parents=True, exist_ok=True)
        for old in ("OUTCAR", "vasprun.xml", *(() if continues else ("WAVECAR", "CHGCAR"))):
            (directory / old).unlink(missing_ok=True)
        incar = incar_of(config, attempt, vacuum_for(config, atoms), continues=continues)
        order = write_inputs(config, incar, self._potentials, atoms, directory)
        output = directory / "vasp.out"
        start = perf_counter()
        code = run(config.command, directory, output, timeout_s=config.timeout_s)
        if code != 0:
            raise ReferenceFailed(f"{config.command[0]} ended with code {code}: {tail(output)}")
        seconds = perf_counter() - start
        try:
            label = read_outputs(
                directory, atoms, order, n_steps_max=int(incar["NELM"]), seconds=seconds
            )
        except ReferenceFailed as error:
            if (directory / "OUTCAR").is_file():
                raise
            raise ReferenceFailed(f"{error}; {config.command[0]} said: {tail(output)}") from error
        self._labelled = atoms.copy()
        return label
