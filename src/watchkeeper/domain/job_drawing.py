"""A job's life as marks in the rows of one drawing, from the records that are kept of it. Pure.

A mark's facts say `what` it is of, and what the record tells: `event`, `said`, `who`, `epoch`, and what leads to its
evidence: `id`, or `session` and `number`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from watchkeeper.domain.drawn_marks import Mark

ROWS = ("queue", "attempt", "lease", "session", "tool", "helper", "gate", "incident", "repair")
"""The rows of the drawing from above; one without marks is left out."""

Record = Mapping[str, Any]

WAITS = {"pending": "wait", "stuck": "bad", "paused": "warn"}
ATTEMPTS = {"running": "run", "failed": "bad", "stuck": "bad", "lost": "bad", "paused": "warn"}
REPAIRS = {
    "succeeded": "ok",
    "failed": "bad",
    "needs_human": "bad",
    "proposed": "warn",
    "approved": "run",
    "executing": "run",
}
INCIDENTS = {"critical": "bad", "high": "bad"}
TROUBLES = frozenset({"retrying", "limited", "waits"})
OF_LEASES = frozenset({"claimed", "renewed", "released", "expired", "taken_over"})
LASTING = frozenset({"attempt", "incident", "repair", "session"})
"""Records that last until they say otherwise."""

CAME_OR_WENT = frozenset({"job_claimed", "jobs_enqueued", "job_enqueued"})
"""Audit rows that the rows of waits and attempts draw already."""


def marks_of(job: Record, records: Iterable[Record], events: Iterable[Record], now: datetime) -> list[Mark]:
    """Give all marks of a job; `records` and `events` may come in any order of time, events of a session in theirs."""
    in_order = sorted(records, key=lambda record: record["at"])
    marks = [mark for record in in_order for mark in _of_record(record, now)]
    marks += _waits(job, [record for record in in_order if record["what"] == "attempt"], now)
    return marks + list(_of_events(list(events), now))


def _of_record(record: Record, now: datetime) -> Iterator[Mark]:
    event, said = record["event"], record["said"]
    if record["what"] in LASTING and record["until"] is None:
        record = {**record, "until": now, "open": True}
    match record["what"]:
        case "attempt":
            yield _mark("attempt", record, ATTEMPTS.get(event, "stopped"))
            yield _mark("lease", record, "bad" if event == "lost" else "run", what="lease")
        case "lease":
            yield _mark("lease", {**record, "until": None}, "ok", what="renewal")
        case "heartbeat":
            yield _mark("lease", record, "ok")
        case "audit" if event not in CAME_OR_WENT:
            yield _mark("queue", record, "stopped")
        case "helper":
            yield _mark("helper", record, "run" if said is None else "bad")
        case "check":
            yield _mark("gate", record, "ok" if said == "passed" else "bad")
        case "incident":
            yield _mark("incident", record, INCIDENTS.get(said, "warn"))
        case "repair":
            yield _mark("repair", record, REPAIRS.get(said, "stopped"))
        case "session":
            yield _mark("session", record, "run" if said is None else "warn")


def _waits(job: Record, attempts: Sequence[Record], now: datetime) -> Iterator[Mark]:
    """Give the spans in which nobody held the job. Of attempts that are not given nothing is known but their end."""
    begin, state = job["created_at"], "pending"
    if attempts and (attempts[0]["epoch"] or 1) > 1:
        begin = attempts[0]["at"]
    for attempt in attempts:
        yield from _wait(begin, attempt["at"], state)
        if attempt["until"] is None:
            return
        begin, state = attempt["until"], attempt["event"] if attempt["event"] in WAITS else "pending"
    if job["state"] in WAITS:
        yield from _wait(begin, now, job["state"])
    elif job["finished_at"] is not None:
        yield from _wait(begin, job["finished_at"], state)


def _wait(begin: datetime, end: datetime, state: str) -> Iterator[Mark]:
    if end > begin:
        record = {"what": "wait", "at": begin, "until": end, "event": state}
        yield _mark("queue", record, WAITS[state])


def _of_events(events: Sequence[Record], now: datetime) -> Iterator[Mark]:
    """Give tool calls with their ends where every event was read, else a mark for each event that was."""
    opened: dict[tuple[Any, Any], Record] = {}
    for event in events:
        me = (event["session_id"], event["call"])
        match event["source"], event["event"]:
            case "stdout", "tool_opened" if event["step"] == 1:
                opened[me] = event
            case "stdout", "tool_closed" if event["step"] == 1:
                if (begun := opened.pop(me, None)) is not None:
                    yield _seen("tool", begun, "bad" if event["failed"] else "run", until=event["at"])
            case "stdout", "tool_opened" | "tool_closed":
                yield _seen("tool", event, "bad" if event["failed"] else "run")
            case "stdout", name if name in TROUBLES:
                yield _seen("session", event, "warn")
            case "stdout", "turn_ended" if event["failed"]:
                yield _seen("session", event, "bad")
            case "watch", "diagnosis":
                yield _seen("session", event, "warn")
            case "lease", change if change in OF_LEASES:
                yield _seen("lease", event, "bad" if change == "expired" else "ok")
    for begun in opened.values():
        yield _seen("tool", begun, "run", until=now)


def _seen(row: str, event: Record, tone: str, until: datetime | None = None) -> Mark:
    record = {"what": row, "at": event["at"], "until": until, "event": event["tool"] or event["event"]}
    return _mark(row, {**record, "session": event["session_id"], "number": event["number"]}, tone)


def _mark(row: str, record: Record, tone: str, what: str | None = None) -> Mark:
    until = record.get("until")
    facts = {
        name: value for name, value in record.items() if name not in ("at", "until") and value is not None
    }
    ends = None if until is None else max(until, record["at"]).timestamp()
    return Mark(row, record["at"].timestamp(), ends, tone, facts | {"what": what or record["what"]})
