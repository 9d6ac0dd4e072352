"""A made-up run directory: Na16 + 4 H2O, with the course of a real run and the real formats.

Labels thin out, one bond breaks and later a second, an SCF fails once; every number is drawn from
a fixed seed, so that two calls write the same files.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bcc100, molecule
from ase.io import write

from aofl.store.trajectory import Trajectory

TIMESTEP = 0.5
BREAKS = (540, 1310)
HEADER = (
    "step,time_fs,temperature_K,potential_eV,kinetic_eV,predicted_error_eV_per_A,"
    "threshold_eV_per_A,source,n_labels,n_skips,n_bonds,n_reactions"
)


def write_fake_run(run_dir: Path, steps: int = 2000, mode: str = "aofl") -> Path:
    """Write all files of a run of `steps` steps into a new directory."""
    run_dir.mkdir(parents=True)
    rng = np.random.default_rng(11)
    atoms = interface()
    decisions = _decisions(steps, rng)
    write(run_dir / "start.extxyz", atoms)
    _write_labels(run_dir / "labels.extxyz", atoms, decisions, rng)
    _write_thermo(run_dir / "thermo.csv", steps, decisions, rng)
    _write_lines(run_dir / "ledger.jsonl", decisions)
    _write_lines(run_dir / "events.jsonl", _events(steps))
    (run_dir / "run.json").write_text(json.dumps(_run(atoms, steps, mode)))
    (run_dir / "summary.json").write_text(json.dumps(_summary(steps, decisions, mode)))
    (run_dir / "config.yaml").write_text(
        f"mode: {mode}\nseed: 7\nmd:\n  timestep_fs: {TIMESTEP}\n  temperature_K: 700\n"
    )
    return run_dir


def markup(html: str) -> str:
    """Return a page without what stands in its scripts."""
    return re.sub(r"<script\b[^>]*>.*?</script>", "", html, flags=re.DOTALL)


def interface() -> Atoms:
    """Na(100) 2x2x4 with four water molecules above it."""
    atoms = bcc100("Na", (2, 2, 4), a=4.20, vacuum=0.0)
    atoms.cell[2, 2] = 17.0
    atoms.pbc = True
    atoms.info.clear()
    for k in range(4):
        water = molecule("H2O")
        water.translate([2 + 4 * (k % 2), 2 + 4 * (k // 2), 10.0])
        atoms += water
    return atoms


def moved(atoms: Atoms, step: int) -> Atoms:
    """Take a hydrogen of the first water down to the metal from the first break on."""
    made = atoms.copy()
    if step >= BREAKS[0]:
        made.positions[17] = made.positions[15] + [0.0, 1.9, 0.9]
    return made


def write_trajectory(run: Path, steps: int, every: int = 10) -> None:
    """Write the trajectory of a run: only the first bond breaks in it."""
    atoms = interface()
    trajectory = Trajectory(run / "trajectory.extxyz")
    for step in range(0, steps + 1, every):
        trajectory.append(
            moved(atoms, step), energy=0.0, forces=np.full((len(atoms), 3), np.pi), step=step,
            time_fs=step * TIMESTEP,
        )  # fmt: skip
    trajectory.close()


def _decisions(steps: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    lines = [_line(0, "label", "initial", rng)] * min(3, steps)
    audit = 20
    for step in range(1, steps):
        near = any(0 <= step - b < 30 for b in BREAKS)
        rate = 0.3 * np.exp(-step / 25) + 0.006 + 0.35 * near
        if step == audit:
            lines.append(_line(step, "label", "audit", rng))
            audit += min(2 * audit, 160)
        elif rng.random() < 0.002:
            lines.append(_line(step, "label", "random_audit", rng))
        elif rng.random() < rate:
            lines.append(_line(step, "label", "uncertainty", rng))
        elif rng.random() < 1.5 * rate:
            lines.append(_line(step, "skip", "similarity", rng))
    labels = 0
    for k, line in enumerate(lines):
        if line["action"] == "label":
            lines[k] = {**line, "label_id": labels}
            labels += 1
    return lines


def _line(step: int, action: str, rule: str, rng: np.random.Generator) -> dict[str, Any]:
    scale = 0.06 + 0.25 * np.exp(-step / 60)
    errors = {e: rng.gamma(4.0, scale / 4) for e in ("H", "Na", "O")}
    is_label = action == "label" and rule != "initial"
    reasons = {
        "initial": "the first structures are always labelled",
        "audit": "planned audit, gap 160 steps",
        "random_audit": "audit drawn at random",
        "uncertainty": "calibrated force error 0.31 eV/Å of O 17 above the threshold 0.25 eV/Å",
        "similarity": "all flagged environments are known: nearest label 12, distance 0.004",
    }
    return {
        "step": step, "time_fs": step * TIMESTEP, "action": action, "rule": rule,
        "reason": reasons[rule], "atom": 17, "element": "O", "value": 0.31, "threshold": 0.25,
        "unit": "eV/Å", "label_id": None, "predicted_error": 0.31,
        "neighbour": {"label": 12, "atom": 18, "distance": 0.004} if action == "skip" else None,
        "seconds": {"reference": 0.27, "update": 0.04},
        "true_error": max(errors.values()) if errors else None,
        "errors": {e: {"n": 12, "sum_sq": 3 * x * x, "max": x} for e, x in errors.items()}
        if is_label else None,
    }  # fmt: skip


def _write_labels(
    path: Path, atoms: Atoms, decisions: list[dict[str, Any]], rng: np.random.Generator
) -> None:
    frames = []
    for line in decisions:
        if line["action"] != "label":
            continue
        frame = atoms.copy()
        forces = rng.normal(0, 1.0, (len(atoms), 3)) * (0.25 + 0.6 * (atoms.numbers < 9))[:, None]
        noise = rng.normal(0, 0.02 + 0.06 * (atoms.numbers < 9)[:, None], forces.shape)
        frame.info = {
            "REF_energy": -120.0 + rng.normal(), "REF_stress": np.eye(3) * 0.01,
            "aofl_id": line["label_id"], "aofl_step": line["step"], "aofl_rule": line["rule"],
            "aofl_time_fs": line["time_fs"], "aofl_hash": "0f", "aofl_level": "GFN1-xTB",
            "aofl_seconds": 0.27, "aofl_attempts": 1,
        }  # fmt: skip
        frame.arrays["REF_forces"] = forces
        if line["rule"] != "initial":
            frame.arrays["predicted_forces"] = forces + noise
        frames.append(frame)
    write(path, frames, format="extxyz")


def _write_thermo(
    path: Path, steps: int, decisions: list[dict[str, Any]], rng: np.random.Generator
) -> None:
    labelled = [d["step"] for d in decisions if d["action"] == "label"]
    skipped = [d["step"] for d in decisions if d["action"] == "skip"]
    wander = 0.0
    with path.open("w", newline="") as file:
        file.write(HEADER + "\n")
        table = csv.writer(file)
        for step in range(steps + 1):
            n_broken = sum(step >= b for b in BREAKS)
            wander = 0.97 * wander + rng.normal(0, 8)
            error = 0.12 * rng.gamma(12, 1 / 12) + 0.5 * np.exp(-step / 40)
            error += 0.25 * sum(np.exp(-(step - b) / 15) for b in BREAKS if step >= b)
            energy = -118.0 - 0.9 * n_broken + 0.01 * wander - 1.2 * (1 - np.exp(-step / 300))
            table.writerow([
                step, step * TIMESTEP, 700 * (1 - 0.5 * np.exp(-step / 100)) + wander, energy,
                2.5 + 0.01 * wander, "" if step % 5 == 4 else error,
                0.25 + 0.2 * np.exp(-step / 80), "reference" if step in labelled else "ff",
                sum(s <= step for s in labelled), sum(s <= step for s in skipped),
                8 - n_broken, n_broken,
            ])  # fmt: skip


def _events(steps: int) -> list[dict[str, Any]]:
    breaks = [
        {
            "step": b,
            "time_fs": b * TIMESTEP,
            "event": "bond",
            "change": "broken",
            "atoms": [16 + 3 * k, 17 + 3 * k],
            "elements": ["O", "H"],
        }
        for k, b in enumerate(BREAKS)
        if b < steps
    ]
    reactions = [
        {
            "step": b,
            "event": "reaction",
            "reaction": "H2O -> H- + OH-",
            "reactants": ["H2O"],
            "products": ["H-", "OH-"],
            "broken": [[16 + 3 * k, 17 + 3 * k]],
            "formed": [],
            "time_fs": b * TIMESTEP,
            "height_A": 9.5,
            "electrons": 2,
            "seen_by_reference": k == 0,
        }
        for k, b in enumerate(BREAKS)
        if b + 100 < steps
    ]
    failed = {
        "step": 402,
        "time_fs": 201.0,
        "event": "label_failed",
        "message": "the SCF did not converge in 250 iterations",
        "attempts": 2,
    }
    started = {"step": 0, "time_fs": 0.0, "event": "started"}
    species = {"step": 0, "time_fs": 0.0, "event": "species", "counts": {"H2O": 4}}
    return [started, species, *([failed] if steps > 402 else []), *breaks, *reactions]


def _run(atoms: Atoms, steps: int, mode: str) -> dict[str, Any]:
    return {
        "aofl": "0.1.0", "python": "3.12.3", "versions": {"numpy": "2.1.0", "ase": "3.26.0"},
        "seed": 7, "mode": mode, "created": "2025-01-01T12:00:00+00:00", "n_atoms": len(atoms),
        "level_of_theory": {
            "code": "tblite", "method": "GFN1-xTB", "electronic_temperature_K": 3000,
        },
        "elements": ["H", "Na", "O"], "timestep_fs": TIMESTEP, "temperature_K": 700.0,
        "steps": steps, "semi_empirical": True,
    }  # fmt: skip


def _summary(steps: int, decisions: list[dict[str, Any]], mode: str) -> dict[str, Any]:
    labels = sum(d["action"] == "label" for d in decisions)
    wall = {"reference": 0.27 * labels, "force_field": 4.2, "uncertainty": 3.1,
            "update": 0.05 * labels, "other": 2.4}  # fmt: skip
    wall["total"] = sum(wall.values())
    return {
        "status": "done", "reason": "", "mode": mode, "steps": steps, "target_steps": steps,
        "time_fs": steps * TIMESTEP, "labels": labels,
        "skips": sum(d["action"] == "skip" for d in decisions),
        "audits": sum("audit" in d["rule"] for d in decisions), "rewinds": 0, "failed_labels": 1,
        "audit_forces_rmse": 0.05, "audit_forces_rmse_by_element": {"H": 0.08}, "n_audit_frames": 9,
        "random_audits": 2, "wall_s": wall, "aimd_step_s": 0.27,
        "speedup": 0.27 * steps / wall["total"], "label_fraction": labels / steps,
        "threshold_eV_per_A": 0.25, "updated": "2025-01-01T12:10:00+00:00",
    }  # fmt: skip


def _write_lines(path: Path, records: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
