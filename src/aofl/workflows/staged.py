"""Staged learning: small cells first, the interface last.

A label of a few atoms costs a small part of one of the interface, and what it teaches carries
over: the forces of a bulk metal, of a molecule alone, of the liquid. Each cell is an ordinary run
below `stages/` of the run directory and starts from the force field of the one before; the
interface starts from the last. So whatever a run can do, be killed and go on included, a stage can.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import monotonic

from ase import Atoms

from aofl.config import Change, EquilibrationConfig, FileSystem, InterfaceSystem, read_config
from aofl.config.schema import DynamicsConfig, MtkConfig, NoseHooverConfig, RunConfig
from aofl.config.stages import StageConfig
from aofl.errors import ConfigError, StoreError
from aofl.reference import Reference
from aofl.simulation.run_state import Run
from aofl.store import RunDirectory, format_atoms, read_atoms, write_atomic
from aofl.system import part_cells
from aofl.workflows import start_resume
from aofl.workflows.assemble import opened_engines
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
    cells = check_stages(config)
    start_resume.create(config, out)
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


def _learn_stages(
    directory: RunDirectory,
    config: RunConfig,
    on_step: OnStep,
    reference: Reference | None,
    on_stage: OnStage,
    left: Callable[[], float | None],
) -> str:
    """Run what is left of the stages, and let the run start from what they have learned."""
    model = None
    for cell, stage in _cells(directory, config):
        on_stage(cell.stem)
        part = RunDirectory(path=cell.with_suffix(""))
        status = _status(part)
        if status is None:
            chosen = _stage_config(config, stage, cell, model, read_atoms(directory.start))
            status = start_resume.start(
                chosen, part.path, on_step, reference, max_walltime_s=left()
            )
        elif status != "done":
            status = start_resume.resume(part.path, None, on_step, reference, max_walltime_s=left())
        if status != "done":
            return status
        model = part.model
    if model is not None:
        _start_from(directory, config, model)
    return "done"


def _cells(directory: RunDirectory, config: RunConfig) -> Iterator[tuple[Path, StageConfig]]:
    """Yield the file of each cell with its stage, in order; they are built at the first call."""
    if config.stages is None or not isinstance(config.system, InterfaceSystem):
        return
    wanted = dict(config.stages.wanted())
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
    if config.stages is None or not isinstance(config.system, InterfaceSystem):
        return []
    if config.force_field.model is not None:
        raise ConfigError("`stages` make the model to start from: drop `force_field.model`")
    calm = config.system.equilibrate or EquilibrationConfig()
    system = config.system.model_copy(update={"equilibrate": calm})
    with opened_engines(config) as engines:
        built = part_cells(system, config.seed, engines)
    cells = [(kind, cell) for kind, _ in config.stages.wanted() for cell in built[kind]]
    if not cells:
        raise ConfigError(
            "`stages` has no cell: the electrolyte has no neutral molecule to learn alone; "
            "add `bulk` or `liquid`, or drop `stages`"
        )
    return cells


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
    moves: dict[str, float] = {"steps": stage.steps}
    if stage.temperature_K is not None:
        moves["temperature_K"] = stage.temperature_K
    knows = {
        "elements": sorted(set(whole.get_chemical_symbols())),
        "model": None if model is None else str(model.absolute()),
    }
    return config.model_copy(
        update={
            "out": None,
            "stages": None,
            "system": FileSystem(structure=str(cell.absolute())),
            "dynamics": _at_fixed_cell(config.dynamics).model_copy(update=moves),
            "bias": None,
            "force_field": config.force_field.model_copy(update=knows),
        }
    )


def _at_fixed_cell(dynamics: DynamicsConfig) -> DynamicsConfig:
    """Return the dynamics of a small cell: of a molecule in vacuum no pressure can be held."""
    if not isinstance(dynamics, MtkConfig):
        return dynamics
    return NoseHooverConfig(
        name="nose_hoover",
        timestep_fs=dynamics.timestep_fs,
        steps=dynamics.steps,
        temperature_K=dynamics.temperature_K,
        time_constant_fs=dynamics.time_constant_fs,
    )


def _start_from(directory: RunDirectory, config: RunConfig, model: Path) -> None:
    """Make a model the first one of a run that has not begun."""
    with directory.lock():
        config = with_own_model(config, directory)
        write_atomic(directory.config, config_text(config, directory).encode())
        write_atomic(directory.start_model, model.read_bytes())
