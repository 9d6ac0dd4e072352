"""A launcher that fails is told in its own words, whatever code it was to start."""

from __future__ import annotations

import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ase import Atoms

from aofl.config import config_from_mapping
from aofl.config.references import (
    Cp2kConfig,
    EspressoConfig,
    ReferenceConfig,
    SocketConfig,
    VaspConfig,
)
from aofl.errors import ConfigError, ReferenceFailed
from aofl.workflows.assemble import make_reference

# As Open MPI refuses root: the reason first, advice and a ruler after it.
REFUSAL = """#!{python}
import sys
out = sys.{stream}
print("-" * 70, file=out)
print("the launcher has detected an attempt to run as root.", file=out)
for line in range(9):
    print(f"This is advice, line {{line}}.\\n", file=out)
print("-" * 70, file=out)
sys.exit({code})
"""


def water() -> Atoms:
    positions = [[3.0, 3.0, 3.0], [3.6, 3.0, 3.8], [3.5, 3.1, 2.2]]
    return Atoms("OH2", positions, cell=[6.0, 6.0, 6.0], pbc=True)


@pytest.fixture
def launcher(tmp_path: Path) -> Callable[..., str]:
    def make(stream: str = "stderr", code: int = 1) -> str:
        path = tmp_path / "launch"
        path.write_text(REFUSAL.format(python=sys.executable, stream=stream, code=code))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return make


def cp2k(command: list[str], directory: Path) -> ReferenceConfig:
    return Cp2kConfig(name="cp2k", command=[*command, "cp2k_shell"])


def espresso(command: list[str], directory: Path) -> ReferenceConfig:
    for element in "HO":
        (directory / f"{element}.UPF").write_text('<PP_HEADER functional="PBE"/>')
    return EspressoConfig(
        name="espresso",
        command=[*command, "pw.x"],
        pseudopotentials={"H": "H.UPF", "O": "O.UPF"},
        pseudopotential_directory=str(directory),
        cutoff_Ry=40.0,
    )


def vasp(command: list[str], directory: Path) -> ReferenceConfig:
    for element in "HO":
        folder = directory / "potpaw_PBE" / element
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "POTCAR").write_text(f"  PAW_PBE {element} 01Jan2000\n")
    return VaspConfig(
        name="vasp",
        command=[*command, "vasp_std"],
        potential_directory=str(directory),
        cutoff_eV=400.0,
    )


def socket(command: list[str], directory: Path) -> ReferenceConfig:
    return SocketConfig(name="socket", command=[*command, "client", "{socket}"], method="none")


CODES = {"cp2k": cp2k, "espresso": espresso, "vasp": vasp, "socket": socket}


def failure(config: ReferenceConfig, directory: Path) -> str:
    reference = make_reference(config, directory / "work")
    with pytest.raises(ReferenceFailed) as caught:
        reference.label(water())
    return str(caught.value)


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("exit_code", [1, 0])
def test_a_launcher_that_refuses_is_told_in_its_words(
    code: Callable[[list[str], Path], ReferenceConfig],
    stream: str,
    exit_code: int,
    launcher: Callable[..., str],
    tmp_path: Path,
) -> None:
    said = failure(code([launcher(stream, exit_code)], tmp_path), tmp_path)
    assert "the launcher has detected an attempt to run as root. / This is advice" in said
    assert "----" not in said
    assert "\n" not in said


@pytest.mark.skipif(shutil.which("mpirun") is None, reason="needs an MPI launcher")
@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_mpirun_itself_says_what_it_misses(
    code: Callable[[list[str], Path], ReferenceConfig], tmp_path: Path
) -> None:
    said = failure(code(["mpirun", "--no-such-option"], tmp_path), tmp_path)
    assert "no-such-option" in said or "root" in said


def test_the_version_of_cp2k_is_asked_through_the_launcher_and_its_words_told(
    launcher: Callable[..., str], tmp_path: Path
) -> None:
    reference = make_reference(cp2k([launcher()], tmp_path), tmp_path / "work")
    with pytest.raises(ReferenceFailed, match=r"ended with code 1 during start: the launcher has"):
        reference.describe()


def configured(command: object, name: str = "vasp") -> list[str]:
    reference = {"name": name, "command": command}
    reference |= {"cutoff_eV": 400.0} if name == "vasp" else {}
    reference |= {"method": "x"} if name == "socket" else {}
    config = config_from_mapping(
        {
            "reference": reference,
            "system": {"structure": "a.xyz"},
            "dynamics": {
                "name": "velocity_verlet", "timestep_fs": 1.0, "temperature_K": 1.0, "steps": 1,
            },
        }
    )  # fmt: skip
    assert isinstance(config.reference, VaspConfig | Cp2kConfig | SocketConfig)
    return config.reference.command


@pytest.mark.parametrize("name", ["vasp", "cp2k", "socket"])
def test_a_command_may_be_one_text(name: str) -> None:
    words = ["srun", "-n", "4", "/opt/my vasp/vasp_std", "{socket}"]
    assert configured("srun -n 4 '/opt/my vasp/vasp_std' {socket}", name) == words
    assert configured(["srun", "-n", 4, "/opt/my vasp/vasp_std", "{socket}"], name) == words


@pytest.mark.parametrize(
    "command",
    ["srun -n $SLURM_NTASKS vasp_std", "module load vasp; vasp_std", "vasp_std > out", "a && b",
     "OMP_NUM_THREADS=1 vasp_std", "~/bin/vasp_std", "vasp_std | tee x", "`which vasp_std`"],
)  # fmt: skip
def test_what_only_a_shell_understands_is_refused(command: str) -> None:
    with pytest.raises(ConfigError, match="only a shell understands, and none runs: give a list"):
        configured(command)


@pytest.mark.parametrize("command", ["", "   ", "vasp 'std", [], None, 4])
def test_no_command_is_refused(command: object) -> None:
    with pytest.raises(ConfigError, match=r"reference\.command"):
        configured(command)


def test_a_list_of_one_text_is_told_what_to_write(tmp_path: Path) -> None:
    config = vasp([], tmp_path).model_copy(update={"command": ["srun -n 4 vasp_std"]})
    with pytest.raises(ConfigError, match=r"write \[srun, -n, 4, vasp_std\]"):
        make_reference(config, tmp_path / "work")
