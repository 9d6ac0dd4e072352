"""Disk and memory: what a run will need, and whether it comes near to what there is.

    disk   = frames x bytes of a frame + rows x bytes of a row + labels x bytes of a label
             + checkpoints kept x bytes of a checkpoint + bytes of the model
    memory = resident now + snapshots for rewinds + environments that the stores may still take

Bytes are those of the first record that was written. How many labels a learning run will make is
not known before; one step in `STEPS_PER_LABEL` is assumed, at every step in mode aimd.
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

from aofl.errors import StoreError
from aofl.learning.environment_store import STORE_SIZE
from aofl.plain import from_plain
from aofl.records.events import ResourceAlarm, ResourceForecast
from aofl.simulation.run_state import Run

logger = logging.getLogger(__name__)

WARN_AT = 0.7
STEPS_PER_LABEL = 10
KEPT_CHECKPOINTS = 34  # those of the past, the last one and the one before
FLOATS_PER_ATOM = 16  # of a snapshot: positions, momenta, forces, energies, positions before


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What is needed of one resource in all, and what there is for it, bytes."""

    name: str
    needed: float
    limit: float

    @property
    def share(self) -> float:
        """Part of the limit that is needed."""
        return self.needed / self.limit if self.limit > 0 else float("inf")


def forecast(run: Run) -> list[Need]:
    """Return what a run will need until its last step; its first records must be written."""
    left = run.config.dynamics.steps - run.step
    output, files = run.config.output, run.files
    n_labels = left if not run.calculator.mode.has_force_field else left / STEPS_PER_LABEL
    written = _size(run.directory.path)
    done = run.step + 1
    per_frame = files.trajectory.offset / (1 + run.step // output.trajectory_every)
    per_row = files.thermo.offset / (1 + run.step // output.thermo_every)
    per_label = _size(run.directory.labels) / max(1, len(files.dataset)) or 3 * per_frame
    per_line = files.ledger.offset / done
    disk = (
        left / output.trajectory_every * per_frame
        + left / output.thermo_every * per_row
        + n_labels * per_label
        + left * per_line
        + KEPT_CHECKPOINTS * _size(run.directory.checkpoint)
        + _model_bytes(run)
    )
    free = shutil.disk_usage(run.directory.path).free
    needs = [Need(name="disk", needed=written + disk, limit=written + free)]
    resident, limit = resident_bytes(), memory_limit()
    if resident is not None and limit is not None:
        growth = 8 * FLOATS_PER_ATOM * len(run.atoms) * (run.snapshots.maxlen or 0)
        growth += sum(
            8 * store.vectors.shape[1] * (STORE_SIZE - len(store.labels))
            for store in run.calculator.state.environments.values()
        )
        needs.append(Need(name="memory", needed=resident + growth, limit=limit))
    return needs


def _model_bytes(run: Run) -> int:
    """Return the size of `model.h5`: half a square matrix."""
    force_field = run.calculator.force_field
    if force_field is None:
        return 0
    n = len(force_field.shape.group)
    return 8 * n * (n + 1) // 2


def present(run: Run) -> list[Need]:
    """Return what a run takes now."""
    written = _size(run.directory.path)
    free = shutil.disk_usage(run.directory.path).free
    needs = [Need(name="disk", needed=written, limit=written + free)]
    resident, limit = resident_bytes(), memory_limit()
    if resident is not None and limit is not None:
        needs.append(Need(name="memory", needed=resident, limit=limit))
    return needs


def tell_forecast(run: Run) -> None:
    """Write the forecast down as an event, and warn of what comes near its limit."""
    needs = forecast(run)
    figures = {
        f"{need.name}_{key}_MB": round(value / 1e6, 1)
        for need in needs
        for key, value in (("needed", need.needed), ("limit", need.limit))
    }
    run.files.tell(from_plain(ResourceForecast, {"step": run.step, **figures}))
    _warn(run, needs, "will need")


def watch(run: Run) -> None:
    """Warn once of each resource of which a run takes more than `WARN_AT` of what there is."""
    _warn(run, present(run), "takes")


def _warn(run: Run, needs: list[Need], verb: str) -> None:
    for need in needs:
        if need.share < WARN_AT or f"{need.name} {verb}" in run.warned:
            continue
        run.warned.add(f"{need.name} {verb}")
        message = (
            f"the run {verb} {need.needed / 1e6:.0f} of {need.limit / 1e6:.0f} MB of "
            f"{need.name}, {100 * need.share:.0f} %: "
            + (
                "free space, or write less often (`output`)"
                if need.name == "disk"
                else "use a machine with more, or a smaller system"
            )
        )
        logger.warning("%s", message)
        run.files.tell(ResourceAlarm(step=run.step, reason=message))


def resident_bytes() -> int | None:
    """Return the memory that this process holds; None where the system does not tell."""
    return _proc_kilobytes(Path("/proc/self/status"), "VmRSS:")


def memory_limit() -> int | None:
    """Return the memory of the machine or of the control group, whichever is less."""
    limits = [_proc_kilobytes(Path("/proc/meminfo"), "MemTotal:")]
    for path in (
        Path("/sys/fs/cgroup/memory.max"),
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
    ):
        try:
            text = path.read_text().strip()
        except OSError:
            continue
        limits.append(int(text) if text.isdecimal() else None)
    return min((limit for limit in limits if limit), default=None)


def _proc_kilobytes(path: Path, name: str) -> int | None:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(name)), None)


def _size(path: Path) -> int:
    """Return the bytes of a file, or of the files of a directory."""
    try:
        files = [p for p in path.iterdir() if p.is_file()] if path.is_dir() else [path]
        return sum(file.stat().st_size for file in files if file.exists())
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}; check permissions") from error
