"""A structure put into a CP2K input, with what a label needs to be read from the output."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from ase import Atoms

from aofl.reference.codes.cp2k_input import Section

SUBSYS = ("FORCE_EVAL", "SUBSYS")
PRINT = ("FORCE_EVAL", "DFT", "PRINT")
GLOBAL = (("PROJECT", "aofl"), ("PRINT_LEVEL", "LOW"), ("RUN_TYPE", "ENERGY_FORCE"))
CHARGES = "charges.txt"
DROPPED = {"MOTION", "EXT_RESTART"}


def with_structure(tree: Section, atoms: Atoms) -> Section:
    """Return an input with the cell and the atoms of a structure in place of any it had."""
    cell = Section("CELL", content=tuple(zip("ABC", map(_vector, atoms.cell.array), strict=True)))
    lines = zip(atoms.get_chemical_symbols(), map(_vector, atoms.positions), strict=True)
    coordinates = Section("COORD", content=tuple(lines))
    tree = _without_topology(tree)
    for section in (cell, coordinates):
        tree = tree.with_section(SUBSYS, section)
    return tree


def prepared(tree: Section) -> Section:
    """Return an input that makes single points for us: short output, charges, nothing moved."""
    kept = [i for i in tree.content if not isinstance(i, Section) or i.name not in DROPPED]
    tree = replace(tree, content=tuple(kept))
    for keyword, value in (
        ("PROJECT", "aofl"),
        ("PRINT_LEVEL", "LOW"),
        ("RUN_TYPE", "ENERGY_FORCE"),
    ):
        tree = tree.with_value(("GLOBAL",), keyword, value)
    # To a file of its own: what goes to the output may wait in a buffer until the next label.
    content = (("SHAPE_FUNCTION", "DENSITY"), ("FILENAME", f"={CHARGES}"))
    return tree.with_section(PRINT, Section("HIRSHFELD", "ON", content))


def _vector(row: np.ndarray) -> str:
    return " ".join(repr(float(value)) for value in row)


def _without_topology(tree: Section) -> Section:
    """Return the input without a `&TOPOLOGY`, which may name a file of other coordinates."""
    subsys = tree.find(*SUBSYS)
    if subsys is None or subsys.find("TOPOLOGY") is None:
        return tree
    kept = [i for i in subsys.content if not isinstance(i, Section) or i.name != "TOPOLOGY"]
    return tree.with_section(SUBSYS[:-1], replace(subsys, content=tuple(kept)))
