"""What the command answers before any verb: its version, its help at once, and completions."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version

import pytest

HEAVY = {"ase", "h5py", "matplotlib", "numba", "numpy", "scipy", "tblite"}


def answer(*arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "aofl.cli", *arguments],
        capture_output=True, text=True, timeout=60, check=True, env=os.environ | environment,
    )  # fmt: skip
    return done.stdout


def test_the_version_is_the_installed_one() -> None:
    assert answer("--version") == f"aofl {version('aofl')}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["train", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    program = (
        f"import sys; sys.argv = ['aofl', *{arguments}]\n"
        "from aofl.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert not HEAVY & set(done.stdout.splitlines()[-1].split())


def test_a_shell_is_offered_verbs_and_options() -> None:
    verbs = answer(_AOFL_COMPLETE="complete_bash", COMP_WORDS="aofl re", COMP_CWORD="1").split()
    assert sorted(verbs) == ["rehearse", "report", "resume"]
    options = answer(_AOFL_COMPLETE="complete_bash", COMP_WORDS="aofl run --mo", COMP_CWORD="2")
    assert sorted(options.split()) == ["--mode", "--model"]
    forced = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    assert "complete -o default" in answer("--show-completion", "bash", **forced)
