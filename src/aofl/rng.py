"""Random numbers as a function of (seed, stream, step).

Nothing in the package keeps a generator between steps: a resumed run draws the same numbers as
an uninterrupted one because they depend on the step alone.
"""

from __future__ import annotations

import zlib
from hashlib import blake2b

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


def draw(seed: int, stream: str, step: int) -> float:
    """Return one number from [0, 1) of one stream at one step, far faster than a generator."""
    digest = blake2b(f"{seed} {stream} {step}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53
