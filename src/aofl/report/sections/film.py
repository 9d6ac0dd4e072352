"""The section with the trajectory in three dimensions: what the viewer of the page plays.

Positions are whole numbers of 16 bits between the lowest and the highest coordinate of each axis:
in 30 Å a step is 0.0005 Å. Bonds and molecules are told where they change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from ase.data.colors import jmol_colors

from aofl.analysis.film import Film
from aofl.chemistry.limits import IS_METAL
from aofl.records import FloatArray, IntArray
from aofl.report.data import RunData
from aofl.report.embedded import to_base64, to_script_json
from aofl.report.figures.plot import SERIES
from aofl.report.page import Section

LEVELS = 65535
METAL_GREY = "#b9c0c9"


def film(data: RunData) -> Section | None:
    """Section: the trajectory to be played; None where no frame is there."""
    if data.film is None:
        return None
    return Section(
        id="film",
        title="Trajectory",
        text=(_thinning(data.film, data), *_colours_told(data.film)),
        film=to_script_json(payload(data.film, data.time_unit)),
    )


def _thinning(found: Film, data: RunData) -> str:
    kept, every = len(found.times), found.stride
    said = f"{kept} of {found.n_all} frames"
    if every > 1:
        said += f": one in {every}"
        if n := len(data.changes):
            said += f", and all frames around {found.n_around} of {n} reactions and exchanges"
    ends = "; positions are rounded to " if kept == found.n_all else "; positions to "
    return (
        f"{said}{ends}{max(_grid(found.positions)[1]):.1g} Å. A time in the tables of reactions "
        "leads here. Sticks are covalent bonds."
    )


def _colours_told(found: Film) -> list[str]:
    """Say what the colour of an expected error is, where there is one."""
    if not found.deviations:
        return []
    frames = found.deviations
    where = "" if len(frames) == len(found.times) else f", at {len(frames)} of the frames shown"
    return [
        "The expected force error of an atom is the calibrated deviation by the model file of the "
        f"run{where}: with all its labels, so less than it was when the frame was made."
    ]


def payload(found: Film, unit: str) -> dict[str, Any]:
    """Return a film as plain data for `viewer.js`."""
    low, step = _grid(found.positions)
    whole = np.rint((found.positions - low) / step)
    kinds = sorted({name for names in found.species for name in names})
    index = {name: k for k, name in enumerate(kinds)}
    species = [np.array([index[name] for name in names]) for names in found.species]
    elements = sorted(set(found.symbols))
    return {
        "symbols": [elements.index(symbol) for symbol in found.symbols],
        "elements": [_element(symbol) for symbol in elements],
        "steps": list(found.steps),
        "times": [round(time, 4) for time in found.times],
        "unit": unit,
        "low": low.tolist(),
        "step": step.tolist(),
        "positions": to_base64(whole, "u2"),
        "cells": _cells(found.cells),
        "bonds": _bond_changes(found.bonds),
        "kinds": [
            {"name": name, "colour": c} for name, c in zip(kinds, _colours(kinds), strict=True)
        ],
        "species": _species_changes(species),
        "errors": _of_atoms(found.errors),
        "deviations": _of_atoms(found.deviations),
    }


def _of_atoms(values: Mapping[int, FloatArray]) -> dict[str, str]:
    """Return values of the atoms, given in eV/Å, by frame in whole meV/Å."""
    return {
        str(k): to_base64(np.rint(np.minimum(1e3 * v, LEVELS)), "u2") for k, v in values.items()
    }


def _grid(positions: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the lowest coordinate and the width of a step along each axis, Å."""
    low = positions.min(axis=(0, 1))
    return low, np.maximum((positions.max(axis=(0, 1)) - low) / LEVELS, 1e-6)


def _element(symbol: str) -> dict[str, Any]:
    number = atomic_numbers[symbol]
    colour = "".join(f"{round(255 * float(part)):02x}" for part in jmol_colors[number])
    return {
        "name": symbol, "colour": f"#{colour}", "radius": round(float(covalent_radii[number]), 2)
    }  # fmt: skip


def _colours(kinds: Sequence[str]) -> list[str]:
    """Return a colour for each molecule; metal atoms are grey."""
    molecules = [name for name in kinds if not _is_metal_atom(name)]
    return [
        METAL_GREY if _is_metal_atom(name) else SERIES[molecules.index(name) % len(SERIES)]
        for name in kinds
    ]


def _is_metal_atom(name: str) -> bool:
    return name in atomic_numbers and bool(IS_METAL[atomic_numbers[name]])


def _cells(cells: FloatArray) -> list[list[Any]]:
    """Return [frame, nine numbers] where the cell changes."""
    changes = np.any(np.abs(np.diff(cells, axis=0)) > 1e-6, axis=(1, 2))
    return [[int(k), cells[k].round(5).ravel().tolist()] for k in [0, *np.flatnonzero(changes) + 1]]


def _bond_changes(bonds: Iterable[IntArray]) -> list[list[Any]]:
    """Return [frame, atoms of new bonds, atoms of bonds gone] where the bonds change."""
    told, before = list[list[Any]](), set[tuple[int, int]]()
    for k, pairs in enumerate(bonds):
        now = {(int(i), int(j)) for i, j in pairs}
        if now != before:
            new, gone = sorted(now - before), sorted(before - now)
            told.append([k, [i for pair in new for i in pair], [i for pair in gone for i in pair]])
        before = now
    return told


def _species_changes(species: Sequence[IntArray]) -> list[list[Any]]:
    """Return [frame, atoms, their kinds] where a molecule becomes another."""
    told = []
    before = np.full(len(species[0]), -1)
    for k, now in enumerate(species):
        (changed,) = np.nonzero(now != before)
        if len(changed):
            told.append([k, changed.tolist(), now[changed].tolist()])
        before = now
    return told
