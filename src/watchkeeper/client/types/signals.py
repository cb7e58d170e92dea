"""Types: What came from outside to be acted upon.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class Signal(TypedDict):
    id: NotRequired[str | None]
    job_id: NotRequired[str | None]
    route: NotRequired[SignalsRoute | None]
    source: NotRequired[str | None]
    text: NotRequired[str | None]
    topic_key: NotRequired[str | None]


class SignalBody(TypedDict):
    """`kind` is the sender's own word on what the signal becomes."""

    annotations: NotRequired[dict[str, Any]]
    evidence_ref: NotRequired[str | None]
    kind: NotRequired[str | None]
    persona: NotRequired[str | None]
    reason: NotRequired[str | None]
    related_people: NotRequired[list[str]]
    related_projects: NotRequired[list[str]]
    source: str
    text: str
    topic_key: str


class SignalsAdoptionAnswer(TypedDict):
    ok: bool
    signal: Signal


class SignalsChain(TypedDict):
    at: NotRequired[str | None]
    evidence: NotRequired[list[Any] | None]
    link: NotRequired[str | None]
    said: NotRequired[str | None]
    state: NotRequired[str | None]


class SignalsChainAnswer(TypedDict):
    chain: list[SignalsChain]
    ok: bool
    signal: Signal


class SignalsListAnswer(TypedDict):
    next_cursor: Any
    ok: bool
    signals: list[Signal]


class SignalsReceiveAnswer(TypedDict):
    ok: bool
    project_id: str
    signal: Signal


class SignalsRoute(TypedDict):
    by: NotRequired[str | None]
    kind: NotRequired[str | None]
    lesson_id: NotRequired[str | None]
    pool: NotRequired[Any]


class SignalsShowAnswer(TypedDict):
    ok: bool
    signal: Signal


class SignalsValueAnswer(TypedDict):
    ok: bool
    signal: Signal


class ToldBody(TypedDict):
    """What people say of what a signal led to."""

    evidence_ref: NotRequired[str | None]
    reason: NotRequired[str | None]
    text: str
