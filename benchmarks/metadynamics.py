"""Free energy of an O-H bond that breaks on sodium: learned on the fly, and the reference's.

Run: .venv/bin/python benchmarks/metadynamics.py [--config RUN.yaml] [--steps 12000]
     [--reference-steps 600] [--runs runs/metadynamics] [--each 40] [--by OTHER.yaml]
`make setup-plumed` first. Hours; each run is resumed where it stands, and what is there is shown.
Writes benchmarks/results/NAME.json and .png, NAME being that of the directory of the runs.

The configuration, the example na-water-metadynamics if none is given, runs twice: in mode aofl, and
for a short path in mode aimd, where every force is the reference's (not with --reference-steps 0).
Its PLUMED input has hills along the variable `oh`. Two comparisons:

- the free energies of both from the same number of hills, the number of the short path;
- frames of the learned run, the same number from each stretch of the variable, labelled anew: the
  free energy of the reference is the learned one and -kT ln <exp(-(E_ref - E_ff)/kT)> of each
  stretch (Zwanzig, J. Chem. Phys. 22, 1420 (1954)), here to second order, mean - variance/2kT, with
  its standard error. E_ff is by the model as it is at the end, and the level of all
  stretches together, which no free energy has, is taken off. With --by the reference of another
  configuration labels them, so a better and dearer one corrects the free energy.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import ase.io
import matplotlib.pyplot as plt
import numpy as np
from ase import Atoms, units
from matplotlib.axes import Axes

from aofl import api
from aofl.analysis.metadynamics import POINTS, Hills, bias_of, free_energy
from aofl.config import read_config
from aofl.config.references import ReferenceConfig
from aofl.errors import StoreError
from aofl.forcefield.model import ForceField
from aofl.records import Label
from aofl.report.plumed_output import read_plumed
from aofl.store import RunDirectory, iterate_trajectory, read_labels
from aofl.workflows.examples import example_config
from aofl.workflows.label_frames import label

HERE = Path(__file__).parent
STRETCHES = 8  # of the variable
VARIABLE = "oh"
PLANCK = 4.135667696e-15  # eV s


def advanced(path: Path, config: Path, mode: str, steps: int) -> RunDirectory:
    """Return a run that has made the steps, started or resumed; one that somebody has, as it is."""
    overrides = {"mode": mode, "dynamics.steps": steps}
    try:
        if not path.exists():
            api.run(read_config(config, overrides), path)
        elif steps > RunDirectory.open(path).read_summary()["steps"]:
            api.resume(path, {"dynamics.steps": steps})
    except StoreError as error:
        print(f"{path}: {error}")
    return RunDirectory.open(path)


def hills_of(run: RunDirectory) -> Hills:
    found = read_plumed(run.plumed)
    if found is None or VARIABLE not in found.hills:
        raise SystemExit(f"{run.path} has no hills yet")
    return found.hills[VARIABLE]


def first(hills: Hills, n: int) -> Hills:
    cut = {name: getattr(hills, name)[:n] for name in ("centres", "widths", "heights")}
    return replace(hills, **cut)


def frames_by_variable(run: RunDirectory, each: int) -> list[list[Atoms]]:
    """Return frames of each stretch of the variable, from the whole run, evenly in time."""
    found = read_plumed(run.plumed)
    times, values = found.variables[VARIABLE]
    at = dict(zip(np.round(times, 3).tolist(), values.tolist(), strict=True))
    edges = np.linspace(values.min(), values.max(), STRETCHES + 1)
    held: list[list[Atoms]] = [[] for _ in range(STRETCHES)]
    for atoms in iterate_trajectory(run.trajectory):
        value = at.get(round(float(atoms.info["time_fs"]), 3))
        if value is not None:
            atoms.info["value"] = value
            held[min(int(np.searchsorted(edges, value, "right")) - 1, STRETCHES - 1)].append(atoms)
    return [[f[i] for i in np.unique(np.linspace(0, len(f) - 1, each).astype(int))] if f else []
            for f in held]  # fmt: skip


def labelled(
    frames: list[Atoms], reference: ReferenceConfig, out: Path
) -> list[tuple[Atoms, Label]]:
    """Return those frames that got a label, with it; labels that are in the directory count."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "frames.extxyz"
    ase.io.write(path, [Atoms(a.numbers, a.positions, cell=a.cell, pbc=a.pbc) for a in frames])
    label(path, out, reference)
    by_positions = {x.positions.tobytes(): x.label for x in read_labels(out / "labels.extxyz")}
    written = zip(frames, ase.io.read(path, ":"), strict=True)
    pairs = [(atoms, by_positions.get(same.positions.tobytes())) for atoms, same in written]
    return [(atoms, made) for atoms, made in pairs if made is not None]


def differences(
    run: RunDirectory, each: int, reference: ReferenceConfig, out: Path, kT: float
) -> list[dict]:
    """Return what a reference adds to the learned free energy in each stretch, eV."""
    model, rows = ForceField.load(run.model), []
    for number, frames in enumerate(frames_by_variable(run, each)):
        known = labelled(frames, reference, out / f"{number}") if frames else []
        energies, forces = [], []
        for atoms, made in known:
            guess = model.predict(atoms)
            energies.append(made.energy - guess.energy)
            rest = atoms.numbers != 11
            forces.append(float(np.mean((made.forces - guess.forces)[rest] ** 2)))
        if len(energies) > 1:
            spread = np.var(energies, ddof=1)
            rows.append({
                "variable": float(np.mean([a.info["value"] for a, _ in known])),
                "n": len(energies),
                "difference_eV": float(np.mean(energies) - spread / (2 * kT)),
                "standard_error_eV": standard_error(spread, len(energies), kT),
                "force_rmse_of_molecules_eV_per_A": float(np.sqrt(np.mean(forces))),
            })  # fmt: skip
    weight = np.array([1 / row["standard_error_eV"] ** 2 for row in rows])
    level = float(weight @ [row["difference_eV"] for row in rows] / weight.sum())
    return [row | {"difference_eV": row["difference_eV"] - level} for row in rows]


def standard_error(variance: float, n: int, kT: float) -> float:
    """Return that of mean - variance/2kT of n independent normal numbers."""
    return float(np.sqrt(variance / n + variance**2 * 2 / (n - 1) / (2 * kT) ** 2))


def compared(learned: Hills, reference: Hills) -> dict:
    """Return both free energies after the hills of the shorter run, on one grid, eV."""
    n = min(len(learned.heights), len(reference.heights))
    pair = [first(learned, n), first(reference, n)]
    low = max(h.centres.min() for h in pair)
    high = min(h.centres.max() for h in pair)
    grid = np.linspace(low, high, POINTS)
    free = [-bias_of(h, grid) for h in pair]
    free = [f - f.mean() for f in free]
    return {
        "n_hills": n,
        "variable": grid.tolist(),
        "learned_eV": free[0].tolist(),
        "reference_eV": free[1].tolist(),
        "rms_difference_eV": float(np.sqrt(np.mean((free[0] - free[1]) ** 2))),
    }


def cost(run: RunDirectory) -> dict:
    summary = run.read_summary()
    return {key: summary.get(key) for key in ("steps", "labels", "status", "wall_s")}


def draw(found: dict, path: Path) -> None:
    short = found.get("short_path")
    figure, panels = plt.subplots(
        1, 2 if short else 1, figsize=(11 if short else 6, 4.2), squeeze=False
    )
    draw_free_energy(found, panels[0, 0])
    if short:
        for name in ("learned", "reference"):
            panels[0, 1].plot(short["variable"], short[f"{name}_eV"], label=name)
        panels[0, 1].set_title(f"after {short['n_hills']} hills of each")
    for axes in panels[0]:
        axes.set_xlabel("hydrogens at the oxygen")
        axes.set_ylabel("free energy, eV")
        axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def draw_free_energy(found: dict, axes: Axes) -> None:
    """Draw what was learned, and what the reference says of its frames."""
    free = found["learned"]
    x, y = np.array(free["variable"]), np.array(free["energies_eV"])
    axes.plot(x, y, label=f"learned, {free['n_hills']} hills")
    if free["error_eV"] is not None:
        error = np.array(free["error_eV"])
        axes.fill_between(x, y - error, y + error, alpha=0.25, label="late estimates, one sigma")
    if not (rows := found["perturbation"]):
        return
    at = np.array([row["variable"] for row in rows])
    name = f"labels as {found['labelled_as']}"
    axes.errorbar(
        at, np.interp(at, x, y) + [row["difference_eV"] for row in rows],
        [row["standard_error_eV"] for row in rows], fmt="o", label=name,
    )  # fmt: skip


def thermal_energy(config: Path) -> float:
    """Return kT of a configuration, eV."""
    return float(units.kB * read_config(config).dynamics.initial_temperature)


def barrier(variable: np.ndarray, energies: np.ndarray, kT: float) -> dict | None:
    """Return the first top below the lowest minimum, and kT/h exp(-height/kT), 1/s.

    A top is passed where the free energy has fallen by kT beyond it; None where none is. The rate
    is of transition states at the top, whose number along the variable is left out: an order of
    magnitude.
    """
    start = int(np.argmin(energies))
    down = energies[start::-1]
    tops = np.maximum.accumulate(down)
    beyond = np.flatnonzero(tops - down > kT)
    if not len(beyond):
        return None
    top = int(np.argmax(down[: beyond[0] + 1]))
    height = float(down[top] - down[0])
    return {
        "at": float(variable[start - top]),
        "height_eV": height,
        "rate_per_s": float(kT / PLANCK * np.exp(-height / kT)),
    }


def perturbation(given: argparse.Namespace, learned: RunDirectory) -> list[dict]:
    """Return the differences by the reference that is asked about the frames."""
    asked = given.by or given.config
    out = given.runs / f"labels-{asked.stem}"
    kT = thermal_energy(given.config)
    return differences(learned, given.each, read_config(asked).reference, out, kT)


def summed_up(given: argparse.Namespace) -> dict:
    """Make the runs and return what they say."""
    learned = advanced(given.runs / "aofl", given.config, "aofl", given.steps)
    hills = hills_of(learned)
    free = free_energy(hills)
    found = {
        "learned": {
            "n_hills": len(hills.heights),
            "variable": free.variable.tolist(),
            "energies_eV": free.energies.tolist(),
            "error_eV": None if free.error is None else free.error.tolist(),
            "n_passes": free.n_passes,
        },
        "barrier": barrier(free.variable, free.energies, thermal_energy(given.config)),
        "perturbation": perturbation(given, learned) if given.each else [],
        "labelled_as": (given.by or given.config).stem,
        "cost": {"learned": cost(learned)},
    }
    if given.reference_steps:
        reference = advanced(given.runs / "aimd", given.config, "aimd", given.reference_steps)
        found["short_path"] = compared(hills, hills_of(reference))
        found["cost"]["reference"] = cost(reference)
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--config", type=Path, default=example_config("na-water-metadynamics"))
    arguments.add_argument("--steps", type=int, default=12000)
    arguments.add_argument("--reference-steps", type=int, default=600, help="0 leaves it out")
    arguments.add_argument("--runs", type=Path, default=Path("runs/metadynamics"))
    arguments.add_argument(
        "--each", type=int, default=40, help="frames labelled of a stretch; 0: none"
    )
    arguments.add_argument(
        "--by", type=Path, help="configuration whose reference labels them, if not that of the runs"
    )
    given = arguments.parse_args()
    found = summed_up(given)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    path = results / f"{given.runs.name}.json"
    path.write_text(json.dumps(found, indent=1))
    draw(found, path.with_suffix(".png"))
    print(json.dumps({k: found[k] for k in ("barrier", "perturbation", "cost")}, indent=1))


if __name__ == "__main__":
    main()
