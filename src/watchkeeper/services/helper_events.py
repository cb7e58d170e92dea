"""Helper events: what a contract worker's commands answered, kept redacted, as evidence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from watchkeeper.domain.findings import Finding
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.redaction import MAX_KEPT_CHARS, Redactor
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.services.holding import job_row
from watchkeeper.services.incident_record import record_finding
from watchkeeper.storage.database import Database, Row, fetch_row


@dataclass(frozen=True, slots=True)
class HelperEvent:
    """One execution of a contract command.

    `worker_id` None means: whoever held `job` under `epoch`. `by_agent` says that a job token was used. `secrets` are
    the kinds of those that were taken out of what was said with it.
    """

    command: str
    exit_code: int
    answer: dict[str, Any]
    worker_id: str | None = None
    job: str | None = None
    epoch: int | None = None
    by_agent: bool = False
    secrets: Sequence[str] = ()


class HelperEvents:
    """Keeps events of contract workers; a runtime worker's own calls are its supervisor's: left out."""

    def __init__(self, database: Database, redactor: Redactor, policy: Callable[[], Policy] = Policy) -> None:
        self._database = database
        self._redactor = redactor
        self._policy = policy

    async def record(self, project_id: str, event: HelperEvent) -> None:
        """Keep one execution: its output redacted and cut, the hash of what is kept; secrets in it are an incident."""
        output = self._redacted(event.answer)
        error = event.answer.get("error")
        async with self._database.transaction() as connection:
            row = await job_row(connection, project_id, event.job) if event.job else None
            kept = await fetch_row(
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
            if event.secrets:
                found = _exposed(project_id, event, kept, None if row is None else row["id"])
                await record_finding(connection, found, self._policy())

    def _redacted(self, answer: dict[str, Any]) -> str:
        job = answer.get("job")
        if isinstance(job, dict) and "lease_token" in job:
            answer = {**answer, "job": {**job, "lease_token": "[redacted:lease_token]"}}
        if "jobs" in answer:
            answer = {key: value for key, value in answer.items() if key != "jobs"}
        text = json.dumps(self._redactor.redact_data(answer), sort_keys=True, ensure_ascii=False)
        return self._redactor.redact(text)[:MAX_KEPT_CHARS]


def _exposed(project_id: str, event: HelperEvent, kept: Row, job_id: UUID | None) -> Finding:
    """Give what is found where a secret stood in what was said: its kinds, never the text."""
    worker = kept["worker_id"]
    return Finding(
        project_id,
        RuleName.SECRET_EXPOSED,
        ("worker", worker) if worker else ("job", str(job_id or event.job or event.command)),
        kept["now"],
        event.secrets[0],
        {"command": event.command, "kinds": list(event.secrets), "by_agent": event.by_agent},
        kept["id"] and f"helper_event:{kept['id']}",
        job_id,
        worker,
    )
