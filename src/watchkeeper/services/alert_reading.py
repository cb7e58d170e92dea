"""What people ask of the outbox: what was said, why something was not, when the next word comes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import NotFound, UsageError
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.rules.names import Severity
from watchkeeper.services.alert_planning import AlertPlanning
from watchkeeper.services.alerting import Notice, announce
from watchkeeper.services.incidents import Incidents
from watchkeeper.storage.database import Connection, Database, Row, fetch

MAX_PAGE = 1000
STATES = ("waiting", "sent", "dropped")
TAKEN_CARE_OF = timedelta(hours=4)
"""So long an incident is left to who acknowledged an alert of it."""


class Alerts:
    """The alerts of one database, for readers."""

    def __init__(
        self, database: Database, redactor: Redactor, planning: AlertPlanning, incidents: Incidents
    ) -> None:
        self._database = database
        self._redactor = redactor
        self._planning = planning
        self._incidents = incidents

    async def page(
        self, project_id: str, *, state: str | None = None, before: UUID | None = None, limit: int = 100
    ) -> tuple[list[Row], UUID | None]:
        """Give a page of alerts, the newest first, and the cursor of the next page (None at the end)."""
        if state is not None and state not in STATES:
            raise UsageError(f"unknown state {state!r}; it is one of {', '.join(STATES)}")
        asked = _asked(project_id, state=state, before=before, limit=limit + 1)
        rows = await self._database.fetch("list_alerts", asked)
        return rows[:limit], rows[limit - 1]["id"] if len(rows) > limit else None

    async def show(self, project_id: str, alert: UUID) -> Row:
        """Give one alert; raise NotFound."""
        async with self._database.transaction() as connection:
            return await self._find(connection, project_id, alert)

    async def of_incident(self, project_id: str, incident: UUID) -> dict[str, Any]:
        """Say what people were told of an incident, why they are not told now, and when they are next.

        Raises NotFound.
        """
        where = {"project_id": project_id, "id": incident}
        async with self._database.transaction() as connection:
            found = await fetch(connection, "incident_is_there", where)
            if not found:
                raise NotFound("there is no such incident in this project")
            verdict = await self._planning.verdict(connection, project_id, incident)
            rows = await fetch(connection, "list_alerts", _asked(project_id, incident_id=incident))
            routes = await fetch(connection, "list_routes", {"project_id": project_id})
        waiting = [row["due_at"] for row in rows if row["state"] == "waiting"]
        reason = None if verdict.why is None else verdict.why.value
        if verdict.stage is not None and not routes:
            reason = "no_channel"
        return {
            "incident_id": incident,
            "told_now": verdict.stage is not None and bool(routes),
            "stage": verdict.stage,
            "not_told_because": reason,
            "symptom_of": found[0]["cause_id"],
            "next_at": min(waiting, default=verdict.until),
            "alerts": rows,
        }

    async def acknowledge(self, project_id: str, alert: UUID, *, actor: str, note: str) -> Row:
        """Note that a person has seen an alert and takes care of its incident for a while; raise NotFound."""
        said = self._redactor.redact(note)
        async with self._database.together(), self._database.transaction() as connection:
            row = await self._find(connection, project_id, alert)
            if row["incident_id"] is not None and row["is_open"]:
                await self._incidents.acknowledge(
                    project_id, row["incident_id"], actor=actor, note=said, until=TAKEN_CARE_OF
                )
            arguments = {
                "project_id": project_id,
                "id": alert,
                "incident_id": row["incident_id"],
                "actor": actor,
                "note": said,
            }
            await fetch(connection, "acknowledge_alerts", arguments)
            return await self._find(connection, project_id, alert)

    async def test(self, project_id: str, *, actor: str) -> list[str]:
        """Put a test into the outbox of every channel that carries the project's alerts, and give their names."""
        async with self._database.transaction() as connection:
            now = (await fetch(connection, "clock"))[0]["now"]
            text = f"This is a test of the alerts, asked for by {actor}; nothing is wrong."
            notice = Notice(
                project_id, f"test:{actor}:{now.isoformat()}", text, severity=Severity.INFO, subject="test"
            )
            return await announce(connection, notice, self._redactor)

    async def _find(self, connection: Connection, project_id: str, alert: UUID) -> Row:
        rows = await fetch(connection, "list_alerts", _asked(project_id, id=alert, limit=1))
        if not rows:
            raise NotFound("there is no such alert in this project")
        return rows[0]


def _asked(project_id: str, **given: Any) -> dict[str, Any]:
    none = dict.fromkeys(("state", "before", "id", "incident_id"))
    return {"project_id": project_id, "limit": MAX_PAGE, **none, **given}
