"""Is a reference right for a chemistry? Its energies of substances against what was measured.

Not the validation of a rehearsal (`aofl.workflows.validation`), which scores the rules of learning:
here nothing is learned, the reference itself is looked at.

    H(298 K) of a reaction = sum over substances of n [E_static + zero point + H(298 K) - H(0)],

with the last two from measurements (`aofl.thermochemistry.thermal`), so that what is left of the
difference to the measured enthalpy is the reference's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ase import units
from ase.data import atomic_numbers

from aofl.config.references import ReferenceConfig
from aofl.config.schema import RunConfig
from aofl.errors import ConfigError
from aofl.store import RunDirectory, jsonable, make_directory, write_atomic
from aofl.thermochemistry import verdict
from aofl.thermochemistry.measured import Measured, Substance, read_measured
from aofl.thermochemistry.reactions import Reaction, atomisation, reactions_among
from aofl.thermochemistry.thermal import thermal_enthalpy, zero_point
from aofl.workflows.assemble import opened_reference
from aofl.workflows.build import build
from aofl.workflows.static_energies import MakeWorker, StaticEnergies, Task
from aofl.workflows.worker_pool import run_tasks

FILE = "validation.json"
KIND, FORMAT = "reference validation", 1
EDGE_A = 13.0
KJ_PER_MOL = units.mol / units.kJ  # of 1 eV


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationProgress:
    """What became of one substance: `failure` says why it has no energy."""

    name: str
    n_done: int
    n_all: int
    failure: str | None


def elements_of(config: RunConfig) -> list[str]:
    """Return the elements of the system of a configuration, which is built for that."""
    return sorted(set(build(config).get_chemical_symbols()))


def substances_for(measured: Measured, elements: Collection[str]) -> list[Substance]:
    """Return the substances that consist of these elements, cheap ones first.

    Raises
    ------
    ConfigError
        If one is no element, or nothing is on file for them.
    """
    unknown = [element for element in elements if element not in atomic_numbers or element == "X"]
    if unknown or not elements:
        what = ", ".join(repr(one) for one in unknown) or "empty"
        raise ConfigError(f"`--elements` is {what}; expected symbols of elements, such as Na,O,H")
    chosen = [s for s in measured.substances.values() if s.counts.keys() <= set(elements)]
    if not chosen:
        known = sorted({e for s in measured.substances.values() for e in s.counts})
        raise ConfigError(
            f"no measured substance consists of {', '.join(sorted(elements))}; there are some of "
            f"{', '.join(known)}"
        )
    order = {"atom": 0, "molecule": 1, "solid": 2}
    return sorted(chosen, key=lambda s: (order[s.phase], s.n_atoms))


def validate_reference(
    config: ReferenceConfig,
    elements: Collection[str],
    out: Path,
    *,
    edge: float = EDGE_A,
    workers: int = 1,
    on_progress: Callable[[ValidationProgress], None] = lambda progress: None,
) -> dict[str, Any]:
    """Compute the substances of some elements and write `validation.json`; return what is in it.

    The file is written anew after each substance; a directory that was begun is gone on with. The
    labels are made in other processes, so a script calls this below `if __name__ == "__main__":`.

    Parameters
    ----------
    elements
        Symbols.
    out
        Gets `validation.json`, and the labels it was made from.
    edge
        Length of the cells that sample a crystal, Å; see `aofl.workflows.static_energies`.
    workers
        Processes, each with its own reference code.

    Raises
    ------
    ConfigError
        If the reference code is not there, or nothing was measured of the elements.
    StoreError
        If the directory is in use or cannot be written.
    """
    measured = read_measured()
    chosen = substances_for(measured, elements)
    make_directory(out)
    found: dict[str, Any] = {}
    with RunDirectory(path=out).lock():
        with opened_reference(config, out / "work") as reference:
            about = {
                "kind": KIND,
                "format": FORMAT,
                "aofl": version("aofl"),
                "level_of_theory": reference.describe(),
                "semi_empirical": reference.is_semi_empirical,
                "elements": sorted(elements),
                "edge_A": edge,
            }
        for computed, failures in _computed(config, chosen, out, edge, workers, on_progress):
            found = jsonable({**about, **compared(measured, chosen, computed, failures)})
            text = json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False)
            write_atomic(out / FILE, text.encode() + b"\n")
    return found


def _computed(
    config: ReferenceConfig,
    chosen: Sequence[Substance],
    out: Path,
    edge: float,
    workers: int,
    on_progress: Callable[[ValidationProgress], None],
) -> Iterator[tuple[dict[str, StaticEnergies], dict[str, str]]]:
    """Yield the energies by substance, and why some have none, after each that ends."""
    computed: dict[str, StaticEnergies] = {}
    failures: dict[str, str] = {}
    tasks = [Task(substance=substance, edge=edge) for substance in chosen]
    make = MakeWorker(config=config, directory=out.absolute())
    for ended in run_tasks(tasks, make, n_workers=workers):
        name = chosen[ended.key].name
        if ended.error is None:
            computed[name] = ended.value
        else:
            failures[name] = ended.error
        n_done = len(computed) + len(failures)
        on_progress(
            ValidationProgress(
                name=name, n_done=n_done, n_all=len(chosen), failure=failures.get(name)
            )
        )
        yield computed, failures


def compared(
    measured: Measured,
    chosen: Sequence[Substance],
    computed: Mapping[str, StaticEnergies],
    failures: Mapping[str, str],
) -> dict[str, Any]:
    """Return the energies against the measurements, as plain data, with the verdict in words.

    Parameters
    ----------
    chosen
        The substances that were to be computed.
    computed, failures
        By name: what the reference said, or why it said nothing.
    """
    elements = {element for substance in chosen for element in substance.counts}
    comparer = _Comparer(measured, computed)
    reactions = comparer.of(reactions_among(measured, elements))
    complete = [r for r in reactions if r["computed_kJ_mol"] is not None]
    lengths = [length for s in chosen if s.name in computed for length in _lengths(s, computed)]
    explained = verdict.explanation(
        [comparer.reactions[r["reaction"]] for r in complete if r["grade"] != "unconverged"],
        [r["error_kJ_mol"] for r in complete if r["grade"] != "unconverged"],
    )
    cohesion = [atomisation(s) for s in chosen if s.phase != "atom"]
    return {
        "verdict": verdict.words(
            complete, [one for one in lengths if one["unit"] == "Å"], explained, list(failures)
        ),
        "explanation_kJ_mol": explained,
        "reactions": reactions,
        "atomisation": comparer.of(cohesion),
        "lengths": lengths,
        "substances": [_substance(s, computed, failures) for s in chosen],
        "sources": {
            key: measured.sources[key] for key in sorted({k for s in chosen for k in s.sources})
        },
    }


class _Comparer:
    """Reactions against what was measured of them."""

    def __init__(self, measured: Measured, computed: Mapping[str, StaticEnergies]) -> None:
        substances = measured.substances
        self._substances = substances
        self._measured = {name: s.enthalpy for name, s in substances.items()}
        self._uncertainty = {name: s.uncertainty for name, s in substances.items()}
        self._enthalpy = {
            name: c.energy * KJ_PER_MOL
            + zero_point(substances[name])
            + thermal_enthalpy(substances[name])
            for name, c in computed.items()
        }
        self._static = {name: c.energy * KJ_PER_MOL for name, c in computed.items()}
        self._cell = {
            name: abs(c.energy - c.energy_shorter) * KJ_PER_MOL for name, c in computed.items()
        }
        self.reactions: dict[str, Reaction] = {}

    def of(self, reactions: Sequence[Reaction]) -> list[dict[str, Any]]:
        """Return the lines of some reactions; those with a substance that failed have no number."""
        self.reactions |= {reaction.text: reaction for reaction in reactions}
        return [self._line(reaction) for reaction in reactions]

    def _line(self, reaction: Reaction) -> dict[str, Any]:
        missing = [name for name in reaction.coefficients if name not in self._enthalpy]
        expected = reaction.sum_of(self._measured)
        line: dict[str, Any] = {
            "reaction": reaction.text,
            "measured_kJ_mol": expected,
            "uncertainty_kJ_mol": reaction.uncertainty_of(self._uncertainty),
            "computed_kJ_mol": None,
            "error_kJ_mol": None,
            "missing": missing,
        }
        if missing:
            return line
        got = reaction.sum_of(self._enthalpy)
        cell = sum(abs(n) * self._cell[name] for name, n in reaction.coefficients.items())
        per = self._atoms_of(reaction)
        return line | {
            "computed_kJ_mol": got,
            "static_kJ_mol": reaction.sum_of(self._static),
            "error_kJ_mol": got - expected,
            "cell_kJ_mol": cell,
            "grade": verdict.grade_energy(got - expected, cell, per),
            "wrong_way": verdict.is_wrong_way(expected, got),
        }

    def _atoms_of(self, reaction: Reaction) -> int:
        """Return what an error is divided by: the free atoms of an atomisation, else 1."""
        atoms = sum(n for name, n in reaction.coefficients.items() if name.endswith("(g)"))
        return max(1, round(atoms))


def _lengths(substance: Substance, computed: Mapping[str, StaticEnergies]) -> list[dict[str, Any]]:
    """Return lattice constant, bond and bulk modulus of a substance against the measured ones."""
    got = computed[substance.name]
    constant = substance.cell[0] if substance.cell is not None else None
    triples = (
        ("lattice constant", "Å", constant, got.lattice_constant, verdict.LENGTH),
        ("bond", "Å", substance.bond, got.bond, verdict.LENGTH),
        ("bulk modulus", "GPa", substance.bulk_modulus, got.bulk_modulus, verdict.BULK_MODULUS),
    )
    return [
        {
            "name": substance.name,
            "what": what,
            "unit": unit,
            "measured": expected,
            "computed": value,
            "error_percent": 100.0 * (value / expected - 1.0),
            "grade": verdict.grade(100.0 * (value / expected - 1.0), limits),
        }
        for what, unit, expected, value, limits in triples
        if expected is not None and value is not None
    ]


def _substance(
    substance: Substance, computed: Mapping[str, StaticEnergies], failures: Mapping[str, str]
) -> dict[str, Any]:
    """Return all there is to say of one substance."""
    got = computed.get(substance.name)
    return {
        "name": substance.name,
        "phase": substance.phase,
        "enthalpy_of_formation_kJ_mol": substance.enthalpy,
        "zero_point_kJ_mol": zero_point(substance),
        "thermal_kJ_mol": thermal_enthalpy(substance),
        "sources": list(substance.sources),
        "note": substance.note,
        "failure": failures.get(substance.name),
        "computed": None if got is None else asdict(got),
    }
