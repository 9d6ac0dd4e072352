"""A trajectory with one reaction, known motion and known times, and what an analysis must find."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from aofl.analysis.findings import SurveySettings
from aofl.analysis.motion import motion
from aofl.analysis.survey import survey
from aofl.records import FloatArray
from aofl.store.units import LAMMPS_STYLES, LENGTHS, TIMES

N_FRAMES, N_STEPS, INTERVAL_FS, REACTS_AT = 20, 10, 10.0, 6
BOX = np.diag([9.0, 9.5, 12.0])
TILTED = np.array([[9.0, 0.0, 0.0], [-3.0, 9.5, 0.0], [2.0, -2.5, 12.0]])


def reactive(seed: int = 0, cell: np.ndarray = BOX, n_frames: int = N_FRAMES) -> list[Atoms]:
    """Three waters and a methane that walk at random, unwrapped; one water loses a hydrogen."""
    rng = np.random.default_rng(seed)
    names = ["H2O", "H2O", "H2O", "CH4"]
    scaled = np.array([[0.02, 0.03, 0.05], [0.5, 0.5, 0.1], [0.95, 0.4, 0.5], [0.4, 0.9, 0.6]])
    walks = np.cumsum(rng.normal(0.0, 0.07, (n_frames, len(names), 3)), axis=0)
    frames = []
    for k in range(n_frames):
        atoms = Atoms(cell=cell, pbc=True)
        for name, place, walk in zip(names, scaled, walks[k], strict=True):
            part = molecule(name)
            part.positions += place @ cell + walk
            atoms += part
        atoms.rattle(0.01, rng=rng)
        # the last hydrogen of the second water leaves it, a tenth of the way each frame
        atoms.positions[5, 2] -= 2.2 * min(max((k - REACTS_AT) / 4, 0.0), 1.0)
        atoms.info = {"step": N_STEPS * k, "time_fs": INTERVAL_FS * k}
        frames.append(atoms)
    return frames


@dataclass(frozen=True, kw_only=True)
class Found:
    """What an analysis says, none of which may depend on the format."""

    first: dict[str, int]
    last: dict[str, int]
    events: list[tuple[str, float]]
    times: list[float]
    diffusion: dict[str, float]


def looked_at(frames: Iterable[Atoms], interval_fs: float | None = None) -> Found:
    found = survey(frames, SurveySettings(interval_fs=interval_fs))
    moved = motion(found)
    return Found(
        first=found.frames[0].species,
        last=found.frames[-1].species,
        events=[(e.to_json()["reaction"], round(e.time_fs, 4)) for e in found.reactions.events],
        times=[round(frame.time, 4) for frame in found.frames],
        diffusion={} if moved is None else {e: d.value for e, d in moved.diffusion.items()},
    )


def assert_same(read: Found, truth: Found) -> None:
    """Compare what was read with the truth; diffusion to the digits that files keep."""
    assert (read.first, read.last) == (truth.first, truth.last)
    assert read.events == truth.events
    assert read.times == truth.times
    assert read.diffusion == pytest.approx(truth.diffusion, rel=1e-3)


def write_dump(
    path: Path,
    frames: list[Atoms],
    *,
    units: str | None = "metal",
    columns: str = "id element x y z",
    types: str = "C,H,O",
    seed: int = 1,
    tell_time: bool = True,
) -> None:
    """Write a LAMMPS dump with shuffled rows, the box away from the origin, in any units.

    Columns `x y z` and `xs ys zs` are wrapped, `ix iy iz` count the images, `xu yu zu` are not.
    """
    rng, lines = np.random.default_rng(seed), ["ITEM: UNITS", units] if units else []
    style = LAMMPS_STYLES[units or "real"]
    corner = np.array([-3.0, 2.0, 5.0])
    for atoms in frames:
        n = len(atoms)
        wrapped, images = wrapped_with_images(atoms)
        values = {
            "id": np.arange(1, n + 1), "element": np.array(atoms.symbols),
            "type": [types.split(",").index(symbol) + 1 for symbol in atoms.symbols],
            "label": np.array(atoms.symbols), "mass": atoms.get_masses() / style.mass,
        }  # fmt: skip
        shifted = {"": wrapped + corner, "u": atoms.positions + corner}
        for suffix, place in shifted.items():
            values |= {f"{c}{suffix}": place[:, k] / style.length for k, c in enumerate("xyz")}
        values |= {f"i{c}": images[:, k] for k, c in enumerate("xyz")}
        for suffix, place in (("s", wrapped), ("su", atoms.positions)):
            scaled = place @ np.linalg.inv(atoms.cell.array)
            values |= {f"{c}{suffix}": scaled[:, k] for k, c in enumerate("xyz")}
        if units and tell_time:
            lines += ["ITEM: TIME", repr(atoms.info["time_fs"] / style.time)]
        lines += ["ITEM: TIMESTEP", str(atoms.info["step"]), "ITEM: NUMBER OF ATOMS", str(n)]
        lines += box_of_lammps(atoms.cell.array / style.length, corner / style.length)
        lines += [f"ITEM: ATOMS {columns.replace('label', 'type')}"]
        for row in rng.permutation(n).tolist():
            lines += [" ".join(str(values[name][row]) for name in columns.split())]
    path.write_text("\n".join(lines) + "\n")


def box_of_lammps(cell: FloatArray, corner: FloatArray) -> list[str]:
    (lx, _, _), (xy, ly, _), (xz, yz, lz) = cell.tolist()
    x = [min(0, xy, xz, xy + xz), lx + max(0, xy, xz, xy + xz)]
    bounds = np.array([x, [min(0, yz), ly + max(0, yz)], [0.0, lz]]) + corner[:, None]
    rows = zip(bounds.tolist(), (xy, xz, yz), strict=True)
    return [
        "ITEM: BOX BOUNDS xy xz yz pp pp pp",
        *(f"{low!r} {high!r} {tilt!r}" for (low, high), tilt in rows),
    ]


def wrapped_with_images(atoms: Atoms) -> tuple[FloatArray, FloatArray]:
    """Return positions within the cell and the images that they were in."""
    scaled = np.linalg.solve(atoms.cell.array.T, atoms.positions.T).T
    images = np.floor(scaled)
    return (scaled - images) @ atoms.cell.array, images.astype(int)


def write_h5md(
    path: Path,
    frames: list[Atoms],
    *,
    length: str | None = "Angstrom",
    time: str | None = "fs",
    seed: int = 1,
    images: bool = False,
    species: dict[str, int] | None = None,
) -> None:
    """Write H5MD in any units, the atoms of each frame in another order, told by `id`.

    Parameters
    ----------
    images
        Whether positions are wrapped, with the images of the box beside them.
    species
        Type of each element; None writes atomic numbers.
    """
    rng, n = np.random.default_rng(seed), len(frames[0])
    order = [rng.permutation(n) for _ in frames]
    scale = 1.0 if length is None else LENGTHS[length]
    steps = [atoms.info["step"] for atoms in frames]
    both = [wrapped_with_images(atoms) for atoms in frames]
    places = [wrapped for wrapped, _ in both] if images else [a.positions for a in frames]
    kinds = frames[0].numbers if species is None else [species[s] for s in frames[0].symbols]
    series = {
        "position": (np.array(places) / scale, length),
        "id": (np.arange(n) + np.zeros((len(frames), 1), dtype=int), None),
        "species": (np.array([kinds] * len(frames)), None),
        **({"image": (np.array([k for _, k in both]), None)} if images else {}),
    }
    with h5py.File(path, "w") as file:
        for name, (values, unit) in series.items():
            group = file.create_group(f"particles/all/{name}")
            group["step"] = steps
            group["value"] = np.array([v[o] for v, o in zip(values, order, strict=True)])
            if unit is not None:
                group["value"].attrs["unit"] = unit
        clock = file["particles/all/position"].create_dataset(
            "time", data=[a.info["time_fs"] / TIMES[time or "fs"] for a in frames]
        )
        if time is not None:
            clock.attrs["unit"] = time
        edges = file.create_group("particles/all/box/edges")
        edges["step"] = steps
        edges["value"] = np.array([atoms.cell.array for atoms in frames]) / scale
        if length is not None:
            edges["value"].attrs["unit"] = length
        file["particles/all/box"].attrs["boundary"] = ["periodic"] * 3


def write_xdatcar(path: Path, frames: list[Atoms]) -> None:
    """Write an XDATCAR with a header before each frame, atoms sorted by element."""
    lines = []
    for k, atoms in enumerate(frames):
        order = np.argsort(atoms.numbers, kind="stable")
        symbols, counts = zip(*Counter(str(atoms.symbols[i]) for i in order).items(), strict=True)
        lines += ["reactive", "1.0", *(" ".join(map(repr, v)) for v in atoms.cell.array.tolist())]
        lines += [" ".join(symbols), " ".join(map(str, counts))]
        lines += [f"Direct configuration={k + 1:6d}"]
        scaled = atoms.get_scaled_positions(wrap=True)[order]
        lines += ["".join(f"{value:12.8f}" for value in row) for row in scaled.tolist()]
    path.write_text("\n".join(lines) + "\n")


def written_as_cp2k(frames: list[Atoms]) -> str:
    """Return the text of a `PROJECT-pos-1.xyz`."""
    lines = []
    for atoms in frames:
        step, time = atoms.info["step"], atoms.info["time_fs"]
        lines += [f"{len(atoms):8d}", f" i = {step:8d}, time = {time:12.3f}, E =  -17.1234567890"]
        for symbol, place in zip(atoms.symbols, atoms.positions, strict=True):
            lines += [f"{symbol:>3} " + " ".join(f"{x:19.10f}" for x in place)]
    return "\n".join(lines) + "\n"
