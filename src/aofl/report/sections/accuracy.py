"""The section on the accuracy, from audits alone: by element, quiet and reactive."""

from __future__ import annotations

from collections.abc import Mapping

from aofl.analysis.accuracy import audit_accuracy
from aofl.bayes.error_statistics import total
from aofl.records import ErrorSums
from aofl.records.rule_names import RANDOM_AUDIT
from aofl.report.data import RunData
from aofl.report.figures import parity as figures
from aofl.report.near_reactions import WINDOW_FS, audits_by_chemistry
from aofl.report.numbers import percent
from aofl.report.page import Illustration, Section, Table
from aofl.report.verdict import FEW_AUDITS


def accuracy(data: RunData) -> Section | None:
    """Section 5: the only figures of accuracy, from audit frames."""
    if data.run.get("mode") == "aimd":
        return None
    audits = data.audits
    if not audits:
        text = "No audit frame was recorded yet, so the accuracy of this run is not known."
        return Section(id="accuracy", title="Accuracy on audits", text=(text,))
    sums = audit_accuracy(audits)
    return Section(
        id="accuracy",
        title="Accuracy on audits",
        text=_how_far_to_trust(data),
        figures=(
            Illustration(
                drawing=figures.parity(audits, list(sums)),
                label="Predicted against reference forces per element",
                caption="Each point is one force component of an audit frame, as predicted before "
                "it was learned; on the diagonal, prediction and reference agree.",
            ),
        ),
        tables=(_error_table({**sums, "all": total(sums.values())}), *_quiet_and_reactive(data)),
    )


def _how_far_to_trust(data: RunData) -> tuple[str, ...]:
    """Say what the audit figures rest on."""
    n_audits = len(data.audits)
    n_random = sum(a.info.get("aofl_rule") == RANDOM_AUDIT for a in data.labels)
    basis = (
        f"{n_audits} audit frame{'s' if n_audits > 1 else ''}, {n_random} of them drawn at "
        "random: chosen without looking at their own error, and predicted before they were "
        "learned. Frames that a rule asked for are the hard ones and are not counted here."
    )
    first = f"Fewer than {FEW_AUDITS} audit frames: read the figures as a first hint."
    hint = (first,) if n_audits < FEW_AUDITS else ()
    return (*hint, basis, *_word_about_target(data))


def _word_about_target(data: RunData) -> tuple[str, ...]:
    """Say how many audits kept the target, and whether it is out of reach."""
    of_target, of_expected = (data.summary.get(f"audits_above_{x}") for x in ("target", "expected"))
    if of_target is None or of_expected is None:
        return ()
    target, reached = (1e3 * data.summary[f"{x}_eV_per_A"] for x in ("target", "reached"))
    above = (
        f"On {percent(of_target)} of the audit frames the worst atom (rms over x, y, z of its "
        f"force error) was off by more than the target of {target:.0f} meV/Å, on "
        f"{percent(of_expected)} by more than its calibrated error, which about a fifth is to "
        "exceed."
    )
    if reached <= target:
        return (above,)
    word = (
        f"The target is out of reach: some atoms can be off by {reached:.0f} meV/Å. A larger "
        "accuracy of the force field, a lower temperature, more labels or a smoother reference "
        "lower that."
    )
    return (above, word)


def _error_table(sums: Mapping[str, ErrorSums]) -> Table:
    return Table(
        caption="Force errors on audit frames, meV/Å",
        columns=("element", "RMSE", "MAE", "largest", "components"),
        rows=tuple(
            (
                e,
                f"{1e3 * (s.rmse or 0):.0f}",
                f"{1e3 * (s.mae or 0):.0f}",
                f"{1e3 * s.max:.0f}",
                s.n,
            )
            for e, s in sums.items()
        ),
    )


def _quiet_and_reactive(data: RunData) -> tuple[Table, ...]:
    """Return the audits apart by whether a reaction was near, if any has its errors on record."""
    parts = [part for part in audits_by_chemistry(data) if part.n_frames]
    if not parts:
        return ()
    return (
        Table(
            caption=f"Audits within {WINDOW_FS:g} fs of a reaction or exchange, and the others",
            columns=("part of the run", "frames", "RMSE, meV/Å", "inside the 90 % interval"),
            rows=tuple(
                (p.name, p.n_frames, f"{1e3 * (p.sums.rmse or 0):.0f}", percent(p.coverage))
                for p in parts
            ),
        ),
    )
