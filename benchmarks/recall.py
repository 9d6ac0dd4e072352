"""Whether a force field that has never seen a reaction finds it where the reference makes it.

Run: .venv/bin/python benchmarks/recall.py RUN... --model MODEL [--before 15 30] [--draws 3]
RUN are AIMD runs of benchmarks/learning.py in which bonds changed (runs/learning/water-1-aimd),
MODEL is what a run without a reaction has learned (runs/learning/water-1-aofl/model.h5). Some
minutes a reaction; resumable. Adds to benchmarks/results/recall.json and writes recall.png.

From frames of the AIMD run shortly before each reaction, aofl (at the target of learning.py, and
"tight" at half of it) and its rivals go on with that model under the noise that the AIMD run had.
Found is a reaction of the AIMD run that they made too. The error is the force RMSE on every fifth
step without a label.

The control is AIMD itself from the same frames, its forces off by a random function of the
positions: by 10 meV/Å, which is less than codes and settings of them differ by, and by the audit
error of each element in the run that MODEL is of. What AIMD does not meet again when its forces are
off by so little was chance, and no force field can be asked to find it.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import ase.io
import learning
import matplotlib.pyplot as plt
import numpy as np
from ase import Atoms

from aofl.config import read_config
from aofl.config.dynamics import DynamicsConfig
from aofl.config.references import ReferenceConfig
from aofl.config.schema import (
    RunConfig,
)
from aofl.records import FloatArray, Label, Verdict
from aofl.records.events import ReactionHappened
from aofl.reference import Reference
from aofl.simulation.dynamics import advance
from aofl.store import RunDirectory, read_events, read_frames
from aofl.workflows.assemble import limited_threads, make_reference

HERE = Path(__file__).parent
TIGHT = {"mode": "aofl", "learning.target_force_error_meV_per_A": learning.TARGET / 2}
WAYS = {way: learning.WAYS[way] for way in ("aofl", "vasp", "flare")} | {"aofl, tight": TIGHT}
CONTROLS = ("AIMD off by 10 meV/Å", "AIMD off by the audit error")
SLIGHT = 0.010  # eV/Å
LENGTH = 0.3  # Å over which the perturbation changes
AFTER_FS = 75.0  # what lives shorter than 50 fs is no reaction
EVERY = 5


class Perturbed:
    """A reference whose forces are off by a smooth random function of the positions.

        F'_ia = F_ia + sqrt(2) sigma_z(i) cos(k_ia . r_i + phi_ia),    k_ia ~ N(0, 1 / LENGTH^2)

    Like the error of a force field it is the same where the structure is the same, and turns over
    within the motion of a bond; unlike it, it has no potential.
    """

    def __init__(self, reference: Reference, sigma: dict[str, float], draw: int) -> None:
        self._reference, self._sigma, self._draw = reference, sigma, draw

    def __getattr__(self, name: str) -> object:
        return getattr(self._reference, name)

    def label(self, atoms: Atoms, *, careful: bool = False) -> Label:
        """Return the label of a structure with the forces off."""
        label = self._reference.label(atoms, careful=careful)
        return replace(label, forces=label.forces + self._off(atoms))

    def _off(self, atoms: Atoms) -> FloatArray:
        rng = np.random.default_rng(self._draw)
        waves = rng.standard_normal((len(atoms), 3, 3)) / LENGTH
        phases = rng.uniform(0.0, 2.0 * np.pi, (len(atoms), 3))
        sigma = np.array([self._sigma[symbol] for symbol in atoms.symbols])
        turned = np.einsum("iab,ib->ia", waves, atoms.positions) + phases
        off = np.sqrt(2.0) * sigma[:, None] * np.cos(turned)
        return off - off.mean(axis=0)  # a label with a net force is refused


def reactions_of(run: Path) -> list[dict]:
    """Return the reactions of a run in which bonds changed: step, equation and these bonds."""
    return [
        {
            "step": x.step,
            "reaction": x.reaction,
            "broken": [list(pair) for pair in x.broken],
            "formed": [list(pair) for pair in x.formed],
        }
        for x in read_events(RunDirectory.open(run).events)
        if isinstance(x, ReactionHappened) and x.broken + x.formed
    ]


def start_before(run: Path, step: int, out: Path) -> int:
    """Write the last frame up to a step, with its momenta, and return its step."""
    frame: Atoms = [a for a in read_frames(run) if a.info["step"] <= step][-1]
    start = ase.io.read(RunDirectory.open(run).start)
    start.positions = frame.positions
    start.set_momenta(frame.get_momenta())
    ase.io.write(out, start)
    return int(frame.info["step"])


def went_on(
    run: Path, start: Path, first: int, last: int, changes: dict, name: str
) -> tuple[str, Path, RunConfig]:
    """Go on from a frame in the noise of its run; return how it ended, where, and as what."""
    changes = changes | {"system": {"structure": str(start)}, "dynamics.steps": last - first}
    config = read_config(RunDirectory.open(run).config, changes)
    out = start.with_name(f"{start.stem}-{name}")

    def advance_from(
        dynamics: object, conditions: DynamicsConfig, seed: int, step: int
    ) -> Verdict | None:
        return advance(dynamics, conditions, seed, first + step)

    with patch("aofl.simulation.run.advance", advance_from):
        return learning.run_or_go_on(config, out, EVERY), out, config


def again(
    run: Path, start: Path, first: int, last: int, sigma: dict[str, float], name: str, draw: int
) -> dict:
    """Let AIMD go on from a frame with forces that are off, and return what came of it."""

    def perturbed(config: ReferenceConfig, directory: Path) -> Reference:
        return Perturbed(make_reference(config, directory), sigma, draw)

    with patch("aofl.workflows.assemble.make_reference", perturbed):
        status, out, _ = went_on(run, start, first, last, {"mode": "aimd"}, f"{name}-{draw}")
    if status != "done":
        raise SystemExit(f"the control {out} was {status}")
    return {"status": status, "reactions": reactions_of(out)}


def gone_on(run: Path, start: Path, first: int, last: int, way: str, model: Path) -> dict:
    """Let one way go on from a frame, in the noise of its run, and return what came of it."""
    changes = WAYS[way] | {"force_field.model": str(model)}
    status, out, config = went_on(run, start, first, last, changes, way.replace(", ", "-"))
    timestep, is_ours = config.dynamics.timestep_fs, config.mode == "aofl"
    found = learning.scored(out, timestep, last - first, is_ours=is_ours)
    return {
        "status": status,
        "reactions": reactions_of(out),
        "labels": found["labels"],
        "error": found["error"],
    }


def audit_errors(model: Path) -> dict[str, float]:
    """Return the audit error of each element in the run that a model is of, eV/Å."""
    summary = RunDirectory.open(model.parent).read_summary()
    return dict(summary["audit_forces_rmse_by_element"])


def compared(
    run: Path, reaction: dict, before_fs: float, model: Path, draws: int, out: Path
) -> dict:
    """Return what each way made of the same frame before one reaction of an AIMD run."""
    timestep = read_config(RunDirectory.open(run).config).dynamics.timestep_fs
    began = reaction["step"]
    start = out / f"{run.name}-{began}-{before_fs:g}.extxyz"
    first = start_before(run, began - round(before_fs / timestep), start)
    last = began + round(AFTER_FS / timestep)
    found: dict = {way: gone_on(run, start, first, last, way, model) for way in WAYS}
    large = audit_errors(model)
    for name, sigma in zip(CONTROLS, (dict.fromkeys(large, SLIGHT), large), strict=True):
        short = f"aimd-{1e3 * max(sigma.values()):.0f}"
        found[name] = [again(run, start, first, last, sigma, short, draw) for draw in range(draws)]
    return {"run": run.name, "from": first, "step": began, "aimd": reaction} | found


def is_found(row: dict, made: dict) -> bool:
    """Return whether a run broke and made the bonds that AIMD did."""
    return any(
        (x["broken"], x["formed"]) == (row["aimd"]["broken"], row["aimd"]["formed"])
        for x in made["reactions"]
    )


def recall(rows: list[dict]) -> dict[str, float]:
    """Return how many of the reactions each way found; of a control, the mean over its draws."""
    ways = {way: sum(is_found(row, row[way]) for row in rows) for way in WAYS}
    controls = {
        name: sum(np.mean([is_found(row, made) for made in row[name]]) for row in rows)
        for name in CONTROLS
    }
    return {name: float(n) for name, n in (ways | controls).items()}


def place_of(row: dict) -> tuple[str, int, int]:
    return row["run"], row["step"], row["from"]


def plot(rows: list[dict]) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5))
    found = recall(rows)
    left.barh(list(found), list(found.values()))
    left.axvline(len(rows), color="k", lw=1, ls="--")
    left.set(xlabel="reactions found", title=f"of {len(rows)} starts before one of AIMD")
    for k, way in enumerate(WAYS):
        points = [(row[way]["labels"], row[way]["error"]) for row in rows if row[way]["error"]]
        right.plot(*zip(*points, strict=True), "oXs^"[k], label=way)
    right.set(xlabel="labels", ylabel="force RMSE, meV/Å", title="around each reaction")
    right.legend()
    figure.tight_layout()
    figure.savefig(HERE / "results" / "recall.png", dpi=150)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--before", nargs="+", type=float, default=[15.0, 30.0], help="fs")
    parser.add_argument("--draws", type=int, default=3, help="of each control")
    parser.add_argument("--out", type=Path, default=HERE.parent / "runs" / "recall")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    (HERE / "results").mkdir(exist_ok=True)
    results = HERE / "results" / "recall.json"
    rows = json.loads(results.read_text()) if results.exists() else []
    for run in given.runs:
        for reaction in reactions_of(run):
            for before in given.before:
                row = compared(
                    run,
                    reaction,
                    before,
                    given.model.absolute(),
                    given.draws,
                    given.out.absolute(),
                )
                print(json.dumps(row), flush=True)
                rows = [r for r in rows if place_of(r) != place_of(row)] + [row]
                results.write_text(json.dumps(rows, indent=1))
    for name, n in recall(rows).items():
        print(f"{name}: {n:.1f} of {len(rows)}")
    plot(rows)


if __name__ == "__main__":
    with limited_threads(1):
        main()
