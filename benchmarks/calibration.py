"""How often the largest error of a frame exceeds the calibrated one, by the ratios known.

Run: nice .venv/bin/python benchmarks/calibration.py [--seeds 12] [--steps 80] [--out DIR]
Half an hour on one core. Sequences and runs that are done are kept, so it can be called again.
Writes benchmarks/results/calibration.json and .png.

The calibration factor c of an element is to be exceeded by the next ratio S (largest true over
largest predicted error of a frame, `aofl.bayes.calibration`) in a fifth of the labels at most.
While few ratios are known, c is widened. Three ways, each with n degrees of freedom:

    none        1
    one-sided   t_0.9(n) / z_0.9      what the 0.8 quantile of |x| is wider by, x signed
    two-sided   t_0.95(n) / z_0.95    what the 0.9 quantile of |x| is wider by

*The same labels for all.* Labels are learned in an order, and each is predicted before it is
learned. Only the first labels of a sequence tell about n = 1, 2, 3, so there are many short
sequences: frames of `data/`, in a row from a random start and in random order, and the labels that
runs of their own asked for. Two intervals of 90 %: `interval` (Wilson) takes every element of every
label for a trial of its own, `interval_sequences` draws whole sequences anew, whose trials go
together.

*Runs of their own.* Each way also makes the same runs, so what it asks for follows its own factor.
"""

import argparse
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import learning
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import ndtri, stdtrit
from scipy.stats import binomtest

from aofl import api
from aofl.bayes.calibration import LEVEL, calibration_factor
from aofl.errors import RunStopped
from aofl.forcefield.model import ForceField
from aofl.forcefield.train import structure
from aofl.learning.element_calibration import ElementCalibration
from aofl.records import LabelledStructure
from aofl.store import RunDirectory, read_labels
from aofl.workflows.assemble import limited_threads

HERE = Path(__file__).parent
WAYS: dict[str, Callable[[int], float]] = {
    "none": lambda _: 1.0,
    "one-sided": lambda n: float(stdtrit(n, 0.9) / ndtri(0.9)),
    "two-sided": lambda n: float(stdtrit(n, 0.95) / ndtri(0.95)),
}
KNOWN = {"1": (1, 1), "2": (2, 2), "3": (3, 3), "4-6": (4, 6), "7-10": (7, 10), "11-19": (11, 19)}
KNOWN |= {">= 20": (20, 10**6)}
SETS = {  # file, accuracy, short and long sequences: 64 atoms at `standard` take seconds a label
    "CP2K water": ("aimd_cp2k_na16_h2o_start.extxyz.gz", "standard", 18, 4),
    "GFN1 ether": ("na_dme64_gfn1.extxyz.gz", "fast", 2, 1),
}
SHORT, LONG = 6, 34  # labels; the first two give no ratio
UNTESTED = 2
ETHER_SEEDS, ETHER_STEPS = 3, 40
NO_BOUNDS = {"LOWEST": 0.0, "HIGHEST": np.inf}
OTHER_RUNS = ("water runs, none", "water runs, two-sided")  # not those of the same labels for all


def ratios_of(labels: list[LabelledStructure], accuracy: str) -> dict[str, list[float]]:
    """Return the ratios S of each element, of labels learned in their order."""
    force_field = ForceField(sorted({int(z) for e in labels for z in e.numbers}), accuracy)
    found: dict[str, list[float]] = {}
    for k, entry in enumerate(labels):
        atoms = structure(entry)
        if k >= UNTESTED:
            said = force_field.predict(atoms, forces_std="sampled")
            error = said.forces - entry.label.forces
            s = np.sqrt(said.deviations**2 + force_field.force_noise**2)
            names = np.array(atoms.get_chemical_symbols())
            for element in sorted(set(names)):
                test = ElementCalibration()
                test.note_errors(error[names == element], s[names == element])
                found.setdefault(element, []).append(test.ratios[-1])
        if k < len(labels) - 1:
            force_field.learn(atoms, entry.label)
    return found


def orders(n_frames: int, n_short: int, n_long: int) -> Iterator[tuple[str, list[int]]]:
    """Yield name and frames of sequences from a trajectory, the long ones first."""
    for number in range(n_long + n_short):
        rng = np.random.default_rng(number)
        length = LONG if number < n_long else SHORT
        first = int(rng.integers(n_frames - length + 1))
        yield f"in a row/{number}", list(range(first, first + length))
        yield f"at random/{number}", rng.permutation(n_frames)[:length].tolist()


def of_sets() -> Iterator[tuple[str, list[LabelledStructure], str]]:
    """Yield name, labels in order and accuracy of the sequences from the frames of `data/`."""
    for name, (file, accuracy, n_short, n_long) in SETS.items():
        frames = read_labels(HERE / "data" / file)
        for order, chosen in orders(len(frames), n_short, n_long):
            yield f"{name}, {order}", [frames[k] for k in chosen], accuracy


def of_runs(
    out: Path, seeds: int, steps: int
) -> Iterator[tuple[str, list[LabelledStructure], str]]:
    """Make the runs, and yield name, labels as they were asked for and accuracy of each."""
    for seed in range(1, seeds + 1):
        for way in WAYS:
            yield (
                f"water runs, {way}/{seed}, {steps} steps",
                labels_asked(out, "water", seed, steps, way),
                "standard",
            )
    for seed in range(1, ETHER_SEEDS + 1):
        labels = labels_asked(out, "ether", seed, ETHER_STEPS, "one-sided")
        yield f"ether runs, one-sided/{seed}, {ETHER_STEPS} steps", labels, "standard"


def labels_asked(
    out: Path, system: str, seed: int, steps: int, way: str
) -> list[LabelledStructure]:
    """Return the labels of a run with one way of widening, made or resumed if it is not done."""
    run = out / f"{system}-{seed}-{steps}-{way}"
    with patch("aofl.bayes.calibration._widening", WAYS[way]):
        try:
            if not run.exists():
                api.run(learning.configuration(system, seed, steps, {"mode": "aofl"}), run)
            elif not learning.is_done(run, steps):
                api.resume(run)
        except RunStopped as error:
            print(f"{run.name}: {error}", flush=True)
    return read_labels(RunDirectory.open(run).labels)


@dataclass(frozen=True)
class Trial:
    """One test of the factor of one element by one label."""

    sequence: str
    n: int
    factor: float
    is_exceeded: bool


def trials(sequences: dict[str, dict[str, list[float]]], way: str, *, bounded: bool) -> list[Trial]:
    """Return every test that one way of widening has met; without bounds, c is not clipped."""
    changes = {"_widening": WAYS[way]} | ({} if bounded else NO_BOUNDS)
    with patch.multiple("aofl.bayes.calibration", **changes):
        return [
            Trial(name, n, factor := calibration_factor(known[:n]), known[n] > factor)
            for name, elements in sequences.items()
            for known in elements.values()
            for n in range(1, len(known))
        ]


def share(found: list[Trial]) -> dict:
    """Return how many of the trials exceeded the factor, with 90 % intervals, and its mean."""
    hits, total = sum(t.is_exceeded for t in found), len(found)
    if not total:
        return {"trials": 0}
    wilson = binomtest(hits, total).proportion_ci(0.9, method="wilson")
    return {
        "trials": total,
        "sequences": len({t.sequence for t in found}),
        "exceeded": hits / total,
        "interval": [wilson.low, wilson.high],
        "interval_sequences": drawn_anew(found),
        "mean_factor": sum(t.factor for t in found) / total,
    }


def drawn_anew(found: list[Trial], n_draws: int = 1000) -> list[float]:
    """Return the 90 % interval of the share when whole sequences are drawn anew."""
    counts: dict[str, tuple[int, int]] = {}
    for t in found:
        hits, total = counts.get(t.sequence, (0, 0))
        counts[t.sequence] = hits + t.is_exceeded, total + 1
    pairs = np.array(list(counts.values()))
    drawn = np.random.default_rng(0).integers(len(pairs), size=(n_draws, len(pairs)))
    hits, total = pairs[drawn].sum(axis=1).T
    return [float(x) for x in np.quantile(hits / total, [0.05, 0.95])]


def by_known(found: list[Trial]) -> dict[str, dict]:
    """Return the share exceeded for each number of ratios known."""
    return {
        name: share([t for t in found if low <= t.n <= high]) for name, (low, high) in KNOWN.items()
    }


def summary(sequences: dict[str, dict[str, list[float]]], out: Path, steps: int) -> dict:
    """Return the shares over the same labels and over runs of their own, and what these asked."""
    sources = sorted({name.split("/")[0] for name in sequences})
    same = {name: x for name, x in sequences.items() if not name.startswith(OTHER_RUNS)}
    found: dict = {"same labels": {}, "without bounds": {}, "by source": {}, "own runs": {}}
    for way in WAYS:
        found["same labels"][way] = by_known(trials(same, way, bounded=True))
        found["without bounds"][way] = by_known(trials(same, way, bounded=False))
        for source in sources:
            part = {k: x for k, x in sequences.items() if k.startswith(f"{source}/")}
            rows = by_known(trials(part, way, bounded=True))
            found["by source"].setdefault(source, {})[way] = rows
        own = {k: x for k, x in sequences.items() if k.startswith(f"water runs, {way}/")}
        seeds = sorted({int(k.split("/")[1].split(",")[0]) for k in own})
        runs = [out / f"water-{seed}-{steps}-{way}" for seed in seeds]
        asked = [len(read_labels(RunDirectory.open(run).labels)) for run in runs]
        found["own runs"][way] = {
            "labels": asked,
            "mean_labels": float(np.mean(asked)),
            "all n": share(trials(own, way, bounded=True)),
            **by_known(trials(own, way, bounded=True)),
        }
    return found


def show(found: dict) -> None:
    for table in ("same labels", "without bounds", "own runs"):
        print(table)
        for way, rows in found[table].items():
            for name, row in rows.items():
                if isinstance(row, dict) and row["trials"]:
                    low, high = row["interval"]
                    print(
                        f"  {way:10} n {name:6} {row['trials']:5} trials  {row['exceeded']:.3f} "
                        f"({low:.3f} to {high:.3f})  factor {row['mean_factor']:.2f}"
                    )
    print({way: round(rows["mean_labels"], 1) for way, rows in found["own runs"].items()}, "labels")


def plot(found: dict, path: Path) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
    for k, (way, rows) in enumerate(found["same labels"].items()):
        known = [(j, row) for j, row in enumerate(rows.values()) if row["trials"]]
        place = np.array([j for j, _ in known]) + 0.12 * (k - 1)
        middle = np.array([row["exceeded"] for _, row in known])
        ends = np.array([row["interval_sequences"] for _, row in known]).T
        off = np.maximum([middle - ends[0], ends[1] - middle], 0.0)
        left.errorbar(place, middle, off, fmt="oXs"[k], capsize=3, label=way)
        right.plot(place, [row["mean_factor"] for _, row in known], "oXs"[k] + "-", label=way)
    left.axhline(1 - LEVEL, color="k", lw=1, ls="--")
    left.set(ylabel="share of labels above the factor", ylim=(0, None))
    right.set(ylabel="mean factor", ylim=(0, None))
    for axes in (left, right):
        axes.set(xlabel="ratios known", xticks=range(len(KNOWN)), xticklabels=list(KNOWN))
        axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--out", type=Path, default=HERE.parent / "runs" / "calibration")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    (HERE / "results").mkdir(exist_ok=True)
    kept = given.out / "ratios.json"
    sequences = json.loads(kept.read_text()) if kept.exists() else {}
    runs = of_runs(given.out, given.seeds, given.steps)
    for name, labels, accuracy in itertools.chain(runs, of_sets()):
        if name not in sequences:
            sequences[name] = ratios_of(labels, accuracy)
            print(name, len(labels), "labels", flush=True)
            kept.write_text(json.dumps(sequences))
    found = summary(sequences, given.out, given.steps)
    (HERE / "results" / "calibration.json").write_text(json.dumps(found, indent=1))
    show(found)
    plot(found, HERE / "results" / "calibration.png")


if __name__ == "__main__":
    with limited_threads(1):
        main()
