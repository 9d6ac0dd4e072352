"""One stretch of a run in this process: from its first instant, or from a checkpoint."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ase import Atoms
from pydantic import ValidationError

from aofl.config import Change, compare, dump_config, refuse
from aofl.config.plumed_input import INPUT
from aofl.config.schema import RunConfig
from aofl.errors import StoreError
from aofl.learning.oracle import limits_of
from aofl.plain import from_plain
from aofl.records.events import Changed, CheckpointDamaged, Explored, Resumed, Started
from aofl.records.rule_names import EXPLORE
from aofl.reference import Reference
from aofl.reference.level import level_of
from aofl.simulation.bias import attach, plumed_of
from aofl.simulation.checkpointing import (
    ask_again,
    restore_learning,
    snapshots_of,
    understood,
)
from aofl.simulation.dynamics import make_dynamics
from aofl.simulation.recorder import Recorder
from aofl.simulation.rewind import dynamics_at
from aofl.simulation.run import begin
from aofl.simulation.run_state import SNAPSHOTS, Run
from aofl.simulation.snapshot import put_back
from aofl.simulation.stopping import StopRequest
from aofl.store import (
    Checkpoint,
    Dataset,
    RunDirectory,
    drop_checkpoints_after,
    load_checkpoint,
    write_atomic,
)
from aofl.workflows.assemble import limited_threads, make_calculator
from aofl.workflows.background import Background, MakeAsker
from aofl.workflows.conditions import check_conditions
from aofl.workflows.provenance import differences, made_with, made_with_before

OnChange = Callable[[Change], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a stretch of a run works with; the files are open and the directory is locked.

    `atoms` are those of the start structure until a checkpoint moves them.
    """

    config: RunConfig
    directory: RunDirectory
    files: Recorder
    atoms: Atoms
    reference: Reference
    stop: StopRequest
    background: Background | None = None


@contextmanager
def opened(
    config: RunConfig,
    directory: RunDirectory,
    atoms: Atoms,
    reference: Reference,
    stop: StopRequest,
) -> Iterator[Session]:
    """Open the files of a run and keep to its threads while the `with` block lasts."""
    target = 1e-3 * config.learning.target_force_error_meV_per_A
    with (
        limited_threads(config.threads),
        _background(config, directory, reference) as background,
        Recorder.open(directory, target) as files,
    ):
        yield Session(
            config=config,
            directory=directory,
            files=files,
            atoms=atoms,
            reference=reference,
            stop=stop,
            background=background,
        )


@contextmanager
def _background(
    config: RunConfig, directory: RunDirectory, reference: Reference
) -> Iterator[Background | None]:
    """Yield what makes labels beside the run, where it has some; its processes start when asked."""
    if not config.labels.background or config.mode == "aimd":
        yield None
        return
    make = MakeAsker(
        config=config.reference,
        limits=limits_of(config.labels),
        directory=directory.reference.absolute(),
        kept=directory.background.absolute(),
        level=level_of(reference.describe()),
        threads=config.threads,
    )
    with closing(Background(make, config.labels.background)) as background:
        yield background


def begun(session: Session) -> Run:
    """Return a run at its first instant, forces known; files of a failed attempt are emptied."""
    config, atoms, files = session.config, session.atoms, session.files
    files.empty()
    files.tell(Started(step=0, time_fs=0.0))
    calculator = make_calculator(config, atoms, session.reference, files, session.background)
    explored = session.directory.read_explored()
    if explored is not None:
        with understood(str(session.directory.explored)):
            told = from_plain(Explored, {"step": 0, "time_fs": 0.0, **explored})
        files.tell(told)
        calculator.learn_given(labels_by(files.dataset, EXPLORE))
    attach(atoms, calculator, config, session.directory.plumed)
    if (plumed := plumed_of(atoms)) is not None:
        plumed.begin(atoms)
    atoms.get_forces()
    started = Run(
        config=config,
        directory=session.directory,
        files=files,
        atoms=atoms,
        calculator=calculator,
        dynamics=make_dynamics(config.dynamics, atoms),
        stop=session.stop,
    )
    begin(started)
    return started


def resumed(session: Session, on_change: OnChange = lambda change: None) -> Run:
    """Return a run as its last checkpoint left it, with the changes of its configuration applied.

    Raises
    ------
    ConfigError
        If a changed key must stay as it was; nothing is changed on the disk.
    StoreError
        If the checkpoint or the files that belong to it cannot be read, or the labels are of
        another level of theory.
    """
    config, directory, files = session.config, session.directory, session.files
    checkpoint = load_checkpoint(directory.checkpoint)
    origin = directory.read_record().get("branched_from") or {}
    is_branch = origin.get("step") == checkpoint.state.get("step")
    changes = changes_since(checkpoint, config, directory, is_branch=is_branch)
    refuse(changes)
    if changes:
        check_conditions(config, session.atoms, session.reference)
    level = level_of(session.reference.describe())
    files.dataset.check_level(level)  # a command may be another code
    if changes:
        write_atomic(directory.config, config_text(config, directory).encode())
    run = restored(session, checkpoint)
    drop_checkpoints_after(directory.checkpoint, run.step)  # of a past that did not come to pass
    _tell_resumed(run, session.reference, on_change)
    if checkpoint.fallback_reason is not None:
        files.tell(CheckpointDamaged(step=run.step, reason=checkpoint.fallback_reason))
    note_changes(run, changes, on_change)
    return run


def labels_by(dataset: Dataset, rule: str) -> list[int]:
    """Return the ids of the labels that a rule asked for, in their order."""
    return [k for k, entry in enumerate(dataset) if entry.provenance.get("rule") == rule]


def _tell_resumed(run: Run, reference: Reference, on_change: OnChange) -> None:
    """Write down what the run goes on with, and tell what of it has changed."""
    now = made_with(reference)
    changed = differences(made_with_before(run.directory), now)
    run.files.tell(
        Resumed(
            step=run.step,
            time_fs=run.time_fs,
            made_with=now,
            changed={change.key: (change.before, change.after) for change in changed},
        )
    )
    for change in changed:
        on_change(change)


def restored(session: Session, checkpoint: Checkpoint) -> Run:
    """Return a run as a checkpoint left it; what the files hold beyond it is cut off.

    Raises
    ------
    StoreError
        If the checkpoint or the files that belong to it cannot be read.
    """
    config, atoms, files = session.config, session.atoms, session.files
    snapshot, before = snapshots_of(checkpoint)
    with understood("the checkpoint"):
        events = [dict(event) for event in checkpoint.state["events_to_tell"]]
        rewound_to = checkpoint.state["rewound_to"]
        moved_by = _moved_by(checkpoint.state["config"])
    if len(snapshot.positions) != len(atoms):
        raise StoreError(
            f"the checkpoint has {len(snapshot.positions)} atoms and {session.directory.start} "
            f"{len(atoms)}: they belong to different runs; restore them from a copy"
        )
    files.cut_back(snapshot.offsets)
    files.tell_again(events)
    calculator = make_calculator(config, atoms, session.reference, files, session.background)
    restore_learning(calculator, checkpoint)
    if _shared_with(checkpoint.state["config"]) != config.labels.share_with:
        calculator.state = replace(calculator.state, taken={})  # the neighbours are others
    ask_again(calculator, checkpoint, atoms)
    attach(atoms, calculator, config, session.directory.plumed)
    put_back(snapshot, atoms, calculator)
    if (plumed := plumed_of(atoms)) is not None:
        plumed.restart(atoms)
    if moved_by != _moved_by(config.model_dump(mode="json")):
        snapshot, *before = (
            replace(instant, thermostat=instant.thermostat[:0]) for instant in (snapshot, *before)
        )
    return Run(
        config=config,
        directory=session.directory,
        files=files,
        atoms=atoms,
        calculator=calculator,
        dynamics=dynamics_at(config, atoms, snapshot),
        tracker=snapshot.tracker,
        snapshots=deque(before, maxlen=SNAPSHOTS),
        rewound_to=rewound_to,
        stop=session.stop,
    )


def _shared_with(config: Mapping[str, Any]) -> str | None:
    """Return where the neighbours of a run are, of a configuration as plain data."""
    where: str | None = config.get("labels", {}).get("share_with")
    return where


def _moved_by(config: Mapping[str, Any]) -> tuple[object, ...]:
    """Return what decides which variables an integrator has, of a configuration as plain data."""
    dynamics = config["dynamics"]
    return dynamics["name"], dynamics.get("cell"), config.get("engine", "ase")


def check_method(directory: RunDirectory, reference: Reference) -> None:
    """Refuse to go on with another method than the run began with, as a rehearsal's teacher.

    Raises
    ------
    StoreError
        With both methods.
    """
    made_with = (directory.read_record().get("level_of_theory") or {}).get("method")
    method = reference.describe().get("method")
    if made_with != method:
        raise StoreError(
            f"the labels in {directory.path} are of {made_with}, the configuration would go on "
            f"with {method}; a rehearsal with a model as teacher cannot be resumed"
        )


def awaits_stages(config: RunConfig, directory: RunDirectory) -> bool:
    """Return whether stages are still to teach the model that a run starts from."""
    return config.stages is not None and not (
        directory.start_model.exists() or directory.has_begun()
    )


def changes_since(
    checkpoint: Checkpoint, config: RunConfig, directory: RunDirectory, *, is_branch: bool
) -> list[Change]:
    """Return what differs from the configuration that a checkpoint was made with."""
    before = checkpoint.state.get("config")
    if not isinstance(before, dict):
        return []  # an older checkpoint: the file is all that is known
    after = config.model_dump(mode="json")
    with understood("the checkpoint"):
        model = config.force_field.model
        if model is not None and _same_bytes(Path(model), directory.start_model):
            after["force_field"]["model"] = before["force_field"]["model"]
        plumed = None if config.bias is None else config.bias.plumed
        if plumed is not None and _same_bytes(Path(plumed), directory.plumed / INPUT):
            after["bias"]["plumed"] = (before.get("bias") or {}).get("plumed")
        before = _with_keys_of_today(before)
        return compare(before, after, step=checkpoint.state["step"], is_branch=is_branch)


def _with_keys_of_today(config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration with the keys that have come since it was written, at their defaults.

    One that this version would not begin with is left as it is.
    """
    try:
        return RunConfig.model_validate(config).model_dump(mode="json")
    except ValidationError:
        return config


def with_own_model(config: RunConfig, directory: RunDirectory) -> RunConfig:
    """Return the configuration with the copy of its first model that the run directory keeps."""
    update = {"model": str(directory.start_model.absolute())}
    force_field = config.force_field.model_copy(update=update)
    return config.model_copy(update={"force_field": force_field})


def config_text(config: RunConfig, directory: RunDirectory) -> str:
    """Return the text of `config.yaml`, with what the directory has a copy of named without it."""
    model = config.force_field.model
    if model is not None and Path(model).parent == directory.path.absolute():
        force_field = config.force_field.model_copy(update={"model": Path(model).name})
        config = config.model_copy(update={"force_field": force_field})
    if config.bias is not None and config.bias.plumed is not None:
        own = config.bias.model_copy(update={"plumed": f"{directory.plumed.name}/{INPUT}"})
        config = config.model_copy(update={"bias": own})
    return dump_config(config)


def note_changes(run: Run, changes: list[Change], on_change: OnChange) -> None:
    """Write applied changes down and tell them."""
    for change in changes:
        run.files.tell(
            Changed(
                step=run.step,
                time_fs=run.time_fs,
                key=change.key,
                before=change.before,
                after=change.after,
            )
        )
        on_change(change)


def _same_bytes(one: Path, other: Path) -> bool:
    try:
        return other.exists() and one.read_bytes() == other.read_bytes()
    except OSError as error:
        raise StoreError(f"{one} cannot be read: {error.strerror}; give another model") from error
