"""Reactions as events tell them."""

import pytest

from aofl.analysis.told_reactions import read_reaction
from aofl.records.events import ReactionHappened


@pytest.mark.parametrize(("told", "began_fs"), [(None, 4.0), (0.0, 0.0), (2.5, 2.5)])
def test_a_reaction_began_when_its_line_says_and_else_when_it_happened(
    told: float | None, began_fs: float
) -> None:
    line = ReactionHappened(
        step=8, reaction="A -> B", reactants=("A",), products=("B",), broken=((0, 1),), formed=(),
        time_fs=4.0, began_fs=told,
    )  # fmt: skip
    assert read_reaction(line).began_fs == began_fs
