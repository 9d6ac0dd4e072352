"""What `run` and `resume` show while they go on."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

import typer

from aofl.cli.live import LiveView, RunProgress

if TYPE_CHECKING:
    from types import TracebackType

    from aofl.learning.run import Run


class Progress:
    """The live view; the pace is that of this session, so that a resumed run shows its own."""

    def __init__(self) -> None:
        self._view = LiveView()
        self._first: tuple[int, float] | None = None

    def __enter__(self) -> Progress:
        typer.echo("preparing; the first run on a machine compiles its kernels (about a minute)")
        self._view.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._view.__exit__(kind, error, trace)

    def show(self, run: Run) -> None:
        """Show where a run is."""
        now = monotonic()
        if self._first is None or run.step < self._first[0]:  # another stage
            self._first = (run.step, now)
        steps, seconds = run.step - self._first[0], now - self._first[1]
        per_step = seconds / steps if steps > 0 and seconds > 0 else None
        target = run.config.dynamics.steps
        timestep_ns = 1e-6 * run.config.dynamics.timestep_fs
        self._view.update(
            RunProgress(
                step=run.step,
                target_steps=target,
                time_fs=run.time_fs,
                temperature_K=float(run.atoms.get_temperature()),
                labels=len(run.calculator.labeller.ids),
                skips=run.calculator.memory.n_skips,
                threshold_eV_per_A=run.calculator.last_limit,
                elapsed_s=seconds,
                ns_per_day=86400 / per_step * timestep_ns if per_step else None,
                remaining_s=(target - run.step) * per_step if per_step else None,
            )
        )
