"""Four walkers against one: labels per hour, and what the labels are worth.

Run: .venv/bin/python benchmarks/walkers.py [SECONDS]
Writes benchmarks/results/walkers.json and .png. Twice SECONDS (240) and a little.

- Cu24Al8 at 600 K, the effective medium theory of ASE as reference, which sleeps 2 s for each label
  as a code on another machine would: a walker that waits for a label uses no core. Two cores are
  enough for four such walkers.
- A fifth of the steps are audits, so that labels are what the wall time goes into from the first to
  the last second, and the errors are known at every stage.
- Labels are counted as structures of which there is a label, by hash, over all walkers: what a
  walker takes over from another is no label of its own. Rates are from the first label on.
- Errors are those of audits, made before their label was learned; over the second half of the
  audits of each walker, and as they go down with the labels of all.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from ase.build import bulk

from aofl.bayes.error_statistics import total
from aofl.records.rule_names import AUDITS
from aofl.store import CampaignDirectory, read_ledger

HERE = Path(__file__).parent
SECONDS, SLEEP_S = 240.0, 2.0
COUNTS = (1, 4)
HASH = re.compile(rb"[0-9a-f]{64}")

REFERENCE = f"""\
import time
from ase.calculators.emt import EMT

class Remote(EMT):
    def calculate(self, *args, **kwargs):
        time.sleep({SLEEP_S})
        super().calculate(*args, **kwargs)
"""
CONFIG = """\
mode: aofl
seed: 3
system: {{structure: start.extxyz}}
reference: {{name: ase, calculator: remote.Remote}}
force_field: {{accuracy: fast}}
learning: {{target_force_error_meV_per_A: 300, audit_probability: 0.2}}
dynamics:
  {{name: langevin, temperature_K: 600, timestep_fs: 2.0, friction_per_ps: 10, steps: 100000}}
output: {{checkpoint_every: 10}}
walkers: {{count: {count}}}
"""


def measured(count: int, place: Path, seconds: float) -> dict[str, object]:
    """Run so many walkers for a wall time; return labels over time and errors of audits."""
    (place / "run.yaml").write_text(CONFIG.format(count=count))
    campaign = CampaignDirectory(path=place / f"walkers-{count}")
    command = [sys.executable, "-m", "aofl.cli", "run", "run.yaml", "--out", campaign.path.name,
               "--processes", str(count), "--max-walltime", f"{seconds:g}s"]  # fmt: skip
    env = {**os.environ, "PYTHONPATH": f"{place}:{os.environ.get('PYTHONPATH', '')}"}
    began, seen = time.monotonic(), []
    process = subprocess.Popen(command, cwd=place, env=env, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        seen.append((time.monotonic() - began, n_labels(campaign)))
        time.sleep(0.5)
    known = [(t, n) for t, n in seen if n > 0]
    (first, n_first), (last, n_last) = known[0], known[-1]
    return {
        "walkers": count,
        "labels": n_last,
        "labels_per_hour": 3600 * (n_last - n_first) / (last - first),
        "seconds": last - first,
        "labels_over_time": known,
        **errors(campaign, count),
    }


def n_labels(campaign: CampaignDirectory) -> int:
    """Return how many structures have a label in some walker."""
    found: set[bytes] = set()
    for file in campaign.walkers.glob("*/labels.extxyz"):
        found.update(HASH.findall(file.read_bytes()))
    return len(found)


def errors(campaign: CampaignDirectory, count: int) -> dict[str, object]:
    """Return the force RMSE of the later half of the audits of all walkers, and of each audit."""
    later, each = [], []
    for number in range(count):
        ledger = read_ledger(campaign.walker(number).ledger)
        audits = [(line.step, total(line.errors.values())) for line in ledger
                  if line.rule in AUDITS and line.errors]  # fmt: skip
        later += [part for _, part in audits[len(audits) // 2 :]]
        each += [(step, part.rmse) for step, part in audits]
    return {"audit_rmse": total(later).rmse, "audits": len(each), "audit_errors": sorted(each)}


def draw(runs: list[dict[str, object]]) -> None:
    """Draw labels over wall time and errors over steps."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
    for run in runs:
        name = f"{run['walkers']} walker{'s' * (run['walkers'] != 1)}"
        times, labels = np.array(run["labels_over_time"]).T
        left.plot(times, labels, label=name)
        steps, rmse = np.array(run["audit_errors"]).T
        right.plot(steps, 1e3 * rmse, ".", label=name, alpha=0.7)
    left.set(xlabel="wall time, s", ylabel="labels of all walkers")
    right.set(xlabel="step of the walker", ylabel="force RMSE of an audit, meV/Å", yscale="log")
    left.legend()
    right.legend()
    figure.tight_layout()
    figure.savefig(HERE / "results" / "walkers.png", dpi=150)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    (HERE / "results").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        atoms = bulk("Cu", "fcc", a=3.7, cubic=True) * (2, 2, 2)
        atoms.numbers[::4] = 13
        atoms.rattle(0.05, rng=np.random.default_rng(3))
        atoms.write(place / "start.extxyz")
        (place / "remote.py").write_text(REFERENCE)
        runs = [measured(count, place, seconds) for count in COUNTS]
    ratio = runs[1]["labels_per_hour"] / runs[0]["labels_per_hour"]
    found = {"ratio": ratio, "cores": len(os.sched_getaffinity(0)), "runs": runs}
    (HERE / "results" / "walkers.json").write_text(json.dumps(found, indent=1) + "\n")
    draw(runs)
    for run in runs:
        print(
            f"{run['walkers']} walkers: {run['labels_per_hour']:.0f} labels/h, {run['labels']} "
            f"labels, {1e3 * run['audit_rmse']:.1f} meV/Å over {run['audits']} audits"
        )
    print(f"ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
