"""How sure the force field of a run is of each atom that its viewer shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from ase import Atoms

from aofl.analysis.film import Film
from aofl.errors import ModelError, StructureError
from aofl.forcefield.model import ForceField
from aofl.records import FloatArray
from aofl.store import RunDirectory

MOST_ATOMS = 150_000  # of all frames that are asked about: some ten seconds


def with_deviations(film: Film | None, run_dir: Path) -> Film | None:
    """Return a film with what the model of the run expects of its own force errors.

    The model is asked as it is now, after all labels; frames are left out evenly where there are
    many. The film stays as it is where the directory has no model that knows its atoms.
    """
    directory = RunDirectory(path=run_dir)
    found = [path for path in (directory.model, directory.start_model) if path.is_file()]
    if film is None or not found:
        return film
    every = -(-len(film.times) * len(film.symbols) // MOST_ATOMS)
    try:
        model = ForceField.load(found[0])
        deviations = {
            frame: _expected_error(model, film.atoms(frame))
            for frame in range(0, len(film.times), every)
        }
    except (ModelError, StructureError):
        return film
    return replace(film, deviations=deviations)


def _expected_error(model: ForceField, atoms: Atoms) -> FloatArray:
    """Return the calibrated deviation of the force error of each atom, rms over x, y, z, eV/Å."""
    said = model.predict(atoms, forces_std="sampled")
    sigma = model.error_deviation(atoms, said.deviations)
    return np.asarray(np.sqrt(np.mean(sigma**2, axis=1)))
