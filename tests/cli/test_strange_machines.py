"""Verbs as users type them, on machines as users have them: one sentence, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aofl.cli.main import main


def typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[object, str]:
    """Return exit code and standard error of a command line, run in this process."""
    monkeypatch.setattr(sys, "argv", ["aofl", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("analyse", "x", "--frame-interval-fs", "0,5"),
        ("analyse", "x", "--min-lifetime-fs=0,5"),
        ("run", "x", "--steps", "0,5"),
    ],
)
def test_a_decimal_comma_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    code, said = typed(monkeypatch, capsys, *arguments)
    assert code == 2
    assert said.splitlines()[-1] == (
        "aofl: an argument is '0,5'; write a number with a point and without commas, "
        "such as 0.5 or 10000"
    )


def test_a_comma_elsewhere_is_not_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = typed(monkeypatch, capsys, "analyse", "x", "--elements", "Na,O", "--every", "x")
    assert code == 2
    assert "commas" not in said


@pytest.mark.parametrize("place", ["file", "file/below"])
@pytest.mark.parametrize(
    "verb", ["build CONFIG", "run CONFIG", "label start.extxyz --reference tblite",
             "rehearse CONFIG --no-label"]
)  # fmt: skip
def test_a_file_in_the_place_of_a_directory_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    verb: str, place: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("mine")
    Path("start.extxyz").write_text(
        '2\nLattice="8 0 0 0 8 0 0 0 8" Properties=species:S:1:pos:R:3 pbc="T T T"\n'
        "H 0 0 0\nH 0 0 0.74\n"
    )
    Path("run.yaml").write_text(
        "mode: aofl\nsystem: {structure: start.extxyz}\nreference: {name: tblite}\n"
        "dynamics: {name: langevin, timestep_fs: 0.5, temperature_K: 300, friction_per_ps: 10, "
        "steps: 2}\n"
    )
    arguments = verb.replace("CONFIG", "run.yaml").split()
    code, said = typed(monkeypatch, capsys, *arguments, "--out", place)
    assert code == 2
    assert said.startswith("aofl: cannot ")
    assert "choose another name" in said
    assert len(said.splitlines()) == 1
    assert Path("file").read_text() == "mine"


def test_a_working_directory_that_is_gone_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    config = tmp_path / "run.yaml"
    config.write_text("system: {structure: start.extxyz}\n")
    monkeypatch.chdir(gone)
    gone.rmdir()
    code, said = typed(monkeypatch, capsys, "check", os.path.join("..", "run.yaml"))  # noqa: PTH118
    assert code in (1, 2)
    assert said.startswith("aofl: ")
    assert "Traceback" not in said


def test_a_user_without_a_name_and_a_home_can_import_ase() -> None:
    code = """
import os, pwd
def unknown(uid):
    raise KeyError(uid)
pwd.getpwuid = unknown
os.environ.pop("HOME", None)
import aofl
import ase.config
print(ase.config.ASE_CONFIG_FILE)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "/dev/null/.config/ase/config.ini\n"
