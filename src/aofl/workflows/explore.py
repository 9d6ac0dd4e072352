"""Exploring: a cheap reference meets the reactions first, and the real one labels what says most.

1. An ordinary run with `stages.explore.reference` moves the whole, below `stages/`. It learns the
   cheap surface while it goes, so even a step of tight binding costs what one of the force field
   does; guards, rewinds, checkpoints and the report are those of any run.
2. Of its frames the near-duplicates are taken out (`aofl.workflows.dedupe`), and those that say
   most are chosen by the posterior of our own basis (`aofl.bayes.design`): rows of energy and
   forces, beyond what earlier stages have taught. What a frame says depends on its positions and
   not on its label, so all can be chosen before any is labelled.
3. The real reference labels them, several at once (`aofl.workflows.label_frames`).
4. The labels are copied into the data set of the run, which learns them before its first step. No
   label of the cheap reference comes there.

What is done is on the disk, each step as a file that is there as a whole or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from ase import Atoms

from aofl.bayes.design import Chosen, most_telling
from aofl.bayes.posterior import Statistics
from aofl.config import FileSystem
from aofl.config.schema import BudgetConfig, RunConfig
from aofl.config.stages import ExploreConfig
from aofl.errors import AoflError, ConfigError, RunStopped
from aofl.forcefield.model import ForceField
from aofl.forcefield.train import structure
from aofl.plain import to_plain
from aofl.records import Label, LabelledStructure
from aofl.records.events import Explored
from aofl.records.rule_names import EXPLORE
from aofl.reference.level import level_of
from aofl.simulation.stopping import StopRequest, caught_signals
from aofl.store import (
    Dataset,
    RunDirectory,
    count_frames,
    format_frame,
    iterate_trajectory,
    make_directory,
    read_journal,
    write_atomic,
)
from aofl.workflows.admission import admit
from aofl.workflows.assemble import limited_threads, make_reference, opened_reference
from aofl.workflows.conditions import at_fixed_cell, by_itself
from aofl.workflows.dedupe import without_near_duplicates
from aofl.workflows.label_frames import label_frames, read_frames

MOST_FRAMES = 400  # of the exploring run that are looked at
FRAMES_PER_LABEL = 10  # that are written, where there are so many steps
OnStage = Callable[[str], None]


def exploring(config: RunConfig, explore: ExploreConfig, start: Path) -> RunConfig:
    """Return the configuration of the exploring run: the run itself, by another reference.

    Its cell stays as it is, because the pressure of a cheap reference says little.
    """
    moves: dict[str, float] = {"steps": explore.steps}
    if explore.temperature_K is not None:
        moves["temperature_K"] = explore.temperature_K
    often = max(1, explore.steps // (FRAMES_PER_LABEL * explore.labels))
    every = min(config.output.trajectory_every, often)
    return by_itself(config).model_copy(
        update={
            "out": None,
            "stages": None,
            "reference": explore.reference,
            "system": FileSystem(structure=str(start.absolute())),
            "dynamics": at_fixed_cell(config.dynamics).model_copy(update=moves),
            "learning": config.learning.model_copy(update={"budget": BudgetConfig()}),
            "output": config.output.model_copy(update={"trajectory_every": every}),
        }
    )


def check_explore(config: RunConfig, atoms: Atoms) -> None:
    """Refuse what an exploring run could not begin with, before anything is written.

    Raises
    ------
    ConfigError
        With what the run itself would say.
    """
    if config.stages is None or (explore := config.stages.explore) is None:
        return
    if config.force_field.model is not None:
        raise ConfigError("`stages` make the model to start from: drop `force_field.model`")
    chosen = exploring(config, explore, Path("start.extxyz"))
    with TemporaryDirectory(prefix="aofl-explore-") as scratch:
        try:
            with opened_reference(explore.reference, Path(scratch)) as reference:
                admit(chosen, atoms, reference)
        except AoflError as error:
            raise ConfigError(f"`stages.explore` cannot begin: {error}") from error


def learn_from(
    directory: RunDirectory,
    config: RunConfig,
    explore: ExploreConfig,
    part: RunDirectory,
    known: Path | None,
    on_stage: OnStage,
    seconds: float | None,
) -> str:
    """Choose, label and hand over the frames of an exploring run that is done.

    Parameters
    ----------
    part
        Of the exploring run.
    known
        The model of the stages before; None where there were none.
    seconds
        Wall time that is granted; None without a limit.

    Returns
    -------
    "done", or "stopped" where the labels are not all made yet.

    Raises
    ------
    RunStopped
        If no frame could be labelled.
    """
    chosen = part.path / "chosen"
    with limited_threads(config.threads):
        if not _frames(chosen).exists():
            on_stage(f"{part.path.name}: choosing frames")
            _write_choice(chosen, part, known, explore.labels)
    stop = StopRequest.within(seconds)
    with caught_signals(stop):
        for told in _labelled(chosen, part, config, explore):
            on_stage(f"{part.path.name}: {told}")
            if stop.is_due():
                return "stopped"
    _hand_over(directory, part, chosen)
    return "done"


def _frames(chosen: Path) -> Path:
    return chosen / "frames.extxyz"


def _write_choice(chosen: Path, part: RunDirectory, known: Path | None, n_labels: int) -> None:
    """Write the frames that say most, in the order of time, and what was chosen among."""
    candidates = list(_candidates(part))
    different = without_near_duplicates(candidates).kept
    best = choose(different, ForceField.load(part.model), known, n_labels)
    make_directory(chosen)
    facts = {"frames": len(candidates), "different": len(different)}
    write_atomic(chosen / "choice.json", json.dumps(facts).encode() + b"\n")
    texts = [
        _frame_text(different[item.index], {"rank": rank, "gain": item.gain})
        for rank, item in sorted(enumerate(best), key=lambda pair: pair[1].index)
    ]
    write_atomic(_frames(chosen), "".join(texts).encode())  # last: it says that all is there


def choose(
    frames: list[LabelledStructure], prior: ForceField, known: Path | None, n_labels: int
) -> list[Chosen]:
    """Return the frames that say most, the best first; all where there are no more.

    Parameters
    ----------
    prior
        Of the same basis; its prior is taken, and nothing that it was taught.
    known
        A model whose labels are known already.
    """
    std = prior.shape.std(prior.state.scales)
    data = Statistics.empty(len(std))
    if known is not None:
        data = ForceField.load(known).data.statistics

    def rows(index: int) -> Any:
        return prior.rows(structure(frames[index]))

    return list(islice(most_telling(rows, len(frames), data, std), n_labels))


def _candidates(part: RunDirectory) -> Iterator[LabelledStructure]:
    """Yield frames of the exploring run, spread evenly, with what moved them as their labels."""
    stride = 1 + count_frames(part.trajectory) // MOST_FRAMES
    frames = islice(iterate_trajectory(part.trajectory), 0, None, stride)
    for index, atoms in enumerate(frames):
        yield LabelledStructure(
            numbers=atoms.numbers.astype(np.int64),
            positions=atoms.positions,
            cell=atoms.cell.array,
            pbc=atoms.pbc,
            label=Label(energy=atoms.get_potential_energy(), forces=atoms.get_forces()),
            provenance={
                "source": part.trajectory.name,
                "frame": index,
                "step": int(atoms.info["step"]),
            },
        )


def _frame_text(frame: LabelledStructure, why: dict[str, Any]) -> str:
    return format_frame(
        numbers=frame.numbers,
        positions=frame.positions,
        cell=frame.cell,
        pbc=frame.pbc,
        info={"step": frame.provenance["step"], **why},
        arrays={},
    )


def _labelled(
    chosen: Path, part: RunDirectory, config: RunConfig, explore: ExploreConfig
) -> Iterator[str]:
    """Label what has no label yet; yield how far that is, at the beginning and after each."""
    with opened_reference(config.reference, chosen / "work") as reference:
        level, is_semi_empirical = reference.describe(), reference.is_semi_empirical
    for now in label_frames(
        read_frames(_frames(chosen)),
        chosen,
        partial(make_reference, config.reference),
        source=f"stages/{part.path.name}/chosen/frames.extxyz",
        level=level,
        is_semi_empirical=is_semi_empirical,
        n_workers=explore.workers,
    ):
        yield f"{now.n_labelled} of {now.n_frames} frames labelled"


def _hand_over(directory: RunDirectory, part: RunDirectory, chosen: Path) -> None:
    """Copy the labels into the data set of a run that has not begun, and say what they cost.

    Raises
    ------
    RunStopped
        If there are none.
    """
    with closing(Dataset(chosen / "labels.extxyz")) as labels:
        entries = sorted(labels, key=lambda entry: int(entry.provenance["frame"]))
    failures = read_journal(chosen / "failures.jsonl")
    if not entries:
        why = failures[0]["error"] if failures else "there was no frame"
        raise RunStopped(
            f"none of the frames that exploring chose could be labelled ({why}): look at the "
            f"reference, then remove {chosen / 'failures.jsonl'} and resume"
        )
    steps = [int(atoms.info["step"]) for atoms in read_frames(_frames(chosen))]
    with directory.lock(), closing(Dataset(directory.labels)) as dataset:
        for entry in entries:
            if dataset.find(entry.provenance["hash"]) is None:
                origin = {"rule": EXPLORE, "explored_step": steps[entry.provenance["frame"]]}
                dataset.append(replace(entry, provenance={**entry.provenance, **origin}))
        facts = _facts(part, chosen, entries, {record["hash"] for record in failures})
        directory.write_explored(facts)


def _facts(
    part: RunDirectory, chosen: Path, entries: list[LabelledStructure], failed: set[str]
) -> dict[str, Any]:
    """Return what exploring gave and cost, as `explored.json` has it."""
    summary = part.read_summary()
    choice = json.loads((chosen / "choice.json").read_bytes())
    told = Explored(
        step=0,
        time_fs=0.0,
        by=level_of(part.read_record()["level_of_theory"]),
        explored_steps=summary["steps"],
        cheap_labels=summary["labels"],
        explored_s=summary["wall_s"]["total"],
        frames=choice["frames"],
        different=choice["different"],
        labels=len(entries),
        failed=len(failed - {entry.provenance["hash"] for entry in entries}),
        label_s=sum(entry.label.seconds for entry in entries),
    )
    return {k: v for k, v in to_plain(told).items() if k not in ("step", "time_fs", "event")}
