"""What the settings of the CP2K preset cost, against better ones.

Run: .venv/bin/python benchmarks/cp2k_settings.py    (needs CP2K, about 10 minutes)
Writes benchmarks/results/cp2k_settings.json and .png:

grid       280 Ry, smoothed (the preset) or not, against smoothed 700 Ry: largest difference of a
           force by element and largest net force, meV/Å, on frames of Na16 + H2O
semicore   sodium with one electron against nine at 700 Ry where water has reacted: rms difference
           of the forces by element, meV/Å, on one frame with OH- and H- beside sodium
kpoints    energy of the Na16 slab at Gamma less that on a 2x2x1 Monkhorst-Pack grid, eV per atom
spin       energy of the OH radical, smeared without spin, less that of the doublet, eV
cycles     SCF cycles of a label: from nothing, of consecutive steps of 0.5 fs with either
           extrapolation, and of frames 10 fs apart
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ase.io
import matplotlib.pyplot as plt
import numpy as np
from ase import Atoms
from ase.build import molecule
from matplotlib.axes import Axes

from aofl.config.references import Cp2kConfig
from aofl.records import Label
from aofl.reference.codes.cp2k import Cp2kReference
from aofl.reference.codes.cp2k_output import read_report

HERE = Path(__file__).parent
FRAMES = ase.io.read(HERE / "data" / "aimd_cp2k_na16_h2o_start.extxyz.gz", index=":")
REACTED = ase.io.read(HERE / "data" / "na_water_reacted.extxyz")
N_WATER_ATOMS = 3
FINE = 700.0


def labelled(frames: list[Atoms], **settings: Any) -> tuple[list[Label], list[int]]:
    """Return the labels of frames, one after the other by one process, and their SCF cycles."""
    labels, cycles = [], []
    with TemporaryDirectory(prefix="aofl-settings-") as scratch:
        reference = Cp2kReference(Cp2kConfig(name="cp2k", **settings), Path(scratch))
        try:
            for atoms in frames:
                before = written(Path(scratch))
                labels.append(reference.label(atoms))
                report = read_report(written(Path(scratch))[len(before) :])
                cycles.append(report.cycles or 0)
        finally:
            reference.close()
    print(settings, f"{np.mean([label.seconds for label in labels]):.0f} s a label", flush=True)
    return labels, cycles


def written(scratch: Path) -> str:
    return "".join(path.read_text() for path in sorted(scratch.rglob("*.out")))


def by_element(atoms: Atoms, difference: np.ndarray, measure: Any) -> dict[str, float]:
    symbols = np.array(atoms.get_chemical_symbols())
    return {
        z: 1e3 * float(measure(difference[symbols == z]))
        for z in sorted(set(atoms.get_chemical_symbols()))
    }


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))


def grid() -> dict:
    frames = FRAMES[:: len(FRAMES) // 3][:3]
    fine, _ = labelled(frames, cutoff_Ry=FINE)
    found = {}
    for name, settings in {"smoothed": {}, "rough": {"smooth_xc": False}}.items():
        labels, _ = labelled(frames, **settings)
        off = np.abs([a.forces - b.forces for a, b in zip(labels, fine, strict=True)]).max(axis=0)
        found[name] = {
            "largest_difference_meV_per_A": by_element(frames[0], off, np.max),
            "net_force_meV_per_A": 1e3
            * max(float(np.abs(label.forces.sum(axis=0)).max()) for label in labels),
        }
    return found


def semicore() -> dict:
    (one,), _ = labelled([REACTED])
    (nine,), _ = labelled([REACTED], semicore=True, cutoff_Ry=FINE)
    return {
        "rms_difference_meV_per_A": by_element(REACTED, one.forces - nine.forces, rms),
        "seconds": {"preset": one.seconds, "semicore": nine.seconds},
    }


def kpoints() -> float:
    slab = FRAMES[0][:-N_WATER_ATOMS]
    (gamma,), _ = labelled([slab])
    (dense,), _ = labelled([slab], kpoints=(2, 2, 1))
    return (gamma.energy - dense.energy) / len(slab)


def spin() -> float:
    radical = molecule("OH", cell=[8.0, 8.0, 8.0], pbc=True)
    radical.set_initial_magnetic_moments(None)
    radical.center()
    (closed,), _ = labelled([radical])
    (doublet,), _ = labelled([radical], multiplicity=2)
    return closed.energy - doublet.energy


def cycles() -> dict:
    """Return mean SCF cycles; three labels of each series fill the extrapolation."""
    near, far = FRAMES[:8], FRAMES[::20]
    return {
        "from nothing": mean(labelled(near[:4], keep_wavefunctions=False)[1]),
        **{
            f"{name}, {way}": mean(labelled(frames, extrapolation=way)[1][3:])
            for name, frames in {"consecutive": near, "10 fs apart": far}.items()
            for way in ("previous", "linear")
        },
    }


def mean(values: list[int]) -> float:
    return float(np.mean(values))


def bars(axes: Axes, rows: dict[str, dict[str, float]]) -> None:
    """Draw one bar for each row beside the others, over the elements."""
    width = 0.8 / len(rows)
    for k, (name, off) in enumerate(rows.items()):
        axes.bar(np.arange(len(off)) + (k + 0.5) * width - 0.4, off.values(), width, label=name)
        axes.set_xticks(np.arange(len(off)), off)
    axes.set(ylabel="meV/Å")
    axes.legend()


def plot(found: dict) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5))
    differences = {
        f"280 Ry, {name}": values["largest_difference_meV_per_A"]
        for name, values in found["grid"].items()
    }
    bars(left, differences)
    left.set(title="largest difference from 700 Ry")
    off = found["semicore"]["rms_difference_meV_per_A"]
    right.bar(off.keys(), off.values())
    right.set(ylabel="meV/Å", title="one against nine electrons of Na, rms")
    figure.tight_layout()
    figure.savefig(HERE / "results" / "cp2k_settings.png", dpi=150)


def main() -> None:
    (HERE / "results").mkdir(exist_ok=True)
    found: dict[str, Any] = {}
    for measure in (spin, kpoints, cycles, grid, semicore):
        found[measure.__name__] = measure()
        print(measure.__name__, found[measure.__name__], flush=True)
        (HERE / "results" / "cp2k_settings.json").write_text(json.dumps(found, indent=1))
    plot(found)


if __name__ == "__main__":
    main()
