"""A calculator with faults, for what labels frames in other processes."""

import os
import signal
import time

from ase.calculators.calculator import all_changes
from ase.calculators.emt import EMT


class Moody(EMT):
    """EMT that fails, or dies, by where the first atom is; slow where it is told to be."""

    def __init__(self, seconds=0.0):
        super().__init__()
        self.seconds = seconds

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        time.sleep(self.seconds)
        x = atoms.positions[0, 0]
        if x > 200:
            os.kill(os.getpid(), signal.SIGKILL)
        if x > 100:
            raise RuntimeError("the SCF did not converge")
        super().calculate(atoms, properties, system_changes)
        if x > 50:
            self.results["forces"] = self.results["forces"] + 1.0
