"""The accuracy of a run so far, from its audits: sums that take no more room as the run grows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from aofl.bayes.error_statistics import total
from aofl.records import ErrorSums, LedgerLine
from aofl.records.rule_names import AUDITS, RANDOM_AUDIT


@dataclass(slots=True)
class AuditStatistics:
    """Sums over the audits of a ledger, by element."""

    sums: dict[str, ErrorSums] = field(default_factory=dict)
    n_audits: int = 0
    n_random: int = 0

    @classmethod
    def of(cls, ledger: Iterable[LedgerLine]) -> AuditStatistics:
        """Return the statistics of all lines of a ledger."""
        statistics = cls()
        for line in ledger:
            statistics.add(line)
        return statistics

    def add(self, line: LedgerLine) -> None:
        """Add one line of the ledger; only audits with a label count."""
        if line.rule not in AUDITS or not line.errors:
            return
        for element, part in line.errors.items():
            self.sums[element] = self.sums.get(element, ErrorSums()) + part
        self.n_audits += 1
        self.n_random += line.rule == RANDOM_AUDIT

    def figures(self) -> dict[str, Any]:
        """Return the force RMSE over all atoms and by element, eV/Å, and the counts."""
        return {
            "audit_forces_rmse": total(self.sums.values()).rmse,
            "audit_forces_rmse_by_element": {e: part.rmse for e, part in self.sums.items()},
            "n_audit_frames": self.n_audits,
            "random_audits": self.n_random,
        }
