"""The input of PLUMED that `bias.plumed` names: what is read of it here, and what is refused.

PLUMED itself reads it and says what is wrong with it. Here it is read for the files that it needs
and for its units, and refused for what no resume could bring back: a run begins PLUMED again from
the files that PLUMED has written, so what an action keeps in memory alone is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from ase import units

from aofl.errors import ConfigError

INPUT = "plumed.dat"  # the name of the copy that a run keeps

READS_FILE = {"EXTERNAL", "INCLUDE"}  # whose FILE is read; that of others is written
WITH_MEMORY = (
    "ABMD", "DRR", "EDS", "ENERGY", "EXTENDED_LAGRANGIAN", "LOGMFD", "MAXENT", "OPES_*",
    "TD_*", "VES_*",
)  # fmt: skip
REWRITES = {"GRID_WFILE", "STATE_WFILE", "ACCELERATION_RFILE"}
FORGETS = ("it keeps what it has seen where no kill and no rewind brings it back, "
           "or works on the energy")  # fmt: skip
INSTEAD = "METAD, PBMETAD, RESTRAINT, MOVINGRESTRAINT, walls and EXTERNAL work"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action of the input: its name, and the keywords with their values."""

    name: str
    keywords: dict[str, str]


def actions(text: str) -> list[Action]:
    """Return the actions of an input, comments and labels left out, continued lines joined."""
    found = []
    words: list[str] = []
    is_open = False
    for line in text.splitlines():
        new = line.split("#")[0].split()
        if new[:1] == ["ENDPLUMED"]:
            break
        ends = is_open and new[:1] == ["..."]
        begins = not is_open and new[-1:] == ["..."]
        words += [] if ends else [word for word in new if word != "..."]
        is_open = (is_open or begins) and not ends
        if words and not is_open:
            found.append(_action(words))
            words = []
    return found


def _action(words: list[str]) -> Action:
    name, *rest = words[1:] if words[0].endswith(":") and len(words) > 1 else words
    pairs = (word.partition("=") for word in rest)
    return Action(name=name, keywords={key: value for key, _, value in pairs})


def read_plumed_files(path: Path) -> dict[str, bytes]:
    """Return an input and the files beside it that it reads, by the names that the input uses.

    Raises
    ------
    ConfigError
        If the input cannot be read, or asks for what does not survive a kill.
    """
    try:
        data = path.read_bytes()
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"`bias.plumed`: {path} cannot be read as text ({error}); give an input of PLUMED"
        ) from error
    found = list(_with_included(text, path.parent, set()))
    for action in found:
        _refuse_what_forgets(action)
    needed = {name for action in found for name in _read_by(action)}
    beside = {name: path.parent / name for name in needed if not Path(name).is_absolute()}
    return {INPUT: data} | {
        name: file.read_bytes() for name, file in sorted(beside.items()) if file.is_file()
    }


def _with_included(text: str, folder: Path, seen: set[str]) -> Iterator[Action]:
    """Yield the actions of an input and of those that it includes, each of these once."""
    for action in actions(text):
        yield action
        name = action.keywords.get("FILE", "")
        if action.name == "INCLUDE" and name not in seen and (folder / name).is_file():
            seen.add(name)
            yield from _with_included((folder / name).read_text(errors="replace"), folder, seen)


def _refuse_what_forgets(action: Action) -> None:
    if any(fnmatch(action.name, pattern) for pattern in WITH_MEMORY):
        raise ConfigError(f"`bias.plumed`: {action.name} is not to be had: {FORGETS}; {INSTEAD}")
    if action.keywords.get("ADAPTIVE") == "DIFF":
        raise ConfigError(
            f"`bias.plumed`: ADAPTIVE=DIFF of {action.name} keeps in memory how the variable moved;"
            " give SIGMA, or ADAPTIVE=GEOM"
        )
    if walkers := [key for key in action.keywords if key.startswith("WALKERS_")]:
        raise ConfigError(
            f"`bias.plumed`: {walkers[0]} of {action.name} shares hills with other runs, which a "
            "rewind of this one cannot take back from them; let each run have its own"
        )
    if rewritten := REWRITES & set(action.keywords):
        raise ConfigError(
            f"`bias.plumed`: {min(rewritten)} of {action.name} names a file that is not appended "
            "to, which a rewind cannot cut back; leave it out: the hills tell all"
        )


def _read_by(action: Action) -> list[str]:
    """Return the names that an action may read from: what exists beside the input is a file."""
    return [
        name
        for key, value in action.keywords.items()
        if key != "FILE" or action.name in READS_FILE
        for name in value.split(",")
        if name and ".." not in Path(name).parts
    ]


ENERGIES = {
    "kj/mol": units.kJ / units.mol,
    "kcal/mol": units.kcal / units.mol,
    "j/mol": units.J / units.mol,
    "ha": units.Ha,
    "ev": 1.0,
}
TIMES = {"fs": 1.0, "ps": 1e3, "ns": 1e6, "atomic": units.AUT / units.fs}


def energy_unit(text: str) -> float:
    """Return the unit of energy of an input, eV."""
    return _unit(text, "ENERGY", ENERGIES, "kj/mol")


def time_unit(text: str) -> float:
    """Return the unit of time of an input, fs."""
    return _unit(text, "TIME", TIMES, "ps")


def _unit(text: str, key: str, known: dict[str, float], default: str) -> float:
    """Return the last unit that UNITS sets, by name or as a multiple of PLUMED's own."""
    value = default
    for action in actions(text):
        if action.name == "UNITS":
            value = action.keywords.get(key, value).lower()
    return known[value] if value in known else float(value) * known[default]
