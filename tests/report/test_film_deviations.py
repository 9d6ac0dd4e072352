"""What the viewer shows as expected force error is what the model of the run says of its atoms."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ff_toys import TINY, crystal, trained, truth

from aofl.analysis.film import Film, film
from aofl.forcefield.model import ForceField
from aofl.report.data import RunData
from aofl.report.sections.film import film as section
from aofl.workflows import film_deviations as module
from aofl.workflows.film_deviations import with_deviations

FRAMES = 4


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("run")
    model = trained([crystal(seed) for seed in range(3)])
    model.calibration = np.array([[1.5, 1.2], [2.5, 0.8]])
    model.save(place / "model.h5")
    return place


def frames() -> list[Atoms]:
    """Return frames across the boundaries of the cell, the last with an atom where none was."""
    made = [crystal(seed) for seed in range(10, 10 + FRAMES)]
    made[-1].positions[3] += 0.5
    for k, atoms in enumerate(made):
        atoms.positions += 1.1 * k
        atoms.wrap()
    return made


def shown() -> Film:
    found = film(frames(), FRAMES, (), lambda index, atoms: float(index))
    assert found is not None
    return found


def test_they_are_the_calibrated_deviations_of_the_frames(run: Path) -> None:
    found = with_deviations(shown(), run)
    assert found is not None
    model = ForceField.load(run / "model.h5", on_uncertain="ignore")
    assert set(found.deviations) == set(range(FRAMES))
    for k, atoms in enumerate(frames()):
        own = model.get_property("atomic_uncertainty", atoms)
        assert found.deviations[k] == pytest.approx(own, rel=1e-6)
    assert found.deviations[FRAMES - 1][3] > 2 * found.deviations[0][3]


def test_of_many_frames_some_are_asked_evenly_and_the_page_says_so(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_ATOMS", 2 * len(crystal(0)))
    found = with_deviations(shown(), run)
    assert found is not None
    assert set(found.deviations) == {0, 2}
    told = section(RunData(name="run", film=found))
    assert told is not None
    assert "at 2 of the frames shown" in told.text[-1]


def test_without_a_model_of_its_elements_nothing_is_said(tmp_path: Path) -> None:
    assert with_deviations(None, tmp_path) is None
    found = shown()
    assert with_deviations(found, tmp_path) is found
    copper = crystal(0, aluminium=())
    other = ForceField(["Cu"], settings=TINY)
    other.learn(copper, truth(copper))
    other.save(tmp_path / "model.h5")
    assert with_deviations(found, tmp_path) is found
    (tmp_path / "model.h5").write_bytes(b"damaged")
    assert with_deviations(found, tmp_path) is found
    told = section(RunData(name="run", film=found))
    assert told is not None
    assert len(told.text) == 1


def test_a_run_that_learned_nothing_is_judged_by_the_model_that_it_had(
    run: Path, tmp_path: Path
) -> None:
    shutil.copy(run / "model.h5", tmp_path / "start.model.h5")
    found = with_deviations(shown(), tmp_path)
    assert found is not None
    assert len(found.deviations) == FRAMES
