"""Which element an atom is, from what files call it: symbols, kinds, types, atomic numbers, masses.

What is certain is read: symbols, symbols with a suffix (`O1`, `Na+`, `H_w`), D. What is likely is
read and said: other capitals (`NA`), atomic numbers. The rest is asked for with `--elements`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from ase.data import atomic_masses, atomic_numbers, chemical_symbols

from aofl.errors import StoreError
from aofl.records import FloatArray, IntArray

ISOTOPES = {"D": 2.014, "T": 3.016}  # of hydrogen, u
_SYMBOLS = {symbol: z for symbol, z in atomic_numbers.items() if z > 0}
_KIND = re.compile(r"([A-Z][a-z]?)[0-9_+\-.:*'].*")
_MASS_TOLERANCE = 0.3  # u
_HOW = "say which with `--elements {}`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Elements:
    """What the user says of elements; one of three, or nothing.

    Attributes
    ----------
    of_types
        The symbol of each type, in the order of the types.
    of_names
        What files call an atom to its symbol.
    of_atoms
        Atomic numbers of all atoms, in their order.
    """

    of_types: tuple[str, ...] = ()
    of_names: Mapping[str, str] = field(default_factory=dict)
    of_atoms: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Elements of the atoms of a frame.

    Attributes
    ----------
    numbers
        Atomic numbers, shape (n_atoms,).
    masses
        u, shape (n_atoms,); None where all are those of the elements.
    """

    numbers: IntArray
    masses: FloatArray | None = None


def parse_elements(words: Sequence[str]) -> Elements:
    """Return what words as `Na`, `O` (types) or `HW=H`, `OW=O` (names) say.

    Raises
    ------
    StoreError
        If a word is no element, or the two are mixed.
    """
    pairs = [word.partition("=") for word in words]
    unknown = [
        symbol
        for name, equals, value in pairs
        if _exact(symbol := (value if equals else name).strip()) is None
    ]
    if unknown:
        raise StoreError(
            f"--elements has {unknown[0]!r}, which is no element: give symbols as Na,O, or names "
            "as HW=H,OW=O, or a file with the same atoms"
        )
    named = {name.strip(): value.strip() for name, equals, value in pairs if equals}
    if named and len(named) < len(words):
        raise StoreError(
            "--elements has both symbols and names with `=`, or a name twice: give one kind, "
            "each once"
        )
    return Elements(of_names=named) if named else Elements(of_types=tuple(words))


def elements_of_names(
    names: Sequence[str],
    elements: Elements,
    where: str,
    say: Callable[[str], None],
    *,
    are_types: bool = False,
) -> Named:
    """Return the elements of atoms that a file calls by names or numbers.

    Parameters
    ----------
    names
        One for each atom.
    where
        File and frame, for messages.
    say
        Told what was read without being certain.
    are_types
        Whether names are types of a force field: then no number is an atomic number, and
        `CA` is not calcium.

    Raises
    ------
    StoreError
        If an element is not known, or `elements` contradicts the names.
    """
    kinds = sorted(set(names))
    _check_names(kinds, elements, where)
    if all(_is_number(kind) for kind in kinds if kind not in elements.of_names):
        symbol = _of_numbers(kinds, elements, where, say, are_types=are_types)
    else:
        symbol = _of_words(kinds, elements, where, say, are_types=are_types)
    if elements.of_atoms and not symbol:
        return _of_atoms(len(names), elements, where)
    return _named([symbol[name] for name in names])


def elements_of_masses(masses: FloatArray, where: str) -> Named:
    """Return the elements that have these masses, u.

    Raises
    ------
    StoreError
        If one is that of no element.
    """
    numbers = numbers_of_masses(masses)
    if (numbers == 0).any():
        raise StoreError(
            f"{where} has the mass {masses[numbers == 0][0]:g} u, which is that of no element: "
            "give --elements"
        )
    return Named(numbers=numbers, masses=masses)


def numbers_of_masses(masses: FloatArray) -> IntArray:
    """Return the atomic numbers that have these masses, u; 0 for a mass of no element."""
    return np.array([_of_mass(mass) for mass in masses.tolist()], dtype=np.int64)


def is_element_name(name: str) -> bool:
    """Tell whether a name is read as an element without help."""
    return (_certain(name) or _likely(name)) is not None


def elements_of_numbers(numbers: IntArray, where: str) -> Named:
    """Return elements given as atomic numbers.

    Raises
    ------
    StoreError
        If one is that of no element.
    """
    wrong = numbers[(numbers < 1) | (numbers >= len(chemical_symbols))]
    if wrong.size:
        raise StoreError(
            f"{where} has the atomic number {int(wrong[0])}, which is no element: leave dummy "
            "atoms out of the file"
        )
    return Named(numbers=numbers)


def elements_of_atoms(n_atoms: int, elements: Elements, where: str) -> Named:
    """Return the elements of a file that says nothing of them.

    Raises
    ------
    StoreError
        If they were not given either.
    """
    if not elements.of_atoms:
        raise StoreError(
            f"{where} does not say which elements its atoms are: give a structure of the same "
            "atoms in the same order with `--elements start.xyz`"
        )
    return _of_atoms(n_atoms, elements, where)


def _check_names(kinds: Sequence[str], elements: Elements, where: str) -> None:
    missing = [name for name in elements.of_names if name not in kinds]
    if missing:
        raise StoreError(
            f"--elements names {missing[0]!r}, which {where} does not have: it has "
            f"{', '.join(kinds[:8])}"
        )


def _of_words(
    kinds: Sequence[str],
    elements: Elements,
    where: str,
    say: Callable[[str], None],
    *,
    are_types: bool,
) -> dict[str, str]:
    """Return the symbol of each name."""
    if elements.of_types:
        raise StoreError(
            f"{where} names its atoms ({', '.join(kinds[:8])}), but --elements has symbols for "
            "types: leave it out, or give NAME=ELEMENT"
        )
    for name, value in elements.of_names.items():
        if name in _SYMBOLS and name != value and not are_types:
            raise StoreError(
                f"--elements has {name}={value}, but {where} names that element itself: leave it "
                "out, or rename the atoms in the file"
            )
    symbol, unknown = dict(elements.of_names), []
    for kind in (kind for kind in kinds if kind not in symbol):
        found, likely = _certain(kind), None if are_types else _likely(kind)
        if found is None and likely is None:
            unknown.append(kind)
            continue
        symbol[kind] = found or likely or ""
        if found is None:
            say(
                f"atoms named {kind} are taken for {likely}; `--elements {kind}=...` says otherwise"
            )
        elif found in ISOTOPES:
            say(f"atoms named {kind} are hydrogen of mass {ISOTOPES[found]} u")
    if unknown:
        ask = ",".join(f"{name}=..." for name in unknown[:4])
        raise StoreError(
            f"{where} has atoms named {', '.join(unknown[:8])}, which is no element: "
            f"{_HOW.format(ask)}; leave dummy atoms out of the file"
        )
    return symbol


def _of_numbers(
    kinds: Sequence[str],
    elements: Elements,
    where: str,
    say: Callable[[str], None],
    *,
    are_types: bool,
) -> dict[str, str]:
    """Return the symbol of each number: a type, or else an atomic number; none for given atoms."""
    if elements.of_names or elements.of_types:
        return _of_types(kinds, elements, where, say)
    if elements.of_atoms:
        return {}
    values = sorted(int(kind) for kind in kinds)
    is_counted = values in (list(range(len(values))), list(range(1, len(values) + 1)))
    if are_types or is_counted or values[0] < 1 or values[-1] >= len(chemical_symbols):
        said = ", ".join(map(str, values[:8]))
        by_order = "" if values[0] < 1 else "`--elements Na,O,H` (type 1 first) or "
        pairs = ",".join(f"{value}=..." for value in values[:4])
        raise StoreError(
            f"{where} has the atom types {said}, which are no atomic numbers: give their elements "
            f"with {by_order}`--elements {pairs}`"
        )
    say("the numbers that stand for elements are taken for atomic numbers")
    return {kind: chemical_symbols[int(kind)] for kind in kinds}


def _of_types(
    kinds: Sequence[str], elements: Elements, where: str, say: Callable[[str], None]
) -> dict[str, str]:
    unnamed = [kind for kind in kinds if kind not in elements.of_names]
    if not elements.of_types:
        if unnamed:
            ask = ",".join(f"{kind}=..." for kind in unnamed[:4])
            raise StoreError(f"{where} has the type {unnamed[0]} too: add `{ask}` to --elements")
        return dict(elements.of_names)
    values = [int(kind) for kind in kinds]
    first = 0 if min(values) == 0 else 1
    if min(values) < 0 or max(values) >= first + len(elements.of_types):
        raise StoreError(
            f"{where} has atom types {min(values)} to {max(values)}, but "
            f"{len(elements.of_types)} elements were given: give one for each type, type "
            f"{first} first"
        )
    if first == 0:
        say("atom types are counted from 0")
    return {kind: elements.of_types[int(kind) - first] for kind in kinds}


def _of_atoms(n_atoms: int, elements: Elements, where: str) -> Named:
    if len(elements.of_atoms) != n_atoms:
        raise StoreError(
            f"{where} has {n_atoms} atoms, but the file given with --elements has "
            f"{len(elements.of_atoms)}: give one with the same atoms"
        )
    return Named(numbers=np.array(elements.of_atoms, dtype=np.int64))


def _named(symbols: Sequence[str]) -> Named:
    numbers = np.array([_SYMBOLS["H" if s in ISOTOPES else s] for s in symbols], dtype=np.int64)
    if not ISOTOPES.keys() & set(symbols):
        return Named(numbers=numbers)
    masses = [ISOTOPES.get(s, atomic_masses[z]) for s, z in zip(symbols, numbers, strict=True)]
    return Named(numbers=numbers, masses=np.array(masses, dtype=np.float64))


def _exact(name: str) -> str | None:
    return name if name in _SYMBOLS or name in ISOTOPES else None


def _certain(name: str) -> str | None:
    """Return the symbol of a name that leaves no choice."""
    kind = _KIND.fullmatch(name)
    return _exact(name) or (_exact(kind.group(1)) if kind else None)


def _likely(name: str) -> str | None:
    """Return the symbol of a name in other capitals."""
    return _exact(name.capitalize()) if len(name) <= 2 else None


def _is_number(name: str) -> bool:
    return name.removeprefix("-").isdecimal() and name.isascii()


def _of_mass(mass: float) -> int:
    """Return the atomic number with the nearest mass, 0 where none is near."""
    if abs(mass - ISOTOPES["D"]) < 0.01:
        return 1
    off = np.abs(np.nan_to_num(atomic_masses[1:]) - mass)
    return int(off.argmin()) + 1 if off.min() <= _MASS_TOLERANCE else 0
