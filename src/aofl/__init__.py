"""Reactive molecular dynamics with a force field that learns while it runs.

The public names are imported on first use, so that the command line answers at once.
"""

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

# Threads that wait sleep: the pools of numba and of two copies of OpenBLAS (numpy's and scipy's)
# would otherwise spin on one another's cores. Read when these libraries are loaded, so an `import
# numpy` before this one, or a value of your own, keeps what was; how many threads there are is
# set by `aofl.workflows.assemble.limited_threads` alone.
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# A user without a name, as containers have them, has no home, and ASE cannot be imported without
# one. Nothing can be made below this one, by nobody.
try:
    Path.home()
except RuntimeError:
    os.environ["HOME"] = os.devnull

if TYPE_CHECKING:
    from aofl.forcefield.model import ForceField
    from aofl.learning.adaptive_calculator import AdaptiveCalculator
    from aofl.reference import AseReference, TbliteReference
    from aofl.workflows.opened import OpenedRun

__all__ = ["AdaptiveCalculator", "AseReference", "ForceField", "TbliteReference"]

_HOMES = {
    "AdaptiveCalculator": "aofl.learning.adaptive_calculator",
    "AseReference": "aofl.reference",
    "ForceField": "aofl.forcefield.model",
    "TbliteReference": "aofl.reference",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'aofl' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def open(path: Path | str) -> "OpenedRun":  # noqa: A001 - as others call it; not in `__all__`
    """Open a run directory to look at its tables, plots, frames, labels and force field.

    Nothing is changed, and the run may still be going on.

    Raises
    ------
    StoreError
        If there is no run at this path.
    """
    from aofl.workflows.opened import open_run

    return open_run(path)
