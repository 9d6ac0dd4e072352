"""What PLUMED has written in a run: variables over time, and hills.

Its tables have a head, `#! FIELDS time ...`, which may come again, and a row for each step. A row
that is torn or has another number of fields is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from aofl.analysis.metadynamics import Hills
from aofl.config.plumed_input import INPUT, energy_unit, time_unit
from aofl.records import FloatArray

FIELDS, SET = ["#!", "FIELDS"], ["#!", "SET"]
STRETCHED = "stretched-gaussian"
OF_A_BIAS = {"bias", "work", "force2", "rbias", "rct", "acc", "maxbias", "transbias"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlumedOutput:
    """What PLUMED has written.

    Attributes
    ----------
    variables
        Column of a table to times, fs, and values in the unit of the input, shape (n,) each; what
        a bias says of itself, such as its energy, is left out.
    hills
        Variable to its hills, heights in eV.
    n_many
        Files of hills along more than one variable, which are not read.
    """

    variables: Mapping[str, tuple[FloatArray, FloatArray]] = field(default_factory=dict)
    hills: Mapping[str, Hills] = field(default_factory=dict)
    n_many: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    constants: Mapping[str, str]
    columns: Mapping[str, FloatArray]


def read_plumed(folder: Path) -> PlumedOutput | None:
    """Return what PLUMED has written into a folder, None where its input is not there."""
    if not (folder / INPUT).is_file():
        return None
    text = (folder / INPUT).read_text(errors="replace")
    tables = [t for file in sorted(folder.iterdir()) if (t := _table(file)) is not None]
    variables: dict[str, tuple[FloatArray, FloatArray]] = {}
    hills, n_many = {}, 0
    for table in tables:
        if "height" not in table.columns:
            times = table.columns["time"] * time_unit(text)
            variables |= {
                name: (times, values)
                for name, values in table.columns.items()
                if name != "time" and name.rpartition(".")[2] not in OF_A_BIAS
            }
            continue
        names = [name for name in table.columns if f"sigma_{name}" in table.columns]
        n_many += len(names) > 1
        if len(names) == 1 and len(table.columns["height"]):
            hills[names[0]] = _hills(table, names[0], energy_unit(text))
    return PlumedOutput(variables=variables, hills=hills, n_many=n_many)


def _hills(table: _Table, name: str, unit: float) -> Hills:
    return Hills(
        centres=table.columns[name],
        widths=table.columns[f"sigma_{name}"],
        heights=table.columns["height"] * unit,
        is_stretched=table.constants.get("kerneltype") == STRETCHED,
    )


def _table(file: Path) -> _Table | None:
    """Return the table in a file, None where there is none with a column of times."""
    if not file.is_file() or file.name in (INPUT, "plumed.log"):
        return None
    names: list[str] = []
    constants, rows = {}, []
    for line in file.read_text(errors="replace").split("\n")[:-1]:
        words = line.split()
        if words[:2] == FIELDS:
            names = words[2:]
        elif words[:2] == SET and len(words) == 4:
            constants[words[2]] = words[3]
        elif (row := _numbers(words)) is not None and len(row) == len(names):
            rows.append(row)
    if "time" not in names:
        return None
    values = np.array(rows, dtype=float).reshape(-1, len(names)).T
    return _Table(constants=constants, columns=dict(zip(names, values, strict=True)))


def _numbers(words: list[str]) -> list[float] | None:
    try:
        return [float(word) for word in words]
    except ValueError:
        return None
