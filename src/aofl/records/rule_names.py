"""The names of the rules, as they stand in ledgers and in the provenance of labels.

They are part of the format: a name that was written once is not changed.
"""

from __future__ import annotations

from typing import Final

AIMD: Final = "aimd"  # the reference at every step, which no rule asked for
EXPLORE: Final = "explore"  # labels of `stages.explore`, which the run begins with
INITIAL: Final = "initial"  # the first label of a run
GUARD: Final = "guard"
APPROACH: Final = "rewind"  # labels on the way to a step that a guard refused
CHEMISTRY: Final = "chemistry"
UNCERTAINTY: Final = "uncertainty"
SIMILARITY: Final = "similarity"
BUDGET: Final = "budget"
SURPRISE: Final = "surprise"  # what a label said of the steps before it
AUDIT: Final = "audit"  # scheduled
RANDOM_AUDIT: Final = "random_audit"
PRODUCTION: Final = "production"  # a frozen force field that does not know what it does
VASP_LIKE: Final = "vasp_like"
FLARE_LIKE: Final = "flare_like"

AUDITS: Final = frozenset({AUDIT, RANDOM_AUDIT})
"""Labels that no doubt asked for: they alone tell the accuracy of a run."""
