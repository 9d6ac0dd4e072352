"""The potentials of VASP: which folder they are in, and what a POTCAR says of itself.

Nothing in the name of a folder keeps another potential from lying in it, and VASP would run with
it: so element, name, functional and valence are read from the head of each file.

The keys that are read: TITEL (kind, name, date), VRHFIN (element: configuration), LEXCH
(functional) and ZVAL (valence electrons).
"""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from pathlib import Path

from ase.data import chemical_symbols

from aofl.config.references import VaspConfig
from aofl.errors import ConfigError, StructureError
from aofl.reference.installed import POTENTIALS
from aofl.reference.subprocesses import directory_of_files

_TITLE = re.compile(r"^[ \t]*TITEL[ \t]*=[ \t]*(\S.*?)[ \t\r]*$", re.MULTILINE)
_ELEMENT = re.compile(r"VRHFIN[ \t]*=[ \t]*([A-Z][a-z]?)")
_FUNCTIONAL = re.compile(r"LEXCH[ \t]*=[ \t]*(\w+)")
_VALENCE = re.compile(r"ZVAL[ \t]*=[ \t]*([\d.]+)")
_SYMBOL = re.compile(r"[A-Z][a-z]?")
_KNOWN = frozenset(chemical_symbols[1:])  # some heads have an "X" or "r" in place of Xe and Zr
_PBE = "PE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Potential:
    """One POTCAR.

    Attributes
    ----------
    path
        The file.
    text
        All of it.
    title
        Kind, name and date, such as "PAW_PBE Na_pv 19Sep2006".
    name
        The name in the title, such as "Na_pv".
    elements
        Symbols of the elements that title and head name: one, where the file is sound.
    functional
        As VASP calls it, "PE" for PBE; None where the file does not say.
    valence
        Electrons; None where the file does not say.
    """

    path: Path
    text: str
    title: str
    name: str
    elements: frozenset[str]
    functional: str | None
    valence: float | None

    def __str__(self) -> str:
        """Return the title and the valence, for people."""
        return self.title + ("" if self.valence is None else f" ({self.valence:g} electrons)")


def find_potentials(config: VaspConfig) -> Path:
    """Return the folder that holds a folder with a POTCAR for each potential.

    It is `potpaw_PBE` in the directory that is given, a release of it such as `potpaw_PBE.64`, or
    the directory itself.

    Raises
    ------
    ConfigError
        If there is none, or there are several releases to choose from.
    """
    directory = directory_of_files(
        config.potential_directory,
        "VASP_PP_PATH",
        "reference.potential_directory",
        what=f"the POTCAR files of your VASP licence (with {POTENTIALS} in it)",
    )
    if (directory / POTENTIALS).is_dir():
        return directory / POTENTIALS
    releases = sorted(path for path in directory.glob(f"{POTENTIALS}.*") if path.is_dir())
    if len(releases) > 1:
        raise ConfigError(
            f"{directory} has {', '.join(path.name for path in releases)}: say which by "
            f"`reference.potential_directory: {releases[-1]}`"
        )
    if releases:
        return releases[0]
    if holds_potentials(directory):
        return directory
    raise ConfigError(
        f"{directory} has no directory {POTENTIALS}: unpack the PBE potentials of your VASP "
        "licence there"
    )


def holds_potentials(directory: Path) -> bool:
    """Return whether a directory has a POTCAR in one of its folders."""
    return next(directory.glob("*/POTCAR*"), None) is not None


def potential_of(element: str, config: VaspConfig, potentials: Path) -> Potential:
    """Return the potential of an element, of the right element, name and functional.

    Raises
    ------
    StructureError
        If there is none, or another one lies in its place; what to do is said.
    """
    name = element + config.setups.get(element, "")
    found = _read(potentials / name, element)
    where = f"{found.path} is the potential {found.title!r}"
    if found.elements != {element}:
        raise StructureError(f"{where} and not one of {element}: put that of {name} there")
    if found.name != name:
        raise StructureError(
            f"{where} and not {name}: put that of {name} there, or name the one you want by "
            f"`reference.setups.{element}`"
        )
    if found.functional not in (None, _PBE):
        raise StructureError(
            f"{where}, which was made for another functional (LEXCH = {found.functional}) than "
            f"PBE (LEXCH = {_PBE}): put that of {POTENTIALS} there"
        )
    return found


def _read(folder: Path, element: str) -> Potential:
    path = next((p for p in (folder / "POTCAR", folder / "POTCAR.gz") if p.is_file()), None)
    if path is None:
        raise StructureError(
            f"there is no POTCAR of {element} at {folder}: unpack it from your VASP "
            f"licence's potentials, or name another by `reference.setups.{element}`"
        )
    try:
        with gzip.open(path, "rt") if path.suffix else path.open() as file:
            return parsed(path, file.read())
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise StructureError(f"{path} cannot be read: {error}; unpack it again") from error


def parsed(path: Path, text: str) -> Potential:
    """Return what the text of a POTCAR says of itself.

    Raises
    ------
    StructureError
        If it has no title.
    """
    titles = _TITLE.findall(text) or [text.partition("\n")[0].strip()]
    names = [(title.split()[1:] or title.split() or [""])[0] for title in titles]
    symbols = [match.group() for name in names if (match := _SYMBOL.match(name))]
    if not symbols:
        raise StructureError(
            f"{path} has no TITEL with the name of a potential: it is no POTCAR; unpack it again"
        )
    functional, valence = _FUNCTIONAL.search(text), _VALENCE.search(text)
    return Potential(
        path=path,
        text=text,
        title=titles[0],
        name=names[0],
        elements=frozenset([*symbols, *_KNOWN.intersection(_ELEMENT.findall(text))]),
        functional=functional.group(1) if functional else None,
        valence=float(valence.group(1)) if valence else None,
    )
