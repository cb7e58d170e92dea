"""Diagnosis as data: why a job, a kind or a worker stands as it does, and how workers and queues fare."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from interfaces.api_client import Answered, Api
from interfaces.contract_schemas import holds
from interfaces.test_api_recording import JOB, PAGE, PLS, WATCHDOG, ahead, attempt, send
from moving_clock import MovingClock
from raw_sql import rows
from watchkeeper.domain.jobs import StateReason

WHY = {"reason": "it had to be"}


async def why(api: Api, name: str, **query: str) -> dict[str, Any]:
    """Ask why, and hold the answer to the published form."""
    answered = await api.get(f"/api/why/{name}", role="viewer", params=query)
    assert answered.status == 200, answered.body
    holds("why.json", answered.body)
    return answered.body


def fact(found: dict[str, Any], name: str) -> Any:
    return next((each for each in found["facts"] if each["fact"] == name), None)


async def status(api: Api, worker: str) -> dict[str, Any]:
    answered = await api.get(f"{WATCHDOG}/workers/{worker}/status", role="viewer")
    assert answered.status == 200, answered.body
    holds("worker-status.json", answered.body)
    assert (await api.get(f"{PLS}/workers/{worker}/status")).body["checks"] == answered.body["checks"]
    return answered.body


async def every_wait(api: Api) -> dict[str, str]:
    """Make a job wait for each reason that the state of a queue gives; give the jobs by reason."""
    await api.declare("limit_full", concurrency=1)
    await api.claimed("limit_full")
    for worker, kind in (("w1", "limit_full"), ("w2", "worker_stopped"), ("w3", "quota_parked")):
        await api.worker("claim", worker, kinds=[kind])
    stop = "UPDATE watchkeeper.workers SET stopped_at = watchkeeper.now() WHERE worker_id = 'w2'"
    await rows(api.app.database, stop)
    await rows(api.app.database, "UPDATE watchkeeper.workers SET pool = 'cloud' WHERE worker_id = 'w3'")
    parked = "VALUES ('p', 'cloud', watchkeeper.now() + interval '1 hour', 'limit')"
    await rows(
        api.app.database, f"INSERT INTO watchkeeper.pool_parks (project_id, pool, until, reason) {parked}"
    )
    reasons = ("no_eligible_worker", "paused", "limit_full", "worker_stopped", "quota_parked")
    jobs = {reason: await api.enqueue(reason) for reason in reasons}
    await api.post("/api/kinds/paused/pause", WHY)
    return jobs


async def test_a_waiting_job_and_its_kind_say_why(api: Api) -> None:
    """The reason, a sentence, what would change it; the kind tells the same of its queue, and who could do it."""
    standing = {"limit_full": "full", "worker_stopped": "stopped", "quota_parked": "parked"}
    jobs = await every_wait(api)
    for reason, job in jobs.items():
        found = await why(api, job)
        assert (found["state"], found["reason"]) == ("pending", reason)
        assert fact(found, "state")["age_s"] >= 0
        kind = await why(api, reason)
        assert (kind["subject"]["type"], kind["reason"]) == ("kind", reason)
        assert kind["sentence"] == found["sentence"]
        assert kind["queues"][0]["waiting_reasons"][reason] == 1
        assert {each["standing"] for each in kind["workers"]} == {*filter(None, [standing.get(reason)])}
    body = {"on": False, "reason": "x"}
    await api.post("/api/switches/claims", body, token=await api.token("owner", None))
    assert {(await why(api, job))["reason"] for job in jobs.values()} == {"claims_off"}


async def test_a_job_that_is_not_due_dead_or_free_says_so(api: Api, clock: MovingClock) -> None:
    """A time to come has an age below zero; a dead lease names its worker; what anybody may take says that too."""
    later = await why(api, await api.enqueue(run_at=ahead(60)))
    assert later["reason"] == "not_due"
    assert fact(later, "run_at")["age_s"] < -3500
    held = await api.claimed("dead")
    assert (await why(api, held["id"]))["sentence"] == "it runs under a live lease"
    clock.advance(16 * 60)
    dead = await why(api, held["id"])
    assert (dead["state"], dead["reason"], fact(dead, "worker")["value"]) == ("running", "lease_dead", "w1")
    await api.worker("touch", "w2")
    free = await why(api, await api.enqueue("free"))
    assert (free["reason"], free["sentence"]) == (None, "a worker may take it at once")
    assert fact(free, "worker w2")["value"] == "free"


async def test_a_job_in_back_off_stands_there_since_its_last_attempt_ended(
    api: Api, clock: MovingClock
) -> None:
    """Not since it was made: `state_since`, the fact of its state and the attempt's end are one moment."""
    job = await api.claimed()
    clock.advance(600)
    await api.command("progress", job, message="m", phase="build")
    await api.command("fail", job, reason="it broke")
    shown = (await api.get(f"/api/jobs/{job['id']}")).job
    assert (shown["state"], shown["state_since"]) == ("pending", shown["attempts"][0]["ended_at"])
    assert fact(await why(api, job["id"]), "state")["age_s"] < 300


async def test_a_job_that_stands_still_has_a_class_and_a_repair(api: Api) -> None:
    """For each reason there is: class, cause, suggestion, and what would change it."""
    for reason in StateReason:
        job = await api.enqueue()
        held = f"""
          WITH taken AS (DELETE FROM watchkeeper.ready_jobs RETURNING *)
          INSERT INTO watchkeeper.held_jobs (project_id, seq, kind, priority, epoch, agent_errors, lost_leases, state,
                                             state_reason)
          SELECT project_id, seq, kind, priority, epoch, agent_errors, lost_leases, 'stuck', '{reason}' FROM taken"""
        await rows(api.app.database, held)
        found = await why(api, job)
        assert (found["state"], found["reason"], found["cause"]) == (
            "stuck",
            reason,
            f"state_reason:{reason}",
        )
        assert found["class"] != "unexplained"
        assert found["suggested_repair"]["action"]


async def test_the_ends_of_jobs_explain_themselves(api: Api) -> None:
    """Completed and cancelled have nothing to repair; failed and mirrored ones have a class like all others."""
    done, gone, failed = await api.claimed("a"), await api.enqueue("b"), await api.claimed("c", "w2")
    await api.command("complete", done, summary="done", artifacts=[])
    await api.post(f"/api/jobs/{gone}/cancel", WHY)
    await api.declare("c", max_attempts=1)
    await api.command("fail", failed, reason="no such file")
    assert (await why(api, done["id"]))["sentence"] == "it is completed"
    assert (await why(api, gone))["sentence"] == "it was cancelled"
    found = await why(api, failed["id"])
    assert (found["class"], found["suggested_repair"]["action"]) == ("agent_error", "requeue")
    assert fact(found, "attempt 1")["said"] == "agent_error: no such file"
    await attempt(api, phase="claim")
    assert (await why(api, JOB))["state"] == "running"
    await attempt(api, complete_status="stuck", error_message="upload broke off")
    mirrored = await why(api, JOB)
    assert (mirrored["class"], mirrored["subject"]["origin"]) == ("command", "helper")
    assert fact(mirrored, "state")["said"] == "upload broke off"


async def test_what_workers_declined_is_a_fact(api: Api) -> None:
    """A claim that found nothing says what it met; the job names the worker, and the worker the job."""
    await api.declare(concurrency=1)
    await api.claimed()
    waits = await api.enqueue()
    assert (await api.worker("claim", "w2")).body["declined"]
    declined = fact(await why(api, waits), "declined_by")
    assert (declined["value"], declined["said"]) == ("w2", "limit_full")
    worker = await why(api, "w2")
    assert worker["declined"] == [{"job": waits, "reason": "limit_full"}]
    assert fact(worker, "claims_without_a_job")["value"] == 1


async def test_a_stopped_worker_says_by_whom_and_what_would_change_it(api: Api) -> None:
    """Its health, its stop reason, its last doctor; and what is not here is not found, of whatever type."""
    await api.worker("doctor", "w1")
    stop = "UPDATE watchkeeper.workers SET stopped_at = watchkeeper.now(), stopped_by = 'ann', stop_reason = 'loops'"
    await rows(api.app.database, stop)
    found = await why(api, "w1", of="worker")
    assert (found["state"], found["reason"]) == ("stuck", "loops")
    assert "workers resume" in found["changes"]
    assert (fact(found, "stopped")["value"], fact(found, "doctor")["value"]) == ("ann", "ok")
    for name, query in ((str(uuid4()), {}), ("nobody", {}), ("w1", {"of": "job"}), ("w1", {"of": "kind"})):
        assert (await api.get(f"/api/why/{name}", params=query)).code == "not_found"


async def test_an_open_incident_explains_where_a_person_only_paused(api: Api) -> None:
    """The gravest rule that fired gives class and repair, and stands among the facts."""
    job = await api.enqueue()
    await api.post(f"/api/jobs/{job}/pause", WHY)
    assert (await why(api, job))["class"] == "operator"
    opened = f"""
      INSERT INTO watchkeeper.watchdog_incidents (project_id, rule, fingerprint, severity, job_id, cause)
      VALUES ('p', 'artifact_gate_failed', 'f', 'high', '{job}', 'no_file_list')"""
    await rows(api.app.database, opened)
    found = await why(api, job)
    assert (found["class"], found["cause"]) == ("evidence", "incident:artifact_gate_failed")
    assert [each["rule"] for each in found["incidents"]] == ["artifact_gate_failed"]
    assert fact(found, "incident artifact_gate_failed")["said"] == "no_file_list"


async def test_a_worker_that_an_incident_is_about_says_which(api: Api) -> None:
    """Reason, sentence and what would change it are those of its gravest incident, and else nothing is the matter."""
    await api.worker("doctor", "w1")
    assert (await why(api, "w1", of="worker"))["sentence"] == "nothing is the matter with it"
    opened = """
      INSERT INTO watchkeeper.watchdog_incidents
             (project_id, rule, fingerprint, severity, worker_id, cause, next_action)
      VALUES ('p', 'claim_loop_idle', 'f', 'medium', 'w1', 'backlog_waits', 'inspect_queue')"""
    await rows(api.app.database, opened)
    found = await why(api, "w1", of="worker")
    assert (found["reason"], found["next_action"]) == ("claim_loop_idle", "inspect_queue")
    assert found["sentence"] == "a worker woke several times in a row and found no job"
    assert found["changes"] == "a heartbeat has a job, or the proposal is decided"


async def test_a_foreign_workers_status_follows_its_reports(api: Api, clock: MovingClock) -> None:
    """Every command has a state; what fails names its weight and what to do next; another job begins anew."""
    beat = {"worker_id": "h1", "status": "ok", "doctor_ok": True, "touch_ok": True, "claim_ok": True}
    await send(api, f"{PLS}/heartbeat", beat)
    idle = await status(api, "h1")
    assert (idle["health"], idle["current_job"], idle["next_action"]) == ("ok", None, "none")
    assert idle["checks"]["claim"]["state"] == "ok"
    assert idle["checks"]["lease"] == {"state": "none", "at": None, "severity": "info"}
    await attempt(api, phase="claim", lease_expires_at=ahead(15))
    await attempt(api, phase="reading_context")
    await attempt(api, phase="building_artifact")
    check = {"job_id": JOB, "primary_url": PAGE, "http_status": 404}
    await send(api, f"{WATCHDOG}/artifact-checks", check)
    busy = await status(api, "h1")
    assert {name: each["state"] for name, each in busy["checks"].items()} == {
        **dict.fromkeys(("doctor", "touch", "claim", "context", "progress"), "ok"),
        "artifact": "failed",
        "complete": "unknown",
        "lease": "normal",
    }
    assert (busy["checks"]["artifact"]["severity"], busy["next_action"]) == ("high", "repair_contract")
    assert busy["current_job"]["external_id"] == JOB
    failed = {"command": "complete", "exit_code": 1, "worker_id": "h1", "job_id": JOB}
    await send(api, f"{WATCHDOG}/helper-events", failed)
    assert (await status(api, "h1"))["next_action"] == "retry_complete"
    assert (await why(api, JOB))["sentence"] == "it runs under a live lease"
    clock.advance(17 * 60)
    assert (await status(api, "h1"))["checks"]["lease"]["state"] == "stale"
    assert (await why(api, JOB))["sentence"] == "it runs, and its lease has ended"
    await send(api, f"{PLS}/job-attempt", {"job_id": "next", "worker_id": "h1", "phase": "claim"})
    fresh = await status(api, "h1")
    assert (fresh["current_job"]["external_id"], fresh["checks"]["complete"]["state"]) == ("next", "unknown")
    assert (await why(api, "next"))["sentence"] == "it runs, and nobody told when its lease ends"
    assert (await api.get(f"{WATCHDOG}/workers/nobody/status")).status == 404


async def test_an_own_workers_status_follows_what_it_did(api: Api) -> None:
    """The contract's commands are facts enough: nobody reports them."""
    for verb in ("doctor", "touch"):
        await api.worker(verb)
    job = await api.claimed(contract={"required_kinds": ["html_page"]})
    await api.command("context", job)
    await api.command("progress", job, message="on it", phase="building_artifact")
    await api.command("verify", job)
    found = await status(api, "w1")
    assert {name: each["state"] for name, each in found["checks"].items()} == {
        **dict.fromkeys(("doctor", "touch", "claim", "context", "progress"), "ok"),
        "artifact": "failed",
        "complete": "unknown",
        "lease": "normal",
    }
    assert found["current_job"]["job_id"] == job["id"]


async def test_queue_health_has_own_and_foreign_queues(api: Api, clock: MovingClock) -> None:
    """Counters as reported, mirrored jobs where none were; old counters are unknown; the watchdog's own tick counts."""

    async def health() -> Answered:
        answered = await api.get(f"{WATCHDOG}/queue-health")
        holds("queue-health.json", answered.body)
        return answered

    assert (await health()).body["watchdog"] == {"last_tick_at": None, "ok": False}
    for duty in api.app.maintenance.duties():
        await duty.run_once()
    await api.app.watchdog.watch.run_once()
    await attempt(api, phase="claim")
    counters = {"kind": "mail", "ready": 4, "oldest_ready_age_s": 90, "eligible_workers": 0}
    await send(api, f"{WATCHDOG}/health", {"origin": "hermes", "queues": [counters]})
    await api.enqueue("report")
    found = (await health()).body
    assert found["watchdog"]["ok"]
    assert found["watchdog"]["last_tick_at"]
    seen = {
        (row["origin"], row["kind"]): (row["ready"], row["running"], row["status"]) for row in found["queues"]
    }
    assert seen == {
        ("own", "report"): (1, 0, "waiting"),
        ("helper", "brief"): (0, 1, "ok"),
        ("hermes", "mail"): (4, 0, "waiting"),
    }
    [mail] = [row for row in found["queues"] if row["kind"] == "mail"]
    assert mail["waiting_reasons"] == {"no_eligible_worker": 4}
    assert 90 <= mail["oldest_ready_age_s"] < 100
    assert (await why(api, "mail"))["reason"] == "no_eligible_worker"
    clock.advance(3600)
    later = (await health()).body
    assert {row["kind"]: row["status"] for row in later["queues"]}["mail"] == "unknown"
    assert not later["watchdog"]["ok"]
