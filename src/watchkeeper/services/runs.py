"""The record of what attempts say while they run: phases, messages and payloads, without secrets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.redaction import MAX_KEPT_CHARS, Redactor
from watchkeeper.services.enqueueing import json_text
from watchkeeper.storage.database import Connection, fetch


@dataclass(frozen=True, slots=True)
class Attempt:
    """Whose record it is."""

    project_id: str
    worker_id: str
    job_id: str
    epoch: int


async def record_run(
    connection: Connection,
    redactor: Redactor,
    attempt: Attempt,
    phase: str,
    message: str | None = None,
    payload: Any = None,
) -> None:
    """Keep what an attempt says; raise UsageError for a payload that is not JSON."""
    await fetch(
        connection,
        "record_worker_run",
        {
            "project_id": attempt.project_id,
            "worker_id": attempt.worker_id,
            "job_id": attempt.job_id,
            "epoch": attempt.epoch,
            "phase": phase,
            "status": "ok",
            "message": None if message is None else redactor.redact(message)[:MAX_KEPT_CHARS],
            "payload": None if payload is None else json_text(redactor.redact_data(payload), "payload"),
        },
    )
