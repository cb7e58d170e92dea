"""Helper events: what a contract worker's commands answered, kept redacted, as evidence."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.redaction import MAX_KEPT_CHARS, Redactor
from watchkeeper.services.holding import job_row
from watchkeeper.storage.database import Database, fetch


@dataclass(frozen=True, slots=True)
class HelperEvent:
    """One execution of a contract command.

    `worker_id` None means: whoever held `job` under `epoch`. `by_agent` says that a job token was used.
    """

    command: str
    exit_code: int
    answer: dict[str, Any]
    worker_id: str | None = None
    job: str | None = None
    epoch: int | None = None
    by_agent: bool = False


class HelperEvents:
    """Keeps events of contract workers; a runtime worker's own calls are its supervisor's: left out."""

    def __init__(self, database: Database, redactor: Redactor) -> None:
        self._database = database
        self._redactor = redactor

    async def record(self, project_id: str, event: HelperEvent) -> None:
        """Keep one execution: its output redacted and cut, the hash of what is kept."""
        output = self._redacted(event.answer)
        error = event.answer.get("error")
        async with self._database.transaction() as connection:
            row = await job_row(connection, project_id, event.job) if event.job else None
            await fetch(
                connection,
                "record_helper_event",
                {
                    "project_id": project_id,
                    "worker_id": event.worker_id,
                    "job_id": row and row["id"],
                    "seq": row and row["seq"],
                    "epoch": event.epoch,
                    "by_agent": event.by_agent,
                    "command": event.command,
                    "exit_code": event.exit_code,
                    "output": output,
                    "output_hash": hashlib.sha256(output.encode()).hexdigest(),
                    "error_code": error["code"] if isinstance(error, dict) else None,
                },
            )

    def _redacted(self, answer: dict[str, Any]) -> str:
        job = answer.get("job")
        if isinstance(job, dict) and "lease_token" in job:
            answer = {**answer, "job": {**job, "lease_token": "[redacted:lease_token]"}}
        if "jobs" in answer:
            answer = {key: value for key, value in answer.items() if key != "jobs"}
        text = json.dumps(self._redactor.redact_data(answer), sort_keys=True, ensure_ascii=False)
        return self._redactor.redact(text)[:MAX_KEPT_CHARS]
