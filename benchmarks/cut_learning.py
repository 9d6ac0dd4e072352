"""What a force field is worth that has seen nothing but cut-outs: its forces on the whole.

Run: .venv/bin/python benchmarks/cut_learning.py
Three minutes on one core. Writes benchmarks/results/cut_learning.json and cut_learning.png.

125 water molecules (375 atoms) by GFN1-xTB, 350 K, 600 steps of mode "aofl" from nothing, labels in
cut-outs of at most 120 atoms with a margin of 4.5 Å. Then frames of the run are labelled whole, and
the forces of the force field are compared with them; beside it stands what the audits of the run
said, which are cut-outs, too.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import ase.io
import matplotlib.pyplot as plt
import numpy as np
from ase import Atoms
from ase.build import molecule

from aofl import ForceField, api
from aofl.config.read import config_from_mapping
from aofl.reference import TbliteReference, TbliteSettings
from aofl.store import RunDirectory

HERE = Path(__file__).parent
FRAMES = (10, 20, 30)  # of the trajectory, 20 steps apart
SIDE, SPACING = 5, 3.15  # molecules along each axis, and Å between them


def water() -> Atoms:
    """Return a box of water, each molecule turned at random."""
    rng, box = np.random.default_rng(0), Atoms(pbc=True, cell=[SIDE * SPACING] * 3)
    for place in np.ndindex(SIDE, SIDE, SIDE):
        one = molecule("H2O")
        one.rotate(rng.uniform(0, 360), rng.normal(size=3))
        one.translate(SPACING * np.array(place) - one.positions[0])
        box += one
    return box


def configuration(start: Path) -> dict:
    """Return the run that is made."""
    return {
        "mode": "aofl",
        "seed": 1,
        "system": {"structure": str(start)},
        "reference": {"name": "tblite", "method": "GFN1-xTB", "electronic_temperature_K": 1000.0},
        "labels": {"cut": {"max_atoms": 120, "margin_A": 4.5}},
        "learning": {"target_force_error_meV_per_A": 300.0},
        "dynamics": {
            "name": "langevin",
            "timestep_fs": 0.5,
            "temperature_K": 350.0,
            "friction_per_ps": 20.0,
            "steps": 600,
        },
        "output": {"trajectory_every": 20, "checkpoint_every": 50},
    }


def on_the_whole(run: RunDirectory) -> tuple[dict[str, float], float, list]:
    """Return the force errors by element, meV/Å, the time of a label, s, and both forces."""
    known = ForceField.load(run.model, on_uncertain="ignore")
    reference = TbliteReference(TbliteSettings(electronic_temperature=1000.0))
    frames = ase.io.read(run.path / "trajectory.0001.extxyz.gz", ":")
    said, true, seconds = [], [], []
    for k in FRAMES:
        label = reference.label(frames[k])
        seconds.append(label.seconds)
        said.append(known.predict(frames[k]).forces)
        true.append(label.forces)
    off = 1e3 * (np.array(said) - np.array(true))
    oxygen = frames[0].numbers == 8
    errors = {
        name: float(np.sqrt(np.mean(off[:, chosen] ** 2)))
        for name, chosen in (("O", oxygen), ("H", ~oxygen))
    }
    return errors, float(np.median(seconds)), [np.ravel(said), np.ravel(true)]


def main() -> None:
    with TemporaryDirectory() as scratch:
        start, out = Path(scratch) / "start.extxyz", Path(scratch) / "run"
        water().write(start)
        began = perf_counter()
        api.run(config_from_mapping(configuration(start)), out)
        run, wall = RunDirectory.open(out), perf_counter() - began
        errors, whole_s, pairs = on_the_whole(run)
        summary = run.read_summary()
    audits = summary["audit_forces_rmse_by_element"]
    found = {
        "labels": summary["labels"],
        "steps": summary["steps"],
        "label_s": summary["wall_s"]["reference"] / summary["labels"],
        "label_of_the_whole_s": whole_s,
        "run_s": wall,
        "on_the_whole_meV_per_A": errors,
        "audits_meV_per_A": {name: 1e3 * value for name, value in audits.items()},
        "audits": summary["n_audit_frames"],
    }
    print(json.dumps(found, indent=1))
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "cut_learning.json").write_text(json.dumps(found, indent=1))
    figure, axis = plt.subplots(figsize=(4, 4))
    axis.plot(pairs[1], pairs[0], ",")
    axis.set(xlabel="whole, by the reference, eV/Å", ylabel="taught by cut-outs, eV/Å")
    figure.tight_layout()
    figure.savefig(HERE / "results" / "cut_learning.png", dpi=150)


if __name__ == "__main__":
    main()
