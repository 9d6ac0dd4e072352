"""From a configuration with `walkers` to one ordinary configuration for each of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aofl.config.read import config_from_mapping
from aofl.config.schema import RunConfig
from aofl.config.walkers import full_name
from aofl.errors import ConfigError
from aofl.records import LEARNING_MODES

ALL_OTHERS = ".."  # `labels.share_with`, seen from the directory of a walker


def expand(config: RunConfig) -> tuple[RunConfig, ...]:
    """Return the configuration of each walker, in their order.

    Walker k has value k of each list of `vary`; a shorter list begins again, so lists run side by
    side and make no grid. Where `seed` is not varied, walker k has `seed + k`.

    Raises
    ------
    ConfigError
        If there are no walkers, a varied key is unknown or has a wrong value, or two walkers would
        be the same.
    """
    if config.walkers is None:
        raise ConfigError("`walkers` is missing; give `walkers: {count: N}`, or `aofl run` one run")
    base = alone(config).model_dump(mode="json")
    found: list[RunConfig] = []
    for number in range(config.walkers.count):
        values = {"seed": config.seed + number, **values_of(config, number)}
        walker = config_from_mapping(base, values, source=f"`walkers.vary`, walker {number:03d}")
        if walker in found:
            raise ConfigError(
                f"`walkers.vary` makes walker {number:03d} the same as {found.index(walker):03d}; "
                "give each a `seed` of its own"
            )
        found.append(walker)
    return tuple(_sharing(walker) for walker in found)


def values_of(config: RunConfig, number: int) -> dict[str, Any]:
    """Return what `vary` gives a walker, by dotted key."""
    vary: Mapping[str, list[Any]] = {} if config.walkers is None else config.walkers.vary
    return {full_name(key): values[number % len(values)] for key, values in vary.items()}


def alone(config: RunConfig) -> RunConfig:
    """Return the configuration of one run, without its walkers."""
    return config.model_copy(update={"walkers": None, "out": None})


def _sharing(walker: RunConfig) -> RunConfig:
    """Let a walker that learns read the labels of the others."""
    if walker.mode not in LEARNING_MODES:
        return walker
    labels = walker.labels.model_copy(update={"share_with": ALL_OTHERS})
    return walker.model_copy(update={"labels": labels})
