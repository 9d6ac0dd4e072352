"""A campaign that is killed at random instants and resumed, in real processes.

    python tests/reliability/campaign_kills.py DIRECTORY SEED KILLS

Each kill is SIGKILL to one walker, to the parent alone (whose walkers are to leave by themselves),
or to all at once, as when a node goes away. Prints as JSON how many labels were lost, how many were
made again although they were stored, and how many parents left walkers that went on.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from ase.build import bulk

from aofl.store import CampaignDirectory, Dataset

COUNT, STEPS = 3, 400
LATEST_S, PATIENCE_S = 8.0, 60.0
EARLY = 0.1  # of the kills count from the start of the parent, the others from the first walker
VICTIMS = ("walker", "parent", "all")
# The reference writes down each label that it has made, and which walker it was made for.
WITNESS = """\
import os, re, sys, time
from ase.calculators.emt import EMT
from aofl.store import structure_hash

class Witness(EMT):
    def calculate(self, atoms=None, *args, **kwargs):
        time.sleep(0.05)
        super().calculate(atoms, *args, **kwargs)
        digest = structure_hash(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc)
        walker = re.search(r"walkers/(\\d+)", " ".join(sys.argv))
        line = f"{walker.group(1) if walker else '-'} {digest}\\n".encode()
        file = os.open(os.environ["WITNESS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(file, line)
        os.close(file)
"""
CONFIG = f"""\
mode: aofl
seed: 3
system: {{structure: start.extxyz}}
reference: {{name: ase, calculator: witness.Witness}}
force_field: {{accuracy: fast}}
learning: {{target_force_error_meV_per_A: 100, audit_probability: 0.05}}
dynamics:
  {{name: langevin, temperature_K: 600, timestep_fs: 1.0, friction_per_ps: 10, steps: {STEPS}}}
output: {{checkpoint_every: 20}}
walkers: {{count: {COUNT}, vary: {{temperature_K: [300, 600, 900]}}}}
"""


class Killed:
    """One campaign, what happened to it, and the labels that it has shown so far."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.directory, self.rng = directory, random.Random(seed)
        self.campaign = CampaignDirectory(path=directory / "c")
        self.stored: dict[str, set[str]] = {}
        self.steps = STEPS
        self.report: dict[str, Any] = {"kills": 0, "lost": 0, "made_twice": 0, "orphans": 0}
        self.victims: Counter[str] = Counter()
        atoms = bulk("Cu", "fcc", a=3.7, cubic=True) * (2, 1, 1)
        atoms.numbers[[1, 6]] = 13
        atoms.rattle(0.08, rng=np.random.default_rng(3))
        atoms.write(directory / "start.extxyz")
        (directory / "witness.py").write_text(WITNESS)
        (directory / "run.yaml").write_text(CONFIG)

    def session(self, *, may_kill: bool) -> int:
        """Start or resume the campaign, kill something in it, and return its exit code."""
        witness = self.directory / "witness.txt"
        witness.write_text("")
        process = self._started(witness)
        victim = self.rng.choice(VICTIMS) if may_kill else None
        if may_kill and self.rng.random() > EARLY:
            while process.poll() is None and not children_of(process.pid):
                time.sleep(0.02)
        with suppress(subprocess.TimeoutExpired):
            process.wait(self.rng.uniform(0, LATEST_S) if may_kill else None)
        if process.poll() is None and victim is not None:
            self._kill(process, victim)
        code = process.wait(PATIENCE_S * COUNT)
        self._take_stock(witness)
        return code

    def _started(self, witness: Path) -> subprocess.Popen[bytes]:
        path = f"{self.directory}:{os.environ.get('PYTHONPATH', '')}"
        env = {**os.environ, "PYTHONPATH": path, "WITNESS": str(witness)}
        out = str(self.campaign.path)
        verb = ["run", "run.yaml", "--out", out]
        if self.campaign.config.is_file():
            verb = ["resume", out, "--steps", str(self.steps)]
        command = [sys.executable, "-m", "aofl.cli", *verb, "--processes", "2"]
        with (self.directory / "output.txt").open("ab") as file:
            return subprocess.Popen(
                command, cwd=self.directory, env=env, stdout=file, stderr=subprocess.STDOUT
            )

    def _kill(self, process: subprocess.Popen[bytes], victim: str) -> None:
        children = children_of(process.pid)
        if victim == "walker" and not children:
            victim = "parent"
        chosen = {
            "walker": [self.rng.choice(children or [0])],
            "parent": [process.pid],
            "all": [process.pid, *children],
        }[victim]
        for pid in chosen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.report["kills"] += 1
        self.victims[victim] += 1
        if victim != "walker":
            self.report["orphans"] += not all_end(children)

    def _take_stock(self, witness: Path) -> None:
        """Count what is lost of what was there, and what was made though it was there."""
        for line in witness.read_text().splitlines():
            walker, digest = line.split()
            self.report["made_twice"] += digest in self.stored.get(walker, ())
        for number in range(COUNT):
            name, labels = f"{number:03d}", self.campaign.walker(number).labels
            now = hashes(labels) if labels.is_file() else set()
            self.report["lost"] += len(self.stored.get(name, set()) - now)
            self.stored[name] = now


def hashes(labels: Path) -> set[str]:
    """Return the hashes of the labels in a file that nobody writes."""
    dataset = Dataset(labels)
    found = {str(entry.provenance["hash"]) for entry in dataset}
    dataset.close()
    return found


def children_of(pid: int) -> list[int]:
    """Return the child processes of a process."""
    try:
        return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def all_end(pids: list[int]) -> bool:
    """Wait until processes are gone; return whether they went."""
    end = time.monotonic() + PATIENCE_S
    while any(is_running(pid) for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def is_running(pid: int) -> bool:
    """Return whether a process is there and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def main() -> None:
    """Kill until there were enough kills, resume to the end, and print what was found."""
    directory, seed, kills = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    directory.mkdir(parents=True, exist_ok=True)
    killed = Killed(directory, seed)
    while killed.report["kills"] < kills:
        if killed.session(may_kill=True) == 0:
            killed.steps += STEPS
    code = killed.session(may_kill=False)
    labels = sum(len(found) for found in killed.stored.values())
    report = {**killed.report, "victims": killed.victims, "labels": labels, "steps": killed.steps}
    print(json.dumps({**report, "exit_code": code}))  # noqa: T201


if __name__ == "__main__":
    main()
