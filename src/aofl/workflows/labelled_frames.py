"""The gate of labels that others made: what of a file may be learned from, and what may not.

Every label passes the checks that those of a run pass (`aofl.reference.quality`), and those that
need many labels: repetitions count once (`aofl.reference.screening`), energies and stresses must
be in one unit with the forces (`aofl.forcefield.consistency`). What is left out is named with its
reason. Where much is wrong, or a unit is, nothing is read: then it is no matter of single frames.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.neighborlist import neighbor_list
from numpy.typing import NDArray

from aofl.errors import StoreError
from aofl.forcefield.consistency import (
    ENERGY_FACTORS,
    FEWEST,
    STRESS_FACTORS,
    Consistency,
    Line,
    consistency,
    unit_of,
)
from aofl.records import LabelledStructure
from aofl.reference import LabelLimits
from aofl.reference.screening import faults, repeats
from aofl.store import (
    LabelKeys,
    LabelledFile,
    LeftOut,
    check_one_level,
    frame_list,
    read_labelled_file,
)
from aofl.workflows.distinct_names import distinct_names

logger = logging.getLogger(__name__)

MOST_FAULTS = 0.25  # of the labels; one is always pardoned
ABSURD_ENERGY = 5.0  # eV per atom, between frames of one composition and volume
ABSURD_STRESS = 1.0  # eV/Å^3, 160 GPa: rms of a component over all labels
NOBLE_GASES = (2, 10, 18, 36, 54, 86)
NEAREST = (0.35, 1.6)  # distances of nearest neighbours, in sums of their covalent radii
MOST_LOOKED_AT = 8  # structures, for their distances


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledFrames:
    """What may be learned from files, and what was left out.

    Attributes
    ----------
    sources
        Names of the files.
    n_frames
        Frames of all files.
    labels
        In the order of the files.
    keys
        What "energy", "forces" and "stress" were read from, by file.
    left_out
        Frames that are not used, with their reasons.
    notes
        What else a reader of the files should know, in sentences.
    """

    sources: list[str]
    n_frames: int
    labels: list[LabelledStructure]
    keys: dict[str, dict[str, str]]
    left_out: list[LeftOut]
    notes: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return everything but the labels as JSON values."""
        return {
            "sources": self.sources,
            "n_frames": self.n_frames,
            "n_labels": len(self.labels),
            "keys": self.keys,
            "left_out": [
                {"source": item.source, "frame": item.frame, "reason": item.reason}
                for item in self.left_out
            ],
            "notes": self.notes,
        }


def labelled_frames(paths: Sequence[Path], keys: LabelKeys | None = None) -> LabelledFrames:
    """Return the labels of files that may be learned from, together.

    Parameters
    ----------
    paths
        Extended XYZ, also compressed; labels that come again in another file count once, too.
    keys
        Names of energy, forces, stress and virial; None takes the usual ones.

    Raises
    ------
    StoreError
        If a file cannot be read or has no label, more than a quarter of the labels is at fault,
        labels are of several levels of theory, or a unit is not eV or Å.
    """
    names = distinct_names(paths)
    files = {
        name: read_labelled_file(path, keys, name=name)
        for name, path in zip(names, paths, strict=True)
    }
    read = [_without_empty_stress(entry) for file in files.values() for entry in file.labels]
    where = ", ".join(str(path) for path in paths)
    check_one_level(read, where)
    bad = faults(read, LabelLimits())
    _check_share(bad, read, where)
    again = repeats(read, bad)
    rest = [k for k in range(len(read)) if k not in bad and k not in again]
    if not rest:
        raise StoreError(f"{where}: no label is left, {_first(bad, read)}")
    _check_distances([read[k] for k in rest], where)
    seen = consistency([read[k] for k in rest])
    _check_units(seen, [read[k] for k in rest], where)
    off = {rest[k]: reason for k, reason in _energy_faults(seen, [read[k] for k in rest]).items()}
    bad |= off
    _check_share(bad, read, where)
    left_out = [item for file in files.values() for item in file.left_out]
    left_out += [_left_out(read[k], reason) for k, reason in sorted(bad.items())]
    left_out += [
        _left_out(read[k], f"the same as {_name(read[first], paths)}", is_fault=False)
        for k, first in sorted(again.items())
    ]
    found = LabelledFrames(
        sources=names,
        n_frames=sum(file.n_frames for file in files.values()),
        labels=[read[k] for k in rest if k not in off],
        keys={name: file.keys for name, file in files.items()},
        left_out=left_out,
        notes=[
            *(note for file in files.values() for note in file.notes),
            *_empty_stresses(files.values(), read),
            *_not_compared(seen, read),
        ],
    )
    logger.info("%s: %d of %d frames are used", where, len(found.labels), found.n_frames)
    return found


def _left_out(entry: LabelledStructure, reason: str, *, is_fault: bool = True) -> LeftOut:
    source, frame = entry.provenance["source"], entry.provenance["frame"]
    return LeftOut(source=source, frame=frame, reason=reason, is_fault=is_fault)


def _name(entry: LabelledStructure, paths: Sequence[Path]) -> str:
    of = f" of {entry.provenance['source']}" if len(paths) > 1 else ""
    return f"frame {entry.provenance['frame']}{of}"


def _check_share(bad: Mapping[int, str], read: Sequence[LabelledStructure], where: str) -> None:
    """Refuse files of which much is wrong: then it is no matter of single frames."""
    if len(bad) > max(1, MOST_FAULTS * len(read)):
        frames = [read[k].provenance["frame"] for k in sorted(bad)]
        raise StoreError(
            f"{where}: {len(bad)} of {len(read)} labels cannot be believed, {frame_list(frames)}; "
            f"{_first(bad, read)}; expected eV, Å, eV/Å and eV/Å^3, all of one code: convert the "
            "file, or take these frames out"
        )


def _first(bad: Mapping[int, str], read: Sequence[LabelledStructure]) -> str:
    k = min(bad)
    return f"frame {read[k].provenance['frame']}: {bad[k]}"


def _energy_faults(seen: Consistency, labels: Sequence[LabelledStructure]) -> dict[int, str]:
    """Return the labels whose energy is as far off as none that a run believes may be."""
    limits = LabelLimits()
    return {
        k: f"its energy is {error:+.3g} eV off what its forces and the other frames say"
        for k, error in seen.energy_errors.items()
        if abs(error) > max(limits.energy_per_atom * len(labels[k].numbers), limits.outlier_energy)
    }


def _check_units(seen: Consistency, labels: Sequence[LabelledStructure], where: str) -> None:
    _check_energies(seen, labels, where)
    _check_stresses(seen, labels, where)


def _check_energies(seen: Consistency, labels: Sequence[LabelledStructure], where: str) -> None:
    sizes = {len(entry.numbers) for entry in labels}
    is_certain = seen.energy is not None and seen.energy.is_certain
    if not is_certain and seen.energy_spread > ABSURD_ENERGY:
        raise StoreError(
            f"{where}: energies of one composition and volume range over {seen.energy_spread:.3g} "
            "eV per atom, and not as the forces say: they count from several zeros; give each "
            "zero a file of its own, or bring them to one"
        )
    if seen.energy is not None and seen.energy.is_certain and not seen.energy.is_one:
        factors = dict(ENERGY_FACTORS)
        if len(sizes) == 1:
            factors["energies per atom"] = 1 / sizes.pop()
        raise StoreError(
            f"{where}: energies change by {_times(seen.energy)} what the forces say "
            f"({_basis(seen.energy)}); {_fits(seen.energy.slope, factors)}: expected eV, eV/Å and "
            "Å, convert the file"
        )


def _check_stresses(seen: Consistency, labels: Sequence[LabelledStructure], where: str) -> None:
    if seen.stress is not None and seen.stress.is_certain and not seen.stress.is_one:
        volume = float(np.median([abs(np.linalg.det(e.cell)) for e in labels if e.pbc.all()]))
        factors = {
            **STRESS_FACTORS,
            "a virial in eV (--virial-key reads it)": -volume,
            "minus a virial in eV": volume,
        }
        raise StoreError(
            f"{where}: stresses are {_times(seen.stress)} what the forces say "
            f"({_basis(seen.stress)}); {_fits(seen.stress.slope, factors)}: expected eV/Å^3, "
            "positive under tension as in ASE, or a virial in eV, minus stress times volume; "
            "convert the file, or leave the stress out with --stress-key none"
        )
    stresses = [e.label.stress for e in labels if e.label.stress is not None and e.pbc.all()]
    size = float(np.sqrt(np.mean(np.square(stresses)))) if stresses else 0.0
    if size > ABSURD_STRESS:
        raise StoreError(
            f"{where}: stresses are {size:.3g} eV/Å^3 on average, that is {160.2 * size:.0f} GPa: "
            "they may be in GPa or kbar, or be a virial; convert the file, read them with "
            "--virial-key, or leave them out with --stress-key none"
        )


def _times(line: Line) -> str:
    return f"{line.slope:.3g} times"


def _basis(line: Line) -> str:
    return f"{line.n_labels} frames, correlation {line.correlation:.2f}"


def _fits(slope: float, factors: Mapping[str, float]) -> str:
    name = unit_of(slope, factors)
    return "that fits no unit we know" if name is None else f"that fits {name}"


def _check_distances(labels: Sequence[LabelledStructure], where: str) -> None:
    """Refuse positions that are not in Å, as far as bonds can tell."""
    looked_at = np.linspace(0, len(labels) - 1, min(MOST_LOOKED_AT, len(labels))).astype(int)
    # The short reach first: within the long one, a cell in nm has neighbours without number.
    for reach, is_too in ((NEAREST[0], "short"), (NEAREST[1], "long")):
        found = np.concatenate([_has_neighbour(labels[k], reach) for k in looked_at])
        if len(found) and (np.mean(found) > 0.5) == (is_too == "short"):
            raise StoreError(
                f"{where}: the distances of nearest neighbours are too {is_too}, "
                f"{'below' if is_too == 'short' else 'above'} {reach:g} times the sum of their "
                "covalent radii, where bonds and metals have about 1: positions must be in Å, "
                "convert them from Bohr or nm"
            )


def _has_neighbour(entry: LabelledStructure, reach: float) -> NDArray[np.bool_]:
    """Return whether each atom that binds has a neighbour within `reach` sums of the radii.

    Single atoms and noble gases are none that bind.
    """
    if len(entry.numbers) == 1:
        return np.zeros(0, dtype=bool)
    atoms = Atoms(entry.numbers, entry.positions, cell=entry.cell, pbc=entry.pbc)
    found = np.zeros(len(atoms), dtype=bool)
    found[neighbor_list("i", atoms, reach * covalent_radii[entry.numbers])] = True
    return np.asarray(found[~np.isin(entry.numbers, NOBLE_GASES)])


def _without_empty_stress(entry: LabelledStructure) -> LabelledStructure:
    """Return a label without a stress of exactly zero, where the forces are not: a placeholder."""
    stress = entry.label.stress
    if stress is None or stress.any() or not entry.label.forces.any():
        return entry
    return replace(entry, label=replace(entry.label, stress=None))


def _empty_stresses(
    files: Iterable[LabelledFile], read: Sequence[LabelledStructure]
) -> Iterator[str]:
    given = [entry for file in files for entry in file.labels]
    n_empty = sum(
        one.label.stress is not other.label.stress for one, other in zip(given, read, strict=True)
    )
    if n_empty:
        yield f"the stress of {n_empty} labels is exactly 0, a placeholder: it is not learned"


def _not_compared(seen: Consistency, read: Sequence[LabelledStructure]) -> Iterator[str]:
    """Yield a sentence for each quantity whose unit the forces could not tell."""
    has_stress = any(e.label.stress is not None and e.pbc.all() for e in read)
    for name, line, is_there in (
        ("energies", seen.energy, True),
        ("stresses", seen.stress, has_stress),
    ):
        if line is None and is_there:
            yield (
                f"the unit of the {name} could not be compared with that of the forces: fewer "
                f"than {FEWEST} different frames have one composition and volume"
            )
        elif line is not None and not line.is_certain:
            yield (
                f"the unit of the {name} could not be compared with that of the forces: they "
                f"hardly go together (correlation {line.correlation:.2f})"
            )
