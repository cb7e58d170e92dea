"""Incidents that somebody outside reports: findings like any other, under the rules' own severity and stops."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from watchkeeper.domain.errors import Conflict, UsageError
from watchkeeper.domain.findings import Finding
from watchkeeper.domain.policies import Policy, PolicyMode, RuleChange
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.services.holding import job_row
from watchkeeper.services.incident_record import Recorded, record_finding
from watchkeeper.storage.database import Database, fetch, fetch_row


@dataclass(frozen=True, slots=True)
class ReportedIncident:
    """What was seen: of a job, else of a worker, else of a kind, else of what `about` names."""

    rule: RuleName
    cause: str
    job: str | None = None
    worker_id: str | None = None
    kind: str | None = None
    about: str | None = None
    evidence: Mapping[str, Any] | None = None
    evidence_ref: str | None = None


class IncidentReports:
    """Records what is reported, by the database's clock; each report counts."""

    def __init__(self, database: Database, redactor: Redactor, policy: Callable[[], Policy] = Policy) -> None:
        self._database = database
        self._redactor = redactor
        self._policy = policy

    async def report(
        self, project_id: str, said: ReportedIncident, *, actor: str, is_hearsay: bool = False
    ) -> Recorded:
        """Open an incident, or count one more.

        `is_hearsay`: told by who may not act on others; it stays apart from what is known, and nothing stops or is
        repaired on it without a supervisor's word.
        A job that is not known here stays named in the evidence. Raises UsageError for a report that is about nothing,
        Conflict where the policy turned the rule off.
        """
        evidence = self._redactor.redact_data({**(said.evidence or {}), "reported_by": actor})
        async with self._database.transaction() as connection:
            clock = await fetch_row(connection, "clock", {})
            job = await job_row(connection, project_id, said.job) if said.job else None
            if said.job and job is None:
                evidence = {**evidence, "job": said.job}
            job_id = job["id"] if job is not None else None
            subject = (str(job_id) if job_id else said.job) or said.worker_id or said.kind or said.about
            if subject is None:
                raise UsageError("the report names nothing", hint="Give job, worker_id, kind or about.")
            finding = Finding(
                project_id,
                said.rule,
                (subject, "hearsay") if is_hearsay else (subject,),
                clock["now"],
                said.cause,
                evidence,
                said.evidence_ref,
                job_id,
                said.worker_id,
                said.kind or (job["kind"] if job is not None else None),
            )
            recorded = await record_finding(
                connection, finding, self._policy_of(said.rule, is_hearsay=is_hearsay), actor=actor
            )
            if recorded is not None and is_hearsay:
                await fetch(connection, "mark_hearsay", {"project_id": project_id, "id": recorded.id})
        if recorded is None:
            raise Conflict(f"the policy has turned {said.rule} off")
        return recorded

    def _policy_of(self, rule: RuleName, *, is_hearsay: bool) -> Policy:
        """Give the policy that an incident opens under: hearsay stops no worker, as where a rule is observed."""
        policy = self._policy()
        change = policy.rules.get(rule) or RuleChange()
        if not is_hearsay or change.mode is PolicyMode.OFF:
            return policy
        observed = replace(change, mode=PolicyMode.OBSERVE)
        return replace(policy, rules={**policy.rules, rule: observed})
