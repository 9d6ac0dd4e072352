"""Files that grow: whole records or nothing, offsets that can be gone back to."""

import errno
import os

import pytest

from aofl.errors import StoreError
from aofl.store.append_only import AppendOnlyFile, iterate_whole_lines


def test_appends_are_on_the_disk_at_once_and_offset_is_the_size(tmp_path):
    path = tmp_path / "file"
    with AppendOnlyFile(path, is_durable=True) as file:
        file.append_bytes(b"one\n")
        assert path.read_bytes() == b"one\n"
        file.append_bytes(b"two\n")
        assert file.offset == path.stat().st_size == 8
    with AppendOnlyFile(path) as file:
        assert file.offset == 8


def test_truncate_goes_back_and_appending_goes_on_there(tmp_path):
    with AppendOnlyFile(tmp_path / "file") as file:
        file.append_bytes(b"one\n")
        offset = file.offset
        file.append_bytes(b"two\nthree\n")
        file.truncate(offset)
        file.append_bytes(b"four\n")
    assert list(iterate_whole_lines(tmp_path / "file")) == ["one", "four"]


def test_truncate_beyond_the_end_says_that_records_are_gone(tmp_path):
    with (
        AppendOnlyFile(tmp_path / "file") as file,
        pytest.raises(StoreError, match="0 bytes where the checkpoint expects at least 5"),
    ):
        file.truncate(5)


def test_a_full_disk_takes_the_written_part_back(tmp_path, monkeypatch):
    write = os.write

    def write_three_then_fail(descriptor, data):
        if len(data) < 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, bytes(data[:3]))

    with AppendOnlyFile(tmp_path / "file") as file:
        file.append_bytes(b"one\n")
        monkeypatch.setattr(os, "write", write_three_then_fail)
        with pytest.raises(StoreError, match="No space left"):
            file.append_bytes(b"0123456789ab\n")
        monkeypatch.undo()
        file.append_bytes(b"two\n")
    assert (tmp_path / "file").read_bytes() == b"one\ntwo\n"


def test_a_missing_directory_is_one_clear_sentence(tmp_path):
    with pytest.raises(StoreError, match=r"cannot open .*No such file or directory"):
        AppendOnlyFile(tmp_path / "nowhere" / "file")
