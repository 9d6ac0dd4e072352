"""Whether a force field that has never seen a reaction finds it where the reference makes it.

Run: .venv/bin/python benchmarks/recall.py RUN... --model MODEL [--before 15 30]
RUN are AIMD runs of benchmarks/learning.py in which bonds changed (runs/learning/water-1-aimd),
MODEL is what a run without a reaction has learned (runs/learning/water-1-aofl/model.h5). Some
minutes a reaction; resumable. Adds to benchmarks/results/recall.json and writes recall.png.

From frames of the AIMD run shortly before each reaction, aofl (at the target of learning.py, and
"tight" at half of it) and its rivals go on with that model under the noise that the AIMD run had.
Found is a reaction of the AIMD run that they made too. The error is the force RMSE on every fifth
step without a label.
"""

import argparse
import json
from pathlib import Path
from unittest.mock import patch

import ase.io
import learning
import matplotlib.pyplot as plt
from ase import Atoms

from aofl.config import read_config
from aofl.records import Verdict
from aofl.records.events import ReactionHappened
from aofl.simulation.dynamics import advance
from aofl.store import RunDirectory, read_events, read_frames
from aofl.workflows.assemble import limited_threads

HERE = Path(__file__).parent
TIGHT = {"mode": "aofl", "learning.target_force_error_meV_per_A": learning.TARGET / 2}
WAYS = {way: learning.WAYS[way] for way in ("aofl", "vasp", "flare")} | {"aofl, tight": TIGHT}
AFTER_FS = 75.0  # what lives shorter than 50 fs is no reaction
EVERY = 5


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


def gone_on(run: Path, start: Path, first: int, last: int, way: str, model: Path) -> dict:
    """Let one way go on from a frame, in the noise of its run, and return what came of it."""
    changes = {
        "system": {"structure": str(start)},
        "force_field.model": str(model),
        "dynamics.steps": last - first,
        **WAYS[way],
    }
    config = read_config(RunDirectory.open(run).config, changes)
    out = start.with_name(f"{start.stem}-{way.replace(', ', '-')}")

    def advance_from(dynamics: object, seed: int, step: int) -> Verdict | None:
        return advance(dynamics, seed, first + step)

    with patch("aofl.simulation.run.advance", advance_from):
        status = learning.run_or_go_on(config, out, EVERY)
    timestep, is_ours = config.dynamics.timestep_fs, config.mode == "aofl"
    found = learning.scored(out, timestep, last - first, is_ours=is_ours)
    return {
        "status": status,
        "reactions": reactions_of(out),
        "labels": found["labels"],
        "error": found["error"],
    }


def compared(run: Path, reaction: dict, before_fs: float, model: Path, out: Path) -> dict:
    """Return what each way made of the same frame before one reaction of an AIMD run."""
    timestep = read_config(RunDirectory.open(run).config).dynamics.timestep_fs
    began = reaction["step"]
    start = out / f"{run.name}-{began}-{before_fs:g}.extxyz"
    first = start_before(run, began - round(before_fs / timestep), start)
    last = began + round(AFTER_FS / timestep)
    found = {way: gone_on(run, start, first, last, way, model) for way in WAYS}
    return {"run": run.name, "from": first, "step": began, "aimd": reaction} | found


def is_found(row: dict, way: str) -> bool:
    """Return whether a way broke and made the bonds that AIMD did."""
    return any(
        (x["broken"], x["formed"]) == (row["aimd"]["broken"], row["aimd"]["formed"])
        for x in row[way]["reactions"]
    )


def place_of(row: dict) -> tuple[str, int, int]:
    return row["run"], row["step"], row["from"]


def plot(rows: list[dict]) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.5))
    left.bar(list(WAYS), [sum(is_found(row, way) for row in rows) for way in WAYS])
    left.axhline(len(rows), color="k", lw=1, ls="--")
    left.set(ylabel="reactions found", title=f"of {len(rows)} starts before one of AIMD")
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
    parser.add_argument("--out", type=Path, default=HERE.parent / "runs" / "recall")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    (HERE / "results").mkdir(exist_ok=True)
    results = HERE / "results" / "recall.json"
    rows = json.loads(results.read_text()) if results.exists() else []
    for run in given.runs:
        for reaction in reactions_of(run):
            for before in given.before:
                row = compared(run, reaction, before, given.model.absolute(), given.out.absolute())
                print(json.dumps(row), flush=True)
                rows = [r for r in rows if place_of(r) != place_of(row)] + [row]
                results.write_text(json.dumps(rows, indent=1))
    for way in WAYS:
        print(f"{way}: {sum(is_found(row, way) for row in rows)} of {len(rows)}")
    plot(rows)


if __name__ == "__main__":
    with limited_threads(1):
        main()
