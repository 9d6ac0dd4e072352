"""A real child process that speaks i-PI: one for many labels, ended for sure, faults survived."""

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from aofl.config.references import SocketConfig
from aofl.errors import ConfigError, ReferenceFailed
from aofl.reference.codes.socket_reference import SocketReference

CLIENT = str(Path(__file__).with_name("i_pi_client.py"))


def configured(*faults, **changes):
    given = {
        "name": "socket",
        "command": [sys.executable, CLIENT, "{socket}", "start.xyz", *faults],
        "method": "EMT",
        **changes,
    }
    return SocketConfig(**given)


@pytest.fixture
def make(tmp_path):
    """Makes references and closes them at the end."""
    made = []

    def reference(*faults, **changes):
        made.append(SocketReference(configured(*faults, **changes), tmp_path / "work"))
        return made[-1]

    yield reference
    for each in made:
        each.close()


def crystal(seed, n=1):
    atoms = bulk("Cu", cubic=True) * (n, 1, 1)
    atoms.rattle(0.1, seed=seed)
    return atoms


def is_running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def answers(tmp_path):
    return [
        int(line.split()[0]) for line in (tmp_path / "work" / "answers").read_text().splitlines()
    ]


def test_one_process_labels_many_structures_rightly_and_is_ended(make, tmp_path):
    reference = make()
    for seed in range(3):
        atoms = crystal(seed)
        if seed == 2:
            atoms.set_cell(atoms.cell * 1.01, scale_atoms=True)  # the protocol sends cells too
        label = reference.label(atoms)
        atoms.calc = EMT()
        assert label.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
        assert np.allclose(label.forces, atoms.get_forces(), atol=1e-9)
        assert np.allclose(label.stress, atoms.get_stress(), atol=1e-9)
    assert len(set(answers(tmp_path))) == 1
    process = answers(tmp_path)[0]
    assert is_running(process)
    reference.close()
    assert not is_running(process)
    assert not list(Path("/tmp").glob(f"ipi_aofl_{os.getpid()}_*"))  # noqa: S108 - ASE puts it there


def test_another_kind_of_structure_gets_another_process(make, tmp_path):
    reference = make()
    assert len(reference.label(crystal(0)).forces) == 4
    assert len(reference.label(crystal(0, n=2)).forces) == 8
    first, second = answers(tmp_path)
    assert first != second
    assert not is_running(first)


def test_a_virial_of_zeros_is_no_stress(make):
    assert make("no-stress").label(crystal(0)).stress is None


def test_a_process_that_ends_is_told_and_the_next_label_starts_another(make, tmp_path):
    reference = make("crash")
    reference.label(crystal(0))
    with pytest.raises(ReferenceFailed, match="broke off the connection"):
        reference.label(crystal(1))
    assert reference.label(crystal(1)).forces.shape == (4, 3)
    assert len(set(answers(tmp_path))) == 2


def test_what_the_program_said_last_is_told(make):
    with pytest.raises(ReferenceFailed, match="no licence for this program"):
        make("refuse").label(crystal(0))


@pytest.mark.parametrize("fault", ["silent", "hang"])
def test_a_process_that_does_not_answer_is_ended(make, tmp_path, fault):
    reference = make(fault, timeout_s=3.0)
    start = time.monotonic()
    with pytest.raises(ReferenceFailed, match=r"no answer within 3 s.*timeout_s"):
        reference.label(crystal(0))
    assert time.monotonic() - start < 60
    assert not is_running(int((tmp_path / "work" / "pid").read_text()))


def test_input_files_are_copied_with_the_name_of_the_socket(make, tmp_path):
    script = tmp_path / "start.py"
    script.write_text(
        "import sys, runpy\n"
        f"sys.argv = ['client', '{{socket}}', 'start.xyz']\n"
        f"runpy.run_path({CLIENT!r}, run_name='__main__')\n"
    )
    reference = make(command=[sys.executable, "start.py"], files=[str(script)])
    assert reference.label(crystal(0)).forces.shape == (4, 3)
    assert "{socket}" not in (tmp_path / "work" / "start.py").read_text()
    assert "{socket}" in script.read_text()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"command": ["no-such-program", "{socket}"]}, "no-such-program, which is not on the PATH"),
        ({"command": [sys.executable]}, r"neither .* has \{socket\}"),
        ({"files": ["/no/such/file.in"]}, "/no/such/file.in, which is no file"),
    ],
)
def test_what_cannot_work_is_said_at_once(tmp_path, changes, words):
    with pytest.raises(ConfigError, match=words):
        SocketReference(configured(**changes), tmp_path)
