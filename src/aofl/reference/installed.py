"""Which reference codes this machine has, with which data, and how to get what is missing.

Nothing here raises: what cannot be found out is said in a note. Programs are run only to ask
their version, in a directory of their own and with a time limit.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

TIMEOUT_S = 20.0
POTENTIALS = "potpaw_PBE"  # of VASP; a release has its number after a dot
DEBIAN_UPF = Path("/usr/share/espresso/pseudo")  # of quantum-espresso-data

Group = Literal["core", "reference code", "data", "engine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked for.

    Attributes
    ----------
    group, name
        What it is.
    is_found
        Whether it can be used.
    version, where
        What was found, where known.
    note
        What is good to know about it.
    install
        The command that would install it, or what to do; None where nothing is missing.
    """

    group: Group
    name: str
    is_found: bool
    version: str | None = None
    where: str | None = None
    note: str = ""
    install: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the finding for machines."""
        return asdict(self)


def find_reference_codes() -> list[Finding]:
    """Return what was found of every code that `reference.name` can name, and of their data."""
    return [
        _package("tblite", "pip install tblite", note="GFN-xTB, semi-empirical"),
        _cp2k(),
        _gpaw(),
        _package("dftd3", "make setup-gpaw", note="D3 dispersion for gpaw"),
        _espresso(),
        _vasp(),
        _cp2k_data(),
        _gpaw_setups(),
        _pseudopotentials(),
        _potcars(),
    ]


def package_version(name: str) -> str | None:
    """Return the version of an installed Python package, None if it is not there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def ask(command: list[str]) -> str:
    """Return all that a program prints, or nothing if it cannot be run in time."""
    with tempfile.TemporaryDirectory() as directory:
        try:
            done = subprocess.run(  # noqa: S603 - fixed arguments of programs found on the PATH
                command,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.decode(errors="replace")


def _package(name: str, install: str, *, note: str = "") -> Finding:
    found = package_version(name)
    return Finding(
        group="reference code",
        name=name,
        is_found=found is not None,
        version=found,
        note=note,
        install=None if found else install,
    )


def _cp2k() -> Finding:
    program = next(filter(None, map(shutil.which, ("cp2k_shell", "cp2k_shell.psmp"))), None)
    if program is None:
        install = "apt install cp2k cp2k-data libopenblas0-serial"
        return Finding(group="reference code", name="cp2k", is_found=False, install=install)
    said = re.search(r"CP2K version (\S+)", ask([program, "--version"]))
    blas = _blas_of(program)
    is_slow = "openblas" not in blas and "mkl" not in blas and blas != ""
    return Finding(
        group="reference code",
        name="cp2k",
        is_found=True,
        version=said.group(1) if said else None,
        where=program,
        note=f"BLAS {blas}" if blas else "",
        install="apt install libopenblas0-serial" if is_slow else None,
    )


def _blas_of(program: str) -> str:
    """Return the library that a program gets its BLAS from; the reference one is slow."""
    linked = ask(["ldd", program])
    for name in ("libmkl", "libopenblas", "libblas"):
        found = re.search(rf"{name}\S* => (\S+)", linked)
        if found:
            return Path(found.group(1)).resolve().name
    return ""


def _cp2k_data() -> Finding:
    places = [os.environ.get("CP2K_DATA_DIR"), "/usr/share/cp2k", "/usr/local/share/cp2k"]
    for place in filter(None, places):
        if (Path(place) / "BASIS_MOLOPT").is_file():
            return Finding(group="data", name="CP2K basis sets", is_found=True, where=place)
    return Finding(
        group="data",
        name="CP2K basis sets",
        is_found=False,
        note="CP2K may have its own compiled in",
        install="apt install cp2k-data, or set CP2K_DATA_DIR",
    )


def _gpaw() -> Finding:
    found = _package("gpaw", "make setup-gpaw", note="in-process")
    is_built = find_spec("_gpaw") is not None
    if found.is_found and not is_built:
        return Finding(
            group="reference code",
            name="gpaw",
            is_found=False,
            version=found.version,
            note="installed without its compiled part",
            install="make setup-gpaw",
        )
    return found


def _gpaw_setups() -> Finding:
    given = os.environ.get("GPAW_SETUP_PATH")
    spec = find_spec("gpaw_data")
    places = [Path(place) for place in (given or "").split(os.pathsep) if place]
    if spec is not None and spec.origin is not None:
        places.append(Path(spec.origin).parent / "setups")
    return _counted("GPAW setups", places, "*.PBE.gz", "make setup-gpaw")


def _espresso() -> Finding:
    program = shutil.which("pw.x")
    if program is None:
        return Finding(
            group="reference code",
            name="espresso",
            is_found=False,
            install="apt install quantum-espresso",
        )
    said = re.search(r"Program PWSCF v\.(\S+)", ask([program, "-in", os.devnull]))
    return Finding(
        group="reference code",
        name="espresso",
        is_found=True,
        version=said.group(1) if said else None,
        where=program,
    )


def _pseudopotentials() -> Finding:
    given = os.environ.get("ESPRESSO_PSEUDO")
    found = _counted(
        "QE pseudopotentials",
        [Path(given)] if given else [],
        "*.[uU][pP][fF]",
        "unpack a set of UPF files (SSSP, PseudoDojo) and set ESPRESSO_PSEUDO, or "
        "reference.pseudopotential_directory",
    )
    if not found.is_found and DEBIAN_UPF.is_dir():
        return replace(found, note=f"examples for H, C, N, O in {DEBIAN_UPF}")
    return found


def _vasp() -> Finding:
    program = next(filter(None, map(shutil.which, ("vasp_std", "vasp_gam", "vasp"))), None)
    return Finding(
        group="reference code",
        name="vasp",
        is_found=program is not None,
        where=program,
        install=None if program else "licensed: build it from your licence's sources",
    )


def _potcars() -> Finding:
    given = os.environ.get("VASP_PP_PATH")
    places = [Path(given) / POTENTIALS] if given else []
    if given:
        places += [*sorted(Path(given).glob(f"{POTENTIALS}.*")), Path(given)]
    return _counted(
        "VASP potentials",
        places,
        "*/POTCAR*",
        "licensed: unpack potpaw_PBE and set VASP_PP_PATH, or reference.potential_directory",
    )


def _counted(name: str, places: list[Path], pattern: str, install: str) -> Finding:
    """Return the first place that holds files of a pattern, and how many."""
    for place in places:
        count = sum(1 for _ in place.glob(pattern)) if place.is_dir() else 0
        if count:
            return Finding(
                group="data", name=name, is_found=True, where=str(place), note=f"{count} files"
            )
    note = f"nothing at {', '.join(map(str, places))}" if places else ""
    return Finding(group="data", name=name, is_found=False, note=note, install=install)
