"""A new run from the past of another one: `aofl resume DIR --from STEP --to NEWDIR`.

The latest checkpoint up to the step is copied with all labels, and the steps in between are
repeated with the configuration they were made with; the labels are known, so the reference is not
asked. The new directory gets its name when it is whole: a branch that was killed leaves only
`NEWDIR.partial`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from aofl.config import config_from_mapping, refuse
from aofl.config.schema import RunConfig
from aofl.errors import ConfigError, StoreError
from aofl.records.events import BranchDiffers, Rewound
from aofl.simulation.checkpointing import save_state, understood
from aofl.simulation.run import one_step
from aofl.simulation.run_state import Run
from aofl.simulation.stopping import StopRequest
from aofl.simulation.summary import write_summary
from aofl.store import (
    Checkpoint,
    RunDirectory,
    checkpoint_at,
    load_checkpoint,
    read_atoms,
    read_events,
    save_checkpoint,
    write_atomic,
)
from aofl.store.atomic import cannot
from aofl.store.chunks import parts
from aofl.workflows.assemble import opened_reference
from aofl.workflows.conditions import by_itself
from aofl.workflows.session import changes_since, config_text, opened, restored, with_own_model


def branch(parent: RunDirectory, step: int, out: Path, config: RunConfig) -> None:
    """Make a run directory that stands at a step of another run and has a configuration of its own.

    It learns no labels of neighbours: what was shared is in its data set, and its neighbours are
    others.

    Raises
    ------
    ConfigError
        If the parent has not come that far, or a changed key must stay; nothing is written.
    StoreError
        If the new directory exists, or the parent cannot be read.
    """
    config = by_itself(config)
    last = load_checkpoint(parent.checkpoint).state["step"]
    if not 0 <= step <= last:
        raise ConfigError(f"`--from` is {step}; the run {parent.path} is saved up to step {last}")
    checkpoint = checkpoint_at(parent.checkpoint, step)
    refuse(changes_since(checkpoint, config, parent, is_branch=True))
    partial = RunDirectory(path=out.with_name(f"{out.name}.partial"))
    for path in (out, partial.path):
        if path.exists():
            raise StoreError(f"{path} exists: choose another directory with `--to`, or remove it")
    _copy(parent, partial, checkpoint)
    with (
        partial.lock(),
        opened_reference(config.reference, partial.reference) as reference,
        opened(
            _config_then(checkpoint, partial),
            partial,
            read_atoms(partial.start),
            reference,
            StopRequest(),
        ) as session,
    ):
        run = restored(session, checkpoint)
        _replay(run, parent, step)
        save_state(run)
        write_summary(run, "stopped", f"branched from {parent.path} at step {step}")
    record = {**parent.read_record(), "branched_from": {"run": str(parent.path), "step": step}}
    partial.write_record(record)
    if partial.start_model.exists():
        config = with_own_model(config, partial)
    write_atomic(partial.config, config_text(config, partial).encode())
    try:
        partial.path.rename(out)
    except OSError as error:
        raise StoreError(f"{partial.path} cannot be renamed to {out}: {error.strerror}") from error


def _copy(parent: RunDirectory, target: RunDirectory, checkpoint: Checkpoint) -> None:
    """Copy what a branch continues; what lies after the checkpoint is cut off later."""
    grown = [parent.labels, parent.ledger, parent.events, parent.thermo]
    others = [parent.start, parent.start_model, parent.explored]
    try:
        target.path.mkdir(parents=True)
        for file in [*grown, *parts(parent.trajectory), *others]:
            if file.exists():
                shutil.copyfile(file, target.path / file.name)
        if parent.plumed.is_dir():
            shutil.copytree(parent.plumed, target.plumed)
    except OSError as error:
        raise cannot(f"copy {parent.path} to", target.path, error) from error
    save_checkpoint(target.checkpoint, checkpoint.arrays, checkpoint.state)


def _config_then(checkpoint: Checkpoint, directory: RunDirectory) -> RunConfig:
    """Return the configuration with which a checkpoint was made."""
    with understood("the checkpoint"):
        made_with = config_from_mapping(checkpoint.state["config"], source="the checkpoint")
        config = by_itself(made_with)
    return with_own_model(config, directory) if directory.start_model.exists() else config


def _replay(run: Run, parent: RunDirectory, step: int) -> None:
    """Repeat the parent until it is where it left a step.

    A step that a rewind undid was reached more than once; the branch begins at its last time.
    """
    known = len(read_events(run.directory.events))
    later = read_events(parent.events)[known:]
    rewinds = [(e.to_step, e.step - 1) for e in later if isinstance(e, Rewound)]
    arrivals = sum(first <= step <= last for first, last in rewinds) + (run.step < step)
    while arrivals > 0:
        one_step(run)
        arrivals -= run.step == step
    if not _starts_with(parent.thermo, run.directory.thermo):
        reason = "another machine, another version, or a reference that carries a state"
        run.files.tell(BranchDiffers(step=step, reason=reason))


def _starts_with(whole: Path, head: Path) -> bool:
    """Return whether a file begins with all of another."""
    try:
        with whole.open("rb") as one, head.open("rb") as other:
            while block := other.read(1 << 20):
                if one.read(len(block)) != block:
                    return False
    except OSError as error:
        raise StoreError(f"{whole} cannot be compared with {head}: {error.strerror}") from error
    return True
