"""The chemistry rule: label before, at and after a bond changes, then let go.

No uncertainty anticipates a bond that breaks, so chemistry has a rule of its own:

- elements that touch, or a molecule, that no label has shown yet: ask, always;
- a covalent bond longer by `STRETCH_A` than any between its elements that a label has shown: ask;
- a bond that forms or breaks: go back a few femtoseconds and label there (where the driver can
  rewind, and no label is as recent), label at the change, then again after `FIRST_GAP_FS`, each
  time after twice as long, until the gap exceeds `LAST_GAP_FS`;
- each kind of change ("H-O broken") has a gap of its own: a label at a change doubles it, a
  surprise takes half of the doublings back. The labels after a change begin with it, and a change
  within it after the last label of its kind is let pass.

So a new reaction is sampled densely, and one that comes again and again, such as a proton that
hops, costs a label now and then.
"""

from __future__ import annotations

from aofl.chemistry.snapshot import ChemistrySnapshot
from aofl.config.schema import LearningConfig
from aofl.learning.learner_state import LearnerState
from aofl.learning.observation import Observation, accept
from aofl.learning.reaction_watch import ReactionWatch, steps_in
from aofl.records import Action, Verdict
from aofl.records.rule_names import CHEMISTRY

LOOK_EVERY_FS = 2.0
BEFORE_FS = 5.0  # how far back the label before a change lies
STRETCH_A = 0.01  # beyond the longest bond of two elements that a label has shown
FAMILIAR = 3  # doublings of the gap of a kind, after which none is rewound


def is_time_to_look(step: int, timestep_fs: float) -> bool:
    """Return whether the bonds are looked at in this step."""
    return step % steps_in(LOOK_EVERY_FS, timestep_fs) == 0


def chemistry(seen: Observation, state: LearnerState, settings: LearningConfig) -> Verdict:
    """Return "rewind" or "label" where the chemistry asks for it, else "accept"."""
    if state.n_labels == 0:
        return accept(CHEMISTRY)  # the first label is the uncertainty's
    for question in (_on_what_is_seen, _on_what_is_watched):
        verdict = question(seen, state)
        if verdict is not None:
            return verdict
    return accept(CHEMISTRY)


def _on_what_is_seen(seen: Observation, state: LearnerState) -> Verdict | None:
    """Return the verdict on contacts, molecules and bonds that no label has shown so."""
    now, watch = seen.chemistry, state.watch
    if now is None:
        return None
    is_due = watch.is_due(now.changes, seen.step, seen.timestep_fs)
    if is_due and _is_rewound(seen, watch, now, state.last_label_step):
        return _verdict("rewind", now, f"{', '.join(now.changes)}: label before it")
    new = sorted(now.contacts.difference(watch.contacts))
    if new:
        return _verdict("label", now, f"elements that never touched before: {', '.join(new)}")
    strange = sorted(now.species.difference(watch.species))
    if strange:
        formulas = sorted({key.partition(":")[0] for key in strange})
        return _verdict("label", now, f"molecules never labelled: {', '.join(formulas)}")
    if is_due:
        return _verdict("label", now, ", ".join(now.changes))
    return _stretched(now, watch)


def _on_what_is_watched(seen: Observation, state: LearnerState) -> Verdict | None:
    """Return "label" where the gap since the last label of a reaction is over."""
    watch = state.watch
    if watch.gap is None or seen.step < watch.due:
        return None
    return Verdict(
        action="label",
        rule=CHEMISTRY,
        reason=f"after {', '.join(watch.kinds)}",
        atom=watch.atom,
        value=float(watch.gap),
        threshold=float(watch.gap),
        unit="steps",
        is_follow_up=True,
    )


def _stretched(now: ChemistrySnapshot, watch: ReactionWatch) -> Verdict | None:
    """Return "label" if a bond is longer than any between its elements that a label has shown."""
    for pair, length in now.longest.items():
        limit = watch.longest.get(pair, 0.0) + STRETCH_A
        if length > limit:
            return Verdict(
                action="label",
                rule=CHEMISTRY,
                reason=f"{pair} bond longer than any that was labelled",
                atom=now.longest_atoms.get(pair),
                value=length,
                threshold=limit,
                unit="Å",
            )
    return None


def _is_rewound(
    seen: Observation, watch: ReactionWatch, now: ChemistrySnapshot, last_label_step: int
) -> bool:
    """Return whether the frames before this change deserve a label and can have one."""
    is_familiar = watch.familiarity(now.changes) >= FAMILIAR
    is_known = seen.step - last_label_step <= steps_in(2 * BEFORE_FS, seen.timestep_fs)
    is_done = seen.step < watch.no_rewind_before
    return seen.can_rewind and not (is_familiar or is_known or is_done)


def _verdict(action: Action, now: ChemistrySnapshot, reason: str) -> Verdict:
    return Verdict(action=action, rule=CHEMISTRY, reason=reason, atom=now.atom)
