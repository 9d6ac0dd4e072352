"""What `run` and `resume` show while they go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from aofl.cli.live import LiveView, RunProgress

if TYPE_CHECKING:
    from aofl.simulation.run_state import Run


@contextmanager
def shown_progress() -> Iterator[Callable[[Run], None]]:
    """Show a live view while the `with` block lasts; call what it gives after each step."""
    with LiveView() as view:
        pace = _Pace()
        yield lambda run: view.update(pace.progress(run))


class _Pace:
    """The pace of this session alone, so that a resumed run shows its own."""

    def __init__(self) -> None:
        self._first: tuple[int, float] | None = None

    def progress(self, run: Run) -> RunProgress:
        """Return where a run stands, and how fast it goes."""
        now = monotonic()
        if self._first is None or run.step < self._first[0]:  # another stage
            self._first = (run.step, now)
        steps, seconds = run.step - self._first[0], now - self._first[1]
        per_step = seconds / steps if steps > 0 and seconds > 0 else None
        target = run.config.dynamics.steps
        timestep_ns = 1e-6 * run.config.dynamics.timestep_fs
        return RunProgress(
            step=run.step,
            target_steps=target,
            time_fs=run.time_fs,
            temperature_K=float(run.atoms.get_temperature()),
            labels=len(run.calculator.oracle.ids),
            skips=run.calculator.state.n_skips,
            threshold_eV_per_A=run.calculator.state.path.limit,
            elapsed_s=seconds,
            ns_per_day=86400 / per_step * timestep_ns if per_step else None,
            remaining_s=(target - run.step) * per_step if per_step else None,
        )
