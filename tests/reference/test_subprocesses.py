"""Child processes: found or named, in time or ended with all that they have started."""

import os
import sys
import time

import pytest

from aofl.errors import ConfigError, ReferenceFailed
from aofl.reference.subprocesses import (
    check_executable,
    directory_of_files,
    end,
    end_orphan,
    run,
    start,
    tail,
)

# Starts a child of its own, as mpirun does, and writes the ids of both.
FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
open("family.part", "w").write(f"{os.getpid()} {child.pid}")
os.rename("family.part", "family")
time.sleep(100)
"""


def has_ended(process):
    """Whether a process is gone, or is only waiting for someone to take note of it."""
    try:
        with open(f"/proc/{process}/stat") as file:  # noqa: PTH123 - no other way to see a zombie
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def wait_for(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_output_and_exit_code(tmp_path):
    output = tmp_path / "out"
    script = "import sys; print('said'); print('warned', file=sys.stderr); sys.exit(3)"
    assert run([sys.executable, "-c", script], tmp_path, output, timeout_s=60) == 3
    assert sorted(output.read_text().split()) == ["said", "warned"]


def test_arguments_are_never_read_by_a_shell(tmp_path):
    output = tmp_path / "out"
    script = "import sys; print(sys.argv[1])"
    run([sys.executable, "-c", script, "$HOME; touch x"], tmp_path, output, timeout_s=60)
    assert output.read_text() == "$HOME; touch x\n"
    assert not (tmp_path / "x").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_who_takes_too_long_is_ended_with_its_children(tmp_path):
    with pytest.raises(ReferenceFailed, match=r"no answer within 3 s .*timeout_s"):
        run([sys.executable, "-c", FAMILY], tmp_path, tmp_path / "out", timeout_s=3)
    parent, child = map(int, (tmp_path / "family").read_text().split())
    wait_for(lambda: has_ended(parent) and has_ended(child))


def test_ending_twice_is_no_error(tmp_path):
    process = start([sys.executable, "-c", FAMILY], tmp_path, tmp_path / "out")
    end(process)
    end(process)
    assert process.returncode is not None


def test_who_does_not_listen_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("aofl.reference.subprocesses.PATIENCE_S", 0.5)
    script = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "open('deaf', 'w').close(); time.sleep(100)"
    )
    process = start([sys.executable, "-c", script], tmp_path, tmp_path / "out")
    wait_for((tmp_path / "deaf").exists)
    end(process)
    assert process.returncode == -9


def test_what_cannot_be_started_is_one_sentence(tmp_path):
    with pytest.raises(ReferenceFailed, match="no-such-program cannot be started"):
        start(["no-such-program"], tmp_path, tmp_path / "out")


def test_a_program_that_is_not_there_is_named_with_the_way_to_it(tmp_path):
    check_executable([sys.executable], code="Python", install="-")
    with pytest.raises(ConfigError, match=r"nothing.x, which is not on the PATH .*Code \(apt"):
        check_executable(["nothing.x"], code="Code", install="apt install code")
    file = tmp_path / "plain"
    file.touch()
    with pytest.raises(ConfigError, match="is not there or cannot be executed"):
        check_executable([str(file)], code="Code", install="-")


def test_a_directory_comes_from_the_configuration_or_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("AOFL_TEST_FILES", str(tmp_path))
    given = {"variable": "AOFL_TEST_FILES", "key": "reference.files", "what": "files"}
    assert directory_of_files(None, **given) == tmp_path
    (tmp_path / "other").mkdir()
    assert directory_of_files(str(tmp_path / "other"), **given) == tmp_path / "other"
    with pytest.raises(ConfigError, match=r"`reference\.files` is /no/where"):
        directory_of_files("/no/where", **given)
    monkeypatch.setenv("AOFL_TEST_FILES", "/no/where")
    with pytest.raises(ConfigError, match=r"`\$AOFL_TEST_FILES` is /no/where"):
        directory_of_files(None, **given)
    monkeypatch.delenv("AOFL_TEST_FILES")
    with pytest.raises(ConfigError, match=r"set `reference\.files` or .* AOFL_TEST_FILES"):
        directory_of_files(None, **given)


def test_the_tail_is_the_last_words(tmp_path):
    path = tmp_path / "out"
    path.write_text("-----\none\n\n two \nthree\n  four\n\n=====\n")
    assert tail(path) == "one / two / three / four"
    path.write_text("".join(f"line {n}\n" for n in range(100)) + "*****\n")
    assert tail(path) == "line 97 / line 98 / line 99"
    path.write_text("a\x1b[31mred\tend\n")
    assert tail(path) == "a [31mred end"
    assert tail(tmp_path / "none") == "it printed nothing"
    path.write_bytes(b"\xff\xfe")
    assert os.linesep not in tail(path)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_what_a_killed_run_has_left_at_work_is_ended_before_the_next_one(tmp_path):
    orphan = start([sys.executable, "-c", FAMILY], tmp_path, tmp_path / "out")
    wait_for((tmp_path / "family").exists)
    family = (tmp_path / "family").read_text().split()
    assert run([sys.executable, "-c", "pass"], tmp_path, tmp_path / "out", timeout_s=60) == 0
    wait_for(lambda: all(map(has_ended, family)))
    assert orphan.wait(timeout=20) == -9


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("record", ["{pid} 1", "{pid}", "{pid} x", "1 1", "-5 3", "x", ""])
def test_a_process_that_is_not_the_one_noted_is_left_alone(tmp_path, record):
    other = start([sys.executable, "-c", "import time; time.sleep(100)"], tmp_path, tmp_path / "o")
    (tmp_path / ".child").write_text(record.format(pid=other.pid))
    end_orphan(tmp_path)
    assert other.poll() is None
    end(other)
