"""What this machine has for `aofl`: the core, the reference codes, their data, the engines."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

from ase.build import molecule
from threadpoolctl import threadpool_info

from aofl.compiled import kernel_folder
from aofl.errors import AoflError
from aofl.reference import TbliteReference
from aofl.reference.codes.tblite import INSTALL, WITH_LIBGOMP
from aofl.reference.installed import Finding, find_reference_codes, package_version
from aofl.workflows.installed import find_lammps, find_plumed

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def examine() -> list[Finding]:
    """Return all findings; the core is whole if those of the group `core` are found."""
    return [*_core(), *find_reference_codes(), find_lammps(), find_plumed()]


def _core() -> list[Finding]:
    names = [re.split(r"[^A-Za-z0-9_.-]", line)[0] for line in requires("aofl") or ()
             if "extra ==" not in line]  # fmt: skip
    missing = [name for name in names if package_version(name) is None]
    python = Finding(
        group="core",
        name="python",
        is_found=True,
        version=platform.python_version(),
        note=f"{platform.system()} {platform.machine()}",
    )
    packages = Finding(
        group="core",
        name="aofl",
        is_found=not missing,
        version=version("aofl"),
        note=f"missing: {', '.join(missing)}" if missing else f"and its {len(names)} packages",
        install=f"pip install {' '.join(missing)}" if missing else None,
    )
    return [python, packages, _trial_label(), *_blas(), _threads(), _kernels()]


def _trial_label() -> Finding:
    """Label a hydrogen molecule: the compiled parts work."""
    try:
        label = TbliteReference().label(molecule("H2"))
    except (AoflError, ImportError, OSError) as error:
        install = WITH_LIBGOMP if "libgomp" in str(error) else INSTALL
        return Finding(
            group="core", name="trial label", is_found=False, note=f"{error}", install=install
        )
    return Finding(
        group="core",
        name="trial label",
        is_found=True,
        note=f"H2 with GFN1-xTB, {label.energy:.3f} eV in {label.seconds:.3f} s",
    )


def _blas() -> list[Finding]:
    """Return the linear algebra libraries of this process."""
    import numpy  # noqa: F401 - each brings its own
    import scipy.linalg  # noqa: F401

    found: dict[str, dict[str, Any]] = {
        info["filepath"]: info for info in threadpool_info() if info["user_api"] == "blas"
    }
    return [
        Finding(
            group="core",
            name="BLAS",
            is_found=True,
            version=f"{info['internal_api']} {info['version']}",
            where=path,
            note=f"{Path(path).name.split('-')[0]}, {info['num_threads']} threads",
        )
        for path, info in found.items()
    ]


def _threads() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    given = [f"{name}={os.environ[name]}" for name in THREAD_VARIABLES if name in os.environ]
    return Finding(
        group="core",
        name="cores",
        is_found=True,
        version=str(cores),
        note=", ".join(given) or "no variable sets the threads",
    )


def _kernels() -> Finding:
    """Return where compiled kernels are kept."""
    folder = kernel_folder()
    return Finding(
        group="core",
        name="kernels",
        is_found=True,
        where=folder,
        note=f"compiled ones in {folder}" if folder else "compiled anew in each process",
    )
