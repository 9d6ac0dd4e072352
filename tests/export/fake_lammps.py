"""Does for `aofl export --verify` what LAMMPS would: reads the files, writes forces and virial.

In the frame of the data file, whose cell is turned, in LAMMPS's units. With `wrong` in its name its
forces are a thousandth too large.
"""

import sys
from pathlib import Path

import ase.io
import numpy as np
import yace_reader
from export_cases import said_by

BAR = 1.6021765e6


def main() -> None:
    if "-h" in sys.argv:
        print("pace lepton table")  # noqa: T201
        return
    folder = Path.cwd()
    commands = (folder / "verify.in").read_text()
    boundary = commands.split("boundary ")[1].splitlines()[0].split()
    atoms = ase.io.read(folder / "structure.data", format="lammps-data", units="metal")
    atoms.pbc = [word == "p" for word in boundary]
    elements = yace_reader.read(folder / "pair.yace")["elements"]
    said = said_by(folder, atoms, elements)
    if "wrong" in sys.argv[0]:
        said.forces *= 1.001
    p = -said.virial / atoms.get_volume() * BAR
    numbers = [said.energies.sum(), p[0, 0], p[1, 1], p[2, 2], p[1, 2], p[0, 2], p[0, 1]]
    (folder / "numbers.txt").write_text(" ".join(f"{x:.17g}" for x in numbers) + "\n")
    rows = [f"{k} {x:.17g} {y:.17g} {z:.17g}" for k, (x, y, z) in enumerate(said.forces, start=1)]
    (folder / "forces.txt").write_text("ITEM\n" * 9 + "\n".join(rows) + "\n")
    assert np.isfinite(said.forces).all()


if __name__ == "__main__":
    main()
