"""Pre-equilibration: molecules stay what they are, and what would not is refused."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms

from aofl.config import EquilibrationConfig, InterfaceSystem
from aofl.errors import ReferenceFailed, StructureError
from aofl.records import FloatArray
from aofl.system import Engines, System, build_system
from aofl.system.equilibrate import changed_bond, equilibrate


def packed_system(**more: object) -> InterfaceSystem:
    return InterfaceSystem.model_validate(
        {
            "electrode": {
                "element": "Na", "surface": "bcc100", "size": [2, 2, 4], "frozen_layers": 1,
            },
            "electrolyte": {"molecules": {"DME": 2, "NaPF6": 1, "H2O": 1}, "gap_A": 12.0},
            **more,
        }
    )  # fmt: skip


def built(**more: object) -> System:
    return build_system(packed_system(**more), 4)


def test_molecules_move_the_metal_rests_and_no_bond_changes() -> None:
    system = built(equilibrate={"temperature_K": 600.0})
    assert system.packed is not None
    moved = np.linalg.norm(system.atoms.positions - system.packed.atoms.positions, axis=1)
    slab = system.packed.molecule_of < 0
    assert moved[slab].max() == 0
    assert moved[~slab].min() > 0.01
    assert changed_bond(system.atoms, system.packed) is None
    assert np.allclose(system.atoms.get_momenta(), 0)
    assert [len(one.index) for one in system.atoms.constraints] == [4]


def test_the_seed_alone_decides() -> None:
    one, again = (built(equilibrate={"heat_steps": 30}) for _ in range(2))
    assert np.array_equal(one.atoms.positions, again.atoms.positions)


def test_without_the_section_nothing_moves() -> None:
    system = built()
    assert system.packed is not None
    assert np.array_equal(system.atoms.positions, system.packed.atoms.positions)
    assert not system.is_equilibrated


def test_a_broken_bond_is_seen() -> None:
    packed = built().packed
    assert packed is not None
    atoms = packed.atoms.copy()
    water = np.flatnonzero(packed.molecule_of == packed.molecule_of.max())
    oxygen, hydrogen = water[0], water[1]
    bond = atoms.positions[hydrogen] - atoms.positions[oxygen]
    atoms.positions[hydrogen] += 0.5 * bond
    assert "a bond broke: O" in str(changed_bond(atoms, packed))


def test_a_new_bond_is_seen_also_across_the_boundary() -> None:
    packed = built().packed
    assert packed is not None
    atoms = packed.atoms.copy()
    water = packed.molecule_of == packed.molecule_of.max()
    carbon = int(np.flatnonzero(atoms.symbols == "C")[0])
    oxygen = int(np.flatnonzero(water)[0])
    shift = atoms.positions[carbon] + [0, 0, 1.4] - atoms.positions[oxygen]
    atoms.positions[water] += shift + atoms.cell.array[0]
    assert "a bond formed" in str(changed_bond(atoms, packed))


def engines(energy_and_forces: object) -> Engines:
    return Engines(reference=lambda: energy_and_forces)  # type: ignore[arg-type,return-value]


def test_a_reference_moves_everything_but_frozen_layers() -> None:
    def pull(atoms: Atoms) -> tuple[float, FloatArray]:
        forces = np.zeros((len(atoms), 3))
        forces[:, 0] = 0.02
        return -0.02 * float(atoms.positions[:, 0].sum()), forces

    system = packed_system(equilibrate={"forces": "reference", "relax_steps": 5, "heat_steps": 20})
    found = build_system(system, 4, engines(pull))
    assert found.packed is not None
    moved = np.linalg.norm(found.atoms.positions - found.packed.atoms.positions, axis=1)
    frozen = found.atoms.constraints[0].index
    assert moved[frozen].max() == 0
    assert np.delete(moved, frozen).min() > 1e-4


def test_a_reference_that_tears_molecules_apart_is_stopped() -> None:
    def explode(atoms: Atoms) -> tuple[float, FloatArray]:
        middle = atoms.positions.mean(axis=0)
        return 0.0, 40.0 * (atoms.positions - middle)

    packed = built().packed
    assert packed is not None
    config = EquilibrationConfig(forces="reference", relax_steps=0, heat_steps=100)
    with pytest.raises(StructureError, match=r"a bond .* lower `equilibrate.temperature_K`"):
        equilibrate(packed, config, engines(explode), seed=0)


def test_a_failing_reference_is_said() -> None:
    def fail(atoms: Atoms) -> tuple[float, FloatArray]:
        raise ReferenceFailed("no convergence")

    packed = built().packed
    assert packed is not None
    config = EquilibrationConfig(forces="reference")
    with pytest.raises(StructureError, match="the reference failed: no convergence; use"):
        equilibrate(packed, config, engines(fail), seed=0)
    with pytest.raises(StructureError, match="needs a reference code"):
        equilibrate(packed, config, Engines(), seed=0)
