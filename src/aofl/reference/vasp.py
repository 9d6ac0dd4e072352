"""VASP through files, from the wave functions of the last label.

Kresse, Furthmüller, Phys. Rev. B 54, 11169 (1996), DOI 10.1103/PhysRevB.54.11169.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

from ase import Atoms

from aofl.config.references import VaspConfig
from aofl.errors import ConfigError, ReferenceFailed, StructureError
from aofl.records import Label
from aofl.reference.dft_rungs import DftRung, rungs
from aofl.reference.ladder import climb
from aofl.reference.protocol import JSON
from aofl.reference.quality import LabelLimits
from aofl.reference.same_structure import is_same_kind
from aofl.reference.subprocesses import check_executable, directory_of_files, run, tail
from aofl.reference.vasp_files import check_settings, incar_of, read_outputs, write_inputs

INSTALL = "it is licensed: build it from your licence's sources"
POTENTIALS = "potpaw_PBE"
LOG_TAIL = 200_000  # characters of output kept as evidence


class VaspReference:
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

    def __init__(self, config: VaspConfig, directory: Path) -> None:
        check_executable(config.command, code="VASP", install=INSTALL)
        check_settings(config)
        self._config = config
        self._potentials = _find_potentials(config)
        self._directory = directory
        self._limits = LabelLimits()
        self._labelled: Atoms | None = None

    @property
    def is_semi_empirical(self) -> bool:
        """VASP is first-principles: False."""
        return False

    def label(self, atoms: Atoms, *, careful: bool = False) -> Label:
        """Return the label of a structure; see `Reference.label`.

        Raises
        ------
        StructureError
            If an element has no POTCAR, or there is no cell.
        ReferenceFailed
            If no attempt of VASP converged to a label that can be believed.
        """
        if atoms.cell.rank < 3:
            raise StructureError("VASP needs a cell of three vectors: give the structure one")
        bare = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)
        return climb(
            rungs(careful=careful),
            lambda rung: self._attempt(bare, rung),
            bare,
            limits=self._limits,
            who="VASP",
            advice=f"leave this structure out, or look at {self._directory}",
        )

    def describe(self) -> dict[str, JSON]:
        """Return the level of theory: what changes the converged answer."""
        config = self._config
        return {
            "code": "vasp",
            "version": None,
            "method": config.functional,
            "dispersion": config.dispersion,
            "settings": {
                "cutoff_eV": config.cutoff_eV,
                "setups": dict(config.setups),
                "electronic_temperature_K": config.electronic_temperature_K,
                "kpoints": list(config.kpoints),
                "convergence_eV": config.convergence_eV,
                "settings": dict(config.settings),
            },
        }

    def elements_supported(self) -> frozenset[str] | None:
        """Return None: which POTCAR files there are is seen, and said, when one is needed."""
        return None

    def _attempt(self, atoms: Atoms, rung: DftRung) -> Label:
        config, directory = self._config, self._directory
        continues = (
            not rung.is_fresh and config.keep_wavefunctions and is_same_kind(self._labelled, atoms)
        )
        self._labelled = None
        directory.mkdir(parents=True, exist_ok=True)
        for old in ("OUTCAR", "vasprun.xml", *(() if continues else ("WAVECAR", "CHGCAR"))):
            (directory / old).unlink(missing_ok=True)
        incar = incar_of(config, rung, continues=continues)
        order = write_inputs(config, incar, self._potentials, atoms, directory)
        output = directory / "vasp.out"
        start = perf_counter()
        code = run(config.command, directory, output, timeout_s=config.timeout_s)
        try:
            if code != 0:
                raise ReferenceFailed(f"{config.command[0]} ended with code {code}: {tail(output)}")
            seconds = perf_counter() - start
            label = read_outputs(
                directory, atoms, order, n_steps_max=int(incar["NELM"]), seconds=seconds
            )
        except ReferenceFailed as error:
            raise ReferenceFailed(str(error), _evidence(directory)) from error
        self._labelled = atoms.copy()
        return label


def _evidence(directory: Path) -> dict[str, str]:
    """Return the texts that tell why there is no label; POTCAR is licensed and stays out."""
    names = ("INCAR", "KPOINTS", "POSCAR", "OUTCAR", "vasp.out")
    return {
        name: (directory / name).read_text(errors="replace")[-LOG_TAIL:]
        for name in names
        if (directory / name).is_file()
    }


def _find_potentials(config: VaspConfig) -> Path:
    directory = directory_of_files(
        config.potential_directory,
        "VASP_PP_PATH",
        "reference.potential_directory",
        what=f"the POTCAR files of your VASP licence (with {POTENTIALS} in it)",
    )
    potentials = directory / POTENTIALS
    if not potentials.is_dir():
        raise ConfigError(
            f"{directory} has no directory {POTENTIALS}: unpack the PBE potentials of your VASP "
            "licence there"
        )
    return potentials
