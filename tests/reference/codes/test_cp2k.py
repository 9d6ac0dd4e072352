"""CP2K as a reference, every fault injected by a stand-in for `cp2k_shell`."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.constraints import FixAtoms

from aofl.config.references import Cp2kConfig
from aofl.errors import ConfigError, ReferenceFailed, StructureError
from aofl.reference import LabelLimits
from aofl.reference.codes.cp2k import Cp2kReference
from aofl.reference.codes.cp2k_attempts import CP2K_ATTEMPTS

FAKE = Path(__file__).with_name("fake_cp2k_shell.py")


class Bench:
    """A reference on the stand-in, with a plan of faults and the record of what was evaluated."""

    def __init__(self, directory: Path, plan: list[str], **config) -> None:
        self.plan = directory / "plan.json"
        self.plan.write_text(json.dumps(plan))
        command = [sys.executable, str(FAKE), str(self.plan)]
        chosen = Cp2kConfig(name="cp2k", command=command, **{"timeout_s": 30.0, **config})
        self.work = directory / "work"
        self.reference = Cp2kReference(chosen, self.work)

    @property
    def log(self) -> list[list[str]]:
        return [line.split() for line in self.plan.with_suffix(".log").read_text().splitlines()]

    @property
    def n_processes(self) -> int:
        return len({row[0] for row in self.log})

    def last_input(self) -> str:
        return max(self.work.glob("*.inp")).read_text()


@pytest.fixture
def bench(tmp_path):
    made = []

    def make(*plan: str, **config) -> Bench:
        made.append(Bench(tmp_path, list(plan), **config))
        return made[-1]

    yield make
    for one in made:
        one.reference.close()


@pytest.fixture
def water() -> Atoms:
    positions = [[3.0, 3.0, 3.0], [3.6, 3.0, 3.8], [3.5, 3.1, 2.2], [6.0, 6.0, 6.0]]
    return Atoms("OH2Na", positions, cell=[9.0, 9.0, 9.0], pbc=True)


def test_a_label_is_what_the_code_says(bench, water):
    label = bench().reference.label(water)
    distances = water.get_all_distances()[np.triu_indices(4, 1)]
    assert label.energy == pytest.approx(np.sum(0.5 / distances), abs=1e-12)
    assert np.abs(label.forces.sum(axis=0)).max() < 1e-12
    assert label.charges.tolist() == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert label.stress is None
    assert label.attempts == 1
    assert label.seconds > 0


def test_one_process_serves_all_structures_of_one_system(bench, water):
    here = bench()
    for seed in range(3):
        moved = water.copy()
        moved.rattle(0.05, seed=seed)
        here.reference.label(moved)
    assert (here.n_processes, len(here.log)) == (1, 3)


def test_another_cell_or_composition_begins_in_a_fresh_process(bench, water):
    here = bench()
    here.reference.label(water)
    larger = water.copy()
    larger.cell *= 1.01
    here.reference.label(larger)
    here.reference.label(water[:3])
    assert here.n_processes == 3


def test_without_kept_wave_functions_each_label_has_its_own_process(bench, water):
    here = bench(keep_wavefunctions=False)
    here.reference.label(water)
    here.reference.label(water)
    assert here.n_processes == 2


@pytest.mark.parametrize(
    "fault",
    ["unconverged", "full bands", "silent", "crash", "killed", "error", "garbage", "nan", "short",
     "other structure"],
)  # fmt: skip
def test_every_fault_of_the_code_is_survived_in_a_fresh_process(bench, water, fault):
    here = bench("ok", fault)
    good = here.reference.label(water)
    label = here.reference.label(water)
    assert label.attempts == 2
    assert label.energy == good.energy
    assert np.array_equal(label.forces, good.forces)
    assert here.n_processes == 2
    # The process of a retry has other settings: the next label begins anew, with the first attempt.
    assert here.reference.label(water).attempts == 1


def test_a_hanging_code_is_ended_and_asked_again(bench, water):
    here = bench("hang", timeout_s=1.0)
    label = here.reference.label(water)
    assert label.attempts == 2
    assert label.seconds > 1.0


def test_each_attempt_is_another_way(bench, water):
    here = bench(*["unconverged"] * 9)
    with pytest.raises(ReferenceFailed, match=r"CP2K gave no label for OH2Na in 4 attempts") as e:
        here.reference.label(water)
    inputs = [text for name, text in sorted(e.value.evidence.items()) if name.endswith("inp")]
    assert len(inputs) == len(CP2K_ATTEMPTS)
    assert [s.split("MAX_SCF ")[1].split()[0] for s in inputs] == ["60", "120", "300", "300"]
    assert [s.split("ALPHA ")[1].split()[0] for s in inputs] == ["0.6", "0.6", "0.15", "0.15"]
    assert "SCF_GUESS RESTART" in inputs[3]
    # The grid and the temperature are the level of theory: they are the same in all.
    assert all("CUTOFF 280" in text for text in inputs)
    assert all("ELECTRONIC_TEMPERATURE [K] 1000" in text for text in inputs)
    assert "did not converge" in e.value.evidence["attempt-1.txt"]


def test_the_last_attempt_is_cooled_down_from_a_hot_density(bench, water):
    here = bench(*["unconverged"] * 3)
    assert here.reference.label(water).attempts == 4
    hot, final = sorted(here.work.glob("cp2k-0004-*.inp"))
    assert "ELECTRONIC_TEMPERATURE [K] 5000" in hot.read_text()
    assert "=warm.wfn" in hot.read_text()
    assert "WFN_RESTART_FILE_NAME warm.wfn" in final.read_text()


def test_a_careful_label_begins_anew_and_tighter(bench, water):
    here = bench()
    here.reference.label(water)
    label = here.reference.label(water, careful=True)
    assert here.n_processes == 2
    assert label.attempts == 1
    assert "EPS_SCF 3e-05" in here.last_input()


def test_frozen_atoms_change_nothing(bench, water):
    here = bench()
    free = here.reference.label(water)
    water.set_constraint(FixAtoms([0, 3]))
    fixed = here.reference.label(water)
    assert fixed.forces.tobytes() == free.forces.tobytes()
    assert np.abs(fixed.forces[0]).max() > 0.01
    assert len(water.constraints) == 1


def test_limits_that_are_broken_are_tried_again(bench, water, tmp_path):
    here = bench("large")
    here.reference._limits = LabelLimits(force=60)
    assert here.reference.label(water).attempts == 2


def test_the_abort_of_the_code_is_told(bench, water, tmp_path):
    mine = tmp_path / "mine.inp"
    mine.write_text("&FORCE_EVAL\n &DFT\n  UNKNOWN_KEYWORD 3\n &END\n&END\n")
    here = bench(input=str(mine))
    with pytest.raises(ReferenceFailed, match="ended with code 1 during LOAD: Out of hope"):
        here.reference.label(water)


def test_what_can_never_be_labelled_is_said_at_once(bench, water):
    reference = bench().reference
    with pytest.raises(StructureError, match="no entry for Fe; it knows H, B, C"):
        reference.label(bulk("Fe"))
    with pytest.raises(StructureError, match="with vacuum and set pbc to True"):
        reference.label(Atoms("H2", [[0, 0, 0], [0, 0, 0.7]]))
    water.pbc = (True, True, False)
    with pytest.raises(StructureError, match="pbc along all three axes"):
        reference.label(water)


def test_a_missing_program_or_input_is_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match=r"no_such_cp2k.*make setup-cp2k"):
        Cp2kReference(Cp2kConfig(name="cp2k", command=["no_such_cp2k"]), tmp_path)
    given = Cp2kConfig(name="cp2k", command=[sys.executable], input=str(tmp_path / "none.inp"))
    with pytest.raises(ConfigError, match=r"`reference.input` is .*none.inp, which cannot be read"):
        Cp2kReference(given, tmp_path)


def test_the_level_of_theory_is_what_changes_the_answer(bench, tmp_path):
    plain = bench().reference.describe()
    assert json.loads(json.dumps(plain)) == plain
    assert (plain["code"], plain["version"], plain["method"]) == ("CP2K", "2099.9", "PBE-D3(BJ)")
    same = {"timeout_s": 9.0, "threads": 2, "extrapolation": "linear", "max_iterations": 9}
    assert bench(**same).reference.describe() == plain
    for change in (
        {"cutoff_Ry": 300.0}, {"smooth_xc": False}, {"dispersion": None}, {"functional": "RPBE"},
        {"kpoints": (2, 2, 1)}, {"electronic_temperature_K": 500.0}, {"charge": 1},
    ):  # fmt: skip
        assert bench(**change).reference.describe() != plain
    mine = tmp_path / "mine.inp"
    mine.write_text("&FORCE_EVAL\n&DFT\n&XC\n&XC_FUNCTIONAL BLYP\n&END\n&END\n&END\n&END\n")
    own = bench(input=str(mine)).reference
    assert own.describe()["functional"] == "BLYP"
    assert own.elements_supported() is None
    assert bench().reference.elements_supported() > {"Na", "O", "H", "P", "F"}


def test_a_users_own_input_is_run_as_it_stands(bench, water, tmp_path):
    mine = tmp_path / "mine.inp"
    mine.write_text(
        "&FORCE_EVAL ! mine\n STRESS_TENSOR ANALYTICAL\n &DFT\n  &SCF\n   EPS_SCF 1.0D-6\n"
        "   &OT\n   &END OT\n  &END SCF\n &END DFT\n"
        " &SUBSYS\n  &COORD\n   Fe 0 0 0\n  &END\n  &TOPOLOGY\n   COORD_FILE_NAME x\n  &END\n"
        " &END\n&END FORCE_EVAL\n&MOTION\n &MD\n &END\n&END\n"
    )
    here = bench("unconverged", input=str(mine))
    label = here.reference.label(water)
    assert label.attempts == 2
    assert label.stress.tolist() == [-0.001] * 6  # CP2K counts the other way
    text = here.last_input()
    assert "EPS_SCF 1e-07" in text
    assert "&OT" in text
    for absent in ("Fe", "TOPOLOGY", "MOTION", "ALPHA", "EXTRAPOLATION"):
        assert absent not in text


def test_an_interrupted_label_does_not_answer_for_the_next(bench, water, monkeypatch):
    here = bench()
    good = here.reference.label(water)

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("aofl.reference.codes.cp2k.read_report", interrupt)
        with pytest.raises(KeyboardInterrupt):
            here.reference.label(water)
    moved = water.copy()
    moved.positions[3] += 0.5
    assert here.reference.label(moved).energy != good.energy
    assert here.reference.label(water).energy == good.energy
    assert here.n_processes == 2


def test_outputs_of_a_run_before_are_not_read(bench, water):
    here = bench("silent")
    here.work.mkdir()
    old = "\n  *** SCF run converged in     1 steps ***\n"
    (here.work / "cp2k-0001-0.out").write_text(old)
    assert here.reference.label(water).attempts == 2


def test_no_process_is_left_behind(bench, water):
    here = bench("hang", timeout_s=1.0)
    here.reference.label(water)
    here.reference.close()
    for pid, *_ in here.log:
        assert not Path(f"/proc/{pid}").exists()
