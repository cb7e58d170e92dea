"""Signals: which kind of job a message becomes, and how far its chain has come."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

DEFAULT_KIND = "signal"
"""What a signal becomes where nothing says otherwise."""

MAX_TEXT_CHARS = 20_000
MAX_RELATED = 100
MAX_ANNOTATIONS_CHARS = 16_000

_NO_PROJECT_SIGN = re.compile(r"[^a-z0-9_.-]+")


class LinkState(StrEnum):
    DONE = "done"
    NOT_YET = "not_yet"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Signal:
    """An incoming message. `kind` is the caller's own word on what it becomes."""

    source: str
    topic_key: str
    text: str
    evidence_ref: str | None = None
    related_people: tuple[str, ...] = ()
    related_projects: tuple[str, ...] = ()
    annotations: Mapping[str, Any] = field(default_factory=dict)
    persona: str | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Which kind of job a signal becomes, and why: `request`, `lesson`, `topic` or `default`."""

    kind: str
    by: str
    lesson_id: str | None = None
    pool: str | None = None

    def to_json(self) -> dict[str, str | None]:
        return {"kind": self.kind, "by": self.by, "lesson_id": self.lesson_id, "pool": self.pool}


def project_of_topic(topic_key: str) -> str | None:
    """Give the name of the project that a topic's signals go to where none is named; None where it makes no name."""
    name = _NO_PROJECT_SIGN.sub("-", topic_key.casefold()).strip("-._")[:63]
    return name or None


def choose_route(
    signal: Signal,
    lesson: Mapping[str, Any] | None,
    declared: Sequence[str],
    pool_kinds: Sequence[str],
) -> Route:
    """Choose the kind: the caller's, the lesson's, that of the lesson's pool, the one named as the topic, `signal`.

    `declared` are the kinds of the project, `pool_kinds` those that workers of the lesson's pool declare.
    """
    if signal.kind is not None:
        return Route(signal.kind, "request")
    if lesson is not None:
        known = {"lesson_id": str(lesson["id"]), "pool": lesson["route_pool"]}
        if lesson["route_kind"] is not None:
            return Route(lesson["route_kind"], "lesson", **known)
        if pool_kinds:
            kind = signal.topic_key if signal.topic_key in pool_kinds else min(pool_kinds)
            return Route(kind, "lesson", **known)
    if signal.topic_key in declared:
        return Route(signal.topic_key, "topic")
    return Route(DEFAULT_KIND, "default")


def chain_of(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the links signal, artifact, adoption, reliability, value, each with its evidence or why it is not yet there.

    `facts` is the row of the query `signal_chain`.
    """
    return [
        _link("signal", LinkState.DONE, facts["received_at"], [facts["evidence_ref"]], facts["text"]),
        _artifact(facts),
        _told("adoption", facts["adoption"], facts["adopted_at"], facts["adoption_ref"], facts["adopted_by"]),
        _reliability(facts),
        _told("value", facts["value"], facts["valued_at"], facts["value_ref"], facts["valued_by"]),
    ]


def _artifact(facts: Mapping[str, Any]) -> dict[str, Any]:
    if facts["verified"] == "artifact":
        evidence = [facts["artifact_url"], _ref("artifact_check", facts["check_id"])]
        return _link("artifact", LinkState.DONE, facts["finished_at"], evidence, facts["summary"])
    if facts["job_state"] in ("failed", "cancelled"):
        why = (
            f"the job {facts['job_state']}: {facts['summary'] or facts['state_reason'] or 'no reason given'}"
        )
        return _link("artifact", LinkState.FAILED, facts["finished_at"], [_ref("job", facts["job_id"])], why)
    if facts["job_state"] == "completed":
        why = "the job completed, and no artifact of it was verified"
        return _link("artifact", LinkState.FAILED, facts["finished_at"], [_ref("job", facts["job_id"])], why)
    state = facts["job_state"] or "gone"
    return _link("artifact", LinkState.NOT_YET, None, [], f"the job is {state}")


def _reliability(facts: Mapping[str, Any]) -> dict[str, Any]:
    incidents = [_ref("incident", incident) for incident in facts["incidents"]]
    if facts["open_incidents"]:
        why = f"{facts['open_incidents']} of {facts['incident_count']} incidents are open"
        return _link("reliability", LinkState.NOT_YET, None, incidents, why)
    if facts["verified"] != "artifact":
        return _link("reliability", LinkState.NOT_YET, None, incidents, "nothing was verified")
    attempts, found = facts["attempts"], facts["incident_count"]
    said = f"verified after {attempts} attempt{'s' * (attempts != 1)}; {found} incidents, all resolved"
    checks = [_ref("artifact_check", facts["check_id"])]
    return _link("reliability", LinkState.DONE, facts["finished_at"], [*checks, *incidents], said)


def _told(
    name: str, said: str | None, at: datetime | None, evidence: str | None, by: str | None
) -> dict[str, Any]:
    if said is None:
        return _link(name, LinkState.NOT_YET, None, [], "nobody has said so")
    return {**_link(name, LinkState.DONE, at, [evidence], said), "by": by}


def _link(
    name: str, state: LinkState, at: datetime | None, evidence: Sequence[str | None], said: str | None
) -> dict[str, Any]:
    shown = [ref for ref in evidence if ref]
    return {"link": name, "state": state.value, "at": at, "evidence": shown, "said": said}


def _ref(what: str, identity: object) -> str | None:
    return None if identity is None else f"{what}:{identity}"
