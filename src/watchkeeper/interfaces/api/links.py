"""Where an answer leads: operations whose subject another operation has just made or listed."""

from __future__ import annotations

from typing import Any

_JOB = ("show", "timeline", "marks", "cancel", "pause", "resume", "fail", "requeue")
_HELD = ("context", "progress", "verify", "complete", "fail", "release")

_LEADS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "jobs_enqueue": ("job", "/job/id", tuple(f"jobs_{act}" for act in _JOB)),
    "jobs_list": ("job", "/jobs/0/id", ("jobs_show", "jobs_timeline", "jobs_marks")),
    "jobs_requeue": ("job", "/job/id", ("jobs_show", "jobs_cancel")),
    "incidents_report": (
        "incident_id",
        "/incident/id",
        tuple(f"incidents_{act}" for act in ("show", "story", "export", "acknowledge", "quiet", "resolve")),
    ),
    "incidents_list": ("incident_id", "/incidents/0/id", ("incidents_show", "incidents_story")),
    "repairs_ask": (
        "repair_id",
        "/repair/id",
        tuple(f"repairs_{act}" for act in ("show", "approve", "reject", "withdraw", "roll_back")),
    ),
    "repairs_list": ("repair_id", "/repairs/0/id", ("repairs_show",)),
    "lessons_learn": ("lesson_id", "/lesson/id", ("lessons_show", "lessons_publish", "lessons_retire")),
    "proposals_make": (
        "proposal_id",
        "/proposal/id",
        tuple(f"proposals_{act}" for act in ("show", "accept", "reject", "undo")),
    ),
    "people_ask": ("sync_id", "/people_sync/id", ("people_show", "people_answer")),
    "signals_receive": (
        "signal_id",
        "/signal/id",
        tuple(f"signals_{act}" for act in ("show", "chain", "adoption", "value")),
    ),
    "bulk_begin": ("act_id", "/bulk_act/id", ("bulk_show", "bulk_stop")),
    "windows_open": ("window_id", "/maintenance_window/id", ("windows_close",)),
    "tokens_make": ("token_id", "/token/id", ("tokens_rotate", "tokens_revoke")),
    "views_save": ("view_id", "/view/id", ("views_remove",)),
    "shares_make": ("share_id", "/share/id", ("shares_revoke",)),
    "worker_register": (
        "worker_id",
        "/worker_id",
        ("watchdog_worker_status", "workers_drain", "workers_resume"),
    ),
    "sessions_list": ("session_id", "/sessions/0/id", ("sessions_show", "sessions_events", "sessions_lines")),
    "alerts_list": ("alert_id", "/alerts/0/id", ("alerts_show", "alerts_acknowledge")),
    "reconcile_list": ("item_id", "/items/0/id", ("reconcile_decide",)),
}
"""Of each: the parameter that is found in its answer, where, and the operations that take it."""


def _link(target: str, parameters: dict[str, str]) -> dict[str, Any]:
    return {"operationId": target, "parameters": parameters}


LINKS: dict[str, dict[str, Any]] = {
    source: {target: _link(target, {name: f"$response.body#{at}"}) for target in targets}
    for source, (name, at, targets) in _LEADS.items()
} | {
    "worker_claim": {
        f"worker_{act}": _link(
            f"worker_{act}",
            {"job": "$response.body#/job/id", "Watchkeeper-Lease": "$response.body#/job/lease_token"},
        )
        for act in _HELD
    }
}
"""What the document says under `links`, by the operation whose answer it is."""
