"""The bias of PLUMED, with a memory that is in its files alone.

PLUMED (The PLUMED consortium, Nat. Methods 16, 670 (2019); Tribello, Bonomi, Branduardi, Camilloni
and Bussi, Comput. Phys. Commun. 185, 604 (2014)) sees each accepted step once, deposits hills and
prints. What it has seen is in its memory and, rounded, in its files. So that a run that was killed
goes on like one that was not, PLUMED is begun again from its files wherever a run may be resumed:
at each checkpoint and after each rewind. From there on both are the same to the last bit, whatever
digits the files have. What it said of the last step is kept with the snapshot, for the next kick.

Energies, lengths and times are handed over in eV, Å and fs; the input is in PLUMED's units, nm,
kJ/mol and ps, unless its `UNITS` say otherwise. Atoms count from 1 there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from ase import Atoms, units

from aofl.config.dynamics import DynamicsConfig
from aofl.config.plumed_input import INPUT, read_plumed_files
from aofl.errors import ConfigError, RunStopped
from aofl.records import FloatArray
from aofl.simulation.push import Push
from aofl.store import OutputFolder

FAR = 1000.0  # times a cell vector that is not periodic: no image is near
UNITS = {
    "setMDEnergyUnits": units.mol / units.kJ,  # eV, in kJ/mol
    "setMDLengthUnits": 0.1,  # Å, in nm
    "setMDTimeUnits": 0.001,  # fs, in ps
}
MISSING = (
    "`bias.plumed` needs PLUMED, and {what}; `make setup-plumed` or `pip install --no-deps "
    "hillclimber` brings it, or `pip install 'aofl[plumed]'` and PLUMED_KERNEL with the path of "
    "your libplumedKernel.so"
)
SAME_ENERGY, SAME_FORCE = 1e-5, 1e-4  # eV, eV/Å: digits of files, not another bias


class PlumedBias:
    """PLUMED on the atoms of a run, writing into a folder that holds its input.

    Parameters
    ----------
    folder
        With `plumed.dat` and what it reads.
    dynamics
        The time step, and the first temperature, are what PLUMED is told.
    """

    def __init__(self, folder: Path, dynamics: DynamicsConfig) -> None:
        self.files = OutputFolder(path=folder)
        self.last: Push | None = None  # of the step below
        self._step = -1
        self._timestep = dynamics.timestep_fs
        self._kT = units.kB * dynamics.initial_temperature
        self._plumed: Any = None

    def begin(self, atoms: Atoms) -> None:
        """Start PLUMED without a past; what an earlier attempt has written is removed.

        Raises
        ------
        ConfigError
            If PLUMED is not there or does not take its input.
        """
        self.files.keep_only(read_plumed_files(self.files.path / INPUT))
        self._start(atoms, restarts=False)

    def at(self, step: int, atoms: Atoms) -> Push:
        """Return what PLUMED does at a step, which it sees once."""
        if step != self._step or self.last is None:
            self.put_back(step, self._ask(step, atoms, is_new=True))
        return self.last  # type: ignore[return-value]

    def put_back(self, step: int, last: Push | None) -> None:
        """Let the last step be the one of a snapshot, with what was said of it."""
        self._step, self.last = step, last

    def restart(self, atoms: Atoms) -> Push:
        """Begin PLUMED again from its files, as of the last step; return its bias after that step.

        It sees the step a second time, for actions that pass over their first one; what it writes
        of it, with the heads of the files, is cut off.
        """
        sizes = self.files.sizes()
        self._start(atoms, restarts=True)
        first = self._ask(self._step, atoms, is_new=True)
        self.files.cut(sizes)
        return first

    def settle(self, atoms: Atoms) -> None:
        """Let the path from here on be that of a run resumed here.

        Raises
        ------
        RunStopped
            If the bias is not the same afterwards.
        """
        before = self._ask(self._step, atoms, is_new=False)
        now = self.restart(atoms)
        error, slope = abs(now.energy - before.energy), np.abs(now.forces - before.forces).max()
        if not (error < SAME_ENERGY and slope < SAME_FORCE):
            raise RunStopped(
                f"the bias of {self.files.path / INPUT} is another one once PLUMED has read its "
                f"files again (by {error:.2g} eV and {slope:.2g} eV/Å): an action of it keeps what "
                "it has seen in memory, so that no resume could go on; take another action, or "
                "more digits in its FMT"
            )

    def _start(self, atoms: Atoms, *, restarts: bool) -> None:
        if self._plumed is not None:
            self._plumed.finalize()
        module = _module()
        folder = self.files.path
        (folder / self.files.log).unlink(missing_ok=True)  # or PLUMED keeps a copy of each
        self._plumed = _kernel(module)
        with chdir(folder), _understood(module, len(atoms)):
            self._tell({"setRealPrecision": 8, **UNITS, "setMDEngine": "aofl"})
            self._tell({"setNatoms": len(atoms), "setTimestep": self._timestep, "setKbT": self._kT})
            self._tell({"setRestart": int(restarts), "setLogFile": self.files.log})
            self._tell({"setPlumedDat": INPUT})
            self._plumed.cmd("init")

    def _ask(self, step: int, atoms: Atoms, *, is_new: bool) -> Push:
        """Let PLUMED look at the atoms; at a new step it deposits and prints."""
        energy, forces, virial = np.zeros(1), np.zeros((len(atoms), 3)), np.zeros((3, 3))
        seen = {"setPositions": atoms.get_positions(), "setMasses": atoms.get_masses()}
        with chdir(self.files.path), _understood(_module(), len(atoms)):
            self._tell({"setStep": step, "setBox": _box(atoms), **seen})
            self._tell({"setForces": forces, "setVirial": virial})
            self._plumed.cmd("prepareCalc")
            self._plumed.cmd("performCalc" if is_new else "performCalcNoUpdate")
            self._plumed.cmd("getBias", energy)
        return Push(energy=float(energy[0]), forces=forces, virial=virial)

    def _tell(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            self._plumed.cmd(name, value)


def check_plumed(path: Path, atoms: Atoms, dynamics: DynamicsConfig) -> None:
    """Refuse an input that PLUMED does not take, or cannot apply to a structure.

    Raises
    ------
    ConfigError
        With PLUMED's own words.
    """
    with TemporaryDirectory(prefix="aofl-plumed-") as scratch:
        write_plumed_files(read_plumed_files(path), Path(scratch))
        bias = PlumedBias(Path(scratch), dynamics)
        bias.begin(atoms)
        bias.at(0, atoms)


def write_plumed_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write an input and what it reads into a folder."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def _module() -> Any:
    try:
        return import_module("plumed")
    except ImportError as error:
        raise ConfigError(MISSING.format(what="there is no Python module of it")) from error


def _kernel(module: Any) -> Any:
    """Return a PLUMED of the kernel that PLUMED_KERNEL names; named so, it announces nothing."""
    try:
        return module.Plumed(kernel=os.environ.get("PLUMED_KERNEL"))
    except RuntimeError as error:
        raise ConfigError(MISSING.format(what=f"its library is missing ({error})")) from error


@contextmanager
def _understood(module: Any, n_atoms: int) -> Iterator[None]:
    """Turn what PLUMED raises into one sentence."""
    try:
        yield
    except module.PlumedError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        told = [line for line in lines if not line.startswith(("(", "+++"))] or lines
        raise ConfigError(
            f"`bias.plumed`: PLUMED says: {' '.join(told)} (it counts atoms from 1, and the "
            f"structure has {n_atoms}); see its manual for this action"
        ) from error


def _box(atoms: Atoms) -> FloatArray:
    """Return the cell as PLUMED takes it, rows are vectors, Å; zeros where nothing is periodic."""
    if not atoms.pbc.any():
        return np.zeros((3, 3))
    box = np.array(atoms.cell.complete())
    box[~atoms.pbc] *= FAR
    return box
