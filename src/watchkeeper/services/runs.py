"""The record of what attempts say while they run: phases, messages and payloads, without secrets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.redaction import KIND, TAKEN_OUT, Redactor
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
    *,
    told: Iterable[str] = (),
) -> None:
    """Keep what an attempt says, and which kinds of secrets were taken out of it; `told` were taken out before.

    Raises UsageError for a payload that is not JSON.
    """
    taken = set(told)
    kept = None if message is None else redactor.kept(message, taken=taken)
    data = None if payload is None else json_text(redactor.redact_data(payload, taken), "payload")
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
            "message": kept,
            "payload": data,
            "redacted": sorted(taken),
        },
    )


def told_by_supervisor(payload: Any) -> list[str]:
    """Read the kinds of secrets that a supervisor took out of its agent's output, as it tells them."""
    told = payload.get(TAKEN_OUT) if isinstance(payload, dict) else None
    return (
        [kind for kind in told if isinstance(kind, str) and KIND.fullmatch(kind)]
        if isinstance(told, list)
        else []
    )
