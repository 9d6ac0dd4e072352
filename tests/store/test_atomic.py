"""Whole-file writes: the old file or the new one."""

import errno
import os

import pytest

from aofl.errors import StoreError
from aofl.store import write_atomic


def test_replaces_the_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "file"
    write_atomic(path, b"old")
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomic(path, b"old")

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"cannot write .*No space left"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_leftover_of_a_killed_write_is_no_obstacle(tmp_path):
    path = tmp_path / "file"
    (tmp_path / ".file.tmp").write_bytes(b"torn")
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF])
def test_a_file_system_without_fsync_is_written_all_the_same(tmp_path, monkeypatch, number):
    def unknown(_descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", unknown)
    write_atomic(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "make room, or ask for a larger quota"),
        (errno.EDQUOT, "make room, or ask for a larger quota"),
        (errno.EMFILE, "ulimit -n"),
        (errno.EROFS, "choose a place that can be written"),
        (errno.EACCES, "look at the permissions"),
        (errno.EIO, "check free space and permissions"),
    ],
)
def test_the_advice_is_about_what_the_disk_said(tmp_path, monkeypatch, number, advice):
    def refuse(*_arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(StoreError, match=advice):
        write_atomic(tmp_path / "file", b"new")
