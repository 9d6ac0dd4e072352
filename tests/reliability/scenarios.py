"""Small runs that show every part of the learning rule, with references that cost a millisecond."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.morse import MorsePotential

from aofl import api
from aofl.config import RunConfig, config_from_mapping
from aofl.learning.rules.policy import RULES
from aofl.records import Verdict
from aofl.reference import AseReference
from aofl.store import read_journal
from aofl.workflows import assemble

STEPS = 45


class FreshReference(AseReference):
    """A calculator without a past: EMT's neighbour list keeps a skin, and an order of sums."""

    def label(self, atoms: Any, *, careful: bool = False) -> Any:
        is_molecular = "H" in atoms.get_chemical_symbols()
        self._calculator = (
            MorsePotential(epsilon=0.6, r0=0.74, rho0=1.4, rcut1=2.2, rcut2=3.2)
            if is_molecular
            else EMT()
        )
        return super().label(atoms, careful=careful)


def crystal() -> Atoms:
    """Return a warm 8-atom Cu/Al crystal: EMT knows both metals."""
    atoms = bulk("Cu", "fcc", a=3.7, cubic=True) * (2, 1, 1)
    atoms.numbers[[1, 6]] = 13
    atoms.rattle(0.05, rng=np.random.default_rng(3))
    return atoms


def pair() -> Atoms:
    """Return two copper atoms among their images: the cheapest system with all parts of a run."""
    return Atoms("Cu2", [[0.0, 0.0, 0.0], [2.3, 0.1, 0.2]], cell=[7, 7, 7], pbc=True)


def collision() -> Atoms:
    """Return H2 and a hydrogen atom on its way to it: a bond forms and one breaks."""
    atoms = Atoms("H3", [[0, 0, 0], [0.74, 0, 0], [3.4, 0.1, 0.0]], cell=[8, 7, 7], pbc=True)
    momenta = np.zeros((3, 3))
    momenta[2, 0] = -0.5
    momenta[0, 0] = 0.02
    atoms.set_momenta(momenta)
    return atoms


def configuration(structure: Path, **changes: Any) -> RunConfig:
    """Return the configuration of a run on a crystal, with dotted changes."""
    data = {
        "mode": "aofl",
        "seed": 5,
        "system": {"structure": str(structure)},
        "force_field": {"accuracy": "fast"},
        "learning": {"target_force_error_meV_per_A": 60.0, "audit_probability": 0.1},
        "dynamics": {
            "name": "nose_hoover",
            "timestep_fs": 3.0,
            "temperature_K": 400.0,
            "steps": STEPS,
        },
        "output": {"trajectory_every": 1, "checkpoint_every": 7},
    }
    return config_from_mapping(data, changes)


def guarded(directory: Path) -> RunConfig:
    """Our rule on a crystal; a guard refuses two steps."""
    return configuration(written(crystal(), directory))


def reactive(directory: Path, **changes: Any) -> RunConfig:
    """Our rule on a collision: it rewinds, labels before, at and after the bonds that change.

    The course of so violent an encounter is chance, and with some seeds it ends in a clean stop.
    """
    own = {
        "seed": 17,
        "dynamics.name": "langevin",
        "dynamics.friction_per_ps": 1.0,
        "dynamics.timestep_fs": 1.0,
        "dynamics.temperature_K": 500.0,
        "dynamics.steps": 70,
        "learning.target_force_error_meV_per_A": 400.0,
        "learning.audit_probability": 0.0,
        "learning.guards.max_temperature_K": 50_000.0,
    }
    return configuration(written(collision(), directory), **{**own, **changes})


def rival(directory: Path) -> RunConfig:
    """The rule of VASP on a crystal."""
    changes = {"mode": "cofl", "learning.cofl_rule": "vasp", "dynamics.name": "bussi"}
    return configuration(written(crystal(), directory), **changes)


def production(directory: Path) -> RunConfig:
    """A frozen force field with audits."""
    structure = written(crystal(), directory)
    teacher = directory / "teacher"
    if not teacher.exists():
        api.run(configuration(structure), teacher)
    changes = {"mode": "mlff", "force_field.model": str(teacher / "model.h5")}
    return configuration(structure, **changes)


def melting(directory: Path, name: str = "nose_hoover") -> RunConfig:
    """A crystal that is heated, held and quenched by our rule."""
    course = [
        {"ps": 0, "K": 200},
        {"ps": 0.06, "K": 900},
        {"ps": 0.09, "K": 900},
        {"ps": 0.09, "K": 100},
    ]
    changes = {"dynamics.name": name, "dynamics.temperature_K": course}
    return configuration(written(crystal(), directory), **changes)


def pressed(directory: Path, cell: str = "full") -> RunConfig:
    """A crystal under a pressure that rises, by our rule: its cell moves."""
    changes = {
        "dynamics.name": "mtk",
        "dynamics.cell": cell,
        "dynamics.pressure_GPa": [{"ps": 0, "GPa": 0}, {"ps": 0.1, "GPa": 3}],
        "dynamics.pressure_time_fs": 300.0,
    }
    return configuration(written(crystal(), directory), **changes)


def pulled(directory: Path) -> RunConfig:
    """A crystal of which a spring pulls a bond, between walls that its atoms reach."""
    course = [{"ps": 0, "A": 2.6}, {"ps": 0.1, "A": 3.2}]
    bias = {
        "restrain": [{"atoms": [0, 1], "length_A": course, "stiffness_eV_per_A2": 2.0}],
        "wall": {"above_A": 0.0, "below_A": 1.8},
    }
    changes = {"dynamics.name": "langevin", "bias": bias}
    return configuration(written(crystal(), directory), **changes)


SCENARIOS: dict[str, Callable[..., RunConfig]] = {
    "guarded": guarded,
    "reactive": reactive,
    "rival": rival,
    "production": production,
    "melting": melting,
    "pressed": pressed,
    "pulled": pulled,
}


def install() -> None:
    """Let the configured reference be a cheap one, and a guard refuse a step of a crystal."""
    assemble.REFERENCES["tblite"] = lambda config, directory: FreshReference(
        None, description={"code": "toy"}
    )
    RULES["aofl"] = (_refuse_step_23_twice, *RULES["aofl"])


def seen(run: Path) -> dict[str, int]:
    """Return what a run was made of: labels, skips, rewinds, bonds, watched labels, audits."""
    ledger, events = read_journal(run / "ledger.jsonl"), read_journal(run / "events.jsonl")
    return {
        "labels": sum(line["action"] == "label" for line in ledger),
        "skips": sum(line["action"] == "skip" for line in ledger),
        "rewinds": sum(event["event"] == "rewind" for event in events),
        "bonds": sum(event["event"] == "bond" for event in events),
        "watched": sum(bool(line["reactive"]) for line in ledger),
        "chemistry": sum(line["rule"] == "chemistry" for line in ledger),
        "audits": sum("audit" in line["rule"] for line in ledger),
    }


def _refuse_step_23_twice(now: Any, state: Any, settings: Any) -> Verdict:
    is_crystal = len(now.symbols) == 8
    refused = is_crystal and now.step == 23 and state.n_rewinds < 2
    return Verdict(action="rewind" if refused else "accept", rule="guard", reason="injected")


def written(atoms: Atoms, directory: Path) -> Path:
    """Write a structure where it is not yet, and return its file."""
    path = directory / f"{atoms.symbols}.extxyz"
    if not path.exists():
        ase.io.write(path, atoms, format="extxyz")
    return path
