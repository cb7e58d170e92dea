"""What just happened: rows of every family become incidents, each judged once, and facts close them."""

from __future__ import annotations

from uuid import uuid4

import psycopg
import pytest

from any_rows import add_row
from moving_clock import MovingClock
from raw_sql import rows
from services.watched import (
    checked,
    claimed,
    enqueue,
    look_after,
    open_incidents,
    open_rules,
    ran,
    round_of,
    runtime_worker,
    watchdog,
)
from watchkeeper.app.whole import App
from watchkeeper.domain.jobs import AttemptCause
from watchkeeper.domain.kinds import KindDeclaration
from watchkeeper.services.claims import ClaimAsked
from watchkeeper.services.queue import AttemptEnd
from watchkeeper.services.watchdog import WatchdogConfig
from watchkeeper.storage.jobs import HeldLease


@pytest.mark.parametrize(
    ("command", "code", "rule", "cause"),
    [
        ("claim", "no_output", "claim_no_output", "no_output"),
        ("context", "fetch_failed", "fetch_failed", "fetch_failed"),
        ("progress", "internal_error", "fetch_failed", "internal_error"),
        ("complete", "contract_rejected", "complete_rejected", "refused_once"),
        ("context", "job_not_found", "job_not_found_after_claim", "gone_after_claim"),
        ("upload-files", "missing_deliverable_id", "missing_deliverable_id", "no_deliverable_id"),
        ("doctor", "doctor_failed", "doctor_failed", "doctor_failed"),
        ("touch", "permission_denied", "touch_failed", "permission_denied"),
    ],
)
async def test_a_command_that_went_wrong_is_an_incident_until_it_goes_well(
    app: App, clock: MovingClock, command: str, code: str, rule: str, cause: str
) -> None:
    """Each failing contract command opens its own incident, counted when it comes again; its success closes it."""
    job = await claimed(app)
    about = None if command in ("claim", "doctor", "touch") else job
    await ran(app, command, about, code=code)
    await watchdog(app).run_once()
    [found] = await open_incidents(app)
    assert (found["rule"], found["cause"], found["worker_id"]) == (rule, cause, "w")
    clock.advance(1)
    await ran(app, command, about, code=code)
    await watchdog(app).run_once()
    [found] = await open_incidents(app)
    assert found["occurrences"] == 2
    clock.advance(1)
    await ran(app, command, about, token_present=True, touch={"ok": True}, touched=True)
    await watchdog(app).run_once()
    left = [] if rule not in ("job_not_found_after_claim", "missing_deliverable_id") else [rule]
    assert await open_rules(app) == left


async def test_an_answer_of_no_is_a_failure_also_with_exit_code_0(app: App, clock: MovingClock) -> None:
    """It ends no incident, `why` names it as the last failure, and a success told after it is a hidden failure."""
    job = await claimed(app)
    await ran(app, "complete", job, code="fetch_failed")
    await watchdog(app).run_once()
    clock.advance(1)
    await ran(app, "complete", job, code="refused", exit_code=0)
    await watchdog(app).run_once()
    assert await open_rules(app) == ["fetch_failed"]
    assert "refused" in str(await app.watchdog.why.why("p", job))
    clock.advance(1)
    await rows(
        app.database,
        "INSERT INTO watchkeeper.worker_runs (project_id, worker_id, job_id, phase, status)"
        " VALUES ('p', 'w', %(job)s::uuid, 'complete', 'ok')",
        {"job": job},
    )
    await watchdog(app).run_once()
    assert await open_rules(app) == ["fetch_failed", "hidden_failure"]


async def test_an_attempt_that_ends_without_the_artifact_it_owes_is_an_incident(
    app: App, clock: MovingClock
) -> None:
    """Where its kind asks for one, and the job goes on; who was asked for none, or handed it back, owes none."""
    await app.kinds.declare("p", KindDeclaration.parse({"name": "k", "contract": {}}), actor="t")
    await app.kinds.declare("p", KindDeclaration.parse({"name": "free"}), actor="t")
    for kind, cause, rules in (
        ("k", AttemptCause.OPERATOR, []),
        ("free", AttemptCause.AGENT_ERROR, []),
        ("k", AttemptCause.AGENT_ERROR, ["artifact_missing"]),
    ):
        await enqueue(app, kind)
        [found] = (await app.claims.claim("p", ClaimAsked("w", [kind])))["jobs"]
        held = HeldLease(found.seq, found.epoch, found.token_hash)
        await app.queue.end("p", "worker:w", [AttemptEnd(held, cause, "no page")])
        await watchdog(app).run_once()
        assert await open_rules(app) == rules, (kind, cause)
    [incident] = await open_incidents(app)
    assert (incident["cause"], incident["evidence"]["phase"]) == ("ended_without_artifact", "end")
    await checked(app, str(incident["job_id"]), passed=True)
    assert await look_after(app, clock, 1) == []


async def test_a_stopped_worker_s_doctor_opens_nothing_beside_the_stop(app: App, clock: MovingClock) -> None:
    """Its doctor fails because of the stop; once it is resumed, a doctor that fails is an incident again."""
    await claimed(app)
    await rows(
        app.database, "UPDATE watchkeeper.workers SET stopped_at = watchkeeper.now(), stop_reason = 'x'"
    )
    for answer in ({"code": "doctor_failed"}, {"exit_code": 3}):
        await ran(app, "doctor", **answer)
    await app.attendance.note_doctor("p", "w", ok=False)
    await watchdog(app).run_once()
    assert await open_rules(app) == []
    clock.advance(1)
    await rows(app.database, "UPDATE watchkeeper.workers SET stopped_at = NULL")
    clock.advance(1)
    await ran(app, "doctor", code="doctor_failed")
    await watchdog(app).run_once()
    assert await open_rules(app) == ["doctor_failed"]


async def test_where_a_complete_failed_the_next_action_is_to_complete_again(app: App) -> None:
    """Another command that cannot reach its server is a matter of the queue."""
    job = await claimed(app)
    for command, action in (("context", "inspect_queue"), ("complete", "retry_complete")):
        await ran(app, command, job, code="fetch_failed")
        await watchdog(app).run_once()
        query = "SELECT next_action FROM watchkeeper.watchdog_incidents ORDER BY id DESC LIMIT 1"
        assert (await rows(app.database, query))[0]["next_action"] == action


async def test_a_failed_gate_is_an_incident_until_a_later_check_passes(app: App, clock: MovingClock) -> None:
    """A look beforehand changes nothing; what the completion hangs on does; no data is no pass."""
    job = await claimed(app)
    await checked(app, job, passed=False, command="verify")
    await watchdog(app).run_once()
    assert await open_rules(app) == []
    await checked(app, job, passed=False)
    await watchdog(app).run_once()
    [found] = await open_incidents(app)
    assert (found["rule"], found["cause"], str(found["job_id"])) == (
        "artifact_gate_failed",
        "empty_body",
        job,
    )
    assert await look_after(app, clock, 1) == ["artifact_gate_failed"]
    await checked(app, job, passed=True)
    assert await look_after(app, clock, 1) == []


async def test_nothing_that_happened_is_missed_while_nobody_watches(app: App, clock: MovingClock) -> None:
    """What was written down hours before the watchdog came back is judged by it, once, in bounded batches."""
    job = await claimed(app)
    await watchdog(app).run_once()
    clock.advance(1)
    for _ in range(3):
        await ran(app, "context", job, code="fetch_failed")
    clock.advance(6 * 3600)
    await rows(
        app.database, "UPDATE watchkeeper.leases SET expires_at = watchkeeper.now() + interval '900 s'"
    )
    looking = watchdog(app, WatchdogConfig())
    await looking.run_once()
    found = {row["rule"]: row["occurrences"] for row in await open_incidents(app)}
    assert found["fetch_failed"] == 3
    assert await rows(app.database, "SELECT FROM watchkeeper.watchdog_inbox") == []
    await looking.run_once()
    assert {row["rule"]: row["occurrences"] for row in await open_incidents(app)}["fetch_failed"] == 3


async def test_three_empty_rounds_are_an_idle_loop_and_polling_is_none(app: App, clock: MovingClock) -> None:
    """Rounds count, from touch to claim; a runtime worker that polls every 5 s, and a waiting claim, make none."""
    await runtime_worker(app, "runtime")
    for _ in range(12):
        assert not (await app.claims.claim("p", ClaimAsked("runtime")))["jobs"]
        assert not (await app.claims.claim("p", ClaimAsked("waits")))["jobs"]
        clock.advance(5)
    await watchdog(app).run_once()
    assert await open_rules(app) == []
    for _ in range(2):
        assert await round_of(app) == []
    await watchdog(app).run_once()
    assert await open_rules(app) == []
    assert await round_of(app) == []
    await watchdog(app).run_once()
    [found] = await open_incidents(app)
    assert (found["rule"], found["cause"], found["worker_id"]) == ("claim_loop_idle", "backlog_empty", "w")
    job = await enqueue(app)
    assert await round_of(app) == [job]
    assert await look_after(app, clock, 1) == []


async def test_what_was_settled_for_a_backlog_is_not_raised_again(app: App, clock: MovingClock) -> None:
    """A decided proposal ends an idle loop; it comes back when other kinds wait, and not before."""
    for _ in range(3):
        await round_of(app)
    await watchdog(app).run_once()
    await rows(
        app.database,
        "INSERT INTO watchkeeper.proposals (project_id, kind, incident_id, decision, decided_by, decided_at)"
        " SELECT 'p', 'k', id, 'd', 'ann', watchkeeper.now() FROM watchkeeper.watchdog_incidents",
    )
    assert await look_after(app, clock, 1) == []
    await round_of(app)
    assert await look_after(app, clock, 1) == []
    await rows(app.database, "UPDATE watchkeeper.workers SET kinds = '{other}'")
    await enqueue(app, "new_kind")
    await app.attendance.touch("p", "w", None)
    await app.claims.claim("p", ClaimAsked("w", ["other"]))
    await watchdog(app).run_once()
    assert "claim_loop_idle" in await open_rules(app)


async def test_the_same_failure_three_times_is_a_crash_loop(app: App, clock: MovingClock) -> None:
    """Numbers and ids in the text do not tell failures apart; another cause does. A person's resume ends it."""
    job = await claimed(app)
    with psycopg.connect(app.database.config.url, autocommit=True) as connection:
        [(seq,)] = connection.execute("SELECT seq FROM watchkeeper.job_specs").fetchall()
        for epoch, (cause, error) in enumerate(
            [("agent_error", "exit 1 pid 7"), ("infrastructure", "disk"), ("agent_error", "exit 2 pid 9")], 11
        ):
            connection.execute(
                "INSERT INTO watchkeeper.closed_attempts (project_id, seq, epoch, worker_id, outcome, cause, error,"
                " token_hash, started_at) VALUES ('p', %s, %s, 'w', 'failed', %s, %s, '', watchkeeper.now())",
                (seq, epoch, cause, error),
            )
    await watchdog(app).run_once()
    assert await open_rules(app) == []
    await rows(
        app.database,
        "INSERT INTO watchkeeper.closed_attempts (project_id, seq, epoch, worker_id, outcome, cause, error, token_hash,"
        f" started_at) VALUES ('p', {seq}, 14, 'w', 'failed', 'agent_error', 'exit 3 pid 11', '', watchkeeper.now())",
    )
    await watchdog(app).run_once()
    assert await open_rules(app) == ["crash_loop"]
    await app.operations.move("p", job, "pause", actor="ann", reason="look")
    assert await look_after(app, clock, 1) == ["crash_loop"]
    await app.operations.move("p", job, "resume", actor="ann", reason="mended")
    assert await look_after(app, clock, 1) == []


async def test_a_secret_in_an_output_or_a_message_stops_its_worker(app: App) -> None:
    """What the redactor took out is told, and never the secret; the lease token that an answer must carry is none."""
    job = await claimed(app)
    await ran(app, "claim", job={"id": job, "lease_token": "1.abc"})
    await watchdog(app).run_once()
    assert await open_rules(app) == []
    await ran(app, "context", job, text="ghp_" + "a1B2" * 9)
    await watchdog(app).run_once()
    [found] = await open_incidents(app)
    assert (found["rule"], found["worker_id"], found["state"]) == ("secret_exposed", "w", "needs_human")
    assert "ghp_" not in str(found["evidence"])


async def test_a_success_after_a_failed_completion_is_a_hidden_failure(app: App) -> None:
    """A phase that tells of the end, after the last completion failed; one that is queued has not failed."""
    jobs = [await claimed(app, worker) for worker in ("a", "b")]
    for job, worker, code in zip(jobs, "ab", ("fetch_failed", "queued"), strict=True):
        await ran(app, "complete", job, worker, code=code)
        await rows(
            app.database,
            "INSERT INTO watchkeeper.worker_runs (project_id, worker_id, job_id, phase, status)"
            f" VALUES ('p', '{worker}', '{job}', 'complete', 'ok')",
        )
    await watchdog(app).run_once()
    assert await open_rules(app) == ["fetch_failed", "hidden_failure"]


async def test_a_lost_file_is_an_incident_until_it_is_back(app: App, clock: MovingClock) -> None:
    """The check of stored files tells; what it finds again closes it."""
    await claimed(app)
    artifact = uuid4()
    with psycopg.connect(app.database.config.url, autocommit=True) as connection:
        [(seq,)] = connection.execute("SELECT seq FROM watchkeeper.job_specs").fetchall()
        add_row(connection, "artifacts", project_id="p", id=artifact, seq=seq)
    lost = "UPDATE watchkeeper.artifacts SET lost_at = {}"
    await rows(app.database, lost.format("watchkeeper.now()"))
    await watchdog(app).run_once()
    assert await open_rules(app) == ["artifact_lost"]
    await rows(app.database, lost.format("NULL"))
    assert await look_after(app, clock, 1) == []
