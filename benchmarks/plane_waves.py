"""How far plane-wave settings can be trusted: GPAW on an interface, GPAW and pw.x on a molecule.

Run: .venv/bin/python benchmarks/plane_waves.py
Needs `make setup-gpaw`, and `make setup-qe` for pw.x, which is left out if missing. About half
an hour. Writes benchmarks/results/plane_waves.json and .png.

interface  three frames of Na16 + H2O, 10 fs apart: seconds of the first label and of the next two,
           largest net force, rms difference of the forces by element from CP2K PBE-D3, meV/Å;
           of the default, one O, H and Na component less its finite difference
density    the same frames and the default: largest difference of a force by element from a density
           converged to 1e-6, meV/Å, and seconds; a label goes on from the density of the one before
molecule   H2O with one stretched bond in a box of 8 Å, without dispersion: largest difference of a
           force component from GPAW with 900 eV, meV/Å
"""

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ase.io
import matplotlib.pyplot as plt
import numpy as np
from ase import Atoms
from ase.build import molecule
from cp2k_forces import COMPONENTS, FRAMES
from cp2k_settings import HERE, bars, by_element, rms

from aofl.config.references import EspressoConfig, GpawConfig
from aofl.records import Label
from aofl.reference.codes.espresso import EspressoReference
from aofl.reference.codes.gpaw import GpawReference
from aofl.reference.spot_check import numerical_force

PSEUDOPOTENTIALS = "/usr/share/espresso/pseudo"
DEFAULT = "pw, 600 eV"
ON_INTERFACE: dict[str, dict[str, Any]] = {
    DEFAULT: {},
    "pw, 400 eV": {"cutoff_eV": 400.0},
    "lcao, dzp": {"mode": "lcao", "grid_spacing_A": 0.18},
}
TIGHT, DENSITIES = 1e-6, (1e-4, 1e-5)
ON_MOLECULE = {"pw, 900 eV": {"cutoff_eV": 900.0}, **ON_INTERFACE}
INTERFACE = ase.io.read(FRAMES, index="-41::20")


def gpaw(scratch: str, **settings: Any) -> GpawReference:
    return GpawReference(GpawConfig(name="gpaw", **settings), Path(scratch))


def interface(settings: dict[str, Any], *, with_slope: bool) -> dict[str, Any]:
    with TemporaryDirectory(prefix="aofl-plane-waves-") as scratch:
        reference = gpaw(scratch, **settings)
        labels = [reference.label(atoms) for atoms in INTERFACE]
        slopes = {
            element: numerical_force(reference.label, INTERFACE[-1], atom, axis)
            for element, (atom, axis) in (COMPONENTS if with_slope else {}).items()
        }
    off = [a.forces - f.arrays["REF_forces"] for a, f in zip(labels, INTERFACE, strict=True)]
    return {
        "seconds": [label.seconds for label in labels],
        "net_force_meV_per_A": [1e3 * float(np.abs(a.forces.sum(axis=0)).max()) for a in labels],
        "from_cp2k_meV_per_A": [by_element(INTERFACE[0], one, rms) for one in off],
        "from_finite_differences_meV_per_A": {
            element: 1e3 * float(labels[-1].forces[COMPONENTS[element]] - slope)
            for element, slope in slopes.items()
        },
    }


def density() -> dict[str, Any]:
    forces, seconds = {}, {}
    for convergence in (TIGHT, *DENSITIES):
        with TemporaryDirectory(prefix="aofl-plane-waves-") as scratch:
            reference = gpaw(scratch, density_convergence=convergence)
            labels = [reference.label(atoms) for atoms in INTERFACE]
        forces[convergence] = np.array([label.forces for label in labels])
        seconds[convergence] = [label.seconds for label in labels]
    off = {k: np.abs(forces[k] - forces[TIGHT]).max(axis=0) for k in DENSITIES}
    return {
        f"{k:g}": by_element(INTERFACE[0], off[k], np.max) | {"seconds": seconds[k]}
        for k in DENSITIES
    }


def water() -> Atoms:
    atoms = molecule("H2O", cell=[8.0, 8.0, 8.0], pbc=True)
    atoms.positions[1] += 0.15 * (atoms.positions[1] - atoms.positions[0])
    atoms.center()
    return atoms


def on_molecule() -> dict[str, float]:
    labels: dict[str, Label] = {}
    for name, settings in ON_MOLECULE.items():
        with TemporaryDirectory(prefix="aofl-plane-waves-") as scratch:
            labels[name] = gpaw(scratch, dispersion=None, **settings).label(water())
    if shutil.which("pw.x"):
        labels["pw.x, 90 Ry, PAW"] = by_espresso()
    best = labels.pop("pw, 900 eV")
    return {
        name: 1e3 * float(np.abs(label.forces - best.forces).max())
        for name, label in labels.items()
    }


def by_espresso() -> Label:
    config = EspressoConfig(
        name="espresso",
        pseudopotentials={"O": "O.pbe-kjpaw.UPF", "H": "H.pbe-kjpaw.UPF"},
        pseudopotential_directory=PSEUDOPOTENTIALS,
        cutoff_Ry=90.0,
        density_cutoff_Ry=720.0,
        dispersion=None,
    )
    with TemporaryDirectory(prefix="aofl-plane-waves-") as scratch:
        return EspressoReference(config, Path(scratch)).label(water())


def plot(found: dict[str, Any]) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.5))
    differences = {}
    for name, values in found["interface"].items():
        rows = values["from_cp2k_meV_per_A"]
        differences[name] = {z: float(np.mean([row[z] for row in rows])) for z in rows[0]}
    bars(left, differences)
    left.set(title="Na16 + H2O: rms difference from CP2K")
    right.barh(list(found["molecule"]), found["molecule"].values())
    right.set(xlabel="meV/Å", title="H2O: largest difference from 900 eV")
    figure.tight_layout()
    figure.savefig(HERE / "results" / "plane_waves.png", dpi=150)


def main() -> None:
    (HERE / "results").mkdir(exist_ok=True)
    found: dict[str, Any] = {"molecule": on_molecule(), "density": density(), "interface": {}}
    print(found, flush=True)
    for name, settings in ON_INTERFACE.items():
        found["interface"][name] = interface(settings, with_slope=name == DEFAULT)
        print(name, found["interface"][name], flush=True)
        (HERE / "results" / "plane_waves.json").write_text(json.dumps(found, indent=1))
    plot(found)


if __name__ == "__main__":
    main()
