"""A picture of a structure: from the side, and from above."""

from __future__ import annotations

import io

import matplotlib
import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.data.colors import jmol_colors
from ase.visualize.plot import plot_atoms
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

_WIDTH: float = 9.0  # inches
_FROZEN_SHADE = 0.55
_OF_RADIUS = 0.75  # drawn, of the covalent radius


def picture(atoms: Atoms, title: str) -> bytes:
    """Return a PNG of a structure along y and along z; frozen atoms are drawn darker.

    Atoms stand where they are, so that molecules across the cell boundary stay whole; elements
    are told by colour.
    """
    drawn = atoms.copy()
    drawn.calc = None
    colors = jmol_colors[drawn.numbers].copy()
    for constraint in atoms.constraints:
        colors[constraint.get_indices()] *= _FROZEN_SHADE
    lengths = atoms.cell.lengths()
    high = float(np.clip(_WIDTH / 2 * lengths[2] / max(lengths[0], 1.0), 4.0, 12.0))
    with matplotlib.rc_context({"font.size": 9}):
        figure = Figure(figsize=(_WIDTH, high + 0.8), layout="constrained")
        axes = figure.subplots(1, 2)
        for axis, rotation, label in (
            (axes[0], "-90x", "side view, z upwards"),
            (axes[1], "", "top view"),
        ):
            plot_atoms(
                drawn,
                axis,
                radii=_OF_RADIUS * covalent_radii[drawn.numbers],
                colors=colors,
                rotation=rotation,
            )
            axis.set_axis_off()
            axis.set_title(label)
        figure.suptitle(title)
        figure.legend(handles=_legend(drawn), loc="outside lower center", ncols=8, frameon=False)
        out = io.BytesIO()
        FigureCanvasAgg(figure).print_png(out)  # type: ignore[no-untyped-call]
    return out.getvalue()


def _legend(atoms: Atoms) -> list[Line2D]:
    return [
        Line2D(
            [], [], linestyle="", marker="o", markersize=8, markeredgecolor="black",
            markeredgewidth=0.5, color=jmol_colors[number], label=symbol,
        )
        for symbol, number in sorted(set(zip(atoms.symbols, atoms.numbers.tolist(), strict=True)))
    ]  # fmt: skip
