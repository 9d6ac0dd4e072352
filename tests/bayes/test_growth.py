"""When the deviations of the forces are worth another look."""

from __future__ import annotations

import numpy as np
import pytest

from aofl.bayes.growth import has_grown


class TestHasGrown:
    BEFORE = (1.0, 0.015625, 0.25)

    @pytest.mark.parametrize("atom", [0, 1, 2])
    def test_a_look_is_due_where_one_atom_grew_by_a_quarter_however_small_it_is(
        self, atom: int
    ) -> None:
        now = np.array(self.BEFORE)
        now[atom] *= 1.25
        assert not has_grown(now, self.BEFORE)
        now[atom] = np.nextafter(now[atom], 2.0)
        assert has_grown(now, self.BEFORE)

    def test_no_look_is_due_where_all_became_surer(self) -> None:
        assert not has_grown(0.1 * np.array(self.BEFORE), self.BEFORE)

    def test_a_look_is_due_where_nothing_can_be_compared(self) -> None:
        now = np.array(self.BEFORE)
        assert has_grown(None, self.BEFORE)
        assert has_grown(now, ())
        assert has_grown(now, self.BEFORE[:2])
        assert has_grown(now[:2], self.BEFORE)
