"""The verbs, from Python as from the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aofl.config import Change, read_config
from aofl.config.schema import RunConfig
from aofl.errors import ConfigError
from aofl.progress import OnProgress, nobody
from aofl.reference import Reference
from aofl.reference.installed import Finding
from aofl.simulation.run_state import Run
from aofl.store import RunDirectory, is_campaign
from aofl.workflows import campaign, staged
from aofl.workflows.branch import branch as make_branch
from aofl.workflows.check import check
from aofl.workflows.dedupe import dedupe
from aofl.workflows.doctor import examine
from aofl.workflows.evaluate import evaluate
from aofl.workflows.export import export
from aofl.workflows.label_frames import label
from aofl.workflows.merge import merge
from aofl.workflows.rehearse import rehearse
from aofl.workflows.run_status import campaign_status, run_status
from aofl.workflows.start_resume import create
from aofl.workflows.train import train
from aofl.workflows.validate_reference import elements_of, validate_reference

if TYPE_CHECKING:
    from aofl.workflows.analyse import AnalyseOptions, Analysis
    from aofl.workflows.compare import Comparison

__all__ = [
    "analyse",
    "analyse_campaign",
    "branch",
    "check",
    "compare",
    "dedupe",
    "doctor",
    "elements_of",
    "evaluate",
    "export",
    "label",
    "make",
    "merge",
    "rehearse",
    "report",
    "resume",
    "resume_campaign",
    "run",
    "run_campaign",
    "status",
    "train",
    "validate_reference",
]


def run(
    config: RunConfig,
    out: Path,
    on_step: Callable[[Run], None] = lambda run: None,
    reference: Reference | None = None,
    *,
    max_walltime_s: float | None = None,
    on_stage: Callable[[str], None] = lambda name: None,
) -> str:
    """Start a run, its stages first, in a new directory; return "done" or "stopped".

    The labels of `stages.explore` are made in other processes, so a script that explores calls this
    below `if __name__ == "__main__":`.

    Parameters
    ----------
    reference
        In place of the one that the configuration names; not where it explores.
    max_walltime_s
        The run stops with a checkpoint before so much time has passed, s.
    on_stage
        Called with the name of each stage before it begins or goes on, and while the frames of
        exploring are labelled with how many are.

    Raises
    ------
    ConfigError
        If `stages` and a model to start from are both given, exploring cannot begin, or there are
        `walkers`.
    StoreError
        If the directory exists already.
    RunStopped
        If the run cannot go on by itself.
    """
    if config.walkers is not None:
        raise ConfigError("there are `walkers`; run them with `aofl.api.run_campaign`")
    return staged.start(
        config, out, on_step, reference, max_walltime_s=max_walltime_s, on_stage=on_stage
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
    on_stage: Callable[[str], None] = lambda name: None,
) -> str:
    """Continue a run from its last checkpoint, in the stage where it stands.

    Labels made after that checkpoint are found in the data set and are not computed again. What
    the configuration changes (its file in the run directory, another one, or single keys) is
    applied or refused key by key; see `aofl.config.changes`.

    Parameters
    ----------
    overrides
        Changed settings by dotted key.
    reference, max_walltime_s, on_stage
        As in `run`.
    config_file
        A configuration to go on with; None takes the one in the run directory.
    on_change
        Called with each change that is applied.

    Returns
    -------
    str
        "done" or "stopped".

    Raises
    ------
    ConfigError
        If a changed key must stay as it was, or the directory is that of a campaign.
    StoreError
        If the labels so far are of another method than the reference would give.
    """
    if is_campaign(path):
        raise ConfigError(f"{path} is a campaign; go on with `aofl.api.resume_campaign`")
    return staged.resume(
        path,
        overrides,
        on_step,
        reference,
        config_file=config_file,
        max_walltime_s=max_walltime_s,
        on_change=on_change,
        on_stage=on_stage,
    )


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


def run_campaign(
    config: RunConfig,
    out: Path,
    *,
    n_processes: int | None = None,
    max_walltime_s: float | None = None,
    on_wait: Callable[[], None] = lambda: None,
) -> campaign.Outcome:
    """Start the walkers of a configuration in a new directory, as child processes.

    Parameters
    ----------
    n_processes
        How many at a time; None takes as many as there are cores, `threads` of them for each.
    max_walltime_s
        All stop with a checkpoint before so much time has passed, s.
    on_wait
        Called several times a second, to show how it goes.

    Raises
    ------
    ConfigError, StructureError, ModelError
        If one of the walkers could not begin; nothing is written then.
    StoreError
        If the directory exists already.
    """
    return campaign.start(
        config, out, n_processes=n_processes, max_walltime_s=max_walltime_s, on_wait=on_wait
    )


def resume_campaign(
    path: Path,
    *,
    steps: int | None = None,
    n_processes: int | None = None,
    max_walltime_s: float | None = None,
    on_wait: Callable[[], None] = lambda: None,
) -> campaign.Outcome:
    """Continue the walkers that are not done, and make those that are not there.

    A walker that fails does not take the others along. One that another process has, such as the
    task of a job array, is waited for.

    Parameters
    ----------
    steps
        A new total of each walker.
    n_processes, max_walltime_s, on_wait
        As in `run_campaign`.

    Raises
    ------
    StoreError
        If another process drives the campaign, or a walker has lost files.
    """
    return campaign.resume(
        path,
        steps=steps,
        n_processes=n_processes,
        max_walltime_s=max_walltime_s,
        on_wait=on_wait,
    )


def make(config: RunConfig, out: Path) -> None:
    """Make the directory of a run, or of a campaign with all its walkers, and start nothing.

    Raises
    ------
    ConfigError, StructureError, ModelError
        If it could not begin; nothing is written then.
    StoreError
        If the directory exists already.
    """
    if config.walkers is not None:
        campaign.make(config, out)
    else:
        create(config, out)


def status(path: Path) -> dict[str, Any]:
    """Return the summary of a run, or of a campaign with all its walkers, as it stands.

    See `aofl.workflows.run_status`.

    Raises
    ------
    StoreError
        If there is no run, or it has not written a summary yet.
    """
    return campaign_status(path) if is_campaign(path) else run_status(path)


def doctor() -> list[Finding]:
    """Return what this machine has for `aofl`: core, reference codes, their data, engines."""
    return examine()


def report(
    path: Path,
    out: Path | None = None,
    *,
    reload_s: float | None = None,
    figures: Path | None = None,
) -> Path:
    """Write the report of a run to a file, `report.html` in its directory; return its path.

    Of a campaign, that of each walker and a page on all of them, see `docs/walkers.md`.

    Parameters
    ----------
    reload_s
        After how many seconds the page loads itself again, for runs that go on; None: never.
    figures
        A directory for the plots as PDF, SVG and CSV, in the widths of journals; None writes none.

    Raises
    ------
    ConfigError
        If a campaign is to have figures or to load itself again: its walkers have them.
    """
    from aofl.workflows.campaign_report import write_campaign_report
    from aofl.workflows.report import write_report  # matplotlib is slow to import

    if is_campaign(path):
        if figures is not None or reload_s is not None:
            raise ConfigError(f"{path} is a campaign: give a walker, such as {path}/walkers/000")
        return write_campaign_report(path, out)
    directory = RunDirectory.open(path).path
    return write_report(directory, out, reload_s=reload_s, figures=figures)


def analyse(
    path: Path,
    out: Path | None = None,
    options: AnalyseOptions | None = None,
    on_progress: OnProgress = nobody,
) -> Analysis:
    """Analyse a run directory or a trajectory file; write species, reactions, solids and motion.

    See `aofl.workflows.analyse.analyse`.
    """
    from aofl.workflows.analyse import analyse as analyse_on  # matplotlib is slow to import

    if is_campaign(path):
        raise ConfigError(f"{path} is a campaign; use `aofl.api.analyse_campaign`")
    return analyse_on(path, out, options, on_progress)


def analyse_campaign(
    path: Path, options: AnalyseOptions | None = None, on_progress: OnProgress = nobody
) -> Path:
    """Analyse each walker of a campaign, and pool species and rates; return the file with these.

    See `aofl.workflows.campaign_analysis.analyse_campaign`.
    """
    from aofl.workflows.campaign_analysis import analyse_campaign as analyse_on

    return analyse_on(path, options, on_progress)


def compare(paths: Sequence[Path], out: Path) -> Comparison:
    """Compare run directories; write `compare.html` and `compare.json` into a directory.

    See `aofl.workflows.compare.compare`.
    """
    from aofl.workflows.compare import compare as compare_runs  # matplotlib is slow to import

    return compare_runs(paths, out)
