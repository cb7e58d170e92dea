"""What a person reads of incidents, repairs, the policy and reports on a terminal."""

from __future__ import annotations

import psycopg

from interfaces.test_operator_cli import Run, environ, run

__all__ = ["environ", "run"]

INCIDENT = """
INSERT INTO watchkeeper.watchdog_incidents
       (project_id, rule, fingerprint, severity, cause, worker_id, evidence, next_action, due_at)
VALUES ('default', 'doctor_failed', 'f1', 'high', 'not_ok', 'codex-1', '{"checks": []}', 'retouch',
        now() + interval '1 hour')
RETURNING id::text
"""
REPAIR = """
INSERT INTO watchkeeper.repair_actions
       (project_id, incident_id, worker_id, trigger, action, authority, actor, state, plan_digest, plan)
VALUES ('default', %s, 'codex-1', 'doctor_failed', 'retouch', 'supervisor', 'system', 'proposed', 'abc123',
        '{"action": "retouch", "target": {"what": "worker", "id": "codex-1"}, "preconditions": {},
          "steps": ["ask for a touch"], "blast_radius": "one worker",
          "authority": "supervisor", "undo": null, "no_undo_because": "a touch changes nothing",
          "carried_out_by": "watchkeeper", "arguments": {}}')
RETURNING id::text
"""


def table(run: Run, *arguments: str) -> str:
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.split())


def test_a_person_reads_incidents_repairs_policy_and_reports(run: Run, database_url: str) -> None:
    """Each table names what a person decides by: rule, subject, plan and its reach, mode, verdict."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        incident = str(connection.execute(INCIDENT).fetchone()[0])
        repair = str(connection.execute(REPAIR, (incident,)).fetchone()[0])
    for shown in (table(run, "incident", "list"), table(run, "incident", "show", incident)):
        assert all(word in shown for word in (incident, "doctor_failed", "high", "codex-1"))
    listed, whole = table(run, "repair", "list"), table(run, "repair", "show", repair)
    assert all(word in listed for word in (repair, "retouch", "proposed", "doctor_failed"))
    assert all(
        word in whole for word in ("one worker", "ask for a touch", "abc123", "a touch changes nothing")
    )
    policy = table(run, "policy", "show", "-p", "default")
    assert all(word in policy for word in ("default", "breaker"))
    stages = table(run, "report", "stages")
    assert all(word in stages for word in ("D1", "D30", "unknown", "not enough evidence"))
    assert "not_enough_evidence" in table(run, "report", "d30")
    assert "level" in table(run, "report", "maturity")
    assert "lease_expiring_with_claimed_job" in table(run, "report", "metrics")
