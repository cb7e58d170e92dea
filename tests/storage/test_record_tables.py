"""What the tables of incidents, repairs, approvals and seals refuse, whoever writes to them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from raw_sql import rows
from watchkeeper.domain.errors import WatchkeeperError
from watchkeeper.storage.database import Database

OPEN_INCIDENT = """
INSERT INTO watchkeeper.watchdog_incidents (project_id, rule, fingerprint, severity, worker_id, recurrence_of)
VALUES ('p', 'lease_expired', 'lease_expired/w', 'high', 'w', %(recurrence_of)s) RETURNING id
"""
RECORD_REPAIR = """
INSERT INTO watchkeeper.repair_actions (project_id, incident_id, job_id, trigger, action, authority, actor,
                                        state, result)
VALUES ('p', %(incident)s, %(job)s, 'stale_lease', %(action)s, 'system', 'system', %(state)s, %(result)s)
RETURNING id
"""
APPROVE = """
INSERT INTO watchkeeper.approvals (project_id, repair_id, plan_digest, decision, actor, created_at,
                                   expires_at)
VALUES ('p', %(repair)s, 'digest', 'approved', 'louis', now(), now() + make_interval(mins => %(minutes)s))
"""
SEAL = """
INSERT INTO watchkeeper.audit_seals (project_id, number, timeline, first_xid, first_seq, last_xid, last_seq,
                                     row_count, rows_before, row_hashes, hash_version, previous_hash, hash, key_id,
                                     signature)
VALUES ('system', 1, 1, '3', 1, '3', 1, 1, 0, '', 1, '', 'h', 'k', 's')
"""


async def open_incident(database: Database, recurrence_of: UUID | None = None) -> Any:
    return (await rows(database, OPEN_INCIDENT, {"recurrence_of": recurrence_of}))[0]["id"]


async def record_repair(database: Database, **given: Any) -> Any:
    values = {"incident": None, "job": None, "action": "reap", "state": "proposed", "result": None, **given}
    return (await rows(database, RECORD_REPAIR, values))[0]["id"]


async def test_one_fingerprint_has_one_open_incident(database: Database) -> None:
    """The same finding twice is one open incident; when it returns after the end, it is a new one, linked."""
    first = await open_incident(database)
    with pytest.raises(WatchkeeperError, match="watchdog_incidents_open"):
        await open_incident(database)
    await rows(database, "UPDATE watchkeeper.watchdog_incidents SET state = 'resolved', resolved_at = now()")
    second = await open_incident(database, recurrence_of=first)
    assert await rows(
        database, "SELECT id, recurrence_of FROM watchkeeper.watchdog_incidents WHERE state <> 'resolved'"
    ) == [{"id": second, "recurrence_of": first}]


async def test_a_resolved_incident_says_when(database: Database) -> None:
    """No incident is closed without its time, or acknowledged without who did it and until when."""
    await open_incident(database)
    for state in ("resolved", "acknowledged"):
        with pytest.raises(WatchkeeperError, match="watchdog_incidents_check"):
            await rows(
                database, "UPDATE watchkeeper.watchdog_incidents SET state = %(state)s", {"state": state}
            )


async def test_a_repair_tells_one_story(database: Database) -> None:
    """A repair's state and result agree, and two repairs never act on one job at once."""
    for state, result in (("succeeded", None), ("failed", "success"), ("proposed", "success")):
        with pytest.raises(WatchkeeperError, match="repair_actions_check"):
            await record_repair(database, state=state, result=result)
    job = UUID(int=1)
    await record_repair(database, job=job, state="executing")
    with pytest.raises(WatchkeeperError, match="repair_actions_one_at_a_time"):
        await record_repair(database, job=job, state="executing")
    await record_repair(database, job=job, state="succeeded", result="success")


async def test_an_approval_ends_within_the_hour(database: Database) -> None:
    """Nobody can leave a standing approval: one that would last longer than 60 minutes is refused."""
    repair = await record_repair(database)
    await rows(database, APPROVE, {"repair": repair, "minutes": 60})
    with pytest.raises(WatchkeeperError, match="approvals_check"):
        await rows(database, APPROVE, {"repair": repair, "minutes": 61})


async def test_event_view_shows_the_last_action_and_who_is_needed(database: Database) -> None:
    """An event names the last action carried out, not one just proposed, and says if a person is needed."""
    incident = await open_incident(database)
    ask = (
        "SELECT event_type, severity, evidence_ref, action_taken, requires_human"
        " FROM watchkeeper.worker_watchdog_event"
    )
    event = {
        "event_type": "lease_expired",
        "severity": "high",
        "evidence_ref": f"incident:{incident}",
        "action_taken": None,
        "requires_human": False,
    }
    assert await rows(database, ask) == [event]
    await record_repair(database, incident=incident, action="touch", state="failed", result="failed")
    await record_repair(database, incident=incident, action="release")
    await rows(
        database,
        "UPDATE watchkeeper.watchdog_incidents SET state = 'needs_human', evidence_ref = 'https://a/log'",
    )
    changed = {"evidence_ref": "https://a/log", "action_taken": "touch", "requires_human": True}
    assert await rows(database, ask) == [event | changed]


async def test_seals_are_append_only_and_cannot_fork(database: Database) -> None:
    """A seal of the audit trail cannot be changed, removed or given a twin of the same number."""
    await rows(database, SEAL)
    for change in ("UPDATE watchkeeper.audit_seals SET hash = ''", "DELETE FROM watchkeeper.audit_seals"):
        with pytest.raises(WatchkeeperError, match="append-only"):
            await rows(database, change)
    with pytest.raises(WatchkeeperError, match="append-only"):
        await rows(database, "TRUNCATE watchkeeper.audit_seals")
    with pytest.raises(WatchkeeperError, match="audit_seals_project_id_number_key"):
        await rows(database, SEAL)
