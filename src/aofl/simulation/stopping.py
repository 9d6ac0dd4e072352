"""When a run leaves before its end: signals, and the wall time that a queue grants.

Both only ask: the run ends after the step in progress, writes a checkpoint and says why. A second
signal does not ask; it ends the process at once, which costs the steps since the last checkpoint
and nothing else. A terminal that is closed sends SIGHUP more than once (the kernel does, and the
shell), so the second of these asks no more than the first.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)
MARGIN = 1.5  # the step to come may take this much longer than the longest so far


@dataclass(slots=True, kw_only=True)
class StopRequest:
    """Whether and why a run is to leave.

    Attributes
    ----------
    reason
        What asked for the end, None as long as nothing did.
    deadline
        When the granted time is over, on the clock of `time.monotonic`, s, which no change of
        the date moves; None without a limit.
    longest
        The longest step so far with its checkpoint, s.
    """

    reason: str | None = None
    deadline: float | None = None
    longest: float = 0.0

    @classmethod
    def within(cls, seconds: float | None) -> StopRequest:
        """Return a request that falls due before so many seconds from now have passed."""
        return cls(deadline=None if seconds is None else monotonic() + seconds)

    def time_step(self, step: Callable[[], None]) -> None:
        """Make a step, and remember how long the longest took."""
        start = monotonic()
        step()
        self.longest = max(self.longest, monotonic() - start)

    def is_due(self) -> bool:
        """Return whether the run is to leave before the next step."""
        is_late = self.deadline is not None and monotonic() + MARGIN * self.longest > self.deadline
        if self.reason is None and is_late:
            self.reason = "the wall time is used up"
        return self.reason is not None


@contextmanager
def caught_signals(request: StopRequest) -> Iterator[None]:
    """Let SIGINT, SIGTERM, SIGUSR1 and SIGHUP ask for the end; a second signal ends the process.

    A SIGHUP that is ignored, as `nohup` has it, stays ignored.
    """

    def note(number: int, frame: object) -> None:
        if number == signal.SIGHUP and request.reason == "SIGHUP":
            return
        if request.reason is not None:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        request.reason = signal.Signals(number).name

    before = {number: signal.signal(number, note) for number in SIGNALS if not _is_waived(number)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_waived(number: signal.Signals) -> bool:
    """Return whether whoever started this process wants it to outlive its terminal."""
    return number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN
