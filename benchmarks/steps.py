"""What a step costs beside its kernels: a quiet step of `aofl`, a large cell through ASE, `mlff`.

Run: .venv/bin/python benchmarks/steps.py
Writes benchmarks/results/steps.json and .png. Ten minutes, most of it the labels of the first part.

- quiet: Na54 + 4 H2O (66 atoms) with GFN1-xTB at 300 K: steps without a label, from one call of the
  integrator to the next, over the bare kernel (forces and deviations of the atomic energies) of the
  same force field at the same frame. One thread, its own time, which other users of the machine do
  not lengthen; means over the last steps, so looks at the deviations of the forces are in them.
- large: 49,600 atoms of Na | ether through ASE's calculator, one thread, neighbour lists included.
- mlff: 248 atoms of Na | ether with a frozen `standard` force field, two threads, whole run of the
  command line's path; ns a day at 0.5 fs from the wall time of the steps without an audit (a label
  of the reference takes as long as thousands of steps, and audits become rare in a long run).
"""

import json
import tempfile
from pathlib import Path
from time import perf_counter, thread_time

import ase.io
import matplotlib.pyplot as plt
import numpy as np

from aofl import api
from aofl.ace.evaluate import energy_forces
from aofl.config.read import config_from_mapping
from aofl.forcefield.model import ForceField
from aofl.forcefield.structure import neighbors_and_species
from aofl.forcefield.train import train
from aofl.simulation.run_state import Run
from aofl.store import read_labels
from aofl.structure import Structure
from aofl.workflows.assemble import limited_threads

HERE = Path(__file__).parent
CELL = HERE / "data" / "bench_na_dme_248.xyz"
TIMESTEP_FS = 0.5
QUIET, STEPS, REPEATS = 1200, 400, (5, 5, 8)

WATER = {
    "mode": "aofl",
    "seed": 1,
    "system": {
        "electrode": {
            "element": "Na", "surface": "bcc100", "lattice_constant_A": 4.20, "size": [3, 3, 6],
        },
        "electrolyte": {"molecules": {"H2O": 4}, "gap_A": 9.0, "min_distance_A": 2.0},
    },
    "reference": {"name": "tblite", "method": "GFN1-xTB", "electronic_temperature_K": 3000.0},
    "learning": {"target_force_error_meV_per_A": 500.0},
    "dynamics": {
        "name": "langevin", "timestep_fs": TIMESTEP_FS, "temperature_K": 300.0,
        "friction_per_ps": 5.0, "steps": QUIET,
    },
    "output": {"trajectory_every": 100, "thermo_every": 10, "checkpoint_every": 500},
}  # fmt: skip


def quiet() -> dict[str, float]:
    """Return the time of a step without a label and of its bare kernel, ms."""
    rows: list[tuple[float, int]] = []
    seen: dict[str, object] = {}

    def note(run: Run) -> None:
        rows.append((thread_time(), len(run.calculator.oracle.ids)))
        seen.update(force_field=run.calculator.force_field, atoms=run.atoms.copy())

    with tempfile.TemporaryDirectory() as scratch:
        api.run(config_from_mapping(WATER, source="steps.py"), Path(scratch) / "run", on_step=note)
    times, labels = (np.array(x) for x in zip(*rows, strict=True))
    is_quiet = (np.diff(labels) == 0)[-STEPS:]
    step = 1e3 * float(np.mean(np.diff(times)[-STEPS:][is_quiet]))
    with limited_threads(1):
        kernel = bare_kernel(seen["force_field"], seen["atoms"])
    return {"step_ms": step, "kernel_ms": kernel, "ratio": step / kernel}


def bare_kernel(force_field: ForceField, atoms: ase.Atoms) -> float:
    """Return the time of forces and deviations of the atomic energies from a neighbour list, ms."""
    basis, learned = force_field.basis, force_field.learned
    near, species = neighbors_and_species(basis, Structure.of(atoms))
    times = []
    for _ in range(300):
        start = thread_time()
        energy_forces(basis, learned.weights, near, species, learned.draws)
        times.append(thread_time() - start)
    return 1e3 * float(np.median(times))


def large(force_field: ForceField) -> dict[str, float]:
    """Return seconds a step of 49,600 atoms, lists that are made anew included."""
    atoms, rng = ase.io.read(CELL) * REPEATS, np.random.default_rng(0)
    atoms.calc, times = force_field, []
    velocities = rng.normal(0, 0.006, atoms.positions.shape)  # Å a step: 0.5 fs at 400 K
    with limited_threads(1):
        for _ in range(42):
            atoms.positions += velocities
            start = thread_time()
            atoms.get_forces()
            times.append(thread_time() - start)
    return {"atoms": len(atoms), "step_s": float(np.mean(times[2:]))}


def mlff(force_field: ForceField) -> dict[str, float]:
    """Return ns a day of a run with a frozen force field on two threads."""
    rows: list[tuple[float, int]] = []
    with tempfile.TemporaryDirectory() as scratch:
        model = Path(scratch) / "model.h5"
        force_field.level = None  # the labels came from a version of the reference before this one
        force_field.save(model, for_production=True)
        start = Path(scratch) / "start.extxyz"
        ase.io.write(start, ase.io.read(CELL))
        config = {
            **WATER,
            "mode": "mlff",
            "threads": 2,
            "system": {"name": "file", "structure": str(start)},
            "force_field": {"name": "ace", "model": str(model)},
            "learning": {
                "target_force_error_meV_per_A": 20_000.0, "audit_probability": 0.0,
                "guards": {"max_temperature_K": 1e6},
            },
            "dynamics": {**WATER["dynamics"], "temperature_K": 100.0, "steps": STEPS},
        }  # fmt: skip
        api.run(
            config_from_mapping(config, source="steps.py"),
            Path(scratch) / "run",
            on_step=lambda run: rows.append((perf_counter(), len(run.calculator.oracle.ids))),
        )
    times, labels = (np.array(x) for x in zip(*rows, strict=True))
    step = np.diff(times)[np.diff(labels) == 0][50:]
    per_day = 86400 / np.array([np.mean(step), np.quantile(step, 0.1)]) * TIMESTEP_FS * 1e-6
    return {"ns_per_day": float(per_day[0]), "ns_per_day_least_disturbed": float(per_day[1])}


def main() -> None:
    found = {"quiet": quiet()}
    print(found, flush=True)
    labels = read_labels(HERE / "data" / "na_dme64_gfn1.extxyz.gz")[::10]
    with limited_threads(1):
        force_field = train(labels)
    found["large"] = large(force_field)
    print(found["large"], flush=True)
    found["mlff"] = mlff(force_field)
    print(found["mlff"], flush=True)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "steps.json").write_text(json.dumps(found, indent=1))
    figure, axes = plt.subplots(figsize=(5, 2.2))
    axes.barh(
        ["bare kernel", "quiet step"], [found["quiet"][f"{k}_ms"] for k in ("kernel", "step")]
    )
    axes.set(xlabel="ms, 66 atoms, one thread")
    figure.tight_layout()
    figure.savefig(HERE / "results" / "steps.png", dpi=150)


if __name__ == "__main__":
    main()
