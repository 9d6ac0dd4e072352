"""The lines of `events.jsonl`: what happened to a run that is no decision, one class for each kind.

The fields are the keys of a line, in their order; `event` tells the kinds apart. `step` counts
from 0, the start structure, and `time_fs` is the simulated time, fs; four kinds that concern a
process rather than the dynamics have no time. A key that lines of older versions lack has a
default.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from aofl.plain import UnknownKindError, from_json

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A run began."""

    step: int
    time_fs: float
    event: Literal["started"] = "started"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """A run began with the labels of `stages.explore`; the same stands in `explored.json`.

    Attributes
    ----------
    by
        Level of theory of the exploring run.
    explored_steps, cheap_labels
        Steps that it made, and labels that it asked its own reference for.
    explored_s
        Wall time of all of it, s.
    frames, different
        Frames of it that were looked at, and those left without near-duplicates.
    labels, failed
        Frames that the real reference labelled, and those that it could not.
    label_s
        Sum of the wall times of these labels, s; less passes where several were made at once.
    """

    step: int
    time_fs: float
    event: Literal["explored"] = "explored"
    by: str
    explored_steps: int
    cheap_labels: int
    explored_s: float
    frames: int
    different: int
    labels: int
    failed: int
    label_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """A run went on from a checkpoint.

    Attributes
    ----------
    made_with
        Versions of Python, packages and the reference code by name, and the `host`.
    changed
        What of them is not as in the stretch before: before and now; left out where all is. With
        other versions a run cannot be expected to go on bit for bit.
    """

    step: int
    time_fs: float
    event: Literal["resumed"] = "resumed"
    made_with: Annotated[dict[str, str], Field(exclude_if=lambda value: not value)] = field(
        default_factory=dict
    )
    changed: Annotated[dict[str, tuple[str, str]], Field(exclude_if=lambda value: not value)] = (
        field(default_factory=dict)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A resumed run took another value of one key of its configuration.

    Attributes
    ----------
    key
        With dots, such as "dynamics.steps".
    before, after
        The values, any JSON; "from" and "to" in the file.
    """

    step: int
    time_fs: float
    event: Literal["changed"] = "changed"
    key: str
    before: Annotated[Any, Field(alias="from")]
    after: Annotated[Any, Field(alias="to")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceForecast:
    """What a run will need until its last step, and what there is, MB.

    The memory is left out where the system does not tell it.
    """

    step: int
    event: Literal["forecast"] = "forecast"
    disk_needed_MB: float  # noqa: N815 - the names are those of the keys
    disk_limit_MB: float  # noqa: N815
    memory_needed_MB: Annotated[  # noqa: N815
        float | None, Field(exclude_if=lambda value: value is None)
    ] = None
    memory_limit_MB: Annotated[  # noqa: N815
        float | None, Field(exclude_if=lambda value: value is None)
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceAlarm:
    """A run comes near to what there is of disk or memory; `reason` has the numbers."""

    step: int
    event: Literal["resource_warning"] = "resource_warning"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointDamaged:
    """The last checkpoint could not be read, `reason` says why; the one before it was taken."""

    step: int
    event: Literal["checkpoint_damaged"] = "checkpoint_damaged"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeciesCounted:
    """The molecules at the start: `counts` is their number by readable name."""

    step: int
    time_fs: float
    event: Literal["species"] = "species"
    counts: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class BondChanged:
    """A covalent bond formed or broke, flicker included.

    Attributes
    ----------
    atoms, elements
        The two atoms, by index, and their elements.
    """

    step: int
    time_fs: float
    event: Literal["bond"] = "bond"
    change: Literal["formed", "broken"]
    atoms: Pair
    elements: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionHappened:
    """A reaction whose products lived long enough; see `aofl.chemistry.reaction_event`.

    Attributes
    ----------
    step, time_fs
        When all of it had happened; the line is written later, at `certain_at_step`.
    reaction
        As it is written, such as "H- + H2O -> H2 + OH-".
    reactants, products
        Readable names, one for each molecule.
    reactant_keys, product_keys
        The keys of their bond graphs, which tell isomers apart.
    broken, formed
        Covalent bonds as pairs of atoms.
    began_fs
        Time at which some of it had happened, fs.
    frame_before, frame
        The last step before anything of it had happened, and `step`.
    height_A
        Mean height of the bonds that changed along the surface normal, Å; None without a surface.
    atoms_balanced
        Whether both sides have the same atoms.
    electrons
        Taken up by the molecules from the metal; None where a charge is not known.
    seen_by_reference
        Whether a label was made within it; None where that is not known.
    certain_at_step
        The step at which the products had lived for the minimum lifetime.
    in_excursion
        Whether some of it happened while the atoms were far too hot; None where that is not known.
    """

    step: int
    event: Literal["reaction"] = "reaction"
    reaction: str
    reactants: tuple[str, ...]
    products: tuple[str, ...]
    reactant_keys: tuple[str, ...] = ()
    product_keys: tuple[str, ...] = ()
    broken: tuple[Pair, ...]
    formed: tuple[Pair, ...]
    time_fs: float
    began_fs: float | None = None
    frame_before: int | None = None
    frame: int | None = None
    height_A: float | None = None  # noqa: N815 - as in the file
    atoms_balanced: bool | None = None
    electrons: int | None = None
    seen_by_reference: bool | None = None
    certain_at_step: int | None = None
    in_excursion: Annotated[bool | None, Field(exclude_if=lambda value: value is None)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFailed:
    """The reference gave no label that can be believed; `message` says why."""

    step: int
    time_fs: float | None = None
    event: Literal["label_failed"] = "label_failed"
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifting:
    """Audits are worse than the force field thinks."""

    step: int
    time_fs: float
    event: Literal["drift"] = "drift"
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetMissed:
    """The force error that was asked for cannot be kept, or can be again; `message` has the words.

    Attributes
    ----------
    target_eV_per_A, reached_eV_per_A
        What was asked of the worst atom of a step, and what labelling can reach.
    elements
        Those that are beyond the target; none where it is kept again.
    """

    step: int
    time_fs: float
    event: Literal["target"] = "target"
    target_eV_per_A: float  # noqa: N815 - the names are those of the keys
    reached_eV_per_A: float  # noqa: N815
    elements: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcursionBegan:
    """The atoms became far hotter than the thermostat's temperature; `message` has the words."""

    step: int
    time_fs: float
    event: Literal["excursion"] = "excursion"
    temperature_K: float  # noqa: N815 - the unit is a capital K
    target_K: float  # noqa: N815
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartDoubted:
    """The start structure has squeezed contacts or a large force; `message` says which."""

    step: int
    event: Literal["start_doubted"] = "start_doubted"
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertain:
    """A frozen force field left what it knows.

    Attributes
    ----------
    value, threshold
        Calibrated largest force error of an atom, and what it is held against, eV/Å.
    """

    step: int
    time_fs: float
    event: Literal["uncertain"] = "uncertain"
    value: float | None
    threshold: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotChecked:
    """One force component of a label was compared with the slope of the energy.

    Attributes
    ----------
    rule
        What had asked for the label.
    difference_eV_per_A
        Force of the label less the slope, eV/Å.
    """

    step: int
    time_fs: float
    rule: str
    event: Literal["spot_check"] = "spot_check"
    difference_eV_per_A: float  # noqa: N815 - as in the file


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewound:
    """A step was refused, `reason` says why, and the run went back to `to_step`."""

    step: int
    time_fs: float
    event: Literal["rewind"] = "rewind"
    reason: str
    to_step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsShared:
    """Labels of a neighbouring walker were learned."""

    step: int
    time_fs: float
    event: Literal["labels_shared"] = "labels_shared"
    neighbour: str
    n_labels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchDiffers:
    """A branch did not repeat the steps of its parent to the last bit; `reason` says what may."""

    step: int
    event: Literal["branch_differs"] = "branch_differs"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A run left before its last step; `reason` says why."""

    step: int
    time_fs: float
    event: Literal["stopped"] = "stopped"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A run came to its last step; `reason` is empty."""

    step: int
    time_fs: float
    event: Literal["done"] = "done"
    reason: str = ""


Event = Annotated[
    Started
    | Explored
    | Resumed
    | Changed
    | ResourceForecast
    | ResourceAlarm
    | CheckpointDamaged
    | SpeciesCounted
    | BondChanged
    | ReactionHappened
    | LabelFailed
    | Drifting
    | TargetMissed
    | ExcursionBegan
    | StartDoubted
    | Uncertain
    | SpotChecked
    | Rewound
    | LabelsShared
    | BranchDiffers
    | Stopped
    | Done,
    Field(discriminator="event"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherEvent:
    """A line of a kind that this version does not know: it is kept as it is, and never written.

    Attributes
    ----------
    said
        What the line holds beside the kind.
    """

    event: str
    said: dict[str, Any] = field(default_factory=dict)


def event_from_json(text: str) -> Event | OtherEvent:
    """Return the event that a line of `events.jsonl` tells.

    Raises
    ------
    TypeError
        If the line tells of no event, or a key of a known kind is missing or holds another type.
    """
    try:
        known: Event = from_json(Event, text)
        return known
    except UnknownKindError:
        said = json.loads(text)
        kind = said.pop("event")
        if not isinstance(kind, str):
            raise TypeError(f"`event` is {kind!r:.40}; it should be a name") from None
        return OtherEvent(event=kind, said=said)
