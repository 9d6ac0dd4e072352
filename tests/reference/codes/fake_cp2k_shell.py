"""A stand-in for `cp2k_shell` that speaks its protocol and breaks on request; no physics.

    python fake_cp2k_shell.py PLAN

PLAN is a JSON list: what happens at each evaluation, in order, over all processes together; "ok"
when it is used up. Each evaluation is written to PLAN.log with the process id. The energy is a
sum of 1/r over pairs without images, so that forces are its slope and sum to nothing.
"""

import json
import math
import os
import signal
import sys
import time
from pathlib import Path

SCALE = 0.5  # eV Å
PLAN = Path(sys.argv[1])
CYCLE = "\n     1 Broy./Diag. 0.60E+00    1.0     0.00014152       -20.7717178011 -1.81E-03\n"
CONVERGED = CYCLE + "  *** SCF run converged in     1 steps ***\n"
UNCONVERGED = "\n *** WARNING in qs_scf.F:601 :: SCF run NOT converged ***\n"
FULL_BANDS = "\n *** the last MO => Add more MOs for proper smearing.                   ***\n"
ABORT = (
    " *******\n *   ___       *\n *  /   \\      *\n * [ABORT]     *\n *  \\___/   Out of hope *\n"
)


def say(lines: list[str]) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def next_fault() -> str:
    plan = json.loads(PLAN.read_text())
    fault = plan.pop(0) if plan else "ok"
    PLAN.write_text(json.dumps(plan))
    with PLAN.with_suffix(".log").open("a") as log:
        log.write(f"{os.getpid()} {fault}\n")
    return fault


def energy_and_forces(r: list[float]) -> tuple[float, list[float]]:
    n = len(r) // 3
    energy, forces = 0.0, [0.0] * len(r)
    for i in range(n):
        for j in range(i):
            d = [r[3 * i + k] - r[3 * j + k] for k in range(3)]
            length = math.sqrt(sum(x * x for x in d))
            energy += SCALE / length
            for k in range(3):
                push = SCALE * d[k] / length**3
                forces[3 * i + k] += push
                forces[3 * j + k] -= push
    return energy, forces


class Shell:
    """The state of the conversation."""

    def __init__(self) -> None:
        self.output = Path()
        self.positions: list[float] = []
        self.cell: list[float] = []
        self.fault = "ok"

    def load(self, inp: str, out: str) -> list[str]:
        text = Path(inp).read_text()
        self.output = Path(out)
        if "UNKNOWN_KEYWORD" in text:
            self.output.write_text(ABORT)
            sys.exit(1)
        rows = text.partition("&COORD")[2].partition("&END")[0].strip().splitlines()
        self.positions = [float(word) for row in rows for word in row.split()[1:4]]
        rows = text.partition("&CELL")[2].partition("&END")[0].strip().splitlines()
        self.cell = [float(word) for row in rows for word in row.split()[1:4]]
        self.output.write_text("")
        return ["1"]

    def set_pos(self) -> list[str]:
        count = int(sys.stdin.readline())
        values: list[float] = []
        while (line := sys.stdin.readline()).strip() != "*END":
            values += [float(word) for word in line.split()]
        if len(values) != count or count != len(self.positions):
            return ["* ERROR wrong number of positions"]
        self.positions = values
        return ["0.1"]

    def evaluate(self) -> list[str]:
        self.fault = next_fault()
        if self.fault == "crash":
            with self.output.open("a") as file:
                file.write(ABORT)
            sys.exit(1)
        if self.fault == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == "hang":
            time.sleep(1000)
        if self.fault == "error":
            return ["* ERROR in EVAL_EF"]
        text = {"unconverged": UNCONVERGED, "full bands": FULL_BANDS + CONVERGED, "silent": ""}
        with self.output.open("a") as file:
            file.write(text.get(self.fault, CONVERGED))
        n = len(self.positions) // 3
        rows = "".join(f" {i + 1} X 1 1.0 1.0 {0.1 * i:.3f}\n" for i in range(n))
        Path("charges.txt").write_text(f"  Hirshfeld Charges\n\n  #Atom  Net charge\n{rows}")
        return []

    def energy(self) -> list[str]:
        energy, _ = energy_and_forces(self.positions)
        wrong = {"nan": math.nan, "wrong state": energy - 7400.0}
        return ["something" if self.fault == "garbage" else repr(wrong.get(self.fault, energy))]

    def forces(self) -> list[str]:
        _, forces = energy_and_forces(self.positions)
        if self.fault == "unbalanced":
            forces[2] += 0.5
        if self.fault in ("outlier", "another outlier"):
            size = 0.5 if self.fault == "outlier" else -2.0
            forces = [3.0 * force + size * (-1) ** (i // 3) for i, force in enumerate(forces)]
        if self.fault == "slope":  # balanced and plausible, and not what the energy says
            forces = [1.5 * force for force in forces]
        if self.fault == "nan forces":
            forces[4] = math.nan
        if self.fault == "large":
            forces = [1e4 * force for force in forces]
        if self.fault == "short":
            return [str(len(forces)), *map(repr, forces[:-3]), "* END"]
        return [str(len(forces)), *map(repr, forces), "* END"]

    def echo(self) -> list[str]:
        shift = 0.01 if self.fault == "other structure" else 0.0
        return [str(len(self.positions)), *(repr(x + shift) for x in self.positions), "* END"]


def main() -> None:
    shell = Shell()
    answers = {
        "UNITS_EV_A": list,
        "INFO": lambda: [" CP2K| version string:      CP2K version 2099.9"],
        "DESTROY": list,
        "SET_POS": shell.set_pos,
        "EVAL_EF": shell.evaluate,
        "GET_E": shell.energy,
        "GET_F": shell.forces,
        "GET_POS": shell.echo,
        "GET_CELL": lambda: [" ".join(map(repr, shell.cell))],
        "GET_STRESS": lambda: [" ".join(["0.001"] * 9)],
    }
    say(["* READY"])
    for line in sys.stdin:
        words = line.split()
        if words[0] == "EXIT":
            return
        reply = shell.load(*words[1:]) if words[0] == "LOAD" else answers[words[0]]()
        say([*reply, "* READY"])


if __name__ == "__main__":
    main()
