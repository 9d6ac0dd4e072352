"""A folder that a library of this process writes into, such as PLUMED, and that a run cuts back.

The library appends by itself, through C's buffers; so before a size is read they are written out.
Files are open for appending there, so what is cut off is continued at the cut.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from aofl.durable import synchronise
from aofl.errors import StoreError
from aofl.store.atomic import cannot


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFolder:
    """A folder of files that only grow; `log` is the name of one that does not count."""

    path: Path
    log: str = "plumed.log"

    def sizes(self) -> dict[str, int]:
        """Return the sizes of all files, bytes, by name; none where there is no folder."""
        if not self.path.is_dir():
            return {}
        ctypes.CDLL(None).fflush(None)
        return {file.name: file.stat().st_size for file in self._files()}

    def sync(self) -> None:
        """Wait until all that was written is on the disk."""
        for name in self.sizes():
            with (self.path / name).open("rb") as file:
                synchronise(file.fileno())

    def cut(self, sizes: Mapping[str, int]) -> None:
        """Cut all files back to earlier sizes, bytes; one that was not there then becomes empty.

        Raises
        ------
        StoreError
            If a file is shorter than that, or cannot be cut.
        """
        now = self.sizes()
        for name, size in sizes.items():
            if now.get(name, 0) < size:
                raise StoreError(
                    f"{self.path / name} has {now.get(name, 0)} bytes where the checkpoint expects "
                    f"at least {size}: it was cut or replaced; restore it from a copy"
                )
        for name in now:
            try:
                os.truncate(self.path / name, sizes.get(name, 0))
            except OSError as error:
                raise cannot("truncate", self.path / name, error) from error

    def keep_only(self, names: Collection[str]) -> None:
        """Remove all files but the named ones."""
        for file in [*self._files(), self.path / self.log]:
            if file.name not in names:
                file.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return [f for f in sorted(self.path.iterdir()) if f.is_file() and f.name != self.log]
