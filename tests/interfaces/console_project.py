"""A project with a job in every state that the console shows, made through the services that workers use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from watchkeeper.app.whole import App
from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.jobs import AttemptCause, OnLost
from watchkeeper.domain.kinds import KindDeclaration
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.queue import AttemptEnd
from watchkeeper.storage.jobs import Completion, HeldLease

ACTOR = "principal:lin"


@dataclass
class ConsoleProject:
    """One project; `jobs` names each job that was made by the state it was brought into."""

    app: App
    url: str
    name: str = "p"
    jobs: dict[str, UUID] = field(default_factory=dict)

    async def add(self, state: str, kind: str, **request: Any) -> UUID:
        asked = JobRequest(kind, **request)
        (made,) = await self.app.queue.enqueue(self.name, [asked], actor=ACTOR)
        self.jobs[state] = made.id
        return made.id

    async def worker(self, worker_id: str, kinds: list[str] | None, slots: int = 2) -> None:
        facts = {"role": None, "pool": "default", "persona": None, "host_id": "host-1", "version": "0.1.0"}
        await self.app.database.fetch(
            "register_worker",
            {
                "project_id": self.name,
                "worker_id": worker_id,
                "profile": "runtime",
                "slots": slots,
                "kinds": kinds,
                **facts,
            },
        )

    async def claim(self, worker_id: str, kind: str) -> tuple[ClaimedJob, HeldLease]:
        (job,) = await self.app.queue.claim(self.name, worker_id, [kind], profile="runtime")
        return job, HeldLease(job.seq, job.token.epoch, job.token.secret_hash)

    async def end(self, worker_id: str, kind: str, cause: AttemptCause, error: str) -> None:
        _, lease = await self.claim(worker_id, kind)
        await self.app.queue.end(self.name, f"worker:{worker_id}", [AttemptEnd(lease, cause, error)])

    async def complete(self, worker_id: str, kind: str, verified: str, summary: str) -> None:
        job, lease = await self.claim(worker_id, kind)
        if verified == "artifact":
            await self.app.gate.store_bytes(self.name, lease, "report.html", b"<h1>Report</h1>", "html_page")
            await self.check(job, [])
        await self.app.queue.complete(
            self.name, f"worker:{worker_id}", [Completion(lease, verified, summary)]
        )

    async def check(self, job: ClaimedJob, failed: list[Mapping[str, str]]) -> None:
        self.execute(
            "INSERT INTO watchkeeper.artifact_checks (project_id, seq, job_id, epoch, command, failed, passed,"
            " output_hash) VALUES (%s, %s, %s, %s, 'complete', %s, %s, 'h')",
            self.name,
            job.seq,
            job.id,
            job.token.epoch,
            psycopg.types.json.Jsonb(failed),
            not failed,
        )

    def execute(self, statement: str, *values: Any) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode(), values)


async def fill(app: App, url: str, name: str = "p") -> ConsoleProject:
    """Make a project in which every state stands at least once."""
    project = ConsoleProject(app, url, name)
    await app.kinds.ensure_project(name, "Nightly reports")
    for kind in (
        KindDeclaration("build", on_lost=OnLost.REQUEUE),
        KindDeclaration("review", max_attempts=1),
        KindDeclaration("publish"),
        KindDeclaration("notes"),
    ):
        await app.kinds.declare(name, kind, actor=ACTOR)
    await project.worker("w1", ["build", "review", "notes"])
    await project.worker("w2", None, slots=4)
    await _ended(project)
    await _held(project)
    await _alive(project)
    return project


async def _ended(project: ConsoleProject) -> None:
    await project.add("verified", "build", payload={"repository": "site", "branch": "main"})
    await project.complete("w1", "build", "artifact", "Built the page and its report.")
    await project.add("unverified", "notes")
    await project.complete("w1", "notes", "none", "Wrote the notes.")
    await project.add("failed", "review")
    await project.end(
        "w2", "review", AttemptCause.AGENT_ERROR, "the test suite does not start: no module 'site'"
    )
    cancelled = await project.add("cancelled", "notes")
    await project.app.operations.move(
        project.name, str(cancelled), "cancel", actor=ACTOR, reason="not needed any more"
    )


async def _held(project: ConsoleProject) -> None:
    await project.add("stuck", "build")
    job, lease = await project.claim("w2", "build")
    await project.check(
        job,
        [
            {"check": "empty_body", "detail": "report.html has no visible text"},
            {"check": "missing_file", "detail": "tests/report.xml was not uploaded"},
        ],
    )
    await project.app.queue.end(
        project.name, "worker:w2", [AttemptEnd(lease, AttemptCause.GATE, "the gate refused two files")]
    )
    paused = await project.add("paused", "notes")
    await project.app.operations.move(
        project.name, str(paused), "pause", actor=ACTOR, reason="wait for the new style guide"
    )


async def _alive(project: ConsoleProject) -> None:
    await project.add("expired", "review")
    lost, _ = await project.claim("w2", "review")
    project.execute(
        "UPDATE watchkeeper.leases SET renewed_at = renewed_at - interval '90 s',"
        " expires_at = expires_at - interval '90 s' WHERE project_id = %s AND seq = %s",
        project.name,
        lost.seq,
    )
    await project.add("running", "build", payload={"repository": "site", "branch": "dark-mode"})
    running, _ = await project.claim("w1", "build")
    await project.app.desk.progress(running, "12 of 40 pages drawn", "building_artifact", None)
    await project.add("waiting", "archive.old")
    project.execute("UPDATE watchkeeper.workers SET kinds = '{build,review,notes}' WHERE worker_id = 'w2'")
    tomorrow = datetime.now(UTC) + timedelta(hours=20)
    await project.add("scheduled", "publish", run_at=tomorrow)
    await project.add("ready", "build")
