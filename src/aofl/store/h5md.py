"""H5MD files: P. de Buyl, P. H. Colberg, F. Höfling, Comput. Phys. Commun. 185, 1546 (2014).

doi:10.1016/j.cpc.2014.01.018. Positions are read frame by frame; the box may be fixed or change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, chemical_symbols

from aofl.errors import StoreError
from aofl.records import FloatArray, IntArray

ANGSTROM = {"Angstrom": 1.0, "angstrom": 1.0, "Å": 1.0, "A": 1.0, "nm": 10.0, "pm": 0.01}
FEMTOSECOND = {"fs": 1.0, "ps": 1e3, "ns": 1e6}


def iterate_h5md(path: Path, elements: Sequence[str] = ()) -> Iterator[Atoms]:
    """Yield the frames of the one group of particles.

    Without units lengths are taken for Å; times are given only where their unit is known.

    Parameters
    ----------
    elements
        The element of each species number, 1 first; needed where species are plain numbers of
        types, as LAMMPS writes them.

    Raises
    ------
    StoreError
        If the file is no H5MD file, or something in it is missing or damaged.
    """
    try:
        with h5py.File(path, "r") as file:
            yield from _frames(_particles(file, path), path, elements)
    except OSError as error:
        raise StoreError(f"cannot read {path} as HDF5: {error}") from error
    except StoreError:
        raise
    except Exception as error:  # a damaged file makes HDF5 raise nearly anything
        raise StoreError(f"{path} is not whole H5MD: {error}") from error


def _frames(group: Any, path: Path, elements: Sequence[str]) -> Iterator[Atoms]:
    values = group["position/value"]
    if values.ndim != 3 or values.shape[2] != 3:
        raise ValueError(f"position/value has shape {values.shape}, expected (frames, atoms, 3)")
    to_angstrom = _factor(values, ANGSTROM, f"{path} position") or 1.0
    numbers = _numbers(group, path, elements)
    if len(numbers) != values.shape[1]:
        raise ValueError(f"{len(numbers)} species for {values.shape[1]} positions")
    pbc = _boundaries(group)
    for index in range(values.shape[0]):
        positions = to_angstrom * np.asarray(values[index], dtype=np.float64)
        if not np.isfinite(positions).all():
            raise StoreError(f"{path} frame {index} has positions that are not finite")
        yield Atoms(
            numbers=numbers,
            positions=positions,
            cell=_cell(group, index, path),
            pbc=pbc,
            info=_info(group["position"], index),
        )


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


def _numbers(group: Any, path: Path, elements: Sequence[str]) -> IntArray:
    """Return atomic numbers from an enumeration, from symbols, from types or as they are."""
    if "species" not in group:
        raise StoreError(f"{path} has no `species`, so its elements are not known")
    data = group["species"]
    data = data["value"] if isinstance(data, h5py.Group) else data
    names = h5py.check_enum_dtype(data.dtype)
    values = data[0] if data.ndim == 2 else data[...]
    if names is not None:
        symbol = {number: name for name, number in names.items()}
        return np.array([_known(symbol[int(v)], path) for v in values], dtype=np.int64)
    if data.dtype.kind in "SO":
        text = [v.decode() if isinstance(v, bytes) else str(v) for v in values]
        return np.array([_known(name, path) for name in text], dtype=np.int64)
    kinds = sorted({int(v) for v in values})
    if elements:
        if not kinds or kinds[0] < 1 or kinds[-1] > len(elements):
            raise StoreError(
                f"{path} has species {kinds}, but {len(elements)} elements were given: give one "
                "for each number, 1 first"
            )
        return np.array([_known(elements[int(v) - 1], path) for v in values], dtype=np.int64)
    if kinds == list(range(1, len(kinds) + 1)) and len(kinds) > 1:
        raise StoreError(
            f"{path} has species 1 to {len(kinds)}, which are types and no atomic numbers: "
            "give the element of each with `--elements Na,O,H`"
        )
    if not kinds or kinds[0] < 1 or kinds[-1] >= len(chemical_symbols):
        raise StoreError(f"{path} has species {kinds[:5]}, which are no atomic numbers")
    return np.array(values, dtype=np.int64)


def _known(symbol: str, path: Path) -> int:
    if symbol not in atomic_numbers:
        raise StoreError(f"{path} has the species {symbol!r}, which is no element")
    return int(atomic_numbers[symbol])


def _cell(group: Any, index: int, path: Path) -> FloatArray:
    """Return the cell of a frame, Å, rows; zeros where there is none."""
    edges = group.get("box/edges")
    if edges is None:
        return np.zeros((3, 3))
    changes = isinstance(edges, h5py.Group)
    data = edges["value"] if changes else edges
    scale = _factor(data, ANGSTROM, f"{path} box") or 1.0
    values = scale * np.asarray(data[index] if changes else data[...], dtype=np.float64)
    if values.shape not in ((3,), (3, 3)) or not np.isfinite(values).all():
        raise ValueError(f"box/edges of frame {index} is not three lengths or three vectors")
    return np.diag(values) if values.shape == (3,) else values


def _boundaries(group: Any) -> tuple[bool, ...]:
    if "box" not in group:
        return (False, False, False)
    flags = group["box"].attrs.get("boundary", ["periodic"] * 3)
    texts = [flag.decode() if isinstance(flag, bytes) else str(flag) for flag in np.ravel(flags)]
    texts = texts * 3 if len(texts) == 1 else texts
    if len(texts) != 3:
        raise ValueError(f"box has {len(texts)} boundaries, expected 3")
    return tuple(text == "periodic" for text in texts)


def _info(position: Any, index: int) -> dict[str, float | int]:
    """Step and time of a frame, where given; both may be a list, or a fixed interval."""
    info: dict[str, float | int] = {}
    for name, key in (("step", "step"), ("time", "time_fs")):
        if name not in position:
            continue
        data = position[name]
        unit = 1.0 if name == "step" else _factor(data, FEMTOSECOND, name)
        if unit is None:
            continue
        offset = float(data.attrs.get("offset", 0.0))
        value = unit * (float(data[index]) if data.ndim else offset + index * float(data[()]))
        info[key] = int(value) if name == "step" else value
    return info


def _factor(data: Any, factors: dict[str, float], where: str) -> float | None:
    """Return what turns the unit of some data into ours, or None where it has no unit."""
    unit = data.attrs.get("unit")
    if unit is None:
        return None
    text = unit.decode() if isinstance(unit, bytes) else str(unit)
    if text not in factors:
        raise StoreError(f"{where} has the unit {text!r}: known are {', '.join(factors)}")
    return factors[text]
