"""Backups for the tests that take one, restore one, or look at what came back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.app import whole as root
from watchkeeper.app.whole import App
from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.settings import Settings
from watchkeeper.storage.jobs import Completion, HeldLease


def silent(sentence: str) -> None:
    """Nobody waits in front of a test."""


@asynccontextmanager
async def at(url: str, home: Path) -> AsyncIterator[App]:
    async with root.running(Settings(home=home, database_url=url), migrated=False) as app:
        yield app


def lease_of(job: ClaimedJob) -> HeldLease:
    return HeldLease(job.seq, job.epoch, job.token.secret_hash)


@dataclass
class Before:
    """What stood in the backed-up database."""

    running: ClaimedJob
    ready: str
    completed: str
    path: Path


async def stored(app: App, job: ClaimedJob, content: bytes) -> str:
    """Keep a file as an artifact of a job that is held; give its hash."""
    blob = app.artifacts.put("p", [content])
    token = job.token.secret_hash
    await app.database.fetch(
        "add_artifact",
        {
            "project_id": "p",
            "seq": job.seq,
            "epoch": job.epoch,
            "token_hash": token,
            "kind": "html_page",
            "name": "index.html",
            "title": None,
            "media_type": "text/html",
            "sha256": blob.sha256,
            "bytes": blob.bytes,
            "secret_suspected": False,
        },
    )
    return blob.sha256


async def prepared(app: App, path: Path) -> Before:
    """One job runs, one is ready, one completed with a stored file; a backup of that."""
    made = await app.queue.enqueue("p", [JobRequest("k", {"n": n}) for n in range(3)], actor="t")
    done, running = await app.queue.claim("p", "w", None, limit=2, profile="runtime")
    await stored(app, done, b"<p>one</p>")
    await app.queue.complete("p", "worker:w", [Completion(lease_of(done))])
    await app.backups.take(path, silent)
    return Before(running, made[2].id, done.id, path)


async def state(app: App, job: str) -> tuple[str, str | None]:
    row = await app.insights.job("p", job)
    return row["state"], row["state_reason"]
