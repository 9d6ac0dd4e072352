"""The inputs of VASP, and the label in its outputs.

VASP wants the atoms of an element together: they are ordered for it and put back after. The
learned energy is TOTEN, the free energy that the forces belong to.

POSCAR is written and `vasprun.xml` read by ASE. The other inputs are a few lines each and written
here: ASE's writers of them are parts of its calculator, which looks for the potentials where ASE's
own settings say, while here the configuration may say it. Whether the outputs are whole and
converged is asked here as well: of a `vasprun.xml` that is cut off ASE returns what it holds.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import ase.io
import ase.units
import numpy as np
from ase import Atoms
from ase.io.vasp import write_vasp

from aofl.config.references import VaspConfig
from aofl.errors import ConfigError, ReferenceFailed
from aofl.records import IntArray, Label
from aofl.reference.codes.dft_attempts import DftAttempt
from aofl.reference.codes.potcar import potential_of
from aofl.reference.codes.slab import Vacuum
from aofl.reference.same_structure import check_echo

AMIX = 0.4  # the default of VASP

_KEY = re.compile(r"[A-Z][A-Z0-9_]*")
_GGA = {"PBE": "PE", "RPBE": "RP", "revPBE": "RE"}
# What this module writes: `settings` may not say otherwise.
_OURS = {
    "ENCUT", "EDIFF", "GGA", "IBRION", "ICHARG", "ISIF", "ISMEAR", "ISTART", "ISYM", "IVDW",
    "LCHARG", "LWAVE", "NELM", "NSW", "SIGMA",
}  # fmt: skip
_SLAB = {"LDIPOL", "IDIPOL", "DIPOL", "EFIELD"}


def write_inputs(
    config: VaspConfig, incar: dict[str, Any], potentials: Path, atoms: Atoms, directory: Path
) -> IntArray:
    """Write INCAR, KPOINTS, POSCAR and POTCAR; return the order of the atoms in them.

    Parameters
    ----------
    incar
        As `incar_of` returns it.
    potentials
        The directory that holds one directory of a POTCAR for each element.

    Returns
    -------
    IntArray
        Which atom of the structure each line of POSCAR is, shape (n_atoms,).
    """
    order = np.argsort(atoms.numbers, kind="stable").astype(np.int64)
    ordered = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)[order]
    lines = "".join(f" {key} = {_text(value)}\n" for key, value in incar.items())
    (directory / "INCAR").write_text(f"written by aofl\n{lines}")
    grid = " ".join(str(n) for n in config.kpoints)
    (directory / "KPOINTS").write_text(f"written by aofl\n0\nGamma\n{grid}\n0 0 0\n")
    write_vasp(directory / "POSCAR", ordered, direct=True)
    elements = dict.fromkeys(ordered.get_chemical_symbols())
    potcar = "".join(potential_of(element, config, potentials).text for element in elements)
    (directory / "POTCAR").write_text(potcar)
    return order


def read_outputs(
    directory: Path, sent: Atoms, order: IntArray, *, n_steps_max: int, seconds: float
) -> Label:
    """Return the label in OUTCAR and `vasprun.xml`.

    Parameters
    ----------
    sent
        The structure that was asked for.
    order
        As `write_inputs` returned it.
    n_steps_max
        NELM: an SCF of that many steps did not converge.
    seconds
        Wall time of the call.

    Raises
    ------
    ReferenceFailed
        If the output is cut off, the SCF did not converge, or the structure is another one.
    """
    _check_outcar(directory / "OUTCAR")
    try:
        read: Any = ase.io.read(directory / "vasprun.xml", format="vasp-xml")
        results = read.calc.results
        forces = np.array(results["forces"], dtype=np.float64)
        energy = float(results["free_energy"])
        stress = np.array(results["stress"], dtype=np.float64)
        n_steps = _count_scf_steps((directory / "vasprun.xml").read_text(errors="replace"))
    except Exception as problem:  # ASE raises nearly anything on an output that is damaged
        raise ReferenceFailed(f"vasprun.xml cannot be read: {problem!r}") from problem
    if n_steps >= n_steps_max:
        raise _unconverged()
    check_echo(sent[order], read)
    sorted_back = np.empty_like(forces)
    sorted_back[order] = forces
    return Label(
        energy=energy,
        forces=sorted_back,
        stress=stress,
        seconds=seconds,
    )


def _check_outcar(path: Path) -> None:
    try:
        text = path.read_text(errors="replace")
    except OSError as error:
        raise ReferenceFailed("VASP left no OUTCAR: it did not start") from error
    if "Elapsed time (sec)" not in text:
        raise ReferenceFailed(
            "OUTCAR ends before its last lines: VASP was killed or the disk is full"
        )
    if "EDIFF is reached" not in text:
        raise _unconverged()


def _unconverged() -> ReferenceFailed:
    return ReferenceFailed(
        "the SCF of VASP did not converge: raise `reference.max_iterations`, or set ALGO or AMIX "
        "in `reference.settings`"
    )


def _count_scf_steps(text: str) -> int:
    if not text.rstrip().endswith("</modeling>"):
        raise ValueError("it is cut off")
    return text.count("<scstep>")


def incar_of(
    config: VaspConfig, attempt: DftAttempt, vacuum: Vacuum | None = None, *, continues: bool
) -> dict[str, Any]:
    """Return the keys of INCAR, those of the user added.

    Parameters
    ----------
    vacuum
        Of a slab that gets a dipole correction.
    continues
        Whether WAVECAR of the last run in the directory is the start.
    """
    settings: dict[str, Any] = {
        "ENCUT": config.cutoff_eV,
        "GGA": _GGA[config.functional],
        "ISMEAR": -1,  # Fermi-Dirac
        "SIGMA": round(config.electronic_temperature_K * ase.units.kB, 8),
        "EDIFF": config.convergence_eV,
        "NELM": config.max_iterations * attempt.cycles,
        "NSW": 0,
        "IBRION": -1,
        "ISIF": 2,  # forces and stress
        "ISYM": 0,
        "ISTART": 1 if continues else 0,
        "ICHARG": 0 if continues else 2,
        "LWAVE": config.keep_wavefunctions,
        "LCHARG": False,
    }
    if config.dispersion is not None:
        settings["IVDW"] = 12  # D3 with Becke-Johnson damping
    if attempt.mixing < 1.0:
        settings |= {"AMIX": AMIX * attempt.mixing, "BMIX": 0.0001}
    settings |= _slab(config, vacuum)
    return {**settings, "PREC": "Accurate", "LREAL": False, **config.settings}


def _slab(config: VaspConfig, vacuum: Vacuum | None) -> dict[str, Any]:
    """Return what corrects the dipole of a slab and puts a field on it.

    VASP jumps half a cell away from DIPOL, and its EFIELD is the force on an electron.
    """
    if vacuum is None:
        return {}
    centre = round((vacuum.middle + 0.5) % 1.0, 6)
    settings = {"LDIPOL": True, "IDIPOL": 3, "DIPOL": [0.5, 0.5, centre]}
    return settings | ({"EFIELD": -config.field_V_per_A} if config.field_V_per_A else {})


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return ".TRUE." if value else ".FALSE."
    if isinstance(value, list):
        return " ".join(_text(item) for item in value)
    return str(value)


def check_settings(config: VaspConfig) -> None:
    """Refuse settings that are not INCAR's, or that aofl makes itself.

    Raises
    ------
    ConfigError
        Naming the key.
    """
    for key, value in config.settings.items():
        if not _KEY.fullmatch(key):
            raise ConfigError(
                f"`reference.settings.{key}` is no key of INCAR: they are of capital letters"
            )
        if key in (_OURS | _SLAB if config.dipole_correction else _OURS):
            raise ConfigError(
                f"`reference.settings.{key}` is set by aofl: leave it out, or use the key of "
                "`reference` that stands for it"
            )
        parts = value if isinstance(value, list) else [value]
        if not all(isinstance(part, bool | int | float | str) for part in parts) or any(
            "\n" in str(part) or ";" in str(part) for part in parts
        ):
            raise ConfigError(
                f"`reference.settings.{key}` is {value!r}; expected a number, true or false, one "
                "line of text, or a list of them"
            )
