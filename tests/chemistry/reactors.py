"""Synthetic trajectories whose reactions are known: molecules that switch at given times.

A reactor is a few atoms that know two states. Reactors sit at points of a cell of any shape, drift
through its boundaries, shake, and switch within 10 fs; a switch back after less than the minimum
lifetime is flicker and no reaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from ase import Atoms

INTERVAL_FS = 5.0
SWITCH_FS = 10.0
TOGETHER_FS = 1200.0


@dataclass(frozen=True)
class Reactor:
    """Atoms (metal last), both states (Å), and both directions of the reaction as it is written."""

    symbols: str
    before: list[list[float]]
    after: list[list[float]]
    forward: str
    backward: str


def _octahedron(last: float) -> list[list[float]]:
    axes = [[1.62, 0, 0], [-1.62, 0, 0], [0, 1.62, 0], [0, -1.62, 0], [0, 0, -1.62]]
    return [[0, 0, 0], *axes, [0, 0, last], [2.0, 2.0, 2.6]]


REACTORS = (
    Reactor(  # a hydride takes a proton from water
        "OHHHNa",
        [[0, 0, 0], [-0.24, 0.93, 0], [0.97, 0, 0], [3.0, 0, 0], [3.0, 2.3, 0]],
        [[0, 0, 0], [-0.24, 0.93, 0], [2.3, 0, 0], [3.0, 0.2, 0], [3.0, 2.3, 0]],
        "H- + H2O -> H2 + OH-",
        "H2 + OH- -> H- + H2O",
    ),
    Reactor(  # a proton hops between two oxygens
        "OHHOHNa",
        [[0, 0, 0], [-0.24, 0.93, 0], [0.97, 0, 0], [2.6, 0, 0], [2.8, 0.93, 0], [2.6, -2.3, 0]],
        [[0, 0, 0], [-0.24, 0.93, 0], [1.63, 0, 0], [2.6, 0, 0], [2.8, 0.93, 0], [2.6, -2.3, 0]],
        "H2O + OH- -> H2O + OH-",
        "H2O + OH- -> H2O + OH-",
    ),
    Reactor(
        "PFFFFFFNa", _octahedron(1.62), _octahedron(3.4), "PF6- -> F- + PF5", "F- + PF5 -> PF6-"
    ),
    Reactor(
        "COOONa",
        [[0, 0, 0], [1.17, 0, 0], [-1.17, 0, 0], [0, 3.0, 0], [0, 5.2, 0]],
        [[0, 0, 0], [1.12, -0.65, 0], [-1.12, -0.65, 0], [0, 1.29, 0], [0, 3.6, 0]],
        "CO2 + O2- -> CO3 2-",
        "CO3 2- -> CO2 + O2-",
    ),
    Reactor(
        "COOOHNa",
        [[0, 0, 0], [1.17, 0, 0], [-1.17, 0, 0], [0, 3.0, 0], [0, 3.97, 0], [2.2, 3.4, 0]],
        [[0, 0, 0], [1.12, -0.6, 0], [-1.12, -0.6, 0], [0, 1.36, 0], [0.7, 2.0, 0], [2.2, 3.4, 0]],
        "CO2 + OH- -> HCO3-",
        "HCO3- -> CO2 + OH-",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Known:
    """One reaction that happens: time of the switch (fs), how it is written, its atoms."""

    time_fs: float
    reaction: str
    atoms: frozenset[int]


@dataclass(frozen=True)
class Scenario:
    """Where the reactors sit (fractional, shape (n, 3)), what they are, and when they switch."""

    cell: np.ndarray
    pbc: tuple[bool, bool, bool]
    drift: np.ndarray  # Å/fs
    breathing: float  # relative change of the cell
    centres: np.ndarray
    kinds: list[int]
    switches: list[list[float]]
    duration_fs: float


def scenario(
    seed: int, cell: list[list[float]], pbc: tuple[bool, bool, bool], breathing: float = 0.0
) -> Scenario:
    """Draw what happens; half of the reactors switch together once, and many flicker."""
    rng = np.random.default_rng(seed)
    grid = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    duration = 2500.0
    switches = []
    for reactor in range(len(grid)):
        joins = reactor % 2 == 0
        times, time = ([TOGETHER_FS] if joins else []), 100.0
        while (time := time + rng.uniform(120, 500)) < duration - 250:
            if joins and abs(time - TOGETHER_FS) < 150:
                continue
            is_flicker = rng.random() < 0.5  # there and back again
            times += [time, time + rng.uniform(20, 40)] if is_flicker else [time]
        switches.append(sorted(times))
    return Scenario(
        cell=np.array(cell, dtype=float),
        pbc=pbc,
        drift=np.array([0.02, -0.013, 0.017]) * np.array(pbc),
        breathing=breathing,
        centres=(grid + 0.3) / 2.0,
        kinds=[int(k) for k in rng.integers(0, len(REACTORS), len(grid))],
        switches=switches,
        duration_fs=duration,
    )


def frames(plan: Scenario, seed: int) -> Iterator[tuple[int, float, Atoms]]:
    """Yield the frames of a scenario as (number, time, atoms), wrapped into the cell."""
    rng = np.random.default_rng(seed)
    symbols = "".join(REACTORS[kind].symbols for kind in plan.kinds)
    for number in range(int(plan.duration_fs / INTERVAL_FS) + 1):
        time = number * INTERVAL_FS
        cell = plan.cell * (1.0 + plan.breathing * np.sin(time / 150.0))
        positions = []
        for centre, kind, switches in zip(plan.centres, plan.kinds, plan.switches, strict=True):
            reactor, progress = REACTORS[kind], _progress(time, switches)
            shape = (1 - progress) * np.array(reactor.before) + progress * np.array(reactor.after)
            positions.append(centre @ cell + plan.drift * time + shape)
        atoms = Atoms(symbols, np.vstack(positions), cell=cell, pbc=plan.pbc)
        atoms.positions += rng.normal(0, 0.02, (len(atoms), 3))
        atoms.wrap()
        yield number, time, atoms


def known_reactions(plan: Scenario, lifetime_fs: float) -> list[Known]:
    """Return what happens: each switch that is not followed by another within the lifetime."""
    known, start = [], 0
    for kind, switches in zip(plan.kinds, plan.switches, strict=True):
        reactor = REACTORS[kind]
        n_atoms = sum(1 for letter in reactor.symbols if letter.isupper())
        atoms = frozenset(range(start, start + n_atoms))
        start += n_atoms
        is_after, settled = False, False
        for k, time in enumerate(switches):
            is_after = not is_after
            next_time = switches[k + 1] if k + 1 < len(switches) else np.inf
            if next_time - time >= lifetime_fs and is_after != settled:
                settled = is_after
                reaction = reactor.forward if is_after else reactor.backward
                known.append(Known(time, reaction, atoms))
    return known


def _progress(time: float, switches: list[float]) -> float:
    """Return 0 before and 1 after, rising or falling over 10 fs from each switch on."""
    progress = 0.0
    for k, start in enumerate(switches):
        share = float(np.clip((time - start) / SWITCH_FS, 0.0, 1.0))
        progress = progress + share if k % 2 == 0 else progress - share
    return progress
