"""From a trajectory on the disk to the files of its analysis."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from aofl.analysis.course import course
from aofl.analysis.film import film
from aofl.analysis.findings import Survey, SurveySettings
from aofl.analysis.motion import Motion, motion
from aofl.analysis.network import graphml, reaction_network
from aofl.analysis.survey import survey
from aofl.analysis.told_reactions import read_reaction
from aofl.chemistry.reaction_event import mark_seen
from aofl.chemistry.tracker import TrackerSettings
from aofl.config import read_config
from aofl.config.schema import ChemistryConfig
from aofl.errors import ConfigError, StoreError, StructureError
from aofl.plain import from_plain
from aofl.progress import OnProgress, nobody
from aofl.records.events import ReactionHappened
from aofl.report.analysis_page import analysis_page
from aofl.report.data import RunData, read_run
from aofl.report.results import results
from aofl.report.sections.interphase import pictures
from aofl.report.tables import tables
from aofl.store import (
    RunDirectory,
    about_how_many,
    jsonable,
    make_directory,
    read_frames,
    read_ledger,
    write_atomic,
)
from aofl.workflows.film_deviations import with_deviations


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyseOptions:
    """How a trajectory is read and followed.

    Attributes
    ----------
    format_
        As for `aofl.store.read_frames`.
    elements, cell, is_unwrapped
        As for `aofl.store.read_frames`: what the file does not say itself.
    interval_fs
        Time between the frames of the file, where it does not say it, or says it wrongly: then
        its steps and times are not used.
    min_lifetime_fs
        Products that live shorter are flicker; None takes that of the run, else 50 fs.
    every
        Look at every n-th frame.
    """

    format_: str | None = None
    elements: tuple[str, ...] = ()
    cell: tuple[float, ...] | None = None
    is_unwrapped: bool = False
    interval_fs: float | None = None
    min_lifetime_fs: float | None = None
    every: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What was found, and where it was written.

    Attributes
    ----------
    results
        The content of `results.json`.
    files
        What was written, `results.json` first.
    """

    survey: Survey
    motion: Motion | None
    results: dict[str, Any]
    files: tuple[Path, ...]


def analyse(
    path: Path,
    out: Path | None = None,
    options: AnalyseOptions | None = None,
    on_progress: OnProgress = nobody,
) -> Analysis:
    """Analyse a run directory or a trajectory file, and write what is found.

    Parameters
    ----------
    out
        Directory to write to; None means `analysis` in a run directory, else `NAME.analysis` in
        the current directory. Files of an earlier analysis are replaced.

    Raises
    ------
    ConfigError
        If an option has no meaning.
    StoreError, StructureError
        If the trajectory cannot be read or followed, or the files cannot be written.
    """
    options = options or AnalyseOptions()
    _check(options, path)
    target = out or (path / "analysis" if path.is_dir() else Path(f"{_stem(path)}.analysis"))
    _check_place(target)
    told: dict[str, None] = {}

    def frames(what: str) -> Iterator[Atoms]:
        read = read_frames(
            path,
            format_=options.format_,
            elements=options.elements,
            cell=options.cell,
            is_unwrapped=options.is_unwrapped,
            say=lambda note: told.setdefault(note),
        )
        return _told(islice(read, 0, None, options.every), path, options.every, what, on_progress)

    found = _followed(frames("following the bonds"), path, _settings(path, options))
    moved = motion(found)
    said = results(found, moved, str(path), tuple(told))
    make_directory(target)
    texts = {"results.json": _to_json(said), **_network(found)}
    texts |= {name: table.to_csv() for name, table in tables(found, moved).items()}
    data = _data(
        found,
        partial(frames, "looking at reactions"),
        path,
        is_counted=options.interval_fs is not None,
    )
    page = analysis_page(found, data, said["notes"])
    texts |= {**pictures(found), "analysis.html": page}
    for name, text in texts.items():
        write_atomic(target / name, text.encode())
    return Analysis(
        survey=found, motion=moved, results=said, files=tuple(target / name for name in texts)
    )


def _followed(frames: Iterator[Atoms], path: Path, settings: SurveySettings) -> Survey:
    """Return what the frames show; of a run, which of it the reference has seen."""
    try:
        found = survey(frames, settings)
    except StructureError as error:
        raise StructureError(f"{path}: {error}") from error
    if not path.is_dir():
        return found
    return _seen(found, RunDirectory.open(path), settings.follow.min_lifetime_fs)


def _told(
    frames: Iterator[Atoms], path: Path, every: int, what: str, on_progress: OnProgress
) -> Iterator[Atoms]:
    """Yield frames, and say how many there were of about how many, where anybody listens."""
    total = None
    for done, atoms in enumerate(frames):
        if done == 0 and on_progress is not nobody:
            about = about_how_many(path, len(atoms))
            total = None if about is None else max(1, -(-about // every))
        on_progress(what, done, total)
        yield atoms


def _data(
    found: Survey, frames: Callable[[], Iterator[Atoms]], path: Path, *, is_counted: bool
) -> RunData:
    """Return what the sections read, from the analysis alone but for the record of a run.

    Frames are known by their steps, or by their place where they are counted.
    """
    known = read_run(path) if path.is_dir() else RunData(name=path.name)
    n_certain = len(found.reactions.events) - found.n_uncertain
    reactions = tuple(
        read_reaction(
            from_plain(ReactionHappened, jsonable({"step": event.frame, **event.to_json()}))
        )
        for event in found.reactions.events[:n_certain]
    )
    times = {frame.number: frame.time for frame in found.frames}

    def clock(index: int, atoms: Atoms) -> float | None:
        return times.get(index if is_counted else int(atoms.info.get("step", index)))

    unit = "fs" if found.has_time else "frames"
    ends = np.array([found.frames[0].time, found.frames[-1].time], dtype=float)
    return replace(
        known,
        run={**known.run, "elements": sorted(set(found.symbols))},
        thermo={**known.thermo, "time_fs": ends},
        molecules=found.reactions.initial,
        bonds=(),
        changes=reactions,
        course=course(
            found,
            frames,
            [event for event in reactions if not event.is_exchange],
            clock,
        ),
        film=with_deviations(film(frames(), len(found.frames), reactions, clock, unit=unit), path),
        time_unit=unit,
    )


def _network(found: Survey) -> dict[str, str]:
    """Return the reaction network by file name; without times it has no rates."""
    network = reaction_network(found.reactions)
    if not found.has_time:
        reactions = tuple(
            replace(
                node,
                forward=replace(node.forward, rate=None, rate_constant=None),
                backward=replace(node.backward, rate=None, rate_constant=None),
            )
            for node in network.reactions
        )
        network = replace(network, reactions=reactions)
    unit = "fs" if found.has_time else "frame"
    return {
        "network.json": _to_json({"time_unit": unit, **network.to_json()}),
        "network.graphml": graphml(network),
    }


def _check(options: AnalyseOptions, path: Path) -> None:
    if path.is_dir() and options.interval_fs is not None:
        raise ConfigError(
            f"--frame-interval-fs is {options.interval_fs}, but {path} is a run and knows the "
            "times of its frames: leave it out"
        )
    for name, value, is_good, expected in (
        ("--every", options.every, options.every >= 1, "at least 1"),
        ("--frame-interval-fs", options.interval_fs,
         options.interval_fs is None or 0 < options.interval_fs < np.inf, "positive"),
        ("--min-lifetime-fs", options.min_lifetime_fs,
         options.min_lifetime_fs is None or 0 <= options.min_lifetime_fs < np.inf, "not negative"),
    ):  # fmt: skip
        if not is_good:
            raise ConfigError(f"{name} is {value}: it must be {expected}")


def _check_place(target: Path) -> None:
    """Refuse a place where no directory can be, before the work is done."""
    there = next(place for place in (target, *target.absolute().parents) if place.exists())
    if not there.is_dir():
        raise StoreError(f"cannot write to {target}: {there} is a file; give a directory as --out")


def _settings(path: Path, options: AnalyseOptions) -> SurveySettings:
    lifetime = options.min_lifetime_fs
    if lifetime is None:
        config = read_config(RunDirectory.open(path).config).chemistry if path.is_dir() else None
        lifetime = (config or ChemistryConfig()).min_lifetime_fs
    interval = None if options.interval_fs is None else options.every * options.interval_fs
    return SurveySettings(follow=TrackerSettings(min_lifetime_fs=lifetime), interval_fs=interval)


def _seen(found: Survey, run: RunDirectory, lifetime_fs: float) -> Survey:
    """Say of each event of a run whether the reference was asked within it."""
    config, reactions = read_config(run.config), found.reactions
    if config.mode == "aimd":
        events = [replace(event, seen_by_reference=True) for event in reactions.events]
    else:
        lines = read_ledger(run.ledger) if run.ledger.exists() else []
        labelled = [line.step for line in lines if line.action == "label"]
        window = round(lifetime_fs / config.dynamics.timestep_fs)
        events = mark_seen(reactions.events, labelled, window)
    return replace(found, reactions=replace(reactions, events=tuple(events)))


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").rpartition(".")[0] or path.name


def _to_json(value: Any) -> str:
    return json.dumps(jsonable(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
