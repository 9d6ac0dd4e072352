"""Labels that nobody waits for: the wall time of a run with a background over that without.

Run: .venv/bin/python benchmarks/background.py sleeping   (about 40 minutes, most of it asleep)
     .venv/bin/python benchmarks/background.py cp2k       (half an hour, on two free cores)
Writes benchmarks/results/background_NAME.json and .png.

sleeping  Na16 + 2 H2O at 500 K with GFN1-xTB whose calls take 20 s each, most of it asleep, so that
          the runs do not compete for cores and all are made at once: `labels.background` 0, 1, 2
cp2k      examples/na-water-cp2k/reaction.yaml, 400 steps, `labels.background` 0 and then 1: CP2K
          on one core while the atoms move on the other

Random audits are four times as frequent as usual, so that they are a third of the labels. The runs
of a case begin alike and take different paths, as they learn at different steps, and reactions cost
labels by chance. So the figure is `wall_over_waiting`: the wall time of a run over that which it
would have had by waiting for each of its own labels, as long as a label takes where it is waited
for (the mean of the run with 0).
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import yaml

HERE = Path(__file__).parent
SECONDS = 20.0

AUDITED = {"audit_probability": 0.02}
SLEEPING = {
    "mode": "aofl",
    "seed": 1,
    "system": {
        "electrode": {
            "element": "Na", "surface": "bcc100", "lattice_constant_A": 4.20, "size": [2, 2, 4],
        },
        "electrolyte": {"molecules": {"H2O": 2}, "gap_A": 8.0, "min_distance_A": 2.0},
    },
    "reference": {
        "name": "ase", "calculator": "sleeping.Sleeping", "is_semi_empirical": True,
        "arguments": {"seconds": SECONDS, "method": "GFN1-xTB", "electronic_temperature": 3000.0},
    },
    "learning": {"target_force_error_meV_per_A": 350.0} | AUDITED,
    "dynamics": {
        "name": "langevin", "timestep_fs": 0.5, "temperature_K": 500.0, "friction_per_ps": 5.0,
        "steps": 3000,
    },
    "output": {"trajectory_every": 100, "thermo_every": 10, "checkpoint_every": 200},
}  # fmt: skip
EXAMPLE = HERE.parent / "examples" / "na-water-cp2k"
CASES = {"sleeping": (0, 1, 2), "cp2k": (0, 1)}


def config_of(name: str) -> dict:
    """Return the configuration of a case."""
    if name == "sleeping":
        return SLEEPING
    config = yaml.safe_load((EXAMPLE / "reaction.yaml").read_text())
    config["system"]["structure"] = str(EXAMPLE / "reaction.extxyz")
    config["learning"] |= AUDITED
    config["dynamics"]["steps"] = 400
    return config


def started(place: Path, name: str, n: int) -> subprocess.Popen[bytes]:
    """Begin or go on with the run of a case that has n processes beside it."""
    out = place / f"background-{n}"
    config = place / f"background-{n}.yaml"
    config.write_text(yaml.safe_dump(config_of(name) | {"labels": {"background": n}}))
    verb = ["resume", out] if out.exists() else ["run", config, "--out", out]
    environment = os.environ | {"PYTHONPATH": str(HERE), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "aofl.cli", *map(str, verb)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


def found(out: Path) -> dict[str, float]:
    """Return what a run took and what it learned."""
    summary = json.loads((out / "summary.json").read_text())
    lines = [json.loads(line) for line in (out / "ledger.jsonl").read_text().splitlines()]
    labels = [line for line in lines if line["action"] == "label"]
    wall = summary["wall_s"]
    own = wall["total"] - wall["compilation"] - wall["reference"]
    return {
        "wall_s": own + wall["reference"],
        "own_s": own,
        "waiting_s": wall["reference"],
        "labels": len(labels),
        "audits": summary["audits"],
        "learned_late": sum(line["learned_step"] is not None for line in labels),
        "audit_force_rmse": summary["audit_forces_rmse"],
    }


def drawn(results: dict[str, dict[str, float]], path: Path) -> None:
    """Draw the wall time of each run, split into waiting for labels and the rest."""
    figure, axes = plt.subplots(figsize=(5, 3.2))
    names = list(results)
    waiting = [results[name]["waiting_s"] / 60 for name in names]
    rest = [results[name]["wall_s"] / 60 - w for name, w in zip(names, waiting, strict=True)]
    axes.bar(names, waiting, label="waiting for labels")
    axes.bar(names, rest, bottom=waiting, label="everything else")
    axes.set_xlabel("labels.background")
    axes.set_ylabel("wall time, min")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=150)


def measured(place: Path, name: str) -> dict[str, dict[str, float]]:
    """Run a case, those that sleep all at once, and return what was found."""
    numbers, codes = CASES[name], []
    if name == "sleeping":
        codes = [process.wait() for process in [started(place, name, n) for n in numbers]]
    else:
        codes = [started(place, name, n).wait() for n in numbers]
    if any(codes):
        sys.exit("a run has failed; run this again to go on with it")
    results = {str(n): found(place / f"background-{n}") for n in numbers}
    seconds = results["0"]["waiting_s"] / results["0"]["labels"]
    for one in results.values():
        one["wall_over_waiting"] = one["wall_s"] / (one["own_s"] + seconds * one["labels"])
    return results


def main() -> None:
    """Run a case, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=sorted(CASES))
    name = parser.parse_args().name
    place = Path("runs") / f"background-{name}"
    place.mkdir(parents=True, exist_ok=True)
    results = measured(place, name)
    target = HERE / "results" / f"background_{name}.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(results, indent=1) + "\n")
    drawn(results, target.with_suffix(".png"))
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
