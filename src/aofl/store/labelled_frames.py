"""Labelled frames of any extended XYZ file: each is read or left out with a reason.

One set of names holds for a whole file (`aofl.store.label_names`). A virial is turned into a
stress: the virial of GAP, MACE, NequIP and NEP files is minus stress times volume, with ASE's
stress, which is positive under tension.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ase import Atoms
from ase.stress import full_3x3_to_voigt_6_stress

from aofl.errors import StoreError
from aofl.records import FloatArray, IntArray, Label, LabelledStructure
from aofl.store.extxyz import iterate_numbered, parse_frame
from aofl.store.label_names import Given, LabelKeys, LabelNames, choose_names

logger = logging.getLogger(__name__)

PREFIX = "aofl_"  # of provenance in `info`
CORE = "REF_core"  # column that says whose forces count, of a label of a cut-out
_IN_EV = re.compile(r"\s*([-+0-9.eE]+)\s*eV\s*")
_MAY_BE_A_LABEL = re.compile(r"energy|force|stress|virial", re.IGNORECASE)
_ASYMMETRY = 1e-2  # of the largest component
_DISAGREEMENT = 0.05  # likewise, of stress and virial


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A frame that is not used, and why; `is_fault` where something is wrong with it."""

    source: str
    frame: int
    reason: str
    is_fault: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledFile:
    """What one file holds.

    Attributes
    ----------
    labels
        With `source` and `frame` in their provenance.
    n_frames
        Frames of the file, those left out included.
    keys
        What "energy", "forces" and "stress" were read from, in words.
    """

    labels: list[LabelledStructure]
    n_frames: int
    keys: dict[str, str]
    left_out: list[LeftOut]
    notes: list[str]


def read_labels(path: Path) -> list[LabelledStructure]:
    """Return the labelled structures of any extended XYZ file, also compressed (`.gz`).

    Only what is in the file is looked at: see `aofl.workflows.labelled_frames` for labels to
    learn from.

    Raises
    ------
    StoreError
        As `read_labelled_file`.
    """
    return read_labelled_file(path).labels


def read_labelled_file(
    path: Path, keys: LabelKeys | None = None, *, name: str | None = None
) -> LabelledFile:
    """Return the labels of an extended XYZ file, also compressed, and what is not read of it.

    Parameters
    ----------
    name
        What the file is called in its labels and in what is told; None: as it is called.

    Raises
    ------
    StoreError
        If the file cannot be read, no frame is labelled, labels are under different names, or of
        several levels of theory (`aofl_level` or `level_of_theory` of the frames).
    """
    name = name or path.name
    torn: list[int] = []
    texts = iterate_numbered(path, on_torn=torn.append)
    frames = [parse_frame(text, f"{path} frame {k}") for k, (_, text) in enumerate(texts)]
    given = [(k, _given(atoms)) for k, atoms in enumerate(frames)]
    names = choose_names(given, keys or LabelKeys(), path)
    labels: list[LabelledStructure] = []
    left_out: list[LeftOut] = []
    for (number, values), atoms in zip(given, frames, strict=True):
        try:
            entry = labelled_structure(atoms, names, f"{path} frame {number}")
        except StoreError as error:
            left_out.append(LeftOut(source=name, frame=number, reason=str(error)))
            continue
        if entry is None:
            reason = _what_is_missing(values, names)
            left_out.append(LeftOut(source=name, frame=number, reason=reason, is_fault=False))
            continue
        source = {"source": name, "frame": number}
        labels.append(replace(entry, provenance={**source, **entry.provenance}))
    if torn:
        reason = "it is cut off: the file ends within it"
        left_out.append(LeftOut(source=name, frame=len(frames), reason=reason))
    if not labels:
        raise StoreError(
            f"{path} has {len(frames)} frames and none with a label that can be read: "
            f"{left_out[0].reason}"
        )
    check_one_level(labels, path)
    logger.info("%s: %d of %d frames have a label", path, len(labels), len(frames))
    return LabelledFile(
        labels=labels,
        n_frames=len(frames) + len(torn),
        keys=_in_words(given, labels, names),
        left_out=left_out,
        notes=_notes(given, labels, names),
    )


def levels(entries: Iterable[LabelledStructure]) -> set[str | None]:
    """Return the levels of theory of labels; None stands for one that does not say."""
    return {entry.provenance.get("level") for entry in entries}


def check_one_level(entries: Iterable[LabelledStructure], where: object) -> None:
    """Refuse labels of several levels of theory; `where` names their file.

    Raises
    ------
    StoreError
        With the levels.
    """
    named = sorted(str(level or "an unnamed level of theory") for level in levels(entries))
    if len(named) > 1:
        raise StoreError(
            f"{where} mixes labels of {' and of '.join(named)}: their energies cannot be learned "
            "together, give each level a file of its own"
        )


def labelled_structure(atoms: Atoms, names: LabelNames, where: str) -> LabelledStructure | None:
    """Return the labelled structure of a frame, None if it has no energy or no forces.

    The force on a single atom is zero, and need not be given: that of an isolated atom.

    Raises
    ------
    StoreError
        If a value has a wrong type or shape; `where` names the frame.
    """
    given = _given(atoms)
    energy, forces = given.get(names.energy), given.get(names.forces)
    if energy is not None and forces is None and len(atoms) == 1:
        forces = np.zeros((1, 3))
    if energy is None or forces is None:
        return None
    provenance = {
        key.removeprefix(PREFIX): _plain(value)
        for key, value in atoms.info.items()
        if key.startswith(PREFIX)
    }
    if "level_of_theory" in atoms.info:
        provenance.setdefault("level", str(atoms.info["level_of_theory"]))
    try:
        label = Label(
            energy=_energy(energy),
            forces=np.array(forces, dtype=np.float64).reshape(len(atoms), 3),
            stress=_stress(atoms, given, names),
            charges=_floats(given.get(names.charges)),
            seconds=float(provenance.pop("seconds", 0.0)),
            attempts=int(provenance.pop("attempts", 1)),
            core=_core(atoms.arrays.get(CORE)),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise StoreError(f"{where} has a label of wrong type or shape: {error}") from error
    return LabelledStructure(
        numbers=np.array(atoms.numbers, dtype=np.int64),
        positions=np.array(atoms.positions),
        cell=np.array(atoms.cell),
        pbc=np.array(atoms.pbc),
        label=label,
        predicted_forces=_floats(atoms.arrays.get("predicted_forces")),
        provenance=provenance,
    )


def _given(atoms: Atoms) -> dict[str, Any]:
    """Return all that a frame has by name; what is ASE's own is in the results of a calculator."""
    results = dict(atoms.calc.results) if atoms.calc is not None else {}
    return {**atoms.info, **atoms.arrays, **results}


def _energy(value: Any) -> float:
    """Return an energy; a text may say that it is in eV."""
    if isinstance(value, str):
        match = _IN_EV.fullmatch(value)
        if match is None:
            raise ValueError(f"the energy is {value!r}, expected a number in eV")
        return float(match[1])
    if isinstance(value, bool | np.bool_):
        raise ValueError(f"the energy is {value}, expected a number in eV")
    return float(value)


# Numbers that are not finite are for the checks on all labels: no warning of NumPy's here.
@np.errstate(all="ignore")
def _stress(atoms: Atoms, given: Given, names: LabelNames) -> FloatArray | None:
    stress = _voigt(_first(given, names.stress))
    virial = _voigt(_first(given, names.virial))
    if virial is None or not atoms.pbc.all():
        return stress
    converted = -virial / atoms.get_volume()
    if stress is None:
        return np.asarray(converted)
    if np.abs(stress - converted).max() > _DISAGREEMENT * np.abs(stress).max():
        raise ValueError(
            f"the stress ({stress[0]:.4g} eV/Å^3 along xx) and the virial ({virial[0]:.4g} eV, "
            f"that is {converted[0]:.4g} eV/Å^3) are not one: choose by --stress-key or "
            "--virial-key"
        )
    return stress


def _first(given: Given, names: tuple[str, ...]) -> Any:
    return next((given[name] for name in names if given.get(name) is not None), None)


def _voigt(stress: npt.ArrayLike | None) -> FloatArray | None:
    values = _floats(stress)
    if values is None or values.shape == (6,):
        return values
    full = values.reshape(3, 3)
    if np.abs(full - full.T).max() > _ASYMMETRY * np.abs(full).max():
        raise ValueError(f"the stress is not symmetric: {full.tolist()}")
    return np.array(full_3x3_to_voigt_6_stress(full))


def _floats(values: npt.ArrayLike | None) -> FloatArray | None:
    return None if values is None else np.array(values, dtype=np.float64)


def counted_atoms(atoms: Atoms) -> IntArray:
    """Return the indices of the atoms of a frame whose forces count: of a cut-out, its core.

    Raises
    ------
    ValueError
        If the column `REF_core` names none.
    """
    core = _core(atoms.arrays.get(CORE))
    return np.arange(len(atoms)) if core is None else core


def _core(column: npt.NDArray[Any] | None) -> IntArray | None:
    """Return the indices of the atoms whose forces count.

    Raises
    ------
    ValueError
        If the column does not say so of each atom, or leaves none.
    """
    if column is None:
        return None
    if column.dtype != np.bool_ or column.ndim != 1 or not column.any():
        raise ValueError(f"the column {CORE} must be T or F for each atom, and T for some")
    return np.flatnonzero(column)


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _what_is_missing(given: Given, names: LabelNames) -> str:
    if names.energy in given:
        return f"it has {names.energy}, but no {names.forces}"
    if names.forces in given:
        return f"it has {names.forces}, but no {names.energy}"
    return f"it has no label: neither {names.energy} nor {names.forces}"


def _in_words(
    given: list[tuple[int, dict[str, Any]]], labels: list[LabelledStructure], names: LabelNames
) -> dict[str, str]:
    """Return what energy, forces and stress of the labels were read from."""
    n_stress = sum(entry.label.stress is not None for entry in labels)
    found = [name for name in names.stress if any(name in values for _, values in given)]
    found += [
        f"-{name} / volume"
        for name in names.virial
        if any(name in values and not _any(values, names.stress) for _, values in given)
    ]
    stress = " or ".join(found) if n_stress else "none"
    if 0 < n_stress < len(labels):
        stress += f", in {n_stress} of {len(labels)} labels"
    return {"energy": names.energy, "forces": names.forces, "stress": stress}


def _any(values: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    return any(name in values for name in names)


def _notes(
    given: list[tuple[int, dict[str, Any]]], labels: list[LabelledStructure], names: LabelNames
) -> list[str]:
    notes = []
    alone = sum(
        len(values["numbers"]) == 1 and names.energy in values and names.forces not in values
        for _, values in given
    )
    if alone:
        notes.append(f"{alone} single atoms have no {names.forces}: their force is zero")
    others: dict[str, None] = {}
    for _, values in given:
        others |= dict.fromkeys(
            name
            for name in values
            if _MAY_BE_A_LABEL.search(name)
            and name not in names.all | {"predicted_forces"}
            and not name.startswith(PREFIX)
        )
    if others:
        notes.append(f"also there and not read: {', '.join(others)}")
    open_ = sum(entry.label.stress is not None and not entry.pbc.all() for entry in labels)
    if open_:
        notes.append(
            f"the stress of {open_} labels is not learned: they are not periodic along all axes"
        )
    return notes
