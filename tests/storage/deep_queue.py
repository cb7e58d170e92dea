"""A queue beside a deep history, and the plans by which statements read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from watchkeeper.storage.database import Connection, Database

FINISHED, READY, LEASED = 50_000, 20_000, 2_000
FILL = """
INSERT INTO watchkeeper.projects (project_id) VALUES ('p');
INSERT INTO watchkeeper.job_kinds (project_id, kind) SELECT 'p', 'k' || n FROM generate_series(0, 4) n;
UPDATE watchkeeper.job_kinds SET concurrency = 100000 WHERE kind = 'k4';
INSERT INTO watchkeeper.job_specs (project_id, seq, kind)
  SELECT 'p', n, 'k' || n % 5 FROM generate_series(1, {total}) n;
INSERT INTO watchkeeper.job_outcomes (project_id, seq, state, verified, epoch)
  SELECT 'p', n, 'completed', 'none', 1 FROM generate_series(1, {finished}) n;
INSERT INTO watchkeeper.closed_attempts (project_id, seq, epoch, worker_id, outcome, token_hash, started_at)
  SELECT 'p', n, 1, 'w', 'completed', '', now() FROM generate_series(1, {finished}) n;
INSERT INTO watchkeeper.audit_events (project_id, event, actor, job_seq, epoch, old_state, new_state)
  SELECT 'p', 'complete_succeeded', 'w', n, 1, 'running', 'completed' FROM generate_series(1, {finished}) n;
INSERT INTO watchkeeper.ready_jobs (project_id, kind, priority, seq)
  SELECT 'p', 'k' || n % 5, 0, n FROM generate_series({finished} + 1, {finished} + {ready}) n;
INSERT INTO watchkeeper.leases (project_id, seq, kind, priority, epoch, agent_errors, lost_leases, worker_id,
                                token_hash, profile, lease_seconds, claimed_at, renewed_at, expires_at)
  SELECT 'p', n, 'k' || n % 5, 0, 1, 0, 0, 'w' || n % 20, sha256(n::text::bytea), 'runtime', 60, now(), now(),
         now() + interval '60 s' FROM generate_series({finished} + {ready} + 1, {total}) n;
INSERT INTO watchkeeper.scheduled_jobs (project_id, seq, kind, priority, run_at)
  SELECT 'p', {total} + n, 'k0', 0, now() + make_interval(secs => n - 10) FROM generate_series(1, 5000) n;
"""
DEEP = {"job_specs", "ready_jobs", "job_outcomes", "closed_attempts", "scheduled_jobs"}


@contextmanager
def explained(connection: Connection) -> Iterator[list[dict[str, Any]]]:
    """Collect the plans of all that runs on the connection, as auto_explain tells them."""
    plans: list[dict[str, Any]] = []

    def keep(notice: psycopg.errors.Diagnostic) -> None:
        text = notice.message_primary or ""
        if "plan:" in text:
            plans.append(json.loads(text.split("plan:", 1)[1]))

    connection.add_notice_handler(keep)
    try:
        yield plans
    finally:
        connection.remove_notice_handler(keep)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


async def plans_of(deep: Database, act: Any) -> list[dict[str, Any]]:
    """Run an act five times, so that generic plans show too, and give all nodes of its plans."""
    async with deep.connection() as connection:
        for setting in (
            "LOAD 'auto_explain'",
            "SET auto_explain.log_min_duration = 0",
            "SET auto_explain.log_format = json",
            "SET auto_explain.log_analyze = on",
            "SET auto_explain.log_timing = off",
            "SET auto_explain.log_level = notice",
            "SET client_min_messages = notice",
        ):
            await connection.execute(setting.encode())
        with explained(connection) as plans:
            for _ in range(7):
                async with connection.transaction(force_rollback=True):
                    await act(connection)
    assert plans, "auto_explain told nothing"
    return [node for plan in plans for node in nodes(plan["Plan"])]


def assert_no_deep_scan(found: list[dict[str, Any]]) -> None:
    for node in found:
        relation = node.get("Relation Name", "")
        is_deep = relation in DEEP or relation.startswith("audit_events")
        assert not (node["Node Type"] == "Seq Scan" and is_deep), f"a sequential scan of {relation}"
        if is_deep and "Scan" in node["Node Type"]:
            assert node.get("Rows Removed by Filter", 0) <= 200, f"{relation} is read for nothing"
