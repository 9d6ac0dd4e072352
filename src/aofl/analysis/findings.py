"""What a pass over a trajectory measures, and what it finds: plain frozen data."""

from __future__ import annotations

from dataclasses import dataclass, field

from aofl.analysis.profile import ProfileSums
from aofl.analysis.structure import RadialSums
from aofl.analysis.windows import Track, Windows
from aofl.chemistry.reactions import Reactions
from aofl.chemistry.tracker import TrackerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveySettings:
    """What is measured and how finely.

    Attributes
    ----------
    follow
        Bonds and lifetimes.
    interval_fs
        Time between frames, for files that do not say it.
    lifetime_frames
        Takes the place of the minimum lifetime where times are not known.
    r_max, n_bins
        Reach, Å, and bins of radial distributions.
    slice_width, layer_width
        Of density profiles and of the layers of the interphase, Å.
    """

    follow: TrackerSettings = field(default_factory=TrackerSettings)
    interval_fs: float | None = None
    lifetime_frames: int = 2
    r_max: float = 8.0
    n_bins: int = 160
    slice_width: float = 0.25
    layer_width: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRecord:
    """What one frame holds.

    Attributes
    ----------
    number
        Its step where the file tells it, else its index.
    time
        fs, or its index where times are not known.
    species
        Molecules by readable name.
    solids, sizes
        Motif to formula units, and to the sizes of its clusters.
    single
        Coordinated anions that are no solid.
    metal, electrons, gas
        As in `Inventory`.
    charge, n_unknown
        Sum of the charges of the molecules, e, and how many are left out of it because the
        library does not know them.
    hydrogen_bonds
        (donor, acceptor) by name to their number.
    """

    number: int
    time: float
    species: dict[str, int]
    solids: dict[str, int]
    sizes: dict[str, list[int]]
    single: int
    metal: dict[str, int]
    electrons: float
    gas: dict[str, int]
    charge: int
    n_unknown: int
    hydrogen_bonds: dict[tuple[str, str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a trajectory holds.

    Attributes
    ----------
    symbols, masses
        Of the atoms; u.
    has_time
        Whether times are in fs; else they count frames.
    frames
        One record each.
    reactions
        Events in the order of their time. Those of the last lifetime, which nothing could undo
        any more, are the last `n_uncertain`.
    n_uncertain
        How many events are too recent to be certain of.
    radial
        Pair counts over all frames.
    profile
        Atoms in slices along the normal; None without a normal.
    layers
        Parts (classes of metal, motifs, molecules) in layers, over spans of time.
    track
        Unwrapped positions.
    """

    symbols: list[str]
    masses: tuple[float, ...]
    has_time: bool
    frames: tuple[FrameRecord, ...]
    reactions: Reactions
    n_uncertain: int
    radial: RadialSums
    profile: ProfileSums | None
    layers: Windows
    track: Track
