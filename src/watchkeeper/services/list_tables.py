"""Lists as flat tables: which facts of a row go into a spreadsheet, in which order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from watchkeeper.services.report_tables import AUDIT_COLUMNS, as_csv

LISTS: dict[str, tuple[str, ...]] = {
    "jobs": (
        *(
            "id",
            "kind",
            "state",
            "state_reason",
            "code",
            "verified",
            "summary",
            "priority",
            "epoch",
            "worker_id",
        ),
        *(
            "phase",
            "external_id",
            "retry_of",
            "created_at",
            "run_at",
            "started_at",
            "state_since",
            "finished_at",
        ),
    ),
    "incidents": (
        *(
            "id",
            "rule",
            "severity",
            "state",
            "cause",
            "cause_id",
            "job_id",
            "worker_id",
            "kind",
            "occurrences",
        ),
        *("owner", "next_action", "due_at", "opened_at", "last_seen_at", "resolved_at", "acknowledged_by"),
        *("acknowledged_until", "quiet_until"),
    ),
    "repairs": (
        *("id", "action", "state", "result", "trigger", "authority", "actor", "job_id", "worker_id", "kind"),
        *("incident_id", "reason", "blast_radius", "undo", "created_at", "expires_at", "ended_at"),
    ),
    "workers": (
        *("worker_id", "origin", "health", "profile", "slots", "holding", "kinds", "role", "pool", "persona"),
        *(
            "host_id",
            "version",
            "draining",
            "stopped_at",
            "stop_reason",
            "registered_at",
            "last_seen_at",
            "gone_at",
        ),
    ),
    "sessions": (
        *("id", "agent", "state", "class", "job_id", "external_id", "kind", "epoch", "worker_id", "turns"),
        *("restarts", "tokens_used", "cost", "started_at", "last_event", "last_event_at", "ended_at"),
    ),
    "alerts": (
        *(
            "id",
            "state",
            "severity",
            "stage",
            "channel",
            "recipient",
            "subject",
            "body",
            "incident_id",
            "attempts",
        ),
        *("created_at", "due_at", "held_reason", "sent_at", "dropped_at", "drop_reason", "last_error"),
        *("acknowledged_by", "acknowledged_at"),
    ),
    "proposals": (
        *("id", "kind", "adoption_status", "decision", "problem", "recommendation", "author", "occurrences"),
        *("incident_id", "job_id", "created_at", "last_seen_at", "decided_by", "decided_at"),
    ),
    "lessons": (
        *("id", "state", "topic_key", "kind", "learned", "next_worker_should_check", "author", "confirmed"),
        *("refuted", "published_by", "published_at", "created_at"),
    ),
    "events": AUDIT_COLUMNS,
}
"""The columns of each list."""


def list_as_csv(name: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """Write rows of a list as CSV."""
    return as_csv(LISTS[name], rows)
