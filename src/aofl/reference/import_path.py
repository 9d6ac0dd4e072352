"""From `module.Class` in a configuration to an ASE calculator.

Importing a module runs its code. Only what is installed in the environment of `aofl` can be
named, nothing is added to the search path, and what the path leads to is used only if it is a
class with the methods of an ASE calculator: a function such as `os.system` is never called. A
calculator may still run programs with the arguments it is given, so a configuration from a
stranger is to be read like a script from one.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from aofl.errors import ConfigError

METHODS = ("get_potential_energy", "get_forces")


def make_calculator(path: str, arguments: Mapping[str, Any]) -> Any:
    """Return the calculator of a class, made with keyword arguments.

    Raises
    ------
    ConfigError
        If there is no such module or class, it is no calculator, or it refuses the arguments.
    """
    found = _calculator_class(path)
    try:
        return found(**arguments)
    except (Exception, SystemExit) as error:  # calculators refuse arguments in every way there is
        raise ConfigError(
            f"`reference.calculator` {path} cannot be made with the arguments "
            f"{dict(arguments)!r}: {type(error).__name__}: {error}"
        ) from error


def version_of(path: str) -> str | None:
    """Return the version of the installed package that a dotted path begins with, if it has one."""
    try:
        return version(path.split(".")[0])
    except PackageNotFoundError:
        return None


def _calculator_class(path: str) -> Any:
    module_name, _, name = path.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"`reference.calculator` is {path}, but there is no module {error.name}: install it "
            "into the environment of aofl, or correct the path"
        ) from error
    except (Exception, SystemExit) as error:  # a module may raise anything when it is imported
        raise ConfigError(
            f"`reference.calculator` is {path}, but its module cannot be imported: "
            f"{type(error).__name__}: {error}"
        ) from error
    found = getattr(module, name, None)
    if found is None:
        nearest = difflib.get_close_matches(name, dir(module), n=1)
        advice = f"; did you mean {nearest[0]}?" if nearest else ""
        raise ConfigError(
            f"`reference.calculator` is {path}, but {module_name} has no {name}{advice}"
        )
    if not isinstance(found, type) or not all(callable(getattr(found, m, None)) for m in METHODS):
        raise ConfigError(
            f"`reference.calculator` is {path}, which is no class of ASE calculators "
            f"({', '.join(METHODS)}): nothing was called; give the path of such a class"
        )
    return found
