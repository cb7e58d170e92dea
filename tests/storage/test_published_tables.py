"""The tables and views that other programs query: that they are there, documented, and show what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from raw_sql import rows
from watchkeeper.domain.errors import WatchkeeperError
from watchkeeper.storage.database import Database

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "tables.md"

HEARTBEAT = (
    "id worker_id automation_id status doctor_ok touch_ok claim_ok current_job_id lease_expires_at created_at"
)
CHECK = "id job_id primary_url http_status file_count checked_at"
FIELDS = {
    "projects": "project_id",
    "job_kinds": "project_id kind contract on_lost",
    "jobs": "project_id id seq kind state state_reason external_id origin",
    "job_attempts": "project_id seq epoch worker_id outcome cause",
    "job_leases": "job_id lease_expires_at last_heartbeat_at risk_level",
    "workers": "project_id worker_id",
    "worker_heartbeats": HEARTBEAT,
    "worker_runs": "id worker_id job_id phase status started_at ended_at",
    "helper_events": "id job_id command exit_code output_hash error_code created_at",
    "agent_sessions": "id job_id thread_id cli_version transcript boot_id pid_ns pid start_ticks",
    "session_events": "id session_id seq",
    "artifacts": "id kind url sha256 bytes",
    "artifact_checks": CHECK,
    "reconcile_items": "id job_id",
    "watchdog_incidents": "id rule fingerprint severity state next_action owner recurrence_of",
    "repair_actions": "id job_id trigger action authority result",
    "approvals": "id repair_id plan_digest expires_at",
    "proposals": "decision options recommendation reasoning adoption_status",
    "maintenance_windows": "id starts_at ends_at",
    "alerts": "id incident_id channel",
    "people_syncs": "id person due_at answer effect",
    "signals": "source topic_key text evidence_ref related_people related_projects annotations",
    "lessons": "project_id job_id topic_key ai_native_project_id learned next_worker_should_check "
    "assumptions_to_test upgrade_trigger next_round",
    "principals": "id kind",
    "tokens": "id principal_id role project_id expires_at last_used_at",
    "audit_events": "seq timeline xid project_id event actor output_hash",
    "audit_seals": "id timeline hash_version hash signature",
    "worker_heartbeat": HEARTBEAT,
    "worker_job_attempt": "id job_id worker_id attempt_id phase primary_artifact_ref complete_status "
    "error_code error_message started_at completed_at",
    "worker_watchdog_event": "id worker_id job_id event_type severity evidence_ref action_taken "
    "requires_human created_at",
    "artifact_verifications": CHECK,
}
ABOVE_PROJECTS = {"principals", "tokens"}

SEVERITIES = "info low medium high critical"
CLOSED_LISTS = [
    ("watchdog_incidents", "severity", SEVERITIES),
    ("alerts", "severity", SEVERITIES),
    ("watchdog_incidents", "state", "open acknowledged repairing verifying resolved escalated needs_human"),
    ("watchdog_incidents", "next_action", "none retouch retry_complete repair_contract inspect_queue"),
    (
        "repair_actions",
        "state",
        "proposed approved executing succeeded failed needs_human rolled_back rejected expired",
    ),
    ("repair_actions", "result", "success failed needs_human"),
    ("worker_runs", "status", "ok failed retried stuck"),
]

COLUMNS = """
SELECT c.relname AS relation, a.attname AS name,
       replace(format_type(a.atttypid, a.atttypmod), 'timestamp with time zone', 'timestamptz') AS type
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relnamespace = 'watchkeeper'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
 ORDER BY c.relname, a.attnum
"""
LEADING_KEY_COLUMNS = """
SELECT c.relname AS relation, a.attname AS name
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indrelid
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
 WHERE i.indisprimary AND c.relnamespace = 'watchkeeper'::regnamespace
"""
CHECKS = """
SELECT pg_get_constraintdef(oid) AS rule FROM pg_constraint
 WHERE contype = 'c' AND conrelid = ('watchkeeper.' || %(relation)s)::regclass
"""
WORKED_JOB = """
WITH spec AS (
  INSERT INTO watchkeeper.job_specs (project_id, kind) VALUES ('p', 'page') RETURNING seq, id
), closed AS (
  INSERT INTO watchkeeper.closed_attempts (project_id, seq, epoch, worker_id, outcome, cause, error,
                                           token_hash, started_at)
  SELECT 'p', seq, 1, 'w1', 'stuck', 'gate', 'no_file_list', '', now() FROM spec
), held AS (
  INSERT INTO watchkeeper.leases (project_id, seq, kind, priority, epoch, agent_errors, lost_leases,
                                  worker_id, token_hash, profile, lease_seconds, phase,
                                  claimed_at, renewed_at, expires_at)
  SELECT 'p', seq, 'page', 0, 2, 0, 0, 'w2', '', 'session', 900, 'upload',
         now(), now(), now() + interval '15 minutes'
    FROM spec
), run AS (
  INSERT INTO watchkeeper.worker_runs (project_id, worker_id, job_id, epoch, phase, status)
  SELECT 'p', 'w1', id, 1, 'verify', 'stuck' FROM spec
), made AS (
  INSERT INTO watchkeeper.artifacts (project_id, seq, epoch, kind, name, url, is_primary)
  SELECT 'p', seq, 1, 'html_page', 'index.html', 'artifact:one', true FROM spec
), checked AS (
  INSERT INTO watchkeeper.artifact_checks (project_id, job_id, seq, epoch, command, http_status, file_count,
                                           passed, output_hash)
  SELECT 'p', id, seq, 1, 'verify', 200, 13, true, 'h' FROM spec
)
SELECT seq, id FROM spec
"""


async def columns(database: Database) -> dict[str, list[str]]:
    """Give the columns of each table and view as the page writes them."""
    found: dict[str, list[str]] = {}
    for row in await rows(database, COLUMNS):
        found.setdefault(row["relation"], []).append(f"`{row['name']}` {row['type']}")
    return found


async def test_published_names_carry_the_fields_that_others_query(database: Database) -> None:
    """Dashboards and scripts find each published table and view, with the fields they were made for."""
    present = await columns(database)
    for relation, fields in FIELDS.items():
        names = {column.split("`")[1] for column in present.get(relation, [])}
        assert set(fields.split()) - names == set(), f"{relation} lacks these"


async def test_every_table_and_column_is_documented(database: Database) -> None:
    """docs/reference/tables.md tells of every table, column and type that there is, and of nothing else."""
    published, inside = PAGE.read_text(encoding="utf-8").split("\n## Inside\n")
    sections = re.findall(r"^### (\w+)\n\n(.*?)(?=^### |\Z)", published, re.MULTILINE | re.DOTALL)
    documented = {}
    for relation, section in sections:
        meaning, listed = section.strip().rsplit("\n\n", 1)
        assert len(meaning) > 15, f"{relation} has no meaning on the page"
        documented[relation] = re.split(r"\s+·\s+", listed)
    actual = await columns(database)
    assert set(documented) >= set(FIELDS)
    actual.pop("test_clock", None)  # only the tests' template has it
    assert set(documented) | set(re.findall(r"`(\w+)`", inside)) == set(actual)
    for relation, listed in documented.items():
        lines = " · ".join(actual[relation])
        assert sorted(listed) == sorted(actual[relation]), f"the page should list under {relation}:\n{lines}"


async def test_every_record_belongs_to_a_project(database: Database) -> None:
    """A tenant's rows can be told from all others: the project leads each published table's key."""
    leading = {row["relation"]: row["name"] for row in await rows(database, LEADING_KEY_COLUMNS)}
    tenants = set(FIELDS) & set(leading) - ABOVE_PROJECTS
    assert {relation: leading[relation] for relation in tenants if leading[relation] != "project_id"} == {}
    present = await columns(database)
    assert {name for name in FIELDS if "`project_id` text" not in present[name]} == set()


@pytest.mark.parametrize(("relation", "column", "values"), CLOSED_LISTS)
async def test_closed_lists_are_the_published_ones(
    database: Database, relation: str, column: str, values: str
) -> None:
    """No program can store a severity, state or result that readers do not know; every known one is taken."""
    rules = [row["rule"] for row in await rows(database, CHECKS, {"relation": relation})]
    lists = [rule for rule in rules if rule.startswith(f"CHECK (({column} = ANY")]
    assert [re.findall(r"'(\w+)'::text", rule) for rule in lists] == [values.split()]


@pytest.mark.parametrize(
    "view", ["worker_heartbeat", "worker_job_attempt", "worker_watchdog_event", "artifact_verifications"]
)
async def test_views_for_reading_refuse_new_rows(database: Database, view: str) -> None:
    """Who writes to a view that is for reading is told so, and nothing is stored."""
    with pytest.raises(WatchkeeperError, match=f"the view {view} is read-only: INSERT is refused"):
        await rows(database, f"INSERT INTO watchkeeper.{view} (project_id) VALUES ('p')")
    assert await rows(database, f"SELECT * FROM watchkeeper.{view}") == []


async def test_heartbeat_view_shows_rounds_and_refuses_changes(database: Database) -> None:
    """A round of a worker is read through the view, and can be neither changed nor removed through it."""
    beat = {"worker_id": "w", "status": "ok", "doctor_ok": True, "claim_ok": None}
    await rows(
        database,
        "INSERT INTO watchkeeper.worker_heartbeats (project_id, worker_id, status, doctor_ok, claim_ok)"
        " VALUES ('p', %(worker_id)s, %(status)s, %(doctor_ok)s, %(claim_ok)s)",
        beat,
    )
    for change in (
        "UPDATE watchkeeper.worker_heartbeat SET status = 'x'",
        "DELETE FROM watchkeeper.worker_heartbeat",
    ):
        with pytest.raises(WatchkeeperError, match="read-only"):
            await rows(database, change)
    ask = "SELECT worker_id, status, doctor_ok, claim_ok FROM watchkeeper.worker_heartbeat"
    assert await rows(database, ask) == [beat]


async def test_attempt_view_shows_ended_and_running_attempts(database: Database) -> None:
    """One reads for each attempt its phase, its artifact, how it ended and why; its id stays the same."""
    job = (await rows(database, WORKED_JOB))[0]["id"]
    ask = "SELECT * FROM watchkeeper.worker_job_attempt WHERE job_id = %(job)s ORDER BY attempt_id"
    ended, running = await rows(database, ask, {"job": job})
    assert (
        ended.items()
        >= {
            "attempt_id": f"{job}/1",
            "worker_id": "w1",
            "phase": "verify",
            "primary_artifact_ref": "artifact:one",
            "complete_status": "stuck",
            "error_code": "gate",
            "error_message": "no_file_list",
        }.items()
    )
    assert (
        running.items()
        >= {
            "attempt_id": f"{job}/2",
            "worker_id": "w2",
            "phase": "upload",
            "primary_artifact_ref": None,
            "complete_status": "running",
            "error_code": None,
            "completed_at": None,
        }.items()
    )
    assert ended["completed_at"] is not None
    assert ended["id"] != running["id"]
    assert await rows(database, ask, {"job": job}) == [ended, running]


async def test_verification_view_names_the_job_and_outlives_it(database: Database) -> None:
    """The evidence of a check is read by job id, and stays readable when the job itself has been pruned."""
    job = (await rows(database, WORKED_JOB))[0]["id"]
    await rows(database, "DELETE FROM watchkeeper.job_specs")
    ask = "SELECT http_status, file_count FROM watchkeeper.artifact_verifications WHERE job_id = %(job)s"
    assert await rows(database, ask, {"job": job}) == [{"http_status": 200, "file_count": 13}]
