"""How far forces in a cut-out are from those of the whole, by the distance from what is left out.

Run: .venv/bin/python benchmarks/cut_labels.py [--frames 2] [--centres 4]
Some ten minutes on one core. Writes benchmarks/results/cut_labels.json and cut_labels.png.

GFN1-xTB at 3000 K. Two cells are doubled along x and y and rattled by 0.08 Å, so that no two atoms
are alike: an interphase on sodium, from labels of the long run in benchmarks/headline (72 atoms:
Na, O2-, OH-, Cl-; 288 doubled), and dimethoxyethane beside sodium (na_dme64_gfn1 in
benchmarks/data; 256 doubled). Each frame is labelled whole, and in cut-outs around atoms that are
drawn; the core of each is what `labels.cut` would learn. A cut-out that does not converge is
counted and left out.
"""

import argparse
import io
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import ase.io
import matplotlib.pyplot as plt
import numpy as np
from ase import Atoms

from aofl.chemistry.cut_out import cut_out
from aofl.errors import ReferenceFailed
from aofl.reference import TbliteReference, TbliteSettings
from aofl.structure import Structure

HERE = Path(__file__).parent
MARGINS = (3.0, 4.0, 5.0, 6.0)  # Å
SIZES = (80, 120)
VACUUM = 12.0  # Å


def interphase(n_frames: int) -> list[Atoms]:
    """Return labelled structures of the last half of the long run."""
    with tarfile.open(HERE / "headline" / "perchlorate-water-1.tar.xz") as archive:
        file = archive.extractfile("perchlorate-water-1/labels.extxyz")
        text = file.read().decode()
    frames = ase.io.read(io.StringIO(text), ":", format="extxyz")
    return [frames[k] for k in np.linspace(len(frames) // 2, len(frames) - 1, n_frames).astype(int)]


def ether(n_frames: int) -> list[Atoms]:
    frames = ase.io.read(HERE / "data" / "na_dme64_gfn1.extxyz.gz", ":")
    return [frames[k] for k in np.linspace(0, len(frames) - 1, n_frames).astype(int)]


def doubled(atoms: Atoms, seed: int) -> Atoms:
    """Return four copies side by side, no two atoms alike."""
    large = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True) * (2, 2, 1)
    large.rattle(0.08, rng=np.random.default_rng(seed))
    return large


@dataclass
class Comparison:
    """Cut-outs of one size and margin: errors of the atoms of cores, meV/Å, and what they took."""

    size: int
    margin: float
    cores: list[int] = field(default_factory=list)
    metal: list[float] = field(default_factory=list)
    rest: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    failed: int = 0

    def add(
        self, reference: TbliteReference, atoms: Atoms, forces: np.ndarray, centre: int
    ) -> None:
        """Label one cut-out and compare its core with the forces on the whole."""
        cut = cut_out(
            Structure.of(atoms), centre, max_atoms=self.size, margin=self.margin, vacuum=VACUUM
        )
        at, start = cut.structure, perf_counter()
        try:
            label = reference.label(Atoms(at.numbers, at.positions, cell=at.cell, pbc=at.pbc))
        except ReferenceFailed:
            self.failed += 1
            return
        self.seconds.append(perf_counter() - start)
        self.cores.append(len(cut.core))
        off = 1e3 * np.sqrt(np.mean((label.forces - forces[cut.atoms]) ** 2, axis=1))
        is_metal = at.numbers[cut.core] == 11
        self.metal += off[cut.core][is_metal].tolist()
        self.rest += off[cut.core][~is_metal].tolist()

    def to_json(self) -> dict:
        """Return what there is to quote."""
        return {
            "max_atoms": self.size,
            "margin_A": self.margin,
            "core": float(np.mean(self.cores)) if self.cores else None,
            "metal": rms(self.metal),
            "rest": rms(self.rest),
            "label_s": float(np.median(self.seconds)) if self.seconds else None,
            "failed": self.failed,
        }


def compared(frames: list[Atoms], n_centres: int) -> dict:
    """Return errors of forces on cores by size and margin, and what labels took."""
    reference = TbliteReference(TbliteSettings(electronic_temperature=3000.0))
    rng, seconds, forces = np.random.default_rng(1), [], []
    cuts = [Comparison(size, margin) for size in SIZES for margin in MARGINS]
    for k, frame in enumerate(frames):
        atoms, start = doubled(frame, k), perf_counter()
        forces.append(reference.label(atoms).forces)
        seconds.append(perf_counter() - start)
        for centre in rng.choice(len(atoms), n_centres, replace=False):
            for cut in cuts:
                cut.add(reference, atoms, forces[-1], int(centre))
    return {
        "n_atoms": len(atoms),
        "cut_outs": n_centres * len(frames),
        "forces_rms_meV_per_A": 1e3 * float(np.sqrt(np.mean(np.square(forces)))),
        "label_s": float(np.median(seconds)),
        "cores": [cut.to_json() for cut in cuts],
    }


def rms(errors: list[float]) -> float | None:
    return float(np.sqrt(np.mean(np.square(errors)))) if errors else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=2)
    parser.add_argument("--centres", type=int, default=4)
    given = parser.parse_args()
    (HERE / "results").mkdir(exist_ok=True)
    found = {}
    for name, frames in (("interphase", interphase), ("ether", ether)):
        found[name] = compared(frames(given.frames), given.centres)
        print(name, json.dumps(found[name], indent=1), flush=True)
    (HERE / "results" / "cut_labels.json").write_text(json.dumps(found, indent=1))
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), sharey=True)
    for axis, (name, one) in zip(axes, found.items(), strict=True):
        for size in SIZES:
            for kind, style in (("metal", "--"), ("rest", "-")):
                rows = [r for r in one["cores"] if r["max_atoms"] == size and r[kind] is not None]
                axis.plot([r["margin_A"] for r in rows], [r[kind] for r in rows], style, marker="o",
                          label=f"{kind}, {size} atoms")  # fmt: skip
        axis.set(title=f"{name}, {one['n_atoms']} atoms", xlabel="margin, Å")
    axes[0].set_ylabel("force error of the core, meV/Å")
    axes[0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(HERE / "results" / "cut_labels.png", dpi=150)


if __name__ == "__main__":
    main()
