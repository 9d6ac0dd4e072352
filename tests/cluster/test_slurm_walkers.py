"""Walkers as an array on a real Slurm of one node: chained, killed by a limit, failing, moved."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path

import pytest
from one_node import one_node, said, wait_until, why_not

from aofl.config import read_config
from aofl.store import Dataset
from aofl.workflows import campaign
from aofl.workflows.examples import write_job

pytestmark = [
    pytest.mark.skipif(why_not() is not None, reason=why_not() or ""),
    pytest.mark.slow,
]

CONFIG = """\
mode: aofl
seed: 3
system: {structure: start.extxyz}
reference: {name: ase, calculator: patient.Patient}
force_field: {accuracy: fast}
learning: {target_force_error_meV_per_A: 200}
dynamics:
  {name: langevin, temperature_K: 600, timestep_fs: 1.0, friction_per_ps: 10, steps: STEPS}
output: {checkpoint_every: 20}
walkers: WALKERS
"""
# It takes its time, and writes down what it has computed for whom, outside of the run directories.
PATIENT = """\
import os, re, sys, time
from ase.calculators.emt import EMT
from aofl.store import structure_hash

class Patient(EMT):
    def calculate(self, atoms=None, *args, **kwargs):
        time.sleep(0.5)
        super().calculate(atoms, *args, **kwargs)
        digest = structure_hash(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc)
        walker = re.search(r"walkers/(\\d+)", " ".join(sys.argv))
        if walker is None:
            return
        here = os.path.dirname(os.path.abspath(__file__))
        file = os.open(here + "/made.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(file, f"{walker.group(1)} {digest}\\n".encode())
        os.close(file)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    program = Path(sys.executable).parent
    with one_node(tmp_path_factory.mktemp("slurm")) as env:
        yield {**env, "PATH": f"{program}:{env['PATH']}"}


@pytest.fixture
def place(tmp_path: Path, copper: object, monkeypatch: pytest.MonkeyPatch) -> Path:
    copper.write(tmp_path / "start.extxyz")  # type: ignore[attr-defined]
    (tmp_path / "patient.py").write_text(PATIENT)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "patient", raising=False)
    return tmp_path


def submit(
    env: Mapping[str, str], place: Path, walkers: str, *, steps: int, leave_after: str, minutes: int
) -> int:
    """Make a campaign and submit its array as `aofl init --cluster slurm` writes it."""
    config = CONFIG.replace("WALKERS", walkers).replace("STEPS", str(steps))
    (place / "run.yaml").write_text(config)
    (script,) = write_job(place / "run.yaml", "slurm", place)[:1]
    text = script.read_text().replace("--ntasks=16", "--ntasks=1")
    script.write_text(text.replace("--time=24:00:00", f"--time={minutes}"))
    campaign.make(read_config(place / "run.yaml"), place / "runs" / "mine")
    path = f"{place}:{os.environ.get('PYTHONPATH', '')}"
    given = {**env, "PYTHONPATH": path, "AOFL_MAX_WALLTIME": leave_after}
    return int(said(given, "sbatch", "--parsable", "job.slurm", cwd=place))


def queue(env: Mapping[str, str]) -> list[str]:
    return said(env, "squeue", "--noheader", "--array", "--format", "%i %T").splitlines()


def walker(place: Path, number: int) -> Path:
    return place / "runs" / "mine" / "walkers" / f"{number:03d}"


def status(place: Path, number: int) -> str:
    return str(json.loads((walker(place, number) / "summary.json").read_text())["status"])


def assert_nothing_is_lost_or_made_twice(place: Path, count: int) -> None:
    """Hold what the reference says that it made against the label files, walker by walker."""
    made = [line.split() for line in (place / "made.txt").read_text().splitlines()]
    for number in range(count):
        with closing(Dataset(walker(place, number) / "labels.extxyz")) as dataset:
            kept = [str(entry.provenance["hash"]) for entry in dataset]
        ours = [digest for name, digest in made if int(name) == number]
        assert len(kept) == len(set(kept))
        assert set(ours) <= set(kept)
        assert len(ours) == len(set(ours)), f"walker {number} made a label twice"


def test_an_array_is_chained_and_one_that_fails_takes_no_other_along(
    cluster: Mapping[str, str], place: Path
) -> None:
    walkers = "{count: 2, vary: {learning.budget.max_labels: [100, 3]}}"
    submit(cluster, place, walkers, steps=400, leave_after="8s", minutes=5)
    wait_until(lambda: not queue(cluster), 240.0)
    told = (place / "job.0.out").read_text() + (place / "job.1.out").read_text()
    assert [status(place, number) for number in range(2)] == ["done", "failed"], told
    assert len((place / "job.0.next").read_text().splitlines()) > 1  # more than one job made it
    assert len((place / "job.1.next").read_text().splitlines()) == 1
    assert "max_labels" in (place / "job.1.out").read_text()
    assert_nothing_is_lost_or_made_twice(place, 2)


def test_a_task_that_its_time_limit_kills_is_followed_by_the_next(
    cluster: Mapping[str, str], place: Path
) -> None:
    """A minute is the least limit that Slurm knows; the walker would not leave before it."""
    job = submit(cluster, place, "{count: 1}", steps=100_000, leave_after="1h", minutes=1)
    wait_until(lambda: "TIMEOUT" in said(cluster, "scontrol", "show", "job", str(job)), 180.0)
    step = json.loads((walker(place, 0) / "summary.json").read_text())["steps"]
    wait_until(lambda: len(resumed(place, 0)) > 0, 60.0)
    for line in queue(cluster):
        said(cluster, "scancel", line.split()[0].partition("_")[0])
    wait_until(lambda: not queue(cluster), 60.0)
    assert resumed(place, 0)[0] >= step > 0
    assert_nothing_is_lost_or_made_twice(place, 1)


def test_a_node_that_goes_away_takes_no_label_with_it(
    cluster: Mapping[str, str], place: Path
) -> None:
    """Power is cut: slurmd, batch scripts and walkers end at once; Slurm begins them again."""
    submit(cluster, place, "{count: 2}", steps=400, leave_after="1h", minutes=5)
    wait_until(lambda: all((walker(place, k) / "checkpoint.npz").exists() for k in range(2)), 120.0)
    node = said(cluster, "sinfo", "--noheader", "--format", "%n").strip()
    cut_power(Path(cluster["SLURM_CONF"]).parent / "slurmd.pid", place)
    said(cluster, "scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=gone")
    wait_until(lambda: all("PENDING" in line for line in queue(cluster)), 60.0)
    subprocess.run(["slurmd", "-c"], env=dict(cluster), check=True)
    with suppress(subprocess.CalledProcessError):  # it may be back already, by its registration
        said(cluster, "scontrol", "update", f"NodeName={node}", "State=RESUME")
    for line in queue(cluster):  # Slurm would let requeued jobs wait for two minutes
        with suppress(subprocess.CalledProcessError):
            said(cluster, "scontrol", "update", f"JobId={line.split()[0]}", "StartTime=now")
    wait_until(lambda: not queue(cluster), 240.0)
    assert [status(place, k) for k in range(2)] == ["done", "done"], (
        place / "job.0.out"
    ).read_text()
    assert [len(resumed(place, k)) for k in range(2)] == [1, 1]
    assert_nothing_is_lost_or_made_twice(place, 2)


def resumed(place: Path, number: int) -> list[int]:
    """Return the steps at which a walker went on."""
    lines = (walker(place, number) / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    return [event["step"] for event in events if event["event"] == "resumed"]


def cut_power(daemon: Path, place: Path) -> None:
    """End slurmd and all that it has started for jobs in a directory, by SIGKILL."""
    number = int(daemon.read_text())
    victims = [number, *stepds(), *working_in(place)]
    for pid in victims:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    daemon.unlink(missing_ok=True)
    time.sleep(0.5)


def stepds() -> list[int]:
    """Return the processes through which this slurmd watches its jobs."""
    return [pid for pid in processes() if name_of(pid).startswith("slurmstepd")]


def working_in(place: Path) -> list[int]:
    found = []
    for pid in processes():
        with suppress(OSError):
            if Path(f"/proc/{pid}/cwd").readlink() == place and pid != os.getpid():
                found.append(pid)
    return found


def processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return ""
