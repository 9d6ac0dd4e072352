"""How work says how far it is: it calls a function with what it does, and how much is done.

The work does not know who listens; the command line draws a bar of it (`aofl.cli.progress`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from typing import TypeVar

T = TypeVar("T")

OnProgress = Callable[[str, int, int | None], None]
"""Called with what is done, how many are done, and how many there are, None if nobody knows."""


def nobody(what: str, done: int, total: int | None) -> None:
    """Take note of nothing."""


def tracked(
    items: Iterable[T], what: str, on_progress: OnProgress, total: int | None = None
) -> Iterator[T]:
    """Yield items, and say after each how many are done.

    Parameters
    ----------
    total
        How many there are; None takes the length of `items`, where they have one.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    on_progress(what, 0, total)
    for done, item in enumerate(items, start=1):
        yield item
        on_progress(what, done, total)
