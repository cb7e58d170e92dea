"""Helper events: what a contract worker's commands answered, kept redacted, as evidence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from watchkeeper.domain.findings import Finding, of_worker_and_job
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.services.holding import job_row
from watchkeeper.services.incident_record import record_finding
from watchkeeper.storage.database import Database, Row, fetch_row


@dataclass(frozen=True, slots=True)
class HelperEvent:
    """One execution of a contract command.

    `worker_id` None means: whoever held `job` under `epoch`, as `token_hash` proves, or a job token that is
    `bound_to` this job's number. `secrets` are the kinds of those that were taken out of what was said with it.
    """

    command: str
    exit_code: int
    answer: dict[str, Any]
    worker_id: str | None = None
    job: str | None = None
    epoch: int | None = None
    token_hash: bytes | None = None
    bound_to: int | None = None
    secrets: Sequence[str] = ()


class HelperEvents:
    """Keeps events of contract workers; a runtime worker's own calls are its supervisor's: left out."""

    def __init__(self, database: Database, redactor: Redactor, policy: Callable[[], Policy] = Policy) -> None:
        self._database = database
        self._redactor = redactor
        self._policy = policy

    async def record(self, project_id: str, event: HelperEvent) -> None:
        """Keep one execution: its output redacted and cut, the hash of what is kept; secrets in it are an incident.

        What somebody says of a job that they never held is kept as nobody's, and is no incident of its holder.
        """
        taken = set(event.secrets)
        output = self._redacted(event.answer, taken)
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
                    "token_hash": event.token_hash,
                    "by_agent": event.bound_to is not None,
                    "is_bound": row is not None and event.bound_to == row["seq"],
                    "command": event.command,
                    "exit_code": event.exit_code,
                    "output": output,
                    "output_hash": hashlib.sha256(output.encode()).hexdigest(),
                    "error_code": error["code"] if isinstance(error, dict) else None,
                    "redacted": sorted(taken),
                },
            )
            if taken and kept["worker_id"] is not None:
                found = _exposed(project_id, event, sorted(taken), kept, None if row is None else row["id"])
                await record_finding(connection, found, self._policy())

    def _redacted(self, answer: dict[str, Any], taken: set[str]) -> str:
        """Give what is kept of an answer. A secret in a job's payload was given to the worker, and not told by it."""
        shown = {key: value for key, value in answer.items() if key != "jobs"}
        payload = None
        if isinstance(job := shown.get("job"), dict):
            payload = self._redactor.redact_data(job.get("payload"))
            token = {"lease_token": "[redacted:lease_token]"} if "lease_token" in job else {}
            shown["job"] = {key: value for key, value in job.items() if key != "payload"} | token
        told = self._redactor.redact_data(shown, taken)
        text = self._redactor.kept(json.dumps(told, sort_keys=True, ensure_ascii=False), taken=taken)
        if payload is None:
            return text
        told["job"]["payload"] = payload
        return self._redactor.kept(json.dumps(told, sort_keys=True, ensure_ascii=False))


def _exposed(
    project_id: str, event: HelperEvent, kinds: Sequence[str], kept: Row, job_id: UUID | None
) -> Finding:
    """Give what is found where a secret stood in what was said: its kinds, never the text."""
    return Finding(
        project_id,
        RuleName.SECRET_EXPOSED,
        of_worker_and_job(kept["worker_id"], job_id),
        kept["now"],
        kinds[0],
        {"command": event.command, "secrets": list(kinds), "by_agent": event.bound_to is not None},
        kept["id"] and f"helper_event:{kept['id']}",
        job_id,
        kept["worker_id"],
    )
