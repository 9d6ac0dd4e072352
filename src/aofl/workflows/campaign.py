"""A campaign: many walkers, each an ordinary run with a process, a learner and a lock of its own.

What walkers share is labels: each reads the files of the others at its checkpoints
(`labels.share_with`). Nobody hands out models and nobody waits, so a lost process loses nothing,
and on a cluster the walkers are the tasks of a job array with no server beside them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Literal

from aofl.config import dump_config, expand, read_config, values_of
from aofl.config.schema import RunConfig
from aofl.errors import AoflError, ConfigError, StoreError
from aofl.simulation.stopping import StopRequest, caught_signals
from aofl.store import CampaignDirectory, RunDirectory, write_atomic
from aofl.workflows.run_status import run_status
from aofl.workflows.start_resume import admitted, made
from aofl.workflows.walker_processes import Ended, Order, run_walkers


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a campaign ended.

    Attributes
    ----------
    status
        "done": all walkers are; "failed": those that are not have failed; "stopped": others are
        left as well, by a signal or the wall time.
    failed
        The walkers whose process failed, with what it said.
    """

    status: Literal["done", "stopped", "failed"]
    failed: tuple[Ended, ...]


def make(config: RunConfig, out: Path) -> CampaignDirectory:
    """Make the run directories of all walkers; none of them is started.

    Raises
    ------
    ConfigError, StructureError, ModelError
        If one of the walkers could not begin; nothing is written then.
    StoreError
        If the directory exists already.
    """
    target = CampaignDirectory(path=out)
    walkers = expand(config)
    ready = [admitted(walker, target.walker(k).path) for k, walker in enumerate(walkers)]
    campaign = CampaignDirectory.create(out, dump_config(config))
    for number, run in enumerate(ready):
        made(run, campaign.walker(number).path)
    return campaign


def start(
    config: RunConfig,
    out: Path,
    *,
    n_processes: int | None = None,
    max_walltime_s: float | None = None,
    on_wait: Callable[[], None] = lambda: None,
) -> Outcome:
    """Make all walkers and run them; the wall time counts from here. See `aofl.api`."""
    began = monotonic()
    make(config, out)
    left = None if max_walltime_s is None else max_walltime_s - (monotonic() - began)
    return resume(out, n_processes=n_processes, max_walltime_s=left, on_wait=on_wait)


def resume(
    path: Path,
    *,
    steps: int | None = None,
    n_processes: int | None = None,
    max_walltime_s: float | None = None,
    on_wait: Callable[[], None] = lambda: None,
) -> Outcome:
    """Start or continue all walkers that are not done, as child processes; see `aofl.api`."""
    stop = StopRequest.within(max_walltime_s)
    campaign = CampaignDirectory(path=path)
    with campaign.lock(), caught_signals(stop):
        config = _with_steps(campaign, steps)
        walkers = expand(config)
        _complete(campaign, walkers)
        orders = _orders(campaign, walkers)
        width = n_processes or _free_cores(config)
        ended = run_walkers(orders, width, stop, on_wait)
        left = {order.number for order in _orders(campaign, walkers)}
    failed = tuple(one for one in ended if one.has_failed)
    if not left:
        return Outcome(status="done", failed=failed)
    all_failed = left == {one.number for one in failed} and stop.reason is None
    return Outcome(status="failed" if all_failed else "stopped", failed=failed)


def _with_steps(campaign: CampaignDirectory, steps: int | None) -> RunConfig:
    """Return the configuration, with a new total of steps written down before a walker has it."""
    if steps is None:
        return read_config(campaign.config)
    config = read_config(campaign.config, {"dynamics.steps": steps})
    if "dynamics.steps" in values_of(config, 0):
        raise ConfigError(
            f"--steps is {steps} and `walkers.vary` has a number of steps for each walker; "
            f"change it in {campaign.config}"
        )
    write_atomic(campaign.config, dump_config(config).encode())
    return config


def _complete(campaign: CampaignDirectory, walkers: tuple[RunConfig, ...]) -> None:
    """Make the walkers that are not there: a kill came between, or `walkers.count` was raised."""
    for number, walker in enumerate(walkers):
        run = campaign.walker(number)
        if run.record.is_file():
            continue
        if run.labels.exists():
            raise StoreError(
                f"{run.path} has labels and no {run.record.name}: restore it from a copy, or move "
                "the directory away"
            )
        shutil.rmtree(run.path, ignore_errors=True)  # killed while it was being made
        made(admitted(walker, run.path), run.path)


def _orders(campaign: CampaignDirectory, walkers: tuple[RunConfig, ...]) -> list[Order]:
    """Return what is left to do: a walker, and where its steps have become more, the new total."""
    orders = []
    for number, walker in enumerate(walkers):
        run, wanted = campaign.walker(number), walker.dynamics.steps
        if _is_done(run, wanted):
            continue
        more = ("--steps", str(wanted)) if wanted > _steps_of(run, wanted) else ()
        orders.append(Order(number=number, run=run, output=campaign.output(number), options=more))
    return orders


def _steps_of(run: RunDirectory, wanted: int) -> int:
    """Return the total that a walker has; of a damaged one, which will say so itself, `wanted`."""
    try:
        return read_config(run.config).dynamics.steps
    except AoflError:
        return wanted


def _is_done(run: RunDirectory, steps: int) -> bool:
    try:
        summary: Mapping[str, object] = run_status(run.path)
    except AoflError:  # not begun, or damaged
        return False
    made_steps = summary.get("steps")
    return summary.get("status") == "done" and isinstance(made_steps, int) and made_steps >= steps


def _free_cores(config: RunConfig) -> int:
    """Return how many walkers the cores of this process hold, with `threads` for each."""
    has_mask = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if has_mask else os.cpu_count() or 1
    return max(1, cores // config.threads)
