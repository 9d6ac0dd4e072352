"""Whether the reference is right for the chemistry: the verdict of `aofl validate`."""

from __future__ import annotations

from aofl.report.data import RunData, ValidatedReaction
from aofl.report.page import Section, Table

NOTHING = "\u2013"


def reference(data: RunData) -> Section | None:
    """Section: the reference against measured reactions."""
    found = data.validation
    if found is None:
        return None
    other = found.level_of_theory != data.run.get("level_of_theory")
    of_what = " at another level of theory than the labels of this run" if other else ""
    return Section(
        id="reference",
        title="Reference",
        text=(
            f"The reference against measurements{of_what}: {'; '.join(found.verdict)}.",
            "Errors are computed minus measured enthalpies at 298 K, corrected for zero point and "
            "temperature; up to 20 kJ/mol is right, up to 50 rough.",
        ),
        tables=(
            Table(
                caption="Reactions, kJ/mol",
                columns=("reaction", "measured", "computed", "error", ""),
                rows=tuple(_row(line) for line in found.reactions),
            ),
        ),
    )


def _row(line: ValidatedReaction) -> tuple[str, ...]:
    measured = f"{line.measured_kJ_mol:.0f}"
    if line.computed_kJ_mol is None or line.error_kJ_mol is None:
        return (line.reaction, measured, NOTHING, NOTHING, f"no {', '.join(line.missing)}")
    numbers = (f"{line.computed_kJ_mol:.0f}", f"{line.error_kJ_mol:+.0f}")
    return (line.reaction, measured, *numbers, line.grade)
