"""GFN1-xTB that takes as long as a first-principles code would, for benchmarks of waiting."""

import time

from ase.calculators.calculator import all_changes
from tblite.ase import TBLite


class Sleeping(TBLite):
    """TBLite whose calls take `seconds` in all, without using a core for most of them."""

    def __init__(self, seconds, **arguments):
        super().__init__(cache_api=False, verbosity=0, **arguments)
        self.seconds = seconds

    def calculate(self, atoms=None, properties=None, system_changes=all_changes):
        """Compute, and sleep until the time is over."""
        end = time.monotonic() + self.seconds
        super().calculate(atoms, properties or ["energy", "forces"], system_changes)
        time.sleep(max(0.0, end - time.monotonic()))
