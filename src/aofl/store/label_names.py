"""Under which names a file has energies, forces and stresses: one set of names for a whole file.

Names of one file are never mixed: energies under one name may be of another code, or count from
another zero, than those under the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aofl.errors import StoreError

NONE = "none"  # as a key of stress or virial: nothing is read
SAME_ENERGY = 1e-3  # eV per atom: a free energy that differs by less is the same
Given = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelKeys:
    """Names that the user gives; None leaves the choice to `choose_names`.

    Attributes
    ----------
    energy, forces
        In eV and eV/Å.
    stress
        In eV/Å^3 with ASE's sign, six numbers in Voigt order or nine; "none" reads no stress.
    virial
        In eV: minus stress times volume; "none" reads no virial.
    """

    energy: str | None = None
    forces: str | None = None
    stress: str | None = None
    virial: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelNames:
    """Names of one label; of several for stress or virial, a frame has the first that it has."""

    energy: str = "REF_energy"
    forces: str = "REF_forces"
    stress: tuple[str, ...] = ("REF_stress",)
    virial: tuple[str, ...] = ("REF_virial", "REF_virials")
    charges: str = "REF_charges"

    def are_in(self, given: Given) -> bool:
        """Whether a frame has the energy and the forces."""
        return self.energy in given and self.forces in given

    @property
    def all(self) -> set[str]:
        """Every name that is looked for."""
        return {self.energy, self.forces, *self.stress, *self.virial, self.charges}


def choose_names(frames: Sequence[tuple[int, Given]], keys: LabelKeys, path: Path) -> LabelNames:
    """Return the first set of names that every labelled frame has.

    `REF_` names come first, then ASE's `free_energy`, which is what forces belong to under
    smearing, then `energy`. Where a key is given, names made like it come before all others.

    Parameters
    ----------
    frames
        Number of each frame in its file, and what it has by name.

    Raises
    ------
    StoreError
        If no frame has a label, or labels are under different names.
    """
    candidates = _candidates(keys)
    labelled = [(k, given) for k, given in frames if any(c.are_in(given) for c in candidates)]
    if not labelled:
        raise StoreError(_nothing_found(frames, keys, path))
    for names in candidates:
        if all(names.are_in(given) for _, given in labelled):
            if names.energy == "energy" and keys.energy is None:
                _check_free_energies(labelled, path)
            return names
    raise StoreError(_mixed(labelled, candidates, path))


def frame_list(numbers: Sequence[int]) -> str:
    """Return "frame 3", "frames 1, 2 and 5" or "7 frames (0, 1, 2, ...)" for a message."""
    texts = [str(number) for number in numbers]
    if len(texts) == 1:
        return f"frame {texts[0]}"
    if len(texts) <= 5:
        return f"frames {', '.join(texts[:-1])} and {texts[-1]}"
    return f"{len(texts)} frames ({', '.join(texts[:3])}, ...)"


def _candidates(keys: LabelKeys) -> list[LabelNames]:
    """Return the sets of names to try, in their order."""
    like = [("REF_energy", "REF_energy"), ("energy", "free_energy"), ("energy", "energy")]
    for key, what in ((keys.forces, "forces"), (keys.energy, "energy")):
        if key is not None and what in key:
            named = key.replace(what, "energy")
            like.insert(0, (named, named))
    return list(dict.fromkeys(_names(model, energy, keys) for model, energy in like))


def _names(model: str, energy: str, keys: LabelKeys) -> LabelNames:
    """Return names made like that of an energy, where the user gives none."""
    given = keys.stress is not None or keys.virial is not None
    stress = (model.replace("energy", "stress"),)
    virial = tuple(model.replace("energy", name) for name in ("virial", "virials"))
    return LabelNames(
        energy=keys.energy or energy,
        forces=keys.forces or model.replace("energy", "forces"),
        stress=_one(keys.stress) if given else stress,
        virial=_one(keys.virial) if given else virial,
        charges=model.replace("energy", "charges"),
    )


def _one(key: str | None) -> tuple[str, ...]:
    return () if key in (None, NONE) else (str(key),)


def _check_free_energies(labelled: Sequence[tuple[int, Given]], path: Path) -> None:
    """Refuse free energies in some frames only, where they are not the energies."""
    for number, given in labelled:
        values = [given.get("free_energy", given["energy"]), given["energy"]]
        try:
            free, energy = (float(value) for value in values)
        except (TypeError, ValueError, OverflowError):
            continue  # what is no number is left out with its reason later
        if abs(free - energy) > SAME_ENERGY * len(given["positions"]):
            without = [k for k, other in labelled if "free_energy" not in other]
            raise StoreError(
                f"{path} has free_energy = {free:g} and energy = {energy:g} eV in frame {number}, "
                f"and no free_energy in {frame_list(without)}: give --energy-key free_energy or "
                "--energy-key energy"
            )


def _mixed(
    labelled: Sequence[tuple[int, Given]], candidates: Sequence[LabelNames], path: Path
) -> str:
    where: dict[str, list[int]] = {}
    for number, given in labelled:
        names = next(c for c in candidates if c.are_in(given))
        where.setdefault(f"{names.energy} and {names.forces}", []).append(number)
    found = ", ".join(f"{names} in {frame_list(numbers)}" for names, numbers in where.items())
    return (
        f"{path} has labels under different names, {found}: they may be of different codes; give "
        "--energy-key and --forces-key to read those of one name, or bring all under one name"
    )


def _nothing_found(frames: Sequence[tuple[int, Given]], keys: LabelKeys, path: Path) -> str:
    wanted = f"{keys.energy or 'REF_energy'} and {keys.forces or 'REF_forces'}"
    if keys.energy is None and keys.forces is None:
        wanted += ", or energy and forces"
    text = f"{path} has {len(frames)} frames and none with a label: expected {wanted}"
    values: dict[str, None] = {}
    columns: dict[str, None] = {}
    for _, given in frames:
        for name, value in given.items():
            if name in ("positions", "numbers"):
                continue
            shape = getattr(value, "shape", ())
            if shape == given["positions"].shape:
                columns[name] = None
            elif not shape and not isinstance(value, bool | np.bool_):
                values[name] = None
    if values or columns:
        text += (
            f"; there are {_listed('value', values)} and {_listed('column', columns)} of three "
            "numbers: if energy and forces are among them, name them with --energy-key and "
            "--forces-key"
        )
    return text


def _listed(kind: str, names: Mapping[str, None]) -> str:
    if not names:
        return f"no {kind}s"
    return f"the {kind}{'s' if len(names) > 1 else ''} {', '.join(names)}"
