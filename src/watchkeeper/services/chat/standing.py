"""How it stands with what people are asked about in a chat, in one sentence."""

from __future__ import annotations

from uuid import UUID

from watchkeeper.domain.chat.words import present
from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.storage.database import Connection, Row, fetch_row


async def asked_about(
    connection: Connection, project_id: str, incident_id: UUID | None, repair_id: UUID | None
) -> Row:
    """Read an incident and a repair, as far as they are named and there."""
    asked = {"project_id": project_id, "incident_id": incident_id, "repair_id": repair_id}
    return await fetch_row(connection, "asked_about", asked)


def told(row: Row, language: MessageLanguage) -> str:
    """Say it: of the repair where one is asked about, else of the incident."""
    if row["repair_id"] is not None:
        target = row["job_id"] or row["worker_id"] or row["kind"] or "?"
        facts = {"action": row["action"], "target": target, "state": row["repair_state"]}
        return present("repair", language, by=row["decided_by"], **facts)
    if row["incident_id"] is not None:
        by = row["resolved_by"] or row["acknowledged_by"]
        return present("incident", language, by=by, rule=row["rule"], state=row["incident_state"])
    return ""
