"""A recorded session in the form of the truth corpus: a label to be filled in, then what was seen, in order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

UNLABELLED = "unlabelled"
FORM = "watchkeeper_session_v1"
HEADER = (
    "agent",
    "cli_version",
    "kind",
    "turns",
    "restarts",
    "tokens_used",
    "cost",
    "exit_code",
    "exit_signal",
    "unknown_kinds",
    "events_dropped",
    "started_at",
    "ended_at",
)


def recording(session: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Give the label with a header, then the rows.

    What the watchdog held of the session stands in the header, not among the rows, which are there to judge it.
    """
    rows: list[dict[str, Any]] = []
    diagnoses: list[dict[str, Any]] = []
    last = 0.0
    for event in events:
        last = max(last, event["t"] or 0.0)
        row = {"t": event["t"] or 0.0, **{name: event[name] for name in ("source", "event", "fields")}}
        (diagnoses if row["source"] == "watch" else rows).append(row)
    rows.sort(key=lambda row: row["t"])
    yield {"label": label(session), "header": _header(session) | {"diagnoses": diagnoses}}
    yield from rows
    yield {"t": last, "source": "clock", "event": "end", "fields": {}}


def label(session: Mapping[str, Any]) -> dict[str, Any]:
    """Give the stub of a label: what a person still has to say stands as `unlabelled` or null."""
    held = session.get("diagnosis") or {}
    minutes = session.get("tool_limit_minutes")
    return {
        "class": UNLABELLED,
        "agent": session["agent"],
        "cli_version": session["cli_version"],
        "stuck": None,
        "onset_t": None,
        "latest_useful_t": None,
        "right_action": None,
        "forbidden_actions": [],
        "started_at": session.get("started_at"),
        "tool_limit_seconds": None if minutes is None else 60 * minutes,
        "note": f"to be labelled; the watchdog held it for {held.get('failure') or 'healthy'}",
    }


def _header(session: Mapping[str, Any]) -> dict[str, Any]:
    return {"form": FORM, "session": session["id"], **{name: session.get(name) for name in HEADER}}
