"""The learner's state: what it judges of forces, what it remembers, and that JSON keeps it."""

from __future__ import annotations

import json
from dataclasses import fields

from rule_cases import snapshot, state

from aofl.learning.element_calibration import ElementCalibration
from aofl.learning.learner_state import Knowledge
from aofl.learning.reaction_watch import ReactionWatch
from aofl.plain import from_plain, to_plain


def test_knowledge_survives_json() -> None:
    watch = ReactionWatch().labelled_at(
        7, snapshot("H-O broken"), is_surprise=True, timestep_fs=0.5
    )
    known = state(
        usual_distance={"O": (0.1 + 0.2,)},
        calibration={"O": ElementCalibration(ratios=(1 / 3,), reached=(1 / 7,), width=2.5)},
        watch=watch,
    )
    before = Knowledge(**{field.name: getattr(known, field.name) for field in fields(Knowledge)})
    assert from_plain(Knowledge, json.loads(json.dumps(to_plain(before)))) == before
