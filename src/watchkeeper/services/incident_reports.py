"""Incidents that somebody outside reports: findings like any other, under the rules' own severity and stops."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.errors import Conflict, UsageError
from watchkeeper.domain.findings import Finding
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.services.holding import job_row
from watchkeeper.services.incident_record import Recorded, record_finding
from watchkeeper.storage.database import Database, fetch_row


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

    async def report(self, project_id: str, said: ReportedIncident, *, actor: str) -> Recorded:
        """Open an incident, or count one more.

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
                (subject,),
                clock["now"],
                said.cause,
                evidence,
                said.evidence_ref,
                job_id,
                said.worker_id,
                said.kind or (job["kind"] if job is not None else None),
            )
            recorded = await record_finding(connection, finding, self._policy(), actor=actor)
        if recorded is None:
            raise Conflict(f"the policy has turned {said.rule} off")
        return recorded
