"""How smooth the prior should take the force field to be, and how large its parts.

Run: .venv/bin/python benchmarks/prior.py RUN...
RUN are AIMD runs, such as runs/learning/water-1-aimd of benchmarks/learning.py, or files of labels,
such as those of `data/reactive`; the frames of `data/` come on top. Some minutes a run. Writes
benchmarks/results/prior.json and .png.

Force RMSE of `standard`, meV/Å, between the labels (frames of the same stretch of the run) and
ahead of them (frames of its later part), for priors of other smoothness (`decay`, `l_weight` of
`aofl.ace.basis.BasisSettings`) and other magnitudes of the three- and four-body parts
(`aofl.forcefield.prior.PRIOR_FORCE`, eV/Å). The first is in use.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from unittest.mock import patch

import matplotlib.pyplot as plt
import numpy as np

from aofl.ace.basis import settings_for
from aofl.forcefield import prior
from aofl.forcefield.evaluation import evaluate
from aofl.forcefield.model import ForceField
from aofl.forcefield.train import structure
from aofl.records import LabelledStructure
from aofl.store import RunDirectory, read_labels
from aofl.workflows.assemble import limited_threads

HERE = Path(__file__).parent
SIZES, N_TEST, SEED = (10, 40), 25, 0


@dataclass(frozen=True)
class Prior:
    """Two settings of a basis, and the force of the three- and four-body parts, eV/Å."""

    l_weight: float
    decay: float
    three: float
    four: float


PRIORS = (
    Prior(4.0, 1.5, 0.87, 0.62),
    Prior(4.0, 1.5, 0.87, 0.25),
    Prior(4.0, 1.5, 0.87, 0.12),
    Prior(4.0, 1.5, 0.87, 0.03),
    Prior(4.0, 1.5, 0.44, 0.31),
    Prior(4.0, 2.0, 0.87, 0.62),
    Prior(2.0, 1.0, 0.44, 0.16),
)


def sets(runs: list[Path]) -> Iterator[tuple[str, list[LabelledStructure]]]:
    for run in runs:
        yield run.name, read_labels(run if run.is_file() else RunDirectory.open(run).labels)
    for path in sorted((HERE / "data").glob("*.extxyz.gz")):
        yield path.name, read_labels(path)


def split(labels: list[LabelledStructure]) -> tuple[list, dict[str, list]]:
    """Return frames to learn, and test frames between and ahead of them."""
    half = len(labels) * 11 // 20
    order = np.random.default_rng(SEED).permutation(half)
    n = max(SIZES)
    ahead = labels[half + (len(labels) - half) // 10 :]
    return [labels[k] for k in order[:n]], {
        "between": [labels[k] for k in order[n : n + N_TEST]],
        "ahead": ahead[:: max(1, len(ahead) // N_TEST)],
    }


def with_prior(force_field: ForceField, chosen: Prior) -> ForceField:
    """Return a force field of the same labels with another prior."""
    settings = replace(force_field.basis.settings, l_weight=chosen.l_weight, decay=chosen.decay)
    other = ForceField(force_field.elements, settings=settings)
    other.data, other.n_labels = force_field.data, force_field.n_labels
    other.reference_energies = force_field.reference_energies
    with patch.dict(prior.PRIOR_FORCE, {3: chosen.three, 4: chosen.four}):
        other.renew()
    return other


def errors_of(labels: list[LabelledStructure]) -> list[dict]:
    learned, tested = split(labels)
    elements = sorted({int(z) for z in labels[0].numbers})
    force_field = ForceField(elements, settings=settings_for("standard", len(elements)))
    rows = []
    for size in SIZES:
        for entry in learned[force_field.n_labels : size]:
            force_field.absorb(structure(entry), entry.label)
        for chosen in PRIORS:
            other = with_prior(force_field, chosen)
            error = {k: 1e3 * evaluate(other, frames).forces_rmse for k, frames in tested.items()}
            rows.append({"labels": size, **asdict(chosen), **error})
            print({k: round(v, 2) for k, v in rows[-1].items()}, flush=True)
    return rows


def relative(found: dict, place: str) -> list[float]:
    """Return the error of each prior over that of the first, geometric mean over sets and sizes."""
    table = np.array([[row[place] for row in rows] for rows in found.values()])
    table = np.log(table.reshape(-1, len(PRIORS)))
    return [float(x) for x in np.exp((table - table[:, :1]).mean(axis=0))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", type=Path)
    given = parser.parse_args()
    found = {}
    for name, labels in sets(given.runs):
        print(name, flush=True)
        found[name] = errors_of(labels)
    means = {place: relative(found, place) for place in ("between", "ahead")}
    for chosen, between, ahead in zip(PRIORS, means["between"], means["ahead"], strict=True):
        print(f"{chosen}: {between:.3f} between, {ahead:.3f} ahead")
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "prior.json").write_text(
        json.dumps({"errors": found, "relative": means}, indent=1)
    )
    figure, axes = plt.subplots(figsize=(6, 4))
    for chosen, x, y in zip(PRIORS, means["between"], means["ahead"], strict=True):
        axes.plot(x, y, "o")
        axes.annotate(", ".join(f"{v:g}" for v in asdict(chosen).values()), (x, y))
    axes.set(xlabel="error between the labels", ylabel="error ahead of them")
    axes.set_title("l_weight, decay, three- and four-body force; first = 1")
    figure.tight_layout()
    figure.savefig(HERE / "results" / "prior.png", dpi=150)


if __name__ == "__main__":
    with limited_threads(1):
        main()
