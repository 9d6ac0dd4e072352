"""The chemistry rule: what it sees, when it asks, and that it lets go."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations_with_replacement, product

import numpy as np
import pytest
from ase import Atoms
from ase.data import covalent_radii
from rule_cases import SETTINGS, memory, situation

from aofl.chemistry.snapshot import ChemistrySnapshot, look
from aofl.learning.learner_state import LearnerState
from aofl.learning.rules.chemistry import chemistry
from aofl.learning.rules.reaction_watch import LAST_GAP_FS, ReactionWatch


def water(stretch: float = 0.0) -> Atoms:
    """Water beside a sodium atom, one of its O-H bonds stretched by some Å."""
    positions = [[0, 0, 0], [-0.24, 0.93, 0], [0.97 + stretch, 0, 0], [0, -2.2, 0]]
    return Atoms("OHHNa", positions, cell=[9, 9, 9], pbc=True)


def sighting(*changes: str, species: tuple[str, ...] = (), contacts: tuple[str, ...] = ()):
    return ChemistrySnapshot(
        bonded=np.empty((0, 2), dtype=np.int64),
        changes=changes,
        atom=0 if changes else None,
        species=frozenset(species),
        contacts=frozenset(contacts),
    )


class TestLook:
    def test_the_first_look_has_no_changes_and_names_what_is_there(self) -> None:
        seen = look(water(), None, with_species=True)
        assert seen.changes == ()
        assert [key.partition(":")[0] for key in seen.species] == ["H2O"]
        assert seen.contacts == {"H-O", "Na-O", "H-Na"}
        assert seen.bonded.tolist() == [[0, 1], [0, 2]]

    def test_a_vibration_is_no_change_and_a_broken_bond_is_one(self) -> None:
        bonded = look(water(), None, with_species=False).bonded
        swing = look(water(0.3), bonded, with_species=False)
        assert (swing.changes, swing.species) == ((), frozenset())
        broken = look(water(1.5), swing.bonded, with_species=False)
        assert broken.changes == ("H-O broken",)
        assert broken.atom == 0
        assert {key.partition(":")[0] for key in broken.species} == {"HO", "H"}

    @pytest.mark.parametrize("seed", range(6))
    def test_contacts_are_those_of_a_plain_count_without_the_known_ones(self, seed: int) -> None:
        """All pairs and images one by one, in triclinic cells with any mix of boundaries."""
        rng = np.random.default_rng(seed)
        pbc, cell = rng.random(3) < 0.7, 7.5 * np.eye(3) + rng.uniform(-1, 1, (3, 3))
        atoms = Atoms("Na6O4H4C3F2PLiK", rng.uniform(0, 7.5, (22, 3)), cell=cell, pbc=pbc)
        images = [range(-2, 3) if flag else (0,) for flag in pbc]
        everything = set()
        for i, j in combinations_with_replacement(range(len(atoms)), 2):
            shortest = 1.3 * covalent_radii[atoms.numbers[[i, j]]].sum()
            for image in product(*images):
                vector = atoms.positions[j] + np.array(image) @ cell - atoms.positions[i]
                if np.linalg.norm(vector) < shortest and (i != j or any(image)):
                    everything.add("-".join(sorted((atoms.symbols[i], atoms.symbols[j]))))
        known = set(rng.permutation(sorted(everything))[: len(everything) // 2].tolist())
        assert len(known) > 2
        for told in (set(), known, everything):
            seen = look(atoms, None, with_species=False, known=told)
            assert seen.contacts == everything - told

    def test_it_tells_the_longest_bond_of_each_two_elements(self) -> None:
        bonded = look(water(), None, with_species=False).bonded
        seen = look(water(0.3), bonded, with_species=False)
        assert seen.longest == pytest.approx({"H-O": 1.27})
        apart = Atoms("NaNa", [[0, 0, 0], [3.6, 0, 0]], cell=[9, 9, 9], pbc=True)
        assert look(apart, None, with_species=False).longest == {}  # metals have no bonds

    def test_it_depends_on_neither_origin_nor_images(self) -> None:
        moved = water(1.5)
        moved.positions += [7.3, 8.9, -2.0]
        moved.wrap()
        bonded = look(water(), None, with_species=False).bonded
        here, there = (look(a, bonded, with_species=True) for a in (water(1.5), moved))
        assert (here.changes, here.species, here.contacts) == (
            there.changes, there.species, there.contacts,
        )  # fmt: skip


class TestRule:
    def at(self, step: int, seen: ChemistrySnapshot | None, **changes: object):
        return situation(step=step, sighting=seen, timestep_fs=0.5, **changes)

    def knowing(self, **changes: object) -> LearnerState:
        return memory(watch=ReactionWatch(species=["H2O:1", "HO:2"], contacts=["H-O"]), **changes)

    def test_nothing_new_is_accepted(self) -> None:
        seen = sighting(species=("H2O:1",), contacts=("H-O",))
        for each in (seen, None):
            assert chemistry(self.at(100, each), self.knowing(), SETTINGS).action == "accept"

    def test_an_element_pair_and_a_molecule_never_labelled_always_ask(self) -> None:
        touching = chemistry(
            self.at(100, sighting(contacts=("H-O", "F-Na"))), self.knowing(), SETTINGS
        )
        assert (touching.action, touching.rule) == ("label", "chemistry")
        assert "F-Na" in touching.reason
        strange = chemistry(self.at(100, sighting(species=("HO2:9",))), self.knowing(), SETTINGS)
        assert strange.action == "label"
        assert "HO2" in strange.reason

    def test_a_bond_longer_than_any_that_was_labelled_asks_until_a_label_has_shown_it(self) -> None:
        known = self.knowing()
        known.watch.longest = {"H-O": 1.10}
        for length, action in ((1.12, "accept"), (1.14, "label")):
            seen = replace(sighting(species=("H2O:1",)), longest={"H-O": length})
            found = chemistry(self.at(100, seen), known, SETTINGS)
            assert found.action == action
        assert (found.value, found.unit) == (1.14, "Å")
        assert found.threshold == pytest.approx(1.13)
        known.watch.note_label(seen, 100, is_surprise=False, timestep_fs=0.5)
        assert known.watch.longest == {"H-O": 1.14}
        assert not known.watch.is_on  # a stretched bond is no reaction
        assert chemistry(self.at(104, seen), known, SETTINGS).action == "accept"
        shorter = replace(seen, longest={"H-O": 1.0})
        known.watch.note_label(shorter, 120, is_surprise=False, timestep_fs=0.5)
        assert known.watch.longest == {"H-O": 1.14}

    @pytest.mark.parametrize(
        ("last_label", "can_rewind", "familiar", "action"),
        [(10, True, 0, "rewind"), (10, False, 0, "label"), (95, True, 0, "label"),
         (10, True, 3, "label")],
    )  # fmt: skip
    def test_a_change_is_rewound_once_where_that_helps(
        self, last_label: int, can_rewind: bool, familiar: int, action: str
    ) -> None:
        known = self.knowing(last_label_step=last_label)
        known.watch.familiar["H-O broken"] = familiar
        now = self.at(100, sighting("H-O broken"), can_rewind=can_rewind)
        assert chemistry(now, known, SETTINGS).action == action
        known.watch.note_rewind(100, 0.5)
        assert chemistry(now, known, SETTINGS).action == "label"

    def test_after_a_change_it_asks_at_doubling_gaps_and_then_lets_go(self) -> None:
        known = self.knowing()
        known.watch.note_label(sighting("H-O broken"), 100, is_surprise=False, timestep_fs=0.5)
        asked = []
        for step in range(101, 1000):
            if chemistry(self.at(step, None), known, SETTINGS).action == "label":
                asked.append(step)
                known.watch.note_label(sighting(), step, is_surprise=False, timestep_fs=0.5)
        assert np.diff([100, *asked]).tolist() == [8, 16, 32, 64, 128]
        assert not known.watch.is_on
        assert asked[-1] - 100 <= 2 * LAST_GAP_FS / 0.5

    def test_a_kind_seen_often_costs_less_and_a_surprise_costs_more(self) -> None:
        def labels(watch: ReactionWatch, is_surprise: bool) -> int:
            watch.note_label(sighting("H-O broken"), 0, is_surprise=is_surprise, timestep_fs=1.0)
            n, step = 1, 0
            while watch.is_on and n < 50:
                step = watch.due
                watch.note_label(sighting(), step, is_surprise=False, timestep_fs=1.0)
                n += 1
            return n

        watch = ReactionWatch()
        assert [labels(watch, False) for _ in range(7)] == [6, 5, 4, 3, 2, 1, 1]
        assert labels(watch, True) == 3  # half of seven doublings
        assert [labels(watch, True) for _ in range(3)] == [5, 6, 6]

    def test_a_change_that_comes_again_and_again_is_labelled_now_and_then(self) -> None:
        """A hop every 20 fs, one label in five a surprise: 2000 hops."""
        rng, known, asked = np.random.default_rng(0), self.knowing(), []
        for step in range(0, 80_000, 40):
            now = self.at(step, sighting("H-O broken", "H-O formed"))
            if chemistry(now, known, SETTINGS).action == "label":
                asked.append(step)
                seen, is_surprise = now.sighting, bool(rng.random() < 0.2)
                known.watch.note_label(seen, step, is_surprise=is_surprise, timestep_fs=0.5)
        assert asked[:3] == [0, 40, 80]
        assert 10 < len(asked) < 60
        other = chemistry(self.at(80_000, sighting("C-H broken")), known, SETTINGS)
        assert other.action == "label"

    def test_while_labels_surprise_the_gap_stays(self) -> None:
        watch = ReactionWatch()
        watch.note_label(sighting("H-O broken"), 0, is_surprise=True, timestep_fs=1.0)
        gaps = []
        for _ in range(3):
            watch.note_label(sighting(), watch.due, is_surprise=True, timestep_fs=1.0)
            gaps.append(watch.gap)
        assert gaps == [4, 4, 4]

    def test_the_watch_survives_json(self) -> None:
        watch = ReactionWatch()
        seen = sighting("H-O broken", species=("H2O:1",), contacts=("H-O",))
        watch.note_label(seen, 7, is_surprise=True, timestep_fs=0.5)
        again = ReactionWatch.from_json(json.loads(json.dumps(watch.to_json())))
        assert again == watch
        assert again.is_on
