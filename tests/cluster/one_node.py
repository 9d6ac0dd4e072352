"""A Slurm cluster of one node, this machine, for as long as a test needs it: no daemon stays."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

PROGRAMS = ("sbatch", "slurmctld", "slurmd", "munged")

CONF = """\
ClusterName=here
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket={at}/munge/socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={at}/state
SlurmdSpoolDir={at}/spool
SlurmctldPidFile={at}/slurmctld.pid
SlurmdPidFile={at}/slurmd.pid
SlurmctldLogFile={at}/slurmctld.log
SlurmdLogFile={at}/slurmd.log
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
MpiDefault=none
KillWait=2
SchedulerParameters=bf_interval=1
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str | None:
    """Return why there can be no cluster here, None if there can."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} not installed (make setup-slurm)"
    return None if os.geteuid() == 0 else "slurmd needs root"


@contextmanager
def one_node(at: Path) -> Iterator[Mapping[str, str]]:
    """Yield the environment in which Slurm's commands find the cluster; its files lie in `at`."""
    for name in ("state", "spool", "munge"):
        (at / name).mkdir(parents=True)
    (at / "munge").chmod(0o700)
    key = at / "munge" / "key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    conf = at / "slurm.conf"
    host = socket.gethostname().partition(".")[0]
    cpus = subprocess.run(["slurmd", "-C"], capture_output=True, text=True, check=True).stdout
    n_cpus = cpus.partition("CPUs=")[2].split()[0]
    conf.write_text(CONF.format(host=host, at=at, ports=free_ports(), cpus=n_cpus))
    env = {**os.environ, "SLURM_CONF": str(conf)}
    with ended(at):
        munge = at / "munge"
        files = [f"--{what}={munge / name}" for what, name in
                 (("socket", "socket"), ("key-file", "key"), ("pid-file", "munged.pid"),
                  ("log-file", "log"), ("seed-file", "seed"))]  # fmt: skip
        subprocess.run(["munged", "--force", *files], check=True)
        subprocess.run(["slurmctld", "-c"], env=env, check=True)
        subprocess.run(["slurmd", "-c"], env=env, check=True)
        wait_until(lambda: "idle" in said(env, "sinfo"), 30.0)
        yield env


@contextmanager
def ended(at: Path) -> Iterator[None]:
    """End the daemons afterwards, jobs first, and wait until they are gone."""
    try:
        yield
    finally:
        pids = [int(path.read_text()) for path in sorted(at.rglob("*.pid"))]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 30.0)


def free_ports() -> tuple[int, int]:
    """Return two ports that nobody listens on."""
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def said(env: Mapping[str, str], *command: str, cwd: Path | None = None) -> str:
    """Return what a command of Slurm prints."""
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout


def wait_until(is_so: object, seconds: float) -> None:
    """Wait until something is so, and fail if it takes too long."""
    end = time.monotonic() + seconds
    while not is_so():  # type: ignore[operator]
        if time.monotonic() > end:
            raise TimeoutError(f"still not so after {seconds:g} s")
        time.sleep(0.2)
