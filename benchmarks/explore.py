"""Does exploring pay? A run after `stages.explore` against one from nothing, labelled by CP2K.

Run: .venv/bin/python benchmarks/explore.py [--steps N] [--explore N] [--labels N] [--workers N]
Runs `examples/na-water-cp2k/reaction.yaml` twice, once after exploring by GFN1-xTB, into
benchmarks/results/explore/; half an hour, resumable. Writes benchmarks/results/explore.json and
explore.png: labels of the reference, the sum of their times (less passes where `workers` make
them at once), errors at the audits of each run, and the error of each final force field on the
recorded AIMD frames of the same reaction, which neither run has labelled.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from aofl import api
from aofl.config import read_config
from aofl.config.schema import RunConfig
from aofl.forcefield.model import ForceField
from aofl.forcefield.train import structure
from aofl.store import RunDirectory, read_labels, read_ledger

HERE = Path(__file__).parent
EXAMPLE = HERE.parent / "examples" / "na-water-cp2k" / "reaction.yaml"
JUDGE = HERE / "data" / "reactive" / "aimd_cp2k_na16_water_splits.extxyz.gz"
EVERY = 4  # frame of the judge, 2 fs
FIRST_FS = 25.0  # of the judge: before that both runs are at the start structure


def configuration(asked: argparse.Namespace, *, explores: bool) -> RunConfig:
    stage = {
        "reference": {"name": "tblite"},
        "steps": asked.explore,
        "labels": asked.labels,
        "workers": asked.workers,
    }
    stages = {"stages": {"explore": stage}} if explores else {}
    return read_config(EXAMPLE, {"dynamics.steps": asked.steps, **stages})


def made(out: Path, config: RunConfig) -> None:
    """Start a run, or go on with it; one that is done is left alone."""
    if out.exists():
        if api.status(out)["status"] != "done" or "stage" in api.status(out):
            api.resume(out)
    else:
        api.run(config, out)


def row(name: str, out: Path) -> dict:
    directory = RunDirectory.open(out)
    summary, ledger = directory.read_summary(), read_ledger(directory.ledger)
    own = [line for line in ledger if line.label_id is not None]
    explored = summary.get("explored") or {}
    return {
        "run": name,
        "steps": summary["steps"],
        "labels": len(own),
        "label_s": sum((line.seconds or {}).get("reference", 0.0) for line in own),
        "label_steps": [line.step for line in own],
        "labels_by_rule": Counter(line.rule for line in own),
        "explored": explored,
        "audits": summary["n_audit_frames"],
        "audit_meV_per_A": 1e3 * (summary["audit_forces_rmse"] or np.nan),
        "judge_meV_per_A": judged(directory.model),
        "rewinds": summary["rewinds"],
    }


def judged(model: Path) -> dict[str, float]:
    """Return the force RMSE of a model on recorded frames, in all and by element, meV/Å."""
    force_field = ForceField.load(model, on_uncertain="ignore")
    frames = read_labels(JUDGE)
    frames = frames[int(FIRST_FS / 0.5) :: EVERY]
    errors = np.concatenate(
        [force_field.predict(structure(one)).forces - one.label.forces for one in frames]
    )
    symbols = np.concatenate([structure(one).get_chemical_symbols() for one in frames])
    found = {"all": errors} | {z: errors[symbols == z] for z in sorted(set(symbols))}
    return {z: 1e3 * float(np.sqrt(np.mean(e**2))) for z, e in found.items()}


def plot(rows: list[dict]) -> None:
    figure, axes = plt.subplots(figsize=(5, 3.6))
    for found in rows:
        before = found["explored"].get("labels", 0)
        at = [0, *found["label_steps"], found["steps"]]
        n = len(found["label_steps"])
        axes.step(at, [before, *range(before + 1, before + n + 1), before + n], where="post",
                  label=found["run"])  # fmt: skip
    axes.set(xlabel="step", ylabel="labels of CP2K", ylim=(0, None))
    axes.legend()
    figure.tight_layout()
    figure.savefig(HERE / "results" / "explore.png", dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("steps", 300), ("explore", 200), ("labels", 12), ("workers", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    results, rows = HERE / "results", []
    for name, explores in (("from nothing", False), ("after exploring", True)):
        out = results / "explore" / name.replace(" ", "-")
        made(out, configuration(asked, explores=explores))
        rows.append(row(name, out))
        print(json.dumps(rows[-1]), flush=True)
    (results / "explore.json").write_text(json.dumps(rows, indent=1))
    plot(rows)


if __name__ == "__main__":  # the labels are made in other processes
    main()
