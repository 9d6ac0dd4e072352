"""What an analysis found, as tables: one CSV file each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aofl.analysis.findings import FrameRecord, Survey
from aofl.analysis.motion import Motion
from aofl.analysis.profile import density_profiles
from aofl.analysis.sei import METAL_CLASSES
from aofl.analysis.structure import radial_distributions
from aofl.report.results import taken


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvTable:
    """A table with the names of its columns, units included."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def to_csv(self) -> str:
        """Return the table as text; numbers with six digits, absent ones empty."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([[_cell(value) for value in row] for row in self.rows])
        return text.getvalue()


def tables(found: Survey, moved: Motion | None) -> dict[str, CsvTable]:
    """Return the tables by file name; those without content are left out."""
    made = {
        "species.csv": _species(found),
        "reactions.csv": _reactions(found),
        "sei.csv": _sei(found),
        "layers.csv": _layers(found),
        "rdf.csv": _radial(found),
        "density.csv": _density(found),
        "hydrogen_bonds.csv": _hydrogen_bonds(found),
        "msd.csv": None if moved is None else _displacement(moved),
    }
    return {name: table for name, table in made.items() if table is not None}


def _per_frame(found: Survey, columns: Sequence[str], values: Iterable[Sequence[Any]]) -> CsvTable:
    """Make a table with a row for each frame."""
    time = "time_fs" if found.has_time else "time_frames"
    rows = [
        (k, frame.number, frame.time, *row)
        for k, (frame, row) in enumerate(zip(found.frames, values, strict=True))
    ]
    return CsvTable(columns=("frame", "step", time, *columns), rows=rows)


def _species(found: Survey) -> CsvTable:
    names = sorted({name for frame in found.frames for name in frame.species})
    counts = [[frame.species.get(name, 0) for name in names] for frame in found.frames]
    return _per_frame(found, names, counts)


def _reactions(found: Survey) -> CsvTable:
    n_certain = len(found.reactions.events) - found.n_uncertain
    unit = "fs" if found.has_time else "frames"
    columns = ("step", f"time_{unit}", f"began_{unit}", "reaction", "height_A", "electrons",
               "atoms_balanced", "seen_by_reference", "certain", "broken", "formed")  # fmt: skip
    rows = [
        (event.frame, event.time_fs, event.began_fs, event.reaction, event.height,
         event.electrons, event.is_atom_balanced, event.seen_by_reference, k < n_certain,
         _pairs(event.broken), _pairs(event.formed))
        for k, event in enumerate(found.reactions.events)
    ]  # fmt: skip
    return CsvTable(columns=columns, rows=rows)


def _sei(found: Survey) -> CsvTable:
    motifs = sorted({motif for frame in found.frames for motif in frame.solids})
    gases = sorted({name for frame in found.frames for name in frame.gas})
    columns = [
        *(f"{motif} {what}" for motif in motifs for what in ("units", "clusters", "largest")),
        "single anions",
        *METAL_CLASSES,
        "electrons taken",
        *(f"{name} gas" for name in gases),
    ]

    def row(frame: FrameRecord) -> list[Any]:
        sizes = [frame.sizes.get(motif, []) for motif in motifs]
        return [
            *(n for part in sizes for n in (sum(part), len(part), max(part, default=0))),
            frame.single,
            *(frame.metal[name] for name in METAL_CLASSES),
            taken(found, frame),
            *(frame.gas.get(name, 0) for name in gases),
        ]

    return _per_frame(found, columns, map(row, found.frames))


def _layers(found: Survey) -> CsvTable | None:
    unit = "fs" if found.has_time else "frames"
    rows = []
    for window in found.layers.closed:
        sums = window.sums
        for (kind, k), count in sorted(sums.counts.items(), key=lambda item: item[0][::-1]):
            low = k * sums.width
            rows.append(
                (window.first, window.last, low, low + sums.width, kind, count / sums.n_frames)
            )
    columns = (f"from_{unit}", f"to_{unit}", "from_A", "to_A", "part", "mean_number")
    return CsvTable(columns=columns, rows=rows) if rows else None


def _radial(found: Survey) -> CsvTable:
    distributions = radial_distributions(found.radial)
    columns, values = ["r_A"], [next(iter(distributions.values())).r]
    for (a, b), distribution in distributions.items():
        columns += [f"g_{a}-{b}", f"n_{b}_around_{a}"]
        values += [distribution.g, distribution.n_second]
        if a != b:
            columns.append(f"n_{a}_around_{b}")
            values.append(distribution.n_first)
    return CsvTable(columns=columns, rows=np.column_stack(values).tolist())


def _density(found: Survey) -> CsvTable | None:
    if found.profile is None:
        return None
    z, densities = density_profiles(found.profile)
    columns = ["z_A", *(f"{element}_per_A3" for element in densities)]
    return CsvTable(columns=columns, rows=np.column_stack([z, *densities.values()]).tolist())


def _hydrogen_bonds(found: Survey) -> CsvTable | None:
    kinds = sorted({kind for frame in found.frames for kind in frame.hydrogen_bonds})
    if not kinds:
        return None
    counts = [[frame.hydrogen_bonds.get(kind, 0) for kind in kinds] for frame in found.frames]
    return _per_frame(found, [f"{donor} to {acceptor}" for donor, acceptor in kinds], counts)


def _displacement(moved: Motion) -> CsvTable:
    columns, values = ["lag_fs"], [next(iter(moved.displacement.values())).lags_fs]
    for element, curve in moved.displacement.items():
        columns += [f"{element}_A2", *(f"{element}_{axis}_A2" for axis in "xyz")]
        values += [curve.msd.sum(axis=1), *curve.msd.T]
    return CsvTable(columns=columns, rows=np.column_stack(values).tolist())


def _pairs(pairs: Iterable[tuple[int, int]]) -> str:
    return " ".join(f"{i}-{j}" for i, j in pairs)


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.6g}"
    return value
