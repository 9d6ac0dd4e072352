"""How far forces in a cut-out are from those of the whole, by the distance from what is left out.

Run: .venv/bin/python benchmarks/cut_labels.py NAME... [--frames 2] [--centres 4]
Ten minutes to half an hour a name on one core. Writes benchmarks/results/cut_labels_NAME.json and
.png.

Cells are doubled along x and y and rattled by 0.08 Å, so that no two atoms are alike:

interphase  GFN1-xTB at 3000 K, labels of the long run in benchmarks/headline (72 atoms: Na, O2-,
            OH-, Cl-; 288 doubled)
ether       the same, dimethoxyethane beside sodium (na_dme64_gfn1 in benchmarks/data; 256 doubled)
water       PBE-D3(BJ) through CP2K (`make setup-cp2k`), water that has reacted beside sodium
            (na_water_reacted in benchmarks/data; 112 doubled)

Each frame is labelled whole, and in cut-outs around atoms that are drawn; the core of each is what
`labels.cut` would learn. A cut-out that does not converge is counted and left out.
"""

import argparse
import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import ase.io
import matplotlib.pyplot as plt
import numpy as np
from ase import Atoms

from aofl.chemistry.cut_out import cut_out
from aofl.config.references import Cp2kConfig
from aofl.errors import ReferenceFailed
from aofl.records import Label
from aofl.reference import Reference, TbliteReference, TbliteSettings
from aofl.reference.codes.cp2k import Cp2kReference
from aofl.structure import Structure

HERE = Path(__file__).parent
MARGINS = (3.0, 4.0, 5.0, 6.0)  # Å
SIZES = {"interphase": (80, 120), "ether": (80, 120), "water": (50,)}
VACUUM = 8.0  # Å


def interphase(n_frames: int) -> list[Atoms]:
    """Return labelled structures of the last half of the long run."""
    with tarfile.open(HERE / "headline" / "perchlorate-water-1.tar.xz") as archive:
        file = archive.extractfile("perchlorate-water-1/labels.extxyz")
        text = file.read().decode()
    frames = ase.io.read(io.StringIO(text), ":", format="extxyz")
    return [frames[k] for k in np.linspace(len(frames) // 2, len(frames) - 1, n_frames).astype(int)]


def ether(n_frames: int) -> list[Atoms]:
    """Return frames of a run."""
    frames = ase.io.read(HERE / "data" / "na_dme64_gfn1.extxyz.gz", ":")
    return [frames[k] for k in np.linspace(0, len(frames) - 1, n_frames).astype(int)]


def water(n_frames: int) -> list[Atoms]:
    """Return the same structure several times: each is rattled on its own."""
    return [ase.io.read(HERE / "data" / "na_water_reacted.extxyz")] * n_frames


@contextmanager
def opened(name: str) -> Iterator[Reference]:
    """Yield the reference of a system."""
    if name != "water":
        yield TbliteReference(TbliteSettings(electronic_temperature=3000.0))
        return
    with TemporaryDirectory() as scratch:
        reference = Cp2kReference(Cp2kConfig(name="cp2k", keep_wavefunctions=False), Path(scratch))
        try:
            yield reference
        finally:
            reference.close()


def doubled(atoms: Atoms, seed: int) -> Atoms:
    """Return four copies side by side, no two atoms alike."""
    large = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True) * (2, 2, 1)
    large.rattle(0.08, rng=np.random.default_rng(seed))
    return large


@dataclass
class Labels:
    """Labels of a reference, each made once; None where it gave none."""

    reference: Reference
    known: dict[bytes, Label | None] = field(default_factory=dict)

    def of(self, at: Structure) -> Label | None:
        """Return the label of a structure."""
        key = at.positions.tobytes()
        if key not in self.known:
            try:
                self.known[key] = self.reference.label(
                    Atoms(at.numbers, at.positions, cell=at.cell, pbc=at.pbc)
                )
            except ReferenceFailed:
                self.known[key] = None
        return self.known[key]


@dataclass
class Comparison:
    """Cut-outs of one size and margin: errors of the atoms of cores, meV/Å, and what they took."""

    size: int
    margin: float
    cores: list[int] = field(default_factory=list)
    atoms: list[int] = field(default_factory=list)
    metal: list[float] = field(default_factory=list)
    rest: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    failed: int = 0

    def add(self, labels: Labels, whole: Structure, forces: np.ndarray, centre: int) -> None:
        """Label one cut-out and compare its core with the forces on the whole."""
        cut = cut_out(whole, centre, max_atoms=self.size, margin=self.margin, vacuum=VACUUM)
        label = labels.of(cut.structure)
        if label is None:
            self.failed += 1
            return
        self.seconds.append(label.seconds)
        self.cores.append(len(cut.core))
        self.atoms.append(len(cut.atoms))
        off = 1e3 * np.sqrt(np.mean((label.forces - forces[cut.atoms]) ** 2, axis=1))
        is_metal = cut.structure.numbers[cut.core] == 11
        self.metal += off[cut.core][is_metal].tolist()
        self.rest += off[cut.core][~is_metal].tolist()

    def to_json(self) -> dict:
        """Return what there is to quote."""
        return {
            "max_atoms": self.size,
            "margin_A": self.margin,
            "atoms": float(np.mean(self.atoms)) if self.atoms else None,
            "core": float(np.mean(self.cores)) if self.cores else None,
            "metal": rms(self.metal),
            "rest": rms(self.rest),
            "label_s": float(np.median(self.seconds)) if self.seconds else None,
            "failed": self.failed,
        }


def compared(
    reference: Reference, frames: list[Atoms], n_centres: int, sizes: tuple[int, ...]
) -> dict:
    """Return errors of forces on cores by size and margin, and what labels took."""
    rng, labels, wholes = np.random.default_rng(1), Labels(reference), []
    cuts = [Comparison(size, margin) for size in sizes for margin in MARGINS]
    for k, frame in enumerate(frames):
        atoms = doubled(frame, k)
        whole = reference.label(atoms)
        wholes.append(whole)
        print(f"a label of {len(atoms)} atoms: {whole.seconds:.0f} s", flush=True)
        for centre in rng.choice(len(atoms), n_centres, replace=False):
            for cut in cuts:
                cut.add(labels, Structure.of(atoms), whole.forces, int(centre))
    forces = np.concatenate([whole.forces for whole in wholes])
    return {
        "n_atoms": len(atoms),
        "cut_outs": n_centres * len(frames),
        "forces_rms_meV_per_A": 1e3 * float(np.sqrt(np.mean(np.square(forces)))),
        "label_s": float(np.median([whole.seconds for whole in wholes])),
        "cores": [cut.to_json() for cut in cuts],
    }


def rms(errors: list[float]) -> float | None:
    return float(np.sqrt(np.mean(np.square(errors)))) if errors else None


def draw(name: str, found: dict) -> None:
    """Draw the errors over the margin."""
    figure, axis = plt.subplots(figsize=(5, 3.5))
    for size in SIZES[name]:
        for kind, style in (("metal", "--"), ("rest", "-")):
            rows = [x for x in found["cores"] if x["max_atoms"] == size and x[kind] is not None]
            margins, errors = [x["margin_A"] for x in rows], [x[kind] for x in rows]
            axis.plot(margins, errors, style, marker="o", label=f"{kind}, {size} atoms")
    axis.set(title=f"{name}, {found['n_atoms']} atoms", xlabel="margin, Å")
    axis.set_ylabel("force error of the core, meV/Å")
    axis.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(HERE / "results" / f"cut_labels_{name}.png", dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", choices=SIZES)
    parser.add_argument("--frames", type=int, default=2)
    parser.add_argument("--centres", type=int, default=4)
    given = parser.parse_args()
    (HERE / "results").mkdir(exist_ok=True)
    systems = {"interphase": interphase, "ether": ether, "water": water}
    for name in given.names:
        with opened(name) as reference:
            frames = systems[name](given.frames)
            found = compared(reference, frames, given.centres, SIZES[name])
        print(name, json.dumps(found, indent=1), flush=True)
        (HERE / "results" / f"cut_labels_{name}.json").write_text(json.dumps(found, indent=1))
        draw(name, found)


if __name__ == "__main__":
    main()
