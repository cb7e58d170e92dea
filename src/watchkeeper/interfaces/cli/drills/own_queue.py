"""Drills on the own queue: leases, gate, idle loops, a worker that is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any

from watchkeeper.domain.rules.names import RuleName
from watchkeeper.interfaces.cli.drills.stage import DrillWorker, Stage

KIND = "drill"
LEASE_SECONDS = 2
PAGE = b"<html><body><h1>Drill</h1><p>This page is the evidence.</p></body></html>"
CLAIMS_AND_HANGS = """
import os, time, urllib.request
asked = urllib.request.Request(os.environ["URL"] + "/api/worker/claim", data=b'{"worker_id": "doomed"}', headers={
    "Authorization": "Bearer " + os.environ["TOKEN"], "Content-Type": "application/json"})
with urllib.request.urlopen(asked) as answer:
    print(answer.read().decode(), flush=True)
time.sleep(600)
"""
CONTRACT = {"required_kinds": ["html_page"], "primary": {"kinds": ["html_page"], "min_bytes": 1}}


def stale_lease(stage: Stage) -> None:
    """A worker goes silent: its lease is reaped, its job is claimable again, and its late word changes nothing."""
    stage.kind(KIND, lease_seconds=LEASE_SECONDS, on_lost="requeue")
    job = stage.enqueue(KIND)
    silent, other = stage.worker("silent"), stage.worker("other")
    claimed = _claimed(stage, silent, job)
    again = stage.wait(other.claim, "the job for another worker")
    stage.demand(again["attempt"] > claimed["attempt"], "a new attempt has a larger epoch", again["attempt"])
    late = silent.ask("progress", {"message": "still here", "phase": "build"}, job=job)
    stage.demand(late["error"]["code"] == "stale_lease", "the old token is refused", late["error"])
    reaped = [row for row in stage.timeline(job) if "lease_reaped" in row.values()]
    stage.show("the reaping stands in the trail", reaped)
    rows = stage.owner.get("/api/watchdog/repair-actions", action="reap")["repairs"]
    stage.show("the reaping is a repair with old and new state", rows)


def killed_worker(stage: Stage) -> None:
    """A worker's process is killed in mid-job: another one runs the job, once."""
    stage.kind(KIND, lease_seconds=LEASE_SECONDS, on_lost="requeue")
    job = stage.enqueue(KIND)
    surroundings = {"URL": stage.url, "TOKEN": stage.token}
    with subprocess.Popen(
        [sys.executable, "-c", CLAIMS_AND_HANGS], env=surroundings, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            said = process.stdout.readline() if process.stdout else ""
        finally:
            process.kill()
    stage.demand(job in said, "a process held the job", {"pid": process.pid})
    stage.demand(process.returncode == -signal.SIGKILL, "it was killed", {"signal": "SIGKILL"})
    rescuer = stage.worker("rescuer")
    stage.wait(rescuer.claim, "the job for another worker")
    done = rescuer.complete(job, [])
    stage.demand(done.get("status") == "completed", "the job is completed by the other", done)
    attempts = [(row["worker_id"], row["outcome"]) for row in stage.job(job)["attempts"]]
    once = [outcome for _, outcome in attempts].count("completed") == 1
    stage.demand(once, "it is completed once", attempts)


def no_job_loop(stage: Stage) -> None:
    """A worker wakes three times and finds nothing: an idle loop, and a proposal instead of a fourth round."""
    worker = stage.worker("idle")
    rounds = [worker.round() for _ in range(3)]
    stage.demand(rounds == [None] * 3, "three heartbeats found no job", {"heartbeats": len(rounds)})
    incident = stage.incident(RuleName.CLAIM_LOOP_IDLE, worker="idle")
    stage.repair(incident)
    proposals = stage.wait(lambda: _proposals(stage) or None, "a proposal")
    stage.show("a proposal is before a person", [row["decision"] for row in proposals])


def artifact_gate_failure(stage: Stage) -> None:
    """A worker says done over an empty file: the completion is blocked, and the job is stuck with the reason."""
    stage.kind(KIND, contract=CONTRACT)
    job = stage.enqueue(KIND)
    worker = stage.worker("liar")
    _claimed(stage, worker, job)
    artifact = worker.upload(job, "index.html", b"")
    said = worker.complete(job, [{"kind": "html_page", "artifact_id": artifact, "primary": True}])
    stage.demand(said["error"]["code"] == "gate_failed", "complete is blocked", said["error"])
    stuck = stage.job(job)
    stage.demand(
        (stuck["state"], stuck["state_reason"]) == ("stuck", "gate_failed"),
        "the job is stuck, not green",
        {"state": stuck["state"], "reason": stuck["state_reason"]},
    )
    stage.incident(RuleName.ARTIFACT_GATE_FAILED, job=job)


def complete_rejected(stage: Stage) -> None:
    """A completion lacks the kind that the contract asks for, twice: the job goes on, nothing is green, it is told."""
    stage.kind(KIND, contract=CONTRACT)
    job = stage.enqueue(KIND)
    worker = stage.worker("forgetful")
    _claimed(stage, worker, job)
    data = worker.upload(job, "rows.csv", b"a,b\n1,2\n")
    for _ in range(2):
        said = worker.complete(job, [{"kind": "data", "artifact_id": data, "primary": True}])
        stage.demand(said["error"]["code"] == "contract_rejected", "complete is refused", said["error"])
    stage.demand(
        stage.job(job)["state"] == "running", "the job goes on under its lease", {"state": "running"}
    )
    stage.incident(RuleName.COMPLETE_REJECTED, job=job)


def healthy_no_job(stage: Stage) -> None:
    """Doctor, touch and claim are well, there is no job: no alarm, and a repair proposal once that repeats."""
    worker = stage.worker("well")
    doctor = worker.ask("doctor", {"worker_id": worker.worker_id})
    stage.demand(doctor["ok"] and doctor["token_present"], "doctor is ok", {"checks": len(doctor["checks"])})
    touch = worker.ask("touch", {"worker_id": worker.worker_id})
    stage.demand(touch["ok"] and touch["touched"], "touch is ok", {"health": touch["health"]})
    claim = worker.ask("claim", {"worker_id": worker.worker_id})
    stage.demand(claim["ok"] and claim["job"] is None, "claim is ok, with no job", {"http": claim["http"]})
    quiet = stage.owner.get("/api/watchdog/incidents")["incidents"]
    stage.demand(quiet == [], "one round without a job is no trouble", {"incidents": 0})
    for _ in range(2):
        worker.round()
    stage.incident(RuleName.CLAIM_LOOP_IDLE, worker=worker.worker_id)
    proposals = stage.wait(lambda: _proposals(stage) or None, "a proposal")
    stage.show("a repair proposal was created", [row["decision"] for row in proposals])


def normal_path(stage: Stage) -> None:
    """A claimed job goes its way: context, progress, a verified primary artifact, complete."""
    stage.kind(KIND, contract=CONTRACT)
    job = stage.enqueue(KIND)
    worker = stage.worker("diligent")
    _claimed(stage, worker, job)
    context = worker.ask("context", job=job)
    stage.demand(context["ok"], "context is ok", {"contract": context["contract"]})
    progress = worker.ask("progress", {"message": "reading", "phase": "reading_context"}, job=job)
    stage.demand(progress["status"] == "running", "progress is written", {"status": progress["status"]})
    page = worker.upload(job, "index.html", PAGE)
    checked = worker.ask("verify", job=job)
    stage.demand(checked["failed"] == [], "the artifact is verified", {"files": checked["files"]})
    done = worker.complete(job, [{"kind": "html_page", "artifact_id": page, "primary": True}])
    stage.demand(
        (done.get("status"), done.get("verified")) == ("completed", "artifact"), "complete is ok", done
    )


def _claimed(stage: Stage, worker: DrillWorker, job: str) -> dict[str, Any]:
    claimed = worker.round()
    stage.demand(claimed is not None and claimed["id"] == job, "the job is claimed", {"job": job})
    return claimed or {}


def _proposals(stage: Stage) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = stage.owner.get("/api/proposals")["proposals"]
    return rows
