"""Digests of what a run writes, to show that a change of the code changes no bit of a run.

    .venv/bin/python tools/same_bits.py record before.json    # with the code of before
    .venv/bin/python tools/same_bits.py compare before.json   # with the code of now; exit code 1
                                                              # and the names of what differs

Runs on sodium | water with GFN1-xTB in every mode (the demo's configuration, once with a guard so
tight that steps are refused and made again), and a collision of three atoms that bonds and
surprises rewind; about three minutes. Wall times and sizes of files differ from run to run
and are left out; the rest is digested as it stands on the disk, keys in their order. Digests hold
on one machine: other kernels of the linear algebra take another path.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ase.io
from ase import Atoms

from aofl import api
from aofl.config import read_config
from aofl.errors import RunStopped
from aofl.store import RunDirectory, load_checkpoint, read_journal
from aofl.store.chunks import parts

EXAMPLE = Path(__file__).parents[1] / "examples" / "na-water" / "run.yaml"
# H2 and a third atom on a hard Morse potential: bonds form and break, labels surprise.
COLLISION: dict[str, object] = {
    "seed": 3,
    "reference": {
        "name": "ase",
        "calculator": "ase.calculators.morse.MorsePotential",
        "arguments": {"epsilon": 0.6, "r0": 0.74, "rho0": 1.4, "rcut1": 2.2, "rcut2": 3.2},
    },
    "force_field.accuracy": "fast",
    "learning.target_force_error_meV_per_A": 400.0,
    "learning.audit_probability": 0.0,
    "learning.guards.max_temperature_K": 50_000.0,
    "dynamics.timestep_fs": 1.0,
    "dynamics.temperature_K": 500.0,
    "dynamics.friction_per_ps": 1.0,
    "dynamics.steps": 150,
}
RUNS: dict[str, dict[str, object]] = {
    "aofl": {"dynamics.steps": 600},
    "guarded": {"dynamics.steps": 200, "learning.guards.max_force_eV_per_A": 6.0, "seed": 5},
    "collision": COLLISION,
    "reaction": {**COLLISION, "seed": 5, "learning.target_force_error_meV_per_A": 3000.0},
    "cofl": {"mode": "cofl", "dynamics.steps": 200},
    "vasp": {"mode": "cofl", "learning.cofl_rule": "vasp", "dynamics.steps": 120},
    "aimd": {"mode": "aimd", "dynamics.steps": 40},
    "mlff": {"mode": "mlff", "dynamics.steps": 200},
}
# Sizes of files depend on the digits of wall times.
TIMED = ("seconds", "wall", "reference_seconds", "offsets", "config")


def untimed(value: Any) -> Any:
    """Return JSON values without wall times, order kept."""
    if isinstance(value, dict):
        return {k: untimed(v) for k, v in value.items() if k not in TIMED}
    return [untimed(item) for item in value] if isinstance(value, list) else value


def digest(data: bytes) -> str:
    """Return the first half of a SHA-256."""
    return hashlib.sha256(data).hexdigest()[:32]


def lines(records: list[dict[str, Any]]) -> bytes:
    """Return records as they stand, without wall times and sizes of files."""
    told = [r for r in records if r.get("event") not in ("forecast", "resource_warning")]
    return "\n".join(json.dumps(untimed(record)) for record in told).encode()


def labels(path: Path) -> bytes:
    """Return the labels without their wall times."""
    words = (
        w for w in path.read_text().split(" ") if not w.startswith(("aofl_seconds=", "aofl_wall"))
    )
    return " ".join(words).encode()


def checkpoint(directory: RunDirectory) -> Iterator[bytes]:
    """Yield arrays and state of the last checkpoint."""
    found = load_checkpoint(directory.checkpoint)
    yield json.dumps(untimed(found.state)).encode()
    for name, array in found.arrays.items():
        yield name.encode() + array.tobytes()


def digests(path: Path) -> dict[str, str]:
    """Return the digest of each file of a run."""
    directory = RunDirectory.open(path)
    trajectory = (gzip.decompress(part.read_bytes()) for part in parts(directory.trajectory))
    return {
        "labels": digest(labels(directory.labels)),
        "ledger": digest(lines(read_journal(directory.ledger))),
        "events": digest(lines(read_journal(directory.events)).replace(f"{path}".encode(), b"")),
        "thermo": digest(directory.thermo.read_bytes()),
        "trajectory": digest(b"".join(trajectory)),
        "checkpoint": digest(b"".join(checkpoint(directory))),
        "model": digest(directory.model.read_bytes()) if directory.model.exists() else "",
        "summary": digest(" ".join(directory.read_summary()).encode()),
    }


def collision(directory: Path) -> Path:
    """Write H2 and a hydrogen atom on its way to it, and return the file."""
    atoms = Atoms("H3", [[0, 0, 0], [0.74, 0, 0], [3.4, 0.1, 0.0]], cell=[8, 7, 7], pbc=True)
    atoms.set_momenta([[0.02, 0, 0], [0, 0, 0], [-0.5, 0, 0]])
    path = directory / "collision.extxyz"
    ase.io.write(path, atoms, format="extxyz")
    return path


def measure() -> dict[str, dict[str, str]]:
    """Make the runs and return their digests."""
    found = {}
    with TemporaryDirectory() as scratch:
        for name, changes in RUNS.items():
            out = Path(scratch) / name
            if name == "mlff":
                changes = {**changes, "force_field.model": f"{scratch}/aofl/model.h5"}
            if name in ("collision", "reaction"):
                changes = {**changes, "system": {"structure": str(collision(Path(scratch)))}}
            with suppress(RunStopped):  # as "guarded" does; its files are digested all the same
                api.run(read_config(EXAMPLE, changes), out)
            found[name] = digests(out)
            events = read_journal(RunDirectory.open(out).events)
            rewinds = sum(event["event"] == "rewind" for event in events)
            found[name]["rewinds"] = str(rewinds)
            print(name, found[name], flush=True)
    return found


def main(verb: str, path: Path) -> int:
    """Record digests, or compare with them."""
    found = measure()
    if verb == "record":
        path.write_text(json.dumps(found, indent=1) + "\n")
        return 0
    before = json.loads(path.read_text())
    other = [f"{run}/{file}" for run in found for file in found[run]
             if found[run][file] != before[run][file]]  # fmt: skip
    print("different: " + ", ".join(other) if other else "not a bit differs")
    return int(bool(other))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
