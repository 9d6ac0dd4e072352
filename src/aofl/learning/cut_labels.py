"""Labels of cut-outs, where the whole structure is more than the reference can pay for.

    cut out the surroundings of an atom -> label -> compare, learn -> predict the whole anew

and once more around the atom that is worst then, until every atom that is in doubt has belonged to
the core of a cut-out. An audit is one cut-out around an atom that is drawn. What is compared and
learned is the cut-out as the reference saw it, its core alone; the whole has no label, so the atoms
go on with the forces of the force field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from aofl.chemistry.cut_out import CutOut, cut_out
from aofl.config.schema import CutConfig
from aofl.learning.failed_label import without_label
from aofl.learning.observation import Frame
from aofl.learning.observe import observe_fully
from aofl.learning.question import Answer, AnyOracle, NoLabel
from aofl.learning.rules.budget import what_is_spent
from aofl.learning.step_result import Now, Refused, Told, Unlabelled
from aofl.learning.teaching import Teacher
from aofl.learning.update import Outcome, compare, noted
from aofl.records import IntArray, Verdict
from aofl.records.rule_names import AUDITS
from aofl.rng import generator
from aofl.structure import Structure


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What cut-outs have shown: the step as it is seen now, and the worst outcome of them."""

    now: Now
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class CutLabels:
    """Asks for labels of cut-outs and learns them.

    Attributes
    ----------
    settings
        How to cut; None never does.
    goes_on
        Whether a label that fails may be done without.
    """

    oracle: AnyOracle
    teacher: Teacher
    settings: CutConfig | None
    goes_on: bool

    def applies(self, frame: Frame) -> bool:
        """Return whether a structure is too large for a label of the whole."""
        return self.settings is not None and self.settings.applies(len(frame.structure))

    def asked(self, now: Now, verdict: Verdict) -> Shown | Refused | Unlabelled:
        """Label what a verdict asks about, in as many cut-outs as it takes.

        Parameters
        ----------
        now
            With deviations, environments and molecules.
        """
        is_known = np.zeros(len(now.frame.structure), dtype=np.bool_)
        centre, worst = _first_centre(now, verdict), None
        while True:
            came = self._labelled(now, _about(verdict, now, centre), centre)
            if isinstance(came, Unlabelled) and worst is not None:
                # What the others have taught moves the atoms and the energy.
                return Shown(now=replace(now, state=came.state, told=came.told), outcome=worst)
            if not isinstance(came, Shown):
                return came
            now, worst = _noted_once(came.now), _worse(worst, came.outcome)
            is_known[[centre, *came.outcome.atoms]] = True
            following = None if verdict.rule in AUDITS else self._next_centre(now, is_known)
            if following is None:
                return Shown(now=now, outcome=worst)
            centre = following

    def _next_centre(self, now: Now, is_known: npt.NDArray[np.bool_]) -> int | None:
        """Return the worst atom that no cut-out has shown, if it is in doubt."""
        if what_is_spent(now.state, self.teacher.conditions.settings) is not None:
            return None
        excess = np.where(is_known, 0.0, now.seen.judged.errors / now.seen.judged.limits)
        worst = int(excess.argmax())
        return worst if excess[worst] > 1.0 else None

    def _labelled(self, now: Now, verdict: Verdict, centre: int) -> Shown | Refused | Unlabelled:
        if self.settings is None:
            raise ValueError("nothing says how to cut")
        cut = cut_as_told(now.frame.structure, centre, self.settings)
        part = self._seen_apart(now, cut)
        verdict = replace(
            verdict, reason=f"{verdict.reason}; {in_words(cut, len(now.seen.symbols))}"
        )
        match self.oracle.ask(replace(part.question(verdict), core=cut.core)):
            case NoLabel(failure=failure):
                return without_label(now, failure, goes_on=self.goes_on)
            case Answer() as answer:
                return self._learned(now, part, cut, verdict, answer)

    def _learned(self, now: Now, part: Now, cut: CutOut, verdict: Verdict, answer: Answer) -> Shown:
        settings = self.teacher.conditions.settings
        outcome = compare(part.seen, answer.label, part.state)
        tested = noted(part.state, part.seen, answer.label, verdict, outcome, settings)
        taught = self.teacher.taught(part, verdict, answer, outcome, tested)
        line = replace(taught.line, cut={"atoms": len(cut.atoms), "core": len(cut.core)})
        told = now.told + Told(lines=(line,), events=taught.events)
        return Shown(
            now=self._seen(replace(now, state=taught.state, told=told)),
            outcome=replace(outcome, atoms=cut.atoms[outcome.atoms]),
        )

    def _seen_apart(self, now: Now, cut: CutOut) -> Now:
        """Return a cut-out as the force field sees it; the chemistry stays that of the whole."""
        frame = Frame(
            structure=cut.structure,
            temperature=now.frame.temperature,
            annotations=_of_part(now.frame.annotations, cut.atoms),
        )
        return self._seen(replace(now, frame=frame))

    def _seen(self, now: Now) -> Now:
        """Return a frame as the force field sees it now."""
        conditions, timing = self.teacher.conditions, self.teacher.timing
        seen = observe_fully(
            now.frame, now.model, now.state, conditions, timing, step=now.seen.step
        )
        seen = replace(seen, chemistry=now.seen.chemistry, bonded=now.seen.bonded)
        return replace(now, seen=seen)


def cut_as_told(structure: Structure, centre: int, settings: CutConfig) -> CutOut:
    """Return the cut-out around an atom that a configuration asks for."""
    return cut_out(
        structure,
        centre,
        max_atoms=settings.max_atoms,
        margin=settings.margin_A,
        vacuum=settings.vacuum_A,
    )


def _noted_once(now: Now) -> Now:
    """Return a step without its chemistry, which the first cut-out has noted for the whole."""
    return replace(now, seen=replace(now.seen, chemistry=None))


def in_words(cut: CutOut, n_atoms: int) -> str:
    """Return what a cut-out is, for the ledger."""
    along = ", ".join("abc"[axis] for axis in cut.cut_axes)
    return (
        f"cut out along {along}: {len(cut.atoms)} of {n_atoms} atoms, "
        f"the forces on {len(cut.core)} count"
    )


def _first_centre(now: Now, verdict: Verdict) -> int:
    """Return the atom that a verdict is about; an audit draws one."""
    if verdict.rule in AUDITS:
        rng = generator(now.seen.seed, "cut", now.seen.step)
        return int(rng.integers(len(now.seen.symbols)))
    return now.seen.judged.atom if verdict.atom is None else verdict.atom


def _about(verdict: Verdict, now: Now, centre: int) -> Verdict:
    """Return a verdict about an atom; of one that it did not name, with its calibrated error."""
    about = replace(verdict, atom=centre, element=now.seen.symbols[centre])
    if verdict.rule in AUDITS or centre == verdict.atom:
        return about
    judged = now.seen.judged
    value, threshold = float(judged.errors[centre]), float(judged.limits[centre])
    return replace(about, value=value, threshold=threshold, unit="eV/Å", neighbour=None)


def _worse(one: Outcome | None, other: Outcome) -> Outcome:
    return other if one is None or other.excess > one.excess else one


def _of_part(
    annotations: Mapping[str, Mapping[str, Any]], atoms: IntArray
) -> Mapping[str, Mapping[str, Any]]:
    """Return the annotations of a frame for some of its atoms."""
    arrays = {name: np.asarray(a)[atoms] for name, a in annotations.get("arrays", {}).items()}
    return {**annotations, "arrays": arrays}
