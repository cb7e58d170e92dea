"""Incidents as people read them: lists, and one with all that belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import NotFound
from watchkeeper.domain.incidents import IncidentState
from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.domain.rules.names import RuleName, Severity
from watchkeeper.services.holding import id_of_job
from watchkeeper.storage.database import Database, Row, fetch

MOST_ATTACHED = 200
MOST_RETURNS = 50


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Which incidents; what is None does not count. `unresolved` leaves out what is over."""

    state: IncidentState | None = None
    unresolved: bool = False
    rule: RuleName | None = None
    severity: Severity | None = None
    job: str | None = None
    worker_id: str | None = None
    kind: str | None = None


class IncidentReading:
    """Reads of one database's incidents; every list is bounded."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, project_id: str, only: IncidentFilter, *, before: UUID | None = None, limit: int = 100
    ) -> tuple[list[Row], UUID | None]:
        """Give a page of incidents, the newest first, and the cursor of the next page (None at the end).

        Raises JobNotFound for a foreign id of a job that is not there; an incident outlives its job, whose id still
        finds it.
        """
        arguments = {
            "project_id": project_id,
            "before": before,
            "states": None if only.state is None else [only.state],
            "unresolved": only.unresolved,
            "rule": only.rule,
            "severity": only.severity,
            "job_id": await id_of_job(self._database, project_id, only.job),
            "worker_id": only.worker_id,
            "kind": only.kind,
            "limit": limit + 1,
        }
        rows = await self._database.fetch("list_incidents", arguments)
        return rows[:limit], rows[limit - 1]["id"] if len(rows) > limit else None

    async def show(self, project_id: str, incident_id: UUID) -> dict[str, Any]:
        """Give one incident with its rule's sentence and runbook, its symptoms, repairs and returns; raise NotFound."""
        me = {"project_id": project_id, "id": incident_id}
        async with self._database.transaction() as connection:
            rows = await fetch(connection, "show_incident", me)
            if not rows:
                raise NotFound(f"there is no incident {incident_id} here")
            symptoms = await fetch(connection, "symptoms_of", {**me, "limit": MOST_ATTACHED})
            repairs = await fetch(connection, "repairs_of_incident", {**me, "limit": MOST_ATTACHED})
            returns = await fetch(connection, "recurrences_of_incident", {**me, "limit": MOST_RETURNS})
        return {
            **rows[0],
            **told_of_rule(rows[0]["rule"]),
            "symptoms": symptoms,
            "repairs": repairs,
            "recurrences": returns,
        }

    async def trail(self, incident: Mapping[str, Any]) -> dict[str, list[Row]]:
        """Give who was told of an incident that `show` gave, and the audit rows that name it."""
        me = {"project_id": incident["project_id"], "id": incident["id"], "limit": MOST_ATTACHED}
        return {
            "alerts": await self._database.fetch("alerts_of_incident", me),
            "trail": await self._database.fetch("trail_of_incident", me),
        }

    async def story(self, project_id: str, incident_id: UUID) -> list[Row]:
        """Give what happened to an incident in order of time: its states, repairs, what people did and were told.

        Raises NotFound.
        """
        me = {"project_id": project_id, "id": incident_id, "limit": MOST_ATTACHED}
        async with self._database.transaction() as connection:
            if not await fetch(connection, "incident_is_there", me):
                raise NotFound(f"there is no incident {incident_id} here")
            trail = await fetch(connection, "trail_of_incident", me)
            alerts = await fetch(connection, "alerts_of_incident", me)
        told = [_of_trail(row) for row in trail if row["event"] != ALERT_SENT] + [
            _of_alert(row) for row in alerts
        ]
        return sorted(told, key=lambda entry: entry["at"])


OF_STORY = ("repair_id", "action", "state", "channel", "stage")
"""What an entry of a story says beside its event, each where it is about such a thing."""

ALERT_SENT = "escalation_sent"
"""The alert itself tells more than the audit row that it went out."""


def _of_trail(row: Row) -> Row:
    what = "state"
    if row["actor"].startswith("principal:"):
        what = "act"
    elif row["event"].startswith("repair_"):
        what = "repair"
    data = row["data"] or {}
    told = {"at": row["at"], "what": what, "event": row["event"], "actor": row["actor"]}
    return {**told, "said": row["reason"], **{name: data.get(name) for name in OF_STORY}}


def _of_alert(row: Row) -> Row:
    end = "sent" if row["sent_at"] else "dropped" if row["dropped_at"] else "waiting"
    return {
        "at": row["sent_at"] or row["dropped_at"] or row["created_at"],
        "what": "alert",
        "event": f"alert_{end}",
        "actor": row["recipient"],
        "said": row["drop_reason"] or row["body"],
        **dict.fromkeys(OF_STORY),
        "channel": row["channel"],
        "stage": row["stage"],
    }


def told_of_rule(name: str) -> dict[str, Any]:
    """Say of a rule what a reader of its incident needs; nothing of a rule that only a newer program knows."""
    rule = RULES.get(RuleName(name)) if name in set(RuleName) else None
    if rule is None:
        return {"sentence": None, "closes_when": None, "closed_by": None, "runbook": None}
    return {
        "sentence": rule.sentence,
        "closes_when": rule.closes_when,
        "closed_by": rule.closer,
        "runbook": rule.runbook,
    }
