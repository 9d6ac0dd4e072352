"""The lock of a directory, with the kernel's `flock` and on file systems that have none."""

import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys

import pytest

from aofl.errors import StoreError
from aofl.store.lock import HELD, holder_of, locked

HOLD = """
import errno, fcntl, sys, time
from pathlib import Path
from aofl.store.lock import locked
def refuse(descriptor, operation):
    raise OSError(errno.ENOLCK, "No locks available")
fcntl.flock = refuse
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(params=[errno.ENOLCK, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS])
def no_flock(monkeypatch, request):
    def refuse(_descriptor, _operation):
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refuse)


def hold(directory):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(directory)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "held\n"
    return process


def end(process):
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


def test_without_flock_a_file_is_the_lock(tmp_path, no_flock, caplog):
    with locked(tmp_path):
        assert "no `flock` here" in caplog.text
        assert holder_of(tmp_path).process == f"{os.getpid()} on {socket.gethostname()}"
        with pytest.raises(StoreError, match=f"in use by process {os.getpid()}"), locked(tmp_path):
            pytest.fail("the lock was given twice")
    assert holder_of(tmp_path) is None
    assert not (tmp_path / HELD).exists()
    with locked(tmp_path):
        pass


def test_without_flock_a_second_process_is_refused_and_a_dead_one_is_not_in_the_way(
    tmp_path, monkeypatch, caplog
):
    def refuse(_descriptor, _operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    process = hold(tmp_path)
    with pytest.raises(StoreError, match=f"in use by process {process.pid} on "), locked(tmp_path):
        pytest.fail("two processes hold one directory")
    end(process)
    with locked(tmp_path):
        assert f"process {process.pid} on " in caplog.text
        assert "ended without giving the run back" in caplog.text
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock"]


def test_a_lock_of_another_node_is_refused_with_host_age_and_what_to_do(tmp_path, no_flock):
    held = tmp_path / HELD
    held.write_text("4711 on node-17\n")
    three_hours_ago = held.stat().st_mtime - 3 * 3600
    os.utime(held, (three_hours_ago, three_hours_ago))
    with pytest.raises(StoreError) as refused, locked(tmp_path):
        pytest.fail("the lock of another node was broken")
    assert str(refused.value) == (
        f"the run directory {tmp_path} is in use by process 4711 on node-17 (signed 3 hours ago): "
        f"wait for it or end it first; if it runs no more, remove {held}"
    )
    held.unlink()
    with locked(tmp_path):
        pass


def test_a_lock_of_the_kernel_tells_host_and_age(tmp_path):
    (tmp_path / ".lock").write_text("4711 on node-17\n")
    with (tmp_path / ".lock").open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        told = r"4711 on node-17 \(signed \d+ seconds ago\)"
        with pytest.raises(StoreError, match=told), locked(tmp_path):
            pytest.fail("the lock was given twice")


def test_a_clock_that_is_behind_makes_no_negative_age(tmp_path):
    (tmp_path / ".lock").write_text("1 on node-17\n")
    os.utime(tmp_path / ".lock", (4e9, 4e9))
    assert holder_of(tmp_path).seconds == 0.0
