"""Start a run and resume one: from a configuration or a checkpoint to a finished stretch."""

from __future__ import annotations

import platform
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ase import Atoms

from aofl.config import Change, read_config
from aofl.config.plumed_input import read_plumed_files
from aofl.config.references import ReferenceConfig
from aofl.config.schema import RunConfig
from aofl.errors import ConfigError
from aofl.reference import Reference
from aofl.simulation.run import proceed
from aofl.simulation.run_state import Run
from aofl.simulation.sharing import neighbourhood
from aofl.simulation.stopping import StopRequest, caught_signals
from aofl.store import RunDirectory, read_atoms
from aofl.workflows.admission import admit
from aofl.workflows.assemble import opened_reference
from aofl.workflows.build import build
from aofl.workflows.provenance import PACKAGES
from aofl.workflows.session import (
    begun,
    check_method,
    config_text,
    opened,
    resumed,
    with_own_model,
)


def start(
    config: RunConfig,
    out: Path,
    on_step: Callable[[Run], None] = lambda run: None,
    reference: Reference | None = None,
    *,
    max_walltime_s: float | None = None,
) -> str:
    """Start a run in a new directory, `stages` left out; return "done" or "stopped".

    Parameters and errors are those of `aofl.api.run`.
    """
    stop = StopRequest.within(max_walltime_s)
    atoms = build(config)
    directory = RunDirectory(path=out)
    n_background = config.labels.background
    with _chosen(reference, config.reference, directory, n_background) as chosen:
        config, directory = made(_admitted(config, atoms, chosen), out)
        with (
            directory.lock(),
            opened(config, directory, atoms, chosen, stop) as session,
            caught_signals(stop),
        ):
            return proceed(begun(session), on_step)


def create(
    config: RunConfig, out: Path, check: Callable[[Atoms], None] = lambda atoms: None
) -> RunDirectory:
    """Make the directory of a run without starting it; `resume` does.

    Parameters
    ----------
    check
        May refuse the start structure before anything is written.

    Raises
    ------
    ConfigError, StructureError
        If the system cannot be built, or the reference cannot treat it.
    StoreError
        If the directory exists already.
    """
    return made(admitted(config, out, check), out)[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A run that can begin, before anything of it is written: its `run.json` is `record`."""

    config: RunConfig
    atoms: Atoms
    record: dict[str, Any]


def admitted(
    config: RunConfig, out: Path, check: Callable[[Atoms], None] = lambda atoms: None
) -> Admitted:
    """Build what a run starts from, and refuse all that the run would refuse.

    Parameters
    ----------
    out
        Where the run directory would be.
    check
        May refuse the start structure before anything else does.

    Raises
    ------
    ConfigError, StructureError
        If the system cannot be built, or the reference cannot treat it.
    """
    atoms = build(config)
    check(atoms)
    with opened_reference(config.reference, RunDirectory(path=out).reference) as reference:
        return _admitted(config, atoms, reference)


def made(run: Admitted, out: Path) -> tuple[RunConfig, RunDirectory]:
    """Make a run directory; the configuration names the copy of the first model that it keeps.

    Raises
    ------
    ConfigError
        If the directory of the neighbours is not there.
    StoreError
        If the directory exists already.
    """
    config, directory, given = run.config, RunDirectory(path=out), run.config.force_field.model
    if config.labels.share_with is not None:
        neighbourhood(config.labels.share_with, out)
    plumed = None if config.bias is None else config.bias.plumed
    if given is not None:
        config = with_own_model(config, directory)
    return config, RunDirectory.create(
        out,
        config_text=config_text(config, directory),
        record=run.record,
        start_atoms=run.atoms,
        model=None if given is None else Path(given),
        plumed=None if plumed is None else read_plumed_files(Path(plumed)),
    )


def resume(
    path: Path,
    overrides: Mapping[str, object] | None = None,
    on_step: Callable[[Run], None] = lambda run: None,
    reference: Reference | None = None,
    *,
    config_file: Path | None = None,
    max_walltime_s: float | None = None,
    on_change: Callable[[Change], None] = lambda change: None,
) -> str:
    """Continue a run from its last checkpoint, `stages` left out; return "done" or "stopped".

    Parameters and errors are those of `aofl.api.resume`.
    """
    stop = StopRequest.within(max_walltime_s)
    directory = RunDirectory.open(path)
    with directory.lock():
        has_begun = directory.has_begun()
        config = read_config(config_file or directory.config, overrides or {})
        atoms = read_atoms(directory.start)
        with (
            _chosen(reference, config.reference, directory, config.labels.background) as chosen,
            opened(config, directory, atoms, chosen, stop) as session,
            caught_signals(stop),
        ):
            check_method(directory, chosen)
            run = resumed(session, on_change) if has_begun else begun(session)
            return proceed(run, on_step)


@contextmanager
def _chosen(
    given: Reference | None, config: ReferenceConfig, directory: RunDirectory, n_background: int
) -> Iterator[Reference]:
    """Yield the reference that the caller gave, or the configured one, closed afterwards."""
    if given is not None:
        if n_background:
            raise ConfigError(
                f"`labels.background` is {n_background}, and processes beside the run can only "
                "make the reference of the configuration: leave it out where one is handed over"
            )
        yield given
        return
    with opened_reference(config, directory.reference) as reference:
        yield reference


def _admitted(config: RunConfig, atoms: Atoms, reference: Reference) -> Admitted:
    admit(config, atoms, reference)
    return Admitted(config=config, atoms=atoms, record=_record(config, atoms, reference))


def _record(config: RunConfig, atoms: Atoms, reference: Reference) -> dict[str, Any]:
    """Return what identifies a run: versions, seed, level of theory, size."""
    return {
        "aofl": version("aofl"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "command": sys.argv[1:],
        "versions": {name: version(name) for name in PACKAGES},
        "seed": config.seed,
        "mode": config.mode,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "level_of_theory": reference.describe(),
        "semi_empirical": reference.is_semi_empirical,
        "elements": sorted(set(atoms.get_chemical_symbols())),
        "n_atoms": len(atoms),
        "timestep_fs": config.dynamics.timestep_fs,
        "temperature_K": config.model_dump(mode="json")["dynamics"]["temperature_K"],
        "steps": config.dynamics.steps,
    }
