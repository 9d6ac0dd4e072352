"""The picture: a PNG that shows the structure, frozen atoms darker."""

from __future__ import annotations

import io

import matplotlib.image
import numpy as np
from ase.constraints import FixAtoms

from aofl.system import build_slab
from aofl.system.picture import picture


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(matplotlib.image.imread(io.BytesIO(png)))[..., :3]


def test_a_picture_shows_atoms_in_their_colour_and_frozen_ones_darker() -> None:
    slab = build_slab(element="Na", surface="bcc100", size=(2, 2, 4))
    before = slab.positions.copy()
    free = pixels(picture(slab, "Na16"))
    violet = np.abs(free - [0.671, 0.361, 0.949]).max(axis=-1) < 0.02
    assert violet.mean() > 0.05
    slab.set_constraint(FixAtoms(range(len(slab))))
    frozen = pixels(picture(slab, "Na16"))
    dark = np.abs(frozen - 0.55 * np.array([0.671, 0.361, 0.949])).max(axis=-1) < 0.02
    assert dark.sum() > 0.8 * violet.sum()
    assert np.array_equal(slab.positions, before)
