"""GPAW: right, going on from its wave functions, clear about what is missing."""

import json
import re
import sys

import numpy as np
import pytest
from ase import Atoms

from aofl.config.references import GpawConfig
from aofl.errors import ConfigError, ReferenceFailed
from aofl.reference.codes.gpaw import GpawReference
from aofl.reference.spot_check import numerical_force


def configured(**changes):
    given = {"name": "gpaw", "cutoff_eV": 250.0, "density_convergence": 1e-6, **changes}
    return GpawConfig(**given)


def hydrogen(length=0.8):
    return Atoms("H2", [(1.8, 2.0, 2.0), (1.8 + length, 2.1, 1.9)], cell=[4.5, 4.0, 4.0], pbc=True)


def test_what_is_missing_is_said_at_once(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "gpaw", None)
    with pytest.raises(
        ConfigError, match=r"gpaw cannot be imported .*: install it with `make setup"
    ):
        GpawReference(configured(), tmp_path)


@pytest.fixture
def _installed():
    pytest.importorskip("gpaw", reason="make setup-gpaw")
    pytest.importorskip("dftd3", reason="make setup-gpaw")


@pytest.mark.usefixtures("_installed")
class TestInstalled:
    @pytest.mark.parametrize("mode", ["pw", "lcao"])
    def test_forces_are_minus_the_gradient(self, mode, tmp_path):
        grid = 4.0 / 20
        reference = GpawReference(configured(mode=mode, grid_spacing_A=grid), tmp_path)
        label = reference.label(hydrogen())
        assert abs(label.forces[0, 0]) > 0.2
        numerical = numerical_force(reference.label, hydrogen(), 0, 0)
        # The atomic orbitals live on a grid as coarse as this test is to be fast.
        tolerance = 0.005 if mode == "pw" else 0.02
        assert label.forces[0, 0] == pytest.approx(numerical, abs=tolerance)
        assert (label.stress is not None) == (mode == "pw")
        assert (tmp_path / "gpaw.txt").stat().st_size > 0

    def test_going_on_is_quicker_and_gives_the_same(self, tmp_path):
        reference = GpawReference(configured(), tmp_path)
        reference.label(hydrogen())
        n_first = iterations(tmp_path)
        second = reference.label(hydrogen(0.802))
        n_next = iterations(tmp_path) - n_first
        fresh = GpawReference(configured(), tmp_path / "fresh").label(hydrogen(0.802))
        assert n_next < n_first
        assert second.energy == pytest.approx(fresh.energy, abs=1e-4)
        assert np.allclose(second.forces, fresh.forces, atol=5e-3)
        careful = reference.label(hydrogen(0.802), careful=True)
        assert careful.energy == pytest.approx(fresh.energy, abs=1e-5)

    def test_an_scf_that_does_not_converge_is_refused(self, tmp_path):
        with pytest.raises(ReferenceFailed, match="no label for H2 in 3 attempts") as failure:
            GpawReference(configured(max_iterations=2), tmp_path).label(hydrogen())
        assert "iter:" in failure.value.evidence["attempt-3-gpaw.txt"]

    def test_dispersion_is_added_and_binds(self, tmp_path):
        with_it = GpawReference(configured(), tmp_path).label(hydrogen())
        without = GpawReference(configured(dispersion=None), tmp_path).label(hydrogen())
        assert -0.1 < with_it.energy - without.energy < 0.0

    def test_the_level_of_theory_is_what_changes_the_answer(self, tmp_path):
        described = GpawReference(configured(), tmp_path).describe()
        assert json.loads(json.dumps(described)) == described
        assert GpawReference(configured(max_iterations=9), tmp_path).describe() == described
        assert (
            GpawReference(configured(grid_spacing_A=0.3), tmp_path).describe() == described
        )  # of lcao
        for change in ({"cutoff_eV": 300.0}, {"mode": "lcao"}, {"dispersion": None}):
            assert GpawReference(configured(**change), tmp_path).describe() != described


def iterations(directory):
    text = (directory / "gpaw.txt").read_text()
    return sum(bool(re.match(r"\|iter:", line)) for line in text.splitlines())
