"""Random numbers as a function of (seed, stream, step).

Nothing in the package keeps a generator between steps: a resumed run draws the same numbers as
an uninterrupted one because they depend on the step alone.
"""

from __future__ import annotations

import zlib

import numpy as np


def generator(seed: int, stream: str, step: int = 0) -> np.random.Generator:
    """Return the generator of one stream at one step.

    Parameters
    ----------
    seed
        The seed of the run, >= 0.
    stream
        What the numbers are for, such as "thermostat" or "audit"; streams are independent.
    step
        MD step, >= 0.
    """
    return np.random.default_rng([seed, zlib.crc32(stream.encode()), step])
