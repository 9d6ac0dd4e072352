"""The modes of a run, by their names in the configuration.

"aimd" asks the reference at every step, "cofl" learns on the word of the uncertainty alone, "aofl"
on that of chemistry and similarity too, "mlff" runs with a frozen force field.
"""

from typing import Final, Literal

Mode = Literal["aimd", "cofl", "aofl", "mlff"]
LEARNING_MODES: Final = frozenset({"aofl", "cofl"})
