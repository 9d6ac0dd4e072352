"""Staged learning: small cells first, then exploring, the run itself last.

A label of a few atoms costs a small part of one of the interface, and what it teaches carries
over: the forces of a bulk metal, of a molecule alone, of the liquid. Each cell is an ordinary run
below `stages/` of the run directory and starts from the force field of the one before; the
interface starts from the last. So whatever a run can do, be killed and go on included, a stage can.
Exploring the whole (`aofl.workflows.explore`) is such a run too, by a reference of its own.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

from ase import Atoms

from aofl.config import Change, EquilibrationConfig, FileSystem, InterfaceSystem, read_config
from aofl.config.schema import RunConfig
from aofl.config.stages import StageConfig
from aofl.errors import ConfigError, StoreError
from aofl.reference import Reference
from aofl.simulation.regions import regions_of
from aofl.simulation.run_state import Run
from aofl.store import RunDirectory, format_atoms, read_atoms, write_atomic
from aofl.system import part_cells
from aofl.workflows import start_resume
from aofl.workflows.assemble import opened_engines
from aofl.workflows.conditions import at_fixed_cell, by_itself
from aofl.workflows.explore import check_explore, exploring, learn_from
from aofl.workflows.session import awaits_stages, config_text, with_own_model

OnStep = Callable[[Run], None]
Cells = list[tuple[str, Atoms]]  # kind of stage and cell
OnStage = Callable[[str], None]
CELL = ".extxyz"


def start(
    config: RunConfig,
    out: Path,
    on_step: OnStep = lambda run: None,
    reference: Reference | None = None,
    *,
    max_walltime_s: float | None = None,
    on_stage: OnStage = lambda name: None,
) -> str:
    """Start a run, its stages first where it has some; see `aofl.api.run`."""
    if config.stages is None:
        return start_resume.start(config, out, on_step, reference, max_walltime_s=max_walltime_s)
    _check_reference(config, reference)
    cells = check_stages(config)
    start_resume.create(config, out, lambda atoms: check_explore(config, atoms))
    _write_plan(RunDirectory.open(out), cells)
    return resume(out, None, on_step, reference, max_walltime_s=max_walltime_s, on_stage=on_stage)


def resume(
    path: Path,
    overrides: Mapping[str, object] | None = None,
    on_step: OnStep = lambda run: None,
    reference: Reference | None = None,
    *,
    config_file: Path | None = None,
    max_walltime_s: float | None = None,
    on_change: Callable[[Change], None] = lambda change: None,
    on_stage: OnStage = lambda name: None,
) -> str:
    """Continue a run, in the stage where it stands; see `aofl.api.resume`."""
    end = None if max_walltime_s is None else monotonic() + max_walltime_s

    def left() -> float | None:
        return None if end is None else max(0.0, end - monotonic())

    directory = RunDirectory.open(path)
    config = read_config(config_file or directory.config, overrides or {})
    if awaits_stages(config, directory):
        _check_reference(config, reference)
        status = _learn_stages(directory, config, on_step, reference, on_stage, left)
        if status != "done":
            return status
    return start_resume.resume(
        path,
        overrides,
        on_step,
        reference,
        config_file=config_file,
        max_walltime_s=left(),
        on_change=on_change,
    )


def _check_reference(config: RunConfig, reference: Reference | None) -> None:
    """Refuse a reference of the caller where other processes are to make labels."""
    explores = config.stages is not None and config.stages.explore is not None
    if explores and reference is not None:
        raise ConfigError(
            "`stages.explore` labels in processes of their own, each with the reference of the "
            "configuration: give it there, not as `reference`"
        )


def _learn_stages(
    directory: RunDirectory,
    config: RunConfig,
    on_step: OnStep,
    reference: Reference | None,
    on_stage: OnStage,
    left: Callable[[], float | None],
) -> str:
    """Run what is left of the stages, and let the run start from what they have learned."""
    model, cells = None, list(_cells(directory, config))
    whole = read_atoms(directory.start)

    def run(part: RunDirectory, chosen: RunConfig) -> str:
        on_stage(part.path.name)
        return _run(part, chosen, on_step, reference, left())

    for cell, stage in cells:
        part = RunDirectory(path=cell.with_suffix(""))
        status = run(part, _stage_config(config, stage, cell, model, whole))
        if status != "done":
            return status
        model = part.model
    if config.stages is not None and (explore := config.stages.explore) is not None:
        part = RunDirectory(path=directory.stages / f"{len(cells) + 1:02}-explore")
        status = run(part, _knowing(exploring(config, explore, directory.start), whole, None))
        if status == "done":
            status = learn_from(directory, config, explore, part, model, on_stage, left())
        if status != "done":
            return status
    if model is not None:
        _start_from(directory, config, model)
    return "done"


def _run(
    part: RunDirectory,
    config: RunConfig,
    on_step: OnStep,
    reference: Reference | None,
    seconds: float | None,
) -> str:
    """Run what is left of one stage; return "done" or "stopped"."""
    status = _status(part)
    if status is None:
        return start_resume.start(config, part.path, on_step, reference, max_walltime_s=seconds)
    if status == "done":
        return status
    return start_resume.resume(part.path, None, on_step, reference, max_walltime_s=seconds)


def _cells(directory: RunDirectory, config: RunConfig) -> Iterator[tuple[Path, StageConfig]]:
    """Yield the file of each cell with its stage, in order; they are built at the first call."""
    wanted = _wanted(config)
    if not wanted:
        return
    plan = directory.stages / "plan"
    if not plan.exists():  # killed before it was written
        _write_plan(directory, check_stages(config))
    for name in plan.read_text().split():
        yield directory.stages / f"{name}{CELL}", wanted[name.split("-")[1]]


def check_stages(config: RunConfig) -> Cells:
    """Return the cells of the stages with what each is, in order; none where there are none.

    Raises
    ------
    ConfigError, StructureError
        If a cell cannot be built, or the stages could not be learned from.
    """
    wanted = _wanted(config)
    if not wanted or not isinstance(config.system, InterfaceSystem):
        return []
    if config.force_field.model is not None:
        raise ConfigError("`stages` make the model to start from: drop `force_field.model`")
    calm = config.system.equilibrate or EquilibrationConfig()
    system = config.system.model_copy(update={"equilibrate": calm})
    with opened_engines(config) as engines:
        built = part_cells(system, config.seed, engines)
    cells = [(kind, cell) for kind in wanted for cell in built[kind]]
    if not cells:
        raise ConfigError(
            "`stages` has no cell: the electrolyte has no neutral molecule to learn alone; "
            "add `bulk` or `liquid`, or drop `stages`"
        )
    return cells


def _wanted(config: RunConfig) -> dict[str, StageConfig]:
    """Return the small cells that are asked for, in their order."""
    return {} if config.stages is None else dict(config.stages.wanted())


def _write_plan(directory: RunDirectory, cells: Cells) -> None:
    directory.stages.mkdir(exist_ok=True)
    names = [
        f"{k:02}-{kind}-{cell.get_chemical_formula()}"
        for k, (kind, cell) in enumerate(cells, start=1)
    ]
    for name, (_, cell) in zip(names, cells, strict=True):
        write_atomic(directory.stages / f"{name}{CELL}", format_atoms(cell).encode())
    plan = directory.stages / "plan"
    write_atomic(plan, "\n".join(names).encode())  # last: it says that all are there


def _status(part: RunDirectory) -> str | None:
    """Return how far the run of a cell has come, None where it is yet to be made."""
    try:
        RunDirectory.open(part.path)
        return str(part.read_summary()["status"]) if part.summary.exists() else "running"
    except StoreError:
        shutil.rmtree(part.path, ignore_errors=True)  # killed while it was being made
        return None


def _stage_config(
    config: RunConfig, stage: StageConfig, cell: Path, model: Path | None, whole: Atoms
) -> RunConfig:
    """Return the configuration of the run of one cell."""
    moves: dict[str, Any] = {"steps": stage.steps}
    if regions_of(config.dynamics):
        moves["regions"] = []  # their atoms are others
    if stage.temperature_K is not None:
        moves["temperature_K"] = stage.temperature_K
    alone = config.model_copy(
        update={
            "out": None,
            "stages": None,
            "system": FileSystem(structure=str(cell.absolute())),
            "dynamics": at_fixed_cell(config.dynamics).model_copy(update=moves),
            "bias": None,
        }
    )
    return _knowing(by_itself(alone), whole, model)


def _knowing(config: RunConfig, whole: Atoms, model: Path | None) -> RunConfig:
    """Return a configuration whose force field knows all elements of the whole, and a model."""
    knows = {
        "elements": sorted({*whole.get_chemical_symbols(), *config.force_field.elements}),
        "model": None if model is None else str(model.absolute()),
    }
    force_field = config.force_field.model_copy(update=knows)
    return config.model_copy(update={"force_field": force_field})


def _start_from(directory: RunDirectory, config: RunConfig, model: Path) -> None:
    """Make a model the first one of a run that has not begun."""
    with directory.lock():
        config = with_own_model(config, directory)
        write_atomic(directory.config, config_text(config, directory).encode())
        write_atomic(directory.start_model, model.read_bytes())
