"""CP2K as a reference: real DFT through one persistent `cp2k_shell`.

The process keeps the wave functions, so that a label begins where the last one ended: 4 to 8
cycles instead of 10 for 19 atoms. The learned energy is the total energy that CP2K gives,
which under smearing is the free energy its forces derive from. A structure of other atoms or
another cell, a retry, and the first label after a failure begin in a fresh process.

Kühne et al., J. Chem. Phys. 152, 194103 (2020), DOI 10.1063/5.0007045.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from ase import Atoms
from ase.stress import full_3x3_to_voigt_6_stress

from aofl.config.references import Cp2kConfig
from aofl.errors import ConfigError, ReferenceFailed
from aofl.records import FloatArray, Label
from aofl.reference.codes.cp2k_attempts import CP2K_ATTEMPTS, DFT, Cp2kAttempt, stages
from aofl.reference.codes.cp2k_input import Section, parse, render
from aofl.reference.codes.cp2k_output import abort_message, read_charges, read_from, read_report
from aofl.reference.codes.cp2k_preset import KINDS, check_supported, method_of, preset
from aofl.reference.codes.cp2k_shell import Cp2kShell
from aofl.reference.codes.cp2k_slab import with_slab
from aofl.reference.codes.cp2k_structure import CHARGES, prepared, with_structure
from aofl.reference.codes.periodic import check_periodic
from aofl.reference.codes.slab import slab_settings, vacuum_for
from aofl.reference.protocol import JSON
from aofl.reference.quality import NUMBERS_ONLY, LabelLimits
from aofl.reference.retry import first_believed
from aofl.reference.same_structure import check_echo
from aofl.reference.subprocesses import check_executable, last_lines

INSTALL = "on Debian or Ubuntu: `make setup-cp2k`"
# What of the configuration changes the converged answer.
LEVEL_KEYS = (
    "functional",
    "dispersion",
    "cutoff_Ry",
    "smooth_xc",
    "electronic_temperature_K",
    "kpoints",
    "convergence",
    "charge",
    "multiplicity",
)
KEPT_OUTPUT = 200_000  # characters of output kept as evidence
# How the density of the next step is guessed. At consecutive steps of 0.5 fs "linear" takes 4.0
# cycles and "previous" 5.8; between labels 10 fs apart both take 8 (benchmarks/cp2k_settings.py).
EXTRAPOLATION: dict[str, tuple[tuple[str, str], ...]] = {
    "linear": (("EXTRAPOLATION", "LINEAR_P"), ("EXTRAPOLATION_ORDER", "2")),
    "previous": (("EXTRAPOLATION", "USE_PREV_P"),),
}


@dataclass(slots=True)
class _Session:
    """One process with one system loaded; `key` says which system, in which attempt.

    The output of the last evaluation begins at `offset`.
    """

    shell: Cp2kShell
    key: str
    input_text: str
    output: Path
    offset: int = 0


class Cp2kReference:
    """A `Reference` that runs CP2K.

    Parameters
    ----------
    config
        Level of theory and how it is run.
    directory
        Where CP2K works; made when it is needed.
    limits
        What a label must keep to; one that does not is tried again like one that failed. None
        looks at the numbers alone, and leaves the rest to `aofl.reference.gate`.

    Raises
    ------
    ConfigError
        If the program is not there, or the user's input is not one.
    """

    is_semi_empirical = False

    def __init__(
        self, config: Cp2kConfig, directory: Path, *, limits: LabelLimits | None = None
    ) -> None:
        check_executable(config.command, code="CP2K", install=INSTALL)
        self._config = config
        self._given = None if config.input is None else _read_input(Path(config.input))
        self._directory = directory
        self._limits = limits or NUMBERS_ONLY
        self._session: _Session | None = None
        self._last: _Session | None = None  # of the last evaluation, ended or not
        self._n_sessions = 0

    def label(self, atoms: Atoms, *, careful: bool = False) -> Label:
        """Return the label of a structure; see `Reference.label`.

        Raises
        ------
        StructureError
            If the preset has no entry for an element, or the structure is not periodic.
        ReferenceFailed
            If no attempt converged to a label that can be believed.
        """
        self.check(atoms)
        bare = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
        return first_believed(
            CP2K_ATTEMPTS[1:] if careful else CP2K_ATTEMPTS,
            lambda attempt: self._label_once(bare, attempt),
            bare,
            limits=self._limits,
            who="CP2K",
            advice="leave this structure out, or look at what was kept of the attempts",
            files=self.evidence,
        )

    def describe(self) -> dict[str, JSON]:
        """Return the level of theory: what changes the converged answer, and nothing else."""
        if self._given is not None:
            digest = hashlib.sha256(render(self._given).encode()).hexdigest()
            settings: dict[str, JSON] = {"input_sha256": digest}
        else:
            chosen = self._config.model_dump(mode="json")
            settings = {name: chosen[name] for name in LEVEL_KEYS}
            settings |= slab_settings(self._config)
            if self._config.semicore:  # named where it is chosen: older labels do not know it
                settings["semicore"] = True
        return {
            "code": "CP2K",
            "version": self.version,
            **method_of(self._given, self._config),
            "settings": settings,
        }

    def check(self, atoms: Atoms) -> list[str]:
        """Return nothing; see `ChecksStructures.check`."""
        check_periodic(atoms, "CP2K")
        if self._given is None:
            check_supported(atoms.get_chemical_symbols(), self._config)
            vacuum_for(self._config, atoms)
        return []

    def elements_supported(self) -> frozenset[str] | None:
        """Return the symbols of the preset, None where the user's input decides."""
        return frozenset(KINDS) if self._given is None else None

    @cached_property
    def version(self) -> str:
        """The version of CP2K, as it says itself."""
        # Elsewhere: a run asks for it before it has a directory.
        with TemporaryDirectory(prefix="aofl-cp2k-") as elsewhere:
            shell = self._start(Path(elsewhere))
            try:
                lines = shell.ask("INFO")
            finally:
                shell.close()
        words = next((line.split() for line in lines if "version string" in line), ["unknown"])
        return words[-1]

    def evidence(self) -> dict[str, str]:
        """Return input, output and errors of the last evaluation."""
        texts = {"cp2k.err": read_from(self._where / "cp2k.err", 0)}
        if self._last is not None:
            texts |= {
                "cp2k.inp": self._last.input_text,
                "cp2k.out": read_from(self._last.output, self._last.offset)[-KEPT_OUTPUT:],
            }
        return {name: text for name, text in texts.items() if text}

    def close(self) -> None:
        """End the process, if there is one; the next label starts another."""
        if self._session is not None:
            self._session.shell.close()
            self._session = None

    def _abandon(self) -> None:
        if self._session is not None:
            self._session.shell.kill()
            self._session = None

    def _label_once(self, atoms: Atoms, attempt: Cp2kAttempt) -> Label:
        """Make one label, or end the process: what failed spoils the wave functions."""
        self._last = None
        try:
            session = self._session_for(atoms, attempt)
            session.offset = session.output.stat().st_size if session.output.exists() else 0
            label = self._computed(session, atoms)
        except ReferenceFailed as error:
            evidence = self.evidence()
            self.close()
            raise ReferenceFailed(_with_words(str(error), evidence), evidence) from error
        except BaseException:  # such as Ctrl-C: an answer left unread would answer the next request
            self._abandon()
            raise
        if not self._config.keep_wavefunctions:
            self.close()
        return label

    def _computed(self, session: _Session, atoms: Atoms) -> Label:
        start = perf_counter()
        shell = session.shell
        shell.ask("SET_POS", atoms.positions)
        charges = self._where / CHARGES
        charges.unlink(missing_ok=True)
        shell.ask("EVAL_EF")
        cell = shell.ask_numbers("GET_CELL").reshape(3, 3)
        positions = shell.ask_vectors("GET_POS")
        check_echo(atoms, Atoms(atoms.numbers, positions, cell=cell, pbc=atoms.pbc))
        report = read_report(read_from(session.output, session.offset))
        if report.is_converged is None:
            raise ReferenceFailed("the output of CP2K does not say whether its SCF converged")
        if not report.is_converged:
            raise ReferenceFailed("the SCF of CP2K did not converge")
        if report.has_full_bands:
            raise ReferenceFailed("the smearing of CP2K fills its highest orbital: too few bands")
        return Label(
            energy=float(shell.ask_numbers("GET_E")[0]),
            forces=shell.ask_vectors("GET_F"),
            stress=_stress(shell) if self._has_stress else None,
            charges=read_charges(read_from(charges, 0)),
            seconds=perf_counter() - start,
        )

    @property
    def _has_stress(self) -> bool:
        force_eval = self._given.find("FORCE_EVAL") if self._given is not None else None
        if force_eval is None:
            return self._config.stress
        return (force_eval.value("STRESS_TENSOR") or "NONE").upper() == "ANALYTICAL"

    def _session_for(self, atoms: Atoms, attempt: Cp2kAttempt) -> _Session:
        """Return the process that has this system loaded, started where there is none."""
        tree = self._tree(atoms)
        what = render(tree), atoms.numbers.tobytes().hex(), atoms.cell.array.tobytes().hex()
        key = " ".join([attempt.name, *what])
        if attempt is CP2K_ATTEMPTS[0] and self._session is not None and self._session.key == key:
            self._last = self._session
            return self._session
        self.close()
        inputs = [with_structure(tree, atoms) for tree in stages(tree, attempt)]
        self._n_sessions += 1
        shell = self._start(self._where)
        for number, text in enumerate(map(render, inputs)):
            if number > 0:
                shell.ask("EVAL_EF")
                shell.ask("DESTROY")
            name = f"cp2k-{self._n_sessions:04d}-{number}"
            output = self._where / f"{name}.out"
            output.unlink(missing_ok=True)  # of a run before this one was resumed
            (self._where / f"{name}.inp").write_text(text)
            session = self._session = self._last = _Session(shell, key, text, output)
            shell.ask(f"LOAD {name}.inp {name}.out")
        return session

    def _tree(self, atoms: Atoms) -> Section:
        if self._given is not None:
            return prepared(self._given)
        tree = prepared(preset(atoms.get_chemical_symbols(), self._config))
        for keyword, value in EXTRAPOLATION[self._config.extrapolation]:
            tree = tree.with_value((*DFT, "QS"), keyword, value)
        return with_slab(tree, self._config, vacuum_for(self._config, atoms))

    def _start(self, directory: Path) -> Cp2kShell:
        config = self._config
        environment = {"OMP_NUM_THREADS": str(config.threads)}
        if config.data_directory is not None:
            environment["CP2K_DATA_DIR"] = config.data_directory
        return Cp2kShell(
            config.command, directory, environment=environment, timeout=config.timeout_s
        )

    @cached_property
    def _where(self) -> Path:
        self._directory.mkdir(parents=True, exist_ok=True)
        return self._directory


def _with_words(message: str, evidence: dict[str, str]) -> str:
    """Add what CP2K says of its abort, or else what its launcher said, to a message."""
    words = abort_message(evidence.get("cp2k.out", ""))
    if words is None and "cp2k.err" in evidence:
        words = last_lines(evidence["cp2k.err"])
    return message if words is None or words in message else f"{message}: {words}"


def _read_input(path: Path) -> Section:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"`reference.input` is {path}, which cannot be read: {error}") from error
    return parse(text, str(path))


def _stress(shell: Cp2kShell) -> FloatArray:
    """Return the stress in ASE's sign, eV/Å^3, Voigt; CP2K's is the negative."""
    tensor = shell.ask_numbers("GET_STRESS").reshape(3, 3)
    return np.array(full_3x3_to_voigt_6_stress(-tensor))
