"""Which atoms are wrong: the rank correlation of what is foretold with the true force error.

Run: .venv/bin/python benchmarks/ranking.py RUN...
RUN are AIMD runs, such as runs/learning/water-1-aimd of benchmarks/learning.py; the frames of
`data/` come on top. Minutes. Writes benchmarks/results/ranking.json and ranking.png.

Spearman's rank correlation over the atoms of one element, on frames between the labels and ahead of
them, of the true error with

    sampled     k_z sqrt(u^2 + sigma_F^2) over draws of the posterior: what a run goes by
    exact       the same with the exact u
    distance    cosine distance to the nearest labelled environment
    local       sqrt(u^2 + sigma_F^2) times the local noise: the residuals that the labelled
                environments of the element have left, each as if it had not been learned, averaged
                by their distance (Nadaraya and Watson), over their mean
"""

import argparse
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from prior import sets, split

from aofl.forcefield.evaluation import rank_correlation
from aofl.forcefield.model import ForceField
from aofl.forcefield.train import structure
from aofl.records import FloatArray, LabelledStructure
from aofl.workflows.assemble import limited_threads

HERE = Path(__file__).parent
SIZES = (10, 40)
WAYS = ("sampled", "exact", "distance", "local")
MOST_LEVERAGE = 0.95


def residuals(force_field: ForceField, labels: list[LabelledStructure]) -> dict[int, tuple]:
    """Return the environments of each element, and what the fit leaves of each but for itself.

    A residual r of the fit is r / (1 - h) without its own row, h = u^2 / sigma_F^2 its leverage.
    """
    found: dict[int, list] = {}
    for entry in labels:
        atoms = structure(entry)
        said = force_field.predict(atoms, forces_std="exact")
        leverage = (said.deviations / force_field.force_noise) ** 2
        left = (said.forces - entry.label.forces) / (1 - np.minimum(leverage, MOST_LEVERAGE))
        environments = force_field.environments(atoms)
        for z in np.unique(entry.numbers):
            chosen = entry.numbers == z
            found.setdefault(int(z), []).append((environments[chosen], left[chosen]))
    return {z: tuple(map(np.concatenate, zip(*parts, strict=True))) for z, parts in found.items()}


def local_noise(environments: FloatArray, known: FloatArray, left: FloatArray) -> FloatArray:
    """Return the local over the mean noise of environments (n, m), from those known (k, m)."""
    distance = 1.0 - environments @ known.T
    weights = np.exp(-0.5 * distance / np.median(distance.min(axis=1)))
    squares = np.mean(left**2, axis=1)
    return np.sqrt(weights @ squares / weights.sum(axis=1) / squares.mean())


def ranked(
    force_field: ForceField, labels: list[LabelledStructure], tested: list[LabelledStructure]
) -> dict[int, dict[str, float]]:
    """Return the rank correlation of each way, by element."""
    known = residuals(force_field, labels)
    foretold: dict[int, list] = {}
    for entry in tested:
        atoms = structure(entry)
        exact = force_field.predict(atoms, forces_std="exact")
        sampled = force_field.predict(atoms, forces_std="sampled")
        error, seen = exact.forces - entry.label.forces, force_field.environments(atoms)
        s = [np.sqrt(x.deviations**2 + force_field.force_noise**2) for x in (sampled, exact)]
        for z, (environments, left) in known.items():
            chosen = entry.numbers == z
            own = seen[chosen]
            far = 1.0 - (own @ environments.T).max(axis=1, keepdims=True)
            local = local_noise(own, environments, left)[:, None] * s[1][chosen]
            row = (error[chosen], s[0][chosen], s[1][chosen], far, local)
            foretold.setdefault(z, []).append(row)
    found = {}
    for z, rows in foretold.items():
        error, *ways = map(np.concatenate, zip(*rows, strict=True))
        found[z] = {w: rank_correlation(x, error) for w, x in zip(WAYS, ways, strict=True)}
    return found


def correlations(labels: list[LabelledStructure]) -> list[dict]:
    learned, tested = split(labels)
    elements = sorted({int(z) for z in labels[0].numbers})
    rows = []
    for size in SIZES:
        force_field = ForceField(elements, "standard")
        for entry in learned[:size]:
            force_field.absorb(structure(entry), entry.label)
        force_field.renew()
        for place, frames in tested.items():
            for z, found in ranked(force_field, learned[:size], frames).items():
                rows.append({"labels": size, "place": place, "element": z, **found})
                shown = {k: round(v, 2) if isinstance(v, float) else v for k, v in rows[-1].items()}
                print(shown, flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", type=Path)
    given = parser.parse_args()
    found = {name: correlations(labels) for name, labels in sets(given.runs)}
    rows = [row for part in found.values() for row in part]
    means = {
        place: {w: float(np.mean([r[w] for r in rows if r["place"] == place])) for w in WAYS}
        for place in ("between", "ahead")
    }
    print(means)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "ranking.json").write_text(
        json.dumps({"by_element": found, "mean": means}, indent=1)
    )
    figure, axes = plt.subplots(figsize=(6, 3.5))
    for k, (place, mean) in enumerate(means.items()):
        axes.bar(np.arange(len(WAYS)) + 0.35 * k, [mean[w] for w in WAYS], 0.35, label=place)
    axes.set_xticks(np.arange(len(WAYS)) + 0.175, WAYS)
    axes.set(ylabel="rank correlation", title="mean over elements and sets")
    axes.legend()
    figure.tight_layout()
    figure.savefig(HERE / "results" / "ranking.png", dpi=150)


if __name__ == "__main__":
    with limited_threads(1):
        main()
