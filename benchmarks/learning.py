"""Labels against true error: aofl, its rivals and AIMD on the same starts.

Run: .venv/bin/python benchmarks/learning.py [--systems water ether] [--seeds 1 2 3]
        [--steps 2000] [--long 20000] [--frozen 10] [--ways aofl vasp ...] [--out runs/learning]
Hours. Runs that are done are kept, one that was killed is resumed, so it can be called again until
all is there. Writes benchmarks/results/learning.json and .png.

Every tenth step that the force field made (every fiftieth of a long run) is compared with the
reference afterwards and not learned: "error" is the force RMSE over these, apart within 50 fs of a
reaction that lasted and elsewhere. `labels` are all that were learned: aofl learns its audits and
they count, the rivals neither learn nor count theirs. Which reactions a run meets is chance and
decides more about its labels than the rule; benchmarks/replay.py compares the rules on the same
steps. A run of `--long` steps with the first seed follows, and its force field then runs as long
frozen from fresh starts.
"""

import argparse
import json
import math
from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt

from aofl import api
from aofl.config import config_from_mapping
from aofl.config.schema import RunConfig
from aofl.errors import ReferenceFailed, RunStopped
from aofl.records import LedgerLine
from aofl.records.events import ReactionHappened
from aofl.records.rule_names import AUDITS, RANDOM_AUDIT
from aofl.report.near_reactions import WINDOW_FS
from aofl.simulation.run_state import Run
from aofl.store import RunDirectory, read_events, read_ledger
from aofl.workflows.assemble import make_reference

HERE = Path(__file__).parent
ELECTRODE = {"element": "Na", "surface": "bcc100", "lattice_constant_A": 4.2}
SYSTEMS = {
    "water": {
        "electrode": ELECTRODE | {"size": [2, 2, 4]},
        "electrolyte": {"molecules": {"H2O": 4}, "gap_A": 9.0, "min_distance_A": 2.0},
    },
    "ether": {
        "electrode": ELECTRODE | {"size": [2, 2, 4]},
        "electrolyte": {"molecules": {"DME": 3}, "gap_A": 10.0, "min_distance_A": 1.9},
    },
}
KELVIN = {"water": 900.0, "ether": 900.0}
WAYS = {
    "aofl": {"mode": "aofl"},
    "aofl, loose": {"mode": "aofl", "learning.target_force_error_meV_per_A": 525.0},
    "vasp": {"mode": "cofl", "learning.cofl_rule": "vasp"},
    "flare": {"mode": "cofl", "learning.cofl_rule": "flare"},
    "aimd": {"mode": "aimd"},
}
EVERY, EVERY_LONG, TARGET = 10, 50, 350.0


def configuration(system: str, seed: int, steps: int, changes: dict) -> RunConfig:
    values = {
        "seed": seed,
        "system": SYSTEMS[system],
        "reference": {"name": "tblite", "electronic_temperature_K": 3000.0},
        "learning": {"target_force_error_meV_per_A": TARGET},
        "dynamics": {
            "name": "langevin",
            "timestep_fs": 0.5,
            "temperature_K": KELVIN[system],
            "friction_per_ps": 10.0,
            "steps": steps,
        },
    }
    return config_from_mapping(values, changes)


def run_or_go_on(config: RunConfig, out: Path, every: int = EVERY) -> str:
    """Run to the end, writing the true error of some of the steps of the force field."""
    master = make_reference(config.reference, out)

    def compare(now: Run) -> None:
        if now.step % every or now.calculator.state.path.source != "ff":
            return
        try:
            error = now.calculator.results["forces"] - master.label(now.atoms).forces
        except ReferenceFailed:
            return
        line = {"step": now.step, "sum_sq": float((error**2).sum()), "n": error.size}
        with (out / "truth.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    try:
        if not out.exists():
            status = api.run(config, out, compare)
        elif is_done(out, config.dynamics.steps):
            return "done"
        else:
            status = api.resume(out, {"dynamics.steps": config.dynamics.steps}, compare)
    except RunStopped as error:
        return f"lost: {error}"
    if status == "stopped":
        raise SystemExit("stopped; the same command goes on")
    return status


def is_done(out: Path, steps: int) -> bool:
    found = api.status(out)
    return bool(found["status"] == "done" and found["steps"] >= steps)


def scored(out: Path, timestep_fs: float, last: int, *, is_ours: bool) -> dict:
    """Return what a run did up to a step; `is_ours`: random audits are learned and count."""
    directory = RunDirectory.open(out)
    lines = [x for x in read_ledger(directory.ledger) if x.step <= last]
    labels = [x for x in lines if x.action == "label"]
    events = [x for x in read_events(directory.events) if isinstance(x, ReactionHappened)]
    reactions = [x for x in events if x.step <= last]
    times = [x.time_fs for x in reactions]

    def is_near(step: int) -> bool:
        return any(abs(step * timestep_fs - t) <= WINDOW_FS for t in times)

    truth = {}
    if (out / "truth.jsonl").exists():
        for text in (out / "truth.jsonl").read_text().splitlines():
            truth[json.loads(text)["step"]] = json.loads(text)
    true = [t for step, t in truth.items() if step <= last]
    near = sum(is_near(step) for step in range(last + 1))
    dense = sum(is_near(x.step) for x in labels)
    audits = [x for x in labels if x.rule in AUDITS]
    return {
        "labels": len(labels) if is_ours else sum(x.rule != RANDOM_AUDIT for x in labels),
        "random_audits": sum(x.rule == RANDOM_AUDIT for x in labels),
        "first_1000": sum(x.step < 1000 for x in labels),
        "error": rmse(true),
        "error_quiet": rmse([t for t in true if not is_near(t["step"])]),
        "error_reactive": rmse([t for t in true if is_near(t["step"])]),
        "coverage_quiet": coverage([x for x in audits if not is_near(x.step)]),
        "coverage_reactive": coverage([x for x in audits if is_near(x.step)]),
        "reactions": [x.reaction for x in reactions],
        "density_ratio": ratio(dense, near, len(labels) - dense, last + 1 - near),
        "wall_s": directory.read_summary()["wall_s"],
    }


def coverage(audits: list[LedgerLine]) -> float | None:
    """Return the share of force components of audits inside their 90 % interval."""
    counts = [pair for x in audits for pair in (x.inside_90 or {}).values()]
    return sum(k for k, _ in counts) / sum(n for _, n in counts) if counts else None


def rmse(truth: list[dict]) -> float | None:
    n = sum(t["n"] for t in truth)
    return 1e3 * math.sqrt(sum(t["sum_sq"] for t in truth) / n) if n else None


def ratio(dense: int, near: int, quiet: int, far: int) -> float | None:
    return dense / near / (quiet / far) if near and far and quiet else None


def averages(ways: dict) -> dict:
    """Return labels and error of each way in the mean over the seeds: one run is chance."""
    return {
        way: {
            key: sum(row[key] for row in rows.values()) / len(rows)
            for key in ("labels", "first_1000", "error")
        }
        for way, rows in ways.items()
        if way in WAYS and way != "aimd"
    }


def reactions_seen(ways: dict) -> dict:
    """Return how often each way met each reaction, over its seeds."""
    return {
        way: dict(Counter(reaction for row in rows.values() for reaction in row["reactions"]))
        for way, rows in ways.items()
        if way in WAYS
    }


def show(name: str, found: dict) -> None:
    plain = {k: round(v, 2) if isinstance(v, float) else v for k, v in found.items()}
    print(name, {k: v for k, v in plain.items() if k != "wall_s"}, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--systems", nargs="+", default=["water", "ether"], choices=list(SYSTEMS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--long", type=int, default=20000)
    parser.add_argument("--frozen", type=int, help="fresh starts of the frozen one; else the seeds")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--out", type=Path, default=HERE.parent / "runs" / "learning")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    results: dict = {}
    for system in given.systems:
        for seed in given.seeds:
            for way in given.ways:
                changes = WAYS[way]
                out = given.out / f"{system}-{seed}-{way.replace(', ', '-')}"
                config = configuration(system, seed, given.steps, changes)
                status = run_or_go_on(config, out)
                is_ours = config.mode == "aofl"
                found = scored(out, config.dynamics.timestep_fs, given.steps, is_ours=is_ours)
                found["status"] = status
                results.setdefault(system, {}).setdefault(way, {})[seed] = found
                show(f"{system} {seed} {way}", found)
            write(results)
        results[system]["mean"] = averages(results[system])
        results[system]["reactions"] = seen = reactions_seen(results[system])
        for way, counts in seen.items():
            print(f"  reactions of {way}: {counts}")
        write(results)
        if given.long > given.steps:
            starts = list(range(1, given.frozen + 1)) if given.frozen else given.seeds
            results[system]["long"] = long_runs(
                given.out, system, given.seeds[0], given.long, starts
            )
            write(results)


def long_runs(out: Path, system: str, seed: int, steps: int, starts: list[int]) -> dict:
    """Let aofl go on with a seed, and its force field run frozen from fresh starts."""
    learning = out / f"{system}-{seed}-aofl-long"
    config = configuration(system, seed, steps, WAYS["aofl"])
    found = {"aofl": run_or_go_on(config, learning, EVERY_LONG)}
    found |= scored(learning, config.dynamics.timestep_fs, steps, is_ours=True)
    found["labels_by_quarter"] = by_quarter(learning, steps)
    found["frozen"] = {start: frozen_run(out, system, start, learning, steps) for start in starts}
    show(f"{system} {seed}, {steps} steps", found)
    return found


def by_quarter(run: Path, steps: int) -> list[int]:
    lines = read_ledger(RunDirectory.open(run).ledger)
    labels = [4 * x.step // (steps + 1) for x in lines if x.action == "label"]
    return [labels.count(quarter) for quarter in range(4)]


def frozen_run(out: Path, system: str, start: int, learned: Path, steps: int) -> dict:
    """Let the force field of a run go from a start without learning: how it ended, its error."""
    changes = {"mode": "mlff", "force_field.model": str(learned / "model.h5")}
    config, run = configuration(system, start, steps, changes), out / f"{system}-{start}-frozen"
    status = run_or_go_on(config, run, EVERY_LONG)
    return {
        "status": status,
        "error": scored(run, config.dynamics.timestep_fs, steps, is_ours=True)["error"],
    }


def write(results: dict) -> None:
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "learning.json").write_text(json.dumps(results, indent=1))
    figure, panels = plt.subplots(1, len(results), figsize=(5 * len(results), 4), squeeze=False)
    for axes, (system, ways) in zip(panels[0], results.items(), strict=True):
        for k, way in enumerate(way for way in WAYS if way in ways and way != "aimd"):
            rows, mean = ways[way].values(), averages(ways)[way]
            labels, errors = [r["labels"] for r in rows], [r["error"] for r in rows]
            axes.plot(labels, errors, "o", color=f"C{k}", alpha=0.35)
            axes.plot(mean["labels"], mean["error"], "oXs^"[k], color=f"C{k}", ms=10, label=way)
        axes.set(xlabel="labels", ylabel="force RMSE, meV/Å", xlim=(0, None), ylim=(0, None))
        axes.set_title(f"Na | {system}: each run, and the mean over seeds")
        if axes.lines:
            axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(HERE / "results" / "learning.png", dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main()
