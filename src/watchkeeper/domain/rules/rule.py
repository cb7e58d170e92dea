"""What a rule of the watchdog is; `catalogue` lists them all."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.domain.rules.names import Closer, Escalation, NextAction, RepairAction, RuleName, Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as people know it.

    `escalate_after` repairs that failed a person is called; 0 calls at once, None never by itself. `stops_worker`:
    the worker's claims are refused until a supervisor resumes it.
    """

    name: RuleName
    sentence: str
    severity: Severity
    action: RepairAction
    escalation: Escalation
    next_action: NextAction
    closes_when: str
    escalate_after: int | None = 0
    stops_worker: bool = False
    closer: Closer = Closer.EVIDENCE

    @property
    def runbook(self) -> str:
        return f"docs/runbooks/{self.name}.md"
