"""What sodium with one valence electron costs where water has reacted.

Run: .venv/bin/python benchmarks/cp2k_semicore.py    (needs CP2K, about 2 minutes)
Writes benchmarks/results/cp2k_semicore.json and .png: rms difference of the forces by element,
meV/Å, between the preset and `semicore: true` at 700 Ry, on one frame with OH- and H- beside
sodium (`data/na_water_reacted.extxyz`, 28 atoms, of the example `na-water-cp2k/reaction.yaml` run
from a model), and the time of a label of each.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import ase.io
import matplotlib.pyplot as plt
import numpy as np

from aofl.config.references import Cp2kConfig
from aofl.reference.cp2k import Cp2kReference

HERE = Path(__file__).parent
FRAME = HERE / "data" / "na_water_reacted.extxyz"
WAYS = {
    "preset": Cp2kConfig(name="cp2k"),
    "semicore": Cp2kConfig(name="cp2k", semicore=True, cutoff_Ry=700.0),
}


def main() -> None:
    atoms = ase.io.read(FRAME)
    labels = {}
    for name, config in WAYS.items():
        with TemporaryDirectory(prefix="aofl-semicore-") as scratch:
            reference = Cp2kReference(config, Path(scratch))
            try:
                labels[name] = reference.label(atoms)
            finally:
                reference.close()
        print(f"{name}: {labels[name].seconds:.0f} s", flush=True)
    difference = labels["preset"].forces - labels["semicore"].forces
    symbols = np.array(atoms.get_chemical_symbols())
    rms = {
        element: 1e3 * float(np.sqrt(np.mean(difference[symbols == element] ** 2)))
        for element in sorted(set(atoms.get_chemical_symbols()))
    }
    seconds = {name: label.seconds for name, label in labels.items()}
    print({element: round(value) for element, value in rms.items()})
    (HERE / "results").mkdir(exist_ok=True)
    found = {"rms_difference_meV_per_A": rms, "seconds": seconds}
    (HERE / "results" / "cp2k_semicore.json").write_text(json.dumps(found, indent=1))
    figure, axes = plt.subplots(figsize=(4, 3))
    axes.bar(list(rms), list(rms.values()))
    axes.set(ylabel="rms difference of forces, meV/Å", title="one against nine electrons of Na")
    figure.tight_layout()
    figure.savefig(HERE / "results" / "cp2k_semicore.png", dpi=150)


if __name__ == "__main__":
    main()
