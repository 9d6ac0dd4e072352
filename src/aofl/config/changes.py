"""What a configuration changes in a run that has begun, and whether it may, key by key.

What would make the past of the run a lie is refused: other atoms, another level of theory, another
basis, another time axis. What only concerns the steps to come is applied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aofl.errors import ConfigError
from aofl.records import LEARNING_MODES

_NEW_RUN = "start a new run for it"
REFUSED = {
    "system": f"a run keeps the atoms it started with; {_NEW_RUN}",
    "reference": f"labels of two levels of theory must not be mixed; {_NEW_RUN}",
    "force_field": f"what was learned belongs to its basis and its first model; {_NEW_RUN}",
    "walkers": f"a run is one trajectory; {_NEW_RUN}",
    "bias.plumed": f"what PLUMED has written belongs to its input; {_NEW_RUN}",
    "stages": f"they were learned before the run began; {_NEW_RUN}",
    "dynamics.timestep_fs": f"the time axis counts equal steps; {_NEW_RUN} from the last frame",
}
# Keys of `reference` that say how a label is computed, not what it is. Only these keys themselves:
# what stands below `arguments` or `settings` is the reference code's own and may be anything.
APPLIED_LEAVES = {
    "threads",
    "max_iterations",
    "command",
    "timeout_s",
    "keep_wavefunctions",
    "extrapolation",
    "mixing",
}
_IGNORED = {"out"}  # where the run lies is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One key that is not as it was; `refusal` says why it must stay, None if it is applied."""

    key: str
    before: Any
    after: Any
    refusal: str | None

    def __str__(self) -> str:
        """Return the change as `key`: before -> after."""
        return f"`{self.key}`: {self.before!r} -> {self.after!r}"


def compare(
    before: Mapping[str, Any], after: Mapping[str, Any], *, step: int, is_branch: bool = False
) -> list[Change]:
    """Return the keys that differ, in the order of the configuration.

    Parameters
    ----------
    before, after
        Nested mappings, as `RunConfig.model_dump(mode="json")` gives them.
    step
        Where the run stands: its total number of steps cannot be less.
    is_branch
        Whether a new run begins here, which may have a seed of its own.
    """
    old, new = dict(_leaves(before)), dict(_leaves(after))
    keys = [key for key in {**new, **old} if old.get(key) != new.get(key)]
    return [
        Change(
            key=key,
            before=old.get(key),
            after=new.get(key),
            refusal=_refusal(key, old.get(key), new.get(key), step, is_branch),
        )
        for key in keys
        if key not in _IGNORED
    ]


def refuse(changes: Iterable[Change]) -> None:
    """Stop if a change must not be applied.

    Raises
    ------
    ConfigError
        With every refused key and its reason.
    """
    refused = [f"{change}: {change.refusal}" for change in changes if change.refusal]
    if refused:
        raise ConfigError("the run cannot go on with " + "; and ".join(refused))


def _refusal(key: str, old: Any, new: Any, step: int, is_branch: bool) -> str | None:
    if key == "dynamics.steps" and new < step:
        return f"it is a total, and the run is at step {step}; give at least that"
    if key == "mode" and not {old, new} <= LEARNING_MODES:
        return "only aofl and cofl change into each other; start a new run, with --model for mlff"
    if key == "seed" and not is_branch:
        return "the past was drawn from it; branch with `--from` and `--to`, or start a new run"
    section, _, rest = key.partition(".")
    if section == "reference" and rest in APPLIED_LEAVES:
        return None
    return REFUSED.get(key) or REFUSED.get(section)


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
