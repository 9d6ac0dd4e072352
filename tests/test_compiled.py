"""Kernels on machines where nothing, or not all, can be written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from import_graph import SOURCE

WORK = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import compiled
from kernel import twice
print(twice(21), compiled.kernel_folder())
"""
KERNEL = """
from compiled import njit

@njit(cache=True)
def twice(value):
    return 2 * value
"""


def computed(tmp_path: Path, work: str = WORK, **environment: str) -> tuple[str, str]:
    """Use a kernel in a process of its own, of an installation and a home that cannot be written.

    A folder that is a file can be written by nobody, root included.
    """
    shutil.copy(SOURCE / "compiled.py", tmp_path)
    (tmp_path / "kernel.py").write_text(KERNEL)
    (tmp_path / "__pycache__").touch()
    home = tmp_path / "home"
    home.touch()
    (tmp_path / "tmp").mkdir(exist_ok=True)
    given = {"HOME": str(home), "XDG_CACHE_HOME": str(home), "TMPDIR": str(tmp_path / "tmp")}
    given["NUMBA_CACHE_DIR"] = str(home / "no")
    done = subprocess.run(
        [sys.executable, "-c", work, tmp_path],
        env={**os.environ, **given, **environment},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


def test_kernels_go_to_a_folder_of_this_user_where_nothing_else_can_be_written(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "tmp" / f"aofl-kernels-{os.getuid()}"
    for n_lines in (2, 1):  # made, which is said too, and found again
        out, told = computed(tmp_path)
        assert out == f"42 {folder}"
        assert told.count("\n") == n_lines
        assert f"compiled kernels are kept in {folder}" in told
        assert ("compiling kernels" in told) is (n_lines == 2)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.rglob("kernel.twice*.nbi"))


def test_a_folder_that_others_can_write_is_not_believed(tmp_path: Path) -> None:
    folder = tmp_path / "tmp" / f"aofl-kernels-{os.getuid()}"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    out, told = computed(tmp_path)
    assert out.startswith(f"42 {folder.parent}/aofl-kernels-")
    assert str(folder) + ":" not in told
    assert not list(folder.iterdir())


def test_a_kernel_that_is_damaged_on_the_disk_is_compiled_anew(tmp_path: Path) -> None:
    computed(tmp_path)
    kept = list((tmp_path / "tmp").rglob("kernel.twice*"))
    assert kept
    for file in kept:
        file.write_bytes(b"torn")
    out, told = computed(tmp_path)
    assert out.startswith("42 ")
    assert "cannot be read and are compiled anew" in told
    _, told = computed(tmp_path)
    assert "cannot be read" not in told


def test_a_full_disk_costs_the_kernels_and_nothing_else(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    full = """
import errno, numba.core.caching as caching
def refuse(*arguments):
    raise OSError(errno.ENOSPC, "No space left on device")
caching.IndexDataCacheFile.save = refuse
"""
    (tmp_path / "sitecustomize.py").write_text(full)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    out, told = computed(tmp_path, NUMBA_CACHE_DIR=str(cache), PYTHONPATH=path)
    assert out == f"42 {cache}"
    assert f"cannot be kept in {cache}" in told
    assert "No space left on device" in told


def test_the_seconds_of_compiling_are_known_and_none_the_second_time(tmp_path: Path) -> None:
    measure = "\nprint(compiled.compile_seconds())"
    seconds = []
    for _ in range(2):
        out, _told = computed(tmp_path, work=WORK + measure)
        seconds.append(float(out.splitlines()[-1]))
    assert 0.01 < seconds[0] < 60
    assert seconds[1] == 0.0
