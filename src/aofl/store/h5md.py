"""H5MD files: P. de Buyl, P. H. Colberg, F. Höfling, Comput. Phys. Commun. 185, 1546 (2014).

doi:10.1016/j.cpc.2014.01.018. Positions are read frame by frame. What else changes with time (box,
identities, species, images) may be sampled at steps of its own: it is matched by step, never by
index, and where it has no value for a frame the file is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from ase import Atoms

from aofl.errors import StoreError
from aofl.records import FloatArray
from aofl.store.elements import (
    Named,
    elements_of_atoms,
    elements_of_masses,
    elements_of_names,
)
from aofl.store.reading import Reading
from aofl.store.units import LENGTHS, TIMES

_MASS_UNITS = ("u", "amu", "Da", "g/mol", "g mol-1")


def iterate_h5md(path: Path, reading: Reading) -> Iterator[Atoms]:
    """Yield the frames of the one group of particles, with the array `id` where there is one.

    Without units lengths are taken for Å; times are given only where their unit is known.
    `info["is_unwrapped"]` is set where the file has images of the box.

    Parameters
    ----------
    reading
        Elements, for files where species are types, or missing.

    Raises
    ------
    StoreError
        If the file is no H5MD file, or something in it is missing, damaged or not known.
    """
    try:
        with h5py.File(path, "r", locking=False) as file:
            yield from _frames(_particles(file, path), path, reading)
    except OSError as error:
        raise StoreError(f"cannot read {path} as HDF5: {error}") from error
    except StoreError:
        raise
    except Exception as error:  # a damaged file makes HDF5 raise nearly anything
        raise StoreError(f"{path} is not whole H5MD: {error}") from error


@dataclass(frozen=True)
class _Element:
    """An element of H5MD: a data set, or a group of `value`, `step` and `time`."""

    object: Any
    name: str

    @property
    def changes(self) -> bool:
        return isinstance(self.object, h5py.Group)

    @property
    def value(self) -> Any:
        return self.object["value"] if self.changes else self.object

    @cached_property
    def steps(self) -> npt.NDArray[np.int64] | None:
        """The steps of the samples, of a list or a fixed interval; None where it has none."""
        if not self.changes or "step" not in self.object:
            return None
        data = self.object["step"]
        if data.ndim:
            return np.asarray(data[...], dtype=np.int64)
        offset = int(np.ravel(data.attrs.get("offset", 0))[0])
        return offset + int(data[()]) * np.arange(len(self.value))

    def at(self, index: int, step: int | None, n_frames: int) -> Any:
        """Return the value at a frame of the positions.

        Raises
        ------
        StoreError
            If there is none.
        """
        if not self.changes:
            return self.value[...]
        if self.steps is None or step is None:
            if len(self.value) == n_frames:
                return self.value[index]
            raise StoreError(
                f"{self.name} has {len(self.value)} samples without steps for {n_frames} frames"
            )
        found = np.flatnonzero(self.steps == step)
        if found.size:
            return self.value[int(found[-1])]
        return self._between(step)

    @cached_property
    def _constant(self) -> Any:
        """The value that all samples share; None where they differ."""
        values = self.value[...]
        return values[0] if len(values) and (values == values[0]).all() else None

    def _between(self, step: int) -> Any:
        """Return the value at a step that was not sampled: only what does not change is known."""
        if self._constant is None:
            raise StoreError(
                f"{self.name} has no value at step {step}, and it changes: write it as often as "
                "the positions"
            )
        return self._constant

    def is_sampled_at(self, steps: npt.NDArray[np.int64] | None) -> bool:
        """Tell whether there is a value of its own for each of some steps."""
        if not self.changes or self.steps is None or steps is None:
            return True
        return bool(np.isin(steps, self.steps).all())


def _frames(group: Any, path: Path, reading: Reading) -> Iterator[Atoms]:
    position = _Element(group["position"], f"{path} position")
    values = position.value
    if values.ndim != 3 or values.shape[2] != 3:
        raise ValueError(f"position/value has shape {values.shape}, expected (frames, atoms, 3)")
    n_frames, n_atoms = values.shape[:2]
    parts = {
        key: _Element(group[key], f"{path} {key}")
        for key in ("box/edges", "id", "species", "image", "mass")
        if key in group
    }
    for part in parts.values():
        if not part.is_sampled_at(position.steps):
            reading.say(
                f"{part.name.rpartition(' ')[2]} is not sampled at every frame, and was taken to "
                "stay as it is in all its samples"
            )
    scale, of_box = _length_factors(position, parts.get("box/edges"), path, reading)
    pbc = _boundaries(group)
    for index in range(n_frames):
        where = f"{path} frame {index}"
        step = None if position.steps is None else int(position.steps[index])
        now = {key: part.at(index, step, n_frames) for key, part in parts.items()}
        cell = _cell(now.get("box/edges"), of_box, where)
        positions = scale * np.asarray(values[index], dtype=np.float64)
        if "image" in now:
            positions = positions + np.asarray(now["image"], dtype=np.float64) @ cell
        if not np.isfinite(positions).all():
            raise StoreError(f"{where} has positions that are not finite")
        found = _elements(parts, now, n_atoms, where, reading)
        if len(found.numbers) != n_atoms:
            raise ValueError(f"{len(found.numbers)} species for {n_atoms} positions")
        atoms = Atoms(
            numbers=found.numbers, masses=found.masses, positions=positions, cell=cell, pbc=pbc,
            info=_info(position, index, step, reading),
        )  # fmt: skip
        atoms.info["is_unwrapped"] = "image" in now
        if "id" in now:
            atoms.new_array("id", np.asarray(now["id"], dtype=np.int64))
        yield atoms


def _particles(file: Any, path: Path) -> Any:
    groups = file.get("particles")
    names = [
        name
        for name in (groups.keys() if isinstance(groups, h5py.Group) else ())
        if isinstance(groups[name], h5py.Group) and "position/value" in groups[name]
    ]
    if len(names) == 1:
        return groups[names[0]]
    if "all" in names:
        return groups["all"]
    found = f"the groups {', '.join(names)}" if names else "none"
    raise StoreError(f"{path} should have one group of particles with positions, but has {found}")


def _elements(
    parts: Mapping[str, _Element],
    now: Mapping[str, Any],
    n_atoms: int,
    where: str,
    reading: Reading,
) -> Named:
    """Return elements from an enumeration, symbols, types or atomic numbers, or from masses."""
    if "species" not in now:
        if "mass" in now and not reading.elements.of_atoms and _is_in_u(parts["mass"]):
            return elements_of_masses(np.asarray(now["mass"], dtype=np.float64), where)
        return elements_of_atoms(n_atoms, reading.elements, f"{where} has no `species` and")
    data, values = parts["species"].value, np.asarray(now["species"])
    names = h5py.check_enum_dtype(data.dtype)
    if names is not None:
        symbol = {number: name for name, number in names.items()}
        words = [symbol[int(value)] for value in values]
    elif data.dtype.kind in "SO":
        words = [v.decode() if isinstance(v, bytes) else str(v) for v in values]
    elif data.dtype.kind not in "iu":
        raise ValueError(f"species has the type {data.dtype}, expected whole numbers or names")
    else:
        words = [str(int(value)) for value in values]
    return elements_of_names(words, reading.elements, where, reading.say)


def _is_in_u(mass: _Element) -> bool:
    return _unit(mass.value) in _MASS_UNITS


def _length_factors(
    position: _Element, edges: _Element | None, path: Path, reading: Reading
) -> tuple[float, float]:
    """Return what turns positions and box into Å."""
    own = _unit(position.value)
    of_box = own if edges is None else _unit(edges.value)
    for name, unit in (("position", own), ("box", of_box)):
        if unit is not None and unit not in LENGTHS:
            raise StoreError(f"{path} {name} has the unit {unit!r}: known are {', '.join(LENGTHS)}")
    if own is None or of_box is None:
        reading.say("the file does not give all units of length: those missing are taken for Å")
    factors = [1.0 if unit is None else LENGTHS[unit] for unit in (own, of_box)]
    if None in (own, of_box) and factors[0] != factors[1]:
        raise StoreError(
            f"{path} has positions in {own or 'no unit'} and a box in {of_box or 'no unit'}: "
            "give both a unit"
        )
    return factors[0], factors[1]


def _cell(edges: Any, scale: float, where: str) -> FloatArray:
    """Return the cell of a frame, Å, rows; zeros where there is none."""
    if edges is None:
        return np.zeros((3, 3))
    values = scale * np.asarray(edges, dtype=np.float64)
    if values.shape not in ((3,), (3, 3)) or not np.isfinite(values).all():
        raise ValueError(f"box/edges of {where} is not three lengths or three vectors")
    return np.diag(values) if values.shape == (3,) else values


def _boundaries(group: Any) -> tuple[bool, ...]:
    if "box/edges" not in group:
        return (False, False, False)
    flags = group["box"].attrs.get("boundary", ["periodic"] * 3)
    texts = [_text(flag) for flag in np.ravel(flags)]
    texts = texts * 3 if len(texts) == 1 else texts
    if len(texts) != 3 or not set(texts) <= {"periodic", "none"}:
        raise ValueError(f"box has the boundaries {texts}, expected three of periodic, none")
    return tuple(text == "periodic" for text in texts)


def _info(
    position: _Element, index: int, step: int | None, reading: Reading
) -> dict[str, float | int]:
    """Return step and time of a frame, where given; times may be a list, or a fixed interval."""
    info: dict[str, float | int] = {} if step is None else {"step": step}
    if "time" not in position.object:
        return info
    data = position.object["time"]
    unit = _unit(data)
    if unit not in TIMES:
        said = "without a unit" if unit is None else f"in {unit!r}, which is not known"
        reading.say(f"the file has times {said}: they are not used")
        return info
    offset = float(np.ravel(data.attrs.get("offset", 0.0))[0])
    value = float(data[index]) if data.ndim else offset + index * float(data[()])
    info["time_fs"] = TIMES[unit] * value
    return info


def _unit(data: Any) -> str | None:
    """Return the unit of some data, also where it was written as an array of one text."""
    unit = data.attrs.get("unit")
    return None if unit is None else _text(np.ravel(unit)[0]).strip()


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
