"""Incidents as the outbox meets them, and what stands in it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from raw_sql import rows
from watchkeeper.storage.database import Database

OPEN = """
INSERT INTO watchkeeper.watchdog_incidents (project_id, rule, fingerprint, severity, state, next_action, cause,
                                            evidence_ref, cause_id, due_at, job_id)
VALUES (%(project_id)s, %(rule)s, gen_random_uuid()::text, %(severity)s, %(state)s, %(next_action)s, %(cause)s,
        'artifact_check:1', %(cause_id)s, watchkeeper.now() + interval '1 hour', %(job_id)s)
RETURNING id
"""


async def opened(database: Database, rule: str = "artifact_gate_failed", **given: Any) -> UUID:
    """Open an incident that asks for a person at once, unless told otherwise."""
    facts = {
        "project_id": "p",
        "rule": rule,
        "severity": "high",
        "state": "open",
        "next_action": "repair_contract",
        "cause": "gate",
        "cause_id": None,
        "job_id": None,
        **given,
    }
    incident: UUID = (await rows(database, OPEN, facts))[0]["id"]
    return incident


async def alerts(database: Database, incident: UUID | None = None) -> list[dict[str, Any]]:
    """Give what stands in the outbox, of one incident where asked, the oldest first."""
    ask = (
        "SELECT * FROM watchkeeper.alerts WHERE %(incident)s::uuid IS NULL OR incident_id = %(incident)s"
        " ORDER BY created_at, channel"
    )
    return await rows(database, ask, {"incident": incident})


async def change(database: Database, incident: UUID, assignments: str) -> None:
    """Change an incident as its owners would."""
    await rows(
        database,
        f"UPDATE watchkeeper.watchdog_incidents SET {assignments} WHERE id = %(incident)s",
        {"incident": incident},
    )
