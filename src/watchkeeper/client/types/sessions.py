"""Types: What agents do in their sessions: told by their supervisor, read by people.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class DiagnosisBody(TypedDict):
    """What the classifier says now."""

    action: NotRequired[str]
    because: NotRequired[str]
    evidence: NotRequired[dict[str, Any]]
    failure: NotRequired[str | None]
    park_s: NotRequired[float | None]


class EventBody(TypedDict):
    """One event."""

    event: str
    fields: NotRequired[dict[str, Any]]
    n: int
    source: str
    t: float


class LeftBody(TypedDict):
    """A process that lived on after the end of its session."""

    command: NotRequired[str]
    pid: int
    why: NotRequired[str]


Session = TypedDict(
    "Session",
    {
        "age_s": "NotRequired[float | None]",
        "agent": "NotRequired[str | None]",
        "class": "NotRequired[Any]",
        "cost": "NotRequired[float | None]",
        "ended": "NotRequired[bool | None]",
        "ended_at": "NotRequired[Any]",
        "epoch": "NotRequired[int | None]",
        "id": "NotRequired[str | None]",
        "job_id": "NotRequired[str | None]",
        "kind": "NotRequired[str | None]",
        "last_event": "NotRequired[str | None]",
        "last_event_at": "NotRequired[str | None]",
        "last_number": "NotRequired[int | None]",
        "number": "NotRequired[int | None]",
        "restarts": "NotRequired[int | None]",
        "started_at": "NotRequired[str | None]",
        "state": "NotRequired[str | None]",
        "tokens_used": "NotRequired[int | None]",
        "turns": "NotRequired[int | None]",
        "worker_id": "NotRequired[str | None]",
    },
)


class SessionBody(TypedDict):
    """How a session stands."""

    agent: NotRequired[str | None]
    boot_id: NotRequired[str | None]
    cli_version: NotRequired[str | None]
    cost: NotRequired[float | None]
    diagnosis: NotRequired[DiagnosisBody | None]
    dropped: NotRequired[int | None]
    ended: NotRequired[bool]
    exit_code: NotRequired[int | None]
    exit_signal: NotRequired[int | None]
    failure_class: NotRequired[str | None]
    host_id: NotRequired[str | None]
    interrupted: NotRequired[bool]
    left: NotRequired[list[LeftBody] | None]
    pid: NotRequired[int | None]
    pid_ns: NotRequired[str | None]
    restarts: NotRequired[int | None]
    session: NotRequired[int]
    standing: NotRequired[StandingBody | None]
    start_ticks: NotRequired[int | None]
    state: NotRequired[
        Literal["starting", "running", "waiting", "parked", "probing", "interrupted", "resuming"] | None
    ]
    thread_id: NotRequired[str | None]
    tokens: NotRequired[int | None]
    transcript: NotRequired[str | None]
    turns: NotRequired[int | None]
    unknown: NotRequired[dict[str, Any] | None]
    workspace: NotRequired[str | None]


class SessionEventsBody(TypedDict):
    """`dropped`."""

    dropped: NotRequired[int]
    events: list[EventBody]
    session: NotRequired[int]
    silent_s: NotRequired[float | None]


class SessionsEvent(TypedDict):
    event: NotRequired[str | None]
    fields: NotRequired[SessionsFields | None]
    number: NotRequired[int | None]
    source: NotRequired[str | None]
    t: NotRequired[float | None]


class SessionsEventsAnswer(TypedDict):
    ended: bool
    events: list[SessionsEvent]
    next_after: int
    ok: bool


class SessionsFields(TypedDict):
    text: NotRequired[str | None]


class SessionsInterruptSessionAnswer(TypedDict):
    ok: bool
    repair: SessionsRepair


class SessionsLine(TypedDict):
    event: NotRequired[str | None]
    fields: NotRequired[SessionsFields | None]
    kind: NotRequired[str | None]
    number: NotRequired[int | None]
    source: NotRequired[str | None]
    t: NotRequired[float | None]


class SessionsLinesAnswer(TypedDict):
    earlier: Any
    lines: list[SessionsLine]
    ok: bool


class SessionsListAnswer(TypedDict):
    next_cursor: Any
    ok: bool
    sessions: list[Session]


class SessionsPlan(TypedDict):
    action: NotRequired[str | None]
    authority: NotRequired[str | None]
    blast_radius: NotRequired[str | None]
    preconditions: NotRequired[SessionsPreconditions | None]
    steps: NotRequired[list[str] | None]
    target: NotRequired[SessionsTarget | None]
    undo: NotRequired[str | None]


class SessionsPreconditions(TypedDict):
    epoch: NotRequired[int | None]
    state: NotRequired[str | None]


class SessionsRepair(TypedDict):
    action: NotRequired[str | None]
    actor: NotRequired[str | None]
    authority: NotRequired[str | None]
    created_at: NotRequired[str | None]
    id: NotRequired[str | None]
    plan: NotRequired[SessionsPlan | None]
    plan_digest: NotRequired[str | None]
    reason: NotRequired[str | None]
    result: NotRequired[Any]
    state: NotRequired[str | None]
    trigger: NotRequired[str | None]


class SessionsShowAnswer(TypedDict):
    ok: bool
    session: Session


class SessionsTarget(TypedDict):
    id: NotRequired[str | None]
    what: NotRequired[str | None]


class SessionsTellAnswer(TypedDict):
    ok: bool
    session: Session


class SessionsTellEventsAnswer(TypedDict):
    kept: int
    ok: bool
    session: Session


class StandingBody(TypedDict):
    """How a session stands, in seconds before it was told."""

    no_progress_s: NotRequired[float | None]
    open_tools: NotRequired[int]
    park_left_s: NotRequired[float | None]
    parked_s: NotRequired[float | None]
    repeats: NotRequired[int]
    retrying_s: NotRequired[float | None]
    silent_s: NotRequired[float | None]
    tool: NotRequired[str | None]
    tool_open_s: NotRequired[float | None]
    unreachable: NotRequired[bool]
