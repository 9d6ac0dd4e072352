"""Tasks on several processes: all answered, and one that dies takes no other along."""

import os
import signal
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from aofl.errors import AoflError, ConfigError, ReferenceFailed
from aofl.workflows.worker_pool import run_tasks


class Worker:
    """Answers tasks, each of which may ask for a fault."""

    def __init__(self, number):
        self.number = number

    def __call__(self, task):
        match task:
            case "refuse":
                raise ReferenceFailed("no label")
            case "fault":
                raise ZeroDivisionError("inside")
            case "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "exit":
                os._exit(7)
            case ("sleep", file):
                Path(file).write_text(str(os.getpid()))
                time.sleep(60)
        return (self.number, os.getpid(), task)


class Closing(Worker):
    """Leaves a mark when it is closed."""

    def close(self):
        Path(os.environ["AOFL_TEST_MARK"]).write_text("closed")


def refused(number):
    raise ConfigError("no such program")


def dead(number):
    os._exit(3)


def answers(tasks, n_workers, make=Worker):
    return {e.key: e for e in run_tasks(tasks, make, n_workers=n_workers)}


def test_every_task_has_one_answer_and_the_work_is_shared():
    ended = answers(list(range(6)), 2)
    assert [ended[i].value[2] for i in range(6)] == list(range(6))
    assert all(e.error is None for e in ended.values())
    assert len({e.value[1] for e in ended.values()}) <= 2
    assert os.getpid() not in {e.value[1] for e in ended.values()}


def test_no_tasks_need_no_processes():
    assert answers([], 4) == {}


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_fault_costs_its_task_alone(n_workers):
    ended = answers(["refuse", 1, "crash", 2, "fault", "exit", 3], n_workers)
    assert sorted(ended) == list(range(7))
    assert ended[0].error == "no label"
    assert "ended by SIGSEGV" in ended[2].error
    assert ended[4].error == "ZeroDivisionError: inside"
    assert "ended with code 7" in ended[5].error
    assert [ended[i].value[2] for i in (1, 3, 6)] == [1, 2, 3]


def test_the_last_task_may_crash():
    assert "SIGSEGV" in answers(["crash"], 3)[0].error


def test_a_worker_that_cannot_be_made_is_an_error_of_the_caller():
    with pytest.raises(ConfigError, match="no such program"):
        answers([1, 2], 2, refused)
    with pytest.raises(AoflError, match="ended with code 3 before its first task"):
        answers([1, 2], 2, dead)


def test_workers_are_closed(tmp_path, monkeypatch):
    mark = tmp_path / "mark"
    monkeypatch.setenv("AOFL_TEST_MARK", str(mark))
    answers([1], 1, Closing)
    assert mark.read_text() == "closed"


def test_leaving_the_loop_ends_the_processes(tmp_path):
    file = tmp_path / "pid"
    loop = run_tasks([("sleep", str(file)), 1], Worker, n_workers=2)
    assert next(loop).key == 1  # so the other has been handed out
    until(lambda: file.exists() and file.read_text())
    start = time.monotonic()
    loop.close()
    assert time.monotonic() - start < 20
    with pytest.raises(ProcessLookupError):
        os.kill(int(file.read_text()), 0)


def keep_sleeping(file):
    list(run_tasks([("sleep", file)], Closing, n_workers=1))


def until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=str)
def test_a_worker_closes_and_leaves_when_its_parent_is_killed(tmp_path, monkeypatch, how):
    mark, file = tmp_path / "mark", tmp_path / "pid"
    monkeypatch.setenv("AOFL_TEST_MARK", str(mark))
    parent = get_context("spawn").Process(target=keep_sleeping, args=(str(file),))
    parent.start()
    until(lambda: file.exists() and file.read_text())
    os.kill(parent.pid, how)
    parent.join()
    until(mark.exists)
    until(lambda: not is_running(int(file.read_text())))


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
