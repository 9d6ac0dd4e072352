"""The verbs, from Python as from the command line; those that need no run are in `offline`."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ase import Atoms

from aofl.assemble import check_reference, opened_reference
from aofl.branching import branch as make_branch
from aofl.building import build
from aofl.config import Change, read_config
from aofl.config.schema import RunConfig
from aofl.doctor import examine
from aofl.errors import ConfigError, StoreError
from aofl.learning.run import Run, proceed
from aofl.learning.stopping import StopRequest, caught_signals
from aofl.reference import Reference
from aofl.reference.installed import Finding
from aofl.sessions import (
    awaits_stages,
    begun,
    check_method,
    config_text,
    opened,
    resumed,
    with_own_model,
)
from aofl.store import RunDirectory, read_atoms

if TYPE_CHECKING:
    from aofl.report.analyse import AnalyseOptions, Analysis

PACKAGES = ("aofl", "ase", "numba", "numpy", "packmol", "scipy", "tblite", "vesin")


def run(
    config: RunConfig,
    out: Path,
    on_step: Callable[[Run], None] = lambda run: None,
    reference: Reference | None = None,
    *,
    max_walltime_s: float | None = None,
) -> str:
    """Start a run in a new directory; return "done" or "stopped".

    Parameters
    ----------
    reference
        In place of the one that the configuration names.
    max_walltime_s
        The run stops with a checkpoint before so much time has passed, s.

    Raises
    ------
    ConfigError
        If `stages` are asked for: `aofl.staged.run` runs them.
    StoreError
        If the directory exists already.
    RunStopped
        If the run cannot go on by itself.
    """
    if config.stages is not None:
        raise ConfigError(
            "`stages` is set, and `aofl.api.run` learns none: call `aofl.staged.run`, or drop it"
        )
    stop = StopRequest.within(max_walltime_s)
    atoms = build(config)
    named = opened_reference(config.reference, RunDirectory(path=out).reference)
    with named if reference is None else nullcontext(reference) as chosen:
        config, directory = _made(config, out, atoms, chosen)
        with (
            directory.lock(),
            opened(config, directory, atoms, chosen, stop) as session,
            caught_signals(stop),
        ):
            return proceed(begun(session), on_step)


def create(config: RunConfig, out: Path) -> RunDirectory:
    """Make the directory of a run without starting it; `resume` does.

    Raises
    ------
    ConfigError, StructureError
        If the system cannot be built, or the reference cannot treat it.
    StoreError
        If the directory exists already.
    """
    atoms = build(config)
    with opened_reference(config.reference, RunDirectory(path=out).reference) as reference:
        _, directory = _made(config, out, atoms, reference)
    return directory


def _made(
    config: RunConfig, out: Path, atoms: Atoms, reference: Reference
) -> tuple[RunConfig, RunDirectory]:
    """Make a run directory; the configuration names the copy of the first model that it keeps."""
    check_reference(reference, atoms)
    directory, given = RunDirectory(path=out), config.force_field.model
    if given is not None:
        config = with_own_model(config, directory)
    return config, RunDirectory.create(
        out,
        config_text=config_text(config, directory),
        record=_record(config, atoms, reference),
        start_atoms=atoms,
        model=None if given is None else Path(given),
    )


def resume(
    path: Path,
    overrides: Mapping[str, object] | None = None,
    on_step: Callable[[Run], None] = lambda run: None,
    *,
    config_file: Path | None = None,
    max_walltime_s: float | None = None,
    on_change: Callable[[Change], None] = lambda change: None,
) -> str:
    """Continue a run from its last checkpoint; return "done" or "stopped".

    Labels made after that checkpoint are found in the data set and are not computed again. What
    the configuration changes (its file in the run directory, another one, or single keys) is
    applied or refused key by key; see `aofl.config.changes`.

    Parameters
    ----------
    overrides
        Changed settings by dotted key.
    config_file
        A configuration to go on with; None takes the one in the run directory.
    max_walltime_s
        As in `run`.
    on_change
        Called with each change that is applied.

    Raises
    ------
    ConfigError
        If a changed key must stay as it was, or stages come first: `aofl.staged.resume` runs them.
    StoreError
        If the labels so far are of another method than the reference would give.
    """
    stop = StopRequest.within(max_walltime_s)
    directory = RunDirectory.open(path)
    with directory.lock():
        config = read_config(config_file or directory.config, overrides or {})
        if awaits_stages(config, directory):
            raise ConfigError(
                f"`stages` of {path} are not learned yet, and `aofl.api.resume` learns none: call "
                "`aofl.staged.resume`"
            )
        atoms = read_atoms(directory.start)
        with (
            opened_reference(config.reference, directory.reference) as reference,
            opened(config, directory, atoms, reference, stop) as session,
            caught_signals(stop),
        ):
            check_method(directory, reference)
            if not directory.has_checkpoint():
                return proceed(begun(session), on_step)
            return proceed(resumed(session, on_change), on_step)


def branch(
    path: Path,
    step: int,
    out: Path,
    overrides: Mapping[str, object] | None = None,
    *,
    config_file: Path | None = None,
) -> None:
    """Make a new run directory that stands at a step of another run; `resume` goes on there.

    Parameters
    ----------
    overrides, config_file
        What is different from then on, as in `resume`; here the seed may differ, too.
    """
    parent = RunDirectory.open(path)
    with parent.lock():
        config = read_config(config_file or parent.config, overrides or {})
        make_branch(parent, step, out, config)


def status(path: Path) -> dict[str, Any]:
    """Return the summary of a run, as it stands; "killed" where its process is no more.

    Raises
    ------
    StoreError
        If there is no run, or it has not written a summary yet.
    """
    directory = RunDirectory.open(path)
    if not directory.summary.exists():
        raise StoreError(f"{path} has no summary yet; wait for the first step of the run")
    summary = directory.read_summary()
    if summary.get("status") == "running" and directory.is_abandoned():
        reason = f"its process ended in the middle; `aofl resume {path}` goes on"
        summary |= {"status": "killed", "reason": reason}
    return summary


def doctor() -> list[Finding]:
    """Return what this machine has for `aofl`: core, reference codes, their data, engines."""
    return examine()


def report(path: Path) -> Path:
    """Write `report.html` into a run directory and return its path."""
    from aofl.report import write_report  # matplotlib is slow to import

    return write_report(RunDirectory.open(path).path)


def analyse(path: Path, out: Path | None = None, options: AnalyseOptions | None = None) -> Analysis:
    """Analyse a run directory or a trajectory file; write species, reactions, solids and motion.

    See `aofl.report.analyse.analyse`.
    """
    from aofl.report.analyse import analyse as analyse_on  # matplotlib is slow to import

    return analyse_on(path, out, options)


def _record(config: RunConfig, atoms: Atoms, reference: Reference) -> dict[str, Any]:
    """Return what identifies a run: versions, seed, level of theory, size."""
    return {
        "aofl": version("aofl"),
        "python": platform.python_version(),
        "platform": platform.platform(),
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
        "temperature_K": config.dynamics.temperature_K,
        "steps": config.dynamics.steps,
    }
