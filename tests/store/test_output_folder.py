"""A folder that C code writes into: sizes count what is in its buffers, and a cut is continued."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

import pytest

from aofl.errors import StoreError
from aofl.store import OutputFolder

LIBC = ctypes.CDLL(None)
LIBC.fopen.restype = ctypes.c_void_p
LIBC.fputs.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
LIBC.fclose.argtypes = [ctypes.c_void_p]


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[int]:
    """A file that C has open for appending, as PLUMED has its own."""
    opened = LIBC.fopen(str(tmp_path / "HILLS").encode(), b"a")
    yield opened
    LIBC.fclose(opened)


def test_what_c_has_in_its_buffer_counts_and_goes_on_behind_a_cut(tmp_path, stream) -> None:
    folder = OutputFolder(path=tmp_path)
    LIBC.fputs(b"one\ntwo\n", stream)
    assert (tmp_path / "HILLS").stat().st_size == 0
    assert folder.sizes() == {"HILLS": 8}
    folder.sync()
    folder.cut({"HILLS": 4})
    LIBC.fputs(b"three\n", stream)
    assert folder.sizes() == {"HILLS": 10}
    assert (tmp_path / "HILLS").read_text() == "one\nthree\n"


def test_a_file_that_came_later_is_emptied_and_the_log_does_not_count(tmp_path: Path) -> None:
    folder = OutputFolder(path=tmp_path)
    (tmp_path / "COLVAR").write_text("row\n")
    (tmp_path / "plumed.log").write_text("said\n")
    folder.cut({})
    assert folder.sizes() == {"COLVAR": 0}
    assert (tmp_path / "plumed.log").read_text() == "said\n"
    folder.keep_only({"COLVAR"})
    assert [file.name for file in tmp_path.iterdir()] == ["COLVAR"]


def test_a_file_that_lost_what_a_checkpoint_counts_on_is_said(tmp_path: Path) -> None:
    (tmp_path / "HILLS").write_text("one\n")
    with pytest.raises(StoreError, match="HILLS has 4 bytes where the checkpoint expects at least"):
        OutputFolder(path=tmp_path).cut({"HILLS": 9})
    assert OutputFolder(path=tmp_path / "none").sizes() == {}
