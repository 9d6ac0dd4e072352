"""The first Cl-O bond of a perchlorate beside sodium, as the labels of CP2K saw it break.

Run: .venv/bin/python benchmarks/headline/first_break.py RUN
RUN is a run of benchmarks/headline/perchlorate-cp2k.yaml or perchlorate-breaking.yaml; README.md
there says how to unpack one. Seconds. Writes first_break.json and .png to benchmarks/results.

Of each label: the distances of Cl from the four O of the perchlorate, the charge of that O which
left first (Hirshfeld, `REF_charges`), and its sodium neighbours within 3 Å. The O that left is the
one that is farthest from Cl in the first label in which one is beyond 2.6 Å.
"""

import argparse
import json
from pathlib import Path

import ase.io
import matplotlib.pyplot as plt
import numpy as np
from ase import Atoms

from aofl.records.events import ReactionHappened
from aofl.store import RunDirectory, read_events

RESULTS = Path(__file__).parent.parent / "results"
BROKEN, NEAR = 2.6, 3.0  # Å


def distances(atoms: Atoms, atom: int, element: str) -> np.ndarray:
    """Return the distances of an atom from all of an element, Å, infinite for the others."""
    found = atoms.get_distances(atom, range(len(atoms)), mic=True)
    found[np.array(atoms.get_chemical_symbols()) != element] = np.inf
    return found


def followed(labels: list[Atoms]) -> dict:
    """Return what the labels say of the perchlorate, one after the other."""
    chlorine = labels[0].symbols.search("Cl")[0]
    oxygens = np.argsort(distances(labels[0], chlorine, "O"))[:4]
    lengths = np.array([distances(a, chlorine, "O")[oxygens] for a in labels])
    broken = int(np.flatnonzero(lengths.max(axis=1) > BROKEN)[0])
    leaving = int(oxygens[lengths[broken].argmax()])
    return {
        "time_fs": [float(a.info["aofl_time_fs"]) for a in labels],
        "rule": [str(a.info["aofl_rule"]) for a in labels],
        "Cl-O_A": np.sort(lengths, axis=1).round(3).tolist(),
        "charge": [round(float(a.arrays["REF_charges"][leaving]), 3) for a in labels],
        "n_sodium": [int((distances(a, leaving, "Na") < NEAR).sum()) for a in labels],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    directory = RunDirectory.open(parser.parse_args().run)
    labels = sorted(ase.io.read(directory.labels, ":"), key=lambda a: a.info["aofl_step"])
    found, summary = followed(labels), directory.read_summary()
    events = [x for x in read_events(directory.events) if isinstance(x, ReactionHappened)]
    told = ("steps", "labels", "audit_forces_rmse", "n_audit_frames", "wall_s", "speedup")
    record = {
        "reactions": [{"time_fs": x.time_fs, "reaction": x.reaction} for x in events],
        **{name: summary[name] for name in told},
        "labels_seen": found,
    }
    print(json.dumps(record, indent=1, ensure_ascii=False))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "first_break.json").write_text(json.dumps(record, indent=1, ensure_ascii=False))
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
    left.plot(found["time_fs"], found["Cl-O_A"], ".-", lw=0.8)
    left.set(xlabel="time, fs", ylabel="Cl-O, Å", title="each point is a label of CP2K")
    right.plot(found["time_fs"], found["charge"], ".-", lw=0.8, color="tab:red")
    right.set(xlabel="time, fs", ylabel="charge of the O that leaves, e")
    sodium = right.twinx()
    sodium.plot(found["time_fs"], found["n_sodium"], drawstyle="steps-mid", lw=0.8, color="gray")
    sodium.set(ylabel="Na within 3 Å", ylim=(0, 10))
    figure.tight_layout()
    figure.savefig(RESULTS / "first_break.png", dpi=150)


if __name__ == "__main__":
    main()
