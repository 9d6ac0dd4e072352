"""Tables and pictures for notebooks: columns by name that draw themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aofl.errors import StoreError
from aofl.report.figures.plot import Plot
from aofl.store import make_directory, write_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A plot that notebooks show by themselves, and that files and matplotlib take."""

    plot: Plot

    def _repr_svg_(self) -> str:
        from aofl.report.figures.static import svg  # matplotlib is slow to import

        return svg(self.plot)

    def figure(self) -> Figure:
        """Return a figure of matplotlib, to go on with."""
        from aofl.report.figures.static import PAGE, figure

        return figure(self.plot, PAGE)

    def save(self, directory: Path | str) -> list[Path]:
        """Write PDF and SVG in the widths of journals, and CSV, as `aofl report --figures` does."""
        from aofl.report.figures.paper import paper_figures

        make_directory(Path(directory))
        written = []
        for name, data in paper_figures(self.plot):
            write_atomic(Path(directory) / name, data)
            written.append(Path(directory) / name)
        return written


@dataclass(frozen=True, slots=True, kw_only=True)
class PlottedTable(Mapping[str, NDArray[Any]]):
    """Columns by name, each shape (n,); the unit stands in the name.

    Attributes
    ----------
    name
        What the table is about.
    columns
        The columns, in their order.
    """

    name: str
    columns: Mapping[str, NDArray[Any]]
    _draw: Callable[[], Plot] = field(repr=False)

    def __getitem__(self, column: str) -> NDArray[Any]:
        return self.columns[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return len(next(iter(self.columns.values()), ()))

    def __repr__(self) -> str:
        return f"{self.name}: {self.n_rows} rows of {', '.join(self.columns)}"

    def plot(self) -> Picture:
        """Return the table as a picture; a notebook shows it.

        Raises
        ------
        StoreError
            If there is nothing to draw yet.
        """
        if not self.n_rows:
            raise StoreError(f"the run has no {self.name} yet: there is nothing to draw")
        return Picture(plot=self._draw())

    def to_pandas(self) -> Any:
        """Return a `pandas.DataFrame`.

        Raises
        ------
        StoreError
            If pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise StoreError(
                "tables as data frames need pandas; install it with `pip install 'aofl[pandas]'`, "
                "or take the columns as arrays"
            ) from error
        return pandas.DataFrame({name: np.asarray(self.columns[name]) for name in self.columns})
