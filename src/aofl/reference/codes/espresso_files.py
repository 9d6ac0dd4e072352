"""The input of pw.x, and the label in its output.

ASE writes and reads the formats; whether an output may be believed is decided here, on the text:
pw.x prints energy and forces of an SCF that did not converge as if it had. The energy printed
after `!` holds -TS of the smearing, so it is the one of the forces.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import ase.io
import ase.units
import numpy as np
from ase import Atoms
from ase.calculators.espresso import EspressoProfile, EspressoTemplate

from aofl.config.references import EspressoConfig
from aofl.errors import ConfigError, ReferenceFailed
from aofl.records import Label
from aofl.reference.codes.dft_attempts import DftAttempt
from aofl.reference.codes.slab import ATOMIC_FIELD, Vacuum
from aofl.reference.same_structure import check_echo

INPUT, OUTPUT = "espresso.pwi", "espresso.pwo"  # as ASE names them
NAMELISTS = ("control", "system", "electrons")
STATE = "state"
BACK = 0.25  # of the vacuum, in which the potential of a slab falls back

_ERROR = re.compile(r"Error in routine\s+(.+?)\s*:\s*\n\s*(.+?)\s*\n")
# What this module writes: `settings` may not say otherwise.
_OURS = {
    "calculation", "outdir", "prefix", "pseudo_dir", "tprnfor", "tstress", "ecutwfc", "ecutrho",
    "occupations", "smearing", "degauss", "vdw_corr", "dftd3_version", "dftd3_threebody",
    "input_dft", "conv_thr", "mixing_beta", "electron_maxstep", "startingpot", "startingwfc",
    "nat", "ntyp", "ibrav", "scf_must_converge",
}  # fmt: skip
_SLAB = {"tefield", "dipfield", "edir", "emaxpos", "eopreg", "eamp"}


def write_input(
    config: EspressoConfig,
    namelists: dict[str, dict[str, Any]],
    pseudopotentials: Path,
    atoms: Atoms,
    directory: Path,
) -> None:
    """Write the input of pw.x.

    Parameters
    ----------
    namelists
        As `namelists_of` returns them.
    pseudopotentials
        The directory of the UPF files.
    """
    EspressoTemplate().write_input(
        profile=EspressoProfile("pw.x", pseudopotentials.absolute()),
        directory=directory,
        atoms=atoms,
        parameters={
            "input_data": namelists,
            "pseudopotentials": dict(config.pseudopotentials),
            # pw.x is twice as fast where it knows that there is Gamma alone.
            "kpts": None if config.kpoints == (1, 1, 1) else config.kpoints,
        },
        properties=["energy", "forces", "stress"],
    )


def read_output(text: str, sent: Atoms, *, seconds: float, has_stress: bool = True) -> Label:
    """Return the label in the output of pw.x.

    Parameters
    ----------
    sent
        The structure that was asked for.
    seconds
        Wall time of the call.
    has_stress
        Whether a stress is to be there: pw.x makes none in a field.

    Raises
    ------
    ReferenceFailed
        If pw.x reports an error, the output is cut off, the SCF did not converge, or the
        structure is another one.
    """
    error = _ERROR.search(text)
    if error is not None:
        raise ReferenceFailed(f"pw.x stopped in {error.group(1)}: {error.group(2)}")
    if "convergence NOT achieved" in text:
        raise ReferenceFailed(
            "the SCF of pw.x did not converge: lower `reference.mixing` or raise "
            "`reference.max_iterations`"
        )
    if "JOB DONE." not in text:
        raise ReferenceFailed(
            "the output of pw.x ends before JOB DONE: it was killed or the disk is full"
        )
    if "convergence has been achieved" not in text:
        raise ReferenceFailed("the output of pw.x has no SCF that converged")
    try:
        read: Any = ase.io.read(io.StringIO(text), format="espresso-out")
        check_echo(sent, read)
        results = read.calc.results
        return Label(
            energy=float(results["free_energy"]),
            forces=np.array(results["forces"], dtype=np.float64),
            stress=np.array(results["stress"], dtype=np.float64) if has_stress else None,
            seconds=seconds,
        )
    except ReferenceFailed:
        raise
    except Exception as problem:  # ASE raises nearly anything on an output that is damaged
        raise ReferenceFailed(f"the output of pw.x cannot be read: {problem!r}") from problem


def namelists_of(
    config: EspressoConfig,
    attempt: DftAttempt,
    vacuum: Vacuum | None = None,
    *,
    continues: bool,
) -> dict[str, dict[str, Any]]:
    """Return the namelists of pw.x, those of the user added.

    Parameters
    ----------
    vacuum
        Of a slab that gets a dipole correction.
    continues
        Whether density and wave functions of the last run in the directory are the start.
    """
    start = {"startingpot": "file", "startingwfc": "file"} if continues else {}
    dispersion: dict[str, Any] = {}
    if config.dispersion is not None:
        # Version 4 is Becke-Johnson damping.
        dispersion = {"vdw_corr": "dft-d3", "dftd3_version": 4, "dftd3_threebody": False}
    # PBE is what the pseudopotentials say; anything else overrides them.
    functional = {} if config.functional == "PBE" else {"input_dft": config.functional}
    namelists: dict[str, dict[str, Any]] = {
        "control": {
            "calculation": "scf",
            "prefix": "aofl",
            "outdir": STATE,
            "tprnfor": True,
            "tstress": not config.dipole_correction,
            "disk_io": "low" if config.keep_wavefunctions else "none",
        },
        "system": {
            "ecutwfc": config.cutoff_Ry,
            "ecutrho": config.density_cutoff_Ry or 4 * config.cutoff_Ry,
            "occupations": "smearing",
            "smearing": "fermi-dirac",
            "degauss": config.electronic_temperature_K * ase.units.kB / ase.units.Ry,
            **functional,
            **dispersion,
        },
        "electrons": {
            "conv_thr": config.convergence_Ry,
            "mixing_beta": config.mixing * attempt.mixing,
            "electron_maxstep": config.max_iterations * attempt.cycles,
            **start,
        },
    }
    for name, more in (*_slab(config, vacuum).items(), *config.settings.items()):
        namelists[name.lower()] |= more
    return namelists


def _slab(config: EspressoConfig, vacuum: Vacuum | None) -> dict[str, dict[str, Any]]:
    """Return what corrects the dipole of a slab and puts a field on it.

    The potential of pw.x falls back within `eopreg` above `emaxpos`, in units of c.
    """
    if vacuum is None:
        return {}
    back = BACK * vacuum.width / vacuum.height
    return {
        "control": {"tefield": True, "dipfield": True},
        "system": {
            "edir": 3,
            "emaxpos": (vacuum.middle - back / 2) % 1.0,
            "eopreg": back,
            "eamp": config.field_V_per_A / ATOMIC_FIELD,
        },
    }


def check_settings(config: EspressoConfig) -> None:
    """Refuse settings that are no namelist's, or that aofl makes itself.

    Raises
    ------
    ConfigError
        Naming the key.
    """
    for name, values in config.settings.items():
        if name.lower() not in NAMELISTS:
            raise ConfigError(
                f"`reference.settings.{name}` is no namelist to set; "
                f"expected one of {', '.join(NAMELISTS)}"
            )
        ours = _OURS | (_SLAB if config.dipole_correction else set())
        for key in sorted(key for key in values if key.lower() in ours):
            raise ConfigError(
                f"`reference.settings.{name}.{key}` is set by aofl: leave it out, or use the key "
                "of `reference` that stands for it"
            )
