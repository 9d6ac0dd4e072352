"""A force field as one HDF5 file: plain numbers and a JSON header, nothing that could run.

The Gram matrices are in it, so a loaded force field predicts, tells its uncertainty and goes on
learning, all as the saved one would. `SCHEMA` counts up when the layout changes; readers of every
older layout stay.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from aofl.ace.basis import BasisSettings
from aofl.bayes.evidence import Hyperparameters
from aofl.bayes.posterior import Statistics
from aofl.errors import ModelError
from aofl.records import FloatArray

if TYPE_CHECKING:
    from aofl.forcefield.model import ForceField

SCHEMA = 2


def write_model(force_field: ForceField, path: Path) -> None:
    """Write a force field that has learned at least one label, atomically.

    Raises
    ------
    ModelError
        If there is nothing to save, or the disk refuses.
    """
    if force_field.hyper is None:
        raise ModelError("a force field without labels cannot be saved; train it first")
    temporary = path.with_name(f".{path.name}.writing")
    header = {
        "schema": SCHEMA,
        "elements": force_field.elements,
        "settings": asdict(force_field.basis.settings),
        "n_labels": force_field.n_labels,
        "n_labels_at_search": force_field.n_labels_at_search,
        "level": force_field.level,
        "units": "eV, Å",
    }
    try:
        with h5py.File(temporary, "w") as file:
            file.attrs["header"] = json.dumps(header)
            file["reference_energies"] = force_field.reference_energies
            file["calibration"] = force_field.calibration
            file["scales"], file["noises"] = force_field.hyper.scales, force_field.hyper.noises
            for kind, data in force_field.data.items():
                _write_statistics(file.create_group(kind), data)
        temporary.replace(path)
    except OSError as error:
        raise ModelError(f"cannot write the model {path}: {error}") from error
    finally:
        with suppress(OSError):  # there is none after a success, nor in a place that is none
            temporary.unlink()


def read_model(path: Path) -> ForceField:
    """Return the force field in a file.

    Raises
    ------
    ModelError
        If the file is missing, damaged, or of a newer schema than this version reads.
    """
    from aofl.forcefield.model import ForceField

    if not path.is_file():
        raise ModelError(f"there is no model {path}; give the path of a model.h5")
    try:
        with h5py.File(path, "r") as file:
            header = json.loads(str(file.attrs["header"]))
            _check_schema(header, path)
            force_field = ForceField(
                list(header["elements"]), settings=BasisSettings(**header["settings"])
            )
            for kind in force_field.data:
                n_columns = len(force_field.shape.group)
                force_field.data[kind] = _read_statistics(file[kind], n_columns)
            force_field.hyper = _read_hyperparameters(file, force_field)
            force_field.reference_energies = _read_by_species(file, "reference_energies", header)
            force_field.calibration = _read_calibration(file, header)
        force_field.n_labels = int(header["n_labels"])
        force_field.n_labels_at_search = int(header["n_labels_at_search"])
        force_field.level = header.get("level")
    except ModelError as error:
        raise ModelError(f"cannot read {path}: {error}") from error
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise ModelError(f"{path} is not a model of aofl or is damaged: {error}") from error
    force_field.refit()
    return force_field


def _read_by_species(file: h5py.File, name: str, header: dict[str, Any]) -> FloatArray:
    values: FloatArray = file[name][:]
    if values.shape != (len(header["elements"]),):
        raise ModelError(f"it holds {values.size} {name} for {len(header['elements'])} elements")
    return values


def _read_calibration(file: h5py.File, header: dict[str, Any]) -> FloatArray:
    """Return the two factors of each element; files of schema 1 held one for both."""
    values: FloatArray = file["calibration"][:]
    n = len(header["elements"])
    if values.shape == (n,):
        return np.stack([values, values], axis=1)
    if values.shape != (n, 2):
        raise ModelError(f"its calibration has shape {values.shape}; expected ({n}, 2)")
    return values


def _read_hyperparameters(file: h5py.File, force_field: ForceField) -> Hyperparameters:
    """Return scales and noises, one for each group of columns and each kind of data."""
    hyper = Hyperparameters(scales=file["scales"][:], noises=file["noises"][:])
    expected = (len(force_field.shape.orders) + 1, len(force_field.data))
    if (len(hyper.scales), len(hyper.noises)) != expected:
        raise ModelError(
            f"it holds {len(hyper.scales)} scales and {len(hyper.noises)} noises; "
            f"expected {expected[0]} and {expected[1]}"
        )
    return hyper


def _check_schema(header: dict[str, Any], path: Path) -> None:
    if header["schema"] > SCHEMA:
        raise ModelError(
            f"{path} has model schema {header['schema']}; this version reads up to {SCHEMA}: "
            "update aofl"
        )


def _write_statistics(group: h5py.Group, data: Statistics) -> None:
    upper = np.triu_indices(len(data.moment))
    group.create_dataset("gram_upper", data=data.gram[upper])
    group["moment"] = data.moment
    group.attrs["square"], group.attrs["count"] = data.square, data.count


def _read_statistics(group: h5py.Group, n_columns: int) -> Statistics:
    moment: FloatArray = group["moment"][:]
    size = n_columns * (n_columns + 1) // 2
    if moment.shape != (n_columns,) or group["gram_upper"].shape != (size,):
        raise ModelError(
            f"the model holds {len(moment)} columns where its basis has {n_columns}: "
            "the file was changed or written by a version with another basis"
        )
    gram = np.zeros((n_columns, n_columns), order="F")
    gram[np.triu_indices(n_columns)] = group["gram_upper"][:]
    return Statistics(gram, moment, float(group.attrs["square"]), int(group.attrs["count"]))
