"""One incident as a document for somebody outside: JSON for programs, Markdown for people, redacted once more."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import JobNotFound
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.incident_reading import IncidentReading
from watchkeeper.services.insights import Insights

SCHEMA = "watchkeeper_incident_v1"
FACTS = (
    "id",
    "project_id",
    "rule",
    "cause",
    "severity",
    "state",
    "owner",
    "next_action",
    "due_at",
    "job_id",
    "external_id",
    "worker_id",
    "kind",
    "occurrences",
    "opened_at",
    "last_seen_at",
    "resolved_at",
    "resolved_by",
    "policy_version",
    "policy_digest",
)


class IncidentExport:
    """Writes incidents out."""

    def __init__(self, reading: IncidentReading, insights: Insights, redactor: Redactor) -> None:
        self._reading = reading
        self._insights = insights
        self._redactor = redactor

    async def export(self, project_id: str, incident_id: UUID) -> dict[str, Any]:
        """Give `document` and the same as `markdown`; raise NotFound."""
        incident = await self._reading.show(project_id, incident_id)
        told = await self._reading.trail(incident)
        found = {
            "schema_version": SCHEMA,
            "incident": incident,
            **told,
            **await self._job(project_id, incident["job_id"]),
        }
        document = self._redactor.redact_data(json.loads(json.dumps(found, default=_plain)))
        return {"document": document, "markdown": self._redactor.redact(markdown(document))}

    async def _job(self, project_id: str, job_id: UUID | None) -> dict[str, Any]:
        """Give the job and its timeline; neither payload nor numbers, nor a job that retention took."""
        if job_id is None:
            return {"job": None, "timeline": []}
        try:
            job = await self._insights.job(project_id, str(job_id))
            timeline = await self._insights.timeline(project_id, str(job_id))
        except JobNotFound:
            return {"job": None, "timeline": []}
        kept = {name: value for name, value in job.items() if name not in ("payload", "seq")}
        return {"job": kept, "timeline": [_without_number(row) for row in timeline]}


def markdown(document: Mapping[str, Any]) -> str:
    """Write an exported document for people."""
    incident = document["incident"]
    parts = [
        f"# {incident['rule']}: {incident['sentence'] or ''}".rstrip(": "),
        _list((name, incident[name]) for name in FACTS if incident[name] is not None),
        f"It closes when {incident['closes_when']}. Runbook: {incident['runbook']}.",
        _block("Evidence", incident["evidence"]),
        _block("First evidence", incident["first_evidence"]),
        _block("Why it is over", incident["pass_evidence"]),
        _rows("Symptoms", incident["symptoms"], "opened_at", "rule", "state", "cause"),
        _rows("Before", incident["recurrences"], "opened_at", "resolved_at", "occurrences"),
        _rows("Repairs", incident["repairs"], "created_at", "action", "state", "actor", "reason"),
        _rows("Who was told", document["alerts"], "created_at", "channel", "recipient", "sent_at"),
        _rows("What was done", document["trail"], "at", "event", "actor", "reason"),
        _rows("The job", document["timeline"], "at", "event", "actor", "old_state", "new_state"),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _list(facts: Iterable[tuple[str, Any]]) -> str:
    return "\n".join(f"- {name}: {_line(value)}" for name, value in facts)


def _block(title: str, data: Any) -> str:
    if not data:
        return ""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    return f"## {title}\n\n" + "\n".join(f"    {line}" for line in text.splitlines())


def _rows(title: str, rows: list[Mapping[str, Any]], *columns: str) -> str:
    """Write a table; cells are cut to a line, so that no text of an agent's can make up rows or headings."""
    if not rows:
        return ""
    head = f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"
    body = "\n".join(f"| {' | '.join(_line(row.get(name)) for name in columns)} |" for row in rows)
    return f"## {title}\n\n{head}\n{body}"


def _line(value: Any) -> str:
    text = "" if value is None else str(value)
    return " ".join(text.split())[:300].replace("|", "\\|").replace("[", "\\[").replace("<", "&lt;")


def _without_number(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("seq", "job_seq")}


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
