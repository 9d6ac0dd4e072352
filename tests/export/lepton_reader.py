"""An independent reader of `potential.in`: the expressions of `pair_style lepton`, in Python.

`zbl` is as the page of LAMMPS on `pair_style zbl` has it. Slopes are complex steps, true to all
digits.
"""

import re
from pathlib import Path

import numpy as np
from ase import Atoms
from yace_reader import Found, neighbours


def zbl(z1: float, z2: float, r: complex) -> complex:
    """Return the universal repulsion of two nuclei, eV."""
    x = r * (z1**0.23 + z2**0.23) / 0.46850
    c, d = (0.02817, 0.28022, 0.50986, 0.18175), (0.20162, 0.40290, 0.94229, 3.19980)
    return 14.399645 * z1 * z2 / r * sum(a * np.exp(-b * x) for a, b in zip(c, d, strict=True))


def larger(one: complex, other: complex) -> complex:
    """Return the one whose real part is larger."""
    return one if np.real(one) > np.real(other) else other


def value(expression: str, r: complex) -> complex:
    """Return the value of an expression and of its abbreviations, the last of them first."""
    names = {"zbl": zbl, "max": larger, "r": r}
    main, *abbreviations = expression.replace("^", "**").split(";")
    for line in reversed(abbreviations):
        name, _, formula = line.partition("=")
        names[name.strip()] = eval(formula.strip(), {"__builtins__": {}}, names)  # noqa: S307
    return eval(main, {"__builtins__": {}}, names)  # noqa: S307


def evaluate(path: Path, atoms: Atoms, elements: list[str]) -> Found:
    """Return what the expressions say about a structure."""
    lines = re.findall(r'^pair_coeff (\d+) (\d+) lepton "(.*)" (\S+)$', path.read_text(), re.M)
    rules = {(int(i) - 1, int(j) - 1): (text, float(cut)) for i, j, text, cut in lines}
    species = [elements.index(symbol) for symbol in atoms.get_chemical_symbols()]
    found = Found(np.zeros(len(atoms)), np.zeros((len(atoms), 3)), np.zeros((3, 3)))
    for i, j, d in zip(*neighbours(atoms, max(cut for _, cut in rules.values())), strict=True):
        expression, cut = rules[tuple(sorted((species[i], species[j])))]
        r = np.linalg.norm(d)
        if r < cut:
            at = value(expression, r + 1e-30j)
            push = 0.5 * at.imag / 1e-30 * d / r
            found.energies[i] += 0.5 * at.real
            found.forces[i] += push
            found.forces[j] -= push
            found.virial += np.outer(d, push)
    return found
