"""What an analysis found, as one JSON object: `results.json`.

Per frame: species by readable name, solids. For the trajectory: events, coordination, diffusion.
Lengths in Å, times in fs (or frames, where `time_unit` says so), diffusion in cm^2/s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from aofl.analysis.findings import FrameRecord, Survey
from aofl.analysis.motion import Motion
from aofl.analysis.structure import first_shell, radial_distributions
from aofl.analysis.transport import Diffusion
from aofl.chemistry.reaction_event import is_exchange

CM2_PER_S = 0.1  # of one Å^2/fs


def results(
    found: Survey, moved: Motion | None, source: str, told: Sequence[str] = ()
) -> dict[str, Any]:
    """Return everything that fits into one object.

    Parameters
    ----------
    source
        What was analysed, for the reader.
    told
        What was assumed and left out when it was read; comes before the other notes.
    """
    last = found.frames[-1]
    return {
        "source": source,
        "n_frames": len(found.frames),
        "n_atoms": len(found.symbols),
        "elements": dict(sorted(Counter(found.symbols).items())),
        "time_unit": "fs" if found.has_time else "frame",
        "times": [frame.time for frame in found.frames],
        "steps": [frame.number for frame in found.frames],
        "species": [frame.species for frame in found.frames],
        "events": _events(found),
        "n_events": len(found.reactions.events),
        "n_exchanges": sum(is_exchange(event.reaction) for event in found.reactions.events),
        "raw_reactions": dict(found.reactions.raw),
        "solids": last.solids,
        "solid_clusters": last.sizes,
        "coordinated_single_anions": last.single,
        "metal": last.metal,
        "metal_consumed": consumed(found),
        "electrons_taken": taken(found, last),
        "gas": last.gas,
        "gas_released": released(found),
        "hydrogen_bonds_per_frame": _mean_hydrogen_bonds(found),
        "coordination": _coordination(found),
        "diffusion": _diffusion(moved),
        "notes": [*told, *notes(found, moved)],
    }


def consumed(found: Survey) -> int:
    """Return how many atoms the metal has lost since the first frame."""
    first, last = (
        sum(frame.metal[name] for name in ("metal", "partly oxidised"))
        for frame in (found.frames[0], found.frames[-1])
    )
    return first - last


def taken(found: Survey, frame: FrameRecord) -> int:
    """Return the electrons that molecules have taken from the metal since the first frame.

    By the balance of charge: what the anions of a salt brought along is in the first frame too, and
    does not count, whatever becomes of them.
    """
    return found.frames[0].charge - frame.charge


def released(found: Survey) -> dict[str, int]:
    """Return the molecules of gas that were not there in the first frame."""
    gained = Counter(found.frames[-1].gas)
    gained.subtract(found.frames[0].gas)
    return {name: n for name, n in sorted(gained.items()) if n}


def notes(found: Survey, moved: Motion | None) -> list[str]:
    """Return what a reader must know to judge the numbers."""
    said = []
    if not found.has_time:
        said.append(
            "the file has no times: they count frames; give --frame-interval-fs for lifetimes, "
            "rates and diffusion"
        )
    elif found.track.interval() is None and len(found.frames) > 1:
        said.append("the frames are not evenly spaced in time: no diffusion")
    if not found.track.is_certain:
        said.append(
            f"between two frames an atom moves {100 * found.track.longest_step:.0f} % of the "
            "cell: its path through the boundaries is not certain, and no diffusion is given; look "
            "at more frames or, if the positions are unwrapped, say so with --unwrapped"
        )
    if found.n_uncertain:
        said.append(
            f"events younger than the minimum lifetime at the end of the trajectory, marked as not "
            f"certain: {found.n_uncertain}"
        )
    unknown = max(found.frames[0].n_unknown, found.frames[-1].n_unknown)
    if unknown:
        said.append(
            f"the charges of {unknown} molecules are not in the library: electrons taken from the "
            "metal are counted without them"
        )
    moving = {} if moved is None else moved.diffusion
    slow = [element for element, value in moving.items() if not value.is_diffusive]
    if slow:
        said.append(
            f"the displacement of {', '.join(slow)} does not grow with the first power of time: "
            "its slope is no diffusion coefficient yet"
        )
    return said


def shells(found: Survey) -> list[tuple[str, str, float, float, float, float]]:
    """Return the first shells as (a, b, peak, end, b around a, a around b)."""
    rows = []
    for (a, b), distribution in radial_distributions(found.radial).items():
        shell = first_shell(distribution)
        if shell is not None:
            rows.append((a, b, shell.peak, shell.end, shell.n_second, shell.n_first))
    return rows


def _events(found: Survey) -> list[dict[str, Any]]:
    index = {frame.number: k for k, frame in enumerate(found.frames)}
    n_certain = len(found.reactions.events) - found.n_uncertain
    return [
        {
            "time": event.time_fs,
            "frame_index": index[event.frame],
            "certain": k < n_certain,
            "exchange": is_exchange(event.reaction),
            **event.to_json(),
        }
        for k, event in enumerate(found.reactions.events)
    ]


def _coordination(found: Survey) -> dict[str, dict[str, float]]:
    return {
        f"{a}-{b}": {
            "peak_A": round(peak, 4),
            "end_A": round(end, 4),
            f"{b}_around_{a}": round(n_second, 4),
            f"{a}_around_{b}": round(n_first, 4),
        }
        for a, b, peak, end, n_second, n_first in shells(found)
    }


def _diffusion(moved: Motion | None) -> dict[str, dict[str, Any]]:
    return {} if moved is None else {e: _coefficient(d) for e, d in moved.diffusion.items()}


def _coefficient(value: Diffusion) -> dict[str, Any]:
    return {
        "D_cm2_per_s": CM2_PER_S * value.value,
        "error_cm2_per_s": CM2_PER_S * value.error,
        "D_xyz_cm2_per_s": (CM2_PER_S * value.per_axis).tolist(),
        "error_xyz_cm2_per_s": (CM2_PER_S * value.per_axis_error).tolist(),
        "exponent": value.exponent,
        "is_diffusive": value.is_diffusive,
        "n_blocks": value.n_blocks,
    }


def _mean_hydrogen_bonds(found: Survey) -> dict[str, float]:
    total: Counter[tuple[str, str]] = Counter()
    for frame in found.frames:
        total.update(frame.hydrogen_bonds)
    n = len(found.frames)
    return {f"{donor} to {acceptor}": k / n for (donor, acceptor), k in sorted(total.items())}
