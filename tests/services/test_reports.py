"""The figures of reports come from what happened, and each says how much that was."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from any_rows import add_row
from moving_clock import MovingClock
from raw_sql import rows
from services.alerts import change, opened
from watchkeeper.app.whole import App
from watchkeeper.domain.stage_proofs import GOLDEN


def completed(connection: psycopg.Connection, seq: int, *, passed: bool, shadow: bool = False) -> UUID:
    """Complete a job at its first attempt, with a check that passed or without one."""
    job, epoch = UUID(int=seq), {"project_id": "p", "seq": seq, "epoch": 1}
    add_row(connection, "job_specs", project_id="p", seq=seq, id=job, kind="page", is_shadow=shadow)
    add_row(connection, "job_outcomes", **epoch, state="completed", verified="artifact")
    add_row(connection, "closed_attempts", **epoch, worker_id="w1", outcome="completed")
    add_row(connection, "artifact_checks", **epoch, job_id=job, command="complete", passed=passed)
    well = {"doctor_ok": True, "touch_ok": True, "claim_ok": True}
    add_row(connection, "worker_heartbeats", project_id="p", worker_id="w1", current_job_id=job, **well)
    return job


async def happened(app: App, database_url: str) -> None:
    """Let a worker complete six jobs, one of them without evidence, and one in shadow; two were stuck."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        add_row(connection, "workers", project_id="p", worker_id="w1", role="writer", persona="huber")
        jobs = [completed(connection, seq, passed=seq != 6) for seq in range(1, 7)]
        completed(connection, 7, passed=False, shadow=True)
        for code in (None, "contract_rejected"):
            add_row(
                connection, "helper_events", project_id="p", command="complete", exit_code=0, error_code=code
            )
        for status in ("retried", "retried", "stuck"):
            add_row(connection, "worker_runs", project_id="p", phase="complete", status=status)
    await opened(app.database, "lease_expired", job_id=jobs[0])
    unnamed = await opened(app.database, "lease_expired", job_id=jobs[1])
    await change(app.database, unnamed, "cause = NULL, next_action = 'none'")
    await rows(app.database, "UPDATE watchkeeper.watchdog_state SET last_tick_at = watchkeeper.now()")


async def test_the_indicators_count_what_happened(app: App, database_url: str, clock: MovingClock) -> None:
    """Seven figures with their n: a completion without evidence is false, a shadow job counts nowhere."""
    await happened(app, database_url)
    found = await app.watchdog.reports.indicators("p")
    counted = {
        name: (figure.get("part", figure["value"]), figure["n"], figure["status"])
        for name, figure in found["indicators"].items()
    }
    age = counted.pop("queue_stuck_age_s")
    assert 0 <= age[0] < 60
    assert age[1:] == (2, "known")
    assert counted == {
        "stuck_classification_rate": (1, 2, "not enough evidence"),
        "retry_success_rate": (2, 3, "not enough evidence"),
        "gate_pass_rate": (5, 6, "known"),
        "artifact_evidence_rate": (6, 6, "known"),
        "false_completes": (1, 6, "known"),
        "result_contract_failures": (1, 2, "known"),
    }
    assert (found["advancement"]["part"], found["advancement"]["n"]) == (6, 6)
    scored = {
        (row["subject"], row["name"]): row for row in (await app.watchdog.reports.scores("p"))["scores"]
    }
    assert scored["persona", "huber"]["parts"]["gate"] == scored["worker", "w1"]["parts"]["gate"]
    assert scored["worker", "w1"]["parts"]["gate"]["part"] == 5
    clock.advance(120)
    age_later = (await app.watchdog.reports.indicators("p"))["indicators"]["queue_stuck_age_s"]
    assert (age_later["value"], age_later["status"]) == (None, "not enough evidence")


async def test_reports_tell_real_incidents_from_drills(app: App, clock: MovingClock) -> None:
    """Three incidents of a drill are none for day 30; three real ones are, and the metrics table shows them."""
    drills = [
        await opened(app.database, rule)
        for rule in ("fetch_failed", "lease_near_expiry", "artifact_gate_failed")
    ]
    for drill in drills:
        await rows(
            app.database,
            "UPDATE watchkeeper.watchdog_incidents SET evidence = %(evidence)s WHERE id = %(id)s",
            {"evidence": Jsonb({"drill": "fetch_failed"}), "id": drill},
        )
    reports = app.watchdog.reports

    async def d14() -> str:
        items = (await reports.stages("p"))["items"]
        (item,) = [item for item in items if (item["source"], item["stage"]) == ("S1", "D14")]
        assert item["is_due"] is False
        return str(item["result"])

    assert await d14() == "unknown"
    assert (await reports.d30("p"))["recommendation"] == "not_enough_evidence"
    for rule in ("fetch_failed", "lease_near_expiry", "artifact_gate_failed"):
        await opened(app.database, rule)
    assert await d14() == "pass"
    early = await reports.d30("p")
    assert early["recommendation"] == "continue"
    assert early["provisional_until"] > early["generated_at"]
    assert (await reports.maturity("p"))["level"] == 1
    lines = {line["metric"]: line for line in (await reports.metrics("p"))["metrics"]}
    assert lines["lease_expiring_with_claimed_job"]["status"] == "firing"
    assert lines["repeated_no_job"]["status"] == "pending"


async def test_a_worker_that_appears_routes_no_impossible_job(app: App) -> None:
    """Of two kinds that nobody could do, one was paused and one found a worker: the first alone shows routing."""

    async def routed() -> tuple[str, str]:
        items = (await app.watchdog.reports.stages("p"))["items"]
        (item,) = [item for item in items if item["sentence"].startswith("Route impossible jobs")]
        return item["result"], item["because"]

    found, paused = [await opened(app.database, "missing_worker_kind") for _ in range(2)]
    over = (
        "UPDATE watchkeeper.watchdog_incidents SET state = 'resolved', resolved_at = watchkeeper.now(),"
        " pass_evidence = %(by)s WHERE id = %(id)s"
    )
    await rows(app.database, over, {"id": found, "by": Jsonb({"worker": "a live worker may do it"})})
    assert (await routed())[0] == "unknown"
    await rows(app.database, over, {"id": paused, "by": Jsonb({"paused": True})})
    assert await routed() == ("pass", "1 of 1 missing kinds paused or failed with a reason")


async def test_only_an_incident_that_is_due_was_answered_or_not(app: App, clock: MovingClock) -> None:
    """Whoever was called has until then; who says later that they take care did not answer in time."""
    called = (
        "INSERT INTO watchkeeper.alerts"
        " (project_id, incident_id, dedup_key, severity, channel, recipient, body, sent_at)"
        " VALUES ('p', %(id)s, %(id)s::text, 'high', 'ops', 'ann', 'x', watchkeeper.now())"
    )
    reports, acts = app.watchdog.reports, app.watchdog.incidents

    async def answered() -> tuple[int, int]:
        found = (await reports.d30("p"))["answered"]
        return found["part"], found["n"]

    early, late, never = [await opened(app.database, "fetch_failed") for _ in range(3)]
    for each in (early, late, never):
        await rows(app.database, called, {"id": each})
    await acts.acknowledge("p", early, actor="ann", note="on it", until=timedelta(hours=1))
    assert await answered() == (0, 0), "nobody is late before it is due"
    clock.advance(3601)
    await acts.acknowledge("p", late, actor="ann", note="now", until=timedelta(hours=1))
    await acts.acknowledge("p", early, actor="ann", note="still on it", until=timedelta(hours=1))
    assert await answered() == (1, 3)
    await change(app.database, never, "state = 'resolved', resolved_at = due_at")
    assert await answered() == (2, 3)


async def test_projects_that_were_merged_are_reported_together(app: App, database_url: str) -> None:
    """What happened in each counts for all of the group, whichever is asked for, and for none of it once parted."""
    for name in ("p", "q"):
        await app.kinds.ensure_project(name)
    await happened(app, database_url)
    await opened(app.database, "fetch_failed", project_id="q")
    with psycopg.connect(database_url, autocommit=True) as connection:
        add_row(connection, "helper_events", project_id="q", command="complete", exit_code=0)
        add_row(connection, "workers", project_id="q", worker_id="w2", role="reader")

    async def seen(project: str) -> tuple[int, int, set[str], int]:
        reports = app.watchdog.reports
        workers = [
            one["name"] for one in (await reports.scores(project))["scores"] if one["subject"] == "worker"
        ]
        lines = {line["metric"]: line for line in (await reports.metrics(project))["metrics"]}
        figures = (await reports.indicators(project))["indicators"]
        incidents = (await reports.d30(project))["real_incidents"]
        assert lines
        return (
            incidents,
            figures["result_contract_failures"]["n"],
            set(workers),
            figures["false_completes"]["n"],
        )

    assert await seen("q") == (1, 1, {"w2"}, 0)
    await rows(app.database, "UPDATE watchkeeper.projects SET merged_into = 'p' WHERE project_id = 'q'")
    whole = (3, 3, {"w1", "w2"}, 6)
    assert (await seen("q"), await seen("p")) == (whole, whole)
    await rows(app.database, "UPDATE watchkeeper.projects SET merged_into = NULL")
    assert await seen("q") == (1, 1, {"w2"}, 0)


async def test_the_golden_tests_count_as_their_drills_ended_last(app: App, database_url: str) -> None:
    """Each of the six must have been run, and passed the last time; then a run with evidence is enough."""
    await happened(app, database_url)
    reports = app.watchdog.reports

    async def golden() -> tuple[str, str]:
        items = (await reports.stages("p"))["items"]
        (item,) = [item for item in items if "golden tests" in item["sentence"]]
        return item["result"], item["because"]

    async def ended(drill: str, *, passed: bool) -> None:
        await reports.drill_ended(drill, passed=passed, evidence=5, actor="t")

    for drill in GOLDEN:
        assert (await golden())[0] == "unknown"
        await ended(drill, passed=drill != "near_expiry")
    assert await golden() == ("fail", "golden tests without their expected status: near_expiry")
    await ended("near_expiry", passed=True)
    result, because = await golden()
    assert (result, because.split(",")[0]) == ("pass", "six golden tests")
