"""The watchdog's looks cost what lives, whatever lies behind it, and whether the planner knows the tables or not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from raw_sql import rows
from storage.deep_queue import DEEP, assert_no_deep_scan, plans_of
from watchkeeper.domain.policies import Policy, Thresholds
from watchkeeper.services import watchdog_facts
from watchkeeper.services.watchdog_closing import find_over
from watchkeeper.services.watchdog_edges import read_inbox
from watchkeeper.services.watchdog_facts import Watch
from watchkeeper.storage.database import Connection, Database, fetch, fetch_row

LIMITS = Thresholds()
HISTORY = """
INSERT INTO watchkeeper.artifact_checks (project_id, job_id, seq, epoch, command, passed, output_hash)
  SELECT project_id, id, seq, 1, 'complete', true, '' FROM watchkeeper.job_specs WHERE seq % 3 = 0;
INSERT INTO watchkeeper.worker_runs (project_id, worker_id, job_id, epoch, phase, status)
  SELECT project_id, 'w', id, 1, 'build', 'ok' FROM watchkeeper.job_specs WHERE seq % 3 = 0;
INSERT INTO watchkeeper.helper_events (project_id, worker_id, job_id, command, exit_code)
  SELECT project_id, 'w' || seq % 20, id, 'context', 0 FROM watchkeeper.job_specs WHERE seq % 3 = 0;
INSERT INTO watchkeeper.worker_heartbeats (project_id, worker_id, status, claim_ok)
  SELECT 'p', 'w' || n % 20, 'ok', true FROM generate_series(1, 20000) n;
INSERT INTO watchkeeper.workers (project_id, worker_id, profile)
  SELECT 'p', 'w' || n, 'session' FROM generate_series(0, 19) n;
DELETE FROM watchkeeper.watchdog_inbox;
INSERT INTO watchkeeper.watchdog_incidents (project_id, rule, fingerprint, severity, job_id, worker_id, kind, evidence)
  SELECT 'p', r, r || s.seq, 'high', s.id, 'w1', 'k0', '{"epoch": 1, "command": "context"}'
    FROM watchkeeper.leases l JOIN watchkeeper.job_specs s USING (project_id, seq),
         unnest(ARRAY['lease_expired', 'artifact_gate_failed', 'fetch_failed', 'queue_stuck', 'doctor_failed']) r
   WHERE l.seq % 40 = 0;
INSERT INTO watchkeeper.watchdog_inbox (project_id, family, ref_id, seq, epoch, worker_id)
  SELECT 'p', f, id, seq, 1, 'w1' FROM (SELECT id, seq FROM watchkeeper.job_specs ORDER BY seq LIMIT 20) s,
         unnest(ARRAY['attempt', 'round', 'outcome']) f
"""
ALSO_DEEP = {"artifact_checks", "worker_runs", "helper_events", "worker_heartbeats"}


REPAIRS = """
INSERT INTO watchkeeper.repair_actions
       (project_id, job_id, worker_id, trigger, action, authority, actor, plan, state, result, attempted_at, ended_at)
  SELECT 'p', s.id, 'w' || s.seq % 20, 'lease_expired', 'reclaim', 'system', 'system',
         jsonb_build_object('target', jsonb_build_object('what', 'job', 'id', s.id)), 'succeeded', 'success',
         now() - make_interval(days => 1 + (s.seq % 300)::int), now() - make_interval(days => 1 + (s.seq % 300)::int)
    FROM watchkeeper.job_specs s ORDER BY s.seq LIMIT 20000;
INSERT INTO watchkeeper.repair_actions
       (project_id, job_id, worker_id, trigger, action, authority, actor, plan, state, attempted_at)
  SELECT 'p', s.id, 'w1', 'lease_near_expiry', 'ask_renewal', 'system', 'system',
         jsonb_build_object('target', jsonb_build_object('what', 'worker', 'id', 'w1')), 'executing', now()
    FROM (SELECT * FROM watchkeeper.leases ORDER BY seq DESC LIMIT 1) l
    JOIN watchkeeper.job_specs s USING (project_id, seq)
"""


async def past(deep: Database) -> None:
    """Give the queue a past of checks, phases, commands and heartbeats, incidents, and an inbox."""
    for statement in HISTORY.split(";\n"):
        await rows(deep, statement)


async def test_a_full_sweep_reads_no_history(deep: Database) -> None:
    """Leases, queues, the inbox and the ends of incidents are found by index beside 50,000 finished jobs."""
    await past(deep)
    watch = Watch(15.0, 3.0, 15.0)

    async def act(connection: Connection) -> None:
        clock = await fetch_row(connection, "clock")
        tick = await watchdog_facts.tick(connection, watch)
        assert tick is not None
        assert await watchdog_facts.leases(connection, tick, clock["now"] - timedelta(days=1), LIMITS)
        assert await watchdog_facts.leases(connection, tick, None, LIMITS)
        await watchdog_facts.queues(connection, tick, Policy())
        await watchdog_facts.sight(connection, tick, 0.0)
        await watchdog_facts.note_sight(connection, tick, is_blind=False, good_ticks=2)
        await read_inbox(connection, Policy(), tick.now)
        await find_over(connection, Policy(), None, 200)

    found = [node for node in await plans_of(deep, act) if not _is_of_an_empty_partition(node)]
    assert_no_deep_scan(found)
    assert not [node for node in found if _is_scan_of(node, ALSO_DEEP)]


async def test_what_a_repair_asks_before_it_acts_reads_no_history(deep: Database) -> None:
    """Cool-down, the effects of other repairs and what was begun are found by index beside 20,000 old repairs."""
    await past(deep)
    for statement in REPAIRS.split(";\n"):
        await rows(deep, statement)
    of_job = (
        "SELECT job_id FROM watchkeeper.repair_actions WHERE state = 'succeeded' ORDER BY id DESC LIMIT 1"
    )
    job = (await rows(deep, of_job))[0]["job_id"]

    async def act(connection: Connection) -> None:
        cooling = {"trigger": "lease_expired", "id": job, "target": "{}", "cool_down_seconds": 60.0}
        await fetch_row(connection, "seconds_since_attempt", {"project_id": "p", **cooling})
        before = {
            "rule": "queue_stuck",
            "changing": ["reclaim"],
            "opened_at": (await fetch_row(connection, "clock"))["now"],
            "seconds": 600.0,
        }
        for about in ({"job_id": job}, {"worker_id": "w1"}, {"kind": "k0"}):
            asked = {"job_id": None, "worker_id": None, "kind": None, **about, **before}
            await fetch(connection, "repair_before_incident", {"project_id": "p", **asked})
        asked_for = {"looked_at": ["retouch", "ask_renewal"], "of_the_lease": ["repair_contract"]}
        begun = {**asked_for, "passed_over": [], "limit": 100}
        assert not await fetch(connection, "executing_repairs", begun), "no renewal came since"

    found = [node for node in await plans_of(deep, act) if not _is_of_an_empty_partition(node)]
    assert_no_deep_scan(found)
    assert not [node for node in found if _is_scan_of(node, {*ALSO_DEEP, "repair_actions"})]


def _is_scan_of(node: dict[str, Any], tables: set[str]) -> bool:
    assert not tables & DEEP
    return node["Node Type"] == "Seq Scan" and node.get("Relation Name") in tables


def _is_of_an_empty_partition(node: dict[str, Any]) -> bool:
    is_of_trail = node.get("Relation Name", "").startswith("audit_events_")
    return is_of_trail and not node["Actual Rows"] and not node.get("Rows Removed by Filter", 0)
