"""What becomes of incidents: closed by evidence or by a person, acknowledged, muted.

`incident_record` opens and counts them, `incident_reading` shows them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import Conflict, NotFound, UsageError
from watchkeeper.domain.findings import Finding
from watchkeeper.domain.incidents import (
    ACKNOWLEDGEABLE,
    FLAPPING_HOLD,
    capped,
)
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.domain.rules.names import Closer, RuleName
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.services.host_guard.write_back import missing_assets
from watchkeeper.services.incident_record import WATCHDOG, Recorded, attach, record_findings
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one

MOST_ACKNOWLEDGED = timedelta(days=7)
MOST_QUIET = timedelta(days=366)
YOUNG_SECONDS = 120.0
"""A cause that was missed since somebody else held the row is found again within this time."""


class Closed(StrEnum):
    """What came of closing: `holding` flaps and must pass on, `not_yet` has a finding newer than the facts."""

    CLOSED = "closed"
    HOLDING = "holding"
    NOT_YET = "not_yet"


@dataclass(frozen=True, slots=True)
class IncidentKey:
    project_id: str
    id: UUID
    rule: RuleName


@dataclass(frozen=True, slots=True)
class Passed:
    """Why an incident is over. `at` is when the facts were read: a later finding keeps the incident open."""

    evidence: Mapping[str, Any]
    at: datetime | None = None


class Incidents:
    """The incidents of one database. What takes a connection joins the caller's transaction."""

    def __init__(
        self, database: Database, policy: Callable[[], Policy] = Policy, *, interval_seconds: float = 15.0
    ) -> None:
        self._database = database
        self._policy = policy
        self._interval = interval_seconds

    async def record(
        self, connection: Connection, findings: Sequence[Finding], policy: Policy
    ) -> list[Recorded]:
        """Open or count the incidents of findings from rows; see `record_findings`."""
        return await record_findings(connection, findings, policy)

    async def close(
        self, connection: Connection, incident: IncidentKey, passed: Passed, policy: Policy
    ) -> Closed:
        """Resolve an incident on evidence that its trouble is over; one in a transaction, as each sets symptoms free.

        Raises UsageError without evidence (no data is never a pass), and Conflict for a rule that a person closes.
        """
        if not passed.evidence:
            raise UsageError("nothing shows that this incident is over")
        if RULES[incident.rule].closer is Closer.PERSON:
            raise Conflict(f"an incident of {incident.rule} is closed by a person")
        return await self._close(connection, incident, passed, policy, actor=WATCHDOG)

    async def _close(
        self,
        connection: Connection,
        incident: IncidentKey,
        passed: Passed,
        policy: Policy,
        *,
        actor: str,
        reason: str | None = None,
    ) -> Closed:
        row = await fetch_one(
            connection,
            "close_incident",
            {
                "project_id": incident.project_id,
                "id": incident.id,
                "passed_at": passed.at,
                "pass_evidence": json.dumps(capped(passed.evidence)),
                "by_person": reason is not None,
                "actor": actor,
                "reason": reason,
                "hold_seconds": FLAPPING_HOLD.total_seconds(),
                "policy_version": policy.version,
                "policy_digest": policy.digest,
            },
        )
        if row is None:
            return Closed.NOT_YET
        return Closed.CLOSED if row["closes"] else Closed.HOLDING

    async def resolve(self, project_id: str, incident_id: UUID, *, actor: str, reason: str) -> None:
        """Close an incident by a person's word; raise Conflict where the rule asks for evidence, or it is resolved."""
        async with self._database.transaction() as connection:
            row = await self._find(connection, project_id, incident_id)
            rule = RULES[RuleName(row["rule"])]
            if rule.closer is Closer.EVIDENCE:
                raise Conflict(
                    f"an incident of {rule.name} closes when {rule.closes_when}",
                    hint="Acknowledge it, or quiet it until a time, if people need not hear of it.",
                )
            if missing := await missing_assets(connection, project_id, incident_id, rule.name):
                raise Conflict(
                    f"an incident of {rule.name} is not closed without its five assets",
                    hint="An act writes them, or 'watchkeeper host write-back'.",
                    missing=missing,
                )
            passed = Passed({"decided_by": actor, "reason": reason})
            key = IncidentKey(project_id, incident_id, rule.name)
            closed = await self._close(connection, key, passed, self._policy(), actor=actor, reason=reason)
            if closed is not Closed.CLOSED:
                raise Conflict("this incident is resolved already")

    async def acknowledge(
        self, project_id: str, incident_id: UUID, *, actor: str, note: str, until: datetime | timedelta
    ) -> Row:
        """Note that somebody takes care of it until a time; raise Conflict for a resolved one, NotFound."""
        end = await self._end(until, MOST_ACKNOWLEDGED, "an acknowledgement")
        arguments = {"note": note, "until": end, "sources": sorted(ACKNOWLEDGEABLE)}
        return await self._change("acknowledge_incident", project_id, incident_id, actor, arguments)

    async def quiet(
        self,
        project_id: str,
        incident_id: UUID,
        *,
        actor: str,
        reason: str,
        until: datetime | timedelta | None,
    ) -> Row:
        """Keep a person's word that this silence is right until a time, also for its returns; None takes it back.

        It mutes people, and neither the record nor repairs. Raises Conflict for a resolved incident, NotFound.
        """
        end = None if until is None else await self._end(until, MOST_QUIET, "a silence")
        return await self._change(
            "quiet_incident", project_id, incident_id, actor, {"reason": reason, "until": end}
        )

    async def _end(self, until: datetime | timedelta, most: timedelta, what: str) -> datetime:
        now: datetime = (await self._database.fetch_row("clock"))["now"]
        end = now + until if isinstance(until, timedelta) else until
        if not now < end <= now + most:
            raise UsageError(f"{what} ends in the future, within {most.days} days")
        return end

    async def _change(
        self, query: str, project_id: str, incident_id: UUID, actor: str, arguments: dict[str, Any]
    ) -> Row:
        async with self._database.transaction() as connection:
            await self._find(connection, project_id, incident_id)
            asked = {"project_id": project_id, "id": incident_id, "actor": actor, **arguments}
            changed = await fetch_one(connection, query, asked)
        if changed is None:
            raise Conflict("this incident is resolved")
        return changed

    async def _find(self, connection: Connection, project_id: str, incident_id: UUID) -> Row:
        row = await fetch_one(connection, "find_incident", {"project_id": project_id, "id": incident_id})
        if row is None:
            raise NotFound(f"there is no incident {incident_id} here")
        return row

    def duty(self) -> Duty:
        """Give the duty that ends what time ends: acknowledgements, what flapped and passes, symptoms left behind."""
        return Duty("incidents", self.keep_time, self._interval)

    async def keep_time(self, limit: int = 500) -> Ran:
        """End what time ends, on as many machines as like; a bounded piece of it."""
        async with self._database.transaction() as connection:
            ended = await fetch(connection, "end_acknowledgements", {"limit": limit})
        async with self._database.transaction() as connection:
            freed = await fetch(connection, "free_symptoms", {"limit": limit})
            young = await fetch(connection, "young_incidents", {"seconds": YOUNG_SECONDS, "limit": limit})
            attached = await attach(connection, [*freed, *young]) if freed or young else {}
        return Ran(
            {
                "acknowledgements_ended": len(ended),
                "symptoms_freed": len(freed),
                "symptoms_attached": len(attached),
                "passed": await self._close_passing(limit),
            }
        )

    async def _close_passing(self, limit: int) -> int:
        hold = {"hold_seconds": FLAPPING_HOLD.total_seconds(), "limit": limit}
        closed = 0
        for row in await self._database.fetch("passing_incidents", hold):
            key = IncidentKey(row["project_id"], row["id"], RuleName(row["rule"]))
            async with self._database.transaction() as connection:
                passed = Passed(row["pass_evidence"])
                came = await self._close(connection, key, passed, self._policy(), actor=WATCHDOG)
            closed += came is Closed.CLOSED
        return closed
