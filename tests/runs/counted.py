"""A calculator that writes down each of its calls, for references in several processes."""

import hashlib
import multiprocessing
import os
import signal
import time
from pathlib import Path

from ase.calculators.calculator import all_changes
from ase.calculators.emt import EMT
from ase.calculators.morse import MorsePotential


class _Counting:
    """Appends a hash of each structure to a file; slow, or dying once, where told."""

    def __init__(self, calls=os.devnull, seconds=0.0, dies_at=None, **arguments):
        super().__init__(**arguments)
        self.calls, self.seconds, self.dies_at = calls, seconds, dies_at

    def calculate(self, atoms=None, properties=("energy",), _changes=all_changes):
        time.sleep(self.seconds)
        # All is new to it: a list of neighbours kept from before would add up in another order.
        super().calculate(atoms, properties, all_changes)
        digest = hashlib.sha256(atoms.positions.tobytes()).hexdigest()
        with Path(self.calls).open("a") as file:
            file.write(f"{digest}\n")
        n_calls = len(Path(self.calls).read_text().split()) if self.dies_at else 0
        died = Path(f"{self.calls}.died")
        is_beside = multiprocessing.parent_process() is not None
        if is_beside and self.dies_at and n_calls >= self.dies_at and not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)


class Counted(_Counting, EMT):
    """EMT, whose calls are counted."""


class CountedMorse(_Counting, MorsePotential):
    """A Morse potential, whose calls are counted."""
