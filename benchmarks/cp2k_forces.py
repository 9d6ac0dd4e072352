"""Whether the forces of the CP2K preset are the slope of its energy, and sum to nothing.

One O, one H and one Na component against energies 0.005 Å to either side, and the net force over
frames of Na16 + H2O. Passing is <= 5 meV/Å for the components and <= 30 meV/Å for the mean of
the net force (its largest Cartesian component). This tests consistency and the grid, not
convergence with it: compare forces at 500 to 700 Ry for that.

    python benchmarks/cp2k_forces.py [--frames 6] [--cutoff 280]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import ase.io
import numpy as np

from aofl.config.references import Cp2kConfig
from aofl.reference.codes.cp2k import Cp2kReference
from aofl.reference.spot_check import STEP, numerical_force

HERE = Path(__file__).parent
FRAMES = HERE / "data" / "aimd_cp2k_na16_h2o_start.extxyz.gz"
# Of the last frame: the oxygen, one hydrogen, and the sodium nearest to them.
COMPONENTS = {"O": (16, 2), "H": (17, 0), "Na": (13, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=6)
    parser.add_argument("--cutoff", type=float, default=280.0)
    parser.add_argument("--rough", action="store_true", help="without smoothing")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "cp2k_forces.json")
    chosen = parser.parse_args()
    config = Cp2kConfig(name="cp2k", cutoff_Ry=chosen.cutoff, smooth_xc=not chosen.rough)
    frames = ase.io.read(FRAMES, index=":")
    picked = [frames[int(k)] for k in np.linspace(0, len(frames) - 1, chosen.frames)]
    with tempfile.TemporaryDirectory() as directory:
        reference = Cp2kReference(config, Path(directory))
        labels = [reference.label(atoms) for atoms in picked]
        net = [float(np.abs(label.forces.sum(axis=0)).max()) for label in labels]
        off = [
            float(np.abs(label.forces - atoms.arrays["REF_forces"]).max())
            for label, atoms in zip(labels, picked, strict=True)
        ]
        errors = {
            element: float(
                labels[-1].forces[atom, axis]
                - numerical_force(reference.label, picked[-1], atom, axis)
            )
            for element, (atom, axis) in COMPONENTS.items()
        }
        level = reference.describe()
        reference.close()
    result = {
        "level_of_theory": level,
        "step_A": STEP,
        "force_error_meV_per_A": {k: 1e3 * v for k, v in errors.items()},
        "net_force_mean_meV_per_A": 1e3 * float(np.mean(net)),
        "net_force_max_meV_per_A": 1e3 * max(net),
        "largest_difference_from_recorded_meV_per_A": 1e3 * max(off),
        "seconds_by_frame": [label.seconds for label in labels],
        "passes": max(map(abs, errors.values())) <= 5e-3 and float(np.mean(net)) <= 30e-3,
    }
    chosen.out.parent.mkdir(exist_ok=True)
    chosen.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
