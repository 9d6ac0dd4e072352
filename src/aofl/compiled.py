"""Compiled kernels and where they are kept: `njit`, as numba has it, on machines as they are.

numba compiles a kernel once and keeps it in a folder: `NUMBA_CACHE_DIR`, or beside the source, or
in the home of the user. In a container neither can be written, a disk or a quota may be full; numba
ends the program then. Here the kernels go to a folder for temporary files, or are compiled anew in
each process, and one line says so.

What is kept is run when it is loaded, so a folder that others can write is never used.
"""

from __future__ import annotations

import logging
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

import numba
import numba.core.caching
import numba.core.config

logger = logging.getLogger(__name__)

FOLDER = "NUMBA_CACHE_DIR"
config: Any = numba.core.config  # numba is typed in parts only
FunctionCache: Any = numba.core.caching.FunctionCache
NullCache: Any = numba.core.caching.NullCache


class _Clock:
    """How long this process has compiled: from the first kernel that is not kept until it is made.

    Kernels that it calls are compiled within that time.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._first: tuple[object, float] | None = None

    def start(self, kernel: object) -> None:
        """Note that a kernel is about to be compiled; say so the first time."""
        if self._first is None:
            self._first = (kernel, perf_counter())
            _tell("compiling kernels, which takes about a minute once on a machine")

    def stop(self, kernel: object) -> None:
        """Note that a kernel was compiled."""
        if self._first is not None and self._first[0] is kernel:
            self.seconds += perf_counter() - self._first[1]
            self._first = None


_clock = _Clock()


def compile_seconds() -> float:
    """Return the seconds that this process has spent on compiling kernels so far."""
    return _clock.seconds


class KernelCache(FunctionCache):  # type: ignore[misc]
    """numba's cache of one function; what the disk refuses, or gives back damaged, is compiled."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the kernel for a signature, None where it is to be compiled."""
        found = None
        try:
            found = super().load_overload(sig, target_context)
        except Exception as error:  # a damaged pickle raises nearly anything
            _tell(f"kernels in {self.cache_path} cannot be read and are compiled anew: {error!r}")
            with suppress(OSError):
                self.flush()
        if found is None:
            _clock.start(self)
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a compiled kernel, if the disk takes it."""
        _clock.stop(self)
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _tell(f"compiled kernels cannot be kept in {self.cache_path}: {error.strerror}")


def njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return numba's decorator `njit`; with `cache=True` in these options, kernels are kept."""
    is_kept = options.pop("cache", False)

    def compiled(function: Callable[..., Any]) -> Any:
        kernel = numba.njit(**options)(function)
        if is_kept and not config.DISABLE_JIT:
            kernel._cache = _cache_of(function)  # as numba's `enable_caching` does
        return kernel

    return compiled


def kernel_folder() -> str | None:
    """Return where the kernels of this process are kept; None if they are not."""
    path, given = _cache_of(_trial).cache_path, config.CACHE_DIR
    is_given = path is not None and bool(given) and Path(path).is_relative_to(given)
    return str(given) if is_given else path and str(path)


def _cache_of(function: Callable[..., Any]) -> Any:
    try:
        return KernelCache(function)
    except RuntimeError:  # numba finds no folder that can be written
        return NullCache()


def _trial() -> None:
    """Stand for all kernels where their folder is looked for."""


def _find_folder() -> None:
    """Let numba keep its kernels in a temporary folder where it has no other, and say so."""
    if not isinstance(_cache_of(_trial), NullCache):
        return
    folder = _temporary_folder()
    if folder is None:
        _tell("compiled kernels cannot be kept anywhere: each process compiles them, in a minute")
        return
    config.CACHE_DIR = os.environ[FOLDER] = folder  # processes that this one starts use it too
    os.environ.setdefault("MPLCONFIGDIR", str(Path(folder) / "matplotlib"))
    _tell(f"compiled kernels are kept in {folder}: no other place can be written; see {FOLDER}")


def _temporary_folder() -> str | None:
    """Return a folder of this user alone, the same in each process; None where none can be made."""
    try:
        folder = Path(tempfile.gettempdir()) / f"aofl-kernels-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
        if is_ours and not found.st_mode & 0o022 and os.access(folder, os.W_OK):
            return str(folder)
        return tempfile.mkdtemp(prefix="aofl-kernels-")
    except OSError:
        return None


@cache
def _tell(sentence: str) -> None:
    """Log a sentence once."""
    logger.warning("%s", sentence)


_find_folder()
